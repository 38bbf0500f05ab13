// What the cluster says of the coordinator: SpiderCoordinator `default`, and the pod's own wish for its default route. Knows no netns.
import { CniError, OwnError } from '../cni/error.js'
import { ConfReader } from '../cni/json.js'
import { kubeconfigOf, type NamedFile } from '../cni/allowed-files.js'
import { REFUSALS } from '../ipam/errors.js'

/** Keys that a conf and a SpiderCoordinator have in common; undefined where one says nothing. */
export interface CoordinatorKeys {
  readonly mode?: string | undefined
  readonly overlayPodCIDR?: readonly string[] | undefined
  readonly serviceCIDR?: readonly string[] | undefined
  readonly hijackCIDR?: readonly string[] | undefined
  readonly policyRoutes?: readonly { readonly dst: string; readonly gw: string }[] | undefined
  readonly podMACPrefix?: string | undefined
  readonly podDefaultRouteNic?: string | undefined
  readonly tunePodRoutes?: boolean | undefined
  readonly hostRuleTable?: number | undefined
  readonly podRPFilter?: number | undefined
  readonly txQueueLen?: number | undefined
  readonly vethLinkAddress?: string | undefined
  readonly vethMTU?: number | undefined
}

/** Of several the one of this name is meant; the others are nobody's. */
export const COORDINATOR_NAME = 'default'
export const DEFAULT_ROUTE_NIC = 'ipam.spidernet.io/default-route-nic'

const FAILED = 'failed to GetCoordinatorConfig'

/** The keys of an object that holds them: a conf, or a spec. Throws CniError naming the key that has another type. */
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

/** What a SpiderCoordinator says: its spec, and the CIDRs that were found for it. Throws CniError 11 while it is not Synced, and when it goes. */
export function keysOfCoordinator(object: object): CoordinatorKeys {
  const { spec, status, metadata } = partsOf(object)
  const phase = status?.string('phase') ?? ''
  const isGoing = metadata?.value('deletionTimestamp') !== undefined
  if (phase !== 'Synced' || isGoing) {
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

const isSaid = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== ''

/** The conf goes before the cluster, key by key; an empty text or list says nothing. */
export function mergeKeys(conf: CoordinatorKeys, cluster: CoordinatorKeys): CoordinatorKeys {
  const said = Object.entries(conf).filter(([, value]) => isSaid(value))
  return { ...cluster, ...Object.fromEntries(said) }
}

/** A conf with all three, or one that switches the plugin off, needs nobody to be asked. */
export const needsCluster = ({ mode, overlayPodCIDR, serviceCIDR }: CoordinatorKeys): boolean =>
  !isDisabled(mode ?? '') && ![mode, overlayPodCIDR, serviceCIDR].every(isSaid)

/** The CRD's spelling and the older executable's. */
export const isDisabled = (mode: string): boolean => mode === 'disabled' || mode === 'disable'

export interface ClusterCall {
  /** As the conf names it. */
  readonly kubeconfig: NamedFile
  readonly deadline: { readonly ms: number; readonly of: string }
  readonly env: Readonly<Record<string, string | undefined>>
  /** The pod whose annotation is to be looked at; undefined: nobody asks for the NIC of its default route. */
  readonly pod: { readonly namespace: string; readonly name: string } | undefined
}

/**
 * Asks the API server: one request, and one more for a pod. The pod's annotation goes before the SpiderCoordinator's key. Throws CniError:
 * 11 where trying again may help, 7 where there is no SpiderCoordinator or no way to a server.
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

/** Undefined where the pod wishes nothing. */
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
