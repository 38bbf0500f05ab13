// The API server away and back, logged once each however many watches and tries notice it. Pure but for the log; knows no request.
import type { KubeError } from '../../../lib/kube/errors.js'
import type { Log } from '../../../lib/log.js'

/** One failure is a stream that broke, and the next try follows at once: the second in a row says that nothing answers. */
const FAILURES_MIN = 2

const isAbsence = ({ status, reason }: KubeError): boolean =>
  (status === 0 && reason !== 'NotLeader') || status === 429 || status >= 500

export class Outage {
  readonly #log: Log
  readonly #now: () => number
  /** What gets no answer, and how often in a row. */
  readonly #failing = new Map<string, number>()
  /** What is refused, by the sentence that was logged. */
  readonly #refused = new Map<string, string>()
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

  /** `what` failed once more: a watch, the Lease. A refusal is an answer too, and is logged once for each sentence. */
  failed(what: string, error: KubeError): void {
    const words = `${what} failed: ${error.message}`
    if (!isAbsence(error)) return this.#refuse(what, words)
    const count = (this.#failing.get(what) ?? 0) + 1
    this.#failing.set(what, count)
    if (this.isAway || count < FAILURES_MIN) return this.#log.debug(words)
    this.#sinceMs = this.#now()
    this.#log.warn(`the API server is away: ${words}`)
  }

  /** `what` was answered. The API server is back once everything that failed was. */
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
