// PrepareForCreate and PrepareForUpdate: which fields the server sets, keeps and rejects. Pure.
import { apiVersionOf, type KindInfo } from '../schema/kinds.js'
import { ApiError, badRequest, conflict, fault, invalid } from '../schema/status-error.js'
import { metadataFaults, mistypedField } from './metadata-validation.js'
import {
  fieldsOf,
  isFields,
  sameJson,
  timeText,
  type JsonObject,
  type Meta,
  type Stored,
} from '../schema/stored-object.js'

/** Clock and randomness of one create. */
export interface NewObjectFacts {
  readonly ms: number
  readonly uid: string
  /** Five characters for generateName. */
  readonly suffix: string
}

/** An object from a request body: metadata has valid JSON types, the rest is unchecked. */
export interface SentObject extends JsonObject {
  apiVersion: string
  kind: string
  metadata: JsonObject
}

/** Parses a request body. `namespace` is that of the path, '' for cluster scope. @throws 400 */
export function parseObject(body: unknown, kind: KindInfo, namespace: string): SentObject {
  if (!isFields(body))
    throw badRequest(`the body is not a JSON object but ${Array.isArray(body) ? 'a list' : String(body)}`)
  const apiVersion = apiVersionOf(kind)
  const of = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`
  if ((body['kind'] ?? kind.kind) !== kind.kind || (body['apiVersion'] ?? apiVersion) !== apiVersion) {
    const gvk = `${String(body['apiVersion'])}, Kind=${String(body['kind'])}`
    throw badRequest(
      `the API version and kind in the data (${gvk}) do not match the expected (${apiVersion}, Kind=${kind.kind})`,
    )
  }
  const metadata = fieldsOf(body['metadata'])
  const wrong = mistypedField(metadata)
  if (wrong !== undefined)
    throw badRequest(
      `${of}: json: cannot unmarshal metadata.${wrong}: ${JSON.stringify(metadata[wrong])} is not of its type`,
    )
  const inside = metadata['namespace'] ?? ''
  if (kind.namespaced && inside !== '' && inside !== namespace)
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`)
  const { namespace: _, ...rest } = Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null))
  return { ...body, apiVersion, kind: kind.kind, metadata: { ...rest, ...(kind.namespaced && { namespace }) } }
}

const NO_GENERATION = new Set([
  'Namespace',
  'Node',
  'Service',
  'Endpoints',
  'ConfigMap',
  'Secret',
  'Event',
  'ServiceAccount',
  'Lease',
])

const INITIAL_STATUS: Readonly<Record<string, object>> = {
  Pod: { phase: 'Pending', qosClass: 'BestEffort' },
  Namespace: { phase: 'Active' },
}

function nameFor({ name, generateName }: JsonObject, suffix: string): string {
  if (typeof name === 'string' && name !== '') return name
  const GENERATED_BASE_MAX = 58 // 63 - 5, k8s.io/apiserver/pkg/storage/names
  return typeof generateName === 'string' && generateName !== ''
    ? generateName.slice(0, GENERATED_BASE_MAX) + suffix
    : ''
}

/** The object to store for a POST, without resourceVersion. @throws 422, 500 */
export function toCreate(kind: KindInfo, object: SentObject, facts: NewObjectFacts): Stored {
  const {
    resourceVersion,
    deletionTimestamp: _d,
    deletionGracePeriodSeconds: _g,
    selfLink: _s,
    generation: _n,
    ...rest
  } = object.metadata
  if ((resourceVersion ?? '') !== '' && resourceVersion !== '0')
    throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created')
  const name = nameFor(rest, facts.suffix)
  const metadata: Meta = {
    ...rest,
    name,
    uid: facts.uid,
    resourceVersion: '',
    creationTimestamp: timeText(facts.ms),
    ...((kind.custom || !NO_GENERATION.has(kind.kind)) && { generation: 1 }),
  }
  const faults = metadataFaults(kind, metadata)
  if (faults.length > 0) throw invalid(kind, name, faults)
  const { status: _, ...body } = object
  const initial = kind.custom ? undefined : INITIAL_STATUS[kind.kind]
  const updated: Stored = { ...(kind.hasStatus ? body : object), metadata, ...(initial && { status: initial }) }
  return kind.kind === 'Namespace' && !kind.custom ? initNamespace(updated) : updated
}

