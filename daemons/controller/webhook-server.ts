// The webhooks' HTTPS port: certificates exchanged while it serves, and a check of itself. Knows sockets; judges nothing.
import type { Pair } from '../../lib/x509.js'
import { BODY_BYTES_MAX } from './webhook-http.js'
import { HEALTH_PATH } from './webhooks/configurations.js'

export interface Certified extends Pair {
  /** What the certificate is verified with when we ask ourselves; `undefined` where somebody else provides it, for whatever names. */
  readonly ca: string | undefined
}

/** What the port is told and asked. */
export interface Serving {
  /** Serves with this one from now on. Connections that there are go on. */
  use(pair: Certified): void
  /** A sentence where a request to ourselves is not answered. */
  check(): Promise<string | undefined>
}

type Server = ReturnType<typeof Bun.serve>

const CHECK_MS_MAX = 3_000
/** Of a connection that says nothing; the API server keeps its own open longer than a pause between writes. */
const IDLE_SECONDS = 120

export class WebhookServer implements Serving {
  readonly #options: { readonly port: number; readonly hostname?: string }
  readonly #fetch: (request: Request) => Promise<Response>
  #server: Server | undefined
  #served: Certified | undefined
  readonly #onPort: (port: number) => void

  constructor(options: {
    readonly port: number
    readonly hostname?: string
    readonly fetch: (request: Request) => Promise<Response>
    readonly onPort: (port: number) => void
  }) {
    const { port, hostname, fetch, onPort } = options
    this.#options = { port, ...(hostname !== undefined && { hostname }) }
    this.#fetch = fetch
    this.#onPort = onPort
  }

  /** Bun cannot change the certificate of a listening socket: a second one listens at the same port (SO_REUSEPORT), then the first ends. */
  use(pair: Certified): void {
    if (this.#served?.certificate === pair.certificate && this.#served.key === pair.key) return
    const before = this.#server
    const next = Bun.serve({
      ...this.#options,
      ...(before?.port !== undefined && { port: before.port }),
      reusePort: true,
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize: BODY_BYTES_MAX,
      tls: { cert: pair.certificate, key: pair.key },
      fetch: this.#fetch,
    })
    this.#server = next
    this.#served = pair
    if (!before && next.port !== undefined) this.#onPort(next.port)
    void before?.stop(false) // ends when its last connection does
  }

  async check(): Promise<string | undefined> {
    if (!this.#server || !this.#served) return 'the webhooks have no certificate yet'
    const { ca } = this.#served
    const { hostname } = this.#options
    const host = hostname === undefined ? 'localhost' : hostname.includes(':') ? `[${hostname}]` : hostname
    try {
      const answer = await fetch(`https://${host}:${this.#server.port}${HEALTH_PATH}`, {
        tls: ca === undefined ? { rejectUnauthorized: false } : { ca, serverName: 'localhost' },
        keepalive: false,
        signal: AbortSignal.timeout(CHECK_MS_MAX),
      })
      await answer.arrayBuffer()
      return answer.ok ? undefined : `${HEALTH_PATH} answers ${answer.status}`
    } catch (error) {
      return `the webhooks do not answer: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  async stop(): Promise<void> {
    await this.#server?.stop(true)
  }
}
