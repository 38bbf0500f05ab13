// Which of a few addresses the node's own links have. Reads only; knows no pool.
import { bytesOf, familyOf, type Ip } from '../ip/address.js'
import { macFromBytes, type Mac } from '../ip/mac.js'
import { Conn } from '../netlink/conn.js'
import { NetlinkError } from '../netlink/errno.js'
import { fdTransport } from '../netlink/fd-transport.js'
import { addrDump, addrGet, anyAddress, type Address } from '../netlink/rtnl/addr.js'
import { AF } from './family.js'
import { Opener } from './sockets.js'
import { findLink } from './namespaces.js'

/** An address, and the link that has it. */
export interface AddressOwner {
  readonly ip: Ip
  readonly link: string
  /** Undefined where the link has none that could be on the wire, as `lo`. */
  readonly mac: Mac | undefined
}

const ZERO_MAC = '00:00:00:00:00:00'

/**
 * Of any link, scope and state, tentative ones too. IPv4 is one dump for each address; IPv6, which every link has an
 * address of, one request for each, which the kernel answers from a hash. Throws NetlinkError.
 */
export function addressOwners(conn: Conn, ips: readonly Ip[]): readonly AddressOwner[] {
  return ips.flatMap(ip => {
    const entry = familyOf(ip) === 4 ? find4(conn, ip) : get6(conn, ip)
    const link = entry && findLink(conn, entry.header.index)
    if (link === undefined) return [] // none has it, or the one that had it went meanwhile
    const { name = '', address } = link.attrs
    const mac = address?.length === 6 ? macFromBytes(address) : undefined
    return [{ ip, link: name, mac: mac === ZERO_MAC ? undefined : mac }]
  })
}

/** `local`: on a point-to-point link `address` is the peer's. A node whose kube-proxy is in IPVS mode has an entry for each Service. */
function find4(conn: Conn, ip: Ip): Address | undefined {
  const wanted = bytesOf(ip)
  const word = new Uint32Array(wanted.slice().buffer)[0] ?? 0
  const keep = { at: 0, from: AF[4], to: AF[4], word }
  return conn
    .dump(addrDump, { header: { ...anyAddress, family: AF[4] }, attrs: {} }, keep)
    .find(({ attrs }) => wanted.every((byte, at) => (attrs.local ?? attrs.address)?.[at] === byte))
}

/** No link has it; or a kernel without IPv6 (ipv6.disable=1). */
const NO_ADDRESS = ['EADDRNOTAVAIL', 'EOPNOTSUPP', 'EAFNOSUPPORT']

function get6(conn: Conn, ip: Ip): Address | undefined {
  try {
    return conn.get(addrGet, { header: { ...anyAddress, family: AF[6] }, attrs: { address: bytesOf(ip) } })
  } catch (error) {
    if (error instanceof NetlinkError && NO_ADDRESS.includes(error.code)) return undefined
    throw error
  }
}

/** The same on a connection of its own, without all that changes a node. Throws NetlinkError, SystemError. */
export function addressOwnersHere(ips: readonly Ip[]): readonly AddressOwner[] {
  const conn = new Conn(fdTransport(new Opener().netlink(undefined)))
  try {
    return addressOwners(conn, ips)
  } finally {
    conn.close()
  }
}
