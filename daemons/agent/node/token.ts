// When the token of the node's kubeconfig is renewed. Pure.

export interface IssuedToken {
  readonly token: string
  readonly issuedMs: number
  readonly expiresMs: number
}

/** Asked for; an API server may give less (--service-account-max-token-expiration). */
export const TOKEN_S = 86_400
/** After a failed request. */
const RETRY_MS = 30_000

/** Renewed after half of its life, so that it outlives an agent that is away for as long. */
export const isTokenDue = (token: IssuedToken | undefined, nowMs: number): boolean =>
  token === undefined || nowMs >= token.issuedMs + (token.expiresMs - token.issuedMs) / 2

/** Whether a request may be sent again. */
export const mayRequest = (failedMs: number | undefined, nowMs: number): boolean =>
  failedMs === undefined || nowMs >= failedMs + RETRY_MS

/**
 * The token of a TokenRequest's response (authentication.k8s.io/v1).
 * @throws Error a sentence where there is none
 */
export function tokenIn(response: object, issuedMs: number): IssuedToken {
  const { status } = response as {
    readonly status?: { readonly token?: unknown; readonly expirationTimestamp?: unknown }
  }
  const { token, expirationTimestamp: expires } = status ?? {}
  const expiresMs = typeof expires === 'string' ? Date.parse(expires) : NaN
  if (typeof token === 'string' && token !== '' && expiresMs > issuedMs) return { token, issuedMs, expiresMs }
  throw new Error(`the API server's TokenRequest has no token that is still valid (expires ${JSON.stringify(expires)})`)
}
