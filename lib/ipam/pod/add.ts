// One ADD of the IPAM: read the pod, select pools, allocate, write the record. On a Store.
import type { AllocDeps } from '../allocation/allocate.js'
import { Refused } from '../errors.js'
import { requireInjected } from '../pools/annotations.js'
import { unknownAnnotationsIn } from '../pools/annotation-keys.js'
import { addWithRecord } from './add-with-record.js'
import { allocateNics, type Granted } from './allocate-nics.js'
import { readPodContext, UNREAD, withEndpoint, type AddRequest, type PartialPodContext } from './pod-context.js'
import { createFirstEndpoint, RecordExists } from './record.js'
import { undoIncompleteAdd } from './release-address.js'

export type { Granted } from './allocate-nics.js'

/**
 * The record of the NIC, and how to undo the call.
 * @throws Refused, KubeError
 */
export async function add(request: AddRequest, deps: AllocDeps): Promise<Granted> {
  const context = await readPodContext(request, deps.store)
  requireInjected(context.pod)
  const attempt = (): Promise<Granted> =>
    context.endpoint === UNREAD && context.isFresh ? addFirst(context, deps) : addWithRecord(context, deps)
  const keys = unknownAnnotationsIn(context.pod.metadata.annotations)
  const reportTypos = async (): Promise<Granted> =>
    (await import('../pools/annotation-typos.js')).withTypos({ keys, pod: context.pod, store: deps.store }, attempt)
  const granted = await (keys.length === 0 ? attempt() : reportTypos())
  deps.journal.close() // everything noted is in the record
  return granted
}

/**
 * A fresh pod: its record is not read, creating it fails where there is one. Then, and on any
 * refusal, what this call took is released and the record is used as if it had been read first: a
 * restarted sandbox keeps the pod's addresses even where the pool is full (docs/requests.md).
 */
async function addFirst(context: PartialPodContext, deps: AllocDeps): Promise<Granted> {
  const before = { endpoint: undefined, others: [], write: createFirstEndpoint }
  const { store, journal } = deps
  const noted = { ...journal, close: () => undefined } // stays open until the record is known not to exist
  try {
    return await allocateNics({ ...context, endpoint: undefined }, before, { ...deps, journal: noted })
  } catch (error) {
    if (!(error instanceof Refused || error instanceof RecordExists)) throw error
    const exists = error instanceof RecordExists
    const known = await withEndpoint(exists ? { ...context, endpoint: error.record } : context, store)
    if (!known.endpoint && !exists) throw error
    await undoIncompleteAdd(context.request, known.endpoint, { store, journal })
    return addWithRecord(known, deps)
  }
}
