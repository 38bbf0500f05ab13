// Every annotation that selects an address, in every invalid form: one sentence that names
// annotation, key, value and pod; an Event; nothing allocated.
import t, { type Test } from 'tap'
import { containerId, type PodMore } from '../fixtures/cluster.js'
import { openIpam } from '../fixtures/ipam.js'

const bench = await openIpam()
const { cluster, name } = bench
t.teardown(() => bench.stop())
t.jobs = 3

const FOUR = name('wrong-four')
const OTHER = name('wrong-other')
const SIX = name('wrong-six')
const NODES = name('wrong-node')
const WIRED = name('wrong-wire')
await cluster.pool(FOUR, { subnet: '10.51.0.0/24', ips: ['10.51.0.10-10.51.0.60'], gateway: '10.51.0.1' })
await cluster.pool(OTHER, { subnet: '10.52.0.0/24', ips: ['10.52.0.10-10.52.0.60'] })
await cluster.pool(SIX, { subnet: 'fd51::/64', ips: ['fd51::10-fd51::60'] })
await cluster.pool(WIRED, { subnet: '10.54.0.0/24', ips: ['10.54.0.10'], multusName: ['default/wire'] })
await cluster.pool(NODES, { subnet: '10.53.0.0/24', ips: ['10.53.0.10'], nodeName: ['elsewhere'] })

const [IPPOOL, IPPOOLS, ROUTES] = ['ippool', 'ippools', 'routes'].map(key => `ipam.spidernet.io/${key}`)
const [SUBNET, SUBNETS] = ['subnet', 'subnets'].map(key => `ipam.spidernet.io/${key}`)

type Key = 'ippool' | 'ippools' | 'routes' | 'subnet' | 'subnets'

/** What is wrong, how it is written, and what the sentence says besides annotation and pod. */
type Wrong = readonly [what: string, value: unknown, says: string, code?: number]

