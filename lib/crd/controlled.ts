// status.controlledIPPools of a SpiderSubnet: which pool has which of its ranges, as JSON text that other programs read. Pure codec.
import type { Family } from '../ip/address.js'
import { formatRanges, normal, type Ranges } from '../ip/range.js'
import { rangeIn } from './ranges.js'

export interface Controlled {
  readonly ranges: Ranges
  /** Of an auto-created pool: `{group}_{version}_{Kind}_{namespace}_{name}`, without the group where that is the core one. */
  readonly application?: string
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What one pool has: the others' ranges are not read. */
export function controlledBy(text: string | undefined, pool: string, family: Family): Ranges {
  const parsed = parse(text ?? '{}')
  const entry = isObject(parsed) ? parsed[pool] : undefined
  return (isObject(entry) ? rangesIn(entry['ips'], family) : undefined) ?? []
}

/** By name of pool. Entries that cannot be read are left out, and so is a text that is no JSON: the pools say what they have. */
export function controlledOf(text: string | undefined, family: Family): ReadonlyMap<string, Controlled> {
  const found = new Map<string, Controlled>()
  const parsed = parse(text ?? '{}')
  if (!isObject(parsed)) return found
  for (const [pool, entry] of Object.entries(parsed)) {
    if (!isObject(entry)) continue
    const { ips, application } = entry
    const ranges = rangesIn(ips, family)
    if (ranges) found.set(pool, { ranges, ...(typeof application === 'string' && { application }) })
  }
  return found
}

function rangesIn(texts: unknown, family: Family): Ranges | undefined {
  if (!Array.isArray(texts)) return undefined
  const read = texts.map((text: unknown) => (typeof text === 'string' ? rangeIn(text, family) : ''))
  const intervals = read.filter(one => typeof one !== 'string')
  return intervals.length === read.length ? normal(intervals) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // somebody wrote into it by hand; the pools themselves are still there
  }
}

/** Keys in byte order, `ips` before `application`, as Go's encoding/json writes them; `undefined` where there is no pool. */
export function controlledText(pools: ReadonlyMap<string, Controlled>, family: Family): string | undefined {
  if (pools.size === 0) return undefined
  const sorted = [...pools].sort(([a], [b]) => (a < b ? -1 : 1))
  const entries = sorted.map(([name, { ranges, application }]) => {
    const ips = formatRanges(ranges, family)
    return `${JSON.stringify(name)}:${JSON.stringify({ ips, ...(application !== undefined && { application }) })}`
  })
  return `{${entries.join(',')}}` // not of an object: that would put names of digits first
}
