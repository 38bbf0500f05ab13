// Addresses of a subnet that no host can have, each with the reason. The single statement of what a
// pool can allocate; knows no pools.
import { familyOf, toBigint, type Family, type Ip } from './address.js'
import { intervalOfPrefix, networkOf, type Prefix } from './cidr.js'
import { includes, normal, subtract, type Interval, type Ranges } from './range.js'

/** Inclusive at both ends. `why` is a predicate: `is the broadcast address of 172.18.0.0/16`. */
export interface Unusable extends Interval {
  readonly why: string
}

/**
 * From IANA's special-purpose registries (RFC 6890): what Linux rejects as a host address or does
 * not route.
 */
const NEVER: Readonly<Record<Family, readonly Unusable[]>> = {
  4: [
    { first: 0n, last: 0x00ff_ffffn, why: 'is in 0.0.0.0/8, which no host has (RFC 1122)' },
    { first: 0x7f00_0000n, last: 0x7fff_ffffn, why: 'is a loopback address (127.0.0.0/8)' },
    { first: 0xa9fe_0000n, last: 0xa9fe_ffffn, why: 'is a link-local address (169.254.0.0/16)' },
    { first: 0xe000_0000n, last: 0xefff_ffffn, why: 'is a multicast address (224.0.0.0/4)' },
    { first: 0xffff_ffffn, last: 0xffff_ffffn, why: 'is the limited broadcast address' },
  ],
  6: [
    { first: 0n, last: 0n, why: 'is the unspecified address' },
    { first: 1n, last: 1n, why: 'is the loopback address' },
    { first: 0xffffn << 32n, last: (0x1_0000n << 32n) - 1n, why: 'is an IPv4-mapped address (::ffff:0:0/96)' },
    { first: 0xfe80n << 112n, last: (0xfec0n << 112n) - 1n, why: 'is a link-local address (fe80::/10)' },
    { first: 0xff00n << 112n, last: (1n << 128n) - 1n, why: 'is a multicast address (ff00::/8)' },
  ],
}

/**
 * The longest prefix with reserved first and, in IPv4, last address; RFC 3021 and RFC 6164 exempt
 * longer ones.
 */
const LENGTH_MAX = { 4: 30, 6: 126 } as const

/**
 * IPv4: network and broadcast address; IPv6: the subnet-router anycast address (RFC 4291 2.6.1).
 */
function endsOf(subnet: Prefix): readonly Unusable[] {
  const family = familyOf(subnet.ip)
  if (subnet.length > LENGTH_MAX[family]) return []
  const { first, last } = intervalOfPrefix(subnet)
  const network = networkOf(subnet)
  const lowest = { first, last: first }
  return family === 4
    ? [
        { ...lowest, why: `is the network address of ${network}` },
        { first: last, last, why: `is the broadcast address of ${network}` },
      ]
    : [{ ...lowest, why: `is the subnet-router anycast address of ${network}` }]
}

/**
 * The part of `ranges` that hosts of `subnet` can have, without its gateway. `subnet` undefined:
 * not known.
 */
export function usableIn(
  ranges: Ranges,
  family: Family,
  { subnet, gateway }: { readonly subnet: Prefix | undefined; readonly gateway?: Ip | undefined },
): Ranges {
  const ends = subnet !== undefined && familyOf(subnet.ip) === family ? endsOf(subnet) : []
  const at = gateway !== undefined && familyOf(gateway) === family ? toBigint(gateway) : undefined
  const router = at === undefined ? [] : [{ first: at, last: at }]
  return subtract(ranges, normal([...NEVER[family], ...ends, ...router]))
}

/**
 * Why no host of `subnet` can have `ip`: `is the broadcast address of 172.18.0.0/16`; undefined if
 * one can.
 */
export function whyUnusable(ip: Ip, subnet: Prefix): string | undefined {
  const family = familyOf(ip)
  const value = toBigint(ip)
  const ends = familyOf(subnet.ip) === family ? endsOf(subnet) : []
  return [...ends, ...NEVER[family]].find(one => includes([one], value))?.why
}

/**
 * Why no router of `subnet` can have `ip`; an IPv6 router may have link-local and subnet-router
 * anycast ones.
 */
export function whyNoRouter(ip: Ip, subnet: Prefix): string | undefined {
  if (familyOf(ip) === 4) return whyUnusable(ip, subnet)
  return isLinkLocal6(ip) ? undefined : NEVER[6].find(one => includes([one], toBigint(ip)))?.why
}

/** True for fe80::/10. */
export const isLinkLocal6 = (ip: Ip): boolean => familyOf(ip) === 6 && toBigint(ip) >> 118n === 0xfe80n >> 6n
