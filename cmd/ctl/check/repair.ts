// Repairs differences, one write each. Before a write its objects are read again, and the checker
// decides again: what a pod uses by then is never released.
import { differencesOf, withFresh, type FreshObjects } from '../../../lib/check/decide.js'
import { kindOf } from '../../../lib/check/kinds.js'
import { keyOf, type CheckDifference, type CheckRepair, type CheckState } from '../../../lib/check/state.js'
import type { Event, Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../lib/crd/types.js'
import { SPIDERPOOL_API } from '../../../lib/crd/names.js'
import { messageOf } from '../../../lib/errors.js'
import { deleteAllocation, unpublish } from '../../../lib/ipam/allocation/shared-pool.js'
import { eventOf } from '../../../lib/ipam/store/event.js'
import { kubeStore } from '../../../lib/ipam/store/kube.js'
import type { Store } from '../../../lib/ipam/store/store.js'
import type { Kube } from '../../../lib/kube/client.js'
import { isConflict, isNotFound } from '../../../lib/kube/errors.js'
import { PODS, SPIDER_ENDPOINTS, SPIDER_IPADDRESSES, SPIDER_IPPOOLS, type Kind } from '../../../lib/kube/kinds.js'
import type { Step } from '../../../lib/plan/step.js'
import type { Cluster } from '../cluster.js'

export interface RepairOutcome {
  readonly kind: CheckDifference['kind']
  readonly object: string
  /** `changed`: a fresh read shows another state, and nothing was written. */
  readonly outcome: 'repaired' | 'changed' | 'failed'
  /** Why it failed; '' otherwise. */
  readonly message: string
}

export interface RepairDeps {
  readonly cluster: Cluster
  readonly applyOnNode: (step: Step) => void
  /** True after a Ctrl-C: no further write begins. */
  readonly isInterrupted: () => boolean
  readonly onOutcome: (outcome: RepairOutcome) => void
}

const REASON = 'CheckRepaired'

/** Repairs what can be, in order; returns an outcome for each write that was begun. */
export async function repairAll(
  found: readonly CheckDifference[],
  state: CheckState,
  { cluster, applyOnNode, isInterrupted, onOutcome }: RepairDeps,
): Promise<readonly RepairOutcome[]> {
  const store = kubeStore(cluster.kube)
  const outcomes: RepairOutcome[] = []
  let known = state
  for (const difference of found) {
    if (difference.repair === undefined || isInterrupted()) continue
    const { kind, object } = difference
    let outcome: RepairOutcome = { kind, object, outcome: 'changed', message: '' }
    try {
      known = withFresh(known, await freshOf(difference, cluster))
      const again = differencesOf(known).find(one => one.kind === kind && one.object === object)
      if (again?.repair && (await apply(again.repair, { kube: cluster.kube, store, applyOnNode }))) {
        outcome = { ...outcome, outcome: 'repaired' }
        await store.recordEvent(eventFor(again, known))
        known = withFresh(known, await freshOf(again, cluster))
      }
    } catch (error) {
      outcome = { ...outcome, outcome: 'failed', message: messageOf(error) }
    }
    outcomes.push(outcome)
    onOutcome(outcome)
  }
  return outcomes
}

/** The objects of a difference, and the pod that the address names now. */
async function freshOf({ reads }: CheckDifference, cluster: Cluster): Promise<FreshObjects> {
  const get = <T>(kind: Kind, key: string | undefined): Promise<T | undefined> => {
    if (key === undefined || key.endsWith('/')) return Promise.resolve(undefined)
    const [namespace = '', name = ''] = key.includes('/') ? key.split('/') : ['', key]
    return cluster.find<T>(kind, { name, ...(kind.namespaced && { namespace }) })
  }
  const [address, record, pool] = await Promise.all([
    get<SpiderIPAddress>(SPIDER_IPADDRESSES, reads.address),
    get<SpiderEndpoint>(SPIDER_ENDPOINTS, reads.record ?? reads.pod),
    get<SpiderIPPool>(SPIDER_IPPOOLS, reads.pool),
  ])
  const holder = address && address.spec.pod.name !== '' ? keyOf(address.spec.pod) : undefined
  const keys = [...new Set([reads.pod, holder].flatMap(key => (key === undefined || key.endsWith('/') ? [] : [key])))]
  const pods = await Promise.all(keys.map(async key => [key, await get<Pod>(PODS, key)] as const))
  const recordKey = reads.record ?? reads.pod
  const named = <T>(key: string | undefined, object: T | undefined): Record<string, T | undefined> =>
    key === undefined || key.endsWith('/') ? {} : { [key.includes('/') ? key : `default/${key}`]: object }
  return {
    addresses: named(reads.address, address),
    pods: Object.fromEntries(pods),
    records: named(recordKey, record),
    pools: named(reads.pool, pool),
  }
}

interface ApplyDeps {
  readonly kube: Kube
  readonly store: Store
  readonly applyOnNode: (step: Step) => void
}

/** False where the object has changed since it was read. Every write has preconditions. */
async function apply(repair: CheckRepair, { kube, store, applyOnNode }: ApplyDeps): Promise<boolean> {
  switch (repair.verb) {
    case 'createAddress':
      return (await store.createAddress(repair.object)).kind === 'held'
    case 'replaceAddress':
      return (await store.updateAddress(repair.object)) !== undefined
    case 'deleteAddress':
      return deleteAllocation(repair.object, store)
    case 'createRecord':
      return (await store.createEndpoint(repair.object)) !== 'conflict'
    case 'replaceRecord':
      return (await store.replaceEndpoint(repair.object)) !== 'conflict'
    case 'deleteRecord':
      return store.deleteEndpoint(repair.object, { unchanged: true })
    case 'replacePool':
      return unlessChanged(kube.replace(SPIDER_IPPOOLS, repair.object))
    case 'replacePoolStatus':
      return unlessChanged(kube.replaceStatus(SPIDER_IPPOOLS, repair.object))
    case 'deleteEntry':
      await unpublish(repair.ip, { pool: repair.pool, uid: repair.uid }, store)
      return true
    case 'applyStep':
      applyOnNode(repair.step)
      return true
  }
}

async function unlessChanged(writing: Promise<unknown>): Promise<boolean> {
  try {
    await writing
    return true
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return false
    throw error
  }
}

/** On the pod of the difference, else on the object. */
function eventFor({ kind, object, what, reads }: CheckDifference, state: CheckState): Event {
  const address = state.addresses.find(({ metadata }) => metadata.name === reads.address)
  const [namespace = 'default', name = ''] = (reads.pod ?? '').split('/')
  const pod = state.pods.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
  const uid = pod?.metadata.uid ?? address?.spec.pod.uid ?? ''
  const message = `spiderpoolctl check: ${object}: ${what}; ${kindOf(kind).mend}`
  const event = eventOf({
    pod: { namespace: namespace || 'default', name: name || object.replace(/^.*\//, ''), uid },
    ...{ node: state.kernel?.node ?? '', reason: REASON, about: `${kind} ${object}`, message, now: Date.now() },
  })
  if (name !== '') return { ...event, type: 'Normal' }
  const isPool = object.startsWith('spiderippool/')
  const involvedObject = {
    apiVersion: isPool ? SPIDERPOOL_API : 'v1',
    kind: isPool ? 'SpiderIPPool' : 'Node',
    name: object.replace(/^.*\//, ''),
  }
  return { ...event, type: 'Normal', involvedObject }
}
