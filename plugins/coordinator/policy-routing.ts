// Policy routing for several NICs: rules by source address, default routes moved to tables. Pure.
import { RT_TABLE_MAIN } from '../../lib/linux/constants.js'
import { CniError } from '../../lib/cni/error.js'
import { familyOf, type Ip } from '../../lib/ip/address.js'
import { containsIp, familyOfCidr, networkOf } from '../../lib/ip/cidr.js'
import { isLinkLocal6 } from '../../lib/ip/usable.js'
import { isDefault, linkNamed, type ObservedRoute } from '../../lib/plan/state.js'
import type { NextHop, Plan, Route, Step } from '../../lib/plan/step.js'
import { lostGateways } from './check.js'
import { addressesOf, type CoordinatorContext } from './context.js'
import { everywhere, hostOf, otherDefaultNic } from './tables.js'
import { ensureRoute, metricOf, othersRoutes } from './pod-node-routing.js'

/**
 * <linux/rtnetlink.h> RTPROT_KERNEL, and the metric of IPv6 connected routes
 * (IP6_RT_PRIO_ADDRCONF).
 */
const RTPROT_KERNEL = 2
const KERNEL_METRIC = 256

export interface PolicyRouting {
  readonly plan: Plan
  /** For the log. */
  readonly warning?: string
}

/**
 * Per family: if no other NIC has a default route, this NIC's stays in main. Copies come first,
 * then the rules, then removals from main, so that there is always a route.
 * @throws CniError if the pod has no NIC of the name in podDefaultRouteNic
 */
export function policyRouting(context: CoordinatorContext): PolicyRouting {
  const { ifName, pod, settings, families } = context
  const configured = settings.defaultRouteNic
  const shared = families.flatMap(family => {
    const current = otherDefaultNic(pod, ifName, family)
    return current === undefined ? [] : [{ perFamily: { ...context, families: [family] }, current }]
  })
  if (shared.length === 0) return { plan: [], warning: 'no other NIC has a default route: nothing is tuned' }
  if (configured !== '' && linkNamed(pod, configured) === undefined)
    throw new CniError(
      'internal',
      `failed to tunePodRoutes: podDefaultRouteNIC: ${configured} don't exist in pod`,
      `podDefaultRouteNic is "${configured}"; the pod has ${pod.links.map(({ name }) => name).join(', ')}`,
    )
  if (configured === ifName)
    return { plan: inOrder(shared.flatMap(({ perFamily, current }) => takeOverDefault(perFamily, current))) }
  const plan = inOrder(
    shared.flatMap(({ perFamily, current }) => [
      ...moveToTable(perFamily, ifName),
      ...restoredDefaults(perFamily),
      ...overlaySourceRouting(perFamily, current),
    ]),
  )
  const stays = new Set(
    shared.map(({ current }) => current).filter(current => configured !== '' && configured !== current),
  )
  if (stays.size === 0) return { plan }
  return {
    plan,
    warning: `the default route stays on ${[...stays].join(', ')}: ${configured} was not the NIC of this ADD`,
  }
}

/**
 * This NIC keeps its default route, and the other's moves to a table, if this NIC has one of the
 * family.
 */
function takeOverDefault(context: CoordinatorContext, from: string): Plan {
  const { pod, ifName, families } = context
  const canTake = pod.routes.some(
    ({ dst, dev, table }) =>
      isDefault(dst) && table === RT_TABLE_MAIN && dev === ifName && families.includes(familyOfCidr(dst)),
  )
  return canTake ? moveToTable(context, from) : []
}

/**
 * Adds a default route of prevResult that is missing, if its gateway is link-local or in a network
 * of the NIC: prevResult does not say how to reach any other.
 */
function restoredDefaults(context: CoordinatorContext): Plan {
  const { pod, ifName, table } = context
  const networks = pod.addresses.filter(({ dev }) => dev === ifName).map(({ address }) => networkOf(address))
  return lostGateways(context)
    .filter(via => isLinkLocal6(via) || networks.some(network => containsIp(network, via)))
    .flatMap(via => ensureRoute(pod, { dst: everywhere(familyOf(via)), via, dev: ifName, table }))
}

