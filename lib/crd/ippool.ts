// What a SpiderIPPool is given when it is written, and what may not be in one. Pure; ranges are intervals, so a /48 is checked at once.
import { familyOf, fromBigint, parseIp, toBigint, type Family, type Ip } from '../ip/address.js'
import { formatPrefix, intervalOfPrefix, networkOf, overlaps, parsePrefix, type Cidr } from '../ip/cidr.js'
import {
  formatRanges,
  includes,
  intersect,
  normal,
  parseRange,
  rangesOf,
  subtract,
  type Interval,
  type Ranges,
} from '../ip/range.js'
import { FINALIZER, LABEL_POOL_CIDR } from './names.js'
import type { SpiderIPPool } from './types.js'

/** One thing that is wrong: the field, its value, and the sentence. */
export interface Fault {
  readonly field: string
  readonly value: unknown
  readonly why: string
  /** `invalid`: the field is wrong by itself; `forbidden`: it clashes with what is there; `unsupported`: not one of a few values. */
  readonly kind: 'invalid' | 'forbidden' | 'unsupported'
}

const invalid = (field: string, value: unknown, why: string): Fault => ({ field, value, why, kind: 'invalid' })
const forbidden = (field: string, value: unknown, why: string): Fault => ({ field, value, why, kind: 'forbidden' })

/** `172.18.41.0/24` as a label value: 172-18-41-0-24. */
export const cidrLabel = (subnet: string): string => subnet.replace(/[.:/]/g, '-')

/** Finalizer, family and label, and several ranges merged and sorted; a single one stays as it was typed. */
export function defaultPool(pool: SpiderIPPool): SpiderIPPool {
  if (pool.metadata.deletionTimestamp !== undefined) return pool
  const prefix = parsePrefix(pool.spec.subnet ?? '')
  const family: Family | undefined = prefix && familyOf(prefix.ip)
  const { finalizers = [], labels = {} } = pool.metadata
  const version = pool.spec.ipVersion ?? family
  return {
    ...pool,
    metadata: {
      ...pool.metadata,
      finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER],
      ...(prefix && { labels: { ...labels, [LABEL_POOL_CIDR]: cidrLabel(pool.spec.subnet) } }),
    },
    spec: {
      ...pool.spec,
      ...(version !== undefined && { ipVersion: version }),
      ...merged('ips', pool.spec.ips, family),
      ...merged('excludeIPs', pool.spec.excludeIPs, family),
    },
  }
}

/** What cannot be merged is left for validation to name. */
function merged(key: 'ips' | 'excludeIPs', texts: readonly string[] | undefined, family: Family | undefined): object {
  if (!texts || texts.length < 2 || family === undefined) return {}
  const intervals: Interval[] = []
  for (const text of texts) {
    const read = rangeIn(text, family)
    if (typeof read === 'string') return {}
    intervals.push(read)
  }
  // Ranges of `ips` that overlap are a mistake that validation must still see.
  const sum = intervals.reduce((size, { first, last }) => size + last - first + 1n, 0n)
  const ranges = normal(intervals)
  const size = ranges.reduce((total, { first, last }) => total + last - first + 1n, 0n)
  return key === 'ips' && size !== sum ? {} : { [key]: formatRanges(ranges, family) }
}

