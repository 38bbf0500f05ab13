// The trace of one interface: network, conf, sources, candidate pools, and the ADD without writes.
import type { AddressMeta } from '../facts.js'
import { poolFacts } from '../facts.js'
import { CniError } from '../../../lib/cni/error.js'
import type { ObjectMeta, Pod, SpiderIPPool, SpiderReservedIP } from '../../../lib/crd/types.js'
import { sizeOf } from '../../../lib/ip/range.js'
import { add } from '../../../lib/ipam/pod/add.js'
import type { AddRequest } from '../../../lib/ipam/pod/pod-context.js'
import { ipamConf, type IpamConf } from '../../../lib/ipam/cni/conf.js'
import { Refused } from '../../../lib/ipam/errors.js'
import { familyOfPool } from '../../../lib/crd/family.js'
import { networkOf } from '../../../lib/ipam/pools/multus-network.js'
import { requestedPools } from '../../../lib/ipam/pools/requested.js'
import { byPriority } from '../../../lib/ipam/pools/filter-rules.js'
import { judgedPools } from '../../../lib/ipam/pools/usable.js'
import { topController, uidOf } from '../../../lib/ipam/store/pod.js'
import type { Store } from '../../../lib/ipam/store/store.js'
import { NADS } from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { ipamPluginConf, remedyOf, sourcesOf, type PoolSourceRow, type Remedy } from './decide.js'

export interface TracedPool {
  readonly pool: string
  readonly version: number
  readonly free: number
  readonly total: number
  /** The rule that drops it; '' where the pod may use it. */
  readonly dropped: string
  /** Its place in the order in which an ADD tries pools, from 1; 0 where it is dropped. */
  readonly order: number
}

export type Verdict =
  | { readonly kind: 'address'; readonly addresses: readonly { readonly address: string; readonly pool: string }[] }
  | { readonly kind: 'refused'; readonly message: string; readonly remedy: Remedy }
  | { readonly kind: 'other'; readonly message: string }

export interface TracedInterface {
  readonly nic: string
  /** namespace/name of the NetworkAttachmentDefinition; '' where it is not known. */
  readonly network: string
  readonly notes: readonly string[]
  readonly sources: readonly PoolSourceRow[]
  readonly pools: readonly TracedPool[]
  readonly verdict: Verdict
}

export interface Trace {
  readonly pod: string
  readonly node: string
  /** Why the pod is not given an address by Spiderpool, or will not be now. */
  readonly notes: readonly string[]
  readonly coordinator: { readonly phase: string; readonly reason: string }
  readonly interfaces: readonly TracedInterface[]
  readonly lastError:
    | { readonly at: string; readonly reason: string; readonly message: string; readonly remedy: Remedy | undefined }
    | undefined
}

/** What the interfaces of a pod have in common. */
export interface TraceContext {
  readonly cluster: Cluster
  readonly pod: Pod
  readonly store: Store
  readonly pools: readonly SpiderIPPool[]
  readonly reserved: readonly SpiderReservedIP[]
  readonly addresses: ReadonlyMap<string, readonly AddressMeta[]>
  readonly namespace: { readonly annotations: Readonly<Record<string, string>> }
  readonly agentNamespace: string
  readonly clusterNetwork: string
  /** Of ConfigMap spiderpool-conf. */
  readonly switches: Readonly<Record<string, unknown>>
}

interface Nad {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly config?: string }
}

interface Network {
  readonly network: string
  readonly notes: readonly string[]
  /** Undefined: the interface gets no address of ours. */
  readonly conf: IpamConf | undefined
  readonly name: string
}

const NO_CONF = { ipam: { type: 'spiderpool' } }

/** The trace of an interface. Reads only. */
export async function traceInterface(nic: string, context: TraceContext): Promise<TracedInterface> {
  const { network, notes, conf, name } = await networkFor(nic, context)
  const bare = { nic, network, notes, sources: [], pools: [] }
  if (!conf) return { ...bare, notes: notes.slice(0, -1), verdict: { kind: 'other', message: notes.at(-1) ?? '' } }
  const request = requestOf(nic, { conf, name }, context)
  const sources = sourcesOf({
    ...{ pod: context.pod, namespace: context.namespace.annotations, ipv4: conf.ipv4, ipv6: conf.ipv6 },
    defaults: context.pools.filter(({ spec }) => spec.default === true).map(({ metadata }) => metadata.name),
    subnets: conf.switches.subnets,
  })
  const pools = await tracedPools(request, context)
  const more = conf.matchMasterSubnet
    ? ['match_master_subnet is set: the node drops further pools by its own addresses']
    : []
  return { ...bare, notes: [...notes, ...more], sources, pools, verdict: await verdictOf(request, context.store) }
}

