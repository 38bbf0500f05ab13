// Which pools a call may use: reads the named ones, asks the rules, explains a refusal. On a port; the rules are in filter.ts.
import type { Pod, SpiderIPPool } from '../crd/types.js'
import type { Family } from '../ip/address.js'
import { byPriority, dropped, type Asker } from './filter.js'
import { networkOf } from './network.js'
import { familyOfPool } from './pool.js'
import type { Port } from './port.js'
import { namedPools, WrongInput, type ConfPools } from './sources.js'

export interface Choice {
  readonly pod: Pod
  readonly nic: string
  readonly conf: ConfPools
  readonly agentNamespace: string
  readonly clusterNetwork: string
}

export class NoPool extends Error {
  override readonly name = 'NoPool'
}

/** Usable pools of each family that somebody named, best first. Throws NoPool where a family ends with none. */
export async function choosePools(choice: Choice, port: Port): Promise<Map<Family, readonly SpiderIPPool[]>> {
  const { from, objects } = await candidatePools(choice, port)
  const asker = await askerFor(choice, [...objects.values()].flat(), port)
  const usable = new Map<Family, readonly SpiderIPPool[]>()
  for (const [family, pools] of objects) {
    const reasons = pools.map(pool => ({ pool, why: dropped(pool, { ...asker, family }) }))
    const left = reasons.filter(({ why }) => why === undefined).map(({ pool }) => pool)
    if (left.length === 0) {
      const told = reasons.map(({ pool, why }) => `${pool.metadata.name} ${why}`).join('; ')
      throw new NoPool(
        `no IPPool available for IPv${family} of ${choice.nic} from ${from}: ${told || 'the list is empty'}`,
      )
    }
    usable.set(family, byPriority(left))
  }
  return usable
}

interface Candidates {
  readonly from: string
  readonly objects: ReadonlyMap<Family, readonly SpiderIPPool[]>
}

async function candidatePools({ pod, conf }: Choice, port: Port): Promise<Candidates> {
  const named = namedPools(pod, conf)
  if (!named) return defaultPools(port)
  const objects = new Map<Family, readonly SpiderIPPool[]>()
  for (const [family, names] of named.names) {
    const pools: SpiderIPPool[] = []
    for (const name of names) {
      const pool = await port.pool(name)
      if (!pool)
        throw new WrongInput(
          `${named.from} names SpiderIPPool "${name}", which does not exist; create it or name another`,
        )
      pools.push(pool)
    }
    objects.set(family, pools)
  }
  if (objects.size === 0) throw new NoPool(`no IPPool available: ${named.from} names no pool`)
  return { from: named.from, objects }
}

async function defaultPools(port: Port): Promise<Candidates> {
  const pools = (await port.pools()).filter(({ spec }) => spec.default === true)
  const objects = new Map<Family, readonly SpiderIPPool[]>()
  for (const family of [4, 6] as const) {
    const own = pools.filter(pool => familyOfPool(pool) === family)
    if (own.length > 0) objects.set(family, own)
  }
  if (objects.size === 0)
    throw new NoPool(
      'no IPPool available, no pool selection rules of any type are specified: neither pod nor CNI conf names a pool, and no SpiderIPPool has spec.default true',
    )
  return { from: 'the default pools (spec.default)', objects }
}

/** Labels of node and namespace are read only where a pool asks for them. */
async function askerFor(choice: Choice, pools: readonly SpiderIPPool[], port: Port): Promise<Omit<Asker, 'family'>> {
  const { pod } = choice
  const nodeName = pod.spec?.nodeName ?? ''
  const namespace = pod.metadata.namespace ?? ''
  const asksNode = nodeName !== '' && pools.some(({ spec }) => spec.nodeAffinity !== undefined)
  const asksNamespace = pools.some(({ spec }) => spec.namespaceAffinity !== undefined)
  return {
    nodeName,
    nodeLabels: asksNode ? await port.labelsOfNode(nodeName) : {},
    namespace,
    namespaceLabels: asksNamespace ? await port.labelsOfNamespace(namespace) : {},
    podLabels: pod.metadata.labels ?? {},
    network: networkOf(pod, choice.nic, choice),
    agentNamespace: choice.agentNamespace,
  }
}
