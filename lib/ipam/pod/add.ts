// One ADD of the IPAM: read pod and record, select pools, allocate, write the record. On a Store.
import type { EndpointNic, Pod, PoolRoute, SpiderEndpoint } from '../../crd/types.js'
import { requireInjected } from '../pools/annotations.js'
import type { AllocDeps } from '../allocation/allocate.js'
import { networkRule, usablePools, type CandidatePools } from '../pools/usable.js'
import { allocateAll, type NicRequest } from './allocate-all.js'
import { inherit, releaseStale, outdated, poolsIn, unusable } from './inherit.js'
import { reuse } from './reuse.js'
import { interfaceCount } from '../pools/multus-network.js'
import { unknownAnnotationsIn } from '../pools/annotation-keys.js'
import type { Store } from '../store/store.js'
import { writeEndpoint, createFirstEndpoint, RecordExists, removeNics } from './record.js'
import { Refused, wrongInput } from '../errors.js'
import { releaseRecorded, undoIncompleteAdd } from './release-address.js'
import { hasAll, refuseFamily } from './requested-ips.js'
import { unreachableRoutes, withRoutes } from '../allocation/routes.js'
import {
  isFresh,
  readPodContext,
  UNREAD,
  withEndpoint,
  type AddRequest,
  type PodContext,
  type PartialPodContext,
} from './pod-context.js'
import { routesOfPod, type PoolRequest } from '../pools/sources.js'
import { requestedPools, type RequestedPools } from '../pools/requested.js'

export interface Granted {
  readonly nic: EndpointNic
  /** Releases what this call took; what the pod had before it keeps. */
  undo(): Promise<void>
}

/**
 * The record of the NIC, and how to undo the call.
 * @throws Refused, KubeError
 */
export async function add(request: AddRequest, deps: AllocDeps): Promise<Granted> {
  const context = await readPodContext(request, deps.store)
  requireInjected(context.pod)
  const keys = unknownAnnotationsIn(context.pod.metadata.annotations)
  if (keys.length === 0) return addWithContext(context, deps)
  const { withTypos } = await import('../pools/annotation-typos.js')
  return withTypos({ keys, pod: context.pod, store: deps.store }, () => addWithContext(context, deps))
}

async function addWithContext(context: PartialPodContext, deps: AllocDeps): Promise<Granted> {
  if (context.endpoint === UNREAD && isFresh(context)) return addFirst(context, deps)
  const { store } = deps
  if (context.retainedBy === undefined) return addWithRecord(await withEndpoint(context, store), deps)
  // With retention, record and pools are both needed, whatever the record has.
  const [known, candidates] = await Promise.all([withEndpoint(context, store), readCandidates(context, store)])
  return addWithRecord(known, deps, candidates)
}

const addWithRecord = (context: PodContext, deps: AllocDeps, candidates?: RequestedPools): Promise<Granted> =>
  context.endpoint && (context.retainedBy || isOfApiUid(context))
    ? addRetained(context, deps, candidates)
    : addNotRetained(context, deps, candidates)

/** A mirror pod whose record a Go agent made, under the UID of the mirror's object. */
const isOfApiUid = ({ endpoint, claimant }: PodContext): boolean =>
  claimant.apiUid !== undefined && endpoint?.status.current.uid === claimant.apiUid

/**
 * A fresh pod: its record is not read, creating it fails where there is one. Then, and on any
 * refusal, what this call took is released and the record is used as if it had been read first: a
 * restarted sandbox keeps the pod's addresses even where the pool is full (docs/requests.md).
 */
async function addFirst(context: PartialPodContext, deps: AllocDeps): Promise<Granted> {
  const before = { endpoint: undefined, others: [], write: createFirstEndpoint }
  const { store, journal } = deps
  const noted = { ...journal, close: () => undefined } // stays open until the record is known not to exist
  try {
    return finish(await allocateNics({ ...context, endpoint: undefined }, before, { ...deps, journal: noted }), deps)
  } catch (error) {
    if (!(error instanceof Refused || error instanceof RecordExists)) throw error
    const exists = error instanceof RecordExists
    const known = exists ? { ...context, endpoint: error.record } : await withEndpoint(context, store)
    if (!known.endpoint && !exists) throw error
    await undoIncompleteAdd(context.request, known.endpoint, { store, journal })
    return addWithRecord(known, deps)
  }
}

/**
 * A pod without retention. The record and the addresses of an earlier pod of the name are released.
 */
