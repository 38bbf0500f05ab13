// Writes Events: created once, then counted up at most once a minute. Never fails a call.
import type { Event } from '../../crd/types.js'
import type { Kube, OnceOptions } from '../../kube/client.js'
import { isForbidden, isNotFound, KubeError } from '../../kube/errors.js'
import { EVENTS } from '../../kube/kinds.js'
import { repeatEvent } from './event.js'

/** Short, since the runtime waits for the CNI error, which has the same message. */
const BRIEFLY: OnceOptions = { onceWithinMs: 2_000 }

/**
 * Reads first: an ADD that keeps failing, each time in a new process, costs one read each and one
 * write a minute. On conflict the name or the resourceVersion decides between two writers.
 */
export async function recordEvent(kube: Kube, event: Event): Promise<void> {
  try {
    const stored = await existing(kube, event)
    if (!stored) return void (await kube.create(EVENTS, event, BRIEFLY))
    const update = repeatEvent(stored, event)
    const { resourceVersion } = stored.metadata
    const patch = { metadata: { resourceVersion }, ...update }
    if (update) await kube.patch(EVENTS, refOf(event), patch, 'merge', BRIEFLY)
  } catch (error) {
    if (!(error instanceof KubeError)) throw error // forbidden, not found, busy, conflict: the CNI error has the message too
  }
}

/** Without the right to read events, as in older installations, each is only created. */
async function existing(kube: Kube, event: Event): Promise<Event | undefined> {
  try {
    return await kube.get<Event>(EVENTS, refOf(event), BRIEFLY)
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return undefined
    throw error
  }
}

const refOf = ({ metadata: { namespace, name } }: Event) => ({ ...(namespace !== undefined && { namespace }), name })
