// Made by scripts/generate.ts from schemas/netconf. Not edited.
export interface Conf {
  /** The interface of the node that the pod gets a share of. Without it that of the first default route. */
  readonly master?: string
  /** `bridge`, `private`, `vepa` or `passthru`. */
  readonly mode?: string
  /** Of the new interface, at most the master's; 0 is the master's. */
  readonly mtu?: number
  /** Hardware address of the new interface. `MAC` of CNI_ARGS and `runtimeConfig.mac` come before it. */
  readonly mac?: string
  /** Look for the master in the pod's namespace. */
  readonly linkInContainer?: boolean
  /** Length of the queue for broadcasts; 0 is the kernel's own. */
  readonly bcqueuelen?: number
  /** Who gives the addresses; without a `type` the interface has none. `spiderpool` and `spiderpool-ipam` run in this process, any other is an executable of CNI_PATH. */
  readonly ipam?: {
    /** The IPAM. */
    readonly type?: string
  }
  /** What the runtime adds, with `"capabilities": {"mac": true}` in the conf. */
  readonly runtimeConfig?: {
    /** Hardware address that was asked for this pod. */
    readonly mac?: string
  }
  /** Goes into the result in place of what the IPAM says. */
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
