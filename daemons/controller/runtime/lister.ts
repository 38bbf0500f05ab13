// What reconcilers see of the cluster: a source names a kind, what is kept of its objects and how they are found. Pure; knows no server.
import type { ObjectMeta } from '../../../lib/crd/types.js'
import type { Kind } from '../../../lib/kube/kinds.js'

export interface KubeObject {
  readonly metadata: ObjectMeta
}

/** One list and watch. Made once, at the top of a file, with `source(…)`: the object itself is what `View.of` is asked with. */
export interface WatchSource<T extends KubeObject = KubeObject, I extends string = string> {
  readonly kind: Kind
  /** What is kept of an object in memory: leave out what nobody reads. Whole objects where it is not given. */
  readonly transform?: (object: T) => T
  /** Other ways to find an object than by its key: the values under which it is found. */
  readonly indexes: { readonly [K in I]: (object: T) => readonly string[] }
  /**
   * A kind that a cluster need not serve (404): then it has no objects. One that we may not list (403) may have any: what hangs on it is
   * left as it is, and nothing else waits for it. `View.isServed` is false for both.
   */
  readonly optional?: boolean
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export const source = <T extends KubeObject, I extends string = never>(
  of: Omit<WatchSource<T, I>, 'indexes'> & { readonly indexes?: WatchSource<T, I>['indexes'] },
): WatchSource<T, I> => ({ ...of, indexes: of.indexes ?? ({} as WatchSource<T, I>['indexes']) })

/** `namespace/name`, or `name` where the kind has no namespaces. */
export const keyOf = ({ metadata: { namespace = '', name } }: KubeObject): string =>
  namespace === '' ? name : `${namespace}/${name}`

export function refOfKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/')
  return { namespace: slash < 0 ? '' : key.slice(0, slash), name: key.slice(slash + 1) }
}

/** What happened to an object: `object` is gone where it was deleted, `previous` was not there where it is new. */
export interface ObjectChange<T extends KubeObject = KubeObject> {
  readonly object: T | undefined
  readonly previous: T | undefined
}

/** What is cached of a kind. As old as the watch is late: good for deciding what to look at, never for freeing something. */
export interface Lister<T extends KubeObject, I extends string> {
  get(key: string): T | undefined
  all(): Iterable<T>
  by(index: I, value: string): readonly T[]
  count(index: I, value: string): number
  readonly size: number
}

export interface CacheReader {
  of<T extends KubeObject, I extends string>(source: WatchSource<T, I>): Lister<T, I>
  /** False where the server answers 404 or 403 to an optional source: what it has of it says nothing. */
  isServed<T extends KubeObject, I extends string>(source: WatchSource<T, I>): boolean
  /** True where it answers 403. */
  isForbidden<T extends KubeObject, I extends string>(source: WatchSource<T, I>): boolean
}

/** Objects of one source by key and by index. */
export class Indexer<T extends KubeObject, I extends string> implements Lister<T, I> {
  readonly #source: WatchSource<T, I>
  readonly #objects = new Map<string, T>()
  readonly #indexes: ReadonlyMap<I, Map<string, Set<T>>>

  constructor(of: WatchSource<T, I>) {
    this.#source = of
    this.#indexes = new Map((Object.keys(of.indexes) as I[]).map(name => [name, new Map<string, Set<T>>()]))
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  all(): Iterable<T> {
    return this.#objects.values()
  }

  by(index: I, value: string): readonly T[] {
    return [...(this.#indexes.get(index)?.get(value) ?? [])]
  }

  count(index: I, value: string): number {
    return this.#indexes.get(index)?.get(value)?.size ?? 0
  }

  put(object: T): ObjectChange<T> {
    const key = keyOf(object)
    const previous = this.#objects.get(key)
    if (previous) this.#unindex(previous)
    this.#objects.set(key, object)
    this.#index(object)
    return { object, previous }
  }

  remove(key: string): ObjectChange<T> {
    const previous = this.#objects.get(key)
    if (previous) this.#unindex(previous)
    this.#objects.delete(key)
    return { object: undefined, previous }
  }

  /** Everything there is: what is not in it has gone while nobody looked. Tells only what differs. */
  replace(objects: readonly T[]): readonly ObjectChange<T>[] {
    const changes: ObjectChange<T>[] = []
    const there = new Set<string>()
    for (const object of objects) {
      there.add(keyOf(object))
      const change = this.put(object)
      if (change.previous?.metadata.resourceVersion !== object.metadata.resourceVersion || !change.previous)
        changes.push(change)
    }
    for (const key of [...this.#objects.keys()]) if (!there.has(key)) changes.push(this.remove(key))
    return changes
  }

  #index(object: T): void {
    for (const [name, found] of this.#indexes)
      for (const value of this.#source.indexes[name](object)) {
        const set = found.get(value)
        if (set) set.add(object)
        else found.set(value, new Set([object]))
      }
  }

  #unindex(object: T): void {
    for (const [name, found] of this.#indexes)
      for (const value of this.#source.indexes[name](object)) {
        const set = found.get(value)
        set?.delete(object)
        if (set?.size === 0) found.delete(value)
      }
  }
}
