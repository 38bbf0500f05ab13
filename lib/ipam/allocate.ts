// Takes one address out of the first pool that has one: the loop around decide, on a port. Knows no API server and no CNI.
import { fromBigint, ipOfObjectName, objectNameOf, toBigint, familyOf, type Ip } from '../ip/address.js'
import { includes, sizeOf, subtract, union, type Ranges } from '../ip/range.js'
import type { SpiderIPAddress } from '../crd/types.js'
import { isRecordOf, recordedIn } from './allocated.js'
import { afterHint, afterList, afterMiss, decide, hintOf, type Known, type Next, type Refusal } from './decide.js'
import { addressObject, handedTo, isOurs, isUpToDate, whoOf, type Asking, type Claimant } from './identity.js'
import { poolOf, type Pool } from './pool.js'
import type { Held, Journal, Port } from './port.js'
import { publish } from './publish.js'

export interface Wanted {
  readonly claimant: Claimant
  readonly nic: string
  /** In the order in which they are to be tried. */
  readonly pools: readonly Pool[]
  /** Reserved addresses of the family. */
  readonly reserved: Ranges
  /** What other interfaces of the pod have by its SpiderEndpoint. */
  readonly except?: readonly Ip[]
}

export type Taken =
  | { readonly kind: 'held'; readonly pool: Pool; readonly object: SpiderIPAddress; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly refusals: readonly PoolRefusal[] }

export interface PoolRefusal {
  readonly pool: Pool
  readonly why: Refusal
  /** How many of the pool's addresses are reserved. */
  readonly reserved: bigint
  /** How many more status.allocatedIPs gives to other pods. */
  readonly recorded: bigint
}

export interface Hands {
  readonly port: Port
  readonly journal: Journal
  readonly random: () => number
}

export async function allocate(wanted: Wanted, hands: Hands): Promise<Taken> {
  const refusals: PoolRefusal[] = []
  for (const pool of wanted.pools) {
    const got = await fromPool(pool, wanted, hands)
    if (got.kind === 'held') return { ...got, pool }
    const reserved = sizeOf(pool.ranges) - sizeOf(subtract(pool.ranges, wanted.reserved))
    refusals.push({ pool, why: got.why, reserved, recorded: got.recorded })
  }
  return { kind: 'refused', refusals }
}

type FromPool =
  | { readonly kind: 'held'; readonly object: SpiderIPAddress; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly why: Refusal; readonly recorded: bigint }

async function fromPool(pool: Pool, { claimant, nic, reserved, except = [] }: Wanted, hands: Hands): Promise<FromPool> {
  const open = subtract(pool.ranges, reserved)
  const own = await ownRecorded(pool, open, { claimant, nic, except }, hands)
  if (own) return { kind: 'held', ...own }
  const free = pool.shared ? subtract(open, recordedIn(pool.shared, open, pool.family)) : open
  let known: Known = {
    free,
    who: whoOf(claimant, nic, pool),
    allocatedCount: pool.allocatedCount,
    misses: 0,
    hint: hintOf(free, pool.hinted),
    listed: undefined,
  }
  for (;;) {
    const next = decide(known, hands.random())
    if (next.kind === 'refuse') return { kind: 'refused', why: next.why, recorded: sizeOf(open) - sizeOf(known.free) }
    if (next.kind === 'hint') {
      const now = await hands.port.pool(pool.name)
      known = afterHint(known, now && poolOf(now, pool.family).hinted)
      continue
    }
    if (next.kind === 'list') {
      const held = await hands.port.heldIn(pool.uid, next.freshness)
      const own = await ownAmong(held, free, pool, { claimant, nic }, hands)
      if (own && !(await lost(own, pool, { claimant, nic }, hands))) return { kind: 'held', ...own }
      known = afterList(known, takenIn(held, pool), next.freshness)
      continue
    }
    const got = await tryOne(next, pool, { claimant, nic }, hands)
    const taken = got && (await lost(got, pool, { claimant, nic }, hands))
    if (got && !taken) return { kind: 'held', ...got }
    known = afterMiss(taken ? { ...known, free: subtract(known.free, taken) } : known, next.address)
  }
}

/** An address that a Go agent gave to this pod and that is no object yet, or whose record an earlier try of this call wrote. */
async function ownRecorded(
  pool: Pool,
  open: Ranges,
  { except, ...asking }: Asking & { readonly except: readonly Ip[] },
  hands: Hands,
): Promise<Got | undefined> {
  for (const record of pool.shared?.records ?? []) {
    if (familyOf(record.ip) !== pool.family || !isRecordOf(record, asking) || except.includes(record.ip)) continue
    if (!includes(open, toBigint(record.ip))) continue
    const got = await claimOne(record.ip, pool, { ...asking, was: { uid: record.uid } }, hands)
    if (got && !(await lost(got, pool, asking, hands))) return got
  }
  return undefined
}

