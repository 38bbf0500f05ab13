// The API server's verbs on kinds. Knows paths, queries and media types; how a request is sent and tried again is request.ts.
import type { ClusterConfig } from './config.js'
import { KubeError } from './errors.js'
import { apiVersionOf, collectionPath, objectPath, type Kind, type Ref } from './kinds.js'
import { Requests, type Counts, type Request, type Seams } from './request.js'

export interface ListMeta {
  readonly resourceVersion?: string
  readonly continue?: string
  readonly remainingItemCount?: number
}
export interface List<T> {
  readonly metadata: ListMeta
  readonly items: readonly T[]
}

export interface ListOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly limit?: number
  readonly continue?: string
  /** '0': any version will do, from the server's cache. Absent: the newest. */
  readonly resourceVersion?: string
  /** Items have apiVersion, kind and metadata only. */
  readonly metadataOnly?: boolean
}

export interface DeleteOptions {
  readonly uid?: string
  readonly resourceVersion?: string
  readonly gracePeriodSeconds?: number
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan'
}

export interface WriteOptions {
  readonly fieldManager?: string
  /** Doing it twice does no harm: a lost answer is tried again rather than reported as `Unknown`. */
  readonly idempotent?: boolean
}
export interface PatchOptions extends WriteOptions {
  readonly subresource?: 'status'
  /** Apply only: take the fields that others own. */
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
const LIST_MS_MAX = 30_000

interface Identified {
  readonly metadata: Ref | { readonly namespace?: string; readonly name?: string }
}

export interface Kube {
  get<T>(kind: Kind, ref: Ref): Promise<T>
  list<T>(kind: Kind, options?: ListOptions): Promise<List<T>>
  create<T extends object>(kind: Kind, object: T, options?: WriteOptions): Promise<T>
  replace<T extends object>(kind: Kind, object: T, options?: WriteOptions): Promise<T>
  replaceStatus<T extends object>(kind: Kind, object: T, options?: WriteOptions): Promise<T>
  patch<T>(kind: Kind, ref: Ref, body: object, how: PatchKind, options?: PatchOptions): Promise<T>
  delete(kind: Kind, ref: Ref, options?: DeleteOptions): Promise<void>
  readonly requests: number
  readonly bytes: { readonly sent: number; readonly received: number }
}

const REAL: Seams = {
  fetch: (url, init) => fetch(url, init),
  sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
  random: () => Math.random(),
}

export function connect(config: ClusterConfig, seams: Partial<Seams> = {}): Kube {
  const requests = new Requests(config, { ...REAL, ...seams })
  const ask = async <T>(request: Request): Promise<T> => parse<T>(await requests.send(request), request)
  const write = <T extends object>(
    method: 'POST' | 'PUT',
    path: string,
    kind: Kind,
    object: T,
    { fieldManager = FIELD_MANAGER, idempotent = false }: WriteOptions = {},
  ): Promise<T> => ask<T>({ method, path: path + query({ fieldManager }), body: bodyOf(kind, object), idempotent })
  return {
    get: (kind, ref) => ask({ method: 'GET', path: objectPath(kind, ref) }),
    list: (kind, options = {}) => ask(listRequest(kind, options)),
    create: (kind, object, options) =>
      write('POST', collectionPath(kind, refOf(object).namespace), kind, object, options),
    replace: (kind, object, options) => write('PUT', objectPath(kind, refOf(object)), kind, object, options),
    replaceStatus: (kind, object, options) =>
      write('PUT', `${objectPath(kind, refOf(object))}/status`, kind, object, options),
    patch: (kind, ref, body, how, options = {}) => ask(patchRequest(kind, ref, body, how, options)),
    delete: async (kind, ref, options = {}) => void (await requests.send(deleteRequest(kind, ref, options))),
    get requests() {
      return requests.counts.requests
    },
    get bytes(): Counts {
      return requests.counts
    },
  }
}

function refOf(object: object): Ref {
  const { metadata } = object as Identified
  return { name: metadata.name ?? '', ...(metadata.namespace !== undefined && { namespace: metadata.namespace }) }
}

/** The items of a list come without apiVersion and kind, and the server wants both. */
const bodyOf = (kind: Kind, object: object): string =>
  JSON.stringify({ apiVersion: apiVersionOf(kind), kind: kind.kind, ...object })

function query(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  let text = ''
  for (const key in values) {
    const value = values[key]
    if (value !== undefined && value !== '') text += `${text === '' ? '?' : '&'}${key}=${encodeURIComponent(value)}`
  }
  return text
}

function listRequest(kind: Kind, options: ListOptions): Request {
  const { namespace, metadataOnly = false, ...rest } = options
  return {
    method: 'GET',
    path: collectionPath(kind, namespace) + query({ ...rest }),
    ...(metadataOnly && { accept: METADATA_LIST }),
    timeoutMs: LIST_MS_MAX,
  }
}

function patchRequest(kind: Kind, ref: Ref, body: object, how: PatchKind, options: PatchOptions): Request {
  const { subresource, fieldManager = FIELD_MANAGER, force, idempotent = how === 'apply' } = options
  return {
    method: 'PATCH',
    path: `${objectPath(kind, ref)}${subresource ? `/${subresource}` : ''}${query({ fieldManager, force })}`,
    body: how === 'apply' ? bodyOf(kind, body) : JSON.stringify(body),
    contentType: MEDIA[how],
    idempotent,
  }
}

/** With a UID it can be sent twice: the second time it finds nothing, or somebody else's, and leaves it. */
function deleteRequest(kind: Kind, ref: Ref, options: DeleteOptions): Request {
  const { uid, resourceVersion, gracePeriodSeconds, propagation } = options
  const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) }
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...((uid || resourceVersion) && { preconditions }),
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagation && { propagationPolicy: propagation }),
  }
  return {
    method: 'DELETE',
    path: objectPath(kind, ref),
    body: JSON.stringify(body),
    idempotent: uid !== undefined && uid !== '',
  }
}

function parse<T>(text: string, { method, path }: Request): T {
  try {
    const value = JSON.parse(text) as T
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    throw notJson(text, method, path, error)
  }
  throw notJson(text, method, path)
}

function notJson(text: string, method: string, path: string, cause?: unknown): KubeError {
  const seen = JSON.stringify(text.slice(0, 60))
  return new KubeError(
    0,
    method === 'GET' ? 'BadAnswer' : 'Unknown',
    `${method} ${path} was answered with what is not a JSON object: ${seen}`,
    { cause },
  )
}