/** The interval, or why it is none. */
function rangeIn(text: string, family: Family): Interval | string {
  try {
    return parseRange(text, family)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

export interface Around {
  /** The pool before this write; `undefined` at creation. */
  readonly old: SpiderIPPool | undefined
  /** All pools that there are, this one perhaps among them. */
  readonly others: readonly SpiderIPPool[]
  /** Addresses that pods hold from this pool. */
  readonly allocated: readonly { readonly ip: Ip; readonly pod: string }[]
}

/** Everything that is wrong with a pool as it would be written. Empty: it may be. */
export function validatePool(pool: SpiderIPPool, { old, others, allocated }: Around): readonly Fault[] {
  if (pool.metadata.deletionTimestamp !== undefined) return []
  const subnet = subnetFaults(pool, old, others)
  if (subnet.length > 0) return subnet
  const prefix = parsePrefix(pool.spec.subnet)
  if (!prefix) return [invalid('spec.subnet', pool.spec.subnet, 'it must be a CIDR such as 172.18.0.0/16')]
  const family = familyOf(prefix.ip)
  const ranges = ['ips', 'excludeIPs'] as const
  const unread = ranges.flatMap(key => rangeFaults(key, pool.spec[key] ?? [], intervalOfPrefix(prefix), family))
  if (unread.length > 0) return unread
  const effective = effectiveOf(pool, family)
  return [
    ...clashes(pool, effective, others, family),
    ...gatewayFaults(pool, family, intervalOfPrefix(prefix)),
    ...routeFaults(pool, family, intervalOfPrefix(prefix)),
    ...allocated
      .filter(({ ip }) => familyOf(ip) !== family || !includes(effective, toBigint(ip)))
      .map(({ ip, pod }) =>
        forbidden(
          'spec.ips',
          pool.spec.ips,
          `${ip} is allocated to pod ${pod}; it must stay in the pool until it is released`,
        ),
      ),
  ]
}

const effectiveOf = ({ spec }: SpiderIPPool, family: Family): Ranges =>
  subtract(rangesOf(spec.ips ?? [], family), rangesOf(spec.excludeIPs ?? [], family))

function subnetFaults(
  { metadata, spec }: SpiderIPPool,
  old: SpiderIPPool | undefined,
  others: readonly SpiderIPPool[],
): Fault[] {
  if (old && old.spec.subnet !== spec.subnet)
    return [forbidden('spec.subnet', spec.subnet, 'it cannot be changed; make another pool')]
  if (old?.spec.ipVersion !== undefined && old.spec.ipVersion !== spec.ipVersion)
    return [forbidden('spec.ipVersion', spec.ipVersion, 'it cannot be changed; make another pool')]
  if (spec.ipVersion !== undefined && spec.ipVersion !== 4 && spec.ipVersion !== 6)
    return [{ field: 'spec.ipVersion', value: spec.ipVersion, why: 'it must be 4 or 6', kind: 'unsupported' }]
  const prefix = parsePrefix(spec.subnet)
  if (!prefix) return [invalid('spec.subnet', spec.subnet, 'it must be a CIDR such as 172.18.0.0/16')]
  if (familyOf(prefix.ip) !== spec.ipVersion)
    return [invalid('spec.subnet', spec.subnet, `it is not IPv${spec.ipVersion} (spec.ipVersion)`)]
  const network = networkOf(prefix)
  if (network !== formatPrefix(prefix))
    return [invalid('spec.subnet', spec.subnet, `it has host bits; write ${network}`)]
  const other = others.find(
    one =>
      one.metadata.name !== metadata.name && one.spec.subnet !== spec.subnet && overlapsWith(network, one.spec.subnet),
  )
  return other
    ? [
        invalid(
          'spec.subnet',
          spec.subnet,
          `it overlaps with ${other.spec.subnet} of SpiderIPPool ${other.metadata.name}: subnets overlap with one another only where they are equal`,
        ),
      ]
    : []
}

function overlapsWith(network: Cidr, text: string): boolean {
  const prefix = parsePrefix(text)
  return prefix !== undefined && overlaps(network, networkOf(prefix))
}

function rangeFaults(key: 'ips' | 'excludeIPs', texts: readonly string[], subnet: Interval, family: Family): Fault[] {
  const faults: Fault[] = []
  const seen: { readonly text: string; readonly interval: Interval }[] = []
  texts.forEach((text, at) => {
    const field = `spec.${key}[${at}]`
    const interval = rangeIn(text, family)
    if (typeof interval === 'string') return void faults.push(invalid(field, text, interval))
    if (interval.first < subnet.first || interval.last > subnet.last)
      faults.push(invalid(field, text, 'it is not inside spec.subnet'))
    const twice = seen.find(one => one.interval.first <= interval.last && interval.first <= one.interval.last)
    if (twice && key === 'ips') faults.push(invalid(field, text, `range ${twice.text} overlaps with ${text}`))
    seen.push({ text, interval })
  })
  return faults
}

function clashes(
  { metadata, spec }: SpiderIPPool,
  effective: Ranges,
  others: readonly SpiderIPPool[],
  family: Family,
): Fault[] {
  return others.flatMap(other => {
    if (other.metadata.name === metadata.name || other.spec.subnet !== spec.subnet) return []
    const common = intersect(effective, effectiveOf(other, family))
    if (common.length === 0) return []
    return [
      forbidden(
        'spec.ips',
        spec.ips,
        `${formatRanges(common, family).join(', ')} overlap with SpiderIPPool ${other.metadata.name}`,
      ),
    ]
  })
}

function gatewayFaults({ spec }: SpiderIPPool, family: Family, subnet: Interval): Fault[] {
  if (spec.gateway === undefined || spec.gateway === '') return []
  const gateway = parseIp(spec.gateway)
  if (gateway === undefined || familyOf(gateway) !== family)
    return [invalid('spec.gateway', spec.gateway, `it must be an IPv${family} address`)]
  const value = toBigint(gateway)
  if (value < subnet.first || value > subnet.last)
    return [invalid('spec.gateway', spec.gateway, 'it is not inside spec.subnet')]
  if (includes(rangesOf(spec.excludeIPs ?? [], family), value)) return []
  const at = (spec.ips ?? []).findIndex(text => includes([parseRange(text, family)], value))
  return at < 0
    ? []
    : [
        invalid(
          `spec.ips[${at}]`,
          spec.ips?.[at],
          `it has the gateway ${fromBigint(value, family)} in it; take that out or put it into spec.excludeIPs`,
        ),
      ]
}

function routeFaults({ spec }: SpiderIPPool, family: Family, subnet: Interval): Fault[] {
  const everything = family === 4 ? '0.0.0.0/0' : '::/0'
  return (spec.routes ?? []).flatMap(({ dst, gw }, at, all) => {
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
