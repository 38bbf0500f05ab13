// Strings that users, manifests and other programs know: groups, annotations, labels, finalizer. Ours to keep, not to change.
export const SPIDERPOOL_GROUP = 'spiderpool.spidernet.io'
export const SPIDERPOOL_VERSION = 'v2beta1'
export const SPIDERPOOL_API = `${SPIDERPOOL_GROUP}/${SPIDERPOOL_VERSION}`
export const FINALIZER = 'spiderpool.spidernet.io'

export const ANNOTATION_SUBNETS = 'ipam.spidernet.io/subnets'
export const ANNOTATION_SUBNET = 'ipam.spidernet.io/subnet'
export const ANNOTATION_IPPOOLS = 'ipam.spidernet.io/ippools'
export const ANNOTATION_IPPOOL = 'ipam.spidernet.io/ippool'
export const ANNOTATION_ROUTES = 'ipam.spidernet.io/routes'
export const ANNOTATION_MULTUS_DEFAULT = 'v1.multus-cni.io/default-network'
export const ANNOTATION_MULTUS_NETWORKS = 'k8s.v1.cni.cncf.io/networks'

/** Annotations that say which address and that allocation does not read yet. To pass over them in silence would give a wrong address. */
export const ANNOTATIONS_NOT_YET = [ANNOTATION_IPPOOLS, ANNOTATION_ROUTES] as const

export const LABEL_POOL_CIDR = 'ipam.spidernet.io/ippool-cidr'
/** There on pools that were made for an application, and only there. */
export const LABEL_APPLICATION_NAME = 'ipam.spidernet.io/owner-application-name'
export const SELECTORS_OF_APPLICATION: readonly string[] = [
  'ipam.spidernet.io/app-api-group',
  'ipam.spidernet.io/app-api-version',
  'ipam.spidernet.io/app-kind',
  'ipam.spidernet.io/app-namespace',
  'ipam.spidernet.io/app-name',
]
export const IPAM_LABEL_POOL_UID = 'ipam.spidernet.io/ippool-uid'
export const IPAM_LABEL_POD_UID = 'ipam.spidernet.io/pod-uid'
