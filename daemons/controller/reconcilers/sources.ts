// Watch sources that several reconcilers share, with transforms that keep only the fields read.
import type {
  Pod,
  SpiderEndpoint,
  SpiderIPAddress,
  SpiderIPPool,
  SpiderReservedIP,
  ObjectMeta,
} from '../../../lib/crd/types.js'
import {
  ANNOTATION_ALLOCATED_IPS,
  ANNOTATION_DISABLED_BECAUSE,
  ANNOTATION_IP_NUMBER,
  ANNOTATION_MIRROR,
  IPAM_LABEL_POOL_UID,
} from '../../../lib/crd/names.js'
import {
  DAEMONSETS,
  LEASES,
  NODES,
  PODS,
  SPIDER_ENDPOINTS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
  STATEFULSETS,
  VIRTUALMACHINEINSTANCES,
  VIRTUALMACHINES,
} from '../../../lib/kube/kinds.js'
import { isGoAgent, isGoAgentSet, type AgentDaemonSet } from '../../../lib/crd/go-agent.js'
import { isQuarantined } from '../../../lib/ipam/allocation/conflict-quarantine.js'
import { isOwnText } from '../../../lib/ipam/allocation/go-records.js'
import { uidOf } from '../../../lib/ipam/store/pod.js'
import type { StatefulSet, VirtualMachine } from '../../../lib/ipam/store/store.js'
import { demandOfPod, namesSubnet, foreignOwner, subnetsInDemand, TEMPLATE_ANNOTATIONS } from './application/decide.js'
import { ipsOfNode, type ClusterNode, type NodeLease } from './address-gc/node.js'
import { source } from '../../runtime/lister.js'

/** The metadata that reconcilers read; managedFields alone are half of an object. */
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

const POOL_ANNOTATIONS = [ANNOTATION_IP_NUMBER, ANNOTATION_DISABLED_BECAUSE, ANNOTATION_ALLOCATED_IPS]

/**
 * Whether the pool has, or had, records of the Go system. A text that only our ADDs wrote, before a
 * controller saw the pool, does not count.
 */
export const isFromGo = (pool: SpiderIPPool): boolean =>
  (pool.status?.allocatedIPs !== undefined && !isOwnText(pool)) ||
  pool.metadata.annotations?.[ANNOTATION_ALLOCATED_IPS] !== undefined

/** Not reduced: pools are small and few, and most of their fields are read. */
export const POOLS = source<SpiderIPPool, 'uid' | 'cidr' | 'fromGo'>({
  kind: SPIDER_IPPOOLS,
  transform: pool => ({ ...pool, metadata: slimMeta(pool.metadata, POOL_ANNOTATIONS) }),
  indexes: {
    uid: ({ metadata: { uid = '' } }) => [uid],
    cidr: ({ spec }) => [spec.subnet],
    fromGo: pool => (isFromGo(pool) ? ['yes'] : []),
  },
})

export const ADDRESSES = source<SpiderIPAddress, 'poolUid' | 'pod' | 'node' | 'owner' | 'quarantined'>({
  kind: SPIDER_IPADDRESSES,
  transform: ({ apiVersion, kind, metadata, spec }) => ({ apiVersion, kind, metadata: slimMeta(metadata), spec }),
  indexes: {
    poolUid: ({ metadata: { labels } }) => [labels?.[IPAM_LABEL_POOL_UID] ?? ''],
    pod: ({ spec: { pod } }) => [`${pod.namespace}/${pod.name}`],
    node: ({ spec: { node } }) => [node],
    /** The UID of its pool. */
    quarantined: one => (isQuarantined(one) ? [one.metadata.labels?.[IPAM_LABEL_POOL_UID] ?? ''] : []),
    /** `Kind/namespace/name`. */
    owner: ({ spec: { owner, pod } }) => [`${owner.kind}/${pod.namespace}/${owner.name}`],
  },
})

export const RESERVED = source<SpiderReservedIP>({ kind: SPIDER_RESERVEDIPS })

export const ENDPOINTS = source<SpiderEndpoint, 'owner'>({
  kind: SPIDER_ENDPOINTS,
  transform: ({ metadata, status }) => ({ metadata: slimMeta(metadata), status }),
  indexes: {
    /** `Kind/namespace/name`. */
    owner: ({ metadata: { namespace }, status }) => [
      `${status.ownerControllerType}/${namespace ?? ''}/${status.ownerControllerName}`,
    ],
  },
})

/** Multus writes the addresses of each interface here. */
export const NETWORK_STATUS = 'k8s.v1.cni.cncf.io/network-status'

