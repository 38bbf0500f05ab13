// Several NICs in one pod: each answers on the NIC it was asked on. Rules by source address, and the default routes moved to tables. Pure.
import { CniError } from '../../lib/cni/error.js'
import { familyOf, type Ip } from '../../lib/ip/address.js'
import { containsIp, familyOfCidr, networkOf } from '../../lib/ip/cidr.js'
import { isLinkLocal6 } from '../../lib/ip/usable.js'
import { isDefault, linkNamed, type SeenRoute } from '../../lib/plan/seen.js'
import type { Path, Plan, Route, Step } from '../../lib/plan/step.js'
import { lostGateways } from './check.js'
import { addressesOf, MAIN, type Facts } from './facts.js'
import { everywhere, hostOf, otherDefaultNic } from './tables.js'
import { ensureRoute, metricOf, othersRoutes } from './ways.js'

/** <linux/rtnetlink.h> RTPROT_KERNEL, and the metric that the kernel gives an IPv6 network's own route. */
const RTPROT_KERNEL = 2
const KERNEL_METRIC = 256

export interface Tuning {
  readonly plan: Plan
  /** For the log: why there was nothing to do. */
  readonly warning?: string
}

/**
 * Each family by itself: where no other NIC has a default route, this one's is the pod's. Copies come first, then the rules that lead to them,
 * and what leaves main leaves it last: there is always a route. Throws CniError where the NIC that is to have the default route is not there.
 */
export function tuning(facts: Facts): Tuning {
  const { ifName, pod, settings, families } = facts
  const asked = settings.defaultRouteNic
  const shared = families.flatMap(family => {
    const current = otherDefaultNic(pod, ifName, family)
    return current === undefined ? [] : [{ facts: { ...facts, families: [family] }, current }]
  })
  if (shared.length === 0) return { plan: [], warning: 'no other NIC has a default route: nothing is tuned' }
  if (asked !== '' && linkNamed(pod, asked) === undefined)
    throw new CniError(
      'internal',
      `failed to tunePodRoutes: podDefaultRouteNIC: ${asked} don't exist in pod`,
      `podDefaultRouteNic is "${asked}"; the pod has ${pod.links.map(({ name }) => name).join(', ')}`,
    )
  if (asked === ifName) return { plan: inOrder(shared.flatMap(({ facts, current }) => takeOver(facts, current))) }
  const plan = inOrder(
    shared.flatMap(({ facts, current }) => [
      ...moved(facts, ifName),
      ...broughtBack(facts),
      ...overlayWay(facts, current),
    ]),
  )
  const stays = new Set(shared.map(({ current }) => current).filter(current => asked !== '' && asked !== current))
  if (stays.size === 0) return { plan }
  return { plan, warning: `the default route stays on ${[...stays].join(', ')}: ${asked} was not the NIC of this ADD` }
}

/** This NIC keeps its default route, and the one that had it until now answers by a table. Only of a family that it has one of. */
function takeOver(facts: Facts, from: string): Plan {
  const { pod, ifName, families } = facts
  const canTake = pod.routes.some(
    ({ to, link, table }) => isDefault(to) && table === MAIN && link === ifName && families.includes(familyOfCidr(to)),
  )
  return canTake ? moved(facts, from) : []
}

/**
 * A default that prevResult tells of and that is nowhere, because a DEL took the NIC's table away or somebody the route. A gateway beyond the
 * NIC's own networks is left alone: how it is reached nobody tells. A link-local one is on its link.
 */
function broughtBack(facts: Facts): Plan {
  const { pod, ifName, table } = facts
  const networks = pod.addresses.filter(({ link }) => link === ifName).map(({ address }) => networkOf(address))
  return lostGateways(facts)
    .filter(via => isLinkLocal6(via) || networks.some(network => containsIp(network, via)))
    .flatMap(via => ensureRoute(pod, { to: everywhere(familyOf(via)), via, link: ifName, table }))
}

/** In an overlay what the first NIC's own address sends keeps its own way, whatever the default route becomes. */
function overlayWay(facts: Facts, current: string): Plan {
  const { mode, settings, pod, families, markTable } = facts
  if (mode !== 'overlay' || current !== settings.firstNic) return []
  const defaults = routesOf(facts, current).filter(({ to }) => isDefault(to))
  const ips = addressesOf(pod, current).filter(ip => families.includes(familyOf(ip)))
  return [...copies(facts, defaults, markTable), ...ips.map(ip => ruleTo(ip, markTable))]
}

/** Copies of the first NIC's routes that stay where others of ours would be: by these DEL tells which of the two is whose. */
export const keptSteps = (facts: Facts): Plan => copies(facts, othersRoutes(facts), facts.markTable)

