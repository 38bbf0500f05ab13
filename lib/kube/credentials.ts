// Credentials of a kubeconfig user: token, token file, client certificate, exec plugin.
import { codeOf } from '../errors.js'
import {
  badConfig,
  fromFile,
  pemOf,
  type Credential,
  type KubeconfigEntry,
  type ConfigFields,
  type KubeconfigHost,
  type Tls,
} from './entry.js'
import { runPlugin, type ExecContext } from './exec.js'

export interface ClientIdentity {
  readonly tls: Tls
  readonly credential?: () => Credential
}

/** How long a token from a file is cached: a renewed one counts a second later, as after a 401. */
const TOKEN_FILE_MS = 1_000
/**
 * An exec credential is renewed this long before it expires, so that it outlives requests in
 * flight.
 */
const EXPIRY_MARGIN_MS = 10_000

const REFUSED: Readonly<Record<string, string>> = {
  username: 'basic authentication, which API servers no longer know; use a token or a client certificate',
  password: 'basic authentication, which API servers no longer know; use a token or a client certificate',
  'auth-provider': 'an auth-provider, which kubectl no longer knows either; use exec',
  as: 'impersonation (as), which is not supported; use the credentials of that user',
  'as-uid': 'impersonation (as-uid), which is not supported; use the credentials of that user',
  'as-groups': 'impersonation (as-groups), which is not supported; use the credentials of that user',
  'as-user-extra': 'impersonation (as-user-extra), which is not supported; use the credentials of that user',
}

/**
 * The TLS options and the credential source of a user; `tokenFile` takes precedence over `token`,
 * as in client-go.
 * @throws KubeError BadConfig
 */
export function credentialOf(
  user: KubeconfigEntry | undefined,
  cluster: KubeconfigEntry,
  host: KubeconfigHost,
): ClientIdentity {
  if (user === undefined) return { tls: {} }
  const { file, name, fields } = user
  for (const [key, what] of Object.entries(REFUSED))
    if (fields[key] !== undefined && fields[key] !== '') throw badConfig(file, `user "${name}" has ${what}`)
  const tls = clientTls(user, host)
  const { token, tokenFile, exec } = fields
  if (typeof tokenFile === 'string' && tokenFile !== '')
    return { tls, credential: fromTokenFile(user, tokenFile, host) }
  if (token !== undefined && token !== '') {
    const authorization = bearer(token, user, 'token')
    return { tls, credential: () => ({ authorization }) }
  }
  if (exec !== undefined && exec !== null) return { tls, credential: fromPlugin(exec, { user, cluster, host }) }
  return { tls }
}

function clientTls(user: KubeconfigEntry, host: KubeconfigHost): Tls {
  const cert = pemOf(user, 'client-certificate', 'CERTIFICATE', host)
  const key = pemOf(user, 'client-key', 'PRIVATE KEY', host)
  if (cert !== undefined && key !== undefined) return { cert, key }
  if (cert === undefined && key === undefined) return {}
  const [there, missing] =
    cert === undefined ? ['client-key', 'client-certificate'] : ['client-certificate', 'client-key']
  throw badConfig(user.file, `user "${user.name}" has a ${there} and no ${missing}; write both`)
}

/** RFC 6750 2.1. Checked here, since fetch's error for an invalid header would print the token. */
function bearer(token: unknown, { file, name }: KubeconfigEntry, what: string): string {
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw badConfig(
      file,
      `${what} of user "${name}" is not a bearer token: it is empty, or has blanks or control characters`,
    )
  return `Bearer ${token}`
}

function fromTokenFile(user: KubeconfigEntry, tokenFile: string, host: KubeconfigHost): () => Credential {
  const path = fromFile(user.file, tokenFile)
  let cached: { authorization: string; readMs: number } | undefined
  return () => {
    const ageMs = cached ? host.now() - cached.readMs : Infinity
    if (cached && ageMs >= 0 && ageMs < TOKEN_FILE_MS) return cached // negative: the clock was set back
    try {
      const authorization = bearer(host.read(path).trim(), user, `tokenFile ${path}`)
      cached = { authorization, readMs: host.now() }
      return cached
    } catch (error) {
      if (cached) return cached // the file is being replaced: the old token is still valid for a while
      if (codeOf(error) === '') throw error
      throw badConfig(user.file, `tokenFile ${path} of user "${user.name}" cannot be read (${codeOf(error)})`, error)
    }
  }
}

function fromPlugin(exec: unknown, { user, cluster, host }: ExecContext): () => Credential {
  if (typeof exec !== 'object' || Array.isArray(exec) || exec === null)
    throw badConfig(user.file, `exec of user "${user.name}" is not an object with command and apiVersion`)
  const fields: ConfigFields = { ...exec }
  let cached: { credential: Credential; until: number } | undefined
  return () => {
    if (cached && host.now() < cached.until - EXPIRY_MARGIN_MS) return cached.credential
    const { token, cert, key, expiresMs } = runPlugin(fields, { user, cluster, host })
    const credential = {
      ...(token !== undefined && { authorization: bearer(token, user, 'what exec gave as token') }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
    }
    cached = { credential, until: expiresMs ?? Infinity }
    return credential
  }
}
