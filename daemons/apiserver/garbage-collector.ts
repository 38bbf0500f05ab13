// Garbage collection of dependents, of namespaces and of CRDs (kube-controller-manager does it in a
// cluster).
import { CRD_FINALIZER } from './registry/crd.js'
import type { HistoryEntry } from './storage/history.js'
import type { KindInfo } from './schema/kinds.js'
import { at, type Owner, type Stored } from './schema/stored-object.js'
import { CRDS, kindsOfCrd, storedAt, type Registry } from './schema/kind-registry.js'
import type { OwnedKey } from './storage/indexes.js'
import type { StoredKey } from './storage/key.js'
import type { ObjectStore, Tx } from './storage/store.js'
import { removeIn, updateIn, type DeleteParams, type WriteParams } from './registry/write.js'

const FOREGROUND = 'foregroundDeletion'
const ORPHAN = 'orphan'
const NAMESPACES = '/namespaces'
const BATCH_MAX = 200
const RETRY_MS = 1_000

const WRITE: WriteParams & { readonly status: boolean } = {
  dryRun: false,
  fieldValidation: 'Ignore',
  warn: () => {},
  status: false,
}
const BACKGROUND: DeleteParams = { dryRun: false, propagation: 'Background' }

const refKey = ({ resource, namespace, name }: StoredKey): string => `${resource} ${namespace}/${name}`
const isTerminating = ({ metadata }: Stored): boolean => metadata.deletionTimestamp !== undefined
const holds = ({ metadata }: Stored, finalizer: string): boolean => metadata.finalizers?.includes(finalizer) === true

/** The garbage collector: a queue of keys, reconciled in batches inside transactions. */
export class GarbageCollector {
  readonly #store: ObjectStore
  readonly #registry: Registry
  readonly #queue = new Map<string, StoredKey>()
  readonly #terminatingNamespaces = new Set<string>()
  /** Where the first walk over all dependents is; undefined after its end. */
  #walk: { readonly after: OwnedKey | undefined } | undefined = { after: undefined }
  #running = false
  #stopped = false

  constructor(store: ObjectStore, registry: Registry) {
    this.#store = store
    this.#registry = registry
    store.onCommit(changes => changes.forEach(change => this.#notice(change)))
    for (const ref of store.indexes.ending()) {
      if (ref.resource === NAMESPACES) this.#terminatingNamespaces.add(ref.name)
      this.#enqueue(ref)
    }
    this.#begin()
  }

  stop(): void {
    this.#stopped = true
  }

  /** Enqueues keys only; the decision reads the store again. */
  #notice({ resource, type, object }: HistoryEntry): void {
    if (type !== 'DELETED') return this.#enqueueIfPending(resource, object)
    const { uid, ownerReferences = [], namespace } = object.metadata
    this.#store.indexes.ownedBy(uid).forEach(ref => this.#enqueue(ref))
    for (const owner of ownerReferences) {
      const ref = this.#refOfOwner(owner, namespace ?? '')
      if (ref && owner.blockOwnerDeletion === true) this.#enqueue(ref)
    }
    if (resource === NAMESPACES) this.#terminatingNamespaces.delete(object.metadata.name)
    if (namespace !== undefined && this.#terminatingNamespaces.has(namespace))
      this.#enqueue({ resource: NAMESPACES, namespace: '', name: namespace })
    this.#enqueueCrd(resource)
  }

  #enqueueIfPending(resource: string, object: Stored): void {
    const { namespace = '', name, ownerReferences = [] } = object.metadata
    if (isTerminating(object) && resource === NAMESPACES) this.#terminatingNamespaces.add(name)
    if (ownerReferences.length > 0 || isTerminating(object)) this.#enqueue({ resource, namespace, name })
  }

  /** A terminating CRD may have waited for this object. */
  #enqueueCrd(resource: string): void {
    const [group = '', plural = ''] = resource.split('/')
    const ref = { resource: CRDS, namespace: '', name: `${plural}.${group}` }
    if (group.includes('.') && this.#store.read(ref)) this.#enqueue(ref)
  }

  #enqueue(ref: StoredKey): void {
    this.#queue.set(refKey(ref), ref)
    this.#begin()
  }

