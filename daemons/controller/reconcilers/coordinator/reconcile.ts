// Reconciles the SpiderCoordinator's status: the cluster's CIDRs, whenever one of their sources
// changes.
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
import { envReader } from '../../../runtime/options.js'
import { CONTROLLER_ENV } from '../../options.js'
import { source, type WatchSource, type CacheReader } from '../../../runtime/lister.js'
import { slimMeta } from '../sources.js'

interface Coordinator {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly podCIDRType?: string }
  readonly status?: Partial<CoordinatorStatus>
}

export const COORDINATORS = source<Coordinator>({ kind: SPIDER_COORDINATORS })
const MAPS = new Map<string, WatchSource<ConfigMap, never>>()

/** The source of the ConfigMap `namespace/name`; one for each, since caches are kept by source. */
function configMap(ref: string): WatchSource<ConfigMap, never> {
  const [namespace = '', name = ''] = ref.split('/')
  const found =
    MAPS.get(ref) ?? source<ConfigMap>({ kind: CONFIGMAPS, namespace, fieldSelector: `metadata.name=${name}` })
  MAPS.set(ref, found)
  return found
}
const KUBEADM = configMap('kube-system/kubeadm-config')
const MANAGERS = source<CommandPod>({
  kind: PODS,
  labelSelector: 'component=kube-controller-manager',
  transform: ({ metadata, spec }) => ({ metadata: slimMeta(metadata), ...(spec && { spec }) }),
})
const served = (version: string): WatchSource<ServiceCidr, never> =>
  source<ServiceCidr>({ kind: { ...SERVICECIDRS, version }, optional: true })
/** The newest version that the cluster serves is used. */
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

/** Misspelled in Spiderpool's charts, so misspelled here. */
const NAME_ENV = 'SPIDERPOOL_COORDINATOR_DEAFULT_NAME'
const CNI_DIR_ENV = 'SPIDERPOOL_CNI_CONFIG_DIR'
const RESYNC_MS = 60_000
/**
 * Interval of reading the CNI conf directory for type `auto`: no watch reports changes of this
 * node's files.
 */
const READ_INTERVAL_MS = 5_000
/**
 * A Synced coordinator becomes NotReady only after its reason has lasted this long: a static pod
 * that restarts, a permission or a ConfigMap that is replaced is missing for a moment, and no pod
 * of the cluster starts while the phase is NotReady.
 */
const NOT_READY_DELAY_MS = 60_000

export function coordinators({ env, conf, settings }: ReconcilerDeps): Reconciler {
  const cilium = { ref: settings.ciliumConfig, source: configMap(settings.ciliumConfig) }
  const read = envReader(env, CONTROLLER_ENV)
  const [name, dir] = [read.optional(NAME_ENV), read.optional(CNI_DIR_ENV)]
  const toOwnKey = (): readonly string[] => [name]
  const watches: readonly Watch[] = [
    watchOf(COORDINATORS, ({ metadata }) => [metadata.name]),
    ...[KUBEADM, cilium.source].map(one => watchOf(one, toOwnKey)),
    watchOf(MANAGERS, toOwnKey),
    ...SERVICE_CIDRS.map(one => watchOf(one, toOwnKey)),
    watchOf(CALICO, toOwnKey),
    watchOf(CILIUM_POOLS, toOwnKey),
  ]
  const network = networkOf(dir)
  const delay = notReadyDelay()
  return {
    name: 'coordinator',
    needsLeadership: true,
    maxConcurrent: 1,
    watches,
    resyncMs: RESYNC_MS,
    reset: delay.reset,
    async reconcile(key, cache, context): Promise<ReconcileResult> {
      const coordinator = cache.of(COORDINATORS).get(key)
      if (!coordinator) return undefined
      if (coordinator.metadata.deletionTimestamp !== undefined)
        return void (await releaseFinalizer(coordinator, context))
      if (key !== name) return undefined
      const cidrType = coordinator.spec?.podCIDRType ?? 'auto'
      const isSynced = coordinator.status?.phase === 'Synced'
      const requeue: ReconcileResult = cidrType === 'auto' ? { requeueAfterMs: READ_INTERVAL_MS } : undefined
      const type = cidrType === 'auto' ? network(isSynced, context) : cidrType
      if (type === undefined) return requeue
      const status =
        typeof type === 'string'
          ? statusOf(
              clusterCidrsOf(type, cache, {
                toleratesUnknown: cidrType === 'none' || conf.raw['tolerateUnknownClusterCIDR'] === true,
                cilium,
              }),
            )
          : notReadable(type.error)
      const waitMs = delay.waitMs({ cidrType, isSynced, status }, context)
      if (waitMs > 0) return { requeueAfterMs: Math.min(waitMs, requeue?.requeueAfterMs ?? waitMs) }
      await write(coordinator, status, context)
      return requeue
    },
  }
}

