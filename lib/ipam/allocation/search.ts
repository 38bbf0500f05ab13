// One step of the search for an address in one pool: state in, next request out. Pure.
import { candidatesOf, isNearlyFull, probesBeforeList } from './candidates.js'
import { includes, intersect, isSame, nth, sizeOf, subtract, type Ranges } from '../../ip/range.js'

export interface FreeHint {
  /** As read, restricted to the allocatable addresses. */
  readonly read: Ranges
  /** Less the addresses tried since. */
  readonly left: Ranges
  readonly misses: number
}

/** What this call knows about one pool. */
export interface SearchState {
  /** Addresses of the pool that are neither reserved nor recorded by a Go agent. */
  readonly free: Ranges
  /** Seed of the candidate order: pod, NIC and pool. */
  readonly who: string
  /** Allocated addresses by the pool's status. */
  readonly allocatedCount: bigint
  /** Candidates tried and found taken. */
  readonly misses: number
  /** Addresses of `free` that need no try: a view shows them held. */
  readonly known: Ranges
  /** Free addresses by the pool's status; `undefined` where the status has none. */
  readonly hint: FreeHint | undefined
  /** Taken addresses, from a list of the pool's objects and from misses since. */
  readonly listed:
    { readonly taken: Ranges; readonly freshness: 'cached' | 'fresh'; readonly misses: number } | undefined
}

export type SearchStep =
  /** Read the address before creating it: the first miss has shown that the pool is in use. */
  | { readonly kind: 'look'; readonly address: bigint }
  /** `isListed`: the list had nothing of this pod, so an address that is taken is another pod's. */
  | { readonly kind: 'create'; readonly address: bigint; readonly isListed: boolean }
  /** Read the pool again: its status may have new free addresses. */
  | { readonly kind: 'hint' }
  | { readonly kind: 'list'; readonly freshness: 'cached' | 'fresh' }
  | { readonly kind: 'refuse'; readonly why: SearchRefusal }

export type SearchRefusal =
  { readonly reason: 'exhausted'; readonly size: bigint } | { readonly reason: 'contended'; readonly attempts: number }

/** After this many misses a list is stale and is read again. */
const MISSES_PER_LIST_MAX = 16
/** After this many misses a hint is stale. */
const MISSES_PER_HINT_MAX = 3
/** All tries of one call in one pool; beyond it the runtime retries (CNI code 11). */
const ATTEMPTS_MAX = 200

/**
 * The next step. `random` in [0, 1) picks among the addresses that a list left, so that callers
 * with the same list do not all try the same one.
 */
export function decide(state: SearchState, random: number): SearchStep {
  const { free, who, misses, listed, hint, allocatedCount, known } = state
  const size = sizeOf(free)
  if (size === 0n) return { kind: 'refuse', why: { reason: 'exhausted', size } }
  if (misses >= ATTEMPTS_MAX) return { kind: 'refuse', why: { reason: 'contended', attempts: misses } }
  if (listed === undefined && hint) {
    if (hint.misses >= MISSES_PER_HINT_MAX) return { kind: 'hint' }
    const address = anyOf(hint.left, random)
    return address === undefined ? { kind: 'list', freshness: 'fresh' } : { kind: 'create', address, isListed: true }
  }
  if (listed === undefined) {
    const order = candidatesOf(free, who)
    if (BigInt(misses) >= size) return { kind: 'list', freshness: 'fresh' }
    if (misses >= probesBeforeList(size, allocatedCount)) return { kind: 'list', freshness: 'cached' }
    const address = untried(order, misses, known)
    if (address === undefined) return { kind: 'list', freshness: 'fresh' }
    return misses === 0 ? { kind: 'create', address, isListed: false } : { kind: 'look', address }
  }
  const left = subtract(free, listed.taken)
  const count = sizeOf(left)
  // Only a fresh list proves that nothing is left: a cached one may miss a recent release.
  if (count === 0n) return listed.freshness === 'fresh' ? exhausted(size) : { kind: 'list', freshness: 'fresh' }
  // While the last few are contended, each miss makes the list stale.
  if (listed.misses >= (isNearlyFull(size, count) ? 1 : MISSES_PER_LIST_MAX))
    return { kind: 'list', freshness: 'fresh' }
  const address = anyOf(left, random)
  return address === undefined ? exhausted(size) : { kind: 'create', address, isListed: true }
}

/** The candidate after `misses` others that are not known to be held. */
function untried({ size, at }: ReturnType<typeof candidatesOf>, misses: number, known: Ranges): bigint | undefined {
  let left = misses
  for (let index = 0n; index < size; index++) {
    const address = at(index)
    if (!includes(known, address) && left-- === 0) return address
  }
  return undefined
}

const anyOf = (ranges: Ranges, random: number): bigint | undefined =>
  nth(ranges, (BigInt(Math.floor(random * 2 ** 32)) * sizeOf(ranges)) >> 32n)

/** The free addresses of a pool's status, restricted to the allocatable ones. */
export function hintOf(free: Ranges, hinted: Ranges | undefined): FreeHint | undefined {
  const read = hinted && intersect(free, hinted)
  return read && { read, left: read, misses: 0 }
}

/**
 * State after the pool was read again. An unchanged status is not maintained: then a list is next.
 */
export function afterHint(state: SearchState, hinted: Ranges | undefined): SearchState {
  const hint = hintOf(state.free, hinted)
  const isNewer = hint && !isSame(hint.read, state.hint?.read ?? [])
  return { ...state, hint: isNewer ? hint : { read: [], left: [], misses: 0 } }
}

const exhausted = (size: bigint): SearchStep => ({ kind: 'refuse', why: { reason: 'exhausted', size } })

/** State after a candidate was found taken. */
export function afterMiss(state: SearchState, address: bigint): SearchState {
  const { listed, hint, misses } = state
  if (listed === undefined && hint) {
    const left = subtract(hint.left, [{ first: address, last: address }])
    return { ...state, misses: misses + 1, hint: { ...hint, left, misses: hint.misses + 1 } }
  }
  if (listed === undefined) return { ...state, misses: misses + 1 }
  const taken = includes(listed.taken, address) ? listed.taken : addOne(listed.taken, address)
  return { ...state, misses: state.misses + 1, listed: { ...listed, taken, misses: listed.misses + 1 } }
}

const addOne = (ranges: Ranges, address: bigint): Ranges => {
  const at = ranges.findIndex(({ first }) => first > address)
  const one = { first: address, last: address }
  return at < 0 ? [...ranges, one] : [...ranges.slice(0, at), one, ...ranges.slice(at)]
}

/** State after a list of the pool's objects. */
export const afterList = (state: SearchState, taken: Ranges, freshness: 'cached' | 'fresh'): SearchState => ({
  ...state,
  listed: { taken, freshness, misses: 0 },
})
