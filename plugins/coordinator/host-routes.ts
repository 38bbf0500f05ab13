// The ways between pod and node: neighbours, host routes, the node's rule and table, what is hijacked, and the way back. Pure.
import { familyOf, type Family, type Ip } from '../../lib/ip/address.js'
import { familyOfCidr, type Cidr } from '../../lib/ip/cidr.js'
import type { Mac } from '../../lib/ip/mac.js'
import { NFT_TABLE, type NftTable } from '../../lib/plan/nft.js'
import { isDefault, sameRoute, type NetnsState, type ObservedRoute } from '../../lib/plan/state.js'
import type { Plan, Route, Step, Where } from '../../lib/plan/step.js'
import { addressesOf, FIRST_TABLE, gatewayOf, MAIN, SCOPE_LINK, type CoordinatorContext } from './context.js'
import { otherNics } from './nic.js'
import { markPriority, nodePriority, tablesBeforeMain } from './rules.js'
import { everywhere, hostOf, MARK, rulesFrom } from './tables.js'

/** The metric that IPv6 routes get that are asked for without one (IP6_RT_PRIO_USER, <net/ip6_fib.h>). */
const IPV6_METRIC = 1024
/** The metric that a route has in the kernel. */
export const metricOf = ({ dst, metric }: Route): number => metric || (dst.includes(':') ? IPV6_METRIC : 0)

/** Everything between pod and node, in the order in which the kernel can take it. */
export const hostRouteSteps = (context: CoordinatorContext): Plan => [
  ...neighbours(context),
  ...hostRoutes(context),
  ...nodeRoutes(context),
  ...hijackRoutes(context),
]

/**
 * The addresses that the node reaches by the veth: the NIC's; and where the default interface is made anew, those of the NICs that lost their way with
 * the old one.
 */
export function routedIps(context: CoordinatorContext): readonly Ip[] {
  const { pod, own, isDefaultInterface, nodeFamilies } = context
  const others = isDefaultInterface ? otherNics(context).flatMap(({ name }) => addressesOf(pod, name)) : []
  const coordinated = others.filter(ip => rulesFrom(pod, [ip]).length > 0)
  return [...own, ...coordinated].filter(ip => nodeFamilies.includes(familyOf(ip)))
}

function neighbours(context: CoordinatorContext): Plan {
  const { pod, node, veth, hostIps, mainFamilies } = context
  const stale = staleRoutes(context).map(({ dev }) => dev)
  const inPod = hostIps.filter(ip => mainFamilies.includes(familyOf(ip)))
  return [
    ...routedIps(context).flatMap(ip => [
      ...wrongNeighs(node, 'node', ip, [veth.node, ...stale], { name: veth.node, mac: veth.podMac }),
      neigh('node', veth.node, ip, veth.podMac),
    ]),
    ...inPod.flatMap(ip => [
      ...wrongNeighs(pod, 'pod', ip, [veth.pod], { name: veth.pod, mac: veth.nodeMac }),
      neigh('pod', veth.pod, ip, veth.nodeMac),
    ]),
  ]
}

const neigh = (where: Where, name: string, ip: Ip, mac: Mac): Step => ({ verb: 'addNeigh', where, name, ip, mac })

/** Permanent entries of an address on these links, but for the right one. What is not permanent, the kernel replaces by itself. */
const wrongNeighs = (
  state: NetnsState,
  where: Where,
  ip: Ip,
  links: readonly (string | undefined)[],
  right: { readonly name: string; readonly mac: Mac },
): Plan =>
  state.neighs
    .filter(has => has.ip === ip && has.permanent && links.includes(has.dev))
    .filter(has => has.dev !== right.name || has.mac !== right.mac)
    .map(has => ({ verb: 'removeNeigh', where, name: has.dev, ip, mac: has.mac }))

/** In the node's table: routes to our addresses that lead elsewhere, of a pod that had them before. */
const staleRoutes = ({ node, own, veth, settings }: CoordinatorContext): readonly ObservedRoute[] => {
  const hosts = own.map(hostOf)
  return node.routes.filter(
    ({ dst, table, dev }) => table === settings.hostRuleTable && hosts.includes(dst) && dev !== veth.node,
  )
}

