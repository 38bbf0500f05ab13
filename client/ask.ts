// One request of the client to the node agent, as lib/agent/client.ts makes it for the full image.
import { FIRST_BYTE_MS, PROTOCOL_HEADER, PROTOCOL_VERSION, SILENCE_MS_MAX } from '../lib/agent/protocol.js'
import { bodyIn, encodePost, headIn, type ResponseHead } from './http.js'
import { ERRNO } from './system.js'

export type Answer =
  /** Status 200. */
  | { readonly kind: 'answered'; readonly body: string }
  /** The agent has not begun the call; `isSilent`: it was waited for in vain. */
  | { readonly kind: 'absent'; readonly isSilent?: true }
  /**
   * The agent may have begun it; `why` is the predicate of a sentence about the agent. `hasEnded`:
   * its process is gone, and what it did for the call with it.
   */
  | { readonly kind: 'broken'; readonly why: string; readonly hasEnded?: true }

const ABSENT: Answer = { kind: 'absent' }
const SILENT: Answer = { kind: 'absent', isSilent: true }
const ANSWER_BYTES_MAX = 16 * 1024 * 1024

/** Sends the request and waits for the answer. Never throws. */
export function ask(
  socket: string,
  { path, body }: { readonly path: string; readonly body: string },
  totalMs: number,
): Answer {
  const { system } = globalThis
  const failed = system.connect(socket, FIRST_BYTE_MS)
  if (failed !== 0) return failed === -ERRNO.EAGAIN ? SILENT : ABSENT
  system.send(encodePost(path, body, system.byteLength(body))) // an agent that refuses may answer all the same
  return answerWithin(totalMs)
}

/** An agent closes the connection of a call that runs only with its process. */
const ended = (answer: Answer): Answer => (answer.kind === 'broken' ? { ...answer, hasEnded: true } : answer)

function answerWithin(totalMs: number): Answer {
  const { system } = globalThis
  const started = system.now()
  let [length, isEnd] = [0, false]
  let head: ResponseHead | undefined
  const broken = (why: string): Answer => (head?.status === 200 ? { kind: 'broken', why } : ABSENT)
  while (!isEnd) {
    const left = totalMs - (system.now() - started)
    if (left <= 0) return broken(`had not ended after ${Math.round(totalMs / 1000)} s`)
    const count = system.receive(Math.min(left, length === 0 ? FIRST_BYTE_MS : SILENCE_MS_MAX))
    if (count === -ERRNO.EAGAIN && length === 0) return SILENT
    if (count === -ERRNO.EAGAIN) return broken(`sent nothing for ${SILENCE_MS_MAX / 1000} s`)
    if (count < 0) return ended(broken(`closed the connection (${system.strerror(-count)})`))
    length += count
    isEnd = count === 0
    if (length > ANSWER_BYTES_MAX) return broken(`sent more than ${ANSWER_BYTES_MAX} bytes`)
    head ??= headOf(length)
    if (head === undefined) continue
    if (head.status !== 200 || !isKnown(head)) return ABSENT
    const found = bodyIn(system, head, { length, isEnd })
    if (found !== undefined) return 'body' in found ? { kind: 'answered', body: found.body } : broken(found.why)
  }
  return ended(broken('closed the connection before the end of its answer'))
}

const NOT_HTTP: ResponseHead = { status: 0, headers: {}, bodyAt: 0 }

function headOf(length: number): ResponseHead | undefined {
  const head = headIn(globalThis.system, length)
  return typeof head === 'string' ? NOT_HTTP : head
}

/** Agents without the header have the same protocol; a minor version changes nothing. */
function isKnown({ headers }: ResponseHead): boolean {
  const [major = ''] = (headers[PROTOCOL_HEADER.toLowerCase()] ?? PROTOCOL_VERSION).split('.')
  return major === PROTOCOL_VERSION
}
