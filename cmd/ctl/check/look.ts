// One look at the cluster for a check: a paginated LIST of each kind, slim.
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../../lib/crd/types.js'
import { ANNOTATION_MIRROR, ANNOTATION_MULTUS_STATUS } from '../../../lib/crd/names.js'
import type { CheckState, NodeKernel, NodeObject } from '../../../lib/check/state.js'
import { isForbidden, isNotFound } from '../../../lib/kube/errors.js'
import {
  NODES,
  PODS,
  SPIDER_ENDPOINTS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
  STATEFULSETS,
  VIRTUALMACHINEINSTANCES,
  VIRTUALMACHINES,
  type Kind,
} from '../../../lib/kube/kinds.js'
import type { Features } from '../../../lib/ipam/store/retention.js'
import type { StatefulSet, VirtualMachine } from '../../../lib/ipam/store/store.js'
import type { Cluster } from '../cluster.js'
import { CtlError } from '../status.js'

export interface LookOptions {
  readonly unrecordedMs: number
  readonly features: Features
  readonly kernel: (() => Promise<NodeKernel>) | undefined
  /** A sentence to stderr. */
  readonly warn: (sentence: string) => void
}

/** Kinds that a cluster need not have. */
const OPTIONAL: readonly Kind[] = [VIRTUALMACHINES, VIRTUALMACHINEINSTANCES]

/**
 * The state of the cluster. A kind that may not be read is in `unread`, after a warning.
 * @throws CtlError where the kinds of Spiderpool are not served, or the API server does not answer
 */
export async function look(
  cluster: Cluster,
  { unrecordedMs, features, kernel, warn }: LookOptions,
): Promise<CheckState> {
  const unread = new Set<string>()
  const read = async <T>(kind: Kind, slim?: (item: T) => T): Promise<readonly T[]> => {
    try {
      return await cluster.all<T>(kind, {}, slim)
    } catch (error) {
      const isMissing = isNotFound(error) || (error instanceof CtlError && isNotFound(error.cause))
      if (isMissing && OPTIONAL.includes(kind)) return []
      if (!isForbidden(error)) throw error
      warn(`this user may not list ${kind.plural}; what depends on them is left out`)
      unread.add(kind.plural)
      return []
    }
  }
  // The large kinds one after the other: one page is whole in memory at a time.
  const addresses = await read<SpiderIPAddress>(SPIDER_IPADDRESSES, withoutFields)
  const endpoints = await read<SpiderEndpoint>(SPIDER_ENDPOINTS, withoutFields)
  const pods = await read<Pod>(PODS, slimPod)
  const [pools, reserved, sets, instances, machines, nodes] = await Promise.all([
    read<SpiderIPPool>(SPIDER_IPPOOLS, withoutFields),
    read<SpiderReservedIP>(SPIDER_RESERVEDIPS, withoutFields),
    read<StatefulSet>(STATEFULSETS, slimSet),
    features.kubevirt ? read<VirtualMachine>(VIRTUALMACHINEINSTANCES, metadataOf) : [],
    features.kubevirt ? read<VirtualMachine>(VIRTUALMACHINES, metadataOf) : [],
    read<NodeObject>(NODES, slimNode),
  ])
  return {
    ...{ pools, reserved, addresses, endpoints, pods, sets, instances, machines, nodes, unread },
    ...{ now: Date.now(), unrecordedMs, features },
    ...(kernel && { kernel: await kernel() }),
  }
}

/** managedFields are the larger half of an object. */
function withoutFields<T extends { readonly metadata: object }>(item: T): T {
  const { managedFields: _, ...metadata } = item.metadata as { readonly managedFields?: unknown }
  return { ...item, metadata }
}

/** The fields that a check reads; undefined ones are left out. */
function slimPod({ metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, ownerReferences, annotations = {} } = metadata
  const kept = Object.entries(annotations).filter(
    ([key]) => key === ANNOTATION_MIRROR || key === ANNOTATION_MULTUS_STATUS,
  )
  return {
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...(ownerReferences && { ownerReferences }),
      ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
    },
    spec: {
      ...(spec?.nodeName !== undefined && { nodeName: spec.nodeName }),
      ...(spec?.hostNetwork !== undefined && { hostNetwork: spec.hostNetwork }),
      ...(spec?.restartPolicy !== undefined && { restartPolicy: spec.restartPolicy }),
    },
    status: {
      ...(status?.phase !== undefined && { phase: status.phase }),
      ...(status?.reason !== undefined && { reason: status.reason }),
      ...(status?.podIPs && { podIPs: status.podIPs }),
    },
  }
}

const slimSet = ({ metadata, spec }: StatefulSet): StatefulSet => {
  const { replicas, ordinals } = spec ?? {}
  return { metadata, spec: { ...(replicas !== undefined && { replicas }), ...(ordinals && { ordinals }) } }
}
const metadataOf = ({ metadata }: VirtualMachine): VirtualMachine => ({ metadata })
const slimNode = ({ metadata, status }: NodeObject): NodeObject => ({
  metadata: { name: metadata.name },
  status: { addresses: status?.addresses ?? [] },
})
