// Reconciles SpiderIPPools: counts, finalizers and records of the Go format, from the
// SpiderIPAddresses.
import { isGoAgent, isGoAgentSet } from '../../../../lib/crd/go-agent.js'
import { ANNOTATION_ALLOCATED_IPS, FINALIZER, IPAM_LABEL_POOL_UID, SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import type { SpiderIPAddress, SpiderIPPool } from '../../../../lib/crd/types.js'
import { objectNameOf } from '../../../../lib/ip/address.js'
import { isOwnText, recordsIn } from '../../../../lib/ipam/allocation/go-records.js'
import { kubeStore } from '../../../../lib/ipam/store/kube.js'
import { isOfPod, uidOf } from '../../../../lib/ipam/store/pod.js'
import { SPIDER_IPPOOLS } from '../../../../lib/kube/kinds.js'
import { familyOf, type Metrics } from '../../../../lib/metrics.js'
import { CONTROLLER_METRICS } from '../../metrics.js'
import { limiter } from '../../runtime/limiter.js'
import type { ReconcileResult } from '../../runtime/workqueue.js'
import { adoptionOf, entriesOf, pendingKeys, mergedText, type Adoption } from './adopt.js'
import { poolFinalizers, poolStatus, sizeOfPool } from './decide.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcilerDeps } from '../deps.js'
import type { CacheReader } from '../../../runtime/lister.js'
import { ADDRESSES, AGENT_SETS, CLUSTER_PODS, ENDPOINTS, isFromGo, POOLS } from '../sources.js'

/** Minimum interval of status writes of a pool: a burst of a thousand pods is a few writes. */
const WRITE_EVERY_MS = 1_000
/** Concurrent creates while one pool is adopted. */
const ADOPTIONS_MAX = 32
/** Conflicts of one pool reported in one go. */
const NAMED_MAX = 20

/**
 * Interval at which contested and unreadable records are checked again; a change of an address does
 * too.
 */
const PENDING_MS = 10_000

const allNames = (cache: CacheReader): readonly string[] =>
  [...cache.of(POOLS).all()].map(({ metadata }) => metadata.name)

const WATCHES: readonly Watch[] = [
  watchOf(POOLS, ({ metadata }) => [metadata.name]),
  // The first pool with a Go record concerns all pools: a Go agent allocates from any.
  watchOf(
    POOLS,
    (pool, cache) => (isFromGo(pool) ? allNames(cache) : []),
    ({ object, previous }) => isFromGo(object) === isFromGo(previous),
  ),
  watchOf(ADDRESSES, ({ metadata }, cache) =>
    cache
      .of(POOLS)
      .by('uid', metadata.labels?.[IPAM_LABEL_POOL_UID] ?? '')
      .map(pool => pool.metadata.name),
  ),
  // Read during adoption; its changes trigger nothing.
  watchOf(ENDPOINTS, () => []),
  watchOf(
    CLUSTER_PODS,
    (pod, cache) => (isGoAgent(pod) ? allNames(cache) : []),
    ({ object, previous }) => isGoAgent(object) === isGoAgent(previous),
  ),
  watchOf(
    AGENT_SETS,
    (set, cache) => (isGoAgentSet(set) ? allNames(cache) : []),
    ({ object, previous }) => isGoAgentSet(object) === isGoAgentSet(previous),
  ),
]

/**
 * `shared`: a Go agent may allocate at any moment. `kept`: none is running, and the text is kept
 * for its return.
 */
type Sharing = 'shared' | 'kept' | undefined

/**
 * A Go agent takes precedence over conf.yml: without the text it would allocate every address
 * again. Its DaemonSet counts too, which a return to Go creates, or gives its template back, before
 * the first agent starts.
 */
function sharingOf(cache: CacheReader, wanted: boolean | 'auto'): Sharing {
  if (cache.of(CLUSTER_PODS).count('goAgent', 'yes') + cache.of(AGENT_SETS).count('goAgent', 'yes') > 0) return 'shared'
  if (wanted === false) return undefined
  return wanted === true || cache.of(POOLS).count('fromGo', 'yes') > 0 ? 'kept' : undefined
}

/** State of one pool since this process began to lead. */
interface Memory {
  /** Texts without records to adopt: the one last read before a write, and the one written. */
  settled: readonly (string | undefined)[]
  /**
   * UID by address of records that had an object. Such a record without its object was released.
   */
  readonly held: Map<string, string>
  warned: string
}

/** The reconciler of SpiderIPPools. */
export function ippools({ conf: { projectAllocatedIPs: wanted } }: ReconcilerDeps): Reconciler {
  const writtenMs = new Map<string, number>()
  const memories = new Map<string, Memory>()
  return {
    name: 'ippool',
    needsLeadership: true,
    maxConcurrent: 8,
    watches: WATCHES,
    reset: () => {
      writtenMs.clear()
      memories.clear()
    },
    async reconcile(name, cache, context): Promise<ReconcileResult> {
      const pool = cache.of(POOLS).get(name)
      if (!pool) {
        memories.delete(name)
        return void writtenMs.delete(name)
      }
      const waitMs = (writtenMs.get(name) ?? -Infinity) + WRITE_EVERY_MS - context.now()
      if (waitMs > 0) return { requeueAfterMs: waitMs }
      const memory: Memory = memories.get(name) ?? { settled: [], held: new Map(), warned: '' }
      memories.set(name, memory)
      const text = pool.status?.allocatedIPs
      const isSettled = text === undefined || memory.settled.includes(text)
      const adoption = isSettled ? undefined : await adopt(pool, { cache, context, memory })
      const pending = adoption ? pendingKeys(adoption) : NONE
      const desired = desiredState(pool, cache, { sharing: sharingOf(cache, wanted), pending })
      if (await write(pool, desired, context)) {
        writtenMs.set(name, context.now())
        memory.settled = pending.size === 0 ? [text, desired.status.allocatedIPs] : []
      }
      if (pending.size === 0) return undefined
      return {
        requeueAfterMs: adoption && adoption.create.length + adoption.renew.length > 0 ? WRITE_EVERY_MS : PENDING_MS,
      }
    },
  }
}

const NONE: ReadonlySet<string> = new Set()

interface AdoptionContext {
  readonly cache: CacheReader
  readonly context: ReconcileContext
  readonly memory: Memory
}

/**
 * Creates a SpiderIPAddress for every record of the Go format; the cache shows later which writes
 * won. Records of pods that are gone are adopted too, and address GC releases them; except those
 * whose object existed and was released.
 */
async function adopt(pool: SpiderIPPool, { cache, context, memory }: AdoptionContext): Promise<Adoption> {
  const released = await releasedIn(pool, { cache, context, memory })
  const pods = cache.of(CLUSTER_PODS)
  const adoption = adoptionOf(pool, {
    isWanted: ({ ip }) => !released.has(ip),
    addressNamed: name => cache.of(ADDRESSES).get(name),
    endpointOf: key => cache.of(ENDPOINTS).get(key),
    identityOf: uid => uidOf(pods.by('uid', uid)[0]) || uid,
    isThere: uid => pods.count('uid', uid) > 0,
  })
  reportConflicts(pool, adoption, context, memory)
  const store = kubeStore(context.kube)
  const limit = limiter(ADOPTIONS_MAX)
  await Promise.all([
    ...adoption.create.map(object => limit(() => store.createAddress(object))),
    ...adoption.renew.map(object => limit(() => store.updateAddress(object))),
  ])
  if (adoption.create.length > 0)
    context.log.info(`adopted ${adoption.create.length} records of status.allocatedIPs of pool ${pool.metadata.name}`)
  return adoption
}

/**
 * Addresses in the text whose object was deleted, by a DEL or by address GC, and whose pod a live
 * read does not find.
 */
async function releasedIn(
  pool: SpiderIPPool,
  { cache, context, memory }: AdoptionContext,
): Promise<ReadonlySet<string>> {
  const released = new Set<string>()
  const { records } = recordsIn(pool.status?.allocatedIPs ?? '{}')
  await Promise.all(
    records.map(async ({ ip, namespace, pod: name, uid }) => {
      if (cache.of(ADDRESSES).get(objectNameOf(ip))) return void memory.held.set(ip, uid)
      if (memory.held.get(ip) !== uid || cache.of(CLUSTER_PODS).count('uid', uid) > 0) return
      const pod = await context.live.get(CLUSTER_PODS, `${namespace}/${name}`)
      if (!pod || !isOfPod(uid, pod)) released.add(ip)
    }),
  )
  return released
}

function reportConflicts(
  { metadata }: SpiderIPPool,
  { contested, unreadable }: Adoption,
  context: ReconcileContext,
  memory: Memory,
): void {
  const { name, uid } = metadata
  const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderIPPool', name, ...(uid !== undefined && { uid }) }
  const all = JSON.stringify([contested.map(({ record }) => record), unreadable])
  if (all === memory.warned) return
  memory.warned = all
  const warn = (reason: string, message: string): void => {
    context.log.warn(message, { pool: name, reason })
    context.recordEvent({ regarding: about, type: 'Warning', reason, message })
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
      `status.allocatedIPs has invalid records, which are left unchanged: ${unreadable.slice(0, NAMED_MAX).join(', ')}`,
    )
}

interface DesiredPool {
  readonly status: NonNullable<SpiderIPPool['status']>
  readonly finalizers: readonly string[]
  readonly sharing: Sharing
}

function desiredState(
  pool: SpiderIPPool,
  cache: CacheReader,
  { sharing, pending }: { readonly sharing: Sharing; readonly pending: ReadonlySet<string> },
): DesiredPool {
  const uid = pool.metadata.uid ?? ''
  const allocated = cache.of(ADDRESSES).count('poolUid', uid)
  const held = (): readonly SpiderIPAddress[] => cache.of(ADDRESSES).by('poolUid', uid)
  const names = (): Iterable<string> => held().map(({ metadata }) => metadata.name)
  const { allocatedIPs: before, allocatedIPsProjected: _, ...counts } = poolStatus(pool, { allocated, names })
  const pods = cache.of(CLUSTER_PODS)
  const apiUidOf = (own: string): string => pods.by('uid', own)[0]?.metadata.uid ?? own
  const text =
    sharing === undefined
      ? pending.size === 0
        ? undefined
        : before
      : mergedText(before, entriesOf(held(), apiUidOf), pending)
  const allocatedIPsProjected = markOf(pool, { sharing, pending, text })
  const status = {
    ...counts,
    ...(text !== undefined && { allocatedIPs: text }),
    ...(allocatedIPsProjected !== undefined && { allocatedIPsProjected }),
  }
  return { status, finalizers: poolFinalizers({ ...pool, status }, allocated), sharing }
}

interface Marking {
  readonly sharing: Sharing
  readonly pending: ReadonlySet<string>
  readonly text: string | undefined
}

/**
 * `allocatedIPsProjected`: absent while a Go agent may allocate, or while the text has Go records
 * that are not adopted yet.
 */
function markOf(pool: SpiderIPPool, { sharing, pending, text }: Marking): boolean | undefined {
  if (sharing === 'shared') return undefined
  if (text === undefined) return false
  if (sharing === 'kept' && pending.size === 0) return true
  return isOwnText(pool) ? false : undefined
}

/**
 * True where something was written. Compare-and-swap: a pool that changed since it was cached
 * answers 409 and is retried.
 */
async function write(
  pool: SpiderIPPool,
  { status, finalizers, sharing }: DesiredPool,
  { kube }: ReconcileContext,
): Promise<boolean> {
  const { metadata, status: before } = pool
  const { totalIPCount = 0, allocatedIPCount, allocatedIPs, allocatedIPsProjected, freeIPs } = status
  const isStatusChanged =
    totalIPCount !== before?.totalIPCount ||
    allocatedIPCount !== before.allocatedIPCount ||
    allocatedIPs !== before.allocatedIPs ||
    allocatedIPsProjected !== before.allocatedIPsProjected ||
    freeIPs?.join() !== before.freeIPs?.join()
  let { resourceVersion } = metadata
  if (isStatusChanged) {
    const optional = {
      allocatedIPs: allocatedIPs ?? null, // null removes it
      allocatedIPsProjected: allocatedIPsProjected ?? null,
      freeIPs: freeIPs ?? null,
    }
    const body = {
      metadata: { resourceVersion },
      status: { totalIPCount: BigInt(totalIPCount), allocatedIPCount, ...optional },
    }
    const ref = { name: metadata.name }
    const written = await kube.patch<SpiderIPPool>(SPIDER_IPPOOLS, ref, body, 'merge', { subresource: 'status' })
    resourceVersion = written.metadata.resourceVersion
  }
  const isMetadataSame =
    finalizers.includes(FINALIZER) === (metadata.finalizers?.includes(FINALIZER) ?? false) &&
    sharing === metadata.annotations?.[ANNOTATION_ALLOCATED_IPS]
  const annotations = { [ANNOTATION_ALLOCATED_IPS]: sharing ?? null }
  if (!isMetadataSame) {
    const body = { metadata: { resourceVersion, finalizers, annotations } }
    await kube.patch(SPIDER_IPPOOLS, { name: metadata.name }, body, 'merge')
  }
  return isStatusChanged || !isMetadataSame
}

const POOL_LABEL = 'ippool'

/** Gauges of pools under Spiderpool's names, computed from the cache at each scrape. */
export function poolGauges(metrics: Metrics, cache: CacheReader): void {
  const pools = cache.of(POOLS)
  // A cached object is replaced at a change, never written to.
  const sizes = new WeakMap<SpiderIPPool, number>()
  const size = (pool: SpiderIPPool): number => {
    const known = sizes.get(pool) ?? Number(sizeOfPool(pool))
    sizes.set(pool, known)
    return known
  }
  const held = (pool: SpiderIPPool): number => cache.of(ADDRESSES).count('poolUid', pool.metadata.uid ?? '')
  const each = (value: (pool: SpiderIPPool) => number) => () =>
    [...pools.all()].map(pool => [value(pool), { [POOL_LABEL]: pool.metadata.name }] as const)
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_total_ippool_counts'), () => [[pools.size]])
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_debug_ippool_total_ip_counts'), each(size))
  metrics.gauge(
    familyOf(CONTROLLER_METRICS, 'spiderpool_debug_ippool_available_ip_counts'),
    each(pool => Math.max(0, size(pool) - held(pool))),
  )
  metrics.gauge(familyOf(CONTROLLER_METRICS, 'spiderpool_ippool_allocated_ip_counts'), each(held))
  metrics.gauge(
    familyOf(CONTROLLER_METRICS, 'spiderpool_ippool_quarantined_ip_counts'),
    each(pool => cache.of(ADDRESSES).count('quarantined', pool.metadata.uid ?? '')),
  )
}
