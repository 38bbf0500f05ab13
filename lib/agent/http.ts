// HTTP/1.1 as the agent and the executables speak it over the unix socket (RFC 9112): one request,
// one response, then the connection ends. Pure.

export interface UnixRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; also with a GET, as the Go system does. */
  readonly body?: unknown
}

/** The bytes of a request. */
export function encodeRequest({ method, path, headers = {}, body }: UnixRequest): Uint8Array {
  const content = Buffer.from(body === undefined ? '' : `${JSON.stringify(body)}\n`)
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: spiderpool-agent',
    'Accept: application/json',
    'Connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${content.byteLength}`]),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content])
}

export type UnixResponse =
  | { readonly kind: 'partial' }
  | { readonly kind: 'complete'; readonly status: number; readonly body: string }
  /** `why` is the predicate of a sentence about the agent. */
  | { readonly kind: 'malformed'; readonly why: string }

const PARTIAL: UnixResponse = { kind: 'partial' }
const malformed = (why: string): UnixResponse => ({ kind: 'malformed', why })

const HEAD_END = '\r\n\r\n'
const HEAD_BYTES_MAX = 16 * 1024

/** What the bytes that have arrived so far are. `isEnd`: the agent has closed the connection. */
export function decodeResponse(bytes: Buffer, isEnd: boolean): UnixResponse {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd < 0) {
    const start = bytes.subarray(0, 5).toString('latin1')
    if (start !== '' && !'HTTP/'.startsWith(start)) return malformed('answered what is not HTTP')
    return bytes.byteLength > HEAD_BYTES_MAX ? malformed('answered with headers without an end') : PARTIAL
  }
  const [first = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n')
  const status = statusIn(first)
  if (status === undefined) return malformed('answered what is not HTTP')
  const content = bytes.subarray(headEnd + HEAD_END.length)
  const body = bodyOf(content, headersOf(lines), isEnd)
  return typeof body === 'object' ? body : { kind: 'complete', status, body }
}

// No regular expressions here: the first one costs an executable 1 MB of resident memory.

/** `HTTP/1.1 200 OK`; undefined for anything else. */
function statusIn(line: string): number | undefined {
  const version = line.slice(0, 9)
  const status = line.slice(9, 12)
  const isKnown = version === 'HTTP/1.1 ' || version === 'HTTP/1.0 '
  const isEnded = line.length === 12 || line[12] === ' '
  return isKnown && isEnded && isOf(status, DIGITS) && status.length === 3 && status >= '100' && status < '600'
    ? Number(status)
    : undefined
}

const DIGITS = '0123456789'
const HEX_DIGITS = `${DIGITS}abcdefABCDEF`

/** True for some of these characters and no other. */
const isOf = (text: string, characters: string): boolean =>
  text !== '' && [...text].every(one => characters.includes(one))

const headersOf = (lines: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    lines.map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, Math.max(0, colon)).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )

function bodyOf(content: Buffer, headers: ReadonlyMap<string, string>, isEnd: boolean): string | UnixResponse {
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return chunksOf(content)
  const length = headers.get('content-length')
  if (length === undefined) return isEnd ? content.toString('utf8') : PARTIAL
  if (!isOf(length, DIGITS) || length.length > 9)
    return malformed(`answered with Content-Length ${JSON.stringify(length)}`)
  return content.byteLength < Number(length) ? PARTIAL : content.subarray(0, Number(length)).toString('utf8')
}

/** The chunks' content; partial until the last chunk, of length 0, has arrived. */
function chunksOf(content: Buffer): string | UnixResponse {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = content.indexOf('\r\n', at)
    if (lineEnd < 0) return PARTIAL
    const [size = ''] = content.subarray(at, lineEnd).toString('latin1').split(';')
    if (!isOf(size.trim(), HEX_DIGITS) || size.length > 8) return malformed('answered with a chunk without a length')
    const start = lineEnd + 2
    const end = start + Number.parseInt(size, 16)
    if (end === start) return Buffer.concat(parts).toString('utf8')
    if (content.byteLength < end + 2) return PARTIAL
    parts.push(content.subarray(start, end))
    at = end + 2
  }
}
