// Containers of a host without Kubernetes (podman): what stands for the pod that nobody declared, the address that a user names, what
// leaves with one NIC, and what a runtime that died left behind. On a port; knows no runtime.
import { ANNOTATION_NETNS, IPAM_LABEL_POD_UID, LABEL_CONTAINER_HOST } from '../../crd/names.js'
import type { Pod, SpiderIPAddress, SpiderIPPool } from '../../crd/types.js'
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
} from '../allocation/container-id.js'
import { familyOfPool, poolOf } from '../allocation/pool.js'
import type { Journal, Store } from '../store/store.js'
import { Refused, wrongInput } from '../errors.js'
import { undoIncompleteAdd } from './release.js'
import type { AddRequest } from './context.js'

/** Where it runs. */
export interface ContainerHost {
  readonly name: string
  /** What the network namespace of this call is found again by. */
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

/** An ADD for a container. A full pool is looked through for what containers left that are no more, and tried once more. */
export async function addContainer(
  request: AddRequest,
  { container, host }: { readonly container: ContainerIdentity; readonly host: ContainerHost },
  deps: AllocDeps,
): Promise<Granted> {
  const store = portFor(container, host, deps.store)
  const at = { host: host.name, netns: host.netns, name: container.name }
  const take = (): Promise<Granted> => add({ ...request, at }, { ...deps, store })
  try {
    return await take()
  } catch (error) {
    if (!(error instanceof Refused) || error.refusal !== 'exhausted') throw error
    await sweep(host, deps.store) // where it finds nothing another call may have, a moment ago
  }
  return take().catch(async (error: unknown) => {
    throw await exhausted(error, container, deps.store)
  })
}

/** Pods are the container; pools have the one address where its user names one; nobody reads events of what is no pod. */
function portFor(container: ContainerIdentity, host: ContainerHost, store: Store): Store {
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

/** Frees what containers of this host took whose network namespace is no more: their runtime was killed, or the machine was. */
async function sweep({ name, isGone }: ContainerHost, store: Store): Promise<void> {
  const objects = await store.listAddressesByLabel(LABEL_CONTAINER_HOST, name)
  const left = objects.filter(({ metadata }) => isGone(metadata.annotations?.[ANNOTATION_NETNS] ?? ''))
  await Promise.all(left.map(object => letGo(object, store)))
}

/** The record first: an address is what the next one finds where this one does not get to its end. */
async function letGo(object: SpiderIPAddress, store: Store): Promise<void> {
  const { containerID: id, nic } = object.spec
  await takeOut({ id }, nic, store)
  await store.deleteAddress(object) // false: it has just been taken for a new namespace
}

/** Where one address was asked for, "used out" would be a riddle. */
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
 * What this NIC of the container holds goes back: a container that is taken off one network keeps the others. The address objects say
 * what that is, whether the record does or not.
 */
export async function releaseNic(
  { container, nic }: { readonly container: ContainerIdentity; readonly nic: string },
  { store, journal }: { readonly store: Store; readonly journal: Journal },
): Promise<readonly string[]> {
  const { id } = container
  const endpoint = await store.endpoint({ namespace: CONTAINER_NAMESPACE, name: id })
  await undoIncompleteAdd({ containerID: id }, endpoint, { store, journal })
  const own = (await store.listAddressesByLabel(IPAM_LABEL_POD_UID, uidOf(container))).filter(
    ({ spec }) => spec.nic === nic && spec.containerID === id && isOfContainer(spec),
  )
  await Promise.all(own.map(object => store.deleteAddress(object)))
  await takeOut(container, nic, store)
  return own.map(({ spec }) => spec.address)
}

/** Other NICs of the container may be written at the same moment. */
const TRIES_MAX = 8

async function takeOut(container: Pick<ContainerIdentity, 'id'>, nic: string, store: Store): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const endpoint = await store.endpoint({ namespace: CONTAINER_NAMESPACE, name: container.id })
    if (!endpoint || endpoint.status.current.uid !== uidOf(container)) return
    const { current } = endpoint.status
    const ips = current.ips.filter(({ interface: name }) => name !== nic)
    if (ips.length === 0) return store.deleteEndpoint(endpoint)
    if (ips.length === current.ips.length) return
    const written = await store.replaceEndpoint({
      ...endpoint,
      status: { ...endpoint.status, current: { ...current, ips } },
    })
    if (written !== 'conflict') return
  }
}
