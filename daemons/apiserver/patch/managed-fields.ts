// Who owns which fields: metadata.managedFields. Knows managers and sets; knows no schema.
import { decodeSet, encodeSet, isAtOrBelow, pathOf, type FieldPath, type FieldSet } from './field-set.js'
import { isFields, timeText, type JsonObject } from '../storage/object.js'

export type Operation = 'Apply' | 'Update'

export interface ManagerEntry {
  readonly manager: string
  readonly operation: Operation
  readonly apiVersion: string
  /** '' for the object itself. */
  readonly subresource: string
  /** RFC 3339, '' where unknown. */
  readonly time: string
  readonly set: FieldSet
}

/** Of one manager there is one entry a way of writing; of updates also one a version. */
export const identityOf = ({ manager, operation, apiVersion, subresource }: ManagerEntry): string =>
  JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource])

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

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

/** Appliers first, then by time and name: the order in which Kubernetes writes them. Who owns nothing is left out. */
export function encodeEntries(entries: readonly ManagerEntry[]): readonly JsonObject[] {
  const keyOf = ({ operation, time, manager, apiVersion, subresource }: ManagerEntry): string =>
    [operation, time, manager, apiVersion, subresource].join('\u0000')
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

/** Fields that the server itself keeps: nobody owns them (k8s.io/apimachinery/pkg/util/managedfields/internal/stripmeta.go). */
const UNOWNED: FieldSet = new Set<FieldPath>([
  ...['apiVersion', 'kind', 'metadata'].map(name => pathOf(name)),
  ...['creationTimestamp', 'generation', 'name', 'namespace', 'resourceVersion', 'selfLink', 'uid'].map(name =>
    pathOf('metadata', name),
  ),
])
const SERVER_FIELDS = ['managedFields', 'deletionTimestamp', 'deletionGracePeriodSeconds'].map(name =>
  pathOf('metadata', name),
)

export const ownable = (set: FieldSet): FieldSet =>
  new Set([...set].filter(path => !UNOWNED.has(path) && !SERVER_FIELDS.some(above => isAtOrBelow(path, above))))

const UPDATERS_MAX = 10 // k8s.io/apimachinery/pkg/util/managedfields: DefaultMaxUpdateManagers
const ANCIENT = 'ancient-changes'

/** Bounds the list: the oldest updates of more than ten updaters become one entry a version. */
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

export interface Writer {
  readonly manager: string
  readonly operation: Operation
  readonly apiVersion: string
  readonly subresource: string
  readonly nowMs: number
}

/** The entries with `set` as what `writer` owns; its time moves only when its set does. */
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
