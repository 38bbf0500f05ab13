// The Go format of allocated addresses, `status.allocatedIPs`: its records as SpiderIPAddresses,
// and those as its text.
import type { SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../../lib/crd/types.js'
import { familyOf, objectNameOf, parseIp } from '../../../../lib/ip/address.js'
import { parsePrefix } from '../../../../lib/ip/cidr.js'
import { allocatedText, entriesIn, recordsIn, type GoRecord } from '../../../../lib/ipam/allocation/go-records.js'
import { addressesOf } from '../../../../lib/ipam/allocation/endpoint.js'
import { addressObject, withHolder } from '../../../../lib/ipam/allocation/address-object.js'
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

/**
 * The SpiderIPAddress for a record of the Go format. Interface, node and owner come from the pod's
 * SpiderEndpoint, where there is one.
 */
export function adoptedAddress(
  record: GoRecord,
  pool: SpiderIPPool,
  endpoint: SpiderEndpoint | undefined,
): SpiderIPAddress {
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

/**
 * The records of SpiderIPAddresses, under Go's names of their pods. `apiUidOf` maps to the UID of
 * the API object, which Go writes.
 */
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
 * `status.allocatedIPs` as the Go programs write it: compact, keys in byte order, absent when
 * empty; an address of a virtual machine is under the machine's name.
 */
export const projectionOf = (addresses: readonly SpiderIPAddress[]): string | undefined =>
  allocatedText(entriesOf(addresses))

/**
 * The Go agent allocates nothing from a pool with this many records
 * (SPIDERPOOL_IPPOOL_MAX_ALLOCATED_IPS), so no more are written.
 */
const RECORDS_MAX = 5_000

/**
 * The text of a pool while a Go system may read it: what is held, and the records that are not
 * adopted yet, unchanged. A text that is no JSON object is kept as it is.
 */
export function mergedText(
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

/** What has to be done about the Go records of a pool. */
export interface Adoption {
  /** Objects to create; their unique name decides conflicts. */
  readonly create: readonly SpiderIPAddress[]
  /**
   * Objects of an earlier pod whose successor of the same name has the address by the record;
   * rewritten for the successor.
   */
  readonly renew: readonly SpiderIPAddress[]
  /** Records whose address another pod holds; adopted once that pod is gone. */
  readonly contested: readonly { readonly record: GoRecord; readonly holder: SpiderIPAddress }[]
  readonly unreadable: readonly string[]
  /** Records of a pod name whose object is of another UID, while neither pod exists. */
  readonly waiting: readonly GoRecord[]
}

export interface AdoptionView {
  /** False for a record whose address was held here and has been released. */
  readonly isWanted: (record: GoRecord) => boolean
  readonly addressNamed: (name: string) => SpiderIPAddress | undefined
  readonly endpointOf: (key: string) => SpiderEndpoint | undefined
  /** The UID that identifies the pod here; of a mirror pod the static pod's. */
  readonly identityOf?: (uid: string) => string
  readonly isThere?: (uid: string) => boolean
}

/** The plan for the records in a pool's status.allocatedIPs. */
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
    else if (at.isWanted(found))
      create.push(adoptedAddress(record, pool, at.endpointOf(`${record.namespace}/${record.pod}`)))
  }
  return { create, renew, contested, unreadable, waiting }
}

/** Two pods of one name never exist at once, so the existing one has the address. */
const isSuccessor = ({ namespace, pod }: GoRecord, { spec }: SpiderIPAddress): boolean =>
  spec.pod.namespace === namespace &&
  (spec.owner.kind === 'VirtualMachineInstance' ? spec.owner.name : spec.pod.name) === pod

function renewed(holder: SpiderIPAddress, { uid }: GoRecord): SpiderIPAddress {
  const { pod, owner, node, nic } = holder.spec
  const claimant: Claimant = { ...pod, uid, record: pod.name, node, containerID: '', owner }
  return withHolder(holder, { claimant, nic })
}

/** Keys of the text that are not adopted yet. */
export const pendingKeys = ({ create, renew, contested, unreadable, waiting }: Adoption): ReadonlySet<string> =>
  new Set([
    ...[...create, ...renew].flatMap(({ spec }) => parsePrefix(spec.address)?.ip ?? []),
    ...[...contested.map(({ record }) => record), ...waiting].map(({ ip }) => ip),
    ...unreadable,
  ])
