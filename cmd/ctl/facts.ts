// The addresses of a pool by state: held, quarantined, reserved, recorded by Go agents, free. Pure.
import { familyOfSpec, effectiveOf, usableOf } from '../../lib/crd/addressing.js'
import { IPAM_LABEL_POD_UID, IPAM_LABEL_POOL_UID, LABEL_CONFLICT } from '../../lib/crd/names.js'
import { readable } from '../../lib/crd/ranges.js'
import type { ObjectMeta, SpiderIPPool, SpiderReservedIP } from '../../lib/crd/types.js'
import { familyOf, ipOfObjectName, toBigint, type Family, type Ip } from '../../lib/ip/address.js'
import { intersect, normal, subtract, union, type Ranges } from '../../lib/ip/range.js'
import { recordedIn, sharedOf } from '../../lib/ipam/allocation/go-records.js'

/** A SpiderIPAddress of which only the metadata is needed. */
export interface AddressMeta {
  readonly metadata: ObjectMeta
}

export interface PoolFacts {
  readonly pool: SpiderIPPool
  readonly family: Family
  /** spec.ips, with what is excluded or unusable. */
  readonly named: Ranges
  /** Allocatable, as the allocator counts them. */
  readonly usable: Ranges
  /** Held by pods or containers, within and outside of `usable`. */
  readonly held: Ranges
  readonly quarantined: Ranges
  /** Reserved by a SpiderReservedIP, of `usable`. */
  readonly reserved: Ranges
  /** In status.allocatedIPs only, where Go agents share the pool; of `usable`. */
  readonly recorded: Ranges
  readonly free: Ranges
}

/** As isQuarantined of lib/ipam says it of a whole object: no holder, and the label. */
const isQuarantinedMeta = ({ metadata: { labels = {} } }: AddressMeta): boolean =>
  (labels[IPAM_LABEL_POD_UID] ?? '') === '' && labels[LABEL_CONFLICT] !== undefined

const rangesOfIps = (ips: readonly Ip[], family: Family): Ranges =>
  normal(ips.filter(ip => familyOf(ip) === family).map(ip => ({ first: toBigint(ip), last: toBigint(ip) })))

const namesOf = (addresses: readonly AddressMeta[], family: Family): Ranges =>
  rangesOfIps(
    addresses.flatMap(({ metadata }) => ipOfObjectName(metadata.name) ?? []),
    family,
  )

/** The reserved ranges of a family, without objects that are being deleted. */
export const reservedIn = (reserved: readonly SpiderReservedIP[], family: Family): Ranges =>
  normal(
    reserved
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .flatMap(({ spec }) => readable(spec.ips, family)),
  )

/** The addresses of one pool by state; `addresses` are those of the pool. */
export function poolFacts(
  pool: SpiderIPPool,
  addresses: readonly AddressMeta[],
  reserved: readonly SpiderReservedIP[],
): PoolFacts {
  const family = familyOfSpec(pool.spec)
  const usable = usableOf(pool.spec, family)
  const quarantined = namesOf(addresses.filter(isQuarantinedMeta), family)
  const held = namesOf(
    addresses.filter(one => !isQuarantinedMeta(one)),
    family,
  )
  const taken = union(held, quarantined)
  const open = subtract(usable, taken)
  const out = intersect(open, reservedIn(reserved, family))
  const shared = sharedOf(pool)
  const recorded = shared ? recordedIn(shared, subtract(open, out), family) : []
  return {
    ...{ pool, family, usable, held, quarantined, recorded },
    named: union(readable(pool.spec.ips, family), effectiveOf(pool.spec, family)),
    reserved: out,
    free: subtract(subtract(open, out), recorded),
  }
}

/** Address objects by the UID of their pool. */
export function byPool<A extends AddressMeta>(addresses: readonly A[]): ReadonlyMap<string, readonly A[]> {
  const found = new Map<string, A[]>()
  for (const address of addresses) {
    const uid = address.metadata.labels?.[IPAM_LABEL_POOL_UID] ?? ''
    const own = found.get(uid)
    if (own) own.push(address)
    else found.set(uid, [address])
  }
  return found
}
