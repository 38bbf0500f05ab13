// The Store: what the allocator reads and writes. Knows no transport.
import type {
  Event,
  ObjectMeta,
  Pod,
  SpiderEndpoint,
  SpiderIPAddress,
  SpiderIPPool,
  SpiderReservedIP,
} from '../../crd/types.js'

export interface ObjectRef {
  readonly namespace: string
  readonly name: string
}

/** The top controller of a pod, as its address objects name it. */
export interface ControllerRef {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}

/** The top controller of a pod, with its UID. */
export type TopController = ControllerRef & { readonly uid: string }

export interface OwnerRef {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

export interface StatefulSet {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly replicas?: number; readonly ordinals?: { readonly start?: number } }
}

/** The used part of a kubevirt.io VirtualMachine or VirtualMachineInstance. */
export interface VirtualMachine {
  readonly metadata: ObjectMeta
}

export type Labels = Readonly<Record<string, string>>

/** The result of creating an address object: the name is the lock, one caller gets `held`. */
export type CreateOutcome = { readonly kind: 'held'; readonly object: SpiderIPAddress } | { readonly kind: 'taken' }

/**
 * What is known without a request, where a cache stands before the API server: of this node, never
 * complete, and maybe gone already. So it only spares tries; it refuses and releases nothing.
 */
export interface StoreView {
  /** Addresses of a pool that are held. */
  heldIn(poolUid: string): readonly HeldAddress[]
  /** Addresses that a pod holds. */
  heldBy(podUid: string): readonly SpiderIPAddress[]
  /** A record, also one that is not written yet. */
  endpoint(ref: ObjectRef): SpiderEndpoint | undefined
}

/** Reads return `undefined` for Not Found. All other failures are thrown as KubeError. */
export interface Store {
  readonly view?: StoreView
  pod(ref: ObjectRef): Promise<Pod | undefined>
  namespace(name: string): Promise<{ readonly labels: Labels; readonly annotations: Labels }>
  nodeLabels(name: string): Promise<Labels>
  /** The controller of an object, one step up; `undefined` without one or without the object. */
  ownerOf(ref: OwnerRef): Promise<TopController | undefined>
  statefulSet(ref: ObjectRef): Promise<StatefulSet | undefined>
  /** kubevirt.io objects; `undefined` also where the cluster does not serve that group. */
  virtualMachine(ref: ObjectRef): Promise<VirtualMachine | undefined>
  virtualMachineInstance(ref: ObjectRef): Promise<VirtualMachine | undefined>
  /**
   * `cached`: from the watch cache of the API server, which may be stale. `fresh`: the newest, past
   * the cache of a node agent too; the default is what an allocation may rely on.
   */
  pool(name: string, freshness?: 'cached' | 'fresh'): Promise<SpiderIPPool | undefined>
  /** From the watch cache. */
  pools(): Promise<readonly SpiderIPPool[]>
  /** Pools with these labels once `until` holds, or as they are after the timeout. */
  waitForPools(labels: Labels, until: (pools: readonly SpiderIPPool[]) => boolean): Promise<readonly SpiderIPPool[]>
  /** Writes status.allocatedIPs if the pool is unchanged since it was read; else `conflict`. */
  writeAllocated(pool: SpiderIPPool, allocated: Allocated): Promise<SpiderIPPool | 'conflict'>
  /** From the watch cache of the API server, which may be stale (decisions/0022). */
  reservedIPs(): Promise<readonly SpiderReservedIP[]>
  endpoint(ref: ObjectRef): Promise<SpiderEndpoint | undefined>
  /** `conflict`: it was written concurrently; read it again. */
  createEndpoint(endpoint: SpiderEndpoint): Promise<SpiderEndpoint | 'conflict'>
  replaceEndpoint(endpoint: SpiderEndpoint): Promise<SpiderEndpoint | 'conflict'>
  /**
   * Removes the record and our finalizer from it, only if it still has that UID. `unchanged`: only
   * in this version too; then false where it has another by now.
   */
  deleteEndpoint(endpoint: SpiderEndpoint, options?: EndpointRemoval): Promise<boolean>
  /**
   * Removes the addresses and our finalizer in one write, for a record that is deleted with its
   * pod; only if it still has that UID.
   */
  clearEndpoint(endpoint: SpiderEndpoint, options?: EndpointRemoval): Promise<boolean>
  address(name: string): Promise<SpiderIPAddress | undefined>
  createAddress(address: SpiderIPAddress): Promise<CreateOutcome>
  /**
   * Replaces the object if it is unchanged since it was read; `undefined` if changed or deleted.
   */
  updateAddress(address: SpiderIPAddress): Promise<SpiderIPAddress | undefined>
  /** Deletes with UID and resourceVersion as preconditions; false where it changed and stays. */
  deleteAddress(address: AddressVersion): Promise<boolean>
  /** Names and holders of the address objects of a pool. `fresh` bypasses the watch cache. */
  listHeld(poolUid: string, freshness: 'cached' | 'fresh'): Promise<readonly HeldAddress[]>
  /** A few hundred objects of a pool: enough to find who has most of them. */
  sampleAddresses(poolUid: string): Promise<readonly SpiderIPAddress[]>
  /** Address objects with this label, from the watch cache: a hint, to be read again by name. */
  listAddressesByLabel(label: string, value: string): Promise<readonly SpiderIPAddress[]>
  /** At most once a minute for one reason of one pod. Best effort: failures are ignored. */
  recordEvent(event: Event): Promise<void>
}

/**
 * `text`: undefined where no address is allocated; `count`: number of records; `mark`:
 * status.allocatedIPsProjected.
 */
export interface Allocated {
  readonly text: string | undefined
  readonly count: number
  readonly mark: false | undefined
}

export interface EndpointRemoval {
  readonly unchanged?: boolean
}

/** An address object as it was read or created, for a delete with preconditions. */
export interface AddressVersion {
  readonly metadata: Pick<ObjectMeta, 'name' | 'uid' | 'resourceVersion'>
}

export interface HeldAddress {
  readonly name: string
  readonly podUid: string
}

/** Written on the node before each address is tried; the DEL after a killed ADD reads it. */
export interface Journal {
  note(addressName: string): void
  read(): readonly string[]
  /** Removes the journal: everything noted is in the endpoint or released. */
  close(): void
}
