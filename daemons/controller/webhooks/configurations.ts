// The webhook configurations as objects to apply; the caBundle is added later.
import {
  ANNOTATION_NETWORK_INJECT,
  ANNOTATION_RDMA_INJECT,
  SPIDERPOOL_GROUP,
  SPIDERPOOL_VERSION,
} from '../../../lib/crd/names.js'
import type { ObjectMeta } from '../../../lib/crd/types.js'

/** admissionregistration.k8s.io/v1, reduced to what is read and written here. */
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
  /** The last part of its paths. */
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
  /** Name of both configurations and of the Service: the controller's Deployment. */
  readonly name: string
  readonly namespace: string
  readonly port: number
  /** Plurals of the kinds without webhooks. */
  readonly without: readonly string[]
  /** Undefined where pods do not choose networks. */
  readonly pods: { readonly exclude: readonly string[]; readonly include: readonly string[] } | undefined
  /**
   * Whether the API server supports matchConditions (stable in Kubernetes 1.30); false where
   * unknown.
   */
  readonly hasMatchConditions: boolean
}

/**
 * Namespaces of cluster networks, storage and monitoring: their pods start even where no webhook
 * answers. `include` takes precedence.
 */
export const NAMESPACES_LEFT_ALONE: readonly string[] = [
  ...['kube-system', 'kube-public', 'kube-node-lease', 'kube-flannel', 'calico-system', 'calico-apiserver'],
  ...['tigera-operator', 'cilium', 'kube-ovn', 'metallb-system', 'istio-system', 'cert-manager', 'gatekeeper-system'],
  ...['rook-ceph', 'longhorn-system', 'openebs', 'local-path-storage', 'csi-driver-nfs', 'piraeus-datastore'],
  ...['monitoring', 'prometheus', 'kube-prometheus-stack', 'cattle-monitoring-system', 'openshift-monitoring'],
]

/** The label of the controller's pods, with the name of their Deployment. */
const COMPONENT = 'app.kubernetes.io/component'
/** The API server's default. */
const TIMEOUT_SECONDS = 10

/**
 * The two configurations. failurePolicy of Spiderpool's kinds is Fail: an object that was not
 * validated could allocate an address twice. /status is not matched, so counts are written while no
 * controller answers.
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

/** CEL: whether the pod has an annotation by which it chooses networks. */
const CHOOSES = [ANNOTATION_RDMA_INJECT, ANNOTATION_NETWORK_INJECT]
  .map(name => `'${name}' in object.metadata.annotations`)
  .join(' || ')

/**
 * A controller that is down must not stop the cluster's pods. With matchConditions only a pod that
 * chooses networks itself needs it (Fail), and a pod whose namespace may choose for it does not
 * (Ignore). Without them there is one webhook, Ignore: if it was skipped for a pod that chose
 * networks, the IPAM rejects the pod for its missing networks. Our own namespace is excluded, since
 * a controller that waits for itself would never start; so is the controller by its label, since
 * namespaces have a name label only since Kubernetes 1.21.
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

/** Whether every webhook of it has this bundle (base64, as in the object). */
export const trusts = ({ webhooks = [] }: WebhookConfiguration, bundle: string): boolean =>
  webhooks.every(({ clientConfig: { caBundle = '' } }) => caBundle === bundle)

/** The configuration with the bundle in every webhook. */
export const trusting = (configuration: WebhookConfiguration, bundle: string): WebhookConfiguration => ({
  ...configuration,
  webhooks: (configuration.webhooks ?? []).map(webhook => ({
    ...webhook,
    clientConfig: { ...webhook.clientConfig, caBundle: bundle },
  })),
})
