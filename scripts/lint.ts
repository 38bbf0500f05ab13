// `make lint`: runs every check to its end, then prints which failed.
import { spawnSync } from 'node:child_process'
import { ROOT } from './source-tree.js'

const BIN = `${ROOT}node_modules/.bin/`

const CHECKS: readonly { name: string; command: readonly string[] }[] = [
  { name: 'formatter', command: [`${BIN}prettier`, '--check', '--log-level=warn', '.'] },
  { name: 'types', command: [`${BIN}tsc`, '-p', '.'] },
  { name: 'types of the console', command: [`${BIN}tsc`, '-p', 'web/console'] },
  { name: 'boundaries', command: [`${BIN}tsx`, 'scripts/check-boundaries.ts'] },
  { name: 'habits', command: [`${BIN}tsx`, 'scripts/check-files.ts'] },
  { name: 'habits of the console', command: [`${BIN}tsx`, 'scripts/check-files.ts', `${ROOT}web/console/`] },
  { name: 'language', command: [`${BIN}tsx`, 'scripts/check-language.ts'] },
  { name: 'documentation', command: [`${BIN}tsx`, 'scripts/check-docs.ts'] },
  { name: 'pictures', command: [`${BIN}tsx`, 'scripts/pictures.ts'] },
  { name: 'generated code', command: [`${BIN}tsx`, 'scripts/generate.ts', '--check'] },
]

/** Returns whether the check exits with status 0; its output goes to the terminal. */
function passes({ command: [file = '', ...args] }: (typeof CHECKS)[number]): boolean {
  return spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' }).status === 0
}

const failed = CHECKS.filter(check => !passes(check))
console.log(failed.length === 0 ? 'lint: passed' : `lint: failed: ${failed.map(({ name }) => name).join(', ')}`)
if (failed.length > 0) process.exitCode = 1
