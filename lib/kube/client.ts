// The API verbs on kinds: paths, queries, media types, response types. request.ts sends and
// retries.
import type { KubeRequest } from './outcome.js'
import type { ClusterConfig } from './config.js'
import { KubeError } from './errors.js'
import { encode } from './json.js'
import { apiVersionOf, collectionPath, objectPath, query, type Kind, type ObjectKey } from './kinds.js'
import { LIMITS, Requests, type Counts, type Deadline, type RequestLimits, type ClientDeps } from './request.js'
import type { List, ListOptions } from './list.js'
import { watch, type WatchEvent, type WatchOptions } from './watch.js'

export interface DeleteOptions extends RetryOptions {
  /** Preconditions: if they do not hold, the server replies 409 and deletes nothing. */
  readonly uid?: string
  readonly resourceVersion?: string
  readonly gracePeriodSeconds?: number
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan'
}

/** A single try with a timeout, for requests that are not worth a wait. */
export interface OnceOptions {
  readonly onceWithinMs?: number
}

export interface GetOptions extends OnceOptions {
  /** '0': any version, from the server's cache. Absent: the newest. */
  readonly resourceVersion?: '0'
}

export interface RetryOptions {
  /** Called before each retry; false, such as after a lost leadership, throws the last error. */
  readonly mayRetry?: () => boolean
}

export interface WriteOptions extends RetryOptions, OnceOptions {
  readonly fieldManager?: string
  /** Admission and validation only; nothing is stored. */
  readonly dryRun?: boolean
  /** An idempotent write: a lost response is retried rather than reported as `Unknown`. */
  readonly idempotent?: boolean
}
export interface PatchOptions extends WriteOptions {
  readonly subresource?: 'status'
  /** Apply only: take over fields of other managers. */
  readonly force?: boolean
}

export type PatchKind = 'merge' | 'json' | 'strategic' | 'apply'

const MEDIA: Readonly<Record<PatchKind, string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml', // JSON is YAML
}
const FIELD_MANAGER = 'spiderpool'
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'

/**
 * A Kubernetes client. All methods throw KubeError. Objects are as received: only metadata, or
 * items, is validated.
 */
export interface Kube {
  get<T>(kind: Kind, ref: ObjectKey, options?: GetOptions): Promise<T>
  list<T>(kind: Kind, options?: ListOptions): Promise<List<T>>
  create<T extends object>(kind: Kind, object: T, options?: WriteOptions): Promise<T>
  /** Compare and swap where the object has a resourceVersion. */
  replace<T extends object>(kind: Kind, object: T, options?: WriteOptions): Promise<T>
  replaceStatus<T extends object>(kind: Kind, object: T, options?: WriteOptions): Promise<T>
  patch<T>(kind: Kind, ref: ObjectKey, body: object, how: PatchKind, options?: PatchOptions): Promise<T>
  delete(kind: Kind, ref: ObjectKey, options?: DeleteOptions): Promise<void>
  watch<T>(kind: Kind, options?: WatchOptions<T>): AsyncIterable<WatchEvent<T>>
  readonly requests: number
  /** Milliseconds until the deadline of connect(); Infinity without one. */
  readonly remainingMs: number
  /** Of bodies, without headers. */
  readonly bytes: { readonly sent: number; readonly received: number }
}

const REAL: ClientDeps = {
  fetch: (url, init) => fetch(url, init),
  sleep,
  random: () => Math.random(),
  now: () => performance.now(),
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted === true) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}

/**
 * A client of the cluster. A deadline starts now and bounds all requests but watches. Sends nothing
 * yet.
 */
export function connect(
  config: ClusterConfig,
  deps: Partial<ClientDeps> = {},
  limits: Partial<RequestLimits> = {},
  deadline?: Deadline,
): Kube {
  const requests = new Requests(config, { ...REAL, ...deps }, { ...LIMITS, ...limits }, deadline)
  const timeoutMs = requests.limits.requestMs
  const object = async <T>(request: KubeRequest, name: string): Promise<T> =>
    requestedObject<T>(await requests.send(request), request, name)
  const timeoutOf = ({ onceWithinMs }: OnceOptions = {}): Pick<KubeRequest, 'timeoutMs' | 'once'> =>
    onceWithinMs === undefined ? { timeoutMs } : { timeoutMs: onceWithinMs, once: true }
  const send = async <T extends object>(method: 'POST' | 'PUT', path: string, written: Written<T>): Promise<T> => {
    const request = { ...writeRequest(method, path, written), ...timeoutOf(written.options) }
    if (written.kind.isNameless === true) return namelessObject<T>(await requests.send(request), request, written.kind)
    return object<T>(request, refOf(written.value).name)
  }
  const list = async <T>(kind: Kind, options: ListOptions = {}): Promise<List<T>> => {
    const request = listRequest(kind, options, requests.limits.listMs)
    return listOf<T>(await requests.send(request), request)
  }
  return {
    get: (kind, ref, options) => {
      const path = objectPath(kind, ref) + query({ resourceVersion: options?.resourceVersion })
      return object({ method: 'GET', path, ...timeoutOf(options) }, ref.name)
    },
    list,
    create: (kind, value, options) =>
      send('POST', collectionPath(kind, refOf(value).namespace), { kind, value, options }),
    replace: (kind, value, options) => send('PUT', objectPath(kind, refOf(value)), { kind, value, options }),
    replaceStatus: (kind, value, options) =>
      send('PUT', `${objectPath(kind, refOf(value))}/status`, { kind, value, options }),
    patch: (kind, ref, body, how, options = {}) =>
      object({ ...patchRequest(kind, ref, { body, how, options }), ...timeoutOf(options) }, ref.name),
    delete: async (kind, ref, options = {}) =>
      void (await requests.send({ ...deleteRequest(kind, ref, options), timeoutMs })),
    watch: <T>(kind: Kind, options: WatchOptions<T> = {}) =>
      watch<T>({ requests, kind, options, list: page => list<T>(kind, page) }),
    get requests() {
      return requests.counts.requests
    },
    get remainingMs() {
      return requests.remainingMs
    },
    get bytes(): Counts {
      return requests.counts
    },
  }
}

