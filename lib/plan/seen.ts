// What is: links, addresses, routes, rules, neighbours and sysctls of two places, and whether a step already holds there.
import type { Ip } from '../ip/address.js'
import type { Cidr, Prefix } from '../ip/cidr.js'
import type { Mac } from '../ip/mac.js'
import { nftTableText, type NftTable } from './nft.js'
import type {
  BondOptions,
  IpvlanMode,
  MacvlanMode,
  NewLink,
  Packet,
  Path,
  Plan,
  Route,
  Rule,
  Step,
  StepOf,
  Where,
} from './step.js'

export interface SeenLink {
  readonly index: number
  readonly name: string
  readonly kind: string | undefined
  readonly mtu: number
  readonly mac: Mac | undefined
  readonly flags: number
  readonly up: boolean
  readonly operState: number
  readonly queueLength: number
  /** Index of the lower device, or of the veth peer; in another namespace when `parentElsewhere`. */
  readonly parent: number | undefined
  readonly parentElsewhere: boolean
  readonly master: number | undefined
  /** Its alternative names (`ip link property add … altname`), where it has any. */
  readonly altNames?: readonly string[]
  /** The note that somebody gave it. */
  readonly alias?: string
  /** Bus name of the hardware behind it, as /sys/bus/pci/devices has it; since Linux 5.14. */
  readonly device?: string
  readonly macvlan?: { readonly mode: MacvlanMode | 'source' | undefined }
  readonly ipvlan?: { readonly mode: IpvlanMode | undefined }
  /** `protocol` is an EtherType. */
  readonly vlan?: { readonly id: number | undefined; readonly protocol?: number | undefined }
  /** `activeSlave` and `primary` are indexes. */
  readonly bond?: SeenBond
}

export type SeenBond = { readonly [K in keyof BondOptions]?: BondOptions[K] | undefined }

export interface SeenAddress {
  readonly link: string
  readonly address: Prefix
  readonly tentative: boolean
  readonly dadFailed: boolean
  readonly scope: number
}

/** Of a multipath route there is one for each path, with the same `paths`. */
export type SeenRoute = Route & { readonly table: number; readonly priority: number; readonly type: number }

/** The route that a packet would take. */
export type SeenLookup = Pick<SeenRoute, 'link' | 'via' | 'source' | 'table'>

export interface SeenNeigh {
  readonly link: string
  readonly ip: Ip
  readonly mac: Mac | undefined
  readonly permanent: boolean
}

/** One namespace. What was not asked for is empty. */
export interface Place {
  readonly links: readonly SeenLink[]
  readonly addresses: readonly SeenAddress[]
  readonly routes: readonly SeenRoute[]
  readonly rules: readonly Rule[]
  readonly neighs: readonly SeenNeigh[]
  /** By path below /proc/sys, such as `net/ipv4/conf/eth0/arp_notify`; undefined: there is none. */
  readonly sysctls: Readonly<Record<string, string | undefined>>
  /** nf_tables' tables of family inet, by name. */
  readonly nft: Readonly<Record<string, NftTable | undefined>>
  /** Whether iptables marks connections; undefined: not asked. */
  readonly mangle?: boolean
  /** By address; undefined: there is no route to it. */
  readonly lookups: Readonly<Record<Ip, SeenLookup | undefined>>
  readonly resolved: readonly Resolved[]
}

/** The kernel's answer for a packet; without `route` there is none. */
export type Resolved = Packet & { readonly route?: SeenLookup }

export type Seen = Readonly<Record<Where, Place>>

