// A cluster in memory for schedules: a Store whose calls are ordered by a seed, which also decides
// which process is killed.
import { KubeError } from '../../../lib/kube/errors.js'
import type { Store } from '../../../lib/ipam/store/store.js'
import type { SpiderIPPool } from '../../../lib/crd/types.js'
import { Memory } from '../../fixtures/memory.js'

/** Mulberry32: small, seeded, good enough to shuffle with. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One process. After a kill its promises stay pending, as a killed process's requests do. */
export interface Process {
  killed: boolean
  readonly onKill: () => void
}

export class Schedule {
  readonly random: () => number
  readonly #waiting: { process: Process; go: () => void }[] = []

  constructor(seed: number) {
    this.random = randomFrom(seed)
  }

  turn(process: Process): Promise<void> {
    return new Promise(go => this.#waiting.push({ process, go }))
  }

  /** Runs until no process waits. `killRate`: probability that a process is killed at a step. */
  async run(killRate: number, until: () => boolean): Promise<void> {
    while (!until()) {
      await new Promise(resolve => setImmediate(resolve))
      const next = this.#waiting.splice(Math.floor(this.random() * this.#waiting.length), 1)[0]
      if (!next || next.process.killed) continue
      if (this.random() < killRate) {
        next.process.killed = true
        next.process.onKill()
      } else next.go()
    }
  }
}

export class World extends Memory {
  readonly schedule: Schedule
  readonly #lossRate: number

  /** `lossRate`: probability that a write is executed and its response lost. */
  constructor(schedule: Schedule, pools: SpiderIPPool[], lossRate = 0) {
    super(pools)
    this.schedule = schedule
    this.#lossRate = lossRate
  }

  /** The Store of one process, which may be killed before and after every write. */
  port(process: Process): Store {
    const direct = this.direct()
    const step = async <R>(effect: () => Promise<R>): Promise<R> => {
      await this.schedule.turn(process)
      const result = await effect()
      await this.schedule.turn(process)
      return result
    }
    const isLost = (): boolean => this.#lossRate > 0 && this.schedule.random() < this.#lossRate
    const write = async <R>(effect: () => Promise<R>): Promise<R> => {
      const result = await step(effect)
      if (isLost()) throw new KubeError(0, 'Unknown', 'the answer was lost')
      return result
    }
    // The Store itself reads again after a lost response.
    const compare = async <R>(effect: () => Promise<R>): Promise<R | 'conflict'> => {
      const result = await step(effect)
      return isLost() ? 'conflict' : result
    }
    return {
      pod: ref => step(() => direct.pod(ref)),
      namespace: name => step(() => direct.namespace(name)),
      nodeLabels: name => step(() => direct.nodeLabels(name)),
      ownerOf: ref => step(() => direct.ownerOf(ref)),
      statefulSet: ref => step(() => direct.statefulSet(ref)),
      virtualMachine: ref => step(() => direct.virtualMachine(ref)),
      virtualMachineInstance: ref => step(() => direct.virtualMachineInstance(ref)),
      waitForPools: (labels, until) => step(() => direct.waitForPools(labels, until)),
      pool: name => step(() => direct.pool(name)),
      pools: () => step(() => direct.pools()),
      writeAllocated: (pool, allocated) => compare(() => direct.writeAllocated(pool, allocated)),
      reservedIPs: () => step(() => direct.reservedIPs()),
      endpoint: ref => step(() => direct.endpoint(ref)),
      createEndpoint: endpoint => compare(() => direct.createEndpoint(endpoint)),
      replaceEndpoint: endpoint => compare(() => direct.replaceEndpoint(endpoint)),
      deleteEndpoint: (endpoint, options) => write(() => direct.deleteEndpoint(endpoint, options)),
      clearEndpoint: (endpoint, options) => write(() => direct.clearEndpoint(endpoint, options)),
      address: name => step(() => direct.address(name)),
      listAddressesByLabel: (label, value) => step(() => direct.listAddressesByLabel(label, value)),
      createAddress: object => write(() => direct.createAddress(object)),
      updateAddress: object => write(() => direct.updateAddress(object)),
      deleteAddress: object => write(() => direct.deleteAddress(object)),
      listHeld: (poolUid, freshness) => step(() => direct.listHeld(poolUid, freshness)),
      sampleAddresses: poolUid => step(() => direct.sampleAddresses(poolUid)),
      recordEvent: event => step(() => direct.recordEvent(event)),
    }
  }
}
