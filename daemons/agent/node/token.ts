// When the token of the node's kubeconfig is renewed. Pure.

/** Both clocks: the wall clock may be set, and the monotonic one stops while the node sleeps. */
export interface Clocks {
  readonly wallMs: number
  readonly monotonicMs: number
}

export interface IssuedToken {
  readonly token: string
  readonly issued: Clocks
  readonly lifeMs: number
}

/** Asked for; an API server may give less (--service-account-max-token-expiration). */
export const TOKEN_S = 86_400
/** After a failed request. */
const RETRY_MS = 30_000

/** Renewed after half of its life, so that it outlives an agent that is away for as long. */
export function isTokenDue(token: IssuedToken | undefined, now: Clocks): boolean {
  if (token === undefined) return true
  const ageMs = Math.max(now.wallMs - token.issued.wallMs, now.monotonicMs - token.issued.monotonicMs)
  return ageMs >= token.lifeMs / 2
}

/** Whether a request may be sent again; both in monotonic milliseconds. */
export const mayRequest = (failedMs: number | undefined, nowMs: number): boolean =>
  failedMs === undefined || nowMs >= failedMs + RETRY_MS

/**
 * The token of a TokenRequest's response (authentication.k8s.io/v1). Its life is what the API
 * server says that it granted: the node's clock may be wrong.
 * @throws Error a sentence where there is none
 */
export function tokenIn(response: object, issued: Clocks): IssuedToken {
  const { spec, status } = response as {
    readonly spec?: { readonly expirationSeconds?: unknown }
    readonly status?: { readonly token?: unknown; readonly expirationTimestamp?: unknown }
  }
  const { token, expirationTimestamp: expires } = status ?? {}
  const granted = spec?.expirationSeconds
  const untilMs = typeof expires === 'string' ? Date.parse(expires) - issued.wallMs : NaN
  const lifeMs = Math.min(TOKEN_S * 1000, typeof granted === 'number' ? granted * 1000 : untilMs)
  if (typeof token === 'string' && token !== '' && lifeMs > 0) return { token, issued, lifeMs }
  throw new Error(`the API server's TokenRequest has no token that is still valid (expires ${JSON.stringify(expires)})`)
}
