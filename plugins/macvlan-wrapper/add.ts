// ADD: observe, plan, apply, observe. On failure all applied steps are undone, newest first.
import { CniError, OwnError } from '../../lib/cni/error.js'
import { messageOf } from '../../lib/errors.js'
import { REPEATED_CALL_ENV } from '../../lib/agent/protocol.js'
import { ownerByAlias } from '../../lib/cni/link-alias.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import { reasonOf, refusalCode } from '../../lib/kernel/errno.js'
import type { Kernel } from '../../lib/kernel/kernel.js'
import { RT_TABLE_MAIN } from '../../lib/linux/constants.js'
import { applyAll, applyPlan, StepError, undoPlan } from '../../lib/plan/run.js'
import { isSatisfied, linkNamed, type NetnsState, type ObservedLink } from '../../lib/plan/state.js'
import type { Plan } from '../../lib/plan/step.js'
import type { MacvlanConf } from './config.js'
import { ipamOf, type Ipam } from './ipam.js'
import { dadSysctlsOf, settlementOf, settlePauseMs, shortDadPlan } from './dad.js'
import * as plan from './plan.js'
import { refusalOf } from './errors.js'

/** Where DAD could not be shortened, Linux ends it after a second or two. */
const SETTLE_MS_MAX = 5000
/** <linux/if.h> IF_OPER_UP. */
const OPER_UP = 6

/** Creates and configures the macvlan. @throws CniError; then nothing is left */
export async function add(call: Call<MacvlanConf>, kernel: Kernel): Promise<Result> {
  const master = lookUpMaster(call, kernel)
  const nic = plan.nicPlan(call, master)
  kernel.enter()
  applyAll(plan.leftovers(call), kernel)
  if (call.env[REPEATED_CALL_ENV] !== undefined) removeOwnNic(call, kernel)
  // Cleaned up by deletion rather than by the reverse rename, which older kernels refuse for a link
  // that is up.
  return withUndo({ steps: nic, cleanUp: plan.planForDel(call) }, call, kernel, async () => {
    const made = lookUpNic(call, kernel)
    const ipam = ipamOf(call)
    if (ipam) return plan.resultOf(call, lookUpNic(call, kernel), await address(call, kernel, ipam))
    applyOrThrow(plan.upPlan(call), call, kernel)
    return plan.resultOf(call, made, undefined)
  }).catch((error: unknown) => {
    throw master.up ? error : withMasterDown(error, master)
  })
}

/** Removes the NIC that an agent made for this very call before its process ended. */
function removeOwnNic({ containerID, ifName }: Call<MacvlanConf>, kernel: Kernel): void {
  const nic = linkNamed(kernel.observe({ pod: { links: [ifName] } }).pod, ifName)
  if (nic !== undefined && ownerByAlias(nic.alias, containerID) === 'own')
    applyAll([plan.removalOf({ ifName })], kernel)
}

/**
 * Adds the most likely reason: the reference plugin, too, creates a macvlan on a master that is
 * down.
 */
function withMasterDown(error: unknown, { name }: ObservedLink): unknown {
  if (!(error instanceof CniError)) return error
  const hint = `master "${name}" is down, and nothing is received on it: ip link set ${name} up`
  const details = error.details === '' ? hint : `${error.details}; ${hint}`
  return new OwnError(error.code, error.message, details, { cause: error })
}

/**
 * The master of the conf, else the device of the default route.
 * @throws CniError if there is none
 */
export function lookUpMaster({ config }: Call<MacvlanConf>, kernel: Kernel): ObservedLink {
  const where = plan.whereMaster(config)
  if (config.master !== '') {
    const observed = kernel.observe({ [where]: { links: [config.master] } })
    return plan.masterOf(config, observed, config.master)
  }
  const name = plan.masterName(config, kernel.observe({ [where]: { routes: { table: RT_TABLE_MAIN } } }))
  return plan.masterOf(config, kernel.observe({ [where]: { links: [name] } }), name)
}

function lookUpNic({ ifName }: Call<MacvlanConf>, kernel: Kernel): ObservedLink {
  const nic = linkNamed(kernel.observe({ pod: { links: [ifName] } }).pod, ifName)
  if (nic === undefined) throw new CniError('internal', `failed to lookup "${ifName}": Link not found`)
  return nic
}

/** Applies a plan. @throws CniError with the reference plugin's sentence for the failed step */
function applyOrThrow(steps: Plan, call: Call<MacvlanConf>, kernel: Kernel): void {
  try {
    applyPlan(steps, kernel)
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    const { step, cause } = error
    const { ifName } = call
    throw refusalOf({ step, reason: reasonOf(cause), code: refusalCode(cause), ifName, mac: plan.macText(call) })
  }
}

interface Undoable {
  readonly steps: Plan
  /** Applied when the work fails, where undoing the steps is not enough. */
  readonly cleanUp?: Plan
}

/**
 * Applies a plan, then runs `work`; if that fails, undoes the plan and rethrows the error of
 * `work`.
 */
async function withUndo<T>(
  plan: Undoable,
  call: Call<MacvlanConf>,
  kernel: Kernel,
  work: () => Promise<T>,
): Promise<T> {
  const { steps, cleanUp } = plan
  applyOrThrow(steps, call, kernel)
  try {
    return await work()
  } catch (error) {
    throw withFailures(error, cleanUp ? applyAll(cleanUp, kernel) : undoPlan(steps, kernel))
  }
}

