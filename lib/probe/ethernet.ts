// Ethernet header and the fields that ARP and NDP share. No socket.
import { bytesOf, ipFromBytes, type Ip } from '../ip/address.js'
import { macBytes, macFromBytes, type Mac } from '../ip/mac.js'
import { fixed, struct, u16be, type Field } from '../bytes.js'

// <linux/if_ether.h>
export const ETH_P_ARP = 0x0806
export const ETH_P_IPV6 = 0x86dd

export const mac: Field<Mac> = fixed(6, { decode: macFromBytes, encode: macBytes })
export const ip4: Field<Ip> = fixed(4, { decode: ipFromBytes, encode: bytesOf })
/** IPv4-mapped addresses decode as IPv4; they are invalid in NDP. */
export const ip6: Field<Ip> = fixed(16, { decode: ipFromBytes, encode: bytes16Of })

export const ethernet = struct('Ethernet header', 14, { destination: mac, source: mac, type: u16be })

function bytes16Of(ip: Ip): Uint8Array {
  const bytes = bytesOf(ip)
  if (bytes.length !== 16) throw new RangeError(`${ip} is not an IPv6 address`)
  return bytes
}

const macOf = (...bytes: readonly number[]): Mac => macFromBytes(Uint8Array.from(bytes))

export const BROADCAST_MAC: Mac = macOf(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
export const ZERO_MAC: Mac = macOf(0, 0, 0, 0, 0, 0)

/** The MAC of an IPv6 multicast group: 33:33 and its last four bytes (RFC 2464 §7). */
export const multicastMac = (group: Ip): Mac =>
  macFromBytes(Uint8Array.of(0x33, 0x33, ...bytes16Of(group).subarray(12)))
