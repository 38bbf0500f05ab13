// Watches: streams of events from a revision on.
import { tooMuchUnread, tooOld, type ApiError } from '../schema/status-error.js'
import type { HistoryEntry } from './history.js'
import { positionOf, present, type ListSelection } from './list.js'
import type { Stored } from '../schema/stored-object.js'
import type { ObjectStore } from './store.js'

export interface WatchQuery extends ListSelection {
  /** Changes after this revision; undefined: the current objects first, as ADDED. */
  readonly from: number | undefined
  readonly bookmarks: boolean
  /** A bookmark marks the end of the initial ADDED events (sendInitialEvents). */
  readonly marksInitialEnd: boolean
  readonly timeoutMs: number
  /** Called once, when the watch ends. */
  readonly onEnd: () => void
  /** The JSON of an object in the negotiated form; `body` is the stored JSON. */
  readonly print: (object: Stored, body: string | undefined) => string
  /** The JSON of a bookmark's object. */
  readonly bookmark: (revision: number, initialEnd: boolean) => string
}

interface Watcher {
  readonly resource: string
  readonly notify: (change: HistoryEntry) => void
}

const BOOKMARK_MS = 30_000
// Unread events of a slow client; beyond it the watch is closed and the client resumes.
const BUFFERED_BYTES_MAX = 32 * 1024 * 1024
/**
 * Unread events of all watches together, initial ones included; beyond it a watch that begins is
 * refused, and those with most unread are closed.
 */
export const UNREAD_BYTES_MAX = 256 * 1024 * 1024
/** Objects read at once for the initial events. */
const CHUNK = 500

/** The event of a change for a watch with a selector; undefined for none. */
export function eventTypeFor(
  change: HistoryEntry,
  { namespace, test }: Pick<WatchQuery, 'namespace' | 'test'>,
): HistoryEntry['type'] | undefined {
  if (namespace !== undefined && change.namespace !== namespace) return undefined
  const was = change.prev !== undefined && test(change.prev)
  const is = change.type !== 'DELETED' && test(change.object)
  if (change.type === 'DELETED')
    return was || (change.prev === undefined && test(change.object)) ? 'DELETED' : undefined
  if (is) return was ? 'MODIFIED' : 'ADDED'
  return was ? 'DELETED' : undefined
}

/**
 * The object of an event. One that leaves a selector is sent as it was, at the revision of the
 * change.
 */
function eventObject(
  { type: was, object, prev, body }: HistoryEntry,
  type: HistoryEntry['type'],
): readonly [Stored, string | undefined] {
  if (type !== 'DELETED' || was === 'DELETED' || !prev) return [object, body]
  return [{ ...prev, metadata: { ...prev.metadata, resourceVersion: object.metadata.resourceVersion } }, undefined]
}

type Controller = ReadableStreamDefaultController<Uint8Array>

/** The response body of a watch: one JSON event per line, until closed. */
class EventStream {
  readonly #controller: Controller
  readonly #encoder = new TextEncoder()
  #onClose: (() => void) | undefined

  constructor(controller: Controller, onClose: () => void) {
    this.#controller = controller
    this.#onClose = onClose
    this.#write('\n') // Bun sends no headers before the first body byte; JSON ignores a blank line
  }

  emit(type: string, object: string): void {
    this.#write(`{"type":"${type}","object":${object}}\n`)
  }

