// What an answer, or the lack of one, means for a request: done, refused, or worth another try. Pure.
import { DEFAULT_KUBECONFIG } from './entry.js'
import { KubeError, type NoAnswer } from './errors.js'
import { decode } from './json.js'
import { shownProxy, type Proxy } from './proxy.js'

export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query. */
  readonly path: string
  readonly body?: string
  readonly contentType?: string
  readonly accept?: string
  readonly timeoutMs: number
  /** How long its caller has waited by then, earlier tries included. */
  readonly waitedMs?: number
  /** A write that may be done twice without harm: then a lost answer is no reason not to try again. */
  readonly idempotent?: boolean
  /** Asked before each further try: where it says no, what went wrong stands. */
  readonly mayRetry?: (() => boolean) | undefined
  /** Not tried again: what is lost is not worth a wait. */
  readonly once?: boolean
}

export type RequestOutcome =
  | { readonly kind: 'answer'; readonly value: object }
  | { readonly kind: 'again'; readonly error: KubeError; readonly afterMs?: number }
  | { readonly kind: 'refused'; readonly error: KubeError }

/** Codes of a connection that never was: Bun's and Node's words. Nothing was sent, so anything may be sent again. */
const NOT_SENT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ConnectionRefused: 'nothing listens there',
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no route to its network',
  UND_ERR_CONNECT_TIMEOUT: 'no connection came about in time',
  FailedToOpenSocket: 'no connection could be set up; are the certificates and the key in the kubeconfig whole?',
}

/** Codes of a handshake that failed: nothing was sent, and a certificate does not get better by asking again. */
const HANDSHAKE = /^(EPROTO|CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/
const UNTRUSTED = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/
/** Where nobody is mistaken about the CA, time is what is wrong: the certificate's, or a clock's. */
const UNTIMELY: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired; renew it, or set the clock of this node',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; set the clock of this node, or that of who made it',
}

export interface RequestTarget {
  readonly server: string
  readonly request: KubeRequest
  /** Through which the server is reached. */
  readonly proxy?: Proxy | undefined
  /** The file that has the credentials. */
  readonly from?: string | undefined
}

const isLossy = ({ method, idempotent }: KubeRequest): boolean => method !== 'GET' && idempotent !== true

/** Fetch threw, or the reading of the answer did: `status` is the answer's, if its head came. */
export function lost(
  thrown: unknown,
  status: number | undefined,
  { server, request, proxy }: RequestTarget,
): RequestOutcome {
  const code = codeOf(thrown)
  const by = proxy ? ` through the proxy ${shownProxy(proxy)}` : ''
  const fail = (reason: NoAnswer, says: string): KubeError =>
    new KubeError(0, reason, `${request.method} ${server}${request.path}: ${says}`)
  const unreachable = (says: string, options?: ErrorOptions): KubeError =>
    new KubeError(0, 'Unreachable', `the API server ${server} cannot be reached${by}: ${says} (${code})`, options)
  if (status === undefined) {
    const why = proxy && TUNNEL.test(code) ? tunnelSentence(thrown) : NOT_SENT[code]
    if (why !== undefined) return { kind: 'again', error: unreachable(proxy ? `${why}; ${remedyOf(proxy)}` : why) }
    // Only here has the thrown error more to tell than its code, in OpenSSL's words; fetch's own are about fetch.
    if (HANDSHAKE.test(code)) return { kind: 'refused', error: unreachable(handshakeSentence(code), { cause: thrown }) }
  }
  const late = thrown instanceof Error && thrown.name === 'TimeoutError'
  const says = (late ? lateSentence(status, request) : cutOff(thrown, code, status)) + by
  if (isLossy(request)) return { kind: 'refused', error: fail('Unknown', `${says}; it may have been carried out`) }
  if (late) return { kind: 'again', error: fail('Timeout', says) }
  return { kind: thrown instanceof TooLong ? 'refused' : 'again', error: fail('BadAnswer', says) }
}

/** A proxy that opens no tunnel: nothing went to the server. */
const TUNNEL = /^ERR_PROXY_/
const tunnelSentence = (thrown: unknown): string =>
  `the proxy answers for the server (${thrown instanceof Error ? thrown.message : String(thrown)})`
