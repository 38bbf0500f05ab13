// Consistent lists: all pages show one revision, whatever is written in between.
import { expired } from '../schema/status-error.js'
import { parseJson, fieldsOf, type Stored } from '../schema/stored-object.js'
import type { ObjectStore } from './store.js'
import type { Test } from './selector.js'

/** What an index can narrow; `test` decides. */
export interface ListSelection {
  readonly resource: string
  readonly namespace: string | undefined
  readonly test: Test
  readonly label?: string | undefined
  readonly name?: string | undefined
}

export interface ListQuery extends ListSelection {
  /** 0: no limit. */
  readonly limit: number
  readonly continueAt: string
  /** Revision to show; absent: the current one. */
  readonly exactly?: number | undefined
}

export interface Page {
  readonly items: readonly Stored[]
  readonly revision: number
  /** '' on the last page. */
  readonly continueAt: string
  /** Number of objects after this page; absent with selectors, as in kube-apiserver. */
  readonly remaining?: number
}

interface Position {
  readonly namespace: string
  readonly name: string
}

const CHUNK = 500
const CONTINUE_TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.'

const encode = (revision: number, { namespace, name }: Position): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, namespace, name })).toString('base64url')

function decode(token: string): { readonly revision: number; readonly after: Position } {
  try {
    const { rv, namespace, name } = fieldsOf(parseJson(Buffer.from(token, 'base64url').toString()))
    if (typeof rv === 'number' && typeof namespace === 'string' && typeof name === 'string')
      return { revision: rv, after: { namespace, name } }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw expired(`The provided continue parameter is not valid: ${JSON.stringify(token)}. Start a new list without it.`)
}

/** The place of an object in a list. */
export const positionOf = ({ metadata: { namespace = '', name } }: Stored): Position => ({ namespace, name })
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const comparePositions = (a: Position, b: Position): number =>
  compare(a.namespace, b.namespace) || compare(a.name, b.name)

/** The objects of a resource at `revision`: the current ones, with later changes undone. */
function past(store: ObjectStore, { resource, namespace }: ListQuery, revision: number): readonly Stored[] {
  const before = new Map<string, Stored | undefined>()
  for (const change of store.history.since(resource, revision)) {
    const key = `${change.namespace}/${change.name}`
    if (!before.has(key)) before.set(key, change.type === 'ADDED' ? undefined : change.prev)
  }
  const keyOf = (object: Stored): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`
  const same = store.list({ resource, namespace }).filter(object => !before.has(keyOf(object)))
  const changed = [...before.values()].filter(
    object => object !== undefined && (namespace === undefined || (object.metadata.namespace ?? '') === namespace),
  )
  return [...same, ...changed]
    .filter(object => object !== undefined)
    .sort((a, b) => comparePositions(positionOf(a), positionOf(b)))
}

interface Reader {
  /** Objects after `after`, in order; not yet tested. */
  read(after: Position | undefined, limit: number): readonly Stored[]
  /** Number of objects after `after`. */
  count(after: Position): number
}

/** The current objects, by the narrowest index; not yet tested. */
export function present(store: ObjectStore, { resource, namespace, label, name }: ListSelection): Reader {
  if (name !== undefined && namespace !== undefined) {
    const found = store.read({ resource, namespace, name })
    return { read: after => (found && after === undefined ? [found] : []), count: () => 0 }
  }
  return {
    read: (after, limit) => store.list({ resource, namespace, label, after, limit }),
    count: after => store.count({ resource, namespace, label, after }),
  }
}

function reader(store: ObjectStore, query: ListQuery, revision: number): Reader {
  if (revision === store.revision || !store.history.hasSince(query.resource, revision)) return present(store, query)
  const all = past(store, query, revision)
  const behind = (after: Position | undefined): readonly Stored[] => {
    const from = after === undefined ? 0 : all.findIndex(object => comparePositions(positionOf(object), after) > 0)
    return from === -1 ? [] : all.slice(from)
  }
  return { read: (after, limit) => behind(after).slice(0, limit), count: after => behind(after).length }
}

/** One page of a list. @throws 410 for a compacted revision or an invalid continue token. */
export function page(store: ObjectStore, query: ListQuery, selects: boolean): Page {
  const token = query.continueAt === '' ? undefined : decode(query.continueAt)
  const revision = token?.revision ?? query.exactly ?? store.revision
  if (revision < store.history.oldest || revision > store.revision) throw expired(CONTINUE_TOO_OLD)
  const source = reader(store, query, revision)
  if (query.limit === 0) {
    const items = source.read(token?.after, Infinity).filter(query.test)
    return { items, revision, continueAt: '' }
  }
  const items: Stored[] = []
  let after = token?.after
  for (;;) {
    const chunk = source.read(after, Math.max(CHUNK, query.limit + 1))
    for (const object of chunk) {
      if (!query.test(object)) continue
      if (items.length === query.limit) return cut(items, revision, selects ? undefined : source)
      items.push(object)
    }
    const last = chunk.at(-1)
    if (last === undefined) return { items, revision, continueAt: '' }
    after = positionOf(last)
  }
}

function cut(items: readonly Stored[], revision: number, source: Reader | undefined): Page {
  const last = items.at(-1)
  if (last === undefined) return { items, revision, continueAt: '' }
  const position = positionOf(last)
  return {
    items,
    revision,
    continueAt: encode(revision, position),
    ...(source && { remaining: source.count(position) }),
  }
}
