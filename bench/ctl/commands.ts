// The commands of `make bench-ctl`, with what each must reach. One that does not exist yet is left
// out, so that the table may name commands of a later version.
import { commandAt } from '../../cmd/ctl/commands.js'

export interface MeasuredCommand {
  /** As in cmd/ctl/commands.ts. */
  readonly path: string
  /** What follows it; POD, ADDRESS and POOL stand for ones of the cluster, FILE for a new one. */
  readonly args: string
  /** Milliseconds, median. */
  readonly msMax: number
}

/** What was measured of a command. */
export interface CtlRow {
  readonly command: string
  readonly ms: number
  readonly msMax: number
  readonly rssMb: number
  readonly requests: number
  /** The LISTs, without further pages, by kind. */
  readonly lists: Readonly<Record<string, number>>
  readonly isWithin: boolean
}

const LIST_MS = 1_500

const ALL: readonly MeasuredCommand[] = [
  { path: 'who', args: 'ADDRESS', msMax: 150 },
  { path: 'who', args: 'pod/default/POD', msMax: LIST_MS },
  { path: 'who', args: '0a:1b:00:00:00:01', msMax: LIST_MS },
  { path: 'pool list', args: '', msMax: LIST_MS },
  { path: 'pool show', args: 'POOL', msMax: LIST_MS },
  { path: 'pool overlap', args: '', msMax: LIST_MS },
  { path: 'trace pod', args: 'default/POD', msMax: LIST_MS },
  { path: 'quarantine list', args: '', msMax: LIST_MS },
  { path: 'doctor', args: '', msMax: LIST_MS },
  { path: 'check', args: '', msMax: LIST_MS },
  { path: 'gc', args: '--dry-run', msMax: LIST_MS },
  { path: 'reserve', args: '172.30.0.1-172.30.0.2 --name bench', msMax: LIST_MS },
  { path: 'migrate', args: 'spiderpool-go', msMax: LIST_MS },
  { path: 'pool drain', args: 'POOL', msMax: LIST_MS },
  { path: 'bundle', args: '--file FILE', msMax: LIST_MS },
]

/** Those that this version has. */
export const MEASURED: readonly MeasuredCommand[] = ALL.filter(({ path }) => commandAt(path) !== undefined)
