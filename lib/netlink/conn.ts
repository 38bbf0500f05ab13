// One request and its answers, on any transport of datagrams. Knows sequence numbers; knows no file descriptor.
import { BatchError, ERRNO, NetlinkError } from './errno.js'
import { doneOf, errorOf, framesOf, NLM_F, NLMSG, request } from './message.js'
import type { ChangeOp, DumpOp, Frame, GetOp, Keep, Part, AckVerdict } from './message.js'
import { concat, within, WireError } from './wire.js'

/** Whole datagrams, both ways. The kernel works a request off while it is sent, so nothing here waits. */
export interface Transport {
  send(bytes: Uint8Array): void
  /** One datagram, which is gone when the next one is received. */
  receive(): Uint8Array
  close(): void
}

/** A dump that changed while it was read is asked for again this often. */
const DUMPS_MAX = 20
/** Where entries can be told apart, so many dumps together have what was there all the while: each may have missed one. */
const DUMPS_TOGETHER = 4
/** Datagrams of one answer: 32 KiB each, so some 100,000 links or a million routes. */
const DATAGRAMS_MAX = 10_000

const SEQ_MASK = 0xffffffff

/** A frame that ends an exchange, and what it says. */
interface Answers {
  readonly frames: readonly Frame[]
  readonly verdict: AckVerdict
  readonly interrupted: boolean
}

const YES: AckVerdict = { errno: 0, text: '', offset: undefined }

export class Conn {
  readonly #transport: Transport
  readonly #portId: number | undefined
  #seq = 0
  /** For who counts: requests so far, those of them that were dumps, and bytes that came in answers. */
  requests = 0
  dumps = 0
  received = 0

  /** `portId`: the socket's own, where known; answers to another are then passed over. */
  constructor(transport: Transport, { portId }: { portId?: number } = {}) {
    this.#transport = transport
    this.#portId = portId
  }

  /** Changes something. Throws NetlinkError when the kernel says no. */
  change<T>(op: ChangeOp<T>, value: T): void {
    const { verdict } = this.#exchange(op, value)
    if (verdict.errno !== 0) throw new NetlinkError({ op: op.name, ...verdict })
  }

  /** Reads one thing. Throws NetlinkError when there is none: ENODEV for a link, ENETUNREACH for a route. */
  get<T>(op: GetOp<T>, value: T): T {
    const { frames, verdict } = this.#exchange(op, value)
    if (verdict.errno !== 0) throw new NetlinkError({ op: op.name, ...verdict })
    const [frame] = frames
    if (frame === undefined) throw new WireError(`${op.name}: an answer without what was asked for`)
    return decode(op, frame)
  }

  /**
   * Reads all that the filter lets through; what the kernel does not filter, the caller must. `keep` does it on a byte, before
   * they are decoded: for what may be thousands. Of a list that changes under each dump it is what several have between them, so what
   * went in that time may still be there.
   */
  dump<T>(op: DumpOp<T>, filter: T, keep?: Keep): T[] {
    const seen = new Map<string, T>()
    for (let dumps = 1; dumps <= DUMPS_MAX; dumps++) {
      this.dumps++
      const { frames, isWhole } = this.#tryDump(op, filter, keep)
      const values = frames.map(frame => decode(op, frame))
      if (isWhole) return values
      if (op.identity === undefined) continue
      for (const value of values) seen.set(op.identity(value), value)
      if (dumps >= DUMPS_TOGETHER) return [...seen.values()]
    }
    throw new NetlinkError({ op: op.name, errno: ERRNO.EINTR, text: `changed under ${DUMPS_MAX} dumps in a row` })
  }

