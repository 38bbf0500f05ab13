// What another IPAM has allocated, in one form for all sources: types and helpers of parsers.
import type { Family, Ip } from '../../../lib/ip/address.js'
import type { Prefix } from '../../../lib/ip/cidr.js'
import type { Ranges } from '../../../lib/ip/range.js'

/** A range that the other IPAM gives out, and the SpiderIPPool for it. */
export interface ForeignPool {
  /** Of the SpiderIPPool. */
  readonly name: string
  /** Where it is from, for people. */
  readonly from: string
  readonly family: Family
  readonly subnet: Prefix
  readonly ranges: Ranges
  readonly gateway: Ip | undefined
}

export interface ForeignAllocation {
  readonly ip: Ip
  readonly from: string
  /** Undefined where the source does not name it. */
  readonly pod: { readonly namespace: string; readonly name: string } | undefined
  readonly nic: string
  readonly containerID: string
}

export interface ForeignState {
  readonly pools: readonly ForeignPool[]
  readonly allocations: readonly ForeignAllocation[]
  /** A sentence for each part that cannot be read. */
  readonly faults: readonly string[]
}

/** A name that the API server accepts. */
export const objectName = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')

type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const textIn = (value: unknown, key: string): string => {
  const found = isFields(value) ? value[key] : undefined
  return typeof found === 'string' ? found : ''
}

export const listIn = (value: unknown, key: string): readonly unknown[] => {
  const found = isFields(value) ? value[key] : undefined
  return Array.isArray(found) ? found : []
}

/** The plugins of a conf whose IPAM is of this type, each with the name of its network. */
export function ipamsIn(conf: unknown, type: string): readonly { readonly network: string; readonly ipam: Fields }[] {
  const network = textIn(conf, 'name')
  const plugins = isFields(conf) && Array.isArray(conf['plugins']) ? listIn(conf, 'plugins') : [conf]
  return plugins.flatMap(plugin => {
    const ipam = isFields(plugin) ? plugin['ipam'] : undefined
    return isFields(ipam) && textIn(ipam, 'type') === type ? [{ network, ipam }] : []
  })
}

/** JSON, or undefined. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined // the conf of another program; what needs it says that it is missing
  }
}
