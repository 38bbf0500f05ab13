// IP addresses as branded text in Go's canonical form. Knows no prefixes and no ranges.
export type Family = 4 | 6

declare const brand: unique symbol
/**
 * Dotted IPv4 or RFC 5952 IPv6; an IPv4-mapped address is written as IPv4, as Go's net.IP.String()
 * does.
 */
export type Ip = string & { readonly [brand]: 'Ip' }

export class IpError extends Error {
  override readonly name = 'IpError'
}

const MAPPED = 0xffffn << 32n
const BITS = { 4: 32n, 6: 128n } as const

/**
 * Accepts what Go's net.ParseIP accepts: no leading zeros in IPv4, no zone, no space, no length.
 */
export function parseIp(text: string): Ip | undefined {
  if (text.includes(':')) return parse6(text)
  return octetsOf(text) === undefined ? undefined : (text as Ip)
}

/** parseIp() without building canonical text, a third of the cost, for comparing many addresses. */
export function parseValue(text: string): { readonly value: bigint; readonly family: Family } | undefined {
  const is6 = text.includes(':')
  const value = is6 ? value6(text) : value4(text)
  if (value === undefined) return undefined
  const isMapped = is6 && value >> 32n === MAPPED >> 32n
  return isMapped ? { value: BigInt.asUintN(32, value), family: 4 } : { value, family: is6 ? 6 : 4 }
}

const OCTETS = 4

function octetsOf(text: string): number[] | undefined {
  const parts = text.split('.')
  const octets = parts.map(Number)
  const isOctet = (octet: number, at: number): boolean => octet >= 0 && octet <= 255 && String(octet) === parts[at]
  return octets.length === OCTETS && octets.every(isOctet) ? octets : undefined
}

function value4(text: string): bigint | undefined {
  const octets = octetsOf(text)
  return octets && BigInt(octets.reduce((value, octet) => value * 256 + octet, 0))
}

function parse6(text: string): Ip | undefined {
  const groups = groupsOf6(text)
  return groups && (textOfGroups(groups) as Ip)
}

const GROUPS = 8

/** RFC 4291 2.2: eight groups, one run of zeros as '::', optionally the last two as IPv4. */
function groupsOf6(text: string): number[] | undefined {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const front = groupsOf(head)
  const back = tail === undefined ? [] : groupsOf(tail)
  if (!front || !back) return undefined
  const missing = GROUPS - front.length - back.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  return [...front, ...new Array<number>(missing).fill(0), ...back]
}

const value6 = (text: string): bigint | undefined =>
  groupsOf6(text)?.reduce((value, group) => (value << 16n) | BigInt(group), 0n)

/** The groups on one side of '::'; IPv4 notation is valid only at the end. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [at, part] of parts.entries()) {
    if (part.includes('.')) {
      const octets = at === parts.length - 1 ? octetsOf(part) : undefined
      if (octets === undefined) return undefined
      groups.push(...groupsOfBytes(octets))
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** Expects an even number of bytes. */
function groupsOfBytes(bytes: ArrayLike<number>): number[] {
  const groups: number[] = []
  for (let at = 0; at < bytes.length; at += 2) groups.push(((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
  return groups
}

/** Parses an address. @throws IpError that names the text */
export function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (parsed === undefined) throw new IpError(`"${text}" is not an IP address`)
  return parsed
}

/** The family of an address. */
export const familyOf = (address: Ip): Family => (address.includes(':') ? 6 : 4)

/** The address as a number in network byte order. */
export const toBigint = (address: Ip): bigint => (familyOf(address) === 6 ? value6(address) : value4(address)) ?? 0n

/** The inverse of toBigint(). @throws IpError if the value exceeds the family's range */
export function fromBigint(value: bigint, family: Family): Ip {
  if (value < 0n || value >> BITS[family] !== 0n) throw new IpError(`${value} is not an IPv${family} address`)
  if (family === 4) return text4(Number(value)) as Ip
  return textOfGroups(
    Array.from({ length: GROUPS }, (_, at) => Number((value >> BigInt(112 - 16 * at)) & 0xffffn)),
  ) as Ip
}

const text4 = (number: number): string =>
  `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`

/** Writes an IPv4-mapped address as IPv4. */
function textOfGroups(groups: readonly number[]): string {
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every(group => group === 0)
  return isMapped ? text4(((groups[6] ?? 0) << 16) | (groups[7] ?? 0)) : text6(groups)
}

/**
 * RFC 5952: lower case, no leading zeros, '::' for the first longest run of two or more zero
 * groups.
 */
function text6(groups: readonly number[]): string {
  let [start, length] = [-1, 1]
  for (let at = 0; at < GROUPS; at++) {
    let end = at
    while (groups[end] === 0) end++
    if (end - at > length) [start, length] = [at, end - at]
  }
  const hex = (part: readonly number[]): string => part.map(group => group.toString(16)).join(':')
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}

/**
 * 4 or 16 bytes in network byte order. Avoids bigint: a CNI call converts some hundred addresses.
 */
export function bytesOf(address: Ip): Uint8Array {
  if (familyOf(address) === 4) return new Uint8Array(octetsOf(address) ?? [])
  return new Uint8Array((groupsOf6(address) ?? []).flatMap(group => [group >> 8, group & 255]))
}

/** The inverse of bytesOf(). @throws IpError for a length other than 4 or 16 */
export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return bytes.join('.') as Ip
  if (bytes.length !== 16) throw new IpError(`${bytes.length} bytes are no IP address`)
  return textOfGroups(groupsOfBytes(bytes)) as Ip
}

/** The name of the SpiderIPAddress: a DNS-1123 name, so IPv6 is eight full groups joined by '-'. */
export function objectNameOf(address: Ip): string {
  if (familyOf(address) === 4) return address
  const digits = toBigint(address).toString(16).padStart(32, '0')
  return (digits.match(/.{4}/g) ?? []).join('-')
}

/** The inverse of objectNameOf(); undefined if `name` is not such a name. */
export function ipOfObjectName(name: string): Ip | undefined {
  if (!name.includes('-')) return name.includes(':') ? undefined : parseIp(name)
  if (!/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/.test(name)) return undefined
  return fromBigint(BigInt(`0x${name.replaceAll('-', '')}`), 6)
}
