// The ways between pod and node: neighbours, host routes, the node's rule and table, what is hijacked, and the way back. Pure.
import { familyOf, type Family, type Ip } from '../../lib/ip/address.js'
import { familyOfCidr, type Cidr } from '../../lib/ip/cidr.js'
import type { Mac } from '../../lib/ip/mac.js'
import { NFT_TABLE, type NftTable } from '../../lib/plan/nft.js'
import { isDefault, sameRoute, type Place, type SeenRoute } from '../../lib/plan/seen.js'
import type { Plan, Route, Step, Where } from '../../lib/plan/step.js'
import { addressesOf, FIRST_TABLE, gatewayOf, MAIN, SCOPE_LINK, type Facts } from './facts.js'
import { otherNics } from './nic.js'
import { markPriority, nodePriority, tablesBeforeMain } from './rules.js'
import { everywhere, hostOf, MARK, rulesFrom } from './tables.js'

/** The metric that IPv6 routes get that are asked for without one (IP6_RT_PRIO_USER, <net/ip6_fib.h>). */
const IPV6_METRIC = 1024
/** The metric that a route has in the kernel. */
export const metricOf = ({ to, priority }: Route): number => priority || (to.includes(':') ? IPV6_METRIC : 0)

/** Everything between pod and node, in the order in which the kernel can take it. */
export const waySteps = (facts: Facts): Plan => [
  ...neighbours(facts),
  ...hostRoutes(facts),
  ...nodeRoutes(facts),
  ...hijackRoutes(facts),
]

/**
 * The addresses that the node reaches by the veth: the NIC's; and where the first NIC is made anew, those of the NICs that lost their way with
 * the old one.
 */
export function routedIps(facts: Facts): readonly Ip[] {
  const { pod, own, isFirst, reached } = facts
  const others = isFirst ? otherNics(facts).flatMap(({ name }) => addressesOf(pod, name)) : []
  const coordinated = others.filter(ip => rulesFrom(pod, [ip]).length > 0)
  return [...own, ...coordinated].filter(ip => reached.includes(familyOf(ip)))
}

