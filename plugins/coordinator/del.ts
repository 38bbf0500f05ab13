// The plan of DEL, from the observed state: it needs neither the conf's CIDRs nor the API server.
// Pure.
import { isKernelTable, RT_TABLE_MAIN } from '../../lib/linux/constants.js'
import { familyOf, parseIp, type Family, type Ip } from '../../lib/ip/address.js'
import { familyOfCidr, parsePrefix } from '../../lib/ip/cidr.js'
import { ownerByAlias } from '../../lib/cni/link-alias.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import {
  isDefault,
  linkNamed,
  type NetnsState,
  type Observed,
  type ObservedLink,
  type ObservedRoute,
} from '../../lib/plan/state.js'
import type { Plan, Step } from '../../lib/plan/step.js'
import { addressesOf, arePeers, familiesOnlyOf, hostIpsFor, hostVethName, isUsable, POD_VETH } from './context.js'
import type { CoordinatorConf } from './config.js'
import { RULE_PRIORITY } from './rule-priorities.js'
import { HOST_RULE_TABLE, isHostTable } from './settings.js'
import {
  everywhere,
  FIRST_TABLE,
  hostOf,
  isNicTable,
  isSelectedByRule,
  MARK,
  MARK_TABLE,
  markTableIn,
  movedDefaults,
  othersRulesFrom,
} from './tables.js'
import { replyTable } from './pod-node-routing.js'

const FAMILIES = [4, 6] as const
/** <linux/rtnetlink.h> RTPROT_KERNEL: connected routes. */
const RTPROT_KERNEL = 2

export interface DelInput {
  readonly ifName: string
  readonly defaultIfName: string
  readonly containerID: string
  readonly hostRuleTable: number
  /** The NIC's addresses, observed and of prevResult. */
  readonly own: readonly Ip[]
  /** A pod without links is gone. */
  readonly observed: Observed
}

export interface DelPlan {
  /** Applied first: default routes that go back to the NIC that had them. */
  readonly restore: Plan
  /** Steps of ADD to undo, newest first. */
  readonly undo: Plan
  /** Applied after them: the veth, if no NIC needs it; its routes and neighbours go with it. */
  readonly remove: Plan
  /** Undone last: the rules that the node's pods share; each stays while another pod uses it. */
  readonly release: Plan
}

/** The usable addresses of a NIC in a result. */
export const ipsIn = (result: Result | undefined, ifName: string): readonly Ip[] => {
  const at = result?.interfaces?.findIndex(({ name }) => name === ifName)
  return (result?.ips ?? [])
    .filter(ip => ip.interface === undefined || ip.interface === at)
    .flatMap(({ address }) => parsePrefix(address)?.ip ?? parseIp(address) ?? [])
    .filter(isUsable)
}

/**
 * Whether the observed pod is another container's: CNI_NETNS of an old container may name a newer
 * one's namespace by now. Decided by the name of the node's end of its veth, the alias of a
 * macvlan, or else by MAC and addresses of prevResult.
 */
export function isOfAnother(
  { containerID, ifName, prevResult }: Pick<Call<unknown>, 'containerID' | 'ifName' | 'prevResult'>,
  { pod, node }: Observed,
): boolean {
  const veth = linkNamed(pod, POD_VETH)
  if (veth?.kind === 'veth') {
    const onNode = linkNamed(node, hostVethName(containerID))
    return onNode === undefined || !arePeers(veth, onNode)
  }
  const link = linkNamed(pod, ifName)
  if (link === undefined) return false
  const owner = ownerByAlias(link.alias, containerID)
  if (owner !== undefined) return owner === 'other'
  const mac = prevResult?.interfaces?.find(({ name, sandbox }) => name === ifName && sandbox)?.mac
  if (mac === undefined || mac.toLowerCase() === link.mac) return false
  const previous = ipsIn(prevResult, ifName)
  return previous.length > 0 && !addressesOf(pod, ifName).some(ip => previous.includes(ip))
}

/** hostRuleTable of the conf, or its default. */
export function configuredTable({ keys: { hostRuleTable = HOST_RULE_TABLE } }: CoordinatorConf): number {
  return isHostTable(hostRuleTable) ? hostRuleTable : HOST_RULE_TABLE
}

