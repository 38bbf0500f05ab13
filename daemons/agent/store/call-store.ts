// The Store of one call on the agent's caches: what it reads without a request, what it writes
// behind the answer, and when it looks at the API server after all.
import { IPAM_LABEL_POD_UID, IPAM_LABEL_POOL_UID } from '../../../lib/crd/names.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../lib/crd/types.js'
import { addressesOf } from '../../../lib/ipam/allocation/endpoint.js'
import { isShared } from '../../../lib/ipam/allocation/go-records.js'
import { Refused } from '../../../lib/ipam/errors.js'
import { isAlive, isMirror, isOfPod } from '../../../lib/ipam/store/pod.js'
import type { HeldAddress, Journal, ObjectRef, Store } from '../../../lib/ipam/store/store.js'
import { keyOf } from '../../runtime/lister.js'
import type { NodeCache } from './cache.js'
import { isUnwritten, type Records } from './records.js'
import type { NodeView } from './node-view.js'

/** What the calls of one agent share. */
export interface AgentState {
  readonly cache: NodeCache
  readonly view: NodeView
  readonly records: Records
}

export interface CallIdentity {
  readonly command: string
  /** K8S_POD_UID; '' where it is missing. */
  readonly podUid: string
  readonly containerID: string
}

export interface CachedSession {
  readonly store: Store
  retryOf(error: unknown): Store | undefined
  journalOf(journal: Journal): Journal
}

/** A pool needs a list of its objects, which is worth live reads of all else. */
class NeedsLiveReads extends Error {}

/** Kinds whose next pod inherits the record: it is read and written in the path. */
const RETAINING_KINDS: readonly string[] = ['StatefulSet', 'VirtualMachineInstance']

/** The cache has no text: the records of Go agents are read live. Without one a write compares. */
const needsText = (pool: SpiderIPPool): boolean => isShared(pool) && pool.status?.allocatedIPs !== undefined

const keyOfRef = ({ namespace, name }: ObjectRef): string => `${namespace}/${name}`

/** The Store of a call; `live` is the one without a cache. */
export function cachedSession(live: () => Store, state: AgentState, call: CallIdentity): CachedSession {
  const session = new Session(live, state, call)
  return {
    store: session.store(),
    retryOf: error => (session.mayRetry(error) ? session.withoutCache() : undefined),
    journalOf: journal => session.journalOf(journal),
  }
}

class Session {
  readonly #live: () => Store
  readonly #state: AgentState
  readonly #call: CallIdentity
  readonly #store: Store
  /** Off for the second try, and for calls that are rare. */
  #isCached: boolean
  /** Pools that Go agents use, or without a mark: the record is written before the answer. */
  readonly #shared = new Set<string>()
  /** Addresses that this call created and has not deleted. */
  readonly #created = new Set<string>()
  /** Addresses that changed since they were cached. */
  readonly #changed = new Set<string>()
  /** Keys of records that this call has left to be written. */
  readonly #left = new Set<string>()
  /** The pod's addresses, listed where the watch of addresses is not believed. */
  #ownListed: readonly SpiderIPAddress[] = []

  constructor(live: () => Store, state: AgentState, call: CallIdentity) {
    this.#live = live
    this.#state = state
    this.#call = call
    this.#isCached = ['ADD', 'DEL', 'STATUS'].includes(call.command)
    this.#store = this.#make()
  }

  store(): Store {
    return this.#store
  }

  /** Every refusal is said on live reads only. */
  mayRetry(error: unknown): boolean {
    const mayBeStale = error instanceof Refused || error instanceof NeedsLiveReads
    return this.#isCached && mayBeStale && this.#created.size === 0
  }

  withoutCache(): Store {
    this.#isCached = false
    return this.#store
  }

