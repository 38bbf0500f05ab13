// Annotations, Namespace and conf; errors name annotation, key, value and pod.
import t from 'tap'
import type { Pod } from '../../../../lib/crd/types.js'
import { Refused } from '../../../../lib/ipam/errors.js'
import {
  fromConf,
  fromNamespace,
  fromPod,
  fromSubnets,
  routesOfPod,
  type PoolSource,
} from '../../../../lib/ipam/pools/sources.js'

const KEY = 'ipam.spidernet.io'
const eth0 = { nic: 'eth0', cleanGateway: false }
const podWith = (annotations: Record<string, string>): Pod => ({
  metadata: { name: 'p', namespace: 'default', annotations },
})
const ippool = (text: string): Pod => podWith({ [`${KEY}/ippool`]: text })
const ippools = (text: string): Pod => podWith({ [`${KEY}/ippools`]: text })

const brief = (source: PoolSource | undefined): unknown =>
  source?.requests.map(({ nic, names, cleanGateway }) => [nic, Object.fromEntries(names), cleanGateway])

const READ: readonly [says: string, pod: Pod, is: unknown][] = [
  ['two pools', ippool('{"ipv4":["a","b"]}'), [['eth0', { 4: ['a', 'b'] }, false]]],
  ['keys in any case', ippool('{"IPv4":["a"],"ipv6":["c"],"vlan":1}'), [['eth0', { 4: ['a'], 6: ['c'] }, false]]],
  ['null is nothing', ippool('{"ipv4":null,"ipv6":["c"]}'), [['eth0', { 6: ['c'] }, false]]],
  ['the later of two keys', ippool('{"ipv4":["a"],"IPV4":["b"]}'), [['eth0', { 4: ['b'] }, false]]],
  ['nothing at all', ippool('{}'), [['eth0', {}, false]]],
  ['a pattern', ippool('{"ipv4":["a*"]}'), [['eth0', { 4: ['a*'] }, false]]],
  [
    'two interfaces',
    ippools('[{"interface":"eth0","ipv4":["a"]},{"interface":"net1","ipv6":["b"],"cleanGateway":true}]'),
    [
      ['eth0', { 4: ['a'] }, false],
      ['net1', { 6: ['b'] }, true],
    ],
  ],
  [
    'interfaces without names',
    ippools('[{"ipv4":["a"]},{"ipv4":["b"],"interface":""}]'),
    [
      ['#0', { 4: ['a'] }, false],
      ['#1', { 4: ['b'] }, false],
    ],
  ],
  [
    'ippools before ippool',
    podWith({ [`${KEY}/ippool`]: '{"ipv4":["z"]}', [`${KEY}/ippools`]: '[{"ipv4":["a"]}]' }),
    [['#0', { 4: ['a'] }, false]],
  ],
]
for (const [says, pod, is] of READ)
  t.test(`fromPod() reads ${says}`, async t => t.strictSame(brief(fromPod(pod, eth0)), is))

