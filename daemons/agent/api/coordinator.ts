// GET /v1/coordinator/config: the SpiderCoordinator with the pod's own default route interface.
import { COMMAND_HEADER, type CoordinatorConfigReply } from '../../../lib/agent/protocol.js'
import { CniError } from '../../../lib/cni/error.js'
import { ConfReader } from '../../../lib/cni/json.js'
import { keysOfCoordinator, routeNicOf, type CoordinatorKeys } from '../../../lib/coordinator/cluster-config.js'
import { HttpRefusal, objectIn, type ServedAnswer, type ServedRequest } from '../http/request.js'
import type { ObjectReader } from '../object-reader.js'

/**
 * The settings of the coordinator plugin.
 * @throws HttpRefusal 500 without a SpiderCoordinator, while it is not Synced, or without the pod
 */
export async function coordinatorConfig(request: ServedRequest, read: ObjectReader): Promise<ServedAnswer> {
  const { podNamespace: namespace, podName: name } = request.body.trim() === '' ? {} : objectIn(request)
  const isNamed = typeof namespace === 'string' && typeof name === 'string' && namespace !== '' && name !== ''
  const [keys, pod] = await Promise.all([readyKeys(read), isNamed ? read.pod({ namespace, name }) : undefined])
  // A DEL goes on where the pod is gone; for STATUS our executable has no pod to name.
  const command = request.header(COMMAND_HEADER.toLowerCase())
  if (pod === undefined && command !== 'DEL' && (isNamed || command === ''))
    throw new HttpRefusal(500, `failed to get pod ${String(namespace ?? '')}/${String(name ?? '')}`)
  const nic = pod && routeNicOf(new ConfReader(pod, 'pod ').object('metadata')?.object('annotations'))
  return { status: 200, json: replyOf(nic === undefined ? keys : { ...keys, podDefaultRouteNic: nic }) }
}

/** A cached object that is not ready may have become so: the API server decides. */
async function readyKeys(read: ObjectReader): Promise<CoordinatorKeys> {
  const cached = read.cachedCoordinator()
  try {
    if (cached !== undefined) return keysOfCoordinator(cached)
  } catch (error) {
    if (!(error instanceof CniError)) throw error
  }
  const object = await read.coordinator()
  if (object === undefined) throw new HttpRefusal(500, 'coordinator config not found')
  return ready(object)
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
