// Which address to try next: an order over the free ranges that depends only on the claimant. Pure.
import { hash64 } from '../../hash.js'
import { nth, sizeOf, type Ranges } from '../../ip/range.js'

function gcd(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b]
  return a
}

/** The first step from `wanted` on that is coprime to `size`, so that it reaches every index. */
export function stepFor(wanted: bigint, size: bigint): bigint {
  if (size <= 2n) return 1n
  let step = 1n + (wanted % (size - 1n))
  while (gcd(step, size) !== 1n) step += 1n // ends at size - 1 at the latest, which is coprime
  return step
}

/**
 * The k-th address that `who` tries in `free`: starts at a hash of `who` and visits each address
 * once. `who` names pod, NIC and pool, so a repeated ADD tries its own address first.
 */
export function candidatesOf(free: Ranges, who: string): { readonly size: bigint; at(k: bigint): bigint } {
  const size = sizeOf(free)
  const start = hash64(who)
  const step = stepFor(hash64(`${who}/step`), size)
  return {
    size,
    at(k) {
      const value = nth(free, (start + k * step) % size)
      if (value === undefined) throw new RangeError(`candidate ${k} of ${size}`)
      return value
    },
  }
}

const PROBES_MIN = 4
const PROBES_MAX = 64
/** A listed object costs about a hundredth of a probe (1,000 listed: 45 ms; a probe: 0.5 ms). */
const LISTED_PER_PROBE = 100
/** Where a free address takes more tries than this on average, the list comes first. */
const EXPECTED_MAX = 8n

/**
 * How many addresses to try one by one before the pool's objects are listed: as many as a list
 * costs, none where the pool is nearly full. `taken` is from the pool's status, which may be stale;
 * it only shifts this balance.
 */
export function probesBeforeList(size: bigint, taken: bigint): number {
  if (taken >= size) return 1
  if (isNearlyFull(size, size - taken)) return 0
  const list = Number(taken > size / 2n ? taken : size / 2n) / LISTED_PER_PROBE
  return Math.max(PROBES_MIN, Math.min(PROBES_MAX, Math.ceil(list)))
}

/** A list of this many objects is a megabyte or two; larger pools are listed after the tries. */
const CHEAP_LIST_MAX = 2_000n

/** True where fewer than one in eight tries would succeed and a list is cheap. */
export const isNearlyFull = (size: bigint, left: bigint): boolean =>
  size <= CHEAP_LIST_MAX && size > left * EXPECTED_MAX
