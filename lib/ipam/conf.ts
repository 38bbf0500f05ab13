// The `ipam` object of a CNI conf, read as Go's encoding/json reads it: keys in any case, null leaves the default. Pure.
import { CniError } from '../cni/error.js'

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
  readonly kubeconfig: string | undefined
  /** Only pools whose subnet the master has an address in. */
  readonly matchMasterSubnet: boolean
  /** The switches of the installation, under the names that its ConfigMap has for them. All on where the conf says nothing. */
  readonly switches: Switches
}

export interface Switches {
  readonly ipv4: boolean
  readonly ipv6: boolean
  readonly statefulSet: boolean
  readonly kubevirt: boolean
  readonly subnets: boolean
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'panic'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const LOG_FILE = '/var/log/spidernet/spiderpool.log'

type Keys = ReadonlyMap<string, unknown>

/** Go keeps the last of two keys that differ only in case. */
const keysOf = (value: object): Keys =>
  new Map(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inner as unknown]))

const bad = (key: string, value: unknown, wanted: string): CniError =>
  new CniError('invalidConfig', `ipam.${key} is ${JSON.stringify(value)}; ${wanted}`)

/** `conf` is the whole network configuration. Throws CniError 7 with the key, its value and what it may be. */
export function ipamConf(conf: unknown): IpamConf {
  const ipam = typeof conf === 'object' && conf !== null ? keysOf(conf).get('ipam') : undefined
  if (typeof ipam !== 'object' || ipam === null || Array.isArray(ipam))
    throw new CniError(
      'invalidConfig',
      `ipam is ${JSON.stringify(ipam) ?? 'missing'}; it must be an object such as {"type":"spiderpool"}`,
    )
  const keys = keysOf(ipam)
  return {
    logLevel: level(keys),
    logFile: text(keys, 'log_file_path') ?? LOG_FILE,
    logMaxSize: count(keys, 'log_file_max_size'),
    logMaxAge: count(keys, 'log_file_max_age'),
    logMaxCount: count(keys, 'log_file_max_count'),
    ipv4: names(keys, 'default_ipv4_ippool'),
    ipv6: names(keys, 'default_ipv6_ippool'),
    cleanGateway: flag(keys, 'clean_gateway'),
    kubeconfig: text(keys, 'kubeconfig'),
    matchMasterSubnet: flag(keys, 'match_master_subnet'),
    switches: {
      ipv4: flag(keys, 'enableIPv4', true),
      ipv6: flag(keys, 'enableIPv6', true),
      statefulSet: flag(keys, 'enableStatefulSet', true),
      kubevirt: flag(keys, 'enableKubevirtStaticIP', true),
      subnets: flag(keys, 'enableSpiderSubnet', true),
    },
  }
}

function text(keys: Keys, key: string): string | undefined {
  const value = keys.get(key) ?? undefined
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string') throw bad(key, value, 'it must be a string')
  return value
}

function level(keys: Keys): LogLevel {
  const wanted = text(keys, 'log_level')
  if (wanted === undefined) return 'debug'
  const found = LOG_LEVELS.find(name => name === wanted.toLowerCase())
  if (found === undefined) throw bad('log_level', wanted, `it must be one of ${LOG_LEVELS.join(', ')}`)
  return found
}

function flag(keys: Keys, key: string, absent = false): boolean {
  const value = keys.get(key.toLowerCase()) ?? absent
  if (typeof value !== 'boolean') throw bad(key, value, 'it must be true or false')
  return value
}

/** The documentation shows these as strings, the Go code wanted numbers: both are read. */
function count(keys: Keys, key: string): number {
  const value = keys.get(key) ?? 0
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw bad(key, value, 'it must be a whole number')
  return number
}

function names(keys: Keys, key: string): readonly string[] {
  const value = keys.get(key) ?? []
  const isList = Array.isArray(value) && value.every(name => typeof name === 'string' && name !== '')
  if (!isList) throw bad(key, value, 'it must be a list of SpiderIPPool names')
  return value as readonly string[]
}
