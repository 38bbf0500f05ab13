// Reuses the addresses of a NIC in the record, if their objects are still this pod's. On a Store.
import { deleteAllocation, publishAllocation } from '../allocation/shared-pool.js'
import { objectNameOf, toBigint, type Ip } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import { includes, subtract } from '../../ip/range.js'
import { familyOfPool } from '../../crd/family.js'
import type { EndpointNic, SpiderIPPool, SpiderReservedIP } from '../../crd/types.js'
import { recordAt, isRecordOf } from '../allocation/go-records.js'
import { claimOne, takeOver, type Allocation, type AllocDeps } from '../allocation/allocate.js'
import { addressesOf } from '../allocation/endpoint.js'
import type { Holder, Claimant } from '../allocation/claimant.js'
import { poolOf, reservedRanges, type Pool } from '../allocation/pool.js'
import { indexName } from '../pools/sources.js'

/** An interface of the record, and earlier holders that its objects may still name. */
export interface RecordedNic {
  readonly entry: EndpointNic
  /** Its index in the record, which its objects have as NIC until the interface has a name. */
  readonly index: number
  /** UID of the pod before, whose addresses this one inherits. */
  readonly was?: string
  /** The name that the interface gets with this call. */
  readonly nic?: string
}

export interface ReuseContext {
  readonly claimant: Claimant
  readonly reserved: readonly SpiderReservedIP[]
  /** Pools that this call has read, by name. */
  readonly pools?: ReadonlyMap<string, SpiderIPPool>
}

/**
 * True where every address of the record is held for this pod and NIC; a missing object is created
 * again. False where one of them is held by another pod or reserved: then the others are released,
 * and the NIC gets new addresses.
 */
export async function reuse(
  recorded: RecordedNic,
  { claimant, reserved, pools }: ReuseContext,
  deps: AllocDeps,
): Promise<boolean> {
  const { entry, index, was, nic = entry.interface || indexName(index) } = recorded
  const holder: Holder = { claimant, nic, was: { ...(was !== undefined && { uid: was }), nic: indexName(index) } }
  const addresses = addressesOf(entry)
  const held: Allocation[] = []
  for (const { address, pool } of addresses) {
    const ip = parsePrefix(address)?.ip
    const allocation = ip && (await reuseAddress({ ip, pool, reserved, ...(pools && { pools }) }, holder, deps))
    if (!allocation) {
      await Promise.all(held.map(({ object }) => deleteAllocation(object, deps.store)))
      return false
    }
    held.push(allocation)
  }
  return addresses.length > 0
}

function isOfOther({ shared }: Pool, ip: Ip, holder: Holder): boolean {
  const record = shared && recordAt(shared, ip)
  return record !== undefined && !isRecordOf(record, holder)
}

async function reuseAddress(
  { ip, pool, reserved, pools }: { readonly ip: Ip; readonly pool: string } & Pick<ReuseContext, 'reserved' | 'pools'>,
  holder: Holder,
  deps: AllocDeps,
): Promise<Allocation | undefined> {
  const found = await deps.store.address(objectNameOf(ip))
  const object = pools?.get(pool) ?? (found && !pools ? undefined : await deps.store.pool(pool))
  const family = object && familyOfPool(object)
  const own = object && family !== undefined ? poolOf(object, family) : undefined
  // status.allocatedIPs of a shared pool names another pod: a Go agent's, newer than this record.
  if (own && isOfOther(own, ip, holder)) return undefined
  if (!found && !own) return undefined
  // The pool was edited, or the address reserved, while it was not held.
  if (!found && own && !includes(subtract(own.ranges, reservedRanges(reserved, own.family)), toBigint(ip)))
    return undefined
  const allocation = found ? await takeOver(found, holder, deps.store) : own && (await claimOne(ip, own, holder, deps))
  return allocation && own && (await publishAllocation(allocation, own, holder, deps)) ? undefined : allocation
}
