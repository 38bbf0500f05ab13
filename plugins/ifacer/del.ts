// DEL and GC of ifacer: users let go of the links that ADD noted them for. Nothing noted is nothing to do, whatever the conf says.
import type { Call } from '../../lib/cni/plugin.js'
import type { IfacerConf } from './config.js'
import { LINK_USERS, userOf, type LinkUser } from './link-users.js'
import { fieldsOf, told } from './log.js'
import { idleIn } from './unused.js'

const letGo = (call: Call<IfacerConf>, isGone: (user: LinkUser) => boolean, idleToo: boolean): Promise<void> =>
  told(call, 'links not let go', async log => {
    const gone = (await import('./mutate.js')).removeLinks(isGone, LINK_USERS, idleToo)
    log.info(gone.length > 0 ? 'links removed with their last user' : 'links let go', { ...fieldsOf(call), gone })
  })

export async function del(call: Call<IfacerConf>): Promise<void> {
  const { network, containerID, ifName } = userOf(call)
  const isMe = (user: LinkUser): boolean =>
    user.network === network && user.containerID === containerID && user.ifName === ifName
  if (isNoted(isMe)) await letGo(call, isMe, false)
}

/** Of this network, users that the runtime does not know any more; and links that have had none for a while. */
export async function gc(call: Call<IfacerConf>): Promise<void> {
  const { name, validAttachments } = call
  const valid = new Set(validAttachments.map(({ containerID, ifname }) => `${containerID}:${ifname}`))
  const isGone = ({ network, containerID, ifName }: LinkUser): boolean =>
    network === name && !valid.has(`${containerID}:${ifName}`)
  const { listLinks } = await import('../../lib/kernel/list-links.js')
  if (isNoted(isGone) || idleIn(listLinks({ links: 'all' }), LINK_USERS).length > 0) await letGo(call, isGone, true)
}

const isNoted = (isGone: (user: LinkUser) => boolean): boolean =>
  LINK_USERS.links().some(link => LINK_USERS.usersOf(link).some(isGone))
