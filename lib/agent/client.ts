// One request of a CNI executable to the node agent. Synchronous: nothing else is to be done.
import { codeOf, messageOf } from '../errors.js'
import { errnoText } from '../kernel/errno.js'
import { UnixSocket } from '../kernel/unix-socket.js'
import { decodeResponse, encodeRequest, type UnixRequest, type UnixResponse } from './http.js'
import { FIRST_BYTE_MS, SILENCE_MS_MAX } from './protocol.js'

/** What became of a request; `why` is the predicate of a sentence about the agent. */
export type UnixAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  /** No agent has begun to answer. */
  | { readonly kind: 'absent'; readonly why: string }
  /** The agent began to answer: what the call asked for may have been done. */
  | { readonly kind: 'broken'; readonly why: string }

export interface AgentWaits {
  /** Until the first byte of the answer. */
  readonly firstByteMs: number
  /** Between two pieces of the answer. */
  readonly silenceMs: number
  /** From the first byte to the end. */
  readonly totalMs: number
}

/** A whole CNI call: `totalMs` is its own deadline. */
export const waitsOfCall = (totalMs: number): AgentWaits => ({
  firstByteMs: FIRST_BYTE_MS,
  silenceMs: SILENCE_MS_MAX,
  totalMs,
})

/** The Go system's API sends nothing while a request runs. */
export const waitsOfRequest = (totalMs: number): AgentWaits => ({
  firstByteMs: totalMs,
  silenceMs: totalMs,
  totalMs,
})

const ANSWER_BYTES_MAX = 16 * 1024 * 1024

/** Sends one request over a connection of its own and returns what became of it. Never throws. */
export const ask = (path: string, request: UnixRequest, waits: AgentWaits): UnixAnswer => send(path, request, waits)()

/** Sends one request; the function that it returns waits for the answer. Neither throws. */
export function send(path: string, request: UnixRequest, waits: AgentWaits): () => UnixAnswer {
  let socket: UnixSocket
  try {
    socket = new UnixSocket(path, waits.firstByteMs)
  } catch (error) {
    return () => ({ kind: 'absent', why: `cannot be reached (${reasonOf(error)})` })
  }
  const reset = sent(socket, encodeRequest(request))
  return () => {
    try {
      return answerIn(socket, reset, waits)
    } finally {
      socket.close()
    }
  }
}

function answerIn(socket: UnixSocket, reset: string | undefined, waits: AgentWaits): UnixAnswer {
  const started = performance.now()
  const pieces: Uint8Array[] = []
  let bytes = 0
  const failed = (why: string): UnixAnswer => ({ kind: bytes === 0 ? 'absent' : 'broken', why })
  for (;;) {
    const left = waits.totalMs - (performance.now() - started)
    if (left <= 0) return failed(`had not ended after ${seconds(waits.totalMs)}`)
    const wait = Math.min(left, bytes === 0 ? waits.firstByteMs : waits.silenceMs)
    const piece = received(socket, wait)
    if (piece === undefined) return failed(`sent nothing for ${seconds(wait)}`)
    if (typeof piece === 'string') return failed(reset ?? `closed the connection (${piece})`)
    pieces.push(piece)
    bytes += piece.byteLength
    if (bytes > ANSWER_BYTES_MAX) return failed(`sent more than ${ANSWER_BYTES_MAX} bytes`)
    const response = decodeResponse(Buffer.concat(pieces), piece.byteLength === 0)
    const answer = answerOf(response, failed)
    if (answer) return answer
    if (piece.byteLength === 0)
      return failed(
        reset ??
          (bytes === 0
            ? 'closed the connection without an answer'
            : 'closed the connection before the end of its answer'),
      )
  }
}

const answerOf = (response: UnixResponse, failed: (why: string) => UnixAnswer): UnixAnswer | undefined => {
  switch (response.kind) {
    case 'partial':
      return undefined
    case 'malformed':
      return failed(response.why)
    case 'complete':
      return { kind: 'answered', status: response.status, body: response.body }
  }
}

/**
 * The reason where not all could be sent. The agent may have answered all the same, as it does for
 * a body that is too large: the answer is read before the reason counts.
 */
function sent(socket: UnixSocket, bytes: Uint8Array): string | undefined {
  try {
    socket.send(bytes)
    return undefined
  } catch (error) {
    return codeOf(error) === 'EAGAIN' ? 'does not read the request' : `closed the connection (${reasonOf(error)})`
  }
}

/** The bytes; undefined after the time; the errno's text for a broken connection. */
function received(socket: UnixSocket, ms: number): Uint8Array | undefined | string {
  try {
    return socket.receive(ms)
  } catch (error) {
    return reasonOf(error)
  }
}

const reasonOf = (error: unknown): string => (codeOf(error) === '' ? messageOf(error) : errnoText(codeOf(error)))

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`
