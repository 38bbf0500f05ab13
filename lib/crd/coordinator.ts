// Defaults and validation of a SpiderCoordinator, and of the same settings in a SpiderMultusConfig.
import { familyOf, parseIp } from '../ip/address.js'
import { parsePrefix, type Prefix } from '../ip/cidr.js'
import { invalid, required, unsupported, type Fault } from './fault.js'
import { COORDINATOR_DEFAULTS } from '../../schemas/crds/generated/defaults.js'
import type { CoordinatorSpec, SpiderCoordinator } from '../../schemas/crds/generated/types.js'

export type { SpiderCoordinator } from '../../schemas/crds/generated/types.js'

export const POD_CIDR_TYPES = [
  'auto',
  'cluster',
  'calico',
  'cilium',
  'none',
] as const satisfies readonly CoordinatorSpec['podCIDRType'][]
const RP_FILTER_MAX = 2

/** Admission alone sets the last two. */
const DEFAULTS = { ...COORDINATOR_DEFAULTS, vethLinkAddress: '', vethMTU: 1500 } as const

/** An address as /32 or /128; anything else is unchanged, for validation to report. */
export function asPrefix(text: string): string {
  const ip = text.includes('/') ? undefined : parseIp(text)
  return ip === undefined ? text : `${ip}/${familyOf(ip) === 4 ? 32 : 128}`
}

/** The settings with CIDRs and destinations in prefix form; host bits are kept. */
export function withPrefixes<S extends CoordinatorSpec>(spec: S): S {
  const { hijackCIDR, policyRoutes } = spec
  return {
    ...spec,
    ...(hijackCIDR && { hijackCIDR: hijackCIDR.map(asPrefix) }),
    ...(policyRoutes && { policyRoutes: policyRoutes.map(route => ({ ...route, dst: asPrefix(route.dst) })) }),
  }
}

/**
 * The object with defaults. No finalizer: deletion needs no cleanup. The controller removes the one
 * of Go's Spiderpool.
 */
export const defaultCoordinator = (object: SpiderCoordinator): SpiderCoordinator =>
  object.metadata.deletionTimestamp === undefined
    ? { ...object, spec: withPrefixes({ ...DEFAULTS, ...object.spec }) }
    : object

/** All faults of the object to be written. No field is immutable. */
export function validateCoordinator({ spec = {} }: SpiderCoordinator): readonly Fault[] {
  const missing: readonly Fault[] =
    spec.podCIDRType === undefined
      ? [required('spec.podCIDRType', `it must be one of ${POD_CIDR_TYPES.join(', ')}`)]
      : []
  return [...missing, ...coordinatorFaults('spec', spec)]
}

/** Faults that both kinds share. `at`: the path of the settings. */
export function coordinatorFaults(at: string, spec: CoordinatorSpec): readonly Fault[] {
  const { podCIDRType, hijackCIDR = [], policyRoutes = [], podMACPrefix, vethLinkAddress } = spec
  const { txQueueLen = 0, podRPFilter = 0, vethMTU } = spec
  return [
    ...(podCIDRType === undefined || POD_CIDR_TYPES.some(one => one === podCIDRType)
      ? []
      : [unsupported(`${at}.podCIDRType`, podCIDRType, POD_CIDR_TYPES)]),
    ...hijackCIDR.flatMap((cidr, i) =>
      isPrefix(cidr) ? [] : [invalid(`${at}.hijackCIDR[${i}]`, cidr, 'it must be an IP address or a CIDR')],
    ),
    ...policyRoutes.flatMap(({ dst, gw }, i) => routeFaults(`${at}.policyRoutes[${i}]`, dst, gw)),
    ...macFaults(`${at}.podMACPrefix`, podMACPrefix ?? ''),
    ...(txQueueLen >= 0 ? [] : [invalid(`${at}.txQueueLen`, txQueueLen, 'it must be 0 or more')]),
    ...(podRPFilter <= RP_FILTER_MAX
      ? []
      : [invalid(`${at}.podRPFilter`, podRPFilter, 'it must be 0, 1 or 2, or negative: then it is left alone')]),
    ...linkFaults(`${at}.vethLinkAddress`, vethLinkAddress ?? ''),
    ...(vethMTU === undefined || vethMTU > 0 ? [] : [invalid(`${at}.vethMTU`, vethMTU, 'it must be more than 0')]),
  ]
}

const prefixIn = (text: string): Prefix | undefined => parsePrefix(asPrefix(text))
const isPrefix = (text: string): boolean => prefixIn(text) !== undefined

function routeFaults(at: string, dst: string, gw: string): readonly Fault[] {
  const to = prefixIn(dst)
  const via = parseIp(gw)
  if (!to) return [invalid(`${at}.dst`, dst, 'it must be an IP address or a CIDR')]
  if (via === undefined) return [invalid(`${at}.gw`, gw, 'it must be an IP address')]
  const isSame = familyOf(to.ip) === familyOf(via)
  return isSame ? [] : [invalid(`${at}.gw`, gw, `it must be of the same IP family as ${dst}`)]
}

function macFaults(at: string, prefix: string): readonly Fault[] {
  if (prefix === '') return []
  if (!/^[0-9a-f]{2}:[0-9a-f]{2}$/i.test(prefix)) return [invalid(at, prefix, 'it must be two bytes such as 0a:1b')]
  const isUnicast = Number.parseInt(prefix.slice(0, 2), 16) % 2 === 0
  return isUnicast ? [] : [invalid(at, prefix, 'it is of a multicast address; its first byte must be even')]
}

/** IPv4 only: the plugin sets the address with a prefix length of 32 (net.md 2.4). */
function linkFaults(at: string, address: string): readonly Fault[] {
  if (address === '') return []
  const ip = parseIp(address)
  return ip !== undefined && familyOf(ip) === 4 ? [] : [invalid(at, address, 'it must be an IPv4 address')]
}
