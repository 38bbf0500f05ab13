// Classifies a response, or its absence: success, final error, or retry. Pure.
import { codeOf, messageOf } from '../errors.js'
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
  /** How long the caller has waited when the timeout ends, earlier tries included. */
  readonly waitedMs?: number
  /** An idempotent write is retried when its response is lost. */
  readonly idempotent?: boolean
  /** Called before each retry; false makes the last error final. */
  readonly mayRetry?: (() => boolean) | undefined
  /** No retries: the request is not worth a wait. */
  readonly once?: boolean
}

export type RequestOutcome =
  | { readonly kind: 'answer'; readonly value: object }
  | { readonly kind: 'again'; readonly error: KubeError; readonly afterMs?: number }
  | { readonly kind: 'refused'; readonly error: KubeError }

/**
 * Error codes of Bun and Node where no connection was made: nothing was sent, so any request may be
 * retried.
 */
const NOT_SENT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ConnectionRefused: 'nothing listens there',
  ENOENT: 'there is no such socket',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'there is no route to its network',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  FailedToOpenSocket: 'no connection could be set up; are the certificates and the key in the kubeconfig whole?',
}

/** Codes of a failed TLS handshake: nothing was sent, and a retry does not fix a certificate. */
const HANDSHAKE = /^(EPROTO|CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/
const UNTRUSTED = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/
/** A trusted certificate outside its validity: either it or a clock is wrong. */
const UNTIMELY: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired; renew it, or set the clock of this node',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; set the clock of this node, or that of who made it',
}

export interface RequestTarget {
  readonly server: string
  readonly request: KubeRequest
  /** The proxy to the server. */
  readonly proxy?: Proxy | undefined
  /** The kubeconfig with the credentials. */
  readonly from?: string | undefined
}

const isLossy = ({ method, idempotent }: KubeRequest): boolean => method !== 'GET' && idempotent !== true

/**
 * Classifies an error of fetch or of reading the body; `status` is set if the response head
 * arrived.
 */
export function lost(
  thrown: unknown,
  status: number | undefined,
  { server, request, proxy }: RequestTarget,
): RequestOutcome {
  const code = causeCodeOf(thrown)
  const by = proxy ? ` through the proxy ${shownProxy(proxy)}` : ''
  const fail = (reason: NoAnswer, says: string): KubeError =>
    new KubeError(0, reason, `${request.method} ${server}${request.path}: ${says}`)
  const unreachable = (says: string, options?: ErrorOptions): KubeError =>
    new KubeError(0, 'Unreachable', `the API server ${server} cannot be reached${by}: ${says} (${code})`, options)
  if (status === undefined) {
    const why = proxy && TUNNEL.test(code) ? tunnelSentence(thrown) : NOT_SENT[code]
    if (why !== undefined) return { kind: 'again', error: unreachable(proxy ? `${why}; ${remedyOf(proxy)}` : why) }
    // The cause is kept only here: it carries OpenSSL's message.
    if (HANDSHAKE.test(code)) return { kind: 'refused', error: unreachable(handshakeSentence(code), { cause: thrown }) }
  }
  const isTimeout = thrown instanceof Error && thrown.name === 'TimeoutError'
  const says = (isTimeout ? lateSentence(status, request) : cutOff(thrown, code, status)) + by
  if (isLossy(request)) return { kind: 'refused', error: fail('Unknown', `${says}; it may have been carried out`) }
  if (isTimeout) return { kind: 'again', error: fail('Timeout', says) }
  return { kind: thrown instanceof TooLong ? 'refused' : 'again', error: fail('BadAnswer', says) }
}

/** The proxy refused CONNECT: nothing was sent to the server. */
const TUNNEL = /^ERR_PROXY_/
const tunnelSentence = (thrown: unknown): string => `the proxy answers for the server (${messageOf(thrown)})`
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

/** The response exceeds the size limit. */
export class TooLong extends Error {}

function cutOff(thrown: unknown, code: string, status: number | undefined): string {
  if (thrown instanceof TooLong) return thrown.message
  const what = status === undefined ? 'the connection was closed before an answer came' : 'the answer was cut off'
  return `${what} (${code === '' ? String(thrown) : code})`
}

/** The code of the error or of the nearest cause that has one; fetch wraps system errors. */
const causeCodeOf = (thrown: unknown): string => {
  const code = codeOf(thrown)
  if (code !== '' || typeof thrown !== 'object' || thrown === null) return code
  return 'cause' in thrown ? causeCodeOf(thrown.cause) : ''
}

export interface HttpAnswer {
  readonly status: number
  readonly retryAfter: string | null
  readonly text: string
}

/** Classifies a complete response. */
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
  // A message of a transient error names no object; other messages do.
  const message =
    words === undefined ? `${what} was answered with status ${status}` : isPassing ? `${what}: ${words}` : words
  const afterMs = retryAfterMs(retryAfter)
  // With Retry-After the server did not execute the request; without, it may have failed midway.
  const isUnknown = isLossy(request) && status >= 500 && afterMs === undefined
  const reason = isUnknown ? 'Unknown' : (textAt(value, 'reason') ?? `Http${status}`)
  const error = new KubeError(status, reason, message, { retryAfterMs: afterMs })
  if (!isPassing || isUnknown) return { kind: 'refused', error }
  return { kind: 'again', error, ...(afterMs !== undefined && { afterMs }) }
}

/** Where a pod has the token of its service account. */
const MOUNTED_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/'

/** The server's message for 401 is only `Unauthorized`; this adds the file and a remedy. */
function unknownTo({ server, from }: Pick<RequestTarget, 'server' | 'from'>, words = 'Unauthorized'): string {
  const remedy =
    from === DEFAULT_KUBECONFIG
      ? 'the node agent writes that file: does its pod run on this node?'
      : from?.startsWith(MOUNTED_ACCOUNT) === true
        ? 'the kubelet renews it: does the service account still exist, and is the clock of the node right?'
        : 'put valid credentials there'
  return `the API server ${server} does not know the client: ${words}; the token or client certificate of ${from ?? 'the kubeconfig'} is wrong or has expired; ${remedy}`
}

/** Retry-After in seconds (RFC 9110 10.2.3); API servers do not send the date form. */
const retryAfterMs = (text: string | null): number | undefined =>
  text !== null && /^\d{1,9}$/.test(text) ? Number(text) * 1000 : undefined

/** A field of a meta/v1 Status; undefined for any other body. */
function textAt(value: object | undefined, key: 'reason' | 'message'): string | undefined {
  const found: unknown = value === undefined ? undefined : Object.entries(value).find(([name]) => name === key)?.[1]
  return typeof found === 'string' && found !== '' ? found : undefined
}
