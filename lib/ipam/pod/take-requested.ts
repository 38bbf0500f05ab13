// Claims exactly the requested addresses, or says why that cannot be. On a Store.
import { familyOf, objectNameOf, toBigint, type Family, type Ip } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import { includes, rangesOf } from '../../ip/range.js'
import { whyUnusable } from '../../ip/usable.js'
import type { SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../crd/types.js'
import { claimOne, type AllocDeps, type AllocationResult } from '../allocation/allocate.js'
import type { Holder } from '../allocation/claimant.js'
import { isOfContainer } from '../allocation/standalone-identity.js'
import { isRecordOf, recordAt } from '../allocation/go-records.js'
import { poolOf, reservedRanges, type Pool } from '../allocation/pool.js'
import { isQuarantined } from '../allocation/conflict-quarantine.js'
import { publishAllocation } from '../allocation/shared-pool.js'
import { Refused, wrongInput } from '../errors.js'
import type { RequestedIp } from './requested-ips.js'

/** The requested address of a family. */
export const ofFamily = (requested: readonly RequestedIp[], family: Family): RequestedIp | undefined =>
  requested.find(({ ip }) => familyOf(ip) === family)

interface RequestedContext {
  readonly holder: Holder
  /** Usable pools of the family. */
  readonly pools: readonly SpiderIPPool[]
  readonly reserved: readonly SpiderReservedIP[]
}

/**
 * Claims exactly this address.
 * @throws Refused `wrongInput` where a retry cannot help, `exhausted` where its holder may release
 *   it
 */
export async function takeRequested(
  requested: RequestedIp,
  context: RequestedContext,
  deps: AllocDeps,
): Promise<Extract<AllocationResult, { kind: 'held' }>> {
  const { ip, from } = requested
  const { holder } = context
  const pool = poolFor(requested, context.pools)
  refuseReserved(requested, context.reserved, pool)
  const record = pool.shared && recordAt(pool.shared, ip)
  if (record && !isRecordOf(record, holder))
    throw held(requested, `pod ${record.namespace}/${record.pod} (status.allocatedIPs of pool ${pool.name})`)
  const allocation = await claimOne(ip, pool, holder, deps)
  if (!allocation) throw takenBy(requested, await deps.store.address(objectNameOf(ip)), holder)
  if (await publishAllocation(allocation, pool, holder, deps))
    throw held(requested, `a pod of a Go agent (status.allocatedIPs of pool ${pool.name})`)
  return { kind: 'held', pool, ...allocation }
}

/** Why an address in spec.ips of the pool is not allocatable. */
function uselessIn({ spec }: SpiderIPPool, ip: Ip): string | undefined {
  const subnet = parsePrefix(spec.subnet)
  if (spec.gateway === ip) return 'is the gateway of its subnet'
  return subnet && whyUnusable(ip, subnet)
}

/** The pool that has the address; throws why none of them allocates it. */
function poolFor({ ip, length, from }: RequestedIp, objects: readonly SpiderIPPool[]): Pool {
  const family = familyOf(ip)
  const value = toBigint(ip)
  const pools = objects.map(object => poolOf(object, family))
  const pool = pools.find(({ ranges }) => includes(ranges, value))
  const names = objects.map(({ metadata }) => metadata.name).join(', ')
  if (!pool) {
    const named = objects.find(({ spec }) => includes(rangesOf(spec.ips ?? [], family), value))
    const why = named && uselessIn(named, ip)
    if (named && why !== undefined)
      throw wrongInput(
        `${from} asks for ${ip}, which ${why} and is given to no pod of SpiderIPPool ${named.metadata.name}; ask for another`,
      )
    const excluding = objects.find(({ spec }) => includes(rangesOf(spec.excludeIPs ?? [], family), value))
    throw excluding
      ? wrongInput(
          `${from} asks for ${ip}, which is in spec.excludeIPs of SpiderIPPool ${excluding.metadata.name}; ask for another`,
        )
      : wrongInput(
          `${from} asks for ${ip}, which is in no IPv${family} pool that the pod may use (${names}); ask for another, or add it to spec.ips of one of them`,
        )
  }
  if (length !== undefined && length !== pool.subnet.length)
    throw wrongInput(
      `${from} asks for ${ip}/${length}, and pool ${pool.name} has subnet prefix length ${pool.subnet.length}; write ${ip}/${pool.subnet.length}`,
    )
  return pool
}

function refuseReserved({ ip, from }: RequestedIp, reserved: readonly SpiderReservedIP[], { family }: Pool): void {
  const by = reserved.find(one => includes(reservedRanges([one], family), toBigint(ip)))
  if (by)
    throw wrongInput(
      `${from} asks for ${ip}, which is reserved by SpiderReservedIP ${by.metadata.name}; ask for another`,
    )
}

const held = ({ ip, from }: RequestedIp, holder: string): Refused => {
  const message = `${from} asks for ${ip}, which is taken by ${holder}; ask for another, or free it`
  return new Refused('exhausted', message)
}

function takenBy(requested: RequestedIp, holder: SpiderIPAddress | undefined, { claimant }: Holder): Refused {
  const { ip, from } = requested
  if (!holder) return held(requested, 'a pod that gave it back a moment ago')
  const { pod, owner, nic } = holder.spec
  if (isQuarantined(holder))
    return new Refused(
      'exhausted',
      `${from} asks for ${ip}, which is quarantined: another host on the network has it; ask for another, or take it from that host`,
    )
  if (pod.uid === claimant.uid) return held(requested, `interface ${nic} of this pod`)
  return held(requested, isOfContainer(holder.spec) ? `container ${owner.name}` : `pod ${pod.namespace}/${pod.name}`)
}

/** @throws Refused `wrongInput` for a requested address of a family without a pool */
export function refuseFamily(
  requested: readonly RequestedIp[],
  pools: ReadonlyMap<Family, unknown>,
  nic: string,
): void {
  const other = requested.find(({ ip }) => !pools.has(familyOf(ip)))
  if (!other) return
  const families = [...pools.keys()].map(family => `IPv${family}`).join(' and ')
  throw wrongInput(
    `${other.from} asks for ${other.ip}, and ${nic} has pools of ${families} only; ask for an address of that family, or name a pool of IPv${familyOf(other.ip)}`,
  )
}
