// A request with retries, timeouts and size limits on native fetch. answer.ts classifies the
// response.
import {
  judge,
  lost,
  TooLong,
  type HttpAnswer,
  type RequestOutcome,
  type RequestTarget,
  type KubeRequest,
} from './outcome.js'
import type { ClusterConfig } from './config.js'
import type { Credential } from './entry.js'
import { KubeError } from './errors.js'

/** Time, randomness and network, replaceable in tests. */
export interface ClientDeps {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** Resolves early if `signal` aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** In [0, 1). */
  readonly random: () => number
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

/** The time of all requests of a CNI call together, with retries and backoff. */
export interface Deadline {
  readonly ms: number
  /** The call and the key that sets it: `this ADD (ipam.timeouts.add)`. */
  readonly of: string
}

export interface RequestLimits {
  readonly requestMs: number
  readonly listMs: number
  readonly answerBytes: number
  /** Requests at once; more wait. Over HTTP/1.1 each takes a connection, with a TLS handshake. */
  readonly parallel: number
  /** A watch that is silent for this long is a dead connection. */
  readonly idleMs: number
}

export const LIMITS: RequestLimits = {
  parallel: Infinity,
  requestMs: 10_000,
  listMs: 30_000,
  answerBytes: 256 * 1024 * 1024, // 100,000 addresses, metadata only, are 40 MB
  idleMs: 150_000, // kube-apiserver sends a bookmark a minute: two are missing
}

export const TRIES_MAX = 5
/**
 * A read waits a quarter of its timeout at first, then twice as long each time: under a burst of
 * connections a server may starve one (uWebSockets accepts the newest first), and a new one is
 * served at once.
 */
const FIRST_READ_PART = 4
export const PAUSE_MS = 100
export const PAUSE_MS_MAX = 2_000
/** Bound on Retry-After, since the runtime waits for a CNI call. */
export const RETRY_AFTER_MS_MAX = 8_000

/** Bytes of bodies only, without headers and TLS. */
export interface Counts {
  requests: number
  sent: number
  received: number
}

/**
 * Milliseconds before a retry: exponential backoff with full jitter, or Retry-After plus a little
 * jitter.
 */
export function pauseMs(tries: number, afterMs: number | undefined, random: number): number {
  const bound = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (tries - 1))
  return afterMs === undefined ? random * bound : Math.min(afterMs, RETRY_AFTER_MS_MAX) + random * PAUSE_MS
}

function withReadTimeout(request: KubeRequest, tries: number): KubeRequest {
  if (request.method !== 'GET' || request.once === true) return request
  const part = Math.max(1, FIRST_READ_PART / 2 ** (tries - 1))
  return { ...request, timeoutMs: Math.ceil(request.timeoutMs / part) }
}

/** In Bun `proxy: false` ignores the environment. */
type BunInit = RequestInit & { tls?: object; unix?: string; proxy: string | false }

/** A program or request that ends with the deadline may end so much before it. */
const EARLY_MS = 10

export class Requests {
  readonly counts: Counts = { requests: 0, sent: 0, received: 0 }
  readonly deps: ClientDeps
  readonly limits: RequestLimits
  readonly #config: ClusterConfig
  readonly #deadline: Deadline | undefined
  readonly #endsAt: number
  /** The error at the deadline. */
  #overdue: KubeError | undefined
  #tls: ClusterConfig['tls']
  #inFlight = 0
  readonly #waiting: (() => void)[] = []

  constructor(config: ClusterConfig, deps: ClientDeps, limits: RequestLimits, deadline?: Deadline) {
    this.#config = config
    this.deps = deps
    this.limits = limits
    this.#tls = config.tls
    this.#deadline = deadline
    this.#endsAt = deadline ? deps.now() + deadline.ms : Infinity
  }

