// Prefixes: an address with a prefix length, and the network that contains it. Knows no routes.
import {
  bytesOf,
  familyOf,
  fromBigint,
  IpError,
  ipFromBytes,
  parseIp,
  toBigint,
  type Family,
  type Ip,
} from './address.js'
import type { Interval } from './range.js'

/** An address with its prefix length; host bits are kept: 10.6.0.20/16. */
export interface Prefix {
  readonly ip: Ip
  readonly length: number
}

declare const brand: unique symbol
/** Canonical text of a network: host bits zero. */
export type Cidr = string & { readonly [brand]: 'Cidr' }

/** The length of an address in bits. */
export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128)

/** Accepts what Go's net.ParseCIDR accepts. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const written = text.slice(0, slash)
  const ip = parseIp(written)
  const digits = text.slice(slash + 1)
  if (ip === undefined || !/^\d{1,3}$/.test(digits)) return undefined
  const family: Family = written.includes(':') ? 6 : 4
  const length = Number(digits)
  if (length > bitsOf(family)) return undefined
  // An IPv4-mapped prefix is an IPv4 prefix: its first 96 bits are fixed.
  if (family === 6 && familyOf(ip) === 4) return length >= 96 ? { ip, length: length - 96 } : undefined
  return { ip, length }
}

/** `10.6.0.20/16`, host bits kept. */
export const formatPrefix = ({ ip, length }: Prefix): string => `${ip}/${length}`

/** First and last address of the prefix's network. */
export function intervalOfPrefix({ ip, length }: Prefix): Interval {
  const hostBits = BigInt(bitsOf(familyOf(ip)) - length)
  const first = (toBigint(ip) >> hostBits) << hostBits
  return { first, last: first + (1n << hostBits) - 1n }
}

/** The network of a prefix, host bits zero. */
export const networkOf = ({ ip, length }: Prefix): Cidr => `${firstOf(ip, length)}/${length}` as Cidr

function firstOf(ip: Ip, length: number): Ip {
  if (length === bitsOf(familyOf(ip))) return ip
  return ipFromBytes(bytesOf(ip).map((byte, at) => byte & (0xff00 >> Math.min(Math.max(length - 8 * at, 0), 8))))
}

/** Parses a network and clears host bits. @throws IpError that names the text */
export function cidr(text: string): Cidr {
  const prefix = parsePrefix(text)
  if (!prefix) throw new IpError(`"${text}" is not a CIDR such as 10.6.0.0/16`)
  return networkOf(prefix)
}

const prefixOf = (network: Cidr): Prefix => {
  const prefix = parsePrefix(network)
  if (!prefix) throw new IpError(`"${network}" is not a CIDR`)
  return prefix
}

/** The family of a network. */
export const familyOfCidr = (network: Cidr): Family => (network.includes(':') ? 6 : 4)
/** First and last address of a network. */
export const intervalOf = (network: Cidr): Interval => intervalOfPrefix(prefixOf(network))

/** False for an address of the other family. */
export function containsIp(network: Cidr, ip: Ip): boolean {
  const length = Number(network.slice(network.indexOf('/') + 1))
  return familyOfCidr(network) === familyOf(ip) && networkOf({ ip, length }) === network
}

/** True if the networks share an address; false for different families. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  if (familyOfCidr(a) !== familyOfCidr(b)) return false
  const [one, other] = [intervalOf(a), intervalOf(b)]
  return one.first <= other.last && other.first <= one.last
}

/** The broadcast address; undefined for IPv6, and for /31 (RFC 3021) and /32. */
export function broadcastOf(prefix: Prefix): Ip | undefined {
  if (familyOf(prefix.ip) !== 4 || prefix.length > 30) return undefined
  return fromBigint(intervalOfPrefix(prefix).last, 4)
}
