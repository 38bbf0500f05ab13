// ADD, CHECK and STATUS of ifacer. What changes links is loaded when there is something to change.
import { CniError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Result } from '../../lib/cni/result.js'
import { glance } from '../../lib/kernel/glance.js'
import { describe } from '../../lib/plan/step.js'
import type { Config } from './config.js'
import { HOLDS, userOf } from './holds.js'
import { lacking, staysAsItIs } from './look.js'
import { namesOf } from './plan.js'

/** What the runtime gave goes on as it came: links of the node are none of the pod's result. */
export async function add(call: Call<Config>): Promise<Result> {
  if (!staysAsItIs(call.config, glance)) (await import('./change.js')).make(call.config, userOf(call), HOLDS)
  return call.prevResult ?? {}
}

export function check({ config }: Call<Config>): void {
  for (const name of namesOf(config))
    if (glance({ links: [name] }).links.length === 0)
      throw new CniError('internal', `${name} is not on the node any more`, 'the next ADD makes it again')
  const plan = lacking(config, glance)
  if (plan.length > 0)
    throw new CniError('internal', `the node's links are not as ADD left them: ${plan.map(describe).join(', ')}`)
}

/** Whether links can be looked at; which of them an ADD wants, STATUS is not told. */
export const status = (): void => void glance({ links: ['lo'] })
