// The plan of writes for a SpiderSubnet: its status first, then its pools. Level-based. An address
// is written into the subnet's status before a pool gets it, and is free again only when neither
// has it. So a process that dies between two writes leaves a state that the next plan continues
// from, and no address is ever in two pools.
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
  /** Pools with the same spec.subnet. */
  readonly pools: readonly SpiderIPPool[]
  /** Requests on this subnet, in the order in which they are served. */
  readonly requests: readonly AutoPoolRequest[]
  readonly reserved: readonly SpiderReservedIP[]
  readonly heldOf: (pool: SpiderIPPool) => Ranges
  readonly poolNamed: (name: string) => SpiderIPPool | undefined
  /** For a pool that was created for an application and is not requested now: why not. */
  readonly requestStateOf: (pool: SpiderIPPool) => 'kept' | 'unrequested' | 'gone'
  /** An older subnet that overlaps this one. */
  readonly older: string | undefined
  readonly isThorough: boolean
}

export interface SubnetPlan {
  readonly status: {
    readonly controlledIPPools?: string
    readonly totalIPCount: number
    readonly allocatedIPCount: number
  }
  /** Metadata of the subnet to write, where something is missing. */
  readonly metadata: { readonly labels?: Readonly<Record<string, string>>; readonly finalizers?: readonly string[] }
  /** Written after the status. */
  readonly pools: readonly PoolWrite[]
  /**
   * Written last: a terminating subnet deletes its pools in the foreground and is released when
   * none is left.
   */
  readonly ending: 'foreground' | 'release' | undefined
  readonly notices: readonly Notice[]
}

/** A pool of an application, existing or to be created. */
interface Slot extends Share {
  readonly object: SpiderIPPool | undefined
  readonly request: AutoPoolRequest | undefined
  readonly application: string
}

