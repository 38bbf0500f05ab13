// IP addresses as branded text in Go's canonical form. Knows one family from the other; knows nothing of prefixes or ranges.
export type Family = 4 | 6

declare const brand: unique symbol
/** Canonical text: dotted IPv4, RFC 5952 IPv6; an IPv4-mapped IPv6 address is its IPv4 address, as Go's net.IP.String() prints it. */
export type Ip = string & { readonly [brand]: 'Ip' }

export class IpError extends Error {
  override readonly name = 'IpError'
}

const MAPPED = 0xffffn << 32n
const BITS = { 4: 32n, 6: 128n } as const

/** What Go's net.ParseIP accepts: no leading zeros in IPv4, no zone, no white space, no prefix length. */
export function parseIp(text: string): Ip | undefined {
  if (text.includes(':')) return parse6(text)
  return parse4(text) === undefined ? undefined : (text as Ip)
}

/** The same as a number and its family, without its text: a third of the work, where many are read to be compared. */
export function parseValue(text: string): { readonly value: bigint; readonly family: Family } | undefined {
  const is6 = text.includes(':')
  const value = is6 ? value6(text) : parse4(text)
  if (value === undefined) return undefined
  const isMapped = is6 && value >> 32n === MAPPED >> 32n
  return isMapped ? { value: BigInt.asUintN(32, value), family: 4 } : { value, family: is6 ? 6 : 4 }
}

function parse4(text: string): bigint | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (!match) return undefined
  let value = 0n
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined
    value = (value << 8n) | BigInt(part)
  }
  return value
}

function parse6(text: string): Ip | undefined {
  const value = value6(text)
  return value === undefined ? undefined : fromBigint(value, 6)
}

const GROUPS = 8

/** RFC 4291 2.2: eight groups, one run of zeros as '::', the last two perhaps as an IPv4 address. */
function value6(text: string): bigint | undefined {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const front = groupsOf(head)
  const back = tail === undefined ? [] : groupsOf(tail)
  if (!front || !back) return undefined
  const missing = GROUPS - front.length - back.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  let value = 0n
  for (const group of [...front, ...new Array<number>(missing).fill(0), ...back]) value = (value << 16n) | BigInt(group)
  return value
}

/** The groups of one side of '::'. An IPv4 address may only be the last of all. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [at, part] of parts.entries()) {
    if (part.includes('.')) {
      const low = at === parts.length - 1 ? parse4(part) : undefined
      if (low === undefined) return undefined
      groups.push(Number(low >> 16n), Number(low & 0xffffn))
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** Throws an IpError that names the text. */
export function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (parsed === undefined) throw new IpError(`"${text}" is not an IP address`)
  return parsed
}

export const familyOf = (address: Ip): Family => (address.includes(':') ? 6 : 4)

export const toBigint = (address: Ip): bigint => (familyOf(address) === 6 ? value6(address) : parse4(address)) ?? 0n

/** Throws an IpError where the value does not fit the family. */
export function fromBigint(value: bigint, family: Family): Ip {
  if (value < 0n || value >> BITS[family] !== 0n) throw new IpError(`${value} is not an IPv${family} address`)
  return (family === 4 || value >> 32n === MAPPED >> 32n ? text4(BigInt.asUintN(32, value)) : text6(value)) as Ip
}

const text4 = (value: bigint): string => {
  const number = Number(value)
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`
}

/** RFC 5952: lower case, no leading zeros, the longest run of zero groups (the first of equals, never a single one) as '::'. */
function text6(value: bigint): string {
  const groups = Array.from({ length: GROUPS }, (_, at) => Number((value >> BigInt(112 - 16 * at)) & 0xffffn))
  let [start, length] = [-1, 1]
  for (let at = 0; at < GROUPS; at++) {
    let end = at
    while (groups[end] === 0) end++
    if (end - at > length) [start, length] = [at, end - at]
  }
  const hex = (part: readonly number[]): string => part.map(group => group.toString(16)).join(':')
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}

/** Network byte order; 4 or 16 bytes. */
export function bytesOf(address: Ip): Uint8Array {
  const length = familyOf(address) === 4 ? 4 : 16
  const bytes = new Uint8Array(length)
  let value = toBigint(address)
  for (let at = length - 1; at >= 0; at--) {
    bytes[at] = Number(value & 0xffn)
    value >>= 8n
  }
  return bytes
}

/** Throws an IpError for a length that is neither 4 nor 16. */
export function ipFromBytes(bytes: Uint8Array): Ip {
  if (bytes.length !== 4 && bytes.length !== 16) throw new IpError(`${bytes.length} bytes are no IP address`)
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return fromBigint(value, bytes.length === 4 ? 4 : 6)
}

/** The name of the address's object: a DNS-1123 name, so IPv6 is eight full groups joined by '-'. */
export function objectNameOf(address: Ip): string {
  if (familyOf(address) === 4) return address
  const digits = toBigint(address).toString(16).padStart(32, '0')
  return (digits.match(/.{4}/g) ?? []).join('-')
}

export function ipOfObjectName(name: string): Ip | undefined {
  if (!name.includes('-')) return name.includes(':') ? undefined : parseIp(name)
  if (!/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/.test(name)) return undefined
  return fromBigint(BigInt(`0x${name.replaceAll('-', '')}`), 6)
}
