// Attributes (struct nlattr) as tables: decoder, encoder and type from one line each. Knows no message.
import { concat, u16, within, WireError, type Codec, type Fixed, type ValueOf } from './wire.js'

/** Bits of nla_type that are not the type, <linux/netlink.h>. */
export const NLA_F_NESTED = 0x8000
const NLA_TYPE_MASK = 0x3fff

const HEADER = 4
const align = (length: number): number => (length + 3) & ~3

/** An attribute as it lies there. `type` holds its NLA_F_ bits too. */
export interface Attribute {
  readonly type: number
  readonly bytes: Uint8Array
}

/** `name: [type, codec]`. A type with NLA_F_NESTED is written with the bit; on reading the bit does not matter. */
export type Table = Readonly<Record<string, readonly [type: number, codec: Codec<unknown>]>>

/** All optional: a message holds what it holds. `unknown` is what the kernel sent and the table does not name. */
export type AttrsOf<T extends Table> = { readonly [K in keyof T]?: ValueOf<T[K][1]> | undefined } & {
  readonly unknown?: readonly Attribute[] | undefined
}

/** Cuts bytes into attributes. */
export function attributesOf(bytes: Uint8Array): Attribute[] {
  const found: Attribute[] = []
  let at = 0
  while (at < bytes.length) {
    const left = bytes.length - at
    if (left < HEADER) throw new WireError(`${left} bytes after the last attribute`)
    const length = u16.decode(bytes.subarray(at, at + 2))
    const type = u16.decode(bytes.subarray(at + 2, at + HEADER))
    if (length < HEADER || length > left)
      throw new WireError(`attribute ${type & NLA_TYPE_MASK} claims ${length} bytes of ${left}`)
    found.push({ type, bytes: new Uint8Array(bytes.subarray(at + HEADER, at + length)) })
    at += align(length)
  }
  return found
}

/** One attribute, padded to four bytes as the next one asks. */
export function attribute({ type, bytes }: Attribute): Uint8Array {
  const whole = new Uint8Array(align(HEADER + bytes.length))
  whole.set(u16.encode(HEADER + bytes.length), 0)
  whole.set(u16.encode(type), 2)
  whole.set(bytes, HEADER)
  return whole
}

/** A set of attributes. Written in the order of the value's keys; of one that comes twice the last counts, as in the kernel. */
export function attrs<const T extends Table>(table: T): Codec<AttrsOf<T>> {
  let keys: ReadonlyMap<number, { readonly key: string; readonly codec: Codec<unknown> }> | undefined
  return {
    decode(bytes) {
      keys ??= keysOf(table) // of the tables that a process loads, it reads a few
      const value: Record<string, unknown> = {}
      const unknown: Attribute[] = []
      for (const one of attributesOf(bytes)) {
        const known = keys.get(one.type & NLA_TYPE_MASK)
        if (known === undefined) unknown.push(one)
        else value[known.key] = within(known.key, () => known.codec.decode(one.bytes))
      }
      if (unknown.length > 0) value['unknown'] = unknown
      return value as AttrsOf<T>
    },
    encode: value => concat(Object.entries(value).flatMap(([key, part]) => encodePart(table, key, part))),
  }
}

const keysOf = (table: Table) =>
  new Map(Object.entries(table).map(([key, [type, codec]]) => [type & NLA_TYPE_MASK, { key, codec }]))

function encodePart(table: Table, key: string, part: unknown): Uint8Array[] {
  if (part === undefined) return []
  if (key === 'unknown') return (part as readonly Attribute[]).map(attribute)
  const row = Object.hasOwn(table, key) ? table[key] : undefined
  if (row === undefined) throw new WireError(`no attribute is called ${key}`)
  return [within(key, () => attribute({ type: row[0], bytes: row[1].encode(part) }))]
}

/** A nest of one kind of attribute, many times; attributes of other types in it are passed over. NLA_F_NESTED as in a table. */
export function repeated<T>(type: number, codec: Codec<T>): Codec<readonly T[]> {
  return {
    decode: bytes =>
      attributesOf(bytes)
        .filter(one => (one.type & NLA_TYPE_MASK) === (type & NLA_TYPE_MASK))
        .map((one, i) => within(`${i}`, () => codec.decode(one.bytes))),
    encode: list => concat(list.map(value => attribute({ type, bytes: codec.encode(value) }))),
  }
}

/** A nest whose attributes are numbered from 0, such as IFLA_BOND_ARP_IP_TARGET. The numbers are order, and nothing else. */
export function indexed<T>(codec: Codec<T>): Codec<readonly T[]> {
  return {
    decode: bytes => attributesOf(bytes).map((one, i) => within(`${i}`, () => codec.decode(one.bytes))),
    encode: list => concat(list.map((value, type) => attribute({ type, bytes: codec.encode(value) }))),
  }
}

export interface Body<H, A> {
  readonly header: H
  readonly attrs: A
}

/** What nearly every message is: a struct, then attributes. */
export function body<H, A>(header: Fixed<H>, attributes: Codec<A>): Codec<Body<H, A>> {
  return {
    decode: bytes => ({
      header: header.decode(bytes),
      attrs: attributes.decode(bytes.subarray(align(header.size))),
    }),
    encode: value => concat([header.encode(value.header), attributes.encode(value.attrs)]),
  }
}
