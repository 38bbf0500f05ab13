// The webhook configurations: which requests the API server asks us about, as objects to apply. Pure; the caBundle comes later.
import {
  ANNOTATION_NETWORK_INJECT,
  ANNOTATION_RDMA_INJECT,
  SPIDERPOOL_GROUP,
  SPIDERPOOL_VERSION,
} from '../../../lib/crd/names.js'
import type { ObjectMeta } from '../../../lib/crd/types.js'

/** admissionregistration.k8s.io/v1, as far as it is read and written here. */
export interface WebhookConfiguration {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly webhooks?: readonly Webhook[]
}
export interface Webhook {
  readonly name: string
  readonly clientConfig: { readonly caBundle?: string; readonly url?: string; readonly service?: Service }
}
interface Service {
  readonly name: string
  readonly namespace: string
  readonly port?: number
  readonly path?: string
}

type Operation = 'CREATE' | 'UPDATE' | 'DELETE'

interface Served {
  readonly plural: string
  /** What its paths end in. */
  readonly singular: string
  readonly mutates: readonly Operation[]
  readonly validates: readonly Operation[]
}

const WRITES: readonly Operation[] = ['CREATE', 'UPDATE']
const ALL: readonly Operation[] = ['CREATE', 'UPDATE', 'DELETE']

export const SERVED: readonly Served[] = [
  { plural: 'spidersubnets', singular: 'spidersubnet', mutates: WRITES, validates: ALL },
  { plural: 'spiderippools', singular: 'spiderippool', mutates: WRITES, validates: ALL },
  { plural: 'spiderreservedips', singular: 'spiderreservedip', mutates: WRITES, validates: WRITES },
  { plural: 'spidercoordinators', singular: 'spidercoordinator', mutates: WRITES, validates: WRITES },
  { plural: 'spidermultusconfigs', singular: 'spidermultusconfig', mutates: WRITES, validates: WRITES },
]
export const POD_PATH = '/mutate--v1-pod'
export const HEALTH_PATH = '/webhook-health-check'

/** `/mutate-spiderpool-spidernet-io-v2beta1-spiderippool`. */
export const pathOf = (phase: 'mutate' | 'validate', singular: string): string =>
  `/${phase}-${SPIDERPOOL_GROUP.replaceAll('.', '-')}-${SPIDERPOOL_VERSION}-${singular}`

export interface Installation {
  /** Of both configurations, and of the Service: the controller's Deployment. */
  readonly name: string
  readonly namespace: string
  readonly port: number
  /** Kinds that the installation leaves alone, by their plural. */
  readonly without: readonly string[]
  /** `undefined` where pods choose no networks. */
  readonly pods: { readonly exclude: readonly string[]; readonly include: readonly string[] } | undefined
  /** Whether the API server knows matchConditions (stable in Kubernetes 1.30); `false` where it is not known. */
  readonly hasMatchConditions: boolean
}

/** Namespaces of clusters' own networks, storage and monitoring: their pods start also where no webhook answers. `include` goes before. */
export const NAMESPACES_LEFT_ALONE: readonly string[] = [
  ...['kube-system', 'kube-public', 'kube-node-lease', 'kube-flannel', 'calico-system', 'calico-apiserver'],
  ...['tigera-operator', 'cilium', 'kube-ovn', 'metallb-system', 'istio-system', 'cert-manager', 'gatekeeper-system'],
  ...['rook-ceph', 'longhorn-system', 'openebs', 'local-path-storage', 'csi-driver-nfs', 'piraeus-datastore'],
  ...['monitoring', 'prometheus', 'kube-prometheus-stack', 'cattle-monitoring-system', 'openshift-monitoring'],
]

/** The label of our pods, with the name of their Deployment. */
const COMPONENT = 'app.kubernetes.io/component'
/** As long as the API server waits by default. */
const TIMEOUT_SECONDS = 10

/**
 * Both configurations. Of our kinds failurePolicy is Fail: an object that nobody looked at could give an address twice. /status is not named, so counts
 * are written while no controller answers.
 */
