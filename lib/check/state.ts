// What a check compares, and what it finds. Types, and the look-ups over them. Pure.
import type { ObjectMeta, Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../crd/types.js'
import { ANNOTATION_MIRROR, ANNOTATION_MULTUS_STATUS } from '../crd/names.js'
import { effectiveOf, familyOfSpec } from '../crd/addressing.js'
import { readable } from '../crd/ranges.js'
import { familyOf, ipOfObjectName, parseIp, toBigint, type Ip } from '../ip/address.js'
import { includes, type Ranges } from '../ip/range.js'
import { parsePrefix } from '../ip/cidr.js'
import { addressesOf } from '../ipam/allocation/endpoint.js'
import { isAlive, isOfPod } from '../ipam/store/pod.js'
import { statefulSetKeeps, virtualMachineKeeps, type Features } from '../ipam/store/retention.js'
import type { StatefulSet, VirtualMachine } from '../ipam/store/store.js'
import type { Step } from '../plan/step.js'
import type { DifferenceName } from './kinds.js'

export interface NodeObject {
  readonly metadata: ObjectMeta
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] }
}

/** What one node's kernel has of pods. */
export interface NodeKernel {
  readonly node: string
  /** Table of the coordinator plugin. */
  readonly table: number
  /** Global addresses of the network namespaces of the node, by the name of the namespace. */
  readonly namespaces: Readonly<Record<string, readonly Ip[]>>
  readonly routes: readonly { readonly ip: Ip; readonly dev: string; readonly step: Step }[]
  readonly neighs: readonly { readonly ip: Ip; readonly dev: string; readonly step: Step }[]
  /** Rules for the table, where it has no route of their family. */
  readonly rules: readonly { readonly text: string; readonly step: Step }[]
  /** Veths of the coordinator plugin whose peer is in no namespace of the node. */
  readonly veths: readonly { readonly name: string; readonly step?: Step }[]
}

/** What a check compares. A kind that cannot be read is empty and named in `unread`. */
export interface CheckState {
  /** Milliseconds since 1970. */
  readonly now: number
  /** Milliseconds that an ADD may take from its first address to its record. */
  readonly unrecordedMs: number
  readonly features: Features
  readonly pools: readonly SpiderIPPool[]
  readonly reserved: readonly SpiderReservedIP[]
  readonly addresses: readonly SpiderIPAddress[]
  readonly endpoints: readonly SpiderEndpoint[]
  readonly pods: readonly Pod[]
  readonly sets: readonly StatefulSet[]
  readonly instances: readonly VirtualMachine[]
  readonly machines: readonly VirtualMachine[]
  readonly nodes: readonly NodeObject[]
  /** Plurals, such as `pods`. */
  readonly unread: ReadonlySet<string>
  readonly kernel?: NodeKernel
}

export type CheckRepair =
  | { readonly verb: 'createAddress'; readonly object: SpiderIPAddress }
  | { readonly verb: 'replaceAddress'; readonly object: SpiderIPAddress }
  | { readonly verb: 'deleteAddress'; readonly object: SpiderIPAddress }
  | { readonly verb: 'createRecord'; readonly object: SpiderEndpoint }
  | { readonly verb: 'replaceRecord'; readonly object: SpiderEndpoint }
  | { readonly verb: 'deleteRecord'; readonly object: SpiderEndpoint }
  | { readonly verb: 'replacePool'; readonly object: SpiderIPPool }
  | { readonly verb: 'replacePoolStatus'; readonly object: SpiderIPPool }
  | { readonly verb: 'deleteEntry'; readonly pool: string; readonly ip: Ip; readonly uid: string }
  /** Applied on the node, such as removeRoute. */
  | { readonly verb: 'applyStep'; readonly step: Step }