const FORMS: Readonly<Record<Key, readonly Wrong[]>> = {
  ippool: [
    ['no JSON', '{"ipv4":', 'is not JSON: {"ipv4":'],
    ['nothing', '', 'is not JSON: '],
    ['a list', [FOUR], `is ["${FOUR}"]; write an object`],
    ['null', 'null', 'is null; write an object'],
    ['a number', '7', 'is 7; write an object'],
    ['a pool that is no list', { ipv4: FOUR }, `ipv4 is "${FOUR}"; write a list`],
    ['a pool that is a number', { ipv4: [5] }, 'ipv4 is [5]; write a list'],
    ['a pool without a name', { ipv6: [''] }, 'ipv6 is [""]; write a list'],
    ['a pool twice', { ipv4: [FOUR, OTHER, FOUR] }, `ipv4 names "${FOUR}" twice`],
    ['a pool that is not there', { ipv4: [FOUR, 'nowhere'] }, 'SpiderIPPool "nowhere", which does not exist'],
    ['no pool', {}, 'names no pool for eth0: it is {}; write {"ipv4":["pool"]', 104],
    ['unknown keys', { ipv5: [FOUR] }, `names no pool for eth0: it is {"ipv5":["${FOUR}"]}; write`, 104],
    ['a pattern that matches nothing', { ipv4: ['none-*'] }, 'no IPv4 pool matches none-*', 104],
    ['a pattern that is not closed', { ipv4: ['a*[b'] }, 'pattern "a*[b" ends in the middle'],
    ['a pool by name and by pattern', { ipv4: [FOUR, `${FOUR}*`] }, `SpiderIPPool "${FOUR}" twice for IPv4`],
    ['a pool of the other family', { ipv4: [SIX] }, `${SIX} is IPv6, not IPv4`, 104],
    ['one good family, one of the other', { ipv4: [FOUR], ipv6: [OTHER] }, `${OTHER} is IPv4, not IPv6`, 104],
    ['a pool of other nodes', { ipv4: [NODES] }, 'spec.nodeName elsewhere', 104],
  ],
  ippools: [
    ['no JSON', 'pool', 'is not JSON: pool'],
    ['an object', { ipv4: [FOUR] }, `is {"ipv4":["${FOUR}"]}; write a list`],
    ['an empty list', [], 'is an empty list'],
    ['an item that is a name', [FOUR], `item 0 is "${FOUR}"; write an object`],
    ['an item that is null', [null], 'item 0 is null; write an object'],
    ['an interface that is a number', [{ interface: 0, ipv4: [FOUR] }], 'item 0: interface is 0'],
    [
      'an interface that no kernel takes',
      [
        { interface: 'eth0', ipv4: [FOUR] },
        { interface: 'a/b', ipv4: [FOUR] },
      ],
      'item 1: interface is "a/b"',
    ],
    [
      'an interface with a name too long',
      [
        { interface: 'eth0', ipv4: [FOUR] },
        { interface: 'sixteen-letters-', ipv4: [FOUR] },
      ],
      'item 1: interface is "sixteen-letters-"',
    ],
    [
      'an interface twice',
      [
        { interface: 'eth0', ipv4: [FOUR] },
        { interface: 'eth0', ipv4: [OTHER] },
      ],
      'interface "eth0" twice',
    ],
    [
      'some named, some not',
      [{ interface: 'eth0', ipv4: [FOUR] }, { ipv4: [OTHER] }],
      'names an interface in 1 of 2 items',
    ],
    ['other interfaces alone', [{ interface: 'net1', ipv4: [FOUR] }], 'no item for interface eth0'],
    ['an item without pools', [{ interface: 'eth0' }], 'names no pool for eth0', 104],
    ['an unnamed item without pools', [{ ipv4: [FOUR] }, { cleangateway: true }], 'names no pool for interface 1', 104],
    [
      'a gateway wish in words',
      [{ interface: 'eth0', ipv4: [FOUR], cleangateway: 'yes' }],
      'cleangateway is "yes"; write true or false',
    ],
    [
      'a second interface with a pool that is not there',
      [
        { interface: 'eth0', ipv4: [FOUR] },
        { interface: 'net1', ipv4: ['nowhere'] },
      ],
      '"nowhere", which does not exist',
    ],
    [
      'a second interface with a pool of the other family',
      [
        { interface: 'eth0', ipv4: [FOUR] },
        { interface: 'net1', ipv6: [OTHER] },
      ],
      'is IPv4, not IPv6',
      104,
    ],
  ],
  routes: [
    ['no JSON', '10.0.0.0/8 via 10.51.0.1', 'is not JSON: 10.0.0.0/8 via 10.51.0.1'],
    ['an object', { dst: '10.0.0.0/8', gw: '10.51.0.1' }, '; write a list'],
    ['a route that is a text', ['10.0.0.0/8'], 'item 0 is "10.0.0.0/8"; write an object'],
    ['no dst', [{ gw: '10.51.0.1' }], 'item 0: dst is ""; write a CIDR'],
    ['a dst without a length', [{ dst: '10.0.0.0', gw: '10.51.0.1' }], 'item 0: dst is "10.0.0.0"; write a CIDR'],
    ['a dst with too many bits', [{ dst: '10.0.0.0/33', gw: '10.51.0.1' }], 'item 0: dst is "10.0.0.0/33"'],
    ['no gateway', [{ dst: '10.0.0.0/8' }], 'item 0: gw is ""; write an IP address'],
    ['a gateway that is a network', [{ dst: '10.0.0.0/8', gw: '10.51.0.1/24' }], 'item 0: gw is "10.51.0.1/24"'],
    ['a gateway that is a number', [{ dst: '10.0.0.0/8', gw: 1 }], 'item 0: gw is 1'],
    ['two families', [{ dst: '10.0.0.0/8', gw: 'fd51::1' }], 'dst 10.0.0.0/8 and gw fd51::1 are not of one family'],
    [
      'the second of two',
      [
        { dst: '10.0.0.0/8', gw: '10.51.0.1' },
        { dst: 'x', gw: '10.51.0.1' },
      ],
      'item 1: dst is "x"',
    ],
    [
      'a gateway in no subnet',
      [{ dst: '10.0.0.0/8', gw: '192.0.2.1' }],
      'gw 192.0.2.1 of route 10.0.0.0/8 is in the subnet of no interface (10.51.0.',
      106,
    ],
    [
      'a gateway in no subnet, of the family that the pod has not',
      [{ dst: 'fd00::/8', gw: 'fd99::1' }],
      'gw fd99::1 of route fd00::/8',
      106,
    ],
  ],
  subnet: [
    ['no JSON', 's', 'is not JSON: s'],
    ['a list', ['s'], 'is ["s"]; write an object'],
    ['no subnet', {}, 'names no SpiderSubnet'],
    ['a subnet that is no list', { ipv4: 's' }, 'ipv4 is "s"; write a list of SpiderSubnet names'],
    ['of another interface', { interface: 'net1', ipv4: ['s'] }, 'is for interface net1, not eth0'],
    ['of a pod without a controller', { ipv4: ['s'] }, 'a pod without a controller gets no pool of its own'],
  ],
  subnets: [
    ['no JSON', '[', 'is not JSON: ['],
    ['an object', { ipv4: ['s'] }, 'is {"ipv4":["s"]}; write a list'],
    ['an empty list', [], 'is an empty list'],
    ['an item that is a name', ['s'], 'item 0 is "s"; write an object'],
    ['an item without a subnet', [{ interface: 'eth0' }], 'item 0 names no SpiderSubnet'],
    ['an interface twice', [{ ipv4: ['s'] }, { interface: 'eth0', ipv4: ['t'] }], 'interface "eth0" twice'],
    ['a subnet twice', [{ ipv4: ['s'] }, { interface: 'net1', ipv4: ['s'] }], 'SpiderSubnet "s" twice'],
    ['no item for this interface', [{ interface: 'net1', ipv4: ['s'] }], 'no item for interface eth0'],
  ],
}