/** The original error, with undo failures in its details. */
function withFailures(error: unknown, failures: readonly string[]): unknown {
  if (failures.length === 0) return error
  const message = messageOf(error)
  const kind = error instanceof CniError ? error.kind : 'internal'
  const details = error instanceof CniError ? error.details : ''
  const left = `not cleaned up: ${failures.join('; ')}`
  return new CniError(kind, message, details === '' ? left : `${details}; ${left}`, { cause: error })
}

async function address(call: Call<MacvlanConf>, kernel: Kernel, ipam: Ipam): Promise<Result> {
  const shortened = shortenDad(call, kernel)
  const claimed = await ipam.claim(kernel)
  try {
    const addressed = plan.addressedBy(call.ifName, claimed.result)
    const isSettling = plan.needsSettling(addressed)
    if (!isSettling) restoreDad(shortened, kernel)
    const { pod } = kernel.observe({ pod: { links: [call.ifName], sysctls: plan.sysctlsOf(call.ifName) } })
    await withUndo({ steps: plan.addressPlan(call, addressed, pod) }, call, kernel, async () => {
      if (isSettling) await settle(call, kernel).finally(() => restoreDad(shortened, kernel))
      applyOrThrow(plan.routePlan(addressed), call, kernel)
    })
    if (!announcedByKernel(call, kernel, pod)) await announce(call, kernel, addressed)
    return claimed.result
  } catch (error) {
    throw withFailures(error, await failuresOf(claimed.undo()))
  }
}

/**
 * Before the IPAM is called: one that probes for other hosts sets the link up, and DAD of the
 * link-local address begins. Returns the steps, which restoreDad() undoes.
 */
function shortenDad(call: Call<MacvlanConf>, kernel: Kernel): Plan {
  const { ifName } = call
  const { pod } = kernel.observe({ pod: { sysctls: dadSysctlsOf(ifName) } })
  const steps = shortDadPlan(ifName, pod)
  applyOrThrow(steps, call, kernel)
  return steps
}

/**
 * Undoes shortenDad(), but for a value that a router advertisement has set meanwhile.
 * @throws CniError naming what could not be restored
 */
function restoreDad(steps: Plan, kernel: Kernel): void {
  const paths = steps.flatMap(step => (step.verb === 'setSysctl' ? [step.path] : []))
  const observed = kernel.observe({ pod: { sysctls: paths } })
  const failures = undoPlan(
    steps.filter(step => isSatisfied(step, observed)),
    kernel,
  )
  if (failures.length > 0) throw new CniError('internal', `failed to restore sysctls: ${failures.join('; ')}`)
}

const failuresOf = (undoing: Promise<void>): Promise<readonly string[]> =>
  undoing.then(
    () => [],
    (error: unknown) => [`addresses: ${messageOf(error)}`],
  )

/** Waits until DAD has ended; without a carrier it never does, and the timeout is no error. */
async function settle({ ifName, config }: Call<MacvlanConf>, kernel: Kernel): Promise<void> {
  const startMs = performance.now()
  for (;;) {
    const { pod } = kernel.observe({ pod: { links: [ifName], addressesOn: ifName } })
    const settlement = settlementOf(pod, ifName)
    const failed = (what: string, details = ''): CniError =>
      new CniError('internal', `failed to settle addresses for "${ifName}": link ${ifName} ${what}`, details)
    if (settlement.kind === 'failed') {
      const { ip } = settlement
      const why = `another host on the network of "${config.master || ifName}" has ${ip}, or a pod is being given it at the same moment`
      throw failed(`has address ${ip} in DADFAILED state`, why)
    }
    if (settlement.kind === 'ready') return
    const elapsedMs = performance.now() - startMs
    if (elapsedMs >= SETTLE_MS_MAX) {
      if (linkNamed(pod, ifName)?.operState !== OPER_UP) return
      throw failed(`still has tentative addresses after ${SETTLE_MS_MAX / 1000} seconds`)
    }
    await new Promise(resolve => setTimeout(resolve, settlePauseMs(elapsedMs)))
  }
}

/**
 * With arp_notify and ndisc_notify the kernel announces addresses when a link comes up. Our own
 * frames are for links that an IPAM has set up before, and for sysctls that cannot be written; they
 * are expensive, since closing a packet socket waits some 15 ms for RCU.
 */
function announcedByKernel({ ifName }: Call<MacvlanConf>, kernel: Kernel, before: NetnsState): boolean {
  const isUp = linkNamed(before, ifName)?.up ?? false
  if (isUp) return false
  const paths = plan.notifiersOf(ifName)
  const { pod } = kernel.observe({ pod: { sysctls: paths } })
  return paths.every(path => pod.sysctls[path] === '1')
}

/** Sends gratuitous ARP and unsolicited NAs. Best effort: neighbours resolve the address anyway. */
async function announce({ ifName }: Call<MacvlanConf>, kernel: Kernel, addressed: plan.Addressed): Promise<void> {
  const { pod } = kernel.observe({ pod: { links: [ifName], addressesOn: ifName } })
  const ips = plan.announceable(pod, ifName, addressed)
  try {
    await (await import('../../lib/kernel/run-probe.js')).announce({ kernel, nic: ifName }, ips)
  } catch (error) {
    if (refusalCode(error) === undefined) throw error // a bug; errors of the kernel are ignored
  }
}
