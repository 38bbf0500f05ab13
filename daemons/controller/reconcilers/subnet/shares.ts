// Who has which part of a subnet: shares grow, shrink and keep what pods hold. Pure arithmetic on intervals; a /64 costs what a /28 costs.
import { intersect, isSame, normal, sizeOf, split, subtract, union, type Ranges } from '../../../../lib/ip/range.js'

/** One pool's part. The record comes first, the pool follows it: a share whose two differ is one that is being changed. */
export interface Share {
  readonly name: string
  /** What the pool has, where it is there. */
  readonly pool: Ranges | undefined
  /** What the subnet's status says that it has. */
  readonly record: Ranges | undefined
  /** What pods hold of it; asked only where it matters. */
  readonly held: () => Ranges
  /** How many addresses it shall have; `undefined`: as many as it has. */
  readonly size: bigint | undefined
}

export interface SubnetRanges {
  /** What may be given out at all. */
  readonly effective: Ranges
  /** Of it, what nobody new is to get: reserved addresses, the gateway. */
  readonly withheld: Ranges
  /** What pools have that no share is made for. */
  readonly others: Ranges
  /** Ask every share what is held of it, also those that look as they shall. */
  readonly isThorough: boolean
}

export interface ShareResult {
  readonly ranges: Ranges
  /** Addresses that it asks for beyond what is free; then it stays as it is. */
  readonly missing: bigint
}

/** Which addresses each share shall have, by name. The lowest free ones are given, and the lowest that nobody holds are given back. */
export function planShares(shares: readonly Share[], ground: SubnetRanges): ReadonlyMap<string, ShareResult> {
  const own = disjoint(shares, ground)
  const taken = normal([...own.values(), ...shares.map(({ pool = [] }) => pool), ground.others].flat())
  let free = subtract(subtract(ground.effective, ground.withheld), taken)
  const shared = new Map<string, ShareResult>()
  for (const share of shares) {
    const has = own.get(share.name) ?? []
    const more = share.size === undefined ? 0n : share.size - sizeOf(has)
    if (more <= 0n) {
      // What is given back here is free once the pool lets go of it, and not before.
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
 * What each share has, no address in two: where two claim one, whoever holds it for a pod has it, then the pool that no share is made
 * for, then the earlier share. What lies outside the subnet is given up as soon as no pod holds it.
 */
function disjoint(shares: readonly Share[], ground: SubnetRanges): ReadonlyMap<string, Ranges> {
  const own = new Map(shares.map(share => [share.name, ownOf(share, ground)]))
  const parts = [...own.values()]
  const isDisjoint = sizeOf(normal([...parts, ground.others].flat())) === sizeOf([...parts, ground.others].flat())
  if (isDisjoint) return own
  const held = new Map(shares.map(share => [share.name, share.held()]))
  const allHeld = normal([...held.values()].flat())
  let claimed = ground.others
  for (const { name } of shares) {
    const mine = held.get(name) ?? []
    const ranges = union(mine, subtract(subtract(own.get(name) ?? [], claimed), allHeld))
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
