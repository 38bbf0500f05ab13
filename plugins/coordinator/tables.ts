// Which routing table of the pod belongs to a NIC: known by the rules that lead to it and the routes in it, never by counting links. Pure.
import type { Ip } from '../../lib/ip/address.js'
import { bitsOf, cidr, networkOf, type Cidr } from '../../lib/ip/cidr.js'
import { familyOf, type Family } from '../../lib/ip/address.js'
import type { NetnsState, ObservedRoute } from '../../lib/plan/state.js'
import { isDefault } from '../../lib/plan/state.js'
import type { Rule } from '../../lib/plan/step.js'

const MAIN = 254
const FIRST = 101
/** In the pod: the way back of what came by the veth; in an overlay, eth0's own way. The table, or where it is another's, the first free below. */
export const MARK_TABLE = 100
export const MARK = 1

/** An address as a network of its own: /32 or /128. */
export const hostOf = (ip: Ip): Cidr => networkOf({ ip, length: bitsOf(familyOf(ip)) })

/** What a default route leads to. */
export const everywhere = (family: Family): Cidr => cidr(family === 4 ? '0.0.0.0/0' : '::/0')

/** Tables that NICs have: from 101 up, but for those of the kernel. */
export const isNicTable = (table: number): boolean => table >= FIRST && (table < 253 || table > 255)

/** The rules of ours that send what comes from these addresses to a NIC's table. */
export const rulesFrom = (pod: NetnsState, ips: readonly Ip[]): readonly Rule[] => {
  const hosts = ips.map(hostOf)
  return pod.rules.filter(({ from, table }) => from !== undefined && hosts.includes(from) && isNicTable(table))
}

export const leadsTo = (pod: NetnsState, table: number): boolean => pod.rules.some(rule => rule.table === table)

interface Nic {
  readonly ifName: string
  readonly own: readonly Ip[]
  readonly podVeth: string
  readonly markTable: number
  /** It is to have the pod's default route. */
  readonly takesOver: boolean
}

/**
 * The table of a NIC: the one that its addresses lead to; else the one that has routes of it; else the one that the default route was moved
 * to when this NIC took over, or began to; else the lowest that is free.
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

/** Rules of another plugin, such as sbr, that lead these addresses to a table below ours. It is the NIC's table then. */
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
      table < FIRST &&
      table !== markTable,
  )
}

/** Who looks for the table of marks: in an overlay the default interface's addresses lead to it, elsewhere the mark does. */
interface Marking {
  readonly podVeth: string
  readonly isOverlay: boolean
}

/**
 * The table of marks that a rule of ours leads to; undefined: there is none. That of another plugin, such as sbr, holds more than ways by the veth,
 * or, in an overlay, more than copies of what other tables have.
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

/** The one that there is; else 100, or where that is another's, the first below it that is free. */
export function markTableFor(pod: NetnsState, marking: Marking): number {
  const known = markTableIn(pod, marking)
  if (known !== undefined) return known
  for (let table = MARK_TABLE; table > 0; table--) if (isFree(pod, table, marking.podVeth)) return table
  return MARK_TABLE
}

const lowest = (tables: readonly number[]): number | undefined =>
  tables.length === 0 ? undefined : Math.min(...tables)

/** The table of who has the pod's default route still, of one family or both, and answers by a table already. */
function halfTaken(pod: NetnsState, ifName: string): number | undefined {
  const from = [otherDefaultNic(pod, ifName, 4), otherDefaultNic(pod, ifName, 6)]
  return lowest(from.flatMap(link => (link === undefined ? [] : movedDefaults(pod, link).map(({ table }) => table))))
}

/** A link's default routes in tables that its addresses lead to. */
export function movedDefaults(pod: NetnsState, link: string): readonly ObservedRoute[] {
  const ips = pod.addresses.filter(has => has.dev === link).map(({ address }) => address.ip)
  const led = rulesFrom(pod, ips).map(({ table }) => table)
  return pod.routes.filter(route => isDefault(route.dst) && route.dev === link && led.includes(route.table))
}

/** Where this NIC alone has the pod's default routes, the table of another one that had them before. */
function takenOver(pod: NetnsState, ifName: string): number | undefined {
  if (!hasAllDefaults(pod, ifName)) return undefined
  const moved = pod.routes.filter(({ dst, table, dev }) => isDefault(dst) && isNicTable(table) && dev !== ifName)
  return lowest(moved.map(({ table }) => table).filter(table => leadsTo(pod, table)))
}

/** Whether main has default routes, and each of them is this link's. */
function hasAllDefaults(pod: NetnsState, link: string): boolean {
  const inMain = pod.routes.filter(({ dst, table }) => isDefault(dst) && table === MAIN)
  return inMain.length > 0 && inMain.every(route => route.dev === link)
}

/** Who has a default route of the family in main: the first but this NIC. */
export const otherDefaultNic = (pod: NetnsState, ifName: string, family: Family): string | undefined =>
  pod.links.find(
    ({ name }) =>
      name !== 'lo' &&
      name !== ifName &&
      pod.routes.some(({ dst, table, dev }) => dst === everywhere(family) && table === MAIN && dev === name),
  )?.name

function lowestFree(pod: NetnsState, { podVeth }: Nic): number {
  for (let table = FIRST; ; table++) if (isNicTable(table) && isFree(pod, table, podVeth)) return table
}

/** No rule leads there, and what is in it is of the veth, or repeats what is in main: what an ADD left that was killed. */
const isFree = (pod: NetnsState, table: number, podVeth: string): boolean =>
  !leadsTo(pod, table) &&
  pod.routes.every(route => route.table !== table || route.dev === podVeth || isCopy(pod, route))

const isCopy = (pod: NetnsState, { dst, dev, via }: ObservedRoute): boolean =>
  pod.routes.some(route => route.table === MAIN && route.dst === dst && route.dev === dev && route.via === via)
