// What coordinator does, decided: the whole of what shall be, whether it is already so or not. ADD does what is missing of it, CHECK tells it. Pure.
import type { Result } from '../../lib/cni/result.js'
import { unsatisfied, type Observed } from '../../lib/plan/state.js'
import type { Plan } from '../../lib/plan/step.js'
import { gatewaysOfPrevResult } from './check.js'
import { contextOf, type ContextInput, type CoordinatorContext } from './context.js'
import { nicSteps, sysctlSteps, vethSteps } from './nic.js'
import { keptSteps, policySteps, policyRouting } from './policy-routing.js'
import { markSteps, metricOf, hostRouteSteps } from './host-routes.js'

export interface Planned {
  readonly plan: Plan
  readonly warnings: readonly string[]
}

export interface Decision extends Planned {
  readonly context: CoordinatorContext
  readonly seen: Observed
}

/** What a call comes to for what was seen. Throws CniError as `factsOf` and `planFor` do. */
export function decide(asked: Omit<ContextInput, 'prevGateways'>, prevResult: Result | undefined): Decision {
  const context = contextOf({ ...asked, prevGateways: gatewaysOfPrevResult(prevResult, asked.ifName) })
  return { context, seen: asked.seen, ...planFor(context) }
}

/** Throws CniError for what the conf asks and the pod cannot have. */
export function planFor(context: CoordinatorContext): Planned {
  const { settings, isDefaultInterface, mode, families, nodeFamilies } = context
  const tuned =
    settings.tunePodRoutes && (!isDefaultInterface || mode === 'overlay') ? policyRouting(context) : { plan: [] }
  const unreached = families.filter(family => !nodeFamilies.includes(family))
  return {
    plan: once([
      ...nicSteps(context),
      ...(isDefaultInterface ? vethSteps(context) : []),
      ...sysctlSteps(context),
      ...keptSteps(context),
      ...hostRouteSteps(context),
      ...(mode === 'underlay' ? markSteps(context) : []),
      ...tuned.plan,
      ...policySteps(context),
    ]),
    warnings: [
      ...(tuned.warning === undefined ? [] : [tuned.warning]),
      ...unreached.map(family => `the node has no IPv${family} address: the pod's has no way to the node`),
    ],
  }
}

/**
 * Of routes to one network in one table the first wish counts: the ways to the node, then what is moved, then `policyRoutes`. The ways to the
 * node, moved with the default interface's default, may be those of the table already. Behind a route stand those of its own link.
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

/** What is to be done of a plan. A rule that pods share is made sure of in any case: another pod's DEL may be about to take it away. */
export function toDo(plan: Plan, seen: Observed): Plan {
  const absent = new Set(unsatisfied(plan, seen))
  return plan.filter(step => absent.has(step) || step.verb === 'shareRule')
}

/** prevResult goes on as it came, but for the MAC where the plan sets one. */
export function resultOf({ ifName, netns }: { ifName: string; netns: string }, before: Result, plan: Plan): Result {
  const mac = plan.find(step => step.verb === 'setMac')?.mac
  if (mac === undefined || !before.interfaces) return before
  const interfaces = before.interfaces.map(one =>
    one.name === ifName && (one.sandbox ?? netns) === netns ? { ...one, mac } : one,
  )
  return { ...before, interfaces }
}
