// The gauge of SpiderCoordinators, computed from the cache at each scrape.
import { familyOf, type Metrics } from '../../../../lib/metrics.js'
import type { CacheReader } from '../../../runtime/lister.js'
import { CONTROLLER_METRICS } from '../../metrics.js'
import { COORDINATORS } from './reconcile.js'

/** Registers the gauge. A SpiderCoordinator without a phase is not the cluster's, or is new. */
export function coordinatorGauge(metrics: Metrics, cache: CacheReader): void {
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_coordinator_ready'), () =>
    [...cache.of(COORDINATORS).all()].flatMap(({ metadata, status }) =>
      status?.phase === undefined
        ? []
        : [[status.phase === 'Synced' ? 1 : 0, { spidercoordinator: metadata.name }] as const],
    ),
  )
}
