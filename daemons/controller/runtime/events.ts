// Kubernetes Events (core/v1) of the controller. Knows no reason; what cannot be written is logged and never fails the work.
import type { Kube } from '../../../lib/kube/client.js'
import { isAlreadyExists, KubeError } from '../../../lib/kube/errors.js'
import { EVENTS } from '../../../lib/kube/kinds.js'
import type { Log } from '../../../lib/log.js'
import type { EventSpec } from './reconciler.js'

/** Said again within this time, it is no news. */
const QUIET_MS = 300_000
const REMEMBERED_MAX = 5_000
/** The API refuses longer messages. */
const MESSAGE_LENGTH_MAX = 1024
const SOURCE = 'spiderpool'
/** Events that could not be written because the API server is away; the oldest of more are lost, and logged. */
const UNSENT_MAX = 200
const RETRY_MS = 10_000
/** At the end of the process, for what is under way. */
const SETTLE_MS_MAX = 2_000

export interface RecorderDeps {
  readonly kube: Kube
  readonly log: Log
  readonly instance: string
  readonly now: () => number
  readonly clock: () => Date
  /** Eight letters that make an Event's name unique. */
  readonly suffix: () => string
  readonly after: (ms: number, call: () => void) => () => void
}

/** core/v1 Event, as it is sent. */
interface Written {
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
  readonly #toldMs = new Map<string, number>()
  readonly #pending = new Set<Promise<void>>()
  #unsent: Written[] = []
  #isEnding = false

  constructor(telling: RecorderDeps) {
    this.#with = telling
  }

  record(event: EventSpec): void {
    if (!this.#isOld(event)) this.#send(this.#eventOf(event))
  }

  /** Resolves when every Event is written, or after two seconds. Events from now on are tried once. */
  async settled(): Promise<void> {
    this.#isEnding = true
    for (const event of this.#unsent.splice(0)) this.#send(event)
    let stop = (): void => {}
    const late = new Promise<void>(resolve => (stop = this.#with.after(SETTLE_MS_MAX, resolve)))
    await Promise.race([Promise.all(this.#pending), late])
    stop()
  }

  #send(event: Written): void {
    const sent = this.#write(event)
    this.#pending.add(sent)
    void sent.finally(() => this.#pending.delete(sent))
  }

  async #write(event: Written): Promise<void> {
    try {
      await this.#with.kube.create(EVENTS, event)
    } catch (error) {
      if (!(error instanceof KubeError)) throw error
      if (isAlreadyExists(error)) return // a try whose answer was lost had written it
      const isLater = error.status === 0 && !this.#isEnding
      if (isLater) this.#keep(event)
      else this.#lose(event, error.message)
    }
  }

  #lose({ reason, message }: Written, why: string): void {
    this.#with.log.warn(`cannot write an Event: ${why}`, { reason, says: message })
  }

  #keep(event: Written): void {
    if (this.#unsent.length === 0)
      this.#with.after(RETRY_MS, () => {
        for (const one of this.#unsent.splice(0)) this.#send(one)
      })
    this.#unsent.push(event)
    const [oldest] = this.#unsent.length > UNSENT_MAX ? this.#unsent.splice(0, 1) : []
    if (oldest) this.#lose(oldest, `more than ${UNSENT_MAX} wait for the API server`)
  }

  #isOld({ regarding, reason, message }: EventSpec): boolean {
    const { now } = this.#with
    const key = JSON.stringify([regarding.kind, regarding.namespace, regarding.name, regarding.uid, reason, message])
    const isOld = now() - (this.#toldMs.get(key) ?? -Infinity) < QUIET_MS
    if (isOld) return true
    this.#toldMs.delete(key)
    this.#toldMs.set(key, now())
    const [oldest] = this.#toldMs.keys()
    if (this.#toldMs.size > REMEMBERED_MAX && oldest !== undefined) this.#toldMs.delete(oldest)
    return false
  }

  #eventOf({ regarding, type, reason, message }: EventSpec): Written {
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
