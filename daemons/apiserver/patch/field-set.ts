// Sets of field paths: FieldsV1 of managedFields. Pure.
import { FIELDS_MAX, tooManyFields } from '../schema/body-limits.js'
import { isFields, parseJson, type JsonObject } from '../schema/stored-object.js'

/**
 * A path element of FieldsV1: `f:name` a field, `k:{"name":"a"}` a list member by its keys, `v:"a"`
 * a set member by its value (sigs.k8s.io/structured-merge-diff/fieldpath/serialize-pe.go).
 */
export type Element = string

/**
 * Elements joined by NUL; '' is the object itself. A string, so that union and difference are those
 * of Sets.
 */
export type FieldPath = string
export type FieldSet = ReadonlySet<FieldPath>

const BETWEEN = '\u0000'

/** The path of an element below `path`. */
export const inside = (path: FieldPath, element: Element): FieldPath =>
  path === '' ? element : `${path}${BETWEEN}${element}`
/** The elements of a path. */
export const elementsOf = (path: FieldPath): readonly Element[] => (path === '' ? [] : path.split(BETWEEN))
/** The path of nested fields. */
export const pathOf = (...names: readonly string[]): FieldPath => names.map(name => `f:${name}`).join(BETWEEN)
/** Whether `path` is `above` or below it. */
export const isAtOrBelow = (path: FieldPath, above: FieldPath): boolean =>
  path === above || path.startsWith(above + BETWEEN)

/** Adds a path of an object. @throws 413 beyond FIELDS_MAX */
export function addPath(set: Set<FieldPath>, path: FieldPath): void {
  set.add(path)
  if (set.size > FIELDS_MAX) throw tooManyFields(FIELDS_MAX)
}

/** The union of sets. */
export const union = (...sets: readonly FieldSet[]): FieldSet => new Set(sets.flatMap(set => [...set]))
/** The members of `set` that `other` does not have. */
export const minus = (set: FieldSet, other: FieldSet): FieldSet => new Set([...set].filter(path => !other.has(path)))
/** The intersection of two sets. */
export const common = (set: FieldSet, other: FieldSet): FieldSet => new Set([...set].filter(path => other.has(path)))
/** Whether two sets have the same members. */
export const sameSet = (a: FieldSet, b: FieldSet): boolean => a.size === b.size && [...a].every(path => b.has(path))

/** A set as FieldsV1; `.` marks a path that is a member and has members below it. */
export function encodeSet(set: FieldSet): JsonObject {
  const root: JsonObject = {}
  for (const path of [...set].sort()) {
    let here = root
    for (const element of elementsOf(path)) {
      const below = here[element]
      here = isFields(below) ? below : (here[element] = {})
    }
    here['.'] = {}
  }
  return withoutLoneDots(root)
}

function withoutLoneDots(fields: JsonObject): JsonObject {
  const keys = Object.keys(fields)
  if (keys.length === 1 && keys[0] === '.') return {}
  return Object.fromEntries(
    keys.map(key => {
      const below = fields[key]
      return [key, key !== '.' && isFields(below) ? withoutLoneDots(below) : {}]
    }),
  )
}

/** FieldsV1 as a set; anything else is ignored. */
export function decodeSet(fields: unknown): FieldSet {
  const set = new Set<FieldPath>()
  const walk = (below: JsonObject, path: FieldPath): void => {
    const keys = Object.keys(below)
    if (keys.length === 0 && path !== '') set.add(path)
    for (const key of keys) {
      const next = below[key]
      if (key === '.') set.add(path)
      else if (isFields(next)) walk(next, inside(path, key))
    }
  }
  if (isFields(fields)) walk(fields, '')
  return set
}

/** A path for messages: `.spec.ports[port=80,protocol="TCP"].name`. */
export const pathText = (path: FieldPath): string => elementsOf(path).map(elementText).join('')

function elementText(element: Element): string {
  const rest = element.slice(2)
  switch (element.slice(0, 2)) {
    case 'k:': {
      const keys = parseJson(rest)
      const pairs = Object.entries(isFields(keys) ? keys : {}).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      return `[${pairs.join(',')}]`
    }
    case 'v:':
      return `[=${rest}]`
    case 'i:':
      return `[${rest}]`
    default:
      return `.${rest}`
  }
}
