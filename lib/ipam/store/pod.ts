// Identity, liveness and top controller of a pod. Pure, except for reading owners from the Store.
import { ANNOTATION_MIRROR } from '../../crd/names.js'
import type { Pod } from '../../crd/types.js'
import type { Store, TopController } from './store.js'

/**
 * The UID of K8S_POD_UID, under which the addresses of the pod are held. Of a static pod that is
 * the kubelet's: its mirror is recreated with another UID while the pod keeps running.
 */
export const uidOf = (pod: Pod | undefined): string =>
  pod?.metadata.annotations?.[ANNOTATION_MIRROR] ?? pod?.metadata.uid ?? ''

/** True for the UID of the pod, and for metadata.uid of a mirror pod, which Go agents record. */
export const isOfPod = (uid: string, pod: Pod): boolean => uid === uidOf(pod) || uid === pod.metadata.uid

/** True for the mirror of a static pod. */
export const isMirror = ({ metadata }: Pod): boolean => metadata.annotations?.[ANNOTATION_MIRROR] !== undefined

/** False for a pod that is being deleted, or has ended and is not restarted by the kubelet. */
export function isAlive({ metadata, spec, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false
  if (status?.phase === 'Succeeded') return (spec?.restartPolicy ?? 'Always') === 'Always'
  if (status?.phase === 'Failed') return spec?.restartPolicy !== 'Never' && status.reason !== 'Evicted'
  return true
}

/** Kinds that have a controller of their own. */
const CONTROLLED_BY: Readonly<Record<string, string>> = {
  'apps/v1 ReplicaSet': 'apps/v1 Deployment',
  'batch/v1 Job': 'batch/v1 CronJob',
}

/** The label that distinguishes the ReplicaSets of a Deployment (apps/v1). */
const TEMPLATE_HASH = 'pod-template-hash'

/**
 * The top controller: the Deployment of a Deployment's pod, a bare pod itself, any unknown
 * controller as it is, or the first controller where its object is gone. Without `withUid` a
 * ReplicaSet whose name ends in the template hash is not read, and `uid` of its Deployment is ''.
 */
export async function topController(pod: Pod, store: Store, { withUid }: { withUid: boolean }): Promise<TopController> {
  const { name, uid = '', namespace = '', ownerReferences = [], labels = {} } = pod.metadata
  const first = ownerReferences.find(({ controller }) => controller === true)
  if (!first) return { apiVersion: 'v1', kind: 'Pod', name, uid }
  const direct = { apiVersion: first.apiVersion, kind: first.kind, name: first.name, uid: first.uid }
  const upper = CONTROLLED_BY[`${first.apiVersion} ${first.kind}`]
  if (upper === undefined) return direct
  const ending = `-${labels[TEMPLATE_HASH] ?? ''}`
  if (!withUid && ending !== '-' && first.kind === 'ReplicaSet' && first.name.endsWith(ending))
    return { apiVersion: first.apiVersion, kind: 'Deployment', name: first.name.slice(0, -ending.length), uid: '' }
  const above = await store.ownerOf({ ...direct, namespace })
  return above && `${above.apiVersion} ${above.kind}` === upper ? above : direct
}
