// The agent's environment variables and keys of conf.yml: default and meaning. The tables of
// docs/agent.md are made from them (make generate). Pure.
import type { ConfKeyTable, EnvTable } from '../runtime/options.js'

export const AGENT_ENV = {
  SPIDERPOOL_NODE_NAME: {
    default: '',
    defaultText: "the host's name",
    about: 'The node whose pods it watches. In a pod: `spec.nodeName`.',
  },
  SPIDERPOOL_POD_NAMESPACE: {
    default: 'kube-system',
    about:
      "Namespace of Multus' networks without one, and of the fallback's service account. In a pod: `metadata.namespace`.",
  },
  SPIDERPOOL_POD_NAME: { default: '', defaultText: "the host's name", about: 'In a pod: `metadata.name`.' },
  SPIDERPOOL_LOG_LEVEL: {
    default: 'info',
    about:
      '`debug`, `info`, `warn`, `error`, `fatal` or `panic`. JSON lines on stdout: one for each ADD and DEL, and each failed call with the error it printed.',
  },
  SPIDERPOOL_HEALTH_PORT: { default: 5710, about: '`/v1/runtime/startup`, `/readiness`, `/liveness`.' },
  SPIDERPOOL_HEALTH_ADDRESS: { default: '', about: 'Serve health on this address. The manifest sets `127.0.0.1`.' },
  SPIDERPOOL_ENABLED_METRIC: { default: false, about: 'Serve metrics.' },
  SPIDERPOOL_METRIC_HTTP_PORT: { default: 5711, about: '`/metrics`.' },
  SPIDERPOOL_BIND_ADDRESS: { default: '', about: 'Listen on this address only, with every port.' },
  SPIDERPOOL_ENABLED_RELEASE_CONFLICT_IPS: {
    default: true,
    about:
      "Whether a Go coordinator that finds a conflict may have the pod's addresses released. StatefulSets and virtual machines keep theirs.",
  },
  MULTUS_CLUSTER_NETWORK: {
    default: '',
    about: "`namespace/name` of the cluster's default network, for calls whose environment has none.",
  },
  CNI_BIN_DIR: { default: '', about: 'Directory that gets the executables; unset: none are installed.' },
  SPIDERPOOL_CNI_CLIENT: {
    default: true,
    about:
      'The executables are the client of this agent ([agent-client.md](agent-client.md#the-client)); `false`: the full executable under each name.',
  },
  SPIDERPOOL_INSTALL_KUBECONFIG: { default: false, about: '[The fallback](#the-fallback).' },
  CNI_CONF_DIR: { default: '/host/etc/cni/net.d', about: 'Directory that gets `spiderpool.d/spiderpool.kubeconfig`.' },
  SPIDERPOOL_CNI_CONF_HOST_DIR: {
    default: '/etc/cni/net.d',
    about: "The same directory as the node names it, for paths in Multus' conf.",
  },
  SPIDERPOOL_AGENT_NAME: {
    default: 'spiderpool-agent',
    about: 'Its DaemonSet, and the service account of the fallback.',
  },
  SPIDERPOOL_MULTUS_INSTALL: { default: false, about: '[Multus](#multus).' },
  SPIDERPOOL_MULTUS_NETWORK: {
    default: '',
    about: "Name of the default network's NetworkAttachmentDefinition in the agent's namespace.",
  },
  SPIDERPOOL_MULTUS_ACCOUNT: { default: 'spiderpool-multus', about: "Service account of Multus' kubeconfig." },
  SPIDERPOOL_MULTUS_LOG_LEVEL: { default: 'error', about: 'The log level in Multus’ conf.' },
  SPIDERPOOL_MULTUS_LOG_FILE: { default: '/var/log/multus.log', about: 'The log file in Multus’ conf.' },
  SPIDERPOOL_MULTUS_UNINSTALL: { default: false, about: "Remove Multus' files at an uninstallation." },
  SPIDERPOOL_UNINSTALL_FILES: { default: false, about: 'Remove every file of the agent at an uninstallation.' },
  SPIDERPOOL_NETWORKMANAGER_CONF_DIR: {
    default: '',
    about: "NetworkManager's `conf.d`, which gets `spidernet.conf`; unset: it is not written.",
  },
  SPIDERPOOL_SYSCTL_DIR: {
    default: '/proc/sys',
    about:
      "Where the sysctls are; in a container that is not privileged `/proc/sys` is read-only, and the manifest mounts the node's `/proc/sys/net` elsewhere.",
  },
  SPIDERPOOL_NODE_CONFIG: {
    default: '',
    about:
      "[The file of the node's administrator](security.md#the-file-of-the-nodes-administrator), for the logs that confs name.",
  },
  SPIDERPOOL_AGENT_SOCKET: { default: '', about: 'Path of the socket, before that of conf.yml.' },
} as const satisfies EnvTable

/** Keys of conf.yml, with the value of a missing one. */
export const AGENT_CONF = {
  ipamUnixSocketPath: {
    default: '/var/run/spidernet/spiderpool.sock',
    about: "Path of the socket. Its folder is root's alone (0700), so it must not be one that others use.",
  },
  enableIPv4: { default: false, about: 'As in [conf.md](conf.md).' },
  enableIPv6: { default: false, about: 'As in [conf.md](conf.md).' },
  enableStatefulSet: { default: false, about: 'As in [conf.md](conf.md).' },
  enableKubevirtStaticIP: { default: false, about: 'As in [conf.md](conf.md).' },
  enableSpiderSubnet: { default: false, about: 'As in [conf.md](conf.md).' },
  enableIPConflictDetection: {
    default: false,
    about: 'As in [conf.md](conf.md). The agent probes, for Go executables too.',
  },
  enableGatewayDetection: {
    default: false,
    about: 'As in [conf.md](conf.md). The agent probes, for Go executables too.',
  },
  tuneSysctlConfig: {
    default: false,
    about:
      'Sets `net.ipv4.neigh.default.gc_thresh3` and `net.ipv6.…` to 28160 (a larger value stays), `net.ipv4.conf.all.arp_notify` and both `conf.all.forwarding` to 1, `net.ipv4.conf.all.rp_filter` to 0. One that the kernel lacks is skipped; a failure is logged and does not keep the agent from serving.',
  },
} as const satisfies ConfKeyTable
