// Which pools a call may use: sources, rules, order, and the sentences of a refusal.
import t from 'tap'
import { byPriority, dropped, type Asker } from '../../../lib/ipam/filter.js'
import { networkOf } from '../../../lib/ipam/network.js'
import { ip } from '../../../lib/ip/address.js'
import type { Pod, SpiderIPPool } from '../../../lib/crd/types.js'

const podWith = (annotations: Record<string, string>): Pod => ({
  metadata: { name: 'p', namespace: 'default', annotations },
})

const asker: Asker = {
  family: 4,
  nodeName: 'n1',
  nodeLabels: { zone: 'a' },
  namespace: 'default',
  namespaceLabels: { team: 'x' },
  podLabels: { app: 'web' },
  network: { name: 'kube-system/macvlan-conf' },
  agentNamespace: 'kube-system',
  owner: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
  master: undefined,
}
const pool = (spec: Partial<SpiderIPPool['spec']>, metadata: Partial<SpiderIPPool['metadata']> = {}): SpiderIPPool => ({
  metadata: { name: 'p', ...metadata },
  spec: { subnet: '10.0.0.0/8', ...spec },
})

function ofApplication(name: string, { group = 'apps', kind = 'Deployment' } = {}): SpiderIPPool {
  const key = 'ipam.spidernet.io/app'
  const matchLabels = {
    [`${key}-api-group`]: group,
    [`${key}-api-version`]: 'v1',
    [`${key}-kind`]: kind,
    [`${key}-namespace`]: 'default',
    [`${key}-name`]: name,
  }
  return pool(
    { podAffinity: { matchLabels }, multusName: ['a/b'] },
    { labels: { 'ipam.spidernet.io/owner-application-name': name } },
  )
}

const rules: readonly { name: string; pool: SpiderIPPool; asker?: Partial<Asker>; why: RegExp | undefined }[] = [
  { name: 'a plain pool', pool: pool({}), why: undefined },
  { name: 'terminating', pool: pool({}, { deletionTimestamp: 'x' }), why: /being deleted/ },
  { name: 'disabled', pool: pool({ disable: true }), why: /disabled/ },
  { name: 'other family', pool: pool({ ipVersion: 6 }), why: /is IPv6, not IPv4/ },
  { name: 'family from the subnet', pool: pool({ subnet: 'fd00::/64' }), why: /is IPv6, not IPv4/ },
  { name: 'own node', pool: pool({ nodeName: ['n1'] }), why: undefined },
  { name: 'other node', pool: pool({ nodeName: ['n2'] }), why: /other nodes \(spec.nodeName n2\), not n1$/ },
  { name: 'node labels', pool: pool({ nodeAffinity: { matchLabels: { zone: 'b' } } }), why: /node n1/ },
  {
    name: 'names win over labels',
    pool: pool({ nodeName: ['n1'], nodeAffinity: { matchLabels: { zone: 'b' } } }),
    why: undefined,
  },
  { name: 'other namespace', pool: pool({ namespaceName: ['kube-system'] }), why: /other namespaces .*, not default$/ },
  {
    name: 'namespace labels',
    pool: pool({ namespaceAffinity: { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['x'] }] } }),
    why: /namespace default/,
  },
  {
    name: 'pod labels match',
    pool: pool({ podAffinity: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } }),
    why: undefined,
  },
  { name: 'pod labels do not', pool: pool({ podAffinity: { matchLabels: { app: 'db' } } }), why: /labels of the pod/ },
  { name: 'own network', pool: pool({ multusName: ['kube-system/macvlan-conf'] }), why: undefined },
  { name: 'own network, short', pool: pool({ multusName: ['macvlan-conf'] }), why: undefined },
  {
    name: 'other network',
    pool: pool({ multusName: ['a/b'] }),
    why: /is for network a\/b \(spec.multusName\), not kube-system\/macvlan-conf/,
  },
  {
    name: 'no network known',
    pool: pool({ multusName: ['a/b'] }),
    asker: { network: { unknown: 'nobody says' } },
    why: /and nobody says/,
  },
  {
    name: "a pool of the pod's own application",
    pool: ofApplication('web'),
    asker: { network: { unknown: 'nobody says' } },
    why: undefined,
  },
  { name: 'a pool of another application', pool: ofApplication('db'), why: /made for another application/ },
  {
    name: "a pool of a core controller's",
    pool: ofApplication('web', { group: '', kind: 'ReplicationController' }),
    asker: { owner: { apiVersion: 'v1', kind: 'ReplicationController', name: 'web' } },
    why: undefined,
  },
  { name: "in the master's subnet", pool: pool({}), asker: { master: [ip('10.1.2.3')] }, why: undefined },
  {
    name: "not in the master's subnet",
    pool: pool({}),
    asker: { master: [ip('192.168.1.1')] },
    why: /has subnet 10\.0\.0\.0\/8, and the master has 192\.168\.1\.1 \(match_master_subnet\)/,
  },
  { name: 'no master known', pool: pool({}), asker: { master: { unknown: 'it is no VF' } }, why: /and it is no VF/ },
  {
    name: 'its own network is enough, whatever the master has',
    pool: pool({ multusName: ['macvlan-conf'] }),
    asker: { master: [ip('192.168.1.1')] },
    why: undefined,
  },
  {
    name: 'no network known, none wanted',
    pool: pool({}),
    asker: { network: { unknown: 'nobody says' } },
    why: undefined,
  },
]
for (const { name, pool, asker: other, why } of rules)
  t.test(name, t => {
    const said = dropped(pool, { ...asker, ...other })
    if (why === undefined) t.strictSame(said, undefined)
    else t.match(said, why)
    t.end()
  })

