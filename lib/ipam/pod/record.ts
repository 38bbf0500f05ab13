// Writing the SpiderEndpoint: against whoever writes it at the same moment, and back where the call fails later. On a port.
import type { EndpointNic, SpiderEndpoint } from '../../crd/types.js'
import { merged, newEndpoint, withOnly } from '../allocation/endpoint.js'
import type { Claimant } from '../allocation/claim.js'
import type { Store } from '../store/store.js'
import { Refused } from '../errors.js'
import { releaseRecorded } from './release.js'

export interface EndpointWrite {
  readonly claimant: Claimant
  /** The record outlives its pod. */
  readonly isKept: boolean
  /** As it was read; `undefined` where there is none. */
  readonly known: SpiderEndpoint | undefined
  /** The NICs that the pod has besides: those of the record, without what was taken from it in this call. */
  readonly others: readonly EndpointNic[]
  readonly nics: readonly EndpointNic[]
}

/** Other NICs of the pod may be written at the same moment: read again and add ours, a bounded number of times. */
const RECORD_TRIES_MAX = 8

export async function writeEndpoint(writing: EndpointWrite, store: Store): Promise<SpiderEndpoint> {
  const { claimant, isKept, nics } = writing
  const ref = { namespace: claimant.namespace, name: claimant.record }
  let { known, others } = writing
  for (let tries = 0; tries < RECORD_TRIES_MAX; tries++) {
    const all = merged(others, nics)
    const written = known
      ? await store.replaceEndpoint(withOnly(known, claimant, all))
      : await store.createEndpoint(newEndpoint(claimant, all, isKept))
    if (written !== 'conflict') return written
    known = await store.endpoint(ref)
    if (known && known.status.current.uid !== claimant.uid) {
      if (isKept) break // what is inherited must be looked at anew
      await releaseRecorded(known, { store })
      known = undefined
    }
    others = known?.status.current.ips ?? []
  }
  throw new Refused(
    'recordContended',
    `SpiderEndpoint ${ref.namespace}/${ref.name} was written by others at the same moment; try again`,
  )
}

/** There was a record of the pod already: as it was found, or gone again. */
export class RecordExists extends Error {
  readonly record: SpiderEndpoint | undefined
  constructor(record: SpiderEndpoint | undefined, message: string) {
    super(message)
    this.record = record
  }
}

/** The record of a pod that nobody has read one of. Throws `RecordExists` and changes nothing where there is one that says something else. */
export async function createFirstEndpoint(
  { claimant, nics, isKept }: EndpointWrite,
  store: Store,
): Promise<SpiderEndpoint> {
  const written = await store.createEndpoint(newEndpoint(claimant, nics, isKept))
  if (written !== 'conflict') return written
  const there = await store.endpoint({ namespace: claimant.namespace, name: claimant.record })
  const { uid, ips = [] } = there?.status.current ?? {}
  // It may be our own, whose answer was lost.
  const isOurs =
    uid === claimant.uid && ips.length === nics.length && nics.every(nic => ips.some(one => isSame(one, nic)))
  if (there && isOurs) return there
  throw new RecordExists(there, `SpiderEndpoint ${claimant.namespace}/${claimant.record} exists`)
}

const isSame = (a: EndpointNic, b: EndpointNic): boolean =>
  a.interface === b.interface && a.ipv4 === b.ipv4 && a.ipv6 === b.ipv6

/** The record without these NICs; one that then has none goes. */
export async function removeNics(written: SpiderEndpoint, nics: readonly EndpointNic[], store: Store): Promise<void> {
  const { current } = written.status
  const ips = current.ips.filter(one => !nics.some(nic => isSame(nic, one)))
  if (ips.length === 0) await store.deleteEndpoint(written)
  else await store.replaceEndpoint({ ...written, status: { ...written.status, current: { ...current, ips } } })
}
