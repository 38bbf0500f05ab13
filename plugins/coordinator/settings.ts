// Merges the conf with SpiderCoordinator and validates the result. Pure.
import { isKernelTable } from '../../lib/linux/constants.js'
import { CniError } from '../../lib/cni/error.js'
import { familyOf, parseIp, type Ip } from '../../lib/ip/address.js'
import { bitsOf, familyOfCidr, networkOf, parsePrefix, type Cidr } from '../../lib/ip/cidr.js'
import { isDisabled, mergeKeys, type CoordinatorKeys } from '../../lib/coordinator/cluster-config.js'
import { LEVELS, levelOf } from '../../lib/log.js'
import type { CoordinatorConf } from './config.js'

export type Mode = 'auto' | 'underlay' | 'overlay' | 'disabled'

export interface CoordinatorSettings {
  readonly mode: Mode
  readonly defaultIfName: string
  /** '': not configured. */
  readonly defaultRouteNic: string
  /**
   * Routed via the node: overlayPodCIDR, serviceCIDR and hijackCIDR, in that order, without
   * duplicates.
   */
  readonly cidrs: readonly Cidr[]
  readonly policyRoutes: readonly { readonly to: Cidr; readonly via: Ip }[]
  readonly tunePodRoutes: boolean
  readonly hostRuleTable: number
  /** Undefined: unchanged. */
  readonly rpFilter: number | undefined
  /** 0: unchanged. */
  readonly txQueueLen: number
  /** The first two bytes, as `0a:1b`. */
  readonly macPrefix: string | undefined
  readonly vethLinkAddress: Ip | undefined
  readonly vethMtu: number
  readonly detectIPConflict: boolean
  readonly detectGateway: boolean
}

export const HOST_RULE_TABLE = 500
const VETH_MTU = 1500
const UINT32_MAX = 2 ** 32 - 1

const invalid = (message: string, details = ''): CniError => new CniError('invalidConfig', message, details)

/**
 * The settings of a call.
 * @throws CniError 7 for the first invalid value, in the order of the Go coordinator
 */
export function settingsOf(config: CoordinatorConf, cluster: CoordinatorKeys): CoordinatorSettings {
  const { keys: conf, podDefaultCniNic, log, detectIPConflict, detectGateway } = config
  const keys = mergeKeys(conf, cluster)
  if (levelOf(log.level) === undefined)
    throw invalid(`unsupported log level ${log.level}`, `logOptions.logLevel may be ${LEVELS.join(', ')}`)
  const macPrefix = macPrefixOf(keys.podMACPrefix ?? '')
  const { overlayPodCIDR = [], serviceCIDR = [], hijackCIDR = [] } = keys
  const cidrs = [...overlayPodCIDR, ...serviceCIDR, ...hijackCIDR].map(cidrOf)
  const policyRoutes = (keys.policyRoutes ?? []).map(policyRouteOf)
  const rpFilter = rpFilterOf(keys.podRPFilter ?? 0)
  return {
    mode: modeOf(keys.mode ?? 'auto'),
    defaultIfName: interfaceOf(podDefaultCniNic),
    defaultRouteNic: keys.podDefaultRouteNic ?? '',
    cidrs: [...new Set(cidrs)],
    policyRoutes,
    tunePodRoutes: keys.tunePodRoutes ?? true,
    hostRuleTable: tableOf(conf.hostRuleTable, cluster.hostRuleTable),
    rpFilter,
    txQueueLen: keys.txQueueLen ?? 0,
    macPrefix,
    vethLinkAddress: linkAddressOf(keys.vethLinkAddress ?? ''),
    vethMtu: mtuOf(conf.vethMTU, cluster.vethMTU),
    detectIPConflict,
    detectGateway,
  }
}

/**
 * Validates as dev_valid_name() does (net/core/dev.c): the name becomes part of a sysctl's path.
 */
function interfaceOf(name: string): string {
  if (Buffer.byteLength(name) <= 15 && name !== '.' && name !== '..' && !/[/:\s\0]/.test(name)) return name
  throw invalid(`podDefaultCniNic is ${JSON.stringify(name)}; it must be the name of an interface, such as eth0`)
}

function modeOf(mode: string): Mode {
  if (isDisabled(mode)) return 'disabled'
  if (mode === 'auto' || mode === 'underlay' || mode === 'overlay') return mode
  throw invalid(`unknown tuneMode: ${mode}`, `mode is "${mode}"; it may be auto, underlay, overlay or disabled`)
}

/** Two bytes, the first with the multicast bit 0. */
function macPrefixOf(text: string): string | undefined {
  if (text === '') return undefined
  if (/^[0-9a-f][02468ace][:-][0-9a-f]{2}$/i.test(text)) return text.toLowerCase().replace('-', ':')
  throw invalid(
    "mac_prefix format should be match regex: [a-fA-F0-9][a-fA-F,0,2-9][:][a-fA-F0-9]{2}, like '0a:1b'",
    `podMACPrefix is "${text}"; it must be two bytes, the first of them even`,
  )
}

function cidrOf(text: string): Cidr {
  const prefix = parsePrefix(text.trim())
  if (prefix === undefined)
    throw invalid(`invalid CIDR address: ${text}`, 'in overlayPodCIDR, serviceCIDR or hijackCIDR')
  return networkOf(prefix)
}

function policyRouteOf({
  dst,
  gw,
}: {
  readonly dst: string
  readonly gw: string
}): CoordinatorSettings['policyRoutes'][number] {
  const text = dst.trim()
  const ip = parseIp(text)
  const prefix = ip === undefined ? parsePrefix(text) : { ip, length: bitsOf(familyOf(ip)) }
  if (prefix === undefined) throw invalid(`invalid route dst "${dst}"`, 'policyRoutes[].dst is an IP address or a CIDR')
  const via = parseIp(gw.trim())
  if (via === undefined) throw invalid(`invalid route gw "${gw}"`, 'policyRoutes[].gw is an IP address')
  const to = networkOf(prefix)
  if (familyOfCidr(to) !== familyOf(via)) throw invalid(`route dst "${dst}" and gw "${gw}" must use the same IP family`)
  return { to, via }
}

/** Negative: unchanged. */
function rpFilterOf(value: number): number | undefined {
  if (value < 0) return undefined
  if (value <= 2) return value
  throw invalid(`invalid rp_filter value ${value}, available options: [-1,0,1,2]`)
}

/** Whether a number is valid as hostRuleTable. */
export const isHostTable = (table: number): boolean => table > 0 && table <= UINT32_MAX && !isKernelTable(table)

function tableOf(conf: number | undefined, cluster: number | undefined): number {
  const table = conf ?? (cluster !== undefined && cluster > 0 ? cluster : HOST_RULE_TABLE)
  if (isHostTable(table)) return table
  throw invalid(`hostRuleTable is ${table}; it must be from 1 to ${UINT32_MAX}, and not 253, 254 or 255`)
}

function linkAddressOf(text: string): Ip | undefined {
  if (text === '') return undefined
  const address = parseIp(text)
  if (address !== undefined && familyOf(address) === 4) return address
  throw invalid(`vethLinkAddress is "${text}"; it must be an IPv4 address such as 169.254.100.1`)
}

function mtuOf(conf: number | undefined, cluster: number | undefined): number {
  const mtu = conf ?? (cluster !== undefined && cluster > 0 ? cluster : VETH_MTU)
  if (mtu > 0) return mtu
  throw invalid('vethMTU must be greater than 0', `vethMTU is ${mtu}`)
}
