// The Store on the API server, through lib/kube: requests, lost responses, conflicts. No decisions.
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../crd/types.js'
import { FINALIZER, IPAM_LABEL_POD_UID, IPAM_LABEL_POOL_UID } from '../../crd/names.js'
import type { Kube } from '../../kube/client.js'
import { isAlreadyExists, isConflict, isNotFound, KubeError, mayHaveHappened } from '../../kube/errors.js'
import {
  CRONJOBS,
  DEPLOYMENTS,
  JOBS,
  NAMESPACES,
  NODES,
  PODS,
  REPLICASETS,
  SPIDER_ENDPOINTS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
  STATEFULSETS,
  VIRTUALMACHINEINSTANCES,
  VIRTUALMACHINES,
  type Kind,
} from '../../kube/kinds.js'
import type { ListOptions } from '../../kube/list.js'
import { recordEvent } from './kube-event.js'
import { waitForPools } from './kube-wait.js'
import type {
  AddressVersion,
  StatefulSet,
  VirtualMachine,
  Allocated,
  CreateOutcome,
  EndpointRemoval,
  HeldAddress,
  Labels,
  ObjectRef,
  OwnerRef,
  Store,
} from './store.js'

type Meta = {
  readonly metadata: {
    readonly name: string
    readonly labels?: Labels
    readonly annotations?: Labels
    readonly ownerReferences?: Pod['metadata']['ownerReferences']
  }
}

const OWNER_KINDS: Readonly<Record<string, Kind>> = {
  'apps/v1 ReplicaSet': REPLICASETS,
  'apps/v1 Deployment': DEPLOYMENTS,
  'batch/v1 Job': JOBS,
  'batch/v1 CronJob': CRONJOBS,
}

const PAGE_MAX = 5_000
const SAMPLE_MAX = 500

/** The object of this name, or undefined. A response with another object is an error. */
async function named<T extends { readonly metadata: { readonly name: string } }>(
  name: string,
  reading: Promise<T>,
): Promise<T | undefined> {
  const object = await orNothing(reading)
  const metadata: unknown = object?.metadata
  if (object === undefined || (isObject(metadata) && metadata.name === name)) return object
  const found = isObject(metadata) ? `"${String(metadata.name)}"` : 'one without a name'
  throw new KubeError(0, 'BadAnswer', `the API server was asked for object "${name}" and answered with ${found}`)
}

const isObject = (value: unknown): value is { readonly name?: unknown } => typeof value === 'object' && value !== null

async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** The Store of a connected client. */
export function kubeStore(kube: Kube): Store {
  const orConflict = orConflicts()
  // Always from the server's cache: a consistent list waits up to 100 ms (decisions/0022).
  const listAll = async <T>(kind: Kind, options: ListOptions = {}): Promise<readonly T[]> =>
    (await kube.list<T>(kind, { ...options, resourceVersion: '0' })).items
  return {
    pod: ref => named(ref.name, kube.get<Pod>(PODS, ref)),
    namespace: async name => {
      const { labels = {}, annotations = {} } = (await kube.get<Meta>(NAMESPACES, { name })).metadata
      return { labels, annotations }
    },
    nodeLabels: async name => (await kube.get<Meta>(NODES, { name })).metadata.labels ?? {},
    ownerOf: ref => ownerOf(kube, ref),
    statefulSet: ref => orNothing(kube.get<StatefulSet>(STATEFULSETS, ref)),
    virtualMachine: ref => orNothing(kube.get<VirtualMachine>(VIRTUALMACHINES, ref)),
    virtualMachineInstance: ref => orNothing(kube.get<VirtualMachine>(VIRTUALMACHINEINSTANCES, ref)),
    waitForPools: (labels, until) => waitForPools(kube, labels, until),
    pool: (name, freshness) => {
      const options = freshness === 'cached' ? ({ resourceVersion: '0' } as const) : {}
      return named(name, kube.get<SpiderIPPool>(SPIDER_IPPOOLS, { name }, options))
    },
    pools: () => listAll<SpiderIPPool>(SPIDER_IPPOOLS),
    writeAllocated: (pool, allocated) => writeAllocated(kube, pool, allocated),
    reservedIPs: () => listAll<SpiderReservedIP>(SPIDER_RESERVEDIPS),
    endpoint: ref => named(ref.name, kube.get<SpiderEndpoint>(SPIDER_ENDPOINTS, ref)),
    createEndpoint: endpoint => orConflict(kube.create<SpiderEndpoint>(SPIDER_ENDPOINTS, endpoint)),
    replaceEndpoint: endpoint => orConflict(kube.replace<SpiderEndpoint>(SPIDER_ENDPOINTS, endpoint)),
    deleteEndpoint: (endpoint, options) => removeEndpoint(kube, endpoint, options),
    clearEndpoint: (endpoint, options) => clearEndpoint(kube, endpoint, options),
    address: name => named(name, kube.get<SpiderIPAddress>(SPIDER_IPADDRESSES, { name })),
    createAddress: object => claim(kube, object),
    updateAddress: object => adopt(kube, object),
    deleteAddress: object => release(kube, object),
    listHeld: (poolUid, freshness) => heldIn(kube, poolUid, freshness),
    sampleAddresses: async poolUid => {
      const labelSelector = `${IPAM_LABEL_POOL_UID}=${poolUid}`
      return (await kube.list<SpiderIPAddress>(SPIDER_IPADDRESSES, { labelSelector, limit: SAMPLE_MAX })).items
    },
    listAddressesByLabel: (label, value) =>
      listAll<SpiderIPAddress>(SPIDER_IPADDRESSES, { labelSelector: `${label}=${value}` }),
    recordEvent: event => recordEvent(kube, event),
  }
}

