// A clock that a test advances, with timers: for work queue, election and EventRecorder.
export class Time {
  #nowMs = 0
  #waiting: { dueMs: number; readonly call: () => void }[] = []

  readonly now = (): number => this.#nowMs
  readonly random = (): number => 0.5

  readonly after = (ms: number, call: () => void): (() => void) => {
    const one = { dueMs: this.#nowMs + ms, call }
    this.#waiting.push(one)
    return () => void (this.#waiting = this.#waiting.filter(other => other !== one))
  }

  readonly sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise(resolve => {
      const end = (): void => {
        cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const cancel = this.after(signal.aborted ? 0 : ms, end)
      signal.addEventListener('abort', end)
    })

  get waiting(): number {
    return this.#waiting.length
  }

  /** Advances by `ms`: due timers run in order, and so does the work that they start. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settled()
    for (;;) {
      const [next] = this.#waiting.filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)
      if (!next) break
      this.#waiting = this.#waiting.filter(one => one !== next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.call()
      await settled()
    }
    this.#nowMs = endMs
  }
}

/** Drains promises that wait for nothing outside. */
export const settled = (): Promise<void> => new Promise(resolve => setImmediate(() => setImmediate(resolve)))
