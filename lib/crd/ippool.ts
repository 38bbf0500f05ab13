// Defaults and validation of a SpiderIPPool. Pure; ranges are intervals, so a /48 costs no more.
import { familyOf, toBigint, type Family, type Ip } from '../ip/address.js'
import { intervalOfPrefix, parsePrefix } from '../ip/cidr.js'
import { formatRanges, includes, subtract, type Ranges } from '../ip/range.js'
import {
  BOTH_FAMILIES,
  cidrLabel,
  completed,
  effectiveOf,
  listFaults,
  subnetFaults,
  unusableFaults,
  nexthopFaults,
  type Families,
} from './addressing.js'
import { controlledBy } from './controlled.js'
import { CANNOT_CHANGE_ANY_MORE, exists, forbidden, invalid, isOtherSpec, type Fault } from './fault.js'
import {
  FINALIZER,
  LABEL_APPLICATION_NAME,
  LABEL_OWNER_SUBNET,
  LABEL_POOL_CIDR,
  SELECTORS_OF_APPLICATION,
  SPIDERPOOL_API,
} from './names.js'
import { isLabel, isSubdomain, selectorFaults, termFaults } from './selector.js'
import type { OwnerReference, SpiderIPPool, SpiderSubnet } from './types.js'
import { clashesOf } from './unique.js'

export { cidrLabel }

/** The pool with finalizer, CIDR label, family, and its ranges merged and sorted. */
export function defaultPool(pool: SpiderIPPool): SpiderIPPool {
  if (pool.metadata.deletionTimestamp !== undefined) return pool
  const { finalizers = [], labels = {} } = pool.metadata
  return {
    ...pool,
    metadata: {
      ...pool.metadata,
      finalizers: finalizers.includes(FINALIZER) ? finalizers : [...finalizers, FINALIZER],
      ...(parsePrefix(pool.spec.subnet) && { labels: { ...labels, [LABEL_POOL_CIDR]: cidrLabel(pool.spec.subnet) } }),
    },
    spec: completed(pool.spec),
  }
}

/** The owner reference of the SpiderSubnet that controls the pool. */
export const controllerOf = ({ ownerReferences = [] }: SpiderIPPool['metadata']): OwnerReference | undefined =>
  ownerReferences.find(({ controller, kind }) => controller === true && kind === 'SpiderSubnet')

/** Whether owner reference and label name the same SpiderSubnet. */
export const hasOwner = ({ metadata }: SpiderIPPool): boolean => {
  const owner = controllerOf(metadata)
  return owner !== undefined && metadata.labels?.[LABEL_OWNER_SUBNET] === owner.name
}

/**
 * The pool owned by the SpiderSubnet of its CIDR, with that one's gateway and routes where the
 * fields are absent; an empty list is not absent.
 */
export function inheritSubnet(pool: SpiderIPPool, subnets: readonly SpiderSubnet[]): SpiderIPPool {
  const { metadata, spec } = pool
  if (metadata.deletionTimestamp !== undefined || hasOwner(pool)) return pool
  const subnet = subnets.find(one => one.spec.subnet === spec.subnet && one.metadata.deletionTimestamp === undefined)
  if (!subnet) return pool
  const { name, uid = '' } = subnet.metadata
  const owner = {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderSubnet',
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }
  const others = (metadata.ownerReferences ?? []).filter(({ controller }) => controller !== true)
  const { gateway = subnet.spec.gateway, routes = subnet.spec.routes } = spec
  return {
    ...pool,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [LABEL_OWNER_SUBNET]: name },
      ownerReferences: [...others, owner],
    },
    spec: { ...spec, ...(gateway !== undefined && { gateway }), ...(routes && { routes }) },
  }
}

export interface PoolContext {
  /** The pool before this write; `undefined` at creation. */
  readonly old: SpiderIPPool | undefined
  /** All pools; may include this one. */
  readonly others: readonly SpiderIPPool[]
  /** Allocated addresses of this pool. */
  readonly allocated: readonly { readonly ip: Ip; readonly pod: string }[]
  /** The SpiderSubnet that controls it; `undefined` without one or without enableSpiderSubnet. */
  readonly subnet?: SpiderSubnet | undefined
  readonly families?: Families
}

/** All faults of the pool to be written; empty where it is accepted. */
export function validatePool(pool: SpiderIPPool, context: PoolContext): readonly Fault[] {
  const { metadata, spec } = pool
  const { old, others } = context
  if (old?.metadata.deletionTimestamp !== undefined) {
    const isHeld = metadata.finalizers?.includes(FINALIZER) === true
    return isHeld && isOtherSpec(spec, old.spec) ? [forbidden('spec', spec, CANNOT_CHANGE_ANY_MORE)] : []
  }
  const early = subnetFaults(spec, old?.spec, context.families ?? BOTH_FAMILIES, 'pool')
  if (early.length > 0) return early
  if (!old && others.some(other => other.metadata.name === metadata.name)) return [exists(metadata.name)]
  const clashes = others.map(clashesOf(pool)).filter(fault => fault !== undefined)
  const [subnetClash] = clashes.filter(({ kind }) => kind === 'invalid')
  if (!old && subnetClash) return [subnetClash]
  return specFaults(
    pool,
    context,
    clashes.filter(({ kind }) => kind === 'forbidden'),
  )
}

