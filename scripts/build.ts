// Builds the one image and its names: `build.ts` for this machine, `build.ts --release` for every platform. Runs under Bun.
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'

const NAMES = [
  ...['spiderpool-ipam', 'spiderpool', 'coordinator', 'macvlan-wrapper', 'ifacer'],
  ...['spiderpool-controller', 'spiderpool-init', 'spiderpool-install', 'spiderpool-apiserver'],
]
const TARGETS = ['bun-linux-x64', 'bun-linux-x64-baseline', 'bun-linux-arm64']
const ROOT = join(import.meta.dir, '..')

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }

function commit(): string {
  const git = (...args: string[]) =>
    Bun.spawnSync(['git', '-C', ROOT, ...args])
      .stdout.toString()
      .trim()
  const head = git('rev-parse', '--short=12', 'HEAD')
  return head === '' ? 'unknown' : head + (git('status', '--porcelain', '-uno') === '' ? '' : '-dirty')
}

/** One image. Splitting keeps each part's code apart, so that a plugin does not load the daemons. */
function compile(outfile: string, target?: string): void {
  const made = Bun.spawnSync(
    [
      process.execPath,
      'build',
      '--compile',
      '--minify',
      '--bytecode',
      '--format=esm',
      '--splitting',
      '--compile-jit-policy=200', // a plugin lives 30 ms: compiling its loops costs more than running them
      '--no-compile-autoload-dotenv',
      '--no-compile-autoload-bunfig',
      '--no-compile-autoload-tsconfig',
      '--no-compile-autoload-package-json',
      `--define=SPIDERPOOL_VERSION=${JSON.stringify(version)}`,
      `--define=SPIDERPOOL_COMMIT=${JSON.stringify(commit())}`,
      ...(target === undefined ? ['--target=bun'] : [`--target=${target}`]),
      join(ROOT, 'main.ts'),
      '--outfile',
      outfile,
    ],
    { cwd: ROOT, stdout: 'inherit', stderr: 'inherit' },
  )
  if (made.exitCode !== 0) throw new Error(`bun build ${target ?? ''} failed with status ${made.exitCode}`)
}

/** Hard links of one inode: one page cache for all names. Each name is replaced whole, so that a running plugin keeps its file. */
function link(image: string, folder: string): void {
  for (const name of NAMES) {
    const fresh = join(folder, `.${name}.new`)
    rmSync(fresh, { force: true })
    linkSync(image, fresh)
    renameSync(fresh, join(folder, name))
    rmSync(fresh, { force: true }) // rename(2) of two links of one inode does nothing and leaves both
  }
}

const PIECE_BYTES = 16 * 1024

/**
 * Writes the file anew, in pieces. The page cache keeps it as it was written, and a process that touches a piece has all of it resident. In
 * large pieces that is 5 to 10 MB more of each process, in single pages a fifth more CPU at each start: these are in between, and cost neither.
 */
function settle(image: string): void {
  const bytes = readFileSync(image)
  const fresh = `${image}.settled`
  const file = openSync(fresh, 'w', 0o755)
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    writeSync(file, bytes, at, Math.min(PIECE_BYTES, bytes.length - at))
  closeSync(file)
  renameSync(fresh, image)
}

function build(): void {
  const folder = join(ROOT, 'dist/bin')
  mkdirSync(folder, { recursive: true })
  const image = join(ROOT, 'dist/image')
  compile(image)
  settle(image)
  link(image, folder)
  console.log(`built ${NAMES.length} names of one image in dist/bin: ${NAMES.join(' ')}`)
}

function release(): void {
  const sums: string[] = []
  for (const target of TARGETS) {
    const folder = join(ROOT, 'dist/release', target.replace('bun-', 'spiderpool-'))
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const image = join(folder, '.image')
    compile(image, target)
    settle(image)
    link(image, folder)
    rmSync(image)
    const first = join(folder, NAMES[0] ?? '')
    sums.push(`${createHash('sha256').update(readFileSync(first)).digest('hex')}  ${target}`)
  }
  writeFileSync(join(ROOT, 'dist/release/SHA256SUMS'), sums.join('\n') + '\n')
  console.log(sums.join('\n'))
}

if (process.argv.includes('--release')) release()
else build()
