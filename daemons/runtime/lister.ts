// Watch sources, the indexer and its read interface. Pure; knows no server.
import type { ObjectMeta } from '../../lib/crd/types.js'
import type { Kind } from '../../lib/kube/kinds.js'

export interface KubeObject {
  readonly metadata: ObjectMeta
}

/**
 * One list and watch. Constructed once at the top of a file with `source(…)`; the object itself is
 * the key for `CacheReader.of`.
 */
export interface WatchSource<T extends KubeObject = KubeObject, I extends string = string> {
  readonly kind: Kind
  /**
   * What is kept of an object in memory, as an informer's TransformFunc; the whole object by
   * default.
   */
  readonly transform?: (object: T) => T
  /** Index functions: the values under which an object is found. */
  readonly indexes: { readonly [K in I]: (object: T) => readonly string[] }
  /**
   * A kind that may be missing (404), then it has no objects, or forbidden (403), then nothing is
   * known of its objects and what depends on them is left unchanged. `CacheReader.isServed` is
   * false for both.
   */
  readonly optional?: boolean
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** A watch source; without indexes by default. */
export const source = <T extends KubeObject, I extends string = never>(
  of: Omit<WatchSource<T, I>, 'indexes'> & { readonly indexes?: WatchSource<T, I>['indexes'] },
): WatchSource<T, I> => ({ ...of, indexes: of.indexes ?? ({} as WatchSource<T, I>['indexes']) })

/** `namespace/name`, or `name` where the kind has no namespaces. */
export const keyOf = ({ metadata: { namespace = '', name } }: KubeObject): string =>
  namespace === '' ? name : `${namespace}/${name}`

/** The inverse of keyOf. */
export function refOfKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/')
  return { namespace: slash < 0 ? '' : key.slice(0, slash), name: key.slice(slash + 1) }
}

/** A change of an object: `object` is undefined after a delete, `previous` before an add. */
export interface ObjectChange<T extends KubeObject = KubeObject> {
  readonly object: T | undefined
  readonly previous: T | undefined
}

/**
 * Read interface of one kind's cache. It lags behind the API server, so nothing is released on what
 * it says alone.
 */
export interface Lister<T extends KubeObject, I extends string> {
  get(key: string): T | undefined
  all(): Iterable<T>
  by(index: I, value: string): readonly T[]
  count(index: I, value: string): number
  readonly size: number
}

export interface CacheReader {
  of<T extends KubeObject, I extends string>(source: WatchSource<T, I>): Lister<T, I>
  /** False where the server answers 404 or 403 to an optional source. */
  isServed<T extends KubeObject, I extends string>(source: WatchSource<T, I>): boolean
  /** True where it answers 403. */
  isForbidden<T extends KubeObject, I extends string>(source: WatchSource<T, I>): boolean
}

/** In-memory objects of one source, by key and by index. */
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

  /**
   * Replaces the content by a full list and returns the differences; objects that are not in the
   * list were deleted.
   */
  replace(objects: readonly T[]): readonly ObjectChange<T>[] {
    const changes: ObjectChange<T>[] = []
    const listed = new Set<string>()
    for (const object of objects) {
      listed.add(keyOf(object))
      const change = this.put(object)
      if (change.previous?.metadata.resourceVersion !== object.metadata.resourceVersion || !change.previous)
        changes.push(change)
    }
    for (const key of [...this.#objects.keys()]) if (!listed.has(key)) changes.push(this.remove(key))
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
