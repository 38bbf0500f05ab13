// IPv6 neighbour discovery (RFC 4861) as whole frames: solicitations and advertisements. No socket.
import { bytesOf, familyOf, ip as parse, ipFromBytes, type Ip } from '../ip/address.js'
import { macBytes, macFromBytes, type Mac } from '../ip/mac.js'
import { ETH_P_IPV6, ethernet, ip6, multicastMac } from './ethernet.js'
import { concat, WireError, struct, u16be, u32be, u8 } from '../bytes.js'

// <linux/icmpv6.h>, RFC 4861 §4
export const NEIGHBOUR_SOLICITATION = 135
export const NEIGHBOUR_ADVERTISEMENT = 136
const IPPROTO_ICMPV6 = 58
const SOURCE_LINK_LAYER_ADDRESS = 1
const TARGET_LINK_LAYER_ADDRESS = 2
/** Only a packet that no router forwarded has it (RFC 4861 §7.1). */
const HOP_LIMIT = 255
const IP_VERSION_6 = 0x60000000

const ROUTER = 0x80000000
const SOLICITED = 0x40000000
const OVERRIDE = 0x20000000

const ipv6 = struct('IPv6 header', 40, {
  versionClassFlow: u32be,
  payloadLength: u16be,
  nextHeader: u8,
  hopLimit: u8,
  source: ip6,
  destination: ip6,
})

const message = struct('neighbour discovery', 24, { type: u8, code: u8, checksum: u16be, flags: u32be, target: ip6 })

export interface Ndp {
  readonly kind: 'solicitation' | 'advertisement'
  readonly source: Ip
  readonly destination: Ip
  readonly target: Ip
  readonly router: boolean
  readonly solicited: boolean
  readonly override: boolean
  /**
   * The link-layer address option: the source's of a solicitation, the target's of an
   * advertisement.
   */
  readonly mac: Mac | undefined
}

export const UNSPECIFIED: Ip = parse('::')
export const ALL_NODES: Ip = parse('ff02::1')

/**
 * The solicited-node group: ff02::1:ff and the last three bytes of the address (RFC 4291 §2.7.1).
 */
export function solicitedNodeOf(target: Ip): Ip {
  const group = bytesOf(parse('ff02::1:ff00:0'))
  group.set(bytesOf(target).subarray(13), 13)
  return ipFromBytes(group)
}

/** A frame from `from` to a multicast group. */
export function encodeNdp(ndp: Ndp, from: Mac): Uint8Array {
  const isSolicitation = ndp.kind === 'solicitation'
  const body = concat([
    message.encode({
      type: isSolicitation ? NEIGHBOUR_SOLICITATION : NEIGHBOUR_ADVERTISEMENT,
      code: 0,
      checksum: 0,
      flags: ((ndp.router ? ROUTER : 0) | (ndp.solicited ? SOLICITED : 0) | (ndp.override ? OVERRIDE : 0)) >>> 0,
      target: ndp.target,
    }),
    optionOf(isSolicitation ? SOURCE_LINK_LAYER_ADDRESS : TARGET_LINK_LAYER_ADDRESS, ndp.mac),
  ])
  const sum = checksumOf({ source: ndp.source, destination: ndp.destination, body })
  new DataView(body.buffer).setUint16(2, sum)
  return concat([
    ethernet.encode({ destination: multicastMac(ndp.destination), source: from, type: ETH_P_IPV6 }),
    ipv6.encode({
      versionClassFlow: IP_VERSION_6,
      payloadLength: body.length,
      nextHeader: IPPROTO_ICMPV6,
      hopLimit: HOP_LIMIT,
      source: ndp.source,
      destination: ndp.destination,
    }),
    body,
  ])
}

/**
 * The NS or NA of a frame.
 * @throws WireError unless it passes the checks of RFC 4861 §7.1
 */
