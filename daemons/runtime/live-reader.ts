// LiveReader: uncached reads, batched; many keys of a kind become one list. Knows no kind.
import type { Kube } from '../../lib/kube/client.js'
import { isNotFound } from '../../lib/kube/errors.js'

import { keyOf, refOfKey, type KubeObject, type WatchSource } from './lister.js'

/** Reads of one kind within this time are sent together. */
const GATHER_MS = 20
/** More keys than this are read with one list instead of gets. */
const GETS_MAX = 50
/** Objects in one page of a list. */
const PAGE_SIZE = 500

interface Waiter {
  readonly resolve: (object: KubeObject | undefined) => void
  readonly reject: (error: unknown) => void
}

/** By key. */
type Batch = Map<string, Waiter[]>

interface Lane {
  readonly source: WatchSource
  batch: Batch
  isBusy: boolean
}

export interface LiveReader {
  /**
   * The object as the API server has it now, through the source's transform; undefined where there
   * is none.
   * @throws KubeError
   */
  get<T extends KubeObject>(source: WatchSource<T, never> | WatchSource<T, string>, key: string): Promise<T | undefined>
}

export class BatchedLiveReader implements LiveReader {
  readonly #kube: Kube
  readonly #after: (ms: number, call: () => void) => unknown
  readonly #lanes = new Map<object, Lane>()

  constructor(kube: Kube, after: (ms: number, call: () => void) => unknown) {
    this.#kube = kube
    this.#after = after
  }

  get<T extends KubeObject>(
    source: WatchSource<T, never> | WatchSource<T, string>,
    key: string,
  ): Promise<T | undefined> {
    const untyped = source as unknown as WatchSource // the result has the type of the caller's source
    const lane = this.#laneOf(untyped)
    return new Promise((resolve, reject) => {
      const waiters = lane.batch.get(key) ?? []
      lane.batch.set(key, waiters)
      waiters.push({ resolve: object => resolve(object as T | undefined), reject })
      this.#begin(lane)
    })
  }

  #laneOf(source: WatchSource): Lane {
    const lane = this.#lanes.get(source) ?? { source, batch: new Map(), isBusy: false }
    this.#lanes.set(source, lane)
    return lane
  }

  /**
   * One read of a kind at a time: a caller that arrives during a read may have seen something
   * newer, so the next read answers it.
   */
  #begin(lane: Lane): void {
    if (lane.isBusy || lane.batch.size === 0) return
    lane.isBusy = true
    this.#after(GATHER_MS, () => {
      const batch = lane.batch
      lane.batch = new Map()
      void this.#read(lane.source, batch).then(() => {
        lane.isBusy = false
        this.#begin(lane)
      })
    })
  }

  async #read(source: WatchSource, batch: Batch): Promise<void> {
    if (batch.size > GETS_MAX) return this.#readAll(source, batch)
    await Promise.all(
      [...batch].map(async ([key, waiting]) => {
        try {
          const object = await this.#readOne(source, key)
          for (const { resolve } of waiting) resolve(object)
        } catch (error) {
          for (const { reject } of waiting) reject(error)
        }
      }),
    )
  }

  async #readOne({ kind, transform = same }: WatchSource, key: string): Promise<KubeObject | undefined> {
    try {
      return transform(await this.#kube.get<KubeObject>(kind, refOfKey(key)))
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async #readAll(source: WatchSource, batch: Batch): Promise<void> {
    try {
      const found = await this.#list(source, batch)
      for (const [key, waiting] of batch) for (const { resolve } of waiting) resolve(found.get(key))
    } catch (error) {
      for (const waiting of batch.values()) for (const { reject } of waiting) reject(error)
    }
  }

  /**
   * Lists without resourceVersion, so the result is the most recent; of one namespace where all
   * keys share it.
   */
  async #list(
    { kind, transform = same }: WatchSource,
    batch: ReadonlyMap<string, unknown>,
  ): Promise<ReadonlyMap<string, KubeObject>> {
    const namespaces = new Set([...batch.keys()].map(key => refOfKey(key).namespace))
    const [namespace = ''] = namespaces.size === 1 ? namespaces : []
    const found = new Map<string, KubeObject>()
    let next = ''
    do {
      const page = await this.#kube.list<KubeObject>(kind, {
        limit: PAGE_SIZE,
        ...(namespace !== '' && { namespace }),
        ...(next !== '' && { continue: next }),
      })
      for (const item of page.items) if (batch.has(keyOf(item))) found.set(keyOf(item), transform(item))
      next = page.metadata.continue ?? ''
    } while (next !== '')
    return found
  }
}

const same = <T>(object: T): T => object
