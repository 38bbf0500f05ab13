// Logs that the API server is unreachable, and that it is back, once each for all watches.
import type { KubeError } from '../../lib/kube/errors.js'
import type { Log } from '../../lib/log.js'

/**
 * A single failure is often a broken stream whose retry succeeds; the second in a row counts as an
 * outage.
 */
const FAILURES_MIN = 2

const isUnreachable = ({ status, reason }: KubeError): boolean =>
  (status === 0 && reason !== 'NotLeader') || status === 429 || status >= 500

export class Outage {
  readonly #log: Log
  readonly #now: () => number
  /** Consecutive failures, by watch or lease. */
  readonly #failing = new Map<string, number>()
  /** The last logged error, by watch or lease. */
  readonly #refused = new Map<string, string>()
  #sinceMs: number | undefined

  /** `now`: monotonic milliseconds. */
  constructor(log: Log, now: () => number) {
    this.#log = log
    this.#now = now
  }

  /** Between the line that reports the outage and the one that reports its end. */
  get isAway(): boolean {
    return this.#sinceMs !== undefined
  }

  /**
   * Records a failure of a watch or the Lease. An error status is a response too; it is logged once
   * for each message.
   */
  failed(what: string, error: KubeError): void {
    const words = `${what} failed: ${error.message}`
    if (!isUnreachable(error)) return this.#refuse(what, words)
    const count = (this.#failing.get(what) ?? 0) + 1
    this.#failing.set(what, count)
    if (this.isAway || count < FAILURES_MIN) return this.#log.debug(words)
    this.#sinceMs = this.#now()
    this.#log.warn(`the API server is away: ${words}`)
  }

  /** Records a response. The outage ends once everything that failed has a response. */
  answered(what: string): void {
    this.#refused.delete(what)
    this.#reached(what)
  }

  #refuse(what: string, words: string): void {
    this.#log[this.#refused.get(what) === words ? 'debug' : 'warn'](words)
    this.#refused.set(what, words)
    this.#reached(what)
  }

  #reached(what: string): void {
    if (!this.#failing.delete(what) || this.#sinceMs === undefined || this.#failing.size > 0) return
    const seconds = Math.round((this.#now() - this.#sinceMs) / 1000)
    this.#sinceMs = undefined
    this.#log.warn(`the API server is back after ${seconds} s`)
  }
}
