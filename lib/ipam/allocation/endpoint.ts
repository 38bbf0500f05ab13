// The SpiderEndpoint: the record per pod of its NICs, addresses and routes. Pure.
import { FINALIZER, SPIDERPOOL_API } from '../../crd/names.js'
import type { EndpointNic, SpiderEndpoint, SpiderIPAddress } from '../../crd/types.js'
import type { Ip } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import type { Claimant } from './claimant.js'
import { nodeLabel } from './node-label.js'
import type { Pool } from './pool.js'

export interface Assigned {
  readonly pool: Pool
  readonly object: SpiderIPAddress
}

/** The record of one NIC. The default route is not stored: gateway and cleanGateway imply it. */
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

/**
 * A new record. Its pod owns it, so that it is deleted with the pod, except where the record is
 * retained, where there is no pod (container), and for a mirror pod, whose object is recreated
 * while the pod runs: the controller removes that record.
 */
export function newEndpoint(claimant: Claimant, nics: readonly EndpointNic[], isKept: boolean): SpiderEndpoint {
  const { namespace, name, record, uid, apiUid, owner, at } = claimant
  const labels = at ? {} : nodeLabel(claimant.node)
  return {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderEndpoint',
    metadata: {
      name: record,
      namespace,
      finalizers: [FINALIZER],
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(!isKept &&
        !at &&
        apiUid === undefined && { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }] }),
    },
    status: {
      current: currentOf(claimant, nics),
      ownerControllerType: owner.kind,
      ownerControllerName: owner.name,
    },
  }
}

const currentOf = ({ uid, node }: Claimant, ips: readonly EndpointNic[]) => ({ uid, node, ips })

/** The record with this pod as holder and exactly these NICs. */
export const withOnly = (
  endpoint: SpiderEndpoint,
  claimant: Claimant,
  nics: readonly EndpointNic[],
): SpiderEndpoint => ({
  ...endpoint,
  ...(!claimant.at && {
    metadata: { ...endpoint.metadata, labels: { ...endpoint.metadata.labels, ...nodeLabel(claimant.node) } },
  }),
  status: { ...endpoint.status, current: currentOf(claimant, nics) },
})

/** The same record with exactly these NICs. */
export const withNics = (endpoint: SpiderEndpoint, ips: readonly EndpointNic[]): SpiderEndpoint => ({
  ...endpoint,
  status: { ...endpoint.status, current: { ...endpoint.status.current, ips } },
})

/** The NICs of a record with these merged by name; new ones are appended. */
export function merged(recorded: readonly EndpointNic[], nics: readonly EndpointNic[]): readonly EndpointNic[] {
  const added = nics.filter(nic => nic.interface === '' || !recorded.some(one => one.interface === nic.interface))
  return [
    ...recorded.map(one => nics.find(nic => nic.interface !== '' && nic.interface === one.interface) ?? one),
    ...added,
  ]
}

/** The NIC of this name in a record. */
export const nicOf = (endpoint: SpiderEndpoint, nic: string): EndpointNic | undefined =>
  endpoint.status.current.ips.find(({ interface: name }) => name === nic)

/** Addresses of one NIC in the record: with prefix length, and pool. */
export const addressesOf = (nic: EndpointNic): { readonly address: string; readonly pool: string }[] => [
  ...(nic.ipv4 === undefined ? [] : [{ address: nic.ipv4, pool: nic.ipv4Pool ?? '' }]),
  ...(nic.ipv6 === undefined ? [] : [{ address: nic.ipv6, pool: nic.ipv6Pool ?? '' }]),
]

/** The same as values; what does not parse is left out. */
export const ipsOf = (nic: EndpointNic): readonly Ip[] =>
  addressesOf(nic).flatMap(({ address }) => parsePrefix(address)?.ip ?? [])
