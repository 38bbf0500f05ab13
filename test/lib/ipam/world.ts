// A cluster in memory for schedules: objects behind a Port whose every call waits for its turn, so that a seed decides who goes when, and who dies.
import { IPAM_LABEL_POOL_UID } from '../../../lib/crd/names.js'
import { KubeError } from '../../../lib/kube/errors.js'
import type { StatefulSet } from '../../../lib/ipam/retention.js'
import type { Held, Journal, Port } from '../../../lib/ipam/port.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../../lib/crd/types.js'

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

/** One process. A killed one never gets a turn again: its promises stay open, as a killed process's requests do. */
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

  /** Runs until nobody waits. `killRate` is the chance that a process dies where it stands instead of going on. */
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

type Stored = { metadata: { name: string; namespace?: string; uid?: string; resourceVersion?: string } }

/** The objects of one kind, with the two promises of an API server that everything hangs on: names are unique, versions are compared. */
class Kind<T extends Stored> {
  readonly objects = new Map<string, T>()
  readonly #world: World
  constructor(world: World) {
    this.#world = world
  }
  static key = ({ metadata }: Stored): string => `${metadata.namespace ?? ''}/${metadata.name}`

  create(object: T): T | undefined {
    const key = Kind.key(object)
    if (this.objects.has(key)) return undefined
    return this.put(key, { ...object, metadata: { ...object.metadata, uid: object.metadata.uid ?? this.#world.id() } })
  }
  replace(object: T): T | undefined {
    const key = Kind.key(object)
    if (this.objects.get(key)?.metadata.resourceVersion !== object.metadata.resourceVersion) return undefined
    return this.put(key, object)
  }
  put(key: string, object: T): T {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: this.#world.id() } }
    this.objects.set(key, stored)
    return stored
  }
  /** False where it is another object, or another version of it, by now. */
  remove(object: T, sameVersion: boolean): boolean {
    const there = this.objects.get(Kind.key(object))
    if (!there || there.metadata.uid !== object.metadata.uid) return !there
    if (sameVersion && there.metadata.resourceVersion !== object.metadata.resourceVersion) return false
    return this.objects.delete(Kind.key(object))
  }
}

export class World {
  #ids = 0
  readonly pods = new Kind<Pod>(this)
  readonly sets = new Kind<StatefulSet>(this)
  readonly addresses = new Kind<SpiderIPAddress>(this)
  readonly endpoints = new Kind<SpiderEndpoint>(this)
  readonly pools: SpiderIPPool[]
  readonly journals = new Map<string, Set<string>>()
  readonly schedule: Schedule
  readonly #lossRate: number

  /** `lossRate`: the chance that a write is carried out and its answer lost. */
  constructor(schedule: Schedule, pools: SpiderIPPool[], lossRate = 0) {
    this.schedule = schedule
    this.pools = pools
    this.#lossRate = lossRate
  }

  id = (): string => String(++this.#ids)

  journal(containerID: string): Journal {
    const lines = this.journals.get(containerID) ?? new Set<string>()
    this.journals.set(containerID, lines)
    return { note: name => void lines.add(name), read: () => [...lines], close: () => lines.clear() }
  }

  /** The port of one process: it may die before and after every effect. */
  port(process: Process): Port {
    const step = async <R>(effect: () => R): Promise<R> => {
      await this.schedule.turn(process)
      const result = effect()
      await this.schedule.turn(process)
      return result
    }
    const isLost = (): boolean => this.#lossRate > 0 && this.schedule.random() < this.#lossRate
    const write = async <R>(effect: () => R): Promise<R> => {
      const result = await step(effect)
      if (isLost()) throw new KubeError(0, 'Unknown', 'the answer was lost')
      return result
    }
    const { pods, addresses, endpoints } = this
    const at = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`
    return {
      pod: ref => step(() => pods.objects.get(at(ref))),
      namespace: () => step(() => ({ labels: {}, annotations: {} })),
      labelsOfNode: () => step(() => ({})),
      ownerOf: () => step(() => undefined),
      statefulSet: ({ namespace, name }) => step(() => this.sets.objects.get(`${namespace}/${name}`)),
      virtualMachine: () => step(() => undefined),
      virtualMachineInstance: () => step(() => undefined),
      poolsWith: () => step(() => []),
      pool: name => step(() => this.pools.find(pool => pool.metadata.name === name)),
      pools: () => step(() => this.pools),
      writeAllocated: (pool, { text, count }) =>
        step(() => this.writeAllocated(pool, text, count)).then(made => (isLost() ? 'conflict' : made)),
      reserved: () => step((): SpiderReservedIP[] => []),
      endpoint: ref => step(() => endpoints.objects.get(at(ref))),
      // What the API server is asked again after a lost answer, the port asks for itself.
      createEndpoint: endpoint =>
        step(() => endpoints.create(endpoint)).then(made => (isLost() ? undefined : made) ?? 'conflict'),
      replaceEndpoint: endpoint =>
        step(() => endpoints.replace(endpoint)).then(made => (isLost() ? undefined : made) ?? 'conflict'),
      removeEndpoint: endpoint => write(() => void endpoints.remove(endpoint, false)),
      address: name => step(() => addresses.objects.get(`/${name}`)),
      addressesWith: (label, value) =>
        step(() => [...addresses.objects.values()].filter(({ metadata }) => metadata.labels?.[label] === value)),
      claim: object =>
        write(() => {
          const created = addresses.create(object)
          return created ? { kind: 'held' as const, object: created } : { kind: 'taken' as const }
        }),
      adopt: object => write(() => addresses.replace(object)),
      release: object => write(() => addresses.remove(object, true)),
      heldIn: poolUid => step(() => this.held(poolUid)),
      sampleOf: () => step(() => [...addresses.objects.values()]),
      tell: () => step(() => undefined),
    }
  }

  /** Also what a Go agent does: the whole status, if the pool is as it was read. */
  writeAllocated(read: SpiderIPPool, text: string | undefined, count: number): SpiderIPPool | 'conflict' {
    const at = this.pools.findIndex(({ metadata }) => metadata.name === read.metadata.name)
    const there = this.pools[at]
    if (!there || there.metadata.resourceVersion !== read.metadata.resourceVersion) return 'conflict'
    const status = { ...(text !== undefined && { allocatedIPs: text }), allocatedIPCount: count }
    const written = { ...there, metadata: { ...there.metadata, resourceVersion: this.id() }, status }
    this.pools[at] = written
    return written
  }

  held = (poolUid: string): Held[] =>
    [...this.addresses.objects.values()]
      .filter(({ metadata }) => metadata.labels?.[IPAM_LABEL_POOL_UID] === poolUid)
      .map(({ metadata, spec }) => ({ name: metadata.name, podUid: spec.pod.uid }))
}
