// spiderpool-install: brings the CNI executables onto its node, and the kubeconfig that they use. Knows files and signals; what it writes, plan.ts says.
import { messageOf } from '../../lib/errors.js'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  type Stats,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { logTo, type Log } from '../../lib/log.js'
import { VERSION_TEXT } from '../../lib/version.js'
import { accountFault, CNI_NAMES, kubeconfigOf, settingsOf, USAGE, type Account, type InstallSettings } from './plan.js'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const IMAGE = '/proc/self/exe'
/** What is on the node is compared with what it must be so often: a token is renewed by the kubelet, and any program may take a file away. */
const LOOK_MS = 5_000
const CHUNK_BYTES = 1 << 20
/** Of a kubeconfig that is being written: an installer that was killed leaves one. */
const PART = '.part-'
/** What is written aside; the kernel shows the new file under its name or the old one, never a part. */
const ASIDE = '.spiderpool-install.'
const MODE = 0o755

/** Readers see the old file or the whole new one: written aside, on disk, then renamed. */
function replace(path: string, content: string, mode: number): void {
  const aside = `${path}${PART}${process.pid}`
  writeFileSync(aside, content, { mode })
  chmodSync(aside, mode)
  sync(aside)
  renameSync(aside, path)
  sync(dirname(path))
}

function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** What a file was when it was last read whole: with the same inode, size, mode and times it has the same content. */
type Verified = Map<string, string>

const stampOf = ({ ino, size, mode, mtimeMs, ctimeMs }: Stats): string => [ino, size, mode, mtimeMs, ctimeMs].join()

/** The names in the folder that are not this image. Only what changed since it was `verified` is read, and links to one inode once. */
function staleIn(folder: string, verified: Verified): readonly string[] {
  const size = statSync(IMAGE).size
  const known = new Map<number, boolean>()
  return CNI_NAMES.filter(name => {
    const path = join(folder, name)
    const there = lstatSync(path, { throwIfNoEntry: false })
    if (there?.isFile() !== true || there.size !== size || (there.mode & 0o777) !== MODE) return true
    if (verified.get(name) === stampOf(there)) return false
    const isSame = known.get(there.ino) ?? hasImage(path)
    known.set(there.ino, isSame)
    if (isSame) verified.set(name, stampOf(there))
    return !isSame
  })
}

/** Piece by piece: an image is a hundred megabytes. */
function hasImage(path: string): boolean {
  const files = [IMAGE, path].map(name => openSync(name, 'r'))
  const [own, other] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)]
  try {
    for (;;) {
      const [length = 0, otherLength = 0] = [own, other].map((piece, at) => readSync(files[at] ?? -1, piece))
      if (length !== otherLength || !own.subarray(0, length).equals(other.subarray(0, length))) return false
      if (length === 0) return true
    }
  } finally {
    for (const fd of files) closeSync(fd)
  }
}

/**
 * One copy of this image, and a hard link for each name. A name that is in use keeps its old inode until its processes end, so a pod that starts
 * meanwhile runs the old executable or the new one. Returns the names that were changed.
 */
function installExecutables(folder: string, verified: Verified): readonly string[] {
  mkdirSync(folder, { recursive: true })
  const stale = staleIn(folder, verified)
  if (stale.length === 0) return []
  for (const left of readdirSync(folder).filter(name => name.startsWith(ASIDE))) rmSync(join(folder, left))
  const image = join(folder, `${ASIDE}image`)
  copyFileSync(IMAGE, image)
  chmodSync(image, MODE)
  sync(image)
  for (const name of CNI_NAMES) {
    const aside = join(folder, `${ASIDE}${name}`)
    linkSync(image, aside)
    const path = join(folder, name)
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) rmSync(path, { recursive: true })
    renameSync(aside, path)
  }
  rmSync(image)
  sync(folder)
  for (const name of CNI_NAMES) verified.set(name, stampOf(lstatSync(join(folder, name))))
  return stale
}

/** @throws Error a sentence: this does not run in a pod with a service account, or its token is empty. */
function accountHere(): Account {
  const read = (name: string): string => {
    try {
      return readFileSync(join(ACCOUNT, name), 'utf8')
    } catch (error) {
      throw new Error(
        `${ACCOUNT}/${name} cannot be read: ${messageOf(error)}; spiderpool-install runs in a pod with a service account (automountServiceAccountToken)`,
      )
    }
  }
  const account = { token: read('token').trim(), ca: read('ca.crt') }
  const fault = accountFault(account)
  if (fault !== undefined) throw new Error(`${fault} (${ACCOUNT})`)
  return account
}

const kubeconfigIn = (confFolder: string): string => join(confFolder, 'spiderpool.d/spiderpool.kubeconfig')

/** The kubeconfig, where what is on the disk is another. True where it was written. */
function writeKubeconfig(confFolder: string): boolean {
  const content = kubeconfigOf(accountHere(), process.env)
  const path = kubeconfigIn(confFolder)
  if (isWritten(path, content)) return false
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const left = `${basename(path)}${PART}`
  for (const name of readdirSync(folder).filter(one => one.startsWith(left))) rmSync(join(folder, name))
  replace(path, content, 0o600)
  return true
}

function isWritten(path: string, content: string): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false })
  return there?.isFile() === true && (there.mode & 0o777) === 0o600 && readFileSync(path, 'utf8') === content
}

function install({ binFolder, confFolder }: InstallSettings, verified: Verified, log: Log): void {
  const isNew = writeKubeconfig(confFolder)
  log.info(isNew ? `wrote ${kubeconfigIn(confFolder)}` : `${kubeconfigIn(confFolder)} is up to date`)
  const stale = installExecutables(binFolder, verified)
  log.info(stale.length === 0 ? `${binFolder} is up to date` : `installed ${stale.join(', ')} in ${binFolder}`)
}

/** One comparison with the disk. What fails is said once, for as long as it fails in the same words. */
class Keeping {
  readonly #log: Log
  readonly #said = new Map<string, string>()

  constructor(log: Log) {
    this.#log = log
  }

  keep(what: string, work: () => string | undefined): void {
    try {
      const done = work()
      if (done !== undefined) this.#log.info(done)
      if (this.#said.delete(what)) this.#log.info(`${what} can be kept up to date again`)
    } catch (error) {
      const words = `${what} stays as it is: ${messageOf(error)}`
      if (this.#said.get(what) !== words) this.#log.warn(words)
      this.#said.set(what, words)
    }
  }
}

/** Until a signal: what was taken away, replaced or renewed is restored. */
async function keepUp({ binFolder, confFolder }: InstallSettings, verified: Verified, log: Log): Promise<void> {
  const keeping = new Keeping(log)
  const timer = setInterval(() => {
    const path = kubeconfigIn(confFolder)
    keeping.keep(path, () => (writeKubeconfig(confFolder) ? `wrote ${path} again` : undefined))
    keeping.keep(binFolder, () => {
      const stale = installExecutables(binFolder, verified)
      return stale.length === 0 ? undefined : `restored ${stale.join(', ')} in ${binFolder}`
    })
  }, LOOK_MS)
  await new Promise<void>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  clearInterval(timer)
}

export async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) return void writeSync(1, USAGE)
  try {
    const settings = settingsOf(argv, process.env)
    const log = logTo(line => void writeSync(1, line), 'info')
    log.info(`${VERSION_TEXT} begins`)
    const verified: Verified = new Map()
    install(settings, verified, log)
    if (!settings.isOnce) await keepUp(settings, verified, log)
  } catch (error) {
    writeSync(2, `spiderpool-install: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
