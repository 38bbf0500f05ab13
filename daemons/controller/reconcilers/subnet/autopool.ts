// The pool that is created for an application from a SpiderSubnet: name, labels and spec, and the
// owner of an existing one.
import {
  ANNOTATION_IP_NUMBER,
  FINALIZER,
  LABEL_APPLICATION_GV,
  LABEL_APPLICATION_KIND,
  LABEL_APPLICATION_NAME,
  LABEL_APPLICATION_NAMESPACE,
  LABEL_APPLICATION_UID,
  LABEL_INTERFACE,
  LABEL_IP_VERSION,
  LABEL_OWNER_SUBNET,
  LABEL_POOL_CIDR,
  LABEL_RECLAIM,
  SPIDERPOOL_API,
} from '../../../../lib/crd/names.js'
import { cidrLabel } from '../../../../lib/crd/ippool.js'
import type { OwnerReference, SpiderIPPool, SpiderSubnet } from '../../../../lib/crd/types.js'
import type { Family } from '../../../../lib/ip/address.js'
import { formatRanges, type Ranges } from '../../../../lib/ip/range.js'
import { labelsOfPool } from '../../../../lib/ipam/pools/subnet.js'
import type { Application, ApplicationIdentity } from '../application/decide.js'

/** A request for one pool: one for each interface and family of an application. */
export interface AutoPoolRequest {
  readonly application: Application
  readonly nic: string
  readonly family: Family
}

/** The application's pool requests on this subnet, of the enabled families. */
export const autoPoolRequestsFor = (
  application: Application,
  subnet: string,
  families: readonly Family[],
): readonly AutoPoolRequest[] =>
  application.items.flatMap(({ nic, subnets }) =>
    [...subnets]
      .filter(([family, name]) => name === subnet && families.includes(family))
      .map(([family]) => ({ application, nic, family })),
  )

const NAME_LENGTH_MAX = 253 // DNS-1123 subdomain
const UID_LETTERS = 5

/**
 * `auto4-app-eth0-9a2b3`: characters that are invalid in a name become `-`, and the application's
 * name is cut to fit.
 */
export function autoPoolName({ application, nic, family }: AutoPoolRequest): string {
  const clean = (text: string): string => text.toLowerCase().replace(/[^a-z0-9.-]/g, '-')
  const uid = (application.uid.split('-').at(-1) ?? '').slice(0, UID_LETTERS)
  const ending = `-${clean(nic)}-${uid}`
  const beginning = `auto${family}-`
  return beginning + clean(application.name).slice(0, NAME_LENGTH_MAX - beginning.length - ending.length) + ending
}

const ownerOf = ({ apiVersion, kind, name, uid }: ApplicationIdentity) => ({ apiVersion, kind, name, uid })

/**
 * `apps_v1_Deployment_default_app`, of the core group `v1_Pod_default_app`: the application's name
 * in the subnet's status.
 */
export const applicationText = ({ apiVersion, kind, namespace, name }: ApplicationIdentity): string =>
  [apiVersion.replace('/', '_'), kind, namespace, name].join('_')

/** The application in the pool's labels; undefined for a pool that was not created for one. */
export function identityOfPool({ metadata: { labels = {} } }: SpiderIPPool): ApplicationIdentity | undefined {
  const name = labels[LABEL_APPLICATION_NAME]
  if (name === undefined) return undefined
  return {
    apiVersion: (labels[LABEL_APPLICATION_GV] ?? '').replace('_', '/'),
    kind: labels[LABEL_APPLICATION_KIND] ?? '',
    namespace: labels[LABEL_APPLICATION_NAMESPACE] ?? '',
    name,
    uid: labels[LABEL_APPLICATION_UID] ?? '',
  }
}

/** Whether the pool is deleted with its application; a label may forbid it. */
export const isReclaimed = ({ metadata }: SpiderIPPool): boolean => metadata.labels?.[LABEL_RECLAIM] !== 'false'

/**
 * Equal for a request and the pools that may serve it: application by kind and name, interface,
 * family.
 */
export const matchKeyOf = ({ application, nic, family }: AutoPoolRequest): string =>
  [applicationText(application), nic, `IPv${family}`].join(' ')

/** The matchKeyOf of an existing pool, by its labels. */
export function matchKeyOfPool(pool: SpiderIPPool): string {
  const { labels = {} } = pool.metadata
  const identity = identityOfPool(pool)
  return [identity ? applicationText(identity) : '', labels[LABEL_INTERFACE], labels[LABEL_IP_VERSION]].join(' ')
}

/**
 * Whether the pool serves this request. A pool that outlives its application serves the next one of
 * the same name.
 */
export const isFor = (pool: SpiderIPPool, request: AutoPoolRequest): boolean =>
  matchKeyOfPool(pool) === matchKeyOf(request) &&
  (identityOfPool(pool)?.uid === request.application.uid || !isReclaimed(pool))

/** The labels of a pool for this request. */
export function labelsForRequest(
  { application, nic, family }: AutoPoolRequest,
  subnet: string,
): Readonly<Record<string, string>> {
  const owner = { namespace: application.namespace, owner: ownerOf(application) }
  return { ...labelsOfPool(subnet, nic, family, owner), [LABEL_RECLAIM]: `${application.reclaims}` }
}

/** The SpiderSubnet as controller of its pools: they are deleted with it. */
export const controllerReference = ({ metadata: { name, uid = '' } }: SpiderSubnet): OwnerReference => ({
  apiVersion: SPIDERPOOL_API,
  kind: 'SpiderSubnet',
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
})

/** Matched with the pod's controller (lib/ipam/pools/filter-rules.ts); no pod has such labels. */
function affinityOf({ apiVersion, kind, namespace, name }: ApplicationIdentity): SpiderIPPool['spec']['podAffinity'] {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return {
    matchLabels: {
      'ipam.spidernet.io/app-api-group': group,
      'ipam.spidernet.io/app-api-version': version,
      'ipam.spidernet.io/app-kind': kind,
      'ipam.spidernet.io/app-namespace': namespace,
      'ipam.spidernet.io/app-name': name,
    },
  }
}

/** The object of a new pool. */
export function newAutoPool(
  name: string,
  request: AutoPoolRequest,
  subnet: SpiderSubnet,
  ranges: Ranges,
): SpiderIPPool {
  const { subnet: network, gateway, routes } = subnet.spec
  return {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderIPPool',
    metadata: {
      name,
      labels: { ...labelsForRequest(request, subnet.metadata.name), [LABEL_POOL_CIDR]: cidrLabel(network) },
      annotations: { [ANNOTATION_IP_NUMBER]: request.application.number },
      finalizers: [FINALIZER],
      ownerReferences: [controllerReference(subnet)],
    },
    spec: {
      ipVersion: request.family,
      subnet: network,
      ips: formatRanges(ranges, request.family),
      ...(gateway !== undefined && { gateway }),
      ...(routes !== undefined && { routes }),
      podAffinity: affinityOf(request.application) ?? {},
    },
  }
}
