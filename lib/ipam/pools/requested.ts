// What a call's interfaces may take addresses from: the levels in their order, until one exists. On a port; the levels are in sources.ts.
import type { Pod } from '../../crd/types.js'
import type { Family } from '../../ip/address.js'
import { defaultPools, namedPools, PoolReader, type CandidatePools } from './usable.js'
import type { TopController } from '../store/pod.js'
import type { Store } from '../store/store.js'
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
  readonly subnets: boolean
}

export interface RequestedPools {
  readonly from: string
  readonly scope: PoolSource['scope']
  readonly named: readonly CandidatePools[]
}

export async function requestedPools(wishing: RequestContext, store: Store): Promise<RequestedPools> {
  const { pod, nic, families, cleanGateway } = wishing
  const ofSubnet = wishing.subnets ? await fromSubnet(wishing, store) : undefined
  if (ofSubnet) return ofSubnet
  const reader = new PoolReader(store)
  const asking = { nic, cleanGateway }
  const source = fromPod(pod, asking) ?? (await beyondPod(wishing, asking, reader, store))
  if (source) return { ...source, named: await namedPools(source, families, reader) }
  return {
    from: 'the default pools (spec.default)',
    scope: 'call',
    named: [await defaultPools(plain(nic, cleanGateway), wishing, reader)],
  }
}

const plain = (nic: string, cleanGateway: boolean): PoolRequest => ({
  nic,
  place: undefined,
  names: new Map(),
  cleanGateway,
})

async function fromSubnet(
  { pod, nic, owner, families, cleanGateway }: RequestContext,
  store: Store,
): Promise<RequestedPools | undefined> {
  const wish = fromSubnets(pod, nic)
  if (!wish) return undefined
  const subnets = new Map([...wish.subnets].filter(([family]) => families.includes(family)))
  const application = { namespace: pod.metadata.namespace ?? '', owner }
  const pools = await poolsOfSubnets({ ...wish, subnets }, application, store)
  return { from: wish.from, scope: 'call', named: [{ request: plain(nic, cleanGateway), pools }] }
}

/** The Namespace comes before the conf, and seldom says anything: the conf's pools are read at the same time. */
function beyondPod(
  { pod, conf }: RequestContext,
  asking: Asking,
  reader: PoolReader,
  store: Store,
): Promise<PoolSource | undefined> {
  const ofConf = fromConf(conf, asking)
  if (ofConf) reader.expect([...conf.ipv4, ...conf.ipv6])
  return ofNamespace(pod, asking, store).then(source => source ?? ofConf)
}

interface Asking {
  readonly nic: string
  readonly cleanGateway: boolean
}

async function ofNamespace(pod: Pod, asking: Asking, store: Store): Promise<PoolSource | undefined> {
  const name = pod.metadata.namespace ?? 'default'
  return fromNamespace(name, (await store.namespace(name)).annotations, asking)
}
