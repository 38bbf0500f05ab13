// What DEL takes away, decided from what is there: neither the conf's CIDRs nor the API server are asked for it. Pure.
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
import { addressesOf, arePeers, familiesOnlyOf, hostIpsFor, hostVethName, isUsable, MAIN, POD_VETH } from './context.js'
import type { CoordinatorConf } from './config.js'
import { RULE_PRIORITY } from './rules.js'
import { HOST_RULE_TABLE, isHostTable } from './settings.js'
import {
  everywhere,
  hostOf,
  isNicTable,
  leadsTo,
  MARK,
  MARK_TABLE,
  markTableIn,
  movedDefaults,
  othersRulesFrom,
} from './tables.js'
import { replyTable } from './host-routes.js'

const FAMILIES = [4, 6] as const
/** <linux/rtnetlink.h> RTPROT_KERNEL: what a link has by itself. */
const RTPROT_KERNEL = 2

export interface DelInput {
  readonly ifName: string
  readonly defaultIfName: string
  readonly containerID: string
  readonly hostRuleTable: number
  /** The NIC's addresses, from the pod if it is there, else from prevResult. */
  readonly own: readonly Ip[]
  /** An empty pod is one that is gone. */
  readonly seen: Observed
}

export interface DelPlan {
  /** To be done first: the default route goes back to who had it. */
  readonly restore: Plan
  /** To be undone, newest first: what is gone already is fine. */
  readonly remove: Plan
}

/** The addresses of a NIC as the runtime remembers them. */
export const ipsIn = (result: Result | undefined, ifName: string): readonly Ip[] => {
  const at = result?.interfaces?.findIndex(({ name }) => name === ifName)
  return (result?.ips ?? [])
    .filter(ip => ip.interface === undefined || ip.interface === at)
    .flatMap(({ address }) => parsePrefix(address)?.ip ?? parseIp(address) ?? [])
    .filter(isUsable)
}

/**
 * Whether the pod that was looked into is another container's: CNI_NETNS of an old container may
 * name a newer one's namespace by now. The node's end of its veth has this container's name, and a
 * macvlan says whose it is; elsewhere prevResult's MAC and addresses tell it.
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
  const known = ipsIn(prevResult, ifName)
  return known.length > 0 && !addressesOf(pod, ifName).some(ip => known.includes(ip))
}

/** The node's table that the conf names, as ADD takes it. */
export function tableAsked({ keys: { hostRuleTable = HOST_RULE_TABLE } }: CoordinatorConf): number {
  return isHostTable(hostRuleTable) ? hostRuleTable : HOST_RULE_TABLE
}

/** RT_TABLE_DEFAULT, MAIN, LOCAL: the kernel's own. Any other with a route by our veth is the one that ADD was told of. */
const tableSeen = ({ node }: Observed): number | undefined =>
  node.routes.find(({ table }) => table < 253 || table > 255)?.table

/** What a DEL is about, of what was seen for it. */
export function leavingOf(
  {
    ifName,
    containerID,
    config,
    prevResult,
  }: Pick<Call<CoordinatorConf>, 'ifName' | 'containerID' | 'config' | 'prevResult'>,
  seen: Observed,
): DelInput {
  const own = [...new Set([...addressesOf(seen.pod, ifName), ...ipsIn(prevResult, ifName)])]
  const hostRuleTable = tableSeen(seen) ?? tableAsked(config)
  return { ifName, defaultIfName: config.podDefaultCniNic, containerID, hostRuleTable, own, seen }
}

export function planForDel(input: DelInput): DelPlan {
  const { ifName, defaultIfName, seen } = input
  const veth = hostVethName(input.containerID)
  // Nobody is left who could want the veth: the default interface goes, has gone, or the whole pod has.
  const isLast = ifName === defaultIfName || linkNamed(seen.pod, defaultIfName) === undefined
  const shared = FAMILIES.map((family): Step => {
    const rule = { family, priority: RULE_PRIORITY, table: input.hostRuleTable }
    return { verb: 'shareRule', where: 'node', rule, mine: [] }
  })
  const onNode: Plan =
    isLast && isOurVeth(input, linkNamed(seen.node, veth))
      ? [{ verb: 'addLink', where: 'node', name: veth, link: { kind: 'veth', peer: { where: 'pod', name: POD_VETH } } }]
      : nodePart(input)
  const { restore, remove } = podPart(input)
  return {
    restore,
    remove: [...shared, ...onNode, ...(isLast && seen.pod.links.length > 0 ? marks(seen.pod) : []), ...remove],
  }
}

