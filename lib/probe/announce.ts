// Which frames tell a link about new addresses. Knows what to say; whoever has a socket says it.
import { familyOf, type Ip } from '../ip/address.js'
import type { Mac } from '../ip/mac.js'
import { arpAnnouncements } from './arp.js'
import { ndpAnnouncement } from './ndp.js'

/**
 * Gratuitous ARP, request and reply, for each IPv4 address; an unsolicited advertisement for each IPv6 address. Only for addresses that
 * are usable: one still in duplicate address detection must not be claimed (RFC 4862 §5.4), and the kernel (ndisc_notify) announces it after.
 */
export const announcementsOf = ({ from, ips }: { from: Mac; ips: readonly Ip[] }): readonly Uint8Array[] =>
  ips.flatMap(ip => (familyOf(ip) === 4 ? arpAnnouncements({ from, ip }) : [ndpAnnouncement({ from, ip })]))