  #begin(): void {
    if (this.#running || this.#stopped) return
    this.#running = true
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (!this.#stopped && (this.#queue.size > 0 || this.#walk !== undefined)) {
      if (this.#queue.size === 0) this.#walkOn()
      const refs = [...this.#queue.values()].slice(0, BATCH_MAX)
      for (const ref of refs) this.#queue.delete(refKey(ref))
      const outcomes = await Promise.allSettled(refs.map(ref => this.#store.write(tx => this.#reconcile(tx, ref))))
      outcomes.forEach((outcome, i) => {
        const ref = refs[i]
        if (outcome.status === 'fulfilled' || ref === undefined) return
        console.error(`cannot garbage collect ${refKey(ref)}: ${String(outcome.reason)}`)
        setTimeout(() => this.#enqueue(ref), RETRY_MS).unref()
      })
    }
    this.#running = false
  }

  /** Enqueues the next dependents of the first walk: never all keys at once. */
  #walkOn(): void {
    const page = this.#store.indexes.allOwned(this.#walk?.after, BATCH_MAX)
    const after = page.at(-1)
    this.#walk = after && { after }
    for (const { resource, namespace, name } of page) {
      const ref = { resource, namespace, name }
      this.#queue.set(refKey(ref), ref)
    }
  }

  #reconcile(tx: Tx, ref: StoredKey): void {
    const object = tx.read(ref)
    if (!object) return
    if (isTerminating(object)) {
      if (ref.resource === NAMESPACES) return this.#emptyNamespace(tx, object)
      if (holds(object, CRD_FINALIZER)) return this.#emptyCrd(tx, ref, object)
      if (holds(object, ORPHAN)) return this.#orphan(tx, ref, object)
      if (holds(object, FOREGROUND)) return this.#foreground(tx, ref, object)
    }
    this.#collect(tx, ref, object)
  }

  /**
   * Deletes the object if no owner is left, else removes the references to owners that are gone.
   */
  #collect(tx: Tx, ref: StoredKey, object: Stored): void {
    const { ownerReferences = [], uid, namespace = '' } = object.metadata
    if (ownerReferences.length === 0 || isTerminating(object)) return
    const states = ownerReferences.map(owner => ({ owner, state: this.#stateOf(tx, owner, namespace) }))
    const solid = states.filter(({ state }) => state === 'solid')
    if (solid.length === 0) {
      const blocks = states.some(({ state }) => state === 'waiting') && this.#store.indexes.ownedBy(uid).length > 0
      return void this.#delete(tx, ref, { ...BACKGROUND, uid, propagation: blocks ? 'Foreground' : 'Background' })
    }
    if (solid.length < states.length) this.#change(tx, ref, { ownerReferences: solid.map(({ owner }) => owner) })
  }

  #stateOf(tx: Tx, owner: Owner, namespace: string): 'solid' | 'dangling' | 'waiting' {
    const ref = this.#refOfOwner(owner, namespace)
    if (!ref) return 'solid' // the kind is not served, so the owner cannot be read
    const found = tx.read(ref)
    if (found?.metadata.uid !== owner.uid) return 'dangling'
    return isTerminating(found) && holds(found, FOREGROUND) ? 'waiting' : 'solid'
  }

  #refOfOwner({ apiVersion, kind, name }: Owner, namespace: string): StoredKey | undefined {
    const found = this.#registry.ofKind(apiVersion, kind)
    if (!found || (found.namespaced && namespace === '')) return undefined
    return { resource: storedAt(found), namespace: found.namespaced ? namespace : '', name }
  }

  #foreground(tx: Tx, ref: StoredKey, { metadata }: Stored): void {
    const left = this.#store.indexes.ownedBy(metadata.uid).filter(dependent => {
      const object = tx.read(dependent)
      if (!object) return false
      if (!isTerminating(object)) this.#enqueue(dependent)
      return (
        object.metadata.ownerReferences?.some(o => o.uid === metadata.uid && o.blockOwnerDeletion === true) === true
      )
    })
    if (left.length === 0) this.#release(tx, ref, FOREGROUND)
  }

  #orphan(tx: Tx, ref: StoredKey, { metadata: { uid } }: Stored): void {
    for (const dependent of this.#store.indexes.ownedBy(uid)) {
      const owners = tx.read(dependent)?.metadata.ownerReferences ?? []
      const remaining = owners.filter(owner => owner.uid !== uid)
      if (remaining.length < owners.length) this.#change(tx, dependent, { ownerReferences: remaining })
    }
    this.#release(tx, ref, ORPHAN)
  }

  #emptyNamespace(tx: Tx, namespace: Stored): void {
    const { name } = namespace.metadata
    const inside = this.#registry
      .resources()
      .filter(kind => kind.namespaced)
      .map(kind => this.#deleteAll(tx, kind, name))
    if (inside.every(left => left === 0)) tx.remove(NAMESPACES, structuredClone(namespace))
  }

  #emptyCrd(tx: Tx, ref: StoredKey, crd: Stored): void {
    const [kind] = kindsOfCrd(crd)
    if (!kind || this.#deleteAll(tx, kind, undefined) === 0) this.#release(tx, ref, CRD_FINALIZER)
  }

  /** Deletes all objects of a kind; returns how many remain, held by finalizers. */
  #deleteAll(tx: Tx, kind: KindInfo, namespace: string | undefined): number {
    const resource = storedAt(kind)
    return tx.list({ resource, namespace }).filter(object => {
      if (isTerminating(object)) return true
      const { name, namespace: inside = '' } = object.metadata
      return !removeIn(tx, { kind, namespace: inside, name }, BACKGROUND).gone
    }).length
  }

  #kindOf(tx: Tx, ref: StoredKey): KindInfo | undefined {
    const object = tx.read(ref)
    return object && this.#registry.ofKind(object.apiVersion, object.kind)
  }

  #delete(tx: Tx, ref: StoredKey, options: DeleteParams): void {
    const kind = this.#kindOf(tx, ref)
    if (kind) removeIn(tx, { kind, ...ref }, options)
  }

  #change(tx: Tx, ref: StoredKey, metadata: object): void {
    const kind = this.#kindOf(tx, ref)
    if (kind) updateIn(tx, { kind, ...ref }, old => ({ ...old, metadata: { ...old.metadata, ...metadata } }), WRITE)
  }

  #release(tx: Tx, ref: StoredKey, finalizer: string): void {
    const held: unknown = at(tx.read(ref), 'metadata', 'finalizers')
    if (Array.isArray(held)) this.#change(tx, ref, { finalizers: held.filter(name => name !== finalizer) })
  }
}
