// One DEL of the IPAM: releases only what a live read shows to be of a pod that is gone.
import { objectNameOf } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import type { Pod, SpiderEndpoint } from '../../crd/types.js'
import { addressesOf, nicOf, withNics } from '../allocation/endpoint.js'
import { isUnplugged } from '../pools/multus-network.js'
import { isAlive, isMirror, isOfPod, uidOf } from '../store/pod.js'
import type { Journal, ObjectRef, Store } from '../store/store.js'
import {
  retainingKindOf,
  retainingKindNamed,
  ordinalOf,
  statefulSetKeeps,
  virtualMachineKeeps,
  type Features,
} from '../store/retention.js'
import { readRecord } from './record.js'
import { releaseIfHeldBy, releaseRecorded, undoIncompleteAdd } from './release-address.js'

export interface ReleaseRequest {
  readonly pod: ObjectRef
  /** K8S_POD_UID of CNI_ARGS; '' where it is missing. */
  readonly podUid: string
  readonly containerID: string
  readonly features: Features
  /** CNI_IFNAME: released alone where the pod's annotation shows that it was unplugged. */
  readonly nic?: string
}

export type Released =
  { readonly kind: 'kept'; readonly why: string } | { readonly kind: 'released'; readonly addresses: readonly string[] }

/** The UID of a pod that is gone. */
interface Gone {
  readonly uid: string
}

interface ReleaseDeps {
  readonly store: Store
  readonly journal: Journal
}

/**
 * Releases what the pod no longer needs; `kept` has the reason where its addresses stay.
 * @throws KubeError, AggregateError
 */
export async function release(request: ReleaseRequest, { store, journal }: ReleaseDeps): Promise<Released> {
  const open = { ...journal, close: () => undefined } // until all is released: the record may not be written yet
  const released = await releaseOnce(request, { store, journal: open })
  journal.close()
  return released
}

async function releaseOnce(request: ReleaseRequest, { store, journal }: ReleaseDeps): Promise<Released> {
  const noted = journal.read()
  const [endpoint, observed] = await Promise.all([readRecord(request, store), store.pod(request.pod)])
  await undoIncompleteAdd(request, endpoint, { store, journal, noted })
  const first = await goneOrKept(request, store, endpoint, observed)
  if ('kept' in first) {
    const { nic } = request
    if (endpoint && first.pod && nic !== undefined && isUnplugged(first.pod, nic)) {
      const addresses = await unplug(endpoint, { ...request, nic }, store)
      if (addresses) return { kind: 'released', addresses }
    }
    if (endpoint) await clearContainerID(endpoint, request, store)
    return { kind: 'kept', why: first.kept }
  }
  if (!endpoint) return releaseWithoutRecord(first, observed, request, store)
  const { current, ownerControllerType } = endpoint.status
  const isRetaining = retainingKindNamed(ownerControllerType, request.features) !== undefined
  if (current.uid !== first.uid && !isRetaining) return { kind: 'kept', why: `the record is of pod UID ${current.uid}` }
  if (!isOverForever(first.uid, observed) || isRetaining) {
    const second = await goneOrKept(request, store, endpoint, await store.pod(request.pod))
    if ('kept' in second) return { kind: 'kept', why: second.kept }
  }
  if (current.uid !== first.uid) return releaseInherited(endpoint, first, request, store)
  const deps = { store, containerID: request.containerID, willBeCollected: isTerminatingOwner(endpoint, observed) }
  const addresses = await releaseRecorded(endpoint, deps)
  const others = await releaseUnrecorded(first, request, store)
  return { kind: 'released', addresses: [...addresses, ...others] }
}

/**
 * An ADD that was killed while it inherited has taken over addresses of a record that still names
 * the pod before. That pod's DEL, or the controller, removes the record.
 */
async function releaseInherited(
  endpoint: SpiderEndpoint,
  { uid }: Gone,
  { containerID }: ReleaseRequest,
  store: Store,
): Promise<Released> {
  const released = await Promise.all(
    endpoint.status.current.ips.flatMap(addressesOf).map(async ({ address, pool }) => {
      const ip = parsePrefix(address)?.ip
      const object = ip && (await store.address(objectNameOf(ip)))
      if (object?.spec.pod.uid !== uid) return []
      return (await releaseIfHeldBy({ uid, containerID, pool }, address, store)) ? [address] : []
    }),
  )
  return { kind: 'released', addresses: released.flat() }
}

async function releaseWithoutRecord(
  gone: Gone,
  observed: Pod | undefined,
  request: ReleaseRequest,
  store: Store,
): Promise<Released> {
  if (!isOverForever(gone.uid, observed) && (store.view?.heldBy(gone.uid) ?? []).length > 0) {
    const second = await goneOrKept(request, store, undefined, await store.pod(request.pod))
    if ('kept' in second) return { kind: 'kept', why: second.kept }
  }
  return { kind: 'released', addresses: await releaseUnrecorded(gone, request, store) }
}

