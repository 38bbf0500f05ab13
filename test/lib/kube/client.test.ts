// The client on a server that says no, says nothing, or lies: what is sent again, what never is,
// and what it is called.
import t from 'tap'
import { connect } from '../../../lib/kube/client.js'
import {
  isAlreadyExists,
  isConflict,
  isExpired,
  isNotFound,
  KubeError,
  mayHaveHappened,
} from '../../../lib/kube/errors.js'
import { CONFIGMAPS, NODES, PODS, SPIDER_IPADDRESSES, SPIDER_IPPOOLS } from '../../../lib/kube/kinds.js'
import { cut, cutChunks, failure, hangUp, json, named, silent, world, type Answer, type World } from './world.js'

const node = { name: 'n1' }
const ok = json(200, named('n1'))
const read = ({ kube }: World): Promise<unknown> => kube.get(NODES, node)
const create = ({ kube }: World): Promise<unknown> => kube.create(NODES, { metadata: node })
const createAgain = ({ kube }: World): Promise<unknown> => kube.create(NODES, { metadata: node }, { idempotent: true })
const replace = ({ kube }: World): Promise<unknown> => kube.replace(NODES, { metadata: node })
const merge = ({ kube }: World): Promise<unknown> => kube.patch(NODES, node, { a: 1 }, 'merge')
const apply = ({ kube }: World): Promise<unknown> => kube.patch(NODES, node, { a: 1 }, 'apply')
const remove = ({ kube }: World): Promise<unknown> => kube.delete(NODES, node)
const removeUid = ({ kube }: World): Promise<unknown> => kube.delete(NODES, node, { uid: 'u1' })

interface Case {
  readonly name: string
  readonly does: (world: World) => Promise<unknown>
  readonly answers: readonly Answer[]
  readonly requests: number
  /** Absent: it succeeds. */
  readonly error?: { readonly status: number; readonly reason: string; readonly message?: RegExp }
}

const busy = failure(503, 'ServiceUnavailable', 'come back', { 'retry-after': '1' })
const unknown = { status: 0, reason: 'Unknown', message: /may have been carried out/ }

