// Codec of status.controlledIPPools of a SpiderSubnet: JSON text with the ranges of each pool.
import type { Family } from '../ip/address.js'
import { formatRanges, normal, type Ranges } from '../ip/range.js'
import { isObject } from './guard.js'
import { rangeIn } from './ranges.js'

export interface Controlled {
  readonly ranges: Ranges
  /**
   * Of an auto-created pool: `{group}_{version}_{Kind}_{namespace}_{name}`; no group for core
   * kinds.
   */
  readonly application?: string
}

/** The ranges of one pool; other entries are not parsed. */
export function controlledBy(text: string | undefined, pool: string, family: Family): Ranges {
  const parsed = parse(text ?? '{}')
  const entry = isObject(parsed) ? parsed[pool] : undefined
  return (isObject(entry) ? rangesIn(entry['ips'], family) : undefined) ?? []
}

/**
 * By pool name. Unreadable entries are skipped, and so is invalid JSON: the pools are
 * authoritative.
 */
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
    return undefined // edited by hand; the pools are authoritative
  }
}

/**
 * Keys in byte order, `ips` first, as Go's encoding/json writes them; `undefined` without pools.
 */
export function controlledText(pools: ReadonlyMap<string, Controlled>, family: Family): string | undefined {
  if (pools.size === 0) return undefined
  const sorted = [...pools].sort(([a], [b]) => (a < b ? -1 : 1))
  const entries = sorted.map(([name, { ranges, application }]) => {
    const ips = formatRanges(ranges, family)
    return `${JSON.stringify(name)}:${JSON.stringify({ ips, ...(application !== undefined && { application }) })}`
  })
  return `{${entries.join(',')}}` // JSON.stringify of an object would sort integer-like names first
}
