// Rules of others beside ours: which come first, which priority ours needs, and whether the kernel resolves as planned. Pure.
import { familyOf, type Family, type Ip } from '../../lib/ip/address.js'
import { containsIp, networkOf } from '../../lib/ip/cidr.js'
import type { NetnsState, Resolved, Observed } from '../../lib/plan/state.js'
import type { Packet, Rule, Where } from '../../lib/plan/step.js'
import { placeNamed, ruleText, tableText } from '../../lib/plan/text.js'
import { gatewayOf, isUsable, type CoordinatorContext } from './context.js'
import { hostOf, MARK } from './tables.js'

/** Of our rules, where no other rule is in the way: the one that pods share on the node, and the one of the mark in the pod. */
export const RULE_PRIORITY = 1000
/** <linux/rtnetlink.h> RT_TABLE_LOCAL. */
const LOCAL = 255
/** Of the node's own addresses that one rule selects, so many are asked for. */
const SOURCES_MAX = 4
/** A sentence names so many rules. */
const NAMED_MAX = 4

const isPlain = ({ from, to, fwmark, more }: Rule): boolean =>
  from === undefined && to === undefined && fwmark === undefined && more !== true

const priorityOf = ({ priority = 0 }: Rule): number => priority

/** Rules of a family that the kernel asks before ours; without one, before the place where it would come. */
function rulesBefore(state: NetnsState, of: Family, isOurs: (rule: Rule) => boolean): readonly Rule[] {
  const rules = state.rules.filter(({ family }) => family === of)
  const at = rules.findIndex(isOurs)
  const before = at >= 0 ? rules.slice(0, at) : rules.filter(rule => priorityOf(rule) <= RULE_PRIORITY)
  return before.filter(({ table, fwmark, more }) => fwmark === undefined && (more === true || table !== LOCAL))
}

const isShared =
  (hostRuleTable: number) =>
  (rule: Rule): boolean =>
    rule.table === hostRuleTable && isPlain(rule)

type OnNode = Pick<CoordinatorContext, 'node' | 'hostIps'> & {
  readonly ips: readonly Ip[]
  readonly hostRuleTable: number
}

/**
 * The node's packets to the pod's addresses: from the address that the pod knows as its gateway; and as other rules of the node, which come before
 * ours, select them.
 */
export function packetsToPod({ node, hostIps, ips, hostRuleTable }: OnNode): readonly Packet[] {
  return ips.flatMap(to => {
    const family = familyOf(to)
    const before = rulesBefore(node, family, isShared(hostRuleTable))
    const selected = before.flatMap(({ from }) =>
      from === undefined
        ? [undefined]
        : hostIps.filter(ip => familyOf(ip) === family && containsIp(from, ip)).slice(0, SOURCES_MAX),
    )
    const sources = [...new Set([gatewayOf({ hostIps }, family), ...selected])]
    return sources.map(from => ({ to, ...(from !== undefined && { from }) }))
  })
}

/** Whether other rules of the node come before ours, so that the kernel is to be asked what they do with these packets. */
export const mustAsk = (node: NetnsState, ips: readonly Ip[], hostRuleTable: number): boolean =>
  ips.some(ip => rulesBefore(node, familyOf(ip), isShared(hostRuleTable)).length > 0)

/**
 * The priority of the rule that leads the node to its pods: of the one that is there; where rules before it lead packets to a pod elsewhere, one
 * less than the first of those. Below 0 there is none, and what is planned stays in vain: `waysLost` tells it.
 */
export function nodePriority(
  { node, settings }: Pick<CoordinatorContext, 'node' | 'settings'>,
  family: Family,
): number {
  const isOurs = isShared(settings.hostRuleTable)
  const first = node.rules.find(rule => rule.family === family && isOurs(rule))
  const here = first === undefined ? RULE_PRIORITY : priorityOf(first)
  const led = node.resolved.flatMap(({ to, route }) =>
    familyOf(to) === family && route !== undefined && route.table !== settings.hostRuleTable ? [route.table] : [],
  )
  return beforeAll(
    rulesBefore(node, family, isOurs).filter(({ table }) => led.includes(table)),
    here,
  )
}

function beforeAll(rules: readonly Rule[], otherwise: number): number {
  const before = Math.min(...rules.map(priorityOf)) - 1
  return rules.length === 0 || before < 0 ? otherwise : before
}

/** The priority of the rule of marked packets in the pod: what comes by the veth is answered by it, whatever rule its source has. */
export function markPriority({ pod, own, markTable }: CoordinatorContext, family: Family): number {
  const isOurs = ({ fwmark, table }: Rule): boolean => fwmark === MARK && table === markTable
  const ours = pod.rules.find(rule => rule.family === family && isOurs(rule))
  if (ours !== undefined) return priorityOf(ours)
  const before = rulesBefore(pod, family, isOurs)
  const selecting = before.filter(({ from }) => from === undefined || own.some(ip => containsIp(from, ip)))
  return beforeAll(selecting, RULE_PRIORITY)
}

