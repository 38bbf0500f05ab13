// Made by scripts/generate.ts from schemas/netconf. Not edited.
export interface Conf {
  /** One interface of the node; several make a bond. */
  readonly interfaces?: readonly string[]
  /** VLAN on top of it, 1 to 4094; 0 is none. */
  readonly vlanID?: number
  /** The bond of several interfaces. */
  readonly bond?: {
    /** Its name. */
    readonly name?: string
    /** 0 balance-rr, 1 active-backup, 2 balance-xor, 3 broadcast, 4 802.3ad, 5 balance-tlb, 6 balance-alb. */
    readonly mode?: number
    /** Options of the bonding driver, as `miimon=100;primary=eth1`. */
    readonly options?: string
  }
  /** MTU of the bond and of the VLAN that are made; 0 leaves it to the kernel. */
  readonly mtu?: number
  /** Consent to make a bond of interfaces that carry the node's own addresses or default route, which then stop working. */
  readonly allowNodeNic?: boolean
  /** Links that are made go with the DEL of their last user; otherwise they stay until a reboot. */
  readonly removeUnused?: boolean
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
