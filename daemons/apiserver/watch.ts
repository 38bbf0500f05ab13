// Watches: what changed, as it changes, from a revision on. Knows the store and streams; knows no routing.
import { tooOld, type ApiError } from './failure.js'
import type { Change } from './history.js'
import type { Stored } from './object.js'
import type { Store } from './store.js'
import type { Test } from './selector.js'

export interface WatchQuery {
  readonly resource: string
  readonly namespace: string | undefined
  readonly test: Test
  /** Changes behind this revision; undefined: first all that is there, as ADDED. */
  readonly from: number | undefined
  readonly bookmarks: boolean
  /** A bookmark tells where the initial ADDED events end (sendInitialEvents). */
  readonly marksInitialEnd: boolean
  readonly timeoutMs: number
  /** The JSON of an object as the client wants it; `body` is that of the object as stored. */
  readonly print: (object: Stored, body: string | undefined) => string
  /** The JSON of a bookmark's object. */
  readonly bookmark: (revision: number, initialEnd: boolean) => string
}

interface Watcher {
  readonly resource: string
  readonly see: (change: Change) => void
}

const BOOKMARK_MS = 30_000
const BUFFERED_EVENTS_MAX = 20_000

/** The event that a change is for one who sees only what passes the test. */
export function seenAs(
  change: Change,
  { namespace, test }: Pick<WatchQuery, 'namespace' | 'test'>,
): Change['type'] | undefined {
  if (namespace !== undefined && change.namespace !== namespace) return undefined
  const was = change.prev !== undefined && test(change.prev)
  const is = change.type !== 'DELETED' && test(change.object)
  if (change.type === 'DELETED')
    return was || (change.prev === undefined && test(change.object)) ? 'DELETED' : undefined
  if (is) return was ? 'MODIFIED' : 'ADDED'
  return was ? 'DELETED' : undefined
}

/** All watches of a server. */
export class Watches {
  readonly #store: Store
  readonly #watchers = new Set<Watcher>()
  readonly #closers = new Set<() => void>()

  constructor(store: Store) {
    this.#store = store
    store.onCommit(changes => {
      for (const watcher of this.#watchers)
        for (const change of changes) if (change.resource === watcher.resource) watcher.see(change)
    })
  }

  /** Ends every watch: at shutdown. */
  closeAll(): void {
    for (const close of this.#closers) close()
  }

  /** The body of the answer: a JSON event a line. */
  open(query: WatchQuery): ReadableStream<Uint8Array> {
    const stop = { close: (): void => {} }
    return new ReadableStream<Uint8Array>(
      {
        start: controller => {
          stop.close = this.#begin(query, controller)
        },
        cancel: () => stop.close(),
      },
      { highWaterMark: BUFFERED_EVENTS_MAX },
    )
  }

  #begin(query: WatchQuery, controller: ReadableStreamDefaultController<Uint8Array>): () => void {
    const encoder = new TextEncoder()
    let open = true
    const timers: ReturnType<typeof setTimeout>[] = []
    const close = (): void => {
      if (!open) return
      open = false
      this.#watchers.delete(watcher)
      this.#closers.delete(close)
      timers.forEach(clearTimeout)
      try {
        controller.close()
      } catch (error) {
        if (!(error instanceof TypeError)) throw error // the client closed it first
      }
    }
    const say = (type: string, object: string): void => {
      if (!open) return
      if ((controller.desiredSize ?? 1) <= 0) return close() // too slow: it resumes from where it was
      controller.enqueue(encoder.encode(`{"type":"${type}","object":${object}}\n`))
    }
    const see = (change: Change): void => {
      const type = seenAs(change, query)
      if (type !== undefined) say(type, query.print(change.object, change.body))
    }
    const watcher: Watcher = { resource: query.resource, see }
    controller.enqueue(encoder.encode('\n')) // Bun holds the head of the answer back until there is a body; a blank line is nothing in JSON
    const failure = this.#replay(query, say, see)
    if (failure) {
      say('ERROR', JSON.stringify(failure.status()))
      close()
      return close
    }
    this.#watchers.add(watcher)
    this.#closers.add(close)
    if (query.bookmarks) {
      const mark = (): void => say('BOOKMARK', query.bookmark(this.#store.revision, false))
      timers.push(setInterval(mark, BOOKMARK_MS))
    }
    timers.push(setTimeout(close, query.timeoutMs))
    return close
  }

  #replay(
    query: WatchQuery,
    say: (type: string, object: string) => void,
    see: (change: Change) => void,
  ): ApiError | undefined {
    const { resource, namespace, test, from, marksInitialEnd } = query
    if (from !== undefined) {
      if (from < this.#store.history.oldest) return tooOld(from, this.#store.history.oldest)
      this.#store.history.since(resource, from).forEach(see)
      return undefined
    }
    for (const object of this.#store.list({ resource, namespace }))
      if (test(object)) say('ADDED', query.print(object, undefined))
    if (marksInitialEnd) say('BOOKMARK', query.bookmark(this.#store.revision, true))
    return undefined
  }
}
