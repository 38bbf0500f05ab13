// The agent's settings, from environment, command line and ConfigMap; names and defaults are those
// of Spiderpool's Helm chart. Pure.
import { CLIENT_VARIABLE } from '../install/plan.js'
import { AGENT_SOCKET, AGENT_SOCKET_ENV } from '../../lib/agent/protocol.js'
import { AGENT } from '../../lib/crd/names.js'
import type { Level } from '../../lib/log.js'
import { ConfFileError } from '../runtime/conf-file.js'
import { flag, level, number, text, type DaemonEnv } from '../runtime/env.js'
import type { MultusSettings } from './multus/plan.js'

export const USAGE = `usage: spiderpool-agent [daemon] [--config-path FILE]
  --config-path FILE   conf.yml of the ConfigMap spiderpool-conf
  --version            prints the version
  All other settings are environment variables (SPIDERPOOL_…, docs/agent.md). Outside a cluster KUBECONFIG names the API server.
`

/** conf.yml, read as the Go agent does: a missing boolean is false. */
export interface AgentConf {
  readonly ipamUnixSocketPath: string
  readonly enableIPv4: boolean
  readonly enableIPv6: boolean
  readonly enableStatefulSet: boolean
  readonly enableKubevirtStaticIP: boolean
  readonly enableSpiderSubnet: boolean
  readonly enableIPConflictDetection: boolean
  readonly enableGatewayDetection: boolean
  readonly tuneSysctlConfig: boolean
}

/** Without a file: every feature that needs no further configuration is on. */
export const AGENT_CONF_DEFAULT: AgentConf = {
  ipamUnixSocketPath: AGENT_SOCKET,
  enableIPv4: true,
  enableIPv6: true,
  enableStatefulSet: true,
  enableKubevirtStaticIP: true,
  enableSpiderSubnet: true,
  enableIPConflictDetection: false,
  enableGatewayDetection: false,
  tuneSysctlConfig: false,
}

export interface AgentSettings {
  readonly namespace: string
  readonly podName: string
  readonly nodeName: string
  readonly logLevel: Level
  /** '' is every address of the machine. */
  readonly bindAddress: string
  readonly healthAddress: string
  readonly healthPort: number
  readonly metricsPort: number
  readonly metrics: boolean
  /** Path of the unix socket. */
  readonly socket: string
  /** Whether the agent runs whole calls of coordinator, macvlan-wrapper and ifacer. */
  readonly wholePlugins: boolean
  /** The node's folders that are mounted at their own path; undefined: all are. */
  readonly nodeFolders: readonly string[] | undefined
  /** Threads for them. */
  readonly pluginThreads: number
  /** MULTUS_CLUSTER_NETWORK for calls that bring none. */
  readonly clusterNetwork: string
  /** Whether DELETE /v1/ipam/ips may release conflicting addresses. */
  readonly releasesConflicts: boolean
  /** Name of the agents' DaemonSet and service account. */
  readonly agentName: string
  readonly node: NodeDuties
}

/** What the agent keeps current on its node besides the socket. */
export interface NodeDuties {
  /** The node's /opt/cni/bin as mounted here; '' where the executables are not installed. */
  readonly binFolder: string
  /** Whether the executables are the client of this agent, not the full image. */
  readonly usesClient: boolean
  /** The node's /etc/cni/net.d as mounted here; '' where no kubeconfig is written. */
  readonly confFolder: string
  readonly tunesSysctls: boolean
  /** Where the sysctls are, /proc/sys or the mount of another. */
  readonly sysctlFolder: string
  /** NetworkManager's conf.d as mounted here; '' where no drop-in is written. */
  readonly networkManagerFolder: string
  /** Undefined where Multus is installed by others. */
  readonly multus: MultusDuty | undefined
  /** What is removed from the node at an uninstallation. */
  readonly removes: 'nothing' | 'multus' | 'all'
}

export interface MultusDuty {
  readonly settings: MultusSettings
  readonly confFolder: string
  /** The service account of its kubeconfig. */
  readonly account: string
}

/**
 * The value of --config-path; undefined without one.
 * @throws Error a sentence for an unknown argument or a missing value.
 */
export function configPathOf(argv: readonly string[]): string | undefined {
  const args = argv[0] === 'daemon' ? argv.slice(1) : [...argv]
  let path: string | undefined
  for (let at = 0; at < args.length; at++) {
    const [name = '', inline] = (args[at] ?? '').split(/=(.*)/s)
    if (name !== '--config-path') throw new Error(`unknown argument ${JSON.stringify(args[at])}; see --help`)
    path = inline ?? args[++at] ?? ''
    if (path === '') throw new Error('--config-path needs a file')
  }
  return path
}

/**
 * The configuration of a parsed conf.yml. Keys of the controller and of the Go agent are accepted,
 * since one ConfigMap serves all.
 * @throws ConfFileError for a value of another type; Error where it is no mapping.
 */
export function agentConfOf(yaml: unknown): AgentConf {
  const isObject = typeof yaml === 'object' && yaml !== null && !Array.isArray(yaml)
  if (!isObject) throw new Error('the configuration file holds no YAML mapping; give key: value lines')
  const raw = yaml as Readonly<Record<string, unknown>>
  const wrong = (key: string, must: string): ConfFileError =>
    new ConfFileError(key, `${key} of the configuration file is ${JSON.stringify(raw[key])}; ${must}`)
  const on = (key: keyof AgentConf): boolean => {
    const value = raw[key] ?? false
    if (typeof value === 'boolean') return value
    throw wrong(key, 'give true or false')
  }
  const path = raw['ipamUnixSocketPath'] ?? AGENT_SOCKET
  if (typeof path !== 'string' || !path.startsWith('/')) throw wrong('ipamUnixSocketPath', 'give an absolute path')
  return {
    ipamUnixSocketPath: path,
    enableIPv4: on('enableIPv4'),
    enableIPv6: on('enableIPv6'),
    enableStatefulSet: on('enableStatefulSet'),
    enableKubevirtStaticIP: on('enableKubevirtStaticIP'),
    enableSpiderSubnet: on('enableSpiderSubnet'),
    enableIPConflictDetection: on('enableIPConflictDetection'),
    enableGatewayDetection: on('enableGatewayDetection'),
    tuneSysctlConfig: on('tuneSysctlConfig'),
  }
}

