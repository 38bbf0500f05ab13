// The user's manifests: pools, networks, applications. Knows no cluster.
const SPIDERPOOL = 'spiderpool.spidernet.io/v2beta1'

export const NETWORK = 'kube-system/macvlan-conf'

interface PoolSpec {
  readonly ips: readonly string[]
  readonly subnet: string
  readonly gateway?: string
  readonly disable?: boolean
}

export const pool = (name: string, spec: PoolSpec): object => ({
  apiVersion: SPIDERPOOL,
  kind: 'SpiderIPPool',
  metadata: { name },
  spec: { ...spec, multusName: [NETWORK] },
})

/** On the nodes' own network, both families. */
export const pool4 = (name: string, ...ips: readonly string[]): object =>
  pool(name, { ips, subnet: '172.18.0.0/16', gateway: '172.18.0.1' })

export const pool6 = (name: string, ...ips: readonly string[]): object =>
  pool(name, { ips, subnet: 'fd00:18::/64', gateway: 'fd00:18::1' })

export const network = (name: string, master: string): object => ({
  apiVersion: SPIDERPOOL,
  kind: 'SpiderMultusConfig',
  metadata: { name, namespace: 'kube-system' },
  spec: { cniType: 'macvlan', macvlan: { master: [master] } },
})

/**
 * Debian's plugins for a pod on the same master, with addresses of the node: `third` is their third
 * byte.
 */
export const hostLocal = (master: string, third: number): object => ({
  cniVersion: '0.3.1',
  name: 'host-local',
  plugins: [
    {
      ...{ type: 'macvlan', master, mode: 'bridge' },
      ipam: {
        type: 'host-local',
        ranges: [
          [
            {
              ...{ subnet: '172.18.0.0/16', gateway: '172.18.0.1' },
              ...{ rangeStart: `172.18.${third}.1`, rangeEnd: `172.18.${third}.200` },
            },
          ],
        ],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
  ],
})

export const coordinator = (): object => ({
  apiVersion: SPIDERPOOL,
  kind: 'SpiderCoordinator',
  metadata: { name: 'default' },
  spec: {
    mode: 'auto',
    podCIDRType: 'auto',
    tunePodRoutes: true,
    hijackCIDR: ['169.254.0.0/16'],
    podRPFilter: 0,
  },
})

/** Where a cluster made by kubeadm says its CIDRs. */
export const kubeadmConfig = (): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
  data: {
    ClusterConfiguration: 'networking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: 10.96.0.0/16\n',
  },
})

export const ippool = (ipv4: readonly string[], ipv6: readonly string[] = []): Readonly<Record<string, string>> => ({
  'ipam.spidernet.io/ippool': JSON.stringify({ ipv4, ...(ipv6.length > 0 && { ipv6 }) }),
})

export interface App {
  readonly name: string
  readonly replicas: number
  readonly annotations: Readonly<Record<string, string>>
  readonly namespace?: string
  readonly kind?: 'Deployment' | 'StatefulSet'
  /** Without the annotation that names its network: the cluster's default network. */
  readonly isUnannotated?: boolean
  /** Spread over the nodes, one each at most. */
  readonly isSpread?: boolean
  /** Serves its name over HTTP, and is asked by the kubelet whether it does. */
  readonly isProbed?: boolean
  readonly node?: string
  readonly strategy?: object
}

const SERVE = 'mkdir -p /tmp/w; hostname > /tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w'

/** A Deployment or a StatefulSet of busybox. */
export function app(of: App): object {
  const labels = { app: of.name }
  const probe = { httpGet: { path: '/', port: 80 }, periodSeconds: 1, failureThreshold: 60 }
  const container = {
    name: 'c',
    image: 'localhost/busybox:1',
    imagePullPolicy: 'Never',
    command: of.isProbed === true ? ['/bin/sh', '-c', SERVE] : ['/bin/sleep', '1000000'],
    ...(of.isProbed === true && { readinessProbe: probe }),
  }
  const apart = [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } }]
  const kind = of.kind ?? 'Deployment'
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: of.name, namespace: of.namespace ?? 'default' },
    spec: {
      replicas: of.replicas,
      selector: { matchLabels: labels },
      ...(kind === 'StatefulSet' && { serviceName: of.name, podManagementPolicy: 'Parallel' }),
      ...(of.strategy && { strategy: of.strategy }),
      template: {
        metadata: {
          labels,
          annotations: {
            ...(of.isUnannotated !== true && { 'v1.multus-cni.io/default-network': NETWORK }),
            ...of.annotations,
          },
        },
        spec: {
          terminationGracePeriodSeconds: 0,
          dnsPolicy: 'Default', // there is no DNS
          enableServiceLinks: false,
          automountServiceAccountToken: false,
          ...(of.node !== undefined && { nodeSelector: { 'kubernetes.io/hostname': of.node } }),
          ...(of.isSpread === true && {
            affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: apart } },
          }),
          containers: [container],
        },
      },
    },
  }
}

export const service = (name: string, clusterIP: string, nodePort: number): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { type: 'NodePort', clusterIP, selector: { app: name }, ports: [{ port: 80, targetPort: 80, nodePort }] },
})
