// Creates the links of a conf and removes them with their last user, under the node's lock.
// Loaded lazily: only if links change.
import { CniError } from '../../lib/cni/error.js'
import type { CallHost } from '../../lib/cni/host.js'
import { reasonOf, refusalCode } from '../../lib/kernel/errno.js'
import type { Kernel } from '../../lib/kernel/kernel.js'
import { RT_TABLE_MAIN } from '../../lib/linux/constants.js'
import { applyAll, applyPlan, StepError, undoPlan, type Executor } from '../../lib/plan/run.js'
import { linkNamed, type NetnsState } from '../../lib/plan/state.js'
import type { Plan, Step } from '../../lib/plan/step.js'
import type { IfacerConf } from './config.js'
import type { LinkUsers, LinkUser } from './link-users.js'
import { claimOf, idleIn, isMarked, removal, unfinishedName, unusedFrom } from './ownership.js'
import { completeIn, leftovers, madeBy, planFor, topOf } from './plan.js'

/** flock(2), node-wide: of concurrent calls one creates the links, the others find them. */
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

const LOCK_PAUSE_MS = 5
const LOCK_MS_MAX = 30_000

/**
 * `work` with this node's kernel, which loads libc. The node agent has the lock before: it serves
 * other calls while it waits.
 * @throws CniError
 */
export async function withKernel<T>(
  work: (kernel: IfacerKernel) => T,
  { host }: { readonly host?: CallHost | undefined },
): Promise<T> {
  const { openKernel } = await import('../../lib/kernel/kernel.js')
  const kernel = openKernel('', host)
  try {
    if (host === undefined) return work(kernel)
    const unlock = await lockWhenFree(kernel)
    try {
      return work({ ...kernel, lock: () => () => undefined })
    } finally {
      unlock()
    }
  } finally {
    kernel.close()
  }
}

/** @throws CniError 11 where another process keeps the lock */
async function lockWhenFree(kernel: Pick<Kernel, 'tryLock'>): Promise<() => void> {
  const startMs = performance.now()
  for (;;) {
    const unlock = kernel.tryLock(LOCK)
    if (unlock) return unlock
    if (performance.now() - startMs > LOCK_MS_MAX)
      throw new CniError('tryAgain', `another process has ${LOCK} for ${LOCK_MS_MAX / 1000} s`)
    await new Promise(resolve => setTimeout(resolve, LOCK_PAUSE_MS * (1 + Math.random())))
  }
}

/**
 * ADD that has something to do (`unchangedIn`). The user of a marked link is recorded before the
 * link is created; a DEL that would remove it takes the same lock and sees the record. Returns the
 * applied steps.
 * @throws CniError
 */
export function ensure(
  config: IfacerConf,
  user: LinkUser,
  { kernel, users }: { kernel: IfacerKernel; users: LinkUsers },
): Plan {
  const top = topOf(config)
  if (top === undefined) return []
  return locked(kernel, () => {
    const node = completeAndUnclaimed(config, kernel) ?? withoutLeftovers(kernel)
    const plan = planFor(config, node)
    const existing = linkNamed(node, top)
    const isCounted = existing ? isMarked(existing) : config.removeUnused
    if (!isCounted) return applyOrUndo(plan, kernel)
    const isNew = users.put(top, user)
    try {
      return applyOrUndo(plan, kernel)
    } catch (error) {
      if (isNew) users.drop(top, user)
      throw error
    }
  })
}

/**
 * The node's state if nothing is missing; queried by name. Undefined also if a killed DEL left its
 * claim (`claimOf`).
 */
function completeAndUnclaimed(config: IfacerConf, kernel: IfacerKernel): NetnsState | undefined {
  const complete = completeIn(config, query => kernel.observe({ node: query }).node)
  const claims = kernel.observe({ node: { links: madeBy(config).map(unfinishedName) } }).node.links
  return claims.length === 0 ? complete : undefined
}

/** All links of the node, after the removal of what killed calls left. */
function withoutLeftovers(kernel: IfacerKernel): NetnsState {
  const observe = (): NetnsState =>
    kernel.observe({ node: { links: 'all', addressesOn: 'global', routes: { table: RT_TABLE_MAIN } } }).node
  const node = observe()
  const left = leftovers(node)
  if (left.length === 0) return node
  applyAll(left, kernel)
  return observe()
}

function applyOrUndo(plan: Plan, kernel: IfacerKernel): Plan {
  try {
    applyPlan(plan, probingMembers(plan, kernel))
    return plan
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    const { step, cause, undoFailures } = error
    const member = refusalCode(cause) === 'EBUSY' ? memberAfter(step, plan) : undefined
    const refusal = refusalOf(member ?? step, reasonOf(cause), refusalCode(cause))
    if (undoFailures.length === 0) throw refusal
    throw new CniError('internal', refusal.message, `not cleaned up: ${undoFailures.join('; ')}`, { cause })
  }
}

