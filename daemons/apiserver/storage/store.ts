// Objects and their history in SQLite: durability, revisions, group commit. Runs on Bun only.
//
// Writes are queued; a batch runs synchronously in one transaction with one fsync and is answered
// after COMMIT. So readers see durable rows only.
import { Database, type Statement } from 'bun:sqlite'
import { RowLists } from './list-queries.js'
import { History, type HistoryEntry } from './history.js'
import { Indexes } from './indexes.js'
import type { Range, StoredKey } from './key.js'
import { parseStored, type Stored } from '../schema/stored-object.js'

/** A transaction: all of its writes are stored, or none. */
export interface Tx {
  read(ref: StoredKey): Stored | undefined
  list(range: Range): readonly Stored[]
  /** Stores the object with the next resourceVersion, which it sets in the object. */
  put(resource: string, object: Stored): Stored
  remove(resource: string, object: Stored): Stored
}

interface Job {
  readonly run: (tx: Tx) => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Outcome = { readonly job: Job; readonly value: unknown } | { readonly job: Job; readonly error: unknown }

const BATCH_MAX = 1_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, rv INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name)); -- bodies apart from the keys: counting and finding read no body
`

const FORMAT = 1 // incremented when the tables change

/** @throws for another format, whose missing tables would go unnoticed. */
function checkFormat(db: Database): void {
  const tables = db.query<{ readonly n: number }, []>('SELECT count(*) AS n FROM sqlite_schema').get()?.n ?? 0
  const format = db.query<{ readonly user_version: number }, []>('PRAGMA user_version').get()?.user_version ?? 0
  if (tables > 0 && format !== FORMAT) throw new Error(`it is of format ${format}, this server writes format ${FORMAT}`)
  db.run(`PRAGMA user_version = ${FORMAT}`)
}

/** The store of all objects. */
export class ObjectStore {
  readonly history: History
  readonly indexes: Indexes
  #db: Database
  #queue: Job[] = []
  #pending = false
  #listeners: ((changes: readonly HistoryEntry[]) => void)[] = []
  #read: Statement<{ readonly body: string }, [string, string, string]>
  #put: Statement<unknown, [string, string, string, number, string]>
  #remove: Statement<unknown, [string, string, string]>
  #lists: RowLists

  /**
   * Opens or creates the file. `eventsMax` bounds the changes kept for watches. @throws where
   * another process has it open.
   */
  constructor(path: string, { eventsMax }: { readonly eventsMax: number }) {
    const db = new Database(path, { create: true, strict: true })
    this.#db = db
    db.run('PRAGMA locking_mode = EXCLUSIVE') // one server per file; also avoids the -shm file
    db.run('PRAGMA journal_mode = WAL')
    db.run('PRAGMA synchronous = FULL') // fsync at every COMMIT: acknowledged writes are durable
    db.run('PRAGMA cache_size = -65536') // KiB
    checkFormat(db)
    db.run(SCHEMA)
    this.history = new History(db, eventsMax)
    this.indexes = new Indexes(db)
    this.#read = db.query('SELECT body FROM objects WHERE resource = ? AND namespace = ? AND name = ?')
    this.#put = db.query('INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)')
    this.#remove = db.query('DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?')
    this.#lists = new RowLists(db)
  }

  /** The resourceVersion of the last committed write. */
  get revision(): number {
    return this.history.revision
  }

  read({ resource, namespace, name }: StoredKey): Stored | undefined {
    const row = this.#read.get(resource, namespace, name)
    return row ? parseStored(row.body) : undefined
  }

  list(range: Range): readonly Stored[] {
    return this.#lists.bodies(range).map(parseStored)
  }

  /** Objects of a resource whose JSON contains a text; only those are read into memory. */
  containing(resource: string, text: string): readonly Stored[] {
    return [...this.#lists.containing(resource, text)].map(parseStored)
  }

  /** Number of objects in the range, without its limit. */
  count(range: Range): number {
    return this.#lists.count(range)
  }

  /** Called with every batch after COMMIT, before its writers are answered. */
  onCommit(listener: (changes: readonly HistoryEntry[]) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * Runs `run` in the next batch; resolves after COMMIT with its result, rejects with its error. It
   * must be synchronous.
   */
  write<T>(run: (tx: Tx) => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let value: T
    const job: Job = { run: tx => (value = run(tx)), resolve: () => resolve(value), reject }
    this.#queue.push(job)
    this.#schedule()
    return promise
  }

  close(): void {
    this.#flush()
    this.#db.close()
  }

  #schedule(): void {
    if (this.#pending) return
    this.#pending = true
    setImmediate(() => {
      this.#pending = false
      this.#flush()
      if (this.#queue.length > 0) this.#schedule()
    })
  }

  #flush(): void {
    const jobs = this.#queue.splice(0, BATCH_MAX)
    if (jobs.length === 0) return
    const changes: HistoryEntry[] = []
    let outcomes: readonly Outcome[]
    try {
      this.#db.run('BEGIN IMMEDIATE')
      outcomes = jobs.map(job => this.#runOne(job, changes))
      this.history.compact()
      this.#db.run('COMMIT')
    } catch (error) {
      if (this.#db.inTransaction) this.#db.run('ROLLBACK')
      this.history.reload()
      for (const { reject } of jobs) reject(error)
      return
    }
    if (changes.length > 0) for (const listener of this.#listeners) listener(changes)
    for (const outcome of outcomes) {
      if ('error' in outcome) outcome.job.reject(outcome.error)
      else outcome.job.resolve(outcome.value)
    }
  }

  /** Buffers the writes of a job until it succeeds; one that throws leaves nothing. */
  #runOne(job: Job, changes: HistoryEntry[]): Outcome {
    const pending: HistoryEntry[] = []
    const before = this.history.revision
    try {
      const value = job.run(this.#tx(pending))
      for (const change of pending) this.#apply(change)
      changes.push(...pending)
      return { job, value }
    } catch (error) {
      if (pending.length > 0 && error instanceof Error && error.name === 'SQLiteError') throw error
      this.history.revision = before
      return { job, error }
    }
  }

  #tx(pending: HistoryEntry[]): Tx {
    const add = (type: HistoryEntry['type'], resource: string, object: Stored, prev: Stored | undefined): Stored => {
      const revision = ++this.history.revision
      object.metadata.resourceVersion = String(revision)
      const { namespace = '', name } = object.metadata
      pending.push({ revision, resource, namespace, name, type, object, prev, body: JSON.stringify(object) })
      return object
    }
    const read = (ref: StoredKey): Stored | undefined => {
      const own = pending.findLast(
        c => c.name === ref.name && c.namespace === ref.namespace && c.resource === ref.resource,
      )
      return own ? (own.type === 'DELETED' ? undefined : own.object) : this.read(ref)
    }
    const refOf = (resource: string, { metadata: { namespace = '', name } }: Stored): StoredKey => ({
      resource,
      namespace,
      name,
    })
    return {
      read,
      list: range => this.list(range),
      put: (resource, object) => {
        const prev = read(refOf(resource, object))
        return add(prev ? 'MODIFIED' : 'ADDED', resource, object, prev)
      },
      remove: (resource, object) => add('DELETED', resource, object, read(refOf(resource, object))),
    }
  }

  #apply(change: HistoryEntry): void {
    const { resource, namespace, name, revision, body } = change
    if (change.type === 'DELETED') this.#remove.run(resource, namespace, name)
    else this.#put.run(resource, namespace, name, revision, body)
    this.indexes.apply(change)
    this.history.append(change)
  }
}
