// Loaded lazily: the IPAM's verbs through the agent of a Go system, by its own API.
import { ask, waitsOfRequest } from '../../agent/client.js'
import type { UnixRequest } from '../../agent/http.js'
import {
  AGENT_PATHS,
  FIRST_BYTE_MS,
  type AgentIpConfig,
  type EndpointInterface,
  type IpamAddArgs,
  type IpamAddReply,
  type IpamBatchDelArgs,
  type IpamDelArgs,
  type WorkloadEndpointReply,
} from '../../agent/protocol.js'
import { deadlineOf } from '../../cni/conf.js'
import { CniError } from '../../cni/error.js'
import type { Call } from '../../cni/plugin.js'
import type { Result } from '../../cni/result.js'
import { messageOf } from '../../errors.js'
import { parseIp } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import type { ProbeRequest } from '../../probe/detect.js'
import { remedyOf, sentenceOf } from '../../probe/finding.js'
import { Refused, type RefusalName } from '../errors.js'
import { requestedIpsIn } from '../pod/requested-ips.js'
import { ADD_FAILED, type IpamClaim, type KernelAccess } from './add-del.js'
import { requestSourcesOf } from './request.js'
import { refusalOf, sessionOf, type Session } from './session.js'

const DEL_FAILED = 'spiderpool IP release error'

/**
 * ADD: the addresses of this interface, probed where the agent asks for it.
 * @throws CniError
 */
export async function goClaim(call: Call<unknown>, kernel: KernelAccess, socket: string): Promise<IpamClaim> {
  const session = sessionOf(call)
  const { log, fields } = session
  try {
    refuseBeyondGo(call, session)
    const agent = healthy(call, session, socket)
    const reply = replyOf(agent({ method: 'POST', path: AGENT_PATHS.ip, body: addArgsOf(call, session) }))
    const undo = (): Promise<void> => {
      agent({ method: 'DELETE', path: AGENT_PATHS.ip, body: delArgsOf(call, session) })
      return Promise.resolve()
    }
    const ips = reply.ips.filter(({ nic }) => nic === call.ifName)
    await unlessOff(ips, session, undo)
    await probed(call, ips, kernel.detect, () => {
      const body: IpamBatchDelArgs = { ...podArgsOf(call, session) }
      agent({ method: 'DELETE', path: AGENT_PATHS.ips, body })
    })
    log.info('address allocated by a Go agent', { ...fields, ips, socket })
    return { result: resultOf(call, ips, reply), undo }
  } catch (error) {
    log.error(ADD_FAILED, { ...fields, error: String(error) })
    throw refusalOf(ADD_FAILED, error)
  }
}

/** DEL. A failure is logged, not thrown, as in `ipamDel()`. @throws CniError for a bad conf */
export function goDel(call: Call<unknown>, socket: string): void {
  const session = sessionOf(call)
  try {
    const agent = healthy(call, session, socket)
    agent({ method: 'DELETE', path: AGENT_PATHS.ip, body: delArgsOf(call, session) })
    session.log.info('addresses released by a Go agent', { ...session.fields, socket })
  } catch (error) {
    session.log.error(DEL_FAILED, { ...session.fields, error: String(error) })
  }
}

/** CHECK: the agent's record has the addresses of prevResult. @throws CniError */
export function goCheck(call: Call<unknown>, socket: string): void {
  const session = sessionOf(call)
  const { namespace, name } = session.pod
  try {
    const agent = healthy(call, session, socket)
    const query = `podNamespace=${encodeURIComponent(namespace)}&podName=${encodeURIComponent(name)}`
    const text = agent({ method: 'GET', path: `${AGENT_PATHS.endpoint}?${query}` })
    const held = addressesOf(interfacesIn(text).find(one => one.interface === call.ifName))
    const missing = call.prevResult?.ips?.find(({ address }) => !held.includes(address))
    if (missing)
      throw new Refused('differs', `${missing.address} of prevResult is not in SpiderEndpoint ${namespace}/${name}`)
  } catch (error) {
    throw refusalOf('spiderpool IP check error', error)
  }
}

