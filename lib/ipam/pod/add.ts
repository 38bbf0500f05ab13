// One ADD of the IPAM: pod, record, pools, addresses, record again. On a port; returns the record of the NIC and how to take the call back.
import type { EndpointNic, Pod, PoolRoute, SpiderEndpoint } from '../../crd/types.js'
import { requireInjected } from '../pools/annotations.js'
import type { AllocDeps } from '../allocation/allocate.js'
import { networkRule, usablePools, type CandidatePools } from '../pools/usable.js'
import { allocateAll, type NicRequest } from './allocate-all.js'
import { inherit, releaseStale, outdated, poolsIn, unusable } from './inherit.js'
import { reuse } from './reuse.js'
import { interfaceCount } from '../pools/network.js'
import { unknownAnnotationsIn } from '../pools/annotation-keys.js'
import type { Store } from '../store/store.js'
import { writeEndpoint, createFirstEndpoint, RecordExists, removeNics } from './record.js'
import { Refused, wrongInput } from '../errors.js'
import { releaseRecorded, undoIncompleteAdd } from './release.js'
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
} from './context.js'
import { routesOfPod, type PoolRequest } from '../pools/sources.js'
import { requestedPools, type RequestedPools } from '../pools/requested.js'

export interface Granted {
  readonly nic: EndpointNic
  /** Gives back what this call took; what the pod had before it keeps. */
  undo(): Promise<void>
}

export async function add(request: AddRequest, deps: AllocDeps): Promise<Granted> {
  const seen = await readPodContext(request, deps.store)
  requireInjected(seen.pod)
  const keys = unknownAnnotationsIn(seen.pod.metadata.annotations)
  if (keys.length === 0) return addSeen(seen, deps)
  const { withTypos } = await import('../pools/annotation-typos.js')
  return withTypos({ keys, pod: seen.pod, store: deps.store }, () => addSeen(seen, deps))
}

async function addSeen(seen: PartialPodContext, deps: AllocDeps): Promise<Granted> {
  const { request: ask } = seen
  if (seen.endpoint === UNREAD && isFresh(seen)) return addFirst(seen, deps)
  return addOnto(await withEndpoint(seen, deps.store), deps)
}

const addOnto = (context: PodContext, deps: AllocDeps): Promise<Granted> =>
  context.endpoint && (context.keeper || isOfApiUid(context)) ? addKept(context, deps) : addAnew(context, deps)

/** A mirror pod whose record a Go agent made, under the UID of the mirror's object. */
const isOfApiUid = ({ endpoint, claimant }: PodContext): boolean =>
  claimant.apiUid !== undefined && endpoint?.status.current.uid === claimant.apiUid

/**
 * A fresh pod without reading its record: creating the record is what finds one. Then, and where anything was refused, what this call
 * took goes back and the record counts, as if it had been read first: a sandbox that is started again keeps its pod's addresses even
 * where the pool is full by now (docs/requests.md).
 */
async function addFirst(seen: PartialPodContext, deps: AllocDeps): Promise<Granted> {
  const before = { endpoint: undefined, others: [], write: createFirstEndpoint }
  const { store, journal } = deps
  const noted = { ...journal, close: () => undefined } // until it is known that no record names something else
  try {
    return granted(await take({ ...seen, endpoint: undefined }, before, { ...deps, journal: noted }), deps)
  } catch (error) {
    if (!(error instanceof Refused || error instanceof RecordExists)) throw error
    const isThere = error instanceof RecordExists
    const known = isThere ? { ...seen, endpoint: error.record } : await withEndpoint(seen, store)
    if (!known.endpoint && !isThere) throw error
    await undoIncompleteAdd(seen.request, known.endpoint, { store, journal })
    return addOnto(known, deps)
  }
}

