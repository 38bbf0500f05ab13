// Overlapping pools that two replicas admitted at the same time: the newer one is disabled until
// they no longer overlap.
import { effectiveOf } from '../../../../lib/crd/addressing.js'
import { ANNOTATION_DISABLED_BECAUSE } from '../../../../lib/crd/names.js'
import type { SpiderIPPool } from '../../../../lib/crd/types.js'
import { isOlder, poolClash } from '../../../../lib/crd/unique.js'
import { familyOf, type Family } from '../../../../lib/ip/address.js'
import { intervalOfPrefix, parsePrefix } from '../../../../lib/ip/cidr.js'
import type { Interval } from '../../../../lib/ip/range.js'

/** A merge patch of the pool, and its Event. */
export interface Disabling {
  readonly pool: SpiderIPPool
  readonly annotations: Readonly<Record<string, string | null>>
  readonly spec: { readonly disable: boolean }
  readonly type: 'Normal' | 'Warning'
  readonly reason: 'PoolOverlaps' | 'PoolOverlapsNoMore'
  readonly message: string
}

/**
 * By the rules of admission. A pool that a user disabled is left unchanged; one that was disabled
 * here is enabled when the reason is gone. The annotation holds the reason while it lasts.
 */
export function disablings(pools: readonly SpiderIPPool[]): readonly Disabling[] {
  const candidates = candidatesAmong(pools)
  const affected = pools.filter(pool => candidates.has(pool) || reasonOn(pool) !== undefined)
  return affected.map(pool => disablingOf(pool, pools)).filter(one => one !== undefined)
}

const reasonOn = ({ metadata }: SpiderIPPool): string | undefined => metadata.annotations?.[ANNOTATION_DISABLED_BECAUSE]

function disablingOf(pool: SpiderIPPool, others: readonly SpiderIPPool[]): Disabling | undefined {
  const { name, deletionTimestamp } = pool.metadata
  if (deletionTimestamp !== undefined) return undefined
  const recorded = reasonOn(pool)
  const why = overlapReason(pool, others)
  if (why === undefined && recorded === undefined) return undefined
  if (why === undefined) {
    const message = `SpiderIPPool ${name} overlaps with no older pool any more and is enabled`
    return { pool, ...patchOf(null, false), type: 'Normal', reason: 'PoolOverlapsNoMore', message }
  }
  if (pool.spec.disable === true && (recorded === why || recorded === undefined)) return undefined
  const message = `SpiderIPPool ${name} is disabled: ${why}; change or delete one of the two`
  return { pool, ...patchOf(why, true), type: 'Warning', reason: 'PoolOverlaps', message }
}

const patchOf = (why: string | null, disable: boolean): Pick<Disabling, 'annotations' | 'spec'> => ({
  annotations: { [ANNOTATION_DISABLED_BECAUSE]: why }, // null removes it
  spec: { disable },
})

/**
 * Reports the oldest overlapping pool, so that the reason does not depend on the order of pools.
 */
function overlapReason(pool: SpiderIPPool, others: readonly SpiderIPPool[]): string | undefined {
  const clashes = others.filter(other => isOlder(other, pool) && poolClash(pool, other) !== undefined)
  const [oldest] = clashes.sort((a, b) => (isOlder(a, b) ? -1 : 1))
  const clash = oldest && poolClash(pool, oldest)
  return clash && `${clash.field}: ${clash.why}`
}

interface Span extends Interval {
  readonly pool: SpiderIPPool
  /** Spans with the same value do not conflict. */
  readonly of: string
}

/**
 * Pools that may overlap: one pass over sorted spans, since most of thousands of pools have nothing
 * in common.
 */
function candidatesAmong(pools: readonly SpiderIPPool[]): ReadonlySet<SpiderIPPool> {
  const networks: Record<Family, Span[]> = { 4: [], 6: [] }
  const ranges: Record<Family, Span[]> = { 4: [], 6: [] }
  for (const pool of pools) {
    const prefix = parsePrefix(pool.spec.subnet)
    if (!prefix) continue
    const family = familyOf(prefix.ip)
    const network = intervalOfPrefix(prefix)
    networks[family].push({ ...network, pool, of: `${network.first}-${network.last}` })
    for (const one of effectiveOf(pool.spec, family)) ranges[family].push({ ...one, pool, of: pool.metadata.name })
  }
  return new Set([networks, ranges].flatMap(of => [...connected(of[4]), ...connected(of[6])]))
}

/** The pools of each group of connected spans with different `of`. */
function connected(spans: readonly Span[]): readonly SpiderIPPool[] {
  const sorted = [...spans].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const groups: { last: bigint; readonly spans: Span[] }[] = []
  for (const span of sorted) {
    const group = groups.at(-1)
    if (!group || group.last < span.first) groups.push({ last: span.last, spans: [span] })
    else {
      group.spans.push(span)
      if (span.last > group.last) group.last = span.last
    }
  }
  const clashing = groups.filter(({ spans: [first, ...more] }) => more.some(({ of }) => of !== first?.of))
  return clashing.flatMap(group => group.spans.map(({ pool }) => pool))
}
