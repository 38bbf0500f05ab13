// `spiderpool-controller clean`, the hook before `helm uninstall`: takes away what would block or
// outlive the controller. Pools, records and CRDs stay unless they are asked for.
import { ANNOTATION_UNINSTALLING, FINALIZER, SPIDERPOOL_GROUP } from '../../lib/crd/names.js'
import type { ObjectMeta } from '../../lib/crd/types.js'
import type { Kube } from '../../lib/kube/client.js'
import { isNotFound } from '../../lib/kube/errors.js'
import {
  CRDS,
  DAEMONSETS,
  DEPLOYMENTS,
  JOBS,
  LEASES,
  MUTATING_WEBHOOKS,
  PODS,
  SECRETS,
  SPIDER_COORDINATORS,
  SPIDER_ENDPOINTS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_MULTUSCONFIGS,
  SPIDER_RESERVEDIPS,
  SPIDER_SUBNETS,
  VALIDATING_WEBHOOKS,
  type Kind,
  type ObjectKey,
} from '../../lib/kube/kinds.js'
import type { Log } from '../../lib/log.js'
import { messageOf } from '../../lib/errors.js'

export interface CleanPlan {
  readonly namespace: string
  /** Names of the webhook configurations. */
  readonly validating: string
  readonly mutating: string
  readonly deployment: string
  readonly lease: string
  /** '' leaves it: then the chart or cert-manager owns it. */
  readonly secret: string
  /** '' where there is none. */
  readonly initJob: string
  /** The agents' DaemonSet, marked so that each agent removes its files; '' leaves them. */
  readonly agents: string
  /** Deletes pools, subnets, records and CRDs too. */
  readonly deletesResources: boolean
}

export interface CleanDeps {
  readonly kube: Kube
  readonly log: Log
  readonly sleep: (ms: number) => Promise<void>
}

interface KubeObject {
  readonly metadata: ObjectMeta
}

const HELD_KINDS = [SPIDER_IPPOOLS, SPIDER_SUBNETS, SPIDER_ENDPOINTS, SPIDER_COORDINATORS]
const OBJECT_KINDS = [
  ...[SPIDER_ENDPOINTS, SPIDER_IPADDRESSES, SPIDER_IPPOOLS, SPIDER_SUBNETS],
  ...[SPIDER_RESERVEDIPS, SPIDER_MULTUSCONFIGS, SPIDER_COORDINATORS],
]
const PAGE = 500
const STOP_MS_MAX = 60_000
const POLL_MS = 500

/**
 * Each step is tried whatever the one before it did.
 * @throws Error a sentence that names every step that failed
 */
export async function clean(plan: CleanPlan, deps: CleanDeps): Promise<void> {
  const failures: string[] = []
  const step = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
      deps.log.info(what)
    } catch (error) {
      failures.push(`${what}: ${messageOf(error)}`)
      deps.log.error(what, { error: messageOf(error) })
    }
  }
  const { kube } = deps
  const inNamespace = (name: string): ObjectKey => ({ namespace: plan.namespace, name })
  await step('resources are deleted only where no pod holds an address', () => refuseWhileHeld(plan, kube))
  if (failures.length > 0) throw new Error(failures.join('; '))
  await step('webhook configurations deleted', async () => {
    await gone(kube.delete(VALIDATING_WEBHOOKS, { name: plan.validating }))
    await gone(kube.delete(MUTATING_WEBHOOKS, { name: plan.mutating }))
  })
  if (plan.agents !== '')
    await step('agents marked, so that they remove their files', () =>
      gone(patchAnnotation(kube, inNamespace(plan.agents))),
    )
  await step('controller stopped', () => stop(plan, deps))
  await step('finalizers removed', () => releaseAll(kube))
  if (plan.deletesResources) await step('objects and CRDs deleted', () => deleteResources(kube))
  await step('Lease, Secret and Job deleted', async () => {
    await gone(kube.delete(LEASES, inNamespace(plan.lease)))
    if (plan.secret !== '') await gone(kube.delete(SECRETS, inNamespace(plan.secret)))
    if (plan.initJob !== '') await gone(kube.delete(JOBS, inNamespace(plan.initJob), { propagation: 'Background' }))
  })
  if (failures.length > 0) throw new Error(failures.join('; '))
}

