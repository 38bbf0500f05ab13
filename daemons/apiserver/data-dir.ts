// The data directory: certificates, token, port and database, readable by their owner only; and the
// kubeconfig.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { isFresh, makeCertificates, type Certificates } from './tls.js'
import { codeOf, messageOf } from '../../lib/errors.js'

const PRIVATE = 0o600
const OTHERS_ACCESS = 0o077
const OTHERS_WRITE = 0o022

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT'

/**
 * The text of a file of the data directory; undefined if it does not exist. @throws as isOwnFile.
 */
function readOwnFile(path: string): string | undefined {
  return isOwnFile(path) ? readFileSync(path, 'utf8') : undefined
}

/** @throws where it is not a regular file, or another user owns it or may read or write it. */
function isOwnFile(path: string): boolean {
  let stats: Stats
  try {
    stats = lstatSync(path)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  if (!stats.isFile()) throw new Error(`${path} is not a regular file; move it away, the server creates its own`)
  checkOwner(path, stats)
  if ((stats.mode & OTHERS_ACCESS) !== 0)
    throw new Error(`${path} has mode ${modeText(stats)}, so other users can read or write it; run: chmod 600 ${path}`)
  return true
}

const modeText = ({ mode }: Stats): string => (mode & 0o7777).toString(8).padStart(4, '0')

function checkOwner(path: string, { uid }: Stats): void {
  const own = process.geteuid?.() ?? uid
  if (uid !== own)
    throw new Error(`${path} belongs to user ${uid}, this server runs as user ${own}; run: chown ${own} ${path}`)
}

/**
 * @throws where other users can write: token, certificates or objects could be theirs; or where
 * they can read: files that are put there by hand, such as copies of the token, may have any mode.
 * The mode is not changed, since the path may be /tmp.
 */
function checkDataDir(path: string): void {
  const stats = statSync(path)
  if (!stats.isDirectory()) throw new Error(`--data-dir ${path} is not a folder; give another path`)
  checkOwner(path, stats)
  if ((stats.mode & OTHERS_ACCESS) === 0) return
  const can = (stats.mode & OTHERS_WRITE) === 0 ? 'read it' : 'write in it'
  throw new Error(
    `--data-dir ${path} has mode ${modeText(stats)}, so other users can ${can}; run: chmod 700 ${path}, or give a folder of its own`,
  )
}

/** Replaces the file atomically, with mode 0600 from the start. */
export function writePrivately(path: string, text: string): void {
  const fresh = `${path}.new`
  rmSync(fresh, { force: true })
  try {
    writeFileSync(fresh, text, { mode: PRIVATE, flag: 'wx' })
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}

/** Writes the kubeconfig with mode 0600. @throws an Error that names the flag. */
export function writeKubeconfig(path: string, text: string): void {
  try {
    writePrivately(path, text)
  } catch (error) {
    throw new Error(
      `--kubeconfig ${path} cannot be written: ${messageOf(error)}; create its directory or give another path`,
      {
        cause: error,
      },
    )
  }
}

/** Paths and contents of the data directory. */
export interface DataDir {
  readonly database: string
  readonly token: string
  readonly certificates: Certificates
  /** The port of the last start; 0 at the first. */
  readonly lastPort: number
}

const PORT_FILE = 'port'
const TOKEN = /^[\x21-\x7e]+$/

/**
 * Opens the directory and creates what is missing, as at the first start. @throws where other users
 * could have written to it.
 */
export async function openDataDir(path: string, nowMs: number): Promise<DataDir> {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST')
      throw new Error(`--data-dir ${path} cannot be created: ${messageOf(error)}; give another path`, { cause: error })
  }
  checkDataDir(path)
  const tokenFile = join(path, 'token')
  let token = readOwnFile(tokenFile)?.trim()
  if (token === undefined || token === '') {
    token = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
    writePrivately(tokenFile, `${token}\n`)
  }
  if (!TOKEN.test(token))
    throw new Error(`${tokenFile} must hold one token of printable ASCII; remove it and the server creates one`)
  const database = join(path, 'state.db')
  if (!isOwnFile(database)) writePrivately(database, '') // SQLite keeps the mode, also for the WAL
  const port = readOwnFile(join(path, PORT_FILE))?.trim() ?? ''
  const lastPort = /^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? Number(port) : 0
  return { database, token, lastPort, certificates: await loadCertificates(path, nowMs) }
}

/** Saves the port, so that clients that keep the address reach the server after its next start. */
export function savePort(path: string, port: number): void {
  writePrivately(join(path, PORT_FILE), `${port}\n`)
}

/** One file holds all three, so that they always match. */
async function loadCertificates(path: string, nowMs: number): Promise<Certificates> {
  const file = join(path, 'certificates.json')
  const kept = readOwnFile(file)
  if (kept !== undefined) {
    const certificates = parseCertificates(file, kept)
    if (isFresh(certificates, nowMs)) return certificates
  }
  const made = await makeCertificates(nowMs)
  writePrivately(file, JSON.stringify(made, undefined, 2))
  return made
}

function parseCertificates(file: string, text: string): Certificates {
  const bad = (why: string): Error =>
    new Error(`${file}: ${why}; remove it and the server creates new ones, then replace copies of the kubeconfig`)
  let kept: Partial<Certificates>
  try {
    kept = JSON.parse(text)
  } catch (error) {
    throw bad(messageOf(error))
  }
  const { ca, certificate, key } = kept ?? {}
  if (typeof ca !== 'string' || typeof certificate !== 'string' || typeof key !== 'string')
    throw bad('it must hold ca, certificate and key')
  return { ca, certificate, key }
}

export interface KubeconfigFacts {
  /** https://127.0.0.1:PORT or unix:///PATH. */
  readonly server: string
  readonly ca: string
  readonly token: string
}

/** A kubeconfig (v1 Config) with everything inline. JSON is YAML, so values are quoted as JSON. */
export function kubeconfigText({ server, ca, token }: KubeconfigFacts): string {
  const cluster = {
    server,
    ...(server.startsWith('https:') && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
  }
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    `- {name: spiderpool, cluster: ${JSON.stringify(cluster)}}`,
    'users:',
    `- {name: admin, user: ${JSON.stringify({ token })}}`,
    'contexts:',
    '- {name: spiderpool, context: {cluster: spiderpool, user: admin}}',
    'current-context: spiderpool',
    '',
  ].join('\n')
}

export interface Manifest {
  /** The path, for error messages. */
  readonly from: string
  readonly text: string
}

/**
 * The YAML and JSON files of a directory by name, or the single file. @throws an Error that names
 * --crds.
 */
export function readManifests(path: string): readonly Manifest[] {
  try {
    const paths = statSync(path).isDirectory()
      ? readdirSync(path)
          .filter(name => /\.(ya?ml|json)$/.test(name))
          .sort()
          .map(name => join(path, name))
      : [path]
    return paths.map(from => ({ from, text: readFileSync(from, 'utf8') }))
  } catch (error) {
    throw new Error(`--crds ${path} cannot be read: ${messageOf(error)}; give a YAML file or a folder of them`, {
      cause: error,
    })
  }
}

/** Removes the socket of a server that was killed. @throws where the path is not a socket. */
export function removeStaleSocket(path: string): void {
  try {
    if (!statSync(path).isSocket()) throw new Error('the file is not a socket')
    rmSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** Sets mode 0600. */
export const restrictToOwner = (path: string): void => chmodSync(path, PRIVATE)
