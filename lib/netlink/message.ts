// Messages: nlmsghdr, what a request is, and how the kernel says yes or no. Knows no socket.
import { attrs } from './attrs.js'
import { concat, cstring, s32, struct, u16, u32, viewOf, within, WireError, type Codec, type ValueOf } from './wire.js'

/** <linux/netlink.h> NLM_F_*. `replace` and `root`, `excl` and `match` share a bit: requests to make and requests to read. */
export const NLM_F = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  echo: 0x8,
  dumpInterrupted: 0x10,
  dumpFiltered: 0x20,
  replace: 0x100,
  excl: 0x200,
  create: 0x400,
  append: 0x800,
  dump: 0x300,
  /** In an answer: the request is not repeated in it. */
  capped: 0x100,
  /** In an answer: attributes follow. */
  ackTlvs: 0x200,
} as const

export const NLMSG = { noop: 1, error: 2, done: 3, overrun: 4 } as const

export const nlmsghdr = struct('nlmsghdr', 16, { length: u32, type: u16, flags: u16, seq: u32, pid: u32 })

/** Extended ack, <linux/netlink.h> NLMSGERR_ATTR_*. */
export const nlmsgerrAttrs = attrs({
  message: [1, cstring],
  /** Where in the request the bad attribute is, in bytes from its nlmsghdr. */
  offset: [2, u32],
  missingType: [5, u32],
  missingNest: [6, u32],
})

/** A message within a datagram. */
export interface Frame {
  readonly header: ValueOf<typeof nlmsghdr>
  readonly payload: Uint8Array
}

interface Op<T> {
  /** For people: `addr.add`. */
  readonly name: string
  readonly type: number
  /** The whole of nlmsg_flags. */
  readonly flags: number
  readonly codec: Codec<T>
}

/** Changes something; the kernel answers yes or no. */
export interface ChangeOp<T> extends Op<T> {
  readonly asks: 'change'
}
/** Reads one thing. */
export interface GetOp<T> extends Op<T> {
  readonly asks: 'get'
  /** nlmsg_type of the answer. */
  readonly answer: number
}
/** Reads many. */
export interface DumpOp<T> extends Op<T> {
  readonly asks: 'dump'
  readonly answer: number
  /** An errno that means there are none, such as ENOENT for the routes of a table that does not exist. */
  readonly noneIs?: number | undefined
  /** Tells one from another, where a list that never stands still is put together of several dumps. */
  identity?(value: T): string
}

/** A request that changes; `flags` beyond REQUEST and ACK say how. */
export const change = <T>(name: string, type: number, codec: Codec<T>, flags = 0): ChangeOp<T> => ({
  asks: 'change',
  name,
  type,
  flags: NLM_F.request | NLM_F.ack | flags,
  codec,
})

/** The RTM_NEW… that answers an RTM_GET…: message types come in fours, NEW DEL GET SET. */
const answerTo = (type: number): number => type & ~3

export const get = <T>(name: string, type: number, codec: Codec<T>): GetOp<T> => ({
  asks: 'get',
  name,
  type,
  flags: NLM_F.request,
  codec,
  answer: answerTo(type),
})

export const dump = <T>(
  name: string,
  type: number,
  codec: Codec<T>,
  more: Pick<DumpOp<T>, 'noneIs' | 'identity'> = {},
): DumpOp<T> => ({
  asks: 'dump',
  name,
  type,
  flags: NLM_F.request | NLM_F.dump,
  codec,
  answer: answerTo(type),
  ...more,
})

/** The whole message, nlmsghdr and all. The port is 0: the kernel knows the sender. */
export function request<T>(op: Op<T>, value: T, seq: number): Uint8Array {
  const payload = op.codec.encode(value)
  return concat([
    nlmsghdr.encode({ length: nlmsghdr.size + payload.length, type: op.type, flags: op.flags, seq, pid: 0 }),
    payload,
  ])
}

/** A change with its value, to stand among others in one datagram. `acknowledged`: the kernel is to answer it in any case. */
export interface Part {
  /** For people: `nft.rule.add`. */
  readonly name: string
  bytes(asked: { readonly seq: number; readonly acknowledged: boolean }): Uint8Array
}

export const part = <T>(op: ChangeOp<T>, value: T): Part => ({
  name: op.name,
  bytes: ({ seq, acknowledged }) =>
    within(op.name, () => request(acknowledged ? { ...op, flags: op.flags | NLM_F.ack } : op, value, seq)),
})

