// Applications that request pools from SpiderSubnets: watches, lookups, and Events for invalid
// annotations.
import type { ObjectMeta, Pod, SpiderIPPool } from '../../../../lib/crd/types.js'
import type { Family } from '../../../../lib/ip/address.js'
import { isAlive } from '../../../../lib/ipam/store/pod.js'
import { isForbidden, isNotFound } from '../../../../lib/kube/errors.js'
import {
  CRDS,
  CRONJOBS,
  DAEMONSETS,
  DEPLOYMENTS,
  JOBS,
  REPLICASETS,
  STATEFULSETS,
  type Kind,
} from '../../../../lib/kube/kinds.js'
import {
  apiVersionOfKind,
  demandOfPod,
  demandOfWorkload,
  namesSubnet,
  foreignOwner,
  subnetsInDemand,
  templateOf,
  type SubnetDemand,
  type ApplicationIdentity,
  type Workload,
  type WorkloadKind,
} from './decide.js'
import { identityOfPool, isFor, autoPoolRequestsFor, type AutoPoolRequest } from '../subnet/autopool.js'
import { aboutIdentity } from '../subnet/notice.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcilerDeps } from '../deps.js'
import { keyOf, source, type WatchSource, type CacheReader } from '../../../runtime/lister.js'
import { CLUSTER_PODS, slimMeta } from '../sources.js'

type WorkloadSource = WatchSource<Workload, 'subnet'>

/** Most workloads name no SpiderSubnet; only their metadata is kept. */
function slim(workload: Workload): Workload {
  const metadata = slimMeta(workload.metadata)
  if (!namesSubnet(templateOf(workload)?.metadata?.annotations)) return { metadata }
  const { spec, status } = workload
  const scheduled = status?.desiredNumberScheduled
  return {
    metadata,
    ...(spec && { spec: slimSpec(spec) }),
    ...(scheduled !== undefined && { status: { desiredNumberScheduled: scheduled } }),
  }
}

type Spec = NonNullable<Workload['spec']>

function slimSpec({ replicas, parallelism, completions, template, jobTemplate }: Spec): Spec {
  const annotations = template?.metadata?.annotations
  return {
    ...(replicas !== undefined && { replicas }),
    ...(parallelism !== undefined && { parallelism }),
    ...(completions !== undefined && { completions }),
    ...(template && {
      template: {
        ...(annotations && { metadata: { annotations } }),
        ...(template.spec?.hostNetwork !== undefined && { spec: { hostNetwork: template.spec.hostNetwork } }),
      },
    }),
    ...(jobTemplate?.spec && { jobTemplate: { spec: slimSpec(jobTemplate.spec) } }),
  }
}

const workloads = (kind: Kind, of: WorkloadKind, more: { readonly optional?: true } = {}): WorkloadSource =>
  source<Workload, 'subnet'>({
    ...more,
    kind,
    transform: slim,
    indexes: { subnet: workload => subnetsInDemand(demandOfWorkload(of, workload, 0)) },
  })

const WORKLOADS: Readonly<Record<WorkloadKind, WorkloadSource>> = {
  Deployment: workloads(DEPLOYMENTS, 'Deployment'),
  ReplicaSet: workloads(REPLICASETS, 'ReplicaSet'),
  StatefulSet: workloads(STATEFULSETS, 'StatefulSet'),
  DaemonSet: workloads(DAEMONSETS, 'DaemonSet'),
  Job: workloads(JOBS, 'Job'),
  /** Kubernetes 1.20 serves them in batch/v1beta1 only. */
  CronJob: workloads(CRONJOBS, 'CronJob', { optional: true }),
}
const KINDS = Object.keys(WORKLOADS) as readonly WorkloadKind[]

const kindOf = ({ apiVersion, kind }: ApplicationIdentity): WorkloadKind | undefined =>
  KINDS.find(one => one === kind && apiVersionOfKind(one) === apiVersion)

