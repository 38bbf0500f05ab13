// The address map of a pool as a string of cells. Pure.
import { familyOfSpec } from '../../../lib/crd/addressing.js'
import type { ConsoleMap } from '../../../lib/console/json.js'
import { familyOf, fromBigint, toBigint, type Family } from '../../../lib/ip/address.js'
import { parsePrefix } from '../../../lib/ip/cidr.js'
import { union, type Ranges } from '../../../lib/ip/range.js'
import type { PoolFacts } from '../facts.js'

/** log2 of the cells of a map. */
const CELLS_BITS_MAX = 16

const BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 }

interface Block {
  readonly first: bigint
  /** log2 of its addresses. */
  readonly bits: number
}

const blockText = ({ first, bits }: Block, family: Family): string =>
  `${fromBigint(first, family)}/${BITS[family] - bits}`

/** The smallest prefix that has all of the pool. */
function extentOf({ named, held, quarantined, family, pool }: PoolFacts): Block {
  const all = union(union(named, held), quarantined)
  const first = all[0]?.first
  const last = all.at(-1)?.last
  if (first === undefined || last === undefined) {
    const subnet = parsePrefix(pool.spec.subnet)
    return { first: subnet ? toBigint(subnet.ip) : 0n, bits: 0 }
  }
  let bits = 0
  while (first >> BigInt(bits) !== last >> BigInt(bits)) bits++
  return { first: (first >> BigInt(bits)) << BigInt(bits), bits }
}

/** A prefix of the pool's family; a sentence for another text. */
function blockOf(text: string, family: Family): Block | string {
  const prefix = parsePrefix(text)
  if (!prefix || familyOf(prefix.ip) !== family)
    return `prefix is "${text}"; write an IPv${family} prefix as in ${family === 4 ? '172.18.30.0/24' : 'fd00::/120'}`
  const bits = BITS[family] - prefix.length
  return { first: (toBigint(prefix.ip) >> BigInt(bits)) << BigInt(bits), bits }
}

/** The map of `prefix`, or of the whole pool; a sentence where the prefix is none. */
export function consoleMap(facts: PoolFacts, prefix: string | undefined): ConsoleMap | string {
  const { pool } = facts
  const family = familyOfSpec(pool.spec)
  const extent = extentOf(facts)
  const block = prefix === undefined ? extent : blockOf(prefix, family)
  if (typeof block === 'string') return block
  const cellBits = Math.max(0, block.bits - CELLS_BITS_MAX)
  return {
    pool: pool.metadata.name,
    version: family,
    prefix: blockText(block, family),
    extent: blockText(extent, family),
    cellBits,
    cells: cellBits === 0 ? stateCells(facts, block) : shareCells(facts, block, cellBits),
  }
}

/** Calls with the first and last cell of each range within the block. */
function eachWithin(ranges: Ranges, { first, bits }: Block, call: (first: bigint, last: bigint) => void): void {
  const end = (1n << BigInt(bits)) - 1n
  for (const range of ranges) {
    const from = range.first - first
    const to = range.last - first
    if (to >= 0n && from <= end) call(from < 0n ? 0n : from, to > end ? end : to)
  }
}

function stateCells({ named, free, recorded, reserved, quarantined, held }: PoolFacts, block: Block): string {
  const cells = new Uint8Array(2 ** block.bits).fill('.'.charCodeAt(0))
  // Later ones overwrite: an address outside of the pool may be held.
  const layers: readonly (readonly [Ranges, string])[] = [
    [named, 'x'],
    [free, 'f'],
    [recorded, 'g'],
    [reserved, 'r'],
    [quarantined, 'q'],
    [held, 'h'],
  ]
  for (const [ranges, letter] of layers)
    eachWithin(ranges, block, (from, to) => cells.fill(letter.charCodeAt(0), Number(from), Number(to) + 1))
  return textOf(cells)
}

const FULL = 'F'.charCodeAt(0)
const NONE = '.'.charCodeAt(0)
const ZERO = '0'.charCodeAt(0)
const TENTHS = 10

/** By cell, how much of what can be allocated is taken. */
function shareCells({ usable, free }: PoolFacts, block: Block, cellBits: number): string {
  const all = countsOf(usable, block, cellBits)
  const left = countsOf(free, block, cellBits)
  return textOf(
    Uint8Array.from(all, (count, at) => {
      const open = left[at] ?? 0
      if (count === 0) return NONE
      if (open === 0) return FULL
      // One taken address of thousands is seen.
      return ZERO + Math.min(TENTHS - 1, Math.ceil(((count - open) * (TENTHS - 1)) / count))
    }),
  )
}

function countsOf(ranges: Ranges, block: Block, cellBits: number): Float64Array {
  const counts = new Float64Array(2 ** (block.bits - cellBits))
  const shift = BigInt(cellBits)
  const whole = 2 ** cellBits
  eachWithin(ranges, block, (from, to) => {
    const [low, high] = [Number(from >> shift), Number(to >> shift)]
    if (low === high) {
      counts[low] = (counts[low] ?? 0) + Number(to - from + 1n)
      return
    }
    counts[low] = (counts[low] ?? 0) + Number((((from >> shift) + 1n) << shift) - from)
    for (let at = low + 1; at < high; at++) counts[at] = whole
    counts[high] = (counts[high] ?? 0) + Number(to - ((to >> shift) << shift) + 1n)
  })
  return counts
}

/** ASCII. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
