// The API server away and back, logged once each however many watches and tries notice it. Pure but for the log; knows no request.
import type { KubeError } from '../../lib/kube/errors.js'
import type { Log } from '../../lib/log.js'

/** One failure is a stream that broke, and the next try follows at once: the second in a row says that nothing answers. */
const FAILURES_MIN = 2

const isAbsence = ({ status, reason }: KubeError): boolean =>
  (status === 0 && reason !== 'NotLeader') || status === 429 || status >= 500

export class Outage {
  readonly #log: Log
  readonly #now: () => number
  /** What fails, how often in a row, and what was logged of it. */
  readonly #failing = new Map<string, { count: number; logged: string }>()
  #sinceMs: number | undefined

  /** `now`: monotonic milliseconds. */
  constructor(log: Log, now: () => number) {
    this.#log = log
    this.#now = now
  }

  /** Between the line that says it is away and the one that says it is back. */
  get isAway(): boolean {
    return this.#sinceMs !== undefined
  }

  /** `what` failed once more: a watch, the Lease. What the API server refuses is logged once for each sentence. */
  failed(what: string, error: KubeError): void {
    const one = this.#failing.get(what) ?? { count: 0, logged: '' }
    this.#failing.set(what, one)
    one.count += 1
    const isQuiet = isAbsence(error) ? this.#isKnown(one.count) : one.logged === error.message
    if (isQuiet) return this.#log.debug(`${what} failed: ${error.message}`)
    one.logged = error.message
    if (!isAbsence(error)) return this.#log.warn(`${what} failed: ${error.message}`)
    this.#sinceMs = this.#now()
    this.#log.warn(`the API server is away: ${what} failed: ${error.message}`)
  }

  #isKnown(count: number): boolean {
    return this.isAway || count < FAILURES_MIN
  }

  /** `what` was answered. The API server is back once everything that failed was. */
  answered(what: string): void {
    if (!this.#failing.delete(what) || this.#sinceMs === undefined || this.#failing.size > 0) return
    const seconds = Math.round((this.#now() - this.#sinceMs) / 1000)
    this.#sinceMs = undefined
    this.#log.warn(`the API server is back after ${seconds} s`)
  }
}
