// Attributes (struct nlattr) as tables: decoder, encoder and type from one row each. No messages.
import { blank, concat, isScalar, u16, viewOf, within, WireError } from '../bytes.js'
import type { Codec, Fixed, Scalar, ValueOf } from '../bytes.js'

/** Flag bits of nla_type (<linux/netlink.h>). */
export const NLA_F_NESTED = 0x8000
const NLA_TYPE_MASK = 0x3fff

const HEADER = 4
const align = (length: number): number => (length + 3) & ~3

/** A raw attribute; `type` includes its NLA_F_ bits. */
export interface Attribute {
  readonly type: number
  readonly bytes: Uint8Array
}

/** `name: [type, codec]`. A type with NLA_F_NESTED is encoded with the bit; decoding ignores it. */
export type AttrTable = Readonly<Record<string, readonly [type: number, codec: Codec<unknown>]>>

/** All optional; `unknown` is what the kernel sent and the table does not name. */
export type AttrsOf<T extends AttrTable> = { readonly [K in keyof T]?: ValueOf<T[K][1]> | undefined } & {
  readonly unknown?: readonly Attribute[] | undefined
}

/** Calls `use` with the type and the bounds of each attribute. */
function eachOf(view: DataView, use: (type: number, start: number, end: number) => void): void {
  for (let at = 0; at < view.byteLength;) {
    const left = view.byteLength - at
    if (left < HEADER) throw new WireError(`${left} bytes after the last attribute`)
    const length = u16.readAt(view, at)
    const type = u16.readAt(view, at + 2)
    if (length < HEADER || length > left)
      throw new WireError(`attribute ${type & NLA_TYPE_MASK} claims ${length} bytes of ${left}`)
    use(type, at + HEADER, at + length)
    at += align(length)
  }
}

/**
 * Splits bytes into attributes.
 * @throws WireError
 */
export function attributesOf(bytes: Uint8Array): Attribute[] {
  const found: Attribute[] = []
  eachOf(viewOf(bytes), (type, start, end) => found.push({ type, bytes: bytes.slice(start, end) }))
  return found
}

/** An attribute to encode: a scalar as its value, any other as its bytes. */
type Unwritten =
  | (Attribute & { readonly size: number; readonly scalar?: undefined })
  | {
      readonly type: number
      readonly size: number
      readonly scalar: Scalar
      readonly key: string
      readonly value: number
    }

/** nla_len is two bytes. */
const SIZE_MAX = 0xffff - HEADER

function unwritten({ type, bytes }: Attribute): Unwritten {
  if (bytes.length > SIZE_MAX) throw new WireError(`u16 cannot hold ${HEADER + bytes.length}`)
  return { type, bytes, size: bytes.length }
}

/** The attributes, each padded to NLA_ALIGNTO. */
function written(parts: readonly Unwritten[]): Uint8Array {
  let total = 0
  for (const { size } of parts) total += align(HEADER + size)
  const { bytes: whole, view } = blank(total)
  let at = 0
  for (const part of parts) {
    u16.writeAt(view, at, HEADER + part.size)
    u16.writeAt(view, at + 2, part.type)
    const start = at + HEADER
    if (part.scalar === undefined) whole.set(part.bytes, start)
    else within(part.key, () => part.scalar.writeAt(view, start, part.value))
    at += align(HEADER + part.size)
  }
  return whole
}

/**
 * A codec for a set of attributes. Encodes in the order of the value's keys; of a repeated
 * attribute the last counts, as in the kernel. `wanted`: decode only these, and skip all others.
 */
export function attrs<const T extends AttrTable>(table: T, wanted?: readonly (keyof T & string)[]): Codec<AttrsOf<T>> {
  let keys: ReturnType<typeof keysOf> | undefined
  return {
    decode(bytes) {
      const known = (keys ??= keysOf(table, wanted)) // lazily: a process uses few of the tables it loads
      const view = viewOf(bytes)
      const value: Record<string, unknown> = {}
      const unknown: Attribute[] = []
      eachOf(view, (type, start, end) => {
        const row = known.get(type & NLA_TYPE_MASK)
        if (row === undefined) {
          if (wanted === undefined) unknown.push({ type, bytes: bytes.slice(start, end) })
        } else if (row.scalar?.size === end - start) value[row.key] = row.scalar.readAt(view, start)
        else value[row.key] = within(row.key, () => row.codec.decode(bytes.subarray(start, end)))
      })
      if (unknown.length > 0) value['unknown'] = unknown
      return value as AttrsOf<T>
    },
    encode(value: Readonly<Record<string, unknown>>) {
      const parts: Unwritten[] = []
      for (const key of Object.keys(value)) {
        const part = value[key]
        if (key === 'unknown' && part !== undefined) parts.push(...(part as readonly Attribute[]).map(unwritten))
        else if (part !== undefined) parts.push(partOf(table, key, part))
      }
      return written(parts)
    },
  }
}

function keysOf(table: AttrTable, wanted: readonly string[] = Object.keys(table)) {
  const rows = new Map<number, { key: string; codec: Codec<unknown>; scalar: Scalar | undefined }>()
  for (const key of wanted) {
    const [type, codec] = table[key] ?? []
    if (type !== undefined && codec !== undefined)
      rows.set(type & NLA_TYPE_MASK, { key, codec, scalar: isScalar(codec) ? codec : undefined })
  }
  return rows
}

function partOf(table: AttrTable, key: string, value: unknown): Unwritten {
  const [type, codec] = (Object.hasOwn(table, key) ? table[key] : undefined) ?? []
  if (type === undefined || codec === undefined) throw new WireError(`no attribute is called ${key}`)
  if (isScalar(codec)) return { type, size: codec.size, scalar: codec, key, value: value as number }
  return within(key, () => unwritten({ type, bytes: codec.encode(value) }))
}

/**
 * A nest of repeated attributes of one type; other types are skipped. NLA_F_NESTED as in a table.
 */
export function repeated<T>(type: number, codec: Codec<T>): Codec<readonly T[]> {
  return {
    decode: bytes =>
      attributesOf(bytes)
        .filter(one => (one.type & NLA_TYPE_MASK) === (type & NLA_TYPE_MASK))
        .map((one, i) => within(`${i}`, () => codec.decode(one.bytes))),
    encode: list => written(list.map(value => unwritten({ type, bytes: codec.encode(value) }))),
  }
}

/** A nest whose attribute types are indexes from 0, such as IFLA_BOND_ARP_IP_TARGET. */
export function indexed<T>(codec: Codec<T>): Codec<readonly T[]> {
  return {
    decode: bytes => attributesOf(bytes).map((one, i) => within(`${i}`, () => codec.decode(one.bytes))),
    encode: list => written(list.map((value, type) => unwritten({ type, bytes: codec.encode(value) }))),
  }
}

export interface Body<H, A> {
  readonly header: H
  readonly attrs: A
}

/** The payload of most messages: a struct, then attributes. */
export function body<H, A>(header: Fixed<H>, attributes: Codec<A>): Codec<Body<H, A>> {
  return {
    decode: bytes => ({
      header: header.decode(bytes),
      attrs: attributes.decode(bytes.subarray(align(header.size))),
    }),
    encode: value => concat([header.encode(value.header), attributes.encode(value.attrs)]),
  }
}
