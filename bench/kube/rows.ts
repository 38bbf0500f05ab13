// The rows of `make bench-kube`: what was measured by direct path, agent and peers, and as a table.
import { median, quantile } from '../measure.js'

export type Column = 'direct' | 'agent' | 'peer'
export const COLUMNS: readonly Column[] = ['direct', 'agent', 'peer']

/** A figure, or the median of several with their 10th and 90th percentile. */
export interface Figure {
  readonly value: number
  readonly p10?: number
  readonly p90?: number
}

export interface KubeRow {
  readonly what: string
  readonly unit: string
  readonly measured: Readonly<Partial<Record<Column, Figure>>>
  readonly target?: Readonly<Partial<Record<Column, number>>>
  /** The Go system's figure of the same work (bench/kube/go.ts). */
  readonly go?: string
}

export const spread = (values: readonly number[]): Figure => ({
  value: median(values),
  p10: quantile(values, 0.1),
  p90: quantile(values, 0.9),
})

/** Figures by column, without the columns that were not measured. */
export function measuredBy<T>(
  by: ReadonlyMap<Column, T>,
  of: (one: T) => Figure | undefined,
): Readonly<Partial<Record<Column, Figure>>> {
  return Object.fromEntries([...by].flatMap(([column, one]) => (of(one) ? [[column, of(one)]] : [])))
}

const rounded = (value: number): string =>
  Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

const shown = (figure: Figure | undefined): string =>
  figure === undefined ? '–' : `${rounded(figure.value)}${figure.p90 === undefined ? '' : ` (${rounded(figure.p90)})`}`

const targets = ({ target = {} }: KubeRow): string =>
  COLUMNS.flatMap(column => {
    const bound = target[column]
    return bound === undefined ? [] : [`${column} ≤ ${bound}`]
  }).join(', ')

export const TITLES = ['what', 'direct', 'agent', 'macvlan + host-local', 'Go', 'target'] as const

/** The cells of a row, in the order of TITLES. */
export const cellsOf = (row: KubeRow): readonly string[] => [
  row.unit === '' ? row.what : `${row.what}, ${row.unit}`,
  ...COLUMNS.map(column => shown(row.measured[column])),
  row.go ?? '',
  targets(row),
]

/** Columns of even width, for a terminal. The 10th percentile shows what other load added. */
export function textTable(rows: readonly KubeRow[]): string {
  const low = ({ measured }: KubeRow): string =>
    COLUMNS.flatMap(column => {
      const { p10 } = measured[column] ?? {}
      return p10 === undefined ? [] : [rounded(p10)]
    }).join(' / ')
  const all = [[...TITLES, 'p10'], ...rows.map(row => [...cellsOf(row), low(row)])]
  const widths = [...TITLES, 'p10'].map((_, at) => Math.max(...all.map(cells => (cells[at] ?? '').length)))
  return all
    .map(cells =>
      cells
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
