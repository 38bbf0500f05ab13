// What a SpiderIPPool's status and finalizers shall be, from the pool and the count of its addresses. Pure; knows no API server.
import { effectiveOf, familyOfSpec, usableOf } from '../../../../lib/crd/addressing.js'
import { ANNOTATION_ALLOCATED_IPS, FINALIZER } from '../../../../lib/crd/names.js'
import type { SpiderIPPool } from '../../../../lib/crd/types.js'
import { ipOfObjectName, toBigint } from '../../../../lib/ip/address.js'
import { isOwnText } from '../../../../lib/ipam/allocation/go-records.js'
import { formatRanges, normal, sizeOf, subtract } from '../../../../lib/ip/range.js'

type PoolStatus = NonNullable<SpiderIPPool['status']>

const INT64_MAX = 2n ** 63n - 1n

/** JSON numbers are doubles here: the greatest that stays within int64, so that every reader can take it. */
const COUNT_MAX = 9_223_372_036_854_774_784

/** At most what an int64 holds. */
export const countOf = (size: bigint): number => (size >= INT64_MAX ? COUNT_MAX : Number(size))

/** How many addresses the pool can give out. A text that is no range counts nothing: admission refuses it, an old object may hold it. */
export const sizeOfPool = ({ spec }: SpiderIPPool): bigint => sizeOf(usableOf(spec, familyOfSpec(spec)))

/** What the SpiderIPAddress objects of a pool are, by its UID. */
export interface Holdings {
  readonly allocated: number
  /** Names of the objects; asked only of a pool that is nearly full. */
  readonly names: () => Iterable<string>
}

/** A pool is nearly full when so much less than one address in this many is left: trying at random then meets what is taken. */
const NEARLY_FULL = 8n
/** A hint needs no more, and an object that every ADD reads shall stay small. */
const FREE_RANGES_MAX = 64

/**
 * What is left of a pool that is nearly full, so that an ADD tries what is free rather than guess or list everything (decisions/0011). Only a
 * hint: an address is whose object it is.
 */
function freeOf(pool: SpiderIPPool, { allocated, names }: Holdings): readonly string[] | undefined {
  const family = familyOfSpec(pool.spec)
  const ranges = usableOf(pool.spec, family)
  const size = sizeOf(ranges)
  const left = size - BigInt(allocated)
  // Pods may hold addresses since before that are not given out any more: those are allocated and none of `size`.
  const more = sizeOf(effectiveOf(pool.spec, family)) - size
  if (left + more <= 0n || left * NEARLY_FULL >= size) return undefined
  const taken: { first: bigint; last: bigint }[] = []
  for (const name of names()) {
    const ip = ipOfObjectName(name)
    if (ip !== undefined) taken.push({ first: toBigint(ip), last: toBigint(ip) })
  }
  const free = subtract(ranges, normal(taken))
  return free.length === 0 ? undefined : formatRanges(free.slice(0, FREE_RANGES_MAX), family)
}

/** What else the status holds (allocatedIPs) stays. */
export function poolStatus(pool: SpiderIPPool, holdings: Holdings): PoolStatus {
  const { freeIPs: _, ...status } = pool.status ?? {}
  const free = freeOf(pool, holdings)
  return {
    ...status,
    totalIPCount: countOf(sizeOfPool(pool)),
    allocatedIPCount: holdings.allocated,
    ...(free && { freeIPs: free }),
  }
}

/**
 * The status with the mark that no Go agent allocates from the pool; a text that ADDs of ours alone wrote, before the mark was there,
 * goes. A text of Go, or of a controller, stays as it is, and so does a pool that a controller says is shared.
 */
export function withMark(pool: SpiderIPPool, status: PoolStatus): PoolStatus {
  if (status.allocatedIPs !== undefined && !isOwnText(pool)) return status
  if (pool.metadata.annotations?.[ANNOTATION_ALLOCATED_IPS] === 'shared') return status
  const { allocatedIPs: _, ...others } = status
  return { ...others, allocatedIPsProjected: false }
}

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
