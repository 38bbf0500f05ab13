// Writing the SpiderEndpoint: against whoever writes it at the same moment, and back where the call fails later. On a port.
import type { EndpointNic, SpiderEndpoint } from '../crd/types.js'
import { merged, newEndpoint, withOnly } from './endpoint.js'
import type { Claimant } from './identity.js'
import type { Port } from './port.js'
import { Refused } from './refusal.js'
import { forget } from './release.js'

export interface Writing {
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

export async function record(writing: Writing, port: Port): Promise<SpiderEndpoint> {
  const { claimant, isKept, nics } = writing
  const ref = { namespace: claimant.namespace, name: claimant.record }
  let { known, others } = writing
  for (let tries = 0; tries < RECORD_TRIES_MAX; tries++) {
    const all = merged(others, nics)
    const written = known
      ? await port.replaceEndpoint(withOnly(known, claimant, all))
      : await port.createEndpoint(newEndpoint(claimant, all, isKept))
    if (written !== 'conflict') return written
    known = await port.endpoint(ref)
    if (known && known.status.current.uid !== claimant.uid) {
      if (isKept) break // what is inherited must be looked at anew
      await forget(known, { port })
      known = undefined
    }
    others = known?.status.current.ips ?? []
  }
  throw new Refused(
    'recordContended',
    `SpiderEndpoint ${ref.namespace}/${ref.name} was written by others at the same moment; try again`,
  )
}

/** The record without these NICs; one that then has none goes. */
export async function unrecord(written: SpiderEndpoint, nics: readonly EndpointNic[], port: Port): Promise<void> {
  const { current } = written.status
  const ips = current.ips.filter(
    one => !nics.some(nic => nic.interface === one.interface && nic.ipv4 === one.ipv4 && nic.ipv6 === one.ipv6),
  )
  if (ips.length === 0) await port.removeEndpoint(written)
  else await port.replaceEndpoint({ ...written, status: { ...written.status, current: { ...current, ips } } })
}
