// An entry of a kubeconfig and what it leads to: text, PEM, files beside it. Knows neither clusters nor users.
import { KubeError } from './errors.js'

/** Where an installation has it: daemons/install writes it. */
export const DEFAULT_KUBECONFIG = '/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig'

export interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly serverName?: string
  readonly rejectUnauthorized?: boolean
}

export interface Credential {
  /** The header's value. */
  readonly authorization?: string
  /** PEM, where they come from an exec plugin; others are in the Tls. */
  readonly cert?: string
  readonly key?: string
}

/** Everything outside that a kubeconfig leads to. Failing, `read` throws with a `code` such as ENOENT. */
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

/** One entry of clusters, users or contexts, and the file it stands in: relative paths start there. */
export interface KubeconfigEntry {
  readonly file: string
  readonly name: string
  readonly fields: ConfigFields
}

export const badConfig = (file: string, says: string, cause?: unknown): KubeError =>
  new KubeError(0, 'BadConfig', `kubeconfig ${file}: ${says}`, { cause })

export const isFields = (value: unknown): value is ConfigFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A text that is there and not empty. */
export const textAt = (fields: ConfigFields, key: string): string | undefined => {
  const value = fields[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The PEM text of `KEY-data`, which is base64, else of the file named by `KEY`. */
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
    throw badConfig(
      file,
      `${what} cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : String(error)})`,
      error,
    )
  }
  if (new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(pem)) return pem
  throw badConfig(file, `${what} holds no PEM ${label}`)
}

/** A relative path starts at the folder of the kubeconfig. */
export const fromFile = (file: string, path: string): string =>
  path.startsWith('/') ? path : `${file.slice(0, file.lastIndexOf('/') + 1)}${path}`