/** Faults of a pool whose subnet is valid. `clashes`: faults of addresses in other pools. */
function specFaults(
  pool: SpiderIPPool,
  { old, allocated, subnet }: PoolContext,
  clashes: readonly Fault[],
): readonly Fault[] {
  const { spec } = pool
  const prefix = parsePrefix(spec.subnet)
  if (!prefix) return []
  const family = familyOf(prefix.ip)
  const unread = listFaults(spec, family, intervalOfPrefix(prefix))
  if (unread.length > 0) return unread
  const effective = effectiveOf(spec, family)
  const held = allocated.filter(({ ip }) => familyOf(ip) !== family || !includes(effective, toBigint(ip)))
  const reason = 'it must stay in the pool until it is released'
  return [
    ...clashes,
    ...unusableFaults(spec, old?.spec, prefix),
    ...nexthopFaults(spec, old?.spec, prefix),
    ...affinityFaults(pool, old),
    ...(subnet ? ownerFaults(pool, subnet, effective, family) : []),
    ...held.map(({ ip, pod }) => forbidden('spec.ips', spec.ips, `${ip} is allocated to pod ${pod}; ${reason}`)),
  ]
}

/**
 * Faults of addresses outside the SpiderSubnet. The ranges of an auto-created pool must equal the
 * subnet's status, since only the controller changes them.
 */
function ownerFaults(
  { metadata, spec }: SpiderIPPool,
  subnet: SpiderSubnet,
  effective: Ranges,
  family: Family,
): readonly Fault[] {
  const { name } = subnet.metadata
  const outside = subtract(effective, effectiveOf(subnet.spec, family))
  if (outside.length > 0) {
    const texts = formatRanges(outside, family).join(', ')
    return [forbidden('spec.ips', spec.ips, `SpiderSubnet ${name}, which the pool belongs to, does not have ${texts}`)]
  }
  if (effective.length === 0 || metadata.labels?.[LABEL_APPLICATION_NAME] === undefined) return []
  const given = controlledBy(subnet.status?.controlledIPPools, metadata.name, family)
  const isGiven = subtract(effective, given).length === 0 && subtract(given, effective).length === 0
  const has = formatRanges(given, family).join(', ')
  const reason = `the pool is of an application: SpiderSubnet ${name} gave it ${has === '' ? 'nothing' : has}, which only the controller changes`
  return isGiven ? [] : [forbidden('spec.ips', spec.ips, reason)]
}

/** Why a pool in use may not be deleted, where conf.yml protects such pools. */
export const poolDeletionFaults = ({ metadata, status }: SpiderIPPool): readonly Fault[] => {
  const count = status?.allocatedIPCount ?? 0
  const reason = `${count} addresses of SpiderIPPool ${metadata.name} are allocated; delete their pods first`
  return count > 0 ? [forbidden('status.allocatedIPCount', count, reason)] : []
}

/** Faults of affinities and name lists that are new. */
function affinityFaults(pool: SpiderIPPool, old: SpiderIPPool | undefined): readonly Fault[] {
  const { spec } = pool
  const isNew = (key: (typeof SELECTORS)[number] | keyof typeof ENTRIES): boolean =>
    JSON.stringify(spec[key]) !== JSON.stringify(old?.spec[key])
  const lists = Object.entries(ENTRIES).flatMap(([key, { isOne, why }]) => {
    const field = key as keyof typeof ENTRIES // Object.entries forgets which keys there are
    if (!isNew(field)) return []
    return (spec[field] ?? []).flatMap((name, at) => (isOne(name) ? [] : [invalid(`spec.${key}[${at}]`, name, why)]))
  })
  const selectors = SELECTORS.flatMap(key => {
    const selector = spec[key]
    return selector === undefined || !isNew(key) ? [] : termFaults(`spec.${key}`, selector)
  })
  return [...podAffinityFaults(pool), ...selectors, ...lists]
}

/** May be without a term, unlike spec.podAffinity. */
const SELECTORS = ['namespaceAffinity', 'nodeAffinity'] as const

const ENTRIES = {
  nodeName: { isOne: isSubdomain, why: 'it must be the name of a node such as node-1' },
  namespaceName: { isOne: isLabel, why: 'it must be the name of a Namespace such as default' },
  multusName: {
    isOne: isNetworkName,
    why: 'it must be the name of a NetworkAttachmentDefinition: name, or namespace/name',
  },
} as const

function isNetworkName(text: string): boolean {
  const [name = '', namespace, ...more] = text.split('/').reverse()
  return more.length === 0 && isSubdomain(name) && (namespace === undefined || isLabel(namespace))
}

/** An auto-created pool selects by the labels of its application, not by those of pods. */
function podAffinityFaults({ metadata, spec }: SpiderIPPool): readonly Fault[] {
  const { podAffinity } = spec
  if (podAffinity === undefined) return []
  if (metadata.labels?.[LABEL_APPLICATION_NAME] === undefined) return selectorFaults('spec.podAffinity', podAffinity)
  const keys = Object.keys(podAffinity.matchLabels ?? {})
  const isOwn =
    (podAffinity.matchExpressions ?? []).length === 0 && keys.every(key => SELECTORS_OF_APPLICATION.includes(key))
  const reason = `the pool is of an application: only matchLabels ${SELECTORS_OF_APPLICATION.join(', ')} are possible`
  return isOwn ? [] : [invalid('spec.podAffinity', podAffinity, reason)]
}
