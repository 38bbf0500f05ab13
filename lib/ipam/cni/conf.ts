// The `ipam` object of a CNI conf, parsed as Go's encoding/json does: case-insensitive keys, null
// leaves the default. Pure.
import * as schema from '../../../schemas/netconf/generated/ipam.js'
import { checked, ConfFault, type TimeoutsConf } from '../../cni/conf.js'
import { CniError } from '../../cni/error.js'
import { unknownKeys, type UnknownKey } from '../../cni/unknown-keys.js'
import { LOG_OLD_FILES, LOG_SIZE_MB } from '../../cni/log-options.js'
import { keysOf } from '../json-keys.js'
import { IPAM_SWITCHES } from '../switches.js'

export interface IpamConf {
  readonly logLevel: LogLevel
  readonly logFile: string
  /** Megabytes, days, files; 0 leaves rotation to its defaults. */
  readonly logMaxSize: number
  readonly logMaxAge: number
  readonly logMaxCount: number
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
  readonly cleanGateway: boolean
  /** What holds an address: a pod, or a container without one. */
  readonly owner: 'pod' | 'container'
  readonly kubeconfig: string | undefined
  /** By verb, in seconds. */
  readonly timeouts: TimeoutsConf
  /** Use only pools whose subnet contains an address of the master. */
  readonly matchMasterSubnet: boolean
  /** Feature switches, named as in the ConfigMap; all but detection default to on. */
  readonly switches: IpamSwitches
  /** Unknown keys of `ipam`, for the log. */
  readonly unknown: readonly UnknownKey[]
}

export interface IpamSwitches {
  readonly ipv4: boolean
  readonly ipv6: boolean
  readonly statefulSet: boolean
  readonly kubevirt: boolean
  readonly subnets: boolean
  readonly conflictDetection: boolean
  readonly gatewayDetection: boolean
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const LOG_FILE = '/var/log/spidernet/spiderpool.log'

/**
 * `conf` is the whole network configuration.
 * @throws CniError 7 with the key, its value and what is allowed
 */
export function ipamConf(conf: unknown): IpamConf {
  const ipam = typeof conf === 'object' && conf !== null ? keysOf(conf).get('ipam') : undefined
  if (typeof ipam !== 'object' || ipam === null || Array.isArray(ipam))
    throw new CniError(
      'invalidConfig',
      `ipam is ${JSON.stringify(ipam) ?? 'missing'}; it must be an object such as {"type":"spiderpool"}`,
    )
  const keys = validate(ipam)
  return {
    logLevel: level(keys.log_level),
    logFile: keys.log_file_path || LOG_FILE,
    logMaxSize: Number(keys.log_file_max_size ?? LOG_SIZE_MB),
    logMaxAge: Number(keys.log_file_max_age ?? 0),
    logMaxCount: Number(keys.log_file_max_count ?? LOG_OLD_FILES),
    ipv4: keys.default_ipv4_ippool ?? [],
    ipv6: keys.default_ipv6_ippool ?? [],
    cleanGateway: keys.clean_gateway ?? false,
    owner: keys.owner === 'container' ? 'container' : 'pod',
    kubeconfig: keys.kubeconfig || undefined,
    timeouts: keys.timeouts ?? {},
    matchMasterSubnet: keys.match_master_subnet ?? false,
    switches: {
      ipv4: keys.enableIPv4 ?? IPAM_SWITCHES.enableIPv4,
      ipv6: keys.enableIPv6 ?? IPAM_SWITCHES.enableIPv6,
      statefulSet: keys.enableStatefulSet ?? IPAM_SWITCHES.enableStatefulSet,
      kubevirt: keys.enableKubevirtStaticIP ?? IPAM_SWITCHES.enableKubevirtStaticIP,
      subnets: keys.enableSpiderSubnet ?? IPAM_SWITCHES.enableSpiderSubnet,
      conflictDetection: keys.enableIPConflictDetection ?? IPAM_SWITCHES.enableIPConflictDetection,
      gatewayDetection: keys.enableGatewayDetection ?? IPAM_SWITCHES.enableGatewayDetection,
    },
    unknown: unknownKeys(ipam, schema.keys, 'ipam.'),
  }
}

function validate(ipam: object): schema.Conf {
  try {
    return checked(ipam, schema, 'ipam.')
  } catch (error) {
    if (error instanceof ConfFault) throw new CniError('invalidConfig', error.message)
    throw error
  }
}

function level(value: string | undefined): LogLevel {
  if (value === undefined || value === '') return 'debug'
  const found = LOG_LEVELS.find(name => name === value.toLowerCase())
  if (found === undefined)
    throw new CniError(
      'invalidConfig',
      `ipam.log_level is ${JSON.stringify(value)}; it must be one of ${LOG_LEVELS.join(', ')}`,
    )
  return found
}