  journalOf(journal: Journal): Journal {
    const close = (): void => {
      let open = this.#left.size
      if (open === 0) return journal.close()
      for (const key of this.#left) this.#state.records.onWritten(key, () => --open === 0 && journal.close())
    }
    return { ...journal, close }
  }

  #make(): Store {
    const live = this.#live
    const { cache, view } = this.#state
    const isTrusted = (kind: Parameters<NodeCache['isTrusted']>[0]): boolean => this.#isCached && cache.isTrusted(kind)
    const rest: Omit<Store, 'view' | keyof ReturnType<Session['objects']> | keyof ReturnType<Session['pools']>> = {
      pod: async ref => (await Promise.all([this.#pod(ref, isTrusted('pods')), this.#listOwn()]))[0],
      namespace: async name => (isTrusted('namespaces') ? cache.namespace(name) : undefined) ?? live().namespace(name),
      nodeLabels: async name =>
        (name === cache.node && isTrusted('node') ? cache.nodeLabels() : undefined) ?? live().nodeLabels(name),
      ownerOf: ref => live().ownerOf(ref),
      statefulSet: ref => live().statefulSet(ref),
      virtualMachine: ref => live().virtualMachine(ref),
      virtualMachineInstance: ref => live().virtualMachineInstance(ref),
      waitForPools: (labels, until) => live().waitForPools(labels, until),
      reservedIPs: async () => (isTrusted('reserved') ? cache.reserved() : live().reservedIPs()),
      sampleAddresses: poolUid => live().sampleAddresses(poolUid),
      listAddressesByLabel: (label, value) => live().listAddressesByLabel(label, value),
      recordEvent: event => live().recordEvent(event),
    }
    return {
      ...rest,
      ...this.pools(() => isTrusted('pools')),
      ...this.objects(() => isTrusted('endpoints')),
      view: {
        heldIn: uid => [...view.heldIn(uid), ...this.#ownListed.filter(isOfPool(uid)).map(asHeld)],
        heldBy: uid => view.heldBy(uid),
        endpoint: ref => this.#knownRecord(ref),
      },
    }
  }

  pools(isTrusted: () => boolean) {
    const live = this.#live
    const { cache } = this.#state
    const noted = (pool: SpiderIPPool): SpiderIPPool => {
      if (isShared(pool)) this.#shared.add(pool.metadata.name)
      return pool
    }
    return {
      pool: async (name: string, freshness?: 'cached' | 'fresh') => {
        const cached = freshness !== 'fresh' && isTrusted() ? cache.pool(name) : undefined
        if (cached && !needsText(cached)) return noted(cached)
        const pool = await live().pool(name, freshness)
        return pool && noted(pool)
      },
      pools: async () => {
        const cached = isTrusted() ? cache.pools() : []
        if (cached.length > 0 && !cached.some(needsText)) return cached.map(noted)
        return (await live().pools()).map(noted)
      },
      writeAllocated: (...args: Parameters<Store['writeAllocated']>) => live().writeAllocated(...args),
    }
  }

  /**
   * ADD believes a pod that lives, for another look is at the next sandbox; DEL one that is
   * being deleted, for that is never undone. Everything else is looked up.
   */
  async #pod(ref: ObjectRef, isTrusted: boolean): Promise<Pod | undefined> {
    const { podUid, command } = this.#call
    const cached = this.#state.cache.pod(keyOfRef(ref))
    const isSame = cached !== undefined && podUid !== '' && isOfPod(podUid, cached)
    if (command === 'ADD' && isTrusted && isSame && isAlive(cached)) return cached
    if (command === 'DEL' && this.#isCached && podUid !== '') {
      if (isSame && !isMirror(cached) && cached.metadata.deletionTimestamp !== undefined) return cached
      if (this.#state.view.isGone(podUid)) return undefined
    }
    return this.#live().pod(ref)
  }

  /**
   * Beside the read of the pod, which is the first of an ADD: an agent that was killed in the ADD
   * before may have left an address, and this one does not know of it.
   */
  async #listOwn(): Promise<void> {
    const { podUid, command } = this.#call
    if (command !== 'ADD' || podUid === '' || this.#state.cache.isTrusted('addresses')) return
    this.#ownListed = await this.#live().listAddressesByLabel(IPAM_LABEL_POD_UID, podUid)
  }

  #knownRecord(ref: ObjectRef): SpiderEndpoint | undefined {
    const { records } = this.#state
    const key = keyOfRef(ref)
    const record = records.get(key)
    const { podUid } = this.#call
    if (!record || (podUid !== '' && record.status.current.uid !== podUid)) return undefined
    if (records.isPending(key)) return record
    return podUid !== '' && this.#isCached && !RETAINING_KINDS.includes(record.status.ownerControllerType)
      ? record
      : undefined
  }

  /** A pod of this node that has no address yet, and inherits none, has no record elsewhere. */
  #hasNoRecord(ref: ObjectRef): boolean {
    const { cache, records } = this.#state
    const pod = cache.pod(keyOfRef(ref))
    if (this.#call.command !== 'ADD' || records.get(keyOfRef(ref)) || !pod || (pod.status?.podIPs ?? []).length > 0)
      return false
    return !(pod.metadata.ownerReferences ?? []).some(({ kind }) => RETAINING_KINDS.includes(kind))
  }

  /** Written behind the answer: the record of a pod that goes with its pod. */
  #isBehind(endpoint: SpiderEndpoint): boolean {
    if (this.#state.records.isPending(keyOf(endpoint))) return true
    if (!this.#state.cache.isTrusted('endpoints')) return false // there may be one that is not known
    const isOfItsPod = endpoint.metadata.ownerReferences?.some(({ kind }) => kind === 'Pod') === true
    const isRetained = RETAINING_KINDS.includes(endpoint.status.ownerControllerType)
    const { command, podUid } = this.#call
    const pools = endpoint.status.current.ips.flatMap(addressesOf).map(({ pool }) => pool)
    const isShared = pools.some(name => this.#shared.has(name))
    return command === 'ADD' && podUid !== '' && this.#isCached && !isShared && isOfItsPod && !isRetained
  }

  #wrote<T extends SpiderEndpoint | 'conflict'>(written: T): T {
    if (written !== 'conflict') this.#state.view.endpoints.wrote(written)
    return written
  }

  #behind(endpoint: SpiderEndpoint, written: SpiderEndpoint | 'conflict'): Promise<SpiderEndpoint | 'conflict'> {
    if (written !== 'conflict') this.#left.add(keyOf(endpoint))
    return Promise.resolve(written)
  }

  objects(areRecordsTrusted: () => boolean) {
    const live = this.#live
    const { view, records } = this.#state
    return {
      endpoint: async (ref: ObjectRef) => {
        const known = this.#knownRecord(ref)
        if (known || (areRecordsTrusted() && this.#hasNoRecord(ref))) return known
        return live().endpoint(ref)
      },
      createEndpoint: async (endpoint: SpiderEndpoint) =>
        this.#isBehind(endpoint)
          ? this.#behind(endpoint, records.create(endpoint))
          : this.#wrote(await live().createEndpoint(endpoint)),
      replaceEndpoint: async (endpoint: SpiderEndpoint) => {
        if (this.#isBehind(endpoint)) return this.#behind(endpoint, records.replace(endpoint))
        return isUnwritten(endpoint) ? 'conflict' : this.#wrote(await live().replaceEndpoint(endpoint))
      },
      deleteEndpoint: (endpoint: SpiderEndpoint) => this.#deleteEndpoint(endpoint),
      clearEndpoint: async (endpoint: SpiderEndpoint) => void (await this.#deleteEndpoint(endpoint)),
      address: async (name: string) => this.#knownAddress(name) ?? live().address(name),
      createAddress: async (object: SpiderIPAddress) => {
        const outcome = await live().createAddress(object)
        if (outcome.kind === 'taken') view.taken(object)
        else {
          view.addresses.wrote(outcome.object)
          this.#created.add(object.metadata.name)
        }
        return outcome
      },
      updateAddress: async (object: SpiderIPAddress) => {
        const updated = await live().updateAddress(object)
        if (updated) view.addresses.wrote(updated)
        else this.#changed.add(object.metadata.name)
        return updated
      },
      deleteAddress: (object: SpiderIPAddress) => this.#deleteAddress(object),
      listHeld: async (poolUid: string, freshness: 'cached' | 'fresh') => {
        if (this.#isCached) throw new NeedsLiveReads('a list of the addresses of a pool needs live reads')
        return live().listHeld(poolUid, freshness)
      },
    }
  }

  /**
   * DEL believes an address of its own container, for container IDs do not come back; any other may
   * have been taken over since.
   */
  #knownAddress(name: string): SpiderIPAddress | undefined {
    if (!this.#isCached || this.#changed.has(name)) return undefined
    const known = this.#state.view.addresses.get(name)
    const { command, containerID } = this.#call
    return command === 'ADD' || known?.spec.containerID === containerID ? known : undefined
  }

  /**
   * A record that has more interfaces than is known here stays: another process has written them,
   * and their DEL removes it.
   */
  async #deleteEndpoint(endpoint: SpiderEndpoint): Promise<boolean> {
    const { cache, view, records } = this.#state
    const key = keyOf(endpoint)
    const { uid } = endpoint.status.current
    const isOurs = records.isPending(key) || isUnwritten(endpoint)
    const known = await records.cancel(key)
    const there = isOurs ? known : endpoint
    const isWhole = (other: SpiderEndpoint | undefined): other is SpiderEndpoint =>
      other?.status.current.uid === uid && hasNoMore(other, endpoint)
    if (!isWhole(there)) return true
    const pod = cache.pod(key)
    const isGoing = pod?.metadata.uid === uid && pod.metadata.deletionTimestamp !== undefined
    const ownerGoes = isGoing || view.isGone(uid)
    if (!(await this.#live().deleteEndpoint(there, { ownerGoes, unchanged: true }))) {
      const now = await this.#live().endpoint({ namespace: there.metadata.namespace ?? '', name: there.metadata.name })
      if (isWhole(now)) await this.#live().deleteEndpoint(now, { ownerGoes })
    }
    view.endpoints.deleted(there)
    return true
  }

  /** Decided on a cached object: a newer version of it that says the same is deleted as well. */
  async #deleteAddress(object: SpiderIPAddress): Promise<boolean> {
    const { name } = object.metadata
    let current = object
    for (let tries = 0; tries < DELETE_TRIES_MAX; tries++) {
      if (await this.#live().deleteAddress(current)) {
        this.#state.view.addresses.deleted(current)
        this.#created.delete(name)
        return true
      }
      const now = await this.#live().address(name)
      if (now && !isSameHolding(now, object)) return false
      if (now) current = now
    }
    return false
  }
}

const DELETE_TRIES_MAX = 3

/** True where every interface of the one is in the other. */
function hasNoMore(one: SpiderEndpoint, other: SpiderEndpoint): boolean {
  const names = other.status.current.ips.map(({ interface: name }) => name)
  return one.status.current.ips.every(({ interface: name }) => names.includes(name))
}

const isOfPool =
  (uid: string) =>
  ({ metadata }: SpiderIPAddress): boolean =>
    metadata.labels?.[IPAM_LABEL_POOL_UID] === uid

const asHeld = ({ metadata: { name }, spec: { pod } }: SpiderIPAddress): HeldAddress => ({ name, podUid: pod.uid })

const isSameHolding = (a: SpiderIPAddress, b: SpiderIPAddress): boolean =>
  a.metadata.uid === b.metadata.uid &&
  a.metadata.labels?.[IPAM_LABEL_POD_UID] === b.metadata.labels?.[IPAM_LABEL_POD_UID] &&
  a.spec.pod.uid === b.spec.pod.uid &&
  a.spec.nic === b.spec.nic &&
  a.spec.containerID === b.spec.containerID
