// The Go format of what a pool has given out, `status.allocatedIPs`, both ways: its records as address objects, and the objects as its text. Pure.
import type { SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../lib/crd/types.js'
import { familyOf, objectNameOf, parseIp, type Ip } from '../../../lib/ip/address.js'
import { parsePrefix } from '../../../lib/ip/cidr.js'
import { addressesOf } from '../../../lib/ipam/endpoint.js'
import { addressObject } from '../../../lib/ipam/identity.js'
import { poolOf } from '../../../lib/ipam/pool.js'

/** One entry: `"172.18.41.40": {"pod": "default/app-x", "podUid": "…"}`. */
export interface GoRecord {
  readonly ip: Ip
  readonly namespace: string
  readonly pod: string
  readonly uid: string
}

export type Parsed = { readonly records: readonly GoRecord[]; readonly unreadable: readonly string[] }

/** What is no record is told by its key, and stays in the pool's status: nobody can say whose it is. Throws nothing. */
export function recordsIn(allocatedIPs: string): Parsed {
  const entries = entriesIn(allocatedIPs)
  if (!entries) return { records: [], unreadable: ['the whole text'] }
  const records: GoRecord[] = []
  const unreadable: string[] = []
  for (const [key, value] of entries) {
    const record = recordOf(key, value)
    if (record) records.push(record)
    else unreadable.push(key)
  }
  return { records, unreadable }
}

function entriesIn(text: string): readonly (readonly [string, unknown])[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function recordOf(key: string, value: unknown): GoRecord | undefined {
  const ip = parseIp(key)
  if (ip === undefined || typeof value !== 'object' || value === null) return undefined
  const { pod, podUid } = value as { readonly pod?: unknown; readonly podUid?: unknown }
  if (typeof pod !== 'string' || typeof podUid !== 'string' || podUid === '') return undefined
  const [namespace = '', name = '', ...more] = pod.split('/')
  return namespace === '' || name === '' || more.length > 0 ? undefined : { ip, namespace, pod: name, uid: podUid }
}

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

/**
 * `status.allocatedIPs` as the Go programs write it: compact, keys in byte order, absent when empty. An address that stands for a virtual
 * machine is under the machine's name.
 */
export function projectionOf(addresses: readonly SpiderIPAddress[]): string | undefined {
  const entries = addresses.flatMap(({ spec }) => {
    const ip = parsePrefix(spec.address)?.ip
    if (ip === undefined) return []
    const isVm = spec.owner.kind === 'VirtualMachineInstance'
    const pod = `${spec.pod.namespace}/${isVm ? spec.owner.name : spec.pod.name}`
    return [[String(ip), { pod, podUid: spec.pod.uid }] as const]
  })
  if (entries.length === 0) return undefined
  const inOrder = entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${inOrder.map(([ip, record]) => `${JSON.stringify(ip)}:${JSON.stringify(record)}`).join(',')}}`
}

/** What is to be done about the Go records of a pool, whose address objects are known by their names. */
export interface Adoption {
  /** Created one by one; the name decides who has it. */
  readonly create: readonly SpiderIPAddress[]
  /** Held for another pod by now: `record` was written by a Go program after that, or before. */
  readonly contested: readonly { readonly record: GoRecord; readonly holder: SpiderIPAddress }[]
  readonly unreadable: readonly string[]
}

export function adoptionOf(
  pool: SpiderIPPool,
  at: {
    readonly isWanted: (record: GoRecord) => boolean
    readonly addressNamed: (name: string) => SpiderIPAddress | undefined
    readonly endpointOf: (key: string) => SpiderEndpoint | undefined
  },
): Adoption {
  const text = pool.status?.allocatedIPs
  const { records, unreadable } = text === undefined ? { records: [], unreadable: [] } : recordsIn(text)
  const create: SpiderIPAddress[] = []
  const contested: { record: GoRecord; holder: SpiderIPAddress }[] = []
  for (const record of records.filter(at.isWanted)) {
    const holder = at.addressNamed(objectNameOf(record.ip))
    if (!holder) create.push(adopted(record, pool, at.endpointOf(`${record.namespace}/${record.pod}`)))
    else if (holder.spec.pod.uid !== record.uid) contested.push({ record, holder })
  }
  return { create, contested, unreadable }
}
