// Work queue as in client-go: deduplicated keys, one worker for each key, exponential backoff after
// failures.

const BACKOFF_MS = 50
const BACKOFF_MS_MAX = 30_000

export interface QueueDeps {
  /** Calls `call` after `ms`; the result cancels it. */
  readonly after: (ms: number, call: () => void) => () => void
  /** In [0, 1). */
  readonly random: () => number
}

/** Done, or requeued after so many milliseconds. An error requeues with exponential backoff. */
export type ReconcileResult = { readonly requeueAfterMs: number } | undefined

/** One run of a key. */
export interface QueueRun {
  /** Between the add and the beginning. */
  readonly waitedMs: number
  readonly ranMs: number
}

interface Waiting {
  readonly dueMs: number
  readonly cancel: () => void
}

type QueueSeams = QueueDeps & { readonly now: () => number; readonly onRun?: (run: QueueRun) => void }

export class WorkQueue {
  readonly #work: (key: string) => Promise<ReconcileResult>
  readonly #seams: QueueSeams
  readonly #maxConcurrent: number
  /** When it was added. */
  readonly #ready = new Map<string, number>()
  readonly #running = new Set<string>()
  /** Added while they ran; they run once more. */
  readonly #dirty = new Set<string>()
  readonly #waiting = new Map<string, Waiting>()
  readonly #failures = new Map<string, number>()
  #isOpen = false
  #idle: (() => void)[] = []

  constructor(work: (key: string) => Promise<ReconcileResult>, maxConcurrent: number, seams: QueueSeams) {
    this.#work = work
    this.#maxConcurrent = maxConcurrent
    this.#seams = seams
  }

  /** Keys ready, running or waiting for their time. */
  get size(): number {
    return this.#ready.size + this.#running.size + this.#waiting.size
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#ready.size
  }

  /** Starts the workers and accepts keys; keys added before are dropped. */
  open(): void {
    this.#isOpen = true
  }

  /** Drops all keys; resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#isOpen = false
    for (const { cancel } of this.#waiting.values()) cancel()
    for (const keys of [this.#ready, this.#dirty, this.#waiting, this.#failures]) keys.clear()
    if (this.#running.size > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  add(key: string): void {
    if (!this.#isOpen) return
    this.#cancelWait(key)
    if (this.#running.has(key)) this.#dirty.add(key)
    else if (!this.#ready.has(key)) this.#ready.set(key, this.#seams.now())
    this.#startReady()
  }

  /** Adds the key after `ms`; if it waits already, the earlier time counts. */
  addAfter(key: string, ms: number): void {
    if (!this.#isOpen) return
    if (ms <= 0) return this.add(key)
    const dueMs = this.#seams.now() + ms
    if ((this.#waiting.get(key)?.dueMs ?? Infinity) <= dueMs) return
    this.#cancelWait(key)
    this.#waiting.set(key, { dueMs, cancel: this.#seams.after(ms, () => this.add(key)) })
  }

  #cancelWait(key: string): void {
    this.#waiting.get(key)?.cancel()
    this.#waiting.delete(key)
  }

  #startReady(): void {
    for (const [key, addedMs] of this.#ready) {
      if (this.#running.size >= this.#maxConcurrent) return
      this.#ready.delete(key)
      this.#running.add(key)
      void this.#run(key, addedMs)
    }
  }

  async #run(key: string, addedMs: number): Promise<void> {
    const { now, onRun } = this.#seams
    const beganMs = now()
    let next: ReconcileResult
    try {
      next = await this.#work(key)
      this.#failures.delete(key)
    } catch {
      next = { requeueAfterMs: this.#pauseMs(key) } // the worker has logged it
    }
    onRun?.({ waitedMs: beganMs - addedMs, ranMs: now() - beganMs })
    this.#running.delete(key)
    if (this.#dirty.delete(key)) this.add(key)
    else if (next) this.addAfter(key, next.requeueAfterMs)
    this.#startReady()
    if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #pauseMs(key: string): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    const bound = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.min(failures, 20))
    return bound / 2 + (this.#seams.random() * bound) / 2
  }
}
