// Made by scripts/generate.ts from schemas/netconf. Not edited.
export interface Conf {
  /** `auto`, `underlay`, `overlay` or `disabled`. */
  readonly mode?: string
  /** The interface of the pod's first network. */
  readonly podDefaultCniNic?: string
  /** The interface that has the pod's default route. Without it that of the pod's annotation `ipam.spidernet.io/default-route-nic`, then that of the SpiderCoordinator. */
  readonly podDefaultRouteNic?: string
  /** CIDRs of pods on the cluster's overlay network. */
  readonly overlayPodCIDR?: readonly string[]
  /** CIDRs of Services. */
  readonly serviceCIDR?: readonly string[]
  /** Further CIDRs that the pod reaches through the node. */
  readonly hijackCIDR?: readonly string[]
  /** Routes for the table of this interface. */
  readonly policyRoutes?: readonly {
    /** An address or a CIDR. */
    readonly dst?: string
    /** An address of the same family. */
    readonly gw?: string
  }[]
  /** Give each further interface a routing table of its own. */
  readonly tunePodRoutes?: boolean
  /** The node's routing table for the way to its pods. */
  readonly hostRuleTable?: number
  /** rp_filter in the pod: 0, 1 or 2; a negative value leaves it as it is. */
  readonly podRPFilter?: number
  /** Read and ignored, for confs of older installations. */
  readonly hostRPFilter?: number
  /** Length of the transmit queue of the pod's interface; 0 leaves it as it is. */
  readonly txQueueLen?: number
  /** The first two bytes of the interface's hardware address, as `0a:1b`; the others are the last four of its first address. */
  readonly podMACPrefix?: string
  /** An IPv4 address for the pod's end of the veth. */
  readonly vethLinkAddress?: string
  /** MTU of the veth. */
  readonly vethMTU?: number
  /** Read and ignored, for confs of older installations. */
  readonly multusNicPrefix?: string
  /** Refuse the pod where the gateway of the interface's default route does not answer on its network. */
  readonly detectGateway?: boolean
  /** Refuse the pod where another host on the network has an address of the interface. */
  readonly detectIPConflict?: boolean
  /** Path of the kubeconfig, in a folder that is the administrator's ([security](security.md)). Without it that of `KUBECONFIG`, then `/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig`. */
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
  /** Of a conf that is the IPAM's too. */
  readonly ipam?: {
    /** Where `kubeconfig` is not given. */
    readonly kubeconfig?: string
  }
  /** What the runtime adds, with `"capabilities": {"io.kubernetes.cri.pod-annotations": true}` in the conf: then nobody is asked for the pod. */
  readonly runtimeConfig?: {
    /** The pod's annotations. */
    readonly 'io.kubernetes.cri.pod-annotations'?: {
      /** As `podDefaultRouteNic`, which goes before it. */
      readonly 'ipam.spidernet.io/default-route-nic'?: string
    }
  }
  /** The log of this plugin. */
  readonly logOptions?: {
    /** `debug`, `info`, `warn`, `error`, `fatal` or `panic`. */
    readonly logLevel?: string
    /** Where a line of JSON for each call goes, in a folder that is the administrator's ([security](security.md)). */
    readonly logFile?: string
    /** Megabytes after which a file is put aside; 0 is 100. */
    readonly logMaxSize?: number | string
    /** Days after which a file put aside goes; 0 is never. */
    readonly logMaxAge?: number | string
    /** Files put aside that are kept; 0 is all. */
    readonly logMaxCount?: number | string
  }
}

type Checker = import('../../../lib/cni/conf.js').Checker<Conf>
export declare const keys: Checker['keys']
export declare const validate: Checker['validate']
