// Reads links: by name or index, all, or the members of a master.
import { ipFromBytes } from '../ip/address.js'
import { macFromBytes } from '../ip/mac.js'
import type { Conn } from '../netlink/conn.js'
import type { bond } from '../netlink/rtnl/bond.js'
import { anyLink, IFF, IPVLAN_MODE, linkGlances, MACVLAN_MODE, type Link } from '../netlink/rtnl/link.js'
import type { ValueOf } from '../bytes.js'
import type { ObservedBond, ObservedLink } from '../plan/state.js'
import { findLink } from './netns-pair.js'

const RTEXT_FILTER_VF_SKIP_STATS = 9

export interface LinkQuery {
  /** A number is an index. */
  readonly links?: readonly (string | number)[] | 'all'
  /** Also the links whose master this one is. */
  readonly membersOf?: string
}

/**
 * The links that a query names; a missing one is left out.
 * @throws NetlinkError
 */
export function linksOf(conn: Conn, { links = [], membersOf }: LinkQuery): readonly Link[] {
  const named = queriedLinks(conn, links)
  return membersOf === undefined ? named : withMembers(conn, named, membersOf)
}

function queriedLinks(conn: Conn, links: readonly (string | number)[] | 'all'): readonly Link[] {
  if (links === 'all')
    return conn.dump(linkGlances, { header: anyLink, attrs: { extMask: RTEXT_FILTER_VF_SKIP_STATS } })
  return links.flatMap(link => findLink(conn, link) ?? [])
}

/** Filtered here too: older kernels ignore IFLA_MASTER in a dump. */
function withMembers(conn: Conn, links: readonly Link[], name: string): readonly Link[] {
  const master = indexIn(conn, links, name)
  if (master === undefined) return links
  const known = new Set(links.map(({ header }) => header.index))
  const members = conn.dump(linkGlances, { header: anyLink, attrs: { master, extMask: RTEXT_FILTER_VF_SKIP_STATS } })
  return [...links, ...members.filter(({ header, attrs }) => attrs.master === master && !known.has(header.index))]
}

/**
 * The index of a link, undefined if there is none. No request for a link that `queried` names
 * already.
 */
export function indexIn(
  conn: Conn,
  links: readonly Link[],
  link: string | number,
  queried: LinkQuery['links'] = [],
): number | undefined {
  const known =
    links.find(({ header, attrs }) => header.index === link || attrs.name === link) ??
    links.find(({ attrs }) => attrs.altNames?.some(name => name === link))
  if (known !== undefined) return known.header.index
  if (queried === 'all' || queried.includes(link)) return undefined
  return typeof link === 'number' ? link : findLink(conn, link)?.header.index
}

const modeNamed = <T extends string>(modes: Readonly<Record<T, number>>, value: number | undefined): T | undefined =>
  (Object.keys(modes) as T[]).find(name => modes[name] === value)

/** A link message as an ObservedLink. */
export function observedLink({ header, attrs }: Link): ObservedLink {
  const { info, address } = attrs
  return {
    index: header.index,
    name: attrs.name ?? '',
    kind: info === undefined || info.kind === 'none' ? undefined : info.kind === 'other' ? info.name : info.kind,
    mtu: attrs.mtu ?? 0,
    mac: address?.length === 6 ? macFromBytes(address) : undefined,
    flags: header.flags,
    up: (header.flags & IFF.up) !== 0,
    operState: attrs.operState ?? 0,
    queueLength: attrs.txQueueLength ?? 0,
    parent: attrs.parent || undefined,
    parentElsewhere: attrs.linkNetnsid !== undefined,
    master: attrs.master,
    ...(attrs.altNames !== undefined && { altNames: attrs.altNames }),
    ...(attrs.alias !== undefined && { alias: attrs.alias }),
    ...(attrs.parentDevName !== undefined && { device: attrs.parentDevName }),
    ...(info?.kind === 'macvlan' && { macvlan: { mode: modeNamed(MACVLAN_MODE, info.data?.mode) } }),
    ...(info?.kind === 'ipvlan' && { ipvlan: { mode: modeNamed(IPVLAN_MODE, info.data?.mode) } }),
    ...(info?.kind === 'vlan' && { vlan: { id: info.data?.id, protocol: info.data?.protocol } }),
    ...(info?.kind === 'bond' && { bond: observedBond(info.data ?? {}) }),
  }
}

const observedBond = ({ arpIpTarget, adActorSystem, ...numbers }: ValueOf<typeof bond>): ObservedBond => ({
  ...numbers,
  ...(arpIpTarget && { arpIpTarget: arpIpTarget.map(ipFromBytes) }),
  ...(adActorSystem && { adActorSystem: macFromBytes(adActorSystem) }),
})