async function addNotRetained(context: PodContext, deps: AllocDeps, known?: RequestedPools): Promise<Granted> {
  const { endpoint, claimant, request } = context
  if (endpoint && endpoint.status.current.uid !== claimant.uid) {
    await releaseRecorded(endpoint, deps)
    return allocateNics(context, { endpoint: undefined, others: [] }, deps, known)
  }
  const recorded = endpoint?.status.current.ips ?? []
  const entry = recorded.find(({ interface: name }) => name === request.nic)
  const others = recorded.filter(one => one !== entry)
  if (!endpoint || !entry) return allocateNics(context, { endpoint, others }, deps, known)
  const hasRequested = hasAll(entry, request.requested ?? [])
  const candidates = await (hasRequested
    ? readCandidatesIfNamed(context, deps.store)
    : readCandidates(context, deps.store))
  const isMoved =
    candidates &&
    (!hasRequested || (candidates.scope !== 'byIndex' && (await staleNics([entry], context, candidates)).length > 0))
  if (isMoved) return replaceNics(context, { endpoint, others, stale: [entry] }, deps, candidates)
  const reuseContext = { ...context, ...(candidates && { pools: poolsIn(candidates) }) }
  if (await reuse({ entry, index: recorded.indexOf(entry) }, reuseContext, deps))
    return finish({ nic: entry, undo: keep }, deps)
  return allocateNics(context, { endpoint, others }, deps, candidates)
}

/** `undefined` where no pool is named any more: a running pod keeps its addresses. */
const readCandidatesIfNamed = (context: PodContext, store: Store): Promise<RequestedPools | undefined> =>
  readCandidates(context, store).catch((error: unknown) => {
    if (error instanceof Refused && error.refusal === 'noPool') return undefined
    throw error
  })

async function staleNics(
  recorded: readonly EndpointNic[],
  { request, pod, owner }: PodContext,
  candidates: RequestedPools,
): Promise<readonly EndpointNic[]> {
  const moved = outdated(recorded, candidates, request.nic, await networkRule(request.nic, { ...request, pod, owner }))
  const hasRequested = (entry: EndpointNic): boolean =>
    entry.interface !== request.nic || hasAll(entry, request.requested ?? [])
  return recorded.filter(entry => moved.includes(entry) || !hasRequested(entry))
}

/**
 * The interface is in another network than before: it gets an address of that network, and the old
 * one is released once the record no longer has it. The controller reclaims what cannot be
 * released.
 */
async function replaceNics(
  context: PodContext,
  { endpoint, others, stale }: Before & { readonly stale: readonly EndpointNic[] },
  deps: AllocDeps,
  candidates: RequestedPools,
): Promise<Granted> {
  const { claimant } = context
  const uids = [claimant.uid, endpoint?.status.current.uid ?? claimant.uid]
  const taken = await allocateNics(context, { endpoint, others }, deps, candidates)
  await releaseStale(stale, { uids, staying: [...others, taken.nic] }, deps).catch(() => undefined)
  return taken
}

/** Retention: the pod inherits the record, without the interfaces that are stale. */
async function addRetained(context: PodContext, deps: AllocDeps, known?: RequestedPools): Promise<Granted> {
  const { endpoint, claimant, request } = context
  if (!endpoint) return allocateNics(context, { endpoint, others: [] }, deps, known)
  const candidates = known ?? (await readCandidates(context, deps.store))
  const { uid, ips } = endpoint.status.current
  const moved = await staleNics(ips, context, candidates)
  // A migrating virtual machine keeps even an unusable address: both pods are the same guest.
  const isSuccessor = uid !== claimant.uid && context.retainedBy === 'StatefulSet'
  const unusableNics = isSuccessor ? unusable(ips, candidates).filter(entry => !moved.includes(entry)) : []
  const stale = [...moved, ...unusableNics]
  const entries = ips.filter(entry => !stale.includes(entry))
  const staying = await inherit(endpoint, entries, { ...context, pools: poolsIn(candidates) }, deps)
  const entry = staying.find(({ interface: name }) => name === request.nic)
  if (!entry) return replaceNics(context, { endpoint, others: staying, stale }, deps, candidates)
  const isSame = uid === claimant.uid && staying.length === ips.length && endpoint.status.current.node === claimant.node
  if (!isSame)
    await writeEndpoint({ claimant, isRetained: true, known: endpoint, others: staying, nics: [] }, deps.store)
  if (stale.length > 0) await releaseStale(stale, { uids: [uid, claimant.uid], staying }, deps).catch(() => undefined)
  return finish({ nic: entry, undo: keep }, deps)
}

const keep = (): Promise<void> => Promise.resolve()

/** Closes the journal: everything noted is in the record. */
function finish(result: Granted, { journal }: AllocDeps): Granted {
  journal.close()
  return result
}

const readCandidates = (
  { request, pod, owner }: Pick<PodContext, 'request' | 'pod' | 'owner'>,
  store: Store,
): Promise<RequestedPools> => requestedPools({ ...request, pod, owner, subnets: request.features.subnets }, store)

interface Before {
  readonly endpoint: SpiderEndpoint | undefined
  /** NICs of the record that are unchanged. */
  readonly others: readonly EndpointNic[]
  readonly write?: typeof writeEndpoint
}

