// What a pod's object says about who it is and whether it lives. Pure but for walking up to the controller, which asks the port.
import { ANNOTATION_MIRROR } from '../../crd/names.js'
import type { Pod } from '../../crd/types.js'
import type { ControllerRef, Store } from './store.js'

/**
 * The UID that the runtime has for the pod (K8S_POD_UID), and that its addresses are held under: of a static pod that of the pod which the
 * kubelet runs, since its mirror on the API server is made again with another one while the pod runs on.
 */
export const uidOf = (pod: Pod | undefined): string =>
  pod?.metadata.annotations?.[ANNOTATION_MIRROR] ?? pod?.metadata.uid ?? ''

/** True where the UID is the pod's, or of a mirror pod that of its object, which Go writes. */
export const isOfPod = (uid: string, pod: Pod): boolean => uid === uidOf(pod) || uid === pod.metadata.uid

export const isMirror = ({ metadata }: Pod): boolean => metadata.annotations?.[ANNOTATION_MIRROR] !== undefined

/** Dead pods get no address and keep none: deletion under way, or ended in a way that the kubelet does not start again. */
export function isAlive({ metadata, spec, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false
  if (status?.phase === 'Succeeded') return (spec?.restartPolicy ?? 'Always') === 'Always'
  if (status?.phase === 'Failed') return spec?.restartPolicy !== 'Never' && status.reason !== 'Evicted'
  return true
}

/** The controller that users know a pod by. */
export type TopController = ControllerRef & { readonly uid: string }

/** Kinds that are themselves controlled by something that users know better. */
const CONTROLLED_BY: Readonly<Record<string, string>> = {
  'apps/v1 ReplicaSet': 'apps/v1 Deployment',
  'batch/v1 Job': 'batch/v1 CronJob',
}

/** What a Deployment's ReplicaSets and their pods are told apart by (apps/v1). */
const TEMPLATE_HASH = 'pod-template-hash'

/**
 * The top controller: of a Deployment's pod the Deployment, of a bare pod the pod. A foreign controller is taken as it is; where the object in
 * between is gone, that one is the top. A ReplicaSet whose name ends in the hash that its Deployment gave it needs no reading, unless the
 * Deployment's UID is asked for: then `uid` is '' otherwise.
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
