// The Go format of what a pool has given out, `status.allocatedIPs`, both ways: its records as address objects, and the objects as its text. Pure.
import type { SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../../lib/crd/types.js'
import { familyOf, objectNameOf, parseIp } from '../../../../lib/ip/address.js'
import { parsePrefix } from '../../../../lib/ip/cidr.js'
import { allocatedText, entriesIn, recordsIn, type GoRecord } from '../../../../lib/ipam/allocation/go-records.js'
import { addressesOf } from '../../../../lib/ipam/allocation/endpoint.js'
import { addressObject, withHolder } from '../../../../lib/ipam/allocation/claim.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import { poolOf } from '../../../../lib/ipam/allocation/pool.js'

export { recordsIn, type GoRecord } from '../../../../lib/ipam/allocation/go-records.js'

const API_OF: Readonly<Record<string, string>> = {
  Pod: 'v1',
  StatefulSet: 'apps/v1',
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  VirtualMachineInstance: 'kubevirt.io/v1',
}

/** The object that holds the address for the pod of the record. NIC, node and owner stand in the pod's SpiderEndpoint, where there is one. */
export function adopted(record: GoRecord, pool: SpiderIPPool, endpoint: SpiderEndpoint | undefined): SpiderIPAddress {
  const { ip, namespace, pod, uid } = record
  const of = endpoint?.status.current.uid === uid ? endpoint.status : undefined
  const nic = of?.current.ips.find(one => addressesOf(one).some(({ address }) => parsePrefix(address)?.ip === ip))
  const kind = of?.ownerControllerType ?? 'Pod'
  const owner = { apiVersion: API_OF[kind] ?? '', kind, name: of?.ownerControllerName ?? pod }
  const claimant = { namespace, name: pod, uid, record: pod, node: of?.current.node ?? '', containerID: '', owner }
  const object = addressObject({ ip, pool: poolOf(pool, familyOf(ip)), nic: nic?.interface ?? '', claimant })
  return object
}

type Entry = readonly [string, unknown]

const same = (uid: string): string => uid

/** The records of address objects, under the names that Go has for their pods. `apiUidOf`: UID of the pod's object, which Go writes. */
export function entriesOf(
  addresses: readonly SpiderIPAddress[],
  apiUidOf: (uid: string) => string = same,
): readonly Entry[] {
  return addresses.flatMap(({ spec }) => {
    const ip = parsePrefix(spec.address)?.ip
    if (ip === undefined) return []
    const isVm = spec.owner.kind === 'VirtualMachineInstance'
    const pod = `${spec.pod.namespace}/${isVm ? spec.owner.name : spec.pod.name}`
    return [[String(ip), { pod, podUid: apiUidOf(spec.pod.uid) }] as const]
  })
}

/**
 * `status.allocatedIPs` as the Go programs write it: compact, keys in byte order, absent when empty. An address that stands for a virtual
 * machine is under the machine's name.
 */
export const projectionOf = (addresses: readonly SpiderIPAddress[]): string | undefined =>
  allocatedText(entriesOf(addresses))

/** Go allocates nothing from a pool with so many records (SPIDERPOOL_IPPOOL_MAX_ALLOCATED_IPS), so no more need be named. */
const RECORDS_MAX = 5_000

/**
 * What a pool's text must say while a Go system may read it: what is held, and the records in it that are not adopted yet, which stay as
 * they are. A text that is no JSON object stays too: nothing is known of it.
 */
export function unionOf(
  text: string | undefined,
  held: readonly Entry[],
  left: ReadonlySet<string>,
): string | undefined {
  const before = text === undefined ? [] : entriesIn(text)
  if (!before) return text
  const kept = before.filter(([key]) => left.has(key) || left.has(parseIp(key) ?? ''))
  const keptIps = new Set(kept.map(([key]) => parseIp(key) ?? key))
  return allocatedText([...kept, ...held.filter(([key]) => !keptIps.has(key)).slice(0, RECORDS_MAX)])
}

/** What is to be done about the Go records of a pool, whose address objects are known by their names. */
export interface Adoption {
  /** Created one by one; the name decides who has it. */
  readonly create: readonly SpiderIPAddress[]
  /** Objects of an earlier pod of the same name, whose successor has the address by the record: as that one's. */
  readonly renew: readonly SpiderIPAddress[]
  /** Held for another pod by now: `record` was written by a Go program after that, or before. Adopted once that pod is gone. */
  readonly contested: readonly { readonly record: GoRecord; readonly holder: SpiderIPAddress }[]
  readonly unreadable: readonly string[]
  /** Of a name whose object is of another pod of that name, and neither pod is there at the moment. */
  readonly waiting: readonly GoRecord[]
}

export interface AdoptionView {
  /** False: the record is of an address that was ours, and is released. */
  readonly isWanted: (record: GoRecord) => boolean
  readonly addressNamed: (name: string) => SpiderIPAddress | undefined
  readonly endpointOf: (key: string) => SpiderEndpoint | undefined
  /** The UID that a pod goes by here: of a mirror pod not that of its object. */
  readonly identityOf?: (uid: string) => string
  readonly isThere?: (uid: string) => boolean
}

export function adoptionOf(pool: SpiderIPPool, at: AdoptionView): Adoption {
  const text = pool.status?.allocatedIPs
  const { records, unreadable } = text === undefined ? { records: [], unreadable: [] } : recordsIn(text)
  const { identityOf = same, isThere = () => false } = at
  const create: SpiderIPAddress[] = []
  const renew: SpiderIPAddress[] = []
  const contested: { record: GoRecord; holder: SpiderIPAddress }[] = []
  const waiting: GoRecord[] = []
  for (const found of records) {
    const record = { ...found, uid: identityOf(found.uid) }
    const holder = at.addressNamed(objectNameOf(record.ip))
    if (holder?.spec.pod.uid === record.uid) continue
    if (holder && isSuccessor(record, holder)) {
      if (isThere(record.uid)) renew.push(renewed(holder, record))
      else if (!isThere(holder.spec.pod.uid)) waiting.push(found)
    } else if (holder) contested.push({ record: found, holder })
    else if (at.isWanted(found)) create.push(adopted(record, pool, at.endpointOf(`${record.namespace}/${record.pod}`)))
  }
  return { create, renew, contested, unreadable, waiting }
}

/** Two pods of one name are never there at once: the one that is there has the address. */
const isSuccessor = ({ namespace, pod }: GoRecord, { spec }: SpiderIPAddress): boolean =>
  spec.pod.namespace === namespace &&
  (spec.owner.kind === 'VirtualMachineInstance' ? spec.owner.name : spec.pod.name) === pod

function renewed(holder: SpiderIPAddress, { uid }: GoRecord): SpiderIPAddress {
  const { pod, owner, node, nic } = holder.spec
  const claimant: Claimant = { ...pod, uid, record: pod.name, node, containerID: '', owner }
  return withHolder(holder, { claimant, nic })
}

/** Keys of the text that are not adopted yet. */
export const leftOf = ({ create, renew, contested, unreadable, waiting }: Adoption): ReadonlySet<string> =>
  new Set([
    ...[...create, ...renew].flatMap(({ spec }) => parsePrefix(spec.address)?.ip ?? []),
    ...[...contested.map(({ record }) => record), ...waiting].map(({ ip }) => ip),
    ...unreadable,
  ])