/** A Deployment's status changes with each pod; none of it is kept, so such a change is ignored. */
const isEqualButVersion = (a: { readonly metadata: ObjectMeta }, b: { readonly metadata: ObjectMeta }): boolean =>
  textOf(a) === textOf(b)
const textOf = (object: { readonly metadata: ObjectMeta }): string =>
  JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: '' } })

/**
 * Watches of all workload kinds. `keysOf` gets the demand of a workload or of a pod of a foreign
 * kind, and its `Kind/namespace/name`.
 */
export const applicationWatches = (
  keysOf: (demand: SubnetDemand, by: string) => readonly string[],
): readonly Watch[] => [
  ...KINDS.map(kind =>
    watchOf(
      WORKLOADS[kind],
      workload => keysOf(demandOfWorkload(kind, workload, 0), `${kind}/${keyOf(workload)}`),
      ({ object, previous }) => isEqualButVersion(object, previous),
    ),
  ),
  watchOf(CLUSTER_PODS, pod => keysOf(demandOfPod(pod), `Pod/${keyOf(pod)}`)),
]

export interface DemandOptions {
  readonly families: readonly Family[]
  /** Addresses beyond the number of pods, where no annotation has a number. */
  readonly flexible: number
}

/** The pool requests of all applications on a subnet, sorted by kind, namespace and name. */
export function autoPoolRequestsOn(
  subnet: string,
  cache: CacheReader,
  { families, flexible }: DemandOptions,
): readonly AutoPoolRequest[] {
  const demand = KINDS.flatMap(kind =>
    cache
      .of(WORKLOADS[kind])
      .by('subnet', subnet)
      .map(workload => demandOfWorkload(kind, workload, flexible)),
  )
  const all = [...demand, ...demandsOfForeign(cache.of(CLUSTER_PODS).by('subnet', subnet))]
  return all
    .flatMap(one => (one.kind === 'valid' ? autoPoolRequestsFor(one.application, subnet, families) : []))
    .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
}

const orderOf = ({ application: { kind, namespace, name, uid }, nic }: AutoPoolRequest): string =>
  [kind, namespace, name, uid, nic].join('/')

