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

type Owner = Claimant['owner']

/** Kinds that are themselves controlled by something that users know better. */
const CONTROLLED_BY: Readonly<Record<string, string>> = {
  'apps/v1 ReplicaSet': 'apps/v1 Deployment',
  'batch/v1 Job': 'batch/v1 CronJob',
}

/** The top controller: of a Deployment's pod the Deployment, of a bare pod the pod. A foreign controller is taken as it is. */
export async function topController(pod: Pod, port: Port): Promise<Owner> {
  const first = pod.metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (!first) return { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name }
  const direct: Owner = { apiVersion: first.apiVersion, kind: first.kind, name: first.name }
  const upper = CONTROLLED_BY[`${first.apiVersion} ${first.kind}`]
  if (upper === undefined) return direct
  const above = await port.ownerOf({ ...direct, namespace: pod.metadata.namespace ?? '' })
  return above && `${above.apiVersion} ${above.kind}` === upper ? above : direct
}
