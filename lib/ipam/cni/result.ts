// Converts the record of a NIC to addresses and routes of a CNI result. Pure.
import type { EndpointNic, PoolRoute } from '../../crd/types.js'
import type { Result } from '../../cni/result.js'
import { dstOf } from '../allocation/routes.js'
import { Refused } from '../errors.js'

export interface IpamAnswer {
  readonly ips: readonly { readonly address: string; readonly gateway?: string }[]
  readonly routes: readonly { readonly dst: string; readonly gw: string }[]
}

/**
 * The result of an ADD for its NIC.
 * @throws Refused `noAddress` where the record has none
 */
export function resultOf(nic: EndpointNic): Result {
  const { ips, routes } = answerOf(nic)
  if (ips.length === 0) throw new Refused('noAddress', `no Interface ${nic.interface} IP allocation found`)
  return { ips, ...(routes.length > 0 && { routes }) }
}

/**
 * Addresses and routes of the result. Of several routes of the record to one destination the last
 * is used, since the pod's own follow the pools'. Then the default route of each family that has a
 * gateway and no default route yet, unless cleanGateway is set.
 */
export function answerOf(nic: EndpointNic): IpamAnswer {
  const families = [
    { address: nic.ipv4, gateway: nic.ipv4Gateway, everything: '0.0.0.0/0', is6: false },
    { address: nic.ipv6, gateway: nic.ipv6Gateway, everything: '::/0', is6: true },
  ]
  const ips: IpamAnswer['ips'][number][] = []
  const routes: PoolRoute[] = []
  for (const { address, gateway, everything, is6 } of families) {
    if (address === undefined) continue
    ips.push({ address, ...(gateway !== undefined && { gateway }) })
    const own = (nic.routes ?? []).filter(({ dst }) => dst.includes(':') === is6).map(ofNetwork)
    routes.push(...own.filter(({ dst }, at) => !own.some((other, behind) => behind > at && other.dst === dst)))
    const hasDefault = own.some(({ dst }) => dst === everything)
    if (gateway !== undefined && nic.cleanGateway !== true && !hasDefault) routes.push({ dst: everything, gw: gateway })
  }
  return { ips, routes }
}

/** 10.0.0.5/8 becomes 10.0.0.0/8: main plugins pass it to the kernel, which rejects host bits. */
const ofNetwork = (route: PoolRoute): PoolRoute => ({ dst: dstOf(route), gw: route.gw })
