// The steps of a plan: requests to the kernel as data. No netlink, no plugin.
import type { Ip } from '../ip/address.js'
import type { Cidr, Prefix } from '../ip/cidr.js'
import type { Mac } from '../ip/mac.js'
import type { NftTable } from './nft-table.js'

/** The node's network namespace, or the pod's. */
export type Where = 'node' | 'pod'

export type MacvlanMode = 'private' | 'vepa' | 'bridge' | 'passthru'
export type IpvlanMode = 'l2' | 'l3' | 'l3s'

/** A link to add. `on` is the lower device; `onWhere` is its namespace, by default the node's. */
export type NewLink =
  | {
      readonly kind: 'macvlan'
      readonly on: string
      readonly onWhere?: Where
      readonly mode: MacvlanMode
      readonly broadcastQueueLength?: number
    }
  | { readonly kind: 'ipvlan'; readonly on: string; readonly onWhere?: Where; readonly mode: IpvlanMode }
  | { readonly kind: 'vlan'; readonly on: string; readonly onWhere?: Where; readonly id: number }
  | { readonly kind: 'veth'; readonly peer: VethPeer }
  | { readonly kind: 'bond'; readonly options: BondOptions }
  | { readonly kind: 'bridge' }

export interface VethPeer {
  readonly where: Where
  readonly name: string
  readonly mtu?: number
  readonly mac?: Mac
}

/** Options of a bond; numbers as in IFLA_BOND_* (<linux/if_link.h>), times in ms. */
export interface BondOptions extends Readonly<Partial<Record<BondNumber, number>>> {
  readonly mode: number
  readonly arpIpTarget?: readonly Ip[]
  readonly adActorSystem?: Mac
}
export type BondNumber =
  | 'activeSlave'
  | 'miimon'
  | 'updelay'
  | 'downdelay'
  | 'useCarrier'
  | 'arpInterval'
  | 'arpValidate'
  | 'arpAllTargets'
  | 'primary'
  | 'primaryReselect'
  | 'failOverMac'
  | 'xmitHashPolicy'
  | 'resendIgmp'
  | 'numPeerNotif'
  | 'allSlavesActive'
  | 'minLinks'
  | 'lpInterval'
  | 'packetsPerSlave'
  | 'adLacpRate'
  | 'adSelect'
  | 'adActorSysPrio'
  | 'adUserPortKey'
  | 'tlbDynamicLb'

