// Made by scripts/generate.ts from schemas/netconf. Not edited.
export interface Conf {
  /** `spiderpool` or `spiderpool-ipam`. */
  readonly type?: string
  /** Path of the kubeconfig, in a folder that the administrator allows ([security](security.md)). Default: that of `KUBECONFIG`, then `/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig`. */
  readonly kubeconfig?: string
  /** Socket of the node agent, in a folder that the administrator allows ([security](security.md)). Where it answers, the agent executes the call; else the plugin uses the kubeconfig. */
  readonly ipam_unix_socket_path?: string
  /** Seconds after which a call no longer waits for the API server, its retries included. */
  readonly timeouts?: {
    /** ADD. */
    readonly add?: number
    /** DEL, which then succeeds: the controller releases the addresses. */
    readonly del?: number
    /** CHECK, and GC. */
    readonly check?: number
    /** STATUS. */
    readonly status?: number
  }
  /** Who an address belongs to: the Kubernetes pod that the runtime names, or, on a host without Kubernetes, the container itself ([podman](podman.md)). */
  readonly owner?: string
  /** `debug`, `info`, `warn`, `error`, `fatal` or `panic`, in any case. */
  readonly log_level?: string
  /** File with a line of JSON for each call, in a folder that the administrator allows ([security](security.md)). */
  readonly log_file_path?: string
  /** Megabytes after which the file is rotated; 0 is 100. */
  readonly log_file_max_size?: number | string
  /** Days after which a rotated file is deleted; 0 is never. */
  readonly log_file_max_age?: number | string
  /** Rotated files that are kept; 0 is all. */
  readonly log_file_max_count?: number | string
  /** IPv4 pools, tried in this order, where neither the pod nor its Namespace names any. Patterns such as `team-*` are allowed. */
  readonly default_ipv4_ippool?: readonly string[]
  /** IPv6 pools, tried in this order, where neither the pod nor its Namespace names any. Patterns such as `team-*` are allowed. */
  readonly default_ipv6_ippool?: readonly string[]
  /** Leaves the default route out of the result. */
  readonly clean_gateway?: boolean
  /** Uses only pools in whose subnet the node has an address on the master of the pod's interface. */
  readonly match_master_subnet?: boolean
  /** Allocates IPv4 addresses. */
  readonly enableIPv4?: boolean
  /** Allocates IPv6 addresses. */
  readonly enableIPv6?: boolean
  /** The next pod of the same name of a StatefulSet keeps the addresses. */
  readonly enableStatefulSet?: boolean
  /** A KubeVirt virtual machine keeps its addresses. */
  readonly enableKubevirtStaticIP?: boolean
  /** Honours annotations that name a SpiderSubnet. */
  readonly enableSpiderSubnet?: boolean
  /** Probes by ARP and ND whether another host has the address before it is used; 180 ms for each pod. */
  readonly enableIPConflictDetection?: boolean
  /** ADD fails where the gateway of the pool does not answer. */
  readonly enableGatewayDetection?: boolean
}

type Checker = import('../../../lib/cni/conf.js').Checker<Conf>
export declare const keys: Checker['keys']
export declare const validate: Checker['validate']
