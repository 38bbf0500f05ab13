// Use of pools, and what overlaps with what. Pure.
import { effectiveOf, familyOfSpec } from '../../../lib/crd/addressing.js'
import { ANNOTATION_DISABLED_BECAUSE } from '../../../lib/crd/names.js'
import { readable } from '../../../lib/crd/ranges.js'
import type { SpiderIPAddress, SpiderIPPool, SpiderReservedIP, SpiderSubnet } from '../../../lib/crd/types.js'
import { clashesOf, orphanClash, subnetClash } from '../../../lib/crd/unique.js'
import { familyOf, parseIp, toBigint, type Family } from '../../../lib/ip/address.js'
import { intervalOfPrefix, parsePrefix } from '../../../lib/ip/cidr.js'
import { formatRanges, intersect, normal, sizeOf, union, type Ranges } from '../../../lib/ip/range.js'
import type { ConsolePool } from '../../../lib/console/json.js'
import { isQuarantined } from '../../../lib/ipam/allocation/conflict-quarantine.js'
import type { PoolFacts } from '../facts.js'

/** A pool in a list: `used` are those held by pods, without quarantined ones and Go records. */
export interface PoolRow extends ConsolePool {
  readonly multusName: readonly string[]
}

/** The row of a pool. */
export function poolRow(facts: PoolFacts): PoolRow {
  const { pool, family, usable, held, quarantined, reserved, recorded, free } = facts
  const { spec, metadata } = pool
  const total = sizeOf(usable)
  const percent = total === 0n ? 100 : Number(((total - sizeOf(free)) * 100n) / total)
  return {
    name: metadata.name,
    version: family,
    subnet: spec.subnet,
    total: Number(total),
    used: Number(sizeOf(held)),
    free: Number(sizeOf(free)),
    reserved: Number(sizeOf(reserved)),
    quarantined: Number(sizeOf(quarantined)),
    recordedByGo: Number(sizeOf(recorded)),
    percent,
    default: spec.default === true,
    disabled: spec.disable === true,
    disabledBecause: metadata.annotations?.[ANNOTATION_DISABLED_BECAUSE] ?? '',
    gateway: spec.gateway ?? '',
    multusName: spec.multusName ?? [],
  }
}

const BAR_CELLS = 10

/** `[####......]` */
export function barOf(percent: number): string {
  const full = Math.min(BAR_CELLS, Math.max(percent > 0 ? 1 : 0, Math.round((percent * BAR_CELLS) / 100)))
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}]`
}

export interface HolderCount {
  readonly owner: string
  readonly count: number
}

const HOLDERS_MAX = 10

/** Who holds most addresses, by top controller. */
export function holdersOf(addresses: readonly SpiderIPAddress[]): readonly HolderCount[] {
  const counts = new Map<string, number>()
  for (const object of addresses) {
    const { owner, pod } = object.spec
    const key = isQuarantined(object) ? 'hosts outside (quarantined)' : `${owner.kind} ${pod.namespace}/${owner.name}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts]
    .map(([owner, count]) => ({ owner, count }))
    .sort((a, b) => b.count - a.count || (a.owner < b.owner ? -1 : 1))
    .slice(0, HOLDERS_MAX)
}

const HOUR_MS = 3_600_000

/** How many address objects of the last hour there are. */
export const takenInLastHour = (addresses: readonly SpiderIPAddress[], now: number): number =>
  addresses.filter(({ metadata }) => now - Date.parse(metadata.creationTimestamp ?? '') < HOUR_MS).length

export interface Overlap {
  readonly kind: 'pool-pool' | 'subnet-subnet' | 'subnet-pool' | 'pool-node' | 'pool-service' | 'pool-podcidr'
  readonly pool: string
  readonly with: string
  readonly addresses: readonly string[]
  readonly why: string
}

export interface NodeAddresses {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] }
}

export interface OverlapInput {
  readonly pools: readonly SpiderIPPool[]
  readonly subnets: readonly SpiderSubnet[]
  readonly nodes: readonly NodeAddresses[]
  readonly reserved: readonly SpiderReservedIP[]
  readonly serviceCIDR: readonly string[]
  readonly podCIDR: readonly string[]
}