/** STATUS. @throws CniError 50 if the agent is not healthy */
export function goStatus(call: Call<unknown>, socket: string): void {
  try {
    requestTo(socket, waitsOfRequest(HEALTH_MS_MAX))({ method: 'GET', path: AGENT_PATHS.healthy })
  } catch (error) {
    throw new CniError('notAvailable', `no address can be allocated: ${messageOf(error)}`)
  }
}

const refused = (what: string): Refused =>
  new Refused(
    'wrongInput',
    `wrong input: ${what}, which the spiderpool-agent of a Go system cannot do; upgrade the agents of this cluster, or take it out`,
  )

/** What the API has no field for. */
function refuseBeyondGo(call: Call<unknown>, { container }: Session): void {
  if (container) throw refused('ipam.owner is "container"')
  const [requested] = requestedIpsIn(requestSourcesOf(call, container))
  if (requested) throw refused(`${requested.from} asks for ${requested.ip}`)
}

/** The Go agent allocates the families of its own ConfigMap. */
async function unlessOff(
  ips: readonly AgentIpConfig[],
  { conf: { switches } }: Session,
  undo: () => Promise<void>,
): Promise<void> {
  const off = ips.find(({ address }) => !switches[address.includes(':') ? 'ipv6' : 'ipv4'])
  if (off === undefined) return
  await undo()
  throw refused(`ipam.${off.address.includes(':') ? 'enableIPv6' : 'enableIPv4'} is false in the conf alone`)
}

type Send = (request: UnixRequest) => string

const HEALTH_MS_MAX = 5 * FIRST_BYTE_MS

function healthy(call: Call<unknown>, { conf }: Session, socket: string): Send {
  try {
    requestTo(socket, waitsOfRequest(HEALTH_MS_MAX))({ method: 'GET', path: AGENT_PATHS.healthy })
  } catch (error) {
    throw new CniError('tryAgain', `unhealthy spiderpool-agent backend: ${messageOf(error)}`, '', { cause: error })
  }
  return requestTo(socket, waitsOfRequest(deadlineOf(call.command, conf.timeouts, 'ipam.timeouts').ms))
}

/** Sends a request and returns the body of its answer. */
const requestTo =
  (socket: string, waits: ReturnType<typeof waitsOfRequest>): Send =>
  request => {
    const answer = ask(socket, request, waits)
    const what = `${request.method} ${request.path.split('?')[0] ?? ''}`
    if (answer.kind !== 'answered')
      throw new CniError('tryAgain', `${what}: spiderpool-agent at ${socket} ${answer.why}`)
    if (answer.status === 200) return answer.body
    throw goError(`${what}: ${errorIn(answer.body) || `spiderpool-agent answered with status ${answer.status}`}`)
  }

/** Bodies of errors are a JSON string, or an object with `message` from the framework. */
function errorIn(body: string): string {
  try {
    const error: unknown = JSON.parse(body)
    if (typeof error === 'string') return error
    return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : body.trim()
  } catch {
    return body.trim()
  }
}

/** The codes of our own allocator, by the sentences that tools match on. */
const SENTENCES: readonly (readonly [fragment: string, refusal: RefusalName])[] = [
  ['all IP addresses used out', 'exhausted'],
  ['exhaust all retries', 'contended'],
  ['no IPPool available', 'noPool'],
  ['wrong input', 'wrongInput'],
]

const goError = (message: string): Error => {
  const known = SENTENCES.find(([fragment]) => message.includes(fragment))
  return known ? new Refused(known[1], message) : new CniError('internal', message)
}

const podArgsOf = (call: Call<unknown>, { pod, podUid }: Session) => ({
  containerID: call.containerID,
  netNamespace: call.netns,
  podNamespace: pod.namespace,
  podName: pod.name,
  podUID: podUid,
})

const delArgsOf = (call: Call<unknown>, session: Session): IpamDelArgs => ({
  ...podArgsOf(call, session),
  ifName: call.ifName,
})

