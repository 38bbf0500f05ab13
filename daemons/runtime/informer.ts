// Shared informers: one list and watch for each source, into an indexer.
import type { Kube } from '../../lib/kube/client.js'
import { isForbidden, isNotFound, isUnauthorized, KubeError } from '../../lib/kube/errors.js'
import type { WatchEvent } from '../../lib/kube/watch.js'
import type { Log } from '../../lib/log.js'
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

/**
 * Pause after a list or watch that failed with a status such as 403 or 404, doubled each time: at
 * an installation the kinds and rights exist, and the API server knows them a moment later.
 */
const REFUSED_PAUSE_MS = 250
const REFUSED_PAUSE_MS_MAX = 10_000
/** After 401: the kubelet may have renewed the token on disk. */
const UNAUTHORIZED_PAUSE_MS = 1_000
/** Objects in one page of a list; bounds the memory of one response. */
const PAGE_SIZE = 500

type State = 'unseen' | 'synced' | 'absent' | 'forbidden'

interface Informer {
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
  /** Called for each change, after the indexer holds it. */
  readonly onChange: (source: WatchSource, change: ObjectChange) => void
  /** Called when a source has synced or is known not to be served, and whenever that changes. */
  readonly onSynced: (source: WatchSource) => void
  /** Called when a stream is accepted, for each event, bookmarks included, and at its break. */
  readonly onStream?: (source: WatchSource, state: 'open' | 'heard' | 'broken') => void
}

export class Informers implements CacheReader {
  readonly #with: InformerDeps
  readonly #informers: ReadonlyMap<object, Informer>

  /** One informer for each source, however many reconcilers watch it. */
  constructor(sources: Iterable<WatchSource>, deps: InformerDeps) {
    this.#with = deps
    this.#informers = new Map(
      [...new Set(sources)].map(source => [source, { source, store: new Indexer(source), state: 'unseen' }]),
    )
  }

  of<T extends KubeObject, I extends string>(source: WatchSource<T, I>): Lister<T, I> {
    return this.#one(source).store as unknown as Lister<T, I> // keyed by the source, which carries the type
  }

  isServed<T extends KubeObject, I extends string>(source: WatchSource<T, I>): boolean {
    return this.#one(source).state === 'synced'
  }

  isForbidden<T extends KubeObject, I extends string>(source: WatchSource<T, I>): boolean {
    return this.#one(source).state === 'forbidden'
  }

  /** Optional kinds whose list is forbidden (403), as RBAC names them. */
  forbidden(): readonly string[] {
    const all = [...this.#informers.values()].filter(({ state }) => state === 'forbidden')
    return [...new Set(all.map(({ source }) => resourceOf(source)))]
  }

  /** Kinds that have not synced yet; empty once all have. */
  missing(sources?: Iterable<WatchSource>): readonly string[] {
    const wanted = sources === undefined ? [...this.#informers.values()] : [...sources].map(source => this.#one(source))
    return wanted.filter(({ state }) => state === 'unseen').map(({ source }) => source.kind.plural)
  }

  /** Runs until the signal. */
  async run(): Promise<void> {
    await Promise.all([...this.#informers.values()].map(one => this.#listAndWatch(one)))
  }

  #one(source: object): Informer {
    const found = this.#informers.get(source)
    if (!found) throw new Error('a source that no reconciler watches has no cache')
    return found
  }

  async #listAndWatch(one: Informer): Promise<void> {
    const { signal, sleep, outage } = this.#with
    for (let refusals = 0; !signal.aborted;) {
      let isExpired = false
      try {
        for await (const event of this.#events(one)) {
          refusals = 0
          this.#apply(one, event)
        }
      } catch (error) {
        if (!(error instanceof KubeError)) throw error
        if (isNotFound(error) && one.source.optional === true) this.#empty(one)
        else if (isForbidden(error) && one.source.optional === true) this.#forbid(one)
        else outage.failed(watchOf(one.source), error)
        isExpired = isUnauthorized(error)
      }
      await sleep(isExpired ? UNAUTHORIZED_PAUSE_MS : refusedPauseMs(refusals++), signal)
    }
  }

  #events({ source }: Informer): AsyncIterable<WatchEvent<KubeObject>> {
    const { kube, signal, outage, onStream } = this.#with
    const { kind, transform, namespace, labelSelector, fieldSelector } = source
    return kube.watch<KubeObject>(kind, {
      signal,
      pageSize: PAGE_SIZE,
      ...(transform && { pick: transform }),
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
      onTrouble: error => {
        onStream?.(source, 'broken')
        outage.failed(watchOf(source), error)
      },
      onOpen: () => {
        onStream?.(source, 'open')
        outage.answered(watchOf(source))
      },
      onHeard: () => onStream?.(source, 'heard'),
    })
  }

  #apply(one: Informer, event: WatchEvent<KubeObject>): void {
    const { source, store } = one
    switch (event.type) {
      case 'LISTED':
        this.#notify(source, store.replace(event.items))
        this.#settle(one, 'synced')
        return
      case 'ADDED':
      case 'MODIFIED':
        this.#notify(source, [store.put(event.object)])
        return
      case 'DELETED':
        this.#notify(source, [store.remove(keyOf(event.object))])
    }
  }

  #empty(one: Informer): void {
    this.#with.outage.answered(watchOf(one.source))
    this.#notify(one.source, one.store.replace([]))
    this.#settle(one, 'absent')
  }

  /** Logged once; the gauge `spiderpool_controller_forbidden_kinds` stays up while it lasts. */
  #forbid(one: Informer): void {
    this.#with.outage.answered(watchOf(one.source))
    if (one.state !== 'forbidden')
      this.#with.log.warn(
        `may not list ${resourceOf(one.source)} (403), so what depends on it is left unchanged: allow get, list and watch`,
      )
    this.#settle(one, 'forbidden')
  }

  #settle(one: Informer, state: State): void {
    const isChanged = one.state !== state
    one.state = state
    if (isChanged) this.#with.onSynced(one.source)
  }

  #notify(source: WatchSource, changes: readonly ObjectChange[]): void {
    for (const change of changes) this.#with.onChange(source, change)
  }
}

const refusedPauseMs = (refusals: number): number => Math.min(REFUSED_PAUSE_MS_MAX, REFUSED_PAUSE_MS * 2 ** refusals)

const resourceOf = ({ kind: { plural, group } }: WatchSource): string => (group === '' ? plural : `${plural}.${group}`)
/** Names the watch in logs; two sources of one kind differ in their selector. */
const watchOf = (source: WatchSource): string =>
  ['the watch of', resourceOf(source), source.kind.version, source.fieldSelector ?? source.labelSelector ?? '']
    .filter(word => word !== '')
    .join(' ')
