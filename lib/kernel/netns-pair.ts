// The two network namespaces of a call, each opened at its first use.
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
  /** The rtnetlink connection in a namespace. */
  at(where: Where): Conn
  /**
   * The nf_tables connection. Throws SystemError EPROTONOSUPPORT if the kernel has no netfilter.
   */
  nft(where: Where): Conn
  /** File descriptor; undefined for the node, our own namespace. */
  netnsOf(where: Where): number | undefined
  /** File descriptor for IFLA_NET_NS_FD. */
  fdOf(where: Where): number
  /** The folder of the sysctls, with its slash. */
  readonly sysctls: string
  /** Cached link indexes by namespace and name; adding, renaming or removing a link clears it. */
  readonly indexes: Map<string, number>
  /** Number of netlink requests so far, and of dumps among them. */
  cost(): NetlinkCost
  close(): void
}

/**
 * The namespaces that `open` opens at their first use; `close` of the result closes what was
 * opened.
 */
export function openNamespaces(
  opener: Opener,
  open: { pod: () => number; node: () => number; close: (fd: number) => void; sysctls: string },
): Namespaces {
  const conns = new Map<Where, Conn>()
  const nftConns = new Map<Where, Conn>()
  const fds = new Map<Where, number>()
  const all = (): readonly Conn[] => [...conns.values(), ...nftConns.values()]
  const fdOf = (where: Where): number => cached(fds, where, open[where])
  const netnsOf = (where: Where): number | undefined => (where === 'pod' ? fdOf('pod') : undefined)
  return {
    opener,
    at: where => cached(conns, where, () => new Conn(fdTransport(opener.netlink(netnsOf(where))))),
    nft: where => cached(nftConns, where, () => new Conn(fdTransport(opener.netfilter(netnsOf(where))))),
    netnsOf,
    fdOf,
    sysctls: open.sysctls,
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

function cached<K, V>(cache: Map<K, V>, key: K, make: () => V): V {
  const value = cache.get(key) ?? make()
  cache.set(key, value)
  return value
}

/**
 * A longer name than IFNAMSIZ allows exists on no link; before Linux 5.5 there is no attribute for
 * a long one (rtnl_getlink: EINVAL).
 */
const isTooLong = (code: string, link: string | number): boolean =>
  typeof link === 'string' && link.length > IFNAME_BYTES_MAX && (code === 'ERANGE' || code === 'EINVAL')

/**
 * The link of a name or an index; undefined if there is none.
 * @throws NetlinkError
 */
export function findLink(conn: Conn, link: string | number): Link | undefined {
  try {
    return conn.get(linkGlance, typeof link === 'string' ? linkNamed(link) : linkNumbered(link))
  } catch (error) {
    if (error instanceof NetlinkError && (error.code === 'ENODEV' || isTooLong(error.code, link))) return undefined
    throw error
  }
}

/**
 * The index of a link, cached.
 * @throws NetlinkError ENODEV
 */
export const indexOf = (namespaces: Namespaces, { where, name }: { where: Where; name: string }): number =>
  cached(
    namespaces.indexes,
    `${where} ${name}`,
    () => namespaces.at(where).get(linkIndex, linkNamed(name)).header.index,
  )

/** Ignores NetlinkErrors of these codes: the object of an undo may be gone. */
export function unlessGone(codes: readonly string[], work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof NetlinkError && codes.includes(error.code))) throw error
  }
}
