// Keys that wait for work: each once however often it is asked for, at most one worker a key, later and later after failures. Knows no work.

const BACKOFF_MS = 50
const BACKOFF_MS_MAX = 30_000

export interface QueueDeps {
  /** Calls back after `ms`; what it returns takes the call back. */
  readonly after: (ms: number, call: () => void) => () => void
  /** In [0, 1). */
  readonly random: () => number
}

/** Done, or to be looked at again after so many milliseconds. Throwing means: again, after a pause that doubles. */
export type ReconcileResult = { readonly requeueAfterMs: number } | undefined

interface Waiting {
  readonly dueMs: number
  readonly cancel: () => void
}

export class WorkQueue {
  readonly #work: (key: string) => Promise<ReconcileResult>
  readonly #seams: QueueDeps & { readonly now: () => number }
  readonly #workers: number
  readonly #ready = new Set<string>()
  readonly #running = new Set<string>()
  /** Asked for while they ran: they run once more. */
  readonly #dirty = new Set<string>()
  readonly #waiting = new Map<string, Waiting>()
  readonly #failures = new Map<string, number>()
  #isOpen = false
  #idle: (() => void)[] = []

  constructor(
    work: (key: string) => Promise<ReconcileResult>,
    workers: number,
    seams: QueueDeps & { readonly now: () => number },
  ) {
    this.#work = work
    this.#workers = workers
    this.#seams = seams
  }

  /** Keys ready, running or waiting for their time. */
  get size(): number {
    return this.#ready.size + this.#running.size + this.#waiting.size
  }

  /** Begins to work, and takes keys from now on: before, it forgets them. */
  open(): void {
    this.#isOpen = true
  }

  /** Forgets all keys; resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#isOpen = false
    for (const { cancel } of this.#waiting.values()) cancel()
    for (const keys of [this.#ready, this.#dirty, this.#waiting, this.#failures]) keys.clear()
    if (this.#running.size > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  add(key: string): void {
    if (!this.#isOpen) return
    this.#take(key)
    if (this.#running.has(key)) this.#dirty.add(key)
    else this.#ready.add(key)
    this.#pump()
  }

  /** The earlier time counts where the key waits already. */
  addAfter(key: string, ms: number): void {
    if (!this.#isOpen) return
    if (ms <= 0) return this.add(key)
    const dueMs = this.#seams.now() + ms
    if ((this.#waiting.get(key)?.dueMs ?? Infinity) <= dueMs) return
    this.#take(key)
    this.#waiting.set(key, { dueMs, cancel: this.#seams.after(ms, () => this.add(key)) })
  }

  #take(key: string): void {
    this.#waiting.get(key)?.cancel()
    this.#waiting.delete(key)
  }

  #pump(): void {
    for (const key of this.#ready) {
      if (this.#running.size >= this.#workers) return
      this.#ready.delete(key)
      this.#running.add(key)
      void this.#run(key)
    }
  }

  async #run(key: string): Promise<void> {
    let next: ReconcileResult
    try {
      next = await this.#work(key)
      this.#failures.delete(key)
    } catch {
      next = { requeueAfterMs: this.#pauseMs(key) } // told by who does the work
    }
    this.#running.delete(key)
    if (this.#dirty.delete(key)) this.add(key)
    else if (next) this.addAfter(key, next.requeueAfterMs)
    this.#pump()
    if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #pauseMs(key: string): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    const bound = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.min(failures, 20))
    return bound / 2 + (this.#seams.random() * bound) / 2
  }
}
