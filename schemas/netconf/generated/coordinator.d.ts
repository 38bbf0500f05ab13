// Made by scripts/generate.ts from schemas/netconf. Not edited.
export interface Conf {
  /** `auto`, `underlay`, `overlay` or `disabled`. */
  readonly mode?: string
  /** The pod's default interface. */
  readonly podDefaultCniNic?: string
  /** The interface with the pod's default route. Default: that of the pod's annotation `ipam.spidernet.io/default-route-nic`, then that of the SpiderCoordinator. */
  readonly podDefaultRouteNic?: string
  /** CIDRs of pods on the cluster's overlay network. */
  readonly overlayPodCIDR?: readonly string[]
  /** CIDRs of Services. */
  readonly serviceCIDR?: readonly string[]
  /** Further CIDRs that the pod reaches through the node. */
  readonly hijackCIDR?: readonly string[]
  /** Routes added to the routing table of this interface. */
  readonly policyRoutes?: readonly {
    /** An address or a CIDR. */
    readonly dst?: string
    /** An address of the same family. */
    readonly gw?: string
  }[]
  /** Gives each secondary interface its own routing table. */
  readonly tunePodRoutes?: boolean
  /** The node's routing table with the routes to its pods. */
  readonly hostRuleTable?: number
  /** rp_filter in the pod: 0, 1 or 2; a negative value leaves it unchanged. */
  readonly podRPFilter?: number
  /** Read and ignored, for confs of older installations. */
  readonly hostRPFilter?: number
  /** Transmit queue length of the pod's interface; 0 leaves it unchanged. */
  readonly txQueueLen?: number
  /** The first two bytes of the interface's MAC address, such as `0a:1b`; the others are the last four of its first address. */
  readonly podMACPrefix?: string
  /** An IPv4 address for the pod's end of the veth. */
  readonly vethLinkAddress?: string
  /** MTU of the veth. */
  readonly vethMTU?: number
  /** Read and ignored, for confs of older installations. */
  readonly multusNicPrefix?: string
  /** ADD fails where the gateway of the interface's default route does not answer. */
  readonly detectGateway?: boolean
  /** ADD fails where another host on the network has an address of the interface. */
  readonly detectIPConflict?: boolean
  /** Path of the kubeconfig, in a folder that the administrator allows ([security](security.md)). Default: that of `KUBECONFIG`, then `/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig`. */
  readonly kubeconfig?: string
  /** Seconds after which a call no longer waits for the API server, its retries included. */
  readonly timeouts?: {
    /** ADD. */
    readonly add?: number
    /** CHECK. */
    readonly check?: number
    /** STATUS. */
    readonly status?: number
  }
  /** The IPAM object, where the conf has one. */
  readonly ipam?: {
    /** Used where `kubeconfig` is absent. */
    readonly kubeconfig?: string
    /** Socket of the node agent, in a folder that the administrator allows ([security](security.md)). Where it answers, it has the settings and the pod's annotation. */
    readonly ipam_unix_socket_path?: string
  }
  /** Added by the runtime with `"capabilities": {"io.kubernetes.cri.pod-annotations": true}` in the conf: then the API server is not asked for the pod. */
  readonly runtimeConfig?: {
    /** The pod's annotations. */
    readonly 'io.kubernetes.cri.pod-annotations'?: {
      /** As `podDefaultRouteNic`, which takes precedence. */
      readonly 'ipam.spidernet.io/default-route-nic'?: string
    }
  }
  /** The log of this plugin. */
  readonly logOptions?: {
    /** `debug`, `info`, `warn`, `error`, `fatal` or `panic`. */
    readonly logLevel?: string
    /** File with a line of JSON for each call, in a folder that the administrator allows ([security](security.md)). */
    readonly logFile?: string
    /** Megabytes after which the file is rotated; 0 is 100. */
    readonly logMaxSize?: number | string
    /** Days after which a rotated file is deleted; 0 is never. */
    readonly logMaxAge?: number | string
    /** Rotated files that are kept; 0 is all. */
    readonly logMaxCount?: number | string
  }
}

type Checker = import('../../../lib/cni/conf.js').Checker<Conf>
export declare const keys: Checker['keys']
export declare const validate: Checker['validate']
