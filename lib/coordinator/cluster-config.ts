// Cluster-wide configuration of the coordinator: SpiderCoordinator `default` and the pod's
// annotation for its default route interface. Knows no netns.
import { CniError, OwnError } from '../cni/error.js'
import { ConfReader } from '../cni/json.js'
import { kubeconfigOf, type NamedFile } from '../cni/allowed-files.js'
import type { SpiderCoordinator } from '../crd/coordinator.js'
import { REFUSALS } from '../ipam/errors.js'

type Spec = Omit<NonNullable<SpiderCoordinator['spec']>, 'mode' | 'podCIDRType' | 'podDefaultRouteNIC'>
type Status = Pick<NonNullable<SpiderCoordinator['status']>, 'overlayPodCIDR' | 'serviceCIDR'>
type Keys = Spec & Status & { readonly mode?: string; readonly podDefaultRouteNic?: string }

/**
 * Keys that a conf and a SpiderCoordinator have in common; undefined where a key is not set. `mode`
 * is validated later.
 */
export type CoordinatorKeys = { readonly [K in keyof Keys]?: Keys[K] | undefined }

/** Only the SpiderCoordinator of this name is read. */
export const COORDINATOR_NAME = 'default'
export const DEFAULT_ROUTE_NIC = 'ipam.spidernet.io/default-route-nic'

const FAILED = 'failed to GetCoordinatorConfig'

/**
 * The coordinator keys of a conf or of a SpiderCoordinator's spec.
 * @throws CniError that names a key of the wrong type
 */
export const keysOf = (conf: ConfReader): CoordinatorKeys => ({
  mode: conf.string('mode'),
  overlayPodCIDR: conf.strings('overlayPodCIDR'),
  serviceCIDR: conf.strings('serviceCIDR'),
  hijackCIDR: conf.strings('hijackCIDR'),
  policyRoutes: conf.objects('policyRoutes')?.map(route => {
    return { dst: route.string('dst') ?? '', gw: route.string('gw') ?? '' }
  }),
  podMACPrefix: conf.string('podMACPrefix'),
  podDefaultRouteNic: conf.string('podDefaultRouteNic') ?? conf.string('podDefaultRouteNIC'),
  tunePodRoutes: conf.boolean('tunePodRoutes'),
  hostRuleTable: conf.integer('hostRuleTable'),
  podRPFilter: conf.integer('podRPFilter'),
  txQueueLen: conf.integer('txQueueLen'),
  vethLinkAddress: conf.string('vethLinkAddress'),
  vethMTU: conf.integer('vethMTU'),
})

/**
 * The keys of a SpiderCoordinator: its spec, and the CIDRs of its status.
 * @throws CniError 11 while it is not Synced or is being deleted
 */
export function keysOfCoordinator(object: object): CoordinatorKeys {
  const { spec, status, metadata } = partsOf(object)
  const phase = status?.string('phase') ?? ''
  const isDeleted = metadata?.value('deletionTimestamp') !== undefined
  if (phase !== 'Synced' || isDeleted) {
    const reason = phase === 'Synced' ? 'it is being deleted' : (status?.string('reason') ?? '')
    throw new CniError(
      'tryAgain',
      `${FAILED}: spidercoordinator: ${COORDINATOR_NAME} no ready${reason === '' ? '' : `: ${reason}`}`,
      phase === 'Synced'
        ? `SpiderCoordinator ${COORDINATOR_NAME} has a deletionTimestamp; pods wait for its successor`
        : `SpiderCoordinator ${COORDINATOR_NAME} has phase "${phase}"; pods wait until it is Synced${phase === '' ? ', which spiderpool-controller does: is it running?' : ''}`,
    )
  }
  const found = {
    overlayPodCIDR: status?.strings('overlayPodCIDR') ?? [],
    serviceCIDR: status?.strings('serviceCIDR') ?? [],
  }
  return { ...(spec && keysOf(spec)), ...found }
}

