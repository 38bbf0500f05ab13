// Messages: nlmsghdr, requests and acknowledgements. No socket.
import { attrs } from './attrs.js'
import {
  concat,
  cstring,
  s32,
  struct,
  u16,
  u32,
  viewOf,
  within,
  WireError,
  type Codec,
  type ValueOf,
} from '../bytes.js'

/** <linux/netlink.h> NLM_F_*. Some bits differ in meaning between NEW and GET requests. */
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
  /** In an ack: without the payload of the request. */
  capped: 0x100,
  /** In an ack: attributes follow. */
  ackTlvs: 0x200,
} as const

export const NLMSG = { noop: 1, error: 2, done: 3, overrun: 4 } as const

export const nlmsghdr = struct('nlmsghdr', 16, { length: u32, type: u16, flags: u16, seq: u32, pid: u32 })

/** Extended ack, <linux/netlink.h> NLMSGERR_ATTR_*. */
export const nlmsgerrAttrs = attrs({
  message: [1, cstring],
  /** Offset of the bad attribute in the request, in bytes from its nlmsghdr. */
  offset: [2, u32],
  missingType: [5, u32],
  missingNest: [6, u32],
})

/** A message in a datagram. */
export interface Frame {
  readonly header: ValueOf<typeof nlmsghdr>
  readonly payload: Uint8Array
}

interface Op<T> {
  /** For errors: `addr.add`. */
  readonly name: string
  readonly type: number
  /** All of nlmsg_flags. */
  readonly flags: number
  readonly codec: Codec<T>
}

/** A change, which the kernel acknowledges. */
export interface ChangeOp<T> extends Op<T> {
  readonly asks: 'change'
}
/** Reads one object. */
export interface GetOp<T> extends Op<T> {
  readonly asks: 'get'
  /** nlmsg_type of the answer. */
  readonly answer: number
}
/** Reads a list of objects. */
export interface DumpOp<T> extends Op<T> {
  readonly asks: 'dump'
  readonly answer: number
  /**
   * An errno that means an empty list, such as ENOENT for routes of a table that does not exist.
   */
  readonly noneIs?: number | undefined
  /** Identifies an object, to merge dumps that keep being interrupted (NLM_F_DUMP_INTR). */
  identity?(value: T): string
}

/** A change; `flags` are added to NLM_F_REQUEST and NLM_F_ACK. */
export const change = <T>(name: string, type: number, codec: Codec<T>, flags = 0): ChangeOp<T> => ({
  asks: 'change',
  name,
  type,
  flags: NLM_F.request | NLM_F.ack | flags,
  codec,
})

/** The RTM_NEW… that answers an RTM_GET…: message types come in fours, NEW, DEL, GET, SET. */
const answerTo = (type: number): number => type & ~3

/** A request for one object. */
export const get = <T>(name: string, type: number, codec: Codec<T>): GetOp<T> => ({
  asks: 'get',
  name,
  type,
  flags: NLM_F.request,
  codec,
  answer: answerTo(type),
})

/** A request for a list (NLM_F_DUMP). */
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

/** A message with its nlmsghdr. nlmsg_pid is 0: the kernel knows the sender. */
export function request<T>(op: Op<T>, value: T, seq: number): Uint8Array {
  const payload = op.codec.encode(value)
  return concat([
    nlmsghdr.encode({ length: nlmsghdr.size + payload.length, type: op.type, flags: op.flags, seq, pid: 0 }),
    payload,
  ])
}

/** A change with its value, as part of a batch. `acknowledged`: with NLM_F_ACK. */
export interface Part {
  /** For people: `nft.rule.add`. */
  readonly name: string
  bytes(options: { readonly seq: number; readonly acknowledged: boolean }): Uint8Array
}

/** A part of a batch. */
export const part = <T>(op: ChangeOp<T>, value: T): Part => ({
  name: op.name,
  bytes: ({ seq, acknowledged }) =>
    within(op.name, () => request(acknowledged ? { ...op, flags: op.flags | NLM_F.ack } : op, value, seq)),
})

/**
 * A filter on a dump: byte `at` of the payload is within `from` and `to`. Data, not a function: a
 * call per message would cost more than the rest.
 */
export interface Keep {
  readonly at: number
  readonly from: number
  readonly to: number
  /** And contains one of these at a multiple of four: ends of addresses, by wordOf(). */
  readonly words?: readonly number[]
}

/** The last four bytes, in host order. */
export const wordOf = (bytes: Uint8Array): number => new Uint32Array(bytes.slice(-4).buffer)[0] ?? 0

