// The SpiderCoordinator's status: the cluster's CIDRs as reconcile/cidrs.ts finds them, whenever one of their sources changes.
import { readdirSync, readFileSync } from 'node:fs'
import { FINALIZER, SPIDERPOOL_API } from '../../lib/crd/names.js'
import type { ObjectMeta } from '../../lib/crd/types.js'
import { CONFIGMAPS, PODS, SERVICECIDRS, SPIDER_COORDINATORS, type Kind } from '../../lib/kube/kinds.js'
import type { Outcome } from './queue.js'
import {
  statusOf,
  type CalicoPool,
  type CiliumPool,
  type CommandPod,
  type ConfigMap,
  type CoordinatorStatus,
  type Found,
  type Listed,
  type ServiceCidr,
} from './reconcile/cidrs.js'
import { watchOf, type Hands, type Reconciler, type Watch } from './reconciler.js'
import type { Making } from './reconcilers.js'
import { source, type Source, type View } from './source.js'
import { slimMeta } from './sources.js'

interface Coordinator {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly podCIDRType?: string }
  readonly status?: Partial<CoordinatorStatus>
}

const COORDINATORS = source<Coordinator>({ kind: SPIDER_COORDINATORS })
const inKubeSystem = (name: string): Source<ConfigMap, never> =>
  source<ConfigMap>({ kind: CONFIGMAPS, namespace: 'kube-system', fieldSelector: `metadata.name=${name}` })
const KUBEADM = inKubeSystem('kubeadm-config')
const CILIUM = inKubeSystem('cilium-config')
const MANAGERS = source<CommandPod>({
  kind: PODS,
  labelSelector: 'component=kube-controller-manager',
  pick: ({ metadata, spec }) => ({ metadata: slimMeta(metadata), ...(spec && { spec }) }),
})
const served = (version: string): Source<ServiceCidr, never> =>
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

export function coordinators({ env, conf }: Making): Reconciler {
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
  return {
    name: 'coordinator',
    runs: 'leader',
    workers: 1,
    watches,
    resyncMs: RESYNC_MS, // the conf folder of type `auto` is a folder of this node: nobody tells of its changes
    async reconcile(key, view, hands): Promise<Outcome> {
      const coordinator = view.of(COORDINATORS).get(key)
      if (!coordinator) return undefined
      if (coordinator.metadata.deletionTimestamp !== undefined) return void (await letGo(coordinator, hands))
      if (key !== name) return undefined
      const status = statusOf(
        find(coordinator, view, { dir, toleratesUnknown: conf.raw['tolerateUnknownClusterCIDR'] === true }),
      )
      return void (await write(coordinator, status, hands))
    },
  }
}

/** Nobody else removes the finalizer: without this `kubectl delete` would wait for ever. */
async function letGo({ metadata }: Coordinator, { kube }: Hands): Promise<void> {
  if (metadata.finalizers?.includes(FINALIZER) !== true) return
  const finalizers = metadata.finalizers.filter(one => one !== FINALIZER)
  const body = { metadata: { resourceVersion: metadata.resourceVersion, finalizers } }
  await kube.patch(SPIDER_COORDINATORS, { name: metadata.name }, body, 'merge')
}

function find(
  { spec }: Coordinator,
  view: View,
  { dir, toleratesUnknown }: { readonly dir: string; readonly toleratesUnknown: boolean },
): Found {
  const type = spec?.podCIDRType ?? 'auto'
  const all = <T extends { readonly metadata: ObjectMeta }>(one: Source<T, never>): readonly T[] => [
    ...view.of(one).all(),
  ]
  const listed = <T extends { readonly metadata: ObjectMeta }>(one: Source<T, never>): Listed<T> =>
    view.isServed(one) ? all(one) : view.isForbidden(one) ? 'forbidden' : 'absent'
  const cidrs = SERVICE_CIDRS.find(one => view.isServed(one))
  return {
    type,
    cniFiles: type === 'auto' ? filesIn(dir) : [],
    kubeadm: view.of(KUBEADM).get('kube-system/kubeadm-config'),
    controllerManagers: all(MANAGERS),
    serviceCidrs: cidrs && all(cidrs),
    calico: listed(CALICO),
    cilium: view.of(CILIUM).get('kube-system/cilium-config'),
    ciliumPools: listed(CILIUM_POOLS),
    toleratesUnknown,
  }
}

function filesIn(dir: string): Found['cniFiles'] {
  try {
    const names = readdirSync(dir, { withFileTypes: true }).filter(entry => !entry.isDirectory())
    return names.map(({ name }) => ({ name, text: readFileSync(`${dir}/${name}`, 'utf8') }))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { error: `the node's CNI configuration cannot be read (${CNI_DIR_ENV}): ${why}` }
  }
}

async function write({ metadata, status = {} }: Coordinator, shall: CoordinatorStatus, hands: Hands): Promise<void> {
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
  await hands.kube.patch(SPIDER_COORDINATORS, { name: metadata.name }, body, 'merge', { subresource: 'status' })
  if (shall.phase === 'Synced' || shall.reason === status.reason) return
  const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderCoordinator', name: metadata.name, uid: metadata.uid ?? '' }
  hands.tell({ about, type: 'Warning', reason: 'ClusterNotReady', message: shall.reason ?? '' })
}