async function ownerOf(kube: Kube, { apiVersion, kind, namespace, name }: OwnerRef): ReturnType<Store['ownerOf']> {
  const resource = OWNER_KINDS[`${apiVersion} ${kind}`]
  if (!resource) return undefined
  const object = await orNothing(kube.get<Meta>(resource, { namespace, name }))
  return object?.metadata.ownerReferences?.find(({ controller }) => controller === true)
}

/** Writes without a response: after this many in a row the error is thrown instead of a retry. */
const UNANSWERED_MAX = 3

/** Exists, changed, deleted and no response are one case: `conflict`, read it again. */
function orConflicts(): (writing: Promise<SpiderEndpoint>) => Promise<SpiderEndpoint | 'conflict'> {
  let unanswered = 0
  return async writing => {
    try {
      const written = await writing
      unanswered = 0
      return written
    } catch (error) {
      if (isAlreadyExists(error) || isConflict(error) || isNotFound(error)) return 'conflict'
      if (mayHaveHappened(error) && ++unanswered < UNANSWERED_MAX) return 'conflict'
      throw error
    }
  }
}

/** Jitter after a conflict, so that concurrent writers spread. */
const CONFLICT_MS_MAX = 40

/**
 * A merge patch with the resourceVersion as read: a concurrent update of a Go agent is a conflict.
 */
async function writeAllocated(
  kube: Kube,
  { metadata: { name, resourceVersion } }: SpiderIPPool,
  { text, count, mark }: Allocated,
): Promise<SpiderIPPool | 'conflict'> {
  const status = { allocatedIPs: text ?? null, allocatedIPCount: count, allocatedIPsProjected: mark ?? null } // null removes it
  try {
    const body = { metadata: { resourceVersion }, status }
    return await kube.patch<SpiderIPPool>(SPIDER_IPPOOLS, { name }, body, 'merge', { subresource: 'status' })
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error) && !mayHaveHappened(error)) throw error
    await new Promise(resolve => setTimeout(resolve, Math.random() * CONFLICT_MS_MAX))
    return 'conflict'
  }
}

const CLAIM_TRIES_MAX = 3

/**
 * Creates the object. Without a response, or on a quota conflict, it reads the holder of the name.
 * A name that is taken at a later try may have been taken by an earlier one, executed after that
 * read.
 */
async function claim(kube: Kube, object: SpiderIPAddress): Promise<CreateOutcome> {
  for (let tries = 1; ; tries++) {
    const { outcome, error } = await tryClaim(kube, object)
    if (outcome?.kind === 'held' || (outcome && tries === 1)) return outcome
    if (error && (!(mayHaveHappened(error) || isConflict(error)) || tries >= CLAIM_TRIES_MAX)) throw error
    const there = await orNothing(kube.get<SpiderIPAddress>(SPIDER_IPADDRESSES, { name: object.metadata.name }))
    if (there) return isSame(there, object) ? { kind: 'held', object: there } : { kind: 'taken' }
    if (outcome) return outcome // another pod held it, and released it meanwhile
  }
}

