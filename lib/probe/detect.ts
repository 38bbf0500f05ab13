// Address conflict and gateway detection as a state machine: frames to send, timing, answers. Pure.
import { familyOf, type Family, type Ip } from '../ip/address.js'
import type { Mac } from '../ip/mac.js'
import { ARPOP_REPLY, arpProbe, arpRequest, decodeArp, arpConflictOf } from './arp.js'
import { ETH_P_ARP, ETH_P_IPV6, ethernet } from './ethernet.js'
import type { ProbeFinding } from './finding.js'
import { WireError } from '../bytes.js'
import { decodeNdp, ndpProbe, ndpConflictOf, ndpSolicitation } from './ndp.js'

export { sentenceOf, type ProbeFinding as Finding } from './finding.js'

/** What to probe for one address. */
export interface ProbeRequest {
  readonly ip: Ip
  /** Probe for another host that has it. */
  readonly conflict: boolean
  /** Probe whether this gateway answers; of the family of `ip`. */
  readonly gateway?: Ip
  /**
   * Our own MACs: a host answers on each link for the addresses of all its links (arp_ignore 0).
   */
  readonly ours?: readonly Mac[]
}

interface ProbeTiming {
  readonly frames: number
  /** Between two frames. */
  readonly gapMs: number
  /** After the last frame. */
  readonly timeoutMs: number
}

/**
 * RFC 5227 §1.1 has three probes over seconds. Here three within a fraction of a second, since the
 * pod waits; the kernel's own detection (RFC 4862 §5.4) continues afterwards.
 */
export const PROBING: ProbeTiming = { frames: 3, gapMs: 40, timeoutMs: 100 }
/** The first answer ends it: a present gateway costs one round trip. */
export const ASKING: ProbeTiming = { frames: 3, gapMs: 100, timeoutMs: 100 }

/**
 * On an overloaded host a missing reply is not conclusive: a process that wakes up this much too
 * late sends one more probe, at most AGAIN_MAX. (A macvlan delivers broadcasts from a kernel
 * thread.)
 */
const OVERSLEPT_MS = 25
const AGAIN_MAX = 5

/**
 * The probes of one address. The gateway comes second, so that it does not learn our MAC for an
 * address in conflict.
 */
interface Inquiry {
  readonly ask: ProbeRequest
  readonly phase: 'probing' | 'asking' | 'over'
  readonly sent: number
  /** Frames to send: those of the timing, and one for each late wake-up. */
  readonly wanted: number
  /** When the last frame was sent, or when the first is due. */
  readonly sinceMs: number
  readonly finding?: ProbeFinding
}

export interface Detection {
  readonly own: Mac
  readonly inquiries: readonly Inquiry[]
}

/** The initial state; times are of any monotonic clock, in milliseconds. */
export const begin = ({ own, asks, nowMs }: { own: Mac; asks: readonly ProbeRequest[]; nowMs: number }): Detection => ({
  own,
  inquiries: asks.map(ask => (ask.conflict ? inPhase(ask, 'probing', nowMs) : toGateway(ask, nowMs))),
})

const inPhase = (ask: ProbeRequest, phase: Inquiry['phase'], sinceMs: number): Inquiry => ({
  ask,
  phase,
  sent: 0,
  wanted: timingOf(phase).frames,
  sinceMs,
})

const toGateway = (ask: ProbeRequest, nowMs: number): Inquiry =>
  inPhase(ask, ask.gateway === undefined ? 'over' : 'asking', nowMs)

const timingOf = (phase: Inquiry['phase']): ProbeTiming => (phase === 'asking' ? ASKING : PROBING)

function dueMs(inquiry: Inquiry): number {
  const { phase, sent, sinceMs } = inquiry
  const { frames, gapMs, timeoutMs } = timingOf(phase)
  return sent === 0 ? sinceMs : sinceMs + (sent < frames ? gapMs : timeoutMs)
}

export interface ProbeStep {
  readonly detection: Detection
  /** To send now; then call markSent(). */
  readonly frames: readonly Uint8Array[]
}

/** Advances all addresses to `nowMs`. Call it after receiveFrame() of all queued frames. */
export function advance({ own, inquiries }: Detection, nowMs: number): ProbeStep {
  const moved = inquiries.map(inquiry => move(inquiry, own, nowMs))
  return {
    detection: { own, inquiries: moved.map(({ inquiry }) => inquiry) },
    frames: moved.flatMap(({ frame }) => frame ?? []),
  }
}

