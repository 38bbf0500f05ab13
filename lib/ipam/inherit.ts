// What the pod of a StatefulSet or of a virtual machine takes over from the pod before it. The comparing is pure; taking over is on a port.
import type { EndpointNic, SpiderEndpoint } from '../crd/types.js'
import { parsePrefix } from '../ip/cidr.js'
import { whyUnusable } from '../ip/usable.js'
import type { Hands } from './allocate.js'
import type { Named } from './choose.js'
import { releaseIfOf } from './release.js'
import { addressesOf } from './endpoint.js'
import { retake, type Taker } from './keep.js'
import type { Wishes } from './wishes.js'

const poolsOf = ({ ipv4Pool, ipv6Pool }: EndpointNic): readonly string[] =>
  [ipv4Pool, ipv6Pool].filter(name => name !== undefined)

const namesIn = (named: Named | undefined): readonly string[] =>
  named ? [...named.pools.values()].flat().map(({ metadata }) => metadata.name) : []

const isWithin = (nic: EndpointNic, named: Named | undefined): boolean =>
  poolsOf(nic).every(pool => namesIn(named).includes(pool))

/**
 * The interfaces whose pools are no longer those that the pod names: they get new addresses. Where interfaces have no names, one that
 * changed changes all; else only that of this call is looked at, each of the others has a call of its own.
 */
export function outdated(
  recorded: readonly EndpointNic[],
  { scope, named }: Wishes,
  nic: string,
): readonly EndpointNic[] {
  if (scope === 'places') return recorded.every((entry, place) => isWithin(entry, named[place])) ? [] : recorded
  const wish = named.find(one => one.wish.nic === nic)
  return recorded.filter(entry => entry.interface === nic && !isWithin(entry, wish))
}

/** The interfaces with an address that no host can have: a pod keeps one, and its successor gets another. Without names all or none. */
export function unusable(recorded: readonly EndpointNic[], { scope }: Wishes): readonly EndpointNic[] {
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
  taker: Taker,
  hands: Hands,
): Promise<readonly EndpointNic[]> {
  const was = status.current.uid
  const taken = await Promise.all(
    entries.map(async entry =>
      (await retake({ entry, place: entries.indexOf(entry), was }, taker, hands)) ? [entry] : [],
    ),
  )
  return taken.flat()
}

/** Gives back what these interfaces held, of this pod or the one before it. */
export async function letGoOf(
  entries: readonly EndpointNic[],
  uids: readonly string[],
  { port }: Pick<Hands, 'port'>,
): Promise<void> {
  const addresses = entries.flatMap(addressesOf).map(({ address }) => address)
  await Promise.all(
    addresses.flatMap(address => uids.map(uid => releaseIfOf({ uid, containerID: undefined }, address, port))),
  )
}
