// The objects of the story, as a user writes them and as Kubernetes' own controllers make them from that. Data only.
import type { KubeObject } from './api.js'

export const POOL: KubeObject = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'ippool-test' },
  spec: {
    ips: ['172.18.30.131-172.18.30.140'],
    subnet: '172.18.0.0/16',
    gateway: '172.18.0.1',
    multusName: ['kube-system/macvlan-conf'],
  },
}

export const GATEWAY = '172.18.0.1/16'
export const NODE: KubeObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1' } }

const NETWORK = { namespace: 'kube-system', name: 'macvlan-conf' }

/** What a SpiderMultusConfig of `cniType: macvlan` and `master: [eth0]` becomes. */
export const network = ({ kubeconfig, log }: { readonly kubeconfig: string; readonly log: string }): KubeObject => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: NETWORK,
  spec: {
    config: JSON.stringify({
      cniVersion: '1.0.0',
      name: NETWORK.name,
      type: 'macvlan-wrapper',
      master: 'eth0',
      mode: 'bridge',
      ipam: { type: 'spiderpool', kubeconfig, log_file_path: log },
    }),
  },
})

const NAMESPACE = 'default'
const LABELS = { app: 'test-app' }
const template = {
  metadata: {
    labels: LABELS,
    annotations: {
      'ipam.spidernet.io/ippool': '{"ipv4":["ippool-test"]}',
      'v1.multus-cni.io/default-network': `${NETWORK.namespace}/${NETWORK.name}`,
    },
  },
  spec: { containers: [{ name: 'nginx', image: 'nginx' }] },
}

export const DEPLOYMENT: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'test-app', namespace: NAMESPACE, labels: LABELS },
  spec: { replicas: 2, selector: { matchLabels: LABELS }, template },
}

const ownedBy = ({ apiVersion, kind, metadata: { name, uid } }: KubeObject): readonly unknown[] => [
  { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true },
]

/** What the Deployment controller makes of it. */
export const replicaSetOf = (deployment: KubeObject): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'test-app-f9f94688', namespace: NAMESPACE, labels: LABELS, ownerReferences: ownedBy(deployment) },
  spec: { replicas: 2, selector: { matchLabels: LABELS }, template },
})

/** What the ReplicaSet controller and the scheduler make of that, twice. */
export const podOf = (replicaSet: KubeObject): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: `${replicaSet.metadata.name ?? ''}-`,
    namespace: NAMESPACE,
    ...template.metadata,
    ownerReferences: ownedBy(replicaSet),
  },
  spec: { ...template.spec, nodeName: NODE.metadata.name },
})