const remedyOf = ({ from }: Proxy): string =>
  from.startsWith('proxy-url')
    ? 'is that the right proxy?'
    : "where the server needs no proxy, add it to NO_PROXY in the runtime's environment"

const lateSentence = (status: number | undefined, { timeoutMs, waitedMs = timeoutMs }: KubeRequest): string =>
  status === undefined
    ? `nothing at all came back in ${waitedMs} ms; is it the right address, and does no firewall drop the packets?`
    : `no whole answer came in ${waitedMs} ms`

const handshakeSentence = (code: string): string =>
  UNTIMELY[code] ??
  (UNTRUSTED.test(code)
    ? 'its certificate is not one that the kubeconfig trusts; check certificate-authority-data and tls-server-name'
    : 'the TLS handshake failed; does it speak TLS there, and does it accept our client certificate?')

/** The answer is larger than the limit. */
export class TooLong extends Error {}

function cutOff(thrown: unknown, code: string, status: number | undefined): string {
  if (thrown instanceof TooLong) return thrown.message
  const what = status === undefined ? 'the connection was closed before an answer came' : 'the answer was cut off'
  return `${what} (${code === '' ? String(thrown) : code})`
}

const codeOf = (thrown: unknown): string => {
  if (typeof thrown !== 'object' || thrown === null) return ''
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code
  return 'cause' in thrown ? codeOf(thrown.cause) : ''
}

export interface HttpAnswer {
  readonly status: number
  readonly retryAfter: string | null
  readonly text: string
}

/** A whole answer came. */
export function judge(
  { status, retryAfter, text }: HttpAnswer,
  { server, request, from }: RequestTarget,
): RequestOutcome {
  const what = `${request.method} ${server}${request.path}`
  const value = decode(text)
  if (status >= 200 && status < 300) {
    if (value !== undefined) return { kind: 'answer', value }
    const says = `${what} was answered with what is not a JSON object: ${JSON.stringify(text.slice(0, 60))}`
    const reason: NoAnswer = isLossy(request) ? 'Unknown' : 'BadAnswer'
    return { kind: 'refused', error: new KubeError(0, reason, says) }
  }
  const isPassing = status === 429 || (status >= 500 && status !== 501)
  const words = textAt(value, 'message')
  if (status === 401)
    return { kind: 'refused', error: new KubeError(401, 'Unauthorized', unknownTo({ server, from }, words)) }
  // Of what may pass the server says only that; of the rest it names the object itself.
  const message =
    words === undefined ? `${what} was answered with status ${status}` : isPassing ? `${what}: ${words}` : words
  const afterMs = retryAfterMs(retryAfter)
  // A server that names a time to come back did not do it. One that failed midway does not know.
  const isUnknown = isLossy(request) && status >= 500 && afterMs === undefined
  const reason = isUnknown ? 'Unknown' : (textAt(value, 'reason') ?? `Http${status}`)
  const error = new KubeError(status, reason, message)
  if (!isPassing || isUnknown) return { kind: 'refused', error }
  return { kind: 'again', error, ...(afterMs !== undefined && { afterMs }) }
}

/** The server's own word for it is one word, and the same for each of these. */
function unknownTo({ server, from }: Pick<RequestTarget, 'server' | 'from'>, words = 'Unauthorized'): string {
  const remedy =
    from === DEFAULT_KUBECONFIG
      ? 'the DaemonSet spiderpool-node writes that file: does its pod run on this node?'
      : 'put valid credentials there'
  return `the API server ${server} does not know the client: ${words}; the token or client certificate of ${from ?? 'the kubeconfig'} is wrong or has expired; ${remedy}`
}

/** RFC 9110 10.2.3, in seconds; its other form, a date, is not what API servers send. */
const retryAfterMs = (text: string | null): number | undefined =>
  text !== null && /^\d{1,9}$/.test(text) ? Number(text) * 1000 : undefined

/** Of a meta/v1 Status, or of whatever stands there instead. */
function textAt(value: object | undefined, key: 'reason' | 'message'): string | undefined {
  const found: unknown = value === undefined ? undefined : Object.entries(value).find(([name]) => name === key)?.[1]
  return typeof found === 'string' && found !== '' ? found : undefined
}