export const NOWHERE: Place = {
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

/** By its name, or else by an alternative name. */
export const linkNamed = (place: Place, name: string): SeenLink | undefined =>
  place.links.find(link => link.name === name) ?? place.links.find(({ altNames }) => altNames?.includes(name))

export const samePrefix = (a: Prefix, b: Prefix): boolean => a.ip === b.ip && a.length === b.length

const RT_TABLE_MAIN = 254
/** The metric that the kernel gives an IPv6 route asked for without one (IP6_RT_PRIO_USER, <net/ip6_fib.h>). */
const IP6_RT_PRIO_USER = 1024

const anyOrSame = <T>(wanted: T | undefined, is: T | undefined): boolean => wanted === undefined || wanted === is

/** Whether a route that is there is the one that is wanted. What the wish leaves open, any value satisfies. */
export function sameRoute(wanted: Route, is: SeenRoute): boolean {
  const priority = wanted.priority || (wanted.to.includes(':') ? IP6_RT_PRIO_USER : 0)
  return (
    wanted.to === is.to &&
    wanted.via === is.via &&
    anyOrSame(wanted.link, is.link) &&
    anyOrSame(wanted.source, is.source) &&
    (wanted.table ?? RT_TABLE_MAIN) === is.table &&
    priority === is.priority &&
    anyOrSame(wanted.mtu, is.mtu) &&
    anyOrSame(wanted.advmss, is.advmss) &&
    (wanted.paths === undefined || samePaths(wanted.paths, is.paths ?? []))
  )
}

const samePaths = (a: readonly Path[], b: readonly Path[]): boolean =>
  a.length === b.length && a.every(one => b.some(other => one.link === other.link && one.via === other.via))

export const sameRule = (wanted: Rule, is: Rule): boolean =>
  wanted.family === is.family &&
  wanted.table === is.table &&
  wanted.from === is.from &&
  wanted.to === is.to &&
  wanted.mark === is.mark &&
  wanted.more === is.more &&
  anyOrSame(wanted.priority, is.priority)

function linkHolds(wanted: NewLink, is: SeenLink): boolean {
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

function addLinkHolds(step: StepOf<'addLink'>, place: Place): boolean {
  const link = linkNamed(place, step.name)
  return (
    link !== undefined && linkHolds(step.link, link) && anyOrSame(step.mtu, link.mtu) && anyOrSame(step.mac, link.mac)
  )
}

/** Whether what the step asks for already is. */
export function holds(step: Step, seen: Seen): boolean {
  const place = seen[step.where]
  const link = 'name' in step ? linkNamed(place, step.name) : undefined
  switch (step.verb) {
    case 'addLink':
      return addLinkHolds(step, place)
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
      return link !== undefined && alterationHolds(step, link, place)
    case 'addAddress':
      return place.addresses.some(has => has.link === step.name && samePrefix(has.address, step.address))
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
      return sysctlHolds(step, place.sysctls[step.path])
  }
}

type Alteration = StepOf<
  'setUp' | 'setDown' | 'setActiveSlave' | 'setMtu' | 'setMac' | 'setQueueLength' | 'setAlias' | 'setMaster'
>

function alterationHolds(step: Alteration, link: SeenLink, place: Place): boolean {
  switch (step.verb) {
    case 'setUp':
      return link.up
    case 'setDown':
      return !link.up
    case 'setActiveSlave':
      return link.bond?.activeSlave !== undefined && link.bond.activeSlave === linkNamed(place, step.slave)?.index
    case 'setMtu':
      return link.mtu === step.mtu
    case 'setMac':
      return link.mac === step.mac
    case 'setQueueLength':
      return link.queueLength === step.length
    case 'setAlias':
      return (link.alias ?? '') === step.alias
    case 'setMaster':
      return masterName(place, link) === step.master
  }
}

const sameNeigh = (step: { name: string; ip: Ip }, is: SeenNeigh): boolean => is.link === step.name && is.ip === step.ip

const sysctlHolds = ({ value, optional }: StepOf<'setSysctl'>, is: string | undefined): boolean =>
  is === value || (optional === true && is === undefined)

const sameTable = (wanted: NftTable, is: NftTable | undefined): boolean =>
  is !== undefined && nftTableText(wanted) === nftTableText(is)

const masterName = (place: Place, link: SeenLink): string | undefined =>
  place.links.find(({ index }) => index === link.master)?.name

/** The steps that do not hold yet, in order. Empty: CHECK is content. */
export const missing = (plan: Plan, seen: Seen): Plan => plan.filter(step => !holds(step, seen))

/** Whether doing the plan would change anything: a plan is its own dry run. */
export const wouldChange = (plan: Plan, seen: Seen): boolean => missing(plan, seen).length > 0

export const isDefault = (to: Cidr): boolean => to === '0.0.0.0/0' || to === '::/0'

/** The link of the first default route in the main table, in the kernel's order. */
export const defaultRouteLink = (place: Place): string | undefined =>
  place.routes.find(({ to, link, table }) => isDefault(to) && link !== undefined && table === RT_TABLE_MAIN)?.link