function neighbours(facts: Facts): Plan {
  const { pod, node, veth, hostIps, led } = facts
  const stale = staleRoutes(facts).map(({ link }) => link)
  const inPod = hostIps.filter(ip => led.includes(familyOf(ip)))
  return [
    ...routedIps(facts).flatMap(ip => [
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
  place: Place,
  where: Where,
  ip: Ip,
  links: readonly (string | undefined)[],
  right: { readonly name: string; readonly mac: Mac },
): Plan =>
  place.neighs
    .filter(has => has.ip === ip && has.permanent && links.includes(has.link))
    .filter(has => has.link !== right.name || has.mac !== right.mac)
    .map(has => ({ verb: 'removeNeigh', where, name: has.link, ip, mac: has.mac }))

/** In the node's table: routes to our addresses that lead elsewhere, of a pod that had them before. */
const staleRoutes = ({ node, own, veth, settings }: Facts): readonly SeenRoute[] => {
  const hosts = own.map(hostOf)
  return node.routes.filter(
    ({ to, table, link }) => table === settings.hostRuleTable && hosts.includes(to) && link !== veth.node,
  )
}

/**
 * The tables of the pod in which the node's addresses of a family stand besides main: the NIC's, and those that rules of others, such as sbr's, lead
 * its addresses to; the first NIC's ADD serves all NICs.
 */
function nicTables({ isFirst, pod, own, table, tabled, markTable }: Facts, of: Family): readonly number[] {
  const led = tablesBeforeMain(pod, of, isFirst ? 'any' : own).filter(led => led !== markTable)
  return [...new Set([...(isFirst || tabled.includes(of) ? [table] : []), ...led])]
}

function hostRoutes(facts: Facts): Plan {
  const { pod, veth, hostIps, led } = facts
  return hostIps.flatMap(ip => {
    const family = familyOf(ip)
    const to = hostOf(ip)
    return [...nicTables(facts, family), ...(led.includes(family) ? [MAIN] : [])]
      .filter(table => !isOthers(facts, to, table))
      .flatMap(table => ensureRoute(pod, { to, link: veth.pod, scope: SCOPE_LINK, ...sourceFor(facts, family), table }))
  })
}

/**
 * In an overlay, routes of the first NIC that are like ours: by way of the node (flannel's to all pods), or to what we would have routes to (ptp's to
 * the node). They lead to the node already and stay. Before our first step they are told by standing there, later by their copies in the table of
 * marks.
 */
export function othersRoutes({ mode, pod, veth, hostIps, settings, markTable }: Facts): readonly SeenRoute[] {
  if (mode !== 'overlay') return []
  const firsts = pod.routes.filter(({ link }) => link === veth.pod)
  const copied = firsts.filter(({ table }) => table === markTable).map(({ to }) => to)
  const wanted = [...hostIps.map(hostOf), ...settings.cidrs]
  // The default of the mark table is made behind all copies; a neighbour alone may be removed by others.
  const isOursThere =
    copied.some(isDefault) ||
    pod.neighs.some(({ link, ip, permanent }) => permanent && link === veth.pod && hostIps.includes(ip))
  return firsts.filter(({ to, via, table }) => {
    if (table !== MAIN) return false
    if (isDefault(to)) return settings.cidrs.includes(to)
    return isOursThere ? copied.includes(to) : wanted.includes(to) || (via !== undefined && hostIps.includes(via))
  })
}

const isOthers = (facts: Facts, to: Cidr, table: number): boolean =>
  table === MAIN && othersRoutes(facts).some(route => route.to === to)

const sourceFor = ({ source }: Facts, family: Family): Pick<Route, 'source'> =>
  family === 4 && source !== undefined ? { source } : {}

/** The rule comes behind the routes: see `shareRule`. */
function nodeRoutes(facts: Facts): Plan {
  const { node, veth, settings, reached } = facts
  const table = settings.hostRuleTable
  const ips = routedIps(facts)
  const isNew = (host: Cidr): boolean => !node.routes.some(route => route.to === host && route.table === table)
  return [
    ...staleRoutes(facts).map((route): Step => ({ verb: 'removeRoute', where: 'node', route })),
    ...ips.map((ip): Step => {
      const route = { to: hostOf(ip), link: veth.node, scope: SCOPE_LINK, table }
      return { verb: 'addRoute', where: 'node', route, how: 'exclusive' }
    }),
    ...reached.map((family): Step => {
      const mine = ips
        .filter(ip => familyOf(ip) === family)
        .map(hostOf)
        .filter(isNew)
      return { verb: 'shareRule', where: 'node', rule: { family, priority: nodePriority(facts, family), table }, mine }
    }),
  ]
}

/**
 * Overlay pods, Services and the rest, by way of the node. The first further NIC of an overlay has them in its table too. What is the node's own
 * address has its way already.
 */
function hijackRoutes(facts: Facts): Plan {
  const { settings, hostIps } = facts
  const hosts = hostIps.map(hostOf)
  const tablesOf = { 4: hijackTables(facts, 4), 6: hijackTables(facts, 6) }
  return [...new Set([...tablesOf[4], ...tablesOf[6]])].flatMap(table =>
    settings.cidrs
      .filter(to => tablesOf[familyOfCidr(to)].includes(table) && !hosts.includes(to) && !isOthers(facts, to, table))
      .flatMap(to => viaNode(facts, to, table)),
  )
}

/** The first NIC's own table leads to them only where a rule of the family leads to it. */
const hijackTables = (facts: Facts, family: Family): readonly number[] => [
  ...(facts.led.includes(family) ? [MAIN] : []),
  ...nicTables(facts, family).filter(
    table => !facts.isFirst || table !== FIRST_TABLE || hasRuleTo(facts, family, table),
  ),
]

const hasRuleTo = ({ pod }: Facts, of: Family, to: number): boolean =>
  pod.rules.some(({ family, table }) => family === of && table === to)

function viaNode(facts: Facts, to: Cidr, table: number): Plan {
  const family = familyOfCidr(to)
  const via = gatewayOf(facts, family)
  if (via === undefined || !facts.reached.includes(family)) return []
  return ensureRoute(facts.pod, { to, via, link: facts.veth.pod, ...sourceFor(facts, family), table })
}

/**
 * What came by the veth goes back by it, wherever it came from: a connection that begins there is marked, its answers bear the mark, and marked
 * packets have a table of their own. The output chain is of type `route`, so that the changed mark has a packet routed anew. It comes with the
 * first NIC, and is of both families.
 */
export function markSteps(facts: Facts): Plan {
  const { pod, veth, isFirst, led, markTable } = facts
  return [
    ...(isFirst
      ? [{ verb: 'setNftTable', where: 'pod', table: replyTable(veth.pod), was: pod.nft[NFT_TABLE] } as const]
      : []),
    ...led.flatMap((family): Plan => {
      const rule = { family, priority: markPriority(facts, family), mark: MARK, table: markTable }
      return [{ verb: 'addRule', where: 'pod', rule }, ...viaNode(facts, everywhere(family), markTable)]
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
export function ensureRoute(pod: Place, route: Route): Plan {
  const metric = metricOf(route)
  const there = pod.routes.filter(
    ({ to, table, priority }) => to === route.to && table === (route.table ?? MAIN) && priority === metric,
  )
  const [first] = there
  if (first === undefined || there.some(has => sameRoute(route, has)))
    return [{ verb: 'addRoute', where: 'pod', route, how: 'exclusive' }]
  if (there.some(({ link }) => link !== route.link)) return []
  return [{ verb: 'addRoute', where: 'pod', route, how: 'replace', was: first }]
}
