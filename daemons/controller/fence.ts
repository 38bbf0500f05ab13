// A client that writes only as long as this process leads. Knows verbs; knows no kind.
import type { Kube } from '../../lib/kube/client.js'
import { KubeError } from '../../lib/kube/errors.js'

/** `holds` is asked before each write, by the monotonic clock: a process that slept through its lease writes nothing more. */
export function fenced(kube: Kube, holds: () => boolean): Kube {
  const mustHold = (): void => {
    if (!holds()) throw new KubeError(0, 'NotLeader', 'the lease is not held any more, so nothing was written')
  }
  return {
    get: (kind, ref) => kube.get(kind, ref),
    list: (kind, options) => kube.list(kind, options),
    watch: (kind, options) => kube.watch(kind, options),
    async create(kind, object, options) {
      mustHold()
      return kube.create(kind, object, options)
    },
    async replace(kind, object, options) {
      mustHold()
      return kube.replace(kind, object, options)
    },
    async replaceStatus(kind, object, options) {
      mustHold()
      return kube.replaceStatus(kind, object, options)
    },
    async patch(kind, ref, body, how, options) {
      mustHold()
      return kube.patch(kind, ref, body, how, options)
    },
    async delete(kind, ref, options) {
      mustHold()
      return kube.delete(kind, ref, options)
    },
    get requests() {
      return kube.requests
    },
    get bytes() {
      return kube.bytes
    },
  }
}
