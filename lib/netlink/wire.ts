// Scalars and C structs, as codecs. Knows bytes; knows nothing of netlink.
import os from 'node:os'

/** Bytes that are not what they should be, or a value that does not fit into them. */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/** Both ways between bytes and a value. `decode` throws WireError on bytes it cannot read, and nothing else. */
export interface Codec<T> {
  decode(bytes: Uint8Array): T
  encode(value: T): Uint8Array
}

/** A codec whose bytes always have one length, so that it can stand in a struct. */
export interface Fixed<T> extends Codec<T> {
  readonly size: number
}

/** A number that can be read where it lies: a dump has thousands of headers. */
export interface Scalar extends Fixed<number> {
  readonly readAt: ReadAt
}
type ReadAt = (view: DataView, at: number) => number

export type ValueOf<C> = C extends Codec<infer T> ? T : never

/** Netlink is host-endian but where a field says otherwise. */
const LITTLE = os.endianness() === 'LE'

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Where a scalar's value lies: least and most it may be. */
interface Bounds {
  readonly size: number
  readonly min: number
  readonly max: number
}

type Write = (view: DataView, value: number) => void

function scalar(name: string, { size, min, max }: Bounds, readAt: ReadAt, write: Write): Scalar {
  return {
    size,
    readAt,
    decode(bytes) {
      if (bytes.length !== size) throw new WireError(`${name} wants ${size} bytes, not ${bytes.length}`)
      return readAt(viewOf(bytes), 0)
    },
    encode(value) {
      if (!Number.isInteger(value) || value < min || value > max) throw new WireError(`${name} cannot hold ${value}`)
      const bytes = new Uint8Array(size)
      write(viewOf(bytes), value)
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
  (v, n) => v.setUint8(0, n),
)
export const u16 = scalar(
  'u16',
  U16,
  (v, at) => v.getUint16(at, LITTLE),
  (v, n) => v.setUint16(0, n, LITTLE),
)
export const u32 = scalar(
  'u32',
  U32,
  (v, at) => v.getUint32(at, LITTLE),
  (v, n) => v.setUint32(0, n, LITTLE),
)
export const s32 = scalar(
  's32',
  S32,
  (v, at) => v.getInt32(at, LITTLE),
  (v, n) => v.setInt32(0, n, LITTLE),
)
/** Network byte order, such as IFLA_VLAN_PROTOCOL and ports. */
export const u16be = scalar(
  'u16be',
  U16,
  (v, at) => v.getUint16(at, false),
  (v, n) => v.setUint16(0, n, false),
)
/** nf_tables numbers everything in network byte order. */
export const u32be = scalar(
  'u32be',
  U32,
  (v, at) => v.getUint32(at, false),
  (v, n) => v.setUint32(0, n, false),
)
export const s32be = scalar(
  's32be',
  S32,
  (v, at) => v.getInt32(at, false),
  (v, n) => v.setInt32(0, n, false),
)

/** Bytes as they are: an address, whatever its family. Always a copy: a transport may use its buffer again. */
export const raw: Codec<Uint8Array> = {
  decode: bytes => new Uint8Array(bytes),
  encode: value => value,
}

/** Text up to its first NUL, which on reading may be missing; UTF-8, bytes that are not becoming U+FFFD. */
export const cstring: Codec<string> = {
  decode(bytes) {
    const end = bytes.indexOf(0)
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
  },
  encode(value) {
    if (value.includes('\0')) throw new WireError(`text ${JSON.stringify(value)} holds a NUL, which would cut it short`)
    return new TextEncoder().encode(`${value}\0`)
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

type Members = Readonly<Record<string, Scalar>>
type StructOf<M extends Members> = { readonly [K in keyof M as K extends `_${string}` ? never : K]: number }

/**
 * A C struct of `size` bytes. A member whose name begins with `_` is padding: written as zero, not read, not in the type. Does not
 * load when the members do not add up to `size`. Longer bytes are read too: the kernel's structs grow at their end.
 */
export function struct<M extends Members>(name: string, size: number, members: M): Fixed<StructOf<M>> {
  const sum = Object.values(members).reduce((total, member) => total + member.size, 0)
  if (sum !== size) throw new WireError(`the members of ${name} make ${sum} bytes, not ${size}`)
  const read = placed(members)
  return {
    size,
    decode(bytes) {
      if (bytes.length < size) throw new WireError(`${name} wants ${size} bytes, not ${bytes.length}`)
      const view = viewOf(bytes)
      const value: Record<string, number> = {}
      for (const { key, at, readAt } of read) value[key] = readAt(view, at)
      return value as StructOf<M>
    },
    encode(value) {
      const parts = Object.entries(members).map(([key, member]) =>
        key.startsWith('_') ? new Uint8Array(member.size) : within(key, () => member.encode(memberOf(value, key))),
      )
      return concat(parts)
    },
  }
}

/** What is read of a struct, and where it lies. */
function placed(members: Members): readonly { readonly key: string; readonly at: number; readonly readAt: ReadAt }[] {
  let next = 0
  const all = Object.entries(members).map(([key, { size, readAt }]) => {
    const at = next
    next += size
    return { key, at, readAt }
  })
  return all.filter(({ key }) => !key.startsWith('_'))
}

const memberOf = (value: object, key: string): number => (value as Record<string, number>)[key] ?? NaN

/** Runs `work` and puts `where` before what a WireError of it says. */
export function within<T>(where: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    if (thrown instanceof WireError) throw new WireError(`${where}: ${thrown.message}`)
    throw thrown
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
