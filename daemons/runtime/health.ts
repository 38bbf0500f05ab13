// Health checks and metrics over HTTP, on Request and Response.

/** Returns why the check fails; undefined where it passes. */
export type Check = () => string | undefined | Promise<string | undefined>

export interface HealthChecks {
  /** Passes once the process has everything it needs to start. */
  readonly startup: readonly Check[]
  readonly readiness: readonly Check[]
  readonly liveness: readonly Check[]
}

const HEALTH_PATH = /^\/v1\/runtime\/(startup|readiness|liveness)$/

async function verdict(checks: readonly Check[]): Promise<Response> {
  const failures = (await Promise.all(checks.map(check => check()))).filter(reason => reason !== undefined)
  return failures.length === 0 ? new Response('ok\n') : new Response(`${failures.join('\n')}\n`, { status: 500 })
}

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD'
const notAllowed = (): Response => new Response('only GET\n', { status: 405, headers: { allow: 'GET, HEAD' } })

/** Answers `/v1/runtime/startup|readiness|liveness`: 200, or 500 with the reasons. */
export async function answerHealth(request: Request, health: HealthChecks): Promise<Response> {
  const [, probe] = HEALTH_PATH.exec(new URL(request.url).pathname) ?? []
  if (probe !== 'startup' && probe !== 'readiness' && probe !== 'liveness')
    return new Response('nothing here: ask /v1/runtime/startup, readiness or liveness\n', { status: 404 })
  return isRead(request) ? verdict(health[probe]) : notAllowed()
}

/** Answers `/metrics` in the Prometheus text format. */
export function answerMetrics(request: Request, text: () => string): Response {
  if (new URL(request.url).pathname !== '/metrics') return new Response('nothing here: ask /metrics\n', { status: 404 })
  if (!isRead(request)) return notAllowed()
  return new Response(text(), { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
}
