// Kubernetes Events (core/v1) of the controller. Knows no reason; what cannot be written is logged and never fails the work.
import type { Kube } from '../../lib/kube/client.js'
import { KubeError } from '../../lib/kube/errors.js'
import { EVENTS } from '../../lib/kube/kinds.js'
import type { Log } from '../../lib/log.js'
import type { Telling } from './reconciler.js'

/** Said again within this time, it is no news. */
const QUIET_MS = 300_000
const REMEMBERED_MAX = 5_000
/** The API refuses longer messages. */
const MESSAGE_LENGTH_MAX = 1024
const SOURCE = 'spiderpool'

export interface Writing {
  readonly kube: Kube
  readonly log: Log
  readonly instance: string
  readonly now: () => number
  readonly clock: () => Date
  /** Eight letters that make an Event's name unique. */
  readonly suffix: () => string
}

export class Teller {
  readonly #with: Writing
  readonly #toldMs = new Map<string, number>()

  constructor(telling: Writing) {
    this.#with = telling
  }

  tell(telling: Telling): void {
    if (this.#isOld(telling)) return
    this.#write(telling).catch((error: unknown) => {
      if (!(error instanceof KubeError)) throw error
      this.#with.log.warn(`cannot write an Event: ${error.message}`, { reason: telling.reason, says: telling.message })
    })
  }

  #isOld({ about, reason, message }: Telling): boolean {
    const { now } = this.#with
    const key = JSON.stringify([about.kind, about.namespace, about.name, about.uid, reason, message])
    const isOld = now() - (this.#toldMs.get(key) ?? -Infinity) < QUIET_MS
    if (isOld) return true
    this.#toldMs.delete(key)
    this.#toldMs.set(key, now())
    const [oldest] = this.#toldMs.keys()
    if (this.#toldMs.size > REMEMBERED_MAX && oldest !== undefined) this.#toldMs.delete(oldest)
    return false
  }

  async #write({ about, type, reason, message }: Telling): Promise<void> {
    const { kube, instance, clock, suffix } = this.#with
    const at = clock()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
    const namespace = about.namespace === undefined || about.namespace === '' ? 'default' : about.namespace // as client-go does
    await kube.create(EVENTS, {
      metadata: { namespace, name: `${about.name}.${suffix()}` },
      involvedObject: about,
      type,
      reason,
      message: message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…` : message,
      source: { component: SOURCE },
      reportingComponent: SOURCE,
      reportingInstance: instance,
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    })
  }
}