/** Allocates for the NIC of this call, or for all NICs where the annotation names them all. */
async function allocateNics(
  context: PodContext,
  before: Before,
  deps: AllocDeps,
  known?: RequestedPools,
): Promise<Granted> {
  const { request, claimant, retainedBy } = context
  const { others } = before
  const unnamed = others.findIndex(({ interface: name }) => name === '')
  if (unnamed >= 0) return nameRecordedNic(context, before, unnamed, deps)
  const candidates = known ?? (await readCandidates(context, deps.store))
  const requests = await nicRequests(context, candidates, others, deps.store)
  const routes = routesOfPod(context.pod)
  const allocation = await allocateAll(requests, { claimant, reserved: context.reserved, others }, deps)
  try {
    const nics = withRoutes({ nics: allocation.nics, isOnly: interfaceCount(context.pod) === 1 }, routes)
    refuseUnreachable([...others, ...nics], routes, context.pod, candidates)
    const nic = nics.find(({ interface: name }) => name === request.nic)
    if (!nic) throw noAddress(request.nic, candidates.from)
    const written = await (before.write ?? writeEndpoint)(
      {
        claimant,
        isRetained: retainedBy !== undefined,
        known: before.endpoint,
        others,
        nics,
        created: allocation.created,
      },
      deps.store,
    )
    return finish({ nic, undo: () => removeNics(written, nics, deps.store).then(() => allocation.undo()) }, deps)
  } catch (error) {
    await allocation.undo()
    throw error
  }
}

const noAddress = (nic: string, from: string): Refused =>
  new Refused('noAddress', `no Interface ${nic} IP allocation found: ${from} has no item left for it`)

/** Gives the name of this call to the first unnamed interface of the record. */
async function nameRecordedNic(
  context: PodContext,
  { endpoint, others }: Before,
  index: number,
  deps: AllocDeps,
): Promise<Granted> {
  const { request, claimant, retainedBy } = context
  const entry = others[index]
  if (entry && !hasAll(entry, request.requested ?? [])) throw unnamedRequest(request)
  if (!entry || !(await reuse({ entry, index, nic: request.nic }, context, deps)))
    throw noAddress(request.nic, 'the record')
  const nic = { ...entry, interface: request.nic }
  const all = others.map(one => (one === entry ? nic : one))
  await writeEndpoint(
    { claimant, isRetained: retainedBy !== undefined, known: endpoint, others: all, nics: [] },
    deps.store,
  )
  return finish({ nic, undo: keep }, deps)
}

const unnamedRequest = ({ requested = [], nic }: PodContext['request']): Refused =>
  wrongInput(
    `${requested.map(({ from, ip }) => `${from} asks for ${ip}`).join(' and ')}, and annotation ipam.spidernet.io/ippools names no interfaces: ${nic} has got its address already; write "interface" in every item`,
  )

async function nicRequests(
  context: PodContext,
  { from, scope, named }: RequestedPools,
  others: readonly EndpointNic[],
  store: Store,
): Promise<readonly NicRequest[]> {
  const { request, pod, owner } = context
  if (scope === 'byIndex' && others.length > 0)
    throw (request.requested ?? []).length > 0 ? unnamedRequest(request) : noAddress(request.nic, from)
  const missing = named.filter(({ request }) => !others.some(one => one.interface === request.nic))
  return Promise.all(
    missing.map(async (one: CandidatePools) => {
      const pools = await usablePools(one, from, { ...request, pod, owner }, store)
      const nicRequest = { ...namesOf(one.request, request.nic), cleanGateway: one.request.cleanGateway, pools }
      if (nicRequest.nic !== request.nic || !request.requested) return nicRequest
      refuseFamily(request.requested, pools, request.nic)
      return { ...nicRequest, requested: request.requested }
    }),
  )
}

/** The first item of a list without names is this call's; later calls name the others. */
function namesOf({ nic, index }: PoolRequest, ifName: string): Pick<NicRequest, 'nic' | 'interface'> {
  if (index === undefined) return { nic, interface: nic }
  return index === 0 ? { nic: ifName, interface: ifName } : { nic, interface: '' }
}

/** Checked once all interfaces are known: a later one may have the subnet of the gateway. */
function refuseUnreachable(
  nics: readonly EndpointNic[],
  routes: readonly PoolRoute[],
  pod: Pod,
  { scope }: RequestedPools,
): void {
  if (scope === 'call' && nics.length < interfaceCount(pod)) return
  const [first] = unreachableRoutes({ nics, isOnly: nics.length === 1 }, routes)
  if (!first) return
  const subnets = nics.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].filter(text => text !== undefined)).join(', ')
  throw new Refused(
    'routeFitsNothing',
    `wrong input: annotation ipam.spidernet.io/routes of pod ${pod.metadata.namespace}/${pod.metadata.name}: gw ${first.gw} of route ${first.dst} is in the subnet of no interface (${subnets}); correct it or take the route out`,
  )
}
