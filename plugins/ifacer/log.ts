// The log of ifacer, a line per call. Logging never fails a call, except on an invalid level.
import { CniError } from '../../lib/cni/error.js'
import { logOf as logFor } from '../../lib/cni/allowed-files.js'
import type { Call } from '../../lib/cni/plugin.js'
import { LEVELS, levelOf, type Log } from '../../lib/log.js'
import { describe, type Plan } from '../../lib/plan/step.js'
import { VERSION } from '../../lib/version.js'
import type { IfacerConf } from './config.js'

type IfacerCall = Call<IfacerConf>

/** The log of a call. @throws CniError for an invalid level; DEL and GC use debug instead */
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

/** The fields of every line. */
export const fieldsOf = ({ command, containerID, ifName, name, args }: IfacerCall) => ({
  version: VERSION,
  command,
  network: name,
  containerID,
  ifName,
  pod: `${args.get('K8S_POD_NAMESPACE') ?? ''}/${args.get('K8S_POD_NAME') ?? ''}`,
})

/** The steps of a plan, one string each. */
export const stepsOf = (plan: Plan): readonly string[] => plan.map(describe)

/** Runs `work` with the log of the call; logs `failure` with the error and rethrows it. */
export async function logged<T>(call: IfacerCall, failure: string, work: (log: Log) => Promise<T> | T): Promise<T> {
  const log = logOf(call)
  try {
    return await work(log)
  } catch (error) {
    log.error(failure, { ...fieldsOf(call), error: String(error) })
    throw error
  }
}
