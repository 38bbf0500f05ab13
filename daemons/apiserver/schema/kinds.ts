// What the server knows of a kind: names, scope, columns, schema; and the kinds that are there without a CRD. Knows no object and no storage.

/** A column of `kubectl get`: additionalPrinterColumns of apiextensions.k8s.io/v1. */
export interface Column {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  readonly jsonPath: string
  readonly priority?: number
}

/** A structural schema: JSONSchemaProps of apiextensions.k8s.io/v1, the part we read. */
export interface Schema {
  readonly type?: string
  readonly format?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly nullable?: boolean
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: boolean
  readonly exclusiveMaximum?: boolean
  readonly multipleOf?: number
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly not?: Schema
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular'
}

/** One kind in one version. A CRD of two served versions makes two of these. */
export interface KindInfo {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly listKind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly hasStatus: boolean
  /** Of the CRD; empty for built-in kinds, whose tables are written by hand. */
  readonly columns: readonly Column[]
  /** Of the whole object; absent for built-in kinds, which are stored as they come. */
  readonly schema?: Schema
  /** Made by a CRD: JSON merge patch only, no strategic patch (as Kubernetes has it). */
  readonly custom: boolean
  /** Where not all verbs are served: those that are. */
  readonly verbs?: readonly string[]
  /** Our own rules are not asked about it (--no-admission). */
  readonly unadmitted?: boolean
}

/** `v1` or `apps/v1`: what stands in an object's apiVersion. */
export const apiVersionOf = ({ group, version }: Pick<KindInfo, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`

/** `pods` or `deployments.apps`: how Kubernetes names a resource in its messages. */
export const resourceNameOf = ({ group, plural }: Pick<KindInfo, 'group' | 'plural'>): string =>
  group === '' ? plural : `${plural}.${group}`

type Row = readonly [apiVersion: string, kind: string, plural: string, flags: string, shorts?: string]

// Flags: n = namespaced, s = has a status subresource, a = in category `all`, x = in category `api-extensions`.
const ROWS: readonly Row[] = [
  ['v1', 'Namespace', 'namespaces', 's', 'ns'],
  ['v1', 'Node', 'nodes', 's', 'no'],
  ['v1', 'Pod', 'pods', 'nsa', 'po'],
  ['v1', 'Service', 'services', 'nsa', 'svc'],
  ['v1', 'Endpoints', 'endpoints', 'n', 'ep'],
  ['v1', 'ConfigMap', 'configmaps', 'n', 'cm'],
  ['v1', 'Secret', 'secrets', 'n'],
  ['v1', 'Event', 'events', 'n', 'ev'],
  ['v1', 'ServiceAccount', 'serviceaccounts', 'n', 'sa'],
  ['apps/v1', 'Deployment', 'deployments', 'nsa', 'deploy'],
  ['apps/v1', 'ReplicaSet', 'replicasets', 'nsa', 'rs'],
  ['apps/v1', 'StatefulSet', 'statefulsets', 'nsa', 'sts'],
  ['apps/v1', 'DaemonSet', 'daemonsets', 'nsa', 'ds'],
  ['batch/v1', 'Job', 'jobs', 'nsa'],
  ['batch/v1', 'CronJob', 'cronjobs', 'nsa', 'cj'],
  ['coordination.k8s.io/v1', 'Lease', 'leases', 'n'],
  ['discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', 'n'],
  ['networking.k8s.io/v1', 'ServiceCIDR', 'servicecidrs', 's'],
  ['admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', 'x'],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'validatingwebhookconfigurations', 'x'],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', 'sx', 'crd,crds'],
]

function kindOfRow([apiVersion, kind, plural, flags, shorts]: Row): KindInfo {
  const slash = apiVersion.indexOf('/')
  const categories = [...(flags.includes('a') ? ['all'] : []), ...(flags.includes('x') ? ['api-extensions'] : [])]
  return {
    group: slash === -1 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
    listKind: `${kind}List`,
    plural,
    singular: kind.toLowerCase(),
    shortNames: shorts?.split(',') ?? [],
    categories,
    namespaced: flags.includes('n'),
    hasStatus: flags.includes('s'),
    columns: [],
    custom: false,
  }
}

export const BUILTIN_KINDS: readonly KindInfo[] = ROWS.map(kindOfRow)
