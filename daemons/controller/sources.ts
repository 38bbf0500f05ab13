// The kinds that several reconcilers watch, cut down to what they read: one list and watch each. Knows fields; decides nothing.
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool, ObjectMeta } from '../../lib/crd/types.js'
import { IPAM_LABEL_POOL_UID } from '../../lib/crd/names.js'
import { PODS, SPIDER_ENDPOINTS, SPIDER_IPADDRESSES, SPIDER_IPPOOLS } from '../../lib/kube/kinds.js'
import { source } from './source.js'

/** Of metadata, what nobody's decision hangs on stays out: managedFields are half of an object. */
export function slimMeta(metadata: ObjectMeta, annotations: readonly string[] = []): ObjectMeta {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata
  const { deletionGracePeriodSeconds, labels, finalizers, ownerReferences } = metadata
  const kept = Object.entries(metadata.annotations ?? {}).filter(([key]) => annotations.includes(key))
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    ...(deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds }),
    ...(labels && { labels }),
    ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
    ...(finalizers && { finalizers }),
    ...(ownerReferences && { ownerReferences }),
  }
}

/** Whole: a pool is small, there are few, and much of it is read. */
export const POOLS = source<SpiderIPPool, 'uid'>({
  kind: SPIDER_IPPOOLS,
  pick: pool => ({ ...pool, metadata: slimMeta(pool.metadata) }),
  indexes: { uid: ({ metadata: { uid = '' } }) => [uid] },
})

export const ADDRESSES = source<SpiderIPAddress, 'poolUid' | 'pod' | 'node' | 'owner'>({
  kind: SPIDER_IPADDRESSES,
  pick: ({ apiVersion, kind, metadata, spec }) => ({ apiVersion, kind, metadata: slimMeta(metadata), spec }),
  indexes: {
    poolUid: ({ metadata: { labels } }) => [labels?.[IPAM_LABEL_POOL_UID] ?? ''],
    pod: ({ spec: { pod } }) => [`${pod.namespace}/${pod.name}`],
    node: ({ spec: { node } }) => [node],
    /** `Kind/namespace/name`. */
    owner: ({ spec: { owner, pod } }) => [`${owner.kind}/${pod.namespace}/${owner.name}`],
  },
})

export const ENDPOINTS = source<SpiderEndpoint, never>({
  kind: SPIDER_ENDPOINTS,
  pick: ({ metadata, status }) => ({ metadata: slimMeta(metadata), status }),
})

/** Where Multus writes which NIC has which address. */
export const NETWORK_STATUS = 'k8s.v1.cni.cncf.io/network-status'

export const CLUSTER_PODS = source<Pod, 'node'>({
  kind: PODS,
  pick: ({ metadata, spec, status }) => ({
    metadata: slimMeta(metadata, [NETWORK_STATUS]),
    ...(spec && {
      spec: {
        ...(spec.nodeName !== undefined && { nodeName: spec.nodeName }),
        ...(spec.restartPolicy !== undefined && { restartPolicy: spec.restartPolicy }),
        ...(spec.terminationGracePeriodSeconds !== undefined && {
          terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
        }),
      },
    }),
    ...(status && {
      status: {
        ...(status.phase !== undefined && { phase: status.phase }),
        ...(status.reason !== undefined && { reason: status.reason }),
        ...(status.podIPs !== undefined && { podIPs: status.podIPs }),
      },
    }),
  }),
  indexes: { node: ({ spec }) => [spec?.nodeName ?? ''] },
})
