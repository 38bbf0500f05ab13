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

/** 404: the object does not exist. */
export const notFound = (of: Of, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${quoted(of, name)} not found`, detailsOf(of, name))

/** 404: the path is not served. */
export const noSuchPath = (): ApiError =>
  new ApiError(404, 'NotFound', 'the server could not find the requested resource', {})

/** 409: the name is taken. */
export const alreadyExists = (of: Of, name: string): ApiError => denied(existsDenial(of, name))

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

/** 409: the object was modified, or a precondition failed. */
export const conflict = (of: Of, name: string, why: string = MODIFIED): ApiError =>
  new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${quoted(of, name)}: ${why}`, detailsOf(of, name))

/** 409 of server-side apply, with a cause per field. */
export const applyConflict = (message: string, causes: readonly Cause[]): ApiError =>
  new ApiError(409, 'Conflict', message, { causes })

/** 403 with the reason. */
export const forbidden = (of: Of, name: string, why: string): ApiError => denied(forbiddenDenial(of, name, why))

/** 400 with the message. */
export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message)

/** 401. */
export const unauthorized = (): ApiError => new ApiError(401, 'Unauthorized', 'Unauthorized')

/** 405. */
export const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})

/** 406. */
export const notAcceptable = (): ApiError =>
  new ApiError(406, 'NotAcceptable', 'only the following media types are accepted: application/json, application/yaml')

/** 415 with the accepted media types. */
export const unsupportedMedia = (accepted: readonly string[]): ApiError =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )

/** 413 with the limit in bytes. */
export const tooLarge = (limitBytes: number): ApiError =>
  new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`)

/** 429: the limit of watches is reached. */
export const tooManyWatches = (): ApiError =>
  new ApiError(
    429,
    'TooManyRequests',
    'there are too many watches for the file descriptor limit of this server; close some, or raise it (ulimit -n)',
    {
      retryAfterSeconds: 1,
    },
  )

/** 429: the clients of the watches read too slowly, all together. */
export const tooMuchUnread = (bytesMax: number): ApiError =>
  new ApiError(
    429,
    'TooManyRequests',
    `the watches of this server have more than ${bytesMax} bytes unread together; list in pages (limit=500) and watch from the resourceVersion of the list, or read faster`,
    { retryAfterSeconds: 1 },
  )

/** 410 with the message. */
export const expired = (message: string): ApiError => new ApiError(410, 'Expired', message)

/** 410: the revision is compacted. */
export const tooOld = (requested: number, oldest: number): ApiError =>
  expired(`too old resource version: ${requested} (${oldest})`)

/** 500 with the message. */
export const internal = (message: string): ApiError =>
  new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })

/** The error of a denial of lib/crd. */
export const denied = ({ code, reason, message, details }: Denial): ApiError =>
  new ApiError(code, reason, message, details)

/** 422 with a cause per field. */
export const invalid = (of: Pick<Of, 'group' | 'kind'>, name: string, causes: readonly Cause[]): ApiError =>
  denied(invalidDenial(of, name, causes))

/** metav1.Status of a success. */
export const success = (details?: object): Status => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  ...(details && { details }),
})
