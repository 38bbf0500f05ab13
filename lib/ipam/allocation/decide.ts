// One step of getting an address out of one pool: what is known so far in, the next thing to do out. Pure.
import { candidatesOf, isNearlyFull, probesBeforeList } from './candidates.js'
import { includes, intersect, isSame, nth, sizeOf, subtract, type Ranges } from '../../ip/range.js'

export interface FreeHint {
  /** As it was read, of what may be given at all. */
  readonly read: Ranges
  /** Less what was tried since. */
  readonly left: Ranges
  readonly misses: number
}

/** What has been learnt about one pool in this call. */
export interface SearchState {
  /** Addresses that may be given out at all. */
  readonly free: Ranges
  /** Who asks: pod, NIC and pool; decides the order. */
  readonly who: string
  /** What the pool's status says is allocated. */
  readonly allocatedCount: bigint
  /** Places of the order already tried and found taken by others. */
  readonly misses: number
  /** What the pool's status says is left and was not tried yet; `undefined` where it says nothing. */
  readonly hint: FreeHint | undefined
  /** What is taken by others, from a list of the pool's objects and from misses since. */
  readonly listed:
    { readonly taken: Ranges; readonly freshness: 'cached' | 'fresh'; readonly misses: number } | undefined
}

export type SearchStep =
  /** Look whether this address is ours or free before creating: the first miss has shown that the pool is in use. */
  | { readonly kind: 'look'; readonly address: bigint }
  /** `isListed`: what is ours would have been found in the list, so an address that is taken is somebody else's. */
  | { readonly kind: 'create'; readonly address: bigint; readonly isListed: boolean }
  /** Read the pool again: its status may say by now what is left. */
  | { readonly kind: 'hint' }
  | { readonly kind: 'list'; readonly freshness: 'cached' | 'fresh' }
  | { readonly kind: 'refuse'; readonly why: SearchRefusal }

export type SearchRefusal =
  { readonly reason: 'exhausted'; readonly size: bigint } | { readonly reason: 'contended'; readonly attempts: number }

/** After this many misses against one list the list is old: ask again. */
const MISSES_PER_LIST_MAX = 16
/** So many tries of what a hint left, and it is old. */
const MISSES_PER_HINT_MAX = 3
/** All tries of one call in one pool; beyond it others are as busy as we are, and the runtime shall come back. */
const ATTEMPTS_MAX = 200

/** `random` in [0, 1): the choice among what a list left, so that many callers with one list do not all want the same address. */
export function decide(state: SearchState, random: number): SearchStep {
  const { free, who, misses, listed, hint, allocatedCount } = state
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
    const tried = BigInt(misses)
    if (tried >= size) return { kind: 'list', freshness: 'fresh' }
    if (misses >= probesBeforeList(size, allocatedCount)) return { kind: 'list', freshness: 'cached' }
    const address = order.at(tried)
    return misses === 0 ? { kind: 'create', address, isListed: false } : { kind: 'look', address }
  }
  const left = subtract(free, listed.taken)
  const count = sizeOf(left)
  // Only a fresh list may say that nothing is left: a cached one may not know yet what was given back.
  if (count === 0n) return listed.freshness === 'fresh' ? exhausted(size) : { kind: 'list', freshness: 'fresh' }
  // Where the last few are fought for, each miss says that the list is old.
  if (listed.misses >= (isNearlyFull(size, count) ? 1 : MISSES_PER_LIST_MAX))
    return { kind: 'list', freshness: 'fresh' }
  const address = anyOf(left, random)
  return address === undefined ? exhausted(size) : { kind: 'create', address, isListed: true }
}

const anyOf = (ranges: Ranges, random: number): bigint | undefined =>
  nth(ranges, (BigInt(Math.floor(random * 2 ** 32)) * sizeOf(ranges)) >> 32n)

/** What a pool's status says is left, of what may be given at all. */
export function hintOf(free: Ranges, hinted: Ranges | undefined): FreeHint | undefined {
  const read = hinted && intersect(free, hinted)
  return read && { read, left: read, misses: 0 }
}

/** The pool was read again. Where it says what it said, nobody keeps its status, and only a list knows more. */
export function afterHint(state: SearchState, hinted: Ranges | undefined): SearchState {
  const hint = hintOf(state.free, hinted)
  const isNews = hint && !isSame(hint.read, state.hint?.read ?? [])
  return { ...state, hint: isNews ? hint : { read: [], left: [], misses: 0 } }
}

const exhausted = (size: bigint): SearchStep => ({ kind: 'refuse', why: { reason: 'exhausted', size } })

/** One address more that others hold. */
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

export const afterList = (state: SearchState, taken: Ranges, freshness: 'cached' | 'fresh'): SearchState => ({
  ...state,
  listed: { taken, freshness, misses: 0 },
})
