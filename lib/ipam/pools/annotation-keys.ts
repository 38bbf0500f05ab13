// Unknown annotation keys of a pod or Namespace that look like ours. Pure; on the hot path, so that
// annotation-typos.ts, which suggests the right key, is loaded only on a hit.
import {
  ANNOTATION_IP_NUMBER,
  ANNOTATION_IPPOOL,
  ANNOTATION_IPPOOLS,
  ANNOTATION_NAMESPACE_IPV4,
  ANNOTATION_NAMESPACE_IPV6,
  ANNOTATION_NETWORK_INJECT,
  ANNOTATION_RDMA_INJECT,
  ANNOTATION_RECLAIM,
  ANNOTATION_ROUTES,
  ANNOTATION_SUBNET,
  ANNOTATION_SUBNETS,
} from '../../crd/names.js'

/** Annotations of a pod that the IPAM, the coordinator or the controller reads. */
export const POD_KEYS: readonly string[] = [
  ANNOTATION_IPPOOL,
  ANNOTATION_IPPOOLS,
  ANNOTATION_ROUTES,
  ANNOTATION_SUBNET,
  ANNOTATION_SUBNETS,
  ANNOTATION_IP_NUMBER,
  ANNOTATION_RECLAIM,
  'ipam.spidernet.io/default-route-nic', // DEFAULT_ROUTE_NIC of cluster-config.ts, which would load lib/cni
  ANNOTATION_RDMA_INJECT,
  ANNOTATION_NETWORK_INJECT,
]

const MAY_BE_OURS = /^[^/]*(ipam|spider)[^/]*\//i

/** Annotations of a Namespace that the IPAM or the controller reads. */
export const NAMESPACE_KEYS: readonly string[] = [
  ANNOTATION_NAMESPACE_IPV4,
  ANNOTATION_NAMESPACE_IPV6,
  ANNOTATION_RDMA_INJECT,
  ANNOTATION_NETWORK_INJECT,
]

/** Keys that may be misspelt keys of ours, in the order of the annotations. */
export const unknownAnnotationsIn = (
  annotations: Readonly<Record<string, string>> = {},
  known: readonly string[] = POD_KEYS,
): readonly string[] => Object.keys(annotations).filter(key => MAY_BE_OURS.test(key) && !known.includes(key))
