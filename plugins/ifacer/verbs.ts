// The verbs of ifacer, on the kernel that is here.
import { CniError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import { openKernel, type Kernel } from '../../lib/kernel/kernel.js'
import { describe } from '../../lib/plan/step.js'
import type { Config } from './config.js'
import { holdsIn, type User } from './holds.js'
import { ensure, lacking, release } from './links.js'
import { namesOf, topOf } from './plan.js'

const holds = holdsIn('/run/spidernet/ifacer')

function withKernel<T>(work: (kernel: Kernel) => T): T {
  const kernel = openKernel('')
  try {
    return work(kernel)
  } finally {
    kernel.close()
  }
}

const userOf = ({ name, containerID, ifName }: Call<Config>): User => ({ network: name, containerID, ifName })

/** What the runtime gave goes on as it came: links of the node are none of the pod's result. */
export function add(call: Call<Config>): Result {
  if (topOf(call.config) !== undefined) withKernel(kernel => ensure(call.config, userOf(call), { kernel, holds }))
  return call.prevResult ?? {}
}

export function check({ config }: Call<Config>): void {
  if (topOf(config) === undefined) return
  withKernel(kernel => {
    for (const name of namesOf(config))
      if (kernel.observe({ node: { links: [name] } }).node.links.length === 0)
        throw new CniError('internal', `${name} is not on the node any more`, 'the next ADD makes it again')
    const plan = lacking(config, kernel)
    if (plan.length > 0)
      throw new CniError('internal', `the node's links are not as ADD left them: ${plan.map(describe).join(', ')}`)
  })
}

/** Only a link that ADD noted a hold of is let go. */
export function del(call: Call<Config>): void {
  const { network, containerID, ifName } = userOf(call)
  if (holds.links().length === 0) return
  const isMe = (user: User): boolean =>
    user.network === network && user.containerID === containerID && user.ifName === ifName
  withKernel(kernel => release(isMe, { kernel, holds }))
}

/** Of this network, users that the runtime does not know any more. */
export function gc({ name, validAttachments }: Call<Config>): void {
  if (holds.links().length === 0) return
  const valid = new Set(validAttachments.map(({ containerID, ifname }) => `${containerID}:${ifname}`))
  const isGone = ({ network, containerID, ifName }: User): boolean =>
    network === name && !valid.has(`${containerID}:${ifName}`)
  withKernel(kernel => release(isGone, { kernel, holds }))
}

/** Whether links can be looked at; which of them an ADD wants, STATUS is not told. */
export function status(): void {
  withKernel(kernel => kernel.observe({ node: { links: ['lo'] } }))
}
