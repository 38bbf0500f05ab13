// Without a controller: address counts in SpiderIPPool status, and the finalizer of empty pools.
import { isGoAgent, isGoAgentSet } from '../../lib/crd/go-agent.js'
import { AGENT, IPAM_LABEL_POOL_UID, SPIDERPOOL_GROUP } from '../../lib/crd/names.js'
import type { SpiderIPAddress, SpiderIPPool } from '../../lib/crd/types.js'
import { entriesOf } from '../controller/reconcilers/ippool/adopt.js'
import { besideGo, poolFinalizers, poolStatus, withMark } from '../controller/reconcilers/ippool/decide.js'
import type { HistoryEntry } from './storage/history.js'
import { labelText } from './storage/label-key.js'
import { isFields, sameJson, type Stored } from './schema/stored-object.js'
import type { Registry } from './schema/kind-registry.js'
import type { ObjectStore, Tx } from './storage/store.js'
import { updateIn } from './registry/write.js'

const POOLS = `${SPIDERPOOL_GROUP}/spiderippools`
const ADDRESSES = `${SPIDERPOOL_GROUP}/spideripaddresses`
const PODS = '/pods'
const DAEMONSETS = 'apps/daemonsets'
const WRITE_INTERVAL_MS = 1_000
const WRITE = { dryRun: false, fieldValidation: 'Ignore', warn: (): void => {} } as const

const isPool = (object: Stored): object is Stored & SpiderIPPool =>
  isFields(object['spec']) && typeof object['spec']['subnet'] === 'string'

const poolUidOf = ({ metadata }: Stored): string => metadata.labels?.[IPAM_LABEL_POOL_UID] ?? ''

const isAddress = (object: Stored): object is Stored & SpiderIPAddress =>
  isFields(object['spec']) && isFields(object['spec']['pod']) && isFields(object['spec']['owner'])

/** Fields of built-in kinds have their types: the server checks them. */
const isAgentOf = (resource: string, object: Stored): boolean =>
  resource === PODS ? isGoAgent(object) : resource === DAEMONSETS && isGoAgentSet(object)

/** Counts addresses from the store’s commits and writes pool status. */
export class PoolStatusUpdater {
  readonly #store: ObjectStore
  readonly #registry: Registry
  /** Number of addresses by the UID of their pool. */
  readonly #counts: Map<string, number>
  readonly #names = new Map<string, string>()
  /** UIDs of the Go agents' pods and DaemonSets. */
  readonly #goAgents = new Set<string>()
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()
  readonly #written = new Map<string, number>()

  constructor(store: ObjectStore, registry: Registry) {
    this.#store = store
    this.#registry = registry
    this.#counts = new Map(store.indexes.countsOf(ADDRESSES, IPAM_LABEL_POOL_UID))
    // isGoAgent and isGoAgentSet look for that name; the other objects may be a gigabyte.
    for (const resource of [PODS, DAEMONSETS])
      for (const object of store.containing(resource, AGENT))
        if (isAgentOf(resource, object)) this.#goAgents.add(object.metadata.uid)
    for (const pool of store.list({ resource: POOLS })) this.#track(pool)
    store.onCommit(changes => changes.forEach(change => this.#notice(change)))
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  #notice({ resource, type, object, prev }: HistoryEntry): void {
    if (resource === POOLS) {
      if (type === 'DELETED') this.#forget(object)
      else if (!prev || !sameJson(prev['spec'], object['spec']) || object.metadata.deletionTimestamp !== undefined)
        this.#track(object)
    }
    if (resource === PODS || resource === DAEMONSETS)
      this.#noticeAgent(object.metadata.uid, type !== 'DELETED' && isAgentOf(resource, object))
    if (resource !== ADDRESSES) return
    if (prev) this.#count(poolUidOf(prev), -1)
    if (type !== 'DELETED') this.#count(poolUidOf(object), 1)
  }

  /** The first Go agent and the end of the last one concern every pool. */
  #noticeAgent(uid: string, isOne: boolean): void {
    const before = this.#goAgents.size
    if (isOne) this.#goAgents.add(uid)
    else this.#goAgents.delete(uid)
    if ((before === 0) !== (this.#goAgents.size === 0)) for (const name of this.#names.values()) this.#schedule(name)
  }

  #count(uid: string, delta: number): void {
    if (uid === '') return
    this.#counts.set(uid, (this.#counts.get(uid) ?? 0) + delta)
    const name = this.#names.get(uid)
    if (name !== undefined) this.#schedule(name)
  }

  #track({ metadata: { uid, name } }: Stored): void {
    this.#names.set(uid, name)
    this.#schedule(name)
  }

  #forget({ metadata: { uid, name } }: Stored): void {
    this.#names.delete(uid)
    this.#counts.delete(uid)
    this.#written.delete(name)
  }

  /** At most one write per second and pool; the first without delay. */
  #schedule(name: string): void {
    if (this.#timers.has(name)) return
    const wait = Math.max(0, (this.#written.get(name) ?? 0) + WRITE_INTERVAL_MS - Date.now())
    const reconcile = (): void => {
      this.#timers.delete(name)
      this.#written.set(name, Date.now())
      this.#store
        .write(tx => this.#reconcile(tx, name))
        .catch((error: unknown) => console.error(`cannot update the status of pool ${name}: ${String(error)}`))
    }
    this.#timers.set(name, setTimeout(reconcile, wait))
  }

  #reconcile(tx: Tx, name: string): void {
    const kind = this.#registry.all().find(k => k.group === SPIDERPOOL_GROUP && k.plural === 'spiderippools')
    const pool = tx.read({ resource: POOLS, namespace: '', name })
    if (!kind || !pool || !isPool(pool)) return
    const target = { kind, namespace: '', name }
    const allocated = this.#counts.get(pool.metadata.uid) ?? 0
    const names = (): readonly string[] =>
      this.#store.indexes.namesWith(ADDRESSES, IPAM_LABEL_POOL_UID, pool.metadata.uid)
    const counted = poolStatus(pool, { allocated, names })
    const status =
      this.#goAgents.size === 0
        ? withMark(pool, counted)
        : besideGo(pool, counted, () => entriesOf(this.#held(tx, pool)))
    updateIn(tx, target, old => ({ ...old, status }), { ...WRITE, status: true })
    const finalizers = poolFinalizers({ ...pool, status }, allocated)
    if (finalizers.length === (pool.metadata.finalizers?.length ?? 0)) return
    const release = (old: Stored): object => ({ ...old, metadata: { ...old.metadata, finalizers } })
    updateIn(tx, target, release, { ...WRITE, status: false })
  }

  #held(tx: Tx, { metadata: { uid = '' } }: SpiderIPPool): readonly SpiderIPAddress[] {
    return tx.list({ resource: ADDRESSES, label: labelText(IPAM_LABEL_POOL_UID, uid) }).filter(isAddress)
  }
}
