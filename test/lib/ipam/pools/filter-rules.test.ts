// The filter rules of pools: each rule, their order, the reasons.
import t from 'tap'
import { byPriority, dropReason, isOfNetwork, type PodFacts } from '../../../../lib/ipam/pools/filter-rules.js'
import { ip } from '../../../../lib/ip/address.js'
import type { SpiderIPPool } from '../../../../lib/crd/types.js'

const facts: PodFacts = {
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

const APPLICATION = 'ipam.spidernet.io/owner-application-name'

function ofApplication(name: string, { group = 'apps', kind = 'Deployment' } = {}): SpiderIPPool {
  const key = 'ipam.spidernet.io/app'
  const matchLabels = {
    [`${key}-api-group`]: group,
    [`${key}-api-version`]: 'v1',
    [`${key}-kind`]: kind,
    [`${key}-namespace`]: 'default',
    [`${key}-name`]: name,
  }
  return pool({ podAffinity: { matchLabels }, multusName: ['a/b'] }, { labels: { [APPLICATION]: name } })
}

const OTHER_APPLICATION = 'was made for another application'
const ofCore = ofApplication('web', { group: '', kind: 'ReplicationController' })
const controller = { apiVersion: 'v1', kind: 'ReplicationController', name: 'web' }
const noneKnown: Partial<PodFacts> = { network: { unknown: 'no annotation says which' } }
const IS_OTHER_NODE = 'is for other nodes (spec.nodeName n2, n3), not n1'
const NODE_LABELS = 'does not match node n1 (spec.nodeAffinity)'
const NAMESPACE_LABELS = 'does not match namespace default (spec.namespaceAffinity)'
const POD_LABELS = 'does not match the labels of the pod (spec.podAffinity)'
const zone = (value: string) => ({ matchLabels: { zone: value } })
const team = (operator: string) => ({ matchExpressions: [{ key: 'team', operator, values: ['x'] }] })

type Row = readonly [of: string, pool: SpiderIPPool, why: string | undefined, facts?: Partial<PodFacts>]
const rules: readonly Row[] = [
  ['a pool for everybody', pool({}), undefined],
  ['a pool that is being deleted', pool({ disable: true }, { deletionTimestamp: 'x' }), 'is being deleted'],
  ['a disabled pool', pool({ disable: true, ipVersion: 6 }), 'is disabled (spec.disable)'],
  ['a pool that is not disabled', pool({ disable: false }), undefined],
  ['a pool of the other family', pool({ ipVersion: 6, nodeName: ['n2'] }), 'is IPv6, not IPv4'],
  ['a pool of the other family, by its subnet', pool({ subnet: 'fd00::/64' }), 'is IPv6, not IPv4'],
  ['a pool of no family', pool({ ipVersion: 5 as number as 6 }), 'is IPv? (spec.ipVersion 5), not IPv4'],
  ['an IPv6 pool for IPv6', pool({ ipVersion: 6, subnet: 'fd00::/64' }), undefined, { family: 6 }],
  ['a pool for the node of the pod', pool({ nodeName: ['n2', 'n1'] }), undefined],
  ['a pool for other nodes', pool({ nodeName: ['n2', 'n3'], namespaceName: ['x'] }), IS_OTHER_NODE],
  [
    'a pool for a node, and a pod without',
    pool({ nodeName: ['n2'] }),
    'is for other nodes (spec.nodeName n2), not (none)',
    { nodeName: '' },
  ],
  ['a pool that lists no node', pool({ nodeName: [], nodeAffinity: zone('a') }), undefined],
  ['a pool for labels of the node', pool({ nodeAffinity: zone('b') }), NODE_LABELS],
  ['a pool that lists no node, for labels', pool({ nodeName: [], nodeAffinity: zone('b') }), NODE_LABELS],
  ['a pool for any node', pool({ nodeAffinity: {} }), undefined],
  ['a pool whose nodes count before its labels', pool({ nodeName: ['n1'], nodeAffinity: zone('b') }), undefined],
  ['a pool for the Namespace of the pod', pool({ namespaceName: ['a', 'default'] }), undefined],
  [
    'a pool for other Namespaces',
    pool({ namespaceName: ['a', 'b'], podAffinity: { matchLabels: { app: 'db' } } }),
    'is for other namespaces (spec.namespaceName a, b), not default',
  ],
  ['a pool for labels of other Namespaces', pool({ namespaceAffinity: team('NotIn') }), NAMESPACE_LABELS],
  ['a pool for labels of the Namespace', pool({ namespaceAffinity: team('In') }), undefined],
  [
    'a pool that lists no Namespace, for labels',
    pool({ namespaceName: [], namespaceAffinity: team('NotIn') }),
    NAMESPACE_LABELS,
  ],
  [
    'a pool whose Namespaces count before its labels',
    pool({ namespaceName: ['default'], namespaceAffinity: team('NotIn') }),
    undefined,
  ],
  ['a pool for labels of the pod', pool({ podAffinity: { matchLabels: { app: 'web' } } }), undefined],
  [
    'a pool for labels of other pods',
    pool({ podAffinity: { matchLabels: { app: 'db' } }, multusName: ['a/b'] }),
    POD_LABELS,
  ],
  ["a pool of the pod's own application, whatever its network", ofApplication('web'), undefined, noneKnown],
  ['a pool of another application', ofApplication('db'), `${OTHER_APPLICATION} (apps v1 Deployment default db)`],
  [
    'a pool of an application of another kind',
    ofApplication('web', { kind: 'DaemonSet' }),
    `${OTHER_APPLICATION} (apps v1 DaemonSet default web)`,
  ],
  [
    'a pool of an application in another group',
    ofApplication('web', { group: 'x' }),
    `${OTHER_APPLICATION} (x v1 Deployment default web)`,
  ],
  [
    'a pool of an application in another version',
    ofApplication('web'),
    `${OTHER_APPLICATION} (apps v1 Deployment default web)`,
    { owner: { ...facts.owner, apiVersion: 'apps/v2' } },
  ],
  [
    'a pool of an application in another Namespace',
    ofApplication('web'),
    `${OTHER_APPLICATION} (apps v1 Deployment default web)`,
    { namespace: 'other' },
  ],
  ["a pool of a core controller's", ofCore, undefined, { owner: controller }],
  [
    "a pool of a core controller's, and another pod",
    ofCore,
    `${OTHER_APPLICATION} (v1 ReplicationController default web)`,
  ],
  [
    'a pool that says of no application which',
    pool({}, { labels: { [APPLICATION]: 'web' } }),
    `${OTHER_APPLICATION} ()`,
  ],
  ['a pool for the network', pool({ multusName: ['a/b', 'kube-system/macvlan-conf'] }), undefined],
  ["a pool for the network, in the agent's Namespace", pool({ multusName: ['macvlan-conf'] }), undefined],
  [
    'a pool for other networks',
    pool({ multusName: ['a/b', 'c'] }),
    'is for network a/b, kube-system/c (spec.multusName), not kube-system/macvlan-conf',
  ],
  [
    'a pool for a network, and none is known',
    pool({ multusName: ['a/b'] }),
    'is for network a/b (spec.multusName), and no annotation says which',
    noneKnown,
  ],
  ['a pool for every network, and none is known', pool({ multusName: [] }), undefined, noneKnown],
  ["a pool of the master's subnet", pool({}), undefined, { master: [ip('192.168.1.1'), ip('10.255.255.255')] }],
  [
    "a pool of another subnet than the master's",
    pool({}),
    'has subnet 10.0.0.0/8, and the master has 192.168.1.1, 11.0.0.0 (match_master_subnet)',
    { master: [ip('192.168.1.1'), ip('11.0.0.0')] },
  ],
  [
    'a pool and a master without addresses',
    pool({}),
    'has subnet 10.0.0.0/8, and the master has no address (match_master_subnet)',
    { master: [] },
  ],
  [
    'a pool whose subnet is no CIDR',
    pool({ subnet: '10.0.0.0' }),
    'has subnet 10.0.0.0, and the master has 10.0.0.1 (match_master_subnet)',
    { master: [ip('10.0.0.1')] },
  ],
  [
    'a pool and no master',
    pool({}),
    "is to match the master's subnet (match_master_subnet), and net1 is no VF",
    { master: { unknown: 'net1 is no VF' } },
  ],
  [
    'a pool for the network, whatever the master has',
    pool({ multusName: ['macvlan-conf'] }),
    undefined,
    { master: [ip('192.168.1.1')] },
  ],
]
for (const [of, object, why, more] of rules)
  t.test(`dropReason() of ${of}: ${why === undefined ? 'none' : 'a reason'}`, async t =>
    t.strictSame(dropReason(object, { ...facts, ...more }), why),
  )

const networks: readonly (readonly [
  of: string,
  spec: Partial<SpiderIPPool['spec']>,
  facts: Partial<PodFacts>,
  is: boolean,
])[] = [
  ['a pool for every network', {}, {}, true],
  ['a pool for the network', { multusName: ['macvlan-conf'] }, {}, true],
  ['a pool for another network', { multusName: ['other'] }, {}, false],
  ['a pool for another network where none is known', { multusName: ['other'] }, noneKnown, true],
  ["a pool of the master's subnet", {}, { master: [ip('10.1.1.1')] }, true],
  ["a pool of another subnet than the master's", {}, { master: [ip('11.1.1.1')] }, false],
  ['a pool and no master', {}, { master: { unknown: 'net1 is no VF' } }, true],
]
for (const [of, spec, more, is] of networks)
  t.test(`isOfNetwork() of ${of} is ${is}`, async t => t.strictSame(isOfNetwork(pool(spec), { ...facts, ...more }), is))

const named = (name: string, spec: Partial<SpiderIPPool['spec']> = {}): SpiderIPPool => pool(spec, { name })
const orders: readonly (readonly [does: string, pools: readonly SpiderIPPool[], order: readonly string[]])[] = [
  ['keeps none', [], []],
  ['keeps what is sorted', [named('node', { nodeName: ['n1'] }), named('all')], ['node', 'all']],
  ["keeps the user's order among equals", [named('z'), named('a'), named('m')], ['z', 'a', 'm']],
  [
    'sorts by what a pool is made for',
    [
      named('all'),
      named('multus', { multusName: ['x'] }),
      named('namespace-labels', { namespaceAffinity: {} }),
      named('namespace', { namespaceName: ['default'] }),
      named('node-labels', { nodeAffinity: {} }),
      named('node', { nodeName: ['n1'] }),
      named('pod', { podAffinity: {} }),
    ],
    ['pod', 'node', 'node-labels', 'namespace', 'namespace-labels', 'multus', 'all'],
  ],
  [
    'goes by the first field that only one has',
    [named('node', { nodeName: ['n1'] }), named('both', { nodeName: ['n1'], multusName: ['x'] })],
    ['both', 'node'],
  ],
  [
    'takes an empty list for none',
    [named('empty', { nodeName: [], multusName: [] }), named('multus', { multusName: ['x'] })],
    ['multus', 'empty'],
  ],
]
for (const [does, pools, order] of orders)
  t.test(`byPriority() ${does}`, async t => {
    t.strictSame(
      byPriority(pools).map(({ metadata }) => metadata.name),
      order,
    )
  })

t.test('byPriority() does not change its argument', async t => {
  const pools = [named('all'), named('node', { nodeName: ['n1'] })]
  byPriority(pools)
  t.strictSame(
    pools.map(({ metadata }) => metadata.name),
    ['all', 'node'],
  )
})
