// The routing table of a NIC, found by the rules that select it and the routes in it, never by
// counting links. Pure.
import { isKernelTable, RT_TABLE_MAIN } from '../../lib/linux/constants.js'
import type { Ip } from '../../lib/ip/address.js'
import { bitsOf, cidr, networkOf, type Cidr } from '../../lib/ip/cidr.js'
import { familyOf, type Family } from '../../lib/ip/address.js'
import type { NetnsState, ObservedRoute } from '../../lib/plan/state.js'
import { isDefault } from '../../lib/plan/state.js'
import type { Rule } from '../../lib/plan/step.js'

/** Table of the default interface; secondary interfaces have higher numbers. */
export const FIRST_TABLE = 101
/**
 * Table of replies to what came by the veth; in an overlay, of eth0's address. If in use, the next
 * free one below.
 */
export const MARK_TABLE = 100
export const MARK = 1

/** The /32 or /128 of an address. */
export const hostOf = (ip: Ip): Cidr => networkOf({ ip, length: bitsOf(familyOf(ip)) })

/** The dst of a default route. */
export const everywhere = (family: Family): Cidr => cidr(family === 4 ? '0.0.0.0/0' : '::/0')

/** True for tables of NICs: from 101 up, without the kernel's. */
export const isNicTable = (table: number): boolean => table >= FIRST_TABLE && !isKernelTable(table)

/** Our rules that select a NIC's table for these addresses. */
export const rulesFrom = (pod: NetnsState, ips: readonly Ip[]): readonly Rule[] => {
  const hosts = ips.map(hostOf)
  return pod.rules.filter(({ from, table }) => from !== undefined && hosts.includes(from) && isNicTable(table))
}

/** Whether a rule selects the table. */
export const isSelectedByRule = (pod: NetnsState, table: number): boolean =>
  pod.rules.some(rule => rule.table === table)

interface Nic {
  readonly ifName: string
  readonly own: readonly Ip[]
  readonly podVeth: string
  readonly markTable: number
  /** It gets the pod's default route (podDefaultRouteNic). */
  readonly takesOver: boolean
}

/**
 * The table of a NIC: the one that rules select for its addresses; else one with routes by it; else
 * the one that the default route was moved to when this NIC took it over; else the lowest free one.
 */
export function tableFor(pod: NetnsState, nic: Nic): number {
  const { ifName, own, takesOver, markTable } = nic
  const led = [...rulesFrom(pod, own), ...othersRulesFrom(pod, own, markTable)].map(({ table }) => table)
  const holding = pod.routes.filter(({ dev, table }) => dev === ifName && isNicTable(table)).map(({ table }) => table)
  return (
    lowest(led) ??
    lowest(holding) ??
    (takesOver ? halfTaken(pod, ifName) : undefined) ??
    takenOver(pod, ifName) ??
    lowestFree(pod, nic)
  )
}

/** Rules of another plugin such as sbr that select a table below 101 for these addresses. */
export const othersRulesFrom = (
  pod: NetnsState,
  ips: readonly Ip[],
  markTable: number | undefined,
): readonly Rule[] => {
  const hosts = ips.map(hostOf)
  return pod.rules.filter(
    ({ from, to, fwmark, more, table }) =>
      from !== undefined &&
      hosts.includes(from) &&
      to === undefined &&
      fwmark === undefined &&
      more !== true &&
      table > 0 &&
      table < FIRST_TABLE &&
      table !== markTable,
  )
}

/**
 * In an overlay, rules by the default interface's addresses select the mark table, else a rule by
 * the mark.
 */
interface Marking {
  readonly podVeth: string
  readonly isOverlay: boolean
}

/**
 * The mark table that a rule of ours selects, if any. A table of another plugin such as sbr has
 * routes by other links, or, in an overlay, routes that no other table has.
 */
