// Entries of a kubeconfig: strings, PEM, referenced files. Knows neither clusters nor users.
import { codeOf } from '../errors.js'
import { KubeError } from './errors.js'

/** The installed kubeconfig, written by daemons/install. */
export const DEFAULT_KUBECONFIG = '/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig'

/**
 * The kubeconfig files: the conf's `ipam.kubeconfig`, else those of KUBECONFIG, else the installed
 * one.
 */
export function kubeconfigPaths(
  fromConf: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (fromConf !== undefined && fromConf !== '') return [fromConf]
  const listed = (env['KUBECONFIG'] ?? '').split(':').filter(path => path !== '')
  return listed.length > 0 ? listed : [DEFAULT_KUBECONFIG]
}

export interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly serverName?: string
  readonly rejectUnauthorized?: boolean
}

export interface Credential {
  /** Value of the Authorization header. */
  readonly authorization?: string
  /** PEM from an exec plugin; static ones are in `Tls`. */
  readonly cert?: string
  readonly key?: string
}

/**
 * The outside world of a kubeconfig. A failing read() throws an error with `code`, such as ENOENT.
 */
export interface KubeconfigHost {
  read(path: string): string
  yaml(text: string): unknown
  run(command: readonly string[], env: Readonly<Record<string, string>>): ExecResult
  /** Milliseconds since 1970. */
  now(): number
  readonly env: Readonly<Record<string, string | undefined>>
}
export interface ExecResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export type ConfigFields = Readonly<Record<string, unknown>>

/** An entry of clusters, users or contexts, and its file, to which relative paths refer. */
export interface KubeconfigEntry {
  readonly file: string
  readonly name: string
  readonly fields: ConfigFields
}

/** A KubeError BadConfig that names the file. */
export const badConfig = (file: string, says: string, cause?: unknown): KubeError =>
  new KubeError(0, 'BadConfig', `kubeconfig ${file}: ${says}`, { cause })

/** True for a mapping. */
export const isFields = (value: unknown): value is ConfigFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A non-empty string; else undefined. */
export const textAt = (fields: ConfigFields, key: string): string | undefined => {
  const value = fields[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * The PEM of `KEY-data` (base64), else of the file `KEY`; undefined if neither is set.
 * @throws KubeError BadConfig
 */
export function pemOf(
  { file, name, fields }: KubeconfigEntry,
  key: string,
  label: string,
  host: KubeconfigHost,
): string | undefined {
  const inline = textAt(fields, `${key}-data`)
  const path = textAt(fields, key)
  if (inline === undefined && path === undefined) return undefined
  const what = inline === undefined ? `file ${key} of "${name}", ${path},` : `${key}-data of "${name}"`
  let pem: string
  try {
    pem = inline === undefined ? host.read(fromFile(file, path ?? '')) : Buffer.from(inline, 'base64').toString()
  } catch (error) {
    throw badConfig(file, `${what} cannot be read (${codeOf(error) || String(error)})`, error)
  }
  if (new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(pem)) return pem
  throw badConfig(file, `${what} holds no PEM ${label}`)
}

/** Resolves a path relative to the folder of the kubeconfig. */
export const fromFile = (file: string, path: string): string =>
  path.startsWith('/') ? path : `${file.slice(0, file.lastIndexOf('/') + 1)}${path}`
