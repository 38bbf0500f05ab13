// Packet headers as tables of fields, big-endian: encoder and decoder from one definition.

/** A field of a fixed size. */
export interface Field<T> {
  readonly size: number
  read(bytes: Uint8Array, at: number): T
  write(bytes: Uint8Array, at: number, value: T): void
}

/** Bytes that are not a frame of the expected kind. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const u8: Field<number> = {
  size: 1,
  read: (bytes, at) => view(bytes).getUint8(at),
  write: (bytes, at, value) => view(bytes).setUint8(at, value),
}

export const u16: Field<number> = {
  size: 2,
  read: (bytes, at) => view(bytes).getUint16(at),
  write: (bytes, at, value) => view(bytes).setUint16(at, value),
}

export const u32: Field<number> = {
  size: 4,
  read: (bytes, at) => view(bytes).getUint32(at),
  write: (bytes, at, value) => view(bytes).setUint32(at, value),
}

/** A field of bytes with a codec, such as a MAC. */
export const bytesAs = <T>(
  size: number,
  codec: { decode: (bytes: Uint8Array) => T; encode: (value: T) => Uint8Array },
): Field<T> => ({
  size,
  read: (bytes, at) => codec.decode(bytes.subarray(at, at + size)),
  write: (bytes, at, value) => bytes.set(codec.encode(value), at),
})

type Fields = Readonly<Record<string, Field<never> | Field<unknown>>>
type ValueOfField<F> = F extends Field<infer T> ? T : never
export type LayoutValue<L> = L extends Layout<infer T> ? T : never

export interface Layout<T> {
  readonly size: number
  /** Decodes a prefix of the bytes. Throws FrameError if they are too short. */
  decode(bytes: Uint8Array): T
  encode(value: T): Uint8Array
}

/**
 * A header of fields in order.
 * @throws Error at load time if the fields do not add up to `size`
 */
export function layout<F extends Fields>(
  name: string,
  size: number,
  fields: F,
): Layout<{ readonly [K in keyof F]: ValueOfField<F[K]> }> {
  type Value = { readonly [K in keyof F]: ValueOfField<F[K]> }
  const entries = Object.entries(fields) as [keyof F & string, Field<unknown>][]
  const total = entries.reduce((sum, [, field]) => sum + field.size, 0)
  if (total !== size) throw new Error(`${name}: its fields make ${total} bytes, not ${size}`)
  return {
    size,
    decode(bytes) {
      if (bytes.length < size) throw new FrameError(`${name}: ${bytes.length} bytes, ${size} are needed`)
      let at = 0
      const value: Record<string, unknown> = {}
      for (const [key, field] of entries) {
        value[key] = field.read(bytes, at)
        at += field.size
      }
      return value as Value
    },
    encode(value) {
      const bytes = new Uint8Array(size)
      let at = 0
      for (const [key, field] of entries) {
        field.write(bytes, at, value[key])
        at += field.size
      }
      return bytes
    },
  }
}

/** All parts in one array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
