// Containers of a host without Kubernetes (podman): the Pod object that stands for a container,
// requested addresses, release of one NIC, cleanup after a killed runtime. On a Store.
import { deleteAllocation } from '../allocation/shared-pool.js'
import { ANNOTATION_NETNS, IPAM_LABEL_POD_UID, LABEL_CONTAINER_HOST } from '../../crd/names.js'
import { familyOfPool } from '../../crd/family.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../crd/types.js'
import { familyOf, objectNameOf, toBigint, type Ip } from '../../ip/address.js'
import { includes } from '../../ip/range.js'
import { add, type Granted } from './add.js'
import type { AllocDeps } from '../allocation/allocate.js'
import {
  CONTAINER,
  isOfContainer,
  CONTAINER_NAMESPACE,
  uidOf,
  type ContainerIdentity,
} from '../allocation/standalone-identity.js'
import { ipsOf, nicOf } from '../allocation/endpoint.js'
import { poolOf } from '../allocation/pool.js'
import type { Journal, Store } from '../store/store.js'
import { Refused, wrongInput } from '../errors.js'
import { undoIncompleteAdd } from './release-address.js'
import type { AddRequest } from './pod-context.js'

/** The host of a container. */
export interface ContainerHost {
  readonly name: string
  /** Identifies the network namespace of this call. */
  readonly netns: string
  isGone(netns: string): boolean
}

function podOf(container: ContainerIdentity, host: ContainerHost): Pod {
  const { id, name } = container
  const owner = { ...CONTAINER, name, uid: uidOf(container), controller: true }
  return {
    metadata: { namespace: CONTAINER_NAMESPACE, name: id, uid: uidOf(container), ownerReferences: [owner] },
    spec: { nodeName: host.name },
  }
}

/** ADD for a container. On a full pool it releases addresses of dead containers and retries. */
export async function addContainer(
  request: AddRequest,
  { container, host }: { readonly container: ContainerIdentity; readonly host: ContainerHost },
  deps: AllocDeps,
): Promise<Granted> {
  const store = storeFor(container, host, deps.store)
  const at = { host: host.name, netns: host.netns, name: container.name }
  const take = (): Promise<Granted> => add({ ...request, at }, { ...deps, store })
  try {
    return await take()
  } catch (error) {
    if (!(error instanceof Refused) || error.refusal !== 'exhausted') throw error
    await sweep(host, deps.store) // even if it finds nothing, another call may have released one
  }
  return take().catch(async (error: unknown) => {
    throw await exhausted(error, container, deps.store)
  })
}

/** A Store that returns the container as its pod, and pools with only the requested address. */
function storeFor(container: ContainerIdentity, host: ContainerHost, store: Store): Store {
  const only = (pool: SpiderIPPool): SpiderIPPool => withOnly(pool, container.ip)
  return {
    ...store,
    pod: () => Promise.resolve(podOf(container, host)),
    pool: async name => {
      const pool = await store.pool(name)
      return pool && only(pool)
    },
    pools: async () => (await store.pools()).map(only),
  }
}

function withOnly(pool: SpiderIPPool, ip: Ip | undefined): SpiderIPPool {
  const family = familyOfPool(pool)
  if (ip === undefined || family !== familyOf(ip)) return pool
  const ips = includes(poolOf(pool, family).ranges, toBigint(ip)) ? [ip] : []
  return { ...pool, spec: { ...pool.spec, ips } }
}

/** Releases addresses of containers of this host whose network namespace is gone. */
async function sweep({ name, isGone }: ContainerHost, store: Store): Promise<void> {
  const isLeft = ({ metadata }: SpiderIPAddress): boolean => isGone(metadata.annotations?.[ANNOTATION_NETNS] ?? '')
  const listed = (await store.listAddressesByLabel(LABEL_CONTAINER_HOST, name)).filter(isLeft)
  await Promise.all(
    listed.map(async ({ metadata, spec }) => {
      const object = await store.address(metadata.name) // the list may be stale
      if (object && isLeft(object) && object.spec.containerID === spec.containerID)
        await releaseContainerAddress(object, store)
    }),
  )
}

/** The record first: if this call is killed in between, the next one finds the address. */
async function releaseContainerAddress(object: SpiderIPAddress, store: Store): Promise<void> {
  const { containerID: id, nic } = object.spec
  await removeNicRecord({ id }, nic, store)
  await deleteAllocation(object, store) // false: it was just taken for a new namespace
}

/** With a requested address the error names it, not the pool as exhausted. */
async function exhausted(error: unknown, { ip }: ContainerIdentity, store: Store): Promise<unknown> {
  if (ip === undefined || !(error instanceof Refused) || error.refusal !== 'exhausted') return error
  const holder = await store.address(objectNameOf(ip))
  if (!holder)
    return wrongInput(
      `IP=${ip} of CNI_ARGS is in no range of the pools of this network, or reserved; name another, or none`,
    )
  const { kind, name } = holder.spec.owner
  return new Refused('exhausted', `IP=${ip} of CNI_ARGS is held by ${kind} ${name}; name another address, or none`)
}

/**
 * Releases the addresses of one NIC, recorded or not: a container that is disconnected from one
 * network keeps the others. Returns the addresses with prefix length.
 */
export async function releaseNic(
  { container, nic }: { readonly container: ContainerIdentity; readonly nic: string },
  { store, journal }: { readonly store: Store; readonly journal: Journal },
): Promise<readonly string[]> {
  const { id } = container
  const endpoint = await store.endpoint({ namespace: CONTAINER_NAMESPACE, name: id })
  await undoIncompleteAdd({ containerID: id }, endpoint, { store, journal })
  const isOwn = ({ spec }: SpiderIPAddress): boolean =>
    spec.nic === nic && spec.containerID === id && isOfContainer(spec)
  // By the record, which is as new as the ADD, and what the cached list has besides.
  const listed = (await store.listAddressesByLabel(IPAM_LABEL_POD_UID, uidOf(container))).filter(isOwn)
  const names = [...namesIn(endpoint, nic), ...listed.map(({ metadata }) => metadata.name)]
  const read = await Promise.all([...new Set(names)].map(name => store.address(name)))
  const own = read.filter(object => object !== undefined).filter(isOwn)
  await Promise.all(own.map(object => deleteAllocation(object, store)))
  await removeNicRecord(container, nic, store)
  return own.map(({ spec }) => spec.address)
}

/** Names of the address objects that the record has for the NIC. */
function namesIn(endpoint: SpiderEndpoint | undefined, nic: string): readonly string[] {
  const entry = endpoint && nicOf(endpoint, nic)
  return (entry ? ipsOf(entry) : []).map(objectNameOf)
}

/** Other NICs of the container may be written at the same moment. */
const TRIES_MAX = 8

async function removeNicRecord(container: Pick<ContainerIdentity, 'id'>, nic: string, store: Store): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const endpoint = await store.endpoint({ namespace: CONTAINER_NAMESPACE, name: container.id })
    if (!endpoint || endpoint.status.current.uid !== uidOf(container)) return
    const { current } = endpoint.status
    const ips = current.ips.filter(({ interface: name }) => name !== nic)
    if (ips.length === 0) return void (await store.deleteEndpoint(endpoint))
    if (ips.length === current.ips.length) return
    const written = await store.replaceEndpoint({
      ...endpoint,
      status: { ...endpoint.status, current: { ...current, ips } },
    })
    if (written !== 'conflict') return
  }
}