function partsOf(object: object): Readonly<Record<'metadata' | 'spec' | 'status', ConfReader | undefined>> {
  const fields = new ConfReader(object, `SpiderCoordinator ${COORDINATOR_NAME}: `)
  return { metadata: fields.object('metadata'), spec: fields.object('spec'), status: fields.object('status') }
}

const isSet = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== ''

/** The conf overrides the cluster, key by key; an empty string or list counts as not set. */
export function mergeKeys(conf: CoordinatorKeys, cluster: CoordinatorKeys): CoordinatorKeys {
  const set = Object.entries(conf).filter(([, value]) => isSet(value))
  return { ...cluster, ...Object.fromEntries(set) }
}

/**
 * False for a conf that sets all three keys or disables the plugin: then no API request is made.
 */
export const needsCluster = ({ mode, overlayPodCIDR, serviceCIDR }: CoordinatorKeys): boolean =>
  !isDisabled(mode ?? '') && ![mode, overlayPodCIDR, serviceCIDR].every(isSet)

/** Accepts the CRD's spelling and that of the Go executable. */
export const isDisabled = (mode: string): boolean => mode === 'disabled' || mode === 'disable'

export interface ClusterCall {
  /** As the conf names it. */
  readonly kubeconfig: NamedFile
  readonly deadline: { readonly ms: number; readonly of: string }
  readonly env: Readonly<Record<string, string | undefined>>
  /**
   * The pod whose annotation is read; undefined where the default route interface is not needed.
   */
  readonly pod: { readonly namespace: string; readonly name: string } | undefined
}

/**
 * Reads the SpiderCoordinator and, if given, the pod; the pod's annotation overrides the key.
 * @throws CniError 11 where a retry may help, 7 without a SpiderCoordinator or a usable kubeconfig
 */
export async function coordinatorKeys({ kubeconfig, deadline, env, pod }: ClusterCall): Promise<CoordinatorKeys> {
  const [{ connectFrom }, { SPIDER_COORDINATORS, PODS }] = await Promise.all([
    import('../kube/open.js'),
    import('../kube/kinds.js'),
  ])
  try {
    const kube = connectFrom({ kubeconfig: kubeconfigOf(kubeconfig, env), env, deadline })
    const [object, owner] = await Promise.all([
      kube.get<object>(SPIDER_COORDINATORS, { name: COORDINATOR_NAME }),
      pod && kube.get<object>(PODS, pod),
    ])
    const keys = keysOfCoordinator(object)
    const nic = owner && routeNicOf(new ConfReader(owner, 'pod ').object('metadata')?.object('annotations'))
    return nic === undefined ? keys : { ...keys, podDefaultRouteNic: nic }
  } catch (error) {
    throw await refusal(error, pod)
  }
}

/** The default route interface that the pod's annotation names; undefined without one. */
export const routeNicOf = (annotations: ConfReader | undefined): string | undefined =>
  annotations?.string(DEFAULT_ROUTE_NIC) || undefined

async function refusal(error: unknown, pod: ClusterCall['pod']): Promise<unknown> {
  const { isBadConfig, isNotFound, isUnauthorized, KubeError } = await import('../kube/errors.js')
  if (!(error instanceof KubeError)) return error
  if (isNotFound(error) && pod && error.message.includes('pods'))
    return new CniError('internal', `${FAILED}: failed to get pod ${pod.namespace}/${pod.name}: ${error.message}`)
  if (isNotFound(error))
    return new CniError(
      'invalidConfig',
      `${FAILED}: coordinator config not found`,
      `the API server has no SpiderCoordinator "${COORDINATOR_NAME}"; create it, or give mode, overlayPodCIDR and serviceCIDR in the conf`,
    )
  if (isUnauthorized(error)) return new OwnError(REFUSALS.unauthorized.code, `${FAILED}: ${error.message}`)
  return new CniError(isBadConfig(error) ? 'invalidConfig' : 'tryAgain', `${FAILED}: ${error.message}`, '', {
    cause: error,
  })
}
