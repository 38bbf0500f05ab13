// Reconciles SpiderEndpoints with the SpiderIPAddresses, and deletes records without addresses.
import { familyOfPool } from '../../../../lib/crd/family.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../../../../lib/crd/types.js'
import { parsePrefix } from '../../../../lib/ip/cidr.js'
import { isRecordOf, recordAt } from '../../../../lib/ipam/allocation/go-records.js'
import { kubeStore } from '../../../../lib/ipam/store/kube.js'
import { newEndpoint, withOnly } from '../../../../lib/ipam/allocation/endpoint.js'
import { addressObject } from '../../../../lib/ipam/allocation/address-object.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import { isMirror, topController, uidOf } from '../../../../lib/ipam/store/pod.js'
import { poolOf, type Pool } from '../../../../lib/ipam/allocation/pool.js'
import type { Store, StatefulSet, VirtualMachine } from '../../../../lib/ipam/store/store.js'
import {
  retainingKindOf,
  retainingKindNamed,
  statefulSetKeeps,
  virtualMachineKeeps,
  type Features,
} from '../../../../lib/ipam/store/retention.js'
import { repairOf, withAddresses, type EndpointFacts, type Repair } from './decide.js'
import { addressesInUse, releaseMs, SIGHTING_MS, type GcRules } from '../address-gc/decide.js'
import { stateOf } from '../address-gc/node.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcilerDeps } from '../deps.js'
import { keyOf, refOfKey, type CacheReader } from '../../../runtime/lister.js'
import {
  ADDRESSES,
  CLUSTER_NODES,
  CLUSTER_PODS,
  ENDPOINTS,
  INSTANCES,
  MACHINES,
  NETWORK_STATUS,
  POOLS,
  SETS,
} from '../sources.js'

/**
 * How long a fault must last before it is repaired: an ADD or a DEL writes several objects, one
 * after another.
 */
const REPAIR_DELAY_MS = 10_000

const VM = 'VirtualMachineInstance'

const recordsOf = (cache: CacheReader, kind: string, key: string): readonly string[] =>
  cache.of(ENDPOINTS).by('owner', `${kind}/${key}`).map(keyOf)

const WATCHES: readonly Watch[] = [
  watchOf(ENDPOINTS, endpoint => [keyOf(endpoint)]),
  watchOf(CLUSTER_PODS, pod => [keyOf(pod)]),
  watchOf(ADDRESSES, ({ spec: { pod, owner } }) => [
    `${pod.namespace}/${pod.name}`,
    ...(owner.kind === VM ? [`${pod.namespace}/${owner.name}`] : []),
  ]),
  watchOf(SETS, (set, cache) => recordsOf(cache, 'StatefulSet', keyOf(set))),
  watchOf(INSTANCES, (one, cache) => recordsOf(cache, VM, keyOf(one))),
  watchOf(MACHINES, (one, cache) => recordsOf(cache, VM, keyOf(one))),
]

interface Observation {
  readonly of: string
  readonly sinceMs: number
}

interface RepairContext {
  readonly key: string
  readonly features: Features
  readonly cache: CacheReader
  readonly context: ReconcileContext
  readonly store: Store
}

/** The reconciler of SpiderEndpoints. */
export function endpoints({ settings, conf }: ReconcilerDeps): Reconciler {
  const features = { statefulSet: conf.enableStatefulSet, kubevirt: conf.enableKubevirtStaticIP }
  const observations = new Map<string, Observation>()
  return {
    name: 'endpoint',
    needsLeadership: true,
    maxConcurrent: 50,
    resyncMs: settings.reclaim.resyncMs,
    watches: WATCHES,
    reset: () => observations.clear(),
    async reconcile(key, cache, context) {
      const cached = fromCache(key, cache, features)
      const repair = repairOf(cached)
      if (repair.kind === 'none' || (repair.kind === 'remove' && !settings.reclaim.enabled))
        return void observations.delete(key)
      const sinceMs = sinceOf(observations, key, nameOf(repair), context)
      const graceMs = repair.kind === 'remove' ? removalMs(cached, cache, settings.reclaim) : REPAIR_DELAY_MS
      const waitMs = sinceMs + graceMs - context.now()
      if (waitMs > 0) return { requeueAfterMs: waitMs }
      // A terminating record without addresses only loses its finalizer, so the cache suffices.
      const isTerminating = repair.kind === 'remove' && cached.endpoint?.metadata.deletionTimestamp !== undefined
      const facts = isTerminating ? cached : await fromServer(key, cache, features, context)
      const confirmed = repairOf(facts)
      observations.delete(key)
      if (nameOf(confirmed) !== nameOf(repair)) return { requeueAfterMs: SIGHTING_MS }
      await applyRepair(confirmed, facts, { key, features, cache, context, store: kubeStore(context.kube) })
      return undefined
    },
  }
}

