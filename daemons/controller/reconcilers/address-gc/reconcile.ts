// Frees the addresses of pods that are gone or at their end. Performs what reconcile/fate.ts decides: seen twice, read anew, one delete each.
import type { SpiderIPAddress } from '../../../../lib/crd/types.js'
import { isConflict, isNotFound } from '../../../../lib/kube/errors.js'
import { SPIDER_IPADDRESSES } from '../../../../lib/kube/kinds.js'
import type { Counter, Metrics } from '../../../../lib/metrics.js'
import { addressesOfOwner, addressesOfPod, fromCache, fromServer, type GcLookup } from './context.js'
import { limiter } from '../../runtime/limiter.js'
import { gcVerdict, SIGHTING_MS, type GcReason } from './decide.js'
import { stateOf } from './node.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcilerDeps } from '../deps.js'
import { GcEvents } from './events.js'
import { keyOf } from '../../runtime/lister.js'
import { ADDRESSES, CLUSTER_NODES, CLUSTER_PODS, ENDPOINTS, INSTANCES, MACHINES, SETS } from '../sources.js'

/** Keys at work: as many as wait for one list of fresh reads. The deletes have a limit of their own. */
const WORKERS = 2_000

interface Sighting {
  readonly uid: string
  readonly why: GcReason
  readonly sinceMs: number
}

const sameNode = watchOf(
  CLUSTER_NODES,
  (node, cache) =>
    cache
      .of(ADDRESSES)
      .by('node', node.metadata.name)
      .map(({ metadata }) => metadata.name),
  ({ object, previous }) => stateOf(object) === stateOf(previous),
)

const WATCHES: readonly Watch[] = [
  watchOf(ADDRESSES, ({ metadata }) => [metadata.name]),
  watchOf(CLUSTER_PODS, (pod, cache) => addressesOfPod(cache, keyOf(pod))),
  watchOf(ENDPOINTS, (endpoint, cache) => addressesOfPod(cache, keyOf(endpoint))),
  watchOf(SETS, (set, cache) => addressesOfOwner(cache, 'StatefulSet', keyOf(set))),
  watchOf(INSTANCES, (one, cache) => addressesOfOwner(cache, 'VirtualMachineInstance', keyOf(one))),
  watchOf(MACHINES, (one, cache) => addressesOfOwner(cache, 'VirtualMachineInstance', keyOf(one))),
  sameNode,
]

export function gcCounters(metrics: Metrics): { readonly freed: Counter; readonly failed: Counter } {
  const counter = (name: string, help: string): Counter => metrics.counter({ name, help, alias: `${name}_total` })
  return {
    freed: counter('spiderpool_ip_gc_counts', 'Addresses reclaimed from pods that are gone or ended'),
    failed: counter('spiderpool_ip_gc_failure_counts', 'Addresses that could not be reclaimed, each try'),
  }
}

export function reclaim({ settings, conf, metrics }: ReconcilerDeps): Reconciler {
  const { reclaim: rules } = settings
  const features = { statefulSet: conf.enableStatefulSet, kubevirt: conf.enableKubevirtStaticIP }
  const heartbeats = rules.onReadyNodes !== rules.onNotReadyNodes
  const counters = gcCounters(metrics)
  const sightings = new Map<string, Sighting>()
  const limit = limiter(rules.workers)
  const reclaimed = new GcEvents()
  return {
    name: 'reclaim',
    needsLeadership: true,
    maxConcurrent: WORKERS,
    resyncMs: rules.resyncMs,
    watches: WATCHES,
    reset() {
      sightings.clear()
      reclaimed.flush()
    },
    async reconcile(name, cache, context) {
      const address = cache.of(ADDRESSES).get(name)
      const looking: GcLookup = { cache, features, heartbeats, nowMs: context.clock() }
      const fate = address && gcVerdict(address, fromCache(address, looking), rules)
      if (!fate || fate.kind === 'keep') return void sightings.delete(name)
      const sinceMs = sinceOf(sightings, address, fate.why, context)
      const waitMs = sinceMs + fate.graceMs - context.now()
      if (waitMs > 0) return { requeueAfterMs: waitMs }
      const anew = gcVerdict(address, await fromServer(address, looking, { why: fate.why, context }), rules)
      // The cache was late. It will be told, and in case it is not, it is asked.
      if (anew.kind === 'keep' || anew.why !== fate.why) return { requeueAfterMs: SIGHTING_MS }
      if (sinceMs + anew.graceMs > context.now()) return { requeueAfterMs: sinceMs + anew.graceMs - context.now() }
      if (!(await limit(() => free(address, counters.failed, context)))) return { requeueAfterMs: SIGHTING_MS }
      sightings.delete(name)
      counters.freed.add({ ippool: address.spec.pool })
      reclaimed.add(address, fate.why, cache, context)
      return undefined
    },
  }
}

/** When the same reason was first seen for the same object. */
function sinceOf(
  sightings: Map<string, Sighting>,
  { metadata }: SpiderIPAddress,
  why: GcReason,
  { now }: ReconcileContext,
): number {
  const uid = metadata.uid ?? ''
  const before = sightings.get(metadata.name)
  if (before?.uid === uid && before.why === why) return before.sinceMs
  const sinceMs = now()
  sightings.set(metadata.name, { uid, why, sinceMs })
  return sinceMs
}

/** One request. False where the object changed since the cache saw it: then nothing is deleted. */
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
