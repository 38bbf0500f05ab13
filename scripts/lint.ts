// Everything that a program can say about the sources, each check to its end, then the verdict.
import { spawnSync } from 'node:child_process'
import { ROOT } from './source-tree.js'

const BIN = `${ROOT}node_modules/.bin/`

const CHECKS: readonly { name: string; command: readonly string[] }[] = [
  { name: 'formatter', command: [`${BIN}prettier`, '--check', '--log-level=warn', '.'] },
  { name: 'types', command: [`${BIN}tsc`, '-p', '.'] },
  { name: 'boundaries', command: [`${BIN}tsx`, 'scripts/check-boundaries.ts'] },
  { name: 'habits', command: [`${BIN}tsx`, 'scripts/check-files.ts'] },
  { name: 'generated code', command: [`${BIN}tsx`, 'scripts/generate.ts', '--check'] },
]

function isGood({ command: [file = '', ...args] }: (typeof CHECKS)[number]): boolean {
  return spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' }).status === 0
}

const failed = CHECKS.filter(check => !isGood(check))
console.log(failed.length === 0 ? 'lint: good' : `lint: not good: ${failed.map(({ name }) => name).join(', ')}`)
if (failed.length > 0) process.exitCode = 1
