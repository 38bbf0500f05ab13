// What DEL takes away, decided from what is there: neither the conf's CIDRs nor the API server are asked for it. Pure.
import { familyOf, parseIp, type Family, type Ip } from '../../lib/ip/address.js'
import { familyOfCidr, parsePrefix } from '../../lib/ip/cidr.js'
import { ownerByAlias } from '../../lib/cni/owner.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import { isDefault, linkNamed, type Place, type Seen, type SeenLink, type SeenRoute } from '../../lib/plan/seen.js'
import type { Plan, Step } from '../../lib/plan/step.js'
import { addressesOf, arePeers, familiesOnlyOf, hostIpsFor, hostVethName, isUsable, MAIN, POD_VETH } from './facts.js'
import type { Config } from './config.js'
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
import { replyTable } from './ways.js'

const FAMILIES = [4, 6] as const
/** <linux/rtnetlink.h> RTPROT_KERNEL: what a link has by itself. */
const RTPROT_KERNEL = 2

export interface Leaving {
  readonly ifName: string
  readonly firstNic: string
  readonly containerID: string
  readonly hostRuleTable: number
  /** The NIC's addresses, from the pod if it is there, else from prevResult. */
  readonly own: readonly Ip[]
  /** An empty pod is one that is gone. */
  readonly seen: Seen
}

