// ARP for IPv4 over Ethernet (RFC 826) as whole frames: probes, announcements, and what an answer says. Knows no socket.
import { ip as parse, type Ip } from '../ip/address.js'
import type { Mac } from '../ip/mac.js'
import { BROADCAST_MAC, ETH_P_ARP, ethernet, ip4, mac, ZERO_MAC } from './ethernet.js'
import { concat, FrameError, layout, u16, u8 } from './frame.js'

// <linux/if_arp.h>
const ARPHRD_ETHER = 1
const ETH_P_IP = 0x0800
export const ARPOP_REQUEST = 1
export const ARPOP_REPLY = 2

const arpPayload = layout('ARP', 28, {
  hardwareType: u16,
  protocolType: u16,
  hardwareLength: u8,
  protocolLength: u8,
  operation: u16,
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

/** A frame to everyone on the link. */
export function encodeArp(arp: Arp): Uint8Array {
  return concat(
    ethernet.encode({ destination: BROADCAST_MAC, source: arp.senderMac, type: ETH_P_ARP }),
    arpPayload.encode({
      hardwareType: ARPHRD_ETHER,
      protocolType: ETH_P_IP,
      hardwareLength: 6,
      protocolLength: 4,
      ...arp,
    }),
  )
}

/** Throws FrameError for what is no ARP of IPv4 over Ethernet. What follows the packet is padding. */
export function decodeArp(frame: Uint8Array): Arp {
  const { type } = ethernet.decode(frame)
  if (type !== ETH_P_ARP) throw new FrameError(`ARP: an Ethernet frame of type 0x${type.toString(16)}`)
  const { hardwareType, protocolType, hardwareLength, protocolLength, ...arp } = arpPayload.decode(
    frame.subarray(ethernet.size),
  )
  if (hardwareType !== ARPHRD_ETHER || protocolType !== ETH_P_IP || hardwareLength !== 6 || protocolLength !== 4)
    throw new FrameError('ARP: not of IPv4 over Ethernet')
  return arp
}

const NOBODY: Ip = parse('0.0.0.0')

/** Asks who has an address without claiming it (RFC 5227 §2.1.1). */
export const arpProbe = ({ from, ip }: { from: Mac; ip: Ip }): Uint8Array =>
  encodeArp({ operation: ARPOP_REQUEST, senderMac: from, senderIp: NOBODY, targetMac: ZERO_MAC, targetIp: ip })

/** Asks a neighbour, such as the gateway, in the name of an address that is ours. */
export const arpRequest = ({ from, source, ip }: { from: Mac; source: Ip; ip: Ip }): Uint8Array =>
  encodeArp({ operation: ARPOP_REQUEST, senderMac: from, senderIp: source, targetMac: ZERO_MAC, targetIp: ip })

/** Gratuitous ARP in both forms: most listeners heed the request (RFC 5227 §3), some switches and hosts only the reply. */
export const arpAnnouncements = ({ from, ip }: { from: Mac; ip: Ip }): readonly Uint8Array[] => [
  encodeArp({ operation: ARPOP_REQUEST, senderMac: from, senderIp: ip, targetMac: BROADCAST_MAC, targetIp: ip }),
  encodeArp({ operation: ARPOP_REPLY, senderMac: from, senderIp: ip, targetMac: BROADCAST_MAC, targetIp: ip }),
]

/**
 * Who else claims or wants an address, or undefined: a sender that has it, or one that probes for it at the same moment
 * (RFC 5227 §2.1.1). Frames of our own MAC are ours, come back from a hub or a bond.
 */
export function rivalOf(arp: Arp, { own, ip }: { own: Mac; ip: Ip }): Mac | undefined {
  if (arp.senderMac === own) return undefined
  const claims = arp.senderIp === ip
  const probes = arp.operation === ARPOP_REQUEST && arp.senderIp === NOBODY && arp.targetIp === ip
  return claims || probes ? arp.senderMac : undefined
}
