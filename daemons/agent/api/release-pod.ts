// Releases the whole record of a pod at the request of a Go executable that found a conflict.
import { objectNameOf } from '../../../lib/ip/address.js'
import { parsePrefix } from '../../../lib/ip/cidr.js'
import type { SpiderEndpoint } from '../../../lib/crd/types.js'
import { addressesOf } from '../../../lib/ipam/allocation/endpoint.js'
import { quarantine } from '../../../lib/ipam/allocation/conflict-quarantine.js'
import { readRecord } from '../../../lib/ipam/pod/record.js'
import { releaseRecorded } from '../../../lib/ipam/pod/release-address.js'
import { retainingKindNamed, type Features } from '../../../lib/ipam/store/retention.js'
import type { ObjectRef, Store } from '../../../lib/ipam/store/store.js'

export interface RecordRelease {
  readonly pod: ObjectRef
  readonly podUid: string
  /** Another host has an address of the pod: none of them is given out for a while. */
  readonly isConflict: boolean
}

export type ReleaseOutcome =
  | { readonly kind: 'released' }
  | { readonly kind: 'retained'; readonly why: string }
  | { readonly kind: 'another'; readonly why: string }

export type ReleaseRecord = (release: RecordRelease) => Promise<ReleaseOutcome>

/** The request does not say which host has the address. */
const UNKNOWN_MAC = 'unknown'

/**
 * Releases the addresses and the record, if it is of this pod. A pod whose record is retained keeps
 * conflicting addresses.
 * @throws KubeError, AggregateError
 */
export async function releaseRecord(
  { pod, podUid, isConflict }: RecordRelease,
  { store, features, now }: { readonly store: Store; readonly features: Features; readonly now: number },
): Promise<ReleaseOutcome> {
  const endpoint = await readRecord({ pod, features }, store)
  if (endpoint === undefined) return { kind: 'released' }
  const { current, ownerControllerType, ownerControllerName } = endpoint.status
  if (current.uid !== podUid)
    return {
      kind: 'another',
      why: `SpiderEndpoint ${pod.namespace}/${pod.name} is of pod UID ${current.uid}, not ${podUid || 'an empty one'}`,
    }
  if (isConflict && retainingKindNamed(ownerControllerType, features) !== undefined)
    return {
      kind: 'retained',
      why: `${ownerControllerType} ${pod.namespace}/${ownerControllerName} keeps its addresses`,
    }
  if (isConflict) await quarantineAll(endpoint, store, now)
  await releaseRecorded(endpoint, { store }) // leaves an address in quarantine, which has no holder
  return { kind: 'released' }
}

async function quarantineAll(endpoint: SpiderEndpoint, store: Store, now: number): Promise<void> {
  const { uid, ips } = endpoint.status.current
  for (const { address } of ips.flatMap(addressesOf)) {
    const ip = parsePrefix(address)?.ip
    const object = ip && (await store.address(objectNameOf(ip)))
    if (object?.spec.pod.uid === uid) await store.updateAddress(quarantine(object, { mac: UNKNOWN_MAC, now }))
  }
}