/**
 * Adds the label kubernetes.io/metadata.name and the finalizer that holds a namespace until it is
 * empty.
 */
function initNamespace(object: Stored): Stored {
  const { metadata } = object
  return {
    ...object,
    metadata: { ...metadata, labels: { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name } },
    spec: { ...fieldsOf(object['spec']), finalizers: ['kubernetes'] },
  }
}

/**
 * @throws 400 for another name, 409 for another UID or resourceVersion, 422 for a custom object
 * without one.
 */
export function checkIdentity(kind: KindInfo, old: Stored, { metadata }: SentObject): void {
  const { name } = old.metadata
  if ((metadata['name'] ?? name) !== name)
    throw badRequest(
      `the name of the object (${String(metadata['name'])}) does not match the name on the URL (${name})`,
    )
  const uid = metadata['uid'] ?? ''
  if (uid !== '' && uid !== old.metadata.uid)
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${old.metadata.uid}`,
    )
  const version = metadata['resourceVersion'] ?? ''
  if (version !== '' && version !== old.metadata.resourceVersion) throw conflict(kind, name)
  if (version === '' && kind.custom)
    throw invalid(kind, name, [fault.invalid('metadata.resourceVersion', 0, 'must be specified for an update')])
}

function updatedMetadata(old: Meta, metadata: JsonObject): Meta {
  const {
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generation,
    uid,
    name,
    namespace,
    creationTimestamp,
    resourceVersion,
  } = old
  const { deletionTimestamp: _d, deletionGracePeriodSeconds: _g, generation: _n, selfLink: _s, ...rest } = metadata
  return {
    ...rest,
    name,
    ...(namespace !== undefined && { namespace }),
    uid,
    creationTimestamp,
    resourceVersion,
    ...(generation !== undefined && { generation }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    ...(deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds }),
  }
}

const withoutMeta = ({ metadata: _m, ...rest }: Stored): JsonObject => rest
const withoutStatus = ({ metadata: _m, status: _s, ...rest }: Stored): JsonObject => rest

/** The object to store for a PUT or PATCH of the object. @throws 422 */
export function toUpdate(kind: KindInfo, old: Stored, object: SentObject): Stored {
  const metadata = updatedMetadata(old.metadata, object.metadata)
  const { status: _, ...body } = object
  const updated: Stored = kind.hasStatus
    ? { ...body, metadata, ...('status' in old && { status: old['status'] }) }
    : { ...object, metadata }
  const faults = [...metadataFaults(kind, metadata), ...finalizerFaults(old.metadata, metadata)]
  if (faults.length > 0) throw invalid(kind, metadata.name, faults)
  return updated
}

/**
 * Increments metadata.generation if the spec changed; `updated` is defaulted, pruned and admitted.
 */
export function withGeneration(kind: KindInfo, old: Stored, updated: Stored): Stored {
  const { generation } = old.metadata
  const shape = kind.hasStatus ? withoutStatus : withoutMeta
  if (generation === undefined || sameJson(shape(old), shape(updated))) return updated
  return { ...updated, metadata: { ...updated.metadata, generation: generation + 1 } }
}

/** The object to store for a write of /status. Built-in kinds also take labels and annotations. */
export function toUpdateStatus(kind: KindInfo, old: Stored, object: SentObject): Stored {
  const { managedFields, labels, annotations } = object.metadata
  const { managedFields: _, ...kept } = old.metadata
  const metadata: JsonObject = { ...kept, ...(managedFields !== undefined && { managedFields }) }
  if (!kind.custom) Object.assign(metadata, labels && { labels }, annotations && { annotations })
  const { status: _s, ...rest } = old
  return {
    ...rest,
    metadata: updatedMetadata(old.metadata, metadata),
    ...('status' in object && { status: object['status'] }),
  }
}

function finalizerFaults(old: Meta, metadata: Meta): readonly ReturnType<typeof fault.forbidden>[] {
  if (old.deletionTimestamp === undefined) return []
  const fresh = (metadata.finalizers ?? []).filter(name => !old.finalizers?.includes(name))
  if (fresh.length === 0) return []
  const list = `[]string{${fresh.map(name => JSON.stringify(name)).join(', ')}}`
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`
  return [fault.forbidden('metadata.finalizers', why)]
}