/** The plan for one subnet. Pure. */
export function planSubnet(state: SubnetState): SubnetPlan {
  const { subnet, pools } = state
  const family = familyOfSpec(subnet.spec)
  const effective = effectiveOf(subnet.spec, family)
  const usable = usableOf(subnet.spec, family)
  const isEnding = subnet.metadata.deletionTimestamp !== undefined
  const own = pools.filter(pool => isOwn(pool, subnet))
  const manual = own.filter(pool => identityOfPool(pool) === undefined)
  const { slots, notices } = slotsOf(state, own, family)
  const shared = planShares(slots, {
    // Addresses that no pod can use are released like those outside the subnet: once no pod holds
    // them.
    effective: usable,
    withheld: withheldIn(state, family),
    others: normal(withoutSlot(pools, slots).flatMap(pool => effectiveOf(pool.spec, family))),
    isThorough: state.isThorough,
  })
  const controlled = new Map<string, Controlled>(
    manual.map(({ metadata, spec }) => [metadata.name, { ranges: intersect(effective, effectiveOf(spec, family)) }]),
  )
  const writes: (PoolWrite | undefined)[] = isEnding ? [] : manual.map(pool => changeOf(pool, subnet))
  const yields = yieldingTo([...shared.values()].map(({ ranges }) => ranges))
  for (const slot of slots) {
    const { ranges = [], missing = 0n } = shared.get(slot.name) ?? {}
    if (missing > 0n && slot.request) notices.push(notice.exhausted(subnet, slot.request, missing))
    if (missing > 0n && !slot.object) continue // nothing is reserved for a pool that cannot be created
    controlled.set(slot.name, { ranges, application: slot.application })
    if (!isEnding) writes.push(writeOf(slot, { ranges, yields }, state))
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

/**
 * Whether the pool is owned by the subnet, or has no owner: then it is adopted, unless the subnet
 * terminates.
 */
function isOwn({ metadata }: SpiderIPPool, subnet: SpiderSubnet): boolean {
  const controller = controllerOf(metadata)
  return controller ? controller.uid === subnet.metadata.uid : subnet.metadata.deletionTimestamp === undefined
}

const prefixOf = ({ spec }: SpiderSubnet) => ({ subnet: parsePrefix(spec.subnet) })

function withheldIn({ subnet, reserved }: SubnetState, family: Family): Ranges {
  const gateway = parseIp(subnet.spec.gateway ?? '')
  const at = gateway !== undefined && familyOf(gateway) === family ? toBigint(gateway) : undefined
  const ranges = reserved.flatMap(({ spec }) => readable(spec.ips, family))
  return normal(at === undefined ? ranges : [...ranges, { first: at, last: at }])
}

function slotsOf(
  state: SubnetState,
  own: readonly SpiderIPPool[],
  family: Family,
): { readonly slots: readonly Slot[]; readonly notices: Notice[] } {
  const records = controlledOf(state.subnet.status?.controlledIPPools, family)
  const auto = own.filter(pool => identityOfPool(pool) !== undefined).sort(byAge)
  const { requestOf, created, notices } = match(state, auto, family)
  const slot = (name: string, object: SpiderIPPool | undefined, request: AutoPoolRequest | undefined): Slot => {
    const identity = request?.application ?? (object && identityOfPool(object))
    const isTerminating = object?.metadata.deletionTimestamp !== undefined
    return {
      ...{ name, object, request },
      application: identity ? applicationText(identity) : '',
      pool: object && effectiveOf(object.spec, family),
      // A terminating pool gets no more addresses: earlier writes name an outdated resourceVersion.
      record: isTerminating ? effectiveOf(object.spec, family) : records.get(name)?.ranges,
      held: () => (object ? state.heldOf(object) : []),
      size: request && BigInt(request.application.size),
    }
  }
  const existing = auto.map(pool => slot(pool.metadata.name, pool, requestOf.get(pool)))
  return { slots: [...existing, ...[...created].map(([name, request]) => slot(name, undefined, request))], notices }
}

function withoutSlot(pools: readonly SpiderIPPool[], slots: readonly Slot[]): readonly SpiderIPPool[] {
  const auto = new Set(slots.map(({ object }) => object))
  return pools.filter(pool => !auto.has(pool))
}

interface Matched {
  readonly requestOf: ReadonlyMap<SpiderIPPool, AutoPoolRequest>
  /** By the name of the pool to create. */
  readonly created: ReadonlyMap<string, AutoPoolRequest>
  readonly notices: Notice[]
}

/**
 * Assigns each request its existing pool, or the name of a new one; while another pool has that
 * name, the request waits.
 */
function match(
  { subnet, requests, older, poolNamed }: SubnetState,
  auto: readonly SpiderIPPool[],
  family: Family,
): Matched {
  const byMatchKey = new Map<string, SpiderIPPool[]>(auto.map(pool => [matchKeyOfPool(pool), []]))
  for (const pool of auto) byMatchKey.get(matchKeyOfPool(pool))?.push(pool)
  const requestOf = new Map<SpiderIPPool, AutoPoolRequest>()
  const created = new Map<string, AutoPoolRequest>()
  const notices: Notice[] = []
  for (const request of requests) {
    const refusal = notice.refusalOf(subnet, request, { family, older })
    if (refusal) {
      notices.push(refusal)
      continue
    }
    const pool = bestFor(request, byMatchKey.get(matchKeyOf(request)) ?? [])
    const name = pool?.metadata.name ?? autoPoolName(request)
    const blocking = pool ? undefined : poolNamed(name)
    if (pool) requestOf.set(pool, request)
    else if (!blocking) created.set(name, request)
    else if (blocking.metadata.deletionTimestamp === undefined) notices.push(notice.taken(subnet, request, blocking))
  }
  return { requestOf, created, notices }
}

/** The pool for a request; its own before one that an earlier application of that name left. */
function bestFor(request: AutoPoolRequest, candidates: readonly SpiderIPPool[]): SpiderIPPool | undefined {
  const usable = candidates.filter(pool => pool.metadata.deletionTimestamp === undefined && isFor(pool, request))
  return usable.find(pool => identityOfPool(pool)?.uid === request.application.uid) ?? usable[0]
}

/** Older pools first, then by name. */
function byAge({ metadata: a }: SpiderIPPool, { metadata: b }: SpiderIPPool): number {
  const [one, other] = [a, b].map(({ creationTimestamp = '', name }) => `${creationTimestamp} ${name}`)
  return (one ?? '') < (other ?? '') ? -1 : 1
}

type YieldCheck = (has: Ranges, ranges: Ranges) => boolean

/** Whether a pool releases addresses that another one is to have: a late ADD may hold them. */
function yieldingTo(shares: readonly Ranges[]): YieldCheck {
  let all: Ranges | undefined
  return (has, ranges) => {
    const lost = subtract(has, ranges)
    return lost.length > 0 && intersect(lost, (all ??= normal(shares.flat()))).length > 0
  }
}

function writeOf(
  slot: Slot,
  { ranges, yields }: { readonly ranges: Ranges; readonly yields: YieldCheck },
  state: SubnetState,
): PoolWrite | undefined {
  const { object, request, name } = slot
  if (!object) return request && creationOf(name, request, state.subnet, ranges)
  const { uid = '', resourceVersion = '', deletionTimestamp } = object.metadata
  if (deletionTimestamp !== undefined) return undefined
  if (!request && isReclaimed(object)) {
    const requestState = state.requestStateOf(object)
    const isDeleted = requestState === 'gone' || (requestState === 'unrequested' && state.heldOf(object).length === 0)
    // A terminating pool cannot be changed, so the addresses that others hold leave it first.
    if (isDeleted && !yields(slot.pool ?? [], ranges))
      return { verb: 'delete', name, uid, resourceVersion, why: requestState }
  }
  return changeOf(object, state.subnet, { ranges, ...(request && { request }) })
}

/** The CIDR label, and our finalizer while it lives, also where admission did not add them. */
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