/** Grace period of a removal: the node's own DEL deletes the record right after the address. */
function removalMs({ endpoint }: EndpointFacts, cache: CacheReader, rules: Pick<GcRules, 'releaseMs'>): number {
  const node = stateOf(cache.of(CLUSTER_NODES).get(endpoint?.status.current.node ?? ''))
  return Math.max(SIGHTING_MS, releaseMs({ node }, rules))
}

/** Identifies a fault: whether two observations of a key are of the same one. */
const nameOf = (repair: Repair): string =>
  repair.kind === 'record' ? `record ${repair.uid}` : repair.kind === 'hold' ? `hold ${repair.address}` : repair.kind

function sinceOf(observations: Map<string, Observation>, key: string, of: string, { now }: ReconcileContext): number {
  const before = observations.get(key)
  if (before?.of === of) return before.sinceMs
  const sinceMs = now()
  observations.set(key, { of, sinceMs })
  return sinceMs
}

function addressesOfRecord(key: string, cache: CacheReader): readonly SpiderIPAddress[] {
  const addresses = cache.of(ADDRESSES)
  return [...new Set([...addresses.by('pod', key), ...addresses.by('owner', `${VM}/${key}`)])]
}

function fromCache(key: string, cache: CacheReader, features: Features): EndpointFacts {
  const endpoint = cache.of(ENDPOINTS).get(key)
  const pods = cache.of(CLUSTER_PODS)
  const pod = pods.get(key) ?? pods.by('uid', endpoint?.status.current.uid ?? '')[0]
  const owner = ownerKeyOf(endpoint)
  const kept = {
    set: cache.of(SETS).get(owner),
    instance: cache.of(INSTANCES).get(owner),
    machine: cache.of(MACHINES).get(owner),
  }
  return factsFrom({ key, endpoint, pod, cache, features, ...kept })
}

async function fromServer(
  key: string,
  cache: CacheReader,
  features: Features,
  { live }: ReconcileContext,
): Promise<EndpointFacts> {
  const cached = fromCache(key, cache, features)
  const endpoint = await live.get(ENDPOINTS, key)
  const owner = ownerKeyOf(endpoint)
  const retainedBy = endpoint && retainingKindNamed(endpoint.status.ownerControllerType, features)
  const isVm = retainedBy === VM && areMachinesServed(cache)
  const [pod, set, instance, machine] = await Promise.all([
    live.get(CLUSTER_PODS, cached.pod ? keyOf(cached.pod) : key),
    retainedBy === 'StatefulSet' ? live.get(SETS, owner) : undefined,
    isVm ? live.get(INSTANCES, owner) : undefined,
    isVm ? live.get(MACHINES, owner) : undefined,
  ])
  return factsFrom({ key, endpoint, pod, cache, features, set, instance, machine })
}

const ownerKeyOf = (endpoint: SpiderEndpoint | undefined): string =>
  `${endpoint?.metadata.namespace ?? ''}/${endpoint?.status.ownerControllerName ?? ''}`

const areMachinesServed = (cache: CacheReader): boolean => cache.isServed(INSTANCES) && cache.isServed(MACHINES)

interface Found {
  readonly key: string
  readonly endpoint: SpiderEndpoint | undefined
  readonly pod: Pod | undefined
  readonly cache: CacheReader
  readonly features: Features
  readonly set: StatefulSet | undefined
  readonly instance: VirtualMachine | undefined
  readonly machine: VirtualMachine | undefined
}

function factsFrom({ key, endpoint, pod, cache, features, set, instance, machine }: Found): EndpointFacts {
  const retainedBy = endpoint && retainingKindNamed(endpoint.status.ownerControllerType, features)
  const isRetained =
    retainedBy === 'StatefulSet'
      ? statefulSetKeeps(refOfKey(key).name, set)
      : retainedBy === VM && (!areMachinesServed(cache) || virtualMachineKeeps(instance, machine))
  const inUse = addressesInUse(pod?.metadata.annotations?.[NETWORK_STATUS])
  return { endpoint, pod, addresses: addressesOfRecord(key, cache), isRetained, inUse }
}

