// A validation fault: field, value and sentence; cause.ts makes a metav1.StatusCause of it. Pure.

/** `why` continues after field and value: `spec.subnet "x": it must be …`. */
export interface Fault {
  readonly field: string
  readonly value: unknown
  readonly why: string
  /**
   * `invalid`: wrong by itself; `forbidden`: in conflict with the cluster; `unsupported`: not in
   * the enum; `exists`: the name is taken; `required`: missing.
   */
  readonly kind: 'invalid' | 'forbidden' | 'unsupported' | 'exists' | 'required'
  /** Of `unsupported`: the enum. */
  readonly supported?: readonly (string | number)[]
}

/** field.Invalid: the value is wrong by itself. */
export const invalid = (field: string, value: unknown, why: string): Fault => ({ field, value, why, kind: 'invalid' })
/** field.Required: the value is missing. */
export const required = (field: string, why: string): Fault => ({ field, value: undefined, why, kind: 'required' })
/** field.Forbidden: the value is in conflict with the cluster. */
export const forbidden = (field: string, value: unknown, why: string): Fault => ({
  field,
  value,
  why,
  kind: 'forbidden',
})
/** field.NotSupported: the value is not in the enum. */
export const unsupported = (field: string, value: unknown, supported: readonly (string | number)[]): Fault => {
  const last = supported.at(-1) ?? ''
  const why = `it must be ${[supported.slice(0, -1).join(', '), last].join(' or ')}`
  return { field, value, why, kind: 'unsupported', supported }
}
/** field.Duplicate of metadata.name. */
export const exists = (name: string): Fault => ({
  field: 'metadata.name',
  value: name,
  why: 'there is one of that name',
  kind: 'exists',
})

export const CANNOT_CHANGE_ANY_MORE = 'it cannot be changed any more, the object is being deleted; make a new one'

/** Whether the JSON texts differ; another order of keys counts as a change. */
export const isOtherSpec = (made: object, old: object): boolean => JSON.stringify(made) !== JSON.stringify(old)
