// Frames that announce new addresses on a link. No socket.
import { familyOf, type Ip } from '../ip/address.js'
import type { Mac } from '../ip/mac.js'
import { arpAnnouncements } from './arp.js'
import { ndpAnnouncement } from './ndp.js'

/**
 * Gratuitous ARP (request and reply) per IPv4 address, an unsolicited NA per IPv6 address. Not for
 * a tentative address (RFC 4862 §5.4), which the kernel announces later (ndisc_notify).
 */
export const announcementsOf = ({ from, ips }: { from: Mac; ips: readonly Ip[] }): readonly Uint8Array[] =>
  ips.flatMap(ip => (familyOf(ip) === 4 ? arpAnnouncements({ from, ip }) : [ndpAnnouncement({ from, ip })]))
