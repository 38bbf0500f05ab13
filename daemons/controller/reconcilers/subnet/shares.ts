// Divides a subnet among pools: shares grow, shrink and keep what pods hold. Arithmetic on
// intervals, so a /64 costs what a /28 costs.
import { intersect, isSame, normal, sizeOf, split, subtract, union, type Ranges } from '../../../../lib/ip/range.js'

/**
 * The share of one pool. The record is written before the pool; where the two differ, a change is
 * under way.
 */
export interface Share {
  readonly name: string
  /** What the pool has; undefined before it is created. */
  readonly pool: Ranges | undefined
  /** What the subnet's status records for it. */
  readonly record: Ranges | undefined
  /** What pods hold of it; called only where it matters. */
  readonly held: () => Ranges
  /** The requested number of addresses; undefined: as many as it has. */
  readonly size: bigint | undefined
}

export interface SubnetRanges {
  /** All addresses that may be given out. */
  readonly effective: Ranges
  /** Addresses of it that are not given out any more: reserved ones, the gateway. */
  readonly withheld: Ranges
  /** Addresses of pools without a share. */
  readonly others: Ranges
  /** Check what is held of every share, also of those that need no change. */
  readonly isThorough: boolean
}

export interface ShareResult {
  readonly ranges: Ranges
  /** Addresses that are requested beyond what is free; then the share is unchanged. */
  readonly missing: bigint
}

/**
 * The addresses of each share, by name. Growth takes the lowest free addresses, shrinking releases
 * the lowest that no pod holds.
 */
export function planShares(shares: readonly Share[], subnet: SubnetRanges): ReadonlyMap<string, ShareResult> {
  const own = disjoint(shares, subnet)
  const taken = normal([...own.values(), ...shares.map(({ pool = [] }) => pool), subnet.others].flat())
  let free = subtract(subtract(subnet.effective, subnet.withheld), taken)
  const shared = new Map<string, ShareResult>()
  for (const share of shares) {
    const has = own.get(share.name) ?? []
    const more = share.size === undefined ? 0n : share.size - sizeOf(has)
    if (more <= 0n) {
      // Released addresses become free once the pool no longer has them, not before.
      const ranges = more === 0n ? has : subtract(has, split(subtract(has, share.held()), -more).lowest)
      shared.set(share.name, { ranges, missing: 0n })
      continue
    }
    const { lowest, rest } = split(free, more)
    const missing = more - sizeOf(lowest)
    if (missing === 0n) free = rest
    shared.set(share.name, { ranges: missing === 0n ? union(has, lowest) : has, missing })
  }
  return shared
}

/**
 * The addresses of each share without overlap: an address that two claim belongs to the one that
 * holds it for a pod, then to a pool without a share, then to the earlier share. Addresses outside
 * the subnet are released once no pod holds them.
 */
function disjoint(shares: readonly Share[], subnet: SubnetRanges): ReadonlyMap<string, Ranges> {
  const own = new Map(shares.map(share => [share.name, ownOf(share, subnet)]))
  const parts = [...own.values()]
  const isDisjoint = sizeOf(normal([...parts, subnet.others].flat())) === sizeOf([...parts, subnet.others].flat())
  if (isDisjoint) return own
  const held = new Map(shares.map(share => [share.name, share.held()]))
  const allHeld = normal([...held.values()].flat())
  let claimed = subnet.others
  for (const { name } of shares) {
    const ownHeld = held.get(name) ?? []
    const ranges = union(ownHeld, subtract(subtract(own.get(name) ?? [], claimed), allHeld))
    own.set(name, ranges)
    claimed = union(claimed, ranges)
  }
  return own
}

function ownOf(share: Share, { effective, isThorough }: SubnetRanges): Ranges {
  const { record, pool, size } = share
  const ranges = record ?? pool ?? []
  const isSettled =
    pool !== undefined &&
    record !== undefined &&
    isSame(record, pool) &&
    (size === undefined || sizeOf(record) === size) &&
    subtract(record, effective).length === 0
  if (isSettled && !isThorough) return ranges
  const held = share.held()
  return union(intersect(ranges, effective), held)
}
