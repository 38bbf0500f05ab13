// What a command prints: tables as kubectl prints them, JSON, names. Pure.

export const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type OutputFormat = (typeof FORMATS)[number]

export type Tone = 'good' | 'bad' | 'faint'

export interface PrintColumn<Row> {
  readonly head: string
  /** Only with -o wide. */
  readonly wide?: true
  readonly of: (row: Row) => string
  readonly tone?: (row: Row) => Tone | undefined
}

const SGR: Readonly<Record<Tone, string>> = { good: '\u001b[32m', bad: '\u001b[31m', faint: '\u001b[2m' }
const SGR_RESET = '\u001b[0m'

/** The text in colour, where colours are on. */
export const toned = (text: string, tone: Tone | undefined, colours: boolean): string =>
  colours && tone !== undefined && text !== '' ? `${SGR[tone]}${text}${SGR_RESET}` : text

/** Columns are this far apart, as kubectl prints them. */
const GAP = '   '
const NONE = '<none>'

/** A header and a line for each row; '' without rows. */
export function tableOf<Row>(
  rows: readonly Row[],
  columns: readonly PrintColumn<Row>[],
  { wide = false, colours = false }: { readonly wide?: boolean; readonly colours?: boolean } = {},
): string {
  if (rows.length === 0) return ''
  const shown = columns.filter(column => wide || column.wide !== true)
  const cells = rows.map(row => shown.map(({ of }) => of(row) || NONE))
  const widths = shown.map(({ head }, at) => Math.max(head.length, ...cells.map(line => line[at]?.length ?? 0)))
  const padding = (text: string, at: number): string => ' '.repeat((widths[at] ?? 0) - text.length)
  const lineOf = (texts: readonly string[], tones: readonly (Tone | undefined)[]): string =>
    texts
      .map((text, at) => toned(text, tones[at], colours) + (at === texts.length - 1 ? '' : padding(text, at)))
      .join(GAP)
  const head = lineOf(
    shown.map(column => column.head),
    [],
  )
  const lines = rows.map((row, n) =>
    lineOf(
      cells[n] ?? [],
      shown.map(({ tone }) => tone?.(row)),
    ),
  )
  return `${[head, ...lines].join('\n')}\n`
}

/** `key:   value` lines, as kubectl describe prints them. */
export function fieldsOf(fields: readonly (readonly [key: string, value: string])[]): string {
  const width = Math.max(...fields.map(([key]) => key.length)) + 1
  return fields.map(([key, value]) => `${`${key}:`.padEnd(width)}  ${value}\n`).join('')
}

/** `1 address`, `12 addresses`. */
export const counted = (count: bigint | number, one: string, more = `${one}s`): string =>
  `${count} ${BigInt(count) === 1n ? one : more}`
