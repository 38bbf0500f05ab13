// SpiderEndpoints: made true from the address objects, and gone with the last of them. Performs what reconcile/endpoint.ts decides.
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../../lib/crd/types.js'
import { parsePrefix } from '../../lib/ip/cidr.js'
import { isRecordOf, recordAt } from '../../lib/ipam/allocated.js'
import { directPort } from '../../lib/ipam/direct.js'
import { newEndpoint, withOnly } from '../../lib/ipam/endpoint.js'
import { addressObject, type Claimant } from '../../lib/ipam/identity.js'
import { isMirror, topController, uidOf } from '../../lib/ipam/pod.js'
import { familyOfPool, poolOf, type Pool } from '../../lib/ipam/pool.js'
import type { Port } from '../../lib/ipam/port.js'
import {
  keeperOf,
  keeperOfKind,
  statefulSetKeeps,
  virtualMachineKeeps,
  type Features,
  type StatefulSet,
  type VirtualMachine,
} from '../../lib/ipam/retention.js'
import { repairOf, withAddresses, type Recorded, type Repair } from './reconcile/endpoint.js'
import { addressesInUse, releaseMs, SIGHTING_MS, type Rules } from './reconcile/fate.js'
import { stateOf } from './reconcile/node.js'
import { watchOf, type Hands, type Reconciler, type Watch } from './reconciler.js'
import type { Making } from './reconcilers.js'
import { keyOf, refOfKey, type View } from './source.js'
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
} from './sources.js'

/** Seen so for this long before a record is mended: an ADD or a DEL in between writes one object after another. */
const MENDING_MS = 10_000

const VM = 'VirtualMachineInstance'

const recordsOf = (view: View, kind: string, key: string): readonly string[] =>
  view.of(ENDPOINTS).by('owner', `${kind}/${key}`).map(keyOf)

const WATCHES: readonly Watch[] = [
  watchOf(ENDPOINTS, endpoint => [keyOf(endpoint)]),
  watchOf(CLUSTER_PODS, pod => [keyOf(pod)]),
  watchOf(ADDRESSES, ({ spec: { pod, owner } }) => [
    `${pod.namespace}/${pod.name}`,
    ...(owner.kind === VM ? [`${pod.namespace}/${owner.name}`] : []),
  ]),
  watchOf(SETS, (set, view) => recordsOf(view, 'StatefulSet', keyOf(set))),
  watchOf(INSTANCES, (one, view) => recordsOf(view, VM, keyOf(one))),
  watchOf(MACHINES, (one, view) => recordsOf(view, VM, keyOf(one))),
]

interface Sighting {
  readonly of: string
  readonly sinceMs: number
}

interface Doing {
  readonly key: string
  readonly features: Features
  readonly view: View
  readonly hands: Hands
  readonly port: Port
}

export function endpoints({ settings, conf }: Making): Reconciler {
  const features = { statefulSet: conf.enableStatefulSet, kubevirt: conf.enableKubevirtStaticIP }
  const sightings = new Map<string, Sighting>()
  return {
    name: 'endpoint',
    runs: 'leader',
    workers: 50,
    resyncMs: settings.reclaim.resyncMs,
    watches: WATCHES,
    reset: () => sightings.clear(),
    async reconcile(key, view, hands) {
      const cached = fromCache(key, view, features)
      const repair = repairOf(cached)
      if (repair.kind === 'none' || (repair.kind === 'remove' && !settings.reclaim.enabled))
        return void sightings.delete(key)
      const sinceMs = sinceOf(sightings, key, nameOf(repair), hands)
      const graceMs = repair.kind === 'remove' ? removalMs(cached, view, settings.reclaim) : MENDING_MS
      const waitMs = sinceMs + graceMs - hands.now()
      if (waitMs > 0) return { againMs: waitMs }
      // A record that was deleted already and names nothing is only let go: nothing can depend on it any more.
      const isGoing = repair.kind === 'remove' && cached.endpoint?.metadata.deletionTimestamp !== undefined
      const recorded = isGoing ? cached : await fromServer(key, view, features, hands)
      const anew = repairOf(recorded)
      sightings.delete(key)
      if (nameOf(anew) !== nameOf(repair)) return { againMs: SIGHTING_MS }
      await perform(anew, recorded, { key, features, view, hands, port: directPort(hands.kube) })
      return undefined
    },
  }
}

