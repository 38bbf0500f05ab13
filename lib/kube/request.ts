// One request and its retries on native fetch: what may be sent again, how long to wait, what counts as an answer. Knows no kinds.
import type { ClusterConfig } from './config.js'
import { KubeError, type NoAnswer } from './errors.js'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What time and chance are made of, so that tests can do without. */
export interface Seams {
  readonly fetch: Fetch
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
}

export interface Counts {
  requests: number
  sent: number
  received: number
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query. */
  readonly path: string
  readonly body?: string
  readonly contentType?: string
  readonly accept?: string
  readonly timeoutMs?: number
  /** A write that may be done twice without harm: then a lost answer is no reason not to try again. */
  readonly idempotent?: boolean
}

export const REQUEST_MS_MAX = 10_000
export const TRIES_MAX = 5
export const PAUSE_MS = 100
export const PAUSE_MS_MAX = 2_000
/** A server that asks for more than this is asked again earlier: a CNI call is waited for. */
export const RETRY_AFTER_MS_MAX = 8_000
/** A list of 100,000 addresses, metadata only, is 40 MB. */
export const ANSWER_BYTES_MAX = 256 * 1024 * 1024

/** Codes of a connection that never was: Bun's and Node's words. Nothing was sent, so anything may be sent again. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ConnectionRefused',
  'FailedToOpenSocket',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'UND_ERR_CONNECT_TIMEOUT',
])

type Outcome =
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'again'; readonly error: KubeError; readonly afterMs?: number }
  | { readonly kind: 'refused'; readonly error: KubeError }

export class Requests {
  readonly #config: ClusterConfig
  readonly #seams: Seams
  readonly counts: Counts = { requests: 0, sent: 0, received: 0 }

  constructor(config: ClusterConfig, seams: Seams) {
    this.#config = config
    this.#seams = seams
  }

  /** The answer's text. Throws KubeError only. */
  async send(request: Request): Promise<string> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.#once(request)
      if (outcome.kind === 'answer') return outcome.text
      if (outcome.kind === 'refused' || tries >= TRIES_MAX) throw outcome.error
      await this.#seams.sleep(pauseMs(tries, outcome.afterMs, this.#seams.random()))
    }
  }

  /** The answer itself, for who reads it as it comes. One try. */
  async open({ method, path, accept }: Request, signal: AbortSignal): Promise<Response> {
    this.counts.requests += 1
    return this.#seams.fetch(
      this.#config.server + path,
      this.#init({ method, path, ...(accept && { accept }) }, signal),
    )
  }

  #init({ method, body, contentType, accept }: Request, signal: AbortSignal): RequestInit {
    const { tls, unix, authorization } = this.#config
    const token = authorization?.()
    const headers: Record<string, string> = {
      accept: accept ?? 'application/json',
      'accept-encoding': 'identity', // a limit on the answer's size must hold for what arrives
      ...(body !== undefined && { 'content-type': contentType ?? 'application/json' }),
      ...(token !== undefined && { authorization: token }),
    }
    const init: RequestInit & { tls?: object; unix?: string } = { method, headers, signal, redirect: 'manual' }
    if (body !== undefined) init.body = body
    if (tls !== undefined) init.tls = tls
    if (unix !== undefined) init.unix = unix
    return init
  }

  async #once(request: Request): Promise<Outcome> {
    const { method, path, body, timeoutMs = REQUEST_MS_MAX } = request
    const write = method !== 'GET'
    this.counts.requests += 1
    let response: Response | undefined
    let text: string
    try {
      const init = this.#init(request, AbortSignal.timeout(timeoutMs))
      this.counts.sent += body === undefined ? 0 : Buffer.byteLength(body)
      response = await this.#seams.fetch(this.#config.server + path, init)
      text = await textOf(response)
      this.counts.received += Buffer.byteLength(text)
    } catch (error) {
      return lost(error, { server: this.#config.server, request, answered: response !== undefined, write })
    }
    return judge(response, text, { server: this.#config.server, request, write })
  }
}

interface Place {
  readonly server: string
  readonly request: Request
  readonly write: boolean
}

/** Full jitter below a doubling bound; what the server asks for is waited for, and a little jitter keeps the waiters apart. */
export function pauseMs(tries: number, afterMs: number | undefined, random: number): number {
  const bound = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (tries - 1))
  return afterMs === undefined ? random * bound : Math.min(afterMs, RETRY_AFTER_MS_MAX) + random * PAUSE_MS
}

async function textOf(response: Response): Promise<string> {
  const length = Number(response.headers.get('content-length') ?? 0)
  if (length > ANSWER_BYTES_MAX) throw new TooLong(`an answer of ${length} bytes; ${ANSWER_BYTES_MAX} at most`)
  return response.text()
}

class TooLong extends Error {}

function lost(thrown: unknown, { server, request, answered, write }: Place & { answered: boolean }): Outcome {
  const code = codeOf(thrown)
  const what = `${request.method} ${server}${request.path}`
  const fail = (reason: NoAnswer, says: string): KubeError =>
    new KubeError(0, reason, `${what}: ${says}`, { cause: thrown })
  if (!answered && NOT_SENT.has(code))
    return { kind: 'again', error: fail('Unreachable', `the API server cannot be reached (${code})`) }
  const isLate = thrown instanceof Error && (thrown.name === 'TimeoutError' || thrown.name === 'AbortError')
  if (write && request.idempotent !== true)
    return { kind: 'refused', error: fail('Unknown', 'no whole answer came; it may have been carried out') }
  if (isLate)
    return { kind: 'refused', error: fail('Timeout', `no answer in ${request.timeoutMs ?? REQUEST_MS_MAX} ms`) }
  return { kind: 'again', error: fail('BadAnswer', `the answer was cut off (${code || String(thrown)})`) }
}

const codeOf = (thrown: unknown): string => {
  if (typeof thrown !== 'object' || thrown === null) return ''
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code
  return 'cause' in thrown ? codeOf(thrown.cause) : ''
}

function judge(response: Response, text: string, { server, request, write }: Place): Outcome {
  const { status } = response
  if (status >= 200 && status < 300) return { kind: 'answer', text }
  const said = statusOf(text)
  const afterMs = retryAfterMs(response.headers.get('retry-after'))
  const what = said.message ?? `${request.method} ${server}${request.path} was answered ${status}`
  const mayBe = write && status >= 500 && request.idempotent !== true && afterMs === undefined
  const error = new KubeError(status, mayBe ? 'Unknown' : (said.reason ?? `Http${status}`), what)
  if ((status === 429 || status >= 500) && !mayBe)
    return { kind: 'again', error, ...(afterMs !== undefined && { afterMs }) }
  return { kind: 'refused', error }
}

/** RFC 9110 10.2.3, in seconds; its other form, a date, is not what API servers send. */
const retryAfterMs = (text: string | null): number | undefined =>
  text !== null && /^\d{1,9}$/.test(text) ? Number(text) * 1000 : undefined

/** meta/v1 Status, or whatever stands there instead. */
function statusOf(text: string): { reason?: string; message?: string } {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return {}
    const { reason, message } = value as { reason?: unknown; message?: unknown }
    return {
      ...(typeof reason === 'string' && reason !== '' && { reason }),
      ...(typeof message === 'string' && message !== '' && { message }),
    }
  } catch {
    return {}
  }
}
