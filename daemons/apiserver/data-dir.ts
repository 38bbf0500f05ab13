// The data folder: certificates, token, port and database, of the server's user alone; and the kubeconfig. The only file here with node:fs.
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

const PRIVATE = 0o600
const OTHERS_ACCESS = 0o077
const OTHERS_WRITE = 0o022

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** A file of the data folder; undefined where it is not there. @throws where it could be another user's. */
function readOwnFile(path: string): string | undefined {
  return isOwnFile(path) ? readFileSync(path, 'utf8') : undefined
}

/** @throws where the file is not a file of the server's user alone: what it says would be believed. */
function isOwnFile(path: string): boolean {
  let stats: Stats
  try {
    stats = lstatSync(path)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  if (!stats.isFile()) throw new Error(`${path} is not a regular file; move it away, the server makes its own`)
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

/** A folder in which others can write may hold a token, certificates and objects of theirs. It is not changed: it may be /tmp. */
function checkDataDir(path: string): void {
  const stats = statSync(path)
  if (!stats.isDirectory()) throw new Error(`--data-dir ${path} is not a folder; give another path`)
  checkOwner(path, stats)
  if ((stats.mode & OTHERS_WRITE) !== 0)
    throw new Error(
      `--data-dir ${path} has mode ${modeText(stats)}, so other users can write in it; run: chmod 700 ${path}, or give a folder of its own`,
    )
}

/** Replaces the file atomically; other users can never read it, not even while it is written. */
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

/** @throws a sentence that names the flag. */
export function writeKubeconfig(path: string, text: string): void {
  try {
    writePrivately(path, text)
  } catch (error) {
    throw new Error(
      `--kubeconfig ${path} cannot be written: ${messageOf(error)}; make its folder or give another path`,
      {
        cause: error,
      },
    )
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export interface DataDir {
  readonly database: string
  readonly token: string
  readonly certificates: Certificates
  /** The port of the last start; 0 at the first. */
  readonly lastPort: number
}

const PORT_FILE = 'port'
const TOKEN = /^[\x21-\x7e]+$/

/** Opens the folder, making at first start what is not there. @throws where other users could have written what is there. */
export async function openDataDir(path: string, nowMs: number): Promise<DataDir> {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
      throw new Error(`--data-dir ${path} cannot be made: ${messageOf(error)}; give another path`, { cause: error })
  }
  checkDataDir(path)
  const tokenFile = join(path, 'token')
  let token = readOwnFile(tokenFile)?.trim()
  if (token === undefined || token === '') {
    token = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
    writePrivately(tokenFile, `${token}\n`)
  }
  if (!TOKEN.test(token))
    throw new Error(`${tokenFile} holds more than one token or none that HTTP can carry; remove it to have one made`)
  const database = join(path, 'state.db')
  if (!isOwnFile(database)) writePrivately(database, '') // SQLite keeps the mode, also for the WAL
  const port = readOwnFile(join(path, PORT_FILE))?.trim() ?? ''
  const lastPort = /^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? Number(port) : 0
  return { database, token, lastPort, certificates: await loadCertificates(path, nowMs) }
}

/** So that clients which keep the address find the server again after its next start. */
export function savePort(path: string, port: number): void {
  writePrivately(join(path, PORT_FILE), `${port}\n`)
}

/** One file holds all three, so that they always belong together. */
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
    new Error(`${file}: ${why}; remove it to have others made, copies of the kubeconfig then have to be made again`)
  let kept: Partial<Certificates>
  try {
    kept = JSON.parse(text)
  } catch (error) {
    throw bad(messageOf(error))
  }
  const { ca, certificate, key } = kept ?? {}
  if (typeof ca !== 'string' || typeof certificate !== 'string' || typeof key !== 'string')
    throw bad('ca, certificate and key are not all in it')
  return { ca, certificate, key }
}

export interface KubeconfigFacts {
  /** https://127.0.0.1:PORT or unix:///PATH. */
  readonly server: string
  readonly ca: string
  readonly token: string
}

/** A kubeconfig (v1 Config) with everything inside. JSON is YAML, so one quoting serves both. */
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
  /** What a sentence about it names: a path. */
  readonly from: string
  readonly text: string
}

/** The YAML files of a folder, by name; of a single file, that one. */
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

/** Takes away a socket that a killed server left; anything that is not a socket stays. */
export function removeStaleSocket(path: string): void {
  try {
    if (!statSync(path).isSocket()) throw new Error('what is there is not a socket')
    rmSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

export const restrictToOwner = (path: string): void => chmodSync(path, PRIVATE)
