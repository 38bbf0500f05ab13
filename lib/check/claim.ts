// Objects as an ADD would have written them, for repairs. Pure.
import { FINALIZER } from '../crd/names.js'
import type { EndpointNic, Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../crd/types.js'
import { familyOf, ipOfObjectName, toBigint, type Ip } from '../ip/address.js'
import { includes } from '../ip/range.js'
import { familyOfSpec } from '../crd/addressing.js'
import { addressObject } from '../ipam/allocation/address-object.js'
import type { Claimant } from '../ipam/allocation/claimant.js'
import { newEndpoint, nicRecord, withOnly, type Assigned } from '../ipam/allocation/endpoint.js'
import { poolOf, type Pool } from '../ipam/allocation/pool.js'
import { uidOf } from '../ipam/store/pod.js'
import { machineOf } from '../ipam/store/retention.js'
import type { ControllerRef } from '../ipam/store/store.js'
import { keyOf, type Lookup } from './state.js'

/** The controller of the pod, as far as the pod says it; a Deployment is named by the record. */
function ownerOf(pod: Pod, record: SpiderEndpoint | undefined, held: readonly SpiderIPAddress[]): ControllerRef {
  const known = held.find(({ spec }) => spec.owner.kind !== '')?.spec.owner
  if (known) return known
  const first = pod.metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (!first) return { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name }
  const { ownerControllerType: kind = '', ownerControllerName: name = '' } = record?.status ?? {}
  if (kind === 'Deployment' || kind === 'CronJob')
    return { apiVersion: kind === 'Deployment' ? 'apps/v1' : 'batch/v1', kind, name }
  return { apiVersion: first.apiVersion, kind: first.kind, name: first.name }
}

/** The pod as holder. The container ID is not known: its next CHECK, ADD or DEL writes it. */
export function claimantOf(pod: Pod, at: Lookup): Claimant {
  const { name, namespace = 'default', uid = '' } = pod.metadata
  const id = uidOf(pod)
  const owner = ownerOf(pod, at.recordOf(pod), at.heldBy(id))
  const machine = at.state.features.kubevirt ? machineOf(name) : undefined
  const isOfMachine = machine !== undefined && owner.kind === 'VirtualMachineInstance'
  return {
    ...{ namespace, name, uid: id, record: isOfMachine ? owner.name : name },
    ...{ node: pod.spec?.nodeName ?? '', containerID: '', owner },
    isRetained: at.retention(owner, { namespace, name }) !== 'none',
    ...(id !== uid && { apiUid: uid }),
  }
}

/** The pool parsed; undefined for one whose spec cannot be read. */
export function parsedPool(pool: SpiderIPPool | undefined, ip: Ip): Pool | undefined {
  try {
    return pool && poolOf(pool, familyOf(ip))
  } catch {
    return undefined // a range of its spec does not parse: admission did not see it
  }
}

/** The only pool whose spec.ips has the address. */
export function poolWith(ip: Ip, at: Lookup): SpiderIPPool | undefined {
  const found = at.state.pools.filter(
    pool => familyOfSpec(pool.spec) === familyOf(ip) && includes(at.rangesOf(pool).named, toBigint(ip)),
  )
  return found.length === 1 ? found[0] : undefined
}

/** The SpiderIPAddress by which the pod holds the address; undefined where no pool has it. */
export function objectFor(
  {
    ip,
    nic,
    pod,
    pool,
  }: { readonly ip: Ip; readonly nic: string; readonly pod: Pod; readonly pool?: string | undefined },
  at: Lookup,
): SpiderIPAddress | undefined {
  const from = parsedPool((pool === undefined ? undefined : at.pool(pool)) ?? poolWith(ip, at), ip)
  return from && addressObject({ ip, pool: from, nic, claimant: claimantOf(pod, at) })
}

/** The record of the pod with exactly the addresses that it holds. */
export function recordFor(pod: Pod, known: SpiderEndpoint | undefined, at: Lookup): SpiderEndpoint {
  const claimant = claimantOf(pod, at)
  const nics = nicsOf(at.heldBy(claimant.uid), known, at)
  if (!known) return newEndpoint(claimant, nics, claimant.isRetained === true)
  const { finalizers = [] } = known.metadata
  const kept = finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER]
  const record = withOnly(known, claimant, nics)
  return { ...record, metadata: { ...record.metadata, finalizers: kept } }
}

function nicsOf(
  held: readonly SpiderIPAddress[],
  known: SpiderEndpoint | undefined,
  at: Lookup,
): readonly EndpointNic[] {
  const names = [...new Set(held.map(({ spec }) => spec.nic))].sort()
  return names.map(name => {
    const before = known?.status.current.ips.find(one => one.interface === name)
    const own = held.filter(({ spec }) => spec.nic === name)
    const assigned = own.flatMap((object): readonly Assigned[] => {
      const pool = poolOfHeld(object, at)
      return pool ? [{ pool, object }] : []
    })
    return {
      ...nicRecord(name, assigned, before?.cleanGateway ?? false),
      ...(Object.assign({}, ...own.filter(one => !poolOfHeld(one, at)).map(bareFields)) as Partial<EndpointNic>),
      ...(before?.mac !== undefined && { mac: before.mac }),
    }
  })
}

const poolOfHeld = (object: SpiderIPAddress, at: Lookup): Pool | undefined => {
  const pool = at.pool(object.spec.pool)
  const ip = ipOf(object)
  return ip === undefined ? undefined : parsedPool(pool, ip)
}

/** Of an address whose pool is gone. */
const bareFields = ({ spec: { ipVersion, address, pool } }: SpiderIPAddress): Partial<EndpointNic> =>
  ipVersion === 4 ? { ipv4: address, ipv4Pool: pool } : { ipv6: address, ipv6Pool: pool }

/** The address of an object, by its name. */
export const ipOf = ({ metadata }: SpiderIPAddress): Ip | undefined => ipOfObjectName(metadata.name)

/** namespace/name of the pod that an object names as holder. */
export const holderKey = ({ spec: { pod } }: SpiderIPAddress): string => keyOf(pod)
