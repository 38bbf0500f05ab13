// IP families and prefixes to and from AF_* and bytes.
import { bytesOf, familyOf, ipFromBytes, type Family } from '../ip/address.js'
import { networkOf, parsePrefix, type Cidr } from '../ip/cidr.js'

/** <linux/socket.h> AF_INET, AF_INET6. */
export const AF: Readonly<Record<Family, number>> = { 4: 2, 6: 10 }

/** The family of AF_INET or AF_INET6; undefined for any other. */
export const familyFrom = (af: number): Family | undefined => (af === AF[4] ? 4 : af === AF[6] ? 6 : undefined)

/**
 * A prefix as in a message; no bytes for the default route.
 * @throws RangeError for text that is no prefix
 */
export function networkBytes(network: Cidr): { af: number; length: number; bytes: Uint8Array | undefined } {
  const prefix = parsePrefix(network)
  if (prefix === undefined) throw new RangeError(`"${network}" is no network`)
  const af = AF[familyOf(prefix.ip)]
  return { af, length: prefix.length, bytes: prefix.length === 0 ? undefined : bytesOf(prefix.ip) }
}

/** The prefix of a message; no bytes: the default route. */
export function networkFrom(family: Family, length: number, bytes: Uint8Array | undefined): Cidr {
  return networkOf({ ip: ipFromBytes(bytes ?? new Uint8Array(family === 4 ? 4 : 16)), length })
}
