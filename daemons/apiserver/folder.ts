// The data folder: certificates, token and database, readable by their owner only; and the kubeconfig. The only file here with node:fs.
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isFresh, makeCertificates, type Certificates } from './certs.js'

const PRIVATE = 0o600

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all, and never readable by others, not even while it is written. */
export function writePrivately(path: string, text: string): void {
  const fresh = `${path}.new`
  rmSync(fresh, { force: true })
  writeFileSync(fresh, text, { mode: PRIVATE, flag: 'wx' })
  renameSync(fresh, path)
}

export interface Folder {
  readonly database: string
  readonly token: string
  readonly certificates: Certificates
}

/** Opens the folder, making at first start what is not there. */
export async function openFolder(path: string, nowMs: number): Promise<Folder> {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const tokenFile = join(path, 'token')
  let token = textOf(tokenFile)?.trim()
  if (token === undefined || token === '') {
    token = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
    writePrivately(tokenFile, `${token}\n`)
  }
  const database = join(path, 'state.db')
  if (textOf(database) === undefined) writePrivately(database, '') // SQLite keeps the mode, also for the WAL
  return { database, token, certificates: await certificatesIn(path, nowMs) }
}

/** One file holds all three, so that they always belong together. */
async function certificatesIn(path: string, nowMs: number): Promise<Certificates> {
  const file = join(path, 'certificates.json')
  const kept = textOf(file)
  if (kept !== undefined) {
    const certificates: Certificates = JSON.parse(kept)
    if (isFresh(certificates, nowMs)) return certificates
  }
  const made = await makeCertificates(nowMs)
  writePrivately(file, JSON.stringify(made, undefined, 2))
  return made
}

export interface Reached {
  /** https://127.0.0.1:PORT or unix:///PATH. */
  readonly server: string
  readonly ca: string
  readonly token: string
}

/** A kubeconfig (v1 Config) with everything inside. JSON is YAML, so one quoting serves both. */
export function kubeconfigText({ server, ca, token }: Reached): string {
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

/** Texts of the YAML files of a folder, by name; of a single file, that one. */
export function manifestTexts(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [readFileSync(path, 'utf8')]
  return readdirSync(path)
    .filter(name => /\.(ya?ml|json)$/.test(name))
    .sort()
    .map(name => readFileSync(join(path, name), 'utf8'))
}

/** Takes away a socket that a killed server left; anything that is not a socket stays. */
export function clearSocket(path: string): void {
  try {
    if (!statSync(path).isSocket()) throw new Error(`${path} is there and is not a socket; give another path to --unix`)
    rmSync(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

export const makePrivate = (path: string): void => chmodSync(path, PRIVATE)