  /** Bytes that the client has not read. */
  get unread(): number {
    return BUFFERED_BYTES_MAX - (this.#controller.desiredSize ?? BUFFERED_BYTES_MAX)
  }

  /** As `emit`, but closes the watch of a client that does not read. */
  emitOrClose(type: string, object: string): void {
    if ((this.#controller.desiredSize ?? 1) <= 0) this.close()
    else this.emit(type, object)
  }

  close(): void {
    const onClose = this.#onClose
    if (!onClose) return
    this.#onClose = undefined
    onClose()
    try {
      this.#controller.close()
    } catch (error) {
      if (!(error instanceof TypeError)) throw error // the client closed it first
    }
  }

  #write(text: string): void {
    if (this.#onClose) this.#controller.enqueue(this.#encoder.encode(text))
  }
}

/** The current objects of a watch, read in chunks; nothing is written before the end. */
function* initialObjects(store: ObjectStore, query: WatchQuery): Generator<Stored, void> {
  const reader = present(store, query)
  for (let after: ReturnType<typeof positionOf> | undefined; ;) {
    const chunk = reader.read(after, CHUNK)
    for (const object of chunk) if (query.test(object)) yield object
    const last = chunk.at(-1)
    if (last === undefined || chunk.length < CHUNK) return
    after = positionOf(last)
  }
}

/** All watches of a server. */
export class Watches {
  readonly #store: ObjectStore
  readonly #watchers = new Set<Watcher>()
  readonly #open = new Set<EventStream>()
  readonly #unreadMax: number

  constructor(store: ObjectStore, unreadMax = UNREAD_BYTES_MAX) {
    this.#store = store
    this.#unreadMax = unreadMax
    store.onCommit(changes => {
      for (const watcher of this.#watchers)
        for (const change of changes) if (change.resource === watcher.resource) watcher.notify(change)
      this.#closeSlowest()
    })
  }

  #unread(): number {
    return [...this.#open].reduce((sum, { unread }) => sum + unread, 0)
  }

  /** Keeps the bound on all unread events: the clients that are furthest behind resume later. */
  #closeSlowest(): void {
    let unread = this.#unread()
    if (unread <= this.#unreadMax) return
    for (const stream of [...this.#open].sort((a, b) => b.unread - a.unread)) {
      if (unread <= this.#unreadMax) return
      unread -= stream.unread
      stream.close()
    }
  }

  /** Closes every watch, at shutdown. */
  closeAll(): void {
    for (const stream of this.#open) stream.close()
  }

  /** The response body: one JSON event per line. */
  open(query: WatchQuery): ReadableStream<Uint8Array> {
    let stream: EventStream | undefined
    return new ReadableStream<Uint8Array>(
      {
        start: controller => {
          stream = this.#begin(query, controller)
        },
        cancel: () => stream?.close(),
      },
      { highWaterMark: BUFFERED_BYTES_MAX, size: chunk => chunk?.byteLength ?? 0 },
    )
  }

  #begin(query: WatchQuery, controller: Controller): EventStream {
    const timers: ReturnType<typeof setTimeout>[] = []
    const stream = new EventStream(controller, () => {
      this.#watchers.delete(watcher)
      this.#open.delete(stream)
      timers.forEach(clearTimeout)
      query.onEnd()
    })
    const notify = (change: HistoryEntry): void => {
      const type = eventTypeFor(change, query)
      if (type !== undefined) stream.emitOrClose(type, query.print(...eventObject(change, type)))
    }
    const watcher: Watcher = { resource: query.resource, notify }
    const failure = this.#replay(query, stream)
    if (failure) {
      stream.emit('ERROR', JSON.stringify(failure.status()))
      stream.close()
      return stream
    }
    this.#watchers.add(watcher)
    this.#open.add(stream)
    const mark = (): void => stream.emitOrClose('BOOKMARK', query.bookmark(this.#store.revision, false))
    if (query.bookmarks) timers.push(setInterval(mark, BOOKMARK_MS))
    timers.push(setTimeout(() => stream.close(), query.timeoutMs))
    return stream
  }

  /** Sends the initial events. @returns the error of a compacted revision or of UNREAD_BYTES_MAX */
  #replay(query: WatchQuery, stream: EventStream): ApiError | undefined {
    const { resource, from, marksInitialEnd } = query
    const leftBytes = this.#unreadMax - this.#unread()
    if (from !== undefined) {
      if (from < this.#store.history.oldest) return tooOld(from, this.#store.history.oldest)
      for (const change of this.#store.history.since(resource, from)) {
        const type = eventTypeFor(change, query)
        if (type !== undefined) stream.emit(type, query.print(...eventObject(change, type)))
        if (stream.unread > leftBytes) return tooMuchUnread(this.#unreadMax)
      }
      return undefined
    }
    for (const object of initialObjects(this.#store, query)) {
      stream.emit('ADDED', query.print(object, undefined))
      if (stream.unread > leftBytes) return tooMuchUnread(this.#unreadMax)
    }
    if (marksInitialEnd) stream.emit('BOOKMARK', query.bookmark(this.#store.revision, true))
    return undefined
  }
}
