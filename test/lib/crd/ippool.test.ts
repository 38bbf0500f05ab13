// Defaults and validation of a SpiderIPPool, as tables.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import type { Fault } from '../../../lib/crd/fault.js'
import { cidrLabel, defaultPool, poolDeletionFaults, validatePool, type PoolContext } from '../../../lib/crd/ippool.js'
import type { ObjectMeta, SpiderIPPool } from '../../../lib/crd/types.js'

type Spec = SpiderIPPool['spec']
const pool = (spec: Spec, metadata: Partial<ObjectMeta> = {}): SpiderIPPool => ({
  metadata: { name: 'p', ...metadata },
  spec,
})
const alone: PoolContext = { old: undefined, others: [], allocated: [] }
const v4: Spec = { subnet: '172.18.0.0/16', ipVersion: 4, ips: ['172.18.40.10-172.18.40.19'] }
const v6: Spec = { subnet: 'fd00:172:18::/64', ipVersion: 6, ips: ['fd00:172:18::10-fd00:172:18::1f'] }
const pair: Spec = { subnet: '172.18.0.0/31', ipVersion: 4, ips: ['172.18.0.0-172.18.0.1'] }
const textOf = ({ field, kind, why }: Fault): string => `${field} ${kind}: ${why}`

const labels = [
  ['172.18.41.0/24', '172-18-41-0-24'],
  ['fd00:172:18::/64', 'fd00-172-18---64'],
  ['0.0.0.0/0', '0-0-0-0-0'],
] as const
for (const [subnet, label] of labels)
  t.test(`cidrLabel() of ${subnet} is ${label}`, t => {
    t.equal(cidrLabel(subnet), label)
    t.end()
  })

const given: readonly { of: string; spec: Spec; becomes: Partial<Spec> }[] = [
  { of: 'the family comes from the subnet', spec: { subnet: '10.0.0.0/8' }, becomes: { ipVersion: 4 } },
  { of: 'the family comes from an IPv6 subnet', spec: { subnet: 'fd00::/8' }, becomes: { ipVersion: 6 } },
  { of: 'a family that was typed stays', spec: { subnet: '10.0.0.0/8', ipVersion: 6 }, becomes: {} },
  { of: 'no family comes from what is no subnet', spec: { subnet: 'x', ips: ['b', 'a'] }, becomes: {} },
  {
    of: 'one range stays as it was typed',
    spec: { subnet: '10.0.0.0/8', ips: ['10.0.0.3-10.0.0.3'] },
    becomes: { ipVersion: 4 },
  },
  {
    of: 'several ranges are sorted and joined',
    spec: { subnet: '10.0.0.0/8', ips: ['10.0.0.9', '10.0.0.2-10.0.0.3', '10.0.0.1', '10.0.0.4-10.0.0.4'] },
    becomes: { ipVersion: 4, ips: ['10.0.0.1-10.0.0.4', '10.0.0.9'] },
  },
  {
    of: 'excluded ranges may overlap and are joined',
    spec: { subnet: '10.0.0.0/8', excludeIPs: ['10.0.0.1-10.0.0.5', '10.0.0.3-10.0.0.8'] },
    becomes: { ipVersion: 4, excludeIPs: ['10.0.0.1-10.0.0.8'] },
  },
  {
    of: 'IPv6 ranges come out in canonical text',
    spec: { subnet: 'fd00::/64', ips: ['FD00::0002', 'fd00:0::1'] },
    becomes: { ipVersion: 6, ips: ['fd00::1-fd00::2'] },
  },
  {
    of: 'ranges that overlap are left for validation to name',
    spec: { subnet: '10.0.0.0/8', ips: ['10.0.0.3-10.0.0.8', '10.0.0.1-10.0.0.5'] },
    becomes: { ipVersion: 4 },
  },
  {
    of: 'an invalid range leaves all ranges unchanged',
    spec: { subnet: '10.0.0.0/8', ips: ['10.0.0.3', 'x', '10.0.0.1'] },
    becomes: { ipVersion: 4 },
  },
]
for (const { of, spec, becomes } of given)
  t.test(`defaultPool(): ${of}`, t => {
    const made = defaultPool(pool(spec))
    t.strictSame(made.spec, { ...spec, ...becomes })
    t.strictSame(defaultPool(made), made, 'it is idempotent')
    t.end()
  })

