// GET /v1/coordinator/config: the SpiderCoordinator with the pod's own default route interface.
import type { CoordinatorConfigReply } from '../../../lib/agent/protocol.js'
import { CniError } from '../../../lib/cni/error.js'
import { ConfReader } from '../../../lib/cni/json.js'
import { keysOfCoordinator, routeNicOf, type CoordinatorKeys } from '../../../lib/coordinator/cluster-config.js'
import { HttpRefusal, objectIn, type AgentAnswer, type AgentRequest } from '../http/request.js'
import type { ObjectReader } from '../connect.js'

/** The executable's verb: a DEL goes on where the pod is gone. */
const COMMAND_HEADER = 'x-spiderpool-cni-command'

/**
 * The settings of the coordinator plugin.
 * @throws HttpRefusal 500 without a SpiderCoordinator, while it is not Synced, or without the pod
 */
export async function coordinatorConfig(request: AgentRequest, read: ObjectReader): Promise<AgentAnswer> {
  const { podNamespace: namespace, podName: name } = request.body.trim() === '' ? {} : objectIn(request)
  const isNamed = typeof namespace === 'string' && typeof name === 'string' && namespace !== '' && name !== ''
  const [object, pod] = await Promise.all([read.coordinator(), isNamed ? read.pod({ namespace, name }) : undefined])
  if (object === undefined) throw new HttpRefusal(500, 'coordinator config not found')
  const keys = ready(object)
  if (pod === undefined && request.header(COMMAND_HEADER) !== 'DEL')
    throw new HttpRefusal(500, `failed to get pod ${String(namespace ?? '')}/${String(name ?? '')}`)
  const nic = pod && routeNicOf(new ConfReader(pod, 'pod ').object('metadata')?.object('annotations'))
  return { status: 200, json: replyOf(nic === undefined ? keys : { ...keys, podDefaultRouteNic: nic }) }
}

/** Strings that the Go executables print behind a prefix of their own. */
const PREFIX = 'failed to GetCoordinatorConfig: '

function ready(object: object): CoordinatorKeys {
  try {
    return keysOfCoordinator(object)
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    throw new HttpRefusal(500, error.message.startsWith(PREFIX) ? error.message.slice(PREFIX.length) : error.message)
  }
}

/** Lists are never null: the Go executable refuses a null serviceCIDR. */
function replyOf(keys: CoordinatorKeys): CoordinatorConfigReply {
  const { mode = 'auto', overlayPodCIDR = [], serviceCIDR = [], tunePodRoutes = true, ...rest } = keys
  const { podDefaultRouteNic, ...others } = rest
  return {
    ...{ mode, overlayPodCIDR, serviceCIDR, tunePodRoutes },
    ...(others as Partial<CoordinatorConfigReply>), // undefined keys are not printed
    ...(podDefaultRouteNic !== undefined && { podDefaultRouteNIC: podDefaultRouteNic }),
  }
}