/** The node's own DEL removes the record right after the address; the controller only what is left then. */
function removalMs({ endpoint }: Recorded, view: View, rules: Pick<Rules, 'releaseMs'>): number {
  const node = stateOf(view.of(CLUSTER_NODES).get(endpoint?.status.current.node ?? ''))
  return Math.max(SIGHTING_MS, releaseMs({ node }, rules))
}

/** Of two sightings of one key: is it the same thing that is wrong. */
const nameOf = (repair: Repair): string =>
  repair.kind === 'record' ? `record ${repair.uid}` : repair.kind === 'hold' ? `hold ${repair.address}` : repair.kind

function sinceOf(sightings: Map<string, Sighting>, key: string, of: string, { now }: Hands): number {
  const before = sightings.get(key)
  if (before?.of === of) return before.sinceMs
  const sinceMs = now()
  sightings.set(key, { of, sinceMs })
  return sinceMs
}

function addressesOfRecord(key: string, view: View): readonly SpiderIPAddress[] {
  const addresses = view.of(ADDRESSES)
  return [...new Set([...addresses.by('pod', key), ...addresses.by('owner', `${VM}/${key}`)])]
}

function fromCache(key: string, view: View, features: Features): Recorded {
  const endpoint = view.of(ENDPOINTS).get(key)
  const pods = view.of(CLUSTER_PODS)
  const pod = pods.get(key) ?? pods.by('uid', endpoint?.status.current.uid ?? '')[0]
  const owner = ownerKeyOf(endpoint)
  const kept = {
    set: view.of(SETS).get(owner),
    instance: view.of(INSTANCES).get(owner),
    machine: view.of(MACHINES).get(owner),
  }
  return recordedOf({ key, endpoint, pod, view, features, ...kept })
}

async function fromServer(key: string, view: View, features: Features, { fresh }: Hands): Promise<Recorded> {
  const cached = fromCache(key, view, features)
  const endpoint = await fresh.get(ENDPOINTS, key)
  const owner = ownerKeyOf(endpoint)
  const keeper = endpoint && keeperOfKind(endpoint.status.ownerControllerType, features)
  const isVm = keeper === VM && areMachinesServed(view)
  const [pod, set, instance, machine] = await Promise.all([
    fresh.get(CLUSTER_PODS, cached.pod ? keyOf(cached.pod) : key),
    keeper === 'StatefulSet' ? fresh.get(SETS, owner) : undefined,
    isVm ? fresh.get(INSTANCES, owner) : undefined,
    isVm ? fresh.get(MACHINES, owner) : undefined,
  ])
  return recordedOf({ key, endpoint, pod, view, features, set, instance, machine })
}

const ownerKeyOf = (endpoint: SpiderEndpoint | undefined): string =>
  `${endpoint?.metadata.namespace ?? ''}/${endpoint?.status.ownerControllerName ?? ''}`

const areMachinesServed = (view: View): boolean => view.isServed(INSTANCES) && view.isServed(MACHINES)

interface Found {
  readonly key: string
  readonly endpoint: SpiderEndpoint | undefined
  readonly pod: Pod | undefined
  readonly view: View
  readonly features: Features
  readonly set: StatefulSet | undefined
  readonly instance: VirtualMachine | undefined
  readonly machine: VirtualMachine | undefined
}

