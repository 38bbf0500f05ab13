// What the console answers, from informers' caches; a trace and Events are read when asked for.
import { CONSOLE_LIMITS, consoleHandler } from '../../../lib/console/handler.js'
import { Changes } from '../../../lib/console/changes.js'
import type { ConsoleAddress, ConsoleEvent, ConsolePool, ConsoleTrace } from '../../../lib/console/json.js'
import { ConsoleError, type ConsoleSource } from '../../../lib/console/source.js'
import type { Event, Pod, SpiderIPAddress, SpiderIPPool } from '../../../lib/crd/types.js'
import { messageOf } from '../../../lib/errors.js'
import { objectNameOf, parseIp, type Ip } from '../../../lib/ip/address.js'
import { isForbidden, isNotFound } from '../../../lib/kube/errors.js'
import {
  DAEMONSETS,
  EVENTS,
  PODS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
  type Kind,
  type ObjectKey,
} from '../../../lib/kube/kinds.js'
import type { ConsoleReading, OpenedConsole } from '../../../daemons/controller/console.js'
import { ADDRESSES, CLUSTER_PODS, ENDPOINTS, POOLS, RESERVED } from '../../../daemons/controller/reconcilers/sources.js'
import type { CacheReader, ObjectChange, WatchSource } from '../../../daemons/runtime/lister.js'
import type { Cluster } from '../cluster.js'
import { poolFacts, type PoolFacts } from '../facts.js'
import { poolRow } from '../pool/decide.js'
import { traceOf } from '../trace/command.js'
import { macOf, rowOf, unheld } from '../who/decide.js'
import { consoleMap } from './decide.js'

export { CONSOLE_LIMITS as limits }

/** What the console has informers for. */
export const CONSOLE_SOURCES = [
  POOLS,
  ADDRESSES,
  RESERVED,
  ENDPOINTS,
  CLUSTER_PODS,
] as unknown as readonly WatchSource[]

const WAITING_MAX = 200
const EVENTS_MAX = 20
const EVENTS_READ_MAX = 500

export interface ConsoleCaches {
  readonly cache: CacheReader
  readonly missing: () => readonly string[]
  /** Reads what the caches do not have. */
  readonly base: Cluster
  readonly onFailure: (path: string, message: string) => void
}

/** The console on caches. */
export function consoleOn(caches: ConsoleCaches): OpenedConsole {
  const rows = new Map<string, ConsolePool>()
  const changes = new Changes((ms, call) => setTimeout(call, ms))
  const answer = consoleHandler({
    source: sourceOf(caches, rows),
    subscribe: changes.subscribe,
    every(ms, call) {
      const timer = setInterval(call, ms)
      return () => clearInterval(timer)
    },
    onFailure: caches.onFailure,
  })
  return { answer, observe: (source, change) => note(source, change, { rows, changes }) }
}

/** As the controller opens it: `kube` reads the little that no cache has. */
export const openConsole = ({ cache, missing, kube, agent, log }: ConsoleReading): OpenedConsole =>
  consoleOn({
    cache,
    missing,
    base: baseOf(kube, agent),
    onFailure: (path, message) => log.warn(`console ${path}: ${message}`),
  })

interface Noted {
  readonly rows: Map<string, ConsolePool>
  readonly changes: Changes
}

/** A row is made again when it is asked for after a change. */
function note(source: WatchSource, { object, previous }: ObjectChange, { rows, changes }: Noted): void {
  const of = source as unknown
  if (of === ADDRESSES) {
    const { pool } = ((object ?? previous) as SpiderIPAddress).spec
    rows.delete(pool)
    changes.note(pool)
  } else if (of === POOLS) {
    const { name } = ((object ?? previous) as SpiderIPPool).metadata
    rows.delete(name)
    changes.note(name)
  } else if (of === RESERVED) {
    rows.clear()
    changes.note(undefined)
  }
}

function sourceOf(caches: ConsoleCaches, rows: Map<string, ConsolePool>): ConsoleSource {
  const { cache, missing } = caches
  const factsOf = (pool: SpiderIPPool): PoolFacts =>
    poolFacts(pool, cache.of(ADDRESSES).by('poolUid', pool.metadata.uid ?? ''), [...cache.of(RESERVED).all()])
  const row = (pool: SpiderIPPool): ConsolePool => {
    const { name } = pool.metadata
    const known = rows.get(name)
    if (known) return known
    const { multusName: _, ...made } = poolRow(factsOf(pool))
    rows.set(name, made)
    return made
  }
  return {
    pools: () => ({
      pools: [...cache.of(POOLS).all()].map(row).sort((a, b) => (a.name < b.name ? -1 : 1)),
      missing: missing(),
    }),
    map(name, prefix) {
      const pool = cache.of(POOLS).get(name)
      if (!pool) throw new ConsoleError(404, `there is no SpiderIPPool "${name}"`)
      const map = consoleMap(factsOf(pool), prefix)
      if (typeof map === 'string') throw new ConsoleError(400, map)
      return map
    },
    address(text) {
      const ip = parseIp(text)
      if (ip === undefined) throw new ConsoleError(400, `"${text}" is no IP address; write it as in 172.18.30.5`)
      return addressOf(ip, caches)
    },
    trace: ref => tracedPod(ref, caches),
    waiting: () => ({ pods: waitingIn(cache) }),
  }
}

