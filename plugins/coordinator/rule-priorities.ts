// Priorities of our rules among those of other programs, and checks of the kernel's route lookups.
// Pure.
import { isKernelTable, RT_TABLE_LOCAL, RT_TABLE_MAIN } from '../../lib/linux/constants.js'
import { familyOf, type Family, type Ip } from '../../lib/ip/address.js'
import { containsIp, networkOf } from '../../lib/ip/cidr.js'
import type { NetnsState, Resolved, Observed } from '../../lib/plan/state.js'
import type { Packet, Rule, Where } from '../../lib/plan/step.js'
import { placeNamed, ruleText, tableText } from '../../lib/plan/text.js'
import { gatewayOf, isUsable, type CoordinatorContext } from './context.js'
import { hostOf, MARK } from './tables.js'

/**
 * Priority of our rules, on the node and for the mark in the pod, unless rules of others precede.
 */
export const RULE_PRIORITY = 1000
/** Lookups per rule: addresses of the node that it selects. */
const SOURCES_MAX = 4
/** Rules named in one message. */
const NAMED_MAX = 4

const isPlain = ({ from, to, fwmark, more }: Rule): boolean =>
  from === undefined && to === undefined && fwmark === undefined && more !== true

const priorityOf = ({ priority = 0 }: Rule): number => priority

/**
 * Rules of a family that the kernel evaluates before ours, or before the priority that ours would
 * get.
 */
function rulesBefore(state: NetnsState, of: Family, isOurs: (rule: Rule) => boolean): readonly Rule[] {
  const rules = state.rules.filter(({ family }) => family === of)
  const at = rules.findIndex(isOurs)
  const before = at >= 0 ? rules.slice(0, at) : rules.filter(rule => priorityOf(rule) <= RULE_PRIORITY)
  return before.filter(({ table, fwmark, more }) => fwmark === undefined && (more === true || table !== RT_TABLE_LOCAL))
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
 * Packets from the node to the pod's addresses: from the pod's gateway, and from addresses that
 * preceding rules of other programs select.
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

/** Whether rules of other programs precede ours, so that route lookups are needed. */
export const needsLookups = (node: NetnsState, ips: readonly Ip[], hostRuleTable: number): boolean =>
  ips.some(ip => rulesBefore(node, familyOf(ip), isShared(hostRuleTable)).length > 0)

/**
 * The priority of the node's rule: that of the existing one, or one less than the first preceding
 * rule that routes packets for a pod elsewhere. There is none below 0; failedRouteChecks() reports
 * it.
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
  return priorityBefore(
    rulesBefore(node, family, isOurs).filter(({ table }) => led.includes(table)),
    here,
  )
}

function priorityBefore(rules: readonly Rule[], otherwise: number): number {
  const before = Math.min(...rules.map(priorityOf)) - 1
  return rules.length === 0 || before < 0 ? otherwise : before
}

/** The priority of the pod's rule for the mark: before rules that select the NIC's addresses. */
export function markPriority({ pod, own, markTable }: CoordinatorContext, family: Family): number {
  const isOurs = ({ fwmark, table }: Rule): boolean => fwmark === MARK && table === markTable
  const ours = pod.rules.find(rule => rule.family === family && isOurs(rule))
  if (ours !== undefined) return priorityOf(ours)
  const before = rulesBefore(pod, family, isOurs)
  const selecting = before.filter(({ from }) => from === undefined || own.some(ip => containsIp(from, ip)))
  return priorityBefore(selecting, RULE_PRIORITY)
}

/** A packet, and the link it must leave by. */
export interface RouteCheck {
  readonly where: Where
  readonly packet: Packet
  readonly link: string
  /** Other valid links. */
  readonly or?: readonly string[]
}

/**
 * The lookups that must hold: the node reaches the NIC's addresses by the veth, they reach the node
 * by it, marked or not, and their gateways by the NIC. `routed`: addresses with host routes on the
 * node.
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
      const toNode = { where: 'pod', packet: { to, from }, link: veth.pod } as const
      return isDefaultInterface ? [toNode, { ...toNode, packet: { to, from, mark: MARK } }] : [toNode]
    })
  return [
    ...toPod.map(packet => ({ where: 'node', packet, link: veth.node }) as const),
    ...fromPod,
    ...gateways(context),
  ]
}

/**
 * Gateways of prevResult, unless the conf routes them elsewhere or they are the node. Any NIC in
 * the network is valid.
 */
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

/** The packets of the checks in one namespace. */
export const packetsIn = (checks: readonly RouteCheck[], of: Where): readonly Packet[] =>
  checks.filter(({ where }) => where === of).map(({ packet }) => packet)

/**
 * A message for each packet that the kernel routes by another link; `observed` has its lookups and
 * rules.
 */
export function failedRouteChecks(checks: readonly RouteCheck[], observed: Observed): readonly string[] {
  return checks.flatMap(check => {
    const { where, packet, link, or = [] } = check
    const found = observed[where].resolved.find(
      ({ to, from, mark }) => to === packet.to && from === packet.from && mark === packet.mark,
    )
    const isRight = found === undefined || [link, ...or].includes(found.route?.dev ?? '')
    return isRight ? [] : [failureText(check, found.route, observed[where])]
  })
}

function failureText({ where, packet, link }: RouteCheck, is: Resolved['route'], state: NetnsState): string {
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

/** Rules that may have selected the table: those of it, and those with other actions. */
const isSuspect = ({ from, to, table, more }: Rule, packet: Packet, led: number | undefined): boolean =>
  (more === true || (table === led && !isKernelTable(table))) &&
  (from === undefined || (packet.from !== undefined && containsIp(from, packet.from))) &&
  (to === undefined || containsIp(to, packet.to))

/** The remedy for a failed check. */
export const REMEDY =
  "another rule or route comes before coordinator's: give that rule a larger priority (a later place), or leave its table without the pod's and the node's addresses"

/**
 * The tables, except the kernel's, that rules without a mark select for these addresses before
 * main.
 */
export function tablesBeforeMain(state: NetnsState, of: Family, ips: readonly Ip[] | 'any'): readonly number[] {
  const rules = state.rules.filter(({ family }) => family === of)
  const main = rules.findIndex(rule => rule.table === RT_TABLE_MAIN && isPlain(rule))
  return (main < 0 ? rules : rules.slice(0, main))
    .filter(({ fwmark, more, table }) => fwmark === undefined && more !== true && table > 0 && !isKernelTable(table))
    .filter(({ from }) => from === undefined || ips === 'any' || ips.some(ip => containsIp(from, ip)))
    .map(({ table }) => table)
}