/**
 * The table that ADD used: the only one of the node, besides the kernel's, with a route by our
 * veth.
 */
const observedTable = ({ node }: Observed): number | undefined =>
  node.routes.find(({ table }) => !isKernelTable(table))?.table

/** The input of planForDel(). */
export function delInputOf(
  {
    ifName,
    containerID,
    config,
    prevResult,
  }: Pick<Call<CoordinatorConf>, 'ifName' | 'containerID' | 'config' | 'prevResult'>,
  observed: Observed,
): DelInput {
  const own = [...new Set([...addressesOf(observed.pod, ifName), ...ipsIn(prevResult, ifName)])]
  const hostRuleTable = observedTable(observed) ?? configuredTable(config)
  return { ifName, defaultIfName: config.podDefaultCniNic, containerID, hostRuleTable, own, observed }
}

/** What DEL restores and what it removes. */
export function planForDel(input: DelInput): DelPlan {
  const { ifName, defaultIfName, observed } = input
  const veth = hostVethName(input.containerID)
  // No NIC needs the veth any more: the default interface or the whole pod is deleted.
  const isLast = ifName === defaultIfName || linkNamed(observed.pod, defaultIfName) === undefined
  const isVethUnused = isLast && isOurVeth(input, linkNamed(observed.node, veth))
  const { restore, undo } = podPart(input)
  return {
    restore,
    undo: [
      ...(isVethUnused ? [] : nodePart(input)),
      ...(isLast && observed.pod.links.length > 0 ? marks(observed.pod) : []),
      ...undo,
    ],
    remove: isVethUnused ? [{ verb: 'removeLink', where: 'node', name: veth }] : [],
    release: FAMILIES.map((family): Step => {
      const rule = { family, priority: RULE_PRIORITY, table: input.hostRuleTable }
      return { verb: 'shareRule', where: 'node', rule, mine: [] }
    }),
  }
}

/**
 * The name is not enough: another container ID may have the same prefix, and then our ADD failed.
 * Our veth has its peer in the pod; if the pod is gone, routes to our addresses, or none at all.
 */
function isOurVeth({ own, hostRuleTable, observed: { pod, node } }: DelInput, veth: ObservedLink | undefined): boolean {
  if (veth?.kind !== 'veth') return false
  if (pod.links.some(link => arePeers(link, veth))) return true
  const hosts = own.map(hostOf)
  const routes = node.routes.filter(({ dev, table }) => dev === veth.name && table === hostRuleTable)
  const isGone = pod.links.length === 0
  return routes.some(({ dst }) => hosts.includes(dst)) || (isGone && (routes.length === 0 || own.length === 0))
}

/**
 * Routes and neighbours of our addresses on the node. Those of a pod that is gone were deleted with
 * its veth: a route to one of its addresses belongs to the pod that has the address now.
 */
function nodePart({ own, observed: { pod, node }, hostRuleTable }: DelInput): Plan {
  if (pod.links.length === 0) return []
  const hosts = own.map(hostOf)
  const routes = node.routes.filter(({ dst, table }) => table === hostRuleTable && hosts.includes(dst))
  return [
    ...routes.map((route): Step => ({ verb: 'addRoute', where: 'node', route, how: 'add' })),
    ...node.neighs.filter(neigh => neigh.permanent && own.includes(neigh.ip)).flatMap(neighStep('node')),
  ]
}

const neighStep =
  (where: 'node' | 'pod') =>
  ({ dev, ip, mac }: NetnsState['neighs'][number]): Plan =>
    mac === undefined ? [] : [{ verb: 'addNeigh', where, name: dev, ip, mac }]

const marks = (pod: NetnsState): Plan => [
  { verb: 'setNftTable', where: 'pod', table: replyTable(POD_VETH), was: undefined },
  ...markRules(pod).map(ruleStep),
]

const markTable = (pod: NetnsState): number | undefined => markTableIn(pod, { podVeth: POD_VETH, isOverlay: false })

/** Rules of our mark, of any priority and table. */
function markRules(pod: NetnsState): NetnsState['rules'] {
  const table = markTable(pod)
  return pod.rules.filter(rule => rule.fwmark === MARK && rule.table === table && !rule.from && !rule.to && !rule.more)
}

