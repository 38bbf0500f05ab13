// What allocation needs done by somebody else: the API server, or an agent in front of it. Knows no transport.
import type { Event, Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../crd/types.js'
import type { TopController } from './pod.js'
import type { StatefulSet, VirtualMachine } from './retention.js'

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

export interface OwnerRef {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

export type Labels = Readonly<Record<string, string>>

/** The result of trying to create an address object: its name is the lock, so exactly one caller ever sees `held` for a name. */
export type CreateOutcome = { readonly kind: 'held'; readonly object: SpiderIPAddress } | { readonly kind: 'taken' }

/** Reads say `undefined` for what is not there. Everything else that goes wrong is thrown as a KubeError. */
export interface Store {
  pod(ref: ObjectRef): Promise<Pod | undefined>
  namespace(name: string): Promise<{ readonly labels: Labels; readonly annotations: Labels }>
  nodeLabels(name: string): Promise<Labels>
  /** The controller of an object, one step up; `undefined` where there is none or the object is not there. */
  ownerOf(ref: OwnerRef): Promise<TopController | undefined>
  statefulSet(ref: ObjectRef): Promise<StatefulSet | undefined>
  /** kubevirt.io objects; `undefined` also where the cluster does not serve that group. */
  virtualMachine(ref: ObjectRef): Promise<VirtualMachine | undefined>
  virtualMachineInstance(ref: ObjectRef): Promise<VirtualMachine | undefined>
  /** `cached`: as the API server has it in memory, which may be a moment old. */
  pool(name: string, freshness?: 'cached' | 'fresh'): Promise<SpiderIPPool | undefined>
  pools(): Promise<readonly SpiderIPPool[]>
  /** Pools with these labels, as soon as there are any that are good enough, or as they are when the time is over. */
  waitForPools(labels: Labels, until: (pools: readonly SpiderIPPool[]) => boolean): Promise<readonly SpiderIPPool[]>
  /** Writes status.allocatedIPs if the pool has not changed since it was read. `conflict`: read it again. */
  writeAllocated(pool: SpiderIPPool, allocated: Allocated): Promise<SpiderIPPool | 'conflict'>
  reservedIPs(): Promise<readonly SpiderReservedIP[]>
  endpoint(ref: ObjectRef): Promise<SpiderEndpoint | undefined>
  /** `conflict`: somebody else wrote it first; read it again. */
  createEndpoint(endpoint: SpiderEndpoint): Promise<SpiderEndpoint | 'conflict'>
  replaceEndpoint(endpoint: SpiderEndpoint): Promise<SpiderEndpoint | 'conflict'>
  /** Removes the record and our finalizer from it, only if it still has that UID. */
  deleteEndpoint(endpoint: SpiderEndpoint): Promise<void>
  address(name: string): Promise<SpiderIPAddress | undefined>
  createAddress(address: SpiderIPAddress): Promise<CreateOutcome>
  /** Writes the object as given if nobody changed it since it was read; `undefined` where somebody did, or it is gone. */
  updateAddress(address: SpiderIPAddress): Promise<SpiderIPAddress | undefined>
  /** Deletes the object with UID and resourceVersion as read as preconditions; false where it changed since: then it stays. */
  deleteAddress(address: SpiderIPAddress): Promise<boolean>
  /** The address objects of a pool, their names and whose they are. `fresh` asks for a read that no cache may answer. */
  listHeld(poolUid: string, freshness: 'cached' | 'fresh'): Promise<readonly HeldAddress[]>
  /** Some hundred of a pool's objects, whole: enough to say who has most of them. */
  sampleAddresses(poolUid: string): Promise<readonly SpiderIPAddress[]>
  /** Address objects with this label, whole. */
  listAddressesByLabel(label: string, value: string): Promise<readonly SpiderIPAddress[]>
  /** Written once a minute at most for one reason of one pod. Best effort: says nothing of what goes wrong. */
  recordEvent(event: Event): Promise<void>
}

/** `text`: undefined where no address is allocated; `count`: its records; `mark`: status.allocatedIPsProjected. */
export interface Allocated {
  readonly text: string | undefined
  readonly count: number
  readonly mark: false | undefined
}

export interface HeldAddress {
  readonly name: string
  readonly podUid: string
}

/** What an ADD writes down on its node before each address it tries, so that whatever kills it, the DEL that follows knows where to look. */
export interface Journal {
  note(addressName: string): void
  read(): readonly string[]
  /** Everything noted is in the endpoint, or given back. */
  close(): void
}