/** A route, desired or observed. Numbers are the kernel's: table 254 is main, scope 253 is link. */
export interface Route {
  readonly dst: Cidr
  readonly dev?: string
  readonly via?: Ip
  readonly src?: Ip
  readonly table?: number
  readonly metric?: number
  readonly scope?: number
  readonly proto?: number
  /** RTN_*; default: unicast. */
  readonly type?: number
  readonly mtu?: number
  readonly advmss?: number
  readonly onlink?: boolean
  /** All hops of a multipath route; `dev` and `via` are then those of one of them. */
  readonly nexthops?: readonly NextHop[]
  /** Other attributes as the kernel reports them, kept when the route is moved to another table. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** One hop of a multipath route. */
export interface NextHop {
  readonly dev: string
  readonly via?: Ip
  readonly onlink?: boolean
  readonly weight: number
}

export interface Rule {
  readonly family: 4 | 6
  readonly priority?: number
  readonly from?: Cidr
  readonly to?: Cidr
  readonly fwmark?: number
  readonly table: number
  /**
   * Observed only: it has other selectors, or another action than a table lookup. No step adds or
   * removes it.
   */
  readonly more?: true
}

/** A packet to look up a route for, as `ip route get` does. */
export interface Packet {
  readonly to: Ip
  readonly from?: Ip
  readonly mark?: number
}

interface OnLink {
  readonly where: Where
  readonly name: string
}

/**
 * A request to the kernel. A step that changes carries the observed value (`was`) for undo; a step
 * that removes carries all of what it removes.
 */
export type Step =
  | (OnLink & { readonly verb: 'addLink'; readonly link: NewLink; readonly mtu?: number; readonly mac?: Mac })
  /**
   * Deletes a link of any kind. It is not brought back: the addresses, routes and links on it are
   * gone too.
   */
  | (OnLink & { readonly verb: 'removeLink' })
  /** `alias` is set with the name, in one request. */
  | (OnLink & { readonly verb: 'rename'; readonly to: string; readonly alias?: string })
  | (OnLink & { readonly verb: 'setUp'; readonly was: boolean })
  /** A bond accepts a link only while it is down. */
  | (OnLink & { readonly verb: 'setDown'; readonly was: boolean })
  /**
   * The active slave of an active-backup bond. Not undone: the bond selects another one by itself.
   */
  | (OnLink & { readonly verb: 'setActiveSlave'; readonly slave: string })
  | (OnLink & { readonly verb: 'setMtu'; readonly mtu: number; readonly was: number })
  | (OnLink & { readonly verb: 'setMac'; readonly mac: Mac; readonly was: Mac })
  | (OnLink & { readonly verb: 'setQueueLength'; readonly length: number; readonly was: number })
  /** IFLA_IFALIAS, as `ip link` shows it: says who made the link. */
  | (OnLink & { readonly verb: 'setAlias'; readonly alias: string; readonly was: string | undefined })
  | (OnLink & { readonly verb: 'setMaster'; readonly master: string | undefined; readonly was: string | undefined })
  | (OnLink & { readonly verb: 'addAddress'; readonly address: Prefix; readonly noDad?: boolean })
  | (OnLink & { readonly verb: 'addNeigh'; readonly ip: Ip; readonly mac: Mac })
  | (OnLink & { readonly verb: 'removeNeigh'; readonly ip: Ip; readonly mac: Mac | undefined })
  | {
      readonly verb: 'addRoute'
      readonly where: Where
      readonly route: Route
      readonly how: RouteMode
      readonly was?: Route
    }
  | {
      readonly verb: 'removeRoute'
      readonly where: Where
      readonly route: Route
      /** Another route to the same dst comes before it; undo appends it. */
      readonly behind?: boolean
    }
  | { readonly verb: 'addRule'; readonly where: Where; readonly rule: Rule }
  | { readonly verb: 'removeRule'; readonly where: Where; readonly rule: Rule }
  | {
      /**
       * Replaces the nf_tables table of that name atomically. Undo restores `was`, the observed
       * table, or deletes the table if there was none.
       */
      readonly verb: 'setNftTable'
      readonly where: Where
      readonly table: NftTable
      readonly was: NftTable | undefined
    }
  | {
      /**
       * A rule that many pods share: it exists as long as its table has routes. Undo deletes it if
       * the table has no routes but `mine`. In a plan it comes after the routes: a concurrent undo
       * checks the table again after deleting the rule.
       */
      readonly verb: 'shareRule'
      readonly where: Where
      readonly rule: Rule
      readonly mine: readonly Cidr[]
    }
  | {
      readonly verb: 'setSysctl'
      readonly where: Where
      readonly path: string
      readonly value: string
      readonly was: string | undefined
      /** Skipped if the kernel has no such sysctl or the runtime mounts /proc/sys read-only. */
      readonly optional?: boolean
    }

/**
 * As `ip route add`, `prepend` (NLM_F_CREATE alone, as the reference plugins do: IPv4 inserts
 * before routes of the same dst), `append` and `replace`; `was` is the replaced route.
 */
export type RouteMode = 'add' | 'prepend' | 'append' | 'replace'

export type Plan = readonly Step[]
export type Verb = Step['verb']
export type StepOf<V extends Verb> = Extract<Step, { verb: V }>

/** The verb and its object, for messages. */
export function describe(step: Step): string {
  switch (step.verb) {
    case 'addRoute':
    case 'removeRoute':
      return `${step.verb} ${step.route.dst}${step.route.dev === undefined ? '' : ` dev ${step.route.dev}`}`
    case 'addRule':
    case 'removeRule':
    case 'shareRule':
      return `${step.verb} table ${step.rule.table}`
    case 'setNftTable':
      return `${step.verb} inet ${step.table.name}`
    case 'setSysctl':
      return `${step.verb} ${step.path}`
    case 'addAddress':
      return `${step.verb} ${step.address.ip}/${step.address.length} on ${step.name}`
    case 'addNeigh':
    case 'removeNeigh':
      return `${step.verb} ${step.ip} on ${step.name}`
    case 'addLink':
    case 'removeLink':
    case 'rename':
    case 'setUp':
    case 'setDown':
    case 'setActiveSlave':
    case 'setMtu':
    case 'setMac':
    case 'setQueueLength':
    case 'setAlias':
    case 'setMaster':
      return `${step.verb} ${step.name}`
  }
}
