// The cluster in memory: one list and watch for each source, followed for as long as the process lives. Knows no reconciler.
import type { Kube } from '../../../lib/kube/client.js'
import { isForbidden, isNotFound, KubeError } from '../../../lib/kube/errors.js'
import type { WatchEvent } from '../../../lib/kube/watch.js'
import type { Log } from '../../../lib/log.js'
import type { Outage } from './outage-log.js'
import {
  keyOf,
  Indexer,
  type ObjectChange,
  type Lister,
  type KubeObject,
  type WatchSource,
  type CacheReader,
} from './lister.js'

/** A list that is refused (no right to it, kind not served) is asked for again after this long. */
const REFUSED_PAUSE_MS = 10_000
/** Of one answer to a list: a cluster's pods, 10 KB each, are never held as one text. */
const PAGE_SIZE = 500

type State = 'unseen' | 'synced' | 'absent' | 'forbidden'

interface Followed {
  readonly source: WatchSource
  readonly store: Indexer<KubeObject, string>
  state: State
}

export interface InformerDeps {
  readonly kube: Kube
  readonly log: Log
  readonly signal: AbortSignal
  readonly outage: Outage
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Told of each change, after the cache holds it. */
  readonly onChange: (source: WatchSource, change: ObjectChange) => void
  /** Told when a source has been listed for the first time, or is known not to be served, and whenever that changes. */
  readonly onSynced: (source: WatchSource) => void
}

export class Informers implements CacheReader {
  readonly #with: InformerDeps
  readonly #followed: ReadonlyMap<object, Followed>

  /** Each source once, whoever else watches it. */
  constructor(sources: Iterable<WatchSource>, following: InformerDeps) {
    this.#with = following
    this.#followed = new Map(
      [...new Set(sources)].map(source => [source, { source, store: new Indexer(source), state: 'unseen' }]),
    )
  }

  of<T extends KubeObject, I extends string>(source: WatchSource<T, I>): Lister<T, I> {
    return this.#one(source).store as unknown as Lister<T, I> // stored under the source that types it
  }

  isServed<T extends KubeObject, I extends string>(source: WatchSource<T, I>): boolean {
    return this.#one(source).state === 'synced'
  }

  isForbidden<T extends KubeObject, I extends string>(source: WatchSource<T, I>): boolean {
    return this.#one(source).state === 'forbidden'
  }

  /** Optional kinds that may not be listed, as RBAC names them. */
  forbidden(): readonly string[] {
    const all = [...this.#followed.values()].filter(({ state }) => state === 'forbidden')
    return [...new Set(all.map(({ source }) => resourceOf(source)))]
  }

  /** Kinds that were not listed yet; empty when the view is whole. */
  missing(sources?: Iterable<WatchSource>): readonly string[] {
    const asked = sources === undefined ? [...this.#followed.values()] : [...sources].map(source => this.#one(source))
    return asked.filter(({ state }) => state === 'unseen').map(({ source }) => source.kind.plural)
  }

  /** Ends with the signal. */
  async run(): Promise<void> {
    await Promise.all([...this.#followed.values()].map(one => this.#follow(one)))
  }

  #one(source: object): Followed {
    const found = this.#followed.get(source)
    if (!found) throw new Error('a source that no reconciler watches has no cache')
    return found
  }

  async #follow(one: Followed): Promise<void> {
    const { signal, sleep, outage } = this.#with
    while (!signal.aborted) {
      try {
        for await (const event of this.#events(one)) this.#apply(one, event)
      } catch (error) {
        if (!(error instanceof KubeError)) throw error
        if (isNotFound(error) && one.source.optional === true) this.#empty(one)
        else if (isForbidden(error) && one.source.optional === true) this.#forbid(one)
        else outage.failed(watchOf(one.source), error)
      }
      await sleep(REFUSED_PAUSE_MS, signal)
    }
  }

  #events({ source }: Followed): AsyncIterable<WatchEvent<KubeObject>> {
    const { kube, signal, outage } = this.#with
    const { kind, transform, namespace, labelSelector, fieldSelector } = source
    return kube.watch<KubeObject>(kind, {
      signal,
      pageSize: PAGE_SIZE,
      ...(transform && { pick: transform }),
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
      onTrouble: error => outage.failed(watchOf(source), error),
      onOpen: () => outage.answered(watchOf(source)),
    })
  }

  #apply(one: Followed, event: WatchEvent<KubeObject>): void {
    const { source, store } = one
    switch (event.type) {
      case 'LISTED':
        this.#tell(source, store.replace(event.items))
        this.#settle(one, 'synced')
        return
      case 'ADDED':
      case 'MODIFIED':
        this.#tell(source, [store.put(event.object)])
        return
      case 'DELETED':
        this.#tell(source, [store.remove(keyOf(event.object))])
    }
  }

  #empty(one: Followed): void {
    this.#with.outage.answered(watchOf(one.source))
    this.#tell(one.source, one.store.replace([]))
    this.#settle(one, 'absent')
  }

  /** Said once; `spiderpool_controller_forbidden_kinds` says it for as long as it is so. */
  #forbid(one: Followed): void {
    this.#with.outage.answered(watchOf(one.source))
    if (one.state !== 'forbidden')
      this.#with.log.warn(
        `may not list ${resourceOf(one.source)} (403), so whatever hangs on it is left as it is: allow get, list and watch`,
      )
    this.#settle(one, 'forbidden')
  }

  #settle(one: Followed, state: State): void {
    const isNews = one.state !== state
    one.state = state
    if (isNews) this.#with.onSynced(one.source)
  }

  #tell(source: WatchSource, changes: readonly ObjectChange[]): void {
    for (const change of changes) this.#with.onChange(source, change)
  }
}

const resourceOf = ({ kind: { plural, group } }: WatchSource): string => (group === '' ? plural : `${plural}.${group}`)
/** Of two sources of one kind each has its own. */
const watchOf = (source: WatchSource): string =>
  ['the watch of', resourceOf(source), source.kind.version, source.fieldSelector ?? source.labelSelector ?? '']
    .filter(word => word !== '')
    .join(' ')
