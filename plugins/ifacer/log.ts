// What ifacer writes into its log: a line for each call that had to do with links. Nothing of it is a reason to fail, but for a level that is none.
import { CniError } from '../../lib/cni/error.js'
import { logOf as logFor } from '../../lib/cni/allowed-files.js'
import type { Call } from '../../lib/cni/plugin.js'
import { LEVELS, levelOf, type Log } from '../../lib/log.js'
import { describe, type Plan } from '../../lib/plan/step.js'
import { VERSION } from '../../lib/version.js'
import type { IfacerConf } from './config.js'

type IfacerCall = Call<IfacerConf>

/** Throws CniError where the conf's level is none; DEL and GC go on with all levels. */
export function logOf({ config: { log }, command, env }: IfacerCall): Log {
  const level = levelOf(log.level)
  if (level === undefined && command !== 'DEL' && command !== 'GC')
    throw new CniError(
      'invalidConfig',
      `unsupported log level ${log.level}`,
      `logOptions.logLevel may be ${LEVELS.join(', ')}`,
    )
  const { file, maxSizeMb, maxAgeDays, maxCount } = log
  return logFor({ command, env }, 'logOptions.logFile', {
    level: level ?? 'debug',
    file,
    maxSizeMb,
    maxAgeDays,
    maxCount,
  })
}

export const fieldsOf = ({ command, containerID, ifName, name, args }: IfacerCall) => ({
  version: VERSION,
  command,
  network: name,
  containerID,
  ifName,
  pod: `${args.get('K8S_POD_NAMESPACE') ?? ''}/${args.get('K8S_POD_NAME') ?? ''}`,
})

export const stepsOf = (plan: Plan): readonly string[] => plan.map(describe)

/** Does the work; what it throws is told in the log and thrown on. */
export async function told<T>(call: IfacerCall, what: string, work: (log: Log) => Promise<T> | T): Promise<T> {
  const log = logOf(call)
  try {
    return await work(log)
  } catch (error) {
    log.error(what, { ...fieldsOf(call), error: String(error) })
    throw error
  }
}
