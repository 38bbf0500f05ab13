// Events on the API server: written once, counted up once a minute at most. Best effort: a call never fails, or waits long, for its event.
import type { Event } from '../../crd/types.js'
import type { Kube, OnceOptions } from '../../kube/client.js'
import { isForbidden, isNotFound, KubeError } from '../../kube/errors.js'
import { EVENTS } from '../../kube/kinds.js'
import { repeatEvent } from './event.js'

/** The runtime waits for the CNI error, which says the same. */
const BRIEFLY: OnceOptions = { onceWithinMs: 2_000 }

/**
 * Looks first: an ADD that fails again and again, each in a process of its own, costs one read each, and a write a minute. Of two that write
 * at once the name, or the resourceVersion, lets one in.
 */
export async function recordEvent(kube: Kube, event: Event): Promise<void> {
  try {
    const there = await known(kube, event)
    if (!there) return void (await kube.create(EVENTS, event, BRIEFLY))
    const again = repeatEvent(there, event)
    const { resourceVersion } = there.metadata
    const patch = { metadata: { resourceVersion }, ...again }
    if (again) await kube.patch(EVENTS, refOf(event), patch, 'merge', BRIEFLY)
  } catch (error) {
    if (!(error instanceof KubeError)) throw error // forbidden, gone, busy, told by another: the CNI error says the same
  }
}

/** An account that may write events and not read them, as ours was once, writes each once. */
async function known(kube: Kube, event: Event): Promise<Event | undefined> {
  try {
    return await kube.get<Event>(EVENTS, refOf(event), BRIEFLY)
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return undefined
    throw error
  }
}

const refOf = ({ metadata: { namespace, name } }: Event) => ({ ...(namespace !== undefined && { namespace }), name })
