// An ADD of a pod that may have a record already: its addresses are reused, inherited or replaced.
// On a Store.
import type { EndpointNic } from '../../crd/types.js'
import type { AllocDeps } from '../allocation/allocate.js'
import { Refused } from '../errors.js'
import { requestedPools, type RequestedPools } from '../pools/requested.js'
import { networkRule } from '../pools/usable.js'
import type { Store } from '../store/store.js'
import { allocateNics, keep, type Before, type Granted } from './allocate-nics.js'
import { inherit, outdated, poolsIn, releaseStale, unusable } from './predecessor.js'
import { withEndpoint, type PartialPodContext, type PodContext } from './pod-context.js'
import { writeEndpoint } from './record.js'
import { releaseRecorded } from './release-address.js'
import { hasAll } from './requested-ips.js'
import { reuse } from './reuse.js'

/**
 * The record of the NIC where the pod may have one, which is read if it was not yet.
 * @throws Refused, KubeError
 */
export async function addWithRecord(context: PartialPodContext, deps: AllocDeps): Promise<Granted> {
  const { store } = deps
  // With retention, record and pools are both needed, whatever the record has.
  const [known, candidates] = await Promise.all([
    withEndpoint(context, store),
    context.retainedBy === undefined ? undefined : readCandidates(context, store),
  ])
  return known.endpoint && (known.retainedBy || isOfApiUid(known))
    ? addRetained(known, deps, candidates)
    : addNotRetained(known, deps, candidates)
}

/** A mirror pod whose record a Go agent made, under the UID of the mirror's object. */
const isOfApiUid = ({ endpoint, claimant }: PodContext): boolean =>
  claimant.apiUid !== undefined && endpoint?.status.current.uid === claimant.apiUid

const readCandidates = (
  { request, pod, owner }: Pick<PodContext, 'request' | 'pod' | 'owner'>,
  store: Store,
): Promise<RequestedPools> => requestedPools({ ...request, pod, owner }, store)

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
  if (await reuse({ entry, index: recorded.indexOf(entry) }, reuseContext, deps)) return { nic: entry, undo: keep }
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
  return { nic: entry, undo: keep }
}
