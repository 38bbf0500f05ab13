// Builds the executable and its names; `--release`: for every machine. Runs under Bun.
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const NAMES = [
  ...['spiderpool-ipam', 'spiderpool', 'coordinator', 'macvlan-wrapper', 'ifacer'],
  ...['spiderpool-agent', 'spiderpool-controller', 'spiderpool-init', 'spiderpool-install', 'spiderpool-apiserver'],
  ...['spiderpoolctl', 'kubectl-spiderpool'], // the second is how kubectl finds a plugin
]
/**
 * Bun's targets by the name that images and Debian have for the machine. There is no
 * bun-linux-x64-baseline: since Bun 1.4 its npm package and that of bun-linux-x64 hold the same
 * file, which runs on a CPU without AVX.
 */
const TARGETS = { amd64: 'bun-linux-x64', arm64: 'bun-linux-arm64' } as const
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

const DEFINE = { SPIDERPOOL_VERSION: JSON.stringify(version), SPIDERPOOL_COMMIT: JSON.stringify(commit()) }

/** The executables that a container runtime calls, by the folders of their code. */
const PROGRAM = /\/plugins\/([a-z-]+)\/program\.[jt]s$/
const PROGRAMS = ['coordinator', 'ifacer', 'macvlan-wrapper', 'spiderpool-ipam']
const PARTS = join(ROOT, 'dist/parts')

/**
 * Bundles each of them by itself. Code that several share would be cut into dozens of chunks, and
 * each that a process loads costs 0.1 ms. The daemons have their own copy.
 */
async function bundlePrograms(): Promise<void> {
  rmSync(PARTS, { recursive: true, force: true })
  for (const name of PROGRAMS)
    await Bun.build({
      ...{ entrypoints: [join(ROOT, 'plugins', name, 'program.ts')], outdir: join(PARTS, name) },
      ...{ target: 'bun', format: 'esm', splitting: true, define: DEFINE },
    })
}

/** The console's script and style sheet, which lib/console/page.ts serves. */
async function bundleConsole(): Promise<Readonly<Record<string, string>>> {
  const { outputs } = await Bun.build({
    ...{ entrypoints: [join(ROOT, 'web/console/main.tsx'), join(ROOT, 'web/console/console.css')] },
    ...{ target: 'browser', format: 'esm', minify: true, define: { 'process.env.NODE_ENV': '"production"' } },
  })
  const textOf = async (end: string): Promise<string> => {
    const output = outputs.find(({ path }) => path.endsWith(end))
    if (!output) throw new Error(`web/console has no ${end} file`)
    return JSON.stringify(await output.text())
  }
  return { SPIDERPOOL_CONSOLE_SCRIPT: await textOf('.js'), SPIDERPOOL_CONSOLE_STYLE: await textOf('.css') }
}

/** Takes the bundles in place of the sources. */
const programs: Bun.BunPlugin = {
  name: 'programs',
  setup: build =>
    void build.onResolve({ filter: PROGRAM }, ({ path }) => {
      return { path: join(PARTS, PROGRAM.exec(path.replace(/^\./, ''))?.[1] ?? '', 'program.js') }
    }),
}

/**
 * One executable. Splitting keeps the code of each part apart, so a plugin does not load the
 * daemons.
 */
async function compile(outfile: string, target?: Bun.Build.CompileTarget): Promise<void> {
  await Bun.build({
    ...{ entrypoints: [join(ROOT, 'main.ts')], target: 'bun', format: 'esm', splitting: true },
    ...{ minify: true, bytecode: true, define: { ...DEFINE, ...(await bundleConsole()) }, plugins: [programs] },
    compile: {
      ...(target !== undefined && { target }),
      outfile,
      jitPolicy: 200, // a plugin lives 30 ms: compiling its loops costs more than running them
      ...{ autoloadDotenv: false, autoloadBunfig: false, autoloadTsconfig: false, autoloadPackageJson: false },
      // Bun ends where getcwd(2) fails, as in a deleted directory and in a chroot without a chdir
      // (Multus' thick plugin), unless it is given a directory. This one is the directory it is in,
      // so relative paths keep their meaning.
      execArgv: ['--cwd=/proc/self/cwd'],
    },
  })
}

/**
 * Hard links of one inode, so all names share a page cache. Each is replaced atomically: a running
 * plugin keeps its file.
 */
function link(image: string, folder: string): void {
  for (const name of NAMES) {
    const fresh = join(folder, `.${name}.new`)
    rmSync(fresh, { force: true })
    linkSync(image, fresh)
    renameSync(fresh, join(folder, name))
    rmSync(fresh, { force: true }) // rename(2) of two links of one inode does nothing and leaves both
  }
}

/** Identifiers in the JavaScript and C that Bun carries, and no names of environment variables. */
const IDENTIFIER = /^BUN_(WORKER|FFI|DATA|INTERNALS)_/
/**
 * As many as Bun 1.4 has, and some less: where there are far fewer they are written in another way.
 */
const BLINDED_MIN = 100

