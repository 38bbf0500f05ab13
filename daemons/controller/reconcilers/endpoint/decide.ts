// How a SpiderEndpoint is repaired: it names what its pod holds, while the pod lives or its
// successor will use the record.
import type { EndpointNic, Pod, SpiderEndpoint, SpiderIPAddress } from '../../../../lib/crd/types.js'
import { FINALIZER } from '../../../../lib/crd/names.js'
import { addressesOf, nicRecord } from '../../../../lib/ipam/allocation/endpoint.js'
import { uidOf } from '../../../../lib/ipam/store/pod.js'
import type { Pool } from '../../../../lib/ipam/allocation/pool.js'
import { isFinished, isInUse } from '../address-gc/decide.js'

export interface EndpointFacts {
  readonly endpoint: SpiderEndpoint | undefined
  readonly pod: Pod | undefined
  /** The SpiderIPAddresses of the record's name, of any UID. */
  readonly addresses: readonly SpiderIPAddress[]
  /** A StatefulSet or a virtual machine will use the record again. */
  readonly isRetained: boolean
  /** Addresses of the pod's interfaces, as Multus reports them. */
  readonly inUse: ReadonlySet<string>
}

export type Repair =
  | { readonly kind: 'none' }
  /** No address is held by it any more. */
  | { readonly kind: 'remove' }
  /** The pod holds and uses these addresses, and its record does not name them. */
  | { readonly kind: 'record'; readonly uid: string; readonly addresses: readonly SpiderIPAddress[] }
  /**
   * The record names this address and no SpiderIPAddress holds it: it could be given to another
   * pod.
   */
  | { readonly kind: 'hold'; readonly nic: EndpointNic; readonly address: string; readonly pool: string }

const NONE: Repair = { kind: 'none' }

/** What is wrong with a record, if anything. */
export function repairOf(facts: EndpointFacts): Repair {
  const { endpoint, pod } = facts
  if (pod && isLive(pod)) return repairForLive(pod, facts)
  if (!endpoint || facts.isRetained) return NONE
  const { uid } = endpoint.status.current
  if (facts.addresses.some(({ spec }) => spec.pod.uid === uid)) return NONE // address GC releases them first
  const isOurs = endpoint.metadata.finalizers?.includes(FINALIZER) === true
  return endpoint.metadata.deletionTimestamp === undefined || isOurs ? { kind: 'remove' } : NONE
}

const isLive = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined && !isFinished(pod)

function repairForLive(pod: Pod, { endpoint, addresses, inUse }: EndpointFacts): Repair {
  const uid = uidOf(pod)
  const isCurrent = endpoint?.status.current.uid === uid
  if (endpoint && !isCurrent) return NONE // an ADD is running: it replaces or inherits the record
  if (endpoint?.metadata.deletionTimestamp !== undefined) return NONE
  const held = addresses.filter(({ spec }) => spec.pod.uid === uid)
  const named = new Set(endpoint?.status.current.ips.flatMap(addressesOf).map(({ address }) => address))
  const missing = held.filter(({ spec }) => !named.has(spec.address))
  if (pod.status?.phase === 'Running' && missing.length > 0) {
    const used = missing.filter(one => isInUse(one, pod, inUse))
    if (used.length > 0) return { kind: 'record', uid, addresses: used }
  }
  return endpoint ? unheldOf(endpoint, addresses) : NONE
}

function unheldOf(endpoint: SpiderEndpoint, addresses: readonly SpiderIPAddress[]): Repair {
  const { uid, ips } = endpoint.status.current
  const held = new Set(addresses.filter(({ spec }) => spec.pod.uid === uid).map(({ spec }) => spec.address))
  for (const nic of ips)
    for (const { address, pool } of addressesOf(nic))
      if (!held.has(address)) return { kind: 'hold', nic, address, pool }
  return NONE
}

/**
 * The interfaces with these addresses added. One that changes is built again from its pools, with
 * gateways and routes, as its ADD would; where a pool is gone, with the address alone.
 */
export function withAddresses(
  nics: readonly EndpointNic[],
  addresses: readonly SpiderIPAddress[],
  poolNamed: (name: string) => Pool | undefined,
): readonly EndpointNic[] {
  const byName = new Map(nics.map(nic => [nic.interface, nic]))
  for (const name of new Set(addresses.map(({ spec }) => spec.nic))) {
    const own = addresses.filter(({ spec }) => spec.nic === name)
    const addressFields = Object.assign({}, ...own.map(fieldsOf)) as Partial<EndpointNic>
    const assigned = own.flatMap(object => {
      const pool = poolNamed(object.spec.pool)
      return pool ? [{ object, pool }] : []
    })
    const before = byName.get(name)
    byName.set(name, { ...before, ...nicRecord(name, assigned, before?.cleanGateway ?? false), ...addressFields })
  }
  return [...byName.values()]
}

const fieldsOf = ({ spec: { ipVersion, address, pool } }: SpiderIPAddress): Partial<EndpointNic> =>
  ipVersion === 4 ? { ipv4: address, ipv4Pool: pool } : { ipv6: address, ipv6Pool: pool }
