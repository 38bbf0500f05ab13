// Runs reconcilers: informers feed their work queues, leadership opens and closes them.
import { messageOf } from '../../../lib/errors.js'
import type { Kube } from '../../../lib/kube/client.js'
import { isConflict, KubeError } from '../../../lib/kube/errors.js'
import type { Log } from '../../../lib/log.js'
import { Informers } from '../../runtime/informer.js'
import type { Outage } from '../../runtime/outage-log.js'
import { WorkQueue, type ReconcileResult, type QueueDeps, type QueueRun } from './workqueue.js'
import type { ReconcileContext, Reconciler } from './reconciler.js'
import type { ObjectChange, WatchSource, CacheReader } from '../../runtime/lister.js'

export interface ManagerDeps {
  readonly reconcilers: readonly Reconciler[]
  /** For list and watch, on every replica. */
  readonly kube: Kube
  readonly log: Log
  readonly outage: Outage
  readonly signal: AbortSignal
  readonly seams: QueueDeps & {
    readonly now: () => number
    readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  }
  /** Gets every change after the cache holds it, whether queues are open or not. */
  readonly observe?: ((source: WatchSource, change: ObjectChange) => void) | undefined
  /**
   * The context of a reconciler's calls; with `needsLeadership` its writes fail once the lease is
   * lost.
   */
  readonly contextFor: (reconciler: Pick<Reconciler, 'needsLeadership'>) => ReconcileContext
  /** For the metrics. */
  readonly onRun?: (reconciler: string, run: QueueRun) => void
}

/** Keys of one reconciler. */
export interface QueueDepth {
  readonly reconciler: string
  /** Ready, running or waiting for their time. */
  readonly keys: number
  /** Ready. */
  readonly depth: number
}

interface Lane {
  readonly reconciler: Reconciler
  readonly queue: WorkQueue
  isOpen: boolean
  stopResync: () => void
}

export class Manager {
  readonly #with: ManagerDeps
  readonly #cache: Informers
  readonly #lanes: readonly Lane[]
  #isLeading = false

  constructor(deps: ManagerDeps) {
    this.#with = deps
    const { kube, log, outage, signal, seams, reconcilers } = deps
    this.#lanes = reconcilers.map(reconciler => this.#laneOf(reconciler))
    this.#cache = new Informers(
      reconcilers.flatMap(({ watches }) => watches.map(({ source }) => source)),
      {
        kube,
        log,
        outage,
        signal,
        sleep: seams.sleep,
        onChange: (source, change) => this.#enqueue(source, change),
        onSynced: source => this.#reconcileAll(source),
      },
    )
  }

  get cache(): CacheReader {
    return this.#cache
  }

  /** Kinds that have not synced yet; empty once all have. */
  missing(): readonly string[] {
    return this.#cache.missing()
  }

  /** Optional kinds whose list is forbidden (403). */
  forbidden(): readonly string[] {
    return this.#cache.forbidden()
  }

  depths(): readonly QueueDepth[] {
    return this.#lanes.map(({ reconciler, queue: { size, depth } }) => ({
      reconciler: reconciler.name,
      keys: size,
      depth,
    }))
  }

  /** Runs until the signal. */
  async run(): Promise<void> {
    await this.#cache.run()
    await Promise.all(this.#lanes.map(lane => this.#close(lane)))
  }

  /**
   * Opens the queues of reconcilers that need leadership, with all their keys; or closes them after
   * what is running.
   */
  setLeading(isLeading: boolean): void {
    this.#isLeading = isLeading
    if (isLeading) this.#openAll()
    else for (const lane of this.#lanes) if (lane.reconciler.needsLeadership) void this.#close(lane)
  }

  #laneOf(reconciler: Reconciler): Lane {
    const { seams, onRun } = this.#with
    const measured = { ...seams, onRun: (run: QueueRun) => onRun?.(reconciler.name, run) }
    const lane: Lane = {
      reconciler,
      isOpen: false,
      stopResync: () => undefined,
      queue: new WorkQueue(key => this.#reconcile(lane, key), reconciler.maxConcurrent, measured),
    }
    return lane
  }

  async #reconcile({ reconciler, isOpen }: Lane, key: string): Promise<ReconcileResult> {
    if (!isOpen) return undefined
    try {
      return await reconciler.reconcile(key, this.#cache, this.#with.contextFor(reconciler))
    } catch (error) {
      const { log, outage } = this.#with
      const isReported = !isConflict(error) && !(error instanceof KubeError && error.reason === 'NotLeader')
      const level = error instanceof KubeError && outage.isAway ? 'debug' : 'warn'
      if (isReported) log[level](`${reconciler.name} ${key}: ${messageOf(error)}`, stackOf(error))
      throw error
    }
  }

  /**
   * A source that synced or changed its state: all keys of the reconcilers that watch it are
   * reconciled again.
   */
  #reconcileAll(source: WatchSource): void {
    for (const lane of this.#lanes)
      if (lane.isOpen && lane.reconciler.watches.some(watch => watch.source === source)) this.#addAll(lane)
    this.#openAll()
  }

  #openAll(): void {
    for (const lane of this.#lanes) {
      const { needsLeadership, watches } = lane.reconciler
      const isReady = this.#cache.missing(watches.map(({ source }) => source)).length === 0
      if (!lane.isOpen && isReady && (!needsLeadership || this.#isLeading)) this.#open(lane)
    }
  }

  #open(lane: Lane): void {
    lane.isOpen = true
    lane.queue.open()
    this.#addAll(lane)
    const { resyncMs } = lane.reconciler
    if (resyncMs === undefined) return
    const resync = (): void => {
      this.#addAll(lane)
      lane.stopResync = this.#with.seams.after(resyncMs, resync)
    }
    lane.stopResync = this.#with.seams.after(resyncMs, resync)
  }

  async #close(lane: Lane): Promise<void> {
    if (!lane.isOpen) return
    lane.isOpen = false
    lane.stopResync()
    await lane.queue.close()
    if (!lane.isOpen) lane.reconciler.reset?.()
  }

  #addAll({ reconciler, queue }: Lane): void {
    for (const key of reconciler.fixedKeys ?? []) queue.add(key)
    for (const { source, keysOf } of reconciler.watches)
      for (const object of this.#cache.of(source).all())
        for (const key of keysOf({ object, previous: undefined }, this.#cache)) queue.add(key)
  }

  #enqueue(source: WatchSource, change: ObjectChange): void {
    this.#with.observe?.(source, change)
    for (const { reconciler, queue, isOpen } of this.#lanes)
      if (isOpen)
        for (const watch of reconciler.watches)
          if (watch.source === source) for (const key of watch.keysOf(change, this.#cache)) queue.add(key)
  }
}

/** An API error explains itself; anything else is a bug and keeps its stack. */
const stackOf = (error: unknown): { readonly stack?: string } =>
  error instanceof Error && error.stack !== undefined && !(error instanceof KubeError) ? { stack: error.stack } : {}