t.test('defaultPool() adds finalizer and label and keeps existing ones', t => {
  const made = defaultPool(pool({ subnet: '10.0.0.0/8' }, { finalizers: ['a/b'], labels: { x: 'y' } }))
  t.strictSame(made.metadata.finalizers, ['a/b', 'spiderpool.spidernet.io'])
  t.strictSame(made.metadata.labels, { x: 'y', 'ipam.spidernet.io/ippool-cidr': '10-0-0-0-8' })
  const going = pool({ subnet: '10.0.0.0/8' }, { deletionTimestamp: '2026-01-01T00:00:00Z' })
  t.strictSame(defaultPool(going), going, 'one on its way out is left alone')
  t.end()
})

const refused: readonly [string, Spec, readonly string[]][] = [
  ['no family', { subnet: 'x' }, ['spec.subnet invalid: it must be a CIDR such as 172.18.0.0/16']],
  [
    'family 5',
    { subnet: '10.0.0.0/8', ipVersion: 5 as number as 6 },
    ['spec.ipVersion unsupported: it must be 4 or 6'],
  ],
  ['the other family', { ...v4, ipVersion: 6 }, ['spec.subnet invalid: it is not IPv6 (spec.ipVersion)']],
  ['host bits', { subnet: '10.6.0.1/16', ipVersion: 4 }, ['spec.subnet invalid: it has host bits; write 10.6.0.0/16']],
  [
    'IPv6 text that is not canonical',
    { subnet: 'FD00:0::/64', ipVersion: 6 },
    ['spec.subnet invalid: it is not written canonically; write fd00::/64'],
  ],
  [
    'a CIDR among ips',
    { ...v4, ips: ['172.18.0.0/24'] },
    ['spec.ips[0] invalid: it is a CIDR; write a range: 172.18.0.1-172.18.0.254'],
  ],
  ['a descending range', { ...v4, ips: ['172.18.0.9-172.18.0.1'] }, ['ends before it begins']],
  [
    'ranges outside, in both lists',
    { ...v4, ips: ['172.19.0.1'], excludeIPs: ['172.17.255.255-172.18.0.1'] },
    ['spec.ips[0] invalid: it is not inside spec.subnet', 'spec.excludeIPs[0] invalid: it is not inside spec.subnet'],
  ],
  [
    'ranges that overlap',
    { ...v4, ips: ['172.18.0.1-172.18.0.5', '172.18.0.5'] },
    ['spec.ips[1] invalid: range 172.18.0.1-172.18.0.5 overlaps with 172.18.0.5'],
  ],
  [
    'a range around one before it',
    { ...v4, ips: ['172.18.0.5', '172.18.0.1-172.18.0.5'] },
    ['spec.ips[1] invalid: range 172.18.0.5 overlaps with 172.18.0.1-172.18.0.5'],
  ],
  [
    'a gateway that is no address',
    { ...v4, gateway: '172.18.0.256' },
    ['spec.gateway invalid: it must be an IPv4 address'],
  ],
  [
    'a gateway of the other family',
    { ...v4, gateway: 'fd00::1' },
    ['spec.gateway invalid: it must be an IPv4 address'],
  ],
  ['a gateway outside', { ...v4, gateway: '172.19.0.1' }, ['spec.gateway invalid: it is not inside spec.subnet']],
  [
    'a gateway among ips',
    { ...v4, gateway: '172.18.40.10' },
    ['spec.ips[0] invalid: it has the gateway 172.18.40.10 in it; take that out or put it into spec.excludeIPs'],
  ],
  [
    'a gateway among ips that is written otherwise',
    { subnet: 'fd00::/64', ipVersion: 6, ips: ['fd00::1'], gateway: 'fd00::0:1' },
    ['spec.ips[0] invalid: it has the gateway fd00::1 in it; take that out or put it into spec.excludeIPs'],
  ],
  [
    'the default route',
    { ...v6, routes: [{ dst: '::/0', gw: 'fd00:172:18::1' }] },
    ['spec.routes[0].dst invalid: the default route comes from spec.gateway'],
  ],
  [
    'routes, each wrong in its own way',
    {
      ...v4,
      routes: [
        { dst: '10.0.0.0/8', gw: '172.18.0.1' },
        { dst: '10.0.0.0/8', gw: '172.18.0.1' },
        { dst: 'fd00::/8', gw: '172.18.0.1' },
        { dst: '11.0.0.0', gw: '172.18.0.1' },
        { dst: '11.0.0.0/8', gw: '10.0.0.1' },
        { dst: '12.0.0.0/8', gw: 'x' },
      ],
    },
    [
      'spec.routes[1].dst invalid: it is there twice',
      'spec.routes[2].dst invalid: it must be an IPv4 CIDR',
      'spec.routes[3].dst invalid: it must be an IPv4 CIDR',
      'spec.routes[4].gw invalid: it is not inside spec.subnet',
      'spec.routes[5].gw invalid: it must be an IPv4 address',
    ],
  ],
  [
    'gateway and next hop at the first address',
    { ...v4, gateway: '172.18.0.0', routes: [{ dst: '10.0.0.0/8', gw: '172.18.0.0' }] },
    [
      'spec.gateway invalid: it is the network address of 172.18.0.0/16; name an address that a router has',
      'spec.routes[0].gw invalid: it is the network address of 172.18.0.0/16; name an address that a router has',
    ],
  ],
  [
    'gateway and next hop at the last address',
    { ...v4, gateway: '172.18.255.255', routes: [{ dst: '10.0.0.0/8', gw: '172.18.255.255' }] },
    [
      'spec.gateway invalid: it is the broadcast address of 172.18.0.0/16; name an address that a router has',
      'spec.routes[0].gw invalid: it is the broadcast address of 172.18.0.0/16; name an address that a router has',
    ],
  ],
  ...(
    [
      ['224.0.0.5', 'it is a multicast address (224.0.0.0/4)'],
      ['127.0.0.1', 'it is a loopback address (127.0.0.0/8)'],
      ['0.0.0.0', 'it is in 0.0.0.0/8'],
      ['169.254.1.1', 'it is a link-local address (169.254.0.0/16)'],
    ] as const
  ).map(([gateway, why]): (typeof refused)[number] => [
    `gateway ${gateway}`,
    { ...v4, gateway },
    [`spec.gateway invalid: ${why}`],
  ]),
  ...(
    [
      ['ff02::1', 'it is a multicast address (ff00::/8)'],
      ['::1', 'it is the loopback address'],
      ['::', 'it is the unspecified address'],
      ['fd01::1', 'it is not inside spec.subnet'],
    ] as const
  ).map(([gateway, why]): (typeof refused)[number] => [
    `gateway ${gateway}`,
    { ...v6, gateway },
    [`spec.gateway invalid: ${why}`],
  ]),
  [
    'nothing but network and broadcast address',
    { subnet: '172.29.0.0/30', ipVersion: 4, ips: ['172.29.0.0', '172.29.0.3'] },
    [
      'spec.ips invalid: no pod can use any of them: 172.29.0.0 is the network address of 172.29.0.0/30, 172.29.0.3 is the broadcast address of 172.29.0.0/30; name others',
    ],
  ],
  [
    'nothing but the subnet-router anycast address',
    { ...v6, ips: ['fd00:172:18::'] },
    [
      'spec.ips invalid: no pod can use any of them: fd00:172:18:: is the subnet-router anycast address of fd00:172:18::/64; name others',
    ],
  ],
  ...(
    [
      ['127.0.0.0/8', 4, '127.127.255.255 is a loopback address'],
      ['224.0.0.0/24', 4, '224.0.0.127 is a multicast address'],
      ['169.254.0.0/16', 4, '169.254.127.255 is a link-local address'],
      ['0.0.0.0/8', 4, '0.127.255.255 is in 0.0.0.0/8'],
      ['255.255.255.255/32', 4, '255.255.255.255 is the limited broadcast address'],
      ['fe80::/64', 6, 'fe80::7fff:ffff:ffff:ffff is a link-local address'],
      ['ff02::/64', 6, 'ff02::7fff:ffff:ffff:ffff is a multicast address'],
    ] as const
  ).map(([subnet, ipVersion, why]): (typeof refused)[number] => [
    `subnet ${subnet}`,
    { subnet, ipVersion },
    [`spec.subnet invalid: no pod can use an address of it: ${why}`],
  ]),
  [
    'one destination with host bits and without',
    {
      ...v4,
      routes: [
        { dst: '10.0.0.0/8', gw: '172.18.0.1' },
        { dst: '10.0.0.5/8', gw: '172.18.0.2' },
      ],
    },
    ['spec.routes[1].dst invalid: it is there twice'],
  ],
  [
    'labels that no Namespace and no node has',
    {
      ...v4,
      namespaceAffinity: { matchLabels: { 'a b': 'c' } },
      nodeAffinity: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b c'] }] },
    },
    [
      'spec.namespaceAffinity.matchLabels invalid: it must be a label key',
      'spec.nodeAffinity.matchExpressions[0].values[0] invalid: it must be a label value',
    ],
  ],
  [
    'names that nothing has',
    { ...v4, nodeName: [''], namespaceName: ['a', 'B'], multusName: ['a/b/c', '', 'kube-system/', '/m', 'm'] },
    [
      'spec.nodeName[0] invalid: it must be the name of a node',
      'spec.namespaceName[1] invalid: it must be the name of a Namespace',
      ...[0, 1, 2, 3].map(at => `spec.multusName[${at}] invalid: it must be the name of a NetworkAttachmentDefinition`),
    ],
  ],
  [
    'an affinity without a term',
    { ...v4, podAffinity: {} },
    ['spec.podAffinity invalid: it needs at least one term in matchLabels or matchExpressions'],
  ],
]
for (const [of, spec, faults] of refused)
  t.test(`validatePool() rejects ${of}`, t => {
    const found = validatePool(pool(spec), alone).map(textOf)
    t.equal(found.length, faults.length, found.join('; '))
    faults.forEach((fault, at) => t.ok(found[at]?.includes(fault), `${found[at]} | ${fault}`))
    t.end()
  })

