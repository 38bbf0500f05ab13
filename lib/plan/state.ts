// Observed state of a network namespace, and whether a step is satisfied in it.
import { IP6_RT_PRIO_USER, RT_TABLE_MAIN } from '../linux/constants.js'
import type { Ip } from '../ip/address.js'
import type { Cidr, Prefix } from '../ip/cidr.js'
import type { Mac } from '../ip/mac.js'
import { nftTableText, type NftTable } from './nft-table.js'
import type {
  BondOptions,
  IpvlanMode,
  MacvlanMode,
  NewLink,
  Packet,
  NextHop,
  Plan,
  Route,
  Rule,
  Step,
  StepOf,
  Where,
} from './step.js'

export interface ObservedLink {
  readonly index: number
  readonly name: string
  readonly kind: string | undefined
  readonly mtu: number
  readonly mac: Mac | undefined
  readonly flags: number
  readonly up: boolean
  readonly operState: number
  readonly queueLength: number
  /**
   * Index of the lower device or the veth peer (IFLA_LINK); in another namespace if
   * `parentElsewhere`.
   */
  readonly parent: number | undefined
  readonly parentElsewhere: boolean
  readonly master: number | undefined
  /** Alternative names (`ip link property add … altname`). */
  readonly altNames?: readonly string[]
  /** IFLA_IFALIAS. */
  readonly alias?: string
  /** PCI address, as in /sys/bus/pci/devices (IFLA_PARENT_DEV_NAME, Linux 5.14). */
  readonly device?: string
  readonly macvlan?: { readonly mode: MacvlanMode | 'source' | undefined }
  readonly ipvlan?: { readonly mode: IpvlanMode | undefined }
  /** `protocol` is an EtherType. */
  readonly vlan?: { readonly id: number | undefined; readonly protocol?: number | undefined }
  /** `activeSlave` and `primary` are indexes. */
  readonly bond?: ObservedBond
}

export type ObservedBond = { readonly [K in keyof BondOptions]?: BondOptions[K] | undefined }

export interface ObservedAddress {
  readonly dev: string
  readonly address: Prefix
  readonly tentative: boolean
  readonly dadFailed: boolean
  readonly scope: number
}

/** A multipath route appears once per hop, each with the same `nexthops`. */
export type ObservedRoute = Route & { readonly table: number; readonly metric: number; readonly type: number }

/** The route of a packet, as `ip route get` answers. */
export type RouteLookup = Pick<ObservedRoute, 'dev' | 'via' | 'src' | 'table'>

export interface ObservedNeigh {
  readonly dev: string
  readonly ip: Ip
  readonly mac: Mac | undefined
  readonly permanent: boolean
}

/** One network namespace. What was not queried is empty. */
export interface NetnsState {
  readonly links: readonly ObservedLink[]
  readonly addresses: readonly ObservedAddress[]
  readonly routes: readonly ObservedRoute[]
  readonly rules: readonly Rule[]
  readonly neighs: readonly ObservedNeigh[]
  /**
   * By path below /proc/sys, such as `net/ipv4/conf/eth0/arp_notify`; undefined: does not exist.
   */
  readonly sysctls: Readonly<Record<string, string | undefined>>
  /** nf_tables tables of family inet, by name. */
  readonly nft: Readonly<Record<string, NftTable | undefined>>
  /** Whether iptables marks connections; undefined: not queried. */
  readonly mangle?: boolean
  /** By address; undefined: no route. */
  readonly lookups: Readonly<Record<Ip, RouteLookup | undefined>>
  readonly resolved: readonly Resolved[]
}

/** The kernel's answer for a packet; no `route`: unreachable. */
export type Resolved = Packet & { readonly route?: RouteLookup }

export type Observed = Readonly<Record<Where, NetnsState>>

export const EMPTY_NETNS: NetnsState = {
  links: [],
  addresses: [],
  routes: [],
  rules: [],
  neighs: [],
  sysctls: {},
  nft: {},
  lookups: {},
  resolved: [],
}

/** The link of a name, or else of an alternative name. */
export const linkNamed = (state: NetnsState, name: string): ObservedLink | undefined =>
  state.links.find(link => link.name === name) ?? state.links.find(({ altNames }) => altNames?.includes(name))

/** Equal address and prefix length. */
export const samePrefix = (a: Prefix, b: Prefix): boolean => a.ip === b.ip && a.length === b.length

const anyOrSame = <T>(wanted: T | undefined, is: T | undefined): boolean => wanted === undefined || wanted === is

/** Whether an observed route is the desired one; an attribute that is not set matches any value. */
export function sameRoute(wanted: Route, is: ObservedRoute): boolean {
  const priority = wanted.metric || (wanted.dst.includes(':') ? IP6_RT_PRIO_USER : 0)
  return (
    wanted.dst === is.dst &&
    wanted.via === is.via &&
    anyOrSame(wanted.dev, is.dev) &&
    anyOrSame(wanted.src, is.src) &&
    (wanted.table ?? RT_TABLE_MAIN) === is.table &&
    priority === is.metric &&
    anyOrSame(wanted.mtu, is.mtu) &&
    anyOrSame(wanted.advmss, is.advmss) &&
    (wanted.nexthops === undefined || sameNextHops(wanted.nexthops, is.nexthops ?? []))
  )
}

