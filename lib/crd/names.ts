// API groups, annotations, labels and finalizers: part of the API, so they never change.
export const SPIDERPOOL_GROUP = 'spiderpool.spidernet.io'
export const SPIDERPOOL_VERSION = 'v2beta1'
export const SPIDERPOOL_API = `${SPIDERPOOL_GROUP}/${SPIDERPOOL_VERSION}`
export const FINALIZER = 'spiderpool.spidernet.io'

export const ANNOTATION_SUBNETS = 'ipam.spidernet.io/subnets'
export const ANNOTATION_SUBNET = 'ipam.spidernet.io/subnet'
export const ANNOTATION_IPPOOLS = 'ipam.spidernet.io/ippools'
export const ANNOTATION_IPPOOL = 'ipam.spidernet.io/ippool'
/**
 * Number of addresses of an auto-created pool (`5`, or `+2`: two more than pods), and whether the
 * pool is deleted with its application.
 */
export const ANNOTATION_IP_NUMBER = 'ipam.spidernet.io/ippool-ip-number'
export const ANNOTATION_RECLAIM = 'ipam.spidernet.io/ippool-reclaim'
export const ANNOTATION_ROUTES = 'ipam.spidernet.io/routes'
export const ANNOTATION_MULTUS_DEFAULT = 'v1.multus-cni.io/default-network'
export const ANNOTATION_MULTUS_NETWORKS = 'k8s.v1.cni.cncf.io/networks'
/** Written by Multus: interfaces with their addresses. */
export const ANNOTATION_MULTUS_STATUS = 'k8s.v1.cni.cncf.io/network-status'

/** On a Namespace: lists of pool names. */
export const ANNOTATION_NAMESPACE_IPV4 = 'ipam.spidernet.io/default-ipv4-ippool'
export const ANNOTATION_NAMESPACE_IPV6 = 'ipam.spidernet.io/default-ipv6-ippool'
/** On a SpiderIPAddress: when CNI GC found its attachment missing from the valid attachments. */
export const ANNOTATION_UNATTACHED = 'ipam.spidernet.io/unattached-since'
/** On a SpiderIPAddress in quarantine: MAC of the other host with hyphens, and since when. */
export const LABEL_CONFLICT = 'ipam.spidernet.io/conflict'
/** On the SpiderIPAddress of a container without a pod: its host and network namespace. */
export const LABEL_CONTAINER_HOST = 'ipam.spidernet.io/container-host'
export const ANNOTATION_NETNS = 'ipam.spidernet.io/netns'
export const ANNOTATION_CONFLICT_SINCE = 'ipam.spidernet.io/conflict-since'
/** On a SpiderEndpoint: UIDs and resourceVersions with which its address objects were created. */
export const ANNOTATION_CREATED = 'ipam.spidernet.io/created-addresses'
/** On a SpiderIPPool that the controller disabled: the reason. Removed with it. */
export const ANNOTATION_DISABLED_BECAUSE = 'ipam.spidernet.io/disabled-because'
/** Name of the agents' DaemonSet, component, container and executable, of Go's and of ours. */
export const AGENT = 'spiderpool-agent'
/** On the agents' DaemonSet: an agent that ends removes what it wrote on its node. */
export const ANNOTATION_UNINSTALLING = 'spiderpool.spidernet.io/uninstalling'
export const LABEL_COMPONENT = 'app.kubernetes.io/component'
/** On our agents, in the pod template of their DaemonSet; Go's do not have it. */
export const LABEL_IMPLEMENTATION = 'spiderpool.spidernet.io/implementation'
export const IMPLEMENTATION = 'typescript'
/**
 * On a SpiderIPPool: `shared` while Go agents may allocate from it, `kept` while
 * status.allocatedIPs is maintained for a rollback to them. On a SpiderIPAddress `shared`: its ADD
 * wrote a record of it into that text.
 */
export const ANNOTATION_ALLOCATED_IPS = 'ipam.spidernet.io/allocated-ips'
/**
 * On a mirror pod: UID of the static pod (kubernetes pkg/kubelet/types, ConfigMirrorAnnotationKey).
 */
export const ANNOTATION_MIRROR = 'kubernetes.io/config.mirror'
/** On the target pod of a live migration. */
export const ANNOTATION_MIGRATION_JOB = 'kubevirt.io/migrationJobName'

export const LABEL_POOL_CIDR = 'ipam.spidernet.io/ippool-cidr'
export const LABEL_SUBNET_CIDR = 'ipam.spidernet.io/subnet-cidr'
/** On auto-created pools only. */
export const LABEL_APPLICATION_NAME = 'ipam.spidernet.io/owner-application-name'
export const SELECTORS_OF_APPLICATION: readonly string[] = [
  'ipam.spidernet.io/app-api-group',
  'ipam.spidernet.io/app-api-version',
  'ipam.spidernet.io/app-kind',
  'ipam.spidernet.io/app-namespace',
  'ipam.spidernet.io/app-name',
]
/** The SpiderSubnet of a pool, and the application of an auto-created one. */
export const LABEL_OWNER_SUBNET = 'ipam.spidernet.io/owner-spider-subnet'
export const LABEL_APPLICATION_GV = 'ipam.spidernet.io/owner-application-gv'
export const LABEL_APPLICATION_KIND = 'ipam.spidernet.io/owner-application-kind'
export const LABEL_APPLICATION_NAMESPACE = 'ipam.spidernet.io/owner-application-namespace'
export const LABEL_APPLICATION_UID = 'ipam.spidernet.io/owner-application-uid'
export const LABEL_INTERFACE = 'ipam.spidernet.io/interface'
/** `true` or `false`, as ANNOTATION_RECLAIM of its application says. */
export const LABEL_RECLAIM = 'ipam.spidernet.io/ippool-reclaim'
export const LABEL_IP_VERSION = 'ipam.spidernet.io/ip-version'
export const IPAM_LABEL_POOL_UID = 'ipam.spidernet.io/ippool-uid'
export const IPAM_LABEL_POD_UID = 'ipam.spidernet.io/pod-uid'
/**
 * On a SpiderIPAddress and a SpiderEndpoint: the node of its pod, shortened (node-label.ts). The
 * node agent watches its own by it.
 */
export const LABEL_NODE = 'ipam.spidernet.io/node'

/**
 * On a SpiderMultusConfig: name of the NetworkAttachmentDefinition; cniVersion and name of its
 * conf.
 */
export const ANNOTATION_NAD_NAME = 'multus.spidernet.io/cr-name'
export const ANNOTATION_CNI_VERSION = 'multus.spidernet.io/cni-version'
/** Capabilities that the conf declares, with commas: `ips,mac`. Ours; Go's controller copies it. */
export const ANNOTATION_CAPABILITIES = 'multus.spidernet.io/capabilities'
export const ANNOTATION_CONF_NAME = 'cni.spidernet.io/cniconfig-name'
/**
 * On a pod or its Namespace, and on SpiderMultusConfigs, there as a label too: the networks that
 * the pod is attached to.
 */
export const ANNOTATION_RDMA_INJECT = 'cni.spidernet.io/rdma-resource-inject'
export const ANNOTATION_NETWORK_INJECT = 'cni.spidernet.io/network-resource-inject'
/** On a NetworkAttachmentDefinition: the extended resource that its pods request. */
export const ANNOTATION_RESOURCE_NAME = 'k8s.v1.cni.cncf.io/resourceName'
