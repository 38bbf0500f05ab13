// Filter rules: which candidate pools a pod may use, and the reason where it may not. Pure.
import { LABEL_APPLICATION_NAME } from '../../crd/names.js'
import type { LabelSelector, SpiderIPPool } from '../../crd/types.js'
import type { Family, Ip } from '../../ip/address.js'
import { containsIp, networkOf, parsePrefix } from '../../ip/cidr.js'
import type { Claimant } from '../allocation/claimant.js'
import { selects } from './label-selector.js'
import { familyOfPool } from '../../crd/family.js'
import type { Labels } from '../store/store.js'

/**
 * Input of the rules. `network` is used for multusName only, and has the reason if it is unknown.
 */
export interface PodFacts {
  readonly family: Family
  readonly nodeName: string
  readonly nodeLabels: Labels
  readonly namespace: string
  readonly namespaceLabels: Labels
  readonly podLabels: Labels
  readonly network: { readonly name: string } | { readonly unknown: string }
  readonly owner: Claimant['owner']
  /** Addresses of the master of the interface; only with match_master_subnet. */
  readonly master: readonly Ip[] | { readonly unknown: string } | undefined
  /** Namespace of a multusName without one. */
  readonly agentNamespace: string
}

/** A string drops the pool; ACCEPT skips the remaining rules. */
type Rule = (pool: SpiderIPPool, facts: PodFacts) => string | typeof ACCEPT | undefined

const ACCEPT = Symbol('accept')

const listed = (names: readonly string[] | undefined): boolean => names !== undefined && names.length > 0

/** The first rule that returns a reason drops the pool; users see the order in a refusal. */
const RULES: readonly Rule[] = [
  ({ metadata }) => (metadata.deletionTimestamp === undefined ? undefined : 'is being deleted'),
  ({ spec }) => (spec.disable === true ? 'is disabled (spec.disable)' : undefined),
  (pool, { family }) => {
    const own = familyOfPool(pool)
    return own === family ? undefined : `is IPv${own ?? `? (spec.ipVersion ${pool.spec.ipVersion})`}, not IPv${family}`
  },
  ({ spec }, facts) => {
    if (listed(spec.nodeName))
      return spec.nodeName?.includes(facts.nodeName)
        ? undefined
        : `is for other nodes (spec.nodeName ${list(spec.nodeName)}), not ${facts.nodeName || '(none)'}`
    return affinity(spec.nodeAffinity, facts.nodeLabels, `node ${facts.nodeName} (spec.nodeAffinity)`)
  },
  ({ spec }, facts) => {
    if (listed(spec.namespaceName))
      return spec.namespaceName?.includes(facts.namespace)
        ? undefined
        : `is for other namespaces (spec.namespaceName ${list(spec.namespaceName)}), not ${facts.namespace}`
    return affinity(
      spec.namespaceAffinity,
      facts.namespaceLabels,
      `namespace ${facts.namespace} (spec.namespaceAffinity)`,
    )
  },
  pods,
  multus,
  masterSubnet,
]

const list = (names: readonly string[] | undefined): string => (names ?? []).join(', ')

const affinity = (selector: LabelSelector | undefined, labels: Labels, what: string): string | undefined =>
  selector === undefined || selects(selector, labels) ? undefined : `does not match ${what}`

/** Labels of a pool created for an application are compared with the pod's top controller. */
function pods({ metadata, spec }: SpiderIPPool, { podLabels, owner, namespace }: PodFacts): ReturnType<Rule> {
  if (metadata.labels?.[LABEL_APPLICATION_NAME] === undefined)
    return affinity(spec.podAffinity, podLabels, 'the labels of the pod (spec.podAffinity)')
  const [group = '', version = ''] = owner.apiVersion.includes('/')
    ? owner.apiVersion.split('/')
    : ['', owner.apiVersion]
  const own: Readonly<Record<string, string>> = {
    'ipam.spidernet.io/app-api-group': group,
    'ipam.spidernet.io/app-api-version': version,
    'ipam.spidernet.io/app-kind': owner.kind,
    'ipam.spidernet.io/app-namespace': namespace,
    'ipam.spidernet.io/app-name': owner.name,
  }
  const wanted = spec.podAffinity?.matchLabels ?? {}
  const isSame = Object.keys(own).every(key => wanted[key] === own[key])
  return isSame ? ACCEPT : `was made for another application (${Object.values(wanted).filter(Boolean).join(' ')})`
}

function multus(
  { spec }: SpiderIPPool,
  { network, agentNamespace }: Pick<PodFacts, 'network' | 'agentNamespace'>,
): ReturnType<Rule> {
  const wanted = spec.multusName ?? []
  if (wanted.length === 0) return undefined
  if ('unknown' in network) return `is for network ${list(wanted)} (spec.multusName), and ${network.unknown}`
  const full = wanted.map(name => (name.includes('/') ? name : `${agentNamespace}/${name}`))
  return full.includes(network.name) ? ACCEPT : `is for network ${list(full)} (spec.multusName), not ${network.name}`
}

function masterSubnet({ spec }: SpiderIPPool, { master }: Pick<PodFacts, 'master'>): ReturnType<Rule> {
  if (master === undefined) return undefined
  if ('unknown' in master) return `is to match the master's subnet (match_master_subnet), and ${master.unknown}`
  const prefix = parsePrefix(spec.subnet)
  const isInside = prefix !== undefined && master.some(ip => containsIp(networkOf(prefix), ip))
  return isInside
    ? undefined
    : `has subnet ${spec.subnet}, and the master has ${list(master) || 'no address'} (match_master_subnet)`
}

/**
 * False where the pool is for another network than the interface is in; true where that is unknown.
 */
export function isOfNetwork(
  pool: SpiderIPPool,
  facts: Pick<PodFacts, 'network' | 'agentNamespace' | 'master'>,
): boolean {
  const { network, master } = facts
  if (!('unknown' in network) && typeof multus(pool, facts) === 'string') return false
  return master === undefined || 'unknown' in master || masterSubnet(pool, facts) === undefined
}

/** Why a pool is dropped; `undefined` where the pod may use it. */
export function dropReason(pool: SpiderIPPool, facts: PodFacts): string | undefined {
  for (const rule of RULES) {
    const verdict = rule(pool, facts)
    if (verdict === ACCEPT) return undefined
    if (verdict !== undefined) return verdict
  }
  return undefined
}

const SET_FIELDS = [
  'podAffinity',
  'nodeName',
  'nodeAffinity',
  'namespaceName',
  'namespaceAffinity',
  'multusName',
] as const

/** Pools with affinities precede those without; otherwise the user's order stays (stable sort). */
export function byPriority(pools: readonly SpiderIPPool[]): SpiderIPPool[] {
  const isSet = (pool: SpiderIPPool, field: (typeof SET_FIELDS)[number]): boolean => {
    const value = pool.spec[field]
    return Array.isArray(value) ? value.length > 0 : value !== undefined
  }
  return [...pools].sort((a, b) => {
    const field = SET_FIELDS.find(name => isSet(a, name) !== isSet(b, name))
    if (field === undefined) return 0
    return isSet(a, field) ? -1 : 1
  })
}
