// Reads what `doctor` decides on: each read once; a denied one is named and left out.
import type { SpiderCoordinator } from '../../../lib/crd/coordinator.js'
import type { SpiderIPPool, SpiderReservedIP, SpiderSubnet } from '../../../lib/crd/types.js'
import { AGENT, LABEL_COMPONENT, SPIDERPOOL_GROUP } from '../../../lib/crd/names.js'
import { COORDINATOR_NAME } from '../../../lib/coordinator/cluster-config.js'
import { messageOf } from '../../../lib/errors.js'
import { isForbidden, isNotFound, KubeError } from '../../../lib/kube/errors.js'
import {
  CONFIGMAPS,
  CRDS,
  LEASES,
  MUTATING_WEBHOOKS,
  NADS,
  NAMESPACES,
  NODES,
  PODS,
  SECRETS,
  SERVICE_ENDPOINTS,
  SPIDER_COORDINATORS,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
  SPIDER_SUBNETS,
  VALIDATING_WEBHOOKS,
  type Kind,
  type ObjectKey,
} from '../../../lib/kube/kinds.js'
import { certificatesIn, factsOf } from '../../../lib/x509.js'
import type { Cluster } from '../cluster.js'
import { installation } from '../installation.js'
import type { NodeAddresses } from '../pool/decide.js'
import { CtlError } from '../status.js'
import { NEEDED_CRDS } from './decide.js'
import type {
  DoctorPod,
  ClusterFacts,
  CrdObject,
  LabelledObject,
  LeaseObject,
  NadObject,
  WebhookConfigObject,
} from './facts.js'

const LEASE = 'spiderpool-controller-leases'
const CERTIFICATES = 'spiderpool-controller-server-certs'

/** The rights that were lacking, and reads that note them. */
class Reader {
  readonly lacking = new Set<string>()
  readonly #cluster: Cluster
  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Undefined where it is denied. */
  async list<T>(kind: Kind, options: object = {}): Promise<readonly T[] | undefined> {
    return this.#unlessDenied('list', kind, async () => {
      try {
        return await this.#cluster.all<T>(kind, options)
      } catch (error) {
        if (error instanceof CtlError && isNotFound(error.cause)) return [] // not served
        throw error
      }
    })
  }

  /** Null where it does not exist; undefined where it is denied. */
  async get<T>(kind: Kind, ref: ObjectKey): Promise<T | null | undefined> {
    return this.#unlessDenied('get', kind, async () => {
      try {
        return (await this.#cluster.find<T>(kind, ref)) ?? null
      } catch (error) {
        if (error instanceof CtlError && isNotFound(error.cause)) return null
        throw error
      }
    })
  }

  async #unlessDenied<T>(verb: string, { plural, group }: Kind, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!isForbidden(error)) throw error
      this.lacking.add(`${verb} ${plural}${group === '' ? '' : `.${group}`}`)
      return undefined
    }
  }
}

/** The facts of the cluster. Writes nothing: the pool that admission judges is a dry run. */
export async function clusterFacts(cluster: Cluster): Promise<ClusterFacts> {
  const reader = new Reader(cluster)
  const { agentNamespace, clusterNetwork, hasAgents } = await installation(cluster)
  const [
    crds,
    hooks,
    lease,
    agents,
    nodes,
    namespaces,
    coordinator,
    kubeadm,
    nads,
    pools,
    subnets,
    reserved,
    admission,
  ] = await Promise.all([
    crdsOf(reader),
    webhooksOf(reader),
    reader.get<LeaseObject>(LEASES, { namespace: agentNamespace, name: LEASE }),
    reader.list<DoctorPod>(PODS, { labelSelector: `${LABEL_COMPONENT}=${AGENT}` }),
    reader.list<NodeAddresses & LabelledObject>(NODES),
    reader.list<LabelledObject>(NAMESPACES, { metadataOnly: true }),
    reader.get<SpiderCoordinator>(SPIDER_COORDINATORS, { name: COORDINATOR_NAME }),
    reader.get(CONFIGMAPS, { namespace: 'kube-system', name: 'kubeadm-config' }),
    reader.list<NadObject>(NADS),
    reader.list<SpiderIPPool>(SPIDER_IPPOOLS),
    reader.list<SpiderSubnet>(SPIDER_SUBNETS),
    reader.list<SpiderReservedIP>(SPIDER_RESERVEDIPS),
    admissionOf(cluster),
  ])
  return {
    ...{ now: Date.now(), crds, webhooks: hooks, lease, agents, hasAgents, nodes, namespaces, coordinator },
    ...{ nads, pools, subnets, reserved, admission, agentNamespace, clusterNetwork },
    endpoints: await endpointsOf(hooks ?? [], reader),
    certificates: [...authoritiesIn(hooks ?? []), ...(await servedCertificate(hooks ?? [], agentNamespace, reader))],
    hasKubeadmConfig: kubeadm === undefined ? undefined : kubeadm !== null,
    lacking: [...reader.lacking].sort(),
  }
}

