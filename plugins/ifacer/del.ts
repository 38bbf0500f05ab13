// DEL and GC: release the links that ADD recorded for these attachments.
// Loaded lazily: only for DEL and GC.
import type { Call } from '../../lib/cni/plugin.js'
import type { IfacerConf } from './config.js'
import { LINK_USERS, userOf, type LinkUser } from './link-users.js'
import { fieldsOf, logged } from './log.js'
import { idleIn } from './ownership.js'

const releaseLinks = (call: Call<IfacerConf>, isGone: (user: LinkUser) => boolean, idleToo: boolean): Promise<void> =>
  logged(call, 'links not released', async log => {
    const gone = (await import('./mutate.js')).removeLinks(isGone, LINK_USERS, idleToo)
    log.info(gone.length > 0 ? 'links removed with their last user' : 'links released', { ...fieldsOf(call), gone })
  })

/** Releases the links of this attachment; removes marked links without users. */
export async function del(call: Call<IfacerConf>): Promise<void> {
  const { network, containerID, ifName } = userOf(call)
  const isOwn = (user: LinkUser): boolean =>
    user.network === network && user.containerID === containerID && user.ifName === ifName
  if (hasUser(isOwn)) await releaseLinks(call, isOwn, false)
}

/**
 * Releases attachments of this network that the runtime no longer has, and removes unused marked
 * links.
 */
export async function gc(call: Call<IfacerConf>): Promise<void> {
  const { name, validAttachments } = call
  const valid = new Set(validAttachments.map(({ containerID, ifname }) => `${containerID}:${ifname}`))
  const isGone = ({ network, containerID, ifName }: LinkUser): boolean =>
    network === name && !valid.has(`${containerID}:${ifName}`)
  const { listLinks } = await import('../../lib/kernel/list-links.js')
  if (hasUser(isGone) || idleIn(listLinks({ links: 'all' }), LINK_USERS).length > 0)
    await releaseLinks(call, isGone, true)
}

const hasUser = (isGone: (user: LinkUser) => boolean): boolean =>
  LINK_USERS.links().some(link => LINK_USERS.usersOf(link).some(isGone))
