// The conf on stdin, checked for types only, so that DEL succeeds with invalid values.
import * as schema from '../../schemas/netconf/generated/coordinator.js'
import { checked, ConfFault, type TimeoutsConf } from '../../lib/cni/conf.js'
import { CniError } from '../../lib/cni/error.js'
import { unknownKeys, type UnknownKey } from '../../lib/cni/unknown-keys.js'
import { logConfOf, type LogConf } from '../../lib/cni/log-options.js'
import { DEFAULT_ROUTE_NIC, type CoordinatorKeys } from '../../lib/coordinator/cluster-config.js'

export interface CoordinatorConf {
  readonly keys: CoordinatorKeys
  /** The runtime passes the pod's annotations, so that the API server need not be read. */
  readonly hasAnnotations: boolean
  /** The pod's default interface. */
  readonly podDefaultCniNic: string
  readonly detectIPConflict: boolean
  readonly detectGateway: boolean
  /** `kubeconfig`, or the IPAM's; '': KUBECONFIG, or the installed file. */
  readonly kubeconfig: { readonly path: string; readonly key: string }
  /** Path of the node agent's socket; '': the default. */
  readonly agentSocket: string
  /** By verb, in seconds. */
  readonly timeouts: TimeoutsConf
  readonly log: LogConf
  readonly unknown: readonly UnknownKey[]
}

const DEFAULT_IFNAME = 'eth0'
const LOG_FILE = '/var/log/spidernet/coordinator.log'

/**
 * The conf of some JSON.
 * @throws CniError 6 naming the key and its value
 */
export function accepts(raw: unknown): CoordinatorConf {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new CniError('decodeFailure', 'failed to parse config: it is not an object')
  const conf = checkedConf(raw)
  return {
    keys: keysOf(conf),
    hasAnnotations: annotationsIn(conf) !== undefined,
    podDefaultCniNic: conf.podDefaultCniNic || DEFAULT_IFNAME,
    detectIPConflict: conf.detectIPConflict ?? false,
    detectGateway: conf.detectGateway ?? false,
    kubeconfig: conf.kubeconfig
      ? { path: conf.kubeconfig, key: 'kubeconfig' }
      : { path: conf.ipam?.kubeconfig ?? '', key: 'ipam.kubeconfig' },
    agentSocket: conf.ipam?.ipam_unix_socket_path ?? '',
    timeouts: conf.timeouts ?? {},
    log: logConfOf(conf.logOptions ?? {}, LOG_FILE),
    unknown: unknownKeys(raw, schema.keys, ''),
  }
}

function checkedConf(raw: object): schema.Conf {
  try {
    return checked(raw, schema, '')
  } catch (error) {
    if (error instanceof ConfFault) throw new CniError('decodeFailure', `failed to parse config: ${error.message}`)
    throw error
  }
}

/** The pod's annotations, by the capability `io.kubernetes.cri.pod-annotations` of the runtime. */
const annotationsIn = ({ runtimeConfig }: schema.Conf) => runtimeConfig?.['io.kubernetes.cri.pod-annotations']

function keysOf(conf: schema.Conf): CoordinatorKeys {
  return {
    mode: conf.mode,
    overlayPodCIDR: conf.overlayPodCIDR,
    serviceCIDR: conf.serviceCIDR,
    hijackCIDR: conf.hijackCIDR,
    policyRoutes: conf.policyRoutes?.map(({ dst = '', gw = '' }) => ({ dst, gw })),
    podMACPrefix: conf.podMACPrefix,
    podDefaultRouteNic: conf.podDefaultRouteNic || annotationsIn(conf)?.[DEFAULT_ROUTE_NIC],
    tunePodRoutes: conf.tunePodRoutes,
    hostRuleTable: conf.hostRuleTable,
    podRPFilter: conf.podRPFilter,
    txQueueLen: conf.txQueueLen,
    vethLinkAddress: conf.vethLinkAddress,
    vethMTU: conf.vethMTU,
  }
}
