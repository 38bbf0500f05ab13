// What of the pod is not as ADD left it, the NIC's default routes among it. Pure.
// The main plugin gave these: prevResult tells them, and they must still stand, in main or in a table that its addresses lead to.
import type { Result } from '../../lib/cni/result.js'
import { familyOf, parseIp, type Ip } from '../../lib/ip/address.js'
import { containsIp, networkOf, parsePrefix, type Cidr } from '../../lib/ip/cidr.js'
import { isLinkLocal6 } from '../../lib/ip/usable.js'
import { NFT_TABLE } from '../../lib/plan/nft.js'
import { isDefault, unsatisfied, type NetnsState, type Observed } from '../../lib/plan/state.js'
import type { Plan, Step } from '../../lib/plan/step.js'
import { MAIN, type CoordinatorContext } from './context.js'
import { tablesBeforeMain } from './rules.js'
import { everywhere, isNicTable } from './tables.js'
import { absenceOf } from './errors.js'

/**
 * Gateways of the NIC that prevResult has default routes by: the route's own gw, or the gateway of the NIC's address where the route names
 * none. One that says of its table where it is, is not ours to look for.
 */
export function gatewaysOfPrevResult(prevResult: Result | undefined, ifName: string): readonly Ip[] {
  const at = prevResult?.interfaces?.findIndex(({ name }) => name === ifName)
  const routes = (prevResult?.routes ?? []).filter(({ table }) => table === undefined)
  return (prevResult?.ips ?? [])
    .filter(ip => ip.interface !== undefined && ip.interface === at)
    .flatMap(({ address, gateway }) => {
      const prefix = parsePrefix(address)
      const family = prefix && familyOf(prefix.ip)
      const own = gateway === undefined ? undefined : parseIp(gateway)
      const defaults = routes.filter(({ dst }) => dst === (family === 4 ? '0.0.0.0/0' : '::/0'))
      if (!prefix || defaults.length === 0) return []
      const named = defaults.flatMap(({ gw }) => (gw === undefined ? [] : (parseIp(gw) ?? [])))
      const reached = named.filter(via => via === own || isLinkLocal6(via) || containsIp(networkOf(prefix), via))
      return reached.length === 0 && own !== undefined ? [own] : reached
    })
    .filter((via, index, all) => all.indexOf(via) === index)
}

/** Whether the conf has the NIC's default route lead elsewhere. */
const isOverruled = ({ settings, isDefaultInterface }: CoordinatorContext, everywhere: Cidr): boolean =>
  settings.policyRoutes.some(({ to }) => to === everywhere) ||
  (!isDefaultInterface && settings.cidrs.includes(everywhere))

/** Those by which no default route leads any more. */
export const lostGateways = (context: CoordinatorContext): readonly Ip[] => {
  const { ifName, pod, table, families, prevGateways, own } = context
  return prevGateways
    .filter(gateway => families.includes(familyOf(gateway)) && !isOverruled(context, everywhere(familyOf(gateway))))
    .filter(
      gateway =>
        !pod.routes.some(
          route =>
            isDefault(route.dst) &&
            route.dev === ifName &&
            route.via === gateway &&
            (route.table === MAIN ||
              route.table === table ||
              tablesBeforeMain(pod, familyOf(gateway), own).includes(route.table)),
        ),
    )
}

/** A sentence for each that is gone, and that no step of the plan brings back. */
const expectedOf = (context: CoordinatorContext, plan: Plan): readonly string[] =>
  lostGateways(context)
    .filter(
      gateway =>
        !plan.some(step => step.verb === 'addRoute' && step.route.via === gateway && isDefault(step.route.dst)),
    )
    .map(
      gateway =>
        `route default via ${gateway} dev ${context.ifName} in the container is missing, in main and in table ${context.table}`,
    )

/** A way in a table of others, who may rule as they like as long as the kernel's answer is right: that is asked for. */
const isForOthers = ({ pod, table, markTable }: CoordinatorContext, step: Step): boolean =>
  step.verb === 'addRoute' &&
  step.where === 'pod' &&
  ![undefined, MAIN, table, markTable].includes(step.route.table) &&
  !pod.rules.some(rule => rule.table === step.route.table && rule.from !== undefined && isNicTable(rule.table))

interface Decided {
  readonly context: CoordinatorContext
  readonly seen: Observed
  readonly plan: Plan
}

/** The steps that do not hold and have to. */
export const lacking = ({ context, seen, plan }: Decided): Plan =>
  unsatisfied(plan, seen).filter(step => !isForOthers(context, step))

/** Whether the NIC's own table has ways to the node and none by way of it: so the Go coordinator leaves the first secondary interface of an overlay. */
const lacksHijacked = ({ pod, veth, table }: CoordinatorContext): boolean => {
  const ways = pod.routes.filter(route => route.table === table && route.dev === veth.pod)
  return ways.length > 0 && ways.every(({ via }) => via === undefined)
}

/**
 * Whether the Go coordinator makes this too. It has its marks from iptables, sets rp_filter of `all` alone, the queue on the node, and gives the first
 * secondary interface of an overlay no way to what goes by the node.
 */
function isOfGoToo({ mode, table }: CoordinatorContext, step: Step): boolean {
  switch (step.verb) {
    case 'setNftTable':
    case 'setQueueLength':
      return false
    case 'setSysctl':
      return step.path === 'net/ipv4/conf/all/rp_filter' || step.path === 'net/ipv6/conf/all/disable_ipv6'
    case 'addRoute':
      return !(
        mode === 'overlay' &&
        step.route.table === table &&
        step.route.via !== undefined &&
        !isDefault(step.route.dst)
      )
    default:
      return true
  }
}

/** Whether the Go coordinator made the pod's ways. `pod` is looked into for `nft` and `mangle`. */
export const isOfGo = (context: CoordinatorContext, pod: NetnsState): boolean =>
  context.mode === 'overlay' ? lacksHijacked(context) : pod.mangle === true && pod.nft[NFT_TABLE] === undefined

/** A sentence for each thing that is not as ADD left it, or as the Go coordinator did. */
export const differing = (decided: Decided, isGo: boolean): readonly string[] => [
  ...lacking(decided)
    .filter(step => !isGo || isOfGoToo(decided.context, step))
    .map(absenceOf),
  ...expectedOf(decided.context, decided.plan),
]
