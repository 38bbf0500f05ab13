// ADD, CHECK, STATUS, DEL and GC.
// Loaded lazily: only if the conf creates links, or for STATUS, DEL and GC.
import { CniError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import { encodeResult, type Result } from '../../lib/cni/result.js'
import { sentencesOf } from '../../lib/cni/unknown-keys.js'
import { listLinks } from '../../lib/kernel/node-links.js'
import type { Log } from '../../lib/log.js'
import type { NetnsState } from '../../lib/plan/state.js'
import { describe, type Plan } from '../../lib/plan/step.js'
import type { IfacerConf } from './config.js'
import { LINK_USERS, userOf, type LinkUser } from './link-users.js'
import { fieldsOf, stepsOf, logged } from './log.js'
import { networkManagerWarning } from './networkmanager.js'
import { idleIn } from './ownership.js'
import { linksOf, namesOf, planFor, unchangedIn } from './plan.js'

/** Creates missing links and returns prevResult unchanged. @throws CniError */
export function add(call: Call<IfacerConf>): Promise<Result> {
  const { config } = call
  return logged(call, 'no links made', async log => {
    const result = call.prevResult ?? {}
    encodeResult(result, call.cniVersion) // first: 0.1.0 and 0.2.0 require an address
    const unchanged = unchangedIn(config, listLinks)
    const steps = unchanged ? [] : await makeLinks(call)
    warn(call, unchanged ?? linksOf(config, listLinks), log)
    await warnOfUnknown(call, log)
    log.info(steps.length > 0 ? 'links made' : 'links exist', { ...fieldsOf(call), steps: stepsOf(steps) })
    return result
  })
}

async function makeLinks(call: Call<IfacerConf>): Promise<Plan> {
  const { ensure, withKernel } = await import('./links.js')
  return withKernel(kernel => ensure(call.config, userOf(call), { kernel, users: LINK_USERS }), call)
}

/** ADD for a conf that creates no links, perhaps because of a misspelt key. */
export const addNone = (call: Call<IfacerConf>): Promise<Result> =>
  logged(call, 'no links made', async log => {
    await warnOfUnknown(call, log)
    return call.prevResult ?? {}
  })

async function warnOfUnknown(call: Call<IfacerConf>, log: Log): Promise<void> {
  for (const sentence of await sentencesOf(call.config.unknown)) log.warn(sentence, fieldsOf(call))
}

/** Checks that the links exist as ADD creates them. @throws CniError */
export function check(call: Call<IfacerConf>): Promise<void> {
  const { config } = call
  return logged(call, 'links not as ADD left them', log => {
    for (const name of namesOf(config))
      if (listLinks({ links: [name] }).links.length === 0)
        throw new CniError('internal', `${name} is not on the node any more`, 'the next ADD makes it again')
    const node = linksOf(config, listLinks)
    const plan = planFor(config, node)
    if (plan.length > 0)
      throw new CniError('internal', `the node's links are not as ADD left them: ${plan.map(describe).join(', ')}`)
    warn(call, node, log)
  })
}

/** Checks that links can be listed, and returns a warning about NetworkManager. @throws CniError */
export const status = (call: Call<IfacerConf>): Promise<string | undefined> =>
  logged(call, 'links cannot be listed', log => {
    return warn(call, listLinks({ links: ['lo', ...namesOf(call.config)] }), log)
  })

function warn(call: Call<IfacerConf>, node: NetnsState, log: Log): string | undefined {
  const warning = networkManagerWarning(call.config, node)
  if (warning !== undefined) log.warn(warning, fieldsOf(call))
  return warning
}

const releaseLinks = (call: Call<IfacerConf>, isGone: (user: LinkUser) => boolean, idleToo: boolean): Promise<void> =>
  logged(call, 'links not released', async log => {
    const { release, withKernel } = await import('./links.js')
    const gone = await withKernel(kernel => release(isGone, { kernel, users: LINK_USERS }, idleToo), call)
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
  if (hasUser(isGone) || idleIn(listLinks({ links: 'all' }), LINK_USERS).length > 0)
    await releaseLinks(call, isGone, true)
}

const hasUser = (isGone: (user: LinkUser) => boolean): boolean =>
  LINK_USERS.links().some(link => LINK_USERS.usersOf(link).some(isGone))
