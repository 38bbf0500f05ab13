// Routes, added and removed; each is the other's undoing.
import { bytesOf, familyOf } from '../../ip/address.js'
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
  routeReplace,
  type Route as Message,
} from '../../netlink/rtnl/route.js'
import type { Route, StepOf, Where } from '../../plan/step.js'
import { AF, networkBytes } from '../family.js'
import { indexOf, unlessGone, type Places } from '../places.js'
import type { Act } from './act.js'

const HOW = { exclusive: routeAdd, beside: routeAppend, replace: routeReplace } as const
const ROUTE_GONE = ['ESRCH', 'ENODEV', 'ENETUNREACH']

interface Placed {
  readonly where: Where
  readonly route: Route
}

function messageOf(places: Places, { where, route }: Placed): Message {
  const { af, length, bytes } = networkBytes(route.to)
  const { via, source, link, mtu, advmss, priority } = route
  const table = route.table ?? RT_TABLE.main
  const viaSame = via !== undefined && AF[familyOf(via)] === af
  return {
    header: {
      ...anyRoute,
      family: af,
      dstLength: length,
      table: table < 256 ? table : 0,
      protocol: route.origin ?? RTPROT.boot,
      scope: route.scope ?? RT_SCOPE.universe,
      type: RTN.unicast,
      flags: route.onlink === true ? RTNH_F.onlink : 0,
    },
    attrs: {
      dst: bytes,
      table,
      oif: link === undefined ? undefined : indexOf(places, { where, name: link }),
      gateway: viaSame ? bytesOf(via) : undefined,
      via: via !== undefined && !viaSame ? { family: AF[familyOf(via)], address: bytesOf(via) } : undefined,
      prefSrc: source && bytesOf(source),
      priority,
      metrics: mtu === undefined && advmss === undefined ? undefined : { mtu, advmss },
    },
  }
}

/** Scope nowhere, type and protocol 0: any will do; what tells the route from others is in the attributes. */
function remove(places: Places, placed: Placed): void {
  const { header, attrs } = messageOf(places, placed)
  const { dst, table, oif, gateway, via, priority } = attrs
  places.at(placed.where).change(routeDel, {
    header: { ...header, scope: RT_SCOPE.nowhere, type: RTN.unspec, protocol: RTPROT.unspec, flags: 0 },
    attrs: { dst, table, oif, gateway, via, priority },
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
  apply: (places, step) => remove(places, step),
  undo: (places, step) =>
    unlessGone(['EEXIST', 'ENODEV'], () => places.at(step.where).change(routeAdd, messageOf(places, step))),
}
