// `macvlan-wrapper --plan`: the link that an ADD would make. Changes nothing. Loaded lazily.
import { CniError } from '../../lib/cni/error.js'
import type { Call, PlanFormat } from '../../lib/cni/plugin.js'
import { openKernel } from '../../lib/kernel/kernel.js'
import { NetnsError } from '../../lib/kernel/sockets.js'
import { linkNamed } from '../../lib/plan/state.js'
import { planLines } from '../../lib/plan/text.js'
import { lookUpMaster } from './add.js'
import type { MacvlanConf } from './config.js'
import { nicPlan } from './plan.js'

/**
 * The output of a dry run; the addresses are the IPAM's to give.
 * @throws CniError as ADD does
 */
export function dryRun(call: Call<MacvlanConf>, format: PlanFormat): string {
  const kernel = openKernel(call.netns)
  try {
    const master = lookUpMaster(call, kernel)
    const isThere = linkNamed(kernel.observe({ pod: { links: [call.ifName] } }).pod, call.ifName) !== undefined
    const steps = nicPlan(call, master)
    if (format === 'json')
      return `${JSON.stringify({ interface: call.ifName, master: master.name, exists: isThere, steps }, undefined, 2)}\n`
    const head = isThere
      ? `${call.ifName} exists already: an ADD would fail\n`
      : `${call.ifName} on ${master.name}: an ADD would apply\n`
    return `${head}${planLines(steps).join('\n')}\n`
  } catch (error) {
    if (error instanceof NetnsError)
      throw new CniError('invalidNetns', `failed to open netns "${call.netns}": ${error.message}`)
    throw error
  } finally {
    kernel.close()
  }
}
