// A captured message with its value, and the check of one.
import type { Test } from 'tap'
import { framesOf, request, type ChangeOp, type DumpOp, type GetOp } from '../../../../lib/netlink/message.js'

type Op<T> = ChangeOp<T> | GetOp<T> | DumpOp<T>

interface Row<T> {
  /** The command or program that sent it, or what it asks for. */
  readonly of: string
  readonly bytes: string
  readonly value: T
  /** What the other program writes otherwise than we do, to the same effect. */
  readonly differs?: string
}

export interface Capture extends Omit<Row<unknown>, 'bytes'> {
  readonly op: Op<unknown>
  readonly bytes: Uint8Array
}

export const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'))

/** A request: the whole message, nlmsghdr and all. */
export const capture = <T>(op: Op<T>, row: Row<T>): Capture => ({ ...row, op, bytes: hex(row.bytes) })
/** An answer of the kernel: what follows nlmsghdr. */
export const answer = <T>(op: GetOp<T> | DumpOp<T>, row: Row<T>): Capture => ({ ...row, op, bytes: hex(row.bytes) })

/** Both ways: what another program wrote is read, and written again byte for byte. */
export function checkCaptures(t: Test, captures: readonly Capture[]): void {
  for (const { of, op, bytes, value, differs } of captures)
    t.test(of, t => {
      const [frame, ...more] = framesOf(bytes)
      if (frame === undefined) throw new Error(`${of} holds no message`)
      t.strictSame([frame.header.type, more], [op.type, []], 'is one message of this type')
      t.strictSame(op.codec.decode(frame.payload), value, 'reads what another program wrote')
      t.strictSame(op.codec.decode(op.codec.encode(value)), value, 'reads what we write')
      const written = Buffer.from(request(op, value, frame.header.seq)).toString('hex')
      const was = Buffer.from(bytes).toString('hex')
      if (differs === undefined) t.equal(written, was, 'writes it byte for byte')
      else t.not(written, was, `differs: ${differs}`)
      t.end()
    })
}

/** What the kernel sent is read; what of it we do not name is kept, too. */
export function checkAnswers(t: Test, answers: readonly Capture[]): void {
  for (const { of, op, bytes, value } of answers)
    t.test(`the answer to ${of}`, t => {
      const decoded = op.codec.decode(bytes)
      t.strictSame(named(decoded), value, 'reads what the kernel wrote')
      const written = op.codec.encode(decoded)
      t.equal(written.length, bytes.length, 'writes as many bytes')
      t.strictSame(op.codec.decode(written), decoded, 'reads what we write, attributes without a name too')
      t.end()
    })
}

/**
 * Without what a table does not name, and without IFLA_AF_SPEC: half a kilobyte of the kernel's
 * settings.
 */
function named(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) return value
  const members = Object.entries(value).filter(([key]) => key !== 'unknown' && key !== 'afSpec')
  return Object.fromEntries(members.map(([key, member]) => [key, named(member)]))
}
