// The two namespaces of a call, each opened when it is first needed. Knows sockets and names; knows no step.
import { Conn } from '../netlink/conn.js'
import { fdTransport } from '../netlink/fd-transport.js'
import { NetlinkError } from '../netlink/errno.js'
import { IFNAME_BYTES_MAX, linkGlance, linkIndex, linkNamed, linkNumbered, type Link } from '../netlink/rtnl/link.js'
import type { Where } from '../plan/step.js'
import type { Opener } from './sockets.js'

export interface NetlinkCost {
  readonly requests: number
  readonly dumps: number
}

export interface Namespaces {
  readonly opener: Opener
  /** The netlink connection of a place, for links and routes. */
  at(where: Where): Conn
  /** The one for nf_tables. Throws SystemError EPROTONOSUPPORT where the kernel has none. */
  nft(where: Where): Conn
  /** The namespace's descriptor; undefined for the node, where we are. */
  netnsOf(where: Where): number | undefined
  /** A descriptor that names the place in a message sent from the other one. */
  fdOf(where: Where): number
  /** Indexes of links that were asked for before, by place and name; whoever makes, renames or removes a link clears it. */
  readonly indexes: Map<string, number>
  /** Netlink requests so far, and those of them that were dumps. */
  cost(): NetlinkCost
  close(): void
}

export function openNamespaces(
  opener: Opener,
  open: { pod: () => number; node: () => number; close: (fd: number) => void },
): Namespaces {
  const conns = new Map<Where, Conn>()
  const nftConns = new Map<Where, Conn>()
  const fds = new Map<Where, number>()
  const all = (): readonly Conn[] => [...conns.values(), ...nftConns.values()]
  const fdOf = (where: Where): number => remembered(fds, where, open[where])
  const netnsOf = (where: Where): number | undefined => (where === 'pod' ? fdOf('pod') : undefined)
  return {
    opener,
    at: where => remembered(conns, where, () => new Conn(fdTransport(opener.netlink(netnsOf(where))))),
    nft: where => remembered(nftConns, where, () => new Conn(fdTransport(opener.netfilter(netnsOf(where))))),
    netnsOf,
    fdOf,
    indexes: new Map(),
    cost: () => ({
      requests: all().reduce((sum, { requests }) => sum + requests, 0),
      dumps: all().reduce((sum, { dumps }) => sum + dumps, 0),
    }),
    close() {
      for (const conn of all()) conn.close()
      for (const fd of fds.values()) open.close(fd)
    },
  }
}

function remembered<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const value = known.get(key) ?? make()
  known.set(key, value)
  return value
}

/**
 * A name longer than the kernel takes is no link's; before 5.5 it knows no attribute for a long one
 * (rtnl_getlink: EINVAL).
 */
const isTooLong = (code: string, link: string | number): boolean =>
  typeof link === 'string' && link.length > IFNAME_BYTES_MAX && (code === 'ERANGE' || code === 'EINVAL')

/** The link of a name or of an index, or undefined. */
export function findLink(conn: Conn, link: string | number): Link | undefined {
  try {
    return conn.get(linkGlance, typeof link === 'string' ? linkNamed(link) : linkNumbered(link))
  } catch (error) {
    if (error instanceof NetlinkError && (error.code === 'ENODEV' || isTooLong(error.code, link))) return undefined
    throw error
  }
}

/** The index of a link that must be there. Throws NetlinkError ENODEV. */
export const indexOf = (namespaces: Namespaces, { where, name }: { where: Where; name: string }): number =>
  remembered(
    namespaces.indexes,
    `${where} ${name}`,
    () => namespaces.at(where).get(linkIndex, linkNamed(name)).header.index,
  )

/** Undoing tolerates that what it takes away has gone, and nothing else. */
export function unlessGone(codes: readonly string[], work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof NetlinkError && codes.includes(error.code))) throw error
  }
}
