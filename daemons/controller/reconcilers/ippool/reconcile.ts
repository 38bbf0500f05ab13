// SpiderIPPools: counts, finalizers and records of the Go format, made true from the address objects. Performs what reconcile/ decides.
import { ANNOTATION_ALLOCATED_IPS, FINALIZER, IPAM_LABEL_POOL_UID, SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import type { SpiderIPAddress, SpiderIPPool } from '../../../../lib/crd/types.js'
import { objectNameOf } from '../../../../lib/ip/address.js'
import { isOwnText, recordsIn } from '../../../../lib/ipam/allocation/go-records.js'
import { kubeStore } from '../../../../lib/ipam/store/kube.js'
import { isOfPod, uidOf } from '../../../../lib/ipam/store/pod.js'
import { SPIDER_IPPOOLS } from '../../../../lib/kube/kinds.js'
import type { Metrics } from '../../../../lib/metrics.js'
import { limiter } from '../../runtime/limiter.js'
import type { ReconcileResult } from '../../runtime/workqueue.js'
import { adoptionOf, entriesOf, leftOf, unionOf, type Adoption } from './adopt.js'
import { poolFinalizers, poolStatus, sizeOfPool } from './decide.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcilerDeps } from '../all.js'
import type { CacheReader } from '../../runtime/lister.js'
import { ADDRESSES, CLUSTER_PODS, ENDPOINTS, isFromGo, isGoAgent, POOLS } from '../sources.js'

/** Of a pool's status: a burst of a thousand pods is a few writes. */
const WRITE_EVERY_MS = 1_000
/** Creations of one pool at the same time, where it is adopted. */
const ADOPTING = 32
/** Records of one pool named in one log line. */
const NAMED_MAX = 20

/** What is contested or cannot be read is looked at again this often; a change of an address is a reason as well. */
const PENDING_MS = 10_000

const allNames = (cache: CacheReader): readonly string[] =>
  [...cache.of(POOLS).all()].map(({ metadata }) => metadata.name)

const WATCHES: readonly Watch[] = [
  watchOf(POOLS, ({ metadata }) => [metadata.name]),
  // The first pool with a Go record concerns all: a Go agent allocates from any.
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
  // Read where a pool is adopted, and a change of one is no reason to look at a pool.
  watchOf(ENDPOINTS, () => []),
  watchOf(
    CLUSTER_PODS,
    (pod, cache) => (isGoAgent(pod) ? allNames(cache) : []),
    () => true, // one that changes stays one
  ),
]

/** `shared`: a Go agent may allocate at any moment. `kept`: none is there, and the text is kept for its return. */
type Sharing = 'shared' | 'kept' | undefined

/** A Go agent that is there counts whatever conf.yml says: with no text it would give every address again. */
function sharingOf(cache: CacheReader, wanted: boolean | 'auto'): Sharing {
  if (cache.of(CLUSTER_PODS).count('goAgent', 'yes') > 0) return 'shared'
  if (wanted === false) return undefined
  return wanted === true || cache.of(POOLS).count('fromGo', 'yes') > 0 ? 'kept' : undefined
}

/** Of one pool, since this process began. */
interface Memory {
  /** Texts that had nothing left to adopt: as read when this process last wrote, and as it wrote. */
  settled: readonly (string | undefined)[]
  /** Records that had an object: UID by address. One without its object is released, not new. */
  readonly held: Map<string, string>
  warned: string
}

export function ippools({ conf: { projectAllocatedIPs: wanted } }: ReconcilerDeps): Reconciler {
  const writtenMs = new Map<string, number>()
  const memories = new Map<string, Memory>()
  return {
    name: 'ippool',
    runs: 'leader',
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
      const left = adoption ? leftOf(adoption) : NONE
      const shall = shallBe(pool, cache, { sharing: sharingOf(cache, wanted), left })
      if (await write(pool, shall, context)) {
        writtenMs.set(name, context.now())
        memory.settled = left.size === 0 ? [text, shall.status.allocatedIPs] : []
      }
      if (left.size === 0) return undefined
      return {
        requeueAfterMs: adoption && adoption.create.length + adoption.renew.length > 0 ? WRITE_EVERY_MS : PENDING_MS,
      }
    },
  }
}

const NONE: ReadonlySet<string> = new Set()

interface Adopting {
  readonly cache: CacheReader
  readonly context: ReconcileContext
  readonly memory: Memory
}

/**
 * Every record of the Go format becomes an address object; `create` and `renew` of the answer are under way, and the cache shows later who
 * was faster. A record of a pod that is gone becomes one too, and is reclaimed with the care that every address is; but for those
 * whose object was here and is released.
 */
async function adopt(pool: SpiderIPPool, { cache, context, memory }: Adopting): Promise<Adoption> {
  const released = await releasedIn(pool, { cache, context, memory })
  const pods = cache.of(CLUSTER_PODS)
  const adoption = adoptionOf(pool, {
    isWanted: ({ ip }) => !released.has(ip),
    addressNamed: name => cache.of(ADDRESSES).get(name),
    endpointOf: key => cache.of(ENDPOINTS).get(key),
    identityOf: uid => uidOf(pods.by('uid', uid)[0]) || uid,
    isThere: uid => pods.count('uid', uid) > 0,
  })
  tellOf(pool, adoption, context, memory)
  const store = kubeStore(context.kube)
  const limit = limiter(ADOPTING)
  await Promise.all([
    ...adoption.create.map(object => limit(() => store.createAddress(object))),
    ...adoption.renew.map(object => limit(() => store.updateAddress(object))),
  ])
  if (adoption.create.length > 0)
    context.log.info(`adopted ${adoption.create.length} records of status.allocatedIPs of pool ${pool.metadata.name}`)
  return adoption
}

