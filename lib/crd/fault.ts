// What is wrong with an object: the field, its value, a sentence. Knows no object; the API server makes a cause of each.

/** `why` goes on where `field` and `value` end: `spec.subnet "x": it must be …`. */
export interface Fault {
  readonly field: string
  readonly value: unknown
  readonly why: string
  /**
   * `invalid`: the field is wrong by itself; `forbidden`: it clashes with what is there; `unsupported`: not one of a few values;
   * `exists`: there is an object of that name; `required`: it is not there.
   */
  readonly kind: 'invalid' | 'forbidden' | 'unsupported' | 'exists' | 'required'
  /** Of an `unsupported` one: what there is to choose from. */
  readonly supported?: readonly (string | number)[]
}

export const invalid = (field: string, value: unknown, why: string): Fault => ({ field, value, why, kind: 'invalid' })
export const required = (field: string, why: string): Fault => ({ field, value: undefined, why, kind: 'required' })
export const forbidden = (field: string, value: unknown, why: string): Fault => ({
  field,
  value,
  why,
  kind: 'forbidden',
})
export const unsupported = (field: string, value: unknown, supported: readonly (string | number)[]): Fault => {
  const last = supported.at(-1) ?? ''
  const why = `it must be ${[supported.slice(0, -1).join(', '), last].join(' or ')}`
  return { field, value, why, kind: 'unsupported', supported }
}
export const exists = (name: string): Fault => ({
  field: 'metadata.name',
  value: name,
  why: 'there is one of that name',
  kind: 'exists',
})

export const CANNOT_CHANGE_ANY_MORE = 'it cannot be changed any more, the object is being deleted; make a new one'

/** By text: an order of keys that differs counts as a change. */
export const isOtherSpec = (made: object, old: object): boolean => JSON.stringify(made) !== JSON.stringify(old)
