// Several NICs in one pod: each answers on the NIC it was asked on. Rules by source address, and the default routes moved to tables. Pure.
import { CniError } from '../../lib/cni/error.js'
import { familyOf, type Ip } from '../../lib/ip/address.js'
import { containsIp, familyOfCidr, networkOf } from '../../lib/ip/cidr.js'
import { isDefault, linkNamed, type SeenRoute } from '../../lib/plan/seen.js'
import type { Plan, Route, Step } from '../../lib/plan/step.js'
import { lostGateways } from './check.js'
import { addressesOf, MAIN, MARK_TABLE, type Facts } from './facts.js'
import { everywhere, hostOf, otherDefaultNic } from './tables.js'
import { ensureRoute } from './ways.js'

/** <linux/rtnetlink.h> RTPROT_KERNEL, and the metric that the kernel gives an IPv6 network's own route. */
const RTPROT_KERNEL = 2
const KERNEL_METRIC = 256

export interface Tuning {
  readonly plan: Plan
  /** For the log: why there was nothing to do. */
  readonly warning?: string
}

/**
 * Copies come first, then the rules that lead to them, and what leaves main leaves it last: there is always a route. Throws CniError where
 * the NIC that is to have the default route is not there.
 */
export function tuning(facts: Facts): Tuning {
  const { ifName, pod, settings } = facts
  const asked = settings.defaultRouteNic
  const current = otherDefaultNic(pod, ifName)
  if (current === undefined) return { plan: [], warning: 'no other NIC has a default route: nothing is tuned' }
  if (asked !== '' && linkNamed(pod, asked) === undefined)
    throw new CniError(
      'internal',
      `failed to tunePodRoutes: podDefaultRouteNIC: ${asked} don't exist in pod`,
      `podDefaultRouteNic is "${asked}"; the pod has ${pod.links.map(({ name }) => name).join(', ')}`,
    )
  if (asked === ifName) return { plan: takeOver(facts, current) }
  const isThird = asked !== '' && asked !== current
  const plan = [...moved(facts, ifName), ...broughtBack(facts), ...overlayWay(facts, current)]
  return isThird
    ? { plan: inOrder(plan), warning: `the default route stays on ${current}: ${asked} was not the NIC of this ADD` }
    : { plan: inOrder(plan) }
}

/** This NIC keeps its default route, and the one that had it until now answers by a table. Only families that it can take over. */
function takeOver(facts: Facts, from: string): Plan {
  const { pod, ifName } = facts
  const has = (family: 4 | 6): boolean =>
    pod.routes.some(
      ({ to, link, table }) => isDefault(to) && table === MAIN && link === ifName && familyOfCidr(to) === family,
    )
  const families = facts.families.filter(has)
  return inOrder(moved({ ...facts, families }, from))
}

/**
 * A default that prevResult tells of and that is nowhere, because a DEL took the NIC's table away or somebody the route. A gateway beyond the
 * NIC's own networks is left alone: how it is reached nobody tells.
 */
function broughtBack(facts: Facts): Plan {
  const { pod, ifName, table } = facts
  const networks = pod.addresses.filter(({ link }) => link === ifName).map(({ address }) => networkOf(address))
  return lostGateways(facts)
    .filter(via => networks.some(network => containsIp(network, via)))
    .flatMap(via => ensureRoute(pod, { to: everywhere(familyOf(via)), via, link: ifName, table }))
}

/** In an overlay what the first NIC's own address sends keeps its own way, whatever the default route becomes. */
function overlayWay(facts: Facts, current: string): Plan {
  const { mode, settings, pod, families } = facts
  if (mode !== 'overlay' || current !== settings.firstNic) return []
  const copies = routesOf(facts, current).filter(({ to }) => isDefault(to))
  const ips = addressesOf(pod, current).filter(ip => families.includes(familyOf(ip)))
  return [...copies.flatMap(route => copyTo(facts, route, MARK_TABLE)), ...ips.map(ip => ruleTo(ip, MARK_TABLE))]
}

/** A NIC's routes in its table, its addresses led there, its default out of main. */
function moved(facts: Facts, link: string): Plan {
  const { pod, families, table } = facts
  const routes = routesOf(facts, link)
  const ips = addressesOf(pod, link).filter(ip => families.includes(familyOf(ip)))
  return [
    ...routes.flatMap(route => copyTo(facts, route, table)),
    ...ips.map(ip => ruleTo(ip, table)),
    ...routes.filter(({ to }) => isDefault(to)).map(route => outOfMain(facts, route)),
  ]
}

const ruleTo = (ip: Ip, table: number): Step => {
  return { verb: 'addRule', where: 'pod', rule: { family: familyOf(ip), from: hostOf(ip), table } }
}

/** The main table's routes of a link that are worth a copy: not what every link has for itself. */
const routesOf = ({ pod, families }: Facts, link: string): readonly SeenRoute[] =>
  pod.routes.filter(
    route =>
      route.table === MAIN &&
      route.link === link &&
      families.includes(familyOfCidr(route.to)) &&
      !route.to.startsWith('fe80:') &&
      !route.to.startsWith('ff00:'),
  )

/** All that the route is, in another table; a path of several becomes a route of its own. */
function copyTo({ pod }: Facts, { paths: _, origin, priority, ...route }: SeenRoute, table: number): Plan {
  const isKernels = origin === RTPROT_KERNEL
  const metric = isKernels && priority === KERNEL_METRIC ? 0 : priority
  const copy: Route = {
    ...route,
    table,
    ...(metric > 0 && { priority: metric }),
    ...(!isKernels && origin !== undefined && { origin }),
  }
  return ensureRoute(pod, copy)
}

function outOfMain({ pod }: Facts, route: SeenRoute): Step {
  const { paths, ...own } = route
  // IPv6 gives up one of several paths by itself; IPv4's are one route, which is put back without it.
  if (paths === undefined || familyOfCidr(route.to) === 6) {
    const before = pod.routes.find(
      ({ to, table, priority }) => to === route.to && table === MAIN && priority === route.priority,
    )
    return { verb: 'removeRoute', where: 'pod', route: own, ...(before !== route && { behind: true }) }
  }
  const rest = paths.filter(path => path.link !== route.link || path.via !== route.via)
  return { verb: 'addRoute', where: 'pod', route: { ...route, paths: rest }, how: 'replace', was: route }
}

/** Copies, rules, then what leaves main. */
function inOrder(plan: Plan): Plan {
  const rank = (step: Step): number =>
    step.verb === 'addRule' ? 1 : step.verb === 'addRoute' && step.route.table !== MAIN ? 0 : 2
  return [0, 1, 2].flatMap(wanted => plan.filter(step => rank(step) === wanted))
}

/** Routes that were asked for by name, in the table of the NIC; of the first NIC that is main. */
export const policySteps = ({ pod, ifName, isFirst, families, settings, table }: Facts): Plan =>
  settings.policyRoutes
    .filter(({ to }) => families.includes(familyOfCidr(to)))
    .flatMap(({ to, via }) => ensureRoute(pod, { to, via, link: ifName, table: isFirst ? MAIN : table }))