/** A pod that inherits nothing. A record of an earlier pod of the name is cleared away, with the addresses that pod held. */
async function addAnew(context: PodContext, deps: AllocDeps): Promise<Granted> {
  const { endpoint, claimant, request } = context
  if (endpoint && endpoint.status.current.uid !== claimant.uid) {
    await releaseRecorded(endpoint, deps)
    return take(context, { endpoint: undefined, others: [] }, deps)
  }
  const recorded = endpoint?.status.current.ips ?? []
  const entry = recorded.find(({ interface: name }) => name === request.nic)
  const others = recorded.filter(one => one !== entry)
  if (!endpoint || !entry) return take(context, { endpoint, others }, deps)
  const isAsked = hasAll(entry, request.requested ?? [])
  const wishes = await (isAsked ? wishesOrNone(context, deps.store) : wishesFor(context, deps.store))
  const isMoved =
    wishes && (!isAsked || (wishes.scope !== 'places' && (await leavingOf([entry], context, wishes)).length > 0))
  if (isMoved) return takeInstead(context, { endpoint, others, leaving: [entry] }, deps, wishes)
  const taker = { ...context, ...(wishes && { pools: poolsIn(wishes) }) }
  if (await reuse({ entry, place: recorded.indexOf(entry) }, taker, deps))
    return granted({ nic: entry, undo: keep }, deps)
  return take(context, { endpoint, others }, deps, wishes)
}

/** Where no pool is named any more at all, a pod that lives keeps what it has. */
const wishesOrNone = (context: PodContext, store: Store): Promise<RequestedPools | undefined> =>
  wishesFor(context, store).catch((error: unknown) => {
    if (error instanceof Refused && error.refusal === 'noPool') return undefined
    throw error
  })

async function leavingOf(
  recorded: readonly EndpointNic[],
  { request, pod, owner }: PodContext,
  wishes: RequestedPools,
): Promise<readonly EndpointNic[]> {
  const moved = outdated(recorded, wishes, request.nic, await networkRule(request.nic, { ...request, pod, owner }))
  const isAsked = (entry: EndpointNic): boolean =>
    entry.interface !== request.nic || hasAll(entry, request.requested ?? [])
  return recorded.filter(entry => moved.includes(entry) || !isAsked(entry))
}

/**
 * The interface has another network than it had: it gets that network's address, and what it had goes back when the record no longer
 * names it. What then cannot be given back is no record's any more, and the controller reclaims it.
 */
async function takeInstead(
  context: PodContext,
  { endpoint, others, leaving }: Before & { readonly leaving: readonly EndpointNic[] },
  deps: AllocDeps,
  wishes: RequestedPools,
): Promise<Granted> {
  const { claimant } = context
  const uids = [claimant.uid, endpoint?.status.current.uid ?? claimant.uid]
  const taken = await take(context, { endpoint, others }, deps, wishes)
  await releaseStale(leaving, { uids, staying: [...others, taken.nic] }, deps).catch(() => undefined)
  return taken
}

/** The record goes over to this pod, less what no longer belongs to it. */
async function addKept(context: PodContext, deps: AllocDeps): Promise<Granted> {
  const { endpoint, claimant, request } = context
  if (!endpoint) return take(context, { endpoint, others: [] }, deps)
  const wishes = await wishesFor(context, deps.store)
  const { uid, ips } = endpoint.status.current
  const moved = await leavingOf(ips, context, wishes)
  // A machine that moves keeps its address whatever it is: both of its pods are the same guest.
  const isSuccessor = uid !== claimant.uid && context.keeper === 'StatefulSet'
  const useless = isSuccessor ? unusable(ips, wishes).filter(entry => !moved.includes(entry)) : []
  const leaving = [...moved, ...useless]
  const entries = ips.filter(entry => !leaving.includes(entry))
  const staying = await inherit(endpoint, entries, { ...context, pools: poolsIn(wishes) }, deps)
  const entry = staying.find(({ interface: name }) => name === request.nic)
  if (!entry) return takeInstead(context, { endpoint, others: staying, leaving }, deps, wishes)
  const isSame = uid === claimant.uid && staying.length === ips.length && endpoint.status.current.node === claimant.node
  if (!isSame) await writeEndpoint({ claimant, isKept: true, known: endpoint, others: staying, nics: [] }, deps.store)
  if (leaving.length > 0)
    await releaseStale(leaving, { uids: [uid, claimant.uid], staying }, deps).catch(() => undefined)
  return granted({ nic: entry, undo: keep }, deps)
}

const keep = (): Promise<void> => Promise.resolve()

/** Everything noted is in the record. */
function granted(answer: Granted, { journal }: AllocDeps): Granted {
  journal.close()
  return answer
}

const wishesFor = ({ request, pod, owner }: PodContext, store: Store): Promise<RequestedPools> =>
  requestedPools({ ...request, pod, owner, subnets: request.features.subnets }, store)

