// Paths of the socket. Knows no HTTP library.
import { AGENT_PATHS, CNI_PREFIX } from '../../../lib/agent/protocol.js'
import type { WholeDeps } from '../calls/whole-plugin.js'
import type { ObjectReader } from '../object-reader.js'
import { HttpRefusal, type ServedAnswer, type ServedHandler, type ServedRequest } from '../http/request.js'
import { cniCall } from './cni.js'
import { coordinatorConfig } from './coordinator.js'
import { workloadEndpoint } from './endpoint.js'
import { addIp, deleteIp, deleteIps, type IpamApiDeps } from './ipam.js'

export interface ApiDeps extends IpamApiDeps {
  /** Undefined for what a plugin in the agent asks: no call of a whole plugin is within another. */
  readonly whole?: WholeDeps | undefined
  readonly read: ObjectReader
}

type Route = (request: ServedRequest, deps: ApiDeps) => ServedAnswer | Promise<ServedAnswer>

const EMPTY: Route = () => ({ status: 200 })

const ROUTES: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  [AGENT_PATHS.healthy]: { GET: EMPTY },
  [AGENT_PATHS.ip]: { POST: addIp, DELETE: deleteIp },
  // The Go agent answers POST without doing anything.
  [AGENT_PATHS.ips]: { POST: EMPTY, DELETE: deleteIps },
  [AGENT_PATHS.endpoint]: { GET: (request, { read }) => workloadEndpoint(request, read) },
  [AGENT_PATHS.coordinatorConfig]: { GET: (request, { read }) => coordinatorConfig(request, read) },
}

/** Answers what comes over the socket. */
export const apiHandler =
  (deps: ApiDeps): ServedHandler =>
  request => {
    const { method, path } = request
    const isCni = path.startsWith(CNI_PREFIX)
    const methods = isCni
      ? { POST: (one: ServedRequest) => cniCall(one, deps.calls, deps.whole) }
      : Object.hasOwn(ROUTES, path)
        ? ROUTES[path]
        : undefined
    if (methods === undefined) throw new HttpRefusal(404, `path ${path} was not found`)
    const route: Route | undefined = Object.entries(methods).find(([name]) => name === method)?.[1]
    if (route) return route(request, deps)
    throw new HttpRefusal(405, `method ${method} of ${path} is not allowed, but ${Object.keys(methods).join(', ')} are`)
  }