const OF_POD = 'of pod default/p'
const WRONG: readonly [says: string, read: () => unknown, why: RegExp][] = [
  ['no JSON', () => fromPod(ippool('a'), eth0), /ippool of pod default\/p is not JSON: a; write \{/],
  ['a list', () => fromPod(ippool('["a"]'), eth0), /is \["a"\]; write an object/],
  ['null', () => fromPod(ippool('null'), eth0), /is null; write an object/],
  ['pools that are a string', () => fromPod(ippool('{"ipv4":"a"}'), eth0), /ipv4 is "a"; write a list of pool names/],
  ['a pool that is a number', () => fromPod(ippool('{"ipv6":[1]}'), eth0), /ipv6 is \[1\]/],
  ['a pool without a name', () => fromPod(ippool('{"ipv4":[""]}'), eth0), /ipv4 is \[""\]/],
  ['a pool twice', () => fromPod(ippool('{"ipv4":["a","a"]}'), eth0), /ipv4 names "a" twice/],
  ['ippools: no JSON', () => fromPod(ippools('['), eth0), /ippools of pod default\/p is not JSON: \[; write \[\{/],
  ['ippools: an object', () => fromPod(ippools('{"ipv4":["a"]}'), eth0), /write a list \[\{/],
  ['ippools: empty', () => fromPod(ippools('[]'), eth0), /is an empty list/],
  ['ippools: an item that is text', () => fromPod(ippools('["a"]'), eth0), /item 0 is "a"; write an object/],
  [
    'ippools: one item named, one not',
    () => fromPod(ippools('[{"interface":"eth0","ipv4":["a"]},{"ipv4":["b"]}]'), eth0),
    /names an interface in 1 of 2 items; name it in every item or in none/,
  ],
  [
    'ippools: an interface twice',
    () => fromPod(ippools('[{"interface":"eth0"},{"interface":"eth0"}]'), eth0),
    /has interface "eth0" twice/,
  ],
  [
    'ippools: not this interface',
    () => fromPod(ippools('[{"interface":"net1","ipv4":["a"]}]'), eth0),
    /has no item for interface eth0; add \{"interface":"eth0"/,
  ],
  ['ippools: interface 5', () => fromPod(ippools('[{"interface":5}]'), eth0), /item 0: interface is 5; write the name/],
  [
    'ippools: cleangateway in words',
    () => fromPod(ippools('[{"cleangateway":"yes"}]'), eth0),
    /item 0: cleangateway is "yes"; write true or false/,
  ],
  ['ippools: a pool twice', () => fromPod(ippools('[{"ipv6":["a","a"]}]'), eth0), /item 0: ipv6 names "a" twice/],
  [
    'routes: no JSON',
    () => routesOfPod(podWith({ [`${KEY}/routes`]: 'x' })),
    /routes of pod default\/p is not JSON: x/,
  ],
  ['routes: an object', () => routesOfPod(podWith({ [`${KEY}/routes`]: '{}' })), /is \{\}; write a list/],
  ['routes: text', () => routesOfPod(podWith({ [`${KEY}/routes`]: '["x"]' })), /item 0 is "x"; write an object/],
  [
    'routes: no dst',
    () => routesOfPod(podWith({ [`${KEY}/routes`]: '[{"gw":"10.0.0.1"}]' })),
    /item 0: dst is ""; write a CIDR/,
  ],
  [
    'routes: an address as dst',
    () => routesOfPod(podWith({ [`${KEY}/routes`]: '[{"dst":"10.0.0.1","gw":"10.0.0.1"}]' })),
    /item 0: dst is "10.0.0.1"; write a CIDR/,
  ],
  [
    'routes: no gw',
    () => routesOfPod(podWith({ [`${KEY}/routes`]: '[{"dst":"10.0.0.0/8"},{"dst":"0.0.0.0/0"}]' })),
    /item 0: gw is ""; write an IP address/,
  ],
  [
    'routes: two families',
    () => routesOfPod(podWith({ [`${KEY}/routes`]: '[{"dst":"10.0.0.0/8","gw":"fd00::1"}]' })),
    /item 0: dst 10.0.0.0\/8 and gw fd00::1 are not of one family/,
  ],
  [
    'Namespace: no list',
    () => fromNamespace('default', { [`${KEY}/default-ipv4-ippool`]: '"a"' }, eth0),
    /default-ipv4-ippool of Namespace default is "a"; write a list of pool names/,
  ],
  [
    'Namespace: no JSON',
    () => fromNamespace('default', { [`${KEY}/default-ipv6-ippool`]: 'a' }, eth0),
    /default-ipv6-ippool of Namespace default is not JSON: a/,
  ],
  [
    'subnets: no subnet',
    () => fromSubnets(podWith({ [`${KEY}/subnet`]: '{}' }), 'eth0'),
    /subnet of pod default\/p names no SpiderSubnet/,
  ],
  [
    'subnets: one subnet for two interfaces',
    () =>
      fromSubnets(
        podWith({ [`${KEY}/subnets`]: '[{"interface":"eth0","ipv4":["s"]},{"interface":"net1","ipv4":["s"]}]' }),
        'eth0',
      ),
    /names SpiderSubnet "s" twice/,
  ],
  [
    'subnets: not this interface',
    () => fromSubnets(podWith({ [`${KEY}/subnets`]: '[{"interface":"net1","ipv4":["s"]}]' }), 'eth0'),
    /has no item for interface eth0/,
  ],
  [
    'subnet: not this interface',
    () => fromSubnets(podWith({ [`${KEY}/subnet`]: '{"ipv4":["s"]}' }), 'net1'),
    /is for interface eth0, not net1; write ipam.spidernet.io\/subnets/,
  ],
]
for (const [says, read, why] of WRONG)
  t.test(`refused: ${says}`, async t => {
    t.throws(read, { name: 'Refused', refusal: 'wrongInput', message: why })
    try {
      read()
    } catch (error) {
      const { message } = error instanceof Refused ? error : { message: '' }
      t.match(message, /^wrong input: annotation ipam\.spidernet\.io\//)
      t.ok(message.includes(OF_POD) || message.includes('of Namespace default'), 'and says whose it is')
    }
  })

t.test('fromNamespace() needs one of the two annotations, for both families', async t => {
  t.strictSame(brief(fromNamespace('n', { [`${KEY}/default-ipv4-ippool`]: '["a","b*"]' }, eth0)), [
    ['eth0', { 4: ['a', 'b*'] }, false],
  ])
  t.strictSame(brief(fromNamespace('n', { [`${KEY}/default-ipv6-ippool`]: '[]' }, eth0)), [['eth0', {}, false]])
  t.equal(fromNamespace('n', {}, eth0), undefined)
})

t.test('fromConf() without pool names is undefined', async t => {
  t.strictSame(brief(fromConf({ ipv4: ['c'], ipv6: [] }, { nic: 'net1', cleanGateway: true })), [
    ['net1', { 4: ['c'] }, true],
  ])
  t.equal(fromConf({ ipv4: [], ipv6: [] }, eth0), undefined)
})

t.test('fromSubnets() defaults to eth0 and uses the first name', async t => {
  const request = fromSubnets(podWith({ [`${KEY}/subnet`]: '{"ipv4":["s4","other"],"ipv6":["s6"]}' }), 'eth0')
  t.strictSame(
    [request?.nic, [...(request?.subnets ?? [])]],
    [
      'eth0',
      [
        [4, 's4'],
        [6, 's6'],
      ],
    ],
  )
})
