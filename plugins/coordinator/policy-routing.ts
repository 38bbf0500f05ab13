// Several NICs in one pod: each answers on the NIC it was asked on. Rules by source address, and the default routes moved to tables. Pure.
import { CniError } from '../../lib/cni/error.js'
import { familyOf, type Ip } from '../../lib/ip/address.js'
import { containsIp, familyOfCidr, networkOf } from '../../lib/ip/cidr.js'
import { isLinkLocal6 } from '../../lib/ip/usable.js'
import { isDefault, linkNamed, type ObservedRoute } from '../../lib/plan/state.js'
import type { NextHop, Plan, Route, Step } from '../../lib/plan/step.js'
import { lostGateways } from './check.js'
import { addressesOf, MAIN, type CoordinatorContext } from './context.js'
import { everywhere, hostOf, otherDefaultNic } from './tables.js'
import { ensureRoute, metricOf, othersRoutes } from './host-routes.js'

/** <linux/rtnetlink.h> RTPROT_KERNEL, and the metric that the kernel gives an IPv6 network's own route. */
const RTPROT_KERNEL = 2
const KERNEL_METRIC = 256

export interface PolicyRouting {
  readonly plan: Plan
  /** For the log: why there was nothing to do. */
  readonly warning?: string
}

/**
 * Each family by itself: where no other NIC has a default route, this one's is the pod's. Copies come first, then the rules that lead to them,
 * and what leaves main leaves it last: there is always a route. Throws CniError where the NIC that is to have the default route is not there.
 */
