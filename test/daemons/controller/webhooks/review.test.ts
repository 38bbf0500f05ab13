// reviewIn(), answerTo() and answerWebhook().
import t from 'tap'
import { boundedLimiter } from '../../../../daemons/controller/runtime/limiter.js'
import { answerWebhook, BODY_BYTES_MAX, type HandlerDeps } from '../../../../daemons/controller/webhooks/http.js'
import { answerTo, reviewIn, type ReviewVerdict } from '../../../../daemons/controller/webhooks/review.js'

const review = (request: unknown = { uid: 'u', operation: 'CREATE', object: { a: 1 } }): string =>
  JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request })

const wrong: readonly [string, RegExp][] = [
  ['', /^the body is not JSON/],
  ['[]', /^the body is no AdmissionReview of admission\.k8s\.io\/v1$/],
  ['null', /^the body is no AdmissionReview/],
  [review().replace('/v1', '/v1beta1'), /^the body is no AdmissionReview/],
  [review().replace('"AdmissionReview"', '"Review"'), /^the body is no AdmissionReview/],
  [review(null), /^the AdmissionReview has no request with a uid$/],
  [review({ uid: 7 }), /^the AdmissionReview has no request with a uid$/],
]
for (const [body, says] of wrong)
  t.test(`${body === '' ? 'nothing' : body} is no AdmissionReview`, t => {
    t.match(reviewIn(body), says)
    t.end()
  })

t.test('reviewIn() reads the request, with null as undefined', t => {
  t.strictSame(
    reviewIn(review({ uid: 'u', operation: 'DELETE', name: 'n', namespace: 's', object: null, oldObject: { b: 1 } })),
    {
      ...{ uid: 'u', operation: 'DELETE', name: 'n', namespace: 's' },
      ...{ object: undefined, old: { b: 1 } },
    },
  )
  t.end()
})

const patchOf = (to: unknown): unknown => {
  const { response } = answerTo({ uid: 'u', object: { a: 1, ä: 'ö' } }, { kind: 'changed', to }) as {
    response: { patch?: string }
  }
  return response.patch === undefined ? response : JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'))
}
t.test('answerTo() returns a JSON patch in base64, and none where nothing changed', t => {
  t.strictSame(patchOf({ a: 1, ä: 'ö' }), { uid: 'u', allowed: true })
  t.strictSame(patchOf({ a: 2, ä: 'ü' }), [
    { op: 'replace', path: '/ä', value: 'ü' },
    { op: 'replace', path: '/a', value: 2 },
  ])
  t.end()
})

t.test('answerTo() returns a denial as a Status', t => {
  const denial = { code: 409, reason: 'AlreadyExists', message: 'm', details: { name: 'n' } }
  t.strictSame(answerTo({ uid: 'u', object: {} }, { kind: 'denied', denial }), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid: 'u',
      allowed: false,
      status: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...denial },
    },
  })
  t.end()
})

const silent = (): void => {}
const after = (ms: number, call: () => void): (() => void) => {
  const timer = setTimeout(call, ms)
  return () => clearTimeout(timer)
}
const answering = (reviewer: () => Promise<ReviewVerdict>, limit = boundedLimiter(16, 16)): HandlerDeps => ({
  limit,
  reviewers: new Map([['/validate', reviewer]]),
  log: { debug: silent, info: silent, warn: silent, error: silent },
  after,
})
const allowed = answering(() => Promise.resolve({ kind: 'allowed' }))
const post = (body: string, path = '/validate', type = 'application/json; charset=utf-8'): Request =>
  new Request(`https://x${path}`, { method: 'POST', body, headers: { 'content-type': type } })

const requests: readonly [string, Request, number][] = [
  ['a review', post(review()), 200],
  ['the self-check', new Request('https://x/webhook-health-check'), 200],
  ['another path', post(review(), '/other'), 404],
  ['GET', new Request('https://x/validate'), 405],
  ['another type', post(review(), '/validate', 'text/plain'), 415],
  ['invalid JSON', post('{'), 400],
  [
    'no body',
    new Request('https://x/validate', { method: 'POST', headers: { 'content-type': 'application/json' } }),
    400,
  ],
  ['a body at the limit', post(' '.repeat(BODY_BYTES_MAX)), 400],
  ['a body beyond it', post(' '.repeat(BODY_BYTES_MAX + 1)), 413],
]
for (const [what, request, status] of requests)
  t.test(`answerWebhook() answers ${what} with ${status}`, async t =>
    t.equal((await answerWebhook(request, allowed)).status, status),
  )

t.test('answerWebhook() denies with the reason when a review fails', async t => {
  const broken = answering(() => Promise.reject(new Error('no list')))
  t.match(await (await answerWebhook(post(review()), broken)).json(), {
    response: { uid: 'u', allowed: false, status: { code: 500, message: 'no list' } },
  })
})

t.test('answerWebhook() answers before the API server’s timeout', async t => {
  const never = answering(() => new Promise(() => {}))
  const began = performance.now()
  const answer = await answerWebhook(post(review(), '/validate?timeout=1s'), never)
  t.match(await answer.json(), { response: { allowed: false, status: { code: 504, reason: 'Timeout' } } })
  t.ok(performance.now() - began < 1000)
})

t.test('answerWebhook() reviews so many at a time, queues so many, and answers 503 beyond', async t => {
  let [running, most] = [0, 0]
  const slow = async (): Promise<ReviewVerdict> => {
    most = Math.max(most, ++running)
    await new Promise(resolve => setTimeout(resolve, 20))
    running -= 1
    return { kind: 'allowed' }
  }
  const crowded = answering(slow, boundedLimiter(2, 3))
  const answers = await Promise.all(Array.from({ length: 9 }, () => answerWebhook(post(review()), crowded)))
  t.strictSame(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200, 503, 503, 503, 503],
  )
  t.equal(answers[5]?.headers.get('retry-after'), '1')
  t.equal(most, 2)
  t.equal((await answerWebhook(post(review()), crowded)).status, 200, 'and goes on when they are done')
})
