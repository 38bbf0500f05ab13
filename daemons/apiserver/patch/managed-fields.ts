// Field ownership: metadata.managedFields. Pure.
import { decodeSet, encodeSet, isAtOrBelow, pathOf, type FieldPath, type FieldSet } from './field-set.js'
import { FIELDS_MAX, tooManyFields } from '../schema/body-limits.js'
import { isFields, timeText, type JsonObject } from '../schema/stored-object.js'

export type Operation = 'Apply' | 'Update'

/** One entry of managedFields. */
export interface ManagerEntry {
  readonly manager: string
  readonly operation: Operation
  readonly apiVersion: string
  /** '' for the object itself. */
  readonly subresource: string
  /** RFC 3339, '' if unknown. */
  readonly time: string
  readonly set: FieldSet
}

/** An entry is identified by manager, operation and subresource; updates also by version. */
export const identityOf = ({ manager, operation, apiVersion, subresource }: ManagerEntry): string =>
  JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource])

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Parses managedFields; invalid entries are skipped. */
export function decodeEntries(managedFields: unknown): readonly ManagerEntry[] {
  const list: readonly unknown[] = Array.isArray(managedFields) ? managedFields : []
  return list.flatMap(entry => {
    if (!isFields(entry) || (entry['operation'] !== 'Apply' && entry['operation'] !== 'Update')) return []
    const { manager, operation, apiVersion, subresource, time, fieldsV1 } = entry
    const is: Operation = operation === 'Apply' ? 'Apply' : 'Update'
    return [
      {
        manager: textOf(manager),
        operation: is,
        apiVersion: textOf(apiVersion),
        subresource: textOf(subresource),
        time: textOf(time),
        set: decodeSet(fieldsV1),
      },
    ]
  })
}

/**
 * Sorted as in Kubernetes: Apply first, then by time and name. Entries without fields are omitted.
 * @throws 413 where they have more than twice FIELDS_MAX fields together
 */
export function encodeEntries(entries: readonly ManagerEntry[]): readonly JsonObject[] {
  const keyOf = ({ operation, time, manager, apiVersion, subresource }: ManagerEntry): string =>
    [operation, time, manager, apiVersion, subresource].join('\u0000')
  const fields = entries.reduce((sum, { set }) => sum + set.size, 0)
  if (fields > 2 * FIELDS_MAX) throw tooManyFields(2 * FIELDS_MAX)
  return [...entries]
    .filter(({ set }) => set.size > 0)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map(({ manager, operation, apiVersion, subresource, time, set }) => ({
      manager,
      operation,
      apiVersion,
      ...(time !== '' && { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: encodeSet(set),
      ...(subresource !== '' && { subresource }),
    }))
}

/** Fields without an owner (k8s.io/apimachinery/pkg/util/managedfields/internal/stripmeta.go). */
const UNOWNED: FieldSet = new Set<FieldPath>([
  ...['apiVersion', 'kind', 'metadata'].map(name => pathOf(name)),
  ...['creationTimestamp', 'generation', 'name', 'namespace', 'resourceVersion', 'selfLink', 'uid'].map(name =>
    pathOf('metadata', name),
  ),
])
const SERVER_FIELDS = ['managedFields', 'deletionTimestamp', 'deletionGracePeriodSeconds'].map(name =>
  pathOf('metadata', name),
)

/** The paths that a manager can own. */
export const ownable = (set: FieldSet): FieldSet =>
  new Set([...set].filter(path => !UNOWNED.has(path) && !SERVER_FIELDS.some(above => isAtOrBelow(path, above))))

const UPDATERS_MAX = 10 // k8s.io/apimachinery/pkg/util/managedfields: DefaultMaxUpdateManagers
const ANCIENT = 'ancient-changes'

/** Bounds the list: beyond ten, the oldest updates are merged into one entry per version. */
export function capped(entries: readonly ManagerEntry[]): readonly ManagerEntry[] {
  const updates = entries.filter(entry => entry.operation === 'Update').sort((a, b) => (a.time < b.time ? -1 : 1))
  const over = updates.length - UPDATERS_MAX
  if (over <= 0) return entries
  const old = new Set([...updates.slice(0, over + 1), ...updates.filter(({ manager }) => manager === ANCIENT)])
  const buckets = new Map<string, ManagerEntry>()
  for (const entry of old) {
    const set = new Set([...(buckets.get(entry.apiVersion)?.set ?? []), ...entry.set])
    buckets.set(entry.apiVersion, { ...entry, manager: ANCIENT, subresource: '', set })
  }
  return [...entries.filter(entry => !old.has(entry)), ...buckets.values()]
}

/** The identity of a write in managedFields. */
export interface Writer {
  readonly manager: string
  readonly operation: Operation
  readonly apiVersion: string
  readonly subresource: string
  readonly nowMs: number
}

/** The entries with `set` as the fields of `writer`; its time changes only with its set. */
export function withEntry(
  entries: readonly ManagerEntry[],
  writer: Writer,
  set: FieldSet,
  changed: boolean,
): readonly ManagerEntry[] {
  const { nowMs, ...who } = writer
  const fresh: ManagerEntry = { ...who, time: timeText(nowMs), set }
  const own = entries.find(entry => identityOf(entry) === identityOf(fresh))
  const others = entries.filter(entry => entry !== own)
  return [...others, own && !changed ? { ...fresh, time: own.time } : fresh]
}
