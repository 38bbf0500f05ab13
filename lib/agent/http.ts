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
  const status = /^HTTP\/1\.[01] ([1-5]\d\d)( |$)/.exec(first)?.[1]
  if (status === undefined) return malformed('answered what is not HTTP')
  const content = bytes.subarray(headEnd + HEAD_END.length)
  const body = bodyOf(content, headersOf(lines), isEnd)
  return typeof body === 'object' ? body : { kind: 'complete', status: Number(status), body }
}

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
  if (!/^\d{1,9}$/.test(length)) return malformed(`answered with Content-Length ${JSON.stringify(length)}`)
  return content.byteLength < Number(length) ? PARTIAL : content.subarray(0, Number(length)).toString('utf8')
}

/** The chunks' content; partial until the last chunk, of length 0, has arrived. */
function chunksOf(content: Buffer): string | UnixResponse {
  const parts: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = content.indexOf('\r\n', at)
    if (lineEnd < 0) return PARTIAL
    const size = /^([0-9a-f]{1,8})(?:;.*)?$/i.exec(content.subarray(at, lineEnd).toString('latin1').trim())?.[1]
    if (size === undefined) return malformed('answered with a chunk without a length')
    const start = lineEnd + 2
    const end = start + Number.parseInt(size, 16)
    if (end === start) return Buffer.concat(parts).toString('utf8')
    if (content.byteLength < end + 2) return PARTIAL
    parts.push(content.subarray(start, end))
    at = end + 2
  }
}
