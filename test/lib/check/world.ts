// A healthy cluster as a CheckState, and repairs applied to a state in memory.
import { addressObject } from '../../../lib/ipam/allocation/address-object.js'
import { newEndpoint, nicRecord } from '../../../lib/ipam/allocation/endpoint.js'
import { poolOf } from '../../../lib/ipam/allocation/pool.js'
import { FINALIZER } from '../../../lib/crd/names.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../lib/crd/types.js'
import { ip } from '../../../lib/ip/address.js'
import { differencesOf } from '../../../lib/check/decide.js'
import { countsOf } from '../../../lib/check/pools.js'
import type { CheckRepair, CheckState } from '../../../lib/check/state.js'

export const NOW = Date.parse('2026-12-01T12:00:00Z')
const HOUR_AGO = '2026-12-01T11:00:00Z'

/** Objects of a test may be changed in place: a state is made for each. */
export type Mutable<T> = T extends string | number | boolean | undefined | null | ReadonlySet<string>
  ? T
  : T extends readonly (infer U)[]
    ? Mutable<U>[]
    : { -readonly [K in keyof T]: Mutable<T[K]> }

const versions = { resourceVersion: '7', creationTimestamp: HOUR_AGO }

const pool = (name: string, subnet: string, ips: string): SpiderIPPool => ({
  metadata: { name, uid: `uid-${name}`, finalizers: [FINALIZER], ...versions },
  spec: {
    subnet,
    ips: [ips],
    ipVersion: subnet.includes(':') ? 6 : 4,
    gateway: subnet.includes(':') ? 'fd00::1' : subnet.replace('0.0/16', '0.1'),
  },
  status: { allocatedIPsProjected: false },
})

interface PodSpec {
  readonly name: string
  readonly addresses: readonly (readonly [nic: string, pool: string, ip: string])[]
  readonly set?: string
}

const podOf = ({ name, addresses, set }: PodSpec): Pod => ({
  metadata: {
    ...{ name, namespace: 'default', uid: `uid-${name}`, ...versions },
    ...(set !== undefined && {
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: set, uid: 's', controller: true }],
    }),
  },
  spec: { nodeName: 'n1' },
  status: {
    phase: 'Running',
    podIPs: addresses.filter(([nic]) => nic === 'eth0').map(([, , address]) => ({ ip: address })),
  },
})

/** Two pools, a dual-stack pod, a bare pod with two interfaces, and a pod of a StatefulSet. */
export function healthy(): Mutable<CheckState> {
  const pools = [
    pool('v4', '10.0.0.0/16', '10.0.0.10-10.0.0.40'),
    pool('v6', 'fd00::/64', 'fd00::10-fd00::40'),
    pool('b', '10.1.0.0/16', '10.1.0.10-10.1.0.20'),
  ]
  const specs: readonly PodSpec[] = [
    {
      name: 'dual',
      addresses: [
        ['eth0', 'v4', '10.0.0.10'],
        ['eth0', 'v6', 'fd00::10'],
      ],
    },
    {
      name: 'two',
      addresses: [
        ['eth0', 'v4', '10.0.0.11'],
        ['net1', 'b', '10.1.0.11'],
      ],
    },
    { name: 'db-0', set: 'db', addresses: [['eth0', 'v4', '10.0.0.12']] },
  ]
  const addresses: SpiderIPAddress[] = []
  const endpoints: SpiderEndpoint[] = []
  for (const spec of specs) {
    const owner =
      spec.set === undefined
        ? { apiVersion: 'v1', kind: 'Pod', name: spec.name }
        : { apiVersion: 'apps/v1', kind: 'StatefulSet', name: spec.set }
    const claimant = {
      namespace: 'default',
      name: spec.name,
      uid: `uid-${spec.name}`,
      record: spec.name,
      node: 'n1',
      containerID: 'c1',
      owner,
    }
    const assigned = spec.addresses.map(([nic, name, text]) => {
      const object = pools.find(one => one.metadata.name === name)
      if (!object) throw new Error(name)
      const parsed = poolOf(object, text.includes(':') ? 6 : 4)
      const made = addressObject({ ip: ip(text), pool: parsed, nic, claimant })
      return { nic, pool: parsed, object: { ...made, metadata: { ...made.metadata, uid: `uid-${text}`, ...versions } } }
    })
    addresses.push(...assigned.map(({ object }) => object))
    const nics = [...new Set(assigned.map(({ nic }) => nic))].map(nic =>
      nicRecord(
        nic,
        assigned.filter(one => one.nic === nic),
        false,
      ),
    )
    const made = newEndpoint(claimant, nics, spec.set !== undefined)
    endpoints.push({ ...made, metadata: { ...made.metadata, uid: `uid-record-${spec.name}`, ...versions } })
  }
  const counts = countsOf(addresses)
  const state: CheckState = {
    ...{ now: NOW, unrecordedMs: 240_000, features: { statefulSet: true, kubevirt: true } },
    pools: pools.map(one => ({
      ...one,
      status: {
        ...one.status,
        allocatedIPCount: counts.get(one.metadata.uid ?? '') ?? 0,
        totalIPCount: one.metadata.name === 'v6' ? 49 : one.metadata.name === 'b' ? 11 : 31,
      },
    })),
    ...{ addresses, endpoints, pods: specs.map(podOf), reserved: [], instances: [], machines: [] },
    sets: [{ metadata: { name: 'db', namespace: 'default' }, spec: { replicas: 1 } }],
    nodes: [{ metadata: { name: 'n1' }, status: { addresses: [{ type: 'InternalIP', address: '10.0.0.2' }] } }],
    unread: new Set<string>(),
  }
  return structuredClone(state) as Mutable<CheckState>
}

