// Whether an uninstallation has begun: the mark of `spiderpool-controller clean` on the agents'
// DaemonSet.
import type { Kube } from '../../../lib/kube/client.js'
import { ANNOTATION_UNINSTALLING } from '../../../lib/crd/names.js'
import type { ObjectMeta } from '../../../lib/crd/types.js'
import { KubeError } from '../../../lib/kube/errors.js'
import { DAEMONSETS } from '../../../lib/kube/kinds.js'
import { messageOf } from '../../../lib/errors.js'
import type { Log } from '../../../lib/log.js'

const REFUSED_PAUSE_MS = 30_000

interface MarkDeps {
  readonly kube: Kube
  readonly namespace: string
  /** Of the DaemonSet. */
  readonly name: string
  readonly signal: AbortSignal
  readonly log: Log
}

export class UninstallMark {
  /** What the DaemonSet said last; it is deleted before its pods end. */
  isSet = false

  /** Watches until the signal. */
  async run({ kube, namespace, name, signal, log }: MarkDeps): Promise<void> {
    const fieldSelector = `metadata.name=${name}`
    const options = { namespace, fieldSelector, metadataOnly: true, fromCache: true, signal }
    while (!signal.aborted) {
      try {
        for await (const event of kube.watch<{ readonly metadata: ObjectMeta }>(DAEMONSETS, options)) {
          if (event.type === 'DELETED') continue
          const [found] = event.type === 'LISTED' ? event.items : [event.object]
          if (found) this.isSet = found.metadata.annotations?.[ANNOTATION_UNINSTALLING] === 'true'
        }
      } catch (error) {
        if (!(error instanceof KubeError)) throw error
        log.warn('an uninstallation would not be noticed', { error: messageOf(error) })
        await pause(REFUSED_PAUSE_MS, signal)
      }
    }
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