async function tryClaim(kube: Kube, object: SpiderIPAddress): Promise<{ outcome?: CreateOutcome; error?: unknown }> {
  try {
    const created = await kube.create<SpiderIPAddress>(SPIDER_IPADDRESSES, object)
    if (created.metadata.name === object.metadata.name && created.metadata.uid)
      return { outcome: { kind: 'held', object: created } }
    const { name } = object.metadata
    const message = `the API server answered the creation of SpiderIPAddress ${name} with another object`
    return { error: new KubeError(0, 'BadAnswer', message) }
  } catch (error) {
    return isAlreadyExists(error) ? { outcome: { kind: 'taken' } } : { error }
  }
}

const isSame = ({ spec: a }: SpiderIPAddress, { spec: b }: SpiderIPAddress): boolean =>
  a.pod.uid === b.pod.uid && a.nic === b.nic && a.containerID === b.containerID

async function adopt(kube: Kube, object: SpiderIPAddress): Promise<SpiderIPAddress | undefined> {
  try {
    return await kube.replace<SpiderIPAddress>(SPIDER_IPADDRESSES, object)
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return undefined
    throw error
  }
}

async function release(kube: Kube, { metadata }: AddressVersion): Promise<boolean> {
  const { name, uid, resourceVersion } = metadata
  try {
    await kube.delete(
      SPIDER_IPADDRESSES,
      { name },
      { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
    )
    return true
  } catch (error) {
    if (isNotFound(error)) return true
    if (isConflict(error)) return false
    throw error
  }
}

async function removeEndpoint(
  kube: Kube,
  { metadata }: SpiderEndpoint,
  { unchanged = false }: EndpointRemoval = {},
): Promise<boolean> {
  const { namespace = '', name, uid, finalizers = [], deletionTimestamp, resourceVersion } = metadata
  const ref = { namespace, name }
  const version = unchanged && resourceVersion !== undefined ? { resourceVersion } : {}
  const isFirst = deletionTimestamp === undefined
  return unlessChanged(unchanged, async () => {
    if (isFirst) await kube.delete(SPIDER_ENDPOINTS, ref, { ...(uid !== undefined && { uid }), ...version })
    if (!finalizers.includes(FINALIZER)) return
    const body = { uid, finalizers: finalizers.filter(other => other !== FINALIZER), ...(!isFirst && version) }
    await kube.patch(SPIDER_ENDPOINTS, ref, { metadata: body }, 'merge')
  })
}

async function clearEndpoint(
  kube: Kube,
  { metadata, status }: SpiderEndpoint,
  { unchanged = false }: EndpointRemoval = {},
): Promise<boolean> {
  const { namespace = '', name, uid, finalizers = [], resourceVersion } = metadata
  if (!finalizers.includes(FINALIZER) && status.current.ips.length === 0) return true
  const left = finalizers.filter(other => other !== FINALIZER)
  const version = unchanged && resourceVersion !== undefined ? { resourceVersion } : {}
  const body = { metadata: { uid, finalizers: left, ...version }, status: { current: { ips: [] } } }
  return unlessChanged(
    unchanged,
    async () => void (await kube.patch(SPIDER_ENDPOINTS, { namespace, name }, body, 'merge')),
  )
}

/** Gone is done; a conflict is, too, unless the version counts. */
async function unlessChanged(unchanged: boolean, removal: () => Promise<void>): Promise<boolean> {
  try {
    await removal()
    return true
  } catch (error) {
    if (isNotFound(error)) return true
    if (!isConflict(error)) throw error
    return !unchanged
  }
}

async function heldIn(kube: Kube, poolUid: string, freshness: 'cached' | 'fresh'): Promise<readonly HeldAddress[]> {
  const held: HeldAddress[] = []
  let next: string | undefined
  do {
    const page = await kube.list<Meta>(SPIDER_IPADDRESSES, {
      labelSelector: `${IPAM_LABEL_POOL_UID}=${poolUid}`,
      metadataOnly: true,
      ...(freshness === 'cached' ? { resourceVersion: '0' } : { limit: PAGE_MAX }),
      ...(next !== undefined && { continue: next }),
    })
    for (const { metadata } of page.items)
      held.push({ name: metadata.name, podUid: metadata.labels?.[IPAM_LABEL_POD_UID] ?? '' })
    next = page.metadata.continue === '' ? undefined : page.metadata.continue
  } while (next !== undefined)
  return held
}
