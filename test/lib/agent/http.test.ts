// The bytes of requests and responses on the agent's socket.
import t from 'tap'
import { decodeResponse, encodeRequest, type UnixRequest, type UnixResponse } from '../../../lib/agent/http.js'

const REQUESTS: readonly (readonly [UnixRequest, string])[] = [
  [
    { method: 'GET', path: '/v1/ipam/healthy' },
    'GET /v1/ipam/healthy HTTP/1.1\r\nHost: spiderpool-agent\r\nAccept: application/json\r\nConnection: close\r\n\r\n',
  ],
  [
    { method: 'GET', path: '/x', headers: { 'X-A': 'b' }, body: { name: 'ü' } },
    'GET /x HTTP/1.1\r\nHost: spiderpool-agent\r\nAccept: application/json\r\nConnection: close\r\nX-A: b\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"name":"ü"}\n',
  ],
]
for (const [request, text] of REQUESTS)
  t.test(`encodeRequest() ${request.method} ${request.path}`, async t => {
    t.equal(Buffer.from(encodeRequest(request)).toString(), text)
  })

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`
const complete = (status: number, body: string): UnixResponse => ({ kind: 'complete', status, body })
const partial: UnixResponse = { kind: 'partial' }
const malformed = (why: string): UnixResponse => ({ kind: 'malformed', why })

const RESPONSES: readonly (readonly [text: string, isEnd: boolean, UnixResponse])[] = [
  ['', false, partial],
  ['HTT', false, partial],
  ['SSH-2.0', false, malformed('answered what is not HTTP')],
  ['HTTP/2 200\r\n\r\n', false, malformed('answered what is not HTTP')],
  ['HTTP/1.1 999 OK\r\n\r\n', true, malformed('answered what is not HTTP')],
  [`${OK}${'a: b\r\n'.repeat(5000)}`, false, malformed('answered with headers without an end')],
  [`${OK}Content-Length: 2\r\n\r\n`, false, partial],
  [`${OK}content-length: 2\r\n\r\n{}`, false, complete(200, '{}')],
  [`${OK}Content-Length: 0\r\n\r\n`, false, complete(200, '')],
  [`${OK}Content-Length: 2\r\n\r\n{}more`, false, complete(200, '{}')],
  [`${OK}Content-Length: -2\r\n\r\n{}`, false, malformed('answered with Content-Length "-2"')],
  ['HTTP/1.0 404 Not Found\r\n\r\nno', false, partial],
  ['HTTP/1.0 404 Not Found\r\n\r\nno', true, complete(404, 'no')],
  [CHUNKED, false, partial],
  [`${CHUNKED}1\r\n \r\n`, false, partial],
  [`${CHUNKED}1\r\n \r\n1\r\n`, true, partial],
  [`${CHUNKED}1\r\n \r\n2;x=y\r\n{}\r\n0\r\n\r\n`, false, complete(200, ' {}')],
  [`${CHUNKED}A\r\n0123456789\r\n0\r\n\r\n`, false, complete(200, '0123456789')],
  [`${CHUNKED}zz\r\n`, false, malformed('answered with a chunk without a length')],
  [`${CHUNKED}\r\n`, false, malformed('answered with a chunk without a length')],
  [`${CHUNKED}2\r\n\xc3\xbc\r\n0\r\n\r\n`, false, complete(200, 'ü')],
]
for (const [text, isEnd, response] of RESPONSES)
  t.test(`decodeResponse() ${JSON.stringify(text.slice(0, 70))}${isEnd ? ' at its end' : ''}`, async t => {
    t.strictSame(decodeResponse(Buffer.from(text, 'latin1'), isEnd), response)
  })

t.test('decodeResponse() of every prefix of a response is partial, never another answer', async t => {
  const text = `${CHUNKED}1\r\n \r\n3\r\nabc\r\n0\r\n\r\n`
  const bytes = Buffer.from(text)
  const whole = bytes.indexOf('0\r\n\r\n') + 3
  for (let length = 0; length < whole; length++)
    t.strictSame(decodeResponse(bytes.subarray(0, length), false), partial, String(length))
})
