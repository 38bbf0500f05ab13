// What a SpiderIPPool's status and finalizers shall be, from the pool and the count of its addresses. Pure; knows no API server.
import { FINALIZER } from '../../../lib/crd/names.js'
import type { SpiderIPPool } from '../../../lib/crd/types.js'
import { IpError, type Family } from '../../../lib/ip/address.js'
import { rangesOf, sizeOf, subtract } from '../../../lib/ip/range.js'

type PoolStatus = NonNullable<SpiderIPPool['status']>

const INT64_MAX = 2n ** 63n - 1n

/** JSON numbers are doubles here: the greatest that stays within int64, so that every reader can take it. */
const COUNT_MAX = 9_223_372_036_854_774_784

/** At most what an int64 holds. */
export const countOf = (size: bigint): number => (size >= INT64_MAX ? COUNT_MAX : Number(size))

function familyOf({ spec: { ipVersion, subnet } }: SpiderIPPool): Family {
  return ipVersion === 4 || ipVersion === 6 ? ipVersion : subnet.includes(':') ? 6 : 4
}

/** Addresses that the pool can give: ips without excludeIPs. A text that is no range counts nothing: admission refuses it, an old object may hold it. */
export function sizeOfPool(pool: SpiderIPPool): bigint {
  const { ips = [], excludeIPs = [] } = pool.spec
  const family = familyOf(pool)
  try {
    return sizeOf(subtract(rangesOf(ips, family), rangesOf(excludeIPs, family)))
  } catch (error) {
    if (error instanceof IpError) return 0n
    throw error
  }
}

/** `allocated`: how many SpiderIPAddress objects carry the pool's UID. What else the status holds (allocatedIPs) stays. */
export const poolStatus = (pool: SpiderIPPool, allocated: number): PoolStatus => ({
  ...pool.status,
  totalIPCount: countOf(sizeOfPool(pool)),
  allocatedIPCount: allocated,
})

/**
 * The finalizers that a pool shall have: ours as long as it lives, also where no admission put it there; a pool on its way out waits for
 * its last address, new format and old.
 */
export function poolFinalizers(pool: SpiderIPPool, allocated: number): readonly string[] {
  const { finalizers = [], deletionTimestamp } = pool.metadata
  if (deletionTimestamp === undefined) return finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER]
  const isEmpty = allocated === 0 && pool.status?.allocatedIPs === undefined
  return isEmpty ? finalizers.filter(name => name !== FINALIZER) : finalizers
}
