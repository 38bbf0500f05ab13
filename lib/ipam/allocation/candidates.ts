// Which address next. Pure: an order over the free ranges that depends only on who asks. Knows nothing of who holds what.
import { hash64 } from '../../hash.js'
import { nth, sizeOf, type Ranges } from '../../ip/range.js'

function gcd(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b]
  return a
}

/** A step that reaches every one of `size` places: the first one from `wanted` on that has no common divisor with it. */
export function stepFor(wanted: bigint, size: bigint): bigint {
  if (size <= 2n) return 1n
  let step = 1n + (wanted % (size - 1n))
  while (gcd(step, size) !== 1n) step = step === size - 1n ? 1n : step + 1n
  return step
}

/**
 * The k-th address that `who` tries in `free`: begins where a hash of `who` says and steps through all of it, each address once.
 * `who` names pod, NIC and pool, so a repeated ADD walks the same way and finds its own address first.
 */
export function candidatesOf(free: Ranges, who: string): { readonly size: bigint; at(k: bigint): bigint } {
  const size = sizeOf(free)
  const start = size === 0n ? 0n : hash64(who) % size
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
/** A listed object costs the API server about a hundredth of a probe (1,000 listed: 45 ms; a probe: some 0.5 ms). */
const LISTED_PER_PROBE = 100
/** More tries than this, on average, before one meets a free address: then the list comes first. */
const EXPECTED_MAX = 8n

/**
 * How many addresses to try one by one before the pool's objects are listed once: as many as a list would cost, and none where nearly all
 * would be in vain. `taken` is what the pool's status says, which may be late; it only ever shifts this balance.
 */
export function probesBeforeList(size: bigint, taken: bigint): number {
  if (taken >= size) return 1
  if (isNearlyFull(size, size - taken)) return 0
  const list = Number(taken > size / 2n ? taken : size / 2n) / LISTED_PER_PROBE
  return Math.max(PROBES_MIN, Math.min(PROBES_MAX, Math.ceil(list)))
}

/** A list of so many objects is a megabyte or two; of a larger pool it is a burden, and comes after the tries. */
const CHEAP_LIST_MAX = 2_000n

/** So few are left that a blind try meets one of them less than once in eight times, and a list is cheap. */
export const isNearlyFull = (size: bigint, left: bigint): boolean =>
  size <= CHEAP_LIST_MAX && size > left * EXPECTED_MAX
