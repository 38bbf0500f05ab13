// HTTP/1.1 of the client: one request, and the response in the bytes that client.c received.
import { PROTOCOL_HEADER, PROTOCOL_VERSION } from '../lib/agent/protocol.js'
import type { System } from './system.js'

/** The text of a POST with a JSON body. */
export const encodePost = (path: string, body: string, byteLength: number): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: spiderpool-agent',
    'Accept: application/json',
    'Connection: close',
    `${PROTOCOL_HEADER}: ${PROTOCOL_VERSION}`,
    'Content-Type: application/json',
    `Content-Length: ${byteLength}`,
    '',
    body,
  ].join('\r\n')

/** Headers with lower-case names. */
export interface ResponseHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Offset of the body. */
  readonly bodyAt: number
}

const HEAD_END = '\r\n\r\n'
const HEAD_BYTES_MAX = 16 * 1024

/** The head; undefined while it is not whole; a text says why it is none. */
export function headIn(received: Pick<System, 'find' | 'text'>, length: number): ResponseHead | undefined | string {
  const start = received.text(0, Math.min(length, 5))
  if (!'HTTP/'.startsWith(start)) return 'answered what is not HTTP'
  const end = received.find(HEAD_END, 0)
  if (end < 0) return length > HEAD_BYTES_MAX ? 'answered with headers without an end' : undefined
  const [first = '', ...lines] = received.text(0, end).split('\r\n')
  const version = first.slice(0, 9)
  const status = Number(first.slice(9, 12))
  const isStatus = (version === 'HTTP/1.1 ' || version === 'HTTP/1.0 ') && status >= 100 && status < 600
  if (!isStatus) return 'answered what is not HTTP'
  const headers = lines.map(line => {
    const colon = Math.max(0, line.indexOf(':'))
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { status, headers: Object.fromEntries(headers), bodyAt: end + HEAD_END.length }
}

/** The body; undefined while it is not whole; `why` for a malformed one. */
export function bodyIn(
  received: Pick<System, 'find' | 'text'>,
  { headers, bodyAt }: ResponseHead,
  { length, isEnd }: { readonly length: number; readonly isEnd: boolean },
): { readonly body: string } | { readonly why: string } | undefined {
  if (headers['transfer-encoding']?.toLowerCase() === 'chunked') return chunksIn(received, bodyAt, length)
  const contentLength = headers['content-length']
  if (contentLength === undefined) return isEnd ? { body: received.text(bodyAt, length) } : undefined
  const bytes = wholeNumber(contentLength, 10)
  if (bytes === undefined) return { why: `answered with Content-Length ${JSON.stringify(contentLength)}` }
  return length < bodyAt + bytes ? undefined : { body: received.text(bodyAt, bodyAt + bytes) }
}

const DIGITS = '0123456789abcdef'
const DIGITS_MAX = 8

function wholeNumber(text: string, radix: 10 | 16): number | undefined {
  const digits = DIGITS.slice(0, radix)
  const isNumber =
    text !== '' && text.length <= DIGITS_MAX && [...text.toLowerCase()].every(one => digits.includes(one))
  return isNumber ? Number.parseInt(text, radix) : undefined
}

/** The chunks up to the last one, of length 0 (RFC 9112 §7.1). */
function chunksIn(
  received: Pick<System, 'find' | 'text'>,
  bodyAt: number,
  length: number,
): { readonly body: string } | { readonly why: string } | undefined {
  const ranges: number[] = []
  for (let at = bodyAt; ;) {
    const lineEnd = received.find('\r\n', at)
    if (lineEnd < 0) return undefined
    const [size = ''] = received.text(at, lineEnd).split(';')
    const bytes = wholeNumber(size.trim(), 16)
    if (bytes === undefined) return { why: 'answered with a chunk without a length' }
    const start = lineEnd + 2
    if (bytes === 0) return { body: received.text(...ranges) }
    if (length < start + bytes + 2) return undefined
    ranges.push(start, start + bytes)
    at = start + bytes + 2
  }
}
