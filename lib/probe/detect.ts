// Whether anybody on the link has an address already, and whether its gateway is there: what to send when, and what an answer means. Pure.
import { familyOf, type Family, type Ip } from '../ip/address.js'
import type { Mac } from '../ip/mac.js'
import { ARPOP_REPLY, arpProbe, arpRequest, decodeArp, rivalOf } from './arp.js'
import { ETH_P_ARP, ETH_P_IPV6, ethernet } from './ethernet.js'
import type { ProbeFinding } from './finding.js'
import { FrameError } from './frame.js'
import { decodeNdp, ndpProbe, ndpRivalOf, ndpSolicitation } from './ndp.js'

export { sentenceOf, type ProbeFinding as Finding } from './finding.js'

/** What to find out about one address before it is used. */
export interface ProbeRequest {
  readonly ip: Ip
  /** Does somebody else have it? */
  readonly conflict: boolean
  /** Does this one answer? Of the family of `ip`. */
  readonly gateway?: Ip
  /** MACs that answer for it and are no strangers: a host answers on each of its links for the addresses of all (sysctl arp_ignore 0). */
  readonly ours?: readonly Mac[]
}

interface ProbeTiming {
  readonly frames: number
  /** From one to the next. */
  readonly gapMs: number
  /** After the last one, until silence is an answer. */
  readonly timeoutMs: number
}

/**
 * RFC 5227 §1.1 has three probes over seconds, made for people who plug in a laptop. A pod waits for this: three probes still, over a fraction
 * of one, and the kernel's own detection (RFC 4862 §5.4, RFC 5227 §2.4) goes on afterwards.
 */
export const PROBING: ProbeTiming = { frames: 3, gapMs: 40, timeoutMs: 100 }
/** The first answer ends it, so a gateway that is there costs a round trip. */
export const ASKING: ProbeTiming = { frames: 3, gapMs: 100, timeoutMs: 100 }

/**
 * Who wakes up this much too late is on a machine that is starved, and whoever of it would answer may be as late (a macvlan hands out
 * broadcasts by a kernel thread): its silence proves nothing yet. So it asks once more, each time, and so often at most.
 */
const OVERSLEPT_MS = 25
const AGAIN_MAX = 5

/** One address, on its way through both questions. The gateway comes second: it must not learn our MAC for an address of somebody else's. */
interface Inquiry {
  readonly ask: ProbeRequest
  readonly phase: 'probing' | 'asking' | 'over'
  readonly sent: number
  /** Frames to send: those of the rhythm, and one for each time that we overslept. */
  readonly wanted: number
  /** When the last frame went out, or when the first is due. */
  readonly sinceMs: number
  readonly finding?: ProbeFinding
}

export interface Detection {
  readonly own: Mac
  readonly inquiries: readonly Inquiry[]
}

/** Times are of any monotonic clock, in milliseconds. */
export const begin = ({ own, asks, nowMs }: { own: Mac; asks: readonly ProbeRequest[]; nowMs: number }): Detection => ({
  own,
  inquiries: asks.map(ask => (ask.conflict ? anew(ask, 'probing', nowMs) : toGateway(ask, nowMs))),
})

const anew = (ask: ProbeRequest, phase: Inquiry['phase'], sinceMs: number): Inquiry => ({
  ask,
  phase,
  sent: 0,
  wanted: rhythmOf(phase).frames,
  sinceMs,
})

const toGateway = (ask: ProbeRequest, nowMs: number): Inquiry =>
  anew(ask, ask.gateway === undefined ? 'over' : 'asking', nowMs)

const rhythmOf = (phase: Inquiry['phase']): ProbeTiming => (phase === 'asking' ? ASKING : PROBING)

function dueMs(inquiry: Inquiry): number {
  const { phase, sent, sinceMs } = inquiry
  const { frames, gapMs, timeoutMs } = rhythmOf(phase)
  return sent === 0 ? sinceMs : sinceMs + (sent < frames ? gapMs : timeoutMs)
}

export interface ProbeStep {
  readonly detection: Detection
  /** To be sent now, and then `wentOut` told. */
  readonly frames: readonly Uint8Array[]
}

/** All addresses at the same time, each in its own rhythm. To be called once all that has arrived was heard: silence is then an answer. */
export function advance({ own, inquiries }: Detection, nowMs: number): ProbeStep {
  const moved = inquiries.map(inquiry => move(inquiry, own, nowMs))
  return {
    detection: { own, inquiries: moved.map(({ inquiry }) => inquiry) },
    frames: moved.flatMap(({ frame }) => frame ?? []),
  }
}

/** What was to be sent at `meantMs` went out at `wentMs`: silence is counted from then, however long the process was kept waiting. */
export const markSent = (
  { own, inquiries }: Detection,
  { meantMs, wentMs }: { meantMs: number; wentMs: number },
): Detection => ({
  own,
  inquiries: inquiries.map(one => (one.sinceMs === meantMs && one.sent > 0 ? { ...one, sinceMs: wentMs } : one)),
})

/** To listen until then and come again; `undefined` when all is known. */
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
  const most = rhythmOf(phase).frames + AGAIN_MAX
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

/** What a frame from the link changes; one that is none of our business changes nothing. */
export function receiveFrame(detection: Detection, frame: Uint8Array): Detection {
  const said = sayingOf(frame)
  if (said === undefined) return detection
  const { own, inquiries } = detection
  return { own, inquiries: inquiries.map(inquiry => (inquiry.phase === 'over' ? inquiry : after(inquiry, said, own))) }
}

/** A frame as two questions that can be put to it. */
interface Saying {
  readonly family: Family
  rival(own: Mac, ip: Ip): Mac | undefined
  isAnswerOf(ip: Ip): boolean
}

function after(inquiry: Inquiry, said: Saying, own: Mac): Inquiry {
  const { ask, phase } = inquiry
  if (said.family !== familyOf(ask.ip)) return inquiry
  const mac = ask.conflict ? said.rival(own, ask.ip) : undefined
  if (mac !== undefined && ask.ours?.includes(mac) !== true) return over(inquiry, { kind: 'conflict', ip: ask.ip, mac })
  const isThere = phase === 'asking' && ask.gateway !== undefined && said.isAnswerOf(ask.gateway)
  return isThere ? over(inquiry) : inquiry
}

function sayingOf(frame: Uint8Array): Saying | undefined {
  try {
    const { type, source } = ethernet.decode(frame)
    if (type === ETH_P_ARP) {
      const arp = decodeArp(frame)
      return {
        family: 4,
        rival: (own, ip) => rivalOf(arp, { own, ip }),
        isAnswerOf: ip => arp.operation === ARPOP_REPLY && arp.senderIp === ip,
      }
    }
    if (type !== ETH_P_IPV6) return undefined
    const ndp = decodeNdp(frame)
    return {
      family: 6,
      rival: (own, ip) => ndpRivalOf(ndp, { own, ip, sender: source }),
      isAnswerOf: ip => ndp.kind === 'advertisement' && ndp.target === ip,
    }
  } catch (error) {
    if (error instanceof FrameError) return undefined // anybody may put anything on a link
    throw error
  }
}

export const findingsOf = ({ inquiries }: Detection): readonly ProbeFinding[] =>
  inquiries.flatMap(({ finding }) => finding ?? [])
