// Scalars in host and network byte order, C structs and packet headers as codecs.
/** Malformed bytes, or a value that does not fit. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/** Encodes and decodes a value. `decode` throws only WireError. */
export interface Codec<T> {
  decode(bytes: Uint8Array): T
  encode(value: T): Uint8Array
}

/** A codec of fixed size, as a struct needs. */
export interface Fixed<T> extends Codec<T> {
  readonly size: number
}

/**
 * A value that is read and written in place: an array and a view per number would dominate the
 * cost.
 */
export interface Field<T> extends Fixed<T> {
  readAt(view: DataView, at: number): T
  /** Throws WireError if the value does not fit. */
  writeAt(view: DataView, at: number, value: T): void
}

export type Scalar = Field<number>
type ReadAt = (view: DataView, at: number) => number
type WriteAt = (view: DataView, at: number, value: number) => void

/** True for a codec of numbers, made by scalar(). */
export const isScalar = (codec: Codec<unknown>): codec is Scalar => 'writeAt' in codec

/** A C struct, also readable in place; the caller of `readAt` checks the length. */
export interface Struct<T> extends Fixed<T> {
  readonly readAt: (view: DataView, at: number) => T
}

export type ValueOf<C> = C extends Codec<infer T> ? T : never

/**
 * Netlink is in host order unless a field says otherwise. Not node:os, which costs 0.2 ms per
 * start.
 */
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** A DataView of the same bytes. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Zeroed bytes and a view of them. An array made without a buffer would be copied for the view. */
export function blank(size: number): { readonly bytes: Uint8Array; readonly view: DataView } {
  const buffer = new ArrayBuffer(size)
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer) }
}

/** Size in bytes, and bounds of the value. */
interface Bounds {
  readonly size: number
  readonly min: number
  readonly max: number
}

function scalar(name: string, { size, min, max }: Bounds, readAt: ReadAt, write: WriteAt): Scalar {
  const writeAt: WriteAt = (view, at, value) => {
    if (!Number.isInteger(value) || value < min || value > max) throw new WireError(`${name} cannot hold ${value}`)
    write(view, at, value)
  }
  return {
    size,
    readAt,
    writeAt,
    decode(bytes) {
      if (bytes.length !== size) throw new WireError(`${name} wants ${size} bytes, not ${bytes.length}`)
      return readAt(viewOf(bytes), 0)
    },
    encode(value) {
      const { bytes, view } = blank(size)
      writeAt(view, 0, value)
      return bytes
    },
  }
}

const U8 = { size: 1, min: 0, max: 0xff }
const U16 = { size: 2, min: 0, max: 0xffff }
const U32 = { size: 4, min: 0, max: 0xffffffff }
const S32 = { size: 4, min: -0x80000000, max: 0x7fffffff }

export const u8 = scalar(
  'u8',
  U8,
  (v, at) => v.getUint8(at),
  (v, at, n) => v.setUint8(at, n),
)
export const u16 = scalar(
  'u16',
  U16,
  (v, at) => v.getUint16(at, LITTLE),
  (v, at, n) => v.setUint16(at, n, LITTLE),
)
export const u32 = scalar(
  'u32',
  U32,
  (v, at) => v.getUint32(at, LITTLE),
  (v, at, n) => v.setUint32(at, n, LITTLE),
)
export const s32 = scalar(
  's32',
  S32,
  (v, at) => v.getInt32(at, LITTLE),
  (v, at, n) => v.setInt32(at, n, LITTLE),
)
/** Network byte order, such as IFLA_VLAN_PROTOCOL and ports. */
export const u16be = scalar(
  'u16be',
  U16,
  (v, at) => v.getUint16(at, false),
  (v, at, n) => v.setUint16(at, n, false),
)
/** nf_tables numbers everything in network byte order. */
export const u32be = scalar(
  'u32be',
  U32,
  (v, at) => v.getUint32(at, false),
  (v, at, n) => v.setUint32(at, n, false),
)
export const s32be = scalar(
  's32be',
  S32,
  (v, at) => v.getInt32(at, false),
  (v, at, n) => v.setInt32(at, n, false),
)

