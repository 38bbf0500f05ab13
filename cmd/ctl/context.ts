// What a command gets: the cluster, how to print, the clock.
import type { Cluster } from './cluster.js'
import { tableOf, type PrintColumn, type OutputFormat } from './output.js'
import type { ExitStatus } from './status.js'

export interface CtlContext {
  readonly cluster: Cluster
  readonly format: OutputFormat
  readonly colours: boolean
  /** Milliseconds since 1970. */
  readonly now: number
  /** To stdout. */
  print(text: string): void
  /** A sentence to stderr. */
  warn(sentence: string): void
  readFile(path: string): string
  /** A question on the terminal. Throws CtlError `usage` where there is none. */
  confirm(question: string): Promise<boolean>
  /** From now on the first Ctrl-C aborts this signal; the second ends the process. */
  interruptible(): AbortSignal
  yaml: { parse(text: string): unknown; stringify(value: unknown): string }
}

/** A command: what follows its name, and its exit status. */
export type CtlCommand<Options = object> = (
  context: CtlContext,
  args: readonly string[],
  options: Options,
) => Promise<ExitStatus>

export interface RowsView<Row> {
  readonly columns: readonly PrintColumn<Row>[]
  readonly nameOf: (row: Row) => string
}

/** Prints rows in the format of -o. */
export function printRows<Row>(context: CtlContext, rows: readonly Row[], { columns, nameOf }: RowsView<Row>): void {
  const { format, colours } = context
  if (format === 'table' || format === 'wide')
    context.print(tableOf(rows, columns, { wide: format === 'wide', colours }))
  else if (format === 'name') context.print(rows.map(row => `${nameOf(row)}\n`).join(''))
  else printValue(context, rows)
}

/** Prints one value as JSON or YAML; false for the other formats. */
export function printValue({ format, print, yaml }: CtlContext, value: unknown): boolean {
  const plain: unknown = JSON.parse(JSON.stringify(value))
  if (format === 'json') print(`${JSON.stringify(plain, null, 2)}\n`)
  else if (format === 'yaml') print(`${yaml.stringify(plain).trimEnd()}\n`)
  else return false
  return true
}
