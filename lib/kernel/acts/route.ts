// Routes: `addRoute` and `removeRoute` undo each other.
import { bytesOf, familyOf, type Ip } from '../../ip/address.js'
import type { RtNextHop } from '../../netlink/rtnl/nexthop.js'
import {
  anyRoute,
  RT_SCOPE,
  RT_TABLE,
  RTN,
  RTNH_F,
  RTPROT,
  routeAdd,
  routeAppend,
  routeDel,
  routePrepend,
  routeReplace,
  type RouteMessage as Message,
} from '../../netlink/rtnl/route.js'
import type { NextHop, Route, StepOf, Where } from '../../plan/step.js'
import { AF, networkBytes } from '../family.js'
import { indexOf, unlessGone, type Namespaces } from '../netns-pair.js'
import type { Act } from './act.js'

const HOW = { add: routeAdd, prepend: routePrepend, append: routeAppend, replace: routeReplace } as const
const ROUTE_GONE = ['ESRCH', 'ENODEV', 'ENETUNREACH']

interface Placed {
  readonly where: Where
  readonly route: Route
}

function messageOf(namespaces: Namespaces, { where, route }: Placed): Message {
  const { af, length, bytes } = networkBytes(route.dst)
  const { src, mtu, advmss, metric, nexthops } = route
  const table = route.table ?? RT_TABLE.main
  const { tos = 0, metrics: others, ...kept } = keptIn(route)
  return {
    header: {
      ...anyRoute,
      family: af,
      dstLength: length,
      table: table < 256 ? table : 0,
      protocol: route.proto ?? RTPROT.boot,
      scope: route.scope ?? RT_SCOPE.universe,
      type: route.type ?? RTN.unicast,
      tos,
      flags: route.onlink === true ? RTNH_F.onlink : 0,
    },
    attrs: {
      dst: bytes,
      table,
      ...(nexthops === undefined
        ? wayOf(namespaces, where, af, route)
        : { multipath: hopsOf(namespaces, where, af, nexthops) }),
      prefSrc: src && bytesOf(src),
      priority: metric,
      metrics:
        mtu === undefined && advmss === undefined && others === undefined ? undefined : { ...others, mtu, advmss },
      ...kept,
    },
  }
}

/** As observedRoutes() fills it: attributes of the route message, and rtm_tos. */
const keptIn = (route: Route): Partial<Message['attrs']> & { readonly tos?: number } => route.extra ?? {}

function wayOf(namespaces: Namespaces, where: Where, af: number, { dev, via }: Pick<Route, 'dev' | 'via'>) {
  return { oif: dev === undefined ? undefined : indexOf(namespaces, { where, name: dev }), ...gatewayTo(af, via) }
}

const gatewayTo = (af: number, via: Ip | undefined) =>
  via === undefined
    ? {}
    : AF[familyOf(via)] === af
      ? { gateway: bytesOf(via) }
      : { via: { family: AF[familyOf(via)], address: bytesOf(via) } }

const hopsOf = (namespaces: Namespaces, where: Where, af: number, paths: readonly NextHop[]): readonly RtNextHop[] =>
  paths.map(({ dev, via, onlink, weight }) => ({
    flags: onlink === true ? RTNH_F.onlink : 0,
    hops: weight - 1,
    index: indexOf(namespaces, { where, name: dev }),
    attrs: gatewayTo(af, via),
  }))

/** Scope nowhere, type and protocol 0 match any; the attributes identify the route. */
function remove(namespaces: Namespaces, placed: Placed): void {
  const { header, attrs } = messageOf(namespaces, placed)
  const { dst, table, oif, gateway, via, priority, multipath } = attrs
  namespaces.at(placed.where).change(routeDel, {
    header: { ...header, scope: RT_SCOPE.nowhere, type: RTN.unspec, protocol: RTPROT.unspec, flags: 0 },
    attrs: { dst, table, oif, gateway, via, priority, multipath },
  })
}

export const addRoute: Act<StepOf<'addRoute'>> = {
  apply: (namespaces, step) => namespaces.at(step.where).change(HOW[step.how], messageOf(namespaces, step)),
  undo(namespaces, { where, route, was }) {
    if (was !== undefined) namespaces.at(where).change(routeReplace, messageOf(namespaces, { where, route: was }))
    else unlessGone(ROUTE_GONE, () => remove(namespaces, { where, route }))
  },
}

export const removeRoute: Act<StepOf<'removeRoute'>> = {
  apply: (namespaces, step) => unlessGone(ROUTE_GONE, () => remove(namespaces, step)), // deleted with its link
  undo: (namespaces, step) =>
    // Without NLM_F_EXCL: another route to the same dst may exist, as before.
    unlessGone(['EEXIST', 'ENODEV'], () =>
      namespaces.at(step.where).change(step.behind === true ? routeAppend : routePrepend, messageOf(namespaces, step)),
    ),
}
