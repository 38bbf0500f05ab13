// The verbs of ifacer that change links, on the kernel that is here: ADD where something lacks, DEL and GC where something was noted.
import { openKernel } from '../../lib/kernel/kernel.js'
import type { Plan } from '../../lib/plan/step.js'
import type { Config } from './config.js'
import type { Holds, User } from './holds.js'
import { ensure, release, type Node } from './links.js'

function withKernel<T>(work: (kernel: Node) => T): T {
  const kernel = openKernel('')
  try {
    return work(kernel)
  } finally {
    kernel.close()
  }
}

export const make = (config: Config, user: User, holds: Holds): Plan =>
  withKernel(kernel => ensure(config, user, { kernel, holds }))

export const letGo = (isGone: (user: User) => boolean, holds: Holds, idleToo: boolean): readonly string[] =>
  withKernel(kernel => release(isGone, { kernel, holds }, idleToo))
