// ADD, CHECK and STATUS of ifacer. What changes links is loaded when there is something to change.
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
import { fieldsOf, stepsOf, told } from './log.js'
import { seenOf, staysAsItIs } from './observe.js'
import { networkManagerWarning } from './networkmanager-state.js'
import { namesOf, planFor } from './plan.js'

/** What the runtime gave goes on as it came: links of the node are none of the pod's result. */
export function add(call: Call<IfacerConf>): Promise<Result> {
  const { config } = call
  return told(call, 'no links made', async log => {
    const result = call.prevResult ?? {}
    encodeResult(result, call.cniVersion) // throws for 0.1.0 and 0.2.0, that need an address: before something is made that would stay
    const isThere = staysAsItIs(config, listLinks)
    const steps = isThere ? [] : (await import('./mutate.js')).make(config, userOf(call), LINK_USERS)
    warn(call, isThere ?? seenOf(config, listLinks), log)
    await warnOfUnknown(call, log)
    log.info(steps.length > 0 ? 'links made' : 'links are there', { ...fieldsOf(call), steps: stepsOf(steps) })
    return result
  })
}

/** A conf that wants no links, perhaps because the key that would is misspelt. */
export const addNone = (call: Call<IfacerConf>): Promise<Result> =>
  told(call, 'no links made', async log => {
    await warnOfUnknown(call, log)
    return call.prevResult ?? {}
  })

async function warnOfUnknown(call: Call<IfacerConf>, log: Log): Promise<void> {
  for (const sentence of await sentencesOf(call.config.unknown)) log.warn(sentence, fieldsOf(call))
}

export function check(call: Call<IfacerConf>): Promise<void> {
  const { config } = call
  return told(call, 'links not as ADD left them', log => {
    for (const name of namesOf(config))
      if (listLinks({ links: [name] }).links.length === 0)
        throw new CniError('internal', `${name} is not on the node any more`, 'the next ADD makes it again')
    const node = seenOf(config, listLinks)
    const plan = planFor(config, node)
    if (plan.length > 0)
      throw new CniError('internal', `the node's links are not as ADD left them: ${plan.map(describe).join(', ')}`)
    warn(call, node, log)
  })
}

/** Whether links can be looked at; which of them an ADD wants, STATUS is not told. Returns what to warn of. */
export const status = (call: Call<IfacerConf>): Promise<string | undefined> =>
  told(call, 'links cannot be looked at', log => {
    return warn(call, listLinks({ links: ['lo', ...namesOf(call.config)] }), log)
  })

function warn(call: Call<IfacerConf>, node: NetnsState, log: Log): string | undefined {
  const warning = networkManagerWarning(call.config, node)
  if (warning !== undefined) log.warn(warning, fieldsOf(call))
  return warning
}
