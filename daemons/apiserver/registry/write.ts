// Create, update and delete as transactions on the store: validation, admission, finalizers.
import { admissionFor } from './admission.js'
import { NO_ADMISSION, type BuiltinAdmission, type ListResource } from './admission-interface.js'
import { trackUpdate } from '../patch/server-side-apply.js'
import { alreadyExists, ApiError, conflict, forbidden, internal, invalid, notFound } from '../schema/status-error.js'
import { apiVersionOf, type KindInfo } from '../schema/kinds.js'
import { fieldsOf, sameJson, timeText, type Stored } from '../schema/stored-object.js'
import { storedAt } from '../schema/kind-registry.js'
import { schemaFor } from '../schema/structural.js'
import {
  checkIdentity,
  parseObject,
  toCreate,
  toUpdate,
  toUpdateStatus,
  withGeneration,
  type NewObjectFacts,
} from './strategy.js'
import type { StoredKey } from '../storage/key.js'
import type { ObjectStore, Tx } from '../storage/store.js'
import { messageOf } from '../../../lib/errors.js'

/** The object that a write names. */
export interface Target {
  readonly kind: KindInfo
  /** '' for cluster scope. */
  readonly namespace: string
  readonly name: string
}

/** metav1.FieldValidation: how unknown fields are handled. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

export interface WriteParams {
  readonly dryRun: boolean
  readonly fieldValidation: FieldValidation
  /** Adds a Warning header to the answer. */
  readonly warn: (text: string) => void
  /**
   * Owner of the changed fields in managedFields; absent: not tracked, or tracked by server-side
   * apply.
   */
  readonly manager?: string | undefined
}

export interface DeleteParams {
  readonly dryRun: boolean
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly propagation: 'Background' | 'Foreground' | 'Orphan'
}

export interface Deleted {
  readonly object: Stored
  /** False while finalizers hold it. */
  readonly gone: boolean
}

const NAMES_TRIED_MAX = 8
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789' // k8s.io/apimachinery/pkg/util/rand: no vowels, so no words

/** Time, UID and name suffix of a new object. */
export function newObjectFacts(): NewObjectFacts {
  const bytes = crypto.getRandomValues(new Uint8Array(5))
  const suffix = [...bytes].map(byte => SUFFIX_LETTERS[byte % SUFFIX_LETTERS.length]).join('')
  return { ms: Date.now(), uid: crypto.randomUUID(), suffix }
}

/** The key under which the target is stored. */
export const refOf = ({ kind, namespace, name }: Target): StoredKey => ({ resource: storedAt(kind), namespace, name })

/** The object in the version of the request. */
export const inVersionOf = (kind: KindInfo, object: Stored): Stored =>
  object.apiVersion === apiVersionOf(kind) ? object : { ...object, apiVersion: apiVersionOf(kind) }

function readExisting(tx: Pick<Tx, 'read'>, target: Target): Stored {
  const object = tx.read(refOf(target))
  if (!object) throw notFound(target.kind, target.name)
  return inVersionOf(target.kind, object)
}

const NAMESPACES: Pick<KindInfo, 'group' | 'plural' | 'kind'> = { group: '', plural: 'namespaces', kind: 'Namespace' }

function checkNamespace(tx: Tx, { kind, namespace }: Target, name: string): void {
  if (!kind.namespaced) return
  const found = tx.read({ resource: '/namespaces', namespace: '', name: namespace })
  if (!found) throw notFound(NAMESPACES, namespace)
  if (found.metadata.deletionTimestamp !== undefined)
    throw forbidden(kind, name, `unable to create new content in namespace ${namespace} because it is being terminated`)
}

interface WriteContext {
  readonly kind: KindInfo
  readonly options: WriteParams
  readonly tx: Tx
  readonly admission: BuiltinAdmission
}

/** Defaults, prunes and admits. @throws 400 for unknown fields if Strict, 422 for invalid ones. */
function admit({ kind, options, tx, admission }: WriteContext, object: Stored, old: Stored | undefined): Stored {
  const schema = schemaFor(kind)
  const shaped = schema.shape(object)
  unknownFields(kind, shaped.unknown, options)
  const list: ListResource = (resource, label) => tx.list({ resource, label })
  const admitted = schema.shape(admission.mutate(shaped.object, old, list)).object
  const faults = schema.faults(admitted)
  if (faults.length > 0) throw invalid(kind, admitted.metadata.name, faults)
  admission.validate(admitted, old, { list, warn: options.warn })
  return admitted
}

