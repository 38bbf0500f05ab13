// What a SpiderSubnet's status and pools shall be
import { controlledOf, controlledText, type Controlled } from '../../../../lib/crd/controlled.js'
import { effectiveOf, familyOfSpec, usableOf } from '../../../../lib/crd/addressing.js'
import { cidrLabel } from '../../../../lib/crd/ippool.js'
import { FINALIZER, LABEL_OWNER_SUBNET, LABEL_SUBNET_CIDR } from '../../../../lib/crd/names.js'
import { readable } from '../../../../lib/crd/ranges.js'
import type { SpiderIPPool, SpiderReservedIP, SpiderSubnet } from '../../../../lib/crd/types.js'
import { familyOf, parseIp, toBigint, type Family } from '../../../../lib/ip/address.js'
import { parsePrefix } from '../../../../lib/ip/cidr.js'
import { intersect, normal, sizeOf, subtract, type Ranges } from '../../../../lib/ip/range.js'
import { usableIn } from '../../../../lib/ip/usable.js'
import { controllerOf } from '../application/decide.js'
import {
  applicationText,
  autoPoolName,
  identityOfPool,
  isFor,
  isReclaimed,
  matchKeyOf,
  matchKeyOfPool,
  type AutoPoolRequest,
} from './autopool.js'
import { countOf } from '../ippool/decide.js'
import * as notice from './notice.js'
import type { Notice } from './notice.js'
import { changeOf, creationOf, type PoolWrite } from './pool.js'
import { planShares, type Share } from './shares.js'

export interface SubnetState {
  readonly subnet: SpiderSubnet
  /** Those with the same spec.subnet. */
  readonly pools: readonly SpiderIPPool[]
  /** What applications want of this subnet, in the order in which they are served. */
  readonly wishes: readonly AutoPoolRequest[]
  readonly reserved: readonly SpiderReservedIP[]
  readonly heldOf: (pool: SpiderIPPool) => Ranges
  readonly poolNamed: (name: string) => SpiderIPPool | undefined
  /** Of a pool that was made for an application and that nobody wishes for: why so. */
  readonly requestStateOf: (pool: SpiderIPPool) => 'kept' | 'unrequested' | 'gone'
  /** A subnet with some of the same addresses that was there before. */
  readonly older: string | undefined
  readonly isThorough: boolean
}

export interface SubnetPlan {
  readonly status: {
    readonly controlledIPPools?: string
    readonly totalIPCount: number
    readonly allocatedIPCount: number
  }
  /** Of the subnet's metadata, where something is missing. */
  readonly metadata: { readonly labels?: Readonly<Record<string, string>>; readonly finalizers?: readonly string[] }
  /** Once the status is written. */
  readonly pools: readonly PoolWrite[]
  /** Last: a subnet that terminates asks for its pools to go, and goes when none is left. */
  readonly ending: 'foreground' | 'release' | undefined
  readonly notices: readonly Notice[]
}

/** One pool made, or to be made, for an application. */
interface Slot extends Share {
  readonly object: SpiderIPPool | undefined
  readonly request: AutoPoolRequest | undefined
  readonly application: string
}

