// Reads routes: route messages as ObservedRoute, and route lookups of packets.
import { bytesOf, familyOf, ipFromBytes, type Family, type Ip } from '../ip/address.js'
import type { Conn } from '../netlink/conn.js'
import { NetlinkError } from '../netlink/errno.js'
import { anyRoute, routeGet, RTM_F, RTNH_F, tableOf, type RouteMessage } from '../netlink/rtnl/route.js'
import type { Resolved, RouteLookup, ObservedRoute } from '../plan/state.js'
import type { Packet, Route } from '../plan/step.js'
import { AF, networkFrom } from './family.js'

/** The name of a link by its index; undefined if it was deleted meanwhile. */
export type LinkNames = (index: number) => string | undefined

/** <linux/icmpv6.h> ICMPV6_ROUTER_PREF_MEDIUM: the default. */
const PREF_MEDIUM = 0

/**
 * Route lookups by address; undefined: no route.
 * @throws NetlinkError
 */
export function lookupsOf(
  conn: Conn,
  ips: readonly Ip[],
  names: LinkNames,
): Readonly<Record<Ip, RouteLookup | undefined>> {
  return Object.fromEntries(ips.map((ip): [Ip, RouteLookup | undefined] => [ip, lookup(conn, { to: ip }, names)]))
}

const NO_ROUTE = ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EAFNOSUPPORT', 'EOPNOTSUPP']

/**
 * The route of each packet. For IPv4, `from` must be an address of the namespace.
 * @throws NetlinkError
 */
export const resolvedOf = (conn: Conn, packets: readonly Packet[], names: LinkNames): readonly Resolved[] =>
  packets.map(packet => {
    const route = lookup(conn, packet, names)
    return { ...packet, ...(route && { route }) }
  })

function lookup(conn: Conn, { to, from, mark }: Packet, names: LinkNames): RouteLookup | undefined {
  const dst = bytesOf(to)
  const src = from && bytesOf(from)
  const family = familyOf(to)
  const flags = family === 4 ? RTM_F.lookupTable : 0 // IPv6 always reports the table, and rejects the flag
  const bits = dst.length * 8
  const header = { ...anyRoute, family: AF[family], dstLength: bits, srcLength: src ? bits : 0, flags }
  try {
    const route = conn.get(routeGet, { header, attrs: { dst, src, mark } })
    const { oif, prefSrc } = route.attrs
    const via = gatewayIn(route.attrs)
    const link = oif === undefined ? undefined : names(oif)
    if (oif !== undefined && link === undefined) return undefined
    return {
      table: tableOf(route),
      ...(link !== undefined && { dev: link }),
      ...(via !== undefined && { via }),
      ...(prefSrc && { src: ipFromBytes(prefSrc) }),
    }
  } catch (error) {
    if (error instanceof NetlinkError && NO_ROUTE.includes(error.code)) return undefined
    throw error
  }
}

const gatewayIn = ({
  gateway,
  via,
}: {
  gateway?: Uint8Array | undefined
  via?: { address: Uint8Array } | undefined
}): Ip | undefined => {
  const bytes = gateway ?? via?.address
  return bytes && ipFromBytes(bytes)
}

/** One per hop of a multipath route; none if a link of the route is gone. */
export function observedRoutes(message: RouteMessage, family: Family, names: LinkNames): readonly ObservedRoute[] {
  const { header, attrs } = message
  const { prefSrc, metrics } = attrs
  const kept = keptOf(message)
  if (linksIn(message).some(index => names(index) === undefined)) return []
  const common = {
    dst: networkFrom(family, header.dstLength, attrs.dst),
    table: tableOf(message),
    metric: attrs.priority ?? 0,
    scope: header.scope,
    proto: header.protocol,
    type: header.type,
    ...(prefSrc && { src: ipFromBytes(prefSrc) }),
    ...(metrics?.mtu !== undefined && { mtu: metrics.mtu }),
    ...(metrics?.advmss !== undefined && { advmss: metrics.advmss }),
    ...(kept && { extra: kept }),
  }
  const one = (index: number | undefined, flags: number, via: Ip | undefined) => ({
    ...(index !== undefined && index !== 0 && { dev: names(index) ?? '' }),
    ...(via !== undefined && { via }),
    ...((flags & RTNH_F.onlink) !== 0 && { onlink: true }),
  })
  if (!attrs.multipath) return [{ ...common, ...one(attrs.oif, header.flags, gatewayIn(attrs)) }]
  const paths = attrs.multipath.map(({ index, flags, hops, attrs }) => ({
    ...one(index, flags, gatewayIn(attrs)),
    dev: names(index) ?? '',
    weight: hops + 1,
  }))
  return paths.map(({ weight: _, ...path }) => ({ ...common, ...path, nexthops: paths }))
}

const linksIn = ({ attrs: { oif = 0, multipath = [] } }: RouteMessage): readonly number[] =>
  [oif, ...multipath.map(({ index }) => index)].filter(index => index !== 0)

/**
 * The attributes that Route has no name for, so that a copy is complete, without read-only ones.
 */
function keptOf({ header, attrs }: RouteMessage): Route['extra'] {
  const { dst, src, iif, oif, gateway, priority, prefSrc, multipath, cacheinfo, table, via, ...rest } = attrs
  const { uid, expires, nextHopId, pref, metrics, ...own } = rest
  const { mtu, advmss, ...others } = metrics ?? {}
  const kept = {
    ...own,
    ...(pref !== undefined && pref !== PREF_MEDIUM && { pref }),
    ...(Object.keys(others).length > 0 && { metrics: others }),
    ...(header.tos !== 0 && { tos: header.tos }),
  }
  return Object.keys(kept).length > 0 ? kept : undefined
}
