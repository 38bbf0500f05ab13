// The controller's environment variables and keys of conf.yml: default and meaning. The tables of
// docs/controller.md are made from them (make generate). Pure.
import type { ConfKeyTable, EnvTable } from '../runtime/options.js'

/** Durations are in whole seconds. */
export const CONTROLLER_ENV = {
  SPIDERPOOL_POD_NAMESPACE: {
    default: 'kube-system',
    about: "Where the Lease and the certificate's Secret are. In a pod: `metadata.namespace`.",
  },
  SPIDERPOOL_POD_NAME: {
    default: '',
    defaultText: 'the host’s name',
    about: 'Identity in the Lease and in Events. In a pod: `metadata.name`.',
  },
  SPIDERPOOL_CONTROLLER_DEPLOYMENT_NAME: {
    default: 'spiderpool-controller',
    about: 'The name of its Service and of both webhook configurations.',
  },
  SPIDERPOOL_LOG_LEVEL: {
    default: 'info',
    about: '`debug`, `info`, `warn`, `error`, `fatal` or `panic`. JSON lines on stdout.',
  },
  SPIDERPOOL_BIND_ADDRESS: { default: '', about: 'Listen on this address only.' },
  SPIDERPOOL_HEALTH_ADDRESS: {
    default: '',
    about: 'Serve health on this address instead. `deploy/spiderpool.yaml` sets `127.0.0.1`, which its probes use.',
  },
  SPIDERPOOL_HEALTH_PORT: { default: 5720, about: 'See [ports](#ports). `0` takes a free port, which is logged.' },
  SPIDERPOOL_METRIC_HTTP_PORT: { default: 5721, about: 'Port of `/metrics`.' },
  SPIDERPOOL_WEBHOOK_PORT: { default: 5722, about: 'Port of the admission webhooks.' },
  SPIDERPOOL_ENABLED_METRIC: { default: false, about: 'Serve metrics (`spiderpoolController.prometheus.enabled`).' },
  SPIDERPOOL_CONSOLE_ENABLED: {
    default: false,
    about: 'Serve the [console](console.md) on 127.0.0.1 (`spiderpoolController.console.enabled`).',
  },
  SPIDERPOOL_CONSOLE_PORT: { default: 5725, about: 'Port of the console.' },
  SPIDERPOOL_LEADER_DURATION: { default: 15, about: 'A Lease that was not renewed for this long may be acquired.' },
  SPIDERPOOL_LEADER_RENEW_DEADLINE: {
    default: 10,
    about: 'A leader that could not renew it for this long stops writing.',
  },
  SPIDERPOOL_LEADER_RETRY_PERIOD: { default: 2, about: 'Interval between attempts to acquire or renew it.' },
  SPIDERPOOL_GC_IP_ENABLED: { default: true, about: 'Enables address GC.' },
  SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_READY_NODE_ENABLED: {
    default: true,
    about: 'Release addresses of terminating and finished pods on ready nodes.',
  },
  SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_NOT_READY_NODE_ENABLED: {
    default: true,
    about: 'The same on nodes that are not ready.',
  },
  SPIDERPOOL_GC_ENABLE_STATELESS_RUNNING_POD_ON_EMPTY_POD_STATUS_IPS: {
    default: false,
    about: 'Release addresses of a running pod whose status has no address.',
  },
  SPIDERPOOL_GC_IP_WORKER_NUM: { default: 3, about: 'Concurrent deletes.' },
  SPIDERPOOL_GC_ADDITIONAL_GRACE_DELAY: { default: 0, about: 'Added to every grace period.' },
  // How long the kubelet waits for a sandbox (k8s.io/kubernetes pkg/kubelet/cri/remote: 2 ×
  // runtimeRequestTimeout).
  SPIDERPOOL_GC_UNRECORDED_GRACE: { default: 240, about: 'How long an ADD may run before its address has a record.' },
  SPIDERPOOL_GC_RELEASE_GRACE: {
    default: 10,
    about: 'Grace period for the DEL on a ready node, before its addresses are reclaimed.',
  },
  SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION: { default: 600, about: 'Resync period of all addresses.' },
  SPIDERPOOL_COORDINATOR_DEAFULT_NAME: {
    default: 'default',
    about: "The SpiderCoordinator that gets the cluster's CIDRs. (Spelled like this.)",
  },
  SPIDERPOOL_CNI_CONFIG_DIR: { default: '/etc/cni/net.d', about: 'CNI conf directory that `podCIDRType: auto` reads.' },
  SPIDERPOOL_CILIUM_CONFIGMAP_NAMESPACE_NAME: {
    default: 'kube-system/cilium-config',
    about: "Namespace and name of Cilium's ConfigMap, for `podCIDRType: cilium`.",
  },
  SPIDERPOOL_TLS_SECRET_NAME: {
    default: 'spiderpool-controller-server-certs',
    about:
      "Secret of the webhooks' certificates that the controller makes; the chart's is another, so that an upgrade never empties it.",
  },
  SPIDERPOOL_COORDINATOR_ENABLED: { default: true, about: '`webhooks` prints the webhook of SpiderCoordinators.' },
  SPIDERPOOL_MULTUS_CONFIG_ENABLED: { default: true, about: '`webhooks` prints the webhook of SpiderMultusConfigs.' },
} as const satisfies EnvTable

/** Keys of conf.yml, with the value of a missing one. */
export const CONTROLLER_CONF = {
  enableIPv4: { default: false, about: 'Allows IPv4 pools and subnets.' },
  enableIPv6: { default: false, about: 'Allows IPv6 pools and subnets.' },
  enableStatefulSet: { default: false, about: "A StatefulSet's pod keeps its addresses." },
  enableKubevirtStaticIP: { default: false, about: 'A virtual machine keeps its addresses.' },
  enableSpiderSubnet: { default: false, about: '[SpiderSubnets](subnets.md).' },
  enableAutoPoolForApplication: { default: false, about: 'Pools for applications that name a SpiderSubnet.' },
  clusterSubnetDefaultFlexibleIPNumber: { default: 0, about: 'Addresses beyond the number of pods in such a pool.' },
  clusterSubnetAutoPoolDefaultRedundantIPNumber: {
    default: 0,
    about: 'The same under its other name, which takes precedence.',
  },
  projectAllocatedIPs: {
    default: 'auto',
    about:
      'Keep `status.allocatedIPs` of pools current: `auto` where a Go system is or was ([details](compatibility.md#from-the-go-system-and-back)).',
  },
  upstreamCNINames: {
    default: false,
    about: 'NetworkAttachmentDefinitions have the plugin names `macvlan` and `spiderpool`.',
  },
  tolerateUnknownClusterCIDR: {
    default: false,
    about: 'A coordinator whose type needs no pod CIDR is Synced without one from kubeadm or kube-controller-manager.',
  },
  enableValidatingResourcesDeletedWebhook: {
    default: false,
    about: 'A pool or subnet whose addresses are in use cannot be deleted.',
  },
  podResourceInject: {
    default: false,
    defaultText: 'off',
    about:
      '`enabled`, `namespacesExclude`, `namespacesInclude`: the pod webhooks that `webhooks` prints, [below](#pods-that-choose-networks).',
  },
} as const satisfies ConfKeyTable