/** A NIC's routes in its table, its addresses led there, its default out of main. */
function moved(facts: Facts, link: string): Plan {
  const { ifName, pod, families, table } = facts
  const routes = routesOf(facts, link)
  const ips = addressesOf(pod, link).filter(ip => families.includes(familyOf(ip)))
  return [
    ...copies(facts, link === ifName ? routes.filter(route => !isOverruled(facts, route)) : routes, table),
    ...ips.map(ip => ruleTo(ip, table)),
    ...routes.filter(({ to }) => isDefault(to)).map(route => outOfMain(facts, route)),
  ]
}

const ruleTo = (ip: Ip, table: number): Step => {
  return { verb: 'addRule', where: 'pod', rule: { family: familyOf(ip), from: hostOf(ip), table } }
}

/** Whether the NIC is to have another way to the same network. */
const isOverruled = ({ settings }: Facts, route: SeenRoute): boolean =>
  settings.policyRoutes.some(({ to }) => to === route.to && metricOf({ to }) === route.priority)

/** The main table's routes of a link that are worth a copy: not what every link has for itself. */
const routesOf = ({ pod, families }: Facts, link: string): readonly SeenRoute[] =>
  pod.routes.filter(
    route =>
      route.table === MAIN &&
      route.link === link &&
      families.includes(familyOfCidr(route.to)) &&
      !route.to.startsWith('fe80:') &&
      !route.to.startsWith('ff00:') &&
      isFirstPath(route),
  )

/** A link's own paths of an IPv4 route of several, which is one route for the kernel. Of IPv6 each path is one. */
const ownPaths = ({ to, link, paths = [] }: SeenRoute): readonly Path[] =>
  familyOfCidr(to) === 6 ? [] : paths.filter(path => path.link === link)

/** A link's further paths go along with its first. */
const isFirstPath = (route: SeenRoute): boolean => {
  const [first] = ownPaths(route)
  return first === undefined || first.via === route.via
}

/** Routes to one network stand behind each other in the other table too, as they did. */
function copies({ pod }: Facts, routes: readonly SeenRoute[], table: number): Plan {
  const whereTo = ({ to, priority, kept }: Route): string => [to, priority, kept?.['tos']].join(' ')
  return routes.flatMap((route, at) => {
    const copy = copyTo(route, table)
    const isFirst = routes.findIndex(one => whereTo(one) === whereTo(route)) === at
    return isFirst ? ensureRoute(pod, copy) : [{ verb: 'addRoute', where: 'pod', route: copy, how: 'behind' }]
  })
}

/** All that the route is, in another table; of several paths those by its own link. */
function copyTo(seen: SeenRoute, table: number): Route {
  const { paths: _, origin, priority, ...route } = seen
  const isKernels = origin === RTPROT_KERNEL
  const metric = isKernels && priority === KERNEL_METRIC ? 0 : priority
  const paths = ownPaths(seen)
  return {
    ...route,
    table,
    ...(metric > 0 && { priority: metric }),
    ...(!isKernels && origin !== undefined && { origin }),
    ...(paths.length > 1 && { paths }),
  }
}

function outOfMain({ pod }: Facts, route: SeenRoute): Step {
  const { paths, ...own } = route
  // IPv6 gives up one of several paths by itself; IPv4's are one route, which is put back without this link's, or goes whole.
  const rest = familyOfCidr(route.to) === 6 ? [] : (paths ?? []).filter(({ link }) => link !== route.link)
  if (rest.length > 0)
    return { verb: 'addRoute', where: 'pod', route: { ...route, paths: rest }, how: 'replace', was: route }
  const before = pod.routes.find(
    ({ to, table, priority }) => to === route.to && table === MAIN && priority === route.priority,
  )
  const whole = familyOfCidr(route.to) === 6 ? own : route
  return { verb: 'removeRoute', where: 'pod', route: whole, ...(before !== route && { behind: true }) }
}

/** Copies, rules, then what leaves main. */
function inOrder(plan: Plan): Plan {
  const rank = (step: Step): number =>
    step.verb === 'addRule' ? 1 : step.verb === 'addRoute' && step.route.table !== MAIN ? 0 : 2
  return [0, 1, 2].flatMap(wanted => plan.filter(step => rank(step) === wanted))
}

/**
 * Routes that were asked for by name, in the table of the NIC; in main for the first NIC, and of a family that the table is not for. To one
 * network the first of them.
 */
export const policySteps = ({ pod, ifName, isFirst, families, settings, table, tabled }: Facts): Plan =>
  settings.policyRoutes
    .filter(({ to }, at, all) => families.includes(familyOfCidr(to)) && all.findIndex(one => one.to === to) === at)
    .flatMap(({ to, via }) => {
      const isInMain = isFirst || !tabled.includes(familyOfCidr(to))
      return ensureRoute(pod, { to, via, link: ifName, table: isInMain ? MAIN : table })
    })
