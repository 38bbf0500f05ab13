// Reads that no cache answers, gathered: many names asked for at once become one list. Knows kinds; decides nothing.
import type { Kube } from '../../../lib/kube/client.js'
import { isNotFound } from '../../../lib/kube/errors.js'

import { keyOf, refOfKey, type KubeObject, type WatchSource } from './lister.js'

/** Those who ask within this time, or while an earlier read of the kind is under way, are answered together. */
const GATHER_MS = 20
/** More names than this of one kind are read as a list. */
const GETS_MAX = 50
/** Objects of one answer to a list. */
const PAGE_SIZE = 500

interface Asked {
  readonly resolve: (object: KubeObject | undefined) => void
  readonly reject: (error: unknown) => void
}

/** By key. */
type Gathered = Map<string, Asked[]>

interface Lane {
  readonly source: WatchSource
  gathered: Gathered
  isBusy: boolean
}

export interface LiveReader {
  /** As the API server has it now, cut down by the source's `pick`; `undefined` where it has no such object. Throws KubeError. */
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
    const untyped = source as unknown as WatchSource // its answers go only to who asked with it
    const lane = this.#laneOf(untyped)
    return new Promise((resolve, reject) => {
      const asked = lane.gathered.get(key) ?? []
      lane.gathered.set(key, asked)
      asked.push({ resolve: object => resolve(object as T | undefined), reject })
      this.#begin(lane)
    })
  }

  #laneOf(source: WatchSource): Lane {
    const lane = this.#lanes.get(source) ?? { source, gathered: new Map(), isBusy: false }
    this.#lanes.set(source, lane)
    return lane
  }

  /** One read of a kind at a time: who asks while it runs may have seen something newer, and is answered by the next. */
  #begin(lane: Lane): void {
    if (lane.isBusy || lane.gathered.size === 0) return
    lane.isBusy = true
    this.#after(GATHER_MS, () => {
      const asked = lane.gathered
      lane.gathered = new Map()
      void this.#read(lane.source, asked).then(() => {
        lane.isBusy = false
        this.#begin(lane)
      })
    })
  }

  async #read(source: WatchSource, asked: Gathered): Promise<void> {
    if (asked.size > GETS_MAX) return this.#readAll(source, asked)
    await Promise.all(
      [...asked].map(async ([key, waiting]) => {
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

  async #readAll(source: WatchSource, asked: Gathered): Promise<void> {
    try {
      const found = await this.#list(source, asked)
      for (const [key, waiting] of asked) for (const { resolve } of waiting) resolve(found.get(key))
    } catch (error) {
      for (const waiting of asked.values()) for (const { reject } of waiting) reject(error)
    }
  }

  /** Without a resourceVersion: the newest. Of one namespace where all are of one. */
  async #list(
    { kind, transform = same }: WatchSource,
    asked: ReadonlyMap<string, unknown>,
  ): Promise<ReadonlyMap<string, KubeObject>> {
    const namespaces = new Set([...asked.keys()].map(key => refOfKey(key).namespace))
    const [namespace = ''] = namespaces.size === 1 ? namespaces : []
    const found = new Map<string, KubeObject>()
    let next = ''
    do {
      const page = await this.#kube.list<KubeObject>(kind, {
        limit: PAGE_SIZE,
        ...(namespace !== '' && { namespace }),
        ...(next !== '' && { continue: next }),
      })
      for (const item of page.items) if (asked.has(keyOf(item))) found.set(keyOf(item), transform(item))
      next = page.metadata.continue ?? ''
    } while (next !== '')
    return found
  }
}

const same = <T>(object: T): T => object
