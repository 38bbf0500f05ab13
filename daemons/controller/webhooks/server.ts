// The webhooks' HTTPS server: certificates are replaced while it serves, and it checks itself.
import { messageOf } from '../../../lib/errors.js'
import { connect } from 'node:net'
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls'
import { certificatesIn, factsOf, type Pair } from '../../../lib/x509.js'
import { portFault } from '../../runtime/port-fault.js'
import { BODY_BYTES_MAX } from './http.js'
import { HEALTH_PATH } from './configurations.js'

export interface Certified extends Pair {
  /** The CA for the self-check; undefined where the certificate is provided, for any names. */
  readonly ca: string | undefined
}

/** What reconcilers and health checks use of the server. */
export interface Serving {
  /**
   * Serves this certificate from now on; open connections go on.
   * @throws Error where the pair is invalid or the port is taken.
   */
  use(pair: Certified): Promise<void>
  /** Connects to itself; returns a sentence where that fails. */
  check(): Promise<string | undefined>
}

const CHECK_MS_MAX = 3_000
/** Idle timeout of a connection, longer than the API server's pauses between requests. */
const IDLE_MS = 120_000

/**
 * TLS and HTTP are two servers joined by an abstract Unix socket: `node:tls` replaces the
 * certificate of a listening socket, which Bun.serve cannot. A second listener on the port would
 * lose connections in the first one's accept queue when that closes.
 */
export class WebhookServer implements Serving {
  readonly #options: { readonly port: number; readonly hostname?: string; readonly onPort: (port: number) => void }
  readonly #http: ReturnType<typeof Bun.serve>
  readonly #path = `\0spiderpool-webhooks-${crypto.randomUUID()}`
  readonly #open = new Set<TLSSocket>()
  #tls: Server | undefined
  #served: Certified | undefined
  #expiresAtMs: number | undefined

  constructor(options: {
    readonly port: number
    readonly hostname?: string
    readonly fetch: (request: Request) => Promise<Response>
    readonly onPort: (port: number) => void
  }) {
    this.#options = options
    this.#http = Bun.serve({
      unix: this.#path,
      maxRequestBodySize: BODY_BYTES_MAX,
      fetch: options.fetch,
    })
  }

  async use(pair: Certified): Promise<void> {
    const { certificate: cert, key } = pair
    if (this.#served?.certificate === cert && this.#served.key === key) return
    createSecureContext({ cert, key }) // throws where the pair is invalid
    await this.listen()
    this.#tls?.setSecureContext({ cert, key })
    const isFirst = this.#served === undefined
    this.#served = pair
    this.#expiresAtMs = factsOf(certificatesIn(cert)[0] ?? cert)?.validity.toMs
    if (isFirst) this.#options.onPort(this.#port())
  }

  /** Of the served certificate, in ms since 1970; undefined while there is none. */
  get expiresAtMs(): number | undefined {
    return this.#expiresAtMs
  }

  /**
   * Listens; without a certificate each handshake fails.
   * @throws Error a sentence where the port is taken.
   */
  async listen(): Promise<void> {
    if (this.#tls) return
    const { port, hostname } = this.#options
    const server = createServer({ ALPNProtocols: ['http/1.1'] }, socket => this.#pass(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', error =>
        reject(new Error(portFault('SPIDERPOOL_WEBHOOK_PORT', { port, hostname: hostname ?? '' }, error))),
      )
      server.listen({ port, ...(hostname !== undefined && { host: hostname }) }, resolve)
    })
    this.#tls = server
  }

  /** Pipes both ways; where one side ends or fails, the other is destroyed. */
  #pass(from: TLSSocket): void {
    this.#open.add(from)
    const to = connect(this.#path)
    const end = (): void => {
      this.#open.delete(from)
      from.destroy()
      to.destroy()
    }
    for (const socket of [from, to]) socket.on('error', end).on('close', end)
    from.setTimeout(IDLE_MS, end).pipe(to).pipe(from)
  }

  #port(): number {
    const address = this.#tls?.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async check(): Promise<string | undefined> {
    if (!this.#tls || !this.#served) return 'the webhooks have no certificate yet'
    const { ca } = this.#served
    const { hostname } = this.#options
    const host = hostname === undefined ? 'localhost' : hostname.includes(':') ? `[${hostname}]` : hostname
    try {
      const answer = await fetch(`https://${host}:${this.#port()}${HEALTH_PATH}`, {
        tls: ca === undefined ? { rejectUnauthorized: false } : { ca, serverName: 'localhost' },
        keepalive: false,
        signal: AbortSignal.timeout(CHECK_MS_MAX),
      })
      await answer.arrayBuffer()
      return answer.ok ? undefined : `${HEALTH_PATH} answers ${answer.status}`
    } catch (error) {
      return `the webhooks do not answer: ${messageOf(error)}`
    }
  }

  async stop(): Promise<void> {
    this.#tls?.close()
    for (const socket of this.#open) socket.destroy()
    await this.#http.stop(true)
  }
}
