// The plan of coordinator: all of the desired state. ADD applies what is not satisfied, CHECK
// reports it. Pure.
import type { Result } from '../../lib/cni/result.js'
import { unsatisfied, type Observed } from '../../lib/plan/state.js'
import type { Plan } from '../../lib/plan/step.js'
import { gatewaysOfPrevResult } from './check.js'
import { contextOf, type ContextInput, type CoordinatorContext } from './context.js'
import { nicSteps, sysctlSteps, vethSteps } from './nic.js'
import { keptSteps, policySteps, policyRouting } from './policy-routing.js'
import { markSteps, metricOf, hostRouteSteps } from './pod-node-routing.js'

export interface Planned {
  readonly plan: Plan
  readonly warnings: readonly string[]
}

export interface Decision extends Planned {
  readonly context: CoordinatorContext
  readonly observed: Observed
}

/**
 * The plan of a call for an observed state.
 * @throws CniError as contextOf() and planFor() do
 */
export function decide(input: Omit<ContextInput, 'prevGateways'>, prevResult: Result | undefined): Decision {
  const context = contextOf({ ...input, prevGateways: gatewaysOfPrevResult(prevResult, input.ifName) })
  return { context, observed: input.observed, ...planFor(context) }
}

/**
 * The plan for its inputs.
 * @throws CniError if the pod cannot have what the conf requires
 */
export function planFor(context: CoordinatorContext): Planned {
  const { settings, isDefaultInterface, mode, families, nodeFamilies } = context
  const routing =
    settings.tunePodRoutes && (!isDefaultInterface || mode === 'overlay') ? policyRouting(context) : { plan: [] }
  const unrouted = families.filter(family => !nodeFamilies.includes(family))
  return {
    plan: once([
      ...nicSteps(context),
      ...(isDefaultInterface ? vethSteps(context) : []),
      ...sysctlSteps(context),
      ...keptSteps(context),
      ...hostRouteSteps(context),
      ...(mode === 'underlay' ? markSteps(context) : []),
      ...routing.plan,
      ...policySteps(context),
    ]),
    warnings: [
      ...(routing.warning === undefined ? [] : [routing.warning]),
      ...unrouted.map(family => `the node has no IPv${family} address: the pod's is not routed to the node`),
    ],
  }
}

/**
 * Of several routes of one dst in one table the first counts: host routes, then moved routes, then
 * policyRoutes. An appended route is kept if the first has the same link.
 */
function once(plan: Plan): Plan {
  const wanted = new Map<string, string | undefined>()
  return plan.filter(step => {
    if (step.verb !== 'addRoute') return true
    const { dst, table, dev, extra } = step.route
    const key = [step.where, dst, table, metricOf(step.route), extra?.['tos']].join(' ')
    if (step.how === 'append') return wanted.get(key) === dev
    const isFirst = !wanted.has(key)
    if (isFirst) wanted.set(key, dev)
    return isFirst || step.how === 'replace'
  })
}

/** The steps to apply. Shared rules always: the DEL of another pod may be deleting them. */
export function pendingSteps(plan: Plan, observed: Observed): Plan {
  const absent = new Set(unsatisfied(plan, observed))
  return plan.filter(step => absent.has(step) || step.verb === 'shareRule')
}

/** prevResult, with the MAC that the plan sets. */
export function resultOf({ ifName, netns }: { ifName: string; netns: string }, before: Result, plan: Plan): Result {
  const mac = plan.find(step => step.verb === 'setMac')?.mac
  if (mac === undefined || !before.interfaces) return before
  const interfaces = before.interfaces.map(one =>
    one.name === ifName && (one.sandbox ?? netns) === netns ? { ...one, mac } : one,
  )
  return { ...before, interfaces }
}
