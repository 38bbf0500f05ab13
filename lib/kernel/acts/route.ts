// Routes, added and removed; each is the other's undoing.
import { bytesOf, familyOf, type Ip } from '../../ip/address.js'
import type { NextHop } from '../../netlink/rtnl/nexthop.js'
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
  type Route as Message,
} from '../../netlink/rtnl/route.js'
import type { Path, Route, StepOf, Where } from '../../plan/step.js'
import { AF, networkBytes } from '../family.js'
import { indexOf, unlessGone, type Places } from '../places.js'
import type { Act } from './act.js'

const HOW = { exclusive: routeAdd, beside: routePrepend, behind: routeAppend, replace: routeReplace } as const
const ROUTE_GONE = ['ESRCH', 'ENODEV', 'ENETUNREACH']

interface Placed {
  readonly where: Where
  readonly route: Route
}

function messageOf(places: Places, { where, route }: Placed): Message {
  const { af, length, bytes } = networkBytes(route.to)
  const { source, mtu, advmss, priority, paths } = route
  const table = route.table ?? RT_TABLE.main
  const { tos = 0, metrics: others, ...kept } = keptIn(route)
  return {
    header: {
      ...anyRoute,
      family: af,
      dstLength: length,
      table: table < 256 ? table : 0,
      protocol: route.origin ?? RTPROT.boot,
      scope: route.scope ?? RT_SCOPE.universe,
      type: route.type ?? RTN.unicast,
      tos,
      flags: route.onlink === true ? RTNH_F.onlink : 0,
    },
    attrs: {
      dst: bytes,
      table,
      ...(paths === undefined ? wayOf(places, where, af, route) : { multipath: hopsOf(places, where, af, paths) }),
      prefSrc: source && bytesOf(source),
      priority,
      metrics:
        mtu === undefined && advmss === undefined && others === undefined ? undefined : { ...others, mtu, advmss },
      ...kept,
    },
  }
}

/** What observe.ts put there: a route message's own attributes, and its type of service. */
const keptIn = (route: Route): Partial<Message['attrs']> & { readonly tos?: number } => route.kept ?? {}

function wayOf(places: Places, where: Where, af: number, { link, via }: Pick<Route, 'link' | 'via'>) {
  return { oif: link === undefined ? undefined : indexOf(places, { where, name: link }), ...gatewayTo(af, via) }
}

const gatewayTo = (af: number, via: Ip | undefined) =>
  via === undefined
    ? {}
    : AF[familyOf(via)] === af
      ? { gateway: bytesOf(via) }
      : { via: { family: AF[familyOf(via)], address: bytesOf(via) } }

const hopsOf = (places: Places, where: Where, af: number, paths: readonly Path[]): readonly NextHop[] =>
  paths.map(({ link, via, onlink, weight }) => ({
    flags: onlink === true ? RTNH_F.onlink : 0,
    hops: weight - 1,
    index: indexOf(places, { where, name: link }),
    attrs: gatewayTo(af, via),
  }))

/** Scope nowhere, type and protocol 0: any will do; what tells the route from others is in the attributes. */
function remove(places: Places, placed: Placed): void {
  const { header, attrs } = messageOf(places, placed)
  const { dst, table, oif, gateway, via, priority, multipath } = attrs
  places.at(placed.where).change(routeDel, {
    header: { ...header, scope: RT_SCOPE.nowhere, type: RTN.unspec, protocol: RTPROT.unspec, flags: 0 },
    attrs: { dst, table, oif, gateway, via, priority, multipath },
  })
}

export const addRoute: Act<StepOf<'addRoute'>> = {
  apply: (places, step) => places.at(step.where).change(HOW[step.how], messageOf(places, step)),
  undo(places, { where, route, was }) {
    if (was !== undefined) places.at(where).change(routeReplace, messageOf(places, { where, route: was }))
    else unlessGone(ROUTE_GONE, () => remove(places, { where, route }))
  },
}

export const removeRoute: Act<StepOf<'removeRoute'>> = {
  apply: (places, step) => unlessGone(ROUTE_GONE, () => remove(places, step)), // it may have gone with its link
  undo: (places, step) =>
    // Not exclusive: another route to the same network may be there, as it was before.
    unlessGone(['EEXIST', 'ENODEV'], () =>
      places.at(step.where).change(step.behind === true ? routeAppend : routePrepend, messageOf(places, step)),
    ),
}