function waitingIn(cache: CacheReader): readonly string[] {
  const found: string[] = []
  for (const { metadata, spec, status } of cache.of(CLUSTER_PODS).all())
    if (status?.phase === 'Pending' && (spec?.nodeName ?? '') !== '' && found.length < WAITING_MAX)
      found.push(`${metadata.namespace ?? ''}/${metadata.name}`)
  return found.sort()
}

/** The holder of an address, or why it has none, with the Events of its pod and pool. */
async function addressOf(ip: Ip, { cache, base }: ConsoleCaches): Promise<ConsoleAddress> {
  const object = cache.of(ADDRESSES).get(objectNameOf(ip))
  if (!object) {
    const declared = { pools: [...cache.of(POOLS).all()], reserved: [...cache.of(RESERVED).all()] }
    const rows = unheld(ip, declared)
    const pool = rows.find(one => one.pool !== '')?.pool
    const read = pool === undefined ? { events: [], eventsMissing: '' } : await eventsOf(poolEvents(pool), base)
    return { ...read, rows, events: naming(ip, read.events) }
  }
  const { pod, nic, pool } = object.spec
  const key = `${pod.namespace}/${pod.name}`
  const row = rowOf(object, macOf(nic, cache.of(ENDPOINTS).get(key), cache.of(CLUSTER_PODS).get(key)?.metadata))
  if (row.pod === '') {
    const read = await eventsOf(poolEvents(pool), base)
    return { ...read, rows: [row], events: naming(ip, read.events) }
  }
  const { name, namespace } = pod
  const read = await eventsOf({ namespace, fieldSelector: `involvedObject.kind=Pod,involvedObject.name=${name}` }, base)
  return { ...read, rows: [row], events: read.events.slice(0, EVENTS_MAX) }
}

const poolEvents = (pool: string): EventQuery => ({
  fieldSelector: `involvedObject.kind=SpiderIPPool,involvedObject.name=${pool}`,
})

/** Events of a pool that have the address in their text. */
const naming = (ip: Ip, events: readonly ConsoleEvent[]): readonly ConsoleEvent[] =>
  events.filter(({ message }) => message.split(/[\s,;/]+|-(?=[\da-f])/).includes(ip)).slice(0, EVENTS_MAX)

interface EventQuery {
  readonly namespace?: string
  readonly fieldSelector: string
}

/** Newest first. */
async function eventsOf(query: EventQuery, { kube }: Cluster): Promise<Omit<ConsoleAddress, 'rows'>> {
  try {
    const { items } = await kube.list<Event>(EVENTS, { ...query, limit: EVENTS_READ_MAX })
    const events = items.map(({ lastTimestamp, metadata, type, reason, message, count }): ConsoleEvent => ({
      ...{ at: lastTimestamp ?? metadata.creationTimestamp ?? '', type, reason, message, count: count ?? 1 },
    }))
    return { events: events.sort((a, b) => (a.at < b.at ? 1 : -1)), eventsMissing: '' }
  } catch (error) {
    return { events: [], eventsMissing: messageOf(error) }
  }
}

async function tracedPod(ref: Required<ObjectKey>, caches: ConsoleCaches): Promise<ConsoleTrace> {
  const pod = await caches.base.find<Pod>(PODS, ref)
  if (pod) return traceOf(pod, cachedCluster(caches))
  throw new ConsoleError(404, `there is no pod ${ref.namespace}/${ref.name}`)
}

/** Lists come from the caches where they have the kind. */
function cachedCluster({ cache, base }: ConsoleCaches): Cluster {
  const cached = new Map<Kind, () => Iterable<unknown>>([
    [SPIDER_IPPOOLS, () => cache.of(POOLS).all()],
    [SPIDER_RESERVEDIPS, () => cache.of(RESERVED).all()],
    [SPIDER_IPADDRESSES, () => cache.of(ADDRESSES).all()],
  ])
  return {
    ...base,
    all<T>(kind: Kind, options?: Parameters<Cluster['all']>[1]): Promise<readonly T[]> {
      const all = cached.get(kind)
      return all ? Promise.resolve([...all()] as readonly T[]) : base.all<T>(kind, options)
    },
  }
}

/** A Cluster on a daemon's client, which lists Events only, and reads one DaemonSet. */
function baseOf(kube: ConsoleReading['kube'], agent: ConsoleReading['agent']): Cluster {
  const find = async <T>(kind: Kind, ref: ObjectKey): Promise<T | undefined> => {
    try {
      return await kube.get<T>(kind, ref)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
  return {
    kube,
    namespace: agent.namespace,
    find,
    async all<T>(kind: Kind, options: Parameters<Cluster['all']>[1]): Promise<readonly T[]> {
      if (kind !== DAEMONSETS) return (await kube.list<T>(kind, { ...options, limit: EVENTS_READ_MAX })).items
      const found = await find<T>(kind, agent)
      return found === undefined ? [] : [found]
    },
    text: path => Promise.reject(new ConsoleError(404, `${path} is not read by the console`)),
    async ifAllowed(_kind, reading) {
      try {
        return await reading
      } catch (error) {
        if (isForbidden(error) || isNotFound(error)) return undefined
        throw error
      }
    },
  }
}
