// What the agent watches, one watch a kind, and what it keeps of each object.
import { LABEL_NODE } from '../../../lib/crd/names.js'
import { ANNOTATION_MULTUS_STATUS } from '../../../lib/crd/names.js'
import type {
  ObjectMeta,
  Pod,
  SpiderEndpoint,
  SpiderIPAddress,
  SpiderIPPool,
  SpiderReservedIP,
} from '../../../lib/crd/types.js'
import { nodeLabelOf } from '../../../lib/ipam/allocation/node-name-label.js'
import {
  NAMESPACES,
  NODES,
  PODS,
  SPIDER_COORDINATORS,
  SPIDER_ENDPOINTS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
} from '../../../lib/kube/kinds.js'
import { source, type KubeObject, type WatchSource } from '../../runtime/lister.js'

export interface SpiderCoordinator extends KubeObject {
  readonly spec?: object
  readonly status?: object
}

export interface NodeSources {
  readonly pods: WatchSource<Pod, never>
  readonly addresses: WatchSource<SpiderIPAddress, never>
  readonly endpoints: WatchSource<SpiderEndpoint, never>
  readonly node: WatchSource<KubeObject, never>
  readonly pools: WatchSource<SpiderIPPool, never>
  readonly reserved: WatchSource<SpiderReservedIP, never>
  readonly namespaces: WatchSource<KubeObject, never>
  readonly coordinators: WatchSource<SpiderCoordinator, never>
}

/** The watches of the agent of this node. */
export function sourcesOf(node: string): NodeSources {
  const ofNode = `${LABEL_NODE}=${nodeLabelOf(node)}`
  return {
    pods: source<Pod>({ kind: PODS, fieldSelector: `spec.nodeName=${node}`, transform: slimPod }),
    addresses: source<SpiderIPAddress>({ kind: SPIDER_IPADDRESSES, labelSelector: ofNode, transform: unmanaged }),
    endpoints: source<SpiderEndpoint>({ kind: SPIDER_ENDPOINTS, labelSelector: ofNode, transform: unmanaged }),
    node: source<KubeObject>({ kind: NODES, fieldSelector: `metadata.name=${node}`, transform: onlyLabels }),
    pools: source<SpiderIPPool>({ kind: SPIDER_IPPOOLS, transform: slimPool }),
    reserved: source<SpiderReservedIP>({ kind: SPIDER_RESERVEDIPS, transform: unmanaged }),
    namespaces: source<KubeObject>({ kind: NAMESPACES, transform: onlyLabels }),
    coordinators: source<SpiderCoordinator>({ kind: SPIDER_COORDINATORS, transform: unmanaged }),
  }
}

/** The object without managedFields, half of its bytes; it can be written back. */
export function unmanaged<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as ObjectMeta & { readonly managedFields?: unknown }
  return { ...object, metadata }
}

const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Without the annotations that no ADD reads; Multus' status of a pod is long. */
function slimMeta(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, labels, ownerReferences } = metadata
  const { [APPLIED]: _, [ANNOTATION_MULTUS_STATUS]: __, ...annotations } = metadata.annotations ?? {}
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    ...(labels && { labels }),
    ...(ownerReferences && { ownerReferences }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  }
}

/** The fields of lib/crd's Pod: what decides about it, not its containers. */
export function slimPod({ metadata, spec, status }: Pod): Pod {
  const { nodeName, hostNetwork, restartPolicy } = spec ?? {}
  const { phase, reason, podIPs } = status ?? {}
  return {
    metadata: slimMeta(metadata),
    spec: {
      ...(nodeName !== undefined && { nodeName }),
      ...(hostNetwork !== undefined && { hostNetwork }),
      ...(restartPolicy !== undefined && { restartPolicy }),
    },
    status: {
      ...(phase !== undefined && { phase }),
      ...(reason !== undefined && { reason }),
      ...(podIPs !== undefined && { podIPs }),
    },
  }
}

/**
 * Without the text of a pool's allocations, up to megabytes: a pool whose text counts is read live,
 * and the empty text says that there is one.
 */
export function slimPool(pool: SpiderIPPool): SpiderIPPool {
  const { status } = pool
  return {
    ...pool,
    metadata: slimMeta(pool.metadata),
    ...(status && { status: { ...status, ...(status.allocatedIPs !== undefined && { allocatedIPs: '' }) } }),
  }
}

const onlyLabels = ({ metadata }: KubeObject): KubeObject => ({ metadata: slimMeta(metadata) })
