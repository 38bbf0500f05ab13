// Which of the pod's own routes belong to which interface. Pure: by the subnet that a route's gateway is in.
import type { EndpointNic, Route } from '../crd/types.js'
import { parseIp } from '../ip/address.js'
import { containsIp, networkOf, parsePrefix } from '../ip/cidr.js'

/** True where the gateway is in a subnet of this interface. */
export function fits({ gw }: Route, { ipv4, ipv6 }: EndpointNic): boolean {
  const via = parseIp(gw)
  return [ipv4, ipv6].some(text => {
    const prefix = text === undefined ? undefined : parsePrefix(text)
    return prefix !== undefined && via !== undefined && containsIp(networkOf(prefix), via)
  })
}

/** The interfaces with their share of the routes behind what their pools gave them. A route goes to the first interface that it fits. */
export function withRoutes(nics: readonly EndpointNic[], routes: readonly Route[]): readonly EndpointNic[] {
  let left = routes
  return nics.map(nic => {
    const own = left.filter(route => fits(route, nic))
    left = left.filter(route => !own.includes(route))
    return own.length === 0 ? nic : { ...nic, routes: [...(nic.routes ?? []), ...own] }
  })
}

/** The routes that fit none of the interfaces. */
export const homeless = (nics: readonly EndpointNic[], routes: readonly Route[]): readonly Route[] =>
  routes.filter(route => !nics.some(nic => fits(route, nic)))
