// The addresses of a pool as a grid of cells. Pure.
import { fromBigint } from '../../../lib/ip/address.js'
import { includes, intersect, nth, positionOf, sizeOf, subtract, union, type Ranges } from '../../../lib/ip/range.js'
import type { PoolFacts } from '../facts.js'

const CELLS_A_LINE = 64n
const CELLS_MAX = 1_024n

export const LEGEND = '# held  . free  r reserved  ! quarantined  g recorded by a Go agent  x excluded or unusable'
const TENTHS_LEGEND = '. none taken  1-9 tenths taken  # all taken  x excluded or unusable'

/** Lines of cells, each after the address of its first cell, and the legend; [] without cells. */
export function mapOf(facts: PoolFacts): readonly string[] {
  const { named, family } = facts
  const size = sizeOf(named)
  if (size === 0n) return []
  const perCell = size <= CELLS_MAX ? 1n : (size + CELLS_MAX - 1n) / CELLS_MAX
  const cellAt = perCell === 1n ? singleCells(facts) : tenthsCells(facts, perCell)
  const cells = (size + perCell - 1n) / perCell
  const lines: { readonly from: string; readonly text: string }[] = []
  for (let line = 0n; line < cells; line += CELLS_A_LINE) {
    let text = ''
    for (let cell = line; cell < line + CELLS_A_LINE && cell < cells; cell++) text += cellAt(cell)
    lines.push({ from: fromBigint(nth(named, line * perCell) ?? 0n, family), text })
  }
  const width = Math.max(...lines.map(({ from }) => from.length))
  const legend = perCell === 1n ? LEGEND : `a cell is ${perCell} addresses: ${TENTHS_LEGEND}`
  return [...lines.map(({ from, text }) => `${from.padEnd(width)}  ${text}`), legend]
}

type Cell = (cell: bigint) => string

function singleCells({ named, held, quarantined, reserved, recorded, free }: PoolFacts): Cell {
  const marks: readonly (readonly [string, Ranges])[] = [
    ['#', held],
    ['!', quarantined],
    ['r', reserved],
    ['g', recorded],
    ['.', free],
  ]
  return cell => {
    const address = nth(named, cell) ?? 0n
    return marks.find(([, ranges]) => includes(ranges, address))?.[0] ?? 'x'
  }
}

/** How much is taken of what the addresses of a cell can give out. */
function tenthsCells({ named, usable, free }: PoolFacts, perCell: bigint): Cell {
  const able = positionsOf(intersect(named, usable), named)
  const taken = positionsOf(subtract(intersect(named, usable), free), named)
  return cell => {
    const within: Ranges = [{ first: cell * perCell, last: (cell + 1n) * perCell - 1n }]
    const count = sizeOf(intersect(able, within))
    const gone = sizeOf(intersect(taken, within))
    if (count === 0n) return 'x'
    if (gone === 0n) return '.'
    if (gone === count) return '#'
    const tenths = (gone * 10n) / count
    return String(tenths === 0n ? 1n : tenths)
  }
}

/** Ranges of addresses as ranges of their positions in `named`, which contains them. */
function positionsOf(ranges: Ranges, named: Ranges): Ranges {
  return union(
    [],
    ranges.map(({ first, last }) => ({ first: positionOf(named, first) ?? 0n, last: positionOf(named, last) ?? 0n })),
  )
}
