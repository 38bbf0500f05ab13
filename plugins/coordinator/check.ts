// CHECK: unsatisfied steps, and default routes of prevResult that are missing in main and the NIC's
// tables. Pure.
import { RT_TABLE_MAIN } from '../../lib/linux/constants.js'
import type { Result } from '../../lib/cni/result.js'
import { familyOf, parseIp, type Ip } from '../../lib/ip/address.js'
import { containsIp, networkOf, parsePrefix, type Cidr } from '../../lib/ip/cidr.js'
import { isLinkLocal6 } from '../../lib/ip/usable.js'
import { NFT_TABLE } from '../../lib/plan/nft-table.js'
import { isDefault, unsatisfied, type NetnsState, type Observed } from '../../lib/plan/state.js'
import type { Plan, Step } from '../../lib/plan/step.js'
import type { CoordinatorContext } from './context.js'
import { tablesBeforeMain } from './rule-priorities.js'
import { everywhere, isNicTable } from './tables.js'
import { absenceOf } from './errors.js'

/**
 * Gateways of the NIC's default routes in prevResult: the route's gw, or else the gateway of the
 * NIC's address. Routes with a table are skipped.
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

/** Whether the conf replaces the NIC's default route. */
const isOverruled = ({ settings, isDefaultInterface }: CoordinatorContext, everywhere: Cidr): boolean =>
  settings.policyRoutes.some(({ to }) => to === everywhere) ||
  (!isDefaultInterface && settings.cidrs.includes(everywhere))

/** Gateways of prevResult without a default route. */
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
            (route.table === RT_TABLE_MAIN ||
              route.table === table ||
              tablesBeforeMain(pod, familyOf(gateway), own).includes(route.table)),
        ),
    )
}

/** A message for each missing default route that no step of the plan adds. */
const missingDefaults = (context: CoordinatorContext, plan: Plan): readonly string[] =>
  lostGateways(context)
    .filter(
      gateway =>
        !plan.some(step => step.verb === 'addRoute' && step.route.via === gateway && isDefault(step.route.dst)),
    )
    .map(
      gateway =>
        `route default via ${gateway} dev ${context.ifName} in the container is missing, in main and in table ${context.table}`,
    )

/** A route in another plugin's table: only the kernel's route lookups count there. */
const isForOthers = ({ pod, table, markTable }: CoordinatorContext, step: Step): boolean =>
  step.verb === 'addRoute' &&
  step.where === 'pod' &&
  ![undefined, RT_TABLE_MAIN, table, markTable].includes(step.route.table) &&
  !pod.rules.some(rule => rule.table === step.route.table && rule.from !== undefined && isNicTable(rule.table))

interface CheckInput {
  readonly context: CoordinatorContext
  readonly observed: Observed
  readonly plan: Plan
}

/** The unsatisfied steps that count. */
export const missingSteps = ({ context, observed, plan }: CheckInput): Plan =>
  unsatisfied(plan, observed).filter(step => !isForOthers(context, step))

/**
 * Whether the NIC's table has host routes but none via the node: an overlay's first secondary
 * interface by Go.
 */
const hasNoRoutesViaNode = ({ pod, veth, table }: CoordinatorContext): boolean => {
  const routes = pod.routes.filter(route => route.table === table && route.dev === veth.pod)
  return routes.length > 0 && routes.every(({ via }) => via === undefined)
}

/**
 * Whether the Go coordinator does this too. It marks by iptables, sets rp_filter of `all` only, the
 * queue length on the node, and adds no routes via the node for an overlay's first secondary
 * interface.
 */
function isDoneByGoToo({ mode, table }: CoordinatorContext, step: Step): boolean {
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

/** Whether the Go coordinator set up the pod; `pod` has `nft` and `mangle` observed. */
export const isFromGoCoordinator = (context: CoordinatorContext, pod: NetnsState): boolean =>
  context.mode === 'overlay' ? hasNoRoutesViaNode(context) : pod.mangle === true && pod.nft[NFT_TABLE] === undefined

/** A message for each difference from what ADD, or the Go coordinator, left. */
export const differencesOf = (input: CheckInput, isGo: boolean): readonly string[] => [
  ...missingSteps(input)
    .filter(step => !isGo || isDoneByGoToo(input.context, step))
    .map(absenceOf),
  ...missingDefaults(input.context, input.plan),
]
