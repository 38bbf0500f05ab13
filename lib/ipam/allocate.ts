// Takes one address out of the first pool that has one: the loop around decide, on a port. Knows no API server and no CNI.
import { fromBigint, ipOfObjectName, objectNameOf, toBigint, familyOf } from '../ip/address.js'
import { includes, sizeOf, subtract, union, type Ranges } from '../ip/range.js'
import type { SpiderIPAddress } from '../crd/types.js'
import { afterHint, afterList, afterMiss, decide, hintOf, type Known, type Next, type Refusal } from './decide.js'
import { addressObject, handedTo, isOurs, isUpToDate, whoOf, type Asking, type Claimant } from './identity.js'
import { poolOf, type Pool } from './pool.js'
import type { Held, Journal, Port } from './port.js'

export interface Wanted {
  readonly claimant: Claimant
  readonly nic: string
  /** In the order in which they are to be tried. */
  readonly pools: readonly Pool[]
  /** Reserved addresses of the family. */
  readonly reserved: Ranges
}

export type Taken =
  | { readonly kind: 'held'; readonly pool: Pool; readonly object: SpiderIPAddress; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly refusals: readonly PoolRefusal[] }

export interface PoolRefusal {
  readonly pool: Pool
  readonly why: Refusal
  /** How many of the pool's addresses are reserved. */
  readonly reserved: bigint
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
    refusals.push({ pool, why: got.why, reserved })
  }
  return { kind: 'refused', refusals }
}

type FromPool =
  | { readonly kind: 'held'; readonly object: SpiderIPAddress; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly why: Refusal }

async function fromPool(pool: Pool, { claimant, nic, reserved }: Wanted, hands: Hands): Promise<FromPool> {
  const free = subtract(pool.ranges, reserved)
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
    if (next.kind === 'refuse') return { kind: 'refused', why: next.why }
    if (next.kind === 'hint') {
      const now = await hands.port.pool(pool.name)
      known = afterHint(known, now && poolOf(now, pool.family).hinted)
      continue
    }
    if (next.kind === 'list') {
      const held = await hands.port.heldIn(pool.uid, next.freshness)
      const own = await ownAmong(held, free, pool, { claimant, nic }, hands)
      if (own) return { kind: 'held', ...own }
      known = afterList(known, takenIn(held, pool), next.freshness)
      continue
    }
    const got = await tryOne(next, pool, { claimant, nic }, hands)
    if (got) return { kind: 'held', ...got }
    known = afterMiss(known, next.address)
  }
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