/**
 * A name is not believed: another pod's container ID may begin alike, and then our ADD was refused. Ours has its other end in the pod; where that
 * cannot be seen, the ways by it lead to our addresses, or nobody knows to where.
 */
function isOurVeth({ own, hostRuleTable, seen: { pod, node } }: DelInput, veth: ObservedLink | undefined): boolean {
  if (veth?.kind !== 'veth') return false
  if (pod.links.some(link => arePeers(link, veth))) return true
  const hosts = own.map(hostOf)
  const led = node.routes.filter(({ dev, table }) => dev === veth.name && table === hostRuleTable)
  const isGone = pod.links.length === 0
  return led.some(({ dst }) => hosts.includes(dst)) || (isGone && (led.length === 0 || own.length === 0))
}

/**
 * Our addresses' routes in the node's table, and their neighbours beside them. Those of a pod that
 * is gone went with its veth: what leads to one of its addresses now is of the pod that has the
 * address.
 */
function nodePart({ own, seen: { pod, node }, hostRuleTable }: DelInput): Plan {
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

/** Of whatever priority and table ADD has chosen. */
function markRules(pod: NetnsState): NetnsState['rules'] {
  const table = markTable(pod)
  return pod.rules.filter(rule => rule.fwmark === MARK && rule.table === table && !rule.from && !rule.to && !rule.more)
}

function podPart(input: DelInput): DelPlan {
  const { ifName, defaultIfName, own, seen } = input
  const { pod } = seen
  if (pod.links.length === 0) return { restore: [], remove: [] }
  const heirs = ifName === defaultIfName ? [] : FAMILIES.flatMap(family => heirOf(pod, ifName, family) ?? [])
  const restored = heirs.flatMap(({ lost }) => lost)
  const leaver = [...own, ...heirs.flatMap(({ ips }) => ips)].map(hostOf)
  const rules = pod.rules.filter(({ from, table }) => from !== undefined && leaver.includes(from) && isNicTable(table))
  const after: NetnsState = { ...pod, rules: pod.rules.filter(rule => !rules.includes(rule)) }
  return {
    restore: restored.map(route => {
      return { verb: 'addRoute', where: 'pod', route: { ...route, table: MAIN }, how: 'append' }
    }),
    remove: [
      ...[...tableRoutes(input, after), ...waysInOthersTables(input), ...overlayPart(input)].map(routeStep),
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
  /** Its defaults that go back to main; and the addresses that led to them. */
  readonly lost: readonly ObservedRoute[]
  readonly ips: readonly Ip[]
}

/**
 * Who had the pod's default route of a family before this NIC took over: the first whose default stands in a table that its addresses lead to.
 * Where it has lost it, main has this NIC's default alone; it has it still where the ADD was killed. A NIC that has a default beside others'
 * took nothing over: it was never coordinated.
 */
function heirOf(pod: NetnsState, ifName: string, family: Family): Heir | undefined {
  const inMain = pod.routes.filter(({ dst, table }) => dst === everywhere(family) && table === MAIN)
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

/** The ways to the node of a family that the default interface never had: they came with this NIC, which is the last of the family. */
function familyPart({ ifName, defaultIfName, seen: { pod } }: DelInput): Plan {
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
 * Routes in NIC tables that lead nowhere any more: of tables without a rule, and of the NIC itself. The default interface's table keeps the ways to the
 * node's addresses, which came with the veth and go with it.
 */
function tableRoutes({ ifName, defaultIfName }: DelInput, after: NetnsState): readonly ObservedRoute[] {
  const isVeths = ({ dev, via }: ObservedRoute): boolean => dev === POD_VETH && via === undefined
  return after.routes.filter(
    route =>
      isNicTable(route.table) &&
      (route.dev === ifName || (!leadsTo(after, route.table) && !(isVeths(route) && route.table === 101))) &&
      !(ifName === defaultIfName && route.dev !== ifName),
  )
}

/** The table of another plugin's rule for the NIC is left as it is, but for the ways to the node. */
function waysInOthersTables({ ifName, defaultIfName, own, seen: { pod } }: DelInput): readonly ObservedRoute[] {
  if (ifName === defaultIfName) return []
  const veth = linkNamed(pod, POD_VETH) === undefined ? defaultIfName : POD_VETH
  const tables = othersRulesFrom(pod, own, markTable(pod)).map(({ table }) => table)
  return pod.routes.filter(({ dev, table }) => dev === veth && tables.includes(table))
}

/** In an overlay the ways to the node stand on the default interface, for all secondary interfaces; they go with the last of these. */
function isLastOfOverlay({ ifName, defaultIfName, own, seen, hostRuleTable }: DelInput): boolean {
  if (ifName === defaultIfName || linkNamed(seen.pod, POD_VETH) || !linkNamed(seen.pod, defaultIfName)) return false
  const hosts = own.map(hostOf)
  const pods = addressesOfPod(seen.pod).map(hostOf)
  return !seen.node.routes.some(
    ({ dst, table }) => table === hostRuleTable && pods.includes(dst) && !hosts.includes(dst),
  )
}

const addressesOfPod = (pod: NetnsState): readonly Ip[] => pod.links.flatMap(({ name }) => addressesOf(pod, name))

const nodesIn = ({ seen, hostRuleTable }: DelInput): readonly Ip[] => hostIpsFor(seen.pod, seen.node, hostRuleTable)

const ownWayTable = ({ seen: { pod }, defaultIfName }: DelInput): number =>
  markTableIn(pod, { podVeth: defaultIfName, isOverlay: true }) ?? MARK_TABLE

/**
 * By address of the node: to it, and by way of it. And the copies of what the default interface had before: of these the main table keeps the originals, and
 * its default in any case, whose gateway may be the node as well (a bridge's).
 */
function overlayPart(input: DelInput): readonly ObservedRoute[] {
  if (!isLastOfOverlay(input)) return []
  const { seen, defaultIfName } = input
  const nodes = nodesIn(input)
  const hosts = nodes.map(hostOf)
  const ownWay = ownWayTable(input)
  const firsts = seen.pod.routes.filter(({ dev }) => dev === defaultIfName)
  const copies = firsts.filter(route => route.table === ownWay && isCopied(seen.pod, route))
  const kept = copies.map(({ dst }) => dst)
  const ways = firsts.filter(
    ({ dst, via, table, proto }) =>
      table === MAIN &&
      proto !== RTPROT_KERNEL &&
      (hosts.includes(dst) || (via !== undefined && nodes.includes(via) && !isDefault(dst))),
  )
  return [...copies, ...ways.filter(({ dst }) => !kept.includes(dst))]
}

/** Whether another table has the route as well. */
const isCopied = (pod: NetnsState, { dst, via, dev, table }: ObservedRoute): boolean =>
  pod.routes.some(other => other.table !== table && other.dst === dst && other.via === via && other.dev === dev)

function overlayRules(input: DelInput): NetnsState['rules'] {
  if (!isLastOfOverlay(input)) return []
  const hosts = addressesOf(input.seen.pod, input.defaultIfName).map(hostOf)
  const ownWay = markTableIn(input.seen.pod, { podVeth: input.defaultIfName, isOverlay: true })
  return input.seen.pod.rules.filter(
    ({ from, table }) => table === ownWay && from !== undefined && hosts.includes(from),
  )
}

function overlayNeighs(input: DelInput): Plan {
  if (!isLastOfOverlay(input)) return []
  const nodes = nodesIn(input)
  const { defaultIfName, seen } = input
  return seen.pod.neighs
    .filter(({ dev, ip, permanent }) => dev === defaultIfName && permanent && nodes.includes(ip))
    .flatMap(neighStep('pod'))
}
