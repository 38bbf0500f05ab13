// Messages as tables of fields, encoded as Protocol Buffers.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { concat } from '../../../lib/bytes.js'
import { isFields } from '../schema/stored-object.js'

/** Encodes a value. A list is encoded once per member. */
export interface WireKind {
  readonly wire: 0 | 1 | 2
  /** undefined: the field is omitted, as proto3 default values are. */
  write(value: unknown): Uint8Array | undefined
}

/** Fields of a message: JSON name to field number and type. */
export type MessageTable = Readonly<Record<string, readonly [number: number, kind: WireKind]>>

const utf8 = new TextEncoder()

/** One field: key, length of a length-delimited one, bytes. */
export function field(number: number, wire: WireKind['wire'], bytes: Uint8Array): Uint8Array {
  const writer = new BinaryWriter().tag(number, wire)
  return (wire === WireType.LengthDelimited ? writer.bytes(bytes) : writer.raw(bytes)).finish()
}

/** A string field; '' is omitted. */
export const string: WireKind = {
  wire: 2,
  write: value => (typeof value === 'string' && value !== '' ? utf8.encode(value) : undefined),
}
/** A repeated string, where '' is a member too. */
export const text: WireKind = { wire: 2, write: value => (typeof value === 'string' ? utf8.encode(value) : undefined) }
export const bool: WireKind = { wire: 0, write: value => (value === true ? Uint8Array.of(1) : undefined) }
export const int64: WireKind = {
  wire: 0,
  write: value =>
    typeof value === 'number' && Number.isInteger(value) && value !== 0
      ? new BinaryWriter().int64(BigInt(value)).finish()
      : undefined,
}
export const double: WireKind = {
  wire: 1,
  write: value => (typeof value === 'number' && value !== 0 ? new BinaryWriter().double(value).finish() : undefined),
}

/**
 * A message of JSON fields. `table` is a function for recursion; `more` encodes keys outside the
 * table.
 */
export const message = (
  table: () => MessageTable,
  more?: (value: Record<string, unknown>) => readonly Uint8Array[],
): WireKind => ({
  wire: 2,
  write(value) {
    if (!isFields(value)) return undefined
    const known = Object.entries(table()).flatMap(([key, [number, kind]]) => {
      const found = value[key]
      const members: readonly unknown[] = Array.isArray(found) ? found : found === undefined ? [] : [found]
      return members.flatMap(member => {
        const bytes = kind.write(member)
        return bytes ? [field(number, kind.wire, bytes)] : []
      })
    })
    return concat([...known, ...(more?.(value) ?? [])])
  },
})

/** A map as repeated messages `{ name = 1; value = 2 }` at field `number`. */
export function namedFields(
  entries: readonly (readonly [string, unknown])[],
  number: number,
  kind: WireKind,
): readonly Uint8Array[] {
  return entries.flatMap(([name, value]) => {
    const bytes = kind.write(value)
    return bytes ? [field(number, 2, concat([field(1, 2, utf8.encode(name)), field(2, kind.wire, bytes)]))] : []
  })
}

/** A message of one map, with its entries at field `number`. */
export const mapOf = (kind: WireKind, number = 1): WireKind => ({
  wire: 2,
  write: value => (isFields(value) ? concat(namedFields(Object.entries(value), number, kind)) : undefined),
})

/** A message of one field, a value or a list. */
export const wrapped = (number: number, kind: WireKind): WireKind => ({
  wire: 2,
  write(value) {
    const members: readonly unknown[] = Array.isArray(value) ? value : [value]
    return concat(
      members.flatMap(member => {
        const bytes = kind.write(member)
        return bytes ? [field(number, kind.wire, bytes)] : []
      }),
    )
  },
})
