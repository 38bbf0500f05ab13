// A loopback server with scripted responses, and a client whose pauses are recorded rather than
// waited.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type Kube } from '../../../lib/kube/client.js'
import type { RequestLimits } from '../../../lib/kube/request.js'

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}
export type Answer = (response: ServerResponse, seen: Seen) => void

export interface World {
  readonly kube: Kube
  readonly server: string
  /** What arrived, whole. */
  readonly seen: Seen[]
  /** The pauses taken, in ms. Chance is 0.5. */
  readonly pauses: number[]
  close(): Promise<void>
}

/** The n-th request gets the n-th answer; the last answers all that follow. */
export async function world(answers: readonly Answer[], limits: Partial<RequestLimits> = {}): Promise<World> {
  const seen: Seen[] = []
  const pauses: number[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (piece: string) => (body += piece))
    request.on('end', () => {
      const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
      seen.push(one)
      const answer = answers[Math.min(seen.length, answers.length) - 1]
      answer?.(response, one)
    })
  })
  await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sleep = (ms: number): Promise<void> => {
    pauses.push(ms)
    return new Promise(resolve => setImmediate(resolve))
  }
  return {
    kube: connect({ server: url }, { sleep, random: () => 0.5 }, limits),
    server: url,
    seen,
    pauses,
    close: () => new Promise(done => (server.closeAllConnections(), server.close(() => done()))),
  }
}

export const json =
  (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  response => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof value === 'string' ? value : JSON.stringify(value))
  }

export const failure = (code: number, reason: string, message = `because of ${reason}`, headers = {}): Answer =>
  json(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }, headers)

export const named = (name: string, rest: object = {}): object => ({
  metadata: { name, resourceVersion: '1' },
  ...rest,
})

/** The head comes, and a part of the body. */
export const cut: Answer = response => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' })
  response.write('{"metadata":{"na')
  setTimeout(() => response.destroy(), 5)
}
/** The same without a length. */
export const cutChunks: Answer = response => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"metadata":{"na')
  setTimeout(() => response.destroy(), 5)
}
export const hangUp: Answer = response => void response.destroy()
export const silent: Answer = () => undefined
