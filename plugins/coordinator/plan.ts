// What coordinator does, decided: the whole of what shall be, whether it is already so or not. ADD does what is missing of it, CHECK tells it. Pure.
import type { Result } from '../../lib/cni/result.js'
import { missing, type Seen } from '../../lib/plan/seen.js'
import type { Plan } from '../../lib/plan/step.js'
import { promisedBy } from './check.js'
import { factsOf, type Asked, type Facts } from './facts.js'
import { nicSteps, sysctlSteps, vethSteps } from './nic.js'
import { keptSteps, policySteps, tuning } from './tune.js'
import { markSteps, metricOf, waySteps } from './ways.js'

export interface Planned {
  readonly plan: Plan
  readonly warnings: readonly string[]
}

export interface Looked extends Planned {
  readonly facts: Facts
  readonly seen: Seen
}

/** What a call comes to for what was seen. Throws CniError as `factsOf` and `planFor` do. */
export function decide(asked: Omit<Asked, 'promised'>, prevResult: Result | undefined): Looked {
  const facts = factsOf({ ...asked, promised: promisedBy(prevResult, asked.ifName) })
  return { facts, seen: asked.seen, ...planFor(facts) }
}

/** Throws CniError for what the conf asks and the pod cannot have. */
export function planFor(facts: Facts): Planned {
  const { settings, isFirst, mode, families, reached } = facts
  const tuned = settings.tunePodRoutes && (!isFirst || mode === 'overlay') ? tuning(facts) : { plan: [] }
  const unreached = families.filter(family => !reached.includes(family))
  return {
    plan: once([
      ...nicSteps(facts),
      ...(isFirst ? vethSteps(facts) : []),
      ...sysctlSteps(facts),
      ...keptSteps(facts),
      ...waySteps(facts),
      ...(mode === 'underlay' ? markSteps(facts) : []),
      ...tuned.plan,
      ...policySteps(facts),
    ]),
    warnings: [
      ...(tuned.warning === undefined ? [] : [tuned.warning]),
      ...unreached.map(family => `the node has no IPv${family} address: the pod's has no way to the node`),
    ],
  }
}

/**
 * Of routes to one network in one table the first wish counts: the ways to the node, then what is moved, then `policyRoutes`. The ways to the
 * node, moved with the first NIC's default, may be those of the table already. Behind a route stand those of its own link.
 */
function once(plan: Plan): Plan {
  const wanted = new Map<string, string | undefined>()
  return plan.filter(step => {
    if (step.verb !== 'addRoute') return true
    const { to, table, link, kept } = step.route
    const key = [step.where, to, table, metricOf(step.route), kept?.['tos']].join(' ')
    if (step.how === 'behind') return wanted.get(key) === link
    const isFirst = !wanted.has(key)
    if (isFirst) wanted.set(key, link)
    return isFirst || step.how === 'replace'
  })
}

/** What is to be done of a plan. A rule that pods share is made sure of in any case: another pod's DEL may be about to take it away. */
export function toDo(plan: Plan, seen: Seen): Plan {
  const absent = new Set(missing(plan, seen))
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
