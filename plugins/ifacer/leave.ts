// DEL and GC of ifacer: users let go of the links that ADD noted them for. Nothing noted is nothing to do, whatever the conf says.
import type { Call } from '../../lib/cni/plugin.js'
import type { Config } from './config.js'
import { HOLDS, userOf, type User } from './holds.js'
import { fieldsOf, told } from './log.js'
import { idleIn } from './unused.js'

const letGo = (call: Call<Config>, isGone: (user: User) => boolean, idleToo: boolean): Promise<void> =>
  told(call, 'links not let go', async log => {
    const gone = (await import('./change.js')).letGo(isGone, HOLDS, idleToo)
    log.info(gone.length > 0 ? 'links removed with their last user' : 'links let go', { ...fieldsOf(call), gone })
  })

export async function del(call: Call<Config>): Promise<void> {
  const { network, containerID, ifName } = userOf(call)
  const isMe = (user: User): boolean =>
    user.network === network && user.containerID === containerID && user.ifName === ifName
  if (isNoted(isMe)) await letGo(call, isMe, false)
}

/** Of this network, users that the runtime does not know any more; and links that have had none for a while. */
export async function gc(call: Call<Config>): Promise<void> {
  const { name, validAttachments } = call
  const valid = new Set(validAttachments.map(({ containerID, ifname }) => `${containerID}:${ifname}`))
  const isGone = ({ network, containerID, ifName }: User): boolean =>
    network === name && !valid.has(`${containerID}:${ifName}`)
  const { glance } = await import('../../lib/kernel/glance.js')
  if (isNoted(isGone) || idleIn(glance({ links: 'all' }), HOLDS).length > 0) await letGo(call, isGone, true)
}

const isNoted = (isGone: (user: User) => boolean): boolean =>
  HOLDS.links().some(link => HOLDS.usersOf(link).some(isGone))
