// A client that writes only as long as this process leads. Knows verbs; knows no kind.
import type { Kube } from '../../../lib/kube/client.js'
import { KubeError } from '../../../lib/kube/errors.js'
import type { Kind } from '../../../lib/kube/kinds.js'

export interface LeaderGuard {
  /**
   * Asked before each write and each further try of one, by the monotonic clock: a process that slept through its lease writes nothing
   * more. What was sent before may still arrive; preconditions keep it from harm.
   */
  readonly isLeading: () => boolean
  /** Told of each write that is sent. */
  readonly onWrite: (verb: 'create' | 'update' | 'patch' | 'delete', kind: Kind) => void
}

export function guarded(kube: Kube, { isLeading, onWrite }: LeaderGuard): Kube {
  const write = (...[verb, kind]: Parameters<LeaderGuard['onWrite']>): void => {
    if (!isLeading()) throw new KubeError(0, 'NotLeader', 'the lease is not held any more, so nothing was written')
    onWrite(verb, kind)
  }
  const fence = { mayRetry: isLeading }
  return {
    get: (kind, ref) => kube.get(kind, ref),
    list: (kind, options) => kube.list(kind, options),
    watch: (kind, options) => kube.watch(kind, options),
    async create(kind, object, options) {
      write('create', kind)
      return kube.create(kind, object, { ...options, ...fence })
    },
    async replace(kind, object, options) {
      write('update', kind)
      return kube.replace(kind, object, { ...options, ...fence })
    },
    async replaceStatus(kind, object, options) {
      write('update', kind)
      return kube.replaceStatus(kind, object, { ...options, ...fence })
    },
    async patch(kind, ref, body, how, options) {
      write('patch', kind)
      return kube.patch(kind, ref, body, how, { ...options, ...fence })
    },
    async delete(kind, ref, options) {
      write('delete', kind)
      return kube.delete(kind, ref, { ...options, ...fence })
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
