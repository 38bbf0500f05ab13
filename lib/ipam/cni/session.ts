// What every verb of the IPAM needs: conf, log, pod of CNI_ARGS, journal, the CNI error of a fault.
import { CniError, OwnError } from '../../cni/error.js'
import { logOf } from '../../cni/allowed-files.js'
import type { Call } from '../../cni/plugin.js'
import { isUnauthorized, KubeError } from '../../kube/errors.js'
import { messageOf } from '../../errors.js'
import type { Log } from '../../log.js'
import { VERSION } from '../../version.js'
import { parseIp } from '../../ip/address.js'
import { ipamConf, type IpamConf } from './conf.js'
import { isRecordName, CONTAINER_NAMESPACE, uidOf, type ContainerIdentity } from '../allocation/standalone-identity.js'
import { JOURNAL_DIR, journalAt } from '../store/journal.js'
import type { Journal, ObjectRef } from '../store/store.js'
import { Refused, REFUSALS } from '../errors.js'

export interface Session {
  readonly conf: IpamConf
  readonly log: Log
  readonly pod: ObjectRef
  readonly podUid: string
  /** With ipam.owner "container"; `pod` and `podUid` are then derived from it. */
  readonly container: ContainerIdentity | undefined
  readonly journal: Journal
  /** Fields of every log line of the call. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * Conf, log and pod of a call.
 * @throws CniError 4, 7
 */
export function sessionOf(call: Call<unknown>): Session {
  const conf = ipamConf(call.config)
  const log = logFor(call, conf)
  const { containerID, ifName, command } = call
  const container = conf.owner === 'container' ? containerOf(call) : undefined
  const holder = container
    ? { pod: { namespace: CONTAINER_NAMESPACE, name: container.id }, podUid: uidOf(container) }
    : { pod: podOf(call), podUid: call.args.get('K8S_POD_UID') ?? '' }
  const holderField = container ? { container: container.name } : { pod: `${holder.pod.namespace}/${holder.pod.name}` }
  return {
    conf,
    log,
    ...holder,
    container,
    journal: journalAt(JOURNAL_DIR, { network: call.name, containerID, nic: ifName }),
    fields: { version: VERSION, command, containerID, ifName, ...holderField },
  }
}

/**
 * The log of the call.
 * @throws CniError 7 where the conf names a file outside the allowed directories
 */
export const logFor = (call: Pick<Call<unknown>, 'command' | 'env'>, conf: IpamConf): Log =>
  logOf(call, 'ipam.log_file_path', {
    level: conf.logLevel,
    file: conf.logFile,
    maxSizeMb: conf.logMaxSize,
    maxAgeDays: conf.logMaxAge,
    maxCount: conf.logMaxCount,
  })

const podOf = (call: Call<unknown>): ObjectRef => ({
  name: argument(call, 'K8S_POD_NAME'),
  namespace: argument(call, 'K8S_POD_NAMESPACE'),
})

/** Podman passes the container's name as K8S_POD_NAME, and `--ip` as IP. */
function containerOf({ containerID: id, args }: Call<unknown>): ContainerIdentity {
  if (!isRecordName(id))
    throw new CniError(
      'invalidEnv',
      `CNI_CONTAINERID is ${JSON.stringify(id)}; with ipam.owner "container" it must be small letters, digits, - and ., 64 at most`,
    )
  const text = args.get('IP') ?? ''
  const ip = parseIp(text)
  if (text !== '' && ip === undefined)
    throw new CniError('invalidEnv', `CNI_ARGS has IP=${text}; it must be one IPv4 or IPv6 address`)
  return { id, name: args.get('K8S_POD_NAME') || id, ip }
}

function argument(call: Call<unknown>, key: string): string {
  const value = call.args.get(key) ?? ''
  if (value === '')
    throw new CniError(
      'invalidEnv',
      `CNI_ARGS has no ${key}; the runtime must pass the pod, as in ${key}=…; where containers have no pods set ipam.owner to "container" (docs/podman.md)`,
      call.env['CNI_ARGS'] ?? '',
    )
  return value
}

/** No response, Conflict, Too Many Requests. */
const TRANSIENT: readonly number[] = [0, 409, 429]

const isTransient = (error: unknown): boolean =>
  error instanceof KubeError && (error.status >= 500 || TRANSIENT.includes(error.status))

/**
 * The CNI error: a refusal has its own code, a transient failure of the API server 11, others 999.
 */
export function refusalOf(prefix: string, error: unknown): CniError {
  const message = `${prefix}: ${messageOf(error)}`
  if (error instanceof CniError) return new CniError(error.kind, message, error.details, { cause: error })
  if (error instanceof Refused) return new OwnError(error.code, message)
  if (error instanceof KubeError && error.reason === 'BadConfig') return new CniError('invalidConfig', message)
  if (isUnauthorized(error)) return new OwnError(REFUSALS.unauthorized.code, message)
  const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  return new CniError(causes.every(isTransient) ? 'tryAgain' : 'internal', message, '', { cause: error })
}