const accepted: readonly [string, Spec][] = [
  ['as walked through', { ...v4, gateway: '172.18.0.1', routes: [{ dst: '10.0.0.0/8', gw: '172.18.0.2' }] }],
  ['IPv6', v6],
  ['no addresses at all', { subnet: '10.0.0.0/8', ipVersion: 4 }],
  [
    'a gateway among ips that is excluded',
    { ...v4, gateway: '172.18.40.10', excludeIPs: ['172.18.40.8-172.18.40.10'] },
  ],
  ['an empty gateway', { ...v4, gateway: '' }],
  ['a whole /0', { subnet: '::/0', ipVersion: 6, ips: ['::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'] }],
  [
    'ranges that have nothing in common, in any order',
    { ...v4, ips: ['172.18.1.5-172.18.1.9', '172.18.1.1', '172.18.1.10'] },
  ],
  ['excluded ranges that overlap', { ...v4, excludeIPs: ['172.18.40.1-172.18.40.5', '172.18.40.5'] }],
  [
    'ways out at the first host address',
    { ...v4, gateway: '172.18.0.1', routes: [{ dst: '10.0.0.0/8', gw: '172.18.0.1' }] },
  ],
  [
    'ways out at the last host address',
    { ...v4, gateway: '172.18.255.254', routes: [{ dst: '10.0.0.0/8', gw: '172.18.255.254' }] },
  ],
  [
    'ways out at both ends of a /31',
    { ...pair, ips: ['172.18.0.1'], gateway: '172.18.0.0', routes: [{ dst: '10.0.0.0/8', gw: '172.18.0.0' }] },
  ],
  [
    'link-local ways out of IPv6 (HSRP, VRRP)',
    { ...v6, gateway: 'fe80::1', routes: [{ dst: 'fd01::/16', gw: 'fe80::2' }] },
  ],
  ['the subnet-router anycast address as gateway', { ...v6, gateway: 'fd00:172:18::' }],
  ['a host and the broadcast address', { ...v4, ips: ['172.18.255.254-172.18.255.255'] }],
  ['both addresses of a /31', pair],
  ['the address of a /32', { subnet: '172.18.0.0/32', ipVersion: 4, ips: ['172.18.0.0'] }],
  ['both addresses of a /127', { subnet: 'fd00::/127', ipVersion: 6, ips: ['fd00::-fd00::1'] }],
  ['the address of a /128', { subnet: 'fd00::/128', ipVersion: 6, ips: ['fd00::'] }],
  ['names', { ...v4, nodeName: ['node-1.example'], namespaceName: ['a'], multusName: ['m', 'kube-system/mac.vlan'] }],
  ['affinities', { ...v4, podAffinity: { matchLabels: { app: 'x' } }, namespaceAffinity: {}, nodeAffinity: {} }],
]
for (const [of, spec] of accepted)
  t.test(`validatePool() accepts ${of}`, t => {
    t.strictSame(validatePool(pool(spec), alone), [])
    t.end()
  })

