// POST /v1/cni/<plugin>: a whole CNI call of our executables, and the undo of an ADD.
import { AGENT_STATUS, CNI_PREFIX } from '../../../lib/agent/protocol.js'
import { hasPlugin, runCall, type CallDeps, type CallRequest } from '../calls/run.js'
import { runWhole, WHOLE_PLUGINS, type WholeDeps } from '../calls/whole-plugin.js'
import { HttpRefusal, objectIn, type ServedAnswer, type ServedRequest } from '../http/request.js'

/**
 * Runs the call, or undoes one.
 * @throws HttpRefusal 404 for an unknown plugin, 400 for an invalid body, 410 for an unknown claim
 */
export function cniCall(
  request: ServedRequest,
  deps: CallDeps,
  whole: WholeDeps | undefined,
): ServedAnswer | Promise<ServedAnswer> {
  const [plugin = '', verb, ...rest] = request.path.slice(CNI_PREFIX.length).split('/')
  if (whole && WHOLE_PLUGINS.includes(plugin) && verb === undefined) {
    const call = callIn(plugin, request)
    return { stream: isGone => runWhole(call, isGone, whole) }
  }
  if (!hasPlugin(deps, plugin) || rest.length > 0 || (verb !== undefined && verb !== 'undo'))
    throw new HttpRefusal(404, `this agent runs no ${request.path.slice(CNI_PREFIX.length)}`)
  return verb === 'undo' ? undo(request, deps) : { stream: deferred(callIn(plugin, request), deps) }
}

const deferred = (call: CallRequest, deps: CallDeps) => () => runCall(call, deps)

function callIn(plugin: string, request: ServedRequest): CallRequest {
  const { env, stdin } = objectIn(request)
  const isEnv = typeof env === 'object' && env !== null && Object.values(env).every(value => typeof value === 'string')
  if (!isEnv) throw new HttpRefusal(400, `env of ${request.path} must be an object of strings`)
  if (typeof stdin !== 'string') throw new HttpRefusal(400, `stdin of ${request.path} must be a string`)
  return { plugin, env: env as Record<string, string>, stdin }
}

async function undo(request: ServedRequest, { claims }: CallDeps): Promise<ServedAnswer> {
  const { claim } = objectIn(request)
  if (typeof claim !== 'string') throw new HttpRefusal(400, `claim of ${request.path} must be a string`)
  if (await claims.undo(claim)) return { status: 200, json: {} }
  throw new HttpRefusal(AGENT_STATUS.unknownClaim, `claim ${claim} was undone, has expired or is another agent's`)
}
