// Nodes on which no agent runs, computed from the cache at each scrape.
import type { Pod } from '../../../lib/crd/types.js'
import { familyOf, type Metrics, type Sample } from '../../../lib/metrics.js'
import type { CacheReader } from '../../runtime/lister.js'
import { CONTROLLER_METRICS } from '../metrics.js'
import { stateOf, type ClusterNode } from './address-gc/node.js'
import { CLUSTER_NODES, CLUSTER_PODS } from './sources.js'

/** Where every agent is gone, the first ones tell it. */
const NODES_MAX = 100

/** Registers the gauge. */
export function agentGauge(metrics: Metrics, cache: CacheReader): void {
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_controller_nodes_without_agent'), () =>
    nodesWithout(cache.of(CLUSTER_PODS).by('agent', 'yes'), cache.of(CLUSTER_NODES).all()),
  )
}

/** One sample for each ready node without a running agent; none where there is no agent at all. */
export function nodesWithout(agents: readonly Pod[], nodes: Iterable<ClusterNode>): readonly Sample[] {
  if (agents.length === 0) return []
  const served = new Set(agents.filter(({ status }) => status?.phase === 'Running').map(({ spec }) => spec?.nodeName))
  const missing: Sample[] = []
  for (const node of nodes) {
    const { name, labels } = node.metadata
    if (served.has(name) || stateOf(node) !== 'ready') continue
    if ((labels?.['kubernetes.io/os'] ?? 'linux') !== 'linux') continue
    if (missing.push([1, { node: name }]) === NODES_MAX) break
  }
  return missing
}
