// Context of an ADD: the pod, its top controller, its record, reserved addresses. On a Store.
import { ANNOTATION_IPPOOLS } from '../../crd/names.js'
import type { Pod, SpiderEndpoint, SpiderReservedIP } from '../../crd/types.js'
import type { Family } from '../../ip/address.js'
import type { SelectionContext } from '../pools/usable.js'
import type { Claimant } from '../allocation/claimant.js'
import { interfaceCount } from '../pools/multus-network.js'
import { isAlive, isMirror, isOfPod, topController, uidOf } from '../store/pod.js'
import type { TopController, ObjectRef, Store } from '../store/store.js'
import { Refused } from '../errors.js'
import type { RequestedIp } from './requested-ips.js'
import { retainingKindOf, type Features, type RetainingKind } from '../store/retention.js'
import { asksForSubnet, type ConfPools } from '../pools/sources.js'

export interface AddRequest extends Pick<SelectionContext, 'agentNamespace' | 'clusterNetwork' | 'master'> {
  readonly pod: ObjectRef
  /** K8S_POD_UID of CNI_ARGS; '' where it is missing. */
  readonly podUid: string
  readonly nic: string
  readonly containerID: string
  /** Of a container without a pod. */
  readonly at?: Claimant['at']
  readonly conf: ConfPools
  readonly cleanGateway: boolean
  readonly families: readonly Family[]
  readonly features: Features & { readonly subnets: boolean }
  /** Requested addresses for the interface of this call. */
  readonly requested?: readonly RequestedIp[]
}

/** The pod and everything read with it. */
export interface PodContext {
  readonly request: AddRequest
  readonly pod: Pod
  readonly owner: TopController
  readonly retainedBy: RetainingKind | undefined
  readonly claimant: Claimant
  readonly endpoint: SpiderEndpoint | undefined
  readonly reserved: readonly SpiderReservedIP[]
  /** Without retention, with one interface and no IP yet: only a hint that there is no record. */
  readonly isFresh: boolean
}

/** The record was not read; creating it fails where there is one. */
export const UNREAD = 'unread' as const

/** The same before the record was read; a fresh pod has none. */
export type PartialPodContext = Omit<PodContext, 'endpoint'> & {
  readonly endpoint: SpiderEndpoint | undefined | typeof UNREAD
}

/**
 * Reads in parallel the pod and the reserved addresses. The record is read only once the pod shows
 * that it may have one, whatever its name. Reservations are always read: a missed one could
 * allocate a router's address to a pod. One of the last milliseconds may be missed
 * (decisions/0022); the controller reports it.
 * @throws Refused `podMissing`, `podReplaced`, `podEnded`
 */
export async function readPodContext(request: AddRequest, store: Store): Promise<PartialPodContext> {
  const [pod, reserved] = await Promise.all([alivePod(request, store), store.reservedIPs()])
  const owner = await topController(pod, store, { withUid: asksForSubnet(pod) })
  const retainedBy = retainingKindOf(owner, request.features)
  const record = retainedBy === 'VirtualMachineInstance' ? owner.name : request.pod.name
  const { namespace, name } = request.pod
  const claimant: Claimant = {
    namespace,
    name: request.at?.name ?? name,
    uid: uidOf(pod),
    ...(isMirror(pod) && { apiUid: pod.metadata.uid ?? '' }),
    record,
    node: pod.spec?.nodeName ?? '',
    containerID: request.containerID,
    owner: { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.name },
    ...(retainedBy !== undefined && { isRetained: true }),
    ...(request.at && { at: request.at }),
  }
  const known = retainedBy === undefined ? store.view?.endpoint(request.pod) : undefined
  const isFresh =
    retainedBy === undefined &&
    pod.metadata.annotations?.[ANNOTATION_IPPOOLS] === undefined &&
    interfaceCount(pod) === 1 &&
    (pod.status?.podIPs ?? []).length === 0
  return { request, pod, owner, retainedBy, claimant, endpoint: known ?? UNREAD, reserved, isFresh }
}

/** The context with the record, which is read if it was not yet. */
export async function withEndpoint({ endpoint, ...context }: PartialPodContext, store: Store): Promise<PodContext> {
  const { namespace, record: name } = context.claimant
  return { ...context, endpoint: endpoint === UNREAD ? await store.endpoint({ namespace, name }) : endpoint }
}

async function alivePod({ pod: ref, podUid }: AddRequest, store: Store): Promise<Pod> {
  const pod = await store.pod(ref)
  const name = `pod ${ref.namespace}/${ref.name}`
  if (!pod) throw new Refused('podMissing', `${name} (K8S_POD_NAMESPACE, K8S_POD_NAME) does not exist`)
  if (podUid !== '' && !isOfPod(podUid, pod))
    throw new Refused(
      'podReplaced',
      `${name} has UID ${uidOf(pod)}, not ${podUid} (K8S_POD_UID): it was replaced by a newer pod`,
    )
  if (!isAlive(pod)) throw new Refused('podEnded', `${name} is terminating or has ended; it gets no address`)
  return pod
}
