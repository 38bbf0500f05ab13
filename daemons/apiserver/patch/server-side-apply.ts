// Server-side apply and field tracking of updates (sigs.k8s.io/structured-merge-diff/merge). Pure.
import { applyConflict, badRequest, type ApiError, type Cause } from '../schema/status-error.js'
import {
  common,
  elementsOf,
  inside,
  isAtOrBelow,
  minus,
  pathOf,
  pathText,
  sameSet,
  union,
  type FieldPath,
  type FieldSet,
} from './field-set.js'
import { apiVersionOf, type KindInfo, type Schema } from '../schema/kinds.js'
import {
  capped,
  decodeEntries,
  encodeEntries,
  identityOf,
  ownable,
  withEntry,
  type ManagerEntry,
  type Writer,
} from './managed-fields.js'
import { fieldsOf, isFields, type JsonObject } from '../schema/stored-object.js'
import { schemaOfKind } from '../schema/builtin-types.js'
import { appliedSet, belowElement, compare, merged, without, type Difference } from './typed-value.js'

/** A server-side apply. */
export interface Apply {
  /** The stored object; undefined if apply creates it. */
  readonly live: JsonObject | undefined
  readonly applied: JsonObject
  readonly manager: string
  readonly force: boolean
  readonly kind: KindInfo
  readonly nowMs: number
  /** '' for the object itself. */
  readonly subresource?: 'status' | ''
}

/** A field owned by another manager that the apply would change. */
export interface Conflict {
  readonly path: FieldPath
  readonly with: ManagerEntry
}

export type Applied = { readonly object: JsonObject } | { readonly conflicts: readonly Conflict[] }

/**
 * The applied object with its new managedFields, or the conflicts with fields of other managers.
 * @throws 400 for an applied configuration with managedFields
 */
export function serverSideApply(apply: Apply): Applied {
  const { live, force, kind, nowMs, subresource = '', manager } = apply
  const applied = withoutNulls(apply.applied)
  if (fieldsOf(applied['metadata'])['managedFields'] !== undefined)
    throw badRequest('metadata.managedFields must be nil')
  const schema = schemaOfKind(kind)
  const config = without(applied, foreignPaths(applied, kind, subresource), schema)
  const set = ownableAt(ownable(appliedSet(config, schema)), kind, subresource)
  const writer: Writer = { manager, operation: 'Apply', apiVersion: apiVersionOf(kind), subresource, nowMs }
  const entries = live === undefined ? [] : liveEntries(live, schema, nowMs, writer)
  const own = entries.find(entry => isOf(entry, writer))
  const others = entries.filter(entry => entry !== own)
  const result = live === undefined ? config : merged(live, config, schema)
  const change = compare(live, result, schema)
  const conflicts = others.flatMap(entry => conflictsWith(entry, change))
  if (conflicts.length > 0 && !force) return { conflicts }
  const known = own ? [...withoutChanged(others, change), own] : withoutChanged(others, change)
  const after = withEntry(known, writer, set, own === undefined || !sameSet(own.set, set))
  const object = own ? prune(result, own.set, after, schema) : result
  const { removed } = compare(result, object, schema)
  return { object: withEntries(fieldsOf(object), withoutChanged(after, { added: NONE, modified: NONE, removed })) }
}

const NONE: FieldSet = new Set()

const isOf = (entry: ManagerEntry, { manager, operation, apiVersion, subresource }: Writer): boolean =>
  identityOf(entry) === identityOf({ ...entry, manager, operation, apiVersion, subresource })

function withoutNulls(value: JsonObject): JsonObject {
  const clean = (item: unknown): unknown =>
    Array.isArray(item) ? item.map(clean) : isFields(item) ? withoutNulls(item) : item
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null && item !== undefined)
      .map(([key, item]) => [key, clean(item)]),
  )
}

const STATUS = pathOf('status')

/**
 * The paths that a write can own: /status the status only, the object all but a status subresource.
 */
function ownableAt(set: FieldSet, { hasStatus }: KindInfo, subresource: string): FieldSet {
  if (subresource === 'status') return new Set([...set].filter(path => isAtOrBelow(path, STATUS)))
  return hasStatus ? new Set([...set].filter(path => !isAtOrBelow(path, STATUS))) : set
}

/** The paths of the applied configuration that this write ignores. */
function foreignPaths(applied: JsonObject, { hasStatus }: KindInfo, subresource: string): FieldSet {
  if (subresource !== 'status') return hasStatus ? new Set([STATUS]) : NONE
  const others = Object.keys(applied).filter(name => !['apiVersion', 'kind', 'metadata', 'status'].includes(name))
  const metadata = Object.keys(fieldsOf(applied['metadata'])).filter(name => !CHECKED.includes(name))
  return new Set([...others.map(name => pathOf(name)), ...metadata.map(name => pathOf('metadata', name))])
}

