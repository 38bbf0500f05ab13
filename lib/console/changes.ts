// Changes for the console's streams: gathered, and sent as one.
import type { ConsoleChange } from './json.js'
import type { Subscribe } from './source.js'

/** Changes within this time are one event. */
const GATHER_MS = 250

type After = (ms: number, call: () => void) => unknown

/** Gathers the names of changed pools, and calls the subscribers. */
export class Changes {
  readonly #after: After
  readonly #calls = new Set<(change: ConsoleChange) => void>()
  #pools = new Set<string>()
  #isAll = false
  #isWaiting = false

  constructor(after: After) {
    this.#after = after
  }

  readonly subscribe: Subscribe = call => {
    this.#calls.add(call)
    return () => void this.#calls.delete(call)
  }

  /** A pool by name; undefined: every pool may have changed. */
  note(pool: string | undefined): void {
    if (this.#calls.size === 0) return
    if (pool === undefined) this.#isAll = true
    else this.#pools.add(pool)
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#after(GATHER_MS, () => this.#send())
  }

  #send(): void {
    const change: ConsoleChange = this.#isAll ? {} : { pools: [...this.#pools] }
    this.#pools = new Set()
    this.#isAll = this.#isWaiting = false
    for (const call of this.#calls) call(change)
  }
}
