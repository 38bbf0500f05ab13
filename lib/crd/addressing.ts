// Fields that SpiderIPPool and SpiderSubnet share: subnet, ranges, exclusions, gateway, routes.
import { familyOf, fromBigint, parseIp, toBigint, type Family } from '../ip/address.js'
import { formatPrefix, intervalOfPrefix, networkOf, parsePrefix, type Cidr, type Prefix } from '../ip/cidr.js'
import { includes, parseRange, rangesOf, subtract, type Interval, type Ranges } from '../ip/range.js'
import { isLinkLocal6, usableIn, whyNoRouter, whyUnusable } from '../ip/usable.js'
import { forbidden, invalid, required, unsupported, type Fault } from './fault.js'
import { mergedTexts, rangeFaults, readable } from './ranges.js'
import type { SpiderSubnet } from './types.js'

/** The spec of a SpiderSubnet, whose fields a SpiderIPPool has too. */
export type Addressing = SpiderSubnet['spec']

/** Address families that conf.yml enables. */
export interface Families {
  readonly enableIPv4: boolean
  readonly enableIPv6: boolean
}

export const BOTH_FAMILIES: Families = { enableIPv4: true, enableIPv6: true }

/** A fault where conf.yml disables the family. */
export function offFaults(version: number | undefined, { enableIPv4, enableIPv6 }: Families): readonly Fault[] {
  const isOff = (version === 4 && !enableIPv4) || (version === 6 && !enableIPv6)
  return isOff ? [forbidden('spec.ipVersion', version, `IPv${version} is off: enableIPv${version} of conf.yml`)] : []
}

/** `172.18.41.0/24` as a label value: 172-18-41-0-24. */
export const cidrLabel = (subnet: string): string => subnet.replace(/[.:/]/g, '-')

/**
 * The spec with its family filled in and its ranges merged and sorted; a single range stays as it
 * was typed.
 */
export function completed<S extends Addressing>(spec: S): S {
  const prefix = parsePrefix(spec.subnet)
  const family = prefix && familyOf(prefix.ip)
  const version = spec.ipVersion ?? family
  // Overlapping ranges of `ips` are left for validation, which refuses them.
  const ips = mergedTexts(spec.ips, family, { keepOverlaps: true })
  const excludeIPs = mergedTexts(spec.excludeIPs, family)
  return {
    ...spec,
    ...(version !== undefined && { ipVersion: version }),
    ...(ips && { ips }),
    ...(excludeIPs && { excludeIPs }),
  }
}

/** `ips` without `excludeIPs`; unreadable ranges are skipped. */
export const effectiveOf = ({ ips, excludeIPs }: Addressing, family: Family): Ranges =>
  subtract(readable(ips, family), readable(excludeIPs, family))

/**
 * Allocatable ranges: `effectiveOf` without network, broadcast, gateway and the like. Counts are of
 * these.
 */
export const usableOf = (spec: Addressing, family: Family): Ranges =>
  usableIn(effectiveOf(spec, family), family, {
    subnet: parsePrefix(spec.subnet),
    gateway: parseIp(spec.gateway ?? ''),
  })

/** The family of an admitted object; derived from its subnet where ipVersion is absent. */
export const familyOfSpec = ({ ipVersion, subnet }: Addressing): Family =>
  ipVersion === 4 || ipVersion === 6 ? ipVersion : subnet.includes(':') ? 6 : 4

/** Faults of ipVersion and subnet. `another`: the kind to create instead of changing them. */
export function subnetFaults(
  spec: Addressing,
  old: Addressing | undefined,
  families: Families,
  another: string,
): readonly Fault[] {
  if (old && old.subnet !== spec.subnet)
    return [forbidden('spec.subnet', spec.subnet, `it cannot be changed; make another ${another}`)]
  if (old?.ipVersion !== undefined && old.ipVersion !== spec.ipVersion)
    return [forbidden('spec.ipVersion', spec.ipVersion, `it cannot be changed; make another ${another}`)]
  if (spec.ipVersion !== undefined && spec.ipVersion !== 4 && spec.ipVersion !== 6)
    return [unsupported('spec.ipVersion', spec.ipVersion, [4, 6])]
  const off = offFaults(spec.ipVersion, families)
  if (off.length > 0) return off
  const prefix = parsePrefix(spec.subnet)
  if (!prefix) return [invalid('spec.subnet', spec.subnet, 'it must be a CIDR such as 172.18.0.0/16')]
  if (spec.ipVersion === undefined) return [required('spec.ipVersion', 'it must be 4 or 6')]
  if (familyOf(prefix.ip) !== spec.ipVersion)
    return [invalid('spec.subnet', spec.subnet, `it is not IPv${spec.ipVersion} (spec.ipVersion)`)]
  // Immutable, so an object stored by an older version can still be edited.
  if (old) return []
  const canonical = canonicalFaults(spec.subnet, prefix)
  return canonical.length > 0 ? canonical : hostlessFaults(spec.subnet, prefix)
}

/** Subnets without host addresses, such as 224.0.0.0/8. */
function hostlessFaults(subnet: string, prefix: Prefix): readonly Fault[] {
  const all = intervalOfPrefix(prefix)
  const family = familyOf(prefix.ip)
  if (usableIn([all], family, { subnet: prefix }).length > 0) return []
  const sample = fromBigint(all.first + (all.last - all.first) / 2n, family)
  const why = whyUnusable(sample, prefix) ?? 'has no host address'
  return [invalid('spec.subnet', subnet, `no pod can use an address of it: ${sample} ${why}; take another subnet`)]
}

