// What a migration writes: pools, address objects, reservations. Pure.
import { effectiveOf, familyOfSpec } from '../../../lib/crd/addressing.js'
import { SPIDERPOOL_API } from '../../../lib/crd/names.js'
import { clashesOf } from '../../../lib/crd/unique.js'
import type { Pod, SpiderIPAddress, SpiderIPPool } from '../../../lib/crd/types.js'
import { familyOf, objectNameOf, toBigint, type Ip } from '../../../lib/ip/address.js'
import { formatPrefix, networkOf, parsePrefix } from '../../../lib/ip/cidr.js'
import { formatRanges, includes, subtract, union } from '../../../lib/ip/range.js'
import { isAlive, uidOf } from '../../../lib/ipam/store/pod.js'
import { statusNics } from '../who/decide.js'
import type { ForeignAllocation, ForeignPool, ForeignState } from './foreign.js'

/** One line of the plan. Only `create`, `extend` and `reserve` write. */
export interface MigrationStep {
  readonly action: 'create' | 'extend' | 'reserve' | 'there' | 'skip' | 'conflict'
  readonly object: string
  /** Of a pool its ranges. */
  readonly address: string
  /** namespace/name; '' without one. */
  readonly pod: string
  readonly from: string
  readonly why: string
  readonly write?: MigrationWrite
}

export type MigrationWrite =
  | { readonly kind: 'pool'; readonly pool: SpiderIPPool }
  | { readonly kind: 'address'; readonly poolName: string; readonly of: ForeignAllocation; readonly pod: Pod }
  | { readonly kind: 'reservation'; readonly ip: Ip }

export interface ClusterView {
  readonly pools: readonly SpiderIPPool[]
  readonly addressNamed: (name: string) => SpiderIPAddress | undefined
  readonly podNamed: (ref: { readonly namespace: string; readonly name: string }) => Pod | undefined
  readonly isReserved: (ip: Ip) => boolean
}

/** The plan: first pools, then what is allocated, in the order of the source. */
export function migrationOf(state: ForeignState, view: ClusterView): readonly MigrationStep[] {
  const pools = poolSteps(state.pools, view)
  const written = pools.flatMap(({ write }) => (write?.kind === 'pool' ? [write.pool] : []))
  const names = new Set(written.map(({ metadata }) => metadata.name))
  const all = [...written, ...view.pools.filter(({ metadata }) => !names.has(metadata.name))]
  return [...pools, ...state.allocations.map(one => allocationStep(one, all, view))]
}

function poolSteps(foreign: readonly ForeignPool[], { pools }: ClusterView): readonly MigrationStep[] {
  const known: SpiderIPPool[] = [...pools]
  return foreign.map(one => {
    const step = poolStep(one, known)
    if (step.write?.kind === 'pool') known.push(step.write.pool)
    return step
  })
}

function poolStep(foreign: ForeignPool, known: readonly SpiderIPPool[]): MigrationStep {
  const { name, family, subnet, from } = foreign
  const base = { object: `spiderippool/${name}`, pod: '', from }
  const own = known.findLast(({ metadata }) => metadata.name === name)
  const network = formatPrefix(subnet)
  const inSubnet = known.filter(({ spec }) => familyOfSpec(spec) === family && isSubnet(spec.subnet, network))
  const taken = inSubnet.reduce(
    (all, { spec }) => union(all, effectiveOf(spec, family)),
    subtract([], []), // no address yet
  )
  const missing = subtract(foreign.ranges, taken)
  if (missing.length === 0 && (own || foreign.ranges.length > 0)) {
    const holders = inSubnet.map(({ metadata }) => metadata.name).join(', ')
    return { ...base, action: 'there', address: network, why: `its addresses are in ${holders}` }
  }
  const had = own ? effectiveOf(own.spec, family) : []
  const ips = formatRanges(union(had, missing), family)
  const pool: SpiderIPPool = own
    ? { ...own, spec: { ...own.spec, ips } }
    : {
        apiVersion: SPIDERPOOL_API,
        kind: 'SpiderIPPool',
        metadata: { name },
        spec: {
          ...{ ipVersion: family, subnet: network, ips },
          ...(foreign.gateway !== undefined && { gateway: foreign.gateway }),
          // The source may give out addresses until its confs are changed.
          disable: true,
        },
      }
  const fault = known.map(clashesOf(pool)).find(one => one !== undefined)
  if (fault) return { ...base, action: 'conflict', address: network, why: `${fault.field}: ${fault.why}` }
  const write = { kind: 'pool', pool } as const
  if (own) return { ...base, action: 'extend', address: ips.join(','), why: 'further ranges of its subnet', write }
  return { ...base, action: 'create', address: ips.join(','), why: 'disabled until you enable it', write }
}

function isSubnet(text: string, network: string): boolean {
  const prefix = parsePrefix(text)
  return prefix !== undefined && networkOf(prefix) === network
}

function allocationStep(one: ForeignAllocation, pools: readonly SpiderIPPool[], view: ClusterView): MigrationStep {
  const { ip, from } = one
  const name = objectNameOf(ip)
  const base = {
    ...{ object: `spideripaddress/${name}`, address: String(ip), from },
    pod: one.pod ? `${one.pod.namespace}/${one.pod.name}` : '',
  }
  const holder = view.addressNamed(name)
  const pod = one.pod && view.podNamed(one.pod)
  const gone = one.pod && whyGone(pod, ip)
  if (gone !== undefined) return { ...base, action: 'skip', why: gone }
  if (holder) return { ...base, ...againstHolder(pod, holder) }
  const pool = pools.find(({ spec }) => {
    const family = familyOfSpec(spec)
    return family === familyOf(ip) && includes(effectiveOf(spec, family), toBigint(ip))
  })
  if (pod && pool) {
    const write = { kind: 'address', poolName: pool.metadata.name, of: one, pod } as const
    return { ...base, action: 'create', why: `of pool ${pool.metadata.name}`, write }
  }
  const why = pod ? 'it is in the ranges of no pool' : 'the API server shows no pod with it'
  if (view.isReserved(ip)) return { ...base, action: 'there', why: `${why}; it is reserved` }
  return { ...base, object: `spiderreservedip/${name}`, action: 'reserve', why, write: { kind: 'reservation', ip } }
}

/** Why the pod of a record does not have the address now; undefined where it may. */
function whyGone(pod: Pod | undefined, ip: Ip): string | undefined {
  if (!pod) return 'the pod does not exist'
  if (!isAlive(pod)) return 'the pod is terminating or has ended'
  const shown = [
    ...(pod.status?.podIPs ?? []).map(one => one.ip),
    ...statusNics(pod.metadata).flatMap(({ ips }) => ips),
  ]
  // Without Multus' annotation the addresses of secondary interfaces are not known.
  const isKnown = statusNics(pod.metadata).length > 0
  return isKnown && !shown.includes(ip) ? 'the pod runs without it (network-status of Multus)' : undefined
}

function againstHolder(pod: Pod | undefined, { spec }: SpiderIPAddress): Pick<MigrationStep, 'action' | 'why'> {
  if (pod && spec.pod.uid === uidOf(pod)) return { action: 'there', why: `of pool ${spec.pool}` }
  const holder = spec.pod.name === '' ? 'its quarantine' : `pod ${spec.pod.namespace}/${spec.pod.name}`
  return { action: 'conflict', why: `${holder} has the SpiderIPAddress; see spiderpoolctl who ${spec.address}` }
}