export interface CheckDifference {
  readonly kind: DifferenceName
  /** `spideripaddress/172.18.30.5`, as kubectl names it; `node/n1` for the kernel. */
  readonly object: string
  /** What is, in one sentence. */
  readonly what: string
  /** Names of the objects whose fresh reads decide again before a repair. */
  readonly reads: {
    readonly address?: string
    /** namespace/name of pod and record. */
    readonly pod?: string
    readonly record?: string
    readonly pool?: string
  }
  /** UIDs and resourceVersions of what was compared: two looks at the same objects are equal. */
  readonly seen: string
  readonly repair?: CheckRepair
}

/** namespace/name; `default` for an object of a kind without namespaces. */
export const keyOf = ({
  namespace = 'default',
  name,
}: {
  readonly namespace?: string
  readonly name: string
}): string => `${namespace}/${name}`

/** UID and resourceVersion, for `seen`. */
export const versionOf = (...objects: readonly ({ readonly metadata: ObjectMeta } | undefined)[]): string =>
  objects.map(one => `${one?.metadata.uid ?? ''}@${one?.metadata.resourceVersion ?? ''}`).join(' ')

interface NetworkStatus {
  readonly ips?: unknown
}

/** The addresses that status.podIPs and the annotation of Multus report of a pod. */
export function reportedIps({ metadata, spec, status }: Pod): readonly Ip[] {
  if (spec?.hostNetwork === true) return []
  const found = (status?.podIPs ?? []).flatMap(({ ip }) => parseIp(ip) ?? [])
  return [...new Set([...found, ...multusIps(metadata.annotations?.[ANNOTATION_MULTUS_STATUS])])]
}

function multusIps(text: string | undefined): readonly Ip[] {
  if (text === undefined) return []
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return []
    return (value as readonly (NetworkStatus | null)[]).flatMap(one =>
      Array.isArray(one?.ips)
        ? one.ips.flatMap((ip: unknown) => (typeof ip === 'string' ? (parseIp(ip) ?? []) : []))
        : [],
    )
  } catch {
    return [] // not JSON: another program wrote it
  }
}

/** A pod that uses an address, by its status, Multus' annotation or its record. */
export interface User {
  readonly pod: Pod
  readonly by: 'status' | 'record'
}

export interface Lookup {
  readonly state: CheckState
  pool(name: string): SpiderIPPool | undefined
  /** By the name of the object, which is the lock. */
  address(ip: Ip): SpiderIPAddress | undefined
  pod(key: string): Pod | undefined
  podOfUid(uid: string): Pod | undefined
  record(key: string): SpiderEndpoint | undefined
  /** The record of the pod, or of the virtual machine in it. */
  recordOf(pod: Pod): SpiderEndpoint | undefined
  heldBy(uid: string): readonly SpiderIPAddress[]
  held(poolName: string): readonly SpiderIPAddress[]
  usersOf(ip: Ip): readonly User[]
  /** `kept`: the owner will use the addresses of the pod again. */
  retention(
    owner: { readonly kind: string; readonly name: string },
    pod: { readonly namespace: string; readonly name: string },
  ): Retention
  nodeOf(ip: Ip): string | undefined
  /** spec.ips of a pool, and those without excludeIPs. */
  rangesOf(pool: SpiderIPPool): { readonly named: Ranges; readonly effective: Ranges }
  /** Name of the SpiderReservedIP that has the address. */
  reservedBy(ip: Ip): string | undefined
}

export type Retention = 'none' | 'kept' | 'ended'

function grouped<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>()
  for (const item of items)
    for (const key of keysOf(item)) {
      const own = found.get(key)
      if (own) own.push(item)
      else found.set(key, [item])
    }
  return found
}

const byKey = <T extends { readonly metadata: ObjectMeta }>(items: readonly T[]): ReadonlyMap<string, T> =>
  new Map(items.map(item => [keyOf(item.metadata), item]))

/** True for a pod whose sandbox may exist: it lives or is terminating. */
export const mayUse = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined || isAlive(pod)