/** Addresses of the text whose object was deleted, by a DEL or by reclaim, and whose pod a fresh read does not find. */
async function releasedIn(pool: SpiderIPPool, { cache, context, memory }: Adopting): Promise<ReadonlySet<string>> {
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

function tellOf(
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
      `status.allocatedIPs holds what is no record and stays as it is: ${unreadable.slice(0, NAMED_MAX).join(', ')}`,
    )
}

interface Shall {
  readonly status: NonNullable<SpiderIPPool['status']>
  readonly finalizers: readonly string[]
  readonly sharing: Sharing
}

function shallBe(
  pool: SpiderIPPool,
  cache: CacheReader,
  { sharing, left }: { readonly sharing: Sharing; readonly left: ReadonlySet<string> },
): Shall {
  const uid = pool.metadata.uid ?? ''
  const allocated = cache.of(ADDRESSES).count('poolUid', uid)
  const held = (): readonly SpiderIPAddress[] => cache.of(ADDRESSES).by('poolUid', uid)
  const names = (): Iterable<string> => held().map(({ metadata }) => metadata.name)
  const { allocatedIPs: before, allocatedIPsProjected: _, ...counts } = poolStatus(pool, { allocated, names })
  const pods = cache.of(CLUSTER_PODS)
  const apiUidOf = (own: string): string => pods.by('uid', own)[0]?.metadata.uid ?? own
  const text =
    sharing === undefined ? (left.size === 0 ? undefined : before) : unionOf(before, entriesOf(held(), apiUidOf), left)
  const allocatedIPsProjected = markOf(pool, { sharing, left, text })
  const status = {
    ...counts,
    ...(text !== undefined && { allocatedIPs: text }),
    ...(allocatedIPsProjected !== undefined && { allocatedIPsProjected }),
  }
  return { status, finalizers: poolFinalizers({ ...pool, status }, allocated), sharing }
}

interface Marking {
  readonly sharing: Sharing
  readonly left: ReadonlySet<string>
  readonly text: string | undefined
}

/** `allocatedIPsProjected`: none while a Go agent may allocate, or the text has Go records that are not adopted yet. */
function markOf(pool: SpiderIPPool, { sharing, left, text }: Marking): boolean | undefined {
  if (sharing === 'shared') return undefined
  if (text === undefined) return false
  if (sharing === 'kept' && left.size === 0) return true
  return isOwnText(pool) ? false : undefined
}

/** True where something was written. Compare-and-swap: a pool that is newer than the cache answers 409 and comes again. */
async function write(
  pool: SpiderIPPool,
  { status, finalizers, sharing }: Shall,
  { kube }: ReconcileContext,
): Promise<boolean> {
  const { metadata, status: before } = pool
  const { totalIPCount = 0, allocatedIPCount, allocatedIPs, allocatedIPsProjected, freeIPs } = status
  const hasNews =
    totalIPCount !== before?.totalIPCount ||
    allocatedIPCount !== before.allocatedIPCount ||
    allocatedIPs !== before.allocatedIPs ||
    allocatedIPsProjected !== before.allocatedIPsProjected ||
    freeIPs?.join() !== before.freeIPs?.join()
  let { resourceVersion } = metadata
  if (hasNews) {
    const gone = {
      allocatedIPs: allocatedIPs ?? null, // null removes it
      allocatedIPsProjected: allocatedIPsProjected ?? null,
      freeIPs: freeIPs ?? null,
    }
    const body = {
      metadata: { resourceVersion },
      status: { totalIPCount: BigInt(totalIPCount), allocatedIPCount, ...gone },
    }
    const ref = { name: metadata.name }
    const written = await kube.patch<SpiderIPPool>(SPIDER_IPPOOLS, ref, body, 'merge', { subresource: 'status' })
    resourceVersion = written.metadata.resourceVersion
  }
  const isSame =
    finalizers.includes(FINALIZER) === (metadata.finalizers?.includes(FINALIZER) ?? false) &&
    sharing === metadata.annotations?.[ANNOTATION_ALLOCATED_IPS]
  const annotations = { [ANNOTATION_ALLOCATED_IPS]: sharing ?? null }
  if (!isSame) {
    const body = { metadata: { resourceVersion, finalizers, annotations } }
    await kube.patch(SPIDER_IPPOOLS, { name: metadata.name }, body, 'merge')
  }
  return hasNews || !isSame
}

const POOL_LABEL = 'ippool'

/** Gauges, under the names that Spiderpool's documents give; read from the cache whenever somebody asks. */
export function poolGauges(metrics: Metrics, cache: CacheReader): void {
  const pools = cache.of(POOLS)
  const held = (pool: SpiderIPPool): number => cache.of(ADDRESSES).count('poolUid', pool.metadata.uid ?? '')
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
