// Reads and writes the SpiderEndpoint of a pod, on conflict with retries. On a Store.
import type { EndpointNic, SpiderEndpoint, SpiderIPAddress } from '../../crd/types.js'
import { merged, newEndpoint, withCreated, withOnly } from '../allocation/endpoint.js'
import type { Claimant } from '../allocation/claimant.js'
import { machineOf, type Features } from '../store/retention.js'
import type { ObjectRef, Store } from '../store/store.js'
import { Refused } from '../errors.js'
import { releaseRecorded } from './release-address.js'

/** Reads the record of the pod, or of the virtual machine that its launcher's name contains. */
export async function readRecord(
  { pod, features }: { readonly pod: ObjectRef; readonly features: Features },
  store: Store,
): Promise<SpiderEndpoint | undefined> {
  const machine = machineOf(pod.name)
  if (features.kubevirt && machine !== undefined) {
    const endpoint = await store.endpoint({ ...pod, name: machine })
    if (endpoint) return endpoint
  }
  return store.endpoint(pod)
}

export interface EndpointWrite {
  readonly claimant: Claimant
  /** The record outlives its pod. */
  readonly isRetained: boolean
  /** As read; `undefined` where there is none. */
  readonly known: SpiderEndpoint | undefined
  /** The other NICs of the record, without those of this call. */
  readonly others: readonly EndpointNic[]
  readonly nics: readonly EndpointNic[]
  /** The address objects that this call created. */
  readonly created?: readonly SpiderIPAddress[]
}

/** Other NICs of the pod may be written concurrently: read again and merge, this many times. */
const RECORD_TRIES_MAX = 8

/**
 * Writes the NICs of this call into the record; returns it as written.
 * @throws Refused `recordContended`
 */
export async function writeEndpoint(writing: EndpointWrite, store: Store): Promise<SpiderEndpoint> {
  const { claimant, isRetained, nics, created = [] } = writing
  const ref = { namespace: claimant.namespace, name: claimant.record }
  let { known, others } = writing
  for (let tries = 0; tries < RECORD_TRIES_MAX; tries++) {
    const all = merged(others, nics)
    const written = known
      ? await store.replaceEndpoint(withCreated(withOnly(known, claimant, all), created))
      : await store.createEndpoint(newEndpoint(claimant, all, isRetained, created))
    if (written !== 'conflict') return written
    known = await store.endpoint(ref)
    if (known && known.status.current.uid !== claimant.uid) {
      if (isRetained) break // inherited addresses must be compared again
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

/** The record exists already: as read, or `undefined` where it was deleted again. */
export class RecordExists extends Error {
  readonly record: SpiderEndpoint | undefined
  constructor(record: SpiderEndpoint | undefined, message: string) {
    super(message)
    this.record = record
  }
}

/**
 * Creates the record of a pod without reading it first.
 * @throws RecordExists where there is a different one; nothing is changed then
 */
export async function createFirstEndpoint(
  { claimant, nics, isRetained, created }: EndpointWrite,
  store: Store,
): Promise<SpiderEndpoint> {
  const written = await store.createEndpoint(newEndpoint(claimant, nics, isRetained, created))
  if (written !== 'conflict') return written
  const existing = await store.endpoint({ namespace: claimant.namespace, name: claimant.record })
  const { uid, ips = [] } = existing?.status.current ?? {}
  // It may be ours, created without a response.
  const isOurs =
    uid === claimant.uid && ips.length === nics.length && nics.every(nic => ips.some(one => isSame(one, nic)))
  if (existing && isOurs) return existing
  throw new RecordExists(existing, `SpiderEndpoint ${claimant.namespace}/${claimant.record} exists`)
}

const isSame = (a: EndpointNic, b: EndpointNic): boolean =>
  a.interface === b.interface && a.ipv4 === b.ipv4 && a.ipv6 === b.ipv6

/** Removes these NICs from the record; a record without NICs is deleted. */
export async function removeNics(written: SpiderEndpoint, nics: readonly EndpointNic[], store: Store): Promise<void> {
  const { current } = written.status
  const ips = current.ips.filter(one => !nics.some(nic => isSame(nic, one)))
  if (ips.length === 0) await store.deleteEndpoint(written)
  else await store.replaceEndpoint({ ...written, status: { ...written.status, current: { ...current, ips } } })
}
