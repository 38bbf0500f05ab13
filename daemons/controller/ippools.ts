// SpiderIPPools: counts, finalizers and records of the Go format, made true from the address objects. Performs what reconcile/ decides.
import { FINALIZER, IPAM_LABEL_POOL_UID, SPIDERPOOL_API } from '../../lib/crd/names.js'
import type { SpiderIPPool } from '../../lib/crd/types.js'
import { directPort } from '../../lib/ipam/direct.js'
import { SPIDER_IPPOOLS } from '../../lib/kube/kinds.js'
import type { Metrics } from '../../lib/metrics.js'
import { limiter } from './limiter.js'
import type { Outcome } from './queue.js'
import { adoptionOf, projectionOf, type Adoption } from './reconcile/adopt.js'
import { poolFinalizers, poolStatus, sizeOfPool } from './reconcile/ippool.js'
import { watchOf, type Hands, type Reconciler, type Watch } from './reconciler.js'
import type { Making } from './reconcilers.js'
import type { View } from './source.js'
import { ADDRESSES, CLUSTER_PODS, ENDPOINTS, POOLS } from './sources.js'

/** Of a pool's status: a burst of a thousand pods is a few writes. */
const WRITE_EVERY_MS = 1_000
/** Creations of one pool at the same time, where it is adopted. */
const ADOPTING = 32
/** Records of one pool named in one log line. */
const NAMED_MAX = 20

const WATCHES: readonly Watch[] = [
  watchOf(POOLS, ({ metadata }) => [metadata.name]),
  watchOf(ADDRESSES, ({ metadata }, view) =>
    view
      .of(POOLS)
      .by('uid', metadata.labels?.[IPAM_LABEL_POOL_UID] ?? '')
      .map(pool => pool.metadata.name),
  ),
  // Read where a pool is adopted, and a change of one is no reason to look at a pool.
  watchOf(ENDPOINTS, () => []),
  watchOf(CLUSTER_PODS, () => []),
]

export function ippools({ conf: { projectAllocatedIPs: projects } }: Making): Reconciler {
  const writtenMs = new Map<string, number>()
  /** What stood in allocatedIPs when this process last wrote it, and what it wrote: nothing in either is left to adopt. */
  const projected = new Map<string, readonly (string | undefined)[]>()
  return {
    name: 'ippool',
    runs: 'leader',
    workers: 8,
    watches: WATCHES,
    reset: () => writtenMs.clear(),
    async reconcile(name, view, hands): Promise<Outcome> {
      const pool = view.of(POOLS).get(name)
      if (!pool) {
        projected.delete(name)
        return void writtenMs.delete(name)
      }
      const waitMs = (writtenMs.get(name) ?? -Infinity) + WRITE_EVERY_MS - hands.now()
      if (waitMs > 0) return { againMs: waitMs }
      const text = pool.status?.allocatedIPs
      const isOurs = text === undefined || projected.get(name)?.includes(text) === true
      const isAdopted = isOurs || (await adopt(pool, { view, hands, projects }))
      const shall = shallBe(pool, view, { projects, isAdopted })
      if (await write(pool, shall, hands)) {
        writtenMs.set(name, hands.now())
        projected.set(name, [text, shall.status.allocatedIPs])
      }
      return isAdopted ? undefined : { againMs: WRITE_EVERY_MS }
    },
  }
}

interface Adopting {
  readonly view: View
  readonly hands: Hands
  readonly projects: boolean
}

/**
 * Every record of the Go format becomes an address object. True where none is left that is not one: only then may the text go. Those that
 * another pod holds by now are told, and count as done: the name is the lock. Where the text is kept
 * written, it may be an old one of ours: then only records of pods that are there count.
 */