/**
 * The tables of the pod in which the node's addresses of a family stand besides main: the NIC's, and those that rules of others, such as sbr's, lead
 * its addresses to; the default interface's ADD serves all NICs.
 */
function nicTables(
  { isDefaultInterface, pod, own, table, tableFamilies, markTable }: CoordinatorContext,
  of: Family,
): readonly number[] {
  const led = tablesBeforeMain(pod, of, isDefaultInterface ? 'any' : own).filter(led => led !== markTable)
  return [...new Set([...(isDefaultInterface || tableFamilies.includes(of) ? [table] : []), ...led])]
}

function hostRoutes(context: CoordinatorContext): Plan {
  const { pod, veth, hostIps, mainFamilies } = context
  return hostIps.flatMap(ip => {
    const family = familyOf(ip)
    const to = hostOf(ip)
    return [...nicTables(context, family), ...(mainFamilies.includes(family) ? [MAIN] : [])]
      .filter(table => !isOthers(context, to, table))
      .flatMap(table =>
        ensureRoute(pod, { dst: to, dev: veth.pod, scope: SCOPE_LINK, ...sourceFor(context, family), table }),
      )
  })
}

/**
 * In an overlay, routes of the default interface that are like ours: by way of the node (flannel's to all pods), or to what we would have routes to (ptp's to
 * the node). They lead to the node already and stay. Before our first step they are told by standing there, later by their copies in the table of
 * marks.
 */
export function othersRoutes({
  mode,
  pod,
  veth,
  hostIps,
  settings,
  markTable,
}: CoordinatorContext): readonly ObservedRoute[] {
  if (mode !== 'overlay') return []
  const firsts = pod.routes.filter(({ dev }) => dev === veth.pod)
  const copied = firsts.filter(({ table }) => table === markTable).map(({ dst }) => dst)
  const wanted = [...hostIps.map(hostOf), ...settings.cidrs]
  // The default of the mark table is made behind all copies; a neighbour alone may be removed by others.
  const isOursThere =
    copied.some(isDefault) ||
    pod.neighs.some(({ dev, ip, permanent }) => permanent && dev === veth.pod && hostIps.includes(ip))
  return firsts.filter(({ dst, via, table }) => {
    if (table !== MAIN) return false
    if (isDefault(dst)) return settings.cidrs.includes(dst)
    return isOursThere ? copied.includes(dst) : wanted.includes(dst) || (via !== undefined && hostIps.includes(via))
  })
}

const isOthers = (context: CoordinatorContext, to: Cidr, table: number): boolean =>
  table === MAIN && othersRoutes(context).some(route => route.dst === to)

const sourceFor = ({ source }: CoordinatorContext, family: Family): Pick<Route, 'src'> =>
  family === 4 && source !== undefined ? { src: source } : {}

/** The rule comes behind the routes: see `shareRule`. */
function nodeRoutes(context: CoordinatorContext): Plan {
  const { node, veth, settings, nodeFamilies } = context
  const table = settings.hostRuleTable
  const ips = routedIps(context)
  const isNew = (host: Cidr): boolean => !node.routes.some(route => route.dst === host && route.table === table)
  return [
    ...staleRoutes(context).map((route): Step => ({ verb: 'removeRoute', where: 'node', route })),
    ...ips.map((ip): Step => {
      const route = { dst: hostOf(ip), dev: veth.node, scope: SCOPE_LINK, table }
      return { verb: 'addRoute', where: 'node', route, how: 'add' }
    }),
    ...nodeFamilies.map((family): Step => {
      const mine = ips
        .filter(ip => familyOf(ip) === family)
        .map(hostOf)
        .filter(isNew)
      return {
        verb: 'shareRule',
        where: 'node',
        rule: { family, priority: nodePriority(context, family), table },
        mine,
      }
    }),
  ]
}

/**
 * Overlay pods, Services and the rest, by way of the node. The first secondary interface of an overlay has them in its table too. What is the node's own
 * address has its way already.
 */
