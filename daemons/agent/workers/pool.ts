// The agent's threads: which of them runs a call, and what becomes of one that does not answer.
import type { HostRequest, HostResponse } from '../../../lib/cni/host.js'
import type { PluginOutcome } from '../../../lib/cni/plugin.js'
import type { Log } from '../../../lib/log.js'
import type { FromWorker, ToWorker, WorkerCall } from './messages.js'

export interface WorkerHandle {
  send(message: ToWorker): void
  /** Ends the thread; one that is in a system call ends with that. */
  terminate(): void
}

export interface WorkerEvents {
  readonly onMessage: (message: FromWorker) => void
  /** The thread has ended by itself. */
  readonly onEnd: (why: string) => void
}

export interface PoolDeps {
  readonly start: (events: WorkerEvents) => WorkerHandle
  readonly workers: number
  /** Answers what a plugin asks the agent. Never rejects. */
  readonly ask: (request: HostRequest) => Promise<HostResponse>
  /** Ends the process: too many threads do not come back from the kernel. */
  readonly giveUp: (why: string) => void
  readonly log: Log
  readonly now: () => number
  /** Calls `tick` at an interval until the returned function is called. */
  readonly every: (ms: number, tick: () => void) => () => void
}

/** A thread in the kernel for longer does not come back soon; the longest known is a second. */
export const STUCK_MS = 10_000
const PING_MS = 1_000
/** Beyond the deadlines of a plugin's own waits, with a conf's longest timeouts. */
export const CALL_MS_MAX = 300_000
/** Threads that were given up; each may hold descriptors until the process ends. */
const STUCK_MAX = 8

/** A call that has no outcome: the thread is gone, stuck, or its time is over. */
export class NoOutcome extends Error {
  override readonly name = 'NoOutcome'
}

interface Running {
  readonly resolve: (outcome: PluginOutcome) => void
  readonly reject: (error: NoOutcome) => void
  readonly untilMs: number
}

class Thread {
  readonly running = new Map<number, Running>()
  readonly handle: WorkerHandle
  heardMs: number
  /** Takes no further call. */
  isRetired = false

  constructor(handle: WorkerHandle, heardMs: number) {
    this.handle = handle
    this.heardMs = heardMs
  }
}

export class WorkerPool {
  readonly #deps: PoolDeps
  readonly #threads = new Set<Thread>()
  #stopLooking: (() => void) | undefined
  #calls = 0
  #stuck = 0

  constructor(deps: PoolDeps) {
    this.#deps = deps
  }

  /** Calls that run. */
  get running(): number {
    return [...this.#threads].reduce((sum, { running }) => sum + running.size, 0)
  }

  get threads(): number {
    return this.#threads.size
  }

  /** Threads that have not come back from the kernel. */
  get stuck(): number {
    return this.#stuck
  }

  /** What the plugin made of the call. @throws NoOutcome with a sentence */
  run(call: WorkerCall): Promise<PluginOutcome> {
    const thread = this.#free()
    const id = ++this.#calls
    return new Promise((resolve, reject) => {
      const untilMs = this.#deps.now() + CALL_MS_MAX
      if (thread.running.size === 0) thread.heardMs = this.#deps.now()
      thread.running.set(id, { resolve, reject, untilMs })
      thread.handle.send({ kind: 'call', id, call })
      this.#stopLooking ??= this.#deps.every(PING_MS, () => this.#look())
    })
  }

  /** Ends all threads. */
  close(): void {
    for (const thread of this.#threads) this.#end(thread, 'the agent ends')
  }

  /** The thread with the fewest calls; a new one while there are fewer than wanted. */
  #free(): Thread {
    const usable = [...this.#threads].filter(({ isRetired }) => !isRetired)
    const [least] = usable.sort((a, b) => a.running.size - b.running.size)
    if (least !== undefined && (least.running.size === 0 || usable.length >= this.#deps.workers)) return least
    return this.#start()
  }

  #start(): Thread {
    const handle = this.#deps.start({
      onMessage: message => this.#receive(thread, message),
      onEnd: why => this.#end(thread, why),
    })
    const thread = new Thread(handle, this.#deps.now())
    this.#threads.add(thread)
    return thread
  }

  #receive(thread: Thread, message: FromWorker): void {
    thread.heardMs = this.#deps.now()
    switch (message.kind) {
      case 'pong':
        return
      case 'request': {
        const { id, request } = message
        return void this.#deps.ask(request).then(response => thread.handle.send({ kind: 'response', id, response }))
      }
      case 'outcome': {
        thread.running.get(message.id)?.resolve(message.outcome)
        thread.running.delete(message.id)
        if (thread.isRetired && thread.running.size === 0) this.#end(thread, 'it is replaced')
        return
      }
    }
  }

  /** Once a second while calls run. */
  #look(): void {
    const now = this.#deps.now()
    for (const thread of this.#threads) {
      if (thread.running.size === 0) continue
      if (now - thread.heardMs > STUCK_MS) this.#giveUpOn(thread)
      else {
        this.#expire(thread, now)
        thread.handle.send({ kind: 'ping' })
      }
    }
    if (this.running > 0) return
    this.#stopLooking?.()
    this.#stopLooking = undefined
  }

  /** Calls beyond their time: their thread is ended once the others of it have had theirs. */
  #expire(thread: Thread, now: number): void {
    const late = [...thread.running.values()].filter(({ untilMs }) => untilMs <= now)
    if (late.length === 0) return
    thread.isRetired = true
    if (late.length === thread.running.size) this.#end(thread, `the call had not ended after ${CALL_MS_MAX / 1000} s`)
  }

  #giveUpOn(thread: Thread): void {
    const { log, giveUp } = this.#deps
    const why = `a thread of the agent has not come back from the kernel for ${STUCK_MS / 1000} s`
    this.#stuck++
    log.error(`${why}; another takes its place`, { calls: thread.running.size, stuck: this.#stuck })
    this.#end(thread, why)
    if (this.#stuck > STUCK_MAX) giveUp(`${this.#stuck} threads have not come back from the kernel`)
  }

  #end(thread: Thread, why: string): void {
    if (!this.#threads.delete(thread)) return
    thread.handle.terminate()
    for (const { reject } of thread.running.values()) reject(new NoOutcome(why))
    thread.running.clear()
  }
}
