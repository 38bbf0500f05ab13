// spiderpool-install: installs the CNI executables and their kubeconfig on its node, and keeps them
// current. Effects; plan.ts decides.
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
/**
 * Interval of comparing the node with the desired state: the kubelet renews tokens, and any program
 * may delete a file.
 */
const COMPARE_INTERVAL_MS = 5_000
const CHUNK_BYTES = 1 << 20
/** Infix of a kubeconfig's temporary file; an installer that was killed leaves one. */
const PART = '.part-'
/** Prefix of temporary files; a rename replaces the target atomically. */
const TEMP_PREFIX = '.spiderpool-install.'
const MODE = 0o755

/** Writes atomically: temporary file, fsync, rename. */
function replace(path: string, content: string, mode: number): void {
  const temporary = `${path}${PART}${process.pid}`
  writeFileSync(temporary, content, { mode })
  chmodSync(temporary, mode)
  sync(temporary)
  renameSync(temporary, path)
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

/**
 * Stamp of each file when its content was last compared: with the same inode, size, mode and times
 * it has the same content.
 */
type Verified = Map<string, string>

const stampOf = ({ ino, size, mode, mtimeMs, ctimeMs }: Stats): string => [ino, size, mode, mtimeMs, ctimeMs].join()

/**
 * The executables in the folder that differ from this image. Reads only what changed since it was
 * `verified`, and each inode once.
 */
function staleIn(folder: string, verified: Verified): readonly string[] {
  const size = statSync(IMAGE).size
  const known = new Map<number, boolean>()
  return CNI_NAMES.filter(name => {
    const path = join(folder, name)
    const current = lstatSync(path, { throwIfNoEntry: false })
    if (current?.isFile() !== true || current.size !== size || (current.mode & 0o777) !== MODE) return true
    if (verified.get(name) === stampOf(current)) return false
    const isSame = known.get(current.ino) ?? hasImage(path)
    known.set(current.ino, isSame)
    if (isSame) verified.set(name, stampOf(current))
    return !isSame
  })
}

/**
 * Whether the file equals this image; compared in chunks, since an image has a hundred megabytes.
 */
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
 * Installs one copy of this image and a hard link for each name. A running executable keeps its old
 * inode, so a pod that starts meanwhile runs the old or the new one. Returns the names that
 * changed.
 */
function installExecutables(folder: string, verified: Verified): readonly string[] {
  mkdirSync(folder, { recursive: true })
  const stale = staleIn(folder, verified)
  if (stale.length === 0) return []
  for (const left of readdirSync(folder).filter(name => name.startsWith(TEMP_PREFIX))) rmSync(join(folder, left))
  const image = join(folder, `${TEMP_PREFIX}image`)
  copyFileSync(IMAGE, image)
  chmodSync(image, MODE)
  sync(image)
  for (const name of CNI_NAMES) {
    const temporary = join(folder, `${TEMP_PREFIX}${name}`)
    linkSync(image, temporary)
    const path = join(folder, name)
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) rmSync(path, { recursive: true })
    renameSync(temporary, path)
  }
  rmSync(image)
  sync(folder)
  for (const name of CNI_NAMES) verified.set(name, stampOf(lstatSync(join(folder, name))))
  return stale
}

/**
 * The pod's service account.
 * @throws Error a sentence where there is none or its token is empty.
 */
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

/** Writes the kubeconfig where it differs. True where it was written. */
function writeKubeconfig(confFolder: string): boolean {
  const content = kubeconfigOf(accountHere(), process.env)
  const path = kubeconfigIn(confFolder)
  if (isCurrent(path, content)) return false
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const left = `${basename(path)}${PART}`
  for (const name of readdirSync(folder).filter(one => one.startsWith(left))) rmSync(join(folder, name))
  replace(path, content, 0o600)
  return true
}

function isCurrent(path: string, content: string): boolean {
  const current = lstatSync(path, { throwIfNoEntry: false })
  return current?.isFile() === true && (current.mode & 0o777) === 0o600 && readFileSync(path, 'utf8') === content
}

function install({ binFolder, confFolder }: InstallSettings, verified: Verified, log: Log): void {
  const isWritten = writeKubeconfig(confFolder)
  log.info(isWritten ? `wrote ${kubeconfigIn(confFolder)}` : `${kubeconfigIn(confFolder)} is up to date`)
  const stale = installExecutables(binFolder, verified)
  log.info(stale.length === 0 ? `${binFolder} is up to date` : `installed ${stale.join(', ')} in ${binFolder}`)
}

/** Runs one comparison; a failure is logged once while its message stays the same. */
class SyncLog {
  readonly #log: Log
  readonly #lastFailure = new Map<string, string>()

  constructor(log: Log) {
    this.#log = log
  }

  run(what: string, work: () => string | undefined): void {
    try {
      const done = work()
      if (done !== undefined) this.#log.info(done)
      if (this.#lastFailure.delete(what)) this.#log.info(`${what} can be kept up to date again`)
    } catch (error) {
      const words = `${what} is left unchanged: ${messageOf(error)}`
      if (this.#lastFailure.get(what) !== words) this.#log.warn(words)
      this.#lastFailure.set(what, words)
    }
  }
}

/** Restores what was deleted, replaced or renewed, until a signal. */
async function keepCurrent({ binFolder, confFolder }: InstallSettings, verified: Verified, log: Log): Promise<void> {
  const syncLog = new SyncLog(log)
  const timer = setInterval(() => {
    const path = kubeconfigIn(confFolder)
    syncLog.run(path, () => (writeKubeconfig(confFolder) ? `wrote ${path} again` : undefined))
    syncLog.run(binFolder, () => {
      const stale = installExecutables(binFolder, verified)
      return stale.length === 0 ? undefined : `restored ${stale.join(', ')} in ${binFolder}`
    })
  }, COMPARE_INTERVAL_MS)
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
    if (!settings.isOnce) await keepCurrent(settings, verified, log)
  } catch (error) {
    writeSync(2, `spiderpool-install: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
