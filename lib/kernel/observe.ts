// Reads the state of a namespace: links by name, since there may be thousands; the rest by strict
// dumps.
import { bytesOf, ipFromBytes, type Family, type Ip } from '../ip/address.js'
import { macFromBytes, type Mac } from '../ip/mac.js'
import type { Conn } from '../netlink/conn.js'
import { NetlinkError } from '../netlink/errno.js'
import { wordOf, type Keep } from '../netlink/message.js'
import { addrDump, anyAddress, IFA_F, type Address } from '../netlink/rtnl/addr.js'
import type { Link } from '../netlink/rtnl/link.js'
import { anyNeigh, neighDump, NUD, type Neigh } from '../netlink/rtnl/neigh.js'
import { anyRoute, routeDump, RT_TABLE, RTM_F } from '../netlink/rtnl/route.js'
import { anyRule, isPlainRule, ruleDump, ruleTableOf, type RuleMessage } from '../netlink/rtnl/rule.js'
import {
  EMPTY_NETNS,
  type NetnsState,
  type ObservedAddress,
  type ObservedNeigh,
  type ObservedRoute,
} from '../plan/state.js'
import type { Packet, Rule, Where } from '../plan/step.js'
import { readSysctls } from './acts/sysctl.js'
import { AF, familyFrom, networkFrom } from './family.js'
import { indexIn, linksOf, observedLink, type LinkQuery } from './links.js'
import { hasMangleRules, readNftTables } from './read-nft-tables.js'
import { findLink, type Namespaces } from './netns-pair.js'
import { lookupsOf, resolvedOf, observedRoutes, type LinkNames } from './routes.js'
import { CACHE_DIR, cacheIn, NO_CACHE, globalAddresses } from './global-addresses.js'

/**
 * What to read of a namespace. `'all'` dumps; a name reads one. What is not queried stays empty.
 */
export interface Query extends LinkQuery {
  /** `'global'`: of all links, scope global or site; with many addresses, from a 10 s cache. */
  readonly addressesOn?: string | 'all' | 'global'
  /** Only this family; there may be thousands of the other. */
  readonly addressesOf?: Family | undefined
  /** Without table local. `to`: only those whose dst may be one of these addresses. */
  readonly routes?: { readonly table?: number; readonly on?: string | number; readonly to?: readonly Ip[] }
  readonly rules?: boolean
  readonly neighsOn?: string | number | 'all'
  readonly sysctls?: readonly string[]
  /** Names of nf_tables tables of family inet. */
  readonly nft?: readonly string[]
  /** Whether iptables marks connections (`hasMangleRules`). */
  readonly mangle?: true
  /** Addresses to look up a route for. */
  readonly lookups?: readonly Ip[]
  /** Packets to look up a route for. */
  readonly packets?: readonly Packet[]
}

/** Filter on rtm_table: table local holds half of all routes and is not needed here. */
const NOT_LOCAL: Keep = { at: 4, from: 0, to: RT_TABLE.local - 1 }

/** A dump has all families: IPv4, IPv6, then others, which are skipped. */
function ofFamily<T>(af: number, work: (family: Family) => readonly T[]): readonly T[] {
  const family = familyFrom(af)
  return family === undefined ? [] : work(family)
}

/**
 * The state of a namespace as far as the query reads it.
 * @throws NetlinkError, SystemError, NetnsError
 */
export function observe(namespaces: Namespaces, where: Where, query: Query): NetnsState {
  const conn = namespaces.at(where)
  const links = linksOf(conn, query)
  const names = namesOf(conn, links)
  const of = (on: string | number): number | undefined => (on === 'all' ? 0 : indexIn(conn, links, on, query.links))
  return {
    ...EMPTY_NETNS,
    links: links.map(observedLink),
    ...(query.addressesOn !== undefined && {
      addresses: (query.addressesOn === 'global'
        ? globalAddressesOf(conn, where, query.addressesOf, names)
        : addressesOf(conn, of(query.addressesOn), query.addressesOf)
      ).flatMap(address => observedAddress(address, names) ?? []),
    }),
    ...(query.routes && { routes: routesOf(conn, query.routes, of, names) }),
    ...(query.rules === true && { rules: rulesOf(conn) }),
    ...(query.neighsOn !== undefined && { neighs: neighsOf(conn, of(query.neighsOn), names) }),
    ...(query.nft && { nft: readNftTables(namespaces, where, query.nft) }),
    ...(query.mangle && { mangle: hasMangleRules(namespaces, where) }),
    ...(query.sysctls && { sysctls: readSysctls(namespaces, where, query.sysctls) }),
    ...(query.lookups && { lookups: lookupsOf(conn, query.lookups, names) }),
    ...(query.packets && { resolved: resolvedOf(conn, query.packets, names) }),
  }
}

