// What address GC decides on: the address's pod, owner, node and record, from the cache or by live
// reads. No decisions.
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../../../../lib/crd/types.js'
import { ipOfObjectName } from '../../../../lib/ip/address.js'
import {
  retainingKindOf,
  statefulSetKeeps,
  virtualMachineKeeps,
  type Features,
  type RetainingKind,
} from '../../../../lib/ipam/store/retention.js'
import type { StatefulSet, VirtualMachine } from '../../../../lib/ipam/store/store.js'
import { addressesInUse, type AddressContext, type GcReason } from './decide.js'
import { stateOf, withHeartbeat, type ClusterNode } from './node.js'
import type { ReconcileContext } from '../../runtime/reconciler.js'
import type { CacheReader } from '../../../runtime/lister.js'
import {
  ADDRESSES,
  CLUSTER_NODES,
  CLUSTER_PODS,
  ENDPOINTS,
  INSTANCES,
  MACHINES,
  NETWORK_STATUS,
  NODE_LEASES,
  SETS,
} from '../sources.js'

export interface GcLookup {
  readonly cache: CacheReader
  readonly features: Features
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Also read the node's heartbeat: the settings differ between ready and not-ready nodes. */
  readonly heartbeats: boolean
}

/** The objects related to an address; undefined where there is none. */
interface Objects {
  readonly pod: Pod | undefined
  readonly endpoint: SpiderEndpoint | undefined
  readonly set?: StatefulSet | undefined
  readonly instance?: VirtualMachine | undefined
  readonly machine?: VirtualMachine | undefined
  readonly node: ClusterNode | undefined
}

const keysOf = ({ spec: { pod, owner } }: SpiderIPAddress) => ({
  pod: `${pod.namespace}/${pod.name}`,
  owner: `${pod.namespace}/${owner.name}`,
})

/** The context from the cache. */
export function fromCache(address: SpiderIPAddress, lookup: GcLookup): AddressContext {
  const { cache } = lookup
  const keys = keysOf(address)
  const pod = podInCache(address, cache)
  return contextFrom(address, lookup, {
    pod,
    endpoint: cache.of(ENDPOINTS).get(keys.pod) ?? cache.of(ENDPOINTS).get(keys.owner),
    set: cache.of(SETS).get(keys.owner),
    instance: cache.of(INSTANCES).get(keys.owner),
    machine: cache.of(MACHINES).get(keys.owner),
    node: cache.of(CLUSTER_NODES).get(nodeOf(address, pod)),
  })
}

/**
 * The context by live reads; addresses are released on this only. The record is read live where the
 * reason is that it does not name the address; otherwise the cached one decides.
 */
export async function fromServer(
  address: SpiderIPAddress,
  lookup: GcLookup,
  { why, context: { live } }: { readonly why: GcReason; readonly context: ReconcileContext },
): Promise<AddressContext> {
  const { cache, features } = lookup
  const keys = keysOf(address)
  const retainedBy = retainingKindOf(address.spec.owner, features)
  const recordKey = retainedBy === 'VirtualMachineInstance' ? keys.owner : keys.pod
  const isServed = cache.isServed(INSTANCES) && cache.isServed(MACHINES)
  const isOf = (kind: RetainingKind): boolean => retainedBy === kind && (kind === 'StatefulSet' || isServed)
  const [pod, endpoint, set, instance, machine] = await Promise.all([
    live.get(CLUSTER_PODS, podKeyOf(address, cache)),
    why === 'NotRecorded' ? live.get(ENDPOINTS, recordKey) : cache.of(ENDPOINTS).get(recordKey),
    isOf('StatefulSet') ? live.get(SETS, keys.owner) : undefined,
    isOf('VirtualMachineInstance') ? live.get(INSTANCES, keys.owner) : undefined,
    isOf('VirtualMachineInstance') ? live.get(MACHINES, keys.owner) : undefined,
  ])
  const node = cache.of(CLUSTER_NODES).get(nodeOf(address, pod))
  const context = contextFrom(address, lookup, { pod, endpoint, set, instance, machine, node })
  if (!lookup.heartbeats || pod === undefined || context.node !== 'ready') return context
  const lease = await live.get(NODE_LEASES, `kube-node-lease/${nodeOf(address, pod)}`)
  return { ...context, node: withHeartbeat(context.node, lease, lookup.nowMs) }
}

function contextFrom(address: SpiderIPAddress, { cache, features, nowMs }: GcLookup, objects: Objects): AddressContext {
  const { pod, endpoint, set, instance, machine, node } = objects
  const created = Date.parse(address.metadata.creationTimestamp ?? '')
  const keeps = (retainedBy: RetainingKind): boolean =>
    retainedBy === 'StatefulSet'
      ? statefulSetKeeps(address.spec.pod.name, set)
      : !cache.isServed(INSTANCES) || !cache.isServed(MACHINES) || virtualMachineKeeps(instance, machine)
  const retainedBy = retainingKindOf(address.spec.owner, features)
  return {
    pod,
    endpoint,
    node: stateOf(node),
    inUse: addressesInUse(pod?.metadata.annotations?.[NETWORK_STATUS]),
    retention: retainedBy === undefined ? 'none' : keeps(retainedBy) ? 'kept' : 'ended',
    ageMs: Number.isNaN(created) ? 0 : Math.max(0, nowMs - created),
    isOfNode: cache.of(CLUSTER_NODES).count('ip', ipOfObjectName(address.metadata.name) ?? '') > 0,
  }
}

const nodeOf = ({ spec }: SpiderIPAddress, pod: Pod | undefined): string => pod?.spec?.nodeName ?? spec.node

/**
 * A virtual machine's record may have the machine's name instead of its pod's; then the pod is
 * found by UID.
 */
function podInCache({ spec: { pod } }: SpiderIPAddress, cache: CacheReader): Pod | undefined {
  const pods = cache.of(CLUSTER_PODS)
  return pods.get(`${pod.namespace}/${pod.name}`) ?? pods.by('uid', pod.uid)[0]
}

function podKeyOf(address: SpiderIPAddress, cache: CacheReader): string {
  const { namespace = address.spec.pod.namespace, name = address.spec.pod.name } =
    podInCache(address, cache)?.metadata ?? {}
  return `${namespace}/${name}`
}

/** Names of the SpiderIPAddresses of a pod. */
export const addressesOfPod = (cache: CacheReader, key: string): readonly string[] =>
  cache
    .of(ADDRESSES)
    .by('pod', key)
    .map(({ metadata }) => metadata.name)
/** Names of the SpiderIPAddresses whose owner this is. */
export const addressesOfOwner = (cache: CacheReader, kind: string, key: string): readonly string[] =>
  cache
    .of(ADDRESSES)
    .by('owner', `${kind}/${key}`)
    .map(({ metadata }) => metadata.name)
