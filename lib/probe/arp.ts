// ARP for IPv4 over Ethernet (RFC 826) as whole frames: probes, announcements, replies. No socket.
import { ip as parse, type Ip } from '../ip/address.js'
import type { Mac } from '../ip/mac.js'
import { BROADCAST_MAC, ETH_P_ARP, ethernet, ip4, mac, ZERO_MAC } from './ethernet.js'
import { concat, WireError, struct, u16be, u8 } from '../bytes.js'

// <linux/if_arp.h>
const ARPHRD_ETHER = 1
const ETH_P_IP = 0x0800
export const ARPOP_REQUEST = 1
export const ARPOP_REPLY = 2

const arpPayload = struct('ARP', 28, {
  hardwareType: u16be,
  protocolType: u16be,
  hardwareLength: u8,
  protocolLength: u8,
  operation: u16be,
  senderMac: mac,
  senderIp: ip4,
  targetMac: mac,
  targetIp: ip4,
})

export interface Arp {
  readonly operation: number
  readonly senderMac: Mac
  readonly senderIp: Ip
  readonly targetMac: Mac
  readonly targetIp: Ip
}

/** A broadcast frame. */
export function encodeArp(arp: Arp): Uint8Array {
  return concat([
    ethernet.encode({ destination: BROADCAST_MAC, source: arp.senderMac, type: ETH_P_ARP }),
    arpPayload.encode({
      hardwareType: ARPHRD_ETHER,
      protocolType: ETH_P_IP,
      hardwareLength: 6,
      protocolLength: 4,
      ...arp,
    }),
  ])
}

/**
 * The ARP packet of a frame; padding is ignored.
 * @throws WireError for anything but ARP for IPv4 over Ethernet
 */
export function decodeArp(frame: Uint8Array): Arp {
  const { type } = ethernet.decode(frame)
  if (type !== ETH_P_ARP) throw new WireError(`ARP: an Ethernet frame of type 0x${type.toString(16)}`)
  const { hardwareType, protocolType, hardwareLength, protocolLength, ...arp } = arpPayload.decode(
    frame.subarray(ethernet.size),
  )
  if (hardwareType !== ARPHRD_ETHER || protocolType !== ETH_P_IP || hardwareLength !== 6 || protocolLength !== 4)
    throw new WireError('ARP: not of IPv4 over Ethernet')
  return arp
}

const UNSPECIFIED_IP4: Ip = parse('0.0.0.0')

/** ARP probe (RFC 5227 §2.1.1). */
export const arpProbe = ({ from, ip }: { from: Mac; ip: Ip }): Uint8Array =>
  encodeArp({ operation: ARPOP_REQUEST, senderMac: from, senderIp: UNSPECIFIED_IP4, targetMac: ZERO_MAC, targetIp: ip })

/** ARP request from an address of ours, to a gateway for example. */
export const arpRequest = ({ from, source, ip }: { from: Mac; source: Ip; ip: Ip }): Uint8Array =>
  encodeArp({ operation: ARPOP_REQUEST, senderMac: from, senderIp: source, targetMac: ZERO_MAC, targetIp: ip })

/** Gratuitous ARP as request (RFC 5227 §3) and as reply, which some switches and hosts need. */
export const arpAnnouncements = ({ from, ip }: { from: Mac; ip: Ip }): readonly Uint8Array[] => [
  encodeArp({ operation: ARPOP_REQUEST, senderMac: from, senderIp: ip, targetMac: BROADCAST_MAC, targetIp: ip }),
  encodeArp({ operation: ARPOP_REPLY, senderMac: from, senderIp: ip, targetMac: BROADCAST_MAC, targetIp: ip }),
]

/**
 * The MAC of a conflicting host, or undefined: it claims the address or probes for it too
 * (RFC 5227 §2.1.1). Frames with our own MAC are ours, returned by a hub or a bond.
 */
export function arpConflictOf(arp: Arp, { own, ip }: { own: Mac; ip: Ip }): Mac | undefined {
  if (arp.senderMac === own) return undefined
  const claims = arp.senderIp === ip
  const probes = arp.operation === ARPOP_REQUEST && arp.senderIp === UNSPECIFIED_IP4 && arp.targetIp === ip
  return claims || probes ? arp.senderMac : undefined
}
