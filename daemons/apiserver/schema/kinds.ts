// A kind: names, scope, columns, schema; and the built-in kinds.

/** A column of `kubectl get`: additionalPrinterColumns of apiextensions.k8s.io/v1. */
export interface Column {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  readonly jsonPath: string
  readonly priority?: number
}

/** A structural schema: the supported part of JSONSchemaProps (apiextensions.k8s.io/v1). */
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

/** One kind in one version; a CRD with two served versions has two. */
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
  /** additionalPrinterColumns; empty for built-in kinds, whose columns are in table/. */
  readonly columns: readonly Column[]
  /** Absent for built-in kinds, which are stored without validation. */
  readonly schema?: Schema
  /** Defined by a CRD: no strategic merge patch, as in kube-apiserver. */
  readonly custom: boolean
  /** Absent: all verbs. */
  readonly verbs?: readonly string[]
  /** Spiderpool’s rules do not apply (--no-admission). */
  readonly unadmitted?: boolean
}

/** The apiVersion: `v1` or `apps/v1`. */
export const apiVersionOf = ({ group, version }: Pick<KindInfo, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`

/** The resource in messages: `pods` or `deployments.apps`. */
export const resourceNameOf = ({ group, plural }: Pick<KindInfo, 'group' | 'plural'>): string =>
  group === '' ? plural : `${plural}.${group}`

type Row = readonly [apiVersion: string, kind: string, plural: string, flags: string, shorts?: string]

// Flags: n = namespaced, s = has a status subresource, a = in category `all`, x = in category
// `api-extensions`.
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