export function decodeNdp(frame: Uint8Array): Ndp {
  const { type } = ethernet.decode(frame)
  if (type !== ETH_P_IPV6) throw new WireError(`NDP: an Ethernet frame of type 0x${type.toString(16)}`)
  const packet = frame.subarray(ethernet.size)
  const header = ipv6.decode(packet)
  if (header.versionClassFlow >>> 28 !== 6 || header.nextHeader !== IPPROTO_ICMPV6)
    throw new WireError('NDP: not ICMPv6')
  if (header.hopLimit !== HOP_LIMIT) throw new WireError(`NDP: hop limit ${header.hopLimit}, it came through a router`)
  const body = packet.subarray(ipv6.size, ipv6.size + header.payloadLength)
  if (body.length !== header.payloadLength) throw new WireError('NDP: cut short')
  const fields = message.decode(body)
  if (checksumOf({ source: header.source, destination: header.destination, body }) !== 0)
    throw new WireError('NDP: wrong checksum')
  if (fields.code !== 0 || (fields.type !== NEIGHBOUR_SOLICITATION && fields.type !== NEIGHBOUR_ADVERTISEMENT))
    throw new WireError(`NDP: ICMPv6 type ${fields.type} code ${fields.code}`)
  const isSolicitation = fields.type === NEIGHBOUR_SOLICITATION
  const wanted = isSolicitation ? SOURCE_LINK_LAYER_ADDRESS : TARGET_LINK_LAYER_ADDRESS
  return {
    kind: isSolicitation ? 'solicitation' : 'advertisement',
    source: header.source,
    destination: header.destination,
    target: fields.target,
    router: (fields.flags & ROUTER) !== 0,
    solicited: (fields.flags & SOLICITED) !== 0,
    override: (fields.flags & OVERRIDE) !== 0,
    mac: optionsOf(body.subarray(message.size)).get(wanted),
  }
}

function optionOf(type: number, mac: Mac | undefined): Uint8Array {
  return mac === undefined ? new Uint8Array() : concat([Uint8Array.of(type, 1), macBytes(mac)])
}

/** Options have lengths in units of eight bytes; length 0 is invalid (RFC 4861 §4.6). */
function optionsOf(bytes: Uint8Array): Map<number, Mac> {
  const options = new Map<number, Mac>()
  for (let at = 0; at < bytes.length;) {
    const type = bytes[at] ?? 0
    const length = (bytes[at + 1] ?? 0) * 8
    if (length === 0 || at + length > bytes.length)
      throw new WireError(`NDP: option ${type} claims ${length} bytes of ${bytes.length - at}`)
    if (length === 8) options.set(type, macFromBytes(bytes.subarray(at + 2, at + 8)))
    at += length
  }
  return options
}

/**
 * The checksum of pseudo-header and message (RFC 4443 §2.3); 0 for a message with a valid checksum.
 */
function checksumOf({ source, destination, body }: { source: Ip; destination: Ip; body: Uint8Array }): number {
  if (familyOf(source) !== 6 || familyOf(destination) !== 6) throw new WireError('NDP: an IPv4-mapped address')
  const pseudo = Uint8Array.of(0, 0, body.length >> 8, body.length & 0xff, 0, 0, 0, IPPROTO_ICMPV6)
  const bytes = concat([bytesOf(source), bytesOf(destination), pseudo, body])
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** DAD probe: NS with unspecified source and no option (RFC 4862 §5.4.2). */
export const ndpProbe = ({ from, ip }: { from: Mac; ip: Ip }): Uint8Array =>
  encodeNdp({ ...plain, kind: 'solicitation', source: UNSPECIFIED, destination: solicitedNodeOf(ip), target: ip }, from)

/** NS from an address of ours, to a gateway for example. */
export const ndpSolicitation = ({ from, source, ip }: { from: Mac; source: Ip; ip: Ip }): Uint8Array =>
  encodeNdp({ ...plain, kind: 'solicitation', source, destination: solicitedNodeOf(ip), target: ip, mac: from }, from)

/** Unsolicited NA to all-nodes (RFC 4861 §7.2.6). */
export const ndpAnnouncement = ({ from, ip }: { from: Mac; ip: Ip }): Uint8Array =>
  encodeNdp(
    { ...plain, kind: 'advertisement', source: ip, destination: ALL_NODES, target: ip, override: true, mac: from },
    from,
  )

const plain = { router: false, solicited: false, override: false, mac: undefined } as const

/**
 * The MAC of a conflicting host, or undefined: it advertises the address, sends from it, or probes
 * for it too (RFC 4862 §5.4.3). `sender` is the source MAC, for messages without a link-layer
 * option.
 */
export function ndpConflictOf(ndp: Ndp, { own, ip, sender }: { own: Mac; ip: Ip; sender: Mac }): Mac | undefined {
  if (sender === own) return undefined
  const advertises = ndp.kind === 'advertisement' && ndp.target === ip
  const probes = ndp.kind === 'solicitation' && ndp.source === UNSPECIFIED && ndp.target === ip
  return advertises || probes || ndp.source === ip ? (ndp.mac ?? sender) : undefined
}