function unknownFields(kind: KindInfo, unknown: readonly string[], { fieldValidation, warn }: WriteParams): void {
  if (unknown.length === 0 || fieldValidation === 'Ignore') return
  const causes = unknown.map(path => `unknown field "${path}"`)
  if (fieldValidation === 'Warn') return causes.forEach(warn)
  const of = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`
  throw new ApiError(400, 'BadRequest', `${of}: strict decoding error: ${causes.join(', ')}`)
}

/** Creates an object (POST). @throws 400, 403, 404, 409, 422 */
export function create(store: ObjectStore, target: Target, body: unknown, options: WriteParams): Promise<Stored> {
  const { kind, namespace } = target
  const object = parseObject(body, kind, namespace)
  return store.write(tx => createIn(tx, target, object, options))
}

/** `create` inside a transaction, as server-side apply needs it. */
export function createIn(tx: Tx, target: Target, body: unknown, options: WriteParams): Stored {
  const { kind, namespace } = target
  const object = parseObject(body, kind, namespace)
  const named = typeof object.metadata['name'] === 'string' && object.metadata['name'] !== ''
  for (let tries = 1; ; tries++) {
    const created = toCreate(kind, object, newObjectFacts())
    const { name } = created.metadata
    const exists = tx.read(refOf({ ...target, name })) !== undefined
    if (exists && !named && tries < NAMES_TRIED_MAX) continue
    checkNamespace(tx, target, name)
    const admitted = admit({ kind, options, tx, admission: admissionFor(kind) }, created, undefined)
    if (exists) throw alreadyExists(kind, name)
    const managed = withManagedFields(admitted, undefined, kind, options)
    return options.dryRun ? managed : tx.put(storedAt(kind), managed)
  }
}

/** Computes the object to write from the stored one. */
export type ObjectUpdate = (old: Stored) => unknown

/**
 * PUT and PATCH of the object or its status. `change` runs once, inside the transaction. @throws
 * 400, 404, 409, 422
 */
export function update(
  store: ObjectStore,
  target: Target,
  change: ObjectUpdate,
  options: WriteParams & { readonly status: boolean },
): Promise<Stored> {
  return store.write(tx => updateIn(tx, target, change, options))
}

/** `update` inside a transaction; removes a terminating object with its last finalizer. */
export function updateIn(
  tx: Tx,
  target: Target,
  change: ObjectUpdate,
  options: WriteParams & { readonly status: boolean },
): Stored {
  const { kind, namespace } = target
  const old = readExisting(tx, target)
  const object = parseObject(change(old), kind, namespace)
  checkIdentity(kind, old, object)
  const updated = options.status ? toUpdateStatus(kind, old, object) : toUpdate(kind, old, object)
  const admission = options.status ? NO_ADMISSION : admissionFor(kind)
  const admitted = withGeneration(kind, old, admit({ kind, options, tx, admission }, updated, old))
  if (isSame(admitted, old)) return old
  const managed = withManagedFields(admitted, old, kind, options)
  if (options.dryRun) return managed
  const { deletionTimestamp, finalizers = [] } = managed.metadata
  if (deletionTimestamp !== undefined && finalizers.length === 0 && !isNamespace(managed))
    return tx.remove(storedAt(kind), managed)
  return tx.put(storedAt(kind), managed)
}

/** Absent managedFields are no change, since many clients drop them. */
function isSame(updated: Stored, old: Stored): boolean {
  const managedFields = updated.metadata.managedFields ?? old.metadata.managedFields
  return sameJson({ ...updated, metadata: { ...updated.metadata, managedFields } }, old)
}

/** Records the changed fields as owned by the manager. */
function withManagedFields(
  object: Stored,
  old: Stored | undefined,
  kind: KindInfo,
  { manager, status = false }: WriteParams & { readonly status?: boolean },
): Stored {
  if (manager === undefined) return object
  const subresource = status ? 'status' : ''
  const { metadata } = trackUpdate({ before: old, after: object, manager, kind, nowMs: Date.now(), subresource })
  const { managedFields } = fieldsOf(metadata)
  if (!Array.isArray(managedFields)) return object
  return { ...object, metadata: { ...object.metadata, managedFields } }
}

const isNamespace = ({ apiVersion, kind }: Stored): boolean => apiVersion === 'v1' && kind === 'Namespace'

function checkPreconditions(
  { kind, name }: Target,
  { metadata }: Stored,
  { uid, resourceVersion }: DeleteParams,
): void {
  const named = { ...kind, plural: kind.kind } // kube-apiserver names the kind here, not the resource
  if (uid !== undefined && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`
    throw conflict(named, name, why)
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`
    throw conflict(named, name, why)
  }
}

const FINALIZER_OF = { Background: undefined, Foreground: 'foregroundDeletion', Orphan: 'orphan' } as const

/**
 * DELETE: removed at once, or terminating until its last finalizer is removed. @throws 403, 404,
 * 409
 */
export function remove(store: ObjectStore, target: Target, options: DeleteParams): Promise<Deleted> {
  return store.write(tx => removeIn(tx, target, options))
}

/** `remove` inside a transaction. */
export function removeIn(tx: Tx, target: Target, options: DeleteParams): Deleted {
  const { kind } = target
  const old = readExisting(tx, target)
  checkPreconditions(target, old, options)
  admissionFor(kind).validateDelete(old)
  const extra = FINALIZER_OF[options.propagation]
  const { finalizers = [], deletionTimestamp, generation } = old.metadata
  const all = extra === undefined || finalizers.includes(extra) ? finalizers : [...finalizers, extra]
  if (all.length === 0 && !isNamespace(old)) {
    const object = structuredClone(old)
    return { object: options.dryRun ? object : tx.remove(storedAt(kind), object), gone: true }
  }
  if (deletionTimestamp !== undefined) {
    // A second DELETE may still ask for foreground deletion (registry/generic/registry/store.go).
    if (all === finalizers) return { object: old, gone: false }
    const updated: Stored = { ...old, metadata: { ...old.metadata, finalizers: all } }
    return { object: options.dryRun ? updated : tx.put(storedAt(kind), updated), gone: false }
  }
  const terminating: Stored = {
    ...old,
    metadata: {
      ...old.metadata,
      ...(all.length > 0 && { finalizers: all }),
      ...(generation !== undefined && { generation: generation + 1 }),
      deletionTimestamp: timeText(Date.now()),
      deletionGracePeriodSeconds: 0,
    },
    ...(isNamespace(old) && { status: { phase: 'Terminating' } }),
  }
  return { object: options.dryRun ? terminating : tx.put(storedAt(kind), terminating), gone: false }
}

/** The error as an ApiError; anything unexpected is a 500. */
export const asApiError = (error: unknown): ApiError => (error instanceof ApiError ? error : internal(messageOf(error)))
