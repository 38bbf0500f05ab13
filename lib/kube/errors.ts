// What the API server, or the way to it, said no with. Knows HTTP status and reason; knows no request.

/** `status` is HTTP's, 0 where there was no answer; then `reason` is one of `NoAnswer`. Otherwise it is the server's own word. */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly status: number
  readonly reason: string
  constructor(status: number, reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.reason = reason
  }
}

/**
 * Reasons of our own.
 * - `BadConfig`: the kubeconfig cannot be used; trying again helps nothing.
 * - `Unreachable`: nothing was sent.
 * - `Timeout`: a read had no answer in time.
 * - `BadAnswer`: what a read was answered with is no answer.
 * - `Unknown`: a write went out, and whether it was carried out is not known: look before doing it again. Its status is 0, or
 *   5xx where the server itself could not say (an etcd that answers late is one).
 */
export type NoAnswer = 'BadConfig' | 'Unreachable' | 'Timeout' | 'BadAnswer' | 'Unknown'

const has = (error: unknown, status: number, reason?: string): boolean =>
  error instanceof KubeError && error.status === status && (reason === undefined || error.reason === reason)

export const isUnauthorized = (error: unknown): boolean => has(error, 401)
export const isForbidden = (error: unknown): boolean => has(error, 403)
export const isNotFound = (error: unknown): boolean => has(error, 404)
export const isAlreadyExists = (error: unknown): boolean => has(error, 409, 'AlreadyExists')
/** Somebody changed it first, or a precondition does not hold. Not: a name that is taken. */
export const isConflict = (error: unknown): boolean => has(error, 409) && !isAlreadyExists(error)
/** The resourceVersion or the continue token is too old: list again. */
export const isExpired = (error: unknown): boolean => has(error, 410)
/** It may have been carried out: look before doing it again. */
export const mayHaveHappened = (error: unknown): boolean => error instanceof KubeError && error.reason === 'Unknown'
export const isBadConfig = (error: unknown): boolean => has(error, 0, 'BadConfig')