const poolsOf = ({ conf }: Session, family: 'ipv4' | 'ipv6'): readonly string[] | null =>
  conf.switches[family] && conf[family].length > 0 ? conf[family] : null

const addArgsOf = (call: Call<unknown>, session: Session): IpamAddArgs => ({
  ...podArgsOf(call, session),
  ifName: call.ifName,
  defaultIPv4IPPool: poolsOf(session, 'ipv4'),
  defaultIPv6IPPool: poolsOf(session, 'ipv6'),
  ...(session.conf.cleanGateway && { cleanGateway: true }),
  ...(session.conf.matchMasterSubnet && { matchMasterSubnet: true }),
})

const noReply = (text: string): CniError =>
  new CniError('tryAgain', `spiderpool-agent answered what is no result: ${JSON.stringify(text.slice(0, 200))}`)

const isText = (value: unknown): value is string => typeof value === 'string'

/** @throws CniError 11 for anything but a response of the documented form */
function replyOf(text: string): IpamAddReply {
  const reply = objectIn(text) as Partial<IpamAddReply>
  const routes = reply.routes ?? []
  const isValid =
    Array.isArray(reply.ips) &&
    reply.ips.every(one => isText(one?.nic) && isText(one?.address) && parsePrefix(one.address) !== undefined) &&
    Array.isArray(routes) &&
    routes.every(one => isText(one?.ifName) && isText(one?.dst) && isText(one?.gw))
  if (!isValid) throw noReply(text)
  return { ips: reply.ips ?? [], routes }
}

function objectIn(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    throw noReply(text)
  }
  throw noReply(text)
}

function interfacesIn(text: string): readonly EndpointInterface[] {
  const { interfaces } = objectIn(text) as Partial<WorkloadEndpointReply>
  if (Array.isArray(interfaces)) return interfaces
  throw noReply(text)
}

const addressesOf = (nic: EndpointInterface | undefined): readonly string[] =>
  [nic?.ipv4, nic?.ipv6].filter(address => address !== undefined)

function resultOf({ ifName }: Call<unknown>, ips: readonly AgentIpConfig[], { routes = [] }: IpamAddReply): Result {
  if (ips.length === 0) throw new Refused('noAddress', `no Interface ${ifName} IP allocation found`)
  const own = routes.filter(route => route.ifName === ifName)
  return {
    ips: ips.map(({ address, gateway }) => ({ address, ...(gateway && { gateway }) })),
    ...(own.length > 0 && { routes: own.map(({ dst, gw }) => ({ dst, gw })) }),
  }
}

/**
 * The Go agent leaves detection to the executable, and releases all addresses of the pod where one
 * is in conflict.
 * @throws Refused 108, 109
 */
async function probed(
  { ifName }: Call<unknown>,
  ips: readonly AgentIpConfig[],
  detect: KernelAccess['detect'],
  release: () => void,
): Promise<void> {
  const requests = ips.flatMap(probeRequestsOf)
  if (requests.length === 0) return
  try {
    const findings = await detect(requests)
    const [first] = [...findings].sort((a, b) => a.kind.localeCompare(b.kind)) // conflicts before gateways
    if (!first) return
    const sentence = [sentenceOf(first, ifName), remedyOf(first)].filter(Boolean).join('; ')
    throw new Refused(first.kind === 'conflict' ? 'ipConflict' : 'gatewayUnreachable', sentence)
  } catch (error) {
    release()
    throw error
  }
}

function probeRequestsOf(one: AgentIpConfig): readonly ProbeRequest[] {
  const ip = parsePrefix(one.address)?.ip
  const conflict = one.enableIPConflictDetection === true
  const gateway = one.enableGatewayDetection === true && one.gateway ? parseIp(one.gateway) : undefined
  if (ip === undefined || (!conflict && gateway === undefined)) return []
  return [{ ip, conflict, ...(gateway !== undefined && { gateway }) }]
}
