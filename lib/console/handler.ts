// The console over HTTP, on Request and Response: who may ask, limits, paths, the stream of
// changes. It writes nothing, and knows no cluster.
import { messageOf } from '../errors.js'
import { languageOf, page, script, style } from './page.js'
import { ConsoleError, type ConsoleSource, type Subscribe } from './source.js'

/** Requests that are answered at the same time; a browser has six connections to a host. */
const RUNNING_MAX = 64
/** A trace reads the API server. */
const TRACES_MAX = 4
const STREAMS_MAX = 16
/** Less than the idle time after which Bun closes a connection. */
const HEARTBEAT_MS = 5_000
/** For Bun.serve: seconds; a request is a line and some headers. */
export const CONSOLE_LIMITS = { idleTimeout: 10, maxRequestBodySize: 1_024 } as const

/**
 * A page of another site can send requests here under a name of its own that it points to 127.0.0.1
 * (DNS rebinding); the browser then sends that name.
 */
const OWN_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'",
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

export interface ConsoleDeps {
  readonly source: ConsoleSource
  readonly subscribe: Subscribe
  /** Calls back again and again; returns how to stop that. */
  readonly every: (ms: number, call: () => void) => () => void
  /** A failure that is no fault of the request. */
  readonly onFailure: (path: string, message: string) => void
}

const reply = (status: number, type: string, body: string, more: Readonly<Record<string, string>> = {}): Response =>
  new Response(body, { status, headers: { ...HEADERS, 'content-type': `${type}; charset=utf-8`, ...more } })

const refusal = (status: number, sentence: string, more?: Readonly<Record<string, string>>): Response =>
  reply(status, 'text/plain', `${sentence}\n`, more)

/** Why the request is not answered; undefined where it may be. */
export function refusalOf({ method, headers }: Pick<Request, 'method' | 'headers'>): Response | undefined {
  const host = headers.get('host') ?? ''
  if (!OWN_HOST.test(host))
    return refusal(
      403,
      `the header Host is "${host}"; the console answers only to localhost, 127.0.0.1 and [::1] (kubectl port-forward)`,
    )
  const site = headers.get('sec-fetch-site') ?? 'none'
  const origin = headers.get('origin') ?? `http://${host}`
  if (!['none', 'same-origin'].includes(site) || origin !== `http://${host}`)
    return refusal(403, 'another site asks: the console answers only its own page')
  if (method !== 'GET' && method !== 'HEAD')
    return refusal(405, `the method is ${method}; the console is read-only, use GET`, { allow: 'GET, HEAD' })
  return undefined
}

/** Answers requests to the console. */
export function consoleHandler(deps: ConsoleDeps): (request: Request) => Promise<Response> {
  const busy = { running: 0, traces: 0, streams: 0 }
  const limited = async (
    what: keyof typeof busy,
    max: number,
    answer: () => Promise<Response> | Response,
  ): Promise<Response> => {
    if (busy[what] >= max) return refusal(503, `${max} such requests run already`, { 'retry-after': '1' })
    busy[what]++
    try {
      return await answer()
    } finally {
      busy[what]--
    }
  }
  const stream = (): Response => {
    if (busy.streams >= STREAMS_MAX)
      return refusal(503, `${STREAMS_MAX} pages are open already`, { 'retry-after': '10' })
    busy.streams++
    return changeStream(deps, () => void busy.streams--)
  }
  return async request => {
    const refused = refusalOf(request)
    if (refused) return refused
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/api/v1/changes') return request.method === 'HEAD' ? refusal(405, 'use GET') : stream()
    return limited('running', RUNNING_MAX, () => {
      if (pathname.startsWith('/api/v1/trace/'))
        return limited('traces', TRACES_MAX, () => answerApi(pathname, searchParams, deps))
      return pathname.startsWith('/api/') ? answerApi(pathname, searchParams, deps) : answerFile(pathname, request)
    })
  }
}

function answerFile(pathname: string, { headers }: Request): Response {
  switch (pathname) {
    case '/':
      return reply(200, 'text/html', page(languageOf(headers.get('accept-language') ?? '')), {
        vary: 'accept-language',
      })
    case '/console.js':
      return reply(200, 'text/javascript', script())
    case '/console.css':
      return reply(200, 'text/css', style())
    case '/favicon.ico':
      return new Response(null, { status: 204, headers: HEADERS })
    default:
      return refusal(404, `nothing is at ${pathname}; the console is at /`)
  }
}

async function answerApi(pathname: string, search: URLSearchParams, deps: ConsoleDeps): Promise<Response> {
  try {
    const value = await valueAt(pathname, search, deps.source)
    return reply(200, 'application/json', JSON.stringify(value))
  } catch (error) {
    if (error instanceof ConsoleError) return refusal(error.status, error.message)
    deps.onFailure(pathname, messageOf(error))
    return refusal(502, messageOf(error))
  }
}

function valueAt(pathname: string, search: URLSearchParams, source: ConsoleSource): unknown {
  const [kind, first = '', second = '', ...more] = wordsOf(pathname)
  if (more.length === 0)
    switch (kind) {
      case 'pools':
        if (first === '') return source.pools()
        if (second === 'map') return source.map(first, search.get('prefix') ?? undefined)
        break
      case 'addresses':
        if (first !== '' && second === '') return source.address(first)
        break
      case 'trace':
        if (second !== '') return source.trace({ namespace: first, name: second })
        break
      case 'waiting':
        if (first === '') return source.waiting()
        break
    }
  throw new ConsoleError(404, `nothing is at ${pathname}`)
}

function wordsOf(pathname: string): readonly string[] {
  try {
    return pathname
      .replace(/^\/api\/v1\//, '')
      .split('/')
      .map(decodeURIComponent)
  } catch {
    throw new ConsoleError(400, `the path ${pathname} is not percent-encoded`)
  }
}

/** Server-sent events: `changed` for changes, comments in between. */
function changeStream({ subscribe, every }: ConsoleDeps, onEnd: () => void): Response {
  const encoder = new TextEncoder()
  let stop = (): void => undefined
  const end = (): void => {
    stop()
    stop = () => undefined
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: string): void => {
          // A page that does not read loses changes instead of filling our memory.
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(text))
        }
        const stops = [
          every(HEARTBEAT_MS, () => send(':\n\n')),
          subscribe(change => send(`event: changed\ndata: ${JSON.stringify(change)}\n\n`)),
          onEnd,
        ]
        stop = () => stops.forEach(one => one())
        send('retry: 2000\n\n')
      },
      cancel: end,
    },
    new CountQueuingStrategy({ highWaterMark: 64 }),
  )
  return new Response(body, {
    headers: { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
  })
}
