// Logs that the API server is unreachable or refuses the credential, and that it is over, once each
// for all watches.
import { isUnauthorized, type KubeError } from '../../lib/kube/errors.js'
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
  /** What was answered with 401, and since when. */
  readonly #unauthorized = new Set<string>()
  #unauthorizedMs = 0

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
    if (isUnauthorized(error)) return this.#refuseCredential(what, error)
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
    if (!this.#unauthorized.delete(what) || this.#unauthorized.size > 0) return
    this.#log.warn(`the API server accepts the credential again after ${this.#secondsSince(this.#unauthorizedMs)} s`)
  }

  #refuseCredential(what: string, error: KubeError): void {
    const isFirst = this.#unauthorized.size === 0
    if (isFirst) this.#unauthorizedMs = this.#now()
    this.#unauthorized.add(what)
    this.#log[isFirst ? 'warn' : 'debug'](`${what} failed: ${error.message}`)
    this.#reached(what)
  }

  #secondsSince(ms: number): number {
    return Math.round((this.#now() - ms) / 1000)
  }

  #refuse(what: string, words: string): void {
    this.#log[this.#refused.get(what) === words ? 'debug' : 'warn'](words)
    this.#refused.set(what, words)
    this.#reached(what)
  }

  #reached(what: string): void {
    if (!this.#failing.delete(what) || this.#sinceMs === undefined || this.#failing.size > 0) return
    const seconds = this.#secondsSince(this.#sinceMs)
    this.#sinceMs = undefined
    this.#log.warn(`the API server is back after ${seconds} s`)
  }
}