/**
 * Resolves `auto` by one more read of the directory. Undefined: the coordinator keeps its status
 * until more is known; `error`: nothing was ever read.
 */
function networkOf(
  dir: string,
): (isSynced: boolean, context: ReconcileContext) => string | { readonly error: string } | undefined {
  let current = NETWORK_UNKNOWN
  let lastError = ''
  return (isSynced, { now, log }) => {
    const observation = readNetwork(dir)
    const before = current
    current = networkAfter(before, observation, { nowMs: now(), isSynced })
    const error = 'error' in observation ? observation.error : ''
    if (error !== '' && error !== lastError) log.warn(`${error}; the SpiderCoordinator keeps its status`, { dir })
    if (error === '' && lastError !== '') log.info("the node's CNI configuration can be read again", { dir })
    lastError = error
    if (before.type !== undefined && before.type !== current.type)
      log.info(`podCIDRType auto is ${current.type ?? ''} now; it was ${before.type}`, { dir })
    if (current.type !== undefined) return current.type
    return 'error' in observation && !isSynced ? observation : undefined
  }
}

const notReadable = (reason: string): CoordinatorStatus => ({
  phase: 'NotReady',
  reason,
  overlayPodCIDR: [],
  serviceCIDR: [],
})

interface NotReadyDelay {
  /** Milliseconds until the status may be written; 0 where it may be now. */
  waitMs(
    of: { readonly cidrType: string; readonly isSynced: boolean; readonly status: CoordinatorStatus },
    context: ReconcileContext,
  ): number
  reset(): void
}

/**
 * Delays NotReady of a Synced coordinator by NOT_READY_DELAY_MS, unless its spec was changed: then
 * the new type's reason is reported at once.
 */
function notReadyDelay(): NotReadyDelay {
  let sinceMs: number | undefined
  let syncedType: string | undefined
  return {
    waitMs({ cidrType, isSynced, status }, { now, log }) {
      if (status.phase === 'Synced') syncedType = cidrType
      const isDelayed = isSynced && status.phase === 'NotReady' && (syncedType ?? cidrType) === cidrType
      if (!isDelayed) {
        sinceMs = undefined
        return 0
      }
      if (sinceMs === undefined)
        log.warn(`the SpiderCoordinator keeps its CIDRs for ${NOT_READY_DELAY_MS / 1000} s: ${status.reason ?? ''}`)
      sinceMs ??= now()
      return Math.max(0, sinceMs + NOT_READY_DELAY_MS - now())
    },
    reset() {
      sinceMs = undefined
      syncedType = undefined
    },
  }
}

/** Only the controller removes the finalizer; without this `kubectl delete` would block forever. */
async function releaseFinalizer({ metadata }: Coordinator, { kube }: ReconcileContext): Promise<void> {
  if (metadata.finalizers?.includes(FINALIZER) !== true) return
  const finalizers = metadata.finalizers.filter(one => one !== FINALIZER)
  const body = { metadata: { resourceVersion: metadata.resourceVersion, finalizers } }
  await kube.patch(SPIDER_COORDINATORS, { name: metadata.name }, body, 'merge')
}

interface CidrOptions {
  readonly toleratesUnknown: boolean
  readonly cilium: { readonly ref: string; readonly source: WatchSource<ConfigMap, never> }
}

function clusterCidrsOf(type: string, cache: CacheReader, { toleratesUnknown, cilium }: CidrOptions): ClusterCidrs {
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
    cilium: cache.of(cilium.source).get(cilium.ref),
    ciliumRef: cilium.ref,
    ciliumPools: listed(CILIUM_POOLS),
    toleratesUnknown,
  }
}

/**
 * Opens the path each time, since the directory may be replaced under its name. Reads only the conf
 * that is in effect.
 */
function readNetwork(dir: string): NetworkObservation {
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
  desired: CoordinatorStatus,
  context: ReconcileContext,
): Promise<void> {
  const current = {
    phase: status.phase,
    reason: status.reason ?? '',
    pods: status.overlayPodCIDR,
    services: status.serviceCIDR,
  }
  const next = {
    phase: desired.phase,
    reason: desired.reason ?? '',
    pods: desired.overlayPodCIDR,
    services: desired.serviceCIDR,
  }
  if (JSON.stringify(current) === JSON.stringify(next)) return
  // null removes a reason that is outdated
  const body = {
    metadata: { resourceVersion: metadata.resourceVersion },
    status: { ...desired, reason: desired.reason ?? null },
  }
  await context.kube.patch(SPIDER_COORDINATORS, { name: metadata.name }, body, 'merge', { subresource: 'status' })
  if (desired.phase === 'Synced' || desired.reason === status.reason) return
  const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderCoordinator', name: metadata.name, uid: metadata.uid ?? '' }
  const message = [desired.reason ?? '', remedyOf(desired.reason ?? '')].filter(text => text !== '').join(': ')
  context.recordEvent({ regarding: about, type: 'Warning', reason: 'ClusterNotReady', message })
}