t.test('validatePool() checks a /48 as fast as a single address', t => {
  const began = performance.now()
  const ips = ['fd00::-fd00:0:0:ffff:ffff:ffff:ffff:fffe', 'fd00:0:0:ffff:ffff:ffff:ffff:ffff']
  const made = defaultPool(pool({ subnet: 'fd00::/48', ips, excludeIPs: ['fd00::-fd00::ffff:ffff:ffff'] }))
  t.strictSame(made.spec.ips, ['fd00::-fd00::ffff:ffff:ffff:ffff:ffff'])
  t.strictSame(validatePool(made, alone), [])
  t.ok(performance.now() - began < 1000)
  t.end()
})

const other = (spec: Spec): SpiderIPPool => ({ metadata: { name: 'other' }, spec })
const around: readonly [string, Spec, readonly SpiderIPPool[], string | undefined][] = [
  [
    'a wider subnet',
    v4,
    [other({ subnet: '172.0.0.0/8' })],
    'spec.subnet invalid: it overlaps with 172.0.0.0/8 of SpiderIPPool other',
  ],
  ['a narrower subnet', v4, [other({ subnet: '172.18.40.0/24' })], 'overlap with'],
  ['the same subnet, other addresses', v4, [other({ ...v4, ips: ['172.18.40.20'] })], undefined],
  [
    'the same subnet, a common address',
    v4,
    [other({ ...v4, ips: ['172.18.40.19-172.18.40.30'] })],
    '172.18.40.19 overlap with SpiderIPPool other',
  ],
  [
    'a common address that the other excludes',
    v4,
    [other({ ...v4, ips: ['172.18.40.19-172.18.40.30'], excludeIPs: ['172.18.40.19'] })],
    undefined,
  ],
  [
    'a common address that this one excludes',
    { ...v4, excludeIPs: ['172.18.40.19'] },
    [other({ ...v4, ips: ['172.18.40.19-172.18.40.30'] })],
    undefined,
  ],
  ['another family', v4, [other(v6)], undefined],
  ['one of its own name', v4, [pool(v4)], 'metadata.name exists: there is one of that name'],
  [
    'one with a range that cannot be read',
    v4,
    [other({ ...v4, ips: ['x', '172.18.40.12'] })],
    '172.18.40.12 overlap with',
  ],
  ['one with a subnet that cannot be read', v4, [other({ subnet: 'x' })], undefined],
]
for (const [of, spec, others, fault] of around)
  t.test(`validatePool() ${fault === undefined ? 'accepts' : 'rejects'} a pool beside ${of}`, t => {
    const found = validatePool(pool(spec), { ...alone, others }).map(textOf)
    t.equal(found.length, fault === undefined ? 0 : 1, found.join('; '))
    if (fault !== undefined) t.ok(found[0]?.includes(fault), found.join())
    t.end()
  })

