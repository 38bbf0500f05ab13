// Releases addresses of a pod: all of its record, one, or those of an incomplete ADD. Shared by
// ADD, DEL and conflict detection. On a Store.
import { objectNameOf } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import type { SpiderEndpoint, SpiderIPAddress } from '../../crd/types.js'
import { addressesOf, createdIn } from '../allocation/endpoint.js'
import { deleteAllocation, unpublish } from '../allocation/shared-pool.js'
import type { Journal, Store } from '../store/store.js'

/**
 * Releases every address of a record whose pod is gone, then the record; returns the released ones.
 * Addresses that another container of the pod took over stay, with the record, until its DEL.
 * @throws AggregateError with all failures, after the other addresses
 */
export async function releaseRecorded(
  endpoint: SpiderEndpoint,
  { store, containerID, willBeCollected = false }: RecordRelease,
): Promise<readonly string[]> {
  const { uid, ips } = endpoint.status.current
  const addresses = ips.flatMap(addressesOf).map(({ address }) => address)
  const outcomes = await Promise.allSettled(
    ips.flatMap(addressesOf).map(async ({ address, pool }) => {
      const created = createdIn(endpoint, address)
      // Unchanged since this pod's ADD created it: no other container has taken it over.
      if (created && (await store.deleteAddress(created))) return true
      return releaseIfHeldBy({ uid, containerID, pool }, address, store)
    }),
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
  if (freed.length === addresses.length)
    await (willBeCollected ? store.clearEndpoint(endpoint) : store.deleteEndpoint(endpoint))
  return freed
}

interface RecordRelease {
  readonly store: Store
  readonly containerID?: string
  /** The API server deletes the record with its pod once our finalizer is removed. */
  readonly willBeCollected?: boolean
}

interface AddressHolder {
  readonly uid: string
  readonly containerID: string | undefined
  /** The pool, where the address may be a Go record that no controller has adopted. */
  readonly pool?: string
}

/** True where the address is released or another pod's; false where it stays. */
export async function releaseIfHeldBy(
  { uid, containerID, pool }: AddressHolder,
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
  return deleteAllocation(object, store)
}

interface UndoDeps {
  readonly store: Store
  readonly journal: Journal
  /** Read before the record was: an agent closes the journal once it has written the record. */
  readonly noted?: readonly string[]
}

/** Releases what a killed ADD of this container noted in the journal and no record has. */
export async function undoIncompleteAdd(
  { containerID }: { readonly containerID: string },
  endpoint: SpiderEndpoint | undefined,
  { store, journal, noted = journal.read() }: UndoDeps,
): Promise<void> {
  for (const name of noted) {
    const object = await store.address(name)
    if (object && object.spec.containerID === containerID && !isRecorded(object, endpoint))
      await deleteAllocation(object, store)
  }
  journal.close()
}

const isRecorded = ({ spec }: SpiderIPAddress, endpoint: SpiderEndpoint | undefined): boolean =>
  endpoint?.status.current.uid === spec.pod.uid &&
  endpoint.status.current.ips.some(nic => addressesOf(nic).some(({ address }) => address === spec.address))
