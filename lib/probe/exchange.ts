// The conversation with a link: sends what detection asks, and hears all that has arrived before it takes silence for an answer. Knows no socket.
import { advance, findingsOf, receiveFrame, untilMs, markSent, type Detection, type Finding } from './detect.js'

export interface FrameExchange {
  send(frame: Uint8Array): void
  /** The next frame of anybody else's, or `undefined` where none came within `ms`. */
  receive(ms: number): Uint8Array | undefined
  /** Monotonic, in milliseconds. */
  nowMs(): number
}

/** More than a socket keeps by default (212,992 bytes, of which the smallest frame takes 768); what still comes was sent too late. */
const QUEUED_MAX = 512

/** To the end. Throws what the line throws. */
export function exchange(begun: Detection, talk: FrameExchange): readonly Finding[] {
  let detection = begun
  for (;;) {
    detection = hearQueued(detection, talk)
    const meantMs = talk.nowMs()
    const { detection: moved, frames } = advance(detection, meantMs)
    for (const frame of frames) talk.send(frame)
    const wentMs = talk.nowMs()
    detection = frames.length === 0 ? moved : markSent(moved, { meantMs, wentMs })
    const until = untilMs(detection)
    if (until === undefined) return findingsOf(detection)
    const frame = talk.receive(until - wentMs)
    if (frame) detection = receiveFrame(detection, frame)
  }
}

/** A process that was kept from running finds the answer behind whatever else the link said. */
function hearQueued(detection: Detection, talk: FrameExchange): Detection {
  let now = detection
  for (let count = 0; count < QUEUED_MAX; count++) {
    const frame = talk.receive(0)
    if (!frame) return now
    now = receiveFrame(now, frame)
  }
  return now
}
