// Refusals worded as Kubernetes words them (k8s.io/apimachinery/pkg/api/errors and util/validation/field). Knows no request.
import type { Fault } from './fault.js'

/** metav1.StatusCause. */
export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** Of metav1.Status what says that something is refused. */
export interface Denial {
  readonly code: number
  readonly reason: string
  readonly message: string
  readonly details: object
}

/** A kind as its refusals name it. */
export interface ResourceNames {
  readonly group: string
  readonly plural: string
  readonly kind: string
}

const shown = (value: unknown): string =>
  typeof value === 'string' || (typeof value === 'object' && value !== null) ? JSON.stringify(value) : String(value)

/** field.Error of k8s.io/apimachinery, one maker a kind. */
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

export const detailsOf = ({ group, plural }: ResourceNames, name: string): object => ({
  ...(name !== '' && { name }),
  ...(group !== '' && { group }),
  kind: plural,
})

/** 422 with one cause a field. */
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

export const existsDenial = (of: ResourceNames, name: string): Denial => ({
  code: 409,
  reason: 'AlreadyExists',
  message: `${quoted(of, name)} already exists`,
  details: detailsOf(of, name),
})

export const forbiddenDenial = (of: ResourceNames, name: string, why: string): Denial => ({
  code: 403,
  reason: 'Forbidden',
  message: `${quoted(of, name)} is forbidden: ${why}`,
  details: detailsOf(of, name),
})

/** What faults are to a client; `undefined` where there are none. */
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