/** In an overlay, packets from the default interface's address keep its default route. */
function overlaySourceRouting(context: CoordinatorContext, current: string): Plan {
  const { mode, settings, pod, families, markTable } = context
  if (mode !== 'overlay' || current !== settings.defaultIfName) return []
  const defaults = routesOf(context, current).filter(({ dst }) => isDefault(dst))
  const ips = addressesOf(pod, current).filter(ip => families.includes(familyOf(ip)))
  return [...copies(context, defaults, markTable), ...ips.map(ip => ruleTo(ip, markTable))]
}

/** Copies of others' routes that stay in place of ours: DEL recognizes them by the copies. */
export const keptSteps = (context: CoordinatorContext): Plan =>
  copies(context, othersRoutes(context), context.markTable)

/**
 * Copies a NIC's routes to its table, adds rules for its addresses, and removes its default from
 * main.
 */
function moveToTable(context: CoordinatorContext, link: string): Plan {
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

/** Whether policyRoutes has another route of the same dst and metric. */
const isOverruled = ({ settings }: CoordinatorContext, route: ObservedRoute): boolean =>
  settings.policyRoutes.some(({ to }) => to === route.dst && metricOf({ dst: to }) === route.metric)

/** Routes of a link in main, without link-local and multicast. */
const routesOf = ({ pod, families }: CoordinatorContext, link: string): readonly ObservedRoute[] =>
  pod.routes.filter(
    route =>
      route.table === RT_TABLE_MAIN &&
      route.dev === link &&
      families.includes(familyOfCidr(route.dst)) &&
      !route.dst.startsWith('fe80:') &&
      !route.dst.startsWith('ff00:') &&
      isFirstPath(route),
  )

/** The hops of an IPv4 multipath route by this link. For IPv6 each hop is a route. */
const ownPaths = ({ dst, dev, nexthops = [] }: ObservedRoute): readonly NextHop[] =>
  familyOfCidr(dst) === 6 ? [] : nexthops.filter(path => path.dev === dev)

/** True for the first hop of a link; the others are part of its copy. */
const isFirstPath = (route: ObservedRoute): boolean => {
  const [first] = ownPaths(route)
  return first === undefined || first.via === route.via
}

/** Copies to another table; routes of one dst keep their order. */
function copies({ pod }: CoordinatorContext, routes: readonly ObservedRoute[], table: number): Plan {
  const whereTo = ({ dst, metric, extra }: Route): string => [dst, metric, extra?.['tos']].join(' ')
  return routes.flatMap((route, at) => {
    const copy = copyTo(route, table)
    const isFirst = routes.findIndex(one => whereTo(one) === whereTo(route)) === at
    return isFirst ? ensureRoute(pod, copy) : [{ verb: 'addRoute', where: 'pod', route: copy, how: 'append' }]
  })
}

/** The route in another table; of a multipath route the hops by its link. */
function copyTo(observed: ObservedRoute, table: number): Route {
  const { nexthops: _, proto, metric: priority, ...route } = observed
  const isKernels = proto === RTPROT_KERNEL
  const kept = isKernels && priority === KERNEL_METRIC ? 0 : priority
  const paths = ownPaths(observed)
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
  // IPv6 removes one hop of several; an IPv4 multipath route is replaced by one without this link's
  // hops.
  const rest = familyOfCidr(route.dst) === 6 ? [] : (nexthops ?? []).filter(({ dev }) => dev !== route.dev)
  if (rest.length > 0)
    return { verb: 'addRoute', where: 'pod', route: { ...route, nexthops: rest }, how: 'replace', was: route }
  const before = pod.routes.find(
    ({ dst, table, metric }) => dst === route.dst && table === RT_TABLE_MAIN && metric === route.metric,
  )
  const whole = familyOfCidr(route.dst) === 6 ? own : route
  return { verb: 'removeRoute', where: 'pod', route: whole, ...(before !== route && { behind: true }) }
}

/** Copies, then rules, then removals from main. */
function inOrder(plan: Plan): Plan {
  const rank = (step: Step): number =>
    step.verb === 'addRule' ? 1 : step.verb === 'addRoute' && step.route.table !== RT_TABLE_MAIN ? 0 : 2
  return [0, 1, 2].flatMap(wanted => plan.filter(step => rank(step) === wanted))
}

/**
 * policyRoutes: in the NIC's table; in main for the default interface and for a family without a
 * rule. Of several with one dst the first.
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
      return ensureRoute(pod, { dst: to, via, dev: ifName, table: isInMain ? RT_TABLE_MAIN : table })
    })
