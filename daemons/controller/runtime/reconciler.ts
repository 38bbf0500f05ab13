// The Reconciler interface: which keys a change concerns, and what is done about a key. Types only.
// To add one, decide in daemons/controller/reconcilers/KIND/decide.ts (pure: current and desired
// state in, writes out), apply in reconcile.ts beside it, and list it in
// daemons/controller/reconcilers/all.ts. It is level-based: a key says which object to reconcile,
// never what happened. Every key is reconciled at start, when this process begins to lead, and
// after each change of a watched object.
import type { Kube } from '../../../lib/kube/client.js'
import type { Log } from '../../../lib/log.js'
import type { LiveReader } from '../../runtime/live-reader.js'
import type { ReconcileResult } from './workqueue.js'
import type { ObjectChange, KubeObject, WatchSource, CacheReader } from '../../runtime/lister.js'

/** Which keys a change of an object of this source concerns; constructed by `watchOf`. */
export interface Watch {
  readonly source: WatchSource
  readonly keysOf: (change: ObjectChange, cache: CacheReader) => readonly string[]
}

/**
 * A watch whose `keys` gets the object and its previous state, so that what it pointed to before is
 * reconciled too; it may read the cache and must be pure. `unless` drops changes that concern no
 * key, such as a heartbeat.
 */
export function watchOf<T extends KubeObject, I extends string>(
  source: WatchSource<T, I>,
  keys: (object: T, cache: CacheReader) => readonly string[],
  unless: (change: { readonly object: T; readonly previous: T }) => boolean = () => false,
): Watch {
  return {
    source: source as unknown as WatchSource, // receives only changes of this source
    keysOf: (change, cache) => {
      const { object, previous } = change as ObjectChange<T>
      if (object && previous && unless({ object, previous })) return []
      return [...new Set([object, previous].flatMap(one => (one ? keys(one, cache) : [])))]
    },
  }
}

export interface EventSpec {
  /** The involved object, as `kubectl describe` shows it. */
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
  /**
   * With `needsLeadership` every write fails once the lease may be lost (KubeError, reason
   * `NotLeader`).
   */
  readonly kube: Kube
  /** Uncached reads, batched. A release or a delete is decided on these. */
  readonly live: LiveReader
  readonly log: Log
  /**
   * Writes a Kubernetes Event, source `spiderpool`, deduplicated for five minutes; a failed write
   * is logged.
   */
  recordEvent(event: EventSpec): void
  /** Monotonic milliseconds; for waits. */
  now(): number
  /** Milliseconds since 1970, to compare with timestamps of objects; never for a wait. */
  clock(): number
  /** Calls back after `ms`, once. */
  after(ms: number, call: () => void): void
}

export interface Reconciler {
  readonly name: string
  /**
   * Runs only in the leading replica (NeedLeaderElection); true for all that write shared objects.
   */
  readonly needsLeadership: boolean
  readonly watches: readonly Watch[]
  /** Keys without an object, such as a fixed name to create. */
  readonly fixedKeys?: readonly string[]
  /**
   * Keys reconciled at the same time (MaxConcurrentReconciles); one key never runs twice at once.
   */
  readonly maxConcurrent: number
  /** All keys are reconciled again after this time. */
  readonly resyncMs?: number
  /**
   * Brings the key to its desired state. Runs only once every watched source has synced. `{
   * requeueAfterMs }` requeues the key. An error is logged and the key retried with exponential
   * backoff up to 30 s; a conflict (409) is retried silently.
   */
  reconcile(key: string, cache: CacheReader, context: ReconcileContext): Promise<ReconcileResult>
  /** Called when leadership ends: state kept between reconciles must be dropped. */
  reset?(): void
}
