// ADD: look, decide, do, look again. Each thing that is acquired is given back, newest first, when anything after it fails.
import { CniError, OwnError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import { reasonOf, refusalCode } from '../../lib/kernel/errno.js'
import type { Kernel } from '../../lib/kernel/kernel.js'
import { applyAll, applyPlan, StepError, undoPlan } from '../../lib/plan/run.js'
import { linkNamed, type NetnsState, type ObservedLink } from '../../lib/plan/state.js'
import type { Plan } from '../../lib/plan/step.js'
import type { MacvlanConf } from './config.js'
import { ipamOf, type Ipam } from './ipam.js'
import * as plan from './plan.js'
import { refusalOf } from './errors.js'

/** Linux gives up on an address after a second or two; after this long, the reference plugin does. */
const SETTLE_MS_MAX = 5000
const SETTLE_PAUSE_MS = 50
/** <linux/if.h> IF_OPER_UP. */
const OPER_UP = 6

export async function add(call: Call<MacvlanConf>, kernel: Kernel): Promise<Result> {
  const master = lookUpMaster(call, kernel)
  const nic = plan.nicPlan(call, master)
  kernel.enter()
  applyAll(plan.leftovers(call), kernel)
  // The interface is ours now, and goes under the name that it has: an IPAM may have set it up, and older kernels then refuse to rename it back.
  return withUndo({ steps: nic, cleanUp: plan.planForDel(call) }, call, kernel, async () => {
    const made = lookUpNic(call, kernel)
    const ipam = ipamOf(call)
    if (ipam) return plan.resultOf(call, lookUpNic(call, kernel), await address(call, kernel, ipam))
    doAll(plan.upPlan(call), call, kernel)
    return plan.resultOf(call, made, undefined)
  }).catch((error: unknown) => {
    throw master.up ? error : withMasterDown(error, master)
  })
}

/**
 * A macvlan on a master that is down is made, as the reference plugin does; what fails then, fails
 * for that most likely.
 */
function withMasterDown(error: unknown, { name }: ObservedLink): unknown {
  if (!(error instanceof CniError)) return error
  const hint = `master "${name}" is down, and nothing is received on it: ip link set ${name} up`
  const details = error.details === '' ? hint : `${error.details}; ${hint}`
  return new OwnError(error.code, error.message, details, { cause: error })
}

/** The master that the conf names, or that the default route leads to. */
export function lookUpMaster({ config }: Call<MacvlanConf>, kernel: Kernel): ObservedLink {
  const where = plan.whereMaster(config)
  if (config.master !== '') {
    const seen = kernel.observe({ [where]: { links: [config.master] } })
    return plan.masterOf(config, seen, config.master)
  }
  const name = plan.masterName(config, kernel.observe({ [where]: { routes: { table: 254 } } }))
  return plan.masterOf(config, kernel.observe({ [where]: { links: [name] } }), name)
}

function lookUpNic({ ifName }: Call<MacvlanConf>, kernel: Kernel): ObservedLink {
  const nic = linkNamed(kernel.observe({ pod: { links: [ifName] } }).pod, ifName)
  if (nic === undefined) throw new CniError('internal', `failed to lookup "${ifName}": Link not found`)
  return nic
}

/** Runs a plan; a refused step becomes the sentence that users know. */
function doAll(steps: Plan, call: Call<MacvlanConf>, kernel: Kernel): void {
  try {
    applyPlan(steps, kernel)
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    const { step, cause } = error
    const { ifName } = call
    throw refusalOf({ step, reason: reasonOf(cause), code: refusalCode(cause), ifName, mac: plan.macText(call) })
  }
}

interface Done {
  readonly steps: Plan
  /** Applied when the work fails, where undoing the steps is not enough. */
  readonly cleanUp?: Plan
}

/** Does a plan and then the work; when the work fails, the plan is undone and the work's own error is what is told. */
async function withUndo<T>(done: Done, call: Call<MacvlanConf>, kernel: Kernel, work: () => Promise<T>): Promise<T> {
  const { steps, cleanUp } = done
  doAll(steps, call, kernel)
  try {
    return await work()
  } catch (error) {
    throw withFailures(error, cleanUp ? applyAll(cleanUp, kernel) : undoPlan(steps, kernel))
  }
}

/** The original error, and in its details what could not be cleaned up. */
function withFailures(error: unknown, failures: readonly string[]): unknown {
  if (failures.length === 0) return error
  const message = error instanceof Error ? error.message : String(error)
  const kind = error instanceof CniError ? error.kind : 'internal'
  const details = error instanceof CniError ? error.details : ''
  const left = `not cleaned up: ${failures.join('; ')}`
  return new CniError(kind, message, details === '' ? left : `${details}; ${left}`, { cause: error })
}

async function address(call: Call<MacvlanConf>, kernel: Kernel, ipam: Ipam): Promise<Result> {
  const claimed = await ipam.claim(kernel)
  try {
    const addressed = plan.addressedBy(call.ifName, claimed.result)
    const { pod } = kernel.observe({ pod: { links: [call.ifName], sysctls: plan.sysctlsOf(call.ifName) } })
    await withUndo({ steps: plan.addressPlan(call, addressed, pod) }, call, kernel, async () => {
      if (plan.needsSettling(addressed)) await settle(call, kernel)
      doAll(plan.routePlan(addressed), call, kernel)
    })
    if (!announcedByKernel(call, kernel, pod)) await announce(call, kernel, addressed)
    return claimed.result
  } catch (error) {
    throw withFailures(error, await failuresOf(claimed.undo()))
  }
}

const failuresOf = (undoing: Promise<void>): Promise<readonly string[]> =>
  undoing.then(
    () => [],
    (error: unknown) => [`addresses: ${error instanceof Error ? error.message : String(error)}`],
  )

/** Waits until duplicate address detection has ended. Without a carrier it never does; then waiting was all that could be done. */
async function settle({ ifName }: Call<MacvlanConf>, kernel: Kernel): Promise<void> {
  const deadline = performance.now() + SETTLE_MS_MAX
  for (;;) {
    const { pod } = kernel.observe({ pod: { links: [ifName], addressesOn: ifName } })
    const settlement = plan.settlementOf(pod, ifName)
    const failed = (what: string): CniError =>
      new CniError('internal', `failed to settle addresses for "${ifName}": link ${ifName} ${what}`)
    if (settlement.kind === 'failed') throw failed(`has address ${settlement.ip} in DADFAILED state`)
    if (settlement.kind === 'ready') return
    if (performance.now() >= deadline) {
      if (linkNamed(pod, ifName)?.operState !== OPER_UP) return
      throw failed(`still has tentative addresses after ${SETTLE_MS_MAX / 1000} seconds`)
    }
    await new Promise(resolve => setTimeout(resolve, SETTLE_PAUSE_MS))
  }
}

/**
 * The kernel announces what is on a link at the moment when it comes up, if it is told to notify. So the frames of our own are for a link
 * that an IPAM has set up before, and for sysctls that cannot be written. They are dear: closing a packet socket waits some 15 ms for RCU.
 */
function announcedByKernel({ ifName }: Call<MacvlanConf>, kernel: Kernel, before: NetnsState): boolean {
  const isUp = linkNamed(before, ifName)?.up ?? false
  if (isUp) return false
  const paths = plan.notifiersOf(ifName)
  const { pod } = kernel.observe({ pod: { sysctls: paths } })
  return paths.every(path => pod.sysctls[path] === '1')
}

/**
 * Tells the link whose addresses these are now. A courtesy: a frame that cannot be sent fails nothing, the neighbours then ask.
 */
async function announce({ ifName }: Call<MacvlanConf>, kernel: Kernel, addressed: plan.Addressed): Promise<void> {
  const { pod } = kernel.observe({ pod: { links: [ifName], addressesOn: ifName } })
  const ips = plan.announceable(pod, ifName, addressed)
  try {
    await (await import('../../lib/kernel/run-probe.js')).announce({ kernel, nic: ifName }, ips)
  } catch (error) {
    if (refusalCode(error) === undefined) throw error // a bug of ours; a refusal of the kernel's is let pass
  }
}