type Named = { readonly metadata: { readonly name: string; readonly namespace?: string } }
const isSame = (a: Named, b: Named): boolean =>
  a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace
const replaced = <T extends Named>(items: readonly T[], object: T): readonly T[] =>
  items.map(one => (isSame(one, object) ? object : one))
const dropped = <T extends Named>(items: readonly T[], object: T): readonly T[] =>
  items.filter(one => !isSame(one, object))
/** As a server does: the last finalizer of a terminating object deletes it. */
const stored = <
  T extends Named & {
    readonly metadata: { readonly finalizers?: readonly string[]; readonly deletionTimestamp?: string }
  },
>(
  items: readonly T[],
  object: T,
): readonly T[] =>
  object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0
    ? dropped(items, object)
    : replaced(items, object)

/** The state after a repair. */
export function applied(state: CheckState, repair: CheckRepair): CheckState {
  switch (repair.verb) {
    case 'createAddress':
      return {
        ...state,
        addresses: [
          ...state.addresses,
          { ...repair.object, metadata: { ...repair.object.metadata, creationTimestamp: HOUR_AGO } },
        ],
      }
    case 'replaceAddress':
      return { ...state, addresses: stored(state.addresses, repair.object) }
    case 'deleteAddress':
      return { ...state, addresses: dropped(state.addresses, repair.object) }
    case 'createRecord':
      return { ...state, endpoints: [...state.endpoints, repair.object] }
    case 'replaceRecord':
      return { ...state, endpoints: replaced(state.endpoints, repair.object) }
    case 'deleteRecord':
      return { ...state, endpoints: dropped(state.endpoints, repair.object) }
    case 'replacePool':
      return { ...state, pools: stored(state.pools, repair.object) }
    case 'replacePoolStatus':
      return { ...state, pools: replaced(state.pools, repair.object) }
    case 'deleteEntry':
      return { ...state, pools: state.pools.map(one => withoutText(one, repair.pool)) }
    case 'applyStep':
      return { ...state, ...(state.kernel && { kernel: withoutStep(state.kernel, repair.step) }) }
  }
}

const withoutText = (pool: SpiderIPPool, name: string): SpiderIPPool => {
  const { allocatedIPs: _, ...status } = pool.status ?? {}
  return pool.metadata.name === name ? { ...pool, status } : pool
}

type NodeState = NonNullable<CheckState['kernel']>
const withoutStep = (kernel: NodeState, step: unknown): NodeState => {
  const others = <T extends { readonly step?: unknown }>(items: readonly T[]): readonly T[] =>
    items.filter(one => one.step !== step)
  return {
    ...kernel,
    routes: others(kernel.routes),
    neighs: others(kernel.neighs),
    rules: others(kernel.rules),
    veths: others(kernel.veths),
  }
}

const STEPS_MAX = 20

/** The state once nothing can be repaired any more: one repair at a time, then decided again. */
export function repairedState(state: CheckState): CheckState {
  let now = state
  for (let step = 0; step < STEPS_MAX; step++) {
    const next = differencesOf(now).find(one => one.repair !== undefined)
    if (!next?.repair) return now
    now = applied(now, next.repair)
  }
  throw new Error(
    `still not repaired after ${STEPS_MAX} steps: ${JSON.stringify(differencesOf(now).map(({ kind, what }) => [kind, what]))}`,
  )
}
