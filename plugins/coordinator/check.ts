// CHECK beyond the plan: the default routes that the main plugin gave the NIC must still stand, in main or in its table. Pure.
import type { Result } from '../../lib/cni/result.js'
import { familyOf, parseIp } from '../../lib/ip/address.js'
import { isDefault } from '../../lib/plan/seen.js'
import { MAIN, type Facts } from './facts.js'

/** A sentence for each that is gone. */
export function expectedOf({ ifName, pod, table, families }: Facts, prevResult: Result | undefined): readonly string[] {
  const at = prevResult?.interfaces?.findIndex(({ name }) => name === ifName)
  const gateways = (prevResult?.ips ?? [])
    .filter(ip => ip.interface !== undefined && ip.interface === at)
    .flatMap(({ gateway }) => (gateway === undefined ? [] : (parseIp(gateway) ?? [])))
  const wanted = (prevResult?.routes ?? []).map(({ dst }) => dst).filter(dst => dst === '0.0.0.0/0' || dst === '::/0')
  return gateways
    .filter(gateway => families.includes(familyOf(gateway)))
    .filter(gateway => wanted.includes(familyOf(gateway) === 4 ? '0.0.0.0/0' : '::/0'))
    .filter(
      gateway =>
        !pod.routes.some(
          route =>
            isDefault(route.to) &&
            route.link === ifName &&
            route.via === gateway &&
            (route.table === MAIN || route.table === table),
        ),
    )
    .map(
      gateway =>
        `route default via ${gateway} dev ${ifName} in the container is missing, in main and in table ${table}`,
    )
}
