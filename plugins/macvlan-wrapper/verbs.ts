// The verbs of macvlan-wrapper on an open kernel.
// Loaded lazily: VERSION needs neither libc nor an IPAM.
import { CniError } from '../../lib/cni/error.js'
import { messageOf } from '../../lib/errors.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import { openKernel, type Kernel } from '../../lib/kernel/kernel.js'
import { NetnsError } from '../../lib/kernel/sockets.js'
import { applyAll } from '../../lib/plan/run.js'
import { linkNamed } from '../../lib/plan/state.js'
import { describe } from '../../lib/plan/step.js'
import { add as addOn, lookUpMaster } from './add.js'
import { checkPod, ownInterface } from './check.js'
import type { MacvlanConf } from './config.js'
import { ipamOf } from './ipam.js'
import { isOwnLink, leftovers, removalOf } from './plan.js'

async function withKernel<T>(
  { netns, host }: Pick<Call<unknown>, 'netns' | 'host'>,
  work: (kernel: Kernel) => T | Promise<T>,
): Promise<T> {
  const kernel = openKernel(netns, host)
  try {
    return await work(kernel)
  } catch (error) {
    if (error instanceof NetnsError)
      throw new CniError('invalidNetns', `failed to open netns "${netns}": ${error.message}`)
    throw error
  } finally {
    kernel.close()
  }
}

/** ADD. @throws CniError */
export const add = (call: Call<MacvlanConf>): Promise<Result> => withKernel(call, kernel => addOn(call, kernel))

/**
 * DEL. Attempts everything: the link is deleted also if the IPAM fails, and the IPAM releases also
 * if the namespace is gone. Both at once: the kernel takes 20 ms to delete a link, of which it
 * waits for nearly all.
 * @throws CniError with all failures
 */
export async function del(call: Call<MacvlanConf>): Promise<void> {
  const removing = call.netns === '' ? [] : failuresOf(() => removeLink(call))
  const failures = [...(await failuresOf(() => ipamOf(call)?.release())), ...(await removing)]
  const [first, ...more] = failures
  if (more.length === 0 && first === undefined) return
  if (more.length === 0) throw first
  throw new CniError('internal', failures.map(messageOf).join('; '), '', { cause: first })
}

/** Never rejects. */
const failuresOf = async (work: () => Promise<void> | undefined): Promise<readonly unknown[]> => {
  try {
    await work()
    return []
  } catch (error) {
    return [error]
  }
}

async function removeLink(call: Call<MacvlanConf>): Promise<void> {
  const kernel = openKernel(call.netns, call.host)
  try {
    kernel.enter()
    const failures = applyAll(leftovers(call), kernel)
    const nic = removalOf(call)
    if (isOwnOrGone(call, kernel))
      for (const error of await failuresOf(() => kernel.applyAsync(nic)))
        failures.push(`${describe(nic)}: ${messageOf(error)}`)
    if (failures.length > 0)
      throw new CniError('ioFailure', `${call.ifName} could not be removed: ${failures.join('; ')}`)
  } catch (error) {
    if (!(error instanceof NetnsError && error.isGone)) throw error // the link was deleted with its namespace
  } finally {
    kernel.close()
  }
}

function isOwnOrGone(call: Call<MacvlanConf>, kernel: Kernel): boolean {
  const { ifName } = call
  const { pod } = kernel.observe({ pod: { links: [ifName], addressesOn: ifName } })
  const link = linkNamed(pod, ifName)
  return link === undefined || isOwnLink(call, link, pod)
}

/** CHECK: IPAM, master, interface. @throws CniError */
export async function check(call: Call<MacvlanConf>): Promise<void> {
  const { prevResult, ifName } = call
  await ipamOf(call)?.check()
  if (prevResult === undefined) throw new CniError('invalidConfig', 'required prevResult missing')
  ownInterface(call, prevResult)
  await withKernel(call, kernel => {
    lookUpMaster(call, kernel)
    const { pod } = kernel.observe({ pod: { links: [ifName], addressesOn: ifName, routes: {} } })
    checkPod(call, prevResult, pod)
  })
}

/**
 * STATUS: master and IPAM are available; a master in the container cannot be checked.
 * @throws CniError
 */
export async function status(call: Call<MacvlanConf>): Promise<void> {
  try {
    if (!call.config.linkInContainer)
      await withKernel({ ...call, netns: '' }, kernel => void lookUpMaster(call, kernel))
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    throw new CniError('notAvailable', `cannot create a macvlan: ${error.message}`, error.details)
  }
  await ipamOf(call)?.status()
}

/** GC of the IPAM; links are deleted with their namespaces. */
export async function gc(call: Call<MacvlanConf>): Promise<void> {
  await ipamOf(call)?.gc()
}
