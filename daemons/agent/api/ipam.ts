// The Go system's /v1/ipam: each request becomes the CNI call that our own executable hands over.
import { AGENT_STATUS, type AgentIpConfig, type CniCallReply, type IpamAddReply } from '../../../lib/agent/protocol.js'
import { HttpRefusal, type ServedAnswer, type ServedRequest } from '../http/request.js'
import { runCall, type CallDeps } from '../calls/run.js'
import { missing, podArgsIn, type PodArgs } from './validate.js'
import type { ReleaseOutcome, ReleaseRecord } from './release-pod.js'

export interface IpamApiDeps {
  readonly calls: CallDeps
  readonly releasesConflicts: boolean
  readonly release: ReleaseRecord
}

const PLUGIN = 'spiderpool-ipam'
const ADD_FAILED = 'spiderpool IP allocation error: '
const EMPTY: ServedAnswer = { status: 200 }

/** POST /v1/ipam/ip. @throws HttpRefusal 500 with the reason */
export async function addIp(request: ServedRequest, { calls }: IpamApiDeps): Promise<ServedAnswer> {
  const { args, absent } = podArgsIn(request, [
    ...['containerID', 'ifName', 'netNamespace', 'podNamespace', 'podName', 'podUID'],
  ])
  if (absent.length > 0) return missing(absent, 'body')
  const { more } = args
  const ipam = {
    ...(more['defaultIPv4IPPool'] != null && { default_ipv4_ippool: more['defaultIPv4IPPool'] }),
    ...(more['defaultIPv6IPPool'] != null && { default_ipv6_ippool: more['defaultIPv6IPPool'] }),
    clean_gateway: more['cleanGateway'] ?? false,
    match_master_subnet: more['matchMasterSubnet'] ?? false,
  }
  const { stdout } = succeeded(await runCall(callOf('ADD', args, ipam), calls))
  return { status: 200, json: replyOf(stdout, args.ifName) }
}

/** DELETE /v1/ipam/ip. @throws HttpRefusal 500 with the reason */
export async function deleteIp(request: ServedRequest, { calls }: IpamApiDeps): Promise<ServedAnswer> {
  const { args, absent } = podArgsIn(request, ['containerID', 'ifName', 'podNamespace', 'podName', 'podUID'])
  if (absent.length > 0) return missing(absent, 'body')
  succeeded(await runCall(callOf('DEL', args), calls))
  return EMPTY
}

/** DELETE /v1/ipam/ips: what a pod holds, after a conflict or an unreachable gateway. */
export async function deleteIps(request: ServedRequest, deps: IpamApiDeps): Promise<ServedAnswer> {
  const { args, absent } = podArgsIn(request, ['containerID', 'podNamespace', 'podName', 'podUID'])
  if (absent.length > 0) return missing(absent, 'body')
  const isConflict = args.more['isReleaseConflictIPs'] === true
  const forbidden = 'release of conflicting addresses is forbidden:'
  if (isConflict && !deps.releasesConflicts)
    throw new HttpRefusal(
      AGENT_STATUS.statelessForbidden,
      `${forbidden} SPIDERPOOL_ENABLED_RELEASE_CONFLICT_IPS is false`,
    )
  const pod = { namespace: args.podNamespace, name: args.podName }
  const released: ReleaseOutcome = await deps.calls.serializer.run(args.containerID, () =>
    deps.release({ pod, podUid: args.podUID, isConflict }),
  )
  switch (released.kind) {
    case 'released':
      return EMPTY
    case 'retained':
      throw new HttpRefusal(AGENT_STATUS.statefulForbidden, `${forbidden} ${released.why}`)
    case 'another':
      throw new HttpRefusal(500, released.why)
  }
}

/** No separate log: the agent logs the call. */
const LOG = { log_file_path: '/dev/null' } as const

function callOf(command: 'ADD' | 'DEL', args: PodArgs, ipam: object = {}) {
  const { podNamespace, podName, podUID, containerID } = args
  const pod = `K8S_POD_NAMESPACE=${podNamespace};K8S_POD_NAME=${podName};K8S_POD_UID=${podUID}`
  return {
    plugin: PLUGIN,
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerID,
      CNI_NETNS: args.netNamespace,
      CNI_IFNAME: args.ifName,
      CNI_PATH: '/opt/cni/bin',
      CNI_ARGS: `IgnoreUnknown=true;${pod};K8S_POD_INFRA_CONTAINER_ID=${containerID}`,
    },
    stdin: JSON.stringify({
      ...{ cniVersion: '1.0.0', name: 'spiderpool', type: 'spiderpool' },
      ipam: { type: 'spiderpool', ...LOG, ...ipam },
    }),
  }
}

interface Printed {
  readonly msg?: string
  readonly details?: string
  readonly ips?: readonly { readonly address: string; readonly gateway?: string }[]
  readonly routes?: readonly { readonly dst: string; readonly gw?: string }[]
}

/** The Go executable puts the same prefix before the message. @throws HttpRefusal 500 */
function succeeded(reply: CniCallReply): CniCallReply {
  if (reply.exitCode === 0) return reply
  const { msg = '', details = '' } = JSON.parse(reply.stdout) as Printed
  const message = msg.startsWith(ADD_FAILED) ? msg.slice(ADD_FAILED.length) : msg
  throw new HttpRefusal(500, details === '' ? message : `${message}; ${details}`)
}

/**
 * Conflict and gateway detection have no flags here: the agent has done them, so that a conflicting
 * address is in quarantine before the next try.
 */
function replyOf(stdout: string, nic: string): IpamAddReply {
  const { ips = [], routes = [] } = JSON.parse(stdout) as Printed
  return {
    ips: ips.map(({ address, gateway }): AgentIpConfig => {
      const version = address.includes(':') ? 6 : 4
      return { version, address, nic, ...(gateway !== undefined && { gateway }) }
    }),
    routes: routes.map(({ dst, gw = '' }) => ({ ifName: nic, dst, gw })),
    dns: {},
  }
}