export function planSubnet(seen: SubnetState): SubnetPlan {
  const { subnet, pools } = seen
  const family = familyOfSpec(subnet.spec)
  const effective = effectiveOf(subnet.spec, family)
  const usable = usableOf(subnet.spec, family)
  const isEnding = subnet.metadata.deletionTimestamp !== undefined
  const mine = pools.filter(pool => isMine(pool, subnet))
  const manual = mine.filter(pool => identityOfPool(pool) === undefined)
  const { slots, notices } = slotsOf(seen, mine, family)
  const shared = planShares(slots, {
    // What no pod can use is given up as what lies outside: as soon as no pod holds it.
    effective: usable,
    withheld: withheld(seen, family),
    others: normal(withoutSlot(pools, slots).flatMap(pool => effectiveOf(pool.spec, family))),
    isThorough: seen.isThorough,
  })
  const controlled = new Map<string, Controlled>(
    manual.map(({ metadata, spec }) => [metadata.name, { ranges: intersect(effective, effectiveOf(spec, family)) }]),
  )
  const writes: (PoolWrite | undefined)[] = isEnding ? [] : manual.map(pool => changeOf(pool, subnet))
  const yields = yieldingTo([...shared.values()].map(({ ranges }) => ranges))
  for (const slot of slots) {
    const { ranges = [], missing = 0n } = shared.get(slot.name) ?? {}
    if (missing > 0n && slot.request) notices.push(notice.exhausted(subnet, slot.request, missing))
    if (missing > 0n && !slot.object) continue // nothing is reserved for a pool that cannot be made
    controlled.set(slot.name, { ranges, application: slot.application })
    if (!isEnding) writes.push(writeOf(slot, { ranges, yields }, seen))
  }
  const text = controlledText(controlled, family)
  return {
    status: {
      ...(text !== undefined && { controlledIPPools: text }),
      totalIPCount: countOf(sizeOf(usable)),
      allocatedIPCount: countOf(
        [...controlled.values()].reduce(
          (sum, { ranges }) => sum + sizeOf(usableIn(ranges, family, prefixOf(subnet))),
          0n,
        ),
      ),
    },
    metadata: metadataOf(subnet),
    pools: writes.filter(write => write !== undefined),
    ending: isEnding ? endingOf(subnet, controlled.size) : undefined,
    notices,
  }
}

/** Owned by it, or by nobody: then it is taken in, unless the subnet is on its way out. */
function isMine({ metadata }: SpiderIPPool, subnet: SpiderSubnet): boolean {
  const controller = controllerOf(metadata)
  return controller ? controller.uid === subnet.metadata.uid : subnet.metadata.deletionTimestamp === undefined
}

const prefixOf = ({ spec }: SpiderSubnet) => ({ subnet: parsePrefix(spec.subnet) })

function withheld({ subnet, reserved }: SubnetState, family: Family): Ranges {
  const gateway = parseIp(subnet.spec.gateway ?? '')
  const at = gateway !== undefined && familyOf(gateway) === family ? toBigint(gateway) : undefined
  const ranges = reserved.flatMap(({ spec }) => readable(spec.ips, family))
  return normal(at === undefined ? ranges : [...ranges, { first: at, last: at }])
}

function slotsOf(
  seen: SubnetState,
  mine: readonly SpiderIPPool[],
  family: Family,
): { readonly slots: readonly Slot[]; readonly notices: Notice[] } {
  const records = controlledOf(seen.subnet.status?.controlledIPPools, family)
  const auto = mine.filter(pool => identityOfPool(pool) !== undefined).sort(byAge)
  const { wishOf, fresh, notices } = match(seen, auto, family)
  const slot = (name: string, object: SpiderIPPool | undefined, request: AutoPoolRequest | undefined): Slot => {
    const identity = request?.application ?? (object && identityOfPool(object))
    const isGoing = object?.metadata.deletionTimestamp !== undefined
    return {
      ...{ name, object, request },
      application: identity ? applicationText(identity) : '',
      pool: object && effectiveOf(object.spec, family),
      // What a pool was to get when its deletion came, it never gets: writes from before name a resourceVersion that is over.
      record: isGoing ? effectiveOf(object.spec, family) : records.get(name)?.ranges,
      held: () => (object ? seen.heldOf(object) : []),
      size: request && BigInt(request.application.size),
    }
  }
  const there = auto.map(pool => slot(pool.metadata.name, pool, wishOf.get(pool)))
  return { slots: [...there, ...[...fresh].map(([name, wish]) => slot(name, undefined, wish))], notices }
}

function withoutSlot(pools: readonly SpiderIPPool[], slots: readonly Slot[]): readonly SpiderIPPool[] {
  const auto = new Set(slots.map(({ object }) => object))
  return pools.filter(pool => !auto.has(pool))
}

interface Matched {
  readonly wishOf: ReadonlyMap<SpiderIPPool, AutoPoolRequest>
  /** By the name of the pool that is to be made. */
  readonly fresh: ReadonlyMap<string, AutoPoolRequest>
  readonly notices: Notice[]
}