/** A field of `size` bytes with a codec, such as a MAC. */
export const fixed = <T>(size: number, { decode, encode }: Codec<T>): Field<T> => ({
  size,
  decode,
  encode,
  readAt: (view, at) => decode(new Uint8Array(view.buffer, view.byteOffset + at, size)),
  writeAt: (view, at, value) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(encode(value), at),
})

/**
 * Bytes as they are: an address, whatever its family. Always a copy: a transport may use its buffer
 * again.
 */
export const raw: Codec<Uint8Array> = {
  decode: bytes => new Uint8Array(bytes),
  encode: value => value,
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/**
 * Text up to its first NUL, which on reading may be missing; UTF-8, bytes that are not becoming
 * U+FFFD.
 */
export const cstring: Codec<string> = {
  decode(bytes) {
    const end = bytes.indexOf(0)
    return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end))
  },
  encode(value) {
    if (value.includes('\0')) throw new WireError(`text ${JSON.stringify(value)} holds a NUL, which would cut it short`)
    return encoder.encode(`${value}\0`)
  },
}

/** Nothing but being there, such as a flag attribute. */
export const empty: Fixed<true> = {
  size: 0,
  decode(bytes) {
    if (bytes.length !== 0) throw new WireError(`a flag has no bytes, not ${bytes.length}`)
    return true
  },
  encode: () => new Uint8Array(0),
}

type Members = Readonly<Record<string, Field<unknown> | Field<never>>>
type StructOf<M extends Members> = { readonly [K in keyof M as K extends `_${string}` ? never : K]: ValueOf<M[K]> }

/**
 * A C struct or a packet header of `size` bytes. A member with a leading `_` is padding: zero, and
 * not in the type. Longer bytes are accepted: structs of the kernel grow at the end.
 * @throws WireError at load time if the members do not add up to `size`
 */
export function struct<M extends Members>(name: string, size: number, members: M): Struct<StructOf<M>> {
  const sum = Object.values(members).reduce((total, member) => total + member.size, 0)
  if (sum !== size) throw new WireError(`the members of ${name} make ${sum} bytes, not ${size}`)
  const own = placed(members)
  const readAt = (view: DataView, start: number): StructOf<M> => {
    const value: Record<string, unknown> = {}
    for (const { key, at, member } of own) value[key] = member.readAt(view, start + at)
    return value as StructOf<M>
  }
  return {
    size,
    readAt,
    decode(bytes) {
      if (bytes.length < size) throw new WireError(`${name} wants ${size} bytes, not ${bytes.length}`)
      return readAt(viewOf(bytes), 0)
    },
    encode(value) {
      const { bytes, view } = blank(size)
      let writing = ''
      try {
        for (const { key, at, member } of own) member.writeAt(view, at, memberOf(value, (writing = key)))
      } catch (thrown) {
        throw located(writing, thrown)
      }
      return bytes
    },
  }
}

interface Placed {
  readonly key: string
  readonly at: number
  readonly member: Field<unknown>
}

/** The members of a struct and their offsets, without padding. */
function placed(members: Members): readonly Placed[] {
  let next = 0
  const all = Object.entries(members).map(([key, member]) => {
    const at = next
    next += member.size
    return { key, at, member: member as Field<unknown> }
  })
  return all.filter(({ key }) => !key.startsWith('_'))
}

const memberOf = (value: object, key: string): unknown => (value as Record<string, unknown>)[key] ?? NaN

/** Runs `work` and prefixes the message of its WireError with `where`. */
export function within<T>(where: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    throw located(where, thrown)
  }
}

const located = (where: string, thrown: unknown): unknown =>
  thrown instanceof WireError ? new WireError(`${where}: ${thrown.message}`) : thrown

/** All parts in one array. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
