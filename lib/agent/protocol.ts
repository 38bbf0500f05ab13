// The protocol between CNI executables and the node agent: HTTP/1.1 over a unix socket. Paths,
// bodies and limits of both sides; imports nothing, so that an executable loads no more than this.

/** Where the agent listens if neither `ipam.ipam_unix_socket_path` nor the ConfigMap says else. */
export const AGENT_SOCKET = '/var/run/spidernet/spiderpool.sock'

/** Overrides the socket's path, for tests and for an agent outside a cluster. */
export const AGENT_SOCKET_ENV = 'SPIDERPOOL_AGENT_SOCKET'

/**
 * The client sets it for the full image that it executes: the path of a socket whose agent sent
 * nothing for FIRST_BYTE_MS. Nothing of a conf or of CNI_ARGS becomes a variable of this name.
 */
export const SILENT_SOCKET_ENV = 'SPIDERPOOL_SILENT_SOCKET'

/**
 * The client sets it for the full executable: an agent had begun this call, and its process has
 * ended. What the attachment has is the leftover of that call.
 */
export const REPEATED_CALL_ENV = 'SPIDERPOOL_REPEATED_CALL'

/** Paths of the Go system's API, which its executables and ours use alike. */
export const AGENT_PATHS = {
  healthy: '/v1/ipam/healthy',
  ip: '/v1/ipam/ip',
  ips: '/v1/ipam/ips',
  endpoint: '/v1/workloadendpoint',
  coordinatorConfig: '/v1/coordinator/config',
} as const

/** CNI_COMMAND of a request for the coordinator's settings; older Go executables send none. */
export const COMMAND_HEADER = 'X-Spiderpool-CNI-Command'

/** Prefix of whole calls that are handed over. A Go agent answers 404. */
export const CNI_PREFIX = '/v1/cni/'

/** Path of a whole CNI call of a plugin. */
export const cniPath = (plugin: string): string => `${CNI_PREFIX}${plugin}`

/** Path that releases what one ADD allocated. */
export const undoPath = (plugin: string): string => `${CNI_PREFIX}${plugin}/undo`

/** Header of every answer of an agent that runs whole plugins; the value is a major version. */
export const PROTOCOL_HEADER = 'X-Spiderpool-Protocol'
export const PROTOCOL_VERSION = '1'

/** The agent sends headers and one blank at once; without them by then the call goes direct. */
export const FIRST_BYTE_MS = 1_000

/** The agent sends another blank at this interval while a call runs. */
export const HEARTBEAT_MS = 2_000

/** Without a byte for this long, the agent is taken for dead. */
export const SILENCE_MS_MAX = 3 * HEARTBEAT_MS

/** A larger body of a request is answered with 413. */
export const BODY_BYTES_MAX = 1024 * 1024

/** How long the agent can undo an ADD. */
export const CLAIM_MS = 120_000

/** Statuses of the agent besides 200, 400, 404, 405, 413, 422, 500 and 503. */
export const AGENT_STATUS = {
  /** The claim was undone before, has expired, or is another agent's. */
  unknownClaim: 410,
  /** DELETE of conflicting addresses is switched off. */
  statelessForbidden: 521,
  /** DELETE of conflicting addresses of a StatefulSet's or virtual machine's pod. */
  statefulForbidden: 522,
} as const

/** Body of `POST /v1/cni/<plugin>`. */
export interface CniCallRequest {
  /** CNI_… and MULTUS_… of the executable. */
  readonly env: Readonly<Record<string, string>>
  /** The conf, unchanged. */
  readonly stdin: string
}

/** JSON behind the blanks of a response to `POST /v1/cni/<plugin>`. */
export interface CniCallReply {
  readonly exitCode: 0 | 1
  readonly stdout: string
  readonly stderr: string
  /** CNI_CONTAINERID and CNI_IFNAME of the call: the executable refuses the answer to another. */
  readonly containerID?: string
  readonly ifName?: string
  /** A successful ADD: its name for undo. */
  readonly claim?: string
}