export function markTableIn(pod: NetnsState, { podVeth, isOverlay }: Marking): number | undefined {
  const hosts = pod.addresses.filter(({ dev }) => dev === podVeth).map(({ address }) => hostOf(address.ip))
  const isOurs = ({ from, to, fwmark, more, table }: Rule): boolean =>
    more !== true &&
    to === undefined &&
    table > 0 &&
    table <= MARK_TABLE &&
    (isOverlay ? from !== undefined && hosts.includes(from) : from === undefined && fwmark === MARK)
  return pod.rules.find(rule => isOurs(rule) && holdsOnly(pod, rule.table, podVeth, isOverlay))?.table
}

const holdsOnly = (pod: NetnsState, table: number, podVeth: string, isOverlay: boolean): boolean =>
  pod.routes
    .filter(route => route.table === table)
    .every(route => route.dev === podVeth && (!isOverlay || isElsewhereToo(pod, route)))

const isElsewhereToo = (pod: NetnsState, { dst, dev, via, table }: ObservedRoute): boolean =>
  pod.routes.some(other => other.table !== table && other.dst === dst && other.dev === dev && other.via === via)

/** The existing mark table; else 100, or the first free one below. */
export function markTableFor(pod: NetnsState, marking: Marking): number {
  const known = markTableIn(pod, marking)
  if (known !== undefined) return known
  for (let table = MARK_TABLE; table > 0; table--) if (isFree(pod, table, marking.podVeth)) return table
  return MARK_TABLE
}

const lowest = (tables: readonly number[]): number | undefined =>
  tables.length === 0 ? undefined : Math.min(...tables)

/**
 * The table of the NIC that still has the pod's default route and has a table already: a takeover
 * that was killed.
 */
function halfTaken(pod: NetnsState, ifName: string): number | undefined {
  const from = [otherDefaultNic(pod, ifName, 4), otherDefaultNic(pod, ifName, 6)]
  return lowest(from.flatMap(link => (link === undefined ? [] : movedDefaults(pod, link).map(({ table }) => table))))
}

/** Default routes of a link in tables that rules select for its addresses. */
export function movedDefaults(pod: NetnsState, link: string): readonly ObservedRoute[] {
  const ips = pod.addresses.filter(has => has.dev === link).map(({ address }) => address.ip)
  const led = rulesFrom(pod, ips).map(({ table }) => table)
  return pod.routes.filter(route => isDefault(route.dst) && route.dev === link && led.includes(route.table))
}

/** If this NIC alone has the pod's default routes, the table of the NIC that had them before. */
function takenOver(pod: NetnsState, ifName: string): number | undefined {
  if (!hasAllDefaults(pod, ifName)) return undefined
  const moved = pod.routes.filter(({ dst, table, dev }) => isDefault(dst) && isNicTable(table) && dev !== ifName)
  return lowest(moved.map(({ table }) => table).filter(table => isSelectedByRule(pod, table)))
}

/** Whether main has default routes, all of them by this link. */
function hasAllDefaults(pod: NetnsState, link: string): boolean {
  const inMain = pod.routes.filter(({ dst, table }) => isDefault(dst) && table === RT_TABLE_MAIN)
  return inMain.length > 0 && inMain.every(route => route.dev === link)
}

/** The first other NIC with a default route of the family in main. */
export const otherDefaultNic = (pod: NetnsState, ifName: string, family: Family): string | undefined =>
  pod.links.find(
    ({ name }) =>
      name !== 'lo' &&
      name !== ifName &&
      pod.routes.some(({ dst, table, dev }) => dst === everywhere(family) && table === RT_TABLE_MAIN && dev === name),
  )?.name

function lowestFree(pod: NetnsState, { podVeth }: Nic): number {
  for (let table = FIRST_TABLE; ; table++) if (isNicTable(table) && isFree(pod, table, podVeth)) return table
}

/**
 * No rule selects it, and it has only routes by the veth or copies of main: left by a killed ADD.
 */
const isFree = (pod: NetnsState, table: number, podVeth: string): boolean =>
  !isSelectedByRule(pod, table) &&
  pod.routes.every(route => route.table !== table || route.dev === podVeth || isCopy(pod, route))

const isCopy = (pod: NetnsState, { dst, dev, via }: ObservedRoute): boolean =>
  pod.routes.some(route => route.table === RT_TABLE_MAIN && route.dst === dst && route.dev === dev && route.via === via)
