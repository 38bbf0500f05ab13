// Runs ensure() and release() of links.ts on the real kernel.
// Loaded lazily: only if links change, since it loads libc.
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

/** ensure() on this node's kernel. @throws CniError */
export const ensureLinks = (config: IfacerConf, user: LinkUser, users: LinkUsers): Plan =>
  withKernel(kernel => ensure(config, user, { kernel, users }))

/** release() on this node's kernel. @throws CniError */
export const removeLinks = (
  isGone: (user: LinkUser) => boolean,
  users: LinkUsers,
  idleToo: boolean,
): readonly string[] => withKernel(kernel => release(isGone, { kernel, users }, idleToo))
