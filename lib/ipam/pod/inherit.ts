// What the pod of a StatefulSet or of a virtual machine takes over from the pod before it. The comparing is pure; taking over is on a port.
import type { EndpointNic, SpiderEndpoint, SpiderIPPool } from '../../crd/types.js'
import { networkOf, parsePrefix } from '../../ip/cidr.js'
import { whyUnusable } from '../../ip/usable.js'
import type { AllocDeps } from '../allocation/allocate.js'
import type { CandidatePools } from '../pools/usable.js'
import { releaseIfHeldBy } from './release.js'
import { addressesOf } from '../allocation/endpoint.js'
import { reuse, type ReuseContext } from './reuse.js'
import type { RequestedPools } from '../pools/requested.js'

/** The interface's addresses are of pools that are named for it, of the subnet that these have, and of the interface's network. */
const isWithin = (
  nic: EndpointNic,
  named: CandidatePools | undefined,
  isOfNetwork: (pool: SpiderIPPool) => boolean,
): boolean =>
  addressesOf(nic).every(({ address, pool: name }) => {
    const pool = named && [...named.pools.values()].flat().find(({ metadata }) => metadata.name === name)
    return pool !== undefined && isIn(address, pool) && isOfNetwork(pool)
  })

/** A pool of the name may have been made again with another subnet. */
function isIn(address: string, { spec }: SpiderIPPool): boolean {
  const [own, subnet] = [parsePrefix(address), parsePrefix(spec.subnet)]
  return own !== undefined && subnet !== undefined && networkOf(own) === networkOf(subnet)
}

/**
 * The interfaces whose pools are no longer those that the pod names: they get new addresses. Where interfaces have no names, one that
 * changed changes all; else only that of this call is looked at, each of the others has a call of its own.
 */
export function outdated(
  recorded: readonly EndpointNic[],
  { scope, named }: RequestedPools,
  nic: string,
  isOfNetwork: (pool: SpiderIPPool) => boolean = () => true,
): readonly EndpointNic[] {
  if (scope === 'places')
    return recorded.every((entry, place) => isWithin(entry, named[place], () => true)) ? [] : recorded
  const wish = named.find(one => one.request.nic === nic)
  return recorded.filter(entry => entry.interface === nic && !isWithin(entry, wish, isOfNetwork))
}

/** The interfaces with an address that no host can have: a pod keeps one, and its successor gets another. Without names all or none. */
export function unusable(recorded: readonly EndpointNic[], { scope }: RequestedPools): readonly EndpointNic[] {
  const found = recorded.filter(entry =>
    addressesOf(entry).some(({ address }) => {
      const prefix = parsePrefix(address)
      return prefix !== undefined && whyUnusable(prefix.ip, prefix) !== undefined
    }),
  )
  return scope === 'places' && found.length > 0 ? recorded : found
}

/**
 * The interfaces of the record that the new pod holds now. An address that went missing is taken again; where somebody else has it by
 * now, its interface is not inherited and gets a new one.
 */
export async function inherit(
  { status }: SpiderEndpoint,
  entries: readonly EndpointNic[],
  taker: ReuseContext,
  deps: AllocDeps,
): Promise<readonly EndpointNic[]> {
  const was = status.current.uid
  const taken = await Promise.all(
    entries.map(async entry =>
      (await reuse({ entry, place: entries.indexOf(entry), was }, taker, deps)) ? [entry] : [],
    ),
  )
  return taken.flat()
}

/** The pools that a call has read, by name. */
export const poolsIn = ({ named }: RequestedPools): ReadonlyMap<string, SpiderIPPool> =>
  new Map(named.flatMap(({ pools }) => [...pools.values()].flat().map(pool => [pool.metadata.name, pool])))

/** Gives back what these interfaces held, of this pod or the one before it; not what an interface that stays has too. */
export async function releaseStale(
  entries: readonly EndpointNic[],
  { uids, staying }: { readonly uids: readonly string[]; readonly staying: readonly EndpointNic[] },
  { store }: Pick<AllocDeps, 'store'>,
): Promise<void> {
  const kept = staying.flatMap(addressesOf).map(({ address }) => address)
  const leaving = entries.flatMap(addressesOf).filter(({ address }) => !kept.includes(address))
  await Promise.all(
    leaving.flatMap(({ address, pool }) =>
      [...new Set(uids)].map(uid => releaseIfHeldBy({ uid, containerID: undefined, pool }, address, store)),
    ),
  )
}
