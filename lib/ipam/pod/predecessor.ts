// Retention: what a pod inherits from the pod before it. On a Store.
import type { EndpointNic, SpiderEndpoint, SpiderIPPool } from '../../crd/types.js'
import { networkOf, parsePrefix } from '../../ip/cidr.js'
import { whyUnusable } from '../../ip/usable.js'
import type { AllocDeps } from '../allocation/allocate.js'
import type { CandidatePools } from '../pools/usable.js'
import { releaseIfHeldBy } from './release-address.js'
import { addressesOf } from '../allocation/endpoint.js'
import { reuse, type ReuseContext } from './reuse.js'
import type { RequestedPools } from '../pools/requested.js'

/** True where all addresses are of candidate pools and their subnets, and of the network. */
const isWithin = (
  nic: EndpointNic,
  named: CandidatePools | undefined,
  isOfNetwork: (pool: SpiderIPPool) => boolean,
): boolean =>
  addressesOf(nic).every(({ address, pool: name }) => {
    const pool = named && [...named.pools.values()].flat().find(({ metadata }) => metadata.name === name)
    return pool !== undefined && isIn(address, pool) && isOfNetwork(pool)
  })

/** False where the pool was recreated with another subnet. */
function isIn(address: string, { spec }: SpiderIPPool): boolean {
  const [own, subnet] = [parsePrefix(address), parsePrefix(spec.subnet)]
  return own !== undefined && subnet !== undefined && networkOf(own) === networkOf(subnet)
}

/**
 * The interfaces whose pools are no longer candidates: they get new addresses. Without interface
 * names one change affects all; otherwise only the interface of this call, since each has its own
 * ADD.
 */
export function outdated(
  recorded: readonly EndpointNic[],
  { scope, named }: RequestedPools,
  nic: string,
  isOfNetwork: (pool: SpiderIPPool) => boolean = () => true,
): readonly EndpointNic[] {
  if (scope === 'byIndex')
    return recorded.every((entry, index) => isWithin(entry, named[index], () => true)) ? [] : recorded
  const candidates = named.find(one => one.request.nic === nic)
  return recorded.filter(entry => entry.interface === nic && !isWithin(entry, candidates, isOfNetwork))
}

/**
 * The interfaces with an address that no host can have; without interface names all or none. A
 * running pod keeps such an address, its successor gets another.
 */
export function unusable(recorded: readonly EndpointNic[], { scope }: RequestedPools): readonly EndpointNic[] {
  const found = recorded.filter(entry =>
    addressesOf(entry).some(({ address }) => {
      const prefix = parsePrefix(address)
      return prefix !== undefined && whyUnusable(prefix.ip, prefix) !== undefined
    }),
  )
  return scope === 'byIndex' && found.length > 0 ? recorded : found
}

/**
 * The interfaces of the record that the new pod holds now. A missing address object is created
 * again; an interface whose address another pod has is not inherited.
 */
export async function inherit(
  { status }: SpiderEndpoint,
  entries: readonly EndpointNic[],
  context: ReuseContext,
  deps: AllocDeps,
): Promise<readonly EndpointNic[]> {
  const was = status.current.uid
  const taken = await Promise.all(
    entries.map(async entry =>
      (await reuse({ entry, index: entries.indexOf(entry), was }, context, deps)) ? [entry] : [],
    ),
  )
  return taken.flat()
}

/** The pools that the call has read, by name. */
export const poolsIn = ({ named }: RequestedPools): ReadonlyMap<string, SpiderIPPool> =>
  new Map(named.flatMap(({ pools }) => [...pools.values()].flat().map(pool => [pool.metadata.name, pool])))

/** Releases the addresses of stale interfaces, of this pod or the one before, not in `staying`. */
export async function releaseStale(
  entries: readonly EndpointNic[],
  { uids, staying }: { readonly uids: readonly string[]; readonly staying: readonly EndpointNic[] },
  { store }: Pick<AllocDeps, 'store'>,
): Promise<void> {
  const kept = staying.flatMap(addressesOf).map(({ address }) => address)
  const released = entries.flatMap(addressesOf).filter(({ address }) => !kept.includes(address))
  await Promise.all(
    released.flatMap(({ address, pool }) =>
      [...new Set(uids)].map(uid => releaseIfHeldBy({ uid, containerID: undefined, pool }, address, store)),
    ),
  )
}
