// A Store that reads the cluster and writes nothing: what an ADD would write is kept here, for the
// ADDs of the pod's other interfaces.
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../lib/crd/types.js'
import type { ObjectRef, Store } from '../../../lib/ipam/store/store.js'

/** UID of an object that would be created. */
const NOT_CREATED = 'not-created'

const keyOf = ({ namespace, name }: ObjectRef): string => `${namespace}/${name}`
const keyOfEndpoint = ({ metadata }: SpiderEndpoint): string => `${metadata.namespace ?? ''}/${metadata.name}`

export interface DryRun {
  /** A pod that need not exist. */
  readonly pod: Pod
  /** The pools with these labels, as they are: nothing is waited for. */
  readonly poolsWith: (labels: Readonly<Record<string, string>>) => Promise<readonly SpiderIPPool[]>
}

/** The Store over `store`. Its pod is that of `run`. */
export function dryStore(store: Store, { pod, poolsWith }: DryRun): Store {
  const addresses = new Map<string, SpiderIPAddress | undefined>()
  const endpoints = new Map<string, SpiderEndpoint | undefined>()
  const address = (name: string): Promise<SpiderIPAddress | undefined> =>
    addresses.has(name) ? Promise.resolve(addresses.get(name)) : store.address(name)
  const endpoint = (ref: ObjectRef): Promise<SpiderEndpoint | undefined> =>
    endpoints.has(keyOf(ref)) ? Promise.resolve(endpoints.get(keyOf(ref))) : store.endpoint(ref)
  const keep = (object: SpiderEndpoint): Promise<SpiderEndpoint> => {
    endpoints.set(keyOfEndpoint(object), object)
    return Promise.resolve(object)
  }
  const forget = (object: SpiderEndpoint): Promise<true> => {
    endpoints.set(keyOfEndpoint(object), undefined)
    return Promise.resolve(true)
  }
  return {
    ...readsOf(store),
    pod: () => Promise.resolve(pod),
    waitForPools: labels => poolsWith(labels),
    address,
    endpoint,
    async createAddress(object) {
      if (await address(object.metadata.name)) return { kind: 'taken' }
      const created = { ...object, metadata: { ...object.metadata, uid: NOT_CREATED } }
      addresses.set(object.metadata.name, created)
      return { kind: 'held', object: created }
    },
    updateAddress(object) {
      addresses.set(object.metadata.name, object)
      return Promise.resolve(object)
    },
    deleteAddress({ metadata }) {
      addresses.set(metadata.name, undefined)
      return Promise.resolve(true)
    },
    async createEndpoint(object) {
      const ref = { namespace: object.metadata.namespace ?? '', name: object.metadata.name }
      return (await endpoint(ref)) ? 'conflict' : keep(object)
    },
    replaceEndpoint: keep,
    clearEndpoint: async object => void (await forget(object)),
    deleteEndpoint: forget,
    writeAllocated: object => Promise.resolve(object),
    recordEvent: () => Promise.resolve(),
  }
}

/** The reading half, named one by one: a new method that writes is not passed through. */
const readsOf = (store: Store) => ({
  namespace: (name: string) => store.namespace(name),
  nodeLabels: (name: string) => store.nodeLabels(name),
  ownerOf: (ref: Parameters<Store['ownerOf']>[0]) => store.ownerOf(ref),
  statefulSet: (ref: ObjectRef) => store.statefulSet(ref),
  virtualMachine: (ref: ObjectRef) => store.virtualMachine(ref),
  virtualMachineInstance: (ref: ObjectRef) => store.virtualMachineInstance(ref),
  pool: (name: string, freshness?: 'cached' | 'fresh') => store.pool(name, freshness),
  pools: () => store.pools(),
  reservedIPs: () => store.reservedIPs(),
  listHeld: (poolUid: string, freshness: 'cached' | 'fresh') => store.listHeld(poolUid, freshness),
  sampleAddresses: (poolUid: string) => store.sampleAddresses(poolUid),
  listAddressesByLabel: (label: string, value: string) => store.listAddressesByLabel(label, value),
})
