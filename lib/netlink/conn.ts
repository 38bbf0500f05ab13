// Requests and their answers over any datagram transport. Sequence numbers; no file descriptor.
import { BatchError, ERRNO, NetlinkError } from './errno.js'
import { doneOf, errorOf, framesOf, NLM_F, NLMSG, request } from './message.js'
import type { ChangeOp, DumpOp, Frame, GetOp, Keep, Part, AckVerdict } from './message.js'
import { concat, within, WireError } from '../bytes.js'

/** Datagrams in both directions. Synchronous: the kernel handles a request within send(2). */
export interface Transport {
  send(bytes: Uint8Array): void
  /** The same on another thread, for a request that the kernel takes long to handle. */
  sendAsync(bytes: Uint8Array): Promise<void>
  /** One datagram, valid until the next receive() of any transport. */
  receive(): Uint8Array
  close(): void
}

/** Attempts for a dump that is interrupted (NLM_F_DUMP_INTR). */
const DUMPS_MAX = 20
/** Interrupted dumps that are merged if entries have an identity: each may have missed one. */
const DUMPS_TOGETHER = 4
/** Datagrams of one answer: 32 KiB each, so some 100,000 links or a million routes. */
const DATAGRAMS_MAX = 10_000

const SEQ_MASK = 0xffffffff

/** The frames of an answer, and the verdict of the one that ends it. */
interface Answers {
  readonly frames: readonly Frame[]
  readonly verdict: AckVerdict
  readonly interrupted: boolean
}

const SUCCESS: AckVerdict = { errno: 0, text: '', offset: undefined }

export class Conn {
  readonly #transport: Transport
  readonly #portId: number | undefined
  #seq = 0
  /** Statistics: requests, dumps among them, and bytes received. */
  requests = 0
  dumps = 0
  received = 0

  /** `portId`: the socket's own, if known; answers to another port are skipped. */
  constructor(transport: Transport, { portId }: { portId?: number } = {}) {
    this.#transport = transport
    this.#portId = portId
  }

  /** A change. Throws NetlinkError if the kernel rejects it. */
  change<T>(op: ChangeOp<T>, value: T): void {
    const { verdict } = this.#exchange(op, value)
    if (verdict.errno !== 0) throw new NetlinkError({ op: op.name, ...verdict })
  }

  /**
   * change() while this thread does other work. Until it settles nothing else may use the
   * connection. Rejects with NetlinkError if the kernel rejects the change.
   */
  async changeAsync<T>(op: ChangeOp<T>, value: T): Promise<void> {
    const { seq, bytes } = this.#request(op, value)
    await this.#transport.sendAsync(bytes).catch((thrown: unknown) => {
      throw netlinkError(op.name, thrown)
    })
    const { verdict } = this.#answers(op, seq)
    if (verdict.errno !== 0) throw new NetlinkError({ op: op.name, ...verdict })
  }

  /**
   * Reads one object. Throws NetlinkError if there is none: ENODEV for a link, ENETUNREACH for a
   * route.
   */
  get<T>(op: GetOp<T>, value: T): T {
    const { frames, verdict } = this.#exchange(op, value)
    if (verdict.errno !== 0) throw new NetlinkError({ op: op.name, ...verdict })
    const [frame] = frames
    if (frame === undefined) throw new WireError(`${op.name}: an answer without what was asked for`)
    return decode(op, frame)
  }

  /**
   * Reads all objects that match the filter; the caller must filter again, since older kernels do
   * not. `keep` filters on a byte before decoding, for thousands of objects. A dump that keeps
   * being interrupted is merged from several, so that it may include objects deleted meanwhile.
   * @throws NetlinkError, WireError
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
    throw neverWhole(op.name)
  }

  /**
   * Whether an object that matches the filter is one; decodes no more than that needs. In an
   * interrupted dump one that is found counts.
   * @throws NetlinkError, WireError
   */
  has<T>(op: DumpOp<T>, filter: T, isOne: (value: T) => boolean): boolean {
    for (let dumps = 1; dumps <= DUMPS_MAX; dumps++) {
      this.dumps++
      const { frames, isWhole } = this.#tryDump(op, filter, undefined)
      if (frames.some(frame => isOne(decode(op, frame)))) return true
      if (isWhole) return false
    }
    throw neverWhole(op.name)
  }

  /**
   * Applies all changes or none, in one datagram between a begin and an end message (nfnetlink).
   * @throws BatchError for the first change that the kernel rejects
   */
  batch(ends: { readonly begin: Part; readonly end: Part }, parts: readonly Part[]): void {
    if (parts.length === 0) return
    const first = this.#seq + 1 // seq of `begin`; part i has first + 1 + i
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

  /**
   * The kernel acknowledges rejected changes and the last one, in order; other errors refer to
   * `begin`.
   */
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

  /** `isWhole` is false for an interrupted dump, which may have missed something. */
  #tryDump<T>(op: DumpOp<T>, filter: T, keep: Keep | undefined): { frames: readonly Frame[]; isWhole: boolean } {
    const { frames, interrupted, verdict } = this.#exchange(op, filter, keep)
    const { errno } = verdict
    if (interrupted || errno === ERRNO.EINTR) return { frames, isWhole: false }
    if (errno === 0) return { frames, isWhole: true }
    if (errno === op.noneIs) return { frames: [], isWhole: true }
    throw new NetlinkError({ op: op.name, ...verdict })
  }

  #exchange<T>(op: ChangeOp<T> | GetOp<T> | DumpOp<T>, value: T, keep?: Keep): Answers {
    const { seq, bytes } = this.#request(op, value)
    syscall(op.name, () => this.#transport.send(bytes))
    return this.#answers(op, seq, keep)
  }

  #request<T>(op: ChangeOp<T> | GetOp<T> | DumpOp<T>, value: T): { seq: number; bytes: Uint8Array } {
    this.requests++
    this.#seq = (this.#seq % SEQ_MASK) + 1 // never 0, which notifications have
    const seq = this.#seq
    return { seq, bytes: within(op.name, () => request(op, value, seq)) }
  }

  #answers<T>(op: ChangeOp<T> | GetOp<T> | DumpOp<T>, seq: number, keep?: Keep): Answers {
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

const neverWhole = (op: string): NetlinkError =>
  new NetlinkError({ op, errno: ERRNO.EINTR, text: `changed under ${DUMPS_MAX} dumps in a row` })

const isData = ({ header }: Frame): boolean => header.type > NLMSG.overrun
const isInterrupted = ({ header }: Frame): boolean => (header.flags & NLM_F.dumpInterrupted) !== 0

/** The verdict of a frame; undefined if more frames follow. */
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
      return op.asks === 'get' ? SUCCESS : undefined
  }
}

const decode = <T>(op: GetOp<T> | DumpOp<T>, { payload }: Frame): T => within(op.name, () => op.codec.decode(payload))

function syscall<T>(op: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    throw netlinkError(op, thrown)
  }
}

/** A failed send or receive of node:fs (`errno` -105) as a NetlinkError; others as they are. */
function netlinkError(op: string, thrown: unknown): unknown {
  const errno = errnoOf(thrown)
  if (errno === undefined) return thrown
  const text = errno === ERRNO.ENOBUFS ? 'answers were lost: the receive buffer is full' : ''
  return new NetlinkError({ op, errno, text }, { cause: thrown })
}

function errnoOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || thrown instanceof NetlinkError || !('errno' in thrown)) return undefined
  return typeof thrown.errno === 'number' ? Math.abs(thrown.errno) : undefined
}
