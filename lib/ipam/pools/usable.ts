// Which pools each interface may use: reads the named ones, asks the rules, explains a refusal. On a port; the rules are in filter.ts.
import { ANNOTATION_IPPOOL } from '../../crd/names.js'
import type { Pod, SpiderIPPool } from '../../crd/types.js'
import type { Family, Ip } from '../../ip/address.js'
import { byPriority, dropReason, isOfNetwork, type PodFacts } from './rules.js'
import { isPattern, patternOf, PatternError } from './glob.js'
import type { Claimant } from '../allocation/claim.js'
import { networkOf } from './network.js'
import { familyOfPool } from '../allocation/pool.js'
import type { Store } from '../store/store.js'
import { Refused, wrongInput } from '../errors.js'
import type { PoolSource, PoolRequest } from './sources.js'

export interface SelectionContext {
  readonly pod: Pod
  readonly owner: Claimant['owner']
  readonly agentNamespace: string
  readonly clusterNetwork: string
  readonly families: readonly Family[]
  /** Addresses of the node's interface behind the one of this call; only for match_master_subnet. */
  readonly master?: () => Promise<readonly Ip[] | { readonly unknown: string }>
}

/** The pools of one interface, those that somebody named for it, before and after the rules. */
export interface CandidatePools {
  readonly request: PoolRequest
  readonly pools: ReadonlyMap<Family, readonly SpiderIPPool[]>
}

/** Every pool is read once in a call, however many interfaces name it; the list of all only where a pattern or nobody names them. */
export class PoolReader {
  readonly #port: Store
  readonly #read = new Map<string, Promise<SpiderIPPool | undefined>>()
  #all: Promise<readonly SpiderIPPool[]> | undefined

  constructor(store: Store) {
    this.#port = store
  }
  all(): Promise<readonly SpiderIPPool[]> {
    this.#all ??= this.#port.pools()
    return this.#all
  }
  /** Begins to read what will most likely be asked for; who asks then hears how it ended. */
  expect(names: readonly string[]): void {
    for (const name of names) if (!isPattern(name)) this.named(name).catch(() => undefined)
  }
  named(name: string): Promise<SpiderIPPool | undefined> {
    const reading = this.#read.get(name) ?? this.#port.pool(name)
    this.#read.set(name, reading)
    return reading
  }
}

/** What the source names, as objects. Throws `wrong input` for a pool that does not exist, a bad pattern, or one pool twice. */
export function namedPools(
  source: PoolSource,
  families: readonly Family[],
  reader: PoolReader,
): Promise<readonly CandidatePools[]> {
  for (const { names } of source.requests)
    for (const [family, own] of names) if (families.includes(family)) reader.expect(own) // both families at once
  return Promise.all(
    source.requests.map(async wish => {
      const pools = new Map<Family, readonly SpiderIPPool[]>()
      for (const [family, names] of wish.names)
        if (families.includes(family)) pools.set(family, await expanded({ names, family, from: source.from }, reader))
      if (pools.size === 0) throw namesNone(source, wish, families)
      return { request: wish, pools }
    }),
  )
}

/** Nothing at all, or nothing but a family that the conf leaves out. */
function namesNone({ from, says, example }: PoolSource, request: PoolRequest, families: readonly Family[]): Refused {
  const off = [...request.names.keys()].filter(family => !families.includes(family))
  const but = off.map(family => `IPv${family}, which is off (enableIPv${family} of the CNI conf)`).join(' and ')
  const why = but === '' ? `; write ${example}` : `: it has only ${but}`
  return new Refused(
    'noPool',
    `no IPPool available: ${from} names no pool for ${interfaceOf(request)}: it is ${says}${why}`,
  )
}

const interfaceOf = ({ nic, place }: PoolRequest): string =>
  place === undefined ? nic : `interface ${place} of the pod`

interface Expanding {
  readonly names: readonly string[]
  readonly family: Family
  readonly from: string
}

/** Names stay where they are; a pattern becomes the pools of that family that it matches, in the order of their names. */
async function expanded({ names, family, from }: Expanding, reader: PoolReader): Promise<readonly SpiderIPPool[]> {
  const parts = await Promise.all(
    names.map(async name => {
      if (isPattern(name)) return matching(name, { names, family, from }, reader)
      const pool = await reader.named(name)
      if (!pool)
        throw wrongInput(`${from} names SpiderIPPool "${name}", which does not exist; create it or name another`)
      return [pool]
    }),
  )
  const pools = parts.flat()
  const twice = pools.find(({ metadata }, at) => pools.findIndex(one => one.metadata.name === metadata.name) !== at)
  if (twice)
    throw wrongInput(`${from} names SpiderIPPool "${twice.metadata.name}" twice for IPv${family}; name it once`)
  if (pools.length === 0)
    throw new Refused('noPool', `no IPPool available: ${from}: no IPv${family} pool matches ${names.join(', ')}`)
  return pools
}

