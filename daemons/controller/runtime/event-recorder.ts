// EventRecorder: core/v1 Events, deduplicated. A failed write is logged and never fails a
// reconcile.
import type { Kube } from '../../../lib/kube/client.js'
import { isAlreadyExists, KubeError } from '../../../lib/kube/errors.js'
import { EVENTS } from '../../../lib/kube/kinds.js'
import type { Log } from '../../../lib/log.js'
import type { EventSpec } from './reconciler.js'

/** The same event within this time is not written again. */
const QUIET_MS = 300_000
const REMEMBERED_MAX = 5_000
/** Limit of core/v1 Event validation. */
const MESSAGE_LENGTH_MAX = 1024
const SOURCE = 'spiderpool'
/** Events kept while the API server is unreachable; beyond it the oldest is dropped and logged. */
const UNSENT_MAX = 200
const RETRY_MS = 10_000
/** How long settled() waits for pending writes. */
const SETTLE_MS_MAX = 2_000

export interface RecorderDeps {
  readonly kube: Kube
  readonly log: Log
  readonly instance: string
  readonly now: () => number
  readonly clock: () => Date
  /** Makes an Event's name unique. */
  readonly suffix: () => string
  readonly after: (ms: number, call: () => void) => () => void
}

/** A core/v1 Event as it is sent. */
interface CoreEvent {
  readonly metadata: { readonly namespace: string; readonly name: string }
  readonly involvedObject: EventSpec['regarding']
  readonly type: EventSpec['type']
  readonly reason: string
  readonly message: string
  readonly source: { readonly component: string }
  readonly reportingComponent: string
  readonly reportingInstance: string
  readonly firstTimestamp: string
  readonly lastTimestamp: string
  readonly count: number
}

export class EventRecorder {
  readonly #with: RecorderDeps
  readonly #recordedMs = new Map<string, number>()
  readonly #pending = new Set<Promise<void>>()
  #unsent: CoreEvent[] = []
  #isEnding = false

  constructor(deps: RecorderDeps) {
    this.#with = deps
  }

  record(event: EventSpec): void {
    if (!this.#isDuplicate(event)) this.#send(this.#toCoreEvent(event))
  }

  /**
   * Resolves when every pending Event is written, or after two seconds; later Events get one
   * attempt.
   */
  async settled(): Promise<void> {
    this.#isEnding = true
    for (const event of this.#unsent.splice(0)) this.#send(event)
    let stop = (): void => {}
    const late = new Promise<void>(resolve => (stop = this.#with.after(SETTLE_MS_MAX, resolve)))
    await Promise.race([Promise.all(this.#pending), late])
    stop()
  }

  #send(event: CoreEvent): void {
    const sent = this.#write(event)
    this.#pending.add(sent)
    void sent.finally(() => this.#pending.delete(sent))
  }

  async #write(event: CoreEvent): Promise<void> {
    try {
      await this.#with.kube.create(EVENTS, event)
    } catch (error) {
      if (!(error instanceof KubeError)) throw error
      if (isAlreadyExists(error)) return // an earlier attempt wrote it and its response was lost
      const isLater = error.status === 0 && !this.#isEnding
      if (isLater) this.#retryLater(event)
      else this.#drop(event, error.message)
    }
  }

  #drop({ reason, message }: CoreEvent, why: string): void {
    this.#with.log.warn(`cannot write an Event: ${why}`, { reason, says: message })
  }

  #retryLater(event: CoreEvent): void {
    if (this.#unsent.length === 0)
      this.#with.after(RETRY_MS, () => {
        for (const one of this.#unsent.splice(0)) this.#send(one)
      })
    this.#unsent.push(event)
    const [oldest] = this.#unsent.length > UNSENT_MAX ? this.#unsent.splice(0, 1) : []
    if (oldest) this.#drop(oldest, `more than ${UNSENT_MAX} wait for the API server`)
  }

  #isDuplicate({ regarding, reason, message }: EventSpec): boolean {
    const { now } = this.#with
    const key = JSON.stringify([regarding.kind, regarding.namespace, regarding.name, regarding.uid, reason, message])
    if (now() - (this.#recordedMs.get(key) ?? -Infinity) < QUIET_MS) return true
    this.#recordedMs.delete(key)
    this.#recordedMs.set(key, now())
    const [oldest] = this.#recordedMs.keys()
    if (this.#recordedMs.size > REMEMBERED_MAX && oldest !== undefined) this.#recordedMs.delete(oldest)
    return false
  }

  #toCoreEvent({ regarding, type, reason, message }: EventSpec): CoreEvent {
    const { instance, clock, suffix } = this.#with
    const at = clock()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
    const namespace = regarding.namespace === undefined || regarding.namespace === '' ? 'default' : regarding.namespace // as client-go does
    return {
      metadata: { namespace, name: `${regarding.name}.${suffix()}` },
      involvedObject: regarding,
      type,
      reason,
      message: message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…` : message,
      source: { component: SOURCE },
      reportingComponent: SOURCE,
      reportingInstance: instance,
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    }
  }
}
