// The verbs of ifacer on an open kernel: look, and where something lacks, take the lock, look again and make it.
import { CniError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import { reasonOf, refusalCode } from '../../lib/kernel/errno.js'
import { openKernel, type Kernel } from '../../lib/kernel/kernel.js'
import { run, StepError, undoAll } from '../../lib/plan/run.js'
import { describe, type Plan } from '../../lib/plan/step.js'
import type { Config } from './config.js'
import { leftovers, namesOf, planFor } from './plan.js'
import { refusalOf } from './words.js'

/** One writer on a node: what two calls both want, the second finds made. */
const LOCK = '/run/spidernet/ifacer.lock'

function withKernel<T>(work: (kernel: Kernel) => T): T {
  const kernel = openKernel('')
  try {
    return work(kernel)
  } finally {
    kernel.close()
  }
}

/** What the runtime gave goes on as it came: links of the node are none of the pod's result. */
export function add({ config, prevResult }: Call<Config>): Result {
  if (config.bond ?? config.vlan) withKernel(kernel => ensure(config, kernel))
  return prevResult ?? {}
}

function ensure(config: Config, kernel: Kernel): void {
  if (isThere(config, kernel) && lookAndPlan(config, kernel).length === 0) return
  const unlock = kernel.lock(LOCK)
  try {
    undoAll(leftovers(config), kernel)
    const { node } = kernel.observe({ node: { links: 'all', addressesOn: 'wide', routes: { table: 254 } } })
    doAll(planFor(config, node), kernel)
  } finally {
    unlock()
  }
}

/** A few questions by name: on a node with thousands of links the common case must not read them all. */
const look = ({ bond, ...config }: Config, kernel: Kernel) =>
  kernel.observe({ node: { links: namesOf({ bond, ...config }), ...(bond && { membersOf: bond.name }) } }).node

function isThere({ bond, vlan }: Config, kernel: Kernel): boolean {
  const wanted = [bond, vlan].flatMap(one => (one ? [one.name] : []))
  return kernel.observe({ node: { links: wanted } }).node.links.length === wanted.length
}

const lookAndPlan = (config: Config, kernel: Kernel): Plan => planFor(config, look(config, kernel))

function doAll(plan: Plan, kernel: Kernel): void {
  try {
    run(plan, kernel)
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    const { step, cause, undoFailures } = error
    const refusal = refusalOf(step, reasonOf(cause), refusalCode(cause))
    if (undoFailures.length === 0) throw refusal
    throw new CniError('internal', refusal.message, `not cleaned up: ${undoFailures.join('; ')}`, { cause })
  }
}

export function check({ config }: Call<Config>): void {
  if (!(config.bond ?? config.vlan)) return
  withKernel(kernel => {
    for (const name of namesOf(config))
      if (kernel.observe({ node: { links: [name] } }).node.links.length === 0)
        throw new CniError('internal', `${name} is not on the node any more`, 'the next ADD makes it again')
    const lacking = lookAndPlan(config, kernel)
    if (lacking.length > 0)
      throw new CniError('internal', `the node's links are not as ADD left them: ${lacking.map(describe).join(', ')}`)
  })
}

/** Whether links can be looked at; which of them an ADD wants, STATUS is not told. */
export function status(): void {
  withKernel(kernel => kernel.observe({ node: { links: ['lo'] } }))
}