interface Written<T> {
  readonly kind: Kind
  readonly value: T
  readonly options: WriteOptions | undefined
}

/** Namespace and name; the name is '' with generateName. */
function refOf(object: object): ObjectKey {
  const { metadata } = object as { metadata?: { namespace?: string; name?: string } }
  return { name: metadata?.name ?? '', ...(metadata?.namespace !== undefined && { namespace: metadata.namespace }) }
}

/** Adds apiVersion and kind, which the server requires and items of a list do not have. */
const bodyOf = (kind: Kind, object: object): string =>
  encode({ apiVersion: apiVersionOf(kind), kind: kind.kind, ...object })

function writeRequest(
  method: 'POST' | 'PUT',
  path: string,
  { kind, value, options = {} }: Written<object>,
): Omit<KubeRequest, 'timeoutMs'> {
  const { fieldManager = FIELD_MANAGER, idempotent = false, mayRetry, dryRun = false } = options
  return {
    method,
    path: path + query({ fieldManager, ...(dryRun && { dryRun: 'All' }) }),
    body: bodyOf(kind, value),
    idempotent,
    mayRetry,
  }
}

function listRequest(kind: Kind, options: ListOptions, timeoutMs: number): KubeRequest {
  const { namespace, metadataOnly = false, ...rest } = options
  const path = collectionPath(kind, namespace) + query({ ...rest })
  return { method: 'GET', path, ...(metadataOnly && { accept: METADATA_LIST }), timeoutMs }
}

interface Patch {
  readonly body: object
  readonly how: PatchKind
  readonly options: PatchOptions
}

/** A server-side apply is idempotent. */
function patchRequest(kind: Kind, ref: ObjectKey, { body, how, options }: Patch): Omit<KubeRequest, 'timeoutMs'> {
  const { subresource, fieldManager = FIELD_MANAGER, force, idempotent = how === 'apply', mayRetry } = options
  return {
    method: 'PATCH',
    path: `${objectPath(kind, ref)}${subresource ? `/${subresource}` : ''}${query({ fieldManager, force })}`,
    body: how === 'apply' ? bodyOf(kind, body) : encode(body),
    contentType: MEDIA[how],
    idempotent,
    mayRetry,
  }
}

/** A DELETE with a UID precondition is idempotent. */
function deleteRequest(kind: Kind, ref: ObjectKey, options: DeleteOptions): Omit<KubeRequest, 'timeoutMs'> {
  const { uid, resourceVersion, gracePeriodSeconds, propagation, mayRetry } = options
  const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) }
  const body = encode({
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...((uid || resourceVersion) && { preconditions }),
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagation && { propagationPolicy: propagation }),
  })
  return { method: 'DELETE', path: objectPath(kind, ref), body, idempotent: uid !== undefined && uid !== '', mayRetry }
}

/** Rejects JSON that is not the requested object, such as a reply of a proxy. */
function requestedObject<T>(value: object, request: KubeRequest, name: string): T {
  const { name: received } = refOf(value)
  if (received === '' || (name !== '' && received !== name))
    throw wrong(request, received === '' ? 'what is not an object of the API' : `another object, ${received}`)
  return value as T
}

function namelessObject<T>(value: object, request: KubeRequest, { kind }: Kind): T {
  if ((value as { readonly kind?: unknown }).kind !== kind) throw wrong(request, `what is not a ${kind}`)
  return value as T
}

function listOf<T>(value: object, request: KubeRequest): List<T> {
  const { metadata, items } = value as { metadata?: List<T>['metadata']; items?: readonly T[] | null }
  if (typeof metadata !== 'object' || !(Array.isArray(items) || items === null))
    throw wrong(request, 'what is not a list')
  return { metadata, items: items ?? [] } // Go prints a nil slice as null
}

const wrong = ({ method, path }: KubeRequest, what: string): KubeError =>
  new KubeError(0, method === 'GET' ? 'BadAnswer' : 'Unknown', `${method} ${path} was answered with ${what}`)
