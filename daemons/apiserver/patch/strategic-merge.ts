// Strategic merge patch: lists merge by member, as the schema of the kind says. Pure.
import { badRequest, unsupportedMedia } from '../schema/status-error.js'
import type { KindInfo, Schema } from '../schema/kinds.js'
import { isFields, sameJson, type JsonObject } from '../schema/stored-object.js'
import { interleave } from './interleave.js'
import { childSchema, schemaOfKind } from '../schema/builtin-types.js'

const WITHOUT_STRATEGIC = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
]

const DELETE_FROM = '$deleteFromPrimitiveList/'
const ORDER_OF = '$setElementOrder/'

/**
 * Applies a strategic merge patch (k8s.io/apimachinery/pkg/util/strategicpatch). Pure.
 * @throws 415 for a custom kind, as kube-apiserver does, 400 for invalid directives
 */
export function strategicMerge(object: JsonObject, patch: unknown, kind: KindInfo): JsonObject {
  if (kind.custom) throw unsupportedMedia(WITHOUT_STRATEGIC)
  if (!isFields(patch)) throw badRequest('error decoding patch: a strategic merge patch is a JSON object')
  return mergeFields(object, patch, schemaOfKind(kind)) ?? {}
}

/** The merged map; undefined if the patch deletes it. */
function mergeFields(before: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject | undefined {
  const { $patch: directive, $retainKeys: retain, ...changes } = patch
  if (directive === 'delete') return undefined
  if (directive === 'replace') return bare(changes)
  if (directive !== undefined && directive !== 'merge')
    throw badRequest(`unknown patch type found: ${String(directive)}`)
  const kept = Array.isArray(retain)
    ? Object.entries(before).filter(([key]) => retain.includes(key))
    : Object.entries(before)
  const after: JsonObject = Object.fromEntries(kept)
  const orders: [string, readonly unknown[]][] = []
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith(DELETE_FROM)) without(after, key.slice(DELETE_FROM.length), listOf(key, value))
    else if (key.startsWith(ORDER_OF)) orders.push([key.slice(ORDER_OF.length), listOf(key, value)])
    else set(after, key, mergeValue(after[key], value, childSchema(schema, key)))
  }
  for (const [key, order] of orders) {
    const list = after[key]
    const previous = before[key]
    if (Array.isArray(list))
      after[key] = ordered(list, order, Array.isArray(previous) ? previous : [], mergeKey(childSchema(schema, key)))
  }
  return after
}

function set(fields: JsonObject, key: string, value: unknown): void {
  if (value === undefined || value === null) delete fields[key]
  else Object.defineProperty(fields, key, { value, enumerable: true, writable: true, configurable: true })
}

function listOf(directive: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw badRequest(`the value of ${directive} is not a list: ${JSON.stringify(value)}`)
  return value
}

function without(fields: JsonObject, key: string, removed: readonly unknown[]): void {
  const list = fields[key]
  if (Array.isArray(list)) fields[key] = list.filter(item => !removed.some(other => sameJson(item, other)))
}

function mergeValue(before: unknown, patch: unknown, schema: Schema | undefined): unknown {
  if (isFields(patch)) return mergeFields(isFields(before) ? before : {}, patch, schema)
  if (!Array.isArray(patch)) return patch
  return mergeList(Array.isArray(before) ? before : [], patch, schema)
}

/** The merge key of a list: the first map key (`patchMergeKey` of the Go types). */
const mergeKey = (schema: Schema | undefined): string | undefined =>
  schema?.['x-kubernetes-list-type'] === 'map' ? schema['x-kubernetes-list-map-keys']?.[0] : undefined

function mergeList(
  before: readonly unknown[],
  patch: readonly unknown[],
  schema: Schema | undefined,
): readonly unknown[] {
  if (schema?.['x-kubernetes-list-type'] === 'set')
    return [...before, ...patch.filter(item => !before.some(other => sameJson(item, other)))]
  const key = mergeKey(schema)
  if (key === undefined) return patch
  const members = patch.map(item => {
    if (!isFields(item))
      throw badRequest(`a member of a list merged by ${key} is not an object: ${JSON.stringify(item)}`)
    return item
  })
  const replaced = members.some(item => item['$patch'] === 'replace')
  const start = replaced ? [] : before
  return members
    .filter(item => item['$patch'] !== 'replace')
    .reduce((list, item) => withMember(list, item, key, schema?.items), start)
}

function withMember(
  list: readonly unknown[],
  item: JsonObject,
  key: string,
  schema: Schema | undefined,
): readonly unknown[] {
  if (item[key] === undefined)
    throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
  const same = (other: unknown): boolean => isFields(other) && other[key] === item[key]
  const merged = (old: unknown): readonly unknown[] => {
    const member = mergeFields(isFields(old) ? old : {}, item, schema)
    return member === undefined ? [] : [member]
  }
  return list.some(same) ? list.flatMap(old => (same(old) ? merged(old) : [old])) : [...list, ...merged(undefined)]
}

/** Members in `order` are sorted by it; the others keep their positions in `previous`. */
function ordered(
  list: readonly unknown[],
  order: readonly unknown[],
  previous: readonly unknown[],
  key: string | undefined,
): readonly unknown[] {
  const id = (item: unknown): string => JSON.stringify(key !== undefined && isFields(item) ? item[key] : item)
  const present = new Map<string, unknown[]>() // ports with one number and two protocols share a merge key
  for (const item of list) present.set(id(item), [...(present.get(id(item)) ?? []), item])
  const unique = (ids: readonly string[]): string[] => [...new Set(ids)].filter(each => present.has(each))
  const positions = interleave(unique(previous.map(id)), unique(order.map(id)))
  const rest = [...present.keys()].filter(each => !positions.includes(each))
  return [...positions, ...rest].flatMap(each => present.get(each) ?? [])
}

/** A patch without directives and nulls, as a new value. */
function bare(fields: JsonObject): JsonObject {
  const kept = Object.entries(fields).filter(([key, value]) => value !== null && !key.startsWith('$'))
  return Object.fromEntries(kept.map(([key, value]) => [key, isFields(value) ? bare(value) : value]))
}
