// Builds dist/bin if it is missing or older than a source. Prints nothing otherwise.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { ROOT } from './source-tree.js'

const SOURCES = [
  'main.ts',
  'lib',
  'plugins',
  'cmd',
  'daemons',
  'schemas',
  'client',
  'web',
  'scripts/build.ts',
  'scripts/client.ts',
  'scripts/client.sh',
  'package-lock.json',
  'tsconfig.json',
]
const IMAGE = `${ROOT}dist/image`

function newest(path: string): number {
  if (!existsSync(path)) return 0
  const { mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return mtimeMs
  return Math.max(mtimeMs, ...readdirSync(path).map(name => newest(`${path}/${name}`)))
}

const builtAt = existsSync(IMAGE) && existsSync(`${ROOT}dist/bin/spiderpool-ipam`) ? statSync(IMAGE).mtimeMs : 0
if (SOURCES.some(path => newest(`${ROOT}${path}`) > builtAt)) {
  for (const script of ['scripts/build.ts', 'scripts/client.ts'])
    if (spawnSync(`${ROOT}scripts/bun.sh`, [script], { cwd: ROOT, stdio: 'inherit' }).status !== 0) process.exitCode = 1
}