export function policyRouting(context: CoordinatorContext): PolicyRouting {
  const { ifName, pod, settings, families } = context
  const asked = settings.defaultRouteNic
  const shared = families.flatMap(family => {
    const current = otherDefaultNic(pod, ifName, family)
    return current === undefined ? [] : [{ facts: { ...context, families: [family] }, current }]
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
function takeOver(context: CoordinatorContext, from: string): Plan {
  const { pod, ifName, families } = context
  const canTake = pod.routes.some(
    ({ dst, dev, table }) => isDefault(dst) && table === MAIN && dev === ifName && families.includes(familyOfCidr(dst)),
  )
  return canTake ? moved(context, from) : []
}

/**
 * A default that prevResult tells of and that is nowhere, because a DEL took the NIC's table away or somebody the route. A gateway beyond the
 * NIC's own networks is left alone: how it is reached nobody tells. A link-local one is on its link.
 */
function broughtBack(context: CoordinatorContext): Plan {
  const { pod, ifName, table } = context
  const networks = pod.addresses.filter(({ dev }) => dev === ifName).map(({ address }) => networkOf(address))
  return lostGateways(context)
    .filter(via => isLinkLocal6(via) || networks.some(network => containsIp(network, via)))
    .flatMap(via => ensureRoute(pod, { dst: everywhere(familyOf(via)), via, dev: ifName, table }))
}

/** In an overlay what the default interface's own address sends keeps its own way, whatever the default route becomes. */
function overlayWay(context: CoordinatorContext, current: string): Plan {
  const { mode, settings, pod, families, markTable } = context
  if (mode !== 'overlay' || current !== settings.defaultIfName) return []
  const defaults = routesOf(context, current).filter(({ dst }) => isDefault(dst))
  const ips = addressesOf(pod, current).filter(ip => families.includes(familyOf(ip)))
  return [...copies(context, defaults, markTable), ...ips.map(ip => ruleTo(ip, markTable))]
}

/** Copies of the default interface's routes that stay where others of ours would be: by these DEL tells which of the two is whose. */
export const keptSteps = (context: CoordinatorContext): Plan =>
  copies(context, othersRoutes(context), context.markTable)

/** A NIC's routes in its table, its addresses led there, its default out of main. */
function moved(context: CoordinatorContext, link: string): Plan {
  const { ifName, pod, families, table } = context
  const routes = routesOf(context, link)
  const ips = addressesOf(pod, link).filter(ip => families.includes(familyOf(ip)))
  return [
    ...copies(context, link === ifName ? routes.filter(route => !isOverruled(context, route)) : routes, table),
    ...ips.map(ip => ruleTo(ip, table)),
    ...routes.filter(({ dst }) => isDefault(dst)).map(route => outOfMain(context, route)),
  ]
}

const ruleTo = (ip: Ip, table: number): Step => {
  return { verb: 'addRule', where: 'pod', rule: { family: familyOf(ip), from: hostOf(ip), table } }
}

/** Whether the NIC is to have another way to the same network. */
const isOverruled = ({ settings }: CoordinatorContext, route: ObservedRoute): boolean =>
  settings.policyRoutes.some(({ to }) => to === route.dst && metricOf({ dst: to }) === route.metric)

/** The main table's routes of a link that are worth a copy: not what every link has for itself. */
const routesOf = ({ pod, families }: CoordinatorContext, link: string): readonly ObservedRoute[] =>
  pod.routes.filter(
    route =>
      route.table === MAIN &&
      route.dev === link &&
      families.includes(familyOfCidr(route.dst)) &&
      !route.dst.startsWith('fe80:') &&
      !route.dst.startsWith('ff00:') &&
      isFirstPath(route),
  )

/** A link's own paths of an IPv4 route of several, which is one route for the kernel. Of IPv6 each path is one. */
const ownPaths = ({ dst, dev, nexthops = [] }: ObservedRoute): readonly NextHop[] =>
  familyOfCidr(dst) === 6 ? [] : nexthops.filter(path => path.dev === dev)

/** A link's further paths go along with its first. */
const isFirstPath = (route: ObservedRoute): boolean => {
  const [first] = ownPaths(route)
  return first === undefined || first.via === route.via
}

/** Routes to one network stand behind each other in the other table too, as they did. */
function copies({ pod }: CoordinatorContext, routes: readonly ObservedRoute[], table: number): Plan {
  const whereTo = ({ dst, metric, extra }: Route): string => [dst, metric, extra?.['tos']].join(' ')
  return routes.flatMap((route, at) => {
    const copy = copyTo(route, table)
    const isFirst = routes.findIndex(one => whereTo(one) === whereTo(route)) === at
    return isFirst ? ensureRoute(pod, copy) : [{ verb: 'addRoute', where: 'pod', route: copy, how: 'append' }]
  })
}

/** All that the route is, in another table; of several paths those by its own link. */
function copyTo(seen: ObservedRoute, table: number): Route {
  const { nexthops: _, proto, metric: priority, ...route } = seen
  const isKernels = proto === RTPROT_KERNEL
  const kept = isKernels && priority === KERNEL_METRIC ? 0 : priority
  const paths = ownPaths(seen)
  return {
    ...route,
    table,
    ...((kept ?? 0) > 0 && { metric: kept }),
    ...(!isKernels && proto !== undefined && { proto }),
    ...(paths.length > 1 && { nexthops: paths }),
  }
}

function outOfMain({ pod }: CoordinatorContext, route: ObservedRoute): Step {
  const { nexthops, ...own } = route
  // IPv6 gives up one of several paths by itself; IPv4's are one route, which is put back without this link's, or goes whole.
  const rest = familyOfCidr(route.dst) === 6 ? [] : (nexthops ?? []).filter(({ dev }) => dev !== route.dev)
  if (rest.length > 0)
    return { verb: 'addRoute', where: 'pod', route: { ...route, nexthops: rest }, how: 'replace', was: route }
  const before = pod.routes.find(
    ({ dst, table, metric }) => dst === route.dst && table === MAIN && metric === route.metric,
  )
  const whole = familyOfCidr(route.dst) === 6 ? own : route
  return { verb: 'removeRoute', where: 'pod', route: whole, ...(before !== route && { behind: true }) }
}

/** Copies, rules, then what leaves main. */
function inOrder(plan: Plan): Plan {
  const rank = (step: Step): number =>
    step.verb === 'addRule' ? 1 : step.verb === 'addRoute' && step.route.table !== MAIN ? 0 : 2
  return [0, 1, 2].flatMap(wanted => plan.filter(step => rank(step) === wanted))
}

/**
 * Routes that were asked for by name, in the table of the NIC; in main for the default interface, and of a family that the table is not for. To one
 * network the first of them.
 */
export const policySteps = ({
  pod,
  ifName,
  isDefaultInterface,
  families,
  settings,
  table,
  tableFamilies,
}: CoordinatorContext): Plan =>
  settings.policyRoutes
    .filter(({ to }, at, all) => families.includes(familyOfCidr(to)) && all.findIndex(one => one.to === to) === at)
    .flatMap(({ to, via }) => {
      const isInMain = isDefaultInterface || !tableFamilies.includes(familyOfCidr(to))
      return ensureRoute(pod, { dst: to, via, dev: ifName, table: isInMain ? MAIN : table })
    })
