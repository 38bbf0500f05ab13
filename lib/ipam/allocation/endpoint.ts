// The SpiderEndpoint: the record per pod of its NICs, addresses and routes. Pure.
import { ANNOTATION_ALLOCATED_IPS, ANNOTATION_CREATED, FINALIZER, SPIDERPOOL_API } from '../../crd/names.js'
import type { EndpointNic, SpiderEndpoint, SpiderIPAddress } from '../../crd/types.js'
import { objectNameOf, type Ip } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import type { Claimant } from './claimant.js'
import { nodeLabel } from './node-name-label.js'
import type { AddressVersion } from '../store/store.js'
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
export function newEndpoint(
  claimant: Claimant,
  nics: readonly EndpointNic[],
  isRetained: boolean,
  created: readonly SpiderIPAddress[] = [],
): SpiderEndpoint {
  const { namespace, name, record, uid, apiUid, owner, at } = claimant
  const annotations = createdAnnotation(uid, created)
  const labels = at ? {} : nodeLabel(claimant.node)
  return {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderEndpoint',
    metadata: {
      name: record,
      namespace,
      finalizers: [FINALIZER],
      ...(annotations && { annotations }),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(!isRetained &&
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

/** UID of the pod, and of each address the UID and resourceVersion of its new object. */
type Created = { readonly pod: string; readonly [address: string]: string | readonly string[] }

function createdAnnotation(
  pod: string,
  created: readonly SpiderIPAddress[],
  before?: Created,
): Readonly<Record<string, string>> | undefined {
  // In a pool shared with Go agents the object says whether status.allocatedIPs has it too.
  const own = created.filter(({ metadata }) => metadata.annotations?.[ANNOTATION_ALLOCATED_IPS] === undefined)
  if (own.length === 0) return undefined
  const all: Record<string, string | readonly string[]> = before?.pod === pod ? { ...before } : { pod }
  for (const { metadata, spec } of own) all[spec.address] = [metadata.uid ?? '', metadata.resourceVersion ?? '']
  return { [ANNOTATION_CREATED]: JSON.stringify(all) }
}

function createdOf({ metadata }: SpiderEndpoint): Created | undefined {
  try {
    const value: unknown = JSON.parse(metadata.annotations?.[ANNOTATION_CREATED] ?? '')
    return typeof value === 'object' && value !== null && 'pod' in value ? (value as Created) : undefined
  } catch {
    return undefined // absent, or not ours
  }
}

/** The record with the address objects that this call created for its pod. */
export function withCreated(endpoint: SpiderEndpoint, created: readonly SpiderIPAddress[]): SpiderEndpoint {
  const { metadata, status } = endpoint
  const added = createdAnnotation(status.current.uid, created, createdOf(endpoint))
  return added
    ? { ...endpoint, metadata: { ...metadata, annotations: { ...metadata.annotations, ...added } } }
    : endpoint
}

/**
 * The address object as it was created for the pod of the record, for a delete without a read: it
 * succeeds only while nothing has changed the object. `undefined` where the record does not say.
 */
export function createdIn(endpoint: SpiderEndpoint, address: string): AddressVersion | undefined {
  const created = createdOf(endpoint)
  const version = created?.pod === endpoint.status.current.uid ? created[address] : undefined
  const ip = parsePrefix(address)?.ip
  if (!Array.isArray(version) || ip === undefined) return undefined
  const [uid, resourceVersion] = version as readonly unknown[]
  if (typeof uid !== 'string' || typeof resourceVersion !== 'string' || uid === '' || resourceVersion === '')
    return undefined
  return { metadata: { name: objectNameOf(ip), uid, resourceVersion } }
}

/** The same as values; what does not parse is left out. */
export const ipsOf = (nic: EndpointNic): readonly Ip[] =>
  addressesOf(nic).flatMap(({ address }) => parsePrefix(address)?.ip ?? [])