/** Creates the object of one address, or takes over the one that is the asking pod's already. */
export async function claimOne(ip: Ip, pool: Pool, asking: Asking, hands: Hands): Promise<Got | undefined> {
  const { port, journal } = hands
  const object = addressObject({ ip, pool, nic: asking.nic, claimant: asking.claimant })
  journal.note(object.metadata.name)
  const outcome = await port.claim(object)
  if (outcome.kind === 'held') return { object: outcome.object, isNew: true }
  const holder = await port.address(object.metadata.name)
  return holder && takeOver(holder, asking, port)
}

/**
 * In a pool that Go agents allocate from: the addresses of others, where one of them has this one by now; then it is given back.
 * `undefined`: it is the asking pod's in both systems.
 */
export async function lost(got: Got, pool: Pool, asking: Asking, { port }: Hands): Promise<Ranges | undefined> {
  const ip = ipOfObjectName(got.object.metadata.name)
  if (!pool.shared || ip === undefined) return undefined
  const { family, ranges } = pool
  const taken = await publish(pool.shared, { ip, family, ranges, asking }, port)
  if (taken) await port.release(got.object)
  return taken
}

export type Got = { readonly object: SpiderIPAddress; readonly isNew: boolean }

/** Tries one address; `undefined` is a miss: somebody else has it. */
async function tryOne(
  next: Extract<Next, { readonly kind: 'look' | 'create' }>,
  pool: Pool,
  { claimant, nic }: Asking,
  { port, journal }: Hands,
): Promise<Got | undefined> {
  const ip = fromBigint(next.address, pool.family)
  if (next.kind === 'look') {
    const holder = await port.address(objectNameOf(ip))
    if (holder) return takeOverNoted(holder, { claimant, nic }, { port, journal })
  }
  const object = addressObject({ ip, pool, nic, claimant })
  journal.note(object.metadata.name)
  const outcome = await port.claim(object)
  if (outcome.kind === 'held') return { object: outcome.object, isNew: true }
  if (next.kind === 'create' && next.isListed) return undefined
  const holder = await port.address(object.metadata.name)
  return holder && takeOver(holder, { claimant, nic }, port)
}

const TAKE_OVER_TRIES_MAX = 8

/**
 * What an earlier try of this pod and NIC took. Its object gets this container's ID before the address is used: a late DEL of the earlier
 * container, which frees only what it read unchanged, then leaves it alone.
 */
export async function takeOver(holder: SpiderIPAddress, asking: Asking, port: Port): Promise<Got | undefined> {
  let known: SpiderIPAddress | undefined = holder
  for (let tries = 0; tries < TAKE_OVER_TRIES_MAX && known && isOurs(known, asking); tries++) {
    if (isUpToDate(known, asking)) return { object: known, isNew: false }
    const object = await port.adopt(handedTo(known, asking))
    if (object) return { object, isNew: false }
    known = await port.address(holder.metadata.name) // the earlier container's DEL wrote it meanwhile, or freed it
  }
  return undefined
}

/** Once it has this container's ID, no other container's DEL frees it: so this one's must find it, recorded or not. */
async function takeOverNoted(
  holder: SpiderIPAddress,
  asking: Asking,
  { port, journal }: Pick<Hands, 'port' | 'journal'>,
): Promise<Got | undefined> {
  if (!isOurs(holder, asking)) return undefined
  journal.note(holder.metadata.name)
  return takeOver(holder, asking, port)
}

/** An address of this pod and NIC that an earlier try, far along its order, left in the pool: found by the list's labels. */
async function ownAmong(
  held: readonly Held[],
  free: Ranges,
  pool: Pool,
  { claimant, nic }: Asking,
  hands: Hands,
): Promise<Got | undefined> {
  const { port } = hands
  for (const { name, podUid } of held) {
    if (podUid !== claimant.uid) continue
    const object = await port.address(name)
    const ip = ipOfObjectName(name)
    if (!object || ip === undefined || familyOf(ip) !== pool.family || !includes(free, toBigint(ip))) continue
    const got = await takeOverNoted(object, { claimant, nic }, hands)
    if (got) return got
  }
  return undefined
}

/** The addresses of a list as ranges: sorted once, so a list of 100,000 costs its length. */
function takenIn(held: readonly Held[], pool: Pool): Ranges {
  const values: bigint[] = []
  for (const { name } of held) {
    const ip = ipOfObjectName(name)
    if (ip !== undefined && familyOf(ip) === pool.family) values.push(toBigint(ip))
  }
  values.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return union(
    [],
    values.map(value => ({ first: value, last: value })),
  )
}
