// Made by scripts/generate.ts from schemas/netconf. Not edited.
export interface Conf {
  /** Master, an interface of the node. Default: that of the first default route. */
  readonly master?: string
  /** `bridge`, `private`, `vepa` or `passthru`. */
  readonly mode?: string
  /** MTU of the new interface, at most the master's; 0 is the master's. */
  readonly mtu?: number
  /** MAC address of the new interface. `MAC` of CNI_ARGS and `runtimeConfig.mac` take precedence. */
  readonly mac?: string
  /** The master is in the pod's network namespace. */
  readonly linkInContainer?: boolean
  /** Broadcast queue length; 0 is the kernel's default. */
  readonly bcqueuelen?: number
  /** The IPAM plugin; without a `type` the interface has no address. `spiderpool` and `spiderpool-ipam` run in this process, any other is an executable of CNI_PATH. */
  readonly ipam?: {
    /** Name of the IPAM plugin. */
    readonly type?: string
  }
  /** Added by the runtime with `"capabilities": {"mac": true}` in the conf. */
  readonly runtimeConfig?: {
    /** MAC address requested for this pod. */
    readonly mac?: string
  }
  /** DNS of the result, in place of the IPAM's. */
  readonly dns?: {
    /** Addresses of name servers. */
    readonly nameservers?: readonly string[]
    /** The local domain. */
    readonly domain?: string
    /** Domains to search. */
    readonly search?: readonly string[]
    /** Options of the resolver. */
    readonly options?: readonly string[]
  }
}

type Checker = import('../../../lib/cni/conf.js').Checker<Conf>
export declare const keys: Checker['keys']
export declare const validate: Checker['validate']
