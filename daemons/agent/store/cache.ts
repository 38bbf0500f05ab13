// What a call may read without a request. The caches of the watches, each with whether it may be
// believed.
import type { Pod, SpiderIPPool, SpiderReservedIP } from '../../../lib/crd/types.js'
import type { Labels } from '../../../lib/ipam/store/store.js'
import type { CacheReader, WatchSource } from '../../runtime/lister.js'
import type { NodeSources } from './sources.js'

/**
 * kube-apiserver sends each watch a bookmark a minute, the first after up to two and none in a
 * cluster without any write (docs/agent.md has the figures): a watch that is silent for longer may
 * be dead, and is opened again.
 */
export const SILENCE_MS_MAX = 90_000

export type CachedKind = keyof NodeSources

export interface NodeCache {
  /** False: the cache may miss what the server has had for a while. */
  isTrusted(kind: CachedKind): boolean
  readonly node: string
  /** A pod of this node, by `namespace/name`. */
  pod(key: string): Pod | undefined
  pool(name: string): SpiderIPPool | undefined
  pools(): readonly SpiderIPPool[]
  reserved(): readonly SpiderReservedIP[]
  namespace(name: string): { readonly labels: Labels; readonly annotations: Labels } | undefined
  nodeLabels(): Labels | undefined
}

/** Whether the streams of the watches are open, and when each was last heard. */
export class Streams {
  readonly #now: () => number
  readonly #heardAtMs = new Map<object, number>()
  readonly #broken = new Set<object>()

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  note(of: object, state: 'open' | 'heard' | 'broken'): void {
    if (state === 'broken') return void this.#broken.add(of)
    this.#broken.delete(of)
    this.#heardAtMs.set(of, this.#now())
  }

  isAlive(of: object): boolean {
    const heardAtMs = this.#heardAtMs.get(of)
    return heardAtMs !== undefined && !this.#broken.has(of) && this.#now() - heardAtMs <= SILENCE_MS_MAX
  }
}

interface CacheDeps {
  readonly node: string
  readonly sources: NodeSources
  readonly reader: CacheReader
  readonly streams: Streams
  /** True where the watches are known to lag. */
  readonly isLagging: () => boolean
}

/** The cache on the informers of these sources. */
export function nodeCache({ node, sources, reader, streams, isLagging }: CacheDeps): NodeCache {
  const isTrusted = (kind: CachedKind): boolean => {
    const source = sources[kind] as unknown as WatchSource // only its identity counts
    return reader.isServed(source) && streams.isAlive(source) && !isLagging()
  }
  return {
    node,
    isTrusted,
    pod: key => reader.of(sources.pods).get(key),
    pool: name => reader.of(sources.pools).get(name),
    pools: () => [...reader.of(sources.pools).all()],
    reserved: () => [...reader.of(sources.reserved).all()],
    namespace: name => {
      const found = reader.of(sources.namespaces).get(name)
      return found && { labels: found.metadata.labels ?? {}, annotations: found.metadata.annotations ?? {} }
    },
    nodeLabels: () => {
      const found = reader.of(sources.node).get(node)
      return found && (found.metadata.labels ?? {})
    },
  }
}