function canonicalFaults(subnet: string, prefix: Prefix): readonly Fault[] {
  const network: Cidr = networkOf(prefix)
  if (network === subnet) return []
  const what = network === formatPrefix(prefix) ? 'is not written canonically' : 'has host bits'
  return [invalid('spec.subnet', subnet, `it ${what}; write ${network}`)]
}

/** Faults of ranges that are unreadable, outside the subnet, or overlap within `ips`. */
export function listFaults(
  { ips = [], excludeIPs = [] }: Addressing,
  family: Family,
  inside: Interval,
): readonly Fault[] {
  return [
    ...rangeFaults('spec.ips', ips, { family, inside, mayOverlap: false }),
    ...rangeFaults('spec.excludeIPs', excludeIPs, { family, inside, mayOverlap: true }),
  ]
}

/** Addresses that a sentence names at most. */
const NAMED_MAX = 3

/**
 * A fault where no pod can use any address of the ranges, which must be readable. Only new ranges
 * are checked: a pool may shrink to addresses that are still allocated.
 */
export function unusableFaults(spec: Addressing, old: Addressing | undefined, prefix: Prefix): readonly Fault[] {
  const family = familyOf(prefix.ip)
  const effective = effectiveOf(spec, family)
  if (effective.length === 0 || usableIn(effective, family, { subnet: prefix }).length > 0) return []
  if (old && subtract(effective, effectiveOf(old, family)).length === 0) return []
  const samples = effective.slice(0, NAMED_MAX).map(({ first }) => fromBigint(first, family))
  const reasons = samples.map(ip => `${ip} ${whyUnusable(ip, prefix) ?? ''}`)
  return [invalid('spec.ips', spec.ips, `no pod can use any of them: ${reasons.join(', ')}; name others`)]
}

/** Faults of gateway and routes. A next hop that is unchanged does not block another change. */
export const nexthopFaults = (spec: Addressing, old: Addressing | undefined, prefix: Prefix): readonly Fault[] => [
  ...gatewayFaults(spec, old, prefix),
  ...routeFaults(spec, old, prefix),
]

/**
 * Why `text` cannot be a next hop of the subnet. IPv6 link-local can: HSRP and VRRP use nothing
 * else.
 */
function whyNoNexthop(text: string, subnet: Prefix, { isNew }: { readonly isNew: boolean }): string | undefined {
  const ip = parseIp(text)
  if (ip === undefined || familyOf(ip) !== familyOf(subnet.ip)) return `it must be an IPv${familyOf(subnet.ip)} address`
  const why = isNew ? whyNoRouter(ip, subnet) : undefined
  if (why !== undefined) return `it ${why}; name an address that a router has`
  const isReached = isLinkLocal6(ip) || includes([intervalOfPrefix(subnet)], toBigint(ip))
  return isReached ? undefined : 'it is not inside spec.subnet'
}

/** Whether a router of `subnet` can have the address `text`. */
export function mayBeNexthop(text: string, subnet: string): boolean {
  const prefix = parsePrefix(subnet)
  return prefix !== undefined && whyNoNexthop(text, prefix, { isNew: true }) === undefined
}

function gatewayFaults(spec: Addressing, old: Addressing | undefined, prefix: Prefix): readonly Fault[] {
  if (spec.gateway === undefined || spec.gateway === '') return []
  const family = familyOf(prefix.ip)
  const why = whyNoNexthop(spec.gateway, prefix, { isNew: spec.gateway !== old?.gateway })
  if (why !== undefined) return [invalid('spec.gateway', spec.gateway, why)]
  const value = toBigint(parseIp(spec.gateway) ?? prefix.ip)
  if (includes(rangesOf(spec.excludeIPs ?? [], family), value)) return []
  const at = (spec.ips ?? []).findIndex(text => includes([parseRange(text, family)], value))
  if (at < 0) return []
  const reason = `it has the gateway ${fromBigint(value, family)} in it; take that out or put it into spec.excludeIPs`
  return [invalid(`spec.ips[${at}]`, spec.ips?.[at], reason)]
}

function routeFaults({ routes = [] }: Addressing, old: Addressing | undefined, prefix: Prefix): readonly Fault[] {
  const family = familyOf(prefix.ip)
  return routes.flatMap(({ dst, gw }, at) => {
    const field = `spec.routes[${at}]`
    const to = parsePrefix(dst)
    if (!to || familyOf(to.ip) !== family) return [invalid(`${field}.dst`, dst, `it must be an IPv${family} CIDR`)]
    if (to.length === 0) return [invalid(`${field}.dst`, dst, 'the default route comes from spec.gateway')]
    const isNew = old?.routes?.some(route => route.dst === dst && route.gw === gw) !== true
    const first = routes.findIndex(route => (isNew ? isSameDst(route.dst, dst) : route.dst === dst))
    if (first < at) return [invalid(`${field}.dst`, dst, 'it is there twice')]
    const why = whyNoNexthop(gw, prefix, { isNew })
    return why === undefined ? [] : [invalid(`${field}.gw`, gw, why)]
  })
}

/** Compares networks: 10.0.0.5/8 and 10.0.0.0/8 are the same dst. */
function isSameDst(a: string, b: string): boolean {
  const [one, other] = [parsePrefix(a), parsePrefix(b)]
  return one !== undefined && other !== undefined && networkOf(one) === networkOf(other)
}