  /**
   * Makes all of the changes or none, in one datagram between two ends, as nf_tables wants it. Throws BatchError for the first
   * change that the kernel refuses.
   */
  batch(ends: { readonly begin: Part; readonly end: Part }, parts: readonly Part[]): void {
    if (parts.length === 0) return
    const first = this.#seq + 1 // seq of `begin`; the part at index i has the i-th after it
    this.#seq = first + parts.length + 1
    const last = first + parts.length
    const messages = [ends.begin, ...parts, ends.end].map(({ bytes }, i) =>
      bytes({ seq: first + i, acknowledged: first + i === last }),
    )
    syscall(ends.begin.name, () => this.#transport.send(concat(messages)))
    this.#settle({ first, last, begin: ends.begin, parts })
  }

  close(): void {
    this.#transport.close()
  }

  /** The kernel answers in the order of the changes, each that it refuses and the last; what no change is to blame for, it says of `begin`. */
  #settle({ first, last, begin, parts }: { first: number; last: number; begin: Part; parts: readonly Part[] }): void {
    let refused: BatchError | undefined
    for (let datagrams = 0; datagrams < DATAGRAMS_MAX; datagrams++) {
      const datagram = syscall(begin.name, () => this.#transport.receive())
      for (const frame of within(begin.name, () => framesOf(datagram))) {
        const { seq, type } = frame.header
        if (type !== NLMSG.error || seq < first || seq > last || !this.#isAnswer(frame, seq)) continue
        const verdict = within(begin.name, () => errorOf(frame))
        const at = seq - first - 1
        const op = parts[at]?.name ?? begin.name
        if (verdict.errno !== 0) refused ??= new BatchError({ op, ...verdict }, at < 0 ? undefined : at)
        if (seq !== last && seq !== first) continue
        if (refused !== undefined) throw refused
        return
      }
    }
    throw new WireError(`${begin.name}: no end after ${DATAGRAMS_MAX} datagrams`)
  }

  /** Not whole: not of one moment, so that something may be missing. */
  #tryDump<T>(op: DumpOp<T>, filter: T, keep: Keep | undefined): { frames: readonly Frame[]; isWhole: boolean } {
    const { frames, interrupted, verdict } = this.#exchange(op, filter, keep)
    const { errno } = verdict
    if (interrupted || errno === ERRNO.EINTR) return { frames, isWhole: false }
    if (errno === 0) return { frames, isWhole: true }
    if (errno === op.noneIs) return { frames: [], isWhole: true }
    throw new NetlinkError({ op: op.name, ...verdict })
  }

  #exchange<T>(op: ChangeOp<T> | GetOp<T> | DumpOp<T>, value: T, keep?: Keep): Answers {
    this.requests++
    this.#seq = (this.#seq % SEQ_MASK) + 1 // never 0, which is what the kernel puts on events
    const seq = this.#seq
    const bytes = within(op.name, () => request(op, value, seq))
    syscall(op.name, () => this.#transport.send(bytes))
    const frames: Frame[] = []
    for (let datagrams = 0; datagrams < DATAGRAMS_MAX; datagrams++) {
      const datagram = syscall(op.name, () => this.#transport.receive())
      this.received += datagram.length
      for (const frame of within(op.name, () => framesOf(datagram, keep))) {
        if (!this.#isAnswer(frame, seq)) continue
        const verdict = within(op.name, () => verdictOf(op, frame))
        if (isData(frame)) frames.push(frame)
        if (verdict !== undefined) return { frames, verdict, interrupted: [...frames, frame].some(isInterrupted) }
      }
    }
    throw new WireError(`${op.name}: no end after ${DATAGRAMS_MAX} datagrams`)
  }

  #isAnswer({ header }: Frame, seq: number): boolean {
    return header.seq === seq && (this.#portId === undefined || header.pid === this.#portId)
  }
}

const isData = ({ header }: Frame): boolean => header.type > NLMSG.overrun
const isInterrupted = ({ header }: Frame): boolean => (header.flags & NLM_F.dumpInterrupted) !== 0

/** What a frame decides; undefined while more is to come. */
function verdictOf<T>(op: ChangeOp<T> | GetOp<T> | DumpOp<T>, frame: Frame): AckVerdict | undefined {
  switch (frame.header.type) {
    case NLMSG.error:
      return errorOf(frame)
    case NLMSG.done:
      return doneOf(frame)
    case NLMSG.overrun:
      return { errno: ERRNO.ENOBUFS, text: 'answers were lost', offset: undefined }
    case NLMSG.noop:
      return undefined
    default:
      if (op.asks === 'change' || frame.header.type !== op.answer)
        throw new WireError(`message ${frame.header.type} does not answer message ${op.type}`)
      return op.asks === 'get' ? YES : undefined
  }
}

const decode = <T>(op: GetOp<T> | DumpOp<T>, { payload }: Frame): T => within(op.name, () => op.codec.decode(payload))

/** A failed send or receive carries libc's errno, as node:fs does it: `code` ENOBUFS, `errno` -105. */
function syscall<T>(op: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    const errno = errnoOf(thrown)
    if (errno === undefined) throw thrown
    const text = errno === ERRNO.ENOBUFS ? 'answers were lost: the receive buffer is full' : ''
    throw new NetlinkError({ op, errno, text }, { cause: thrown })
  }
}

function errnoOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || thrown instanceof NetlinkError || !('errno' in thrown)) return undefined
  return typeof thrown.errno === 'number' ? Math.abs(thrown.errno) : undefined
}