function recordedOf({ key, endpoint, pod, view, features, set, instance, machine }: Found): Recorded {
  const keeper = endpoint && keeperOfKind(endpoint.status.ownerControllerType, features)
  const isKept =
    keeper === 'StatefulSet'
      ? statefulSetKeeps(refOfKey(key).name, set)
      : keeper === VM && (!areMachinesServed(view) || virtualMachineKeeps(instance, machine))
  const inUse = addressesInUse(pod?.metadata.annotations?.[NETWORK_STATUS])
  return { endpoint, pod, addresses: addressesOfRecord(key, view), isKept, inUse }
}

async function perform(repair: Repair, recorded: Recorded, doing: Doing): Promise<void> {
  const { endpoint, pod } = recorded
  switch (repair.kind) {
    case 'none':
      return
    case 'remove':
      return endpoint && doing.port.removeEndpoint(endpoint)
    case 'record':
      return pod && record(repair.addresses, pod, doing)
    case 'hold':
      return endpoint && pod && hold(repair, endpoint, pod, doing)
  }
}

async function claimantOf(pod: Pod, key: string, port: Port): Promise<Claimant> {
  const { apiVersion, kind, name } = await topController(pod, port, { withUid: false })
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

/** Read whole: what the cache leaves out must not be lost by writing it back. */
async function record(addresses: readonly SpiderIPAddress[], pod: Pod, doing: Doing): Promise<void> {
  const { key, features, port, view, hands } = doing
  const before = await port.endpoint(refOfKey(key))
  const nics = withAddresses(before?.status.current.ips ?? [], addresses, pool => poolNamed(pool, view))
  const claimant = await claimantOf(pod, key, port)
  const isKept = keeperOf(claimant.owner, features) !== undefined
  const written = await (before
    ? port.replaceEndpoint(withOnly(before, claimant, nics))
    : port.createEndpoint(newEndpoint(claimant, nics, isKept)))
  if (written === 'conflict') return
  const texts = addresses.map(({ spec }) => `${spec.address} (${spec.nic})`).join(', ')
  tellOf(pod, hands, {
    type: 'Normal',
    reason: 'EndpointRepaired',
    message: `SpiderEndpoint names again what the pod holds: ${texts}`,
  })
}

function poolNamed(name: string, view: View): Pool | undefined {
  const object = view.of(POOLS).get(name)
  const family = object && familyOfPool(object)
  return object && family && poolOf(object, family)
}

/** Creates the address object that the record says there is. Where another pod has the address by now, two pods use it, and both are told. */
async function hold(
  { nic, address, pool: poolName }: Extract<Repair, { kind: 'hold' }>,
  endpoint: SpiderEndpoint,
  pod: Pod,
  { key, port, view, hands }: Doing,
): Promise<void> {
  const pool = poolNamed(poolName, view)
  const ip = parsePrefix(address)?.ip
  if (!pool || ip === undefined) return
  const claimant = await claimantOf(pod, key, port)
  const recorded = pool.shared && recordAt(pool.shared, ip)
  if (recorded && !isRecordOf(recorded, { claimant, nic: nic.interface })) return // adopted first; then it is a conflict
  const object = addressObject({ ip, pool, nic: nic.interface, claimant })
  const outcome = await port.claim(object)
  if (outcome.kind === 'held')
    return tellOf(pod, hands, {
      type: 'Normal',
      reason: 'AddressRepaired',
      message: `${address} of pool ${poolName} is held for the pod again, as its SpiderEndpoint says`,
    })
  const holder = await port.address(object.metadata.name)
  if (!holder || holder.spec.pod.uid === endpoint.status.current.uid) return
  const other = `${holder.spec.pod.namespace}/${holder.spec.pod.name}`
  const message = `${address} stands in the SpiderEndpoint of this pod and is held by pod ${other}; restart one of the two`
  tellOf(pod, hands, { type: 'Warning', reason: 'AddressConflict', message })
}

function tellOf(
  { metadata: { namespace = '', name, uid = '' } }: Pod,
  hands: Hands,
  telling: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string },
): void {
  hands.log.info(telling.message, { pod: `${namespace}/${name}`, reason: telling.reason })
  hands.tell({ about: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid }, ...telling })
}
