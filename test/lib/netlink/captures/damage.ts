// Damaged messages with their errors, and the check of a table of them.
import type { Test } from 'tap'
import { WireError, type Codec } from '../../../../lib/bytes.js'
import { hex } from './row.js'

export type Damage = readonly [what: string, bytes: string, says: RegExp]

/** Each is refused with a sentence that says what is wrong. */
export function checkDamage(t: Test, codec: Codec<unknown>, table: readonly Damage[]): void {
  for (const [what, bytes, says] of table)
    t.throws(() => codec.decode(hex(bytes)), { constructor: WireError, message: says }, what)
}

/** A value that its bytes cannot hold is refused before anything is sent. */
export function checkMisfits<T>(t: Test, codec: Codec<T>, table: readonly (readonly [string, T, RegExp])[]): void {
  for (const [what, value, says] of table)
    t.throws(() => codec.encode(value), { constructor: WireError, message: says }, what)
}
