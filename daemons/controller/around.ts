// What is known around an address: its pod, whoever keeps the pod's identity, node, record. From the cache, or read anew. Judges nothing.
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../../lib/crd/types.js'
import {
  keeperOf,
  statefulSetKeeps,
  virtualMachineKeeps,
  type Features,
  type Keeper,
  type StatefulSet,
  type VirtualMachine,
} from '../../lib/ipam/retention.js'
import { addressesInUse, type Around, type Why } from './reconcile/fate.js'
import { stateOf, withHeartbeat, type Node } from './reconcile/node.js'
import type { Hands } from './reconciler.js'
import type { View } from './source.js'
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
} from './sources.js'

export interface Looking {
  readonly view: View
  readonly features: Features
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** Where it matters whether a node is ready: then its heartbeat is asked for as well. */
  readonly heartbeats: boolean
}

/** What stands around an address, as objects; `undefined` for what is not there. */
interface Objects {
  readonly pod: Pod | undefined
  readonly endpoint: SpiderEndpoint | undefined
  readonly set?: StatefulSet | undefined
  readonly instance?: VirtualMachine | undefined
  readonly machine?: VirtualMachine | undefined
  readonly node: Node | undefined
}

const keysOf = ({ spec: { pod, owner } }: SpiderIPAddress) => ({
  pod: `${pod.namespace}/${pod.name}`,
  owner: `${pod.namespace}/${owner.name}`,
})

export function fromCache(address: SpiderIPAddress, looking: Looking): Around {
  const { view } = looking
  const keys = keysOf(address)
  const pod = podInCache(address, view)
  return aroundOf(address, looking, {
    pod,
    endpoint: view.of(ENDPOINTS).get(keys.pod) ?? view.of(ENDPOINTS).get(keys.owner),
    set: view.of(SETS).get(keys.owner),
    instance: view.of(INSTANCES).get(keys.owner),
    machine: view.of(MACHINES).get(keys.owner),
    node: view.of(CLUSTER_NODES).get(nodeOf(address, pod)),
  })
}

/**
 * Past every cache: what frees an address is decided on this. The record is read where it is what the address is missing from; elsewhere
 * a record that is known to name it is all that counts.
 */
export async function fromServer(
  address: SpiderIPAddress,
  looking: Looking,
  { why, hands: { fresh } }: { readonly why: Why; readonly hands: Hands },
): Promise<Around> {
  const { view, features } = looking
  const keys = keysOf(address)
  const keeper = keeperOf(address.spec.owner, features)
  const recordKey = keeper === 'VirtualMachineInstance' ? keys.owner : keys.pod
  const isServed = view.isServed(INSTANCES) && view.isServed(MACHINES)
  const isOf = (kind: Keeper): boolean => keeper === kind && (kind === 'StatefulSet' || isServed)
  const [pod, endpoint, set, instance, machine] = await Promise.all([
    fresh.get(CLUSTER_PODS, podKeyOf(address, view)),
    why === 'NotRecorded' ? fresh.get(ENDPOINTS, recordKey) : view.of(ENDPOINTS).get(recordKey),
    isOf('StatefulSet') ? fresh.get(SETS, keys.owner) : undefined,
    isOf('VirtualMachineInstance') ? fresh.get(INSTANCES, keys.owner) : undefined,
    isOf('VirtualMachineInstance') ? fresh.get(MACHINES, keys.owner) : undefined,
  ])
  const node = view.of(CLUSTER_NODES).get(nodeOf(address, pod))
  const around = aroundOf(address, looking, { pod, endpoint, set, instance, machine, node })
  if (!looking.heartbeats || pod === undefined || around.node !== 'ready') return around
  const lease = await fresh.get(NODE_LEASES, `kube-node-lease/${nodeOf(address, pod)}`)
  return { ...around, node: withHeartbeat(around.node, lease, looking.nowMs) }
}

function aroundOf(address: SpiderIPAddress, { view, features, nowMs }: Looking, objects: Objects): Around {
  const { pod, endpoint, set, instance, machine, node } = objects
  const created = Date.parse(address.metadata.creationTimestamp ?? '')
  const keeps = (keeper: Keeper): boolean =>
    keeper === 'StatefulSet'
      ? statefulSetKeeps(address.spec.pod.name, set)
      : !view.isServed(INSTANCES) || !view.isServed(MACHINES) || virtualMachineKeeps(instance, machine)
  const keeper = keeperOf(address.spec.owner, features)
  return {
    pod,
    endpoint,
    node: stateOf(node),
    inUse: addressesInUse(pod?.metadata.annotations?.[NETWORK_STATUS]),
    keeper: keeper === undefined ? 'none' : keeps(keeper) ? 'kept' : 'ended',
    ageMs: Number.isNaN(created) ? 0 : Math.max(0, nowMs - created),
  }
}

const nodeOf = ({ spec }: SpiderIPAddress, pod: Pod | undefined): string => pod?.spec?.nodeName ?? spec.node

/** A virtual machine's record may carry the machine's name in place of its pod's: then the pod is found by its UID. */
function podInCache({ spec: { pod } }: SpiderIPAddress, view: View): Pod | undefined {
  const pods = view.of(CLUSTER_PODS)
  return pods.get(`${pod.namespace}/${pod.name}`) ?? pods.by('uid', pod.uid)[0]
}

function podKeyOf(address: SpiderIPAddress, view: View): string {
  const { namespace = address.spec.pod.namespace, name = address.spec.pod.name } =
    podInCache(address, view)?.metadata ?? {}
  return `${namespace}/${name}`
}

/** The keys of the addresses that something around them concerns. */
export const addressesOfPod = (view: View, key: string): readonly string[] =>
  view
    .of(ADDRESSES)
    .by('pod', key)
    .map(({ metadata }) => metadata.name)
export const addressesOfOwner = (view: View, kind: string, key: string): readonly string[] =>
  view
    .of(ADDRESSES)
    .by('owner', `${kind}/${key}`)
    .map(({ metadata }) => metadata.name)
