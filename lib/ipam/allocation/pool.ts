// A SpiderIPPool parsed for allocation: family, subnet, ranges, routes. Pure.
import { parsePrefix, type Prefix } from '../../ip/cidr.js'
import { parseIp, type Family, type Ip } from '../../ip/address.js'
import { rangesOf, sizeOf, subtract, type Ranges } from '../../ip/range.js'
import { usableIn } from '../../ip/usable.js'
import type { PoolRoute, SpiderIPPool, SpiderReservedIP } from '../../crd/types.js'
import { sharedOf, type SharedPool } from './go-records.js'

export interface Pool {
  readonly name: string
  readonly uid: string
  readonly family: Family
  readonly subnet: Prefix
  readonly gateway: Ip | undefined
  readonly routes: readonly PoolRoute[]
  /** Allocatable: ips less excludeIPs, less network, broadcast and gateway addresses. */
  readonly ranges: Ranges
  /** How many addresses of ips less excludeIPs no host can have. */
  readonly unusable: bigint
  /** status.allocatedIPCount; up to a second stale, so never the base of a decision. */
  readonly allocatedCount: bigint
  /** status.freeIPs, present where the pool is nearly full; equally stale. */
  readonly hinted: Ranges | undefined
  /** Where Go agents allocate from the pool too: their records. */
  readonly shared: SharedPool | undefined
}

/**
 * The parsed pool.
 * @throws IpError that names a range of spec that does not parse; RangeError for spec.subnet
 */
export function poolOf(object: SpiderIPPool, family: Family): Pool {
  const { spec, metadata, status } = object
  const subnet = parsePrefix(spec.subnet)
  if (!subnet) throw new RangeError(`SpiderIPPool ${metadata.name}: spec.subnet "${spec.subnet}" is not a CIDR`)
  const gateway = spec.gateway === undefined || spec.gateway === '' ? undefined : parseIp(spec.gateway)
  const named = subtract(rangesOf(spec.ips ?? [], family), rangesOf(spec.excludeIPs ?? [], family))
  const ranges = usableIn(named, family, { subnet, gateway })
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    family,
    subnet,
    gateway,
    routes: spec.routes ?? [],
    ranges,
    unusable: sizeOf(named) - sizeOf(ranges),
    allocatedCount: BigInt(status?.allocatedIPCount ?? 0),
    hinted: status?.freeIPs && rangesOf(status.freeIPs, family),
    shared: sharedOf(object),
  }
}

/** The reserved addresses of one family, without SpiderReservedIPs that are being deleted. */
export function reservedRanges(objects: readonly SpiderReservedIP[], family: Family): Ranges {
  const texts = objects
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ spec }) => spec.ips ?? [])
    .filter(text => text.includes(':') === (family === 6))
  return rangesOf(texts, family)
}
