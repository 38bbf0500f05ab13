// A client whose writes fail once this process no longer leads.
import type { Kube } from '../../../lib/kube/client.js'
import { KubeError } from '../../../lib/kube/errors.js'
import type { Kind } from '../../../lib/kube/kinds.js'

export interface LeaderGuard {
  /**
   * Checked before each write and each retry, by the monotonic clock: a process that was suspended
   * past its lease writes nothing more. Writes already sent may still arrive; preconditions make
   * them harmless.
   */
  readonly isLeading: () => boolean
  /** Called for each write that is sent. */
  readonly onWrite: (verb: 'create' | 'update' | 'patch' | 'delete', kind: Kind) => void
}

/**
 * The client with its writes guarded; reads pass through.
 * @throws KubeError of a write, reason `NotLeader`, when not leading.
 */
export function guarded(kube: Kube, { isLeading, onWrite }: LeaderGuard): Kube {
  const write = (...[verb, kind]: Parameters<LeaderGuard['onWrite']>): void => {
    if (!isLeading()) throw new KubeError(0, 'NotLeader', 'the lease is not held any more, so nothing was written')
    onWrite(verb, kind)
  }
  const retry = { mayRetry: isLeading }
  return {
    get: (kind, ref) => kube.get(kind, ref),
    list: (kind, options) => kube.list(kind, options),
    watch: (kind, options) => kube.watch(kind, options),
    async create(kind, object, options) {
      write('create', kind)
      return kube.create(kind, object, { ...options, ...retry })
    },
    async replace(kind, object, options) {
      write('update', kind)
      return kube.replace(kind, object, { ...options, ...retry })
    },
    async replaceStatus(kind, object, options) {
      write('update', kind)
      return kube.replaceStatus(kind, object, { ...options, ...retry })
    },
    async patch(kind, ref, body, how, options) {
      write('patch', kind)
      return kube.patch(kind, ref, body, how, { ...options, ...retry })
    },
    async delete(kind, ref, options) {
      write('delete', kind)
      return kube.delete(kind, ref, { ...options, ...retry })
    },
    get requests() {
      return kube.requests
    },
    get remainingMs() {
      return kube.remainingMs
    },
    get bytes() {
      return kube.bytes
    },
  }
}
