// Health and metrics over HTTP: which path answers what. Knows paths; is told the checks. Plain functions on Request and Response.

/** A sentence that says what is not well; `undefined` where it is. */
export type Check = () => string | undefined | Promise<string | undefined>

export interface HealthChecks {
  /** Once true it stays so: the process has everything it needs to begin. */
  readonly startup: readonly Check[]
  readonly readiness: readonly Check[]
  readonly liveness: readonly Check[]
}

const HEALTH_PATH = /^\/v1\/runtime\/(startup|readiness|liveness)$/

async function verdict(checks: readonly Check[]): Promise<Response> {
  const said = (await Promise.all(checks.map(check => check()))).filter(says => says !== undefined)
  return said.length === 0 ? new Response('ok\n') : new Response(`${said.join('\n')}\n`, { status: 500 })
}

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD'
const notAllowed = (): Response => new Response('only GET\n', { status: 405, headers: { allow: 'GET, HEAD' } })

/** `/v1/runtime/startup|readiness|liveness`: 200, or 500 with what is amiss. */
export async function answerHealth(request: Request, health: HealthChecks): Promise<Response> {
  const [, probe] = HEALTH_PATH.exec(new URL(request.url).pathname) ?? []
  if (probe !== 'startup' && probe !== 'readiness' && probe !== 'liveness')
    return new Response('nothing here: ask /v1/runtime/startup, readiness or liveness\n', { status: 404 })
  return isRead(request) ? verdict(health[probe]) : notAllowed()
}

/** `/metrics`. */
export function answerMetrics(request: Request, text: () => string): Response {
  if (new URL(request.url).pathname !== '/metrics') return new Response('nothing here: ask /metrics\n', { status: 404 })
  if (!isRead(request)) return notAllowed()
  return new Response(text(), { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } })
}
