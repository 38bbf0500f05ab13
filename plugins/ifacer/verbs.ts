// ADD, CHECK and STATUS.
// Loaded lazily: only if the conf creates links, or for STATUS.
import { CniError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import { encodeResult, type Result } from '../../lib/cni/result.js'
import { sentencesOf } from '../../lib/cni/unknown-keys.js'
import { listLinks } from '../../lib/kernel/list-links.js'
import type { Log } from '../../lib/log.js'
import type { NetnsState } from '../../lib/plan/state.js'
import { describe } from '../../lib/plan/step.js'
import type { IfacerConf } from './config.js'
import { LINK_USERS, userOf } from './link-users.js'
import { fieldsOf, stepsOf, logged } from './log.js'
import { networkManagerWarning } from './networkmanager.js'
import { linksOf, namesOf, planFor, unchangedIn } from './plan.js'

/** Creates missing links and returns prevResult unchanged. @throws CniError */
export function add(call: Call<IfacerConf>): Promise<Result> {
  const { config } = call
  return logged(call, 'no links made', async log => {
    const result = call.prevResult ?? {}
    encodeResult(result, call.cniVersion) // first: 0.1.0 and 0.2.0 require an address
    const unchanged = unchangedIn(config, listLinks)
    const steps = unchanged ? [] : (await import('./mutate.js')).ensureLinks(config, userOf(call), LINK_USERS)
    warn(call, unchanged ?? linksOf(config, listLinks), log)
    await warnOfUnknown(call, log)
    log.info(steps.length > 0 ? 'links made' : 'links exist', { ...fieldsOf(call), steps: stepsOf(steps) })
    return result
  })
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
