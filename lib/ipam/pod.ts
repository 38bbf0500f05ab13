// What a pod's object says about who it is and whether it lives. Pure but for walking up to the controller, which asks the port.
import type { Pod } from '../crd/types.js'
import type { Claimant } from './identity.js'
import type { Port } from './port.js'

/** Dead pods get no address and keep none: deletion under way, or ended in a way that the kubelet does not start again. */
export function isAlive({ metadata, spec, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false
  if (status?.phase === 'Succeeded') return (spec?.restartPolicy ?? 'Always') === 'Always'
  if (status?.phase === 'Failed') return spec?.restartPolicy !== 'Never' && status.reason !== 'Evicted'
  return true
}

/** The controller that users know a pod by. */
export type TopController = Claimant['owner'] & { readonly uid: string }

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
export async function topController(pod: Pod, port: Port, { withUid }: { withUid: boolean }): Promise<TopController> {
  const { name, uid = '', namespace = '', ownerReferences = [], labels = {} } = pod.metadata
  const first = ownerReferences.find(({ controller }) => controller === true)
  if (!first) return { apiVersion: 'v1', kind: 'Pod', name, uid }
  const direct = { apiVersion: first.apiVersion, kind: first.kind, name: first.name, uid: first.uid }
  const upper = CONTROLLED_BY[`${first.apiVersion} ${first.kind}`]
  if (upper === undefined) return direct
  const ending = `-${labels[TEMPLATE_HASH] ?? ''}`
  if (!withUid && ending !== '-' && first.kind === 'ReplicaSet' && first.name.endsWith(ending))
    return { apiVersion: first.apiVersion, kind: 'Deployment', name: first.name.slice(0, -ending.length), uid: '' }
  const above = await port.ownerOf({ ...direct, namespace })
  return above && `${above.apiVersion} ${above.kind}` === upper ? above : direct
}
