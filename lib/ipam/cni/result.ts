// From the record of a NIC to what a CNI result says. Pure.
import type { EndpointNic, PoolRoute } from '../../crd/types.js'
import { dstOf } from '../allocation/routes.js'

export interface IpamAnswer {
  readonly ips: readonly { readonly address: string; readonly gateway?: string }[]
  readonly routes: readonly { readonly dst: string; readonly gw: string }[]
}

/**
 * Routes of the record first, of each destination the last: the pod's own stand behind the pools'. Then the default route of each family
 * that has a gateway and no default route of its own, unless it was asked to leave the default route out.
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

/** 10.0.0.5/8 is what somebody wrote for 10.0.0.0/8; the kernel, which other main plugins hand it to as it is, takes no host bits. */
const ofNetwork = (route: PoolRoute): PoolRoute => ({ dst: dstOf(route), gw: route.gw })
