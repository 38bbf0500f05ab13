// Checks of a value's type, of which schemas/crds/generated/guards.ts and shape.ts are made. Pure.
import type { ObjectMeta } from './meta.js'

export type TypeCheck = (value: unknown) => boolean

/** Whether it is an object, and neither null nor a list. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether it is a string. */
export const isString: TypeCheck = value => typeof value === 'string'

/** A check that an absent field passes too; null is not absent. */
export const optional =
  (check: TypeCheck): TypeCheck =>
  value =>
    value === undefined || check(value)

/** A check of a list by its items. */
export const listOf =
  (check: TypeCheck): TypeCheck =>
  value =>
    Array.isArray(value) && value.every(check)

/** A check of some fields of an object; others are ignored. */
export const hasFields =
  (checks: Readonly<Record<string, TypeCheck>>): TypeCheck =>
  value =>
    isObject(value) && Object.entries(checks).every(([name, check]) => check(value[name]))

/** A check for one of a few strings. */
export const oneOf =
  (...values: readonly string[]): TypeCheck =>
  value =>
    typeof value === 'string' && values.includes(value)

const isMapOfStrings: TypeCheck = value => isObject(value) && Object.values(value).every(isString)

const isMeta = hasFields({
  labels: optional(isMapOfStrings),
  annotations: optional(isMapOfStrings),
  finalizers: optional(listOf(isString)),
})

/** A guard for an object with metadata and the fields that `checks` names. */
export function guard<T extends { readonly metadata: Partial<ObjectMeta> }>(
  checks: Readonly<Record<string, TypeCheck>>,
): (object: unknown) => object is T {
  const check = hasFields({ metadata: isMeta, ...checks })
  return (object): object is T => check(object)
}
