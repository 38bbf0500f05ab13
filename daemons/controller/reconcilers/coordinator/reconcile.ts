// The SpiderCoordinator's status: the cluster's CIDRs as reconcile/cidrs.ts finds them, whenever one of their sources changes.
import { codeOf, messageOf } from '../../../../lib/errors.js'
import { readdirSync, readFileSync } from 'node:fs'
import { FINALIZER, SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import type { ObjectMeta } from '../../../../lib/crd/types.js'
import { CONFIGMAPS, PODS, SERVICECIDRS, SPIDER_COORDINATORS, type Kind } from '../../../../lib/kube/kinds.js'
import type { ReconcileResult } from '../../runtime/workqueue.js'
import {
  firstConf,
  remedyOf,
  statusOf,
  typeOfConf,
  typeOfConfName,
  type CalicoPool,
  type CiliumPool,
  type CommandPod,
  type ConfigMap,
  type CoordinatorStatus,
  type ClusterCidrs,
  type Listed,
  type ServiceCidr,
} from './decide.js'
import { NETWORK_UNKNOWN, networkAfter, type NetworkObservation } from './network.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcilerDeps } from '../deps.js'
import { source, type WatchSource, type CacheReader } from '../../runtime/lister.js'
import { slimMeta } from '../sources.js'

interface Coordinator {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly podCIDRType?: string }
  readonly status?: Partial<CoordinatorStatus>
}

const COORDINATORS = source<Coordinator>({ kind: SPIDER_COORDINATORS })
const inKubeSystem = (name: string): WatchSource<ConfigMap, never> =>
  source<ConfigMap>({ kind: CONFIGMAPS, namespace: 'kube-system', fieldSelector: `metadata.name=${name}` })
const KUBEADM = inKubeSystem('kubeadm-config')
const CILIUM = inKubeSystem('cilium-config')
const MANAGERS = source<CommandPod>({
  kind: PODS,
  labelSelector: 'component=kube-controller-manager',
  transform: ({ metadata, spec }) => ({ metadata: slimMeta(metadata), ...(spec && { spec }) }),
})
const served = (version: string): WatchSource<ServiceCidr, never> =>
  source<ServiceCidr>({ kind: { ...SERVICECIDRS, version }, optional: true })
/** The newest that the cluster serves counts. */
const SERVICE_CIDRS = ['v1', 'v1beta1', 'v1alpha1'].map(served)
const foreign = (group: string, version: string, kind: string, plural: string): Kind => ({
  group,
  version,
  kind,
  plural,
  namespaced: false,
})
const CALICO = source<CalicoPool>({ kind: foreign('crd.projectcalico.org', 'v1', 'IPPool', 'ippools'), optional: true })
const CILIUM_POOLS = source<CiliumPool>({
  kind: foreign('cilium.io', 'v2alpha1', 'CiliumPodIPPool', 'ciliumpodippools'),
  optional: true,
})

/** The spelling is the installation's: charts set it so. */
const NAME_ENV = 'SPIDERPOOL_COORDINATOR_DEAFULT_NAME'
const CNI_DIR_ENV = 'SPIDERPOOL_CNI_CONFIG_DIR'
const RESYNC_MS = 60_000
/** Of the conf folder of type `auto`: a folder of this node, whose changes no watch of the API server reports. */
const LOOK_MS = 5_000
/**
 * A coordinator that was Synced becomes NotReady once its reason has stood for so long: a static pod that restarts, a right that is
 * applied again or a ConfigMap that is replaced is missing for a moment, and no pod of the cluster starts while the phase is NotReady.
 */
const DOUBT_MS = 60_000

