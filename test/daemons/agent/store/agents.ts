// Node agents on a cluster in memory: each with caches that lag, killed by the schedule.
import type { NodeCache } from '../../../../daemons/agent/store/cache.js'
import { Records } from '../../../../daemons/agent/store/records.js'
import { cachedSession, type AgentState } from '../../../../daemons/agent/store/call-store.js'
import { slimPod, unmanaged } from '../../../../daemons/agent/store/sources.js'
import { NodeView } from '../../../../daemons/agent/store/node-view.js'
import { LABEL_NODE } from '../../../../lib/crd/names.js'
import type { Pod } from '../../../../lib/crd/types.js'
import { MUTE } from '../../../../lib/log.js'
import type { Process, World } from '../../../lib/ipam/world.js'

type Feed = () => void

/** The agent of one node, in one process; a rolling update has two of a node. */
export class Agent {
  readonly process: Process
  readonly world: World
  readonly node: string
  readonly #state: AgentState
  readonly #pods = new Map<string, Pod>()
  readonly #events: Feed[] = []
  readonly #calls = new Set<() => void>()
  readonly id: string
  isTrusted: boolean

  /** `isSynced`: false before the watches have listed anything; then every read is live. */
  constructor(world: World, node: string, lagRate: number, isSynced = true) {
    this.isTrusted = isSynced
    this.world = world
    this.node = node
    this.id = `${node}-${world.id()}`
    this.process = { killed: false, onKill: () => this.#calls.forEach(end => end()) }
    const view = new NodeView(() => 0)
    const records = new Records({
      view,
      log: MUTE,
      live: () => world.port(this.process),
      after: (_, run) => void world.schedule.turn(this.process).then(run),
    })
    this.#state = { cache: this.#cache(), view, records }
    if (isSynced) this.#watch(view)
    void this.#deliver(lagRate)
  }

  get pending(): number {
    return this.#state.records.size
  }

  /** Events of the watches that have not come yet. */
  get late(): number {
    return this.#events.length
  }

  /** A Store for one call of this process. */
  session(command: 'ADD' | 'DEL', podUid: string, containerID: string) {
    return cachedSession(() => this.world.port(this.process), this.#state, { command, podUid, containerID })
  }

  /** Ends a call with the process. */
  during<T>(work: Promise<T>, killed: T): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => resolve(killed)
      this.#calls.add(end)
      work.then(resolve, reject).finally(() => this.#calls.delete(end))
    })
  }

  #cache(): NodeCache {
    const { world, node } = this
    return {
      node,
      isTrusted: () => this.isTrusted,
      pod: key => this.#pods.get(key),
      pool: name => world.pools.find(({ metadata }) => metadata.name === name),
      pools: () => world.pools,
      reserved: () => world.reserved,
      namespace: () => ({ labels: {}, annotations: {} }),
      nodeLabels: () => ({}),
    }
  }

  #watch(view: NodeView): void {
    const { pods, addresses, endpoints } = this.world
    const isOurs = (labels: Readonly<Record<string, string>> | undefined): boolean => labels?.[LABEL_NODE] === this.node
    for (const object of addresses.objects.values())
      if (isOurs(object.metadata.labels)) view.addresses.changed({ object: unmanaged(object), previous: undefined })
    for (const object of endpoints.objects.values())
      if (isOurs(object.metadata.labels)) view.endpoints.changed({ object: unmanaged(object), previous: undefined })
    for (const [key, pod] of pods.objects) if (pod.spec?.nodeName === this.node) this.#pods.set(key, slimPod(pod))
    addresses.watchers.add(({ object, previous }) => {
      const change = { object: object && isOurs(object.metadata.labels) ? object : undefined, previous }
      if (change.object || isOurs(previous?.metadata.labels)) this.#events.push(() => view.addresses.changed(change))
    })
    endpoints.watchers.add(({ object, previous }) => {
      const change = { object: object && isOurs(object.metadata.labels) ? object : undefined, previous }
      if (change.object || isOurs(previous?.metadata.labels)) this.#events.push(() => view.endpoints.changed(change))
    })
    pods.watchers.add(({ object, previous }) => {
      if ((object ?? previous)?.spec?.nodeName !== this.node) return
      this.#events.push(() => {
        if (object) this.#pods.set(`${object.metadata.namespace}/${object.metadata.name}`, slimPod(object))
        else if (previous) this.#pods.delete(`${previous.metadata.namespace}/${previous.metadata.name}`)
        if (previous && previous.metadata.uid !== object?.metadata.uid) view.podGone(previous.metadata.uid ?? '')
      })
    })
  }

  /** Events in order, each some steps late. */
  async #deliver(lagRate: number): Promise<void> {
    for (;;) {
      await this.world.schedule.turn(this.process)
      if (this.world.schedule.random() >= lagRate) this.#events.shift()?.()
    }
  }
}
