// What the agent knows of its node's addresses and records: the watch, and before it its own
// writes. No requests.
import { IPAM_LABEL_POOL_UID } from '../../../lib/crd/names.js'
import type { SpiderEndpoint, SpiderIPAddress } from '../../../lib/crd/types.js'
import type { HeldAddress } from '../../../lib/ipam/store/store.js'
import { keyOf, type KubeObject, type ObjectChange } from '../../runtime/lister.js'

/** A watch that does not show our own write after this long lags, and with it its siblings. */
export const ECHO_MS_MAX = 5_000
/** After this long a write is taken for seen: a list may have passed over the version. */
const WRITTEN_MS_MAX = 60_000
/** An address that another node was found to have is not tried again for this long. */
const TAKEN_MS = 30_000
/** Bound on names and UIDs that are only remembered. */
const REMEMBERED_MAX = 4_096

interface Written<T> {
  readonly object: T
  readonly atMs: number
}

/** Objects of one kind by key: the newest of the watch and of our own writes. */
export class OwnObjects<T extends KubeObject> {
  readonly #now: () => number
  readonly #seen = new Map<string, T>()
  readonly #written = new Map<string, Written<T>>()
  readonly #deleted = new Set<string>()

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  get(key: string): T | undefined {
    const object = this.#written.get(key)?.object ?? this.#seen.get(key)
    return object && this.#deleted.has(object.metadata.uid ?? '') ? undefined : object
  }

  *all(): Iterable<T> {
    for (const key of new Set([...this.#seen.keys(), ...this.#written.keys()])) {
      const object = this.get(key)
      if (object) yield object
    }
  }

  wrote(object: T): void {
    const key = keyOf(object)
    const seen = this.#seen.get(key)
    if (seen && isSameVersion(seen, object)) return // the watch was faster than the answer
    this.#written.set(key, { object, atMs: this.#now() })
  }

  deleted(object: KubeObject): void {
    remember(this.#deleted, object.metadata.uid ?? '')
    if (this.#written.get(keyOf(object))?.object.metadata.uid === object.metadata.uid)
      this.#written.delete(keyOf(object))
  }

  /** An event of the watch. One that is older than our own write of the object does not count. */
  changed({ object, previous }: ObjectChange): void {
    if (!object) return previous && void this.#seen.delete(keyOf(previous))
    const key = keyOf(object)
    this.#seen.set(key, object as T)
    const own = this.#written.get(key)
    if (own && isSameVersion(own.object, object)) this.#written.delete(key)
  }

  /** True where the watch does not show a write of ours for too long. */
  isLagging(): boolean {
    const now = this.#now()
    for (const [key, { atMs }] of this.#written) {
      if (now - atMs > WRITTEN_MS_MAX) this.#written.delete(key)
      else if (now - atMs > ECHO_MS_MAX) return true
    }
    return false
  }
}

const isSameVersion = ({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean =>
  a.uid === b.uid && a.resourceVersion === b.resourceVersion

/** The oldest are forgotten first. */
function remember(set: Set<string>, value: string): void {
  if (value === '') return
  set.delete(value)
  set.add(value)
  for (const oldest of set) {
    if (set.size <= REMEMBERED_MAX) return
    set.delete(oldest)
  }
}

interface Taken {
  readonly poolUid: string
  readonly untilMs: number
}

/** Addresses and records of the node, and addresses that a creation found taken. */
export class NodeView {
  readonly addresses: OwnObjects<SpiderIPAddress>
  readonly endpoints: OwnObjects<SpiderEndpoint>
  readonly #now: () => number
  readonly #taken = new Map<string, Taken>()
  /** UIDs of pods that were seen to be deleted; a UID never comes back. */
  readonly #gonePods = new Set<string>()

  constructor(now: () => number) {
    this.#now = now
    this.addresses = new OwnObjects(now)
    this.endpoints = new OwnObjects(now)
  }

  podGone(uid: string): void {
    remember(this.#gonePods, uid)
  }

  isGone(uid: string): boolean {
    return this.#gonePods.has(uid)
  }

  /** A creation found the name taken by another pod. */
  taken({ metadata: { name, labels } }: SpiderIPAddress): void {
    if (this.#taken.size >= REMEMBERED_MAX) this.#taken.clear()
    this.#taken.set(name, { poolUid: labels?.[IPAM_LABEL_POOL_UID] ?? '', untilMs: this.#now() + TAKEN_MS })
  }

  heldIn(poolUid: string): readonly HeldAddress[] {
    const held: HeldAddress[] = []
    for (const { metadata, spec } of this.addresses.all())
      if (metadata.labels?.[IPAM_LABEL_POOL_UID] === poolUid) held.push({ name: metadata.name, podUid: spec.pod.uid })
    for (const [name, { poolUid: of, untilMs }] of this.#taken) {
      if (untilMs < this.#now()) this.#taken.delete(name)
      else if (of === poolUid) held.push({ name, podUid: '' })
    }
    return held
  }

  heldBy(podUid: string): readonly SpiderIPAddress[] {
    return [...this.addresses.all()].filter(({ spec }) => spec.pod.uid === podUid)
  }

  isLagging(): boolean {
    return this.addresses.isLagging() || this.endpoints.isLagging()
  }
}
