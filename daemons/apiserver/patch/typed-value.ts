// Values typed by a structural schema: paths, comparison, merge, removal. Pure.
import { addPath, inside, type Element, type FieldPath, type FieldSet } from './field-set.js'
import type { Schema } from '../schema/kinds.js'
import { interleave } from './interleave.js'
import { isFields, sameJson, type JsonObject } from '../schema/stored-object.js'
import { childSchema } from '../schema/builtin-types.js'

type Typed = Schema | undefined

const isGranular = (schema: Typed): boolean => schema?.['x-kubernetes-map-type'] !== 'atomic'

/**
 * The members of a list by path element; undefined if the list is atomic or violates its list type.
 */
function membersOf(list: readonly unknown[], schema: Typed): ReadonlyMap<Element, unknown> | undefined {
  const type = schema?.['x-kubernetes-list-type']
  if (type !== 'map' && type !== 'set') return undefined
  const entries = list.map(
    item => [type === 'set' ? `v:${JSON.stringify(item)}` : keyElement(item, schema), item] as const,
  )
  const members = new Map<Element, unknown>()
  for (const [element, item] of entries) {
    if (element === undefined || members.has(element)) return undefined
    members.set(element, item)
  }
  return members
}

function keyElement(item: unknown, schema: Typed): Element | undefined {
  if (!isFields(item)) return undefined
  const keys = [...(schema?.['x-kubernetes-list-map-keys'] ?? [])].sort()
  const values = keys.flatMap(key => {
    const value = item[key] ?? schema?.items?.properties?.[key]?.default
    return value === undefined ? [] : [[key, value] as const]
  })
  return values.length === 0 ? undefined : `k:${JSON.stringify(Object.fromEntries(values))}`
}

const isField = (schema: Typed, key: string): boolean => schema?.properties?.[key] !== undefined
const isEmpty = (value: unknown): boolean => value === null || (isFields(value) && Object.keys(value).length === 0)

/**
 * The paths that an applier owns: leaves, list and map members, empty maps. Schema fields that hold
 * others are not owned.
 */
export function appliedSet(value: unknown, schema: Typed): FieldSet {
  const set = new Set<FieldPath>()
  const walk = (here: unknown, typed: Typed, path: FieldPath): void => {
    if (Array.isArray(here)) {
      const members = membersOf(here, typed)
      if (!members) return void addPath(set, path)
      for (const [element, item] of members) {
        addPath(set, inside(path, element))
        if (isFields(item)) walk(item, typed?.items, inside(path, element))
      }
    } else if (isFields(here) && isGranular(typed)) {
      for (const [key, item] of Object.entries(here)) {
        const below = inside(path, `f:${key}`)
        walk(item, childSchema(typed, key), below)
        if (isEmpty(item) || !isField(typed, key)) addPath(set, below)
      }
    } else addPath(set, path)
  }
  walk(value, schema, '')
  set.delete('')
  return set
}

/** Every path of a value, inner ones included. */
function everyPath(value: unknown, schema: Typed, path: FieldPath, into: Set<FieldPath>): void {
  addPath(into, path)
  if (Array.isArray(value)) {
    for (const [element, item] of membersOf(value, schema) ?? [])
      everyPath(item, schema?.items, inside(path, element), into)
  } else if (isFields(value) && isGranular(schema)) {
    for (const [key, item] of Object.entries(value))
      everyPath(item, childSchema(schema, key), inside(path, `f:${key}`), into)
  }
}

/** The paths that differ between two objects. */
export interface Difference {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

/** Compares two objects path by path. */
export function compare(before: unknown, after: unknown, schema: Typed): Difference {
  const [added, modified, removed] = [new Set<FieldPath>(), new Set<FieldPath>(), new Set<FieldPath>()]
  const walk = (a: unknown, b: unknown, typed: Typed, path: FieldPath): void => {
    if (a === undefined && b === undefined) return
    if (a === undefined) return everyPath(b, typed, path, added)
    if (b === undefined) return everyPath(a, typed, path, removed)
    const [left, right] = [childrenOf(a, typed), childrenOf(b, typed)]
    if (left && right && Array.isArray(a) === Array.isArray(b)) {
      for (const element of new Set([...left.keys(), ...right.keys()]))
        walk(left.get(element), right.get(element), belowElement(typed, element), inside(path, element))
    } else if (!sameJson(a, b)) {
      const [old, fresh] = [new Set<FieldPath>(), new Set<FieldPath>()]
      everyPath(a, typed, path, old)
      everyPath(b, typed, path, fresh)
      addPath(modified, path)
      for (const gone of old) if (!fresh.has(gone)) addPath(removed, gone)
      for (const come of fresh) if (!old.has(come)) addPath(added, come)
    }
  }
  walk(before ?? {}, after ?? {}, schema, '')
  return { added, modified, removed }
}

/** Members of a granular map or list by element; undefined for an atomic value. */
function childrenOf(value: unknown, schema: Typed): ReadonlyMap<Element, unknown> | undefined {
  if (Array.isArray(value)) return membersOf(value, schema)
  if (!isFields(value) || !isGranular(schema)) return undefined
  return new Map(Object.entries(value).map(([key, item]) => [`f:${key}`, item]))
}

/** The schema of the value at an element. */
export const belowElement = (schema: Typed, element: Element): Typed =>
  element.startsWith('f:') ? childSchema(schema, element.slice(2)) : schema?.items

/** `config` merged into `live`: granular maps and lists merge, all else is replaced. */
export function merged(live: unknown, config: unknown, schema: Typed): unknown {
  if (isFields(live) && isFields(config) && isGranular(schema)) {
    const changed = Object.entries(config).map(([key, value]) => [
      key,
      merged(live[key], value, childSchema(schema, key)),
    ])
    return { ...live, ...Object.fromEntries(changed) } satisfies JsonObject
  }
  if (!Array.isArray(live) || !Array.isArray(config)) return config
  const [old, fresh] = [membersOf(live, schema), membersOf(config, schema)]
  if (!old || !fresh) return config
  return interleave([...old.keys()], [...fresh.keys()]).map(element =>
    fresh.has(element) ? merged(old.get(element), fresh.get(element), schema?.items) : old.get(element),
  )
}

/** The value without the paths in `gone`. */
export function without(value: unknown, gone: FieldSet, schema: Typed, path: FieldPath = ''): unknown {
  if (Array.isArray(value)) {
    const members = membersOf(value, schema)
    if (!members) return value
    const kept = [...members].filter(([element]) => !gone.has(inside(path, element)))
    return kept.map(([element, item]) => without(item, gone, schema?.items, inside(path, element)))
  }
  if (!isFields(value) || !isGranular(schema)) return value
  const kept = Object.entries(value).filter(([key]) => !gone.has(inside(path, `f:${key}`)))
  return Object.fromEntries(
    kept.map(([key, item]) => [key, without(item, gone, childSchema(schema, key), inside(path, `f:${key}`))]),
  )
}