t.test('validatePool() reports a shared address with other faults, an overlapping subnet alone', t => {
  const spec = { ...v4, gateway: '172.18.40.10' }
  const fields = (others: readonly SpiderIPPool[]): readonly string[] =>
    validatePool(pool(spec), { ...alone, others }).map(({ field }) => field)
  t.strictSame(fields([other(v4)]), ['spec.ips', 'spec.ips[0]'])
  t.strictSame(fields([other(v4), other({ subnet: '172.0.0.0/8' })]), ['spec.subnet'])
  t.end()
})

const held = [{ ip: ip('172.18.40.12'), pod: 'default/a-0' }]
const going = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['spiderpool.spidernet.io'] }
const none = { dst: '10.0.0.0/8', gw: '172.18.0.0' }
const fine = { dst: '11.0.0.0/8', gw: '172.18.0.1' }
const again = { dst: '11.0.0.5/8', gw: '172.18.0.2' }
const updates: readonly [string, SpiderIPPool, SpiderIPPool, readonly string[]][] = [
  [
    'gateway, routes, default, disable, affinities',
    pool(v4),
    pool({ ...v4, gateway: '172.18.0.1', default: true, disable: true, nodeName: ['n'] }),
    [],
  ],
  ...(
    [
      ['addresses that no pod can use', { ips: ['172.18.0.0', '172.18.255.255'] }],
      [
        'gateway and next hop that are none',
        { gateway: '172.18.255.255', routes: [{ dst: '10.0.0.0/8', gw: '172.18.0.0' }] },
      ],
      [
        'names and labels that nothing has',
        { nodeName: [''], multusName: ['a/b/c'], nodeAffinity: { matchLabels: { 'a b': '' } } },
      ],
    ] as const
  ).map(([of, stood]): (typeof updates)[number] => [
    `something else of one with ${of}`,
    pool({ ...v4, ...stood }),
    pool({ ...v4, ...stood, disable: true }),
    'ips' in stood ? ['172.18.40.12 is allocated'] : [],
  ]),
  ...(
    [
      ['one next hop that is none', [none, fine], [none, fine], []],
      ['one destination written twice', [fine, again], [fine, again], []],
      ['a next hop into one that is none', [fine], [{ ...fine, gw: '172.18.0.0' }], ['spec.routes[0].gw invalid']],
      ['another destination by a next hop that is none', [none], [{ ...fine, gw: none.gw }], ['spec.routes[0].gw']],
    ] as const
  ).map(([of, before, routes, faults]): (typeof updates)[number] => [
    of,
    pool({ ...v4, routes: before }),
    pool({ ...v4, routes, disable: true }),
    faults,
  ]),
  [
    'a pool down to what a pod holds and no other can use',
    pool({ ...v4, subnet: '172.18.40.0/29', ips: ['172.18.40.6-172.18.40.7'] }),
    pool({ ...v4, subnet: '172.18.40.0/29', ips: ['172.18.40.7'] }),
    ['172.18.40.12 is allocated'],
  ],
  [
    'all addresses into some that no pod can use',
    pool({ ...v4, ips: ['172.18.40.12-172.18.40.19'] }),
    pool({ ...v4, ips: ['172.18.0.0'] }),
    ['spec.ips invalid: no pod can use any of them', '172.18.40.12 is allocated'],
  ],
  ['more addresses', pool(v4), pool({ ...v4, ips: ['172.18.40.1-172.18.40.99'] }), []],
  ['subnet', pool(v4), pool({ ...v4, subnet: '172.18.40.0/24' }), ['spec.subnet forbidden: it cannot be changed']],
  ['family', pool(v4), pool({ ...v4, ipVersion: 6 }), ['spec.ipVersion forbidden: it cannot be changed']],
  [
    'away from a held address',
    pool(v4),
    pool({ ...v4, ips: ['172.18.40.13-172.18.40.19'] }),
    ['spec.ips forbidden: 172.18.40.12 is allocated to pod default/a-0; it must stay in the pool until it is released'],
  ],
  [
    'a held address excluded',
    pool(v4),
    pool({ ...v4, excludeIPs: ['172.18.40.12'] }),
    ['172.18.40.12 is allocated to pod default/a-0'],
  ],
  ['labels of one being deleted', pool(v4, going), pool(v4, { ...going, labels: { a: 'b' } }), []],
  [
    'the spec of one being deleted',
    pool(v4, going),
    pool({ ...v4, disable: true }, going),
    ['spec forbidden: it cannot be changed any more'],
  ],
  ['the finalizer of one being deleted', pool(v4, going), pool(v4, { ...going, finalizers: [] }), []],
]
for (const [of, old, made, faults] of updates)
  t.test(`validatePool() ${faults.length === 0 ? 'accepts' : 'rejects'} a change of ${of}`, t => {
    const found = validatePool(made, { old, others: [old], allocated: held }).map(textOf)
    t.equal(found.length, faults.length, found.join('; '))
    faults.forEach((fault, at) => t.ok(found[at]?.includes(fault), found.join()))
    t.end()
  })

