// The send and receive loop of detection. No socket.
import { advance, findingsOf, receiveFrame, untilMs, markSent, type Detection, type Finding } from './detect.js'

export interface FrameExchange {
  send(frame: Uint8Array): void
  /** The next incoming frame; undefined after `ms`. */
  receive(ms: number): Uint8Array | undefined
  /** Monotonic, in milliseconds. */
  nowMs(): number
}

/** More frames than a socket buffers by default (212,992 bytes, at least 768 per frame). */
const QUEUED_MAX = 512

/**
 * Runs a detection to its end.
 * @throws what `channel` throws
 */
export function exchange(begun: Detection, channel: FrameExchange): readonly Finding[] {
  let detection = begun
  for (;;) {
    detection = receiveQueued(detection, channel)
    const meantMs = channel.nowMs()
    const { detection: moved, frames } = advance(detection, meantMs)
    for (const frame of frames) channel.send(frame)
    const wentMs = channel.nowMs()
    detection = frames.length === 0 ? moved : markSent(moved, { meantMs, wentMs })
    const until = untilMs(detection)
    if (until === undefined) return findingsOf(detection)
    const frame = channel.receive(until - wentMs)
    if (frame) detection = receiveFrame(detection, frame)
  }
}

/** How often the queue is looked at where nothing may wait for a frame. */
const LOOK_MS = 5

/**
 * exchange() for a process that does other work meanwhile: it never waits in `receive`.
 * @throws what `channel` throws
 */
export async function exchangeAsync(
  begun: Detection,
  channel: FrameExchange,
  sleep: (ms: number) => Promise<void>,
): Promise<readonly Finding[]> {
  let detection = begun
  for (;;) {
    const queued = receiveQueued(detection, channel)
    const meantMs = channel.nowMs()
    const { detection: moved, frames } = advance(queued, meantMs)
    for (const frame of frames) channel.send(frame)
    const wentMs = channel.nowMs()
    detection = frames.length === 0 ? moved : markSent(moved, { meantMs, wentMs })
    const until = untilMs(detection)
    if (until === undefined) return findingsOf(detection)
    await sleep(Math.max(0, Math.min(LOOK_MS, until - wentMs)))
  }
}

/** Receives all queued frames first: after a late wake-up the reply may be among them. */
function receiveQueued(detection: Detection, channel: FrameExchange): Detection {
  let now = detection
  for (let count = 0; count < QUEUED_MAX; count++) {
    const frame = channel.receive(0)
    if (!frame) return now
    now = receiveFrame(now, frame)
  }
  return now
}
