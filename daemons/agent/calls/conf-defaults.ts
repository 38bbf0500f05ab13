// The ConfigMap's IPAM switches for a conf that does not set them itself. Pure.
import { switchesIn, type IPAM_SWITCHES } from '../../../lib/ipam/switches.js'
import type { AgentConf } from '../settings.js'

export type IpamSwitchDefaults = Pick<AgentConf, keyof typeof IPAM_SWITCHES>

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The conf with those switches added that it lacks and whose value differs from the default. A conf
 * that is no JSON object is returned as it is, to be refused with the plugin's own sentence.
 */
export function withSwitches(stdin: string, switches: IpamSwitchDefaults): string {
  const differing = Object.entries(switchesIn(switches))
  if (differing.length === 0) return stdin
  const conf = parsed(stdin)
  const ipamKey = isObject(conf) ? Object.keys(conf).find(key => key.toLowerCase() === 'ipam') : undefined
  const ipam = isObject(conf) && ipamKey !== undefined ? conf[ipamKey] : undefined
  if (!isObject(conf) || ipamKey === undefined || !isObject(ipam)) return stdin
  const set = new Set(Object.keys(ipam).map(key => key.toLowerCase())) // as Go's encoding/json compares
  const added = differing.filter(([key]) => !set.has(key.toLowerCase()))
  return added.length === 0 ? stdin : JSON.stringify({ ...conf, [ipamKey]: { ...ipam, ...Object.fromEntries(added) } })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