function usersIn(state: CheckState, pods: ReadonlyMap<string, Pod>): ReadonlyMap<string, readonly User[]> {
  const users = new Map<string, User[]>()
  const add = (ip: string, user: User): void => {
    const known = users.get(ip) ?? []
    if (!known.some(({ pod }) => pod === user.pod)) users.set(ip, [...known, user])
  }
  for (const pod of state.pods) if (mayUse(pod)) for (const ip of reportedIps(pod)) add(ip, { pod, by: 'status' })
  for (const endpoint of state.endpoints) {
    const pod = pods.get(keyOf(endpoint.metadata))
    if (!pod || !mayUse(pod) || !isOfPod(endpoint.status.current.uid, pod)) continue
    for (const { address } of endpoint.status.current.ips.flatMap(addressesOf)) {
      const ip = parsePrefix(address)?.ip
      if (ip !== undefined) add(ip, { pod, by: 'record' })
    }
  }
  return users
}

/** Look-ups over a state, built once. */
export function lookupOf(state: CheckState): Lookup {
  const pools = new Map(state.pools.map(pool => [pool.metadata.name, pool]))
  const pods = byKey(state.pods)
  const uids = grouped(state.pods, ({ metadata }) => [
    metadata.uid ?? '',
    metadata.annotations?.[ANNOTATION_MIRROR] ?? '',
  ])
  const records = byKey(state.endpoints)
  const recordUids = new Map(state.endpoints.map(one => [one.status.current.uid, one]))
  const names = new Map(state.addresses.map(one => [ipOfObjectName(one.metadata.name) ?? '', one]))
  const holders = grouped(state.addresses, ({ spec }) => [spec.pod.uid])
  const inPool = grouped(state.addresses, ({ spec }) => [spec.pool])
  const users = usersIn(state, pods)
  const sets = byKey(state.sets)
  const [instances, machines] = [byKey(state.instances), byKey(state.machines)]
  const ranges = new Map<SpiderIPPool, ReturnType<Lookup['rangesOf']>>()
  const reserved = state.reserved
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, spec }) => ({ name: metadata.name, 4: readable(spec.ips, 4), 6: readable(spec.ips, 6) }))
  const nodeIps = new Map(
    state.nodes.flatMap(({ metadata, status }) =>
      (status?.addresses ?? []).map(({ address }) => [address, metadata.name] as const),
    ),
  )
  return {
    state,
    pool: name => pools.get(name),
    address: ip => names.get(ip),
    pod: key => pods.get(key),
    podOfUid: uid => (uid === '' ? undefined : uids.get(uid)?.[0]),
    record: key => records.get(key),
    recordOf: pod => records.get(keyOf(pod.metadata)) ?? recordUids.get(pod.metadata.uid ?? ''),
    heldBy: uid => (uid === '' ? [] : (holders.get(uid) ?? [])),
    held: pool => inPool.get(pool) ?? [],
    usersOf: ip => users.get(ip) ?? [],
    retention(owner, { namespace, name }) {
      if (owner.kind === 'StatefulSet' && state.features.statefulSet) {
        if (state.unread.has('statefulsets')) return 'kept'
        return statefulSetKeeps(name, sets.get(`${namespace}/${owner.name}`)) ? 'kept' : 'ended'
      }
      if (owner.kind === 'VirtualMachineInstance' && state.features.kubevirt) {
        if (state.unread.has('virtualmachines') || state.unread.has('virtualmachineinstances')) return 'kept'
        const key = `${namespace}/${owner.name}`
        return virtualMachineKeeps(instances.get(key), machines.get(key)) ? 'kept' : 'ended'
      }
      return 'none'
    },
    nodeOf: ip => nodeIps.get(ip),
    rangesOf(pool) {
      const family = familyOfSpec(pool.spec)
      const known = ranges.get(pool) ?? {
        named: readable(pool.spec.ips, family),
        effective: effectiveOf(pool.spec, family),
      }
      ranges.set(pool, known)
      return known
    },
    reservedBy: ip => reserved.find(one => includes(one[familyOf(ip)], toBigint(ip)))?.name,
  }
}