async function adopt(pool: SpiderIPPool, { view, hands, projects }: Adopting): Promise<boolean> {
  const adoption = adoptionOf(pool, {
    isWanted: ({ uid }) => !projects || view.of(CLUSTER_PODS).count('uid', uid) > 0,
    addressNamed: name => view.of(ADDRESSES).get(name),
    endpointOf: key => view.of(ENDPOINTS).get(key),
  })
  tellOf(pool, adoption, hands)
  if (adoption.create.length === 0) return adoption.unreadable.length === 0
  const port = directPort(hands.kube)
  const limit = limiter(ADOPTING)
  await Promise.all(adoption.create.map(object => limit(() => port.claim(object))))
  hands.log.info(`adopted ${adoption.create.length} records of status.allocatedIPs of pool ${pool.metadata.name}`)
  return false // looked at again when the cache has them: whoever was faster is seen then
}

function tellOf({ metadata }: SpiderIPPool, { contested, unreadable }: Adoption, hands: Hands): void {
  const { name, uid } = metadata
  const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderIPPool', name, ...(uid !== undefined && { uid }) }
  const warn = (reason: string, message: string): void => {
    hands.log.warn(message, { pool: name, reason })
    hands.tell({ about, type: 'Warning', reason, message })
  }
  for (const { record, holder } of contested.slice(0, NAMED_MAX)) {
    const other = holder.spec.pod
    warn(
      'AddressConflict',
      `status.allocatedIPs gives ${record.ip} to pod ${record.namespace}/${record.pod}, and pod ${other.namespace}/${other.name} holds it; restart the one that is to have another`,
    )
  }
  if (unreadable.length > 0)
    warn(
      'UnreadableRecords',
      `status.allocatedIPs holds what is no record and stays as it is: ${unreadable.slice(0, NAMED_MAX).join(', ')}`,
    )
}

interface Shall {
  readonly status: NonNullable<SpiderIPPool['status']>
  readonly finalizers: readonly string[]
}

function shallBe(
  pool: SpiderIPPool,
  view: View,
  { projects, isAdopted }: { readonly projects: boolean; readonly isAdopted: boolean },
): Shall {
  const uid = pool.metadata.uid ?? ''
  const allocated = view.of(ADDRESSES).count('poolUid', uid)
  const names = (): Iterable<string> =>
    view
      .of(ADDRESSES)
      .by('poolUid', uid)
      .map(({ metadata }) => metadata.name)
  const { allocatedIPs: before, ...counts } = poolStatus(pool, { allocated, names })
  const text = !isAdopted ? before : projects ? projectionOf(view.of(ADDRESSES).by('poolUid', uid)) : undefined
  const status = { ...counts, ...(text !== undefined && { allocatedIPs: text }) }
  return { status, finalizers: poolFinalizers({ ...pool, status }, allocated) }
}

/** True where something was written. Compare-and-swap: a pool that is newer than the cache answers 409 and comes again. */
async function write(pool: SpiderIPPool, { status, finalizers }: Shall, { kube }: Hands): Promise<boolean> {
  const { metadata, status: before } = pool
  const { totalIPCount = 0, allocatedIPCount, allocatedIPs, freeIPs } = status
  const hasNews =
    totalIPCount !== before?.totalIPCount ||
    allocatedIPCount !== before.allocatedIPCount ||
    allocatedIPs !== before.allocatedIPs ||
    freeIPs?.join() !== before.freeIPs?.join()
  let { resourceVersion } = metadata
  if (hasNews) {
    const gone = { allocatedIPs: allocatedIPs ?? null, freeIPs: freeIPs ?? null } // null removes it
    const body = {
      metadata: { resourceVersion },
      status: { totalIPCount: BigInt(totalIPCount), allocatedIPCount, ...gone },
    }
    const ref = { name: metadata.name }
    const written = await kube.patch<SpiderIPPool>(SPIDER_IPPOOLS, ref, body, 'merge', { subresource: 'status' })
    resourceVersion = written.metadata.resourceVersion
  }
  const isSame = finalizers.includes(FINALIZER) === (metadata.finalizers?.includes(FINALIZER) ?? false)
  if (!isSame)
    await kube.patch(SPIDER_IPPOOLS, { name: metadata.name }, { metadata: { resourceVersion, finalizers } }, 'merge')
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
