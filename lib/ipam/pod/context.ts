// What an ADD knows of its pod before it takes anything: the pod, its controller, its record, what is reserved. On a port.
import { ANNOTATION_IPPOOLS } from '../../crd/names.js'
import type { Pod, SpiderEndpoint, SpiderReservedIP } from '../../crd/types.js'
import type { Family } from '../../ip/address.js'
import type { SelectionContext } from '../pools/usable.js'
import type { Claimant } from '../allocation/claim.js'
import { interfaceCount } from '../pools/network.js'
import { isAlive, isMirror, isOfPod, topController, uidOf, type TopController } from '../store/pod.js'
import type { ObjectRef, Store } from '../store/store.js'
import { Refused } from '../errors.js'
import type { RequestedIp } from './requested-ips.js'
import { keeperOf, mayBeKept, type Features, type Keeper } from '../store/retention.js'
import { asksForSubnet, type ConfPools } from '../pools/sources.js'

export interface AddRequest extends Pick<SelectionContext, 'agentNamespace' | 'clusterNetwork' | 'master'> {
  readonly pod: ObjectRef
  /** K8S_POD_UID of CNI_ARGS; '' where the runtime does not say. */
  readonly podUid: string
  readonly nic: string
  readonly containerID: string
  /** Of a container without a pod. */
  readonly at?: Claimant['at']
  readonly conf: ConfPools
  readonly cleanGateway: boolean
  readonly families: readonly Family[]
  readonly features: Features & { readonly subnets: boolean }
  /** Addresses that the interface of this call is to have. */
  readonly requested?: readonly RequestedIp[]
}

/** What is known of the pod once it has been read. */
export interface PodContext {
  readonly request: AddRequest
  readonly pod: Pod
  readonly owner: TopController
  readonly keeper: Keeper | undefined
  readonly claimant: Claimant
  readonly endpoint: SpiderEndpoint | undefined
  readonly reserved: readonly SpiderReservedIP[]
}

/** A record that nobody has read; its place is taken by creating it, which fails where there is one. */
export const UNREAD = 'unread' as const

/** The same before its record was read, which a fresh pod has none of. */
export type PartialPodContext = Omit<PodContext, 'endpoint'> & {
  readonly endpoint: SpiderEndpoint | undefined | typeof UNREAD
}

/**
 * Pod, reserved addresses, and the record where the pod's name says that there may be one that it inherits: at once. The last two are
 * read whatever the pod says: a reservation that an ADD did not see would be an address given to a pod and to a router.
 */
export async function readPodContext(request: AddRequest, store: Store): Promise<PartialPodContext> {
  const early = mayBeKept(request.pod.name) ? store.endpoint(request.pod) : Promise.resolve(UNREAD)
  const [pod, ofPod, reserved] = await Promise.all([alivePod(request, store), early, store.reservedIPs()])
  const owner = await topController(pod, store, { withUid: asksForSubnet(pod) })
  const keeper = keeperOf(owner, request.features)
  const record = keeper === 'VirtualMachineInstance' ? owner.name : request.pod.name
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
    ...(keeper !== undefined && { isKept: true }),
    ...(request.at && { at: request.at }),
  }
  return { request, pod, owner, keeper, claimant, endpoint: record === name ? ofPod : UNREAD, reserved }
}

export async function withEndpoint({ endpoint, ...seen }: PartialPodContext, store: Store): Promise<PodContext> {
  const { namespace, record: name } = seen.claimant
  return { ...seen, endpoint: endpoint === UNREAD ? await store.endpoint({ namespace, name }) : endpoint }
}

/** Inherits nothing, has this one interface, and had no address yet: a guess, which `addFirst` does not depend on. */
export const isFresh = ({ keeper, pod: { metadata, status }, pod }: PartialPodContext): boolean =>
  keeper === undefined &&
  metadata.annotations?.[ANNOTATION_IPPOOLS] === undefined &&
  interfaceCount(pod) === 1 &&
  (status?.podIPs ?? []).length === 0

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