/** Metadata that identifies the object; the write checks it. */
const CHECKED = ['name', 'namespace', 'uid', 'resourceVersion']

/** The entries of the live object; without any, all fields belong to before-first-apply. */
function liveEntries(live: JsonObject, schema: Schema, nowMs: number, { apiVersion }: Writer): readonly ManagerEntry[] {
  const entries = decodeEntries(fieldsOf(live['metadata'])['managedFields'])
  if (entries.length > 0) return entries
  const before: Writer = { manager: 'before-first-apply', operation: 'Update', apiVersion, subresource: '', nowMs }
  return withEntry([], before, ownable(compare({}, live, schema).added), true)
}

const conflictsWith = (entry: ManagerEntry, { added, modified }: Difference): readonly Conflict[] =>
  [...common(entry.set, union(modified, added))].map(path => ({ path, with: entry }))

/** The entries without changed fields, which the writer owns now, and without removed ones. */
const withoutChanged = (
  entries: readonly ManagerEntry[],
  { added, modified, removed }: Difference,
): readonly ManagerEntry[] => {
  const lost = union(added, modified, removed)
  return entries.map(entry => ({ ...entry, set: minus(entry.set, lost) }))
}

/** Removes the fields that the applier owned, no longer applies, and no other manager owns. */
function prune(result: unknown, last: FieldSet, entries: readonly ManagerEntry[], schema: Schema): unknown {
  const owned = withParents(union(...entries.map(({ set }) => set)), schema)
  return without(result, minus(withParents(last, schema), owned), schema)
}

/** Adds the parent fields of each path: they are removed and kept together with their members. */
function withParents(set: FieldSet, schema: Schema): FieldSet {
  const all = new Set(set)
  for (const path of set) {
    let typed: Schema | undefined = schema
    let here = ''
    for (const element of elementsOf(path)) {
      here = inside(here, element)
      if (element.startsWith('f:') && typed?.properties?.[element.slice(2)]) all.add(here)
      typed = belowElement(typed, element)
    }
  }
  return new Set([...all].filter(path => path !== pathOf('metadata')))
}

function withEntries(object: JsonObject, entries: readonly ManagerEntry[]): JsonObject {
  const { managedFields: _, ...metadata } = fieldsOf(object['metadata'])
  const managedFields = encodeEntries(capped(entries))
  return { ...object, metadata: { ...metadata, ...(managedFields.length > 0 && { managedFields }) } }
}

/** A POST, PUT or non-apply PATCH. */
export interface Update {
  /** undefined: the object is created. */
  readonly before: JsonObject | undefined
  /** The object to store. */
  readonly after: JsonObject
  readonly manager: string
  readonly kind: KindInfo
  readonly nowMs: number
  readonly subresource?: 'status' | ''
}

/** `after` with updated managedFields: the writer owns the changed fields. */
export function trackUpdate({ before, after, manager, kind, nowMs, subresource = '' }: Update): JsonObject {
  const schema = schemaOfKind(kind)
  const sent = decodeEntries(fieldsOf(after['metadata'])['managedFields'])
  const known = sent.length > 0 ? sent : decodeEntries(fieldsOf(before?.['metadata'])['managedFields'])
  const writer: Writer = { manager, operation: 'Update', apiVersion: apiVersionOf(kind), subresource, nowMs }
  const change = compare(before, after, schema)
  const fresh = ownable(union(change.added, change.modified))
  const own = known.find(entry => isOf(entry, writer))
  const others = withoutChanged(
    known.filter(entry => entry !== own),
    change,
  )
  const set = minus(union(own?.set ?? NONE, fresh), change.removed)
  const all =
    own || set.size > 0
      ? withEntry(own ? [...others, own] : others, writer, set, !sameSet(own?.set ?? NONE, set) || fresh.size > 0)
      : others
  return withEntries(after, all)
}

/** 409 in the words of Kubernetes (apimachinery/pkg/util/managedfields/internal/conflict.go). */
export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const causes: readonly Cause[] = conflicts.map(({ path, with: entry }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${ownerText(entry)}`,
    field: pathText(path),
  }))
  return applyConflict(conflictText(conflicts), causes)
}

function ownerText({ manager, operation, apiVersion, subresource }: ManagerEntry): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`)
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}

function conflictText(conflicts: readonly Conflict[]): string {
  const [first] = conflicts
  if (first && conflicts.length === 1)
    return `Apply failed with 1 conflict: conflict with ${ownerText(first.with)}: ${pathText(first.path)}`
  const owners = [...new Set(conflicts.map(({ with: entry }) => ownerText(entry)))].sort()
  const sections = owners.map(owner => {
    const paths = conflicts
      .filter(({ with: entry }) => ownerText(entry) === owner)
      .map(({ path }) => `- ${pathText(path)}`)
    return `conflicts with ${owner}:\n${paths.join('\n')}`
  })
  return `Apply failed with ${conflicts.length} conflicts: ${sections.join('\n')}`
}
