// Without a controller: removes the finalizer of a deleted SpiderEndpoint once it holds no address.
import { FINALIZER, IPAM_LABEL_POD_UID, SPIDERPOOL_GROUP } from '../../lib/crd/names.js'
import type { HistoryEntry } from './storage/history.js'
import { labelText } from './storage/label-key.js'
import { at, type JsonObject, type Stored } from './schema/stored-object.js'
import type { Registry } from './schema/kind-registry.js'
import type { ObjectStore, Tx } from './storage/store.js'
import { updateIn } from './registry/write.js'

const ENDPOINTS = `${SPIDERPOOL_GROUP}/spiderendpoints`
const ADDRESSES = `${SPIDERPOOL_GROUP}/spideripaddresses`
const POOLS = `${SPIDERPOOL_GROUP}/spiderippools`
const PODS = '/pods'
const STATEFULSETS = 'apps/statefulsets'
const LEASES = 'coordination.k8s.io/leases'
const LEASE = 'spiderpool-controller-leases' // daemons/controller/controller.ts
const LEASE_DEFAULT_S = 15
const RECHECK_MS_MAX = 60_000
const WRITE = { dryRun: false, fieldValidation: 'Ignore', warn: (): void => {}, status: false } as const

interface Key {
  readonly namespace: string
  readonly name: string
}

const keyOf = ({ metadata: { namespace = '', name } }: Stored): Key => ({ namespace, name })
const podOf = (address: Stored): Key => ({
  namespace: String(at(address, 'spec', 'pod', 'namespace')),
  name: String(at(address, 'spec', 'pod', 'name')),
})
const isTerminating = ({ metadata }: Stored): boolean => metadata.deletionTimestamp !== undefined
const isFinished = (pod: Stored): boolean => ['Succeeded', 'Failed'].includes(String(at(pod, 'status', 'phase')))

/** Milliseconds until a Lease expires; 0 or less if it has expired. */
export function leaseLeftMs(lease: Stored, nowMs: number): number {
  const renewedMs = Date.parse(String(at(lease, 'spec', 'renewTime')))
  const seconds = Number(at(lease, 'spec', 'leaseDurationSeconds') ?? LEASE_DEFAULT_S)
  const holder = at(lease, 'spec', 'holderIdentity') ?? ''
  return holder === '' || Number.isNaN(renewedMs) ? 0 : renewedMs + seconds * 1000 - nowMs
}

/** Go agents record an address in the status of its pool only, until it is adopted. */
function isNamedByPool(tx: Tx, record: Stored, uid: string): boolean {
  const ips = at(record, 'status', 'current', 'ips')
  const names = (Array.isArray(ips) ? ips : []).flatMap((nic: unknown) =>
    typeof nic === 'object' && nic !== null && !Array.isArray(nic)
      ? [at(nic as JsonObject, 'ipv4Pool'), at(nic as JsonObject, 'ipv6Pool')]
      : [],
  )
  return [...new Set(names)].some(name => {
    const pool = typeof name === 'string' ? tx.read({ resource: POOLS, namespace: '', name }) : undefined
    const text = pool && at(pool, 'status', 'allocatedIPs')
    return typeof text === 'string' && text.includes(JSON.stringify(uid))
  })
}

/** Watches the store and releases deleted SpiderEndpoints. */
export class EndpointFinalizer {
  readonly #store: ObjectStore
  readonly #registry: Registry
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()

  constructor(store: ObjectStore, registry: Registry) {
    this.#store = store
    this.#registry = registry
    for (const ref of store.indexes.endingOf(ENDPOINTS)) this.#schedule(ref, 0)
    store.onCommit(changes => changes.forEach(change => this.#notice(change)))
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  /** A SpiderEndpoint has the name of its pod. */
  #notice({ resource, type, object }: HistoryEntry): void {
    const isRecord = resource === ENDPOINTS && type !== 'DELETED' && isTerminating(object)
    const isPod = resource === PODS && (type === 'DELETED' || isFinished(object))
    if (isRecord || isPod) this.#schedule(keyOf(object), 0)
    if (resource === ADDRESSES && type === 'DELETED') this.#schedule(podOf(object), 0)
    if (resource === POOLS || (resource === STATEFULSETS && type === 'DELETED'))
      for (const ref of this.#store.indexes.endingOf(ENDPOINTS)) this.#schedule(ref, 0)
  }

  #schedule(key: Key, waitMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#store
        .write(tx => this.#reconcile(tx, key))
        .catch((error: unknown) =>
          console.error(`cannot release SpiderEndpoint ${key.namespace}/${key.name}: ${String(error)}`),
        )
    }, waitMs)
    this.#timers.add(timer)
  }

  #reconcile(tx: Tx, key: Key): void {
    const kind = this.#registry.all().find(k => k.group === SPIDERPOOL_GROUP && k.plural === 'spiderendpoints')
    const record = tx.read({ resource: ENDPOINTS, ...key })
    if (!kind || !record || !isTerminating(record) || record.metadata.finalizers?.includes(FINALIZER) !== true) return
    const leftMs = this.#controllerLeftMs(tx)
    if (leftMs > 0) return this.#schedule(key, Math.min(leftMs, RECHECK_MS_MAX))
    if (this.#isNeeded(tx, record)) return
    const finalizers = record.metadata.finalizers.filter(name => name !== FINALIZER)
    updateIn(tx, { kind, ...key }, old => ({ ...old, metadata: { ...old.metadata, finalizers } }), WRITE)
  }

  /** Milliseconds for which a controller holds its Lease; until then the controller decides. */
  #controllerLeftMs(tx: Tx): number {
    const leases = tx.list({ resource: LEASES }).filter(({ metadata }) => metadata.name === LEASE)
    return Math.max(0, ...leases.map(lease => leaseLeftMs(lease, Date.now())))
  }

  /**
   * A record is needed by its addresses, since a later DEL may find them through it only; by its
   * pod while that may run; by the StatefulSet whose next pod takes its addresses.
   */
  #isNeeded(tx: Tx, record: Stored): boolean {
    const { namespace, name } = keyOf(record)
    const uid = String(at(record, 'status', 'current', 'uid'))
    if (tx.list({ resource: ADDRESSES, label: labelText(IPAM_LABEL_POD_UID, uid), limit: 1 }).length > 0) return true
    if (isNamedByPool(tx, record, uid)) return true
    const pod = tx.read({ resource: PODS, namespace, name })
    if (pod && pod.metadata.uid === uid && !isFinished(pod)) return true
    if (at(record, 'status', 'ownerControllerType') !== 'StatefulSet') return false
    const owner = String(at(record, 'status', 'ownerControllerName'))
    return tx.read({ resource: STATEFULSETS, namespace, name: owner }) !== undefined
  }
}
