// What a reconciler is: which changes concern which of its keys, and what to do about a key. Types only.
//
// To write one: decide in daemons/controller/reconcile/NAME.ts (pure: what is and what shall be, in; writes, out), perform in
// daemons/controller/NAME.ts, and name it in daemons/controller/reconcilers/all.ts. It is level based: a key says where to look, never what
// happened; every key comes again at a start, when this process begins to lead, and after each change of a watched object.
import type { Kube } from '../../../lib/kube/client.js'
import type { Log } from '../../../lib/log.js'
import type { LiveReader } from './live-reader.js'
import type { ReconcileResult } from './workqueue.js'
import type { ObjectChange, KubeObject, WatchSource, CacheReader } from './lister.js'

/** Which keys a change of an object of this source concerns. Made by `watchOf`. */
export interface Watch {
  readonly source: WatchSource
  readonly keysOf: (change: ObjectChange, cache: CacheReader) => readonly string[]
}

/**
 * `keys` is asked about the object as it is and as it was, so that whoever it pointed to before is looked at too. Pure: it may look
 * around in the view. `unless`: changes that concern nobody, such as a heartbeat.
 */
export function watchOf<T extends KubeObject, I extends string>(
  source: WatchSource<T, I>,
  keys: (object: T, cache: CacheReader) => readonly string[],
  unless: (change: { readonly object: T; readonly previous: T }) => boolean = () => false,
): Watch {
  return {
    source: source as unknown as WatchSource, // and given changes of that very source
    keysOf: (change, cache) => {
      const { object, previous } = change as ObjectChange<T>
      if (object && previous && unless({ object, previous })) return []
      return [...new Set([object, previous].flatMap(one => (one ? keys(one, cache) : [])))]
    },
  }
}

export interface EventSpec {
  /** What the Event is about; shown by `kubectl describe`. */
  readonly regarding: {
    readonly apiVersion: string
    readonly kind: string
    readonly namespace?: string
    readonly name: string
    readonly uid?: string
  }
  readonly type: 'Normal' | 'Warning'
  /** CamelCase, one word. */
  readonly reason: string
  readonly message: string
}

export interface ReconcileContext {
  /** Of a leader's reconciler: refuses every write once the lease may be somebody else's (KubeError, reason `NotLeader`). */
  readonly kube: Kube
  /** Reads past the cache, many at once in few requests. What frees or deletes something asks here first. */
  readonly live: LiveReader
  readonly log: Log
  /** A Kubernetes Event, source `spiderpool`. Said again within five minutes it is not written again; one that cannot be written is logged. */
  recordEvent(event: EventSpec): void
  /** Monotonic milliseconds: a step of the clock moves no deadline. */
  now(): number
  /** Milliseconds since 1970, for what the server stamped; never for a wait. */
  clock(): number
  /** Calls back after `ms`, once. */
  after(ms: number, call: () => void): void
}

export interface Reconciler {
  readonly name: string
  /** Runs only in the leading replica, as NeedLeaderElection of controller-runtime: true for all that write shared objects. */
  readonly needsLeadership: boolean
  readonly watches: readonly Watch[]
  /** Keys that are there without any object, such as a fixed name to be created. */
  readonly fixedKeys?: readonly string[]
  /** Keys at work at the same time; a key is never at work twice. */
  readonly maxConcurrent: number
  /** All keys are looked at again after so long, though nothing changed. */
  readonly resyncMs?: number
  /**
   * Makes the key true. Runs only once every watched source has been listed. `{ requeueAfterMs }`: look again after that time. What it throws is
   * logged, and the key comes again after a pause that doubles up to 30 s; a conflict (409) is no news and only comes again.
   */
  reconcile(key: string, cache: CacheReader, context: ReconcileContext): Promise<ReconcileResult>
  /** Called when leading ends: what was remembered between keys is forgotten. */
  reset?(): void
}