/**
 * An agent that died before it wrote the record leaves addresses that only a view shows. Those of
 * a StatefulSet or virtual machine are left to the controller, which knows whether they are kept.
 */
async function releaseUnrecorded(
  { uid }: Gone,
  { containerID, features }: ReleaseRequest,
  store: Store,
): Promise<readonly string[]> {
  const held = store.view?.heldBy(uid).filter(({ spec }) => retainingKindOf(spec.owner, features) === undefined) ?? []
  const released = await Promise.all(
    held.map(async ({ spec: { address, pool } }) =>
      (await releaseIfHeldBy({ uid, containerID, pool }, address, store)) ? [address] : [],
    ),
  )
  return released.flat()
}

/**
 * True where one read proves that the pod of this UID will not live again: it is being deleted, or
 * another pod has its name. A pod that is not found, or has ended, is read twice before anything is
 * released; so is a mirror pod, which may be deleted while its static pod runs.
 */
const isOverForever = (uid: string, pod: Pod | undefined): boolean =>
  pod !== undefined && !isMirror(pod) && (pod.metadata.deletionTimestamp !== undefined || !isOfPod(uid, pod))

/** True where the API server deletes the record with the pod, as soon as no finalizer holds it. */
const isTerminatingOwner = ({ metadata }: SpiderEndpoint, pod: Pod | undefined): boolean =>
  pod?.metadata.deletionTimestamp !== undefined &&
  metadata.ownerReferences?.some(({ kind, uid }) => kind === 'Pod' && uid === pod.metadata.uid) === true

/**
 * The pod keeps its addresses, this container stops using them: clearing the container ID allows
 * the DEL of the last sandbox to release them, even one whose ADD did not take them over.
 */
async function clearContainerID(
  endpoint: SpiderEndpoint,
  { containerID, podUid }: ReleaseRequest,
  store: Store,
): Promise<void> {
  const { uid, ips } = endpoint.status.current
  if (podUid !== '' && podUid !== uid) return
  for (const { address } of ips.flatMap(addressesOf)) {
    const ip = parsePrefix(address)?.ip
    const object = ip && (await store.address(objectNameOf(ip)))
    if (object?.spec.pod.uid === uid && object.spec.containerID === containerID)
      await store.updateAddress({ ...object, spec: { ...object.spec, containerID: '' } })
  }
}

/** Other interfaces of the pod may be written concurrently. */
const UNPLUG_TRIES_MAX = 8

/**
 * Releases an interface that was unplugged from a running pod. The record first: an address without
 * a record is reclaimed, while a recorded one that nothing holds would be claimed again.
 * `undefined` where there is nothing to release.
 */
async function unplug(
  first: SpiderEndpoint,
  request: ReleaseRequest & { readonly nic: string },
  store: Store,
): Promise<readonly string[] | undefined> {
  const { nic, pod: ref, podUid, containerID } = request
  let endpoint: SpiderEndpoint | undefined = first
  for (let tries = 0; tries < UNPLUG_TRIES_MAX && endpoint; tries++) {
    const { uid, ips } = endpoint.status.current
    const entry = nicOf(endpoint, nic)
    const pod = await store.pod(ref) // read twice before anything is released
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
    endpoint = await readRecord(request, store)
  }
  return undefined
}

/**
 * By a live read of the pod: it is gone, has ended, or was replaced by another of its name, and
 * there is no retention; otherwise the reason why the addresses are kept.
 */
async function goneOrKept(
  request: ReleaseRequest,
  store: Store,
  endpoint: SpiderEndpoint | undefined,
  pod: Pod | undefined,
): Promise<Gone | { readonly kept: string; readonly pod?: Pod }> {
  const { podUid } = request
  const uid = podUid || (pod ? uidOf(pod) : (endpoint?.status.current.uid ?? ''))
  if (pod && isAlive(pod) && isOfPod(uid, pod))
    return { kept: 'the pod lives: its next sandbox keeps the addresses', pod }
  if (uid === '') return { kept: 'the pod is unknown (no K8S_POD_UID, no SpiderEndpoint)' }
  const kept = endpoint && (await retentionReason(endpoint, request, pod, store))
  return kept === undefined ? { uid } : { kept }
}

/** Why the next pod of the record keeps the addresses; `undefined` without retention. */
async function retentionReason(
  { metadata, status }: SpiderEndpoint,
  { pod: ref, features }: ReleaseRequest,
  pod: Pod | undefined,
  store: Store,
): Promise<string | undefined> {
  const { namespace } = ref
  switch (retainingKindNamed(status.ownerControllerType, features)) {
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
