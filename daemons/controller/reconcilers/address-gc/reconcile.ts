// Address GC: deletes the SpiderIPAddresses that decide.ts releases, after two observations and a
// live read.
import type { SpiderIPAddress } from '../../../../lib/crd/types.js'
import { objectNameOf } from '../../../../lib/ip/address.js'
import { isConflict, isNotFound } from '../../../../lib/kube/errors.js'
import { SPIDER_IPADDRESSES } from '../../../../lib/kube/kinds.js'
import { familyOf, type Counter, type Metrics } from '../../../../lib/metrics.js'
import { CONTROLLER_METRICS } from '../../metrics.js'
import { addressesOfOwner, addressesOfPod, fromCache, fromServer, type GcLookup } from './lookup.js'
import { limiter } from '../../runtime/limiter.js'
import { gcVerdict, SIGHTING_MS, type GcReason } from './decide.js'
import { ipsOfNode, stateOf } from './node.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcilerDeps } from '../deps.js'
import { BECAUSE, GcEvents } from './events.js'
import { keyOf } from '../../../runtime/lister.js'
import { ADDRESSES, CLUSTER_NODES, CLUSTER_PODS, ENDPOINTS, INSTANCES, MACHINES, SETS } from '../sources.js'

/**
 * Concurrent keys: as many as may wait for one batch of live reads. Deletes have a limit of their
 * own.
 */
const CONCURRENT_MAX = 2_000

interface Observation {
  readonly uid: string
  readonly why: GcReason
  readonly sinceMs: number
}

const NODES_WATCH = watchOf(
  CLUSTER_NODES,
  (node, cache) => [
    ...cache
      .of(ADDRESSES)
      .by('node', node.metadata.name)
      .map(({ metadata }) => metadata.name),
    ...ipsOfNode(node).map(objectNameOf), // which may be in quarantine
  ],
  ({ object, previous }) =>
    stateOf(object) === stateOf(previous) && ipsOfNode(object).join() === ipsOfNode(previous).join(),
)

const WATCHES: readonly Watch[] = [
  watchOf(ADDRESSES, ({ metadata }) => [metadata.name]),
  watchOf(CLUSTER_PODS, (pod, cache) => addressesOfPod(cache, keyOf(pod))),
  watchOf(ENDPOINTS, (endpoint, cache) => addressesOfPod(cache, keyOf(endpoint))),
  watchOf(SETS, (set, cache) => addressesOfOwner(cache, 'StatefulSet', keyOf(set))),
  watchOf(INSTANCES, (one, cache) => addressesOfOwner(cache, 'VirtualMachineInstance', keyOf(one))),
  watchOf(MACHINES, (one, cache) => addressesOfOwner(cache, 'VirtualMachineInstance', keyOf(one))),
  NODES_WATCH,
]

interface GcCounters {
  readonly freed: Counter
  readonly failed: Counter
  readonly byReason: Counter
}

/** Counters of released addresses and of failed deletes. */
function gcCounters(metrics: Metrics): GcCounters {
  const byReason = metrics.counter(familyOf(CONTROLLER_METRICS, 'spiderpool_controller_reclaimed_total'))
  for (const reason of Object.keys(BECAUSE)) byReason.add({ reason }, 0)
  return {
    freed: metrics.counter(familyOf(CONTROLLER_METRICS, 'spiderpool_ip_gc_counts_total')),
    failed: metrics.counter(familyOf(CONTROLLER_METRICS, 'spiderpool_ip_gc_failure_counts_total')),
    byReason,
  }
}

/** The reconciler of address GC. */
export function reclaim({ settings, conf, metrics }: ReconcilerDeps): Reconciler {
  const { reclaim: rules } = settings
  const features = { statefulSet: conf.enableStatefulSet, kubevirt: conf.enableKubevirtStaticIP }
  const heartbeats = rules.onReadyNodes !== rules.onNotReadyNodes
  const counters = gcCounters(metrics)
  const observations = new Map<string, Observation>()
  const limit = limiter(rules.workers)
  const reclaimed = new GcEvents()
  return {
    name: 'reclaim',
    needsLeadership: true,
    maxConcurrent: CONCURRENT_MAX,
    resyncMs: rules.resyncMs,
    watches: WATCHES,
    reset() {
      observations.clear()
      reclaimed.flush()
    },
    async reconcile(name, cache, context) {
      const address = cache.of(ADDRESSES).get(name)
      const lookup: GcLookup = { cache, features, heartbeats, nowMs: context.clock() }
      const verdict = address && gcVerdict(address, fromCache(address, lookup), rules)
      if (!verdict || verdict.kind === 'keep') return void observations.delete(name)
      const sinceMs = sinceOf(observations, address, verdict.why, context)
      const waitMs = sinceMs + verdict.graceMs - context.now()
      if (waitMs > 0) return { requeueAfterMs: waitMs }
      const confirmed = gcVerdict(address, await fromServer(address, lookup, { why: verdict.why, context }), rules)
      // The cache lags; requeue in case its watch event is lost.
      if (confirmed.kind === 'keep' || confirmed.why !== verdict.why) return { requeueAfterMs: SIGHTING_MS }
      if (sinceMs + confirmed.graceMs > context.now())
        return { requeueAfterMs: sinceMs + confirmed.graceMs - context.now() }
      counters.failed.add({ ippool: address.spec.pool }, 0) // increase() needs a first value
      if (!(await limit(() => free(address, counters.failed, context)))) return { requeueAfterMs: SIGHTING_MS }
      observations.delete(name)
      counters.freed.add({ ippool: address.spec.pool })
      counters.byReason.add({ reason: verdict.why })
      reclaimed.add(address, verdict.why, cache, context)
      return undefined
    },
  }
}

/** When the same reason was first observed for the same object. */
function sinceOf(
  observations: Map<string, Observation>,
  { metadata }: SpiderIPAddress,
  why: GcReason,
  { now }: ReconcileContext,
): number {
  const uid = metadata.uid ?? ''
  const before = observations.get(metadata.name)
  if (before?.uid === uid && before.why === why) return before.sinceMs
  const sinceMs = now()
  observations.set(metadata.name, { uid, why, sinceMs })
  return sinceMs
}

/** Deletes with preconditions. False where the object changed since it was cached. */
async function free(
  { metadata, spec }: SpiderIPAddress,
  failed: Counter,
  { kube }: ReconcileContext,
): Promise<boolean> {
  const { name, uid, resourceVersion } = metadata
  if (uid === undefined || resourceVersion === undefined) return false
  try {
    await kube.delete(SPIDER_IPADDRESSES, { name }, { uid, resourceVersion })
    return true
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return false
    failed.add({ ippool: spec.pool })
    throw error
  }
}
