// Events of a pod that gets no address; their message is that of the CNI error. Pure.
import type { Event } from '../../crd/types.js'
import { hash64 } from '../../hash.js'

export const EVENT_SOURCE = 'spiderpool'
export const NOT_ALLOCATED = 'FailedIPAllocation'
/** Longest message of an Event (core/v1 validation), in characters. */
const MESSAGE_MAX = 1024
const NAME_MAX = 253

export interface PodEventSpec {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string }
  readonly node: string
  readonly reason: string
  readonly message: string
  /** Identifies the event, whatever numbers the message has. */
  readonly about: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * The Event. Its name depends on pod, reason and `about`, so that any process finds a repeated one.
 */
export function eventOf({ pod, node, reason, message, about, now }: PodEventSpec): Event {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')
  const mark = hash64(`${pod.uid}/${reason}/${about}`).toString(16).padStart(16, '0')
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${pod.name.slice(0, NAME_MAX - mark.length - 1)}.${mark}`, namespace: pod.namespace },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: pod.namespace,
      name: pod.name,
      ...(pod.uid !== '' && { uid: pod.uid }),
    },
    type: 'Warning',
    reason,
    message: message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX - 1)}…` : message,
    source: { component: EVENT_SOURCE, ...(node !== '' && { host: node }) },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  }
}

const QUIET_MS = 60_000

/** The update of a repeated event; `undefined` within a minute of the last one: rate-limited. */
export function repeatEvent(stored: Event, now: Event): Pick<Event, 'count' | 'lastTimestamp' | 'message'> | undefined {
  const sinceMs = Date.parse(now.lastTimestamp) - Date.parse(stored.lastTimestamp)
  if (sinceMs < QUIET_MS && sinceMs > -QUIET_MS) return undefined // also after the clock was set back
  return { count: stored.count + 1, lastTimestamp: now.lastTimestamp, message: now.message }
}
