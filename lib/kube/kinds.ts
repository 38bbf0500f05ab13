// The API kinds that Spiderpool reads and writes, and their paths.
import { SPIDERPOOL_GROUP, SPIDERPOOL_VERSION } from '../crd/names.js'

export interface Kind {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** Of a request that is answered and not stored: its response need not have metadata.name. */
  readonly isNameless?: boolean
}

type Names = readonly [group: string, version: string]

const namespaced = ([group, version]: Names, kind: string, plural: string): Kind => {
  return { group, version, kind, plural, namespaced: true }
}
const clusterWide = ([group, version]: Names, kind: string, plural: string): Kind => {
  return { group, version, kind, plural, namespaced: false }
}

const core: Names = ['', 'v1']
const apps: Names = ['apps', 'v1']
const batch: Names = ['batch', 'v1']
const spiderpool: Names = [SPIDERPOOL_GROUP, SPIDERPOOL_VERSION]

export const NAMESPACES = clusterWide(core, 'Namespace', 'namespaces')
export const NODES = clusterWide(core, 'Node', 'nodes')
export const PODS = namespaced(core, 'Pod', 'pods')
export const SERVICES = namespaced(core, 'Service', 'services')
export const CONFIGMAPS = namespaced(core, 'ConfigMap', 'configmaps')
export const SECRETS = namespaced(core, 'Secret', 'secrets')
/** core/v1 Endpoints, the predecessor of EndpointSlice. */
export const SERVICE_ENDPOINTS = namespaced(core, 'Endpoints', 'endpoints')
export const EVENTS = namespaced(core, 'Event', 'events')
export const SERVICEACCOUNTS = namespaced(core, 'ServiceAccount', 'serviceaccounts')
export const DEPLOYMENTS = namespaced(apps, 'Deployment', 'deployments')
export const REPLICASETS = namespaced(apps, 'ReplicaSet', 'replicasets')
export const STATEFULSETS = namespaced(apps, 'StatefulSet', 'statefulsets')
export const DAEMONSETS = namespaced(apps, 'DaemonSet', 'daemonsets')
export const JOBS = namespaced(batch, 'Job', 'jobs')
export const CRONJOBS = namespaced(batch, 'CronJob', 'cronjobs')
export const LEASES = namespaced(['coordination.k8s.io', 'v1'], 'Lease', 'leases')
export const SERVICECIDRS = clusterWide(['networking.k8s.io', 'v1'], 'ServiceCIDR', 'servicecidrs')
const admission: Names = ['admissionregistration.k8s.io', 'v1']
export const MUTATING_WEBHOOKS = clusterWide(admission, 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations')
export const VALIDATING_WEBHOOKS = clusterWide(
  admission,
  'ValidatingWebhookConfiguration',
  'validatingwebhookconfigurations',
)
export const CRDS = clusterWide(['apiextensions.k8s.io', 'v1'], 'CustomResourceDefinition', 'customresourcedefinitions')
export const NADS = namespaced(
  ['k8s.cni.cncf.io', 'v1'],
  'NetworkAttachmentDefinition',
  'network-attachment-definitions',
)
export const VIRTUALMACHINES = namespaced(['kubevirt.io', 'v1'], 'VirtualMachine', 'virtualmachines')
export const VIRTUALMACHINEINSTANCES = namespaced(
  ['kubevirt.io', 'v1'],
  'VirtualMachineInstance',
  'virtualmachineinstances',
)
export const SPIDER_IPPOOLS = clusterWide(spiderpool, 'SpiderIPPool', 'spiderippools')
export const SPIDER_SUBNETS = clusterWide(spiderpool, 'SpiderSubnet', 'spidersubnets')
export const SPIDER_RESERVEDIPS = clusterWide(spiderpool, 'SpiderReservedIP', 'spiderreservedips')
export const SPIDER_IPADDRESSES = clusterWide(spiderpool, 'SpiderIPAddress', 'spideripaddresses')
export const SPIDER_ENDPOINTS = namespaced(spiderpool, 'SpiderEndpoint', 'spiderendpoints')
export const SPIDER_COORDINATORS = clusterWide(spiderpool, 'SpiderCoordinator', 'spidercoordinators')
export const SPIDER_MULTUSCONFIGS = namespaced(spiderpool, 'SpiderMultusConfig', 'spidermultusconfigs')

/** The apiVersion of a kind: `v1`, `apps/v1`. */
export const apiVersionOf = ({ group, version }: Kind): string => (group === '' ? version : `${group}/${version}`)

export interface ObjectKey {
  readonly namespace?: string
  readonly name: string
}

/** The path of a collection; of all namespaces if a namespaced kind is given none. */
export function collectionPath({ group, version, plural, namespaced: inNamespace }: Kind, namespace?: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  return inNamespace && namespace !== undefined && namespace !== ''
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${root}/${plural}`
}

/** The path of an object; names are percent-encoded. */
export const objectPath = (kind: Kind, { namespace, name }: ObjectKey): string =>
  `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`

/** `?a=b&c=d` of the values that are set; '' if none is. */
export function query(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  let text = ''
  for (const [key, value] of Object.entries(values))
    if (value !== undefined && value !== '') text += `${text === '' ? '?' : '&'}${key}=${encodeURIComponent(value)}`
  return text
}
