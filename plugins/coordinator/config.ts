// The conf of coordinator as it comes on stdin: types only, so that DEL goes through whatever its values say. Knows JSON.
import { CniError } from '../../lib/cni/error.js'
import { Fields } from '../../lib/cni/json.js'
import { keysOf, routeNicOf, type CoordinatorKeys } from '../../lib/ipam/coordinator.js'

export interface Config {
  readonly keys: CoordinatorKeys
  /** The pod's first NIC. */
  readonly podDefaultCniNic: string
  /** `kubeconfig`, or the IPAM's; undefined: KUBECONFIG, or the installed one. */
  readonly kubeconfig: string | undefined
  readonly log: LogConf
}

export interface LogConf {
  readonly level: string
  readonly file: string
  readonly maxSizeMb: number
  readonly maxAgeDays: number
  readonly maxCount: number
}

const FIRST_NIC = 'eth0'
const LOG_FILE = '/var/log/spidernet/coordinator.log'

/** Throws CniError 6 naming the key and its value. */
export function accepts(raw: unknown): Config {
  try {
    if (typeof raw !== 'object' || raw === null) throw new CniError('decodeFailure', 'it is not an object')
    const conf = new Fields(raw, '')
    const keys = keysOf(conf)
    return {
      keys: { ...keys, podDefaultRouteNic: keys.podDefaultRouteNic || annotated(conf) },
      podDefaultCniNic: conf.string('podDefaultCniNic') || FIRST_NIC,
      kubeconfig: conf.string('kubeconfig') || conf.object('ipam')?.string('kubeconfig') || undefined,
      log: logConf(conf.object('logOptions')),
    }
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    throw new CniError(error.kind, `failed to parse config: ${error.message}`, error.details, { cause: error })
  }
}

/** Of a runtime with the capability `io.kubernetes.cri.pod-annotations` the pod's annotations come with the conf. */
const annotated = (conf: Fields): string | undefined =>
  routeNicOf(conf.object('runtimeConfig')?.object('io.kubernetes.cri.pod-annotations'))

function logConf(options: Fields | undefined): LogConf {
  return {
    level: options?.string('logLevel') || 'debug',
    file: options?.string('logFile') || LOG_FILE,
    maxSizeMb: count(options, 'logMaxSize'),
    maxAgeDays: count(options, 'logMaxAge'),
    maxCount: count(options, 'logMaxCount'),
  }
}

/** The documentation shows these as text, the Go code reads numbers: both are taken. */
function count(options: Fields | undefined, key: string): number {
  const value = options?.value(key)
  if (typeof value === 'string' && /^-?\d{1,9}$/.test(value)) return Number(value)
  return options?.integer(key) ?? 0
}