interface Before {
  readonly endpoint: SpiderEndpoint | undefined
  /** NICs of the record that stay as they are. */
  readonly others: readonly EndpointNic[]
  readonly write?: typeof writeEndpoint
}

/** Addresses for this call's NIC, and for all others where the annotation names them all. */
async function take(context: PodContext, before: Before, deps: AllocDeps, had?: RequestedPools): Promise<Granted> {
  const { request, claimant, keeper } = context
  const unnamed = before.others.findIndex(({ interface: name }) => name === '')
  if (unnamed >= 0) return nameOne(context, before, unnamed, deps)
  const wishes = had ?? (await wishesFor(context, deps.store))
  const wants = await wantsOf(context, wishes, before.others, deps.store)
  const routes = routesOfPod(context.pod)
  const granting = await allocateAll(wants, { claimant, reserved: context.reserved, others: before.others }, deps)
  try {
    const nics = withRoutes({ nics: granting.nics, isOnly: interfaceCount(context.pod) === 1 }, routes)
    refuseHomeless([...before.others, ...nics], routes, context.pod, wishes)
    const nic = nics.find(({ interface: name }) => name === request.nic)
    if (!nic) throw noAddress(request.nic, wishes.from)
    const written = await (before.write ?? writeEndpoint)(
      { claimant, isKept: keeper !== undefined, known: before.endpoint, others: before.others, nics },
      deps.store,
    )
    return granted({ nic, undo: () => removeNics(written, nics, deps.store).then(() => granting.undo()) }, deps)
  } catch (error) {
    await granting.undo()
    throw error
  }
}

const noAddress = (nic: string, from: string): Refused =>
  new Refused('noAddress', `no Interface ${nic} IP allocation found: ${from} has no item left for it`)

/** An interface of a list without names is called as the call says: the first that nobody has named yet. */
async function nameOne(
  context: PodContext,
  { endpoint, others }: Before,
  place: number,
  deps: AllocDeps,
): Promise<Granted> {
  const { request, claimant, keeper } = context
  const entry = others[place]
  if (entry && !hasAll(entry, request.requested ?? [])) throw unnamedRequest(request)
  if (!entry || !(await reuse({ entry, place, nic: request.nic }, context, deps)))
    throw noAddress(request.nic, 'the record')
  const nic = { ...entry, interface: request.nic }
  const all = others.map(one => (one === entry ? nic : one))
  await writeEndpoint({ claimant, isKept: keeper !== undefined, known: endpoint, others: all, nics: [] }, deps.store)
  return granted({ nic, undo: keep }, deps)
}

const unnamedRequest = ({ requested = [], nic }: PodContext['request']): Refused =>
  wrongInput(
    `${requested.map(({ from, ip }) => `${from} asks for ${ip}`).join(' and ')}, and annotation ipam.spidernet.io/ippools names no interfaces: ${nic} has got its address already; write "interface" in every item`,
  )

async function wantsOf(
  context: PodContext,
  { from, scope, named }: RequestedPools,
  others: readonly EndpointNic[],
  store: Store,
): Promise<readonly NicRequest[]> {
  const { request, pod, owner } = context
  if (scope === 'places' && others.length > 0)
    throw (request.requested ?? []).length > 0 ? unnamedRequest(request) : noAddress(request.nic, from)
  const missing = named.filter(({ request }) => !others.some(one => one.interface === request.nic))
  return Promise.all(
    missing.map(async (one: CandidatePools) => {
      const pools = await usablePools(one, from, { ...request, pod, owner }, store)
      const want = { ...namesOf(one.request, request.nic), cleanGateway: one.request.cleanGateway, pools }
      if (want.nic !== request.nic || !request.requested) return want
      refuseFamily(request.requested, pools, request.nic)
      return { ...want, requested: request.requested }
    }),
  )
}

/** The first of a list without names is this call's; the others get theirs from their own calls. */
function namesOf({ nic, place }: PoolRequest, called: string): Pick<NicRequest, 'nic' | 'interface'> {
  if (place === undefined) return { nic, interface: nic }
  return place === 0 ? { nic: called, interface: called } : { nic, interface: '' }
}

/** Said once every interface of the pod is known: until then a further one may have the subnet that a gateway is in. */
function refuseHomeless(
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