async function matching(
  name: string,
  { family, from }: Expanding,
  reader: PoolReader,
): Promise<readonly SpiderIPPool[]> {
  const pattern = compiled(name, from)
  const own = (await reader.all()).filter(pool => familyOfPool(pool) === family && pattern.test(pool.metadata.name))
  return [...own].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
}

function compiled(name: string, from: string): RegExp {
  try {
    return patternOf(name)
  } catch (error) {
    if (error instanceof PatternError) throw wrongInput(`${from}: ${error.message}; close it or escape it with \\`)
    throw error
  }
}

/** The cluster's default pools, where nobody names one. */
export async function defaultPools(
  request: PoolRequest,
  { pod: { metadata }, families }: Pick<SelectionContext, 'pod' | 'families'>,
  reader: PoolReader,
): Promise<CandidatePools> {
  const all = (await reader.all()).filter(({ spec }) => spec.default === true)
  const pools = new Map<Family, readonly SpiderIPPool[]>()
  for (const family of families) {
    const own = all.filter(pool => familyOfPool(pool) === family)
    if (own.length > 0) pools.set(family, own)
  }
  const [only] = families
  const ofFamily = families.length === 1 ? ` of IPv${only}` : ''
  if (pools.size === 0)
    throw new Refused(
      'noPool',
      `no IPPool available, no pool selection rules of any type are specified: neither pod ${metadata.namespace}/${metadata.name}, its Namespace nor the CNI conf names a pool, and no SpiderIPPool${ofFamily} has spec.default true; write annotation ${ANNOTATION_IPPOOL}: {"ipv4":["pool"]}`,
    )
  return { request, pools }
}

/** Of the named pools those that the pod may use, best first. Throws `noPool` where a family ends with none. */
export async function usablePools(
  { request, pools }: CandidatePools,
  from: string,
  selection: SelectionContext,
  store: Store,
): Promise<ReadonlyMap<Family, readonly SpiderIPPool[]>> {
  const asker = await askerFor(request, [...pools.values()].flat(), selection, store)
  const usable = new Map<Family, readonly SpiderIPPool[]>()
  for (const [family, candidates] of pools) {
    const reasons = candidates.map(pool => ({ pool, why: dropReason(pool, { ...asker, family }) }))
    const left = reasons.filter(({ why }) => why === undefined).map(({ pool }) => pool)
    if (left.length === 0) {
      const told = reasons.map(({ pool, why }) => `${pool.metadata.name} ${why}`).join('; ')
      throw new Refused(
        'noPool',
        `no IPPool available for IPv${family} of ${interfaceOf(request)} from ${from}: ${told}`,
      )
    }
    usable.set(family, byPriority(left))
  }
  return usable
}

/** Of a pool that the interface has an address from: is it still of the interface's network. */
export async function networkRule(
  nic: string,
  { pod, agentNamespace, clusterNetwork, master }: SelectionContext,
): Promise<(pool: SpiderIPPool) => boolean> {
  const asker = {
    network: networkOf(pod, { nic }, { agentNamespace, clusterNetwork }),
    agentNamespace,
    master: await master?.(),
  }
  return pool => isOfNetwork(pool, asker)
}

/** Labels of node and Namespace, and the master's addresses, are read only where a pool or the conf asks for them. */
async function askerFor(
  { nic, place }: PoolRequest,
  pools: readonly SpiderIPPool[],
  selection: SelectionContext,
  store: Store,
): Promise<Omit<PodFacts, 'family'>> {
  const { pod, owner, agentNamespace } = selection
  const nodeName = pod.spec?.nodeName ?? ''
  const namespace = pod.metadata.namespace ?? ''
  const asksNode = nodeName !== '' && pools.some(({ spec }) => spec.nodeAffinity !== undefined)
  const asksNamespace = pools.some(({ spec }) => spec.namespaceAffinity !== undefined)
  return {
    nodeName,
    nodeLabels: asksNode ? await store.nodeLabels(nodeName) : {},
    namespace,
    namespaceLabels: asksNamespace ? (await store.namespace(namespace)).labels : {},
    podLabels: pod.metadata.labels ?? {},
    network: networkOf(pod, place === undefined ? { nic } : { place }, selection),
    owner,
    agentNamespace,
    master: await selection.master?.(),
  }
}