/** Instead of a CniCallReply: the agent has done nothing, and the client executes the plugin. */
export interface FullImageReply {
  readonly execFullImage: string
}

/** Body of `POST /v1/cni/<plugin>/undo`; answered with 200 and `{}` once it is released. */
export interface UndoRequest {
  readonly claim: string
}

/** Body of `GET /v1/coordinator/config`: a GET with a body, as the Go system has it. */
export interface CoordinatorConfigRequest {
  readonly podName?: string
  readonly podNamespace?: string
}

export interface PolicyRoute {
  readonly dst: string
  readonly gw: string
}

/** Response to `GET /v1/coordinator/config`. */
export interface CoordinatorConfigReply {
  readonly mode: string
  readonly overlayPodCIDR: readonly string[]
  readonly serviceCIDR: readonly string[]
  readonly tunePodRoutes: boolean
  readonly hijackCIDR?: readonly string[]
  readonly policyRoutes?: readonly PolicyRoute[]
  readonly podMACPrefix?: string
  readonly podDefaultRouteNIC?: string
  readonly hostRuleTable?: number
  readonly podRPFilter?: number
  readonly txQueueLen?: number
  readonly vethLinkAddress?: string
  readonly vethMTU?: number
}

/** Body of `POST /v1/ipam/ip`. */
export interface IpamAddArgs {
  readonly containerID: string
  readonly ifName: string
  readonly netNamespace: string
  readonly podNamespace: string
  readonly podName: string
  readonly podUID: string
  readonly defaultIPv4IPPool?: readonly string[] | null
  readonly defaultIPv6IPPool?: readonly string[] | null
  readonly cleanGateway?: boolean
  readonly matchMasterSubnet?: boolean
}

export interface AgentIpConfig {
  readonly version: 4 | 6
  /** CIDR. */
  readonly address: string
  readonly nic: string
  readonly ipPool?: string
  readonly gateway?: string
  readonly vlan?: number
  readonly mac?: string
  readonly enableGatewayDetection?: boolean
  readonly enableIPConflictDetection?: boolean
}

export interface AgentRoute {
  readonly ifName: string
  readonly dst: string
  readonly gw: string
}

/** Response to `POST /v1/ipam/ip`: the addresses of all interfaces of the pod. */
export interface IpamAddReply {
  readonly ips: readonly AgentIpConfig[]
  readonly routes?: readonly AgentRoute[]
  readonly dns?: {
    readonly domain?: string
    readonly nameservers?: readonly string[]
    readonly options?: readonly string[]
    readonly search?: readonly string[]
  }
}

/** Body of `DELETE /v1/ipam/ip`. */
export interface IpamDelArgs {
  readonly containerID: string
  readonly ifName: string
  readonly netNamespace?: string
  readonly podNamespace: string
  readonly podName: string
  readonly podUID: string
}

/** Body of `DELETE /v1/ipam/ips`. */
export interface IpamBatchDelArgs {
  readonly containerID: string
  readonly netNamespace?: string
  readonly podNamespace: string
  readonly podName: string
  readonly podUID: string
  /** Whether the release is of addresses that another host has. */
  readonly isReleaseConflictIPs?: boolean
}

export interface EndpointInterface {
  readonly interface: string
  readonly ipv4?: string
  readonly ipv6?: string
  readonly mac?: string
  readonly vlan?: number
  readonly ipv4Pool?: string
  readonly ipv6Pool?: string
  readonly ipv4Gateway?: string
  readonly ipv6Gateway?: string
  readonly routes?: readonly { readonly dst: string; readonly gw: string }[]
}

/** Response to `GET /v1/workloadendpoint`. */
export interface WorkloadEndpointReply {
  readonly podNamespace: string
  readonly podName: string
  readonly podUID: string
  readonly node: string
  readonly interfaces: readonly EndpointInterface[]
}