t.test("a pool made for somebody comes first, equal ones stay in the user's order", t => {
  const of = (name: string, spec: Partial<SpiderIPPool['spec']> = {}) => pool(spec, { name })
  const order = byPriority([of('z'), of('a'), of('node', { nodeName: ['n1'] }), of('pod', { podAffinity: {} })])
  t.strictSame(
    order.map(({ metadata }) => metadata.name),
    ['pod', 'node', 'z', 'a'],
  )
  t.end()
})

const where = { agentNamespace: 'kube-system', clusterNetwork: '' }
const networks: readonly { nic: string; annotations: Record<string, string>; is: unknown; cluster?: string }[] = [
  {
    nic: 'eth0',
    annotations: { 'v1.multus-cni.io/default-network': 'kube-system/macvlan-conf' },
    is: { name: 'kube-system/macvlan-conf' },
  },
  {
    nic: 'eth0',
    annotations: { 'v1.multus-cni.io/default-network': 'macvlan-conf@eth0' },
    is: { name: 'kube-system/macvlan-conf' },
  },
  {
    nic: 'eth0',
    annotations: { 'v1.multus-cni.io/default-network': '[{"Name":"m","namespace":"n"}]' },
    is: { name: 'n/m' },
  },
  { nic: 'eth0', annotations: {}, cluster: 'x/y', is: { name: 'x/y' } },
  { nic: 'net1', annotations: { 'k8s.v1.cni.cncf.io/networks': 'a,other/b' }, is: { name: 'default/a' } },
  { nic: 'net2', annotations: { 'k8s.v1.cni.cncf.io/networks': 'a, other/b' }, is: { name: 'other/b' } },
  { nic: 'data', annotations: { 'k8s.v1.cni.cncf.io/networks': 'a,other/b@data' }, is: { name: 'other/b' } },
  {
    nic: 'ib0',
    annotations: { 'k8s.v1.cni.cncf.io/networks': '[{"name":"a","interface":"ib0"}]' },
    is: { name: 'default/a' },
  },
  { nic: 'net9', annotations: { 'k8s.v1.cni.cncf.io/networks': 'a' }, is: { unknown: /names no network for net9/ } },
  {
    nic: 'net1',
    annotations: { 'k8s.v1.cni.cncf.io/networks': '[{' },
    is: { unknown: /networks is "\[\{", which names no network for net1/ },
  },
  { nic: 'net1', annotations: {}, is: { unknown: /the pod has no annotation \S+networks that says/ } },
  { nic: 'eth0', annotations: {}, cluster: '[', is: { unknown: /^MULTUS_CLUSTER_NETWORK is "\["/ } },
  { nic: 'eth0', annotations: {}, is: { unknown: /no annotation v1.multus-cni.io\/default-network/ } },
]
for (const { nic, annotations, is, cluster } of networks)
  t.test(`${nic} with ${JSON.stringify(annotations)}`, t => {
    t.match(networkOf(podWith(annotations), { nic }, { ...where, clusterNetwork: cluster ?? '' }), is)
    t.end()
  })
