// What a SpiderIPPool and a SpiderSubnet have in common: a subnet, ranges, exclusions, a gateway, routes. Pure; knows nobody else's.
import { familyOf, fromBigint, parseIp, toBigint, type Family } from '../ip/address.js'
import { formatPrefix, intervalOfPrefix, networkOf, parsePrefix, type Cidr, type Prefix } from '../ip/cidr.js'
import { includes, parseRange, rangesOf, subtract, type Interval, type Ranges } from '../ip/range.js'
import { forbidden, invalid, unsupported, type Fault } from './fault.js'
import { mergedTexts, rangeFaults, readable } from './ranges.js'
import type { Route } from './types.js'

export interface Addressing {
  readonly ipVersion?: number
  readonly subnet: string
  readonly ips?: readonly string[]
  readonly excludeIPs?: readonly string[]
  readonly gateway?: string
  readonly routes?: readonly Route[]
}

/** Which families the cluster has: of conf.yml. */
export interface Families {
  readonly enableIPv4: boolean
  readonly enableIPv6: boolean
}

export const BOTH_FAMILIES: Families = { enableIPv4: true, enableIPv6: true }

/** Of a family that the cluster has not. */
export function offFaults(version: number | undefined, { enableIPv4, enableIPv6 }: Families): readonly Fault[] {
  const isOff = (version === 4 && !enableIPv4) || (version === 6 && !enableIPv6)
  return isOff ? [forbidden('spec.ipVersion', version, `IPv${version} is off: enableIPv${version} of conf.yml`)] : []
}

/** `172.18.41.0/24` as a label value: 172-18-41-0-24. */
export const cidrLabel = (subnet: string): string => subnet.replace(/[.:/]/g, '-')

/** The family where it was left out, and several ranges merged and sorted; a single one stays as it was typed. */
export function completed<S extends Addressing>(spec: S): S {
  const prefix = parsePrefix(spec.subnet)
  const family = prefix && familyOf(prefix.ip)
  const version = spec.ipVersion ?? family
  // Ranges of `ips` that overlap are a mistake that validation must still see.
  const ips = mergedTexts(spec.ips, family, { keepOverlaps: true })
  const excludeIPs = mergedTexts(spec.excludeIPs, family)
  return {
    ...spec,
    ...(version !== undefined && { ipVersion: version }),
    ...(ips && { ips }),
    ...(excludeIPs && { excludeIPs }),
  }
}

/** What can be given out: `ips` without `excludeIPs`. What cannot be read counts nothing. */
export const effectiveOf = ({ ips, excludeIPs }: Addressing, family: Family): Ranges =>
  subtract(readable(ips, family), readable(excludeIPs, family))

/** Of an object that passed admission; by its subnet where the family was never written. */
export const familyOfSpec = ({ ipVersion, subnet }: Addressing): Family =>
  ipVersion === 4 || ipVersion === 6 ? ipVersion : subnet.includes(':') ? 6 : 4

/** Family and subnet by themselves. `another`: what to make instead of changing them. */
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
  if (spec.ipVersion === undefined) return [invalid('spec.ipVersion', spec.ipVersion, 'it must be 4 or 6')]
  if (familyOf(prefix.ip) !== spec.ipVersion)
    return [invalid('spec.subnet', spec.subnet, `it is not IPv${spec.ipVersion} (spec.ipVersion)`)]
  // It cannot change, so an object of an older version can still be edited, whatever its subnet is like.
  return old ? [] : canonicalFaults(spec.subnet, prefix)
}

function canonicalFaults(subnet: string, prefix: Prefix): readonly Fault[] {
  const network: Cidr = networkOf(prefix)
  if (network === subnet) return []
  const what = network === formatPrefix(prefix) ? 'is not written canonically' : 'has host bits'
  return [invalid('spec.subnet', subnet, `it ${what}; write ${network}`)]
}

/** Ranges that cannot be read, are not inside the subnet, or overlap within `ips`. */
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

/** Of ranges that can be read: gateway and routes. */
export function wayOutFaults(spec: Addressing, prefix: Prefix): readonly Fault[] {
  const family = familyOf(prefix.ip)
  const inside = intervalOfPrefix(prefix)
  return [...gatewayFaults(spec, family, inside), ...routeFaults(spec, family, inside)]
}

function gatewayFaults(spec: Addressing, family: Family, subnet: Interval): readonly Fault[] {
  if (spec.gateway === undefined || spec.gateway === '') return []
  const gateway = parseIp(spec.gateway)
  if (gateway === undefined || familyOf(gateway) !== family)
    return [invalid('spec.gateway', spec.gateway, `it must be an IPv${family} address`)]
  const value = toBigint(gateway)
  if (value < subnet.first || value > subnet.last)
    return [invalid('spec.gateway', spec.gateway, 'it is not inside spec.subnet')]
  if (includes(rangesOf(spec.excludeIPs ?? [], family), value)) return []
  const at = (spec.ips ?? []).findIndex(text => includes([parseRange(text, family)], value))
  if (at < 0) return []
  const words = `it has the gateway ${fromBigint(value, family)} in it; take that out or put it into spec.excludeIPs`
  return [invalid(`spec.ips[${at}]`, spec.ips?.[at], words)]
}

function routeFaults({ routes = [] }: Addressing, family: Family, subnet: Interval): readonly Fault[] {
  const everything = family === 4 ? '0.0.0.0/0' : '::/0'
  return routes.flatMap(({ dst, gw }, at, all) => {
    const field = `spec.routes[${at}]`
    const to = parsePrefix(dst)
    const via = parseIp(gw)
    if (dst === everything) return [invalid(`${field}.dst`, dst, 'the default route comes from spec.gateway')]
    if (!to || familyOf(to.ip) !== family) return [invalid(`${field}.dst`, dst, `it must be an IPv${family} CIDR`)]
    if (all.findIndex(route => route.dst === dst) < at) return [invalid(`${field}.dst`, dst, 'it is there twice')]
    const isInside =
      via !== undefined && familyOf(via) === family && toBigint(via) >= subnet.first && toBigint(via) <= subnet.last
    return isInside ? [] : [invalid(`${field}.gw`, gw, 'it must be an address inside spec.subnet')]
  })
}
