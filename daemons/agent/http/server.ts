// HTTP/1.1 on connections of a unix socket: limits, the early first byte, drain. Knows no path.
//
// node:http, because Bun.serve drops the body of a GET, which the Go executables send. node:net
// accepts, because only its sockets have a descriptor, by which the peer is known.
import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createNet, type Socket } from 'node:net'
import { BODY_BYTES_MAX, HEARTBEAT_MS, PROTOCOL_HEADER, PROTOCOL_VERSION } from '../../../lib/agent/protocol.js'
import { messageOf } from '../../../lib/errors.js'
import type { Log } from '../../../lib/log.js'
import { HttpRefusal, type ServedAnswer, type ServedHandler, type ServedRequest } from './request.js'

/** Within this time of connecting the whole request must be there. */
const REQUEST_MS_MAX = 10_000
/** Open connections; a further one is closed at once, so that descriptors are left for calls. */
const CONNECTIONS_MAX = 4_096
/** How long the rest of a refused body is read and dropped, so that the client sees the answer. */
const DROP_MS_MAX = 1_000
const BACKLOG = 1_024 // the kernel limits it to net.core.somaxconn

export interface HttpServerDeps {
  readonly handler: ServedHandler
  readonly log: Log
  /** Why a connection is refused; undefined where it may be served. */
  readonly whyNot: (fd: number | undefined) => string | undefined
}

interface Handle {
  readonly fd?: number
}

export class HttpServer {
  readonly #deps: HttpServerDeps
  readonly #http: Server
  readonly #net = createNet({ allowHalfOpen: true }, socket => this.#accept(socket))
  readonly #open = new Set<Socket>()
  readonly #timers = new Map<Socket, ReturnType<typeof setTimeout>>()
  #inFlight = 0
  #onIdle: (() => void) | undefined

  constructor(deps: HttpServerDeps) {
    this.#deps = deps
    this.#http = createHttp((request, response) => void this.#serve(request, response))
  }

  get connections(): number {
    return this.#open.size
  }

  /** Binds to the path and listens. @throws Error of node:net */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#net.once('error', reject)
      this.#net.listen({ path, backlog: BACKLOG }, () => {
        this.#net.removeListener('error', reject)
        this.#net.on('error', error => this.#deps.log.warn(`the socket: ${messageOf(error)}`))
        resolve()
      })
    })
  }

  /**
   * Accepts no more and waits until the requests in flight are answered, at most `ms`. Returns how
   * many are not.
   */
  async drain(ms?: number): Promise<number> {
    if (this.#net.listening) this.#net.close()
    if (this.#inFlight > 0)
      await new Promise<void>(resolve => {
        const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
        this.#onIdle = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    return this.#inFlight
  }

  /**
   * Closes every connection. A client takes a connection that is closed before its answer for a
   * process that has ended.
   */
  close(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy()) // a client that is gone
    const fd = (socket as unknown as { readonly _handle?: Handle | null })._handle?.fd
    const why = this.#open.size >= CONNECTIONS_MAX ? `${CONNECTIONS_MAX} are open` : this.#deps.whyNot(fd)
    if (why !== undefined) {
      this.#deps.log.warn(`connection refused: ${why}`)
      return void socket.destroy()
    }
    this.#open.add(socket)
    this.#timers.set(
      socket,
      setTimeout(() => socket.destroy(), REQUEST_MS_MAX),
    )
    socket.once('close', () => {
      this.#open.delete(socket)
      this.#requestCame(socket)
    })
    this.#http.emit('connection', socket)
  }

  #requestCame(socket: Socket): void {
    clearTimeout(this.#timers.get(socket))
    this.#timers.delete(socket)
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inFlight++
    response.on('error', () => undefined) // a client that is gone
    response.shouldKeepAlive = false // an executable sends one request
    try {
      const body = await bodyOf(message)
      this.#requestCame(message.socket)
      await this.#answer(await this.#deps.handler(requestOf(message, body)), message, response)
    } catch (error) {
      if (!(error instanceof HttpRefusal)) this.#deps.log.error(`${message.method} ${message.url}: ${messageOf(error)}`)
      const answer = { status: error instanceof HttpRefusal ? error.status : 500, json: messageOf(error) }
      send(response, answer, message)
    } finally {
      this.#inFlight--
      if (this.#inFlight === 0) this.#onIdle?.()
    }
  }

  async #answer(answer: ServedAnswer, message: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!('stream' in answer)) return send(response, answer, message)
    response.writeHead(200, { 'content-type': 'application/json', [PROTOCOL_HEADER]: PROTOCOL_VERSION })
    response.write(' ')
    const beat = setInterval(() => response.write(' '), HEARTBEAT_MS)
    try {
      // A client that waited in vain for the first byte has closed and gone another way: its call
      // must not run here too. The close is seen in the next turn of the event loop.
      await new Promise(resolve => setImmediate(resolve))
      if (message.socket.destroyed)
        return this.#deps.log.warn(`${message.url}: the client is gone, the call is not run`)
      response.end(JSON.stringify(await answer.stream(() => message.socket.destroyed)))
    } finally {
      clearInterval(beat)
    }
  }
}

function send(
  response: ServerResponse,
  { status, json }: { readonly status: number; readonly json?: unknown },
  message: IncomingMessage,
): void {
  if (response.headersSent) return void response.end()
  const body = json === undefined ? '' : `${JSON.stringify(json)}\n`
  response.writeHead(status, {
    ...(body !== '' && { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(body),
  })
  if (message.complete) return void response.end(body)
  // The end closes the connection, and a close while the client writes loses the answer.
  response.write(body)
  const end = (): void => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(() => {
    end()
    message.socket.destroy()
  }, DROP_MS_MAX)
  message.once('end', end)
  message.once('close', end)
  message.resume()
}

const tooLarge = (): HttpRefusal =>
  new HttpRefusal(413, `the body has more than ${BODY_BYTES_MAX} bytes, which no CNI conf needs`)

/** The whole body. @throws HttpRefusal 413 */
function bodyOf(message: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    if (Number(message.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return reject(tooLarge())
    const parts: Buffer[] = []
    let length = 0
    message.on('data', (part: Buffer) => {
      length += part.length
      if (length <= BODY_BYTES_MAX) return void parts.push(part)
      message.removeAllListeners('data')
      reject(tooLarge())
    })
    message.once('end', () => resolve(Buffer.concat(parts).toString('utf8')))
    message.once('error', error => reject(new HttpRefusal(400, `the request broke off: ${messageOf(error)}`)))
    message.once('close', () => reject(new HttpRefusal(400, 'the request broke off')))
  })
}

function requestOf(message: IncomingMessage, body: string): ServedRequest {
  const url = message.url ?? '/'
  const at = url.indexOf('?')
  return {
    method: message.method ?? 'GET',
    path: at < 0 ? url : url.slice(0, at),
    query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)),
    header: name => String(message.headers[name] ?? ''),
    body,
  }
}