async function applyRepair(repair: Repair, facts: EndpointFacts, repairContext: RepairContext): Promise<void> {
  const { endpoint, pod } = facts
  switch (repair.kind) {
    case 'none':
      return
    case 'remove':
      return endpoint && void (await repairContext.store.deleteEndpoint(endpoint))
    case 'record':
      return pod && record(repair.addresses, pod, repairContext)
    case 'hold':
      return endpoint && pod && hold(repair, endpoint, pod, repairContext)
  }
}

async function claimantOf(pod: Pod, key: string, store: Store): Promise<Claimant> {
  const { apiVersion, kind, name } = await topController(pod, store, { withUid: false })
  return {
    namespace: pod.metadata.namespace ?? '',
    name: pod.metadata.name,
    uid: uidOf(pod),
    ...(isMirror(pod) && { apiUid: pod.metadata.uid ?? '' }),
    record: refOfKey(key).name,
    node: pod.spec?.nodeName ?? '',
    containerID: '',
    owner: { apiVersion, kind, name },
  }
}

/** Reads the whole object: fields that the cache leaves out must survive the write. */
async function record(addresses: readonly SpiderIPAddress[], pod: Pod, repairContext: RepairContext): Promise<void> {
  const { key, features, store, cache, context } = repairContext
  const before = await store.endpoint(refOfKey(key))
  const nics = withAddresses(before?.status.current.ips ?? [], addresses, pool => poolNamed(pool, cache))
  const claimant = await claimantOf(pod, key, store)
  const isRetained = retainingKindOf(claimant.owner, features) !== undefined
  const written = await (before
    ? store.replaceEndpoint(withOnly(before, claimant, nics))
    : store.createEndpoint(newEndpoint(claimant, nics, isRetained)))
  if (written === 'conflict') return
  const texts = addresses.map(({ spec }) => `${spec.address} (${spec.nic})`).join(', ')
  recordPodEvent(pod, context, {
    type: 'Normal',
    reason: 'EndpointRepaired',
    message: `SpiderEndpoint names again what the pod holds: ${texts}`,
  })
}

function poolNamed(name: string, cache: CacheReader): Pool | undefined {
  const object = cache.of(POOLS).get(name)
  const family = object && familyOfPool(object)
  return object && family && poolOf(object, family)
}

/**
 * Creates the SpiderIPAddress that the record names. Where another pod holds the address by now,
 * records an AddressConflict.
 */
async function hold(
  { nic, address, pool: poolName }: Extract<Repair, { kind: 'hold' }>,
  endpoint: SpiderEndpoint,
  pod: Pod,
  { key, store, cache, context }: RepairContext,
): Promise<void> {
  const pool = poolNamed(poolName, cache)
  const ip = parsePrefix(address)?.ip
  if (!pool || ip === undefined) return
  const claimant = await claimantOf(pod, key, store)
  const recorded = pool.shared && recordAt(pool.shared, ip)
  if (recorded && !isRecordOf(recorded, { claimant, nic: nic.interface })) return // adopted first; then it is a conflict
  const object = addressObject({ ip, pool, nic: nic.interface, claimant })
  const outcome = await store.createAddress(object)
  if (outcome.kind === 'held')
    return recordPodEvent(pod, context, {
      type: 'Normal',
      reason: 'AddressRepaired',
      message: `${address} of pool ${poolName} is held for the pod again, as its SpiderEndpoint says`,
    })
  const holder = await store.address(object.metadata.name)
  if (!holder || holder.spec.pod.uid === endpoint.status.current.uid) return
  const other = `${holder.spec.pod.namespace}/${holder.spec.pod.name}`
  const message = `${address} is in the SpiderEndpoint of this pod and is held by pod ${other}; restart one of the two`
  recordPodEvent(pod, context, { type: 'Warning', reason: 'AddressConflict', message })
}

function recordPodEvent(
  { metadata: { namespace = '', name, uid = '' } }: Pod,
  context: ReconcileContext,
  event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string },
): void {
  context.log.info(event.message, { pod: `${namespace}/${name}`, reason: event.reason })
  context.recordEvent({ regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid }, ...event })
}
