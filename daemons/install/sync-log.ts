// Runs comparisons of the node with the desired state; a failure is logged once while its message
// stays the same.
import { messageOf } from '../../lib/errors.js'
import type { Log } from '../../lib/log.js'

/**
 * Interval of comparing the node with the desired state: the kubelet renews tokens, and any program
 * may delete a file.
 */
export const COMPARE_INTERVAL_MS = 5_000

export class SyncLog {
  readonly #log: Log
  readonly #lastFailure = new Map<string, string>()

  constructor(log: Log) {
    this.#log = log
  }

  /** `work` returns what it did, to be logged; undefined where nothing was to be done. */
  async run(what: string, work: () => Promise<string | undefined>): Promise<void> {
    try {
      const done = await work()
      if (done !== undefined) this.#log.info(done)
      if (this.#lastFailure.delete(what)) this.#log.info(`${what} can be kept up to date again`)
    } catch (error) {
      const words = `${what} is left unchanged: ${messageOf(error)}`
      if (this.#lastFailure.get(what) !== words) this.#log.warn(words)
      this.#lastFailure.set(what, words)
    }
  }
}

/**
 * Runs `compare` at the interval, one at a time, until the result is called, which resolves once
 * none runs.
 */
export function repeat(compare: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= compare().finally(() => (running = undefined))
  }, COMPARE_INTERVAL_MS)
  return async () => {
    clearInterval(timer)
    await running
  }
}