/** The setMaster that follows a setDown; undefined for other steps. */
function memberAfter(step: Step, plan: Plan): Step | undefined {
  const next = step.verb === 'setDown' ? plan[plan.indexOf(step) + 1] : undefined
  return next?.verb === 'setMaster' ? next : undefined
}

/**
 * Tries setMaster before a member is set down: bond_enslave (drivers/net/bonding/bond_main.c)
 * returns EBUSY for an interface with a macvlan before it checks that it is down, so a rejected ADD
 * does not interrupt pods.
 */
const probingMembers = (plan: Plan, kernel: IfacerKernel): Executor => ({
  ...kernel,
  apply(step) {
    const next = memberAfter(step, plan)
    if (next) throwIfBusy(() => kernel.apply(next))
    kernel.apply(step)
  },
})

function throwIfBusy(probe: () => void): void {
  try {
    probe()
  } catch (error) {
    if (refusalCode(error) === 'EBUSY') throw error
  }
}

/**
 * DEL and GC: drops the users for which `isGone` holds and removes unused links without users.
 * `idleToo`: also marked links that had no users before. Returns the removed links, of a stack the
 * lowest.
 * @throws CniError if a link cannot be removed
 */
export function release(
  isGone: (user: LinkUser) => boolean,
  { kernel, users: linkUsers }: { kernel: IfacerKernel; users: LinkUsers },
  idleToo = false,
): readonly string[] {
  return locked(kernel, () => {
    const gone: string[] = []
    const used = linkUsers.links().filter(link => linkUsers.usersOf(link).some(isGone))
    for (const link of [...used, ...(idleToo ? idleIn(withoutLeftovers(kernel), linkUsers) : [])]) {
      const users = linkUsers.usersOf(link)
      if (users.every(isGone)) gone.push(...removeFrom(link, { kernel, users: linkUsers }))
      for (const user of users.filter(isGone)) linkUsers.drop(link, user) // last, so that a killed DEL can be repeated
    }
    return gone
  })
}

/** Removes the lowest unused link of the stack; the kernel removes its upper devices with it. */
function removeFrom(name: string, { kernel, users }: { kernel: IfacerKernel; users: LinkUsers }): readonly string[] {
  const claims: Plan[number][] = []
  let lowest: string | undefined
  for (const link of unusedFrom(name, withoutLeftovers(kernel), lower => users.usersOf(lower).length > 0)) {
    const claim = claimOf(link)
    if (!isGranted(() => kernel.apply(claim))) break
    claims.push(claim)
    lowest = link.name
  }
  if (lowest === undefined) return []
  const failures = applyAll([removal(lowest)], kernel)
  if (failures.length === 0) return [lowest]
  undoPlan(claims, kernel)
  throw new CniError('internal', `${lowest} has no users and could not be removed: ${failures.join('; ')}`)
}

/** Errors of a claim: the link is in use, or the kernel has no macvlan. */
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

/** The error of a step that the kernel refused; `reason` is its text, `code` the errno's name. */
export const refusalOf = (step: Step, reason: string, code: string | undefined): CniError =>
  new CniError(
    isConfError(step, code) ? 'invalidConfig' : 'internal',
    `${stepFailure(step)}: ${reason}`,
    hintOf(step, reason, code),
  )

/** True if the kernel refused a value of the conf. */
const isConfError = (step: Step, code: string | undefined): boolean =>
  step.verb === 'addLink' && step.link.kind === 'bond' && code === 'EINVAL'

function stepFailure(step: Step): string {
  switch (step.verb) {
    case 'addLink':
      return step.link.kind === 'vlan'
        ? `failed to createVlanDevice: failed to create ${step.name}`
        : 'failed to createBondDevice: failed to create the bond'
    case 'setMaster':
      return `failed to createBondDevice: failed to make ${step.name} a member`
    case 'setActiveSlave':
      return `failed to createBondDevice: failed to make ${step.slave} the active_slave of ${step.name}`
    case 'rename':
      return `failed to name the new link ${step.to}`
    case 'setMtu':
      return `failed to set mtu ${step.mtu} on the bond`
    case 'setAlias':
      return `failed to mark ${step.name} as made by ifacer`
    case 'setUp':
      return `failed to set ${step.name} up`
    case 'setDown':
      return `failed to set ${step.name} down`
    default:
      return `${step.verb} failed` // ifacer's plans have no other step
  }
}

function hintOf(step: Step, reason: string, code: string | undefined): string {
  if (code === 'EPERM') return 'ifacer needs CAP_NET_ADMIN on the node'
  if (step.verb === 'setMaster' && code === 'EBUSY')
    return 'a macvlan, an ipvlan or a bridge uses it, perhaps in a pod: name another interface, or remove that one'
  if (step.verb !== 'addLink') return ''
  const { kind } = step.link
  if (reason.includes('VLANs not supported on device')) return 'name an interface that takes VLANs'
  if (code === 'EOPNOTSUPP') return `the kernel has no ${kind}: modprobe ${kind === 'vlan' ? '8021q' : 'bonding'}`
  if (kind === 'bond' && code === 'EINVAL') return 'bond.options has a value that bond.mode does not support'
  return ''
}
