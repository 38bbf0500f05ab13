// Differences between an address and what pools, reservations and nodes say of it. Pure.
import { IPAM_LABEL_POOL_UID } from '../crd/names.js'
import type { SpiderIPAddress } from '../crd/types.js'
import { familyOfSpec } from '../crd/addressing.js'
import { familyOf, parseIp, toBigint, type Ip } from '../ip/address.js'
import { parsePrefix } from '../ip/cidr.js'
import { includes } from '../ip/range.js'
import { whyUnusable } from '../ip/usable.js'
import { holderKey, ipOf, poolWith } from './claim.js'
import { versionOf, type CheckDifference, type Lookup, type CheckRepair } from './state.js'

/** Of an address that a pod holds. */
export function placeDifferences(object: SpiderIPAddress, at: Lookup): readonly CheckDifference[] {
  const ip = ipOf(object)
  if (ip === undefined) return []
  const pool = at.pool(object.spec.pool)
  const found: CheckDifference[] = []
  const add = (kind: CheckDifference['kind'], what: string, repair?: CheckRepair): void => {
    const { name } = object.metadata
    const reads = { address: name, pod: holderKey(object), pool: object.spec.pool }
    found.push({
      kind,
      what,
      object: `spideripaddress/${name}`,
      reads,
      seen: `${versionOf(object)} ${pool?.metadata.uid ?? ''}@${pool?.metadata.generation ?? ''}`, // its status changes all the time
      ...(repair && { repair }),
    })
  }
  if (!pool) {
    const other = rehomed(object, ip, at)
    if (other) add('address-pool', `spec.pool is ${object.spec.pool}, which does not exist`, other)
    else add('address-pool-missing', `spec.pool is ${object.spec.pool}, which does not exist`)
    return found
  }
  const { named, effective } = at.rangesOf(pool)
  if (familyOfSpec(pool.spec) !== familyOf(ip) || !includes(named, toBigint(ip))) {
    const other = rehomed(object, ip, at)
    if (other) add('address-pool', `spec.pool is ${object.spec.pool}, which does not have it`, other)
    else add('address-outside-pool', `spec.ips of pool ${object.spec.pool} does not have it`)
  } else if (!includes(effective, toBigint(ip)))
    add('address-outside-pool', `spec.excludeIPs of pool ${object.spec.pool} has it`)
  const subnet = parsePrefix(pool.spec.subnet)
  const useless =
    parseIp(pool.spec.gateway ?? '') === ip
      ? `is the gateway of ${pool.spec.subnet}`
      : subnet && whyUnusable(ip, subnet)
  if (useless !== undefined) add('address-unusable', `${ip} ${useless}`)
  const node = at.nodeOf(ip)
  if (node !== undefined) add('address-of-node', `node ${node} has it`)
  const by = at.reservedBy(ip)
  if (by !== undefined) add('address-reserved', `SpiderReservedIP ${by} has it`)
  return found
}

/** The pool that has the address, where it is another one than the object says. */
function rehomed(object: SpiderIPAddress, ip: Ip, at: Lookup): CheckRepair | undefined {
  const pool = poolWith(ip, at)
  if (!pool || pool.metadata.name === object.spec.pool) return undefined
  const labels = { ...object.metadata.labels, [IPAM_LABEL_POOL_UID]: pool.metadata.uid ?? '' }
  const spec = { ...object.spec, pool: pool.metadata.name }
  return { verb: 'replaceAddress', object: { ...object, metadata: { ...object.metadata, labels }, spec } }
}
