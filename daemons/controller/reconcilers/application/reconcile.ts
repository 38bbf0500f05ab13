// The applications that ask SpiderSubnets for pools: how they are found, whether they are there, and what is wrong with what they ask.
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
  asksForSubnet,
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
import { keyOf, source, type WatchSource, type CacheReader } from '../../runtime/lister.js'
import { CLUSTER_PODS, slimMeta } from '../sources.js'

type WorkloadSource = WatchSource<Workload, 'subnet'>

/** Of most there is nothing to keep but the name: they ask no SpiderSubnet. */
function slim(workload: Workload): Workload {
  const metadata = slimMeta(workload.metadata)
  if (!asksForSubnet(templateOf(workload)?.metadata?.annotations)) return { metadata }
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
  /** Kubernetes 1.20 has them in batch/v1beta1 only. */
  CronJob: workloads(CRONJOBS, 'CronJob', { optional: true }),
}
const KINDS = Object.keys(WORKLOADS) as readonly WorkloadKind[]

const kindOf = ({ apiVersion, kind }: ApplicationIdentity): WorkloadKind | undefined =>
  KINDS.find(one => one === kind && apiVersionOfKind(one) === apiVersion)

/** A status that moves, as a Deployment's does with each pod, is no news: nothing of it is kept. */
const isSameButVersion = (a: { readonly metadata: ObjectMeta }, b: { readonly metadata: ObjectMeta }): boolean =>
  textOf(a) === textOf(b)
const textOf = (object: { readonly metadata: ObjectMeta }): string =>
  JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: '' } })

/** `keysOf` is given what is asked, by a workload or by a pod of a foreign kind, and `Kind/namespace/name` of that. */
export const applicationWatches = (
  keysOf: (asked: SubnetDemand, by: string) => readonly string[],
): readonly Watch[] => [
  ...KINDS.map(kind =>
    watchOf(
      WORKLOADS[kind],
      workload => keysOf(demandOfWorkload(kind, workload, 0), `${kind}/${keyOf(workload)}`),
      ({ object, previous }) => isSameButVersion(object, previous),
    ),
  ),
  watchOf(CLUSTER_PODS, pod => keysOf(demandOfPod(pod), `Pod/${keyOf(pod)}`)),
]

export interface DemandOptions {
  readonly families: readonly Family[]
  /** Addresses more than pods, where no annotation says a number. */
  readonly flexible: number
}

/** What all applications want of a subnet, by kind, namespace and name. */
export function autoPoolRequestsOn(
  subnet: string,
  cache: CacheReader,
  { families, flexible }: DemandOptions,
): readonly AutoPoolRequest[] {
  const asked = KINDS.flatMap(kind =>
    cache
      .of(WORKLOADS[kind])
      .by('subnet', subnet)
      .map(workload => demandOfWorkload(kind, workload, flexible)),
  )
  const all = [...asked, ...demandsOfForeign(cache.of(CLUSTER_PODS).by('asking', subnet))]
  return all
    .flatMap(one => (one.kind === 'asks' ? autoPoolRequestsFor(one.application, subnet, families) : []))
    .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
}

const orderOf = ({ application: { kind, namespace, name, uid }, nic }: AutoPoolRequest): string =>
  [kind, namespace, name, uid, nic].join('/')

/** One for each controller: its youngest pod says what it asks now. */
function demandsOfForeign(pods: readonly Pod[]): readonly SubnetDemand[] {
  const youngest = new Map<string, Pod>()
  const born = ({ metadata }: Pod): string => `${metadata.creationTimestamp ?? ''} ${metadata.name}`
  for (const pod of pods.filter(isAlive)) {
    const uid = foreignOwner(pod)?.uid ?? ''
    const other = youngest.get(uid)
    if (!other || born(other) < born(pod)) youngest.set(uid, pod)
  }
  return [...youngest.values()].map(demandOfPod)
}

/** Why nobody wishes for a pool, as the cache has it. What cannot be understood is no reason to take anything away. */
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
  const asked = demandOfWorkload(kind, workload, 0)
  if (asked.kind === 'wrong') return 'kept'
  const wishes = asked.kind === 'asks' ? autoPoolRequestsFor(asked.application, subnet, [4, 6]) : []
  return wishes.some(wish => isFor(pool, wish)) ? 'kept' : 'unrequested'
}

/** The same, past every cache. Of a foreign kind whose objects cannot be looked up the pool is kept. */
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
  // Nothing of that name, or nothing under that path at all: only where the kind is known to be served there is the object gone.
  if (await isServed(`${plural}.${group}`, identity, kube)) return 'gone'
  log.info(`${identity.kind} ${namespace}/${name} cannot be looked up, so pool ${pool.metadata.name} stays`)
  return 'kept'
}

/** As Kubernetes guesses it (UnsafeGuessKindToResource). */
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

/** The subnets that an application asks now: they may wait for one of its pools to go. */
export function subnetsOf(identity: ApplicationIdentity, cache: CacheReader): readonly string[] {
  const kind = kindOf(identity)
  const workload = kind && cache.of(WORKLOADS[kind]).get(keyOfIdentity(identity))
  return kind && workload ? subnetsInDemand(demandOfWorkload(kind, workload, 0)) : []
}

/** Tells applications whose annotations cannot be understood: no subnet knows of them. */
export const applications = (_: ReconcilerDeps): Reconciler => ({
  name: 'application',
  needsLeadership: true,
  maxConcurrent: 1,
  watches: applicationWatches((asked, by) => (asked.kind === 'wrong' ? [by] : [])),
  reconcile(key, cache, context) {
    const asked = askedBy(key, cache)
    if (asked.kind === 'wrong') {
      context.log.warn(asked.why)
      context.recordEvent({
        regarding: aboutIdentity(asked.identity),
        type: 'Warning',
        reason: 'WrongInput',
        message: asked.why,
      })
    }
    return Promise.resolve(undefined)
  },
})

function askedBy(place: string, cache: CacheReader): SubnetDemand {
  const slash = place.indexOf('/')
  const [kind, key] = [place.slice(0, slash), place.slice(slash + 1)]
  const known = KINDS.find(one => one === kind)
  const workload = known && cache.of(WORKLOADS[known]).get(key)
  if (known) return workload ? demandOfWorkload(known, workload, 0) : { kind: 'none' }
  const pod = cache.of(CLUSTER_PODS).get(key)
  return pod ? demandOfPod(pod) : { kind: 'none' }
}