const sameNextHops = (a: readonly NextHop[], b: readonly NextHop[]): boolean =>
  a.length === b.length && a.every(one => b.some(other => one.dev === other.dev && one.via === other.via))

/** Whether an observed rule is the desired one; no priority matches any. */
export const sameRule = (wanted: Rule, is: Rule): boolean =>
  wanted.family === is.family &&
  wanted.table === is.table &&
  wanted.from === is.from &&
  wanted.to === is.to &&
  wanted.fwmark === is.fwmark &&
  wanted.more === is.more &&
  anyOrSame(wanted.priority, is.priority)

function isLinkSatisfied(wanted: NewLink, is: ObservedLink): boolean {
  if (is.kind !== wanted.kind) return false
  switch (wanted.kind) {
    case 'macvlan':
      return is.macvlan?.mode === wanted.mode
    case 'ipvlan':
      return is.ipvlan?.mode === wanted.mode
    case 'vlan':
      return is.vlan?.id === wanted.id
    case 'veth':
    case 'bond':
    case 'bridge':
      return true
  }
}

function isAddLinkSatisfied(step: StepOf<'addLink'>, state: NetnsState): boolean {
  const link = linkNamed(state, step.name)
  return (
    link !== undefined &&
    isLinkSatisfied(step.link, link) &&
    anyOrSame(step.mtu, link.mtu) &&
    anyOrSame(step.mac, link.mac)
  )
}

/** Whether the result of a step is observed already. */
export function isSatisfied(step: Step, observed: Observed): boolean {
  const place = observed[step.where]
  const link = 'name' in step ? linkNamed(place, step.name) : undefined
  switch (step.verb) {
    case 'addLink':
      return isAddLinkSatisfied(step, place)
    case 'removeLink':
      return link === undefined
    case 'rename':
      return link === undefined && linkNamed(place, step.to) !== undefined
    case 'setUp':
    case 'setDown':
    case 'setActiveSlave':
    case 'setMtu':
    case 'setMac':
    case 'setQueueLength':
    case 'setAlias':
    case 'setMaster':
      return link !== undefined && isChangeSatisfied(step, link, place)
    case 'addAddress':
      return place.addresses.some(has => has.dev === step.name && samePrefix(has.address, step.address))
    case 'addNeigh':
      return place.neighs.some(has => sameNeigh(step, has) && has.mac === step.mac && has.permanent)
    case 'removeNeigh':
      return !place.neighs.some(has => sameNeigh(step, has))
    case 'addRoute':
      return place.routes.some(has => sameRoute(step.route, has))
    case 'removeRoute':
      return !place.routes.some(has => sameRoute(step.route, has))
    case 'addRule':
    case 'shareRule':
      return place.rules.some(has => sameRule(step.rule, has))
    case 'removeRule':
      return !place.rules.some(has => sameRule(step.rule, has))
    case 'setNftTable':
      return sameTable(step.table, place.nft[step.table.name])
    case 'setSysctl':
      return isSysctlSatisfied(step, place.sysctls[step.path])
  }
}

type LinkChange = StepOf<
  'setUp' | 'setDown' | 'setActiveSlave' | 'setMtu' | 'setMac' | 'setQueueLength' | 'setAlias' | 'setMaster'
>

function isChangeSatisfied(step: LinkChange, link: ObservedLink, state: NetnsState): boolean {
  switch (step.verb) {
    case 'setUp':
      return link.up
    case 'setDown':
      return !link.up
    case 'setActiveSlave':
      return link.bond?.activeSlave !== undefined && link.bond.activeSlave === linkNamed(state, step.slave)?.index
    case 'setMtu':
      return link.mtu === step.mtu
    case 'setMac':
      return link.mac === step.mac
    case 'setQueueLength':
      return link.queueLength === step.length
    case 'setAlias':
      return (link.alias ?? '') === step.alias
    case 'setMaster':
      return masterName(state, link) === step.master
  }
}

const sameNeigh = (step: { name: string; ip: Ip }, is: ObservedNeigh): boolean =>
  is.dev === step.name && is.ip === step.ip

const isSysctlSatisfied = ({ value, optional }: StepOf<'setSysctl'>, is: string | undefined): boolean =>
  is === value || (optional === true && is === undefined)

const sameTable = (wanted: NftTable, is: NftTable | undefined): boolean =>
  is !== undefined && nftTableText(wanted) === nftTableText(is)

const masterName = (state: NetnsState, link: ObservedLink): string | undefined =>
  state.links.find(({ index }) => index === link.master)?.name

/** The steps that are not satisfied, in order. CHECK passes if there are none. */
export const unsatisfied = (plan: Plan, observed: Observed): Plan => plan.filter(step => !isSatisfied(step, observed))

/** Whether applying the plan would change anything. */
export const wouldChange = (plan: Plan, observed: Observed): boolean => unsatisfied(plan, observed).length > 0

/** True for 0.0.0.0/0 and ::/0. */
export const isDefault = (to: Cidr): boolean => to === '0.0.0.0/0' || to === '::/0'

/** The link of the first default route of table main, in the kernel's order. */
export const defaultRouteLink = (state: NetnsState): string | undefined =>
  state.routes.find(({ dst, dev, table }) => isDefault(dst) && dev !== undefined && table === RT_TABLE_MAIN)?.dev