export function coordinators({ env, conf }: ReconcilerDeps): Reconciler {
  const name = env[NAME_ENV] || 'default'
  const dir = env[CNI_DIR_ENV] || '/etc/cni/net.d'
  const toOurs = (): readonly string[] => [name]
  const watches: readonly Watch[] = [
    watchOf(COORDINATORS, ({ metadata }) => [metadata.name]),
    ...[KUBEADM, CILIUM].map(one => watchOf(one, toOurs)),
    watchOf(MANAGERS, toOurs),
    ...SERVICE_CIDRS.map(one => watchOf(one, toOurs)),
    watchOf(CALICO, toOurs),
    watchOf(CILIUM_POOLS, toOurs),
  ]
  const network = networkOf(dir)
  const doubt = doubted()
  return {
    name: 'coordinator',
    needsLeadership: true,
    maxConcurrent: 1,
    watches,
    resyncMs: RESYNC_MS,
    reset: doubt.forget,
    async reconcile(key, cache, context): Promise<ReconcileResult> {
      const coordinator = cache.of(COORDINATORS).get(key)
      if (!coordinator) return undefined
      if (coordinator.metadata.deletionTimestamp !== undefined) return void (await letGo(coordinator, context))
      if (key !== name) return undefined
      const asked = coordinator.spec?.podCIDRType ?? 'auto'
      const isSynced = coordinator.status?.phase === 'Synced'
      const again: ReconcileResult = asked === 'auto' ? { requeueAfterMs: LOOK_MS } : undefined
      const type = asked === 'auto' ? network(isSynced, context) : asked
      if (type === undefined) return again
      const status =
        typeof type === 'string'
          ? statusOf(find(type, cache, asked === 'none' || conf.raw['tolerateUnknownClusterCIDR'] === true))
          : notReadable(type.error)
      const waitMs = doubt.waitMs({ asked, isSynced, status }, context)
      if (waitMs > 0) return { requeueAfterMs: Math.min(waitMs, again?.requeueAfterMs ?? waitMs) }
      await write(coordinator, status, context)
      return again
    },
  }
}

/**
 * The podCIDRType that `auto` stands for, after one more look at the folder; `undefined` where the coordinator keeps its status until the
 * folder says more, `error` where nothing was ever read.
 */
function networkOf(
  dir: string,
): (isSynced: boolean, context: ReconcileContext) => string | { readonly error: string } | undefined {
  let known = NETWORK_UNKNOWN
  let logged = ''
  return (isSynced, { now, log }) => {
    const look = lookAt(dir)
    const before = known
    known = networkAfter(before, look, { nowMs: now(), isSynced })
    const error = 'error' in look ? look.error : ''
    if (error !== '' && error !== logged) log.warn(`${error}; the SpiderCoordinator keeps what is known`, { dir })
    if (error === '' && logged !== '') log.info("the node's CNI configuration can be read again", { dir })
    logged = error
    if (before.type !== undefined && before.type !== known.type)
      log.info(`podCIDRType auto is ${known.type ?? ''} now; it was ${before.type}`, { dir })
    if (known.type !== undefined) return known.type
    return 'error' in look && !isSynced ? look : undefined
  }
}

const notReadable = (reason: string): CoordinatorStatus => ({
  phase: 'NotReady',
  reason,
  overlayPodCIDR: [],
  serviceCIDR: [],
})

interface Doubt {
  /** Milliseconds until the status may be written; 0 where it may be now. */
  waitMs(
    of: { readonly asked: string; readonly isSynced: boolean; readonly status: CoordinatorStatus },
    context: ReconcileContext,
  ): number
  forget(): void
}

/** Keeps a Synced coordinator so for DOUBT_MS, unless its spec was changed: then the new type's reason is the user's own. */
function doubted(): Doubt {
  let sinceMs: number | undefined
  let syncedType: string | undefined
  return {
    waitMs({ asked, isSynced, status }, { now, log }) {
      if (status.phase === 'Synced') syncedType = asked
      const isDoubtful = isSynced && status.phase === 'NotReady' && (syncedType ?? asked) === asked
      if (!isDoubtful) {
        sinceMs = undefined
        return 0
      }
      if (sinceMs === undefined)
        log.warn(`the SpiderCoordinator keeps its CIDRs for ${DOUBT_MS / 1000} s: ${status.reason ?? ''}`)
      sinceMs ??= now()
      return Math.max(0, sinceMs + DOUBT_MS - now())
    },
    forget() {
      sinceMs = undefined
      syncedType = undefined
    },
  }
}