/** Everything that may give one address to two hosts, in a stable order. */
export function overlapsOf(input: OverlapInput): readonly Overlap[] {
  const { pools, subnets, serviceCIDR, podCIDR } = input
  return [
    ...poolPairs(pools),
    ...subnetPairs(subnets),
    ...subnets.flatMap(subnet => pools.flatMap(pool => subnetWithPool(subnet, pool))),
    ...pools.flatMap(pool => withNodes(pool, input)),
    ...pools.flatMap(pool => withCidrs(pool, serviceCIDR, { kind: 'pool-service', of: 'Service CIDR' })),
    ...pools.flatMap(pool => withCidrs(pool, podCIDR, { kind: 'pool-podcidr', of: 'pod CIDR' })),
  ]
}

const rangesOfPool = ({ spec }: SpiderIPPool): { readonly ranges: Ranges; readonly family: Family } => {
  const family = familyOfSpec(spec)
  return { ranges: effectiveOf(spec, family), family }
}

function poolPairs(pools: readonly SpiderIPPool[]): readonly Overlap[] {
  return pools.flatMap((pool, at) => {
    const clash = clashesOf(pool)
    const { ranges, family } = rangesOfPool(pool)
    return pools.slice(at + 1).flatMap((other): readonly Overlap[] => {
      const fault = clash(other)
      if (!fault) return []
      const common = intersect(ranges, effectiveOf(other.spec, family))
      const addresses = formatRanges(common, family)
      return [
        { kind: 'pool-pool', pool: pool.metadata.name, with: `pool ${other.metadata.name}`, addresses, why: fault.why },
      ]
    })
  })
}

const subnetPairs = (subnets: readonly SpiderSubnet[]): readonly Overlap[] =>
  subnets.flatMap((subnet, at) =>
    subnets.slice(at + 1).flatMap((other): readonly Overlap[] => {
      const fault = subnetClash(subnet, other)
      const [name, its] = [subnet.metadata.name, `subnet ${other.metadata.name}`]
      return fault ? [{ kind: 'subnet-subnet', pool: `subnet ${name}`, with: its, addresses: [], why: fault.why }] : []
    }),
  )

function subnetWithPool(subnet: SpiderSubnet, pool: SpiderIPPool): readonly Overlap[] {
  const fault = orphanClash(subnet, pool)
  const [name, its] = [pool.metadata.name, `subnet ${subnet.metadata.name}`]
  return fault ? [{ kind: 'subnet-pool', pool: name, with: its, addresses: [], why: fault.why }] : []
}

/** Addresses of nodes that the pool would give to a pod; a reservation prevents that. */
function withNodes(pool: SpiderIPPool, { nodes, reserved }: OverlapInput): readonly Overlap[] {
  const { ranges, family } = rangesOfPool(pool)
  const out = normal(reserved.flatMap(({ spec }) => readable(spec.ips, family)))
  return nodes.flatMap(({ metadata, status }) => {
    const ips = (status?.addresses ?? []).flatMap(({ address }) => parseIp(address) ?? [])
    const own = ips.filter(ip => familyOf(ip) === family).map(ip => ({ first: toBigint(ip), last: toBigint(ip) }))
    const common = intersect(union([], own), ranges).filter(one => intersect([one], out).length === 0)
    if (common.length === 0) return []
    const why = 'the node has the address: write it into spec.excludeIPs or a SpiderReservedIP'
    const addresses = formatRanges(common, family)
    return [{ kind: 'pool-node', pool: pool.metadata.name, with: `node ${metadata.name}`, addresses, why }]
  })
}

function withCidrs(
  pool: SpiderIPPool,
  cidrs: readonly string[],
  { kind, of }: { readonly kind: Overlap['kind']; readonly of: string },
): readonly Overlap[] {
  const { ranges, family } = rangesOfPool(pool)
  return cidrs.flatMap(text => {
    const prefix = parsePrefix(text)
    if (!prefix || familyOf(prefix.ip) !== family) return []
    const common = intersect(ranges, [intervalOfPrefix(prefix)])
    if (common.length === 0) return []
    const why = `the ${of} of the cluster has the addresses: traffic to them does not reach the pods of the pool`
    return [{ kind, pool: pool.metadata.name, with: `${of} ${text}`, addresses: formatRanges(common, family), why }]
  })
}