const KEYS: Readonly<Record<Key, string>> = {
  ippool: IPPOOL ?? '',
  ippools: IPPOOLS ?? '',
  routes: ROUTES ?? '',
  subnet: SUBNET ?? '',
  subnets: SUBNETS ?? '',
}

let pods = 0

/** The sentence, and that there is nothing else. */
async function refused(
  t: Test,
  annotations: Readonly<Record<string, string>>,
  more: PodMore,
  code: number,
): Promise<string> {
  const pod = await cluster.pod(`${name('wrong')}-${pods++}x`, annotations, more)
  const answer = await bench.sandbox(pod).add()
  const { msg = '' } = answer
  t.equal(answer.code, code, msg)
  t.match(msg, /^spiderpool IP allocation error: /)
  t.notMatch(msg, /\n/, 'one line')
  const held = (await cluster.addresses()).filter(({ spec }) => spec.pod.uid === pod.uid)
  t.strictSame(held, [], 'no address is taken')
  const records = (await cluster.endpoints()).filter(({ metadata }) => metadata.name === pod.name)
  t.strictSame(records, [], 'no record is left')
  const events = await cluster.api.items(`/api/v1/namespaces/${pod.namespace}/events`)
  const ours = events.filter(event => (event['involvedObject'] as { uid?: string }).uid === pod.uid)
  t.strictSame(
    ours.map(event => event['message']),
    [msg],
    'the pod shows it too',
  )
  await cluster.removePod(pod)
  return msg.replaceAll(`${pod.namespace}/${pod.name}`, 'POD')
}

for (const [key, wrongs] of Object.entries(FORMS) as [Key, readonly Wrong[]][])
  for (const [what, value, says, code = 103] of wrongs)
    t.test(`${key}: ${what}`, async t => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      const pools = key === 'routes' ? { [KEYS.ippool]: JSON.stringify({ ipv4: [FOUR] }) } : {}
      const msg = await refused(t, { ...pools, [KEYS[key]]: text }, {}, code)
      t.ok(msg.includes(`annotation ${KEYS[key]} of pod POD`), `names annotation and pod: ${msg}`)
      t.ok(msg.includes(says), `says "${says}": ${msg}`)
    })

/**
 * Multus' annotations, where a pool is for a network: their value is named beside that of the
 * pool's annotation.
 */
