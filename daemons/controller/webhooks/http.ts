// The webhooks over HTTP: routes a request to its reviewer, within limits of size, time and
// concurrency. On Request and Response.
import { messageOf } from '../../../lib/errors.js'
import { KubeError } from '../../../lib/kube/errors.js'
import type { Log } from '../../../lib/log.js'
import type { Reviewer } from './admit.js'
import type { boundedLimiter } from '../runtime/limiter.js'
import { HEALTH_PATH } from './configurations.js'
import { answerTo, reviewIn, type Review, type ReviewVerdict } from './review.js'

/** Two objects of at most 1.5 MB each (etcd's limit), and JSON's overhead. */
export const BODY_BYTES_MAX = 7 * 1024 * 1024
/** The API server sends the body at once, so a slow one is given up. */
const BODY_MS_MAX = 5_000
/** Default for `?timeout=10s` of the request; the response is sent before it ends. */
const ANSWER_MS = 10_000
const ANSWER_BEFORE_MS = 500

/**
 * Concurrent and waiting reviews; beyond that the answer is 503, which the API server reports to
 * its client.
 */
export const REVIEWS_MAX = 16
export const WAITING_MAX = 128

export interface HandlerDeps {
  readonly reviewers: ReadonlyMap<string, Reviewer>
  readonly limit: ReturnType<typeof boundedLimiter>
  readonly log: Log
  readonly after: (ms: number, call: () => void) => () => void
  /** For the metrics. */
  readonly onVerdict?: (path: string, operation: string, verdict: ReviewVerdict | 'busy') => void
}

const textResponse = (status: number, words: string): Response => new Response(`${words}\n`, { status })

/** Answers one request; never throws. A review that fails is denied with the reason. */
export async function answerWebhook(request: Request, deps: HandlerDeps): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === HEALTH_PATH) return textResponse(200, 'ok')
  const reviewer = deps.reviewers.get(pathname)
  if (!reviewer) return textResponse(404, `nothing is admitted at ${pathname}`)
  if (request.method !== 'POST') return new Response('only POST\n', { status: 405, headers: { allow: 'POST' } })
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') return textResponse(415, 'give an AdmissionReview as application/json')
  const answer = deps.limit(() => reviewed(request, reviewer, deps))
  if (answer) return answer
  deps.onVerdict?.(pathname, '', 'busy')
  const busy = `${REVIEWS_MAX} reviews are running and ${WAITING_MAX} wait; try again`
  return new Response(`${busy}\n`, { status: 503, headers: { 'retry-after': '1' } })
}

async function reviewed(request: Request, reviewer: Reviewer, deps: HandlerDeps): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  const body = await bodyOf(request, deps)
  if (typeof body !== 'string') return body
  const review = reviewIn(body)
  if (typeof review === 'string') return textResponse(400, review)
  const verdict = await reviewWithin(reviewer, review, deps, timeoutMs(searchParams.get('timeout')))
  deps.onVerdict?.(pathname, review.operation, verdict)
  if (verdict.kind === 'denied')
    deps.log.info(`denied: ${verdict.denial.message}`, { path: pathname, operation: review.operation })
  return Response.json(answerTo(review, verdict))
}

/**
 * Milliseconds of a Go duration as the API server writes it: `10s`, `1m30s`; less the margin for
 * the response.
 */
function timeoutMs(text: string | null): number {
  const [, minutes = '0', seconds = '0'] = /^(?:(\d+)m)?(\d+)s$/.exec(text ?? '') ?? []
  const ms = (Number(minutes) * 60 + Number(seconds)) * 1000
  return Math.max(ANSWER_BEFORE_MS, (ms === 0 ? ANSWER_MS : ms) - ANSWER_BEFORE_MS)
}

async function reviewWithin(
  reviewer: Reviewer,
  review: Review,
  { log, after }: HandlerDeps,
  withinMs: number,
): Promise<ReviewVerdict> {
  const late = timer(after, withinMs)
  try {
    const verdict = await Promise.race([reviewer(review), late.over])
    return verdict ?? failed(504, 'Timeout', `the review took longer than ${withinMs} ms`)
  } catch (error) {
    const words = messageOf(error)
    if (!(error instanceof KubeError)) log.error(`a webhook failed: ${words}`, { uid: review.uid })
    return failed(500, 'InternalError', words)
  } finally {
    late.stop()
  }
}

const failed = (code: number, reason: string, message: string): ReviewVerdict => ({
  kind: 'denied',
  denial: { code, reason, message, details: {} },
})

function timer(
  after: HandlerDeps['after'],
  ms: number,
): { readonly over: Promise<undefined>; readonly stop: () => void } {
  let stop = (): void => {}
  const over = new Promise<undefined>(resolve => (stop = after(ms, () => resolve(undefined))))
  return { over, stop: () => stop() }
}

/** The body's text, or the response to one that is too long or too slow. */
async function bodyOf(request: Request, { after }: HandlerDeps): Promise<string | Response> {
  if (!request.body) return ''
  const reader = request.body.getReader()
  const late = timer(after, BODY_MS_MAX)
  const chunks: Uint8Array[] = []
  try {
    for (let bytes = 0; ;) {
      const next = await Promise.race([reader.read(), late.over])
      if (next === undefined) return textResponse(408, `the body was not there within ${BODY_MS_MAX} ms`)
      if (next.done) return await new Blob(chunks).text()
      bytes += next.value.byteLength
      if (bytes > BODY_BYTES_MAX) return textResponse(413, `the body has more than ${BODY_BYTES_MAX} bytes`)
      chunks.push(next.value)
    }
  } catch (error) {
    return textResponse(400, `the body could not be read: ${messageOf(error)}`)
  } finally {
    late.stop()
    reader.cancel().catch(() => {}) // the client is gone, or has sent all
  }
}
