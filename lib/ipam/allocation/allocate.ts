// Allocates one address from the first pool that has one: the loop around decide, on a Store.
import { fromBigint, ipOfObjectName, objectNameOf, toBigint, familyOf, type Ip } from '../../ip/address.js'
import { includes, normal, sizeOf, subtract, type Interval, type Ranges } from '../../ip/range.js'
import type { SpiderIPAddress } from '../../crd/types.js'
import { isRecordOf, recordedIn } from './go-records.js'
import {
  afterHint,
  afterList,
  afterMiss,
  decide,
  hintOf,
  type SearchState,
  type SearchStep,
  type SearchRefusal,
} from './search.js'
import { addressObject, withHolder, isHeldBy, isUpToDate, orderSeed } from './address-object.js'
import type { Holder, Claimant } from './claimant.js'
import { poolOf, type Pool } from './pool.js'
import type { HeldAddress, Journal, Store } from '../store/store.js'
import { publishAllocation } from './shared-pool.js'

export interface AllocationRequest {
  readonly claimant: Claimant
  readonly nic: string
  /** In the order in which they are tried. */
  readonly pools: readonly Pool[]
  /** Reserved addresses of the family. */
  readonly reserved: Ranges
  /** Addresses of the pod's other interfaces, from its SpiderEndpoint. */
  readonly except?: readonly Ip[]
  /** Names of objects that the journal had before this call: what a killed ADD may have left. */
  readonly leftBehind?: readonly string[]
}

export type AllocationResult =
  | ({ readonly kind: 'held'; readonly pool: Pool } & Allocation)
  | { readonly kind: 'refused'; readonly refusals: readonly PoolRefusal[] }

export interface PoolRefusal {
  readonly pool: Pool
  readonly why: SearchRefusal
  /** How many of the pool's addresses are reserved. */
  readonly reserved: bigint
  /** How many more status.allocatedIPs records for other pods. */
  readonly recorded: bigint
}

export interface AllocDeps {
  readonly store: Store
  readonly journal: Journal
  readonly random: () => number
}

/**
 * An address object held for the claimant, or why each pool was refused.
 * @throws KubeError
 */
export async function allocate(request: AllocationRequest, deps: AllocDeps): Promise<AllocationResult> {
  const refusals: PoolRefusal[] = []
  for (const pool of request.pools) {
    const allocation = await fromPool(pool, request, deps)
    if (allocation.kind === 'held') return { ...allocation, pool }
    const reserved = sizeOf(pool.ranges) - sizeOf(subtract(pool.ranges, request.reserved))
    refusals.push({ pool, why: allocation.why, reserved, recorded: allocation.recorded })
  }
  return { kind: 'refused', refusals }
}

type FromPool =
  | ({ readonly kind: 'held' } & Allocation)
  | { readonly kind: 'refused'; readonly why: SearchRefusal; readonly recorded: bigint }

async function fromPool(
  pool: Pool,
  { claimant, nic, reserved, except = [], leftBehind = [] }: AllocationRequest,
  deps: AllocDeps,
): Promise<FromPool> {
  const open = subtract(pool.ranges, reserved)
  const own = await ownRecorded(pool, open, { claimant, nic, except }, deps)
  if (own) return { kind: 'held', ...own }
  const left = await ownLeftBehind(leftBehind, open, pool, { claimant, nic }, deps)
  if (left && !(await publishAllocation(left, pool, { claimant, nic }, deps))) return { kind: 'held', ...left }
  const free = pool.shared ? subtract(open, recordedIn(pool.shared, open, pool.family)) : open
  const viewed = deps.store.view?.heldIn(pool.uid) ?? []
  const before = await ownAmong(viewed, free, pool, { claimant, nic }, deps)
  if (before && !(await publishAllocation(before, pool, { claimant, nic }, deps))) return { kind: 'held', ...before }
  const known = takenIn(viewed, pool)
  let state: SearchState = {
    free,
    who: orderSeed(claimant, nic, pool),
    allocatedCount: pool.allocatedCount,
    misses: 0,
    known,
    hint: hintOf(subtract(free, known), pool.hinted),
    listed: undefined,
  }
  for (;;) {
    const next = decide(state, deps.random())
    if (next.kind === 'refuse') return { kind: 'refused', why: next.why, recorded: sizeOf(open) - sizeOf(state.free) }
    if (next.kind === 'hint') {
      const now = await deps.store.pool(pool.name)
      state = afterHint(state, now && poolOf(now, pool.family).hinted)
      continue
    }
    if (next.kind === 'list') {
      const held = await deps.store.listHeld(pool.uid, next.freshness)
      const own = await ownAmong(held, free, pool, { claimant, nic }, deps)
      if (own && !(await publishAllocation(own, pool, { claimant, nic }, deps))) return { kind: 'held', ...own }
      state = afterList(state, takenIn(held, pool), next.freshness)
      continue
    }
    const allocation = await tryOne(next, pool, { claimant, nic }, deps)
    const taken = allocation && (await publishAllocation(allocation, pool, { claimant, nic }, deps))
    if (allocation && !taken) return { kind: 'held', ...allocation }
    state = afterMiss(taken ? { ...state, free: subtract(state.free, taken) } : state, next.address)
  }
}

/**
 * An address that status.allocatedIPs records for this pod: by a Go agent, or by an earlier try.
 */