t.test('validatePool() accepts an edit of a stored pool whose subnet overlaps or is not canonical', t => {
  const odd = pool({ subnet: '172.18.0.9/16', ipVersion: 4 })
  t.strictSame(validatePool(odd, { old: odd, others: [odd], allocated: [] }), [])
  const others = [other({ subnet: '172.0.0.0/8' })]
  t.strictSame(validatePool(pool(v4), { old: pool(v4), others, allocated: [] }), [])
  t.end()
})

t.test('validatePool() accepts only the five application labels in an auto-created pool', t => {
  const auto = { labels: { 'ipam.spidernet.io/owner-application-name': 'a' } }
  const own = { matchLabels: { 'ipam.spidernet.io/app-kind': 'Deployment', 'ipam.spidernet.io/app-name': 'a' } }
  t.strictSame(validatePool(pool({ ...v4, podAffinity: own }, auto), alone), [])
  for (const podAffinity of [
    { matchLabels: { app: 'a' } },
    { matchLabels: { ...own.matchLabels, app: 'a' } },
    { ...own, matchExpressions: [{ key: 'a', operator: 'Exists' }] },
  ])
    t.match(validatePool(pool({ ...v4, podAffinity }, auto), alone), [{ field: 'spec.podAffinity', kind: 'invalid' }])
  t.end()
})

t.test('poolDeletionFaults() rejects deletion of a pool in use', t => {
  t.strictSame(poolDeletionFaults(pool(v4)), [])
  t.strictSame(poolDeletionFaults({ ...pool(v4), status: { allocatedIPCount: 0 } }), [])
  t.equal(poolDeletionFaults({ ...pool(v4), status: { allocatedIPCount: 1 } }).length, 1)
  t.match(poolDeletionFaults({ ...pool(v4), status: { allocatedIPCount: 2 } }), [
    { kind: 'forbidden', why: /^2 addresses of SpiderIPPool p are allocated/ },
  ])
  t.end()
})
