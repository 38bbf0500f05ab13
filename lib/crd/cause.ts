// Denials in the words of Kubernetes (k8s.io/apimachinery: pkg/api/errors, util/validation/field).
import type { Fault } from './fault.js'

/** metav1.StatusCause. */
export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** The fields of a metav1.Status of a refused request. */
export interface Denial {
  readonly code: number
  readonly reason: string
  readonly message: string
  readonly details: object
}

/** The names of a kind that denials mention. */
export interface ResourceNames {
  readonly group: string
  readonly plural: string
  readonly kind: string
}

const shown = (value: unknown): string =>
  typeof value === 'string' || (typeof value === 'object' && value !== null) ? JSON.stringify(value) : String(value)

/** Constructors as in k8s.io/apimachinery/pkg/util/validation/field/errors.go. */
export const fault = {
  required: (field: string, detail = ''): Cause => ({
    reason: 'FieldValueRequired',
    message: `Required value${detail === '' ? '' : `: ${detail}`}`,
    field,
  }),
  invalid: (field: string, value: unknown, detail: string): Cause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${shown(value)}: ${detail}`,
    field,
  }),
  type: (field: string, found: string, detail: string): Cause => ({
    reason: 'FieldValueTypeInvalid',
    message: `Invalid value: ${JSON.stringify(found)}: ${detail}`,
    field,
  }),
  notSupported: (field: string, value: unknown, supported: readonly unknown[]): Cause => ({
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${shown(value)}: supported values: ${supported.map(v => JSON.stringify(String(v))).join(', ')}`,
    field,
  }),
  duplicate: (field: string, value: unknown): Cause => ({
    reason: 'FieldValueDuplicate',
    message: `Duplicate value: ${shown(value)}`,
    field,
  }),
  forbidden: (field: string, detail: string): Cause => ({
    reason: 'FieldValueForbidden',
    message: `Forbidden: ${detail}`,
    field,
  }),
}

const resourceOf = ({ group, plural }: ResourceNames): string => (group === '' ? plural : `${plural}.${group}`)
const quoted = (of: ResourceNames, name: string): string => `${resourceOf(of)} ${JSON.stringify(name)}`

/** metav1.StatusDetails of an object; `kind` holds the resource, as in api/errors. */
export const detailsOf = ({ group, plural }: ResourceNames, name: string): object => ({
  ...(name !== '' && { name }),
  ...(group !== '' && { group }),
  kind: plural,
})

/** 422 Invalid with one cause for each field. */
export function invalidDenial(
  { group, kind }: Pick<ResourceNames, 'group' | 'kind'>,
  name: string,
  causes: readonly Cause[],
): Denial {
  const said = causes.map(({ field, message }) => `${field}: ${message}`)
  const what = said.length === 1 ? said[0] : `[${said.join(', ')}]`
  const message = `${group === '' ? kind : `${kind}.${group}`} ${JSON.stringify(name)} is invalid: ${what ?? ''}`
  return { code: 422, reason: 'Invalid', message, details: { name, ...(group !== '' && { group }), kind, causes } }
}

/** 409 AlreadyExists. */
export const existsDenial = (of: ResourceNames, name: string): Denial => ({
  code: 409,
  reason: 'AlreadyExists',
  message: `${quoted(of, name)} already exists`,
  details: detailsOf(of, name),
})

/** 403 Forbidden. */
export const forbiddenDenial = (of: ResourceNames, name: string, why: string): Denial => ({
  code: 403,
  reason: 'Forbidden',
  message: `${quoted(of, name)} is forbidden: ${why}`,
  details: detailsOf(of, name),
})

/** The denial of a request with these faults; `undefined` where there are none. */
export function denialOf(of: ResourceNames, name: string, faults: readonly Fault[]): Denial | undefined {
  if (faults.length === 0) return undefined
  if (faults.some(({ kind }) => kind === 'exists')) return existsDenial(of, name)
  return invalidDenial(of, name, faults.map(causeOf))
}

function causeOf({ field, value, why, kind, supported = [] }: Fault): Cause {
  switch (kind) {
    case 'invalid':
      return fault.invalid(field, value, why)
    case 'forbidden':
      return fault.forbidden(field, why)
    case 'unsupported':
      return fault.notSupported(field, value, supported)
    case 'exists':
      return fault.duplicate(field, value)
    case 'required':
      return fault.required(field, why)
  }
}
