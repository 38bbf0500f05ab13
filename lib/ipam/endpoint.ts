// The SpiderEndpoint: the record per pod of its NICs, addresses and routes. Pure.
import { FINALIZER, SPIDERPOOL_API } from '../crd/names.js'
import type { EndpointNic, Pod, SpiderEndpoint, SpiderIPAddress } from '../crd/types.js'
import type { Claimant } from './identity.js'
import type { Pool } from './pool.js'

export interface Assigned {
  readonly pool: Pool
  readonly object: SpiderIPAddress
}

/** What the record says of one NIC. The default route is not stored: it follows from gateway and cleanGateway. */
export function nicRecord(nic: string, assigned: readonly Assigned[], cleanGateway: boolean): EndpointNic {
  const of = (family: number) => assigned.find(({ pool }) => pool.family === family)
  const v4 = of(4)
  const v6 = of(6)
  const routes = assigned.flatMap(({ pool }) => pool.routes)
  const hasGateway = assigned.some(({ pool }) => pool.gateway !== undefined)
  return {
    interface: nic,
    ...(v4 && { ipv4: v4.object.spec.address, ipv4Pool: v4.pool.name }),
    ...(v4?.pool.gateway !== undefined && { ipv4Gateway: v4.pool.gateway }),
    ...(v6 && { ipv6: v6.object.spec.address, ipv6Pool: v6.pool.name }),
    ...(v6?.pool.gateway !== undefined && { ipv6Gateway: v6.pool.gateway }),
    vlan: 0,
    ...(hasGateway && { cleanGateway }),
    ...(routes.length > 0 && { routes }),
  }
}

export function newEndpoint(pod: Pod, claimant: Claimant, nic: EndpointNic): SpiderEndpoint {
  return {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderEndpoint',
    metadata: {
      name: claimant.name,
      namespace: claimant.namespace,
      finalizers: [FINALIZER],
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: claimant.uid }],
    },
    status: {
      current: { uid: claimant.uid, node: claimant.node, ips: [nic] },
      ownerControllerType: claimant.owner.kind,
      ownerControllerName: claimant.owner.name,
    },
  }
}

/** The record with this NIC in it, in place of what it said of the NIC before. */
export function withNic(endpoint: SpiderEndpoint, nic: EndpointNic): SpiderEndpoint {
  const { current } = endpoint.status
  const others = current.ips.filter(({ interface: name }) => name !== nic.interface)
  return { ...endpoint, status: { ...endpoint.status, current: { ...current, ips: [...others, nic] } } }
}

export const nicOf = (endpoint: SpiderEndpoint, nic: string): EndpointNic | undefined =>
  endpoint.status.current.ips.find(({ interface: name }) => name === nic)

/** Addresses of one NIC, as the record has them: text with prefix length, and pool. */
export const addressesOf = (nic: EndpointNic): { readonly address: string; readonly pool: string }[] => [
  ...(nic.ipv4 === undefined ? [] : [{ address: nic.ipv4, pool: nic.ipv4Pool ?? '' }]),
  ...(nic.ipv6 === undefined ? [] : [{ address: nic.ipv6, pool: nic.ipv6Pool ?? '' }]),
]