/** Nobody else removes the finalizer: without this `kubectl delete` would wait for ever. */
async function letGo({ metadata }: Coordinator, { kube }: ReconcileContext): Promise<void> {
  if (metadata.finalizers?.includes(FINALIZER) !== true) return
  const finalizers = metadata.finalizers.filter(one => one !== FINALIZER)
  const body = { metadata: { resourceVersion: metadata.resourceVersion, finalizers } }
  await kube.patch(SPIDER_COORDINATORS, { name: metadata.name }, body, 'merge')
}

function find(type: string, cache: CacheReader, toleratesUnknown: boolean): ClusterCidrs {
  const all = <T extends { readonly metadata: ObjectMeta }>(one: WatchSource<T, never>): readonly T[] => [
    ...cache.of(one).all(),
  ]
  const listed = <T extends { readonly metadata: ObjectMeta }>(one: WatchSource<T, never>): Listed<T> =>
    cache.isServed(one) ? all(one) : cache.isForbidden(one) ? 'forbidden' : 'absent'
  const cidrs = SERVICE_CIDRS.find(one => cache.isServed(one))
  return {
    type,
    kubeadm: cache.of(KUBEADM).get('kube-system/kubeadm-config'),
    controllerManagers: all(MANAGERS),
    serviceCidrs: cidrs && all(cidrs),
    calico: listed(CALICO),
    cilium: cache.of(CILIUM).get('kube-system/cilium-config'),
    ciliumPools: listed(CILIUM_POOLS),
    toleratesUnknown,
  }
}

/** By the path each time: a folder that was replaced is another one under the same name. Reads no file but the conf that counts. */
function lookAt(dir: string): NetworkObservation {
  try {
    const names = readdirSync(dir, { withFileTypes: true }).filter(entry => !entry.isDirectory())
    const name = firstConf(names.map(entry => entry.name))
    return name === undefined ? { type: typeOfConf(undefined) } : typeIn(dir, name)
  } catch (error) {
    return unreadable(error)
  }
}

function typeIn(dir: string, name: string): NetworkObservation {
  try {
    return { type: typeOfConf(readFileSync(`${dir}/${name}`, 'utf8')) }
  } catch (error) {
    const isRefused = codeOf(error) === 'EACCES'
    const type = isRefused ? typeOfConfName(name) : undefined
    return type === undefined ? unreadable(error) : { type }
  }
}

function unreadable(error: unknown): NetworkObservation {
  const why = messageOf(error)
  return {
    error: `the node's CNI configuration cannot be read (${CNI_DIR_ENV}): ${why}; set spec.podCIDRType of the SpiderCoordinator to cluster, calico, cilium or none`,
  }
}

async function write(
  { metadata, status = {} }: Coordinator,
  shall: CoordinatorStatus,
  context: ReconcileContext,
): Promise<void> {
  const is = {
    phase: status.phase,
    reason: status.reason ?? '',
    pods: status.overlayPodCIDR,
    services: status.serviceCIDR,
  }
  const news = {
    phase: shall.phase,
    reason: shall.reason ?? '',
    pods: shall.overlayPodCIDR,
    services: shall.serviceCIDR,
  }
  if (JSON.stringify(is) === JSON.stringify(news)) return
  // null takes the reason out: it is of a time that is over.
  const body = {
    metadata: { resourceVersion: metadata.resourceVersion },
    status: { ...shall, reason: shall.reason ?? null },
  }
  await context.kube.patch(SPIDER_COORDINATORS, { name: metadata.name }, body, 'merge', { subresource: 'status' })
  if (shall.phase === 'Synced' || shall.reason === status.reason) return
  const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderCoordinator', name: metadata.name, uid: metadata.uid ?? '' }
  const message = [shall.reason ?? '', remedyOf(shall.reason ?? '')].filter(text => text !== '').join(': ')
  context.recordEvent({ regarding: about, type: 'Warning', reason: 'ClusterNotReady', message })
}