/** sun_path of <linux/un.h>, with its NUL; the temporary name beside it is longer by this. */
const SUN_PATH_BYTES = 108
const TEMPORARY_BYTES = 16

/**
 * The settings; `hostname` stands for pod and node outside a cluster.
 * @throws Error a sentence with the variable, its value and what is valid.
 */
export function agentSettingsOf(env: DaemonEnv, conf: AgentConf, hostname: string): AgentSettings {
  const socket = text(env, AGENT_SOCKET_ENV, conf.ipamUnixSocketPath)
  const from = env[AGENT_SOCKET_ENV] === undefined ? 'ipamUnixSocketPath of the configuration file' : AGENT_SOCKET_ENV
  if (!socket.startsWith('/') || socket.endsWith('/')) throw new Error(`${from} is "${socket}"; give an absolute path`)
  if (Buffer.byteLength(socket) + TEMPORARY_BYTES >= SUN_PATH_BYTES)
    throw new Error(
      `${from} is "${socket}", which has ${Buffer.byteLength(socket)} bytes; a socket's path has at most ${SUN_PATH_BYTES - TEMPORARY_BYTES - 1}`,
    )
  return {
    namespace: text(env, 'SPIDERPOOL_POD_NAMESPACE', 'kube-system'),
    podName: text(env, 'SPIDERPOOL_POD_NAME', hostname),
    nodeName: text(env, 'SPIDERPOOL_NODE_NAME', hostname),
    logLevel: level(env),
    bindAddress: env['SPIDERPOOL_BIND_ADDRESS'] ?? '',
    healthAddress: env['SPIDERPOOL_HEALTH_ADDRESS'] || env['SPIDERPOOL_BIND_ADDRESS'] || '',
    healthPort: number(env, 'SPIDERPOOL_HEALTH_PORT', 5710),
    metricsPort: number(env, 'SPIDERPOOL_METRIC_HTTP_PORT', 5711),
    metrics: flag(env, 'SPIDERPOOL_ENABLED_METRIC', false),
    socket,
    wholePlugins: flag(env, 'SPIDERPOOL_WHOLE_PLUGINS', false),
    nodeFolders: env['SPIDERPOOL_NODE_FOLDERS']?.split(',').filter(Boolean),
    pluginThreads: number(env, 'SPIDERPOOL_PLUGIN_THREADS', PLUGIN_THREADS),
    clusterNetwork: env['MULTUS_CLUSTER_NETWORK'] ?? '',
    releasesConflicts: flag(env, 'SPIDERPOOL_ENABLED_RELEASE_CONFLICT_IPS', true),
    agentName: text(env, 'SPIDERPOOL_AGENT_NAME', AGENT),
    node: dutiesOf(env, conf),
  }
}

/** The kernel changes links one after another (rtnl_mutex): more gain little. */
const PLUGIN_THREADS = 2

function dutiesOf(env: DaemonEnv, conf: AgentConf): NodeDuties {
  const multus = multusOf(env)
  const removesAll = flag(env, 'SPIDERPOOL_UNINSTALL_FILES', false)
  const removesMultus = multus !== undefined && flag(env, 'SPIDERPOOL_MULTUS_UNINSTALL', false)
  return {
    binFolder: env['CNI_BIN_DIR'] ?? '',
    usesClient: flag(env, CLIENT_VARIABLE, true),
    confFolder: flag(env, 'SPIDERPOOL_INSTALL_KUBECONFIG', false) ? confFolderOf(env) : '',
    tunesSysctls: conf.tuneSysctlConfig,
    sysctlFolder: env['SPIDERPOOL_SYSCTL_DIR'] || '/proc/sys',
    networkManagerFolder: env['SPIDERPOOL_NETWORKMANAGER_CONF_DIR'] ?? '',
    multus,
    removes: removesAll ? 'all' : removesMultus ? 'multus' : 'nothing',
  }
}

const confFolderOf = (env: DaemonEnv): string => env['CNI_CONF_DIR'] ?? '/host/etc/cni/net.d'

function multusOf(env: DaemonEnv): MultusDuty | undefined {
  if (!flag(env, 'SPIDERPOOL_MULTUS_INSTALL', false)) return undefined
  if ((env['CNI_BIN_DIR'] ?? '') === '')
    throw new Error('CNI_BIN_DIR is not set and SPIDERPOOL_MULTUS_INSTALL is true; give the node’s /opt/cni/bin')
  return {
    settings: {
      clusterNetwork: env['SPIDERPOOL_MULTUS_NETWORK'] ?? '',
      namespace: text(env, 'SPIDERPOOL_POD_NAMESPACE', 'kube-system'),
      hostFolder: text(env, 'SPIDERPOOL_CNI_CONF_HOST_DIR', '/etc/cni/net.d'),
      logLevel: text(env, 'SPIDERPOOL_MULTUS_LOG_LEVEL', 'error'),
      logFile: text(env, 'SPIDERPOOL_MULTUS_LOG_FILE', '/var/log/multus.log'),
    },
    confFolder: confFolderOf(env),
    account: text(env, 'SPIDERPOOL_MULTUS_ACCOUNT', 'spiderpool-multus'),
  }
}
