// Requested pools of a call: the first source of sources.ts that exists. On a Store.
import { NAMESPACE_KEYS, unknownAnnotationsIn } from './annotation-keys.js'
import type { Pod } from '../../crd/types.js'
import type { Family } from '../../ip/address.js'
import { defaultPools, namedPools, PoolReader, type CandidatePools } from './usable.js'
import type { TopController, Store } from '../store/store.js'
import {
  fromConf,
  fromNamespace,
  fromPod,
  fromSubnets,
  type ConfPools,
  type PoolSource,
  type PoolRequest,
} from './sources.js'
import { poolsOfSubnets } from './subnet.js'

export interface RequestContext {
  readonly pod: Pod
  readonly nic: string
  readonly owner: TopController
  readonly conf: ConfPools
  readonly cleanGateway: boolean
  readonly families: readonly Family[]
  readonly features: { readonly subnets: boolean }
}

export interface RequestedPools {
  readonly from: string
  readonly scope: PoolSource['scope']
  readonly named: readonly CandidatePools[]
}

/**
 * The candidate pools of the first source that names any.
 * @throws Refused `noPool`, `wrongInput`, `poolNotMade`
 */
export async function requestedPools(context: RequestContext, store: Store): Promise<RequestedPools> {
  const { pod, nic, families, cleanGateway } = context
  const ofSubnet = context.features.subnets ? await fromSubnet(context, store) : undefined
  if (ofSubnet) return ofSubnet
  const reader = new PoolReader(store)
  const call = { nic, cleanGateway }
  const source = fromPod(pod, call) ?? (await fromNamespaceOrConf(context, call, reader, store))
  if (source) return { ...source, named: await namedPools(source, families, reader) }
  return {
    from: 'the default pools (spec.default)',
    scope: 'call',
    named: [await defaultPools(plain(nic, cleanGateway), context, reader)],
  }
}

const plain = (nic: string, cleanGateway: boolean): PoolRequest => ({
  nic,
  index: undefined,
  names: new Map(),
  cleanGateway,
})

async function fromSubnet(
  { pod, nic, owner, families, cleanGateway }: RequestContext,
  store: Store,
): Promise<RequestedPools | undefined> {
  const request = fromSubnets(pod, nic)
  if (!request) return undefined
  const subnets = new Map([...request.subnets].filter(([family]) => families.includes(family)))
  const application = { namespace: pod.metadata.namespace ?? '', owner }
  const pools = await poolsOfSubnets({ ...request, subnets }, application, store)
  return { from: request.from, scope: 'call', named: [{ request: plain(nic, cleanGateway), pools }] }
}

/**
 * The Namespace precedes the conf but is rarely set: the pools of the conf are read in parallel.
 */
function fromNamespaceOrConf(
  { pod, conf }: RequestContext,
  call: RequestingCall,
  reader: PoolReader,
  store: Store,
): Promise<PoolSource | undefined> {
  const ofConf = fromConf(conf, call)
  if (ofConf) reader.expect([...conf.ipv4, ...conf.ipv6])
  return ofNamespace(pod, call, store).then(source => source ?? ofConf)
}

interface RequestingCall {
  readonly nic: string
  readonly cleanGateway: boolean
}

async function ofNamespace(pod: Pod, call: RequestingCall, store: Store): Promise<PoolSource | undefined> {
  const name = pod.metadata.namespace ?? 'default'
  const { annotations } = await store.namespace(name)
  const unknown = unknownAnnotationsIn(annotations, NAMESPACE_KEYS)
  if (unknown.length > 0) await (await import('./annotation-typos.js')).reportNamespaceTypos(unknown, pod, store)
  return fromNamespace(name, annotations, call)
}