/** Each wish finds the pool that is there for it, or the name of a new one; while another pool has that name, it waits. */
function match(
  { subnet, wishes, older, poolNamed }: SubnetState,
  auto: readonly SpiderIPPool[],
  family: Family,
): Matched {
  const kin = new Map<string, SpiderIPPool[]>(auto.map(pool => [matchKeyOfPool(pool), []]))
  for (const pool of auto) kin.get(matchKeyOfPool(pool))?.push(pool)
  const wishOf = new Map<SpiderIPPool, AutoPoolRequest>()
  const fresh = new Map<string, AutoPoolRequest>()
  const notices: Notice[] = []
  for (const wish of wishes) {
    const refusal = notice.refusalOf(subnet, wish, { family, older })
    if (refusal) {
      notices.push(refusal)
      continue
    }
    const pool = bestFor(wish, kin.get(matchKeyOf(wish)) ?? [])
    const name = pool?.metadata.name ?? autoPoolName(wish)
    const blocking = pool ? undefined : poolNamed(name)
    if (pool) wishOf.set(pool, wish)
    else if (!blocking) fresh.set(name, wish)
    else if (blocking.metadata.deletionTimestamp === undefined) notices.push(notice.taken(subnet, wish, blocking))
  }
  return { wishOf, fresh, notices }
}

/** Of several that are for it (a re-created application may find the pool of the one before), its own comes first. */
function bestFor(request: AutoPoolRequest, candidates: readonly SpiderIPPool[]): SpiderIPPool | undefined {
  const usable = candidates.filter(pool => pool.metadata.deletionTimestamp === undefined && isFor(pool, request))
  return usable.find(pool => identityOfPool(pool)?.uid === request.application.uid) ?? usable[0]
}

/** Older ones first, by name where that says nothing. */
function byAge({ metadata: a }: SpiderIPPool, { metadata: b }: SpiderIPPool): number {
  const [one, other] = [a, b].map(({ creationTimestamp = '', name }) => `${creationTimestamp} ${name}`)
  return (one ?? '') < (other ?? '') ? -1 : 1
}

type Yields = (has: Ranges, ranges: Ranges) => boolean

/** Whether a pool gives addresses up that another one shall have: a late ADD holds them for it. */
function yieldingTo(shares: readonly Ranges[]): Yields {
  let all: Ranges | undefined
  return (has, ranges) => {
    const lost = subtract(has, ranges)
    return lost.length > 0 && intersect(lost, (all ??= normal(shares.flat()))).length > 0
  }
}

function writeOf(
  slot: Slot,
  { ranges, yields }: { readonly ranges: Ranges; readonly yields: Yields },
  seen: SubnetState,
): PoolWrite | undefined {
  const { object, request, name } = slot
  if (!object) return request && creationOf(name, request, seen.subnet, ranges)
  const { uid = '', resourceVersion = '', deletionTimestamp } = object.metadata
  if (deletionTimestamp !== undefined) return undefined
  if (!request && isReclaimed(object)) {
    const fate = seen.requestStateOf(object)
    const goes = fate === 'gone' || (fate === 'unrequested' && seen.heldOf(object).length === 0)
    // Nobody can change a pool that terminates: what others hold of it leaves it first.
    if (goes && !yields(slot.pool ?? [], ranges)) return { verb: 'delete', name, uid, resourceVersion, why: fate }
  }
  return changeOf(object, seen.subnet, { ranges, ...(request && { request }) })
}

/** Its label, and our finalizer as long as it lives, also where no admission put them there. */
function metadataOf({ metadata, spec }: SpiderSubnet): SubnetPlan['metadata'] {
  if (metadata.deletionTimestamp !== undefined) return {}
  const label = cidrLabel(spec.subnet)
  const { labels = {}, finalizers = [] } = metadata
  return {
    ...(labels[LABEL_SUBNET_CIDR] !== label && { labels: { [LABEL_SUBNET_CIDR]: label } }),
    ...(!finalizers.includes(FINALIZER) && { finalizers: [...finalizers, FINALIZER] }),
  }
}

const FOREGROUND = 'foregroundDeletion'
const ORPHAN = 'orphan'

function endingOf({ metadata: { finalizers = [] } }: SpiderSubnet, pools: number): SubnetPlan['ending'] {
  if (pools === 0) return finalizers.includes(FINALIZER) ? 'release' : undefined
  return finalizers.includes(FOREGROUND) || finalizers.includes(ORPHAN) ? undefined : 'foreground'
}
