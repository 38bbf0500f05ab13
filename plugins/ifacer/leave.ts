// DEL and GC of ifacer: users let go of the links that ADD noted them for. Nothing noted is nothing to do, whatever the conf says.
import type { Call } from '../../lib/cni/plugin.js'
import type { Config } from './config.js'
import { HOLDS, userOf, type User } from './holds.js'

export async function del(call: Call<Config>): Promise<void> {
  const { network, containerID, ifName } = userOf(call)
  await letGo(user => user.network === network && user.containerID === containerID && user.ifName === ifName)
}

/** Of this network, users that the runtime does not know any more. */
export async function gc({ name, validAttachments }: Call<Config>): Promise<void> {
  const valid = new Set(validAttachments.map(({ containerID, ifname }) => `${containerID}:${ifname}`))
  await letGo(({ network, containerID, ifName }) => network === name && !valid.has(`${containerID}:${ifName}`))
}

async function letGo(isGone: (user: User) => boolean): Promise<void> {
  const isNoted = HOLDS.links().some(link => HOLDS.usersOf(link).some(isGone))
  if (isNoted) (await import('./change.js')).letGo(isGone, HOLDS)
}
