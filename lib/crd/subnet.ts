// Defaults and validation of a SpiderSubnet. Pure.
import { familyOf } from '../ip/address.js'
import { intervalOfPrefix, parsePrefix } from '../ip/cidr.js'
import { formatRanges, subtract } from '../ip/range.js'
import {
  cidrLabel,
  completed,
  effectiveOf,
  listFaults,
  subnetFaults,
  unusableFaults,
  nexthopFaults,
  type Families,
} from './addressing.js'
import { controlledOf } from './controlled.js'
import { CANNOT_CHANGE_ANY_MORE, exists, forbidden, isOtherSpec, type Fault } from './fault.js'
import { FINALIZER, LABEL_SUBNET_CIDR } from './names.js'
import type { SpiderIPPool, SpiderSubnet } from './types.js'
import { orphanClash, subnetClash } from './unique.js'

/** The subnet with finalizer, CIDR label, family, and its ranges merged and sorted. */
export function defaultSubnet(subnet: SpiderSubnet): SpiderSubnet {
  if (subnet.metadata.deletionTimestamp !== undefined) return subnet
  const { finalizers = [], labels = {} } = subnet.metadata
  const { subnet: cidr } = subnet.spec
  return {
    ...subnet,
    metadata: {
      ...subnet.metadata,
      finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER],
      ...(parsePrefix(cidr) && { labels: { ...labels, [LABEL_SUBNET_CIDR]: cidrLabel(cidr) } }),
    },
    spec: completed(subnet.spec),
  }
}

export interface SubnetContext {
  /** The stored object; `undefined` at creation. */
  readonly old: SpiderSubnet | undefined
  /** All SpiderSubnets; may include this one. */
  readonly others: readonly SpiderSubnet[]
  readonly pools: readonly SpiderIPPool[]
  readonly families: Families
}

/** All faults of the SpiderSubnet to be written; empty where it is accepted. */
export function validateSubnet(
  subnet: SpiderSubnet,
  { old, others, pools, families }: SubnetContext,
): readonly Fault[] {
  const { metadata, spec } = subnet
  if (old?.metadata.deletionTimestamp !== undefined) {
    const isHeld = metadata.finalizers?.includes(FINALIZER) === true
    return isHeld && isOtherSpec(spec, old.spec) ? [forbidden('spec', spec, CANNOT_CHANGE_ANY_MORE)] : []
  }
  const early = subnetFaults(spec, old?.spec, families, 'SpiderSubnet')
  if (early.length > 0) return early
  if (!old && others.some(other => other.metadata.name === metadata.name)) return [exists(metadata.name)]
  const prefix = parsePrefix(spec.subnet)
  if (!prefix) return []
  const clashes = [...others.map(other => subnetClash(subnet, other)), ...pools.map(pool => orphanClash(subnet, pool))]
  const [clash] = old ? [] : clashes.filter(fault => fault !== undefined)
  if (clash) return [clash]
  const family = familyOf(prefix.ip)
  const unread = listFaults(spec, family, intervalOfPrefix(prefix))
  if (unread.length > 0) return unread
  return [
    ...unusableFaults(spec, old?.spec, prefix),
    ...nexthopFaults(spec, old?.spec, prefix),
    ...(old ? givenFaults(subnet, old) : []),
  ]
}

/** Ranges of its pools must stay in the subnet. */
function givenFaults({ spec }: SpiderSubnet, old: SpiderSubnet): readonly Fault[] {
  const family = spec.ipVersion === 6 ? 6 : 4
  const effective = effectiveOf(spec, family)
  return [...controlledOf(old.status?.controlledIPPools, family)].flatMap(([pool, { ranges }]) => {
    const lost = formatRanges(subtract(ranges, effective), family)
    const reason = `SpiderIPPool ${pool} has ${lost.join(', ')}, which must stay in the subnet as long as it does`
    return lost.length === 0 ? [] : [forbidden('spec.ips', spec.ips, reason)]
  })
}

/** Why a subnet in use may not be deleted, where conf.yml protects such subnets. */
export function subnetDeletionFaults({ metadata, status }: SpiderSubnet): readonly Fault[] {
  const count = status?.allocatedIPCount ?? 0
  const reason = `${count} addresses of SpiderSubnet ${metadata.name} are in pools; delete those first`
  return count > 0 ? [forbidden('status.allocatedIPCount', count, reason)] : []
}
