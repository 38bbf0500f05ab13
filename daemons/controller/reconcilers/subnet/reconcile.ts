// Reconciles SpiderSubnets: their status, and the pools that applications request from them.
import type { SpiderIPAddress, SpiderIPPool, SpiderSubnet } from '../../../../lib/crd/types.js'
import { FINALIZER, IPAM_LABEL_POOL_UID, LABEL_OWNER_SUBNET, SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import { isOlder } from '../../../../lib/crd/unique.js'
import { toBigint } from '../../../../lib/ip/address.js'
import { intervalOfPrefix, overlaps, parsePrefix, networkOf } from '../../../../lib/ip/cidr.js'
import { normal, type Ranges } from '../../../../lib/ip/range.js'
import type { PatchOptions } from '../../../../lib/kube/client.js'
import { isAlreadyExists, isNotFound, KubeError } from '../../../../lib/kube/errors.js'
import { SPIDER_IPPOOLS, SPIDER_SUBNETS } from '../../../../lib/kube/kinds.js'
import {
  applicationWatches,
  liveRequestState,
  requestStateInCache,
  subnetsOf,
  autoPoolRequestsOn,
  type DemandOptions,
} from '../application/reconcile.js'
import { limiter } from '../../runtime/limiter.js'
import type { ReconcileResult } from '../../runtime/workqueue.js'
import { subnetsInDemand } from '../application/decide.js'
import { identityOfPool } from './autopool.js'
import { planSubnet, type SubnetPlan, type SubnetState } from './decide.js'
import * as notice from './notice.js'
import type { PoolWrite } from './pool.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcilerDeps } from '../deps.js'
import type { Conf } from '../../settings.js'
import { source, type ObjectChange, type CacheReader } from '../../../runtime/lister.js'
import { ADDRESSES, POOLS, RESERVED, slimMeta } from '../sources.js'

/** The period of Go's Spiderpool. */
const RESYNC_MS = 300_000
/** Minimum interval of writes that only shrink pools: a hundred pods that end are a few writes. */
const SHRINK_EVERY_MS = 1_000
/**
 * Requeue after a pool shrank: an ADD that read the pool before may still create one of the removed
 * addresses.
 */
const RECHECK_MS = 10_000
/** Requeue where a live read contradicted the cache. */
const RETRY_MS = 30_000
/** Concurrent writes to the pools of one subnet. */
const CONCURRENT_WRITES_MAX = 16
/**
 * Writes of one reconcile: requests that arrive meanwhile wait for this many, not for a thousand.
 */
const WRITES_MAX = 100

export const SUBNETS = source<SpiderSubnet, 'cidr'>({
  kind: SPIDER_SUBNETS,
  transform: subnet => ({ ...subnet, metadata: slimMeta(subnet.metadata) }),
  indexes: { cidr: ({ spec }) => [spec.subnet] },
})

const namesOf = (subnets: Iterable<SpiderSubnet>): readonly string[] =>
  [...subnets].map(({ metadata }) => metadata.name)

const WATCHES: readonly Watch[] = [
  watchOf(SUBNETS, (subnet, cache) => [subnet.metadata.name, ...namesOf(overlapping(subnet, cache))]),
  watchOf(POOLS, keysOfPool, ({ object, previous }) => specOf(object) === specOf(previous)),
  { source: ADDRESSES as unknown as Watch['source'], keysOf: keysOfAddress },
  watchOf(RESERVED, (_, cache) => namesOf(cache.of(SUBNETS).all())),
]

const specOf = ({ metadata, spec }: SpiderIPPool): string =>
  JSON.stringify([{ ...metadata, resourceVersion: '' }, spec])

function keysOfPool(pool: SpiderIPPool, cache: CacheReader): readonly string[] {
  const identity = identityOfPool(pool)
  return [...namesOf(cache.of(SUBNETS).by('cidr', pool.spec.subnet)), ...(identity ? subnetsOf(identity, cache) : [])]
}

/** Only a released address matters: its pool may wait to shrink or to be deleted. */
function keysOfAddress({ object, previous }: ObjectChange, cache: CacheReader): readonly string[] {
  const uid = object ? undefined : previous?.metadata.labels?.[IPAM_LABEL_POOL_UID]
  const pools = uid === undefined ? [] : cache.of(POOLS).by('uid', uid)
  return pools.flatMap(({ metadata: { labels } }) => labels?.[LABEL_OWNER_SUBNET] ?? [])
}

function overlapping({ metadata, spec }: SpiderSubnet, cache: CacheReader): readonly SpiderSubnet[] {
  const prefix = parsePrefix(spec.subnet)
  if (!prefix) return []
  const network = networkOf(prefix)
  return [...cache.of(SUBNETS).all()].filter(other => {
    const own = parsePrefix(other.spec.subnet)
    return other.metadata.name !== metadata.name && own !== undefined && overlaps(network, networkOf(own))
  })
}

function olderThan(subnet: SpiderSubnet, cache: CacheReader): string | undefined {
  return overlapping(subnet, cache).find(other => isOlder(other, subnet))?.metadata.name
}

/** Keys of conf.yml; the first one that is set counts. */
export const FLEXIBLE_KEYS = ['clusterSubnetAutoPoolDefaultRedundantIPNumber', 'clusterSubnetDefaultFlexibleIPNumber']

/**
 * The demand options of the configuration file.
 * @throws Error where the number of addresses is invalid.
 */
export function demandOptionsOf({ raw, enableIPv4, enableIPv6 }: Conf): DemandOptions {
  const flexible = FLEXIBLE_KEYS.map(key => raw[key]).find(value => value !== undefined) ?? 0
  if (typeof flexible !== 'number' || !Number.isInteger(flexible) || flexible < 0)
    throw new Error(
      `${FLEXIBLE_KEYS.join(' or ')} of the configuration file is ${JSON.stringify(flexible)}; give a whole number`,
    )
  return { families: [...(enableIPv4 ? [4 as const] : []), ...(enableIPv6 ? [6 as const] : [])], flexible }
}

/** The reconciler of SpiderSubnets. */
export function subnets({ conf }: ReconcilerDeps): Reconciler {
  const demandOptions = demandOptionsOf(conf)
  const makesPools = conf.enableAutoPoolForApplication
  const writtenMs = new Map<string, number>()
  /** When all held addresses were last checked. */
  const checkedMs = new Map<string, number>()
  return {
    name: 'subnet',
    needsLeadership: true,
    maxConcurrent: 5,
    resyncMs: RESYNC_MS,
    watches: makesPools ? [...WATCHES, ...applicationWatches(subnetsInDemand)] : WATCHES,
    reset: () => [writtenMs, checkedMs].forEach(times => times.clear()),
    async reconcile(name, cache, context): Promise<ReconcileResult> {
      const requests = makesPools ? autoPoolRequestsOn(name, cache, demandOptions) : []
      const subnet = cache.of(SUBNETS).get(name)
      if (!subnet) {
        ;[writtenMs, checkedMs].forEach(times => times.delete(name))
        return void requests.forEach(request => recordNotice(notice.notFound(name, request), context))
      }
      const requestStateOf: SubnetState['requestStateOf'] = pool =>
        makesPools ? requestStateInCache(pool, name, cache) : 'kept'
      const state = { subnet, requests, requestStateOf, ...cachedState(subnet, cache) }
      const isDue = (checkedMs.get(name) ?? -Infinity) + RECHECK_MS <= context.now()
      const { plan, isThorough } = planThoroughly(state, isDue)
      plan.notices.forEach(one => recordNotice(one, context))
      const waitMs = (writtenMs.get(name) ?? -Infinity) + SHRINK_EVERY_MS - context.now()
      const shrinks = plan.pools.some(write => write.verb === 'change' && write.shrinks)
      if (waitMs > 0 && shrinks && !isUrgent(plan)) return { requeueAfterMs: waitMs }
      if (isThorough) checkedMs.set(name, context.now())
      if (shrinks) writtenMs.set(name, context.now())
      const isComplete = await applyPlan(subnet, plan, cache, context)
      if (plan.pools.length > WRITES_MAX) return { requeueAfterMs: 1 }
      return shrinks ? { requeueAfterMs: RECHECK_MS } : isComplete ? undefined : { requeueAfterMs: RETRY_MS }
    },
  }
}

/**
 * A pool is deleted only after a thorough plan: addresses in it that pods of another pool hold must
 * leave it first.
 */
function planThoroughly(
  state: Omit<SubnetState, 'isThorough'>,
  isDue: boolean,
): { readonly plan: SubnetPlan; readonly isThorough: boolean } {
  const plan = planSubnet({ ...state, isThorough: isDue })
  return isDue || !plan.pools.some(({ verb }) => verb === 'delete')
    ? { plan, isThorough: isDue }
    : { plan: planSubnet({ ...state, isThorough: true }), isThorough: true }
}

const cachedState = (
  subnet: SpiderSubnet,
  cache: CacheReader,
): Pick<SubnetState, 'pools' | 'reserved' | 'heldOf' | 'poolNamed' | 'older'> => ({
  pools: cache.of(POOLS).by('cidr', subnet.spec.subnet),
  reserved: [...cache.of(RESERVED).all()],
  heldOf: pool => heldOf(pool, cache),
  poolNamed: name => cache.of(POOLS).get(name),
  older: olderThan(subnet, cache),
})

const isUrgent = ({ pools, ending }: SubnetPlan): boolean =>
  ending !== undefined || pools.some(write => write.verb !== 'change' || !write.shrinks)

function heldOf({ metadata }: SpiderIPPool, cache: CacheReader): Ranges {
  const held = cache.of(ADDRESSES).by('poolUid', metadata.uid ?? '')
  return normal(held.flatMap(address => intervalsOf(address)))
}

function intervalsOf({ spec }: SpiderIPAddress): Ranges {
  const ip = parsePrefix(spec.address)?.ip
  const at = ip === undefined ? undefined : toBigint(ip)
  return at === undefined ? [] : [{ first: at, last: at }]
}

function recordNotice({ about, reason, message }: notice.Notice, context: ReconcileContext): void {
  context.log.warn(message, { reason })
  context.recordEvent({ regarding: about, type: 'Warning', reason, message })
}

/** False where something was deferred, because a live read contradicted the cache. */
async function applyPlan(
  subnet: SpiderSubnet,
  plan: SubnetPlan,
  cache: CacheReader,
  context: ReconcileContext,
): Promise<boolean> {
  const { name, uid = '' } = subnet.metadata
  const { kube } = context
  await writeSubnet(subnet, plan, context)
  const limit = limiter(CONCURRENT_WRITES_MAX)
  const outcomes = await Promise.allSettled(
    plan.pools.slice(0, WRITES_MAX).map(write => limit(() => writePool(write, name, { cache, context }))),
  )
  const failed = outcomes.find(outcome => outcome.status === 'rejected')
  if (failed) throw failed.reason
  if (plan.ending === 'foreground') await kube.delete(SPIDER_SUBNETS, { name }, { uid, propagation: 'Foreground' })
  return outcomes.every(outcome => outcome.status === 'fulfilled' && outcome.value)
}

/** Compare-and-swap: a subnet that changed since it was cached answers 409 and is retried. */
async function writeSubnet(
  { metadata, status: current }: SpiderSubnet,
  plan: SubnetPlan,
  { kube }: ReconcileContext,
): Promise<void> {
  const { name } = metadata
  let { resourceVersion } = metadata
  const patch = async (changed: object, rest: object = {}, options: PatchOptions = {}): Promise<void> => {
    const body = { metadata: { ...changed, resourceVersion }, ...rest }
    const written = await kube.patch<SpiderSubnet>(SPIDER_SUBNETS, { name }, body, 'merge', options)
    resourceVersion = written.metadata.resourceVersion
  }
  const { controlledIPPools, totalIPCount, allocatedIPCount } = plan.status
  if (Object.keys(plan.metadata).length > 0) await patch(plan.metadata)
  const isSame =
    current?.controlledIPPools === controlledIPPools &&
    current?.totalIPCount === totalIPCount &&
    current.allocatedIPCount === allocatedIPCount
  const status = {
    controlledIPPools: controlledIPPools ?? null, // null removes it
    totalIPCount: BigInt(totalIPCount),
    allocatedIPCount: BigInt(allocatedIPCount),
  }
  if (!isSame) await patch({}, { status }, { subresource: 'status' })
  if (plan.ending === 'release') await patch({ finalizers: metadata.finalizers?.filter(one => one !== FINALIZER) })
}

async function writePool(
  write: PoolWrite,
  subnet: string,
  { cache, context }: { readonly cache: CacheReader; readonly context: ReconcileContext },
): Promise<boolean> {
  const { name } = write
  try {
    switch (write.verb) {
      case 'create':
        await context.kube.create(SPIDER_IPPOOLS, write.pool)
        return true
      case 'change':
        await context.kube.patch(SPIDER_IPPOOLS, { name }, write.body, 'merge')
        return true
      case 'delete': {
        const pool = cache.of(POOLS).get(name)
        if (!pool || (await liveRequestState(pool, subnet, context)) !== write.why) return false
        const { uid, resourceVersion } = write
        await context.kube.delete(SPIDER_IPPOOLS, { name }, { uid, resourceVersion })
        return true
      }
    }
  } catch (error) {
    // The cache lags: its watch event is under way.
    if (write.verb === 'create' ? isAlreadyExists(error) : isNotFound(error)) return true
    const isRefused = error instanceof KubeError && error.status >= 400 && error.status < 500 && error.status !== 409
    if (isRefused && write.verb !== 'delete' && write.request)
      recordNotice(notice.notWritten(write.request, name, error.message), context)
    throw error
  }
}