/**
 * Bun reads some hundred environment variables: BUN_BE_BUN makes each executable a JavaScript
 * interpreter, BUN_OPTIONS loads code into it, BUN_CONFIG_VERBOSE_FETCH prints tokens. Their names
 * get a NUL for their first letter, which no variable can have. The prefix BUN_JSC_ is compared
 * letter by letter in code. Returns how many names were overwritten.
 * @throws if that code is not found
 */
function blind(bytes: Buffer): number {
  const text = bytes.toString('latin1') // one character a byte
  const names = [...text.matchAll(/(?<![._])BUN_[A-Z]{2}[A-Z0-9_]*/g)].filter(([name]) => !IDENTIFIER.test(name))
  // Some names stand end to end.
  for (const { 0: run, index } of names) for (const { index: at } of run.matchAll(/BUN_/g)) bytes[index + at] = 0
  if (blindX64(bytes, text) + blindArm64(bytes) === 0)
    throw new Error('the code that compares names of variables with BUN_JSC_ is not found')
  return names.length
}

const JSC_PREFIX = 'BUN_JSC_'
const JSC_LETTER = JSC_PREFIX.indexOf('J')

/** BUN_JSC_ as immediate operands, with up to ten bytes of instructions between two letters. */
const COMPARED = new RegExp([...JSC_PREFIX].join('[^]{5,10}?'), 'g')

/** Returns how many comparisons were found, as blindArm64 does. */
function blindX64(bytes: Buffer, text: string): number {
  const found = [...text.matchAll(COMPARED)]
  for (const { 0: code, index } of found) bytes[index + code.indexOf('J')] = 0
  return found.length
}

/** Instructions from one comparison to the next: b.ne, ldrb and cmp, and some to spare. */
const COMPARED_WORDS_MAX = 5
/** CMP (immediate), 32 bits: SUBS WZR, Wn, #imm12 (Arm ARM C6.2); imm12 begins at bit 10. */
const CMP = 0x7100001f
const CMP_MASK = 0xfffffc1f
const IMM12_SHIFT = 10
const REGISTER_MASK = 0x3e0
/** No byte of a name has this value. */
const NO_BYTE = 0x100

/** The letter's operand becomes a value that no byte has. */
function blindArm64(bytes: Buffer): number {
  const compares = (at: number, letter: number): boolean =>
    at + 4 <= bytes.length && (bytes.readUInt32LE(at) & CMP_MASK) >>> 0 === CMP + (letter << IMM12_SHIFT)
  const [first = 0, ...others] = Buffer.from(JSC_PREFIX)
  const nextAfter = (at: number, letter: number): number | undefined => {
    for (let words = 1; words <= COMPARED_WORDS_MAX; words++)
      if (compares(at + 4 * words, letter)) return at + 4 * words
    return undefined
  }
  let found = 0
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    if (!compares(at, first)) continue
    const places: (number | undefined)[] = [at]
    for (const letter of others) {
      const last = places.at(-1)
      places.push(last === undefined ? undefined : nextAfter(last, letter))
    }
    const place = places[JSC_LETTER]
    if (place === undefined || places.includes(undefined)) continue
    bytes.writeUInt32LE(CMP + (bytes.readUInt32LE(place) & REGISTER_MASK) + (NO_BYTE << IMM12_SHIFT), place)
    found++
  }
  return found
}

const PIECE_BYTES = 32 * 1024

/**
 * Writes the file again, with Bun's variables blinded, in pieces. The page cache keeps it as it was
 * written, and a process that touches a piece has all of it resident. In pieces of 64 KiB and more
 * that is 5 to 10 MB more of each process; in pieces of 16, 8 and 4 KiB a start costs 5, 10 and
 * 20 % more CPU. These have the memory of the smaller and the CPU of the larger.
 */
function settle(image: string): void {
  const bytes = readFileSync(image)
  const blinded = blind(bytes)
  if (blinded < BLINDED_MIN)
    throw new Error(`${image} has ${blinded} names of Bun's variables, not ${BLINDED_MIN} or more`)
  const fresh = `${image}.settled`
  const file = openSync(fresh, 'w', 0o755)
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    writeSync(file, bytes, at, Math.min(PIECE_BYTES, bytes.length - at))
  closeSync(file)
  renameSync(fresh, image)
}

async function build(): Promise<void> {
  const folder = join(ROOT, 'dist/bin')
  mkdirSync(folder, { recursive: true })
  const image = join(ROOT, 'dist/image')
  await bundlePrograms()
  await compile(image)
  settle(image)
  link(image, folder)
  console.log(`built ${NAMES.length} names of one executable in dist/bin: ${NAMES.join(' ')}`)
}

/** dist/executables/MACHINE, every name. */
async function buildAll(): Promise<void> {
  await bundlePrograms()
  for (const [machine, target] of Object.entries(TARGETS)) {
    const folder = join(ROOT, 'dist/executables', machine)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const image = join(folder, '.image')
    await compile(image, target)
    settle(image)
    link(image, folder)
    rmSync(image)
    console.log(`built ${NAMES.length} names of one executable in dist/executables/${machine}`)
  }
}

await (process.argv.includes('--release') ? buildAll() : build())