/**
 * A pod's own annotations for SpiderSubnets are read only where its controller is of a foreign
 * kind; otherwise the controller's pod template has them.
 */
const annotationsOf = (pod: Pod): readonly string[] =>
  namesSubnet(pod.metadata.annotations) && pod.spec?.hostNetwork !== true && foreignOwner(pod)
    ? [NETWORK_STATUS, ANNOTATION_MIRROR, ...TEMPLATE_ANNOTATIONS]
    : [NETWORK_STATUS, ANNOTATION_MIRROR]

/** A pod of the chart's DaemonSet, where spiderpoolAgent.name has its default. */
const isAgent = ({ metadata }: Pod): boolean => metadata.labels?.['app.kubernetes.io/component'] === 'spiderpool-agent'

export const CLUSTER_PODS = source<Pod, 'uid' | 'subnet' | 'foreign' | 'goAgent' | 'agent'>({
  kind: PODS,
  transform: pod => ({ ...slimPod(pod), metadata: slimMeta(pod.metadata, annotationsOf(pod)) }),
  indexes: {
    /** UID of the object; of a mirror pod also that of the static pod. */
    uid: pod => [...new Set([pod.metadata.uid ?? '', uidOf(pod)])],
    goAgent: pod => (isGoAgent(pod) ? ['yes'] : []),
    agent: pod => (isAgent(pod) ? ['yes'] : []),
    /** SpiderSubnets that its annotations name. */
    subnet: pod => subnetsInDemand(demandOfPod(pod)),
    /** UID of a controller whose pod template is not read. */
    foreign: pod => [foreignOwner(pod)?.uid ?? []].flat(),
  },
})

const slimPod = ({ metadata, spec, status }: Pod): Pod => ({
  metadata,
  ...(spec && {
    spec: {
      ...(spec.containers && isGoAgent({ metadata, spec }) && { containers: spec.containers.map(slimContainer) }),
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
})

type Container = NonNullable<NonNullable<Pod['spec']>['containers']>[number]
const slimContainer = ({ name, command, args }: Container): Container => ({
  ...(name !== undefined && { name }),
  ...(command && { command }),
  ...(args && { args }),
})

/** DaemonSets, of which only the agents' matter. */
interface AgentSet extends AgentDaemonSet {
  readonly metadata: ObjectMeta
}

export const AGENT_SETS = source<AgentSet, 'goAgent'>({
  kind: DAEMONSETS,
  transform: ({ metadata, spec }) => {
    const { metadata: { labels } = {}, spec: { containers = [] } = {} } = spec?.template ?? {}
    const template = { ...(labels && { metadata: { labels } }), spec: { containers: containers.map(slimContainer) } }
    return { metadata: slimMeta(metadata), spec: { template } }
  },
  indexes: { goAgent: set => (isGoAgentSet(set) ? ['yes'] : []) },
})

export const SETS = source<StatefulSet, never>({
  kind: STATEFULSETS,
  transform: ({ metadata, spec }) => ({ metadata: slimMeta(metadata), ...(spec && { spec: replicasOf(spec) }) }),
})

const replicasOf = ({ replicas, ordinals }: NonNullable<StatefulSet['spec']>): NonNullable<StatefulSet['spec']> => ({
  ...(replicas !== undefined && { replicas }),
  ...(ordinals && { ordinals }),
})

/** KubeVirt's kinds, where it is installed. */
export const INSTANCES = source<VirtualMachine, never>({
  kind: VIRTUALMACHINEINSTANCES,
  transform: ({ metadata }) => ({ metadata: slimMeta(metadata) }),
  optional: true,
})
export const MACHINES = source<VirtualMachine, never>({
  kind: VIRTUALMACHINES,
  transform: ({ metadata }) => ({ metadata: slimMeta(metadata) }),
  optional: true,
})

export const CLUSTER_NODES = source<ClusterNode, 'ip'>({
  kind: NODES,
  transform: ({ metadata, spec, status }) => ({
    metadata: slimMeta(metadata),
    spec: { taints: spec?.taints ?? [] },
    status: {
      conditions: (status?.conditions ?? []).filter(({ type }) => type === 'Ready'),
      ...(status?.addresses && { addresses: status.addresses }),
    },
  }),
  indexes: { ip: ipsOfNode },
})

/** Only read live, never watched: each node renews its Lease every ten seconds. */
export const NODE_LEASES = source<NodeLease, never>({ kind: LEASES, namespace: 'kube-node-lease' })
