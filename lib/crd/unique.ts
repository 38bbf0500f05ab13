// Uniqueness rules: no address in two pools, no network in two subnets. Pure. Admission checks
// before the write, the controller after it.
import { familyOf, type Family } from '../ip/address.js'
import { networkOf, overlaps, parsePrefix, type Cidr } from '../ip/cidr.js'
import { formatRanges, intersect, subtract } from '../ip/range.js'
import { effectiveOf, type Addressing } from './addressing.js'
import { forbidden, invalid, type Fault } from './fault.js'
import type { ObjectMeta, SpiderIPPool, SpiderSubnet } from './types.js'

interface Named {
  readonly metadata: Pick<ObjectMeta, 'name' | 'uid' | 'creationTimestamp'>
  readonly spec: Addressing
}

/** The canonical network; `undefined` where a stored subnet is invalid. */
function networkIn({ subnet }: Addressing): { readonly network: Cidr; readonly family: Family } | undefined {
  const prefix = parsePrefix(subnet)
  return prefix && { network: networkOf(prefix), family: familyOf(prefix.ip) }
}

/** Why `pool` and `other` clash: different subnets that overlap, or a common address. */
export const poolClash = (pool: Named, other: Named): Fault | undefined => clashesOf(pool)(other)

/**
 * The same for one pool among thousands: its own spec is parsed once, an equal subnet not at all.
 */
export function clashesOf(pool: Named): (other: Named) => Fault | undefined {
  const own = networkIn(pool.spec)
  if (!own) return () => undefined
  const effective = effectiveOf(pool.spec, own.family)
  return other => {
    if (pool.metadata.name === other.metadata.name) return undefined
    const its = other.spec.subnet === pool.spec.subnet ? own : networkIn(other.spec)
    if (!its || (its !== own && !overlaps(own.network, its.network))) return undefined
    if (own.network !== its.network) {
      const reason = `it overlaps with ${other.spec.subnet} of SpiderIPPool ${other.metadata.name}: subnets overlap with one another only where they are equal`
      return invalid('spec.subnet', pool.spec.subnet, reason)
    }
    const common = intersect(effective, effectiveOf(other.spec, own.family))
    if (common.length === 0) return undefined
    const texts = formatRanges(common, own.family).join(', ')
    return forbidden('spec.ips', pool.spec.ips, `${texts} overlap with SpiderIPPool ${other.metadata.name}`)
  }
}

/** Why two SpiderSubnets clash: any overlap, equal ones included. */
export function subnetClash(subnet: Named, other: Named): Fault | undefined {
  const [own, its] = [networkIn(subnet.spec), networkIn(other.spec)]
  if (subnet.metadata.name === other.metadata.name || !own || !its || !overlaps(own.network, its.network))
    return undefined
  const reason = `it overlaps with ${other.spec.subnet} of SpiderSubnet ${other.metadata.name}`
  return invalid('spec.subnet', subnet.spec.subnet, reason)
}

/**
 * Why a SpiderSubnet and a pool clash: different networks that overlap, or addresses outside it.
 */
export function orphanClash({ spec }: SpiderSubnet, pool: SpiderIPPool): Fault | undefined {
  const [own, its] = [networkIn(spec), networkIn(pool.spec)]
  if (!own || !its || !overlaps(own.network, its.network)) return undefined
  const { name } = pool.metadata
  if (own.network !== its.network)
    return invalid('spec.subnet', spec.subnet, `it overlaps with ${pool.spec.subnet} of SpiderIPPool ${name}`)
  const outside = subtract(effectiveOf(pool.spec, own.family), effectiveOf(spec, own.family))
  if (outside.length === 0) return undefined
  const texts = formatRanges(outside, own.family).join(', ')
  return forbidden('spec.ips', spec.ips, `SpiderIPPool ${name} of this subnet has ${texts}, which must be in it`)
}

/** Whether `one` is older than `other`: by creationTimestamp (seconds), then UID, then name. */
export function isOlder({ metadata: one }: Named, { metadata: other }: Named): boolean {
  const rank = ({ creationTimestamp = '', uid = '', name }: Named['metadata']): readonly string[] => [
    creationTimestamp,
    uid,
    name,
  ]
  const [mine, its] = [rank(one), rank(other)]
  const at = mine.findIndex((value, i) => value !== its[i])
  return at >= 0 && (mine[at] ?? '') < (its[at] ?? '')
}
