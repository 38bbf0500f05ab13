// The verbs of ifacer that change links, on the kernel that is here: ADD where something lacks, DEL and GC where something was noted.
import { openKernel } from '../../lib/kernel/kernel.js'
import type { Plan } from '../../lib/plan/step.js'
import type { IfacerConf } from './config.js'
import type { LinkUsers, LinkUser } from './link-users.js'
import { ensure, release, type IfacerKernel } from './links.js'

function withKernel<T>(work: (kernel: IfacerKernel) => T): T {
  const kernel = openKernel('')
  try {
    return work(kernel)
  } finally {
    kernel.close()
  }
}

export const make = (config: IfacerConf, user: LinkUser, users: LinkUsers): Plan =>
  withKernel(kernel => ensure(config, user, { kernel, users }))

export const removeLinks = (
  isGone: (user: LinkUser) => boolean,
  users: LinkUsers,
  idleToo: boolean,
): readonly string[] => withKernel(kernel => release(isGone, { kernel, users }, idleToo))