const cases: readonly Case[] = [
  { name: 'a read is tried again after 500', does: read, answers: [failure(500, 'InternalError'), ok], requests: 2 },
  { name: 'a read is tried again after 429', does: read, answers: [failure(429, 'TooManyRequests'), ok], requests: 2 },
  { name: 'a read is tried again after a hang-up', does: read, answers: [hangUp, ok], requests: 2 },
  { name: 'a read is tried again after a cut', does: read, answers: [cut, cutChunks, ok], requests: 3 },
  {
    name: 'five tries are all',
    does: read,
    answers: [failure(500, 'InternalError')],
    requests: 5,
    error: { status: 500, reason: 'InternalError' },
  },
  {
    name: 'five cuts are a bad answer',
    does: read,
    answers: [cut],
    requests: 5,
    error: { status: 0, reason: 'BadAnswer', message: /cut off/ },
  },
  {
    name: '404 is final',
    does: read,
    answers: [failure(404, 'NotFound', 'nodes "n1" not found')],
    requests: 1,
    error: { status: 404, reason: 'NotFound', message: /^nodes "n1" not found$/ },
  },
  {
    name: '401 says what to look at, since the server has but one word for it',
    does: read,
    answers: [failure(401, 'Unauthorized', 'Unauthorized')],
    requests: 1,
    error: {
      status: 401,
      reason: 'Unauthorized',
      message:
        /^the API server http:\S+ does not know the client: Unauthorized; the token or client certificate of the kubeconfig is wrong/,
    },
  },
  {
    name: '501 is final',
    does: read,
    answers: [failure(501, '')],
    requests: 1,
    error: { status: 501, reason: 'Http501', message: /because of/ },
  },
  {
    name: 'a status without words gets ours',
    does: read,
    answers: [json(403, '')],
    requests: 1,
    error: {
      status: 403,
      reason: 'Http403',
      message: /^GET http:\S+\/api\/v1\/nodes\/n1 was answered with status 403$/,
    },
  },
  {
    name: 'HTML is no answer',
    does: read,
    answers: [json(200, '<html>log in</html>')],
    requests: 1,
    error: { status: 0, reason: 'BadAnswer', message: /not a JSON object: "<html>log in/ },
  },
  {
    name: 'nothing is no answer',
    does: read,
    answers: [json(200, '')],
    requests: 1,
    error: { status: 0, reason: 'BadAnswer' },
  },
  {
    name: 'a number is no answer',
    does: read,
    answers: [json(200, '1')],
    requests: 1,
    error: { status: 0, reason: 'BadAnswer' },
  },
  {
    name: '{} is no object',
    does: read,
    answers: [json(200, '{}')],
    requests: 1,
    error: { status: 0, reason: 'BadAnswer', message: /not an object of the API/ },
  },
  {
    name: 'another object is not the one asked for',
    does: read,
    answers: [json(200, named('n2'))],
    requests: 1,
    error: { status: 0, reason: 'BadAnswer', message: /another object, n2/ },
  },
  {
    name: 'a redirect is not followed',
    does: read,
    answers: [json(302, '', { location: 'http://127.0.0.1:1/' })],
    requests: 1,
    error: { status: 302, reason: 'Http302' },
  },
  {
    name: 'a create whose answer is lost is not sent again',
    does: create,
    answers: [hangUp, ok],
    requests: 1,
    error: unknown,
  },
  {
    name: 'a create whose answer is cut is not sent again',
    does: create,
    answers: [cut, ok],
    requests: 1,
    error: unknown,
  },
  {
    name: 'a create answered with HTML may have been carried out',
    does: create,
    answers: [json(200, '<html>')],
    requests: 1,
    error: { status: 0, reason: 'Unknown' },
  },
  {
    name: 'a create answered with another object may have been carried out',
    does: create,
    answers: [json(201, named('n2'))],
    requests: 1,
    error: { status: 0, reason: 'Unknown' },
  },
  {
    name: 'a create after 500 is not known',
    does: create,
    answers: [failure(500, 'InternalError', 'etcdserver: request timed out'), ok],
    requests: 1,
    error: { status: 500, reason: 'Unknown', message: /etcdserver/ },
  },
  {
    name: 'a create after 504 is not known',
    does: create,
    answers: [failure(504, 'Timeout'), ok],
    requests: 1,
    error: { status: 504, reason: 'Unknown' },
  },
  {
    name: 'a create is sent again after 429: it was not done',
    does: create,
    answers: [failure(429, 'TooManyRequests'), ok],
    requests: 2,
  },
  { name: 'a create is sent again where the server names a time', does: create, answers: [busy, ok], requests: 2 },
  {
    name: 'a create that the caller calls idempotent is sent again',
    does: createAgain,
    answers: [hangUp, failure(500, ''), ok],
    requests: 3,
  },
  {
    name: 'a create of a taken name says so',
    does: create,
    answers: [failure(409, 'AlreadyExists')],
    requests: 1,
    error: { status: 409, reason: 'AlreadyExists' },
  },
  {
    name: 'a replace whose answer is lost is not sent again',
    does: replace,
    answers: [hangUp, ok],
    requests: 1,
    error: unknown,
  },
  {
    name: 'a merge patch whose answer is lost is not sent again',
    does: merge,
    answers: [hangUp, ok],
    requests: 1,
    error: unknown,
  },
  { name: 'an apply may be sent twice', does: apply, answers: [hangUp, ok], requests: 2 },
  {
    name: 'a delete by name alone is not sent again',
    does: remove,
    answers: [hangUp, ok],
    requests: 1,
    error: unknown,
  },
  {
    name: 'a delete with a UID may be sent twice',
    does: removeUid,
    answers: [hangUp, failure(404, 'NotFound')],
    requests: 2,
    error: { status: 404, reason: 'NotFound' },
  },
]

for (const { name, does, answers, requests, error } of cases)
  t.test(name, async t => {
    const w = await world(answers)
    t.teardown(() => w.close())
    if (error) await t.rejects(does(w), { name: 'KubeError', ...error })
    else await t.resolves(does(w))
    t.equal(w.seen.length, requests)
    t.equal(w.kube.requests, requests, 'and the client counts as many')
  })

t.test('pauseMs() doubles up to a bound, with jitter', async t => {
  const w = await world([failure(500, '')])
  t.teardown(() => w.close())
  await t.rejects(read(w))
  t.strictSame(w.pauses, [50, 100, 200, 400])
})

const waits = [
  { after: '1', ms: 1_050 },
  { after: '0', ms: 50 },
  { after: '3600', ms: 8_050 },
  { after: 'Wed, 21 Oct 2026 07:28:00 GMT', ms: 50 },
  { after: '-1', ms: 50 },
] as const
for (const { after, ms } of waits)
  t.test(`pauseMs() of Retry-After ${after} is ${ms} ms`, async t => {
    const w = await world([failure(429, 'TooManyRequests', '', { 'retry-after': after }), ok])
    t.teardown(() => w.close())
    await read(w)
    t.strictSame(w.pauses, [ms])
  })

t.test('send() retries a slow read with a longer timeout, then Timeout; a slow write is Unknown', async t => {
  const w = await world([silent], { requestMs: 40 })
  t.teardown(() => w.close())
  await t.rejects(read(w), {
    status: 0,
    reason: 'Timeout',
    message: /nothing at all came back in 1\d\d ms; is it the right address/,
  })
  await t.rejects(create(w), { status: 0, reason: 'Unknown', message: /in 40 ms; .*; it may have been carried out/ })
})

t.test('send() rejects a response beyond the limit, with and without Content-Length', async t => {
  const long = 'x'.repeat(500)
  const chunks: Answer = response => {
    response.write(`"${long}`)
    response.end('"')
  }
  const w = await world([json(200, { long }, { 'content-length': '511' }), chunks], { answerBytes: 400 })
  t.teardown(() => w.close())
  await t.rejects(read(w), { reason: 'BadAnswer', message: /the answer has 511 bytes; 400 at most are read/ })
  await t.rejects(read(w), { reason: 'BadAnswer', message: /more than 400 bytes/ })
  t.equal(w.seen.length, 2, 'and is not asked for again')
})

const notSent = ['ECONNREFUSED', 'ENOTFOUND', 'ENOENT', 'EHOSTUNREACH']
for (const code of notSent)
  t.test(`send() retries a write after ${code}: nothing was sent`, async t => {
    let calls = 0
    const fetch = (): Promise<Response> => {
      calls += 1
      if (calls < 3)
        return Promise.reject(Object.assign(new TypeError('no'), calls === 1 ? { code } : { cause: { code } }))
      return Promise.resolve(new Response('{"metadata":{"name":"n1"}}', { status: 201 }))
    }
    const kube = connect({ server: 'https://h' }, { fetch, sleep: () => Promise.resolve(), random: () => 0 })
    t.match(await kube.create(NODES, { metadata: node }), { metadata: node })
    t.equal(calls, 3)
  })

const handshakes = [
  { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', says: /certificate is not one that the kubeconfig trusts/ },
  { code: 'ERR_TLS_CERT_ALTNAME_INVALID', says: /certificate is not one that the kubeconfig trusts/ },
  { code: 'CERT_HAS_EXPIRED', says: /certificate has expired; renew it, or set the clock of this node/ },
  { code: 'CERT_NOT_YET_VALID', says: /certificate is not valid yet; set the clock of this node/ },
  { code: 'EPROTO', says: /TLS handshake failed/ },
]
for (const { code, says } of handshakes)
  t.test(`send() does not retry ${code}`, async t => {
    let calls = 0
    const fetch = (): Promise<Response> => {
      calls += 1
      return Promise.reject(Object.assign(new TypeError('no'), { code }))
    }
    const kube = connect({ server: 'https://h' }, { fetch })
    await t.rejects(kube.create(NODES, { metadata: node }), { status: 0, reason: 'Unreachable', message: says })
    t.equal(calls, 1)
  })

t.test('connect() sends the requests of the API', async t => {
  const w = await world([
    (response, { method, url }) =>
      json(200, { method, url, metadata: { name: 'a' }, items: null })(response, w.seen[0] ?? never()),
  ])
  t.teardown(() => w.close())
  const { kube, seen } = w
  await kube.get(PODS, { namespace: 'x/y', name: 'a' })
  await kube.list(PODS, { labelSelector: 'a=b,c', limit: 5, resourceVersion: '0', metadataOnly: true })
  await kube.list(SPIDER_IPPOOLS, { namespace: 'ignored' })
  await kube.create(SPIDER_IPADDRESSES, { metadata: { name: 'a' } })
  await kube.replaceStatus(SPIDER_IPPOOLS, { metadata: { name: 'a' }, kind: 'SpiderIPPool' })
  await kube.patch(CONFIGMAPS, { namespace: 'x', name: 'a' }, [{ op: 'remove', path: '/data' }], 'json')
  await kube.patch(CONFIGMAPS, { namespace: 'x', name: 'a' }, { data: {} }, 'apply', {
    fieldManager: 'm',
    force: true,
    subresource: 'status',
  })
  await kube.delete(
    PODS,
    { namespace: 'x', name: 'a' },
    { uid: 'u', resourceVersion: '7', gracePeriodSeconds: 0, propagation: 'Background' },
  )
  t.strictSame(
    seen.map(({ method, url }) => `${method} ${url}`),
    [
      'GET /api/v1/namespaces/x%2Fy/pods/a',
      'GET /api/v1/pods?labelSelector=a%3Db%2Cc&limit=5&resourceVersion=0',
      'GET /apis/spiderpool.spidernet.io/v2beta1/spiderippools',
      'POST /apis/spiderpool.spidernet.io/v2beta1/spideripaddresses?fieldManager=spiderpool',
      'PUT /apis/spiderpool.spidernet.io/v2beta1/spiderippools/a/status?fieldManager=spiderpool',
      'PATCH /api/v1/namespaces/x/configmaps/a?fieldManager=spiderpool',
      'PATCH /api/v1/namespaces/x/configmaps/a/status?fieldManager=m&force=true',
      'DELETE /api/v1/namespaces/x/pods/a',
    ],
  )
  t.match(seen[1]?.headers.accept, /as=PartialObjectMetadataList/)
  t.strictSame(JSON.parse(seen[3]?.body ?? ''), {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPAddress',
    metadata: { name: 'a' },
  })
  t.strictSame(
    seen.slice(4, 7).map(({ headers }) => headers['content-type']),
    ['application/json', 'application/json-patch+json', 'application/apply-patch+yaml'],
  )
  t.strictSame(JSON.parse(seen[7]?.body ?? ''), {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid: 'u', resourceVersion: '7' },
    gracePeriodSeconds: 0,
    propagationPolicy: 'Background',
  })
})

const never = (): never => {
  throw new Error('no request was seen')
}

t.test('encode() rejects a count beyond 2^53 that was read rounded', async t => {
  const w = await world([json(200, '{"metadata":{"name":"p"},"status":{"totalIPCount":9223372036854775807}}')])
  t.teardown(() => w.close())
  const pool = await w.kube.get<{ metadata: { name: string }; status: { totalIPCount: number } }>(SPIDER_IPPOOLS, {
    name: 'p',
  })
  t.ok(pool.status.totalIPCount > 9e18)
  await t.rejects(async () => w.kube.replaceStatus(SPIDER_IPPOOLS, pool), {
    name: 'RangeError',
    message: /totalIPCount/,
  })
  t.equal(w.seen.length, 1)
})

t.test('predicates classify errors', t => {
  const of = (status: number, reason: string): KubeError => new KubeError(status, reason, '')
  t.ok(isNotFound(of(404, 'NotFound')))
  t.ok(isAlreadyExists(of(409, 'AlreadyExists')))
  t.notOk(isConflict(of(409, 'AlreadyExists')), 'a taken name is no lost race')
  t.ok(isConflict(of(409, 'Conflict')))
  t.ok(isExpired(of(410, 'Gone')))
  t.ok(mayHaveHappened(of(504, 'Unknown')))
  t.notOk(isNotFound(new Error('404')))
  t.end()
})

t.test('connect().bytes counts bodies', async t => {
  const w = await world([
    json(200, '{"metadata":{"name":"n1"},"é":1}', { 'content-length': '33' }),
    json(200, '{"metadata":{"name":"n1"}}'),
  ])
  t.teardown(() => w.close())
  await create(w)
  const sent = Buffer.byteLength(w.seen[0]?.body ?? '')
  t.strictSame({ ...w.kube.bytes }, { requests: 1, sent, received: 33 })
  await read(w)
  t.strictSame({ ...w.kube.bytes }, { requests: 2, sent, received: 33 + 26 }, 'also without a length')
})
