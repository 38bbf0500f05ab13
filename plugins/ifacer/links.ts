// The node's links made as a conf wants them, and removed with their last user: take the lock, look, change.
import { CniError } from '../../lib/cni/error.js'
import { reasonOf, refusalCode } from '../../lib/kernel/errno.js'
import type { Kernel } from '../../lib/kernel/kernel.js'
import { applyAll, applyPlan, StepError, undoPlan, type Executor } from '../../lib/plan/run.js'
import { linkNamed, type NetnsState } from '../../lib/plan/state.js'
import type { Plan, Step } from '../../lib/plan/step.js'
import type { IfacerConf } from './config.js'
import type { LinkUsers, LinkUser } from './link-users.js'
import { wholeOf } from './observe.js'
import { isMarked, removal, unfinishedName } from './ownership.js'
import { leftovers, madeBy, planFor, topOf } from './plan.js'
import { claimOf, idleIn, unusedFrom } from './unused.js'
import { refusalOf } from './errors.js'

/** One writer on a node: what two calls both want, the second finds made. */
const LOCK = '/run/spidernet/ifacer.lock'

export type IfacerKernel = Executor & Pick<Kernel, 'observe' | 'lock'>

function locked<T>(kernel: IfacerKernel, work: () => T): T {
  const unlock = kernel.lock(LOCK)
  try {
    return work()
  } finally {
    unlock()
  }
}

/**
 * ADD, where a look was not enough (`staysAsItIs`). A link that goes with its last user is held before it is made, with the lock in hand:
 * whoever would take it away has the lock too, and sees the hold. Returns the steps done.
 */
export function ensure(
  config: IfacerConf,
  user: LinkUser,
  { kernel, users }: { kernel: IfacerKernel; users: LinkUsers },
): Plan {
  const top = topOf(config)
  if (top === undefined) return []
  return locked(kernel, () => {
    const node = wholeAndFree(config, kernel) ?? tidied(kernel)
    const plan = planFor(config, node)
    const is = linkNamed(node, top)
    const goes = is ? isMarked(is) : config.removeUnused
    if (!goes) return doAll(plan, kernel)
    const isNew = users.put(top, user)
    try {
      return doAll(plan, kernel)
    } catch (error) {
      if (isNew) users.drop(top, user)
      throw error
    }
  })
}

/** By name, since a node may have thousands of links. A DEL that was killed may have left its claim on one (unused.ts). */
function wholeAndFree(config: IfacerConf, kernel: IfacerKernel): NetnsState | undefined {
  const whole = wholeOf(config, wish => kernel.observe({ node: wish }).node)
  const claims = kernel.observe({ node: { links: madeBy(config).map(unfinishedName) } }).node.links
  return claims.length === 0 ? whole : undefined
}

/** The whole node, without what killed calls left. */
function tidied(kernel: IfacerKernel): NetnsState {
  const look = (): NetnsState =>
    kernel.observe({ node: { links: 'all', addressesOn: 'global', routes: { table: 254 } } }).node
  const node = look()
  const left = leftovers(node)
  if (left.length === 0) return node
  applyAll(left, kernel)
  return look()
}

function doAll(plan: Plan, kernel: IfacerKernel): Plan {
  try {
    applyPlan(plan, asking(plan, kernel))
    return plan
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    const { step, cause, undoFailures } = error
    const asked = refusalCode(cause) === 'EBUSY' ? memberAfter(step, plan) : undefined
    const refusal = refusalOf(asked ?? step, reasonOf(cause), refusalCode(cause))
    if (undoFailures.length === 0) throw refusal
    throw new CniError('internal', refusal.message, `not cleaned up: ${undoFailures.join('; ')}`, { cause })
  }
}

/** The step behind one that sets a link down so that a bond takes it. */
function memberAfter(step: Step, plan: Plan): Step | undefined {
  const next = step.verb === 'setDown' ? plan[plan.indexOf(step) + 1] : undefined
  return next?.verb === 'setMaster' ? next : undefined
}

/**
 * Before a member is set down the bond is asked to take it. The kernel looks whether it has a macvlan, of a pod perhaps, and only then whether it is
 * up (bond_enslave, drivers/net/bonding/bond_main.c). Else each ADD that is refused would take the link of running pods down for a moment.
 */
const asking = (plan: Plan, kernel: IfacerKernel): Executor => ({
  ...kernel,
  apply(step) {
    const next = memberAfter(step, plan)
    if (next) throwIfBusy(() => kernel.apply(next))
    kernel.apply(step)
  },
})

function throwIfBusy(ask: () => void): void {
  try {
    ask()
  } catch (error) {
    if (refusalCode(error) === 'EBUSY') throw error
  }
}

/**
 * DEL and GC: the users that are gone let go of their links; a link that nobody holds any more, and that is unused, goes. `idleToo`: also
 * those that nobody holds already, which something else was using when their last user went. Returns what went, the lowest of each.
 */
export function release(
  isGone: (user: LinkUser) => boolean,
  { kernel, users: holds }: { kernel: IfacerKernel; users: LinkUsers },
  idleToo = false,
): readonly string[] {
  return locked(kernel, () => {
    const gone: string[] = []
    const noted = holds.links().filter(link => holds.usersOf(link).some(isGone))
    for (const link of [...noted, ...(idleToo ? idleIn(tidied(kernel), holds) : [])]) {
      const users = holds.usersOf(link)
      if (users.every(isGone)) gone.push(...removeFrom(link, { kernel, users: holds }))
      for (const user of users.filter(isGone)) holds.drop(link, user) // last, so that a DEL that was killed can be repeated
    }
    return gone
  })
}

/** In one step, the removal of the lowest: what stands on it goes with it. */
function removeFrom(name: string, { kernel, users }: { kernel: IfacerKernel; users: LinkUsers }): readonly string[] {
  const claims: Plan[number][] = []
  let lowest: string | undefined
  for (const link of unusedFrom(name, tidied(kernel), below => users.usersOf(below).length > 0)) {
    const claim = claimOf(link)
    if (!isGranted(() => kernel.apply(claim))) break
    claims.push(claim)
    lowest = link.name
  }
  if (lowest === undefined) return []
  const failures = applyAll([removal(lowest)], kernel)
  if (failures.length === 0) return [lowest]
  undoPlan(claims, kernel)
  throw new CniError('internal', `${lowest} has no user any more and could not be removed: ${failures.join('; ')}`)
}

/** What the kernel says where the link is in use, or where it has no macvlan to ask with. */
const IN_USE = ['EINVAL', 'EBUSY', 'EOPNOTSUPP', 'ENODEV']

function isGranted(claim: () => void): boolean {
  try {
    claim()
    return true
  } catch (error) {
    if (IN_USE.includes(refusalCode(error) ?? '')) return false
    throw error
  }
}