/**
 * Splits a datagram into messages, each a copy; data messages only if they match `keep`.
 * @throws WireError
 */
export function framesOf(datagram: Uint8Array, keep?: Keep): Frame[] {
  const frames: Frame[] = []
  const view = viewOf(datagram)
  let at = 0
  for (;;) {
    if (keep !== undefined) at = skip(datagram, at, keep)
    if (at >= datagram.length) return frames
    const left = datagram.length - at
    if (left < nlmsghdr.size) throw new WireError(`nlmsghdr wants ${nlmsghdr.size} bytes, not ${left}`)
    const header = nlmsghdr.readAt(view, at)
    if (header.length < nlmsghdr.size || header.length > left)
      throw new WireError(`message ${header.type} claims ${header.length} bytes of ${left}`)
    // Not slice() of the array itself, which would be copied again for the first view of it.
    const start = datagram.byteOffset + at
    frames.push({
      header,
      payload: new Uint8Array(datagram.buffer.slice(start + nlmsghdr.size, start + header.length)),
    })
    at += (header.length + 3) & ~3
  }
}

/** Index of nlmsg_type and nlmsg_flags in units of two bytes. */
const TYPE_AT = 2
const FLAGS_AT = 3

/**
 * The offset of the first message from `start` on that matches, is truncated, or has
 * NLM_F_DUMP_INTR. One loop over typed arrays (netlink is in host order), since it may skip
 * thousands.
 */
function skip(bytes: Uint8Array, start: number, { at: offset, from, to, words }: Keep): number {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  const longs = new Uint32Array(buffer, byteOffset, bytes.length >> 2)
  const shorts = new Uint16Array(buffer, byteOffset, bytes.length >> 1)
  const end = bytes.length
  let at = start
  const found = words?.map(word => longs.indexOf(word, at >> 2)) // a search per word, not per message
  while (end - at >= nlmsghdr.size) {
    const length = longs[at >> 2] ?? 0
    const type = shorts[(at >> 1) + TYPE_AT] ?? 0
    const flags = shorts[(at >> 1) + FLAGS_AT] ?? 0
    const byte = bytes[at + nlmsghdr.size + offset] ?? 0
    if (length < nlmsghdr.size || length > end - at || type <= NLMSG.overrun) return at
    const next = at + ((length + 3) & ~3)
    if ((flags & NLM_F.dumpInterrupted) !== 0) return at
    if (byte >= from && byte <= to && (!found || !words || isAnyIn(longs, { words, found }, at >> 2, next >> 2)))
      return at
    at = next
  }
  return at
}

interface FoundWords {
  readonly words: readonly number[]
  /** Where each is next; -1: nowhere. Behind the message, it is searched for again. */
  readonly found: number[]
}

/** Whether one of the words is from `start` on and before `end`. */
function isAnyIn(longs: Uint32Array, { words, found }: FoundWords, start: number, end: number): boolean {
  for (const [i, word] of words.entries()) {
    const last = found[i] ?? -1
    const next = last >= 0 && last < start ? longs.indexOf(word, start) : last
    found[i] = next
    if (next >= 0 && next < end) return true
  }
  return false
}

/** NLMSG_ERROR or NLMSG_DONE. `errno` 0: success; `text` is the extended ack or empty. */
export interface AckVerdict {
  readonly errno: number
  readonly text: string
  readonly offset: number | undefined
}

/**
 * NLMSG_ERROR: errno, header of the request and, unless NLM_F_CAPPED, its payload; then attributes.
 */
export function errorOf({ header, payload }: Frame): AckVerdict {
  const error = s32.decode(payload.subarray(0, s32.size))
  const requested = nlmsghdr.decode(payload.subarray(s32.size))
  const echoed = (header.flags & NLM_F.capped) !== 0 ? nlmsghdr.size : requested.length
  return verdict(error, header.flags, payload.subarray(s32.size + ((echoed + 3) & ~3)))
}

/** NLMSG_DONE; old kernels may omit its errno. */
export function doneOf({ header, payload }: Frame): AckVerdict {
  const error = payload.length === 0 ? 0 : s32.decode(payload.subarray(0, s32.size))
  return verdict(error, header.flags, payload.subarray(s32.size))
}

function verdict(error: number, flags: number, tail: Uint8Array): AckVerdict {
  if (error > 0) throw new WireError(`an errno is zero or negative, not ${error}`)
  const { message = '', offset } = (flags & NLM_F.ackTlvs) !== 0 ? nlmsgerrAttrs.decode(tail) : {}
  return { errno: error === 0 ? 0 : -error, text: message, offset }
}
