// Assigns the pod's own routes to its interfaces, by the subnet that a route's gateway is in. Pure.
import type { EndpointNic, PoolRoute } from '../../crd/types.js'
import { parseIp } from '../../ip/address.js'
import { containsIp, networkOf, parsePrefix } from '../../ip/cidr.js'
import { isLinkLocal6 } from '../../ip/usable.js'
import { Refused } from '../errors.js'
import type { ObjectRef } from '../store/store.js'

/** The interfaces that a route may belong to. `isOnly`: the pod has no other interface. */
export interface Among {
  readonly nics: readonly EndpointNic[]
  readonly isOnly: boolean
}

/** The destination without host bits: 10.0.0.5/8 and 10.0.0.0/8 are one route to the kernel. */
export function dstOf({ dst }: Pick<PoolRoute, 'dst'>): string {
  const prefix = parsePrefix(dst)
  return prefix ? networkOf(prefix) : dst
}

/**
 * True where the gateway is in a subnet of this interface. A link-local gateway belongs to the
 * interface whose pool has it as gateway, or to the pod's only interface.
 */
function fits({ gw }: PoolRoute, { ipv4, ipv6, ipv6Gateway = '' }: EndpointNic, { isOnly }: Among): boolean {
  const via = parseIp(gw)
  if (via === undefined) return false
  if (isLinkLocal6(via)) return ipv6 !== undefined && (isOnly || parseIp(ipv6Gateway) === via)
  return [ipv4, ipv6].some(text => {
    const prefix = text === undefined ? undefined : parsePrefix(text)
    return prefix !== undefined && containsIp(networkOf(prefix), via)
  })
}

/**
 * The interfaces with the pod's routes added, each to the first interface that it fits; they
 * replace routes of the pools with the same destination.
 */
export function withRoutes(among: Among, routes: readonly PoolRoute[]): readonly EndpointNic[] {
  let left = routes
  const shares = among.nics.map(nic => {
    const own = left.filter(route => fits(route, nic, among))
    left = left.filter(route => !own.includes(route))
    return { nic, own }
  })
  const replaced = new Set(shares.flatMap(({ own }) => own.map(dstOf)))
  return shares.map(({ nic, own }) => {
    const { routes: given = [], ...others } = nic
    const all = [...given.filter(route => !replaced.has(dstOf(route))), ...own]
    return own.length === 0 && all.length === given.length ? nic : { ...others, ...(all.length > 0 && { routes: all }) }
  })
}

/**
 * Checked once all interfaces of the pod are known: a later one may have the subnet of the gateway.
 * @throws Refused `routeFitsNothing` for a route whose gateway is in the subnet of no interface
 */
export function refuseUnreachable(nics: readonly EndpointNic[], routes: readonly PoolRoute[], pod: ObjectRef): void {
  const among = { nics, isOnly: nics.length === 1 }
  const first = routes.find(route => !nics.some(nic => fits(route, nic, among)))
  if (!first) return
  const subnets = nics.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].filter(text => text !== undefined)).join(', ')
  throw new Refused(
    'routeFitsNothing',
    `wrong input: annotation ipam.spidernet.io/routes of pod ${pod.namespace}/${pod.name}: gw ${first.gw} of route ${first.dst} is in the subnet of no interface (${subnets}); correct it or take the route out`,
  )
}