function podPart(input: DelInput): Pick<DelPlan, 'restore' | 'undo'> {
  const { ifName, defaultIfName, own, observed } = input
  const { pod } = observed
  if (pod.links.length === 0) return { restore: [], undo: [] }
  const heirs = ifName === defaultIfName ? [] : FAMILIES.flatMap(family => heirOf(pod, ifName, family) ?? [])
  const restored = heirs.flatMap(({ lost }) => lost)
  const removedHosts = [...own, ...heirs.flatMap(({ ips }) => ips)].map(hostOf)
  const rules = pod.rules.filter(
    ({ from, table }) => from !== undefined && removedHosts.includes(from) && isNicTable(table),
  )
  const after: NetnsState = { ...pod, rules: pod.rules.filter(rule => !rules.includes(rule)) }
  return {
    restore: restored.map(route => {
      return { verb: 'addRoute', where: 'pod', route: { ...route, table: RT_TABLE_MAIN }, how: 'append' }
    }),
    undo: [
      ...[...tableRoutes(input, after), ...hostRoutesInOthersTables(input), ...overlayPart(input)].map(routeStep),
      ...familyPart(input),
      ...overlayRules(input).map(ruleStep),
      ...rules.map(ruleStep),
      ...overlayNeighs(input),
    ],
  }
}

const routeStep = (route: ObservedRoute): Step => ({ verb: 'addRoute', where: 'pod', route, how: 'add' })
const ruleStep = (rule: NetnsState['rules'][number]): Step => ({ verb: 'addRule', where: 'pod', rule })

interface Heir {
  /** Its default routes that go back to main, and the addresses whose rules select their table. */
  readonly lost: readonly ObservedRoute[]
  readonly ips: readonly Ip[]
}

/**
 * The NIC that had the pod's default route of a family before this NIC took it over: the first
 * whose default is in a table that its rules select. It is restored only if main has no other
 * default than this NIC's; after an ADD that was killed the NIC may have it still.
 */
function heirOf(pod: NetnsState, ifName: string, family: Family): Heir | undefined {
  const inMain = pod.routes.filter(({ dst, table }) => dst === everywhere(family) && table === RT_TABLE_MAIN)
  if (!inMain.some(({ dev }) => dev === ifName)) return undefined
  const isAlone = inMain.every(({ dev }) => dev === ifName)
  const heirs = pod.links.flatMap(({ name }): readonly Heir[] => {
    if (name === 'lo' || name === ifName) return []
    const moved = movedDefaults(pod, name).filter(({ dst }) => dst === everywhere(family))
    const lost = inMain.some(({ dev }) => dev === name) ? [] : moved
    const ips = addressesOf(pod, name).filter(ip => familyOf(ip) === family)
    return moved.length > 0 && (lost.length === 0 || isAlone) ? [{ lost, ips }] : []
  })
  return heirs[0]
}

/** Routing to the node of a family that only this NIC has, and the default interface never had. */
function familyPart({ ifName, defaultIfName, observed: { pod } }: DelInput): Plan {
  if (ifName === defaultIfName || linkNamed(pod, POD_VETH) === undefined) return []
  return familiesOnlyOf(pod, ifName).flatMap((family): Plan => {
    const rules = markRules(pod).filter(rule => rule.family === family)
    const routes = pod.routes.filter(
      ({ dst, dev, proto }) => dev === POD_VETH && familyOfCidr(dst) === family && proto !== RTPROT_KERNEL,
    )
    const neighs = pod.neighs.filter(
      ({ dev, ip, permanent }) => dev === POD_VETH && permanent && familyOf(ip) === family,
    )
    return [...routes.map(routeStep), ...rules.map(ruleStep), ...neighs.flatMap(neighStep('pod'))]
  })
}

/**
 * Routes in NIC tables to remove: those by the NIC, and those in tables that no rule selects any
 * more. The default interface's table keeps the host routes, which are deleted with the veth.
 */
