// What a SpiderIPPool is given when it is written, and what may not be in one. Pure; ranges are intervals, so a /48 is checked at once.
import { familyOf, fromBigint, parseIp, toBigint, type Family, type Ip } from '../ip/address.js'
import { formatPrefix, intervalOfPrefix, networkOf, overlaps, parsePrefix, type Cidr } from '../ip/cidr.js'
import {
  formatRanges,
  includes,
  intersect,
  parseRange,
  rangesOf,
  subtract,
  type Interval,
  type Ranges,
} from '../ip/range.js'
import { CANNOT_CHANGE_ANY_MORE, forbidden, invalid, isOtherSpec, unsupported, type Fault } from './fault.js'
import { FINALIZER, LABEL_APPLICATION_NAME, LABEL_POOL_CIDR, SELECTORS_OF_APPLICATION } from './names.js'
import { mergedTexts, rangeFaults, readable } from './ranges.js'
import { selectorFaults } from './selector.js'
import type { SpiderIPPool } from './types.js'

/** `172.18.41.0/24` as a label value: 172-18-41-0-24. */
export const cidrLabel = (subnet: string): string => subnet.replace(/[.:/]/g, '-')

/** Finalizer, family and label, and several ranges merged and sorted; a single one stays as it was typed. */
export function defaultPool(pool: SpiderIPPool): SpiderIPPool {
  if (pool.metadata.deletionTimestamp !== undefined) return pool
  const prefix = parsePrefix(pool.spec.subnet ?? '')
  const family: Family | undefined = prefix && familyOf(prefix.ip)
  const { finalizers = [], labels = {} } = pool.metadata
  const version = pool.spec.ipVersion ?? family
  // Ranges of `ips` that overlap are a mistake that validation must still see.
  const ips = mergedTexts(pool.spec.ips, family, { keepOverlaps: true })
  const excludeIPs = mergedTexts(pool.spec.excludeIPs, family)
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
      ...(ips && { ips }),
      ...(excludeIPs && { excludeIPs }),
    },
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
  const { metadata, spec } = pool
  if (old?.metadata.deletionTimestamp !== undefined) {
    const isHeld = metadata.finalizers?.includes(FINALIZER) === true
    return isHeld && isOtherSpec(spec, old.spec) ? [forbidden('spec', spec, CANNOT_CHANGE_ANY_MORE)] : []
  }
  const subnet = subnetFaults(pool, old, others)
  const prefix = parsePrefix(spec.subnet)
  if (subnet.length > 0 || !prefix) return subnet
  const family = familyOf(prefix.ip)
  const inside = intervalOfPrefix(prefix)
  const unread = [
    ...rangeFaults('spec.ips', spec.ips ?? [], { family, inside, mayOverlap: false }),
    ...rangeFaults('spec.excludeIPs', spec.excludeIPs ?? [], { family, inside, mayOverlap: true }),
  ]
  if (unread.length > 0) return unread
  const effective = effectiveOf(pool, family)
  return [
    ...clashes(pool, effective, others, family),
    ...gatewayFaults(pool, family, inside),
    ...routeFaults(pool, family, inside),
    ...affinityFaults(pool),
    ...allocated
      .filter(({ ip }) => familyOf(ip) !== family || !includes(effective, toBigint(ip)))
      .map(({ ip, pod }) =>
        forbidden(
          'spec.ips',
          spec.ips,
          `${ip} is allocated to pod ${pod}; it must stay in the pool until it is released`,
        ),
      ),
  ]
}

/** Why a pool may not be deleted, where the administrator asked for pools in use to be kept. */
export const poolDeletionFaults = ({ metadata, status }: SpiderIPPool): readonly Fault[] => {
  const count = status?.allocatedIPCount ?? 0
  return count > 0
    ? [
        forbidden(
          'status.allocatedIPCount',
          count,
          `${count} addresses of SpiderIPPool ${metadata.name} are allocated; delete their pods first`,
        ),
      ]
    : []
}

const effectiveOf = ({ spec }: SpiderIPPool, family: Family): Ranges =>
  subtract(readable(spec.ips, family), readable(spec.excludeIPs, family))

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
    return [unsupported('spec.ipVersion', spec.ipVersion, 'it must be 4 or 6')]
  const prefix = parsePrefix(spec.subnet)
  if (!prefix) return [invalid('spec.subnet', spec.subnet, 'it must be a CIDR such as 172.18.0.0/16')]
  if (familyOf(prefix.ip) !== spec.ipVersion)
    return [invalid('spec.subnet', spec.subnet, `it is not IPv${spec.ipVersion} (spec.ipVersion)`)]
  // It cannot change, so a pool of an older version can still be edited, whatever its subnet is like.
  if (old) return []
  const network = networkOf(prefix)
  if (network !== spec.subnet) {
    const what = network === formatPrefix(prefix) ? 'is not written canonically' : 'has host bits'
    return [invalid('spec.subnet', spec.subnet, `it ${what}; write ${network}`)]
  }
  return others
    .filter(one => one.metadata.name !== metadata.name && one.spec.subnet !== spec.subnet)
    .filter(one => overlapsWith(network, one.spec.subnet))
    .slice(0, 1)
    .map(one => {
      const neighbour = `${one.spec.subnet} of SpiderIPPool ${one.metadata.name}`
      return invalid(
        'spec.subnet',
        spec.subnet,
        `it overlaps with ${neighbour}: subnets overlap with one another only where they are equal`,
      )
    })
}

function overlapsWith(network: Cidr, text: string): boolean {
  const prefix = parsePrefix(text)
  return prefix !== undefined && overlaps(network, networkOf(prefix))
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

/** A pool that was made for an application selects its pods by labels that are not the pods' own. */
function affinityFaults({ metadata, spec }: SpiderIPPool): readonly Fault[] {
  const { podAffinity } = spec
  if (podAffinity === undefined) return []
  if (metadata.labels?.[LABEL_APPLICATION_NAME] === undefined) return selectorFaults('spec.podAffinity', podAffinity)
  const keys = Object.keys(podAffinity.matchLabels ?? {})
  const isOwn =
    (podAffinity.matchExpressions ?? []).length === 0 && keys.every(key => SELECTORS_OF_APPLICATION.includes(key))
  return isOwn
    ? []
    : [
        invalid(
          'spec.podAffinity',
          podAffinity,
          `the pool is of an application: only matchLabels ${SELECTORS_OF_APPLICATION.join(', ')} are possible`,
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