async function crdsOf(reader: Reader): Promise<ClusterFacts['crds']> {
  const found = await Promise.all(
    NEEDED_CRDS.map(async name => [name, await reader.get<CrdObject>(CRDS, { name })] as const),
  )
  const read = found.flatMap(([name, crd]) => (crd === undefined ? [] : [[name, crd] as const]))
  return read.length === 0 ? undefined : Object.fromEntries(read)
}

async function webhooksOf(reader: Reader): Promise<readonly WebhookConfigObject[] | undefined> {
  const lists = await Promise.all([
    reader.list<WebhookConfigObject>(VALIDATING_WEBHOOKS),
    reader.list<WebhookConfigObject>(MUTATING_WEBHOOKS),
  ])
  if (lists.includes(undefined)) return undefined
  return lists
    .flatMap(list => list ?? [])
    .filter(({ webhooks = [] }) => webhooks.some(({ name }) => name.endsWith(SPIDERPOOL_GROUP)))
}

const servicesOf = (hooks: readonly WebhookConfigObject[]): readonly string[] => [
  ...new Set(
    hooks.flatMap(({ webhooks = [] }) =>
      webhooks.flatMap(({ clientConfig }) =>
        clientConfig?.service ? [`${clientConfig.service.namespace}/${clientConfig.service.name}`] : [],
      ),
    ),
  ),
]

interface Endpoints {
  readonly subsets?: readonly { readonly addresses?: readonly unknown[] }[]
}

async function endpointsOf(hooks: readonly WebhookConfigObject[], reader: Reader): Promise<ClusterFacts['endpoints']> {
  const counted = await Promise.all(
    servicesOf(hooks).map(async service => {
      const [namespace = '', name = ''] = service.split('/')
      const object = await reader.get<Endpoints>(SERVICE_ENDPOINTS, { namespace, name })
      const count = (object?.subsets ?? []).reduce((sum, { addresses = [] }) => sum + addresses.length, 0)
      return [service, object === undefined ? undefined : count] as const
    }),
  )
  return Object.fromEntries(counted)
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString()

const expiries = (of: string, pem: string): ClusterFacts['certificates'] =>
  certificatesIn(pem).flatMap(one => {
    const facts = factsOf(one)
    return facts ? [{ of, notAfter: facts.validity.toMs }] : []
  })

const authoritiesIn = (hooks: readonly WebhookConfigObject[]): ClusterFacts['certificates'] =>
  hooks.flatMap(({ metadata, webhooks = [] }) => {
    const bundles = new Set(webhooks.flatMap(({ clientConfig }) => clientConfig?.caBundle ?? []))
    return [...bundles].flatMap(bundle => expiries(`caBundle of ${metadata.name}`, decoded(bundle)))
  })

/** Only where there are webhooks: a Secret is not read without need. */
async function servedCertificate(
  hooks: readonly WebhookConfigObject[],
  namespace: string,
  reader: Reader,
): Promise<ClusterFacts['certificates']> {
  if (servicesOf(hooks).length === 0) return []
  const secret = await reader.get<{ readonly data?: Readonly<Record<string, string>> }>(SECRETS, {
    namespace,
    name: CERTIFICATES,
  })
  const pem = secret?.data?.['tls.crt']
  return pem === undefined ? [] : expiries(`secret/${CERTIFICATES}`, decoded(pem))
}

/** A valid pool as a dry run: the webhooks answer it, and nothing is stored. */
async function admissionOf({ kube }: Cluster): Promise<ClusterFacts['admission']> {
  const metadata = { name: 'spiderpoolctl-doctor' }
  try {
    // TEST-NET-1 of RFC 5737; without addresses, so that it overlaps with no pool.
    await kube.create(SPIDER_IPPOOLS, { metadata, spec: { subnet: '192.0.2.0/24', ips: [] } }, { dryRun: true })
    return { kind: 'admitted', message: '' }
  } catch (error) {
    const isWebhook =
      error instanceof KubeError && /webhook/.test(error.message) && !/denied the request/.test(error.message)
    return { kind: isWebhook ? 'failed' : 'unknown', message: messageOf(error) }
  }
}