/** Not Found is success: a second run finds nothing. */
async function gone(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

const patchAnnotation = (kube: Kube, ref: ObjectKey): Promise<unknown> =>
  kube.patch(DAEMONSETS, ref, { metadata: { annotations: { [ANNOTATION_UNINSTALLING]: 'true' } } }, 'merge')

/** Deleting the record of a running pod's address would let it be allocated twice. */
async function refuseWhileHeld({ deletesResources }: CleanPlan, kube: Kube): Promise<void> {
  if (!deletesResources) return
  for await (const { metadata } of objectsOf<KubeObject>(kube, SPIDER_ENDPOINTS)) {
    const { namespace = '', name } = metadata
    const pod = await orNothing(kube.get<KubeObject>(PODS, { namespace, name }))
    if (pod && pod.metadata.deletionTimestamp === undefined)
      throw new Error(
        `pod ${namespace}/${name} holds an address; delete such pods first, or keep the pools (cleanup.deleteResources false)`,
      )
  }
}

/** The controller would put the finalizers back. */
async function stop({ namespace, deployment }: CleanPlan, { kube, sleep }: CleanDeps): Promise<void> {
  const ref = { namespace, name: deployment }
  const scaled = await orNothing(kube.patch<KubeObject>(DEPLOYMENTS, ref, { spec: { replicas: 0 } }, 'merge'))
  if (!scaled) return
  for (let waitedMs = 0; waitedMs < STOP_MS_MAX; waitedMs += POLL_MS) {
    const found = await orNothing(kube.get<{ status?: { replicas?: number } }>(DEPLOYMENTS, ref))
    if ((found?.status?.replicas ?? 0) === 0) return
    await sleep(POLL_MS)
  }
  throw new Error(`Deployment ${namespace}/${deployment} still has pods after ${STOP_MS_MAX / 1000} s`)
}

async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function* objectsOf<T>(kube: Kube, kind: Kind): AsyncGenerator<T> {
  let next: string | undefined
  do {
    let page
    try {
      page = await kube.list<T>(kind, { limit: PAGE, ...(next !== undefined && { continue: next }) })
    } catch (error) {
      if (isNotFound(error)) return // its CRD is gone
      throw error
    }
    yield* page.items
    next = page.metadata.continue === '' ? undefined : page.metadata.continue
  } while (next !== undefined)
}

/** Without them a CRD or a namespace could not be deleted once the controller is gone. */
async function releaseAll(kube: Kube): Promise<void> {
  for (const kind of HELD_KINDS)
    for await (const { metadata } of objectsOf<KubeObject>(kube, kind)) {
      if (metadata.finalizers?.includes(FINALIZER) !== true) continue
      const finalizers = metadata.finalizers.filter(one => one !== FINALIZER)
      await gone(kube.patch(kind, refOf(metadata), { metadata: { uid: metadata.uid, finalizers } }, 'merge'))
    }
}

const refOf = ({ namespace, name }: ObjectMeta): ObjectKey => ({ name, ...(namespace !== undefined && { namespace }) })

async function deleteResources(kube: Kube): Promise<void> {
  for (const kind of OBJECT_KINDS)
    for await (const { metadata } of objectsOf<KubeObject>(kube, kind))
      await gone(kube.delete(kind, refOf(metadata), { ...(metadata.uid !== undefined && { uid: metadata.uid }) }))
  for (const { plural } of OBJECT_KINDS) await gone(kube.delete(CRDS, { name: `${plural}.${SPIDERPOOL_GROUP}` }))
}
