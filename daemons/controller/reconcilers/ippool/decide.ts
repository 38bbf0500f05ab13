// A SpiderIPPool's status and finalizers, from the pool and its SpiderIPAddresses. Pure; knows no
// API server.
import { effectiveOf, familyOfSpec, usableOf } from '../../../../lib/crd/addressing.js'
import { ANNOTATION_ALLOCATED_IPS, FINALIZER } from '../../../../lib/crd/names.js'
import type { SpiderIPPool } from '../../../../lib/crd/types.js'
import { ipOfObjectName, toBigint } from '../../../../lib/ip/address.js'
import { allocatedText, isOwnText } from '../../../../lib/ipam/allocation/go-records.js'
import { formatRanges, normal, sizeOf, subtract } from '../../../../lib/ip/range.js'

type PoolStatus = NonNullable<SpiderIPPool['status']>

const INT64_MAX = 2n ** 63n - 1n

/** The greatest double within int64, so that every reader can parse it. */
const COUNT_MAX = 9_223_372_036_854_774_784

/** The size as a number, clamped to int64. */
export const countOf = (size: bigint): number => (size >= INT64_MAX ? COUNT_MAX : Number(size))

/**
 * How many addresses the pool can give out. A malformed range counts as empty: admission rejects
 * it, an older object may have one.
 */
export const sizeOfPool = ({ spec }: SpiderIPPool): bigint => sizeOf(usableOf(spec, familyOfSpec(spec)))

/** The SpiderIPAddresses of a pool, by its UID. */
export interface Holdings {
  readonly allocated: number
  /** Names of the objects; called only for a pool that is nearly full. */
  readonly names: () => Iterable<string>
}

/**
 * A pool is nearly full when less than one address in this many is free: random tries then mostly
 * fail.
 */
const NEARLY_FULL = 8n
/** Bounds `freeIPs`: every ADD reads the object. */
const FREE_RANGES_MAX = 64

/**
 * The free ranges of a pool that is nearly full, so that an ADD tries those instead of guessing or
 * listing (decisions/0011). Only a hint: the SpiderIPAddress decides.
 */
function freeOf(pool: SpiderIPPool, { allocated, names }: Holdings): readonly string[] | undefined {
  const family = familyOfSpec(pool.spec)
  const ranges = usableOf(pool.spec, family)
  const size = sizeOf(ranges)
  const left = size - BigInt(allocated)
  // Pods may hold addresses that are no longer in the pool's usable ranges: those count in
  // `allocated` but not in `size`.
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

/** The status with current counts; other fields such as allocatedIPs are kept. */
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
 * The status with the mark that no Go agent allocates from the pool; a text that only our ADDs
 * wrote, before the mark was set, is removed. A text of Go, or of a controller, stays as it is, and
 * so does a pool that a controller annotates as shared.
 */
export function withMark(pool: SpiderIPPool, status: PoolStatus): PoolStatus {
  if (status.allocatedIPs !== undefined && !isOwnText(pool)) return status
  if (pool.metadata.annotations?.[ANNOTATION_ALLOCATED_IPS] === 'shared') return status
  const { allocatedIPs: _, ...others } = status
  return { ...others, allocatedIPsProjected: false }
}

/**
 * The status while Go agents are at work: a pool with the mark gets the text of its
 * SpiderIPAddresses, which Go agents take for allocated. Only ADDs of ours have written such a
 * pool, and each of their records had its SpiderIPAddress first, so a record without one is of an
 * address that is free. A pool without the mark stays as it is: its text is Go's.
 */
export function besideGo(
  { status: before }: SpiderIPPool,
  status: PoolStatus,
  held: () => readonly (readonly [string, unknown])[],
): PoolStatus {
  if (before?.allocatedIPsProjected === undefined) return status
  const { allocatedIPs: _, allocatedIPsProjected: __, ...others } = status
  const text = allocatedText(held())
  return text === undefined ? others : { ...others, allocatedIPs: text, allocatedIPsProjected: false }
}

/**
 * The desired finalizers: ours while the pool lives, also where admission did not add it; a
 * terminating pool keeps it until its last address, of either format, is released.
 */
export function poolFinalizers(pool: SpiderIPPool, allocated: number): readonly string[] {
  const { finalizers = [], deletionTimestamp } = pool.metadata
  if (deletionTimestamp === undefined) return finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER]
  const isEmpty = allocated === 0 && pool.status?.allocatedIPs === undefined
  return isEmpty ? finalizers.filter(name => name !== FINALIZER) : finalizers
}