/** Names by index, each read once; undefined for a link that was deleted meanwhile. */
function namesOf(conn: Conn, links: readonly Link[]): LinkNames {
  const known = new Map<number, string | undefined>(links.map(({ header, attrs }) => [header.index, attrs.name ?? '']))
  return index => {
    if (!known.has(index)) known.set(index, findLink(conn, index)?.attrs.name)
    return known.get(index)
  }
}

/** Empty if the link was deleted meanwhile. */
function unlessGone<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read()
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENODEV') return []
    throw error
  }
}

const afOf = (family: Family | undefined): number => (family === undefined ? 0 : AF[family])

/** `index` 0: all links; undefined: no such link. Filtered here too, for older kernels. */
function addressesOf(conn: Conn, index: number | undefined, family: Family | undefined): readonly Address[] {
  if (index === undefined) return []
  return unlessGone(() =>
    conn.dump(addrDump, { header: { ...anyAddress, index, family: afOf(family) }, attrs: {} }),
  ).filter(({ header }) => index === 0 || header.index === index)
}

/** The cache is of our own namespace. */
const globalAddressesOf = (
  conn: Conn,
  where: Where,
  family: Family | undefined,
  names: LinkNames,
): readonly Address[] =>
  globalAddresses(conn, afOf(family), names, where === 'node' ? cacheIn(CACHE_DIR, afOf(family)) : NO_CACHE)

function observedAddress({ header, attrs }: Address, names: LinkNames): ObservedAddress | undefined {
  const bytes = attrs.local ?? attrs.address
  const link = names(header.index)
  if (bytes === undefined || link === undefined || familyFrom(header.family) === undefined) return undefined
  const flags = attrs.flags ?? header.flags
  return {
    dev: link,
    address: { ip: ipFromBytes(bytes), length: header.prefixLength },
    tentative: (flags & IFA_F.tentative) !== 0,
    dadFailed: (flags & IFA_F.dadfailed) !== 0,
    scope: header.scope,
  }
}

function routesOf(
  conn: Conn,
  { table, on, to }: NonNullable<Query['routes']>,
  of: (on: string | number) => number | undefined,
  names: LinkNames,
): readonly ObservedRoute[] {
  const oif = on === undefined ? undefined : of(on)
  if (on !== undefined && oif === undefined) return []
  // Before decoding: each pod of a node has a route, by a link whose name would be read.
  const keep = to === undefined ? NOT_LOCAL : { ...NOT_LOCAL, words: to.map(ip => wordOf(bytesOf(ip))) }
  return unlessGone(() => conn.dump(routeDump, { header: anyRoute, attrs: { table, oif } }, keep))
    .filter(({ header }) => (header.flags & RTM_F.cloned) === 0)
    .flatMap(route => ofFamily(route.header.family, family => observedRoutes(route, family, names)))
    .filter(route => (table === undefined || route.table === table) && (oif === undefined || route.dev === names(oif)))
}

const rulesOf = (conn: Conn): readonly Rule[] =>
  conn
    .dump(ruleDump, { header: anyRule, attrs: {} })
    .flatMap(rule => ofFamily(rule.header.family, family => [observedRule(rule, family)]))

function observedRule(message: RuleMessage, family: Family): Rule {
  const { header, attrs } = message
  return {
    family,
    priority: attrs.priority ?? 0,
    table: ruleTableOf(message),
    ...(attrs.src && { from: networkFrom(family, header.srcLength, attrs.src) }),
    ...(attrs.dst && { to: networkFrom(family, header.dstLength, attrs.dst) }),
    ...(attrs.mark !== undefined && { fwmark: attrs.mark }),
    ...(!isPlainRule(message) && { more: true }),
  }
}

const neighsOf = (conn: Conn, index: number | undefined, names: LinkNames): readonly ObservedNeigh[] =>
  index === undefined
    ? []
    : conn
        .dump(neighDump, { header: anyNeigh, attrs: { index: index || undefined } })
        .filter(({ header }) => index === 0 || header.index === index)
        .flatMap(neigh => ofFamily(neigh.header.family, () => [observedNeigh(neigh, names) ?? []].flat()))

function observedNeigh({ header, attrs }: Neigh, names: LinkNames): ObservedNeigh | undefined {
  const link = names(header.index)
  if (attrs.dst === undefined || link === undefined) return undefined
  const mac: Mac | undefined = attrs.mac?.length === 6 ? macFromBytes(attrs.mac) : undefined
  return {
    dev: link,
    ip: ipFromBytes(attrs.dst),
    mac,
    permanent: (header.state & NUD.permanent) !== 0,
  }
}
