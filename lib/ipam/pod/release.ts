// One DEL of the IPAM. On a port. Frees only what a fresh read says belongs to a pod that is gone, each with its UID as precondition.
import { objectNameOf } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../../crd/types.js'
import { addressesOf, nicOf, withNics } from '../allocation/endpoint.js'
import { isUnplugged } from '../pools/network.js'
import { isAlive, isOfPod, uidOf } from '../store/pod.js'
import type { Journal, ObjectRef, Store } from '../store/store.js'
import { unpublish } from '../allocation/publish.js'
import {
  keeperOfKind,
  machineOf,
  ordinalOf,
  statefulSetKeeps,
  virtualMachineKeeps,
  type Features,
} from '../store/retention.js'

export interface ReleaseRequest {
  readonly pod: ObjectRef
  /** K8S_POD_UID of CNI_ARGS; '' where the runtime does not say. */
  readonly podUid: string
  readonly containerID: string
  readonly features: Features
  /** CNI_IFNAME: only where it was unplugged, as the pod's annotation says, is it looked at alone. */
  readonly nic?: string
}

export type Released =
  { readonly kind: 'kept'; readonly why: string } | { readonly kind: 'released'; readonly addresses: readonly string[] }

/** Whose addresses go: a UID, or, where nobody knows it, whatever this container took. `undefined`: the pod lives, all stays. */
interface Gone {
  readonly uid: string
}

interface Doing {
  readonly store: Store
  readonly journal: Journal
}

export async function release(request: ReleaseRequest, { store, journal }: Doing): Promise<Released> {
  const endpoint = await recordOf(request, store)
  await undoIncompleteAdd(request, endpoint, { store, journal })
  const gone = await whoIsGone(request, store, endpoint)
  if ('kept' in gone) {
    const { nic } = request
    if (endpoint && gone.pod && nic !== undefined && isUnplugged(gone.pod, nic)) {
      const addresses = await unplug(endpoint, { ...request, nic }, store)
      if (addresses) return { kind: 'released', addresses }
    }
    if (endpoint) await letGo(endpoint, request, store)
    return { kind: 'kept', why: gone.kept }
  }
  if (!endpoint) return { kind: 'released', addresses: [] }
  if (endpoint.status.current.uid !== gone.uid)
    return { kind: 'kept', why: `the record is of pod UID ${endpoint.status.current.uid}` }
  const again = await whoIsGone(request, store, endpoint) // seen twice before anything is freed
  if ('kept' in again) return { kind: 'kept', why: again.kept }
  return { kind: 'released', addresses: await releaseRecorded(endpoint, { store, containerID: request.containerID }) }
}

/** The record of the pod, or of the virtual machine that ran in it: a launcher's name has the machine's in it. */
export async function recordOf(
  { pod, features }: Pick<ReleaseRequest, 'pod' | 'features'>,
  store: Store,
): Promise<SpiderEndpoint | undefined> {
  const machine = machineOf(pod.name)
  if (features.kubevirt && machine !== undefined) {
    const endpoint = await store.endpoint({ ...pod, name: machine })
    if (endpoint) return endpoint
  }
  return store.endpoint(pod)
}

/**
 * The pod keeps its addresses and this container stops using them: no container's ID stays on them, so that the DEL of whichever sandbox
 * comes last may free them, even one whose ADD never got as far as taking them over.
 */
async function letGo(endpoint: SpiderEndpoint, { containerID, podUid }: ReleaseRequest, store: Store): Promise<void> {
  const { uid, ips } = endpoint.status.current
  if (podUid !== '' && podUid !== uid) return
  for (const { address } of ips.flatMap(addressesOf)) {
    const ip = parsePrefix(address)?.ip
    const object = ip && (await store.address(objectNameOf(ip)))
    if (object?.spec.pod.uid === uid && object.spec.containerID === containerID)
      await store.updateAddress({ ...object, spec: { ...object.spec, containerID: '' } })
  }
}

/** Other interfaces of the pod may be written at the same moment. */
const UNPLUG_TRIES_MAX = 8

/**
 * An interface that was unplugged while its pod lives gives its addresses back. The record first: an address that no record names is
 * reclaimed, while one that a record names and nothing holds would be held again. `undefined`: there is nothing of it.
 */
async function unplug(
  known: SpiderEndpoint,
  leaving: ReleaseRequest & { readonly nic: string },
  store: Store,
): Promise<readonly string[] | undefined> {
  const { nic, pod: ref, podUid, containerID } = leaving
  let endpoint: SpiderEndpoint | undefined = known
  for (let tries = 0; tries < UNPLUG_TRIES_MAX && endpoint; tries++) {
    const { uid, ips } = endpoint.status.current
    const entry = nicOf(endpoint, nic)
    const pod = await store.pod(ref) // seen twice before anything is freed
    if (!entry || (podUid !== '' && podUid !== uid) || !pod || !isUnplugged(pod, nic)) return undefined
    const left = ips.filter(one => one !== entry)
    const written =
      left.length === 0 ? await store.deleteEndpoint(endpoint) : await store.replaceEndpoint(withNics(endpoint, left))
    if (written !== 'conflict') {
      const addresses = addressesOf(entry)
      await Promise.all(
        addresses.map(({ address, pool }) => releaseIfHeldBy({ uid, containerID, pool }, address, store)),
      )
      return addresses.map(({ address }) => address)
    }
    endpoint = await recordOf(leaving, store)
  }
  return undefined
}

