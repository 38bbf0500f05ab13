// List queries by resource, namespace or label, ordered by namespace and name. Runs on Bun only.
import type { Database, Statement } from 'bun:sqlite'
import type { Range } from './key.js'

interface Row {
  readonly body: string
}

const LIST_MAX = 10_000_000

/**
 * The WHERE clause of a range and its values; columns of `objects`, or of `labels` with a label.
 */
function whereOf({ resource, namespace, after, label }: Range): {
  readonly sql: string
  readonly values: readonly string[]
} {
  const { name = '', namespace: behind = '' } = after ?? {}
  const labelled = label === undefined ? '' : ' AND label = ?'
  const values = label === undefined ? [resource] : [resource, label]
  return namespace === undefined
    ? { sql: `resource = ?${labelled} AND (namespace, name) > (?, ?)`, values: [...values, behind, name] }
    : { sql: `resource = ?${labelled} AND namespace = ? AND name > ?`, values: [...values, namespace, name] }
}

/** List and count queries. */
export class RowLists {
  readonly #db: Database
  constructor(db: Database) {
    this.#db = db
  }

  bodies(range: Range): readonly string[] {
    const { sql, values } = whereOf(range)
    const from =
      range.label === undefined
        ? `objects WHERE ${sql}`
        : `(SELECT * FROM labels WHERE ${sql}) JOIN objects USING (resource, namespace, name)`
    const rows = this.#query<Row>(`SELECT body FROM ${from} ORDER BY namespace, name LIMIT ?`)
    return rows.all(...values, Math.min(range.limit ?? LIST_MAX, LIST_MAX)).map(({ body }) => body)
  }

  /** Bodies of a resource that contain a text, one at a time. */
  *containing(resource: string, text: string): Generator<string, void> {
    const sql = 'SELECT body FROM objects WHERE resource = ? AND instr(body, ?) > 0'
    for (const { body } of this.#query<Row>(sql).iterate(resource, text)) yield body
  }

  count(range: Range): number {
    const { sql, values } = whereOf(range)
    const table = range.label === undefined ? 'objects' : 'labels'
    return this.#query<{ readonly n: number }>(`SELECT count(*) AS n FROM ${table} WHERE ${sql}`).get(...values)?.n ?? 0
  }

  /** Bun caches prepared statements by text. */
  #query<T>(sql: string): Statement<T, (string | number)[]> {
    return this.#db.query<T, (string | number)[]>(sql)
  }
}
