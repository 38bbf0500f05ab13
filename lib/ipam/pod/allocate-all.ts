// Allocates for several interfaces at once, one address of each family: all or none. On a Store.
import { deleteAllocation } from '../allocation/shared-pool.js'
import type { EndpointNic, SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../crd/types.js'
import type { Family } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import { isQuarantined } from '../allocation/conflict-quarantine.js'
import { allocate, type AllocDeps, type AllocationResult } from '../allocation/allocate.js'
import { addressesOf, nicRecord } from '../allocation/endpoint.js'
import type { Claimant } from '../allocation/claimant.js'
import { poolOf, reservedRanges } from '../allocation/pool.js'
import type { Store } from '../store/store.js'
import { Refused } from '../errors.js'
import type { RequestedIp } from './requested-ips.js'
import { ofFamily, takeRequested } from './take-requested.js'

/** One interface: its name in address objects, its name in the record, its pools in order. */
export interface NicRequest {
  readonly nic: string
  readonly interface: string
  readonly cleanGateway: boolean
  readonly pools: ReadonlyMap<Family, readonly SpiderIPPool[]>
  /** Exactly these addresses; other families are allocated from the pools. */
  readonly requested?: readonly RequestedIp[]
}

export interface NicAllocation {
  readonly nics: readonly EndpointNic[]
  /** The address objects that this call created, as created. */
  readonly created: readonly SpiderIPAddress[]
  /** Releases what this call created; what an earlier call of the pod took stays. */
  undo(): Promise<void>
}

interface PodAllocation {
  readonly claimant: Claimant
  readonly reserved: readonly SpiderReservedIP[]
  /** The other interfaces of the pod's record. */
  readonly others: readonly EndpointNic[]
}

type HeldAddress = Extract<AllocationResult, { kind: 'held' }>

/**
 * The records of the interfaces.
 * @throws Refused `exhausted`, `contended`; KubeError. Then nothing stays allocated.
 */
export async function allocateAll(
  requests: readonly NicRequest[],
  { claimant, reserved, others }: PodAllocation,
  deps: AllocDeps,
): Promise<NicAllocation> {
  const except = others.flatMap(addressesOf).flatMap(({ address }) => parsePrefix(address)?.ip ?? [])
  const leftBehind = deps.journal.read()
  const outcomes = await Promise.all(
    requests.flatMap(nicRequest =>
      [...nicRequest.pools].map(async ([family, objects]) => {
        const pools = objects.map(object => poolOf(object, family))
        const request = {
          ...{ claimant, nic: nicRequest.nic, pools, reserved: reservedRanges(reserved, family), except },
          leftBehind,
        }
        const one = ofFamily(nicRequest.requested ?? [], family)
        const holder = { claimant, nic: nicRequest.nic }
        const taking = one ? takeRequested(one, { holder, pools: objects, reserved }, deps) : allocate(request, deps)
        return taking.then(
          taken => ({ nicRequest, taken, error: undefined }),
          (error: unknown) => ({ nicRequest, taken: undefined, error }),
        )
      }),
    ),
  )
  const held = outcomes.flatMap(({ nicRequest, taken }) => (taken?.kind === 'held' ? [{ nicRequest, taken }] : []))
  const taken = held.map(one => one.taken)
  const undo = async (): Promise<void> => {
    // The journal stays where one could not be released: DEL reads it.
    if (await giveBack(taken, deps.store)) deps.journal.close()
  }
  const failed = outcomes.find(({ error }) => error !== undefined)
  const refused = outcomes.find(({ taken }) => taken?.kind === 'refused')
  if (failed) {
    await giveBack(taken, deps.store) // and the journal stays: the failed request may have been executed
    throw failed.error
  }
  if (refused) await undo()
  if (refused?.taken?.kind === 'refused') throw await refusalOf(refused.taken, deps.store)
  const nics = requests.map(nicRequest => {
    const assigned = held.filter(one => one.nicRequest === nicRequest).map(({ taken }) => taken)
    return nicRecord(nicRequest.interface, assigned, nicRequest.cleanGateway)
  })
  return { nics, created: taken.filter(({ isNew }) => isNew).map(({ object }) => object), undo }
}

/** False where one of them could not be released. */
async function giveBack(taken: readonly HeldAddress[], store: Store): Promise<boolean> {
  const created = taken.filter(({ isNew }) => isNew)
  const outcomes = await Promise.allSettled(
    created.map(({ object, isOfRecord = false }) =>
      isOfRecord ? store.deleteAddress(object) : deleteAllocation(object, store),
    ),
  )
  return outcomes.every(({ status }) => status === 'fulfilled')
}

async function refusalOf({ refusals }: Extract<AllocationResult, { kind: 'refused' }>, store: Store): Promise<Refused> {
  const reasons = await Promise.all(
    refusals.map(async ({ pool, why, reserved, recorded }) => {
      if (why.reason === 'contended')
        return `exhaust all retries (${why.attempts} times) in pool ${pool.name}: too many pods want its last addresses at once`
      const most = why.size === 0n ? '' : whoHasMost(await store.sampleAddresses(pool.uid))
      const unusable = pool.unusable === 0n ? '' : `, ${pool.unusable} that no pod can use`
      const others = recorded > 0n ? `; ${recorded} by Go records in status.allocatedIPs` : ''
      const taken = why.size + recorded
      return `all IP addresses used out in pool ${pool.name} (${taken + reserved} in all, ${taken} taken, ${reserved} reserved${unusable}${most}${others})`
    }),
  )
  const isFull = refusals.every(({ why }) => why.reason === 'exhausted')
  const about = `no address in ${refusals.map(({ pool }) => pool.name).join(', ')}`
  return new Refused(isFull ? 'exhausted' : 'contended', reasons.join('; '), { about })
}

/** `; most by Deployment default/web, 12`; '' where no address is held. */
export function whoHasMost(sample: readonly SpiderIPAddress[]): string {
  const counts = new Map<string, number>()
  for (const { spec, metadata } of sample) {
    const holder = isQuarantined({ spec, metadata })
      ? 'hosts outside (IP conflict)'
      : `${spec.owner.kind} ${spec.pod.namespace}/${spec.owner.name}`
    counts.set(holder, (counts.get(holder) ?? 0) + 1)
  }
  const [first] = [...counts].sort(([, a], [, b]) => b - a)
  return first ? `; most by ${first[0]}, ${first[1]}` : ''
}