function hijackRoutes(context: CoordinatorContext): Plan {
  const { settings, hostIps } = context
  const hosts = hostIps.map(hostOf)
  const tablesOf = { 4: hijackTables(context, 4), 6: hijackTables(context, 6) }
  return [...new Set([...tablesOf[4], ...tablesOf[6]])].flatMap(table =>
    settings.cidrs
      .filter(to => tablesOf[familyOfCidr(to)].includes(table) && !hosts.includes(to) && !isOthers(context, to, table))
      .flatMap(to => viaNode(context, to, table)),
  )
}

/** The default interface's own table leads to them only where a rule of the family leads to it. */
const hijackTables = (context: CoordinatorContext, family: Family): readonly number[] => [
  ...(context.mainFamilies.includes(family) ? [MAIN] : []),
  ...nicTables(context, family).filter(
    table => !context.isDefaultInterface || table !== FIRST_TABLE || hasRuleTo(context, family, table),
  ),
]

const hasRuleTo = ({ pod }: CoordinatorContext, of: Family, to: number): boolean =>
  pod.rules.some(({ family, table }) => family === of && table === to)

function viaNode(context: CoordinatorContext, to: Cidr, table: number): Plan {
  const family = familyOfCidr(to)
  const via = gatewayOf(context, family)
  if (via === undefined || !context.nodeFamilies.includes(family)) return []
  return ensureRoute(context.pod, { dst: to, via, dev: context.veth.pod, ...sourceFor(context, family), table })
}

/**
 * What came by the veth goes back by it, wherever it came from: a connection that begins there is marked, its answers bear the mark, and marked
 * packets have a table of their own. The output chain is of type `route`, so that the changed mark has a packet routed anew. It comes with the
 * default interface, and is of both families.
 */
export function markSteps(context: CoordinatorContext): Plan {
  const { pod, veth, isDefaultInterface, mainFamilies, markTable } = context
  return [
    ...(isDefaultInterface
      ? [{ verb: 'setNftTable', where: 'pod', table: replyTable(veth.pod), was: pod.nft[NFT_TABLE] } as const]
      : []),
    ...mainFamilies.flatMap((family): Plan => {
      const rule = { family, priority: markPriority(context, family), fwmark: MARK, table: markTable }
      return [{ verb: 'addRule', where: 'pod', rule }, ...viaNode(context, everywhere(family), markTable)]
    }),
  ]
}

/** The priority of iptables' table mangle: before the routing decision of either way. */
const MANGLE = -150

/** A mark that is not ours is left alone: the pod may have its own use for marks. */
export const replyTable = (link: string): NftTable => ({
  name: NFT_TABLE,
  chains: [
    {
      name: 'prerouting',
      base: { type: 'filter', hook: 'prerouting', priority: MANGLE },
      rules: [
        [
          { match: 'iifname', is: link },
          { match: 'ct state', in: ['new'] },
          { set: 'mark', to: MARK },
        ],
        [
          { match: 'mark', is: MARK },
          { set: 'ct mark', to: 'mark' },
        ],
      ],
    },
    {
      name: 'output',
      base: { type: 'route', hook: 'output', priority: MANGLE },
      rules: [
        [
          { match: 'ct mark', is: MARK },
          { set: 'mark', to: 'ct mark' },
        ],
      ],
    },
  ],
})

/**
 * A route of ours in the pod. What stands in its place by the same link is an older one of ours and is replaced; what stands there by another
 * link is somebody's own, and stays.
 */
export function ensureRoute(pod: NetnsState, route: Route): Plan {
  const metric = metricOf(route)
  const there = pod.routes.filter(
    ({ dst, table, metric: priority }) => dst === route.dst && table === (route.table ?? MAIN) && priority === metric,
  )
  const [first] = there
  if (first === undefined || there.some(has => sameRoute(route, has)))
    return [{ verb: 'addRoute', where: 'pod', route, how: 'add' }]
  if (there.some(({ dev }) => dev !== route.dev)) return []
  return [{ verb: 'addRoute', where: 'pod', route, how: 'replace', was: first }]
}
