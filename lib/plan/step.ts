// What a plan may ask of the kernel, step by step, as data. Knows places and names; knows nothing of netlink or of plugins.
import type { Ip } from '../ip/address.js'
import type { Cidr, Prefix } from '../ip/cidr.js'
import type { Mac } from '../ip/mac.js'
import type { NftTable } from './nft.js'

/** The node's network namespace, or the pod's. */
export type Where = 'node' | 'pod'

export type MacvlanMode = 'private' | 'vepa' | 'bridge' | 'passthru'
export type IpvlanMode = 'l2' | 'l3' | 'l3s'

/** A link to be made. `on` is the lower device; `onWhere` is where it is looked for, the node unless told. */
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

/** What a bond is made with; the numbers are the kernel's (IFLA_BOND_*, <linux/if_link.h>), times in ms. */
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

/** A route as it is asked for, and as it is seen. Numbers are the kernel's: table 254 is main, scope 253 is link. */
export interface Route {
  readonly dst: Cidr
  readonly dev?: string
  readonly via?: Ip
  readonly src?: Ip
  readonly table?: number
  readonly metric?: number
  readonly scope?: number
  readonly proto?: number
  /** Unicast unless told: a route may also refuse (RTN_*). */
  readonly type?: number
  readonly mtu?: number
  readonly advmss?: number
  readonly onlink?: boolean
  /** Where there are several: `link` and `via` are then those of one of them. */
  readonly nexthops?: readonly NextHop[]
  /** What else the kernel says of a route, not ours to read: it goes along, as it is, where the route is moved. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** One way of a multipath route. */
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
  /** Only as seen: it selects by more than the above, or leads to no table. No step adds or removes such a rule. */
  readonly more?: true
}

/** A packet whose route the kernel is asked for, as `ip route get` does. */
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
 * A request to the kernel. A step that alters carries what it found (`was`), so that it can be undone; a step that adds needs
 * nothing; a step that removes carries the whole of what it removes.
 */
export type Step =
  | (OnLink & { readonly verb: 'addLink'; readonly link: NewLink; readonly mtu?: number; readonly mac?: Mac })
  /** Deletes a link of any kind. It is not brought back: the addresses, routes and links on it are gone too. */
  | (OnLink & { readonly verb: 'removeLink' })
  /** `alias` is set with the name, in one request. */
  | (OnLink & { readonly verb: 'rename'; readonly to: string; readonly alias?: string })
  | (OnLink & { readonly verb: 'setUp'; readonly was: boolean })
  /** A link can be enslaved to a bond only while it is down. */
  | (OnLink & { readonly verb: 'setDown'; readonly was: boolean })
  /** Which member of an active-backup bond carries the traffic now. The bond chooses again whenever it has to, so nothing is undone. */
  | (OnLink & { readonly verb: 'setActiveSlave'; readonly slave: string })
  | (OnLink & { readonly verb: 'setMtu'; readonly mtu: number; readonly was: number })
  | (OnLink & { readonly verb: 'setMac'; readonly mac: Mac; readonly was: Mac })
  | (OnLink & { readonly verb: 'setQueueLength'; readonly length: number; readonly was: number })
  /** A note that the link carries, for people and for whoever made it: `ip link` shows it. */
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
      /** Another route to the same network stood before it, and does again when it comes back. */
      readonly behind?: boolean
    }
  | { readonly verb: 'addRule'; readonly where: Where; readonly rule: Rule }
  | { readonly verb: 'removeRule'; readonly where: Where; readonly rule: Rule }
  | {
      /**
       * A table of nf_tables (`lib/plan/nft.ts`), in place of the one of that name, in one moment. `was` is what `seen[where].nft` has
       * under the name (`Wish.nft`); undone, that is put back, and where there was none, `table.name` is removed whatever it holds.
       */
      readonly verb: 'setNftTable'
      readonly where: Where
      readonly table: NftTable
      readonly was: NftTable | undefined
    }
  | {
      /**
       * A rule that many pods share: there as long as its table has routes. Undone, it goes when the table holds none but `mine`.
       * It comes behind the routes in a plan, for whoever takes it away looks for routes after that, and brings it back.
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
      /** Not every kernel has every sysctl, and some runtimes mount them read-only: then the step is passed over. */
      readonly optional?: boolean
    }

/**
 * `add` refuses what is there; `prepend` adds next to it (CREATE alone, as the reference plugins do: IPv4 puts it in front); `append` adds
 * after it; `replace` overwrites, and `was` is what it overwrote.
 */
export type RouteMode = 'add' | 'prepend' | 'append' | 'replace'

export type Plan = readonly Step[]
export type Verb = Step['verb']
export type StepOf<V extends Verb> = Extract<Step, { verb: V }>

/** One line for a person: the verb and what it is about. */
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
