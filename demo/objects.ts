// The demo's objects, as a user writes them and as Kubernetes' controllers create them. Data only.
import type { KubeObject } from './api.js'
import { FAMILIES, NETWORKS, NODES, type Family } from './stage.js'

const SPIDERPOOL = 'spiderpool.spidernet.io/v2beta1'
const NAMESPACE = 'default'

/**
 * A macvlan network: its SpiderMultusConfig, the master on the node, and its pools of ten
 * addresses.
 */
export interface Network {
  readonly name: string
  readonly master: string
  readonly pools: Readonly<Record<Family, string>>
}
const [first, second] = NETWORKS
export const MACVLAN: Network = {
  name: 'macvlan-conf',
  master: first.nic,
  pools: { 4: 'ippool-test', 6: 'ippool-test-v6' },
}
export const SECOND: Network = {
  name: 'macvlan-second',
  master: second.nic,
  pools: { 4: 'ippool-second', 6: 'ippool-second-v6' },
}

const pool = (name: string, spec: object, network: Network): KubeObject => ({
  apiVersion: SPIDERPOOL,
  kind: 'SpiderIPPool',
  metadata: { name },
  spec: { ...spec, multusName: [`kube-system/${network.name}`] },
})

export const POOLS: readonly KubeObject[] = [
  { network: MACVLAN, on: first, ips: { 4: '172.18.30.131-172.18.30.140', 6: 'fd18::30:131-fd18::30:13a' } },
  { network: SECOND, on: second, ips: { 4: '172.19.30.131-172.19.30.140', 6: 'fd19::30:131-fd19::30:13a' } },
].flatMap(({ network, on, ips }) =>
  FAMILIES.map(family =>
    pool(
      network.pools[family],
      { ips: [ips[family]], subnet: on.subnet[family], gateway: on.gateway[family] },
      network,
    ),
  ),
)

/** Services' addresses, and those of the pods of another CNI, of which there are none here. */
export const SERVICE_CIDR = { 4: '10.233.0.0/18', 6: 'fd00:233::/112' } as const
export const POD_CIDR = { 4: '10.233.64.0/18', 6: 'fd00:244::/64' } as const

export const COORDINATOR: KubeObject = {
  apiVersion: SPIDERPOOL,
  kind: 'SpiderCoordinator',
  metadata: { name: 'default' },
  spec: {
    mode: 'auto',
    podCIDRType: 'cluster',
    hijackCIDR: ['169.254.0.0/16'],
    tunePodRoutes: true,
    hostRuleTable: 500,
  },
}
/** Where a cluster made by kubeadm says its CIDRs. */
export const KUBEADM_CONFIG: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: {
    ClusterConfiguration: `networking:\n  podSubnet: ${Object.values(POD_CIDR).join()}\n  serviceSubnet: ${Object.values(SERVICE_CIDR).join()}\n`,
  },
}

export const NODE_OBJECTS: readonly KubeObject[] = NODES.map(name => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
}))

/** As the user writes it. */
export const multusConfig = (
  { name, master }: Network,
  annotations: Readonly<Record<string, string>> = {},
): KubeObject => ({
  apiVersion: SPIDERPOOL,
  kind: 'SpiderMultusConfig',
  metadata: { namespace: 'kube-system', name, annotations },
  spec: { cniType: 'macvlan', macvlan: { master: [master] } },
})

const poolsOf = ({ pools }: Network): object => ({ ipv4: [pools[4]], ipv6: [pools[6]] })
const templateOf = (app: string, annotations: Readonly<Record<string, string>>) => ({
  metadata: {
    labels: { app },
    annotations: { 'v1.multus-cni.io/default-network': `kube-system/${MACVLAN.name}`, ...annotations },
  },
  spec: { containers: [{ name: 'nginx', image: 'nginx' }] },
})

export interface Application {
  readonly deployment: KubeObject
  /** What the Deployment controller makes of it. */
  readonly replicaSet: (deployment: KubeObject) => KubeObject
  /** What the ReplicaSet controller and the scheduler make of that. */
  readonly pod: (replicaSet: KubeObject, node: string) => KubeObject
}

function application(app: string, hash: string, annotations: Readonly<Record<string, string>>): Application {
  const template = templateOf(app, annotations)
  const { labels } = template.metadata
  const spec = { replicas: 1, selector: { matchLabels: labels }, template }
  return {
    deployment: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: app, namespace: NAMESPACE, labels },
      spec,
    },
    replicaSet: deployment => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: `${app}-${hash}`, namespace: NAMESPACE, labels, ownerReferences: ownedBy(deployment) },
      spec,
    }),
    pod: (replicaSet, node) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        generateName: `${app}-${hash}-`,
        namespace: NAMESPACE,
        ...template.metadata,
        ownerReferences: ownedBy(replicaSet),
      },
      spec: { ...template.spec, nodeName: node },
    }),
  }
}

const ownedBy = ({ apiVersion, kind, metadata: { name, uid } }: KubeObject): readonly unknown[] => [
  { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true },
]

export const TEST_APP = application('test-app', 'f9f94688', {
  'ipam.spidernet.io/ippool': JSON.stringify(poolsOf(MACVLAN)),
})
export const TWO_NICS = application('two-nics', '7d4b9c6f5', {
  'k8s.v1.cni.cncf.io/networks': `kube-system/${SECOND.name}`,
  'ipam.spidernet.io/ippools': JSON.stringify([
    { interface: 'eth0', ...poolsOf(MACVLAN) },
    { interface: 'net1', ...poolsOf(SECOND) },
  ]),
})

/** A StatefulSet of one pod, and the pods that its controller creates under one name. */
const stateful = templateOf('web', { 'ipam.spidernet.io/ippool': JSON.stringify(poolsOf(MACVLAN)) })
export const STATEFUL = {
  set: {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: {
      replicas: 1,
      serviceName: 'web',
      selector: { matchLabels: stateful.metadata.labels },
      template: stateful,
    },
  } satisfies KubeObject,
  pod: (set: KubeObject, node: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-0', namespace: NAMESPACE, ...stateful.metadata, ownerReferences: ownedBy(set) },
    spec: { ...stateful.spec, nodeName: node },
  }),
}

/** A pod that no pool is for: the pool that it names is for pods with another label. */
export const STUCK = {
  pool: {
    apiVersion: SPIDERPOOL,
    kind: 'SpiderIPPool',
    metadata: { name: 'gpu-only' },
    spec: { subnet: '172.31.0.0/16', ips: ['172.31.0.10-172.31.0.12'], podAffinity: { matchLabels: { gpu: 'yes' } } },
  },
  pod: (node: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'stuck',
      namespace: NAMESPACE,
      annotations: {
        'v1.multus-cni.io/default-network': `kube-system/${MACVLAN.name}`,
        'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: ['gpu-only'] }),
      },
    },
    spec: { containers: [{ name: 'nginx', image: 'nginx' }], nodeName: node },
  }),
}

/**
 * `local`: the client address of outside callers is preserved; only pods of the called node answer.
 */
const service = (name: string, nodePort: number, last: number, policy: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    type: 'NodePort',
    ipFamilyPolicy: 'RequireDualStack',
    clusterIP: `10.233.0.${last}`,
    clusterIPs: [`10.233.0.${last}`, `fd00:233::${last}`],
    selector: { app: 'test-app' },
    ports: [{ port: 80, targetPort: 8080, nodePort, protocol: 'TCP' }],
    ...policy,
  },
})
export const SERVICES = [
  service('test-app', 30_080, 10, {}),
  service('test-app-local', 30_081, 11, { externalTrafficPolicy: 'Local' }),
] as const
