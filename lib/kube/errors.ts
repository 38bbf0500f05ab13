// Errors of the API server, or of the connection to it: HTTP status and reason.

/**
 * `status` is the HTTP status and `reason` that of meta/v1 Status; without a response 0 and a
 * `NoAnswer`.
 */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly status: number
  readonly reason: string
  /** Retry-After of the response. */
  readonly retryAfterMs: number | undefined
  constructor(
    status: number,
    reason: string,
    message: string,
    { retryAfterMs, ...options }: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options)
    this.retryAfterMs = retryAfterMs
    this.status = status
    this.reason = reason
  }
}

/**
 * Reasons of our own.
 * - `BadConfig`: the kubeconfig cannot be used; a retry does not help.
 * - `Unreachable`: nothing was sent.
 * - `Timeout`: a read was not answered in time.
 * - `BadAnswer`: the response to a read is invalid.
 * - `Unknown`: a write was sent, and its outcome is not known; read before repeating it. Status 0,
 *   or
 *   5xx if the server does not know either (a slow etcd).
 */
export type NoAnswer = 'BadConfig' | 'Unreachable' | 'Timeout' | 'BadAnswer' | 'Unknown'

const has = (error: unknown, status: number, reason?: string): boolean =>
  error instanceof KubeError && error.status === status && (reason === undefined || error.reason === reason)

/** HTTP 401: unknown or expired credentials. */
export const isUnauthorized = (error: unknown): boolean => has(error, 401)
/** HTTP 403: denied by RBAC or admission. */
export const isForbidden = (error: unknown): boolean => has(error, 403)
/** HTTP 404. */
export const isNotFound = (error: unknown): boolean => has(error, 404)
/** HTTP 409 of a create: the name is taken. */
export const isAlreadyExists = (error: unknown): boolean => has(error, 409, 'AlreadyExists')
/** HTTP 409 of a write: the resourceVersion is stale or a precondition does not hold. */
export const isConflict = (error: unknown): boolean => has(error, 409) && !isAlreadyExists(error)
/** HTTP 410: the resourceVersion or the continue token is too old; list again. */
export const isExpired = (error: unknown): boolean => has(error, 410)
/** The write may have been executed; read before repeating it. */
export const mayHaveHappened = (error: unknown): boolean => error instanceof KubeError && error.reason === 'Unknown'
/** The kubeconfig cannot be used. */
export const isBadConfig = (error: unknown): boolean => has(error, 0, 'BadConfig')
/** HTTP 422: the object is invalid, by its schema or a webhook. */
export const isInvalid = (error: unknown): boolean => has(error, 422)