/** What is wanted of a dump, by one byte of each payload, which is `from` to `to`. Data: of thousands, few may be, and a call for each costs more. */
export interface Keep {
  readonly at: number
  readonly from: number
  readonly to: number
  /** These four bytes too, in the host's order, wherever attributes lie (at a multiple of four): an IPv4 address. */
  readonly word?: number
}

/** Cuts a datagram into messages, of which each is a copy; of those that carry data, into what `keep` wants. */
export function framesOf(datagram: Uint8Array, keep?: Keep): Frame[] {
  const frames: Frame[] = []
  const view = viewOf(datagram)
  let at = 0
  for (;;) {
    if (keep !== undefined) at = passOver(datagram, at, keep)
    if (at >= datagram.length) return frames
    const left = datagram.length - at
    if (left < nlmsghdr.size) throw new WireError(`nlmsghdr wants ${nlmsghdr.size} bytes, not ${left}`)
    const header = nlmsghdr.readAt(view, at)
    if (header.length < nlmsghdr.size || header.length > left)
      throw new WireError(`message ${header.type} claims ${header.length} bytes of ${left}`)
    frames.push({ header, payload: datagram.slice(at + nlmsghdr.size, at + header.length) })
    at += (header.length + 3) & ~3
  }
}

/** nlmsghdr begins with its length, four bytes; its type and its flags are the third and the fourth two bytes. */
const TYPE_AT = 2
const FLAGS_AT = 3

/**
 * Where the first message lies, from `start` on, that is wanted, or is not whole, or says that the dump is not of one moment. There may be
 * thousands before it: one loop over arrays of the host's own order, which netlink is in, without a call.
 */
function passOver(bytes: Uint8Array, start: number, { at: offset, from, to, word }: Keep): number {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  const longs = new Uint32Array(buffer, byteOffset, bytes.length >> 2)
  const shorts = new Uint16Array(buffer, byteOffset, bytes.length >> 1)
  const end = bytes.length
  let at = start
  let found = word === undefined ? -1 : longs.indexOf(word, at >> 2) // of thousands of messages one search
  while (end - at >= nlmsghdr.size) {
    const length = longs[at >> 2] ?? 0
    const type = shorts[(at >> 1) + TYPE_AT] ?? 0
    const flags = shorts[(at >> 1) + FLAGS_AT] ?? 0
    const byte = bytes[at + nlmsghdr.size + offset] ?? 0
    if (length < nlmsghdr.size || length > end - at || type <= NLMSG.overrun) return at
    const next = at + ((length + 3) & ~3)
    if ((flags & NLM_F.dumpInterrupted) !== 0) return at
    if (word !== undefined && found >= 0 && found < at >> 2) found = longs.indexOf(word, at >> 2)
    const isIn = word === undefined || (found >= 0 && found < next >> 2)
    if (isIn && byte >= from && byte <= to) return at
    at = next
  }
  return at
}

/** What NLMSG_ERROR and NLMSG_DONE say. `errno` 0 is yes; `text` is the extended ack's, or empty. */
export interface AckVerdict {
  readonly errno: number
  readonly text: string
  readonly offset: number | undefined
}

/** Reads NLMSG_ERROR: the errno, the request's header and, unless capped, its payload; then attributes. */
export function errorOf({ header, payload }: Frame): AckVerdict {
  const error = s32.decode(payload.subarray(0, s32.size))
  const asked = nlmsghdr.decode(payload.subarray(s32.size))
  const echoed = (header.flags & NLM_F.capped) !== 0 ? nlmsghdr.size : asked.length
  return verdict(error, header.flags, payload.subarray(s32.size + ((echoed + 3) & ~3)))
}

/** Reads NLMSG_DONE, whose errno old kernels may leave out. */
export function doneOf({ header, payload }: Frame): AckVerdict {
  const error = payload.length === 0 ? 0 : s32.decode(payload.subarray(0, s32.size))
  return verdict(error, header.flags, payload.subarray(s32.size))
}

function verdict(error: number, flags: number, tail: Uint8Array): AckVerdict {
  if (error > 0) throw new WireError(`an errno is zero or negative, not ${error}`)
  const { message = '', offset } = (flags & NLM_F.ackTlvs) !== 0 ? nlmsgerrAttrs.decode(tail) : {}
  return { errno: error === 0 ? 0 : -error, text: message, offset }
}
