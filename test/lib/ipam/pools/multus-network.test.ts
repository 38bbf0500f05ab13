// Networks and interfaces of a pod, from Multus' annotations.
import t from 'tap'
import type { Pod } from '../../../../lib/crd/types.js'
import {
  interfaceCount,
  interfacesOf,
  isUnplugged,
  networkOf,
  type InterfaceRef,
} from '../../../../lib/ipam/pools/multus-network.js'

const DEFAULT = 'v1.multus-cni.io/default-network'
const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const STATUS = 'k8s.v1.cni.cncf.io/network-status'
const podWith = (annotations?: Record<string, string>): Pod => ({
  metadata: { name: 'p', namespace: 'default', ...(annotations && { annotations }) },
})
const where = { agentNamespace: 'kube-system', clusterNetwork: '' }
const unknown = (why: string) => ({ unknown: why })
const name = (is: string) => ({ name: is })

type Row = readonly [
  of: string,
  which: InterfaceRef,
  annotations: Record<string, string> | undefined,
  is: object,
  cluster?: string,
]
const eth0 = { nic: 'eth0' }
const NO_DEFAULT = unknown(`the pod has no annotation ${DEFAULT} that says which network eth0 is in`)
const rows: readonly Row[] = [
  ['eth0', eth0, { [DEFAULT]: 'kube-system/macvlan-conf' }, name('kube-system/macvlan-conf')],
  ['the first interface', { index: 0 }, { [DEFAULT]: 'a/b' }, name('a/b')],
  ["eth0 in the agent's Namespace", eth0, { [DEFAULT]: 'macvlan-conf@eth0' }, name('kube-system/macvlan-conf')],
  ['eth0 in JSON', eth0, { [DEFAULT]: '[{"Name":"m","namespace":"n"}]' }, name('n/m')],
  ['eth0 in a JSON object', eth0, { [DEFAULT]: '{"name":"m"}' }, name('kube-system/m')],
  ['eth0 of a list, which is its first', eth0, { [DEFAULT]: 'a/b, c/d' }, name('a/b')],
  ["eth0 in the cluster's network", eth0, {}, name('x/y'), 'x/y'],
  ["eth0, the annotation before the cluster's network", eth0, { [DEFAULT]: 'a/b' }, name('a/b'), 'x/y'],
  ['eth0 where the annotation is empty', eth0, { [DEFAULT]: '' }, NO_DEFAULT, 'x/y'],
  ['eth0 of a pod without annotations', eth0, undefined, NO_DEFAULT],
  [
    'eth0 where the annotation cannot be read',
    eth0,
    { [DEFAULT]: '[{' },
    unknown(`annotation ${DEFAULT} is "[{", which names no network`),
  ],
  [
    'eth0 where MULTUS_CLUSTER_NETWORK cannot be read',
    eth0,
    {},
    unknown('MULTUS_CLUSTER_NETWORK is "[", which names no network'),
    '[',
  ],
  ['net1', { nic: 'net1' }, { [NETWORKS]: 'a,other/b' }, name('default/a')],
  ['net2', { nic: 'net2' }, { [NETWORKS]: 'a, other/b' }, name('other/b')],
  ['the second interface', { index: 1 }, { [NETWORKS]: 'a, other/b' }, name('default/a')],
  ['an interface by the name that it is given', { nic: 'data' }, { [NETWORKS]: 'a,other/b@data' }, name('other/b')],
  [
    'an interface by its name in JSON',
    { nic: 'ib0' },
    { [NETWORKS]: '[{"name":"a","interface":"ib0"}]' },
    name('default/a'),
  ],
  ['a text in a JSON list', { nic: 'net2' }, { [NETWORKS]: '["a","n/b"]' }, name('n/b')],
  [
    'net1 where the first is called otherwise',
    { nic: 'net1' },
    { [NETWORKS]: 'a@data,b' },
    unknown(`annotation ${NETWORKS} is "a@data,b", which names no network for net1`),
  ],
  [
    'net9',
    { nic: 'net9' },
    { [NETWORKS]: 'a' },
    unknown(`annotation ${NETWORKS} is "a", which names no network for net9`),
  ],
  [
    'the third interface of two',
    { index: 2 },
    { [NETWORKS]: 'a' },
    unknown(`annotation ${NETWORKS} is "a", which names no network for interface 2 of the pod`),
  ],
  [
    'net1 where the annotation is no JSON',
    { nic: 'net1' },
    { [NETWORKS]: '[{' },
    unknown(`annotation ${NETWORKS} is "[{", which names no network for net1`),
  ],
  [
    'net1 of a pod without the annotation',
    { nic: 'net1' },
    {},
    unknown(`the pod has no annotation ${NETWORKS} that says which network net1 is in`),
  ],
  [
    'the second interface of a pod without the annotation',
    { index: 1 },
    {},
    unknown(`the pod has no annotation ${NETWORKS} that says which network interface 1 of the pod is in`),
  ],
]
for (const [of, which, annotations, is, clusterNetwork = ''] of rows)
  t.test(`networkOf() ${of}`, async t =>
    t.strictSame(networkOf(podWith(annotations), which, { ...where, clusterNetwork }), is),
  )

const counts: readonly (readonly [of: string, networks: string | undefined, count: number])[] = [
  ['no annotation', undefined, 1],
  ['an empty one', ' ', 1],
  ['one network', 'a', 2],
  ['three, in short', 'a, n/b, c@data', 4],
  ['two, in JSON', '[{"name":"a"},{"name":"b"}]', 3],
  ['an object', '{"name":"a"}', 2],
  ['items without a name, a number and null', '[{"name":""},{},5,null,{"name":"a"}]', 2],
  ['what is no name', 'a/b/c, @x, d', 2],
  ['no JSON', '[{', 1],
]
for (const [of, networks, count] of counts)
  t.test(`interfaceCount() with ${of} is ${count}`, async t =>
    t.strictSame(interfaceCount(podWith(networks === undefined ? {} : { [NETWORKS]: networks })), count),
  )

t.test('interfacesOf() has eth0 and those of the annotation, by name or number', async t => {
  t.strictSame(interfacesOf(podWith()), ['eth0'])
  t.strictSame(interfacesOf(podWith({ [NETWORKS]: 'a, b@data, c' })), ['eth0', 'net1', 'data', 'net3'])
})

const unplugged: readonly (readonly [
  of: string,
  nic: string,
  annotations: Record<string, string> | undefined,
  is: boolean,
])[] = [
  ['an interface that the annotation names', 'net1', { [NETWORKS]: 'a' }, false],
  ['an interface that it names no more', 'net2', { [NETWORKS]: 'a' }, true],
  ['an interface that it calls otherwise', 'net1', { [NETWORKS]: 'a@data' }, true],
  ['an interface by its own name', 'data', { [NETWORKS]: 'a@data' }, false],
  ['an interface where it is empty', 'net1', { [NETWORKS]: ' ' }, true],
  ['an interface where it is an empty list', 'net1', { [NETWORKS]: ' [] ' }, true],
  ['an interface where it cannot be read', 'net1', { [NETWORKS]: '[{' }, false],
  ['an interface where it is gone, and Multus was there', 'net1', { [STATUS]: '[]' }, true],
  ['an interface of a pod that Multus knows nothing of', 'net1', {}, false],
  ['an interface of a pod without annotations', 'net1', undefined, false],
  ['eth0', 'eth0', { [NETWORKS]: 'a' }, false],
]
for (const [of, nic, annotations, is] of unplugged)
  t.test(`isUnplugged() of ${of} is ${is}`, async t => t.strictSame(isUnplugged(podWith(annotations), nic), is))
