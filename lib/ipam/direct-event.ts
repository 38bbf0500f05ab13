// Events on the API server: written once, counted up once a minute at most. Best effort: a call never fails, or waits long, for its event.
import type { Event } from '../crd/types.js'
import type { Kube } from '../kube/client.js'
import { isAlreadyExists, KubeError } from '../kube/errors.js'
import { EVENTS } from '../kube/kinds.js'
import { toldAgain } from './event.js'

export async function tell(kube: Kube, event: Event): Promise<void> {
  try {
    await create(kube, event)
  } catch (error) {
    if (!(error instanceof KubeError)) throw error // forbidden, gone, busy: the CNI error says the same
  }
}

async function create(kube: Kube, event: Event): Promise<void> {
  try {
    await kube.create(EVENTS, event)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const { namespace, name } = event.metadata
    const there = await kube.get<Event>(EVENTS, { ...(namespace !== undefined && { namespace }), name })
    const again = toldAgain(there, event)
    if (again) await kube.replace(EVENTS, again)
  }
}
