// Everything that a program can say about the sources, each check to its end, then the verdict.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { ROOT } from './source-tree.js'

const BIN = `${ROOT}node_modules/.bin/`

const GENERATE = 'scripts/generate.ts'

const CHECKS: readonly { name: string; command: readonly string[] }[] = [
  { name: 'formatter', command: [`${BIN}prettier`, '--check', '--log-level=warn', '.'] },
  { name: 'types', command: [`${BIN}tsc`, '-p', '.'] },
  { name: 'boundaries', command: [`${BIN}tsx`, 'scripts/check-boundaries.ts'] },
  { name: 'habits', command: [`${BIN}tsx`, 'scripts/check-files.ts'] },
  { name: 'generated code', command: [`${BIN}tsx`, GENERATE, '--check'] },
]

/** Nothing is to be compared while nothing is generated; with a `generated` folder the script must be there. */
const hasGenerated = (folder: string): boolean =>
  readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' }).some(path =>
    path.split('/').includes('generated'),
  )

function isGood({ command: [file = '', ...args] }: (typeof CHECKS)[number]): boolean {
  if (args[0] === GENERATE && !existsSync(`${ROOT}${GENERATE}`))
    return !['lib', 'plugins', 'schemas'].some(hasGenerated)
  return spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' }).status === 0
}

const failed = CHECKS.filter(check => !isGood(check))
console.log(failed.length === 0 ? 'lint: good' : `lint: not good: ${failed.map(({ name }) => name).join(', ')}`)
if (failed.length > 0) process.exitCode = 1
