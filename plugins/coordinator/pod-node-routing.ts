// Steps for routing between pod and node: neighbours, host routes, the node's rule, hijackCIDR,
// reply marks. Pure.
import { IP6_RT_PRIO_USER, RT_SCOPE_LINK, RT_TABLE_MAIN } from '../../lib/linux/constants.js'
import { familyOf, type Family, type Ip } from '../../lib/ip/address.js'
import { familyOfCidr, type Cidr } from '../../lib/ip/cidr.js'
import type { Mac } from '../../lib/ip/mac.js'
import { NFT_TABLE, type NftTable } from '../../lib/plan/nft-table.js'
import { isDefault, sameRoute, type NetnsState, type ObservedRoute } from '../../lib/plan/state.js'
import type { Plan, Route, Step, Where } from '../../lib/plan/step.js'
import { addressesOf, gatewayOf, type CoordinatorContext } from './context.js'
import { otherNics } from './nic.js'
import { markPriority, nodePriority, tablesBeforeMain } from './rule-priorities.js'
import { everywhere, FIRST_TABLE, hostOf, MARK, rulesFrom } from './tables.js'

/** The metric that a route has in the kernel: for IPv6 without one, IP6_RT_PRIO_USER. */
export const metricOf = ({ dst, metric }: Route): number => metric || (dst.includes(':') ? IP6_RT_PRIO_USER : 0)

/** All steps for routing between pod and node, in an order that the kernel accepts. */
export const hostRouteSteps = (context: CoordinatorContext): Plan => [
  ...neighbours(context),
  ...hostRoutes(context),
  ...nodeRoutes(context),
  ...hijackRoutes(context),
]

/**
 * The addresses that get a host route on the node: the NIC's; for the default interface also those
 * of coordinated secondary interfaces, which lost theirs with an older veth.
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

/** Removes wrong permanent entries of an address on these links; the kernel replaces all others. */
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

/** Routes to our addresses in the node's table by another link: of a pod that had them before. */
const staleRoutes = ({ node, own, veth, settings }: CoordinatorContext): readonly ObservedRoute[] => {
  const hosts = own.map(hostOf)
  return node.routes.filter(
    ({ dst, table, dev }) => table === settings.hostRuleTable && hosts.includes(dst) && dev !== veth.node,
  )
}

/**
 * The tables of the pod, besides main, that need host routes of a family: the NIC's, and those that
 * rules of other plugins such as sbr select. The default interface's ADD covers all NICs.
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
    return [...nicTables(context, family), ...(mainFamilies.includes(family) ? [RT_TABLE_MAIN] : [])]
      .filter(table => !isOthers(context, to, table))
      .flatMap(table =>
        ensureRoute(pod, { dst: to, dev: veth.pod, scope: RT_SCOPE_LINK, ...sourceFor(context, family), table }),
      )
  })
}

/**
 * In an overlay, routes of the default interface that resemble ours: via the node (flannel's to all
 * pods), or of a dst of ours (ptp's to the node). They are kept. Before our first step all of them
 * are others'; later those with a copy in the mark table.
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
  // The mark table's default is added after all copies; a neighbour alone may be removed by others.
  const isOursThere =
    copied.some(isDefault) ||
    pod.neighs.some(({ dev, ip, permanent }) => permanent && dev === veth.pod && hostIps.includes(ip))
  return firsts.filter(({ dst, via, table }) => {
    if (table !== RT_TABLE_MAIN) return false
    if (isDefault(dst)) return settings.cidrs.includes(dst)
    return isOursThere ? copied.includes(dst) : wanted.includes(dst) || (via !== undefined && hostIps.includes(via))
  })
}

const isOthers = (context: CoordinatorContext, to: Cidr, table: number): boolean =>
  table === RT_TABLE_MAIN && othersRoutes(context).some(route => route.dst === to)

const sourceFor = ({ source }: CoordinatorContext, family: Family): Pick<Route, 'src'> =>
  family === 4 && source !== undefined ? { src: source } : {}

/** The rule comes after the routes, see `shareRule`. */
function nodeRoutes(context: CoordinatorContext): Plan {
  const { node, veth, settings, nodeFamilies } = context
  const table = settings.hostRuleTable
  const ips = routedIps(context)
  const isNew = (host: Cidr): boolean => !node.routes.some(route => route.dst === host && route.table === table)
  return [
    ...staleRoutes(context).map((route): Step => ({ verb: 'removeRoute', where: 'node', route })),
    ...ips.map((ip): Step => {
      const route = { dst: hostOf(ip), dev: veth.node, scope: RT_SCOPE_LINK, table }
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
 * Routes to `cidrs` via the node. An overlay's first secondary interface has them in its table too.
 * The node's own addresses have host routes already.
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

/** The default interface's own table needs them only if a rule of the family selects it. */
const hijackTables = (context: CoordinatorContext, family: Family): readonly number[] => [
  ...(context.mainFamilies.includes(family) ? [RT_TABLE_MAIN] : []),
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
 * Replies to what came by the veth leave by it: conntrack marks the connection, its replies get the
 * mark, and marked packets have a table of their own. The output chain is of type `route`, so that
 * a marked packet is rerouted. Added with the default interface, for both families.
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

/** The priority of iptables' table mangle, before the routing decision. */
const MANGLE = -150

/** The nf_tables table that marks replies; other marks are left alone. */
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
 * Adds a route in the pod. One of the same dst, table and metric is replaced if it has the same
 * link, since it is an older one of ours, and kept if not.
 */
export function ensureRoute(pod: NetnsState, route: Route): Plan {
  const metric = metricOf(route)
  const existing = pod.routes.filter(
    ({ dst, table, metric: priority }) =>
      dst === route.dst && table === (route.table ?? RT_TABLE_MAIN) && priority === metric,
  )
  const [first] = existing
  if (first === undefined || existing.some(has => sameRoute(route, has)))
    return [{ verb: 'addRoute', where: 'pod', route, how: 'add' }]
  if (existing.some(({ dev }) => dev !== route.dev)) return []
  return [{ verb: 'addRoute', where: 'pod', route, how: 'replace', was: first }]
}
