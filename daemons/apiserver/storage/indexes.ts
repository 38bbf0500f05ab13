// Indexes over labels, owners and terminating objects, in SQLite. Runs on Bun only.
import type { Database, Statement } from 'bun:sqlite'
import type { HistoryEntry } from './history.js'
import { labelText } from './label-key.js'
import type { Stored } from '../schema/stored-object.js'
import type { StoredKey } from './key.js'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS labels (
    resource TEXT NOT NULL, label TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (resource, label, namespace, name)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS owners (
    uid TEXT NOT NULL, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (uid, resource, namespace, name)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ending (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID;
`

/** An object with an owner, and the UID of that owner. */
export interface OwnedKey extends StoredKey {
  readonly uid: string
}

/** A table that maps a key of an object to its StoredKey. */
interface Keyed {
  readonly keysOf: (object: Stored | undefined) => readonly string[]
  readonly add: Statement<unknown, [string, string, string, string]>
  readonly drop: Statement<unknown, [string, string, string, string]>
}

const labelsOf = (object: Stored | undefined): readonly string[] =>
  Object.entries(object?.metadata.labels ?? {}).map(([key, value]) => labelText(key, value))

const ownersOf = (object: Stored | undefined): readonly string[] => [
  ...new Set((object?.metadata.ownerReferences ?? []).map(({ uid }) => uid)),
]

/** The indexes of the store. */
export class Indexes {
  readonly #tables: readonly Keyed[]
  readonly #addEnding: Statement<unknown, [string, string, string]>
  readonly #dropEnding: Statement<unknown, [string, string, string]>
  readonly #owned: Statement<StoredKey, [string]>
  readonly #allOwned: Statement<OwnedKey, [string, string, string, string, number]>
  readonly #allEnding: Statement<StoredKey, []>
  readonly #endingOf: Statement<StoredKey, [string]>
  readonly #named: Statement<{ readonly name: string }, [string, string]>
  readonly #counts: Statement<{ readonly label: string; readonly n: number }, [string, string, string]>

  constructor(db: Database) {
    db.run(SCHEMA)
    const drop = (table: string, key: string): string =>
      `DELETE FROM ${table} WHERE resource = ? AND ${key} = ? AND namespace = ? AND name = ?`
    const add = (table: string, key: string): string =>
      `INSERT OR IGNORE INTO ${table} (resource, ${key}, namespace, name) VALUES (?, ?, ?, ?)`
    const table = (name: string, key: string, keysOf: Keyed['keysOf']): Keyed => {
      return { keysOf, add: db.query(add(name, key)), drop: db.query(drop(name, key)) }
    }
    this.#tables = [table('labels', 'label', labelsOf), table('owners', 'uid', ownersOf)]
    this.#addEnding = db.query('INSERT OR IGNORE INTO ending VALUES (?, ?, ?)')
    this.#dropEnding = db.query('DELETE FROM ending WHERE resource = ? AND namespace = ? AND name = ?')
    this.#owned = db.query('SELECT resource, namespace, name FROM owners WHERE uid = ?')
    this.#allOwned = db.query(
      `SELECT uid, resource, namespace, name FROM owners WHERE (uid, resource, namespace, name) > (?, ?, ?, ?)
       ORDER BY uid, resource, namespace, name LIMIT ?`,
    )
    this.#allEnding = db.query('SELECT resource, namespace, name FROM ending')
    this.#endingOf = db.query('SELECT resource, namespace, name FROM ending WHERE resource = ?')
    this.#named = db.query('SELECT name FROM labels WHERE resource = ? AND label = ?')
    this.#counts = db.query(
      'SELECT label, count(*) AS n FROM labels WHERE resource = ? AND label >= ? AND label < ? GROUP BY label',
    )
  }

  /** Updates the indexes inside the transaction that writes the object. */
  apply({ resource, namespace, name, type, object, prev }: HistoryEntry): void {
    const now = type === 'DELETED' ? undefined : object
    for (const { keysOf, add, drop } of this.#tables) {
      const before = keysOf(prev)
      const after = keysOf(now)
      for (const key of before) if (!after.includes(key)) drop.run(resource, key, namespace, name)
      for (const key of after) if (!before.includes(key)) add.run(resource, key, namespace, name)
    }
    const wasEnding = prev?.metadata.deletionTimestamp !== undefined
    const isEnding = now?.metadata.deletionTimestamp !== undefined
    if (isEnding && !wasEnding) this.#addEnding.run(resource, namespace, name)
    if (wasEnding && !isEnding) this.#dropEnding.run(resource, namespace, name)
  }

  /** Objects with an ownerReference of this UID. */
  ownedBy(uid: string): readonly StoredKey[] {
    return this.#owned.all(uid)
  }

  /** A page of the objects with an owner, ordered by the UID of the owner. */
  allOwned(after: OwnedKey | undefined, limit: number): readonly OwnedKey[] {
    const { uid = '', resource = '', namespace = '', name = '' } = after ?? {}
    return this.#allOwned.all(uid, resource, namespace, name, limit)
  }

  /** All objects with a deletionTimestamp. */
  ending(): readonly StoredKey[] {
    return this.#allEnding.all()
  }

  /** All objects of one resource with a deletionTimestamp. */
  endingOf(resource: string): readonly StoredKey[] {
    return this.#endingOf.all(resource)
  }

  /** Names of the objects with this label; for cluster-scoped resources only. */
  namesWith(resource: string, key: string, value: string): readonly string[] {
    return this.#named.all(resource, labelText(key, value)).map(({ name }) => name)
  }

  /** Number of objects of a resource by value of a label. */
  countsOf(resource: string, key: string): ReadonlyMap<string, number> {
    const from = labelText(key, '')
    const rows = this.#counts.all(resource, from, `${from}\u{10ffff}`)
    return new Map(rows.map(({ label, n }) => [label.slice(from.length), n]))
  }
}
