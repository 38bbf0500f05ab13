// Exec credential plugins: a program prints an ExecCredential (client.authentication.k8s.io).
import { badConfig, fromFile, type KubeconfigEntry, type ConfigFields, type KubeconfigHost } from './entry.js'
import { decode } from './json.js'

const GROUP = 'client.authentication.k8s.io'
const VERSIONS: readonly unknown[] = [`${GROUP}/v1`, `${GROUP}/v1beta1`]
const WORDS_MAX = 200

export interface Issued {
  readonly token?: string
  /** PEM. */
  readonly cert?: string
  readonly key?: string
  /** Milliseconds since 1970; absent: valid as long as the process lives. */
  readonly expiresMs?: number
}

/** The user entry with `exec`, its cluster, and the host to run on. */
export interface ExecContext {
  readonly user: KubeconfigEntry
  readonly cluster: KubeconfigEntry
  readonly host: KubeconfigHost
}

/** Runs the plugin once. @throws KubeError BadConfig with the command and its output */
export function runPlugin(exec: ConfigFields, context: ExecContext): Issued {
  const { user, host } = context
  const fail = (says: string): never => {
    throw badConfig(user.file, `exec of user "${user.name}" ${says}`)
  }
  const { apiVersion, command } = exec
  if (!VERSIONS.includes(apiVersion))
    return fail(`has apiVersion ${JSON.stringify(apiVersion) ?? 'missing'}; it must be ${VERSIONS.join(' or ')}`)
  if (typeof command !== 'string' || command === '') return fail('has no command; name the program to run')
  if (exec['interactiveMode'] === 'Always')
    return fail(`wants a terminal (interactiveMode Always), and there is none here`)
  const program = command.includes('/') ? fromFile(user.file, command) : command
  const args = Array.isArray(exec['args']) ? exec['args'].map(String) : []
  const ran = host.run([program, ...args], environment(exec, context))
  if (ran.exitCode === null)
    return fail(`could not run ${program}: ${words(ran.stderr)}; is it installed on this node?`)
  if (ran.exitCode !== 0) return fail(`ran ${program}, which ended with ${ran.exitCode}: ${words(ran.stderr)}`)
  const issued = issuedOf(ran.stdout, apiVersion)
  return typeof issued === 'string' ? fail(`ran ${program}, which printed ${issued}`) : issued
}

const words = (text: string): string => text.trim().replace(/\s+/g, ' ').slice(0, WORDS_MAX) || 'it said nothing'

function environment(exec: ConfigFields, { cluster, host }: ExecContext): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [key, value] of Object.entries(host.env)) if (value !== undefined) env[key] = value
  const listed: readonly unknown[] = Array.isArray(exec['env']) ? exec['env'] : []
  for (const entry of listed)
    if (typeof entry === 'object' && entry !== null && 'name' in entry && 'value' in entry)
      env[String(entry.name)] = String(entry.value)
  const { server, ...rest } = cluster.fields
  const clusterInfo = {
    server,
    ...pick(rest, ['tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority-data']),
  }
  env['KUBERNETES_EXEC_INFO'] = JSON.stringify({
    apiVersion: exec['apiVersion'],
    kind: 'ExecCredential',
    spec: { interactive: false, ...(exec['provideClusterInfo'] === true && { cluster: clusterInfo }) },
  })
  return env
}

const pick = (fields: ConfigFields, keys: readonly string[]): ConfigFields =>
  Object.fromEntries(keys.filter(key => fields[key] !== undefined).map(key => [key, fields[key]]))

/** The credential, or a string that says what is wrong with the output. */
function issuedOf(stdout: string, apiVersion: unknown): Issued | string {
  const value: ConfigFields = { ...decode(stdout) }
  const { kind, status } = value
  if (kind !== 'ExecCredential') return `what is not an ExecCredential: ${JSON.stringify(stdout.slice(0, 40))}`
  if (value['apiVersion'] !== apiVersion)
    return `apiVersion ${JSON.stringify(value['apiVersion'])} where ${String(apiVersion)} was asked for`
  const fields: ConfigFields = typeof status === 'object' && status !== null ? { ...status } : {}
  const [token, cert, key] = ['token', 'clientCertificateData', 'clientKeyData'].map(name => textOf(fields[name]))
  if (token === undefined && cert === undefined) return 'neither a token nor a clientCertificateData'
  if ((cert === undefined) !== (key === undefined))
    return 'one of clientCertificateData and clientKeyData without the other'
  const expiry = textOf(fields['expirationTimestamp'])
  const expiresMs = expiry === undefined ? undefined : Date.parse(expiry)
  if (expiresMs !== undefined && Number.isNaN(expiresMs))
    return `expirationTimestamp ${JSON.stringify(expiry)}, which is no time`
  return {
    ...(token !== undefined && { token }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(expiresMs !== undefined && { expiresMs }),
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