/** One for each controller: its newest pod has the current annotations. */
function demandsOfForeign(pods: readonly Pod[]): readonly SubnetDemand[] {
  const newest = new Map<string, Pod>()
  const ageKey = ({ metadata }: Pod): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`
  for (const pod of pods.filter(isAlive)) {
    const uid = foreignOwner(pod)?.uid ?? ''
    const other = newest.get(uid)
    if (!other || ageKey(other) < ageKey(pod)) newest.set(uid, pod)
  }
  return [...newest.values()].map(demandOfPod)
}

/** Why no application requests the pool, by the cache. Invalid annotations keep it. */
export function requestStateInCache(
  pool: SpiderIPPool,
  subnet: string,
  cache: CacheReader,
): 'kept' | 'unrequested' | 'gone' {
  const identity = identityOfPool(pool)
  const kind = identity && kindOf(identity)
  if (!identity) return 'kept'
  if (!kind) return cache.of(CLUSTER_PODS).count('foreign', identity.uid) > 0 ? 'kept' : 'gone'
  if (!cache.isServed(WORKLOADS[kind])) return 'kept'
  return requestStateFor(pool, subnet, kind, cache.of(WORKLOADS[kind]).get(keyOfIdentity(identity)))
}

const keyOfIdentity = ({ namespace, name }: ApplicationIdentity): string => keyOf({ metadata: { namespace, name } })

function requestStateFor(
  pool: SpiderIPPool,
  subnet: string,
  kind: WorkloadKind,
  workload: Workload | undefined,
): 'kept' | 'unrequested' | 'gone' {
  if (!workload || workload.metadata.uid !== identityOfPool(pool)?.uid) return 'gone'
  const demand = demandOfWorkload(kind, workload, 0)
  if (demand.kind === 'invalid') return 'kept'
  const requests = demand.kind === 'valid' ? autoPoolRequestsFor(demand.application, subnet, [4, 6]) : []
  return requests.some(request => isFor(pool, request)) ? 'kept' : 'unrequested'
}

/** The same by live reads. Of a foreign kind whose objects cannot be looked up the pool is kept. */
export async function liveRequestState(
  pool: SpiderIPPool,
  subnet: string,
  { live, kube, log }: ReconcileContext,
): Promise<'kept' | 'unrequested' | 'gone'> {
  const identity = identityOfPool(pool)
  if (!identity) return 'kept'
  const kind = kindOf(identity)
  if (kind) return requestStateFor(pool, subnet, kind, await live.get(WORKLOADS[kind], keyOfIdentity(identity)))
  const { apiVersion, namespace, name, uid } = identity
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  const plural = pluralOf(identity.kind)
  try {
    const of = { group, version, kind: identity.kind, plural, namespaced: true }
    const { metadata } = await kube.get<{ metadata: ObjectMeta }>(of, { namespace, name })
    return metadata.uid === uid ? 'kept' : 'gone'
  } catch (error) {
    if (isForbidden(error)) {
      log.info(`${plural}.${group} may not be read (403), so pool ${pool.metadata.name} of ${namespace}/${name} stays`)
      return 'kept'
    }
    if (!isNotFound(error)) throw error
  }
  // 404 means no object of that name or no such path; only where the kind is known to be served is
  // the object gone.
  if (await isServed(`${plural}.${group}`, identity, kube)) return 'gone'
  log.info(`${identity.kind} ${namespace}/${name} cannot be looked up, so pool ${pool.metadata.name} stays`)
  return 'kept'
}

/** As UnsafeGuessKindToResource of apimachinery. */
function pluralOf(kind: string): string {
  const single = kind.toLowerCase()
  if (single.endsWith('s')) return `${single}es`
  return single.endsWith('y') ? `${single.slice(0, -1)}ies` : `${single}s`
}

async function isServed(
  crd: string,
  { apiVersion, kind }: ApplicationIdentity,
  kube: ReconcileContext['kube'],
): Promise<boolean> {
  if (apiVersion === 'v1') return kind === 'ReplicationController'
  try {
    await kube.get(CRDS, { name: crd })
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/** Subnets that an application names now: they may wait for one of its pools to be deleted. */
export function subnetsOf(identity: ApplicationIdentity, cache: CacheReader): readonly string[] {
  const kind = kindOf(identity)
  const workload = kind && cache.of(WORKLOADS[kind]).get(keyOfIdentity(identity))
  return kind && workload ? subnetsInDemand(demandOfWorkload(kind, workload, 0)) : []
}

/** Records an Event on applications with invalid annotations, which no subnet's reconciler sees. */
export const applications = (_: ReconcilerDeps): Reconciler => ({
  name: 'application',
  needsLeadership: true,
  maxConcurrent: 1,
  watches: applicationWatches((demand, by) => (demand.kind === 'invalid' ? [by] : [])),
  reconcile(key, cache, context) {
    const demand = demandOfKey(key, cache)
    if (demand.kind === 'invalid') {
      context.log.warn(demand.why)
      context.recordEvent({
        regarding: aboutIdentity(demand.identity),
        type: 'Warning',
        reason: 'WrongInput',
        message: demand.why,
      })
    }
    return Promise.resolve(undefined)
  },
})

function demandOfKey(demandKey: string, cache: CacheReader): SubnetDemand {
  const slash = demandKey.indexOf('/')
  const [kind, key] = [demandKey.slice(0, slash), demandKey.slice(slash + 1)]
  const known = KINDS.find(one => one === kind)
  const workload = known && cache.of(WORKLOADS[known]).get(key)
  if (known) return workload ? demandOfWorkload(known, workload, 0) : { kind: 'none' }
  const pod = cache.of(CLUSTER_PODS).get(key)
  return pod ? demandOfPod(pod) : { kind: 'none' }
}