/** A packet, and the link that it must leave by. */
export interface RouteCheck {
  readonly where: Where
  readonly packet: Packet
  readonly link: string
  /** Links that do as well. */
  readonly or?: readonly string[]
}

/**
 * What the kernel must say of the NIC's addresses: the node reaches them by the veth, they the node by it, marked or not, and their gateways by the
 * NIC. `routed` are the addresses that the node has routes to.
 */
export function routeChecksOf(context: CoordinatorContext, routed: readonly Ip[]): readonly RouteCheck[] {
  const { node, hostIps, own, nodeFamilies, veth, settings, isDefaultInterface } = context
  const { hostRuleTable } = settings
  const toPod = packetsToPod({ node, hostIps, ips: routed, hostRuleTable })
  const fromPod = own
    .filter(ip => nodeFamilies.includes(familyOf(ip)))
    .flatMap((from): readonly RouteCheck[] => {
      const to = gatewayOf(context, familyOf(from))
      if (to === undefined) return []
      const way = { where: 'pod', packet: { to, from }, link: veth.pod } as const
      return isDefaultInterface ? [way, { ...way, packet: { to, from, mark: MARK } }] : [way]
    })
  return [
    ...toPod.map(packet => ({ where: 'node', packet, link: veth.node }) as const),
    ...fromPod,
    ...gateways(context),
  ]
}

/** The gateways that the main plugin gave; but for those that the conf leads elsewhere, or that are the node. Any NIC in its network will do. */
function gateways({ ifName, pod, own, hostIps, prevGateways, settings }: CoordinatorContext): readonly RouteCheck[] {
  const elsewhere = [...settings.cidrs, ...settings.policyRoutes.map(({ to }) => to)]
  return prevGateways
    .filter(to => isUsable(to) && !hostIps.includes(to) && !elsewhere.some(cidr => containsIp(cidr, to)))
    .flatMap(to => {
      const from = own.find(ip => familyOf(ip) === familyOf(to))
      const or = pod.addresses.filter(({ address }) => containsIp(networkOf(address), to)).map(({ dev }) => dev)
      return from === undefined ? [] : [{ where: 'pod', packet: { to, from }, link: ifName, or } as const]
    })
}

export const packetsIn = (ways: readonly RouteCheck[], of: Where): readonly Packet[] =>
  ways.filter(({ where }) => where === of).map(({ packet }) => packet)

/** A sentence for each way that the kernel resolves otherwise; `seen` has its answers, `rules` those of both places. */
export function failedRouteChecks(ways: readonly RouteCheck[], seen: Observed): readonly string[] {
  return ways.flatMap(way => {
    const { where, packet, link, or = [] } = way
    const found = seen[where].resolved.find(
      ({ to, from, mark }) => to === packet.to && from === packet.from && mark === packet.mark,
    )
    const isRight = found === undefined || [link, ...or].includes(found.route?.dev ?? '')
    return isRight ? [] : [lostText(way, found.route, seen[where])]
  })
}

function lostText({ where, packet, link }: RouteCheck, is: Resolved['route'], state: NetnsState): string {
  const { to, from, mark } = packet
  const source = from === undefined ? '' : ` from ${from}`
  const marked = mark === undefined ? '' : ` with mark 0x${mark.toString(16)}`
  const by = is === undefined ? 'have no route' : `leave by ${is.dev ?? 'no interface'} (table ${tableText(is.table)})`
  const why = state.rules
    .filter(rule => rule.family === familyOf(to) && isSuspect(rule, packet, is?.table))
    .slice(0, NAMED_MAX)
    .map(ruleText)
  const rules = why.length === 0 ? '' : `: see ip rule ${why.join(', ')}`
  return `packets ${placeNamed(where)} to ${to}${source}${marked} ${by} and must leave by ${link}${rules}`
}

/** Rules that may have led a packet there: those of the table, or those that say more than a table. */
const isSuspect = ({ from, to, table, more }: Rule, packet: Packet, led: number | undefined): boolean =>
  (more === true || (table === led && !isKernels(table))) &&
  (from === undefined || (packet.from !== undefined && containsIp(from, packet.from))) &&
  (to === undefined || containsIp(to, packet.to))

/** What to do about it. */
export const REMEDY =
  "another rule or route comes before coordinator's: give that rule a larger priority (a later place), or leave its table without the pod's and the node's addresses"

/** The tables that packets from these addresses come to before main, by rules without a mark; but for the kernel's own. */
export function tablesBeforeMain(state: NetnsState, of: Family, ips: readonly Ip[] | 'any'): readonly number[] {
  const rules = state.rules.filter(({ family }) => family === of)
  const main = rules.findIndex(rule => rule.table === MAIN && isPlain(rule))
  return (main < 0 ? rules : rules.slice(0, main))
    .filter(({ fwmark, more, table }) => fwmark === undefined && more !== true && table > 0 && !isKernels(table))
    .filter(({ from }) => from === undefined || ips === 'any' || ips.some(ip => containsIp(from, ip)))
    .map(({ table }) => table)
}

const MAIN = 254
const isKernels = (table: number): boolean => table >= 253 && table <= LOCAL
