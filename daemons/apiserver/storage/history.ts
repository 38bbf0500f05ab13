// The change log in SQLite, from which watches resume and past lists are computed. Runs on Bun
// only.
import type { Database, Statement } from 'bun:sqlite'
import { parseStored, type Stored } from '../schema/stored-object.js'

/** One committed change. */
export interface HistoryEntry {
  readonly revision: number
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** After the change; for a deletion the last state, with the resourceVersion of the deletion. */
  readonly object: Stored
  /** Before the change. */
  readonly prev: Stored | undefined
  /** `object` as JSON. */
  readonly body: string
}

interface Row {
  readonly rv: number
  readonly namespace: string
  readonly name: string
  readonly type: HistoryEntry['type']
  readonly body: string
  readonly prev: string | null
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS changes (
    rv INTEGER PRIMARY KEY, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
    body TEXT NOT NULL, prev TEXT);
  CREATE INDEX IF NOT EXISTS changes_of ON changes (resource, rv);
  CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
`

/** The change log, bounded by compaction. */
export class History {
  /** The last resourceVersion. */
  revision = 0
  /** Changes up to and including this revision are compacted. */
  oldest = 0
  #kept = 0
  readonly #db: Database
  readonly #max: number
  readonly #append: Statement<unknown, [number, string, string, string, string, string, string | null]>
  readonly #since: Statement<Row, [string, number]>
  readonly #any: Statement<unknown, [string, number]>
  readonly #forget: Statement<unknown, [number]>
  readonly #remember: Statement<unknown, [number]>

  constructor(db: Database, max: number) {
    db.run(SCHEMA)
    this.#db = db
    this.#max = max
    this.reload()
    this.#append = db.query('INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#since = db.query(
      'SELECT rv, namespace, name, type, body, prev FROM changes WHERE resource = ? AND rv > ? ORDER BY rv',
    )
    this.#any = db.query('SELECT 1 FROM changes WHERE resource = ? AND rv > ? LIMIT 1')
    this.#forget = db.query('DELETE FROM changes WHERE rv <= ?')
    this.#remember = db.query("INSERT OR REPLACE INTO counters VALUES ('compacted', ?)")
  }

  /** Reads the counters from the database: at start, and after a rollback. */
  reload(): void {
    const one = (sql: string): number => this.#db.query<{ n: number | null }, []>(sql).get()?.n ?? 0
    this.oldest = one("SELECT value AS n FROM counters WHERE name = 'compacted'")
    this.revision = Math.max(this.oldest, one('SELECT max(rv) AS n FROM changes'))
    this.#kept = one('SELECT count(*) AS n FROM changes')
  }

  append({ revision, resource, namespace, name, type, body, prev }: HistoryEntry): void {
    this.#append.run(revision, resource, namespace, name, type, body, prev ? JSON.stringify(prev) : null)
    this.#kept++
  }

  /**
   * Drops the changes over the bound, a quarter of it at a time. Runs inside the batch’s
   * transaction.
   */
  compact(): void {
    if (this.#kept <= this.#max * 1.25) return
    // Revisions have no gaps, since those of failed jobs are reused; so the bound can be computed.
    this.oldest = this.revision - this.#max
    this.#forget.run(this.oldest)
    this.#remember.run(this.oldest)
    this.#kept = this.#max
  }

  hasSince(resource: string, revision: number): boolean {
    return this.#any.get(resource, revision) !== null
  }

  /**
   * Changes of a resource after a revision, oldest first, one in memory at a time. The caller
   * checks `oldest`, and writes nothing before the end.
   */
  *since(resource: string, revision: number): Generator<HistoryEntry, void> {
    for (const { rv, namespace, name, type, body, prev } of this.#since.iterate(resource, revision))
      yield {
        revision: rv,
        resource,
        namespace,
        name,
        type,
        object: parseStored(body),
        prev: prev === null ? undefined : parseStored(prev),
        body,
      }
  }
}