/** A fresh read: the pod is gone, has ended, or its name belongs to another pod by now; and nobody keeps the addresses for its successor. */
async function whoIsGone(
  request: ReleaseRequest,
  store: Store,
  endpoint: SpiderEndpoint | undefined,
): Promise<Gone | { readonly kept: string; readonly pod?: Pod }> {
  const { pod: ref, podUid } = request
  const pod = await store.pod(ref)
  const uid = podUid || (pod ? uidOf(pod) : (endpoint?.status.current.uid ?? ''))
  if (pod && isAlive(pod) && isOfPod(uid, pod))
    return { kept: 'the pod lives: its next sandbox keeps the addresses', pod }
  if (uid === '') return { kept: 'nobody says which pod this was (no K8S_POD_UID, no SpiderEndpoint)' }
  const kept = endpoint && (await whoKeeps(endpoint, request, pod, store))
  return kept === undefined ? { uid } : { kept }
}

/** The sentence why the successor of this pod has its addresses; `undefined` where there will be none. */
async function whoKeeps(
  { metadata, status }: SpiderEndpoint,
  { pod: ref, features }: ReleaseRequest,
  pod: Pod | undefined,
  store: Store,
): Promise<string | undefined> {
  const { namespace } = ref
  switch (keeperOfKind(status.ownerControllerType, features)) {
    case undefined:
      return undefined
    case 'StatefulSet': {
      const set = ordinalOf(ref.name)?.set ?? ''
      const keeps = set !== '' && statefulSetKeeps(ref.name, await store.statefulSet({ namespace, name: set }))
      return keeps ? `StatefulSet ${namespace}/${set} starts this pod again` : undefined
    }
    case 'VirtualMachineInstance': {
      const { name } = metadata
      const [instance, machine] = await Promise.all([
        store.virtualMachineInstance({ namespace, name }),
        store.virtualMachine({ namespace, name }),
      ])
      const isLeft = pod === undefined || !isOfPod(status.current.uid, pod)
      return virtualMachineKeeps(instance, machine)
        ? `virtual machine ${namespace}/${name} ${isLeft ? 'runs elsewhere' : 'starts again'}`
        : undefined
    }
  }
}

/**
 * Frees every address of a record whose pod is gone, then the record. What another container of the pod took over stays, and the record
 * with it: that container's own DEL frees it. Goes on past failures and tells them together.
 */
export async function releaseRecorded(
  endpoint: SpiderEndpoint,
  { store, containerID }: { readonly store: Store; readonly containerID?: string },
): Promise<readonly string[]> {
  const { uid, ips } = endpoint.status.current
  const addresses = ips.flatMap(addressesOf).map(({ address }) => address)
  const outcomes = await Promise.allSettled(
    ips.flatMap(addressesOf).map(({ address, pool }) => releaseIfHeldBy({ uid, containerID, pool }, address, store)),
  )
  const failed = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
  if (failed.length > 0)
    throw new AggregateError(
      failed,
      `${failed.length} of ${addresses.length} addresses not released: ${failed.join('; ')}`,
    )
  const freed = addresses.filter((_, at) => {
    const outcome = outcomes[at]
    return outcome?.status === 'fulfilled' && outcome.value
  })
  if (freed.length === addresses.length) await store.deleteEndpoint(endpoint)
  return freed
}

interface Releasing {
  readonly uid: string
  readonly containerID: string | undefined
  /** Where the address may be a Go record that nothing has adopted: the pool that has it. */
  readonly pool?: string
}

/** True where the address is no longer this pod's: freed now, freed before, or never its own. False where it stays. */
export async function releaseIfHeldBy(
  { uid, containerID, pool }: Releasing,
  address: string,
  store: Store,
): Promise<boolean> {
  const ip = parsePrefix(address)?.ip
  if (ip === undefined) return true
  const object = await store.address(objectNameOf(ip))
  if (!object && pool !== undefined) await unpublish(ip, { pool, uid }, store)
  if (object?.spec.pod.uid !== uid) return true
  const other = object.spec.containerID
  if (containerID !== undefined && other !== '' && other !== containerID) return false
  return store.deleteAddress(object)
}

/** An ADD of this container that died half way left a journal: what it created and no record names goes back, pod alive or not. */
export async function undoIncompleteAdd(
  { containerID }: Pick<ReleaseRequest, 'containerID'>,
  endpoint: SpiderEndpoint | undefined,
  { store, journal }: Doing,
): Promise<void> {
  for (const name of journal.read()) {
    const object = await store.address(name)
    if (object && object.spec.containerID === containerID && !isRecorded(object, endpoint))
      await store.deleteAddress(object)
  }
  journal.close()
}

const isRecorded = ({ spec }: SpiderIPAddress, endpoint: SpiderEndpoint | undefined): boolean =>
  endpoint?.status.current.uid === spec.pod.uid &&
  endpoint.status.current.ips.some(nic => addressesOf(nic).some(({ address }) => address === spec.address))