function tableRoutes({ ifName, defaultIfName }: DelInput, after: NetnsState): readonly ObservedRoute[] {
  const isVeths = ({ dev, via }: ObservedRoute): boolean => dev === POD_VETH && via === undefined
  return after.routes.filter(
    route =>
      isNicTable(route.table) &&
      (route.dev === ifName ||
        (!isSelectedByRule(after, route.table) && !(isVeths(route) && route.table === FIRST_TABLE))) &&
      !(ifName === defaultIfName && route.dev !== ifName),
  )
}

/** Our host routes in the table of another plugin's rule for the NIC; the rest of it stays. */
function hostRoutesInOthersTables({
  ifName,
  defaultIfName,
  own,
  observed: { pod },
}: DelInput): readonly ObservedRoute[] {
  if (ifName === defaultIfName) return []
  const veth = linkNamed(pod, POD_VETH) === undefined ? defaultIfName : POD_VETH
  const tables = othersRulesFrom(pod, own, markTable(pod)).map(({ table }) => table)
  return pod.routes.filter(({ dev, table }) => dev === veth && tables.includes(table))
}

/**
 * In an overlay the host routes are on the default interface; deleted with the last secondary
 * interface.
 */
function isLastOfOverlay({ ifName, defaultIfName, own, observed, hostRuleTable }: DelInput): boolean {
  if (ifName === defaultIfName || linkNamed(observed.pod, POD_VETH) || !linkNamed(observed.pod, defaultIfName))
    return false
  const hosts = own.map(hostOf)
  const pods = addressesOfPod(observed.pod).map(hostOf)
  return !observed.node.routes.some(
    ({ dst, table }) => table === hostRuleTable && pods.includes(dst) && !hosts.includes(dst),
  )
}

const addressesOfPod = (pod: NetnsState): readonly Ip[] => pod.links.flatMap(({ name }) => addressesOf(pod, name))

const nodesIn = ({ observed, hostRuleTable }: DelInput): readonly Ip[] =>
  hostIpsFor(observed.pod, observed.node, hostRuleTable)

const ownTable = ({ observed: { pod }, defaultIfName }: DelInput): number =>
  markTableIn(pod, { podVeth: defaultIfName, isOverlay: true }) ?? MARK_TABLE

/**
 * Routes to and via the node's addresses, and the copies of the default interface's own routes.
 * Main keeps the originals of these, and a default via the node (a bridge's).
 */
function overlayPart(input: DelInput): readonly ObservedRoute[] {
  if (!isLastOfOverlay(input)) return []
  const { observed, defaultIfName } = input
  const nodes = nodesIn(input)
  const hosts = nodes.map(hostOf)
  const sourceTable = ownTable(input)
  const firsts = observed.pod.routes.filter(({ dev }) => dev === defaultIfName)
  const copies = firsts.filter(route => route.table === sourceTable && isCopied(observed.pod, route))
  const kept = copies.map(({ dst }) => dst)
  const hostRoutes = firsts.filter(
    ({ dst, via, table, proto }) =>
      table === RT_TABLE_MAIN &&
      proto !== RTPROT_KERNEL &&
      (hosts.includes(dst) || (via !== undefined && nodes.includes(via) && !isDefault(dst))),
  )
  return [...copies, ...hostRoutes.filter(({ dst }) => !kept.includes(dst))]
}

/** Whether another table has the same route. */
const isCopied = (pod: NetnsState, { dst, via, dev, table }: ObservedRoute): boolean =>
  pod.routes.some(other => other.table !== table && other.dst === dst && other.via === via && other.dev === dev)

function overlayRules(input: DelInput): NetnsState['rules'] {
  if (!isLastOfOverlay(input)) return []
  const hosts = addressesOf(input.observed.pod, input.defaultIfName).map(hostOf)
  const sourceTable = markTableIn(input.observed.pod, { podVeth: input.defaultIfName, isOverlay: true })
  return input.observed.pod.rules.filter(
    ({ from, table }) => table === sourceTable && from !== undefined && hosts.includes(from),
  )
}

function overlayNeighs(input: DelInput): Plan {
  if (!isLastOfOverlay(input)) return []
  const nodes = nodesIn(input)
  const { defaultIfName, observed } = input
  return observed.pod.neighs
    .filter(({ dev, ip, permanent }) => dev === defaultIfName && permanent && nodes.includes(ip))
    .flatMap(neighStep('pod'))
}