export interface Parting {
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
  { pod, node }: Seen,
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
export function tableAsked({ keys: { hostRuleTable = HOST_RULE_TABLE } }: Config): number {
  return isHostTable(hostRuleTable) ? hostRuleTable : HOST_RULE_TABLE
}

/** RT_TABLE_DEFAULT, MAIN, LOCAL: the kernel's own. Any other with a route by our veth is the one that ADD was told of. */
const tableSeen = ({ node }: Seen): number | undefined =>
  node.routes.find(({ table }) => table < 253 || table > 255)?.table

/** What a DEL is about, of what was seen for it. */
export function leavingOf(
  { ifName, containerID, config, prevResult }: Pick<Call<Config>, 'ifName' | 'containerID' | 'config' | 'prevResult'>,
  seen: Seen,
): Leaving {
  const own = [...new Set([...addressesOf(seen.pod, ifName), ...ipsIn(prevResult, ifName)])]
  const hostRuleTable = tableSeen(seen) ?? tableAsked(config)
  return { ifName, firstNic: config.podDefaultCniNic, containerID, hostRuleTable, own, seen }
}

export function planForDel(leaving: Leaving): Parting {
  const { ifName, firstNic, seen } = leaving
  const veth = hostVethName(leaving.containerID)
  // Nobody is left who could want the veth: the first NIC goes, has gone, or the whole pod has.
  const isLast = ifName === firstNic || linkNamed(seen.pod, firstNic) === undefined
  const shared = FAMILIES.map((family): Step => {
    const rule = { family, priority: RULE_PRIORITY, table: leaving.hostRuleTable }
    return { verb: 'shareRule', where: 'node', rule, mine: [] }
  })
  const onNode: Plan =
    isLast && isOurVeth(leaving, linkNamed(seen.node, veth))
      ? [{ verb: 'addLink', where: 'node', name: veth, link: { kind: 'veth', peer: { where: 'pod', name: POD_VETH } } }]
      : nodePart(leaving)
  const { restore, remove } = podPart(leaving)
  return {
    restore,
    remove: [...shared, ...onNode, ...(isLast && seen.pod.links.length > 0 ? marks(seen.pod) : []), ...remove],
  }
}

/**
 * A name is not believed: another pod's container ID may begin alike, and then our ADD was refused. Ours has its other end in the pod; where that
 * cannot be seen, the ways by it lead to our addresses, or nobody knows to where.
 */
function isOurVeth({ own, hostRuleTable, seen: { pod, node } }: Leaving, veth: SeenLink | undefined): boolean {
  if (veth?.kind !== 'veth') return false
  if (pod.links.some(link => arePeers(link, veth))) return true
  const hosts = own.map(hostOf)
  const led = node.routes.filter(({ link, table }) => link === veth.name && table === hostRuleTable)
  const isGone = pod.links.length === 0
  return led.some(({ to }) => hosts.includes(to)) || (isGone && (led.length === 0 || own.length === 0))
}

/**
 * Our addresses' routes in the node's table, and their neighbours beside them. Those of a pod that
 * is gone went with its veth: what leads to one of its addresses now is of the pod that has the
 * address.
 */
function nodePart({ own, seen: { pod, node }, hostRuleTable }: Leaving): Plan {
  if (pod.links.length === 0) return []
  const hosts = own.map(hostOf)
  const routes = node.routes.filter(({ to, table }) => table === hostRuleTable && hosts.includes(to))
  return [
    ...routes.map((route): Step => ({ verb: 'addRoute', where: 'node', route, how: 'exclusive' })),
    ...node.neighs.filter(neigh => neigh.permanent && own.includes(neigh.ip)).flatMap(neighStep('node')),
  ]
}

const neighStep =
  (where: 'node' | 'pod') =>
  ({ link, ip, mac }: Place['neighs'][number]): Plan =>
    mac === undefined ? [] : [{ verb: 'addNeigh', where, name: link, ip, mac }]

const marks = (pod: Place): Plan => [
  { verb: 'setNftTable', where: 'pod', table: replyTable(POD_VETH), was: undefined },
  ...markRules(pod).map(ruleStep),
]

const markTable = (pod: Place): number | undefined => markTableIn(pod, { podVeth: POD_VETH, isOverlay: false })

/** Of whatever priority and table ADD has chosen. */
function markRules(pod: Place): Place['rules'] {
  const table = markTable(pod)
  return pod.rules.filter(rule => rule.mark === MARK && rule.table === table && !rule.from && !rule.to && !rule.more)
}

function podPart(leaving: Leaving): Parting {
  const { ifName, firstNic, own, seen } = leaving
  const { pod } = seen
  if (pod.links.length === 0) return { restore: [], remove: [] }
  const heirs = ifName === firstNic ? [] : FAMILIES.flatMap(family => heirOf(pod, ifName, family) ?? [])
  const restored = heirs.flatMap(({ lost }) => lost)
  const leaver = [...own, ...heirs.flatMap(({ ips }) => ips)].map(hostOf)
  const rules = pod.rules.filter(({ from, table }) => from !== undefined && leaver.includes(from) && isNicTable(table))
  const after: Place = { ...pod, rules: pod.rules.filter(rule => !rules.includes(rule)) }
  return {
    restore: restored.map(route => {
      return { verb: 'addRoute', where: 'pod', route: { ...route, table: MAIN }, how: 'behind' }
    }),
    remove: [
      ...[...tableRoutes(leaving, after), ...waysInOthersTables(leaving), ...overlayPart(leaving)].map(routeStep),
      ...familyPart(leaving),
      ...overlayRules(leaving).map(ruleStep),
      ...rules.map(ruleStep),
      ...overlayNeighs(leaving),
    ],
  }
}

const routeStep = (route: SeenRoute): Step => ({ verb: 'addRoute', where: 'pod', route, how: 'exclusive' })
const ruleStep = (rule: Place['rules'][number]): Step => ({ verb: 'addRule', where: 'pod', rule })

interface Heir {
  /** Its defaults that go back to main; and the addresses that led to them. */
  readonly lost: readonly SeenRoute[]
  readonly ips: readonly Ip[]
}

/**
 * Who had the pod's default route of a family before this NIC took over: the first whose default stands in a table that its addresses lead to.
 * Where it has lost it, main has this NIC's default alone; it has it still where the ADD was killed. A NIC that has a default beside others'
 * took nothing over: it was never coordinated.
 */
function heirOf(pod: Place, ifName: string, family: Family): Heir | undefined {
  const inMain = pod.routes.filter(({ to, table }) => to === everywhere(family) && table === MAIN)
  if (!inMain.some(({ link }) => link === ifName)) return undefined
  const isAlone = inMain.every(({ link }) => link === ifName)
  const heirs = pod.links.flatMap(({ name }): readonly Heir[] => {
    if (name === 'lo' || name === ifName) return []
    const moved = movedDefaults(pod, name).filter(({ to }) => to === everywhere(family))
    const lost = inMain.some(({ link }) => link === name) ? [] : moved
    const ips = addressesOf(pod, name).filter(ip => familyOf(ip) === family)
    return moved.length > 0 && (lost.length === 0 || isAlone) ? [{ lost, ips }] : []
  })
  return heirs[0]
}

/** The ways to the node of a family that the first NIC never had: they came with this NIC, which is the last of the family. */
function familyPart({ ifName, firstNic, seen: { pod } }: Leaving): Plan {
  if (ifName === firstNic || linkNamed(pod, POD_VETH) === undefined) return []
  return familiesOnlyOf(pod, ifName).flatMap((family): Plan => {
    const rules = markRules(pod).filter(rule => rule.family === family)
    const routes = pod.routes.filter(
      ({ to, link, origin }) => link === POD_VETH && familyOfCidr(to) === family && origin !== RTPROT_KERNEL,
    )
    const neighs = pod.neighs.filter(
      ({ link, ip, permanent }) => link === POD_VETH && permanent && familyOf(ip) === family,
    )
    return [...routes.map(routeStep), ...rules.map(ruleStep), ...neighs.flatMap(neighStep('pod'))]
  })
}

/**
 * Routes in NIC tables that lead nowhere any more: of tables without a rule, and of the NIC itself. The first NIC's table keeps the ways to the
 * node's addresses, which came with the veth and go with it.
 */
function tableRoutes({ ifName, firstNic }: Leaving, after: Place): readonly SeenRoute[] {
  const isVeths = ({ link, via }: SeenRoute): boolean => link === POD_VETH && via === undefined
  return after.routes.filter(
    route =>
      isNicTable(route.table) &&
      (route.link === ifName || (!leadsTo(after, route.table) && !(isVeths(route) && route.table === 101))) &&
      !(ifName === firstNic && route.link !== ifName),
  )
}

/** The table of another plugin's rule for the NIC is left as it is, but for the ways to the node. */
function waysInOthersTables({ ifName, firstNic, own, seen: { pod } }: Leaving): readonly SeenRoute[] {
  if (ifName === firstNic) return []
  const veth = linkNamed(pod, POD_VETH) === undefined ? firstNic : POD_VETH
  const tables = othersRulesFrom(pod, own, markTable(pod)).map(({ table }) => table)
  return pod.routes.filter(({ link, table }) => link === veth && tables.includes(table))
}

/** In an overlay the ways to the node stand on the first NIC, for all further NICs; they go with the last of these. */
function isLastOfOverlay({ ifName, firstNic, own, seen, hostRuleTable }: Leaving): boolean {
  if (ifName === firstNic || linkNamed(seen.pod, POD_VETH) || !linkNamed(seen.pod, firstNic)) return false
  const hosts = own.map(hostOf)
  const pods = addressesOfPod(seen.pod).map(hostOf)
  return !seen.node.routes.some(({ to, table }) => table === hostRuleTable && pods.includes(to) && !hosts.includes(to))
}

const addressesOfPod = (pod: Place): readonly Ip[] => pod.links.flatMap(({ name }) => addressesOf(pod, name))

const nodesIn = ({ seen, hostRuleTable }: Leaving): readonly Ip[] => hostIpsFor(seen.pod, seen.node, hostRuleTable)

const ownWayTable = ({ seen: { pod }, firstNic }: Leaving): number =>
  markTableIn(pod, { podVeth: firstNic, isOverlay: true }) ?? MARK_TABLE

/**
 * By address of the node: to it, and by way of it. And the copies of what the first NIC had before: of these the main table keeps the originals, and
 * its default in any case, whose gateway may be the node as well (a bridge's).
 */
function overlayPart(leaving: Leaving): readonly SeenRoute[] {
  if (!isLastOfOverlay(leaving)) return []
  const { seen, firstNic } = leaving
  const nodes = nodesIn(leaving)
  const hosts = nodes.map(hostOf)
  const ownWay = ownWayTable(leaving)
  const firsts = seen.pod.routes.filter(({ link }) => link === firstNic)
  const copies = firsts.filter(route => route.table === ownWay && isCopied(seen.pod, route))
  const kept = copies.map(({ to }) => to)
  const ways = firsts.filter(
    ({ to, via, table, origin }) =>
      table === MAIN &&
      origin !== RTPROT_KERNEL &&
      (hosts.includes(to) || (via !== undefined && nodes.includes(via) && !isDefault(to))),
  )
  return [...copies, ...ways.filter(({ to }) => !kept.includes(to))]
}

/** Whether another table has the route as well. */
const isCopied = (pod: Place, { to, via, link, table }: SeenRoute): boolean =>
  pod.routes.some(other => other.table !== table && other.to === to && other.via === via && other.link === link)

function overlayRules(leaving: Leaving): Place['rules'] {
  if (!isLastOfOverlay(leaving)) return []
  const hosts = addressesOf(leaving.seen.pod, leaving.firstNic).map(hostOf)
  const ownWay = markTableIn(leaving.seen.pod, { podVeth: leaving.firstNic, isOverlay: true })
  return leaving.seen.pod.rules.filter(
    ({ from, table }) => table === ownWay && from !== undefined && hosts.includes(from),
  )
}

function overlayNeighs(leaving: Leaving): Plan {
  if (!isLastOfOverlay(leaving)) return []
  const nodes = nodesIn(leaving)
  const { firstNic, seen } = leaving
  return seen.pod.neighs
    .filter(({ link, ip, permanent }) => link === firstNic && permanent && nodes.includes(ip))
    .flatMap(neighStep('pod'))
}
