// What the console reads, as JSON. Types only.

/** A pool with its use. Numbers beyond 2^53 are rounded. */
export interface ConsolePool {
  readonly name: string
  readonly version: number
  readonly subnet: string
  readonly total: number
  readonly used: number
  readonly free: number
  readonly reserved: number
  readonly quarantined: number
  readonly recordedByGo: number
  /** Share of the pool that no new pod can get, 0 to 100. */
  readonly percent: number
  readonly default: boolean
  readonly disabled: boolean
  readonly disabledBecause: string
  readonly gateway: string
}

export interface ConsolePools {
  readonly pools: readonly ConsolePool[]
  /** Kinds that were not listed yet: what depends on them is incomplete. */
  readonly missing: readonly string[]
}

/**
 * The state of one address: held, quarantined, recorded by Go agents, reserved, free, excluded from
 * the pool, or not named by it.
 */
export type CellState = 'h' | 'q' | 'g' | 'r' | 'f' | 'x' | '.'

/** The addresses of a prefix by state. */
export interface ConsoleMap {
  readonly pool: string
  readonly version: number
  /** The prefix that is shown, and the smallest that has all addresses of the pool. */
  readonly prefix: string
  readonly extent: string
  /** log2 of the addresses of one cell. */
  readonly cellBits: number
  /**
   * A letter a cell, in the order of addresses. With cellBits 0 a CellState; else `0` to `9` for
   * how much of what can be allocated is taken, `F` for all of it, `.` where there is nothing.
   */
  readonly cells: string
}

export interface ConsoleEvent {
  /** RFC 3339. */
  readonly at: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
}

export interface ConsoleAddressRow {
  readonly address: string
  readonly state: string
  readonly namespace: string
  readonly pod: string
  readonly owner: string
  readonly node: string
  readonly pool: string
  readonly nic: string
  readonly mac: string
  readonly since: string
  readonly why: string
}

export interface ConsoleAddress {
  readonly rows: readonly ConsoleAddressRow[]
  /** Newest first. */
  readonly events: readonly ConsoleEvent[]
  /** Why there are no Events; '' where they were read. */
  readonly eventsMissing: string
}

export interface ConsoleTracedPool {
  readonly pool: string
  readonly free: number
  readonly total: number
  readonly dropped: string
  readonly order: number
}

type ConsoleRemedy = { readonly code: number; readonly todo: string }

export interface ConsoleTracedInterface {
  readonly nic: string
  readonly network: string
  readonly notes: readonly string[]
  readonly sources: readonly { readonly source: string; readonly value: string; readonly used: boolean }[]
  readonly pools: readonly ConsoleTracedPool[]
  readonly verdict:
    | { readonly kind: 'address'; readonly addresses: readonly { readonly address: string; readonly pool: string }[] }
    | { readonly kind: 'refused'; readonly message: string; readonly remedy: ConsoleRemedy }
    | { readonly kind: 'other'; readonly message: string }
}

/** Of `spiderpoolctl trace pod`. */
export interface ConsoleTrace {
  readonly pod: string
  readonly node: string
  readonly notes: readonly string[]
  readonly coordinator: { readonly phase: string; readonly reason: string }
  readonly interfaces: readonly ConsoleTracedInterface[]
  readonly lastError:
    | {
        readonly at: string
        readonly reason: string
        readonly message: string
        readonly remedy: ConsoleRemedy | undefined
      }
    | undefined
}

/** Pods that are scheduled and not running yet, as namespace/name. */
export interface ConsoleWaiting {
  readonly pods: readonly string[]
}

/** Data of the event `changed`: pools whose addresses changed; all of them where it is missing. */
export interface ConsoleChange {
  readonly pools?: readonly string[]
}