const NETWORKS: readonly Wrong[] = [
  ['no JSON', '[{', 'annotation v1.multus-cni.io/default-network is "[{", which names no network'],
  ['an empty list', '[]', 'annotation v1.multus-cni.io/default-network is "[]", which names no network'],
  ['a list without names', '[{"interface":"eth0"}]', 'is "[{"interface":"eth0"}]", which names no network'],
  ['nothing', '', 'the pod has no annotation v1.multus-cni.io/default-network'],
  ['another network', 'default/other', 'is for network default/wire (spec.multusName), not default/other'],
]

for (const [what, value, says] of NETWORKS)
  t.test(`default-network: ${what}`, async t => {
    const annotations = {
      [KEYS.ippool]: JSON.stringify({ ipv4: [WIRED] }),
      'v1.multus-cni.io/default-network': String(value),
    }
    const msg = await refused(t, annotations, {}, 104)
    t.ok(msg.includes(`annotation ${KEYS.ippool} of pod POD`), `names annotation and pod: ${msg}`)
    t.ok(msg.includes(says), `says "${says}": ${msg}`)
  })

const forNamespace = (mine: string, others: string, family: string): readonly Wrong[] => [
  ['no JSON', 'pool', 'is not JSON: pool'],
  ['a text', '"pool"', 'is "pool"; write a list'],
  ['an object', { ipv4: [mine] }, '; write a list'],
  ['a number in the list', [7], 'is [7]; write a list'],
  ['a pool that is not there', ['nowhere'], '"nowhere", which does not exist'],
  ['a pool twice', [mine, mine], `"${mine}" twice`],
  ['a pattern that matches nothing', ['none-*'], `no IPv${family} pool matches none-*`, 104],
  ['an empty list', [], 'names no pool for eth0: it is []; write ["pool"]', 104],
  ['a pool of the other family', [others], `not IPv${family}`, 104],
]

for (const [key, wrongs] of [
  ['default-ipv4-ippool', forNamespace(FOUR, SIX, '4')],
  ['default-ipv6-ippool', forNamespace(SIX, FOUR, '6')],
] as const)
  for (const [what, value, says, code = 103] of wrongs)
    t.test(`${key} of the Namespace: ${what}`, async t => {
      const namespace = `wrong-${containerId()}`
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      await cluster.api.create('namespaces', {
        ...{ apiVersion: 'v1', kind: 'Namespace' },
        metadata: { name: namespace, annotations: { [`ipam.spidernet.io/${key}`]: text } },
      })
      t.teardown(() => cluster.api.remove(`/api/v1/namespaces/${namespace}`))
      const msg = await refused(t, {}, { namespace }, code)
      t.ok(msg.includes(`annotation ipam.spidernet.io/${key} of Namespace ${namespace}`), msg)
      t.ok(msg.includes(says), msg)
    })

t.test('ADD rejects a pod that chooses networks and that the webhook did not mutate', async t => {
  const chosen = 'cni.spidernet.io/network-resource-inject'
  const msg = await refused(t, { [chosen]: 'gpu', [KEYS.ippool]: JSON.stringify({ ipv4: [FOUR] }) }, {}, 103)
  t.match(
    msg,
    /annotation cni\.spidernet\.io\/network-resource-inject is "gpu".*has no annotation k8s\.v1\.cni\.cncf\.io\/networks/,
  )
})

t.test('ADD reads annotations as Go does: keys in any case, unknown keys, the last of two', async t => {
  const pod = await cluster.pod(`${name('right')}-x`, {
    [KEYS.ippools]: `[{"Interface":"eth0","IPv4":["nowhere"],"ipv4":["${FOUR}"],"cleanGateway":true,"more":1}]`,
  })
  const sandbox = bench.sandbox(pod)
  t.match(await sandbox.add(), { ips: [{ address: /^10\.51\.0\./ }] })
  await cluster.removePod(pod)
  t.equal((await sandbox.del()).status, 0)
  t.strictSame(
    (await cluster.addresses(FOUR)).filter(({ spec }) => spec.pod.uid === pod.uid),
    [],
  )
})
