// Keys of a pod's annotations that look like ours and are none. Pure, and cheap: asked in every ADD; what was meant is said in typos.ts.
import {
  ANNOTATION_IP_NUMBER,
  ANNOTATION_IPPOOL,
  ANNOTATION_IPPOOLS,
  ANNOTATION_NETWORK_INJECT,
  ANNOTATION_RDMA_INJECT,
  ANNOTATION_RECLAIM,
  ANNOTATION_ROUTES,
  ANNOTATION_SUBNET,
  ANNOTATION_SUBNETS,
} from '../../crd/names.js'

/** All that is read of a pod: by the IPAM, the coordinator, the controller. */
export const POD_KEYS: readonly string[] = [
  ANNOTATION_IPPOOL,
  ANNOTATION_IPPOOLS,
  ANNOTATION_ROUTES,
  ANNOTATION_SUBNET,
  ANNOTATION_SUBNETS,
  ANNOTATION_IP_NUMBER,
  ANNOTATION_RECLAIM,
  'ipam.spidernet.io/default-route-nic', // DEFAULT_ROUTE_NIC of coordinator.ts, which would load the CNI shell
  ANNOTATION_RDMA_INJECT,
  ANNOTATION_NETWORK_INJECT,
]

const MAY_BE_OURS = /^[^/]*(ipam|spider)[^/]*\//i

/** Keys that may be ours, misspelt, in the order of the annotations. */
export const unknownAnnotationsIn = (annotations: Readonly<Record<string, string>> = {}): readonly string[] =>
  Object.keys(annotations).filter(key => MAY_BE_OURS.test(key) && !POD_KEYS.includes(key))
