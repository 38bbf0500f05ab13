// Allocates for the interfaces of a call and writes them into the record. On a Store.
import type { EndpointNic, SpiderEndpoint } from '../../crd/types.js'
import type { AllocDeps } from '../allocation/allocate.js'
import { refuseUnreachable, withRoutes } from '../allocation/routes.js'
import { interfaceCount } from '../pools/multus-network.js'
import { requestedPools, type RequestedPools } from '../pools/requested.js'
import { routesOfPod } from '../pools/sources.js'
import { allocateAll } from './allocate-all.js'
import { nicRequests, noAddress, unnamedRequest } from './nic-requests.js'
import type { PodContext } from './pod-context.js'
import { removeNics, writeEndpoint } from './record.js'
import { hasAll } from './requested-ips.js'
import { reuse } from './reuse.js'

export interface Granted {
  readonly nic: EndpointNic
  /** Releases what this call took; what the pod had before it keeps. */
  undo(): Promise<void>
}

/** The record as the call found it. */
export interface Before {
  readonly endpoint: SpiderEndpoint | undefined
  /** NICs of the record that are unchanged. */
  readonly others: readonly EndpointNic[]
  readonly write?: typeof writeEndpoint
}

/**
 * Allocates for the NIC of this call, or for all NICs where the annotation names them all.
 * @throws Refused, KubeError; then nothing stays allocated
 */
export async function allocateNics(
  context: PodContext,
  before: Before,
  deps: AllocDeps,
  known?: RequestedPools,
): Promise<Granted> {
  const { request, pod, owner, claimant, retainedBy } = context
  const { others } = before
  const unnamed = others.findIndex(({ interface: name }) => name === '')
  if (unnamed >= 0) return nameRecordedNic(context, before, unnamed, deps)
  const selection = { ...request, pod, owner }
  const candidates = known ?? (await requestedPools(selection, deps.store))
  const requests = await nicRequests(selection, candidates, others, deps.store)
  const routes = routesOfPod(pod)
  const allocation = await allocateAll(requests, { claimant, reserved: context.reserved, others }, deps)
  try {
    const count = interfaceCount(pod)
    const nics = withRoutes({ nics: allocation.nics, isOnly: count === 1 }, routes)
    const all = [...others, ...nics]
    const isComplete = candidates.scope !== 'call' || all.length >= count
    if (isComplete) refuseUnreachable(all, routes, { namespace: claimant.namespace, name: pod.metadata.name })
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
    return { nic, undo: () => removeNics(written, nics, deps.store).then(() => allocation.undo()) }
  } catch (error) {
    await allocation.undo()
    throw error
  }
}

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
  return { nic, undo: keep }
}
/** The undo of a call that took nothing. */
export const keep = (): Promise<void> => Promise.resolve()
