// API errors in the words of k8s.io/apimachinery/pkg/api/errors and util/validation/field.
import {
  detailsOf,
  existsDenial,
  fault,
  forbiddenDenial,
  invalidDenial,
  type Cause,
  type Denial,
} from '../../../lib/crd/cause.js'
import { resourceNameOf, type KindInfo } from './kinds.js'

export { fault, type Cause }

/** metav1.Status. */
export interface Status {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: object
  readonly status: 'Success' | 'Failure'
  readonly message?: string
  readonly reason?: string
  readonly details?: object
  readonly code?: number
}

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: number
  readonly reason: string
  readonly details: object | undefined
  constructor(code: number, reason: string, message: string, details?: object) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }
  status(): Status {
    const { message, reason, details, code } = this
    const base = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' } as const
    return { ...base, message, reason, ...(details && { details }), code }
  }
}

type Of = Pick<KindInfo, 'group' | 'plural' | 'kind'>

const quoted = (of: Of, name: string): string => `${resourceNameOf(of)} ${JSON.stringify(name)}`

export const notFound = (of: Of, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${quoted(of, name)} not found`, detailsOf(of, name))

export const noSuchPath = (): ApiError =>
  new ApiError(404, 'NotFound', 'the server could not find the requested resource', {})

export const alreadyExists = (of: Of, name: string): ApiError => denied(existsDenial(of, name))

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

export const conflict = (of: Of, name: string, why: string = MODIFIED): ApiError =>
  new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${quoted(of, name)}: ${why}`, detailsOf(of, name))

/** 409 of server-side apply, with a cause per field. */
export const applyConflict = (message: string, causes: readonly Cause[]): ApiError =>
  new ApiError(409, 'Conflict', message, { causes })

export const forbidden = (of: Of, name: string, why: string): ApiError => denied(forbiddenDenial(of, name, why))

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message)

export const unauthorized = (): ApiError => new ApiError(401, 'Unauthorized', 'Unauthorized')

export const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})

export const notAcceptable = (): ApiError =>
  new ApiError(406, 'NotAcceptable', 'only the following media types are accepted: application/json, application/yaml')

export const unsupportedMedia = (accepted: readonly string[]): ApiError =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )

export const tooLarge = (limitBytes: number): ApiError =>
  new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`)

export const tooManyWatches = (): ApiError =>
  new ApiError(
    429,
    'TooManyRequests',
    'there are too many watches for the file descriptor limit of this server; close some, or raise it (ulimit -n)',
    {
      retryAfterSeconds: 1,
    },
  )

export const expired = (message: string): ApiError => new ApiError(410, 'Expired', message)

export const tooOld = (requested: number, oldest: number): ApiError =>
  expired(`too old resource version: ${requested} (${oldest})`)

export const internal = (message: string): ApiError =>
  new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })

export const denied = ({ code, reason, message, details }: Denial): ApiError =>
  new ApiError(code, reason, message, details)

/** 422 with a cause per field. */
export const invalid = (of: Pick<Of, 'group' | 'kind'>, name: string, causes: readonly Cause[]): ApiError =>
  denied(invalidDenial(of, name, causes))

export const success = (details?: object): Status => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  ...(details && { details }),
})