async function networkFor(nic: string, context: TraceContext): Promise<Network> {
  const { cluster, pod, agentNamespace, clusterNetwork, switches } = context
  const found = networkOf(pod, { nic }, { agentNamespace, clusterNetwork })
  if ('unknown' in found) {
    const notes = [`${found.unknown}; its conf is taken to have no pools`]
    return { network: '', notes, ...confOf(ipamPluginConf(JSON.stringify(NO_CONF), switches)) }
  }
  const [namespace = '', name = ''] = found.name.split('/')
  const nad = await cluster.ifAllowed(NADS, cluster.find<Nad>(NADS, { namespace, name }))
  if (!nad) {
    const notes = [
      `there is no NetworkAttachmentDefinition ${found.name}, or it may not be read; Multus refuses the pod without it`,
    ]
    return { network: found.name, notes, conf: undefined, name: '' }
  }
  const own = ipamPluginConf(nad.spec?.config ?? '', switches)
  return { network: found.name, ...withNotes(`NetworkAttachmentDefinition ${found.name}`, own) }
}

function withNotes(what: string, own: object | string): Omit<Network, 'network'> {
  const { conf, name, fault } = confOf(own)
  return { conf, name, notes: fault === undefined ? [] : [`${what}: ${fault}`] }
}

function confOf(own: object | string): { conf: IpamConf | undefined; name: string; fault?: string } {
  if (typeof own === 'string') return { conf: undefined, name: '', fault: own }
  try {
    return { conf: ipamConf(own), name: String((own as { name?: unknown }).name ?? '') }
  } catch (error) {
    if (error instanceof CniError) return { conf: undefined, name: '', fault: error.message }
    throw error
  }
}

/** The request of the ADD; its container ID is none that a runtime gives. */
function requestOf(
  nic: string,
  { conf, name }: { readonly conf: IpamConf; readonly name: string },
  { pod, agentNamespace, clusterNetwork }: TraceContext,
): AddRequest {
  const { ipv4, ipv6, statefulSet, kubevirt, subnets } = conf.switches
  return {
    pod: { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name },
    podUid: uidOf(pod),
    nic,
    containerID: 'spiderpoolctl-trace',
    conf: { ipv4: conf.ipv4, ipv6: conf.ipv6, ...(name !== '' && { network: name }) },
    cleanGateway: conf.cleanGateway,
    families: [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])],
    features: { statefulSet, kubevirt, subnets },
    ...{ agentNamespace, clusterNetwork },
  }
}

/** The candidates with the verdicts of the rules; none where the sources are refused. */
async function tracedPools(
  request: AddRequest,
  { pod, store, reserved, addresses }: TraceContext,
): Promise<readonly TracedPool[]> {
  try {
    const owner = await topController(pod, store, { withUid: true })
    const selection = { ...request, pod, owner }
    const { named } = await requestedPools(selection, store)
    const own = named.find(one => one.request.nic === request.nic) ?? named[0]
    if (!own) return []
    const judged = await judgedPools(own, selection, store)
    return [...judged].flatMap(([family, verdicts]) => {
      const order = byPriority(verdicts.filter(({ why }) => why === undefined).map(({ pool }) => pool))
      return verdicts.map(({ pool, why }): TracedPool => {
        const { free, usable } = poolFacts(pool, addresses.get(pool.metadata.uid ?? '') ?? [], reserved)
        return {
          ...{ pool: pool.metadata.name, version: familyOfPool(pool) ?? family, dropped: why ?? '' },
          ...{ free: Number(sizeOf(free)), total: Number(sizeOf(usable)), order: order.indexOf(pool) + 1 },
        }
      })
    })
  } catch (error) {
    if (error instanceof Refused) return [] // the verdict has the sentence
    throw error
  }
}

const JOURNAL = { note: () => undefined, read: () => [], close: () => undefined }

/** What the ADD of lib/ipam does on a Store that writes nothing. */
async function verdictOf(request: AddRequest, store: Store): Promise<Verdict> {
  try {
    const { nic } = await add(request, { store, journal: JOURNAL, random: () => 0 })
    const addresses = [
      { address: nic.ipv4 ?? '', pool: nic.ipv4Pool ?? '' },
      { address: nic.ipv6 ?? '', pool: nic.ipv6Pool ?? '' },
    ]
    return { kind: 'address', addresses: addresses.filter(({ address }) => address !== '') }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { kind: 'refused', message: error.message, remedy: remedyOf(error.refusal) }
  }
}