async function ownRecorded(
  pool: Pool,
  open: Ranges,
  { except, ...holder }: Holder & { readonly except: readonly Ip[] },
  deps: AllocDeps,
): Promise<Allocation | undefined> {
  for (const record of pool.shared?.records ?? []) {
    if (familyOf(record.ip) !== pool.family || !isRecordOf(record, holder) || except.includes(record.ip)) continue
    if (!includes(open, toBigint(record.ip))) continue
    const allocation = await claimOne(record.ip, pool, { ...holder, was: { uid: record.uid } }, deps)
    if (allocation && !(await publishAllocation(allocation, pool, holder, deps)))
      return { ...allocation, isOfRecord: true }
  }
  return undefined
}

/**
 * Creates the object of one address, or takes over the one that this pod holds already;
 * `undefined` where another pod holds it.
 */
export async function claimOne(ip: Ip, pool: Pool, holder: Holder, deps: AllocDeps): Promise<Allocation | undefined> {
  const { store, journal } = deps
  const object = addressObject({ ip, pool, nic: holder.nic, claimant: holder.claimant })
  journal.note(object.metadata.name)
  const outcome = await store.createAddress(object)
  if (outcome.kind === 'held') return { object: outcome.object, isNew: true }
  const found = await store.address(object.metadata.name)
  return found && takeOver(found, holder, store)
}

export interface Allocation {
  readonly object: SpiderIPAddress
  readonly isNew: boolean
  /** The pool's text recorded it for this pod before: the record stays where the call is undone. */
  readonly isOfRecord?: boolean
}

/** Tries one address; `undefined` is a miss: another pod has it. */
async function tryOne(
  next: Extract<SearchStep, { readonly kind: 'look' | 'create' }>,
  pool: Pool,
  { claimant, nic }: Holder,
  { store, journal }: AllocDeps,
): Promise<Allocation | undefined> {
  const ip = fromBigint(next.address, pool.family)
  if (next.kind === 'look') {
    const found = await store.address(objectNameOf(ip))
    if (found) return takeOverNoted(found, { claimant, nic }, { store, journal })
  }
  const object = addressObject({ ip, pool, nic, claimant })
  journal.note(object.metadata.name)
  const outcome = await store.createAddress(object)
  if (outcome.kind === 'held') return { object: outcome.object, isNew: true }
  if (next.kind === 'create' && next.isListed) return undefined
  const found = await store.address(object.metadata.name)
  return found && takeOver(found, { claimant, nic }, store)
}

const TAKE_OVER_TRIES_MAX = 8

/**
 * Takes over the address of an earlier try of this pod and NIC. The object gets this container's ID
 * before the address is used, so a late DEL of the earlier container, which deletes only what it
 * read unchanged, does not release it.
 */
export async function takeOver(found: SpiderIPAddress, holder: Holder, store: Store): Promise<Allocation | undefined> {
  let current: SpiderIPAddress | undefined = found
  for (let tries = 0; tries < TAKE_OVER_TRIES_MAX && current && isHeldBy(current, holder); tries++) {
    if (isUpToDate(current, holder)) return { object: current, isNew: false }
    const object = await store.updateAddress(withHolder(current, holder))
    if (object) return { object, isNew: false }
    current = await store.address(found.metadata.name) // the earlier container's DEL updated or deleted it
  }
  return undefined
}

/** Noted first: with this container's ID on it, only this container's DEL releases the address. */
async function takeOverNoted(
  found: SpiderIPAddress,
  holder: Holder,
  { store, journal }: Pick<AllocDeps, 'store' | 'journal'>,
): Promise<Allocation | undefined> {
  if (!isHeldBy(found, holder)) return undefined
  journal.note(found.metadata.name)
  return takeOver(found, holder, store)
}

/** An address of this pod and NIC that an earlier try left in the pool, by the labels of a list. */
async function ownAmong(
  held: readonly HeldAddress[],
  free: Ranges,
  pool: Pool,
  { claimant, nic }: Holder,
  deps: AllocDeps,
): Promise<Allocation | undefined> {
  const { store } = deps
  for (const { name, podUid } of held) {
    if (podUid !== claimant.uid) continue
    const object = await store.address(name)
    const ip = ipOfObjectName(name)
    if (!object || ip === undefined || familyOf(ip) !== pool.family || !includes(free, toBigint(ip))) continue
    const allocation = await takeOverNoted(object, { claimant, nic }, deps)
    if (allocation) return allocation
  }
  return undefined
}

/**
 * An address that a killed ADD of this container created. It counts as new: no record has it, so
 * this call releases it where it fails.
 */
async function ownLeftBehind(
  names: readonly string[],
  open: Ranges,
  pool: Pool,
  holder: Holder,
  deps: AllocDeps,
): Promise<Allocation | undefined> {
  for (const name of names) {
    const ip = ipOfObjectName(name)
    if (ip === undefined || familyOf(ip) !== pool.family || !includes(open, toBigint(ip))) continue
    const object = await deps.store.address(name)
    if (object && isHeldBy(object, holder) && isUpToDate(object, holder)) return { object, isNew: true }
  }
  return undefined
}

/** The addresses of a list as ranges; sorted once, so that 100,000 of them stay cheap. */
function takenIn(held: readonly HeldAddress[], pool: Pool): Ranges {
  const taken: Interval[] = []
  for (const { name } of held) {
    const ip = ipOfObjectName(name)
    if (ip === undefined || familyOf(ip) !== pool.family) continue
    const value = toBigint(ip)
    taken.push({ first: value, last: value })
  }
  return normal(taken)
}
