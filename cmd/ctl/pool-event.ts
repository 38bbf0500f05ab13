// Events about a pool, where `who` finds what happened to an address of it.
import { SPIDERPOOL_API } from '../../lib/crd/names.js'
import type { Event } from '../../lib/crd/types.js'
import { eventOf } from '../../lib/ipam/store/event.js'

export interface PoolEventSpec {
  readonly pool: string
  readonly reason: 'AddressReleased' | 'QuarantineLifted'
  /** The address. */
  readonly about: string
  readonly message: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** The Event; of a cluster-wide object it is in namespace default. */
export function poolEvent({ pool, ...spec }: PoolEventSpec): Event {
  const event = eventOf({ ...spec, pod: { namespace: 'default', name: pool, uid: `pool/${pool}` }, node: '' })
  return { ...event, type: 'Normal', involvedObject: { apiVersion: SPIDERPOOL_API, kind: 'SpiderIPPool', name: pool } }
}
