// Which of some addresses the links of the node have. Reads only.
import { bytesOf, familyOf, type Ip } from '../ip/address.js'
import { macFromBytes, type Mac } from '../ip/mac.js'
import { Conn } from '../netlink/conn.js'
import { NetlinkError } from '../netlink/errno.js'
import { fdTransport } from '../netlink/fd-transport.js'
import { wordOf } from '../netlink/message.js'
import { addrDump, addrGet, anyAddress, type Address } from '../netlink/rtnl/addr.js'
import { AF } from './family.js'
import { Opener } from './sockets.js'
import { findLink } from './netns-pair.js'

/** An address, and the link that has it. */
export interface AddressOwner {
  readonly ip: Ip
  readonly link: string
  /** Undefined for a link without a hardware address, such as `lo`. */
  readonly mac: Mac | undefined
}

const ZERO_MAC = '00:00:00:00:00:00'

/**
 * The addresses that a link has, of any scope and state, tentative ones too. IPv4: one dump per
 * address. IPv6, of which every link has one: one request per address, answered from a hash table.
 * @throws NetlinkError
 */
export function addressOwners(conn: Conn, ips: readonly Ip[]): readonly AddressOwner[] {
  return ips.flatMap(ip => {
    const entry = familyOf(ip) === 4 ? find4(conn, ip) : get6(conn, ip)
    const link = entry && findLink(conn, entry.header.index)
    if (link === undefined) return [] // no link has it, or the link was deleted meanwhile
    const { name = '', address } = link.attrs
    const mac = address?.length === 6 ? macFromBytes(address) : undefined
    return [{ ip, link: name, mac: mac === ZERO_MAC ? undefined : mac }]
  })
}

/**
 * IFA_LOCAL: on a point-to-point link IFA_ADDRESS is the peer's. Filtered before decoding: with
 * kube-proxy in IPVS mode the node has an address per Service.
 */
function find4(conn: Conn, ip: Ip): Address | undefined {
  const wanted = bytesOf(ip)
  const keep = { at: 0, from: AF[4], to: AF[4], words: [wordOf(wanted)] }
  return conn
    .dump(addrDump, { header: { ...anyAddress, family: AF[4] }, attrs: {} }, keep)
    .find(({ attrs }) => wanted.every((byte, at) => (attrs.local ?? attrs.address)?.[at] === byte))
}

/** No link has it, or the kernel has no IPv6 (ipv6.disable=1). */
const NO_ADDRESS = ['EADDRNOTAVAIL', 'EOPNOTSUPP', 'EAFNOSUPPORT']

function get6(conn: Conn, ip: Ip): Address | undefined {
  try {
    return conn.get(addrGet, { header: { ...anyAddress, family: AF[6] }, attrs: { address: bytesOf(ip) } })
  } catch (error) {
    if (error instanceof NetlinkError && NO_ADDRESS.includes(error.code)) return undefined
    throw error
  }
}

/**
 * addressOwners() on a connection of its own, without loading the acts.
 * @throws NetlinkError, SystemError
 */
export function addressOwnersHere(ips: readonly Ip[]): readonly AddressOwner[] {
  const conn = new Conn(fdTransport(new Opener().netlink(undefined)))
  try {
    return addressOwners(conn, ips)
  } finally {
    conn.close()
  }
}