/** Frames planned for `meantMs` were sent at `wentMs`: timeouts count from then. */
export const markSent = (
  { own, inquiries }: Detection,
  { meantMs, wentMs }: { meantMs: number; wentMs: number },
): Detection => ({
  own,
  inquiries: inquiries.map(one => (one.sinceMs === meantMs && one.sent > 0 ? { ...one, sinceMs: wentMs } : one)),
})

/** When to call advance() next; undefined: finished. */
export function untilMs({ inquiries }: Detection): number | undefined {
  const open = inquiries.filter(({ phase }) => phase !== 'over')
  return open.length === 0 ? undefined : Math.min(...open.map(dueMs))
}

interface Moved {
  readonly inquiry: Inquiry
  readonly frame?: Uint8Array
}

function move(inquiry: Inquiry, own: Mac, nowMs: number): Moved {
  const { ask, phase, sent } = inquiry
  const lateMs = nowMs - dueMs(inquiry)
  if (phase === 'over' || lateMs < 0) return { inquiry }
  const most = timingOf(phase).frames + AGAIN_MAX
  const wanted = Math.min(most, inquiry.wanted + (sent > 0 && lateMs > OVERSLEPT_MS ? 1 : 0))
  if (sent < wanted)
    return { inquiry: { ...inquiry, wanted, sent: sent + 1, sinceMs: nowMs }, frame: frameOf(inquiry, own) }
  if (phase === 'probing') return move(toGateway(ask, nowMs), own, nowMs)
  return { inquiry: over(inquiry, { kind: 'unreachable', ip: ask.ip, gateway: ask.gateway ?? ask.ip }) }
}

const over = (inquiry: Inquiry, finding?: ProbeFinding): Inquiry => ({
  ...inquiry,
  phase: 'over',
  ...(finding && { finding }),
})

function frameOf({ ask: { ip, gateway = ip }, phase }: Inquiry, from: Mac): Uint8Array {
  const is4 = familyOf(ip) === 4
  if (phase === 'probing') return is4 ? arpProbe({ from, ip }) : ndpProbe({ from, ip })
  return is4 ? arpRequest({ from, source: ip, ip: gateway }) : ndpSolicitation({ from, source: ip, ip: gateway })
}

/** Applies a received frame; other frames than ARP and NDP change nothing. */
export function receiveFrame(detection: Detection, frame: Uint8Array): Detection {
  const received = decode(frame)
  if (received === undefined) return detection
  const { own, inquiries } = detection
  return {
    own,
    inquiries: inquiries.map(inquiry => (inquiry.phase === 'over' ? inquiry : after(inquiry, received, own))),
  }
}

/** A received ARP or NDP message. */
interface Received {
  readonly family: Family
  conflictOf(own: Mac, ip: Ip): Mac | undefined
  isAnswerOf(ip: Ip): boolean
}

function after(inquiry: Inquiry, received: Received, own: Mac): Inquiry {
  const { ask, phase } = inquiry
  if (received.family !== familyOf(ask.ip)) return inquiry
  const mac = ask.conflict ? received.conflictOf(own, ask.ip) : undefined
  if (mac !== undefined && ask.ours?.includes(mac) !== true) return over(inquiry, { kind: 'conflict', ip: ask.ip, mac })
  const isThere = phase === 'asking' && ask.gateway !== undefined && received.isAnswerOf(ask.gateway)
  return isThere ? over(inquiry) : inquiry
}

function decode(frame: Uint8Array): Received | undefined {
  try {
    const { type, source } = ethernet.decode(frame)
    if (type === ETH_P_ARP) {
      const arp = decodeArp(frame)
      return {
        family: 4,
        conflictOf: (own, ip) => arpConflictOf(arp, { own, ip }),
        isAnswerOf: ip => arp.operation === ARPOP_REPLY && arp.senderIp === ip,
      }
    }
    if (type !== ETH_P_IPV6) return undefined
    const ndp = decodeNdp(frame)
    return {
      family: 6,
      conflictOf: (own, ip) => ndpConflictOf(ndp, { own, ip, sender: source }),
      isAnswerOf: ip => ndp.kind === 'advertisement' && ndp.target === ip,
    }
  } catch (error) {
    if (error instanceof WireError) return undefined // malformed frames are ignored
    throw error
  }
}

/** The conflicts and unreachable gateways found so far. */
export const findingsOf = ({ inquiries }: Detection): readonly ProbeFinding[] =>
  inquiries.flatMap(({ finding }) => finding ?? [])
