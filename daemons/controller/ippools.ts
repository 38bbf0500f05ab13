// SpiderIPPools: their counts and finalizers, kept true from the address objects. Performs what reconcile/ippool.ts decides.
import { FINALIZER } from '../../lib/crd/names.js'
import type { SpiderIPPool } from '../../lib/crd/types.js'
import { IPAM_LABEL_POOL_UID } from '../../lib/crd/names.js'
import { SPIDER_IPPOOLS } from '../../lib/kube/kinds.js'
import type { Metrics } from '../../lib/metrics.js'
import type { Outcome } from './queue.js'
import { poolFinalizers, poolStatus, sizeOfPool } from './reconcile/ippool.js'
import { watchOf, type Hands, type Reconciler } from './reconciler.js'
import type { Making } from './reconcilers.js'
import type { View } from './source.js'
import { ADDRESSES, POOLS } from './sources.js'

/** Of a pool's status: a burst of a thousand pods is a few writes. */
const WRITE_EVERY_MS = 1_000

export function ippools(_: Making): Reconciler {
  const writtenMs = new Map<string, number>()
  return {
    name: 'ippool',
    runs: 'leader',
    workers: 8,
    watches: [
      watchOf(POOLS, ({ metadata }) => [metadata.name]),
      watchOf(ADDRESSES, ({ metadata }, view) =>
        view
          .of(POOLS)
          .by('uid', metadata.labels?.[IPAM_LABEL_POOL_UID] ?? '')
          .map(pool => pool.metadata.name),
      ),
    ],
    reset: () => writtenMs.clear(),
    async reconcile(name, view, hands) {
      const pool = view.of(POOLS).get(name)
      if (!pool) return void writtenMs.delete(name)
      const waitMs = (writtenMs.get(name) ?? -Infinity) + WRITE_EVERY_MS - hands.now()
      if (waitMs > 0) return { againMs: waitMs }
      const allocated = view.of(ADDRESSES).count('poolUid', pool.metadata.uid ?? '')
      if (await settle(pool, allocated, hands)) writtenMs.set(name, hands.now())
      return undefined
    },
  }
}

/** True where something was written. Compare-and-swap: a pool that is newer than the cache answers 409 and comes again. */
async function settle(pool: SpiderIPPool, allocated: number, { kube }: Hands): Promise<boolean> {
  const { name, resourceVersion } = pool.metadata
  const status = poolStatus(pool, allocated)
  const { totalIPCount = 0 } = status
  const hasNews = totalIPCount !== pool.status?.totalIPCount || status.allocatedIPCount !== pool.status.allocatedIPCount
  let version = resourceVersion
  if (hasNews) {
    const counts = { totalIPCount: BigInt(totalIPCount), allocatedIPCount: status.allocatedIPCount }
    const body = { metadata: { resourceVersion: version }, status: counts }
    const written = await kube.patch<SpiderIPPool>(SPIDER_IPPOOLS, { name }, body, 'merge', { subresource: 'status' })
    version = written.metadata.resourceVersion
  }
  const finalizers = poolFinalizers(pool, allocated)
  const isSame = finalizers.includes(FINALIZER) === (pool.metadata.finalizers?.includes(FINALIZER) ?? false)
  if (!isSame)
    await kube.patch(SPIDER_IPPOOLS, { name }, { metadata: { resourceVersion: version, finalizers } }, 'merge')
  return hasNews || !isSame
}

const POOL_LABEL = 'ippool'

/** Gauges, under the names that Spiderpool's documents give; read from the cache whenever somebody asks. */
export function poolGauges(metrics: Metrics, view: View): void {
  const pools = view.of(POOLS)
  const held = (pool: SpiderIPPool): number => view.of(ADDRESSES).count('poolUid', pool.metadata.uid ?? '')
  const each = (value: (pool: SpiderIPPool) => number) => () =>
    [...pools.all()].map(pool => [value(pool), { [POOL_LABEL]: pool.metadata.name }] as const)
  metrics.gauge({ name: 'spiderpool_total_ippool_counts', help: 'SpiderIPPools' }, () => [[pools.size]])
  metrics.gauge(
    { name: 'spiderpool_debug_ippool_total_ip_counts', help: 'Addresses that a pool can give' },
    each(pool => Number(sizeOfPool(pool))),
  )
  metrics.gauge(
    { name: 'spiderpool_debug_ippool_available_ip_counts', help: 'Addresses of a pool that nobody holds' },
    each(pool => Math.max(0, Number(sizeOfPool(pool)) - held(pool))),
  )
  metrics.gauge(
    { name: 'spiderpool_ippool_allocated_ip_counts', help: 'Addresses of a pool that somebody holds' },
    each(held),
  )
}
