// The webhooks' paths over HTTP: which is answered by whom, and what is refused before anybody judges. On Request and Response alone.
import { messageOf } from '../../../lib/errors.js'
import { KubeError } from '../../../lib/kube/errors.js'
import type { Log } from '../../../lib/log.js'
import type { Reviewer } from './admit.js'
import type { boundedLimiter } from '../runtime/limiter.js'
import { HEALTH_PATH } from './configurations.js'
import { answerTo, reviewIn, type Review, type ReviewVerdict } from './review.js'

/** An object and what it was, of 1.5 MB each at most (etcd), in JSON twice over. */
export const BODY_BYTES_MAX = 7 * 1024 * 1024
/** A body that is not there by then does not come: the API server sends it at once. */
const BODY_MS_MAX = 5_000
/** The API server says how long it waits (`?timeout=10s`); the answer is to be there before. */
const ANSWER_MS = 10_000
const ANSWER_BEFORE_MS = 500

/** Reviews judged at the same time, and those that wait; more are answered 503, which the API server reports to who writes. */
export const REVIEWS_MAX = 16
export const WAITING_MAX = 128

export interface Answering {
  readonly judges: ReadonlyMap<string, Reviewer>
  readonly limit: ReturnType<typeof boundedLimiter>
  readonly log: Log
  readonly after: (ms: number, call: () => void) => () => void
}

const told = (status: number, words: string): Response => new Response(`${words}\n`, { status })

/** Never throws: what cannot be judged is denied, and says why. */
export async function answerWebhook(request: Request, answering: Answering): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === HEALTH_PATH) return told(200, 'ok')
  const judge = answering.judges.get(pathname)
  if (!judge) return told(404, `nothing is admitted at ${pathname}`)
  if (request.method !== 'POST') return new Response('only POST\n', { status: 405, headers: { allow: 'POST' } })
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') return told(415, 'give an AdmissionReview as application/json')
  const answer = answering.limit(() => reviewed(request, judge, answering))
  if (answer) return answer
  const busy = `${REVIEWS_MAX} reviews are under way and ${WAITING_MAX} wait; try again`
  return new Response(`${busy}\n`, { status: 503, headers: { 'retry-after': '1' } })
}

async function reviewed(request: Request, judge: Reviewer, answering: Answering): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  const body = await bodyOf(request, answering)
  if (typeof body !== 'string') return body
  const review = reviewIn(body)
  if (typeof review === 'string') return told(400, review)
  const verdict = await judged(judge, review, answering, timeoutMs(searchParams.get('timeout')))
  if (verdict.kind === 'denied')
    answering.log.info(`denied: ${verdict.denial.message}`, { path: pathname, operation: review.operation })
  return Response.json(answerTo(review, verdict))
}

/** Go's duration as the API server writes it: `10s`, `1m30s`. */
function timeoutMs(text: string | null): number {
  const [, minutes = '0', seconds = '0'] = /^(?:(\d+)m)?(\d+)s$/.exec(text ?? '') ?? []
  const ms = (Number(minutes) * 60 + Number(seconds)) * 1000
  return Math.max(ANSWER_BEFORE_MS, (ms === 0 ? ANSWER_MS : ms) - ANSWER_BEFORE_MS)
}

async function judged(
  judge: Reviewer,
  review: Review,
  { log, after }: Answering,
  withinMs: number,
): Promise<ReviewVerdict> {
  const late = timer(after, withinMs)
  try {
    const verdict = await Promise.race([judge(review), late.over])
    return verdict ?? failed(504, 'Timeout', `the API server did not say within ${withinMs} ms what is there`)
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
  after: Answering['after'],
  ms: number,
): { readonly over: Promise<undefined>; readonly stop: () => void } {
  let stop = (): void => {}
  const over = new Promise<undefined>(resolve => (stop = after(ms, () => resolve(undefined))))
  return { over, stop: () => stop() }
}

/** The text, or the answer to a body that is too long or too slow. */
async function bodyOf(request: Request, { after }: Answering): Promise<string | Response> {
  if (!request.body) return ''
  const reader = request.body.getReader()
  const late = timer(after, BODY_MS_MAX)
  const chunks: Uint8Array[] = []
  try {
    for (let bytes = 0; ;) {
      const next = await Promise.race([reader.read(), late.over])
      if (next === undefined) return told(408, `the body was not there within ${BODY_MS_MAX} ms`)
      if (next.done) return await new Blob(chunks).text()
      bytes += next.value.byteLength
      if (bytes > BODY_BYTES_MAX) return told(413, `the body has more than ${BODY_BYTES_MAX} bytes`)
      chunks.push(next.value)
    }
  } catch (error) {
    return told(400, `the body could not be read: ${messageOf(error)}`)
  } finally {
    late.stop()
    reader.cancel().catch(() => {}) // whoever sent it is gone, or done
  }
}
