// The verbs of ifacer that change links, on the kernel that is here: ADD where something lacks, DEL and GC where something was noted.
import { openKernel } from '../../lib/kernel/kernel.js'
import type { Config } from './config.js'
import type { Holds, User } from './holds.js'
import { ensure, release, type Node } from './links.js'

function withKernel(work: (kernel: Node) => void): void {
  const kernel = openKernel('')
  try {
    work(kernel)
  } finally {
    kernel.close()
  }
}

export const make = (config: Config, user: User, holds: Holds): void =>
  withKernel(kernel => ensure(config, user, { kernel, holds }))

export const letGo = (isGone: (user: User) => boolean, holds: Holds, idleToo: boolean): void =>
  withKernel(kernel => release(isGone, { kernel, holds }, idleToo))