export function webhookConfigurations(installation: Installation): readonly object[] {
  const kinds = SERVED.filter(({ plural }) => !installation.without.includes(plural))
  const pods = installation.pods ? podWebhooks(installation, installation.pods) : []
  const webhooks = (phase: 'mutate' | 'validate'): readonly object[] =>
    kinds.map(({ plural, singular, mutates, validates }) => ({
      ...common(installation, `${singular}.${SPIDERPOOL_GROUP}`, pathOf(phase, singular)),
      rules: [
        {
          apiGroups: [SPIDERPOOL_GROUP],
          apiVersions: [SPIDERPOOL_VERSION],
          operations: phase === 'mutate' ? mutates : validates,
          resources: [plural],
        },
      ],
    }))
  const object = (kind: string, all: readonly object[]): object => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name: installation.name, labels: { 'app.kubernetes.io/name': 'spiderpool' } },
    webhooks: all,
  })
  return [
    object('MutatingWebhookConfiguration', [...webhooks('mutate'), ...pods]),
    object('ValidatingWebhookConfiguration', webhooks('validate')),
  ]
}

const common = ({ name: service, namespace, port }: Installation, name: string, path: string): object => ({
  name,
  admissionReviewVersions: ['v1'],
  clientConfig: { service: { name: service, namespace, port, path } },
  failurePolicy: 'Fail',
  sideEffects: 'None',
  timeoutSeconds: TIMEOUT_SECONDS,
})

/** `key in annotations`, for each annotation by which a pod itself chooses networks. */
const CHOOSES = [ANNOTATION_RDMA_INJECT, ANNOTATION_NETWORK_INJECT]
  .map(name => `'${name}' in object.metadata.annotations`)
  .join(' || ')

/**
 * A controller that is away must not stop the pods of a cluster. With matchConditions only a pod that chooses networks itself waits for it
 * (Fail), and one whose namespace may choose for it does not (Ignore). Without them there is one webhook, Ignore: a pod that chose and was
 * not seen is refused by the IPAM, which misses its networks.
 * Never of our own namespace: a controller that waits for itself would never start. Nor of a controller by its label: namespaces have had
 * the label of their name since Kubernetes 1.21 only.
 */
function podWebhooks(
  installation: Installation,
  { exclude, include }: NonNullable<Installation['pods']>,
): readonly object[] {
  const key = 'kubernetes.io/metadata.name'
  const byDefault = NAMESPACES_LEFT_ALONE.filter(name => !include.includes(name))
  const not = [...new Set([...exclude, installation.namespace, ...byDefault])]
  const webhook = (name: string, more: object): object => ({
    ...common(installation, `${name}.${SPIDERPOOL_GROUP}`, POD_PATH),
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    namespaceSelector: {
      matchExpressions: [
        { key, operator: 'NotIn', values: not },
        ...(include.length > 0 ? [{ key, operator: 'In', values: include }] : []),
      ],
    },
    objectSelector: {
      matchExpressions: [{ key: COMPONENT, operator: 'NotIn', values: [installation.name] }],
    },
    ...more,
  })
  if (!installation.hasMatchConditions) return [webhook('pods', { failurePolicy: 'Ignore' })]
  const chooses = `has(object.metadata.annotations) && (${CHOOSES})`
  return [
    webhook('pods', { matchConditions: [{ name: 'chooses-networks', expression: chooses }] }),
    webhook('namespaces', {
      failurePolicy: 'Ignore',
      matchConditions: [{ name: 'chooses-none-itself', expression: `!(${chooses})` }],
    }),
  ]
}

/** Whether every webhook of it has this bundle; base64, as the object holds it. */
export const trusts = ({ webhooks = [] }: WebhookConfiguration, bundle: string): boolean =>
  webhooks.every(({ clientConfig: { caBundle = '' } }) => caBundle === bundle)

/** With the bundle in every webhook. */
export const trusting = (configuration: WebhookConfiguration, bundle: string): WebhookConfiguration => ({
  ...configuration,
  webhooks: (configuration.webhooks ?? []).map(webhook => ({
    ...webhook,
    clientConfig: { ...webhook.clientConfig, caBundle: bundle },
  })),
})
