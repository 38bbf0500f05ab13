// Usable pools of each interface: reads the candidates and applies the filter rules. On a Store.
import { ANNOTATION_IPPOOL } from '../../crd/names.js'
import type { Pod, SpiderIPPool } from '../../crd/types.js'
import type { Family, Ip } from '../../ip/address.js'
import { byPriority, dropReason, isOfNetwork, type PodFacts } from './filter-rules.js'
import { isPattern, patternOf, PatternError } from './glob.js'
import type { Claimant } from '../allocation/claimant.js'
import { networkOf } from './multus-network.js'
import { familyOfPool } from '../../crd/family.js'
import type { Store } from '../store/store.js'
import { Refused, wrongInput } from '../errors.js'
import type { PoolSource, PoolRequest } from './sources.js'

export interface SelectionContext {
  readonly pod: Pod
  readonly owner: Claimant['owner']
  readonly agentNamespace: string
  readonly clusterNetwork: string
  readonly families: readonly Family[]
  /** Addresses of the master of the interface; only with match_master_subnet. */
  readonly master?: () => Promise<readonly Ip[] | { readonly unknown: string }>
}

/** The candidate pools of one interface. */
export interface CandidatePools {
  readonly request: PoolRequest
  readonly pools: ReadonlyMap<Family, readonly SpiderIPPool[]>
}

/** Reads every pool once in a call; lists all only for a pattern or the default pools. */
export class PoolReader {
  readonly #store: Store
  readonly #read = new Map<string, Promise<SpiderIPPool | undefined>>()
  #all: Promise<readonly SpiderIPPool[]> | undefined

  constructor(store: Store) {
    this.#store = store
  }
  all(): Promise<readonly SpiderIPPool[]> {
    this.#all ??= this.#store.pools()
    return this.#all
  }
  /** Starts reading in advance; `named` reports errors. */
  expect(names: readonly string[]): void {
    for (const name of names) if (!isPattern(name)) this.named(name).catch(() => undefined)
  }
  named(name: string): Promise<SpiderIPPool | undefined> {
    const reading = this.#read.get(name) ?? this.#store.pool(name)
    this.#read.set(name, reading)
    return reading
  }
}

/**
 * The pools that the source names.
 * @throws Refused `wrongInput` for a missing pool, a bad pattern, a duplicate; `noPool` for none
 */
export function namedPools(
  source: PoolSource,
  families: readonly Family[],
  reader: PoolReader,
): Promise<readonly CandidatePools[]> {
  for (const { names } of source.requests)
    for (const [family, own] of names) if (families.includes(family)) reader.expect(own) // both families at once
  return Promise.all(
    source.requests.map(async request => {
      const pools = new Map<Family, readonly SpiderIPPool[]>()
      for (const [family, names] of request.names)
        if (families.includes(family)) pools.set(family, await expanded({ names, family, from: source.from }, reader))
      if (pools.size === 0) throw namesNone(source, request, families)
      return { request, pools }
    }),
  )
}

/** The source names no pool, or only pools of a disabled family. */
function namesNone({ from, says, example }: PoolSource, request: PoolRequest, families: readonly Family[]): Refused {
  const off = [...request.names.keys()].filter(family => !families.includes(family))
  const but = off.map(family => `IPv${family}, which is off (enableIPv${family} of the CNI conf)`).join(' and ')
  const why = but === '' ? `; write ${example}` : `: it has only ${but}`
  return new Refused(
    'noPool',
    `no IPPool available: ${from} names no pool for ${interfaceOf(request)}: it is ${says}${why}`,
  )
}

const interfaceOf = ({ nic, index }: PoolRequest): string =>
  index === undefined ? nic : `interface ${index} of the pod`

interface Expanding {
  readonly names: readonly string[]
  readonly family: Family
  readonly from: string
}

/** Names in order; a pattern expands to the matching pools of the family, sorted by name. */
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

/**
 * The pools with spec.default, where no source names any.
 * @throws Refused `noPool`
 */
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

/** A candidate pool, and the reason of the rule that dropped it. */
export interface JudgedPool {
  readonly pool: SpiderIPPool
  readonly why: string | undefined
}

/** Every candidate pool with its verdict, in the order in which they are named. */
export async function judgedPools(
  { request, pools }: CandidatePools,
  selection: SelectionContext,
  store: Store,
): Promise<ReadonlyMap<Family, readonly JudgedPool[]>> {
  const facts = await readFacts(request, [...pools.values()].flat(), selection, store)
  const judge = (candidates: readonly SpiderIPPool[], family: Family): readonly JudgedPool[] =>
    candidates.map(pool => ({ pool, why: dropReason(pool, { ...facts, family }) }))
  return new Map([...pools].map(([family, candidates]) => [family, judge(candidates, family)]))
}

/**
 * The candidate pools that the pod may use, in order of priority.
 * @throws Refused `noPool` where a family has none
 */
export async function usablePools(
  candidates: CandidatePools,
  from: string,
  selection: SelectionContext,
  store: Store,
): Promise<ReadonlyMap<Family, readonly SpiderIPPool[]>> {
  const { request } = candidates
  const usable = new Map<Family, readonly SpiderIPPool[]>()
  for (const [family, reasons] of await judgedPools(candidates, selection, store)) {
    const left = reasons.filter(({ why }) => why === undefined).map(({ pool }) => pool)
    if (left.length === 0) {
      const dropped = reasons.map(({ pool, why }) => `${pool.metadata.name} ${why}`).join('; ')
      throw new Refused(
        'noPool',
        `no IPPool available for IPv${family} of ${interfaceOf(request)} from ${from}: ${dropped}`,
      )
    }
    usable.set(family, byPriority(left))
  }
  return usable
}

/** A predicate: is a pool for the network that the interface is in? */
export async function networkRule(
  nic: string,
  { pod, agentNamespace, clusterNetwork, master }: SelectionContext,
): Promise<(pool: SpiderIPPool) => boolean> {
  const facts = {
    network: networkOf(pod, { nic }, { agentNamespace, clusterNetwork }),
    agentNamespace,
    master: await master?.(),
  }
  return pool => isOfNetwork(pool, facts)
}

/**
 * Labels of node and Namespace, and the master's addresses, are read only where they are needed.
 */
async function readFacts(
  { nic, index }: PoolRequest,
  pools: readonly SpiderIPPool[],
  selection: SelectionContext,
  store: Store,
): Promise<Omit<PodFacts, 'family'>> {
  const { pod, owner, agentNamespace } = selection
  const nodeName = pod.spec?.nodeName ?? ''
  const namespace = pod.metadata.namespace ?? ''
  const needsNode = nodeName !== '' && pools.some(({ spec }) => spec.nodeAffinity !== undefined)
  const needsNamespace = pools.some(({ spec }) => spec.namespaceAffinity !== undefined)
  return {
    nodeName,
    nodeLabels: needsNode ? await store.nodeLabels(nodeName) : {},
    namespace,
    namespaceLabels: needsNamespace ? (await store.namespace(namespace)).labels : {},
    podLabels: pod.metadata.labels ?? {},
    network: networkOf(pod, index === undefined ? { nic } : { index }, selection),
    owner,
    agentNamespace,
    master: await selection.master?.(),
  }
}
