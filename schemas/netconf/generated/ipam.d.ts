// Made by scripts/generate.ts from schemas/netconf. Not edited.
export interface Conf {
  /** `spiderpool` or `spiderpool-ipam`. */
  readonly type?: string
  /** Path of the kubeconfig, in a folder that is the administrator's ([security](security.md)). Without it that of `KUBECONFIG`, then `/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig`. */
  readonly kubeconfig?: string
  /** Seconds after which a call no longer waits for the API server, its retries included. */
  readonly timeouts?: {
    /** ADD. */
    readonly add?: number
    /** DEL, which then succeeds: the controller frees what is left. */
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
  /** Where a line of JSON for each call goes, in a folder that is the administrator's ([security](security.md)). */
  readonly log_file_path?: string
  /** Megabytes after which a file is put aside; 0 is 100. */
  readonly log_file_max_size?: number | string
  /** Days after which a file put aside goes; 0 is never. */
  readonly log_file_max_age?: number | string
  /** Files put aside that are kept; 0 is all. */
  readonly log_file_max_count?: number | string
  /** Pools for IPv4, tried in this order, where neither the pod nor its Namespace names any. Names may be patterns such as `team-*`. */
  readonly default_ipv4_ippool?: readonly string[]
  /** Pools for IPv6, tried in this order, where neither the pod nor its Namespace names any. Names may be patterns such as `team-*`. */
  readonly default_ipv6_ippool?: readonly string[]
  /** Leave the default route out of the result. */
  readonly clean_gateway?: boolean
  /** Use only pools in whose subnet the node has an address on the interface behind the one of the pod. */
  readonly match_master_subnet?: boolean
  /** Give IPv4 addresses. */
  readonly enableIPv4?: boolean
  /** Give IPv6 addresses. */
  readonly enableIPv6?: boolean
  /** The next pod of a StatefulSet keeps the addresses. */
  readonly enableStatefulSet?: boolean
  /** A KubeVirt virtual machine keeps its addresses. */
  readonly enableKubevirtStaticIP?: boolean
  /** Follow the annotations that name a SpiderSubnet. */
  readonly enableSpiderSubnet?: boolean
  /** Ask the network whether another host has the address before it is used: 180 ms a pod. */
  readonly enableIPConflictDetection?: boolean
  /** Refuse a pod whose pool's gateway does not answer. */
  readonly enableGatewayDetection?: boolean
}

type Checker = import('../../../lib/cni/conf.js').Checker<Conf>
export declare const keys: Checker['keys']
export declare const validate: Checker['validate']
