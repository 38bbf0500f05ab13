// The ConfigMap's IPAM switches for a conf that does not set them itself. Pure.
import type { AgentConf } from '../settings.js'

/** Keys of `ipam` with the same name in conf.yml, and the default of lib/ipam/cni/conf.ts. */
const SWITCHES = {
  enableIPv4: true,
  enableIPv6: true,
  enableStatefulSet: true,
  enableKubevirtStaticIP: true,
  enableSpiderSubnet: true,
  enableIPConflictDetection: false,
  enableGatewayDetection: false,
} as const

export type IpamSwitchDefaults = Pick<AgentConf, keyof typeof SWITCHES>

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The conf with those switches added that it lacks and whose value differs from the default. A conf
 * that is no JSON object is returned as it is, to be refused with the plugin's own sentence.
 */
export function withSwitches(stdin: string, switches: IpamSwitchDefaults): string {
  const differing = Object.entries(SWITCHES).filter(([key, otherwise]) => valueOf(switches, key) !== otherwise)
  if (differing.length === 0) return stdin
  const conf = parsed(stdin)
  const ipamKey = isObject(conf) ? Object.keys(conf).find(key => key.toLowerCase() === 'ipam') : undefined
  const ipam = isObject(conf) && ipamKey !== undefined ? conf[ipamKey] : undefined
  if (!isObject(conf) || ipamKey === undefined || !isObject(ipam)) return stdin
  const set = new Set(Object.keys(ipam).map(key => key.toLowerCase())) // as Go's encoding/json compares
  const added = differing.filter(([key]) => !set.has(key.toLowerCase())).map(([key]) => [key, valueOf(switches, key)])
  return added.length === 0 ? stdin : JSON.stringify({ ...conf, [ipamKey]: { ...ipam, ...Object.fromEntries(added) } })
}

const valueOf = (switches: IpamSwitchDefaults, key: string): boolean | undefined =>
  Object.entries(switches).find(([name]) => name === key)?.[1]

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
