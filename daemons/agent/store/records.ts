// SpiderEndpoints that are written behind the answer: an address is allocated once its
// SpiderIPAddress exists, the record follows within a second (decisions/0024).
import { messageOf } from '../../../lib/errors.js'
import type { SpiderEndpoint } from '../../../lib/crd/types.js'
import { merged } from '../../../lib/ipam/allocation/endpoint.js'
import { releaseRecorded } from '../../../lib/ipam/pod/release-address.js'
import { isOfPod } from '../../../lib/ipam/store/pod.js'
import type { Store } from '../../../lib/ipam/store/store.js'
import { KubeError } from '../../../lib/kube/errors.js'
import type { Log } from '../../../lib/log.js'
import { keyOf } from '../../runtime/lister.js'
import type { NodeView } from './node-view.js'

/** Waits for the pod's other interfaces; they become one write. */
const DELAY_MS = 200
/** Concurrent writes, so that the ADDs of a burst come first. */
const WRITES_MAX = 8
const RETRY_MS = 1_000
const RETRY_MS_MAX = 30_000
/** Concurrent writers of one record: read again and merge, this many times. */
const CONFLICTS_MAX = 8

const VERSION_PREFIX = 'behind-'

/** True for a record as this agent returned it before it was written: its version is ours. */
export const isUnwritten = ({ metadata }: SpiderEndpoint): boolean =>
  metadata.resourceVersion?.startsWith(VERSION_PREFIX) === true

interface Pending {
  /** What the record is to be; its resourceVersion is ours. */
  desired: SpiderEndpoint
  /** As it is on the server, if it is. */
  base: SpiderEndpoint | undefined
  failures: number
  readonly onWritten: (() => void)[]
  writing: Promise<void> | undefined
  isCancelled: boolean
}

export interface RecordsDeps {
  readonly view: NodeView
  /** A Store for one write, without a cache. */
  readonly live: () => Store
  readonly log: Log
  readonly after: (ms: number, run: () => void) => unknown
}

export class Records {
  readonly #deps: RecordsDeps
  readonly #pending = new Map<string, Pending>()
  readonly #queue: string[] = []
  /** Keys of records whose last write failed. */
  readonly #failing = new Set<string>()
  #versions = 0
  #running = 0

  constructor(deps: RecordsDeps) {
    this.#deps = deps
  }

  /** Records that are not written yet. */
  get size(): number {
    return this.#pending.size
  }

  /** The record as this agent left it: not written yet, or seen. */
  get(key: string): SpiderEndpoint | undefined {
    return this.#pending.get(key)?.desired ?? this.#deps.view.endpoints.get(key)
  }

  isPending(key: string): boolean {
    return this.#pending.has(key)
  }

  /** `conflict` where there is a record already. */
  create(endpoint: SpiderEndpoint): SpiderEndpoint | 'conflict' {
    return this.get(keyOf(endpoint)) ? 'conflict' : this.#put(endpoint, undefined)
  }

  /** `conflict` where it changed since it was read. */
  replace(endpoint: SpiderEndpoint): SpiderEndpoint | 'conflict' {
    const key = keyOf(endpoint)
    const current = this.get(key)
    if (current && current.metadata.resourceVersion !== endpoint.metadata.resourceVersion) return 'conflict'
    const pending = this.#pending.get(key)
    if (!pending && isUnwritten(endpoint)) return 'conflict'
    return this.#put(endpoint, pending ? pending.base : endpoint)
  }

  /** Calls `done` once the record of this pod is written; at once where nothing is pending. */
  onWritten(key: string, done: () => void): void {
    const pending = this.#pending.get(key)
    if (pending) pending.onWritten.push(done)
    else done()
  }

