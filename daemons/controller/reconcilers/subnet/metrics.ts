// Gauges of SpiderSubnets under Spiderpool's names, computed from the cache at each scrape.
import type { SpiderSubnet } from '../../../../lib/crd/types.js'
import { familyOf, type Metrics } from '../../../../lib/metrics.js'
import { CONTROLLER_METRICS } from '../../metrics.js'
import type { CacheReader } from '../../../runtime/lister.js'
import { POOLS } from '../sources.js'
import { SUBNETS } from './reconcile.js'
import { controllerOf } from '../application/decide.js'

const SUBNET_LABEL = 'subnet'

/** Registers the gauges. */
export function subnetGauges(metrics: Metrics, cache: CacheReader): void {
  const subnets = cache.of(SUBNETS)
  const each = (value: (subnet: SpiderSubnet) => number) => () =>
    [...subnets.all()].map(subnet => [value(subnet), { [SUBNET_LABEL]: subnet.metadata.name }] as const)
  const totalOf = ({ status }: SpiderSubnet): number => status?.totalIPCount ?? 0
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_total_subnet_counts'), () => [[subnets.size]])
  metrics.gauge(
    familyOf(CONTROLLER_METRICS, 'spiderpool_debug_subnet_ippool_counts'),
    each(({ metadata, spec }) => {
      const pools = cache.of(POOLS).by('cidr', spec.subnet)
      return pools.filter(pool => controllerOf(pool.metadata)?.uid === metadata.uid).length
    }),
  )
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_debug_subnet_total_ip_counts'), each(totalOf))
  metrics.gauge(
    familyOf(CONTROLLER_METRICS, 'spiderpool_debug_subnet_available_ip_counts'),
    each(subnet => Math.max(0, totalOf(subnet) - (subnet.status?.allocatedIPCount ?? 0))),
  )
}