  /** Milliseconds until the deadline; Infinity without one. */
  get remainingMs(): number {
    return Math.max(0, this.#endsAt - this.deps.now())
  }

  /** The context for error messages. */
  targetOf(request: KubeRequest): RequestTarget {
    const { proxy, from } = this.#config
    return { server: this.server, request, proxy, from }
  }

  get server(): string {
    return this.#config.unix ?? this.#config.server
  }

  /** The JSON of the response. @throws KubeError, no later than the deadline */
  async send(request: KubeRequest): Promise<object> {
    const most = { ...request, timeoutMs: Math.min(request.timeoutMs, this.#deadline?.ms ?? Infinity) }
    const startedAt = this.deps.now()
    let last: KubeError | undefined
    for (let tries = 1; ; tries++) {
      await this.#takeTurn()
      const left = this.remainingMs
      if (left === 0) {
        this.#endTurn()
        throw last ? this.#ended(last) : this.#tooLate(request)
      }
      const bounded = withReadTimeout(most, tries)
      const timeoutMs = Math.min(bounded.timeoutMs, Math.ceil(left))
      const waitedMs = Math.round(this.deps.now() - startedAt) + timeoutMs
      const outcome = await this.#once({ ...bounded, timeoutMs, waitedMs }).finally(() => this.#endTurn())
      if (outcome.kind === 'answer') return outcome.value
      const { error } = outcome
      if (outcome.kind === 'refused' || request.once === true || tries >= TRIES_MAX) throw this.#marked(error)
      const pause = pauseMs(tries, outcome.afterMs, this.deps.random())
      if (pause >= this.remainingMs) throw this.#ended(error)
      last = error
      await this.deps.sleep(pause)
      if (request.mayRetry?.() === false) throw error
    }
  }

  /** Waits while `limits.parallel` requests are in flight. */
  async #takeTurn(): Promise<void> {
    if (this.#inFlight < this.limits.parallel) this.#inFlight++
    else await new Promise<void>(resolve => this.#waiting.push(resolve)) // takes over a turn that ends
  }

  #endTurn(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#inFlight--
  }

  /** The error, with a note that the deadline left no time for a retry. */
  #ended({ status, reason, message, cause }: KubeError): KubeError {
    const { ms, of } = this.#deadline ?? { ms: 0, of: '' }
    const error = new KubeError(status, reason, `${message}; the ${ms / 1000} s of ${of} are over`, { cause })
    this.#overdue ??= error
    return error
  }

  /** A final error; the deadline is named only if it came before a response. */
  #marked(error: KubeError): KubeError {
    return this.remainingMs <= EARLY_MS && error.status === 0 ? this.#ended(error) : error
  }

  /** The error of a request after the deadline: the one that the call was waiting on. */
  #tooLate({ method, path }: KubeRequest): KubeError {
    const { ms, of } = this.#deadline ?? { ms: 0, of: '' }
    const first = this.#overdue
    if (first && first.reason !== 'Unknown') return first
    const unsent = `the ${ms / 1000} s of ${of} were over before ${method} ${this.server}${path} was sent`
    return new KubeError(0, 'Timeout', first?.message ?? unsent) // this request was not sent
  }

  /** The response as a stream. One try. @throws what fetch throws */
  open(request: KubeRequest, signal: AbortSignal): Promise<Response> {
    this.counts.requests += 1
    if (request.body !== undefined) this.counts.sent += Buffer.byteLength(request.body)
    return this.deps.fetch(this.#config.server + request.path, this.#init(request, signal))
  }

  async #once(request: KubeRequest): Promise<RequestOutcome> {
    const target = this.targetOf(request)
    let status: number | undefined
    let answer: HttpAnswer
    try {
      const response = await this.open(request, AbortSignal.timeout(request.timeoutMs))
      status = response.status
      const text = await this.textOf(response)
      answer = { status, retryAfter: response.headers.get('retry-after'), text }
    } catch (error) {
      if (error instanceof KubeError) throw this.#marked(error) // from the credentials: nothing was sent
      return lost(error, status, target)
    }
    return judge(answer, target)
  }

  /**
   * The body. With Content-Length, which fetch enforces, it is read at once; else up to the limit.
   * @throws TooLong
   */
  async textOf(response: Response): Promise<string> {
    const max = this.limits.answerBytes
    const length = response.headers.get('content-length')
    if (length !== null || response.body === null) {
      if (Number(length) > max) throw new TooLong(`the answer has ${length} bytes; ${max} at most are read`)
      const text = await response.text()
      this.counts.received += Number(length)
      return text
    }
    const decoder = new TextDecoder()
    let [text, bytes] = ['', 0]
    for await (const chunk of response.body) {
      bytes += chunk.byteLength
      if (bytes > max) throw new TooLong(`the answer has more than ${max} bytes; ${max} at most are read`)
      text += decoder.decode(chunk, { stream: true })
    }
    this.counts.received += bytes
    return text + decoder.decode()
  }

  #init({ method, body, contentType, accept }: KubeRequest, signal: AbortSignal): RequestInit {
    const credential = this.#config.credential?.() ?? {}
    const tls = this.#tlsWith(credential)
    const headers: Record<string, string> = {
      accept: accept ?? 'application/json',
      'accept-encoding': 'identity', // so that the size limit applies to the bytes received
    }
    if (body !== undefined) headers['content-type'] = contentType ?? 'application/json'
    if (credential.authorization !== undefined) headers['authorization'] = credential.authorization
    // Redirects are not followed: API servers send none, and the token must not go elsewhere.
    const init: BunInit = { method, headers, signal, redirect: 'manual', proxy: this.#config.proxy?.url ?? false }
    if (body !== undefined) init.body = body
    if (tls !== undefined) init.tls = tls
    if (this.#config.unix !== undefined) init.unix = this.#config.unix
    return init
  }

  /** The same object until it changes: Bun keeps a TLS context and its connections per object. */
  #tlsWith({ cert, key }: Credential): ClusterConfig['tls'] {
    if (cert !== undefined && key !== undefined && this.#tls?.cert !== cert) this.#tls = { ...this.#tls, cert, key }
    return this.#tls
  }
}