  /**
   * Gives up what is not written, after a write that is under way. Returns the record that is on
   * the server as far as is known.
   */
  async cancel(key: string): Promise<SpiderEndpoint | undefined> {
    const pending = this.#pending.get(key)
    if (!pending) return this.#deps.view.endpoints.get(key)
    pending.isCancelled = true
    await pending.writing
    if (this.#pending.get(key) === pending) this.#pending.delete(key)
    this.#recovered(key)
    return pending.base ?? this.#deps.view.endpoints.get(key)
  }

  /** Writes everything now; what fails stays pending. */
  async flush(): Promise<void> {
    await Promise.all([...this.#pending].map(([key, pending]) => pending.writing ?? this.#write(key, pending)))
  }

  #put(endpoint: SpiderEndpoint, base: SpiderEndpoint | undefined): SpiderEndpoint {
    const key = keyOf(endpoint)
    const metadata = { ...endpoint.metadata, resourceVersion: `${VERSION_PREFIX}${++this.#versions}` }
    const desired = { ...endpoint, metadata }
    const before = this.#pending.get(key)
    if (before && !before.isCancelled) {
      before.desired = desired
      return desired
    }
    const onWritten: (() => void)[] = []
    this.#pending.set(key, { desired, base, failures: 0, onWritten, writing: undefined, isCancelled: false })
    this.#later(key, DELAY_MS)
    return desired
  }

  #later(key: string, ms: number): void {
    this.#deps.after(ms, () => {
      this.#queue.push(key)
      this.#next()
    })
  }

  #next(): void {
    while (this.#running < WRITES_MAX) {
      const key = this.#queue.shift()
      if (key === undefined) return
      const pending = this.#pending.get(key)
      if (!pending || pending.writing || pending.isCancelled) continue
      this.#running++
      void this.#write(key, pending).finally(() => {
        this.#running--
        this.#next()
      })
    }
  }

  #write(key: string, pending: Pending): Promise<void> {
    pending.writing = this.#tryWrite(key, pending).finally(() => (pending.writing = undefined))
    return pending.writing
  }

  async #tryWrite(key: string, pending: Pending): Promise<void> {
    const { desired } = pending
    try {
      const written = await persist(desired, pending.base, this.#deps.live())
      this.#recovered(key)
      if (written) {
        pending.base = written
        pending.failures = 0
        this.#deps.view.endpoints.wrote(written)
      }
      if (pending.desired !== desired && written) return this.#later(key, DELAY_MS) // changed meanwhile
      this.#pending.delete(key)
      for (const done of pending.onWritten) done()
    } catch (error) {
      this.#failed(key, pending, error)
    }
  }

  /** One line for an outage and one for its end, however many records waited. */
  #recovered(key: string): void {
    if (this.#failing.delete(key) && this.#failing.size === 0) this.#deps.log.warn('SpiderEndpoints are written again')
  }

  /** An outage is waited for; what is refused is left to the controller, which repairs it. */
  #failed(key: string, pending: Pending, error: unknown): void {
    const message = `SpiderEndpoint ${key} not written: ${messageOf(error)}`
    if (!isOutage(error)) {
      this.#pending.delete(key)
      this.#recovered(key)
      return this.#deps.log.error(`${message}; spiderpool-controller repairs it`)
    }
    this.#deps.log[this.#failing.size === 0 ? 'warn' : 'debug'](`${message}; tried again until it is`)
    this.#failing.add(key)
    this.#later(key, Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** pending.failures++))
  }
}

/** 401: the kubelet renews the token. */
const isOutage = (error: unknown): boolean =>
  error instanceof KubeError && (error.status === 0 || [401, 429].includes(error.status) || error.status >= 500)

/**
 * Writes the record of a pod; `undefined` where the pod is gone or its name is another pod's by
 * now. What another process wrote for the same pod is merged, this node's last answer counts.
 */
async function persist(
  desired: SpiderEndpoint,
  base: SpiderEndpoint | undefined,
  live: Store,
): Promise<SpiderEndpoint | undefined> {
  const { namespace = '', name } = desired.metadata
  const ref = { namespace, name }
  const { uid, ips } = desired.status.current
  let known = base
  let isMerged = false
  for (let tries = 0; tries < CONFLICTS_MAX; tries++) {
    const all = known && isMerged ? merged(known.status.current.ips, ips) : ips
    const written = known
      ? await live.replaceEndpoint(based(known, desired, all))
      : await live.createEndpoint(withoutVersion(desired))
    if (written !== 'conflict') return written
    isMerged = true
    known = await live.endpoint(ref)
    if (!known || known.status.current.uid === uid) continue
    const pod = await live.pod(ref)
    if (!pod || !isOfPod(uid, pod)) return undefined // the record is of a newer pod
    await releaseRecorded(known, { store: live })
    known = undefined
  }
  throw new KubeError(409, 'Conflict', 'it is written by others at the same moment')
}

function withoutVersion(endpoint: SpiderEndpoint): SpiderEndpoint {
  const { resourceVersion: _, ...metadata } = endpoint.metadata
  return { ...endpoint, metadata }
}

const based = (
  known: SpiderEndpoint,
  { metadata, status }: SpiderEndpoint,
  ips: SpiderEndpoint['status']['current']['ips'],
): SpiderEndpoint => ({
  ...known,
  metadata: {
    ...known.metadata,
    labels: { ...known.metadata.labels, ...metadata.labels },
    annotations: { ...known.metadata.annotations, ...metadata.annotations },
  },
  status: { ...known.status, ...status, current: { ...status.current, ips } },
})
