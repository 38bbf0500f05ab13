// The agent's Store: informers of its node, one connection pool, records behind the answer.
import { deadlineOf } from '../../../lib/cni/conf.js'
import type { Connect, StoreSession } from '../../../lib/ipam/cni/connect.js'
import { kubeStore } from '../../../lib/ipam/store/kube.js'
import type { Store } from '../../../lib/ipam/store/store.js'
import { connect as connectKube, type Kube } from '../../../lib/kube/client.js'
import type { ClusterConfig } from '../../../lib/kube/config.js'
import type { ClientDeps, Deadline } from '../../../lib/kube/request.js'
import type { Log } from '../../../lib/log.js'
import { Informers } from '../../runtime/informer.js'
import type { ObjectChange, WatchSource } from '../../runtime/lister.js'
import { Outage } from '../../runtime/outage-log.js'
import { nodeCache, SILENCE_MS_MAX, Streams, type CachedKind, type NodeCache } from './cache.js'
import { Records } from './records.js'
import { cachedSession, type CallIdentity, type AgentState } from './call-store.js'
import { sourcesOf, type NodeSources, type SpiderCoordinator } from './sources.js'
import { ECHO_MS_MAX, NodeView } from './node-view.js'

/** Of one write behind an answer, with its retries. */
const BEHIND: Deadline = { ms: 20_000, of: 'a record behind the answer' }

export interface AgentStoreDeps {
  /** Of the API server; one object, so that all calls share its connections. */
  readonly config: ClusterConfig
  /** Name of this node. */
  readonly node: string
  readonly log: Log
  /** Ends the watches. */
  readonly signal: AbortSignal
}

export interface AgentStore {
  /** For ipamPlugin(): a Store for one call; the first ones wait until the caches have synced. */
  readonly connect: Connect
  /** Runs the watches until the signal. */
  run(): Promise<void>
  /** Kinds whose cache has not synced yet, for readiness; calls read them live meanwhile. */
  missing(): readonly string[]
  /** Kinds whose cache is not believed now: not synced, silent for too long, or lagging. */
  untrusted(): readonly CachedKind[]
  /** SpiderCoordinator of this name, from the cache; `undefined` where the cache has none. */
  coordinator(name: string): SpiderCoordinator | undefined
  readonly cache: NodeCache
  /** Records that are not written yet. */
  readonly pendingRecords: number
  /** Addresses that another node allocated first, since the start. */
  readonly takenAddresses: number
  /** Writes them now, before the process ends; those that fail are the controller's to repair. */
  flush(): Promise<void>
}

/** The first calls wait so long for the caches; then they read live. */
const SYNC_MS_MAX = 2_000

/** The Store of an agent. Sends nothing before `run` or the first call. */
export function agentStore({ config, node, log, signal }: AgentStoreDeps): AgentStore {
  const now = (): number => performance.now()
  const client = (deadline?: Deadline): Kube => connectKube(config, {}, { idleMs: SILENCE_MS_MAX }, deadline)
  const sources = sourcesOf(node)
  const view = new NodeView(now)
  const streams = new Streams(now)
  const synced = Promise.withResolvers<void>()
  /** What a killed agent left to its pods is known once the caches have synced. */
  let started: Promise<void> | undefined
  const informers = new Informers(Object.values(sources) as WatchSource[], {
    kube: connectKube(config, endingDeps(signal), { idleMs: SILENCE_MS_MAX }),
    log,
    signal,
    outage: new Outage(log, now),
    sleep,
    onChange: (source, change) => feed(view, sources, source, change),
    onSynced: () => {
      if (informers.missing().length === 0) synced.resolve()
    },
    onStream: (source, state) => streams.note(source, state),
  })
  const isLagging = loggedLag(view, log)
  const cache = nodeCache({ node, sources, reader: informers, streams, isLagging })
  const records = new Records({
    view,
    log,
    live: () => kubeStore(client(BEHIND)),
    after: (ms, run) => setTimeout(run, ms),
  })
  const state: AgentState = { cache, view, records }
  const total = { taken: 0 }
  return {
    connect: async (conf, { command, args, containerID = '' }) => {
      const deadline = deadlineOf(command, conf.timeouts, 'ipam.timeouts')
      const identity = { command, podUid: args?.get('K8S_POD_UID') ?? '', containerID }
      await (started ??= Promise.race([synced.promise, sleep(SYNC_MS_MAX, signal)]))
      return sessionOn({ client, deadline, total }, state, identity)
    },
    run: () => informers.run(),
    missing: () => informers.missing(),
    untrusted: () => (Object.keys(sources) as CachedKind[]).filter(kind => !cache.isTrusted(kind)),
    coordinator: name => informers.of(sources.coordinators).get(name),
    cache,
    get pendingRecords() {
      return records.size
    },
    get takenAddresses() {
      return total.taken
    },
    flush: () => records.flush(),
  }
}

/** Logs once that the watches lag, and once that they do not any more, as calls find it. */
function loggedLag(view: NodeView, log: Log): () => boolean {
  let wasLagging = false
  return () => {
    const isLagging = view.isLagging()
    if (isLagging && !wasLagging)
      log.warn(`a watch does not show a write of this agent after ${ECHO_MS_MAX / 1000} s: calls read the API server`)
    if (!isLagging && wasLagging) log.warn('the watches show the writes of this agent again')
    wasLagging = isLagging
    return isLagging
  }
}

/** Lists of the watches end with the signal too: one at a silent server would take a minute. */
const endingDeps = (signal: AbortSignal): Partial<ClientDeps> => ({
  fetch: (url, init) =>
    fetch(url, { ...init, signal: AbortSignal.any([signal, ...(init.signal ? [init.signal] : [])]) }),
  sleep: ms => sleep(ms, signal),
})

interface SessionDeps {
  readonly client: (deadline: Deadline) => Kube
  readonly deadline: Deadline
  /** Of all calls. */
  readonly total: { taken: number }
}

function sessionOn({ client, deadline, total }: SessionDeps, state: AgentState, call: CallIdentity): StoreSession {
  let kube = client(deadline)
  let live: Store = kubeStore(kube)
  let taken = 0
  const counted = (store: Store): Store => ({
    ...store,
    createAddress: async object => {
      const outcome = await store.createAddress(object)
      if (outcome.kind === 'taken') {
        taken++
        total.taken++
      }
      return outcome
    },
  })
  live = counted(live)
  const session = cachedSession(() => live, state, call)
  return {
    ...session,
    cost: () => ({ requests: kube.requests, sent: kube.bytes.sent, received: kube.bytes.received, taken }),
    renew() {
      kube = client(deadline)
      live = counted(kubeStore(kube))
    },
  }
}

function feed(view: NodeView, sources: NodeSources, source: WatchSource, change: ObjectChange): void {
  const of: unknown = source
  if (of === sources.addresses) view.addresses.changed(change)
  else if (of === sources.endpoints) view.endpoints.changed(change)
  else if (of === sources.pods && change.previous && change.object?.metadata.uid !== change.previous.metadata.uid)
    view.podGone(change.previous.metadata.uid ?? '')
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}
