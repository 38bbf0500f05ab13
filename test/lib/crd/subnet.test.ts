// Defaults and validation of a SpiderSubnet, and what a pool inherits from it, as tables.
import t from 'tap'
import { cidrLabel, defaultPool, inheritSubnet, validatePool } from '../../../lib/crd/ippool.js'
import { defaultSubnet, subnetDeletionFaults, validateSubnet, type SubnetContext } from '../../../lib/crd/subnet.js'
import type { Fault } from '../../../lib/crd/fault.js'
import type { ObjectMeta, SpiderIPPool, SpiderSubnet } from '../../../lib/crd/types.js'

type Spec = SpiderSubnet['spec']
type Meta = Partial<ObjectMeta>
const subnet = (spec: Spec, metadata: Partial<ObjectMeta> = {}, status?: SpiderSubnet['status']): SpiderSubnet => ({
  metadata: { name: 's', ...metadata },
  spec,
  ...(status && { status }),
})
const v4: Spec = { subnet: '172.18.0.0/16', ipVersion: 4, ips: ['172.18.40.10-172.18.40.19'] }
const alone: SubnetContext = { old: undefined, others: [], pools: [], families: { enableIPv4: true, enableIPv6: true } }
const textOf = ({ field, kind, why }: Fault): string => `${field} ${kind}: ${why}`

t.test('defaultSubnet() adds finalizer, family and label and merges ranges', t => {
  const made = defaultSubnet(subnet({ subnet: '10.0.0.0/8', ips: ['10.0.0.2', '10.0.0.1'] }, { labels: { x: 'y' } }))
  t.strictSame(made, {
    metadata: {
      name: 's',
      finalizers: ['spiderpool.spidernet.io'],
      labels: { x: 'y', 'ipam.spidernet.io/subnet-cidr': cidrLabel('10.0.0.0/8') },
    },
    spec: { subnet: '10.0.0.0/8', ipVersion: 4, ips: ['10.0.0.1-10.0.0.2'] },
  })
  t.strictSame(defaultSubnet(made), made, 'twice is once')
  t.equal(defaultSubnet(subnet({ subnet: 'x' })).metadata.labels, undefined)
  const going = subnet({ subnet: '10.0.0.0/8' }, { deletionTimestamp: '2026-01-01T00:00:00Z' })
  t.strictSame(defaultSubnet(going), going, 'one on its way out is left alone')
  t.end()
})

const off = { ...alone, families: { enableIPv4: false, enableIPv6: false } }
const cases: readonly [string, SpiderSubnet, SubnetContext, readonly string[]][] = [
  ['a good one', subnet(v4), alone, []],
  ['without addresses', subnet({ subnet: 'fd00::/64', ipVersion: 6 }), alone, []],
  [
    'no CIDR',
    subnet({ subnet: '172.18.0.0', ipVersion: 4 }),
    alone,
    ['spec.subnet invalid: it must be a CIDR such as 172.18.0.0/16'],
  ],
  ['no family', subnet({ subnet: '172.18.0.0/16' }), alone, ['spec.ipVersion required: it must be 4 or 6']],
  [
    'family 5',
    subnet({ ...v4, ipVersion: 5 as number as 6 }),
    alone,
    ['spec.ipVersion unsupported: it must be 4 or 6'],
  ],
  [
    'host bits',
    subnet({ ...v4, subnet: '172.18.0.1/16' }),
    alone,
    ['spec.subnet invalid: it has host bits; write 172.18.0.0/16'],
  ],
  ['IPv4 where it is off', subnet(v4), off, ['spec.ipVersion forbidden: IPv4 is off: enableIPv4 of conf.yml']],
  [
    'IPv6 where it is off',
    subnet({ subnet: 'fd00::/64', ipVersion: 6 }),
    off,
    ['spec.ipVersion forbidden: IPv6 is off: enableIPv6 of conf.yml'],
  ],
  [
    'a name that is taken',
    subnet(v4),
    { ...alone, others: [subnet({ subnet: '10.0.0.0/8' })] },
    ['metadata.name exists: there is one of that name'],
  ],
  [
    'an equal one',
    subnet(v4),
    { ...alone, others: [subnet(v4, { name: 'o' })] },
    ['spec.subnet invalid: it overlaps with 172.18.0.0/16 of SpiderSubnet o'],
  ],
  [
    'a pool with an address that it has not',
    subnet(v4),
    { ...alone, pools: [subnet({ ...v4, ips: ['172.18.1.1'] }, { name: 'p' })] },
    ['spec.ips forbidden: SpiderIPPool p of this subnet has 172.18.1.1, which must be in it'],
  ],
  [
    'an old pool inside',
    subnet(v4),
    { ...alone, pools: [subnet({ ...v4, ips: ['172.18.40.10'] }, { name: 'p' })] },
    [],
  ],
  [
    'a range outside',
    subnet({ ...v4, ips: ['172.19.0.1'] }),
    alone,
    ['spec.ips[0] invalid: it is not inside spec.subnet'],
  ],
  [
    'a descending range',
    subnet({ ...v4, ips: ['172.18.0.2-172.18.0.1'] }),
    alone,
    ['spec.ips[0] invalid: it ends before it begins'],
  ],
  [
    'addresses that no pod can use',
    subnet({ ...v4, ips: ['172.18.0.0', '172.18.255.255'] }),
    alone,
    [
      'spec.ips invalid: no pod can use any of them: 172.18.0.0 is the network address of 172.18.0.0/16, 172.18.255.255 is the broadcast address of 172.18.0.0/16; name others',
    ],
  ],
  [
    'a network of multicast addresses',
    subnet({ subnet: '224.0.0.0/24', ipVersion: 4 }),
    alone,
    [
      'spec.subnet invalid: no pod can use an address of it: 224.0.0.127 is a multicast address (224.0.0.0/4); take another subnet',
    ],
  ],
  [
    'a gateway that is the broadcast address',
    subnet({ ...v4, gateway: '172.18.255.255' }),
    alone,
    ['spec.gateway invalid: it is the broadcast address of 172.18.0.0/16; name an address that a router has'],
  ],
  ['a link-local gateway', subnet({ subnet: 'fd00::/64', ipVersion: 6, gateway: 'fe80::1' }), alone, []],
  [
    'a gateway among its addresses',
    subnet({ ...v4, gateway: '172.18.40.10' }),
    alone,
    ['spec.ips[0] invalid: it has the gateway 172.18.40.10 in it; take that out or put it into spec.excludeIPs'],
  ],
  [
    'a route of everything',
    subnet({ ...v4, routes: [{ dst: '0.0.0.0/0', gw: '172.18.0.1' }] }),
    alone,
    ['spec.routes[0].dst invalid: the default route comes from spec.gateway'],
  ],
]
for (const [of, object, around, faults] of cases)
  t.test(`validateSubnet() ${faults.length === 0 ? 'accepts' : 'rejects'} ${of}`, t => {
    t.strictSame(validateSubnet(object, around).map(textOf), faults)
    t.end()
  })

const given = { controlledIPPools: '{"p":{"ips":["172.18.40.10-172.18.40.12"]}}' }
const updates: readonly [string, SpiderSubnet, SpiderSubnet, readonly string[]][] = [
  [
    'the subnet',
    subnet(v4),
    subnet({ ...v4, subnet: '172.18.40.0/24' }),
    ['spec.subnet forbidden: it cannot be changed; make another SpiderSubnet'],
  ],
  [
    'the family',
    subnet(v4),
    subnet({ ...v4, ipVersion: 6 }),
    ['spec.ipVersion forbidden: it cannot be changed; make another SpiderSubnet'],
  ],
  [
    'a gateway that was none before',
    subnet({ ...v4, gateway: '172.18.255.255' }),
    subnet({ ...v4, gateway: '172.18.255.255', ips: ['172.18.40.1-172.18.40.99'] }),
    [],
  ],
  ['more addresses', subnet(v4, {}, given), subnet({ ...v4, ips: ['172.18.40.1-172.18.40.99'] }), []],
  ['addresses that no pool has', subnet(v4, {}, given), subnet({ ...v4, ips: ['172.18.40.10-172.18.40.12'] }), []],
  [
    'an address of a pool',
    subnet(v4, {}, given),
    subnet({ ...v4, ips: ['172.18.40.10-172.18.40.11'] }),
    ['spec.ips forbidden: SpiderIPPool p has 172.18.40.12, which must stay in the subnet as long as it does'],
  ],
  [
    'an address of a pool excluded',
    subnet(v4, {}, given),
    subnet({ ...v4, excludeIPs: ['172.18.40.10'] }),
    ['spec.ips forbidden: SpiderIPPool p has 172.18.40.10, which must stay in the subnet as long as it does'],
  ],
]
for (const [of, old, made, faults] of updates)
  t.test(`validateSubnet() ${faults.length === 0 ? 'accepts' : 'rejects'} a change of ${of}`, t => {
    t.strictSame(validateSubnet(made, { ...alone, old, others: [old] }).map(textOf), faults)
    t.end()
  })

t.test('validateSubnet() rejects a changed spec during deletion, but not a removed finalizer', t => {
  const going = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['spiderpool.spidernet.io'] }
  const around = { ...alone, old: subnet(v4, going) }
  t.match(validateSubnet(subnet({ ...v4, ips: [] }, going), around), [{ field: 'spec', kind: 'forbidden' }])
  t.strictSame(validateSubnet(subnet(v4, going), around), [])
  t.strictSame(validateSubnet(subnet({ ...v4, ips: [] }, { ...going, finalizers: [] }), around), [])
  t.end()
})

t.test('subnetDeletionFaults() rejects deletion while pools have addresses', t => {
  t.strictSame(subnetDeletionFaults(subnet(v4)), [])
  t.equal(subnetDeletionFaults(subnet(v4, {}, { allocatedIPCount: 1 })).length, 1)
  t.match(subnetDeletionFaults(subnet(v4, {}, { allocatedIPCount: 3 })), [
    { kind: 'forbidden', why: /^3 addresses of SpiderSubnet s/ },
  ])
  t.end()
})

const owner = subnet({ ...v4, gateway: '172.18.0.1', routes: [{ dst: '10.0.0.0/8', gw: '172.18.0.2' }] }, { uid: 'u' })
const pool = (spec: Partial<Spec> = {}, metadata: Partial<ObjectMeta> = {}): SpiderIPPool => ({
  metadata: { name: 'p', ...metadata },
  spec: { subnet: v4.subnet, ...spec },
})
const OWNED = {
  labels: { 'ipam.spidernet.io/owner-spider-subnet': 's' },
  ownerReferences: [
    {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderSubnet',
      name: 's',
      uid: 'u',
      controller: true,
      blockOwnerDeletion: true,
    },
  ],
}

t.test('inheritSubnet() sets the owner, and gateway and routes where the pool has none', t => {
  const { gateway, routes } = owner.spec
  t.strictSame(inheritSubnet(pool(), [owner]), pool({ gateway, routes } as Spec, OWNED))
  t.strictSame(inheritSubnet(pool({ gateway: '172.18.0.9' }), [owner]).spec.gateway, '172.18.0.9')
  t.strictSame(inheritSubnet(pool({ routes: [] }), [owner]).spec.routes, [], 'an empty list is not absent')
  t.strictSame(inheritSubnet(pool({ subnet: '172.19.0.0/16' }), [owner]), pool({ subnet: '172.19.0.0/16' }))
  t.strictSame(inheritSubnet(pool({}, OWNED), [owner]), pool({}, OWNED), 'a pool with its owner is unchanged')
  const going = { ...owner, metadata: { ...owner.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
  t.strictSame(inheritSubnet(pool(), [going]), pool(), 'not from a subnet that is being deleted')
  const last = pool({}, { deletionTimestamp: '2026-01-01T00:00:00Z' })
  t.strictSame(inheritSubnet(last, [owner]), last)
  t.end()
})

t.test('inheritSubnet() replaces another controller reference', t => {
  const [ownedBy] = OWNED.ownerReferences
  const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'c' }
  const mentioned = pool({}, {
    ...OWNED,
    ownerReferences: [{ ...OWNED.ownerReferences[0], controller: false }],
  } as Meta)
  t.strictSame(inheritSubnet(mentioned, [owner]).metadata.ownerReferences?.at(-1), ownedBy)
  const foreign = pool({}, { ownerReferences: [other, { ...other, uid: 'd', controller: true }] })
  t.strictSame(
    inheritSubnet(foreign, [owner]).metadata.ownerReferences,
    [other, ownedBy],
    'another controller is replaced',
  )
  t.end()
})

t.test('validateSubnet() accepts an edit despite a stored overlap; at creation it reports the first clash', t => {
  const others = [
    subnet({ subnet: '10.0.0.0/8', ipVersion: 4 }, { name: 'far' }),
    subnet({ subnet: '172.0.0.0/8', ipVersion: 4 }, { name: 'near' }),
  ]
  t.strictSame(validateSubnet(subnet(v4), { ...alone, old: subnet(v4), others }), [])
  t.match(validateSubnet(subnet(v4), { ...alone, others }).map(textOf), [/172\.0\.0\.0\/8 of SpiderSubnet near/])
  t.end()
})

t.test('validateSubnet() rejects removing addresses of pools from an IPv6 SpiderSubnet', t => {
  const spec: Spec = { subnet: 'fd00::/64', ipVersion: 6, ips: ['fd00::1-fd00::9'] }
  const old = subnet(spec, {}, { controlledIPPools: '{"p":{"ips":["fd00::8-fd00::9"]}}' })
  t.strictSame(validateSubnet(old, { ...alone, old }), [])
  t.match(validateSubnet(subnet({ ...spec, ips: ['fd00::1-fd00::8'] }), { ...alone, old }).map(textOf), [
    /^spec\.ips forbidden: SpiderIPPool p has fd00::9, which must stay/,
  ])
  t.end()
})

const ofSubnet = (spec: Partial<Spec>, labels: Record<string, string>, controlled?: string): readonly string[] =>
  validatePool(defaultPool(pool(spec, { ...OWNED, labels: { ...OWNED.labels, ...labels } })), {
    ...{ old: undefined, others: [], allocated: [] },
    subnet: { ...owner, ...(controlled !== undefined && { status: { controlledIPPools: controlled } }) },
  }).map(textOf)
const AUTO = { 'ipam.spidernet.io/owner-application-name': 'app' }

t.test('validatePool() rejects addresses outside the SpiderSubnet', t => {
  t.strictSame(ofSubnet({ ips: ['172.18.40.10'] }, {}), [])
  t.strictSame(ofSubnet({}, {}), [])
  t.strictSame(ofSubnet({ ips: ['172.18.40.18-172.18.40.21'] }, {}), [
    'spec.ips forbidden: SpiderSubnet s, which the pool belongs to, does not have 172.18.40.20-172.18.40.21',
  ])
  t.end()
})

t.test('validatePool() rejects other ranges of an auto-created pool than its SpiderSubnet records', t => {
  const status = '{"p":{"ips":["172.18.40.10-172.18.40.11"],"application":"apps_v1_Deployment_default_app"}}'
  const words = 'SpiderSubnet s gave it 172.18.40.10-172.18.40.11, which only the controller changes'
  t.strictSame(ofSubnet({ ips: ['172.18.40.11', '172.18.40.10'] }, AUTO, status), [])
  t.strictSame(ofSubnet({}, AUTO, status), [], 'empty before it is given any')
  for (const ips of [['172.18.40.10'], ['172.18.40.10-172.18.40.12']])
    t.strictSame(ofSubnet({ ips }, AUTO, status), [`spec.ips forbidden: the pool is of an application: ${words}`])
  t.match(ofSubnet({ ips: ['172.18.40.10'] }, AUTO), [/gave it nothing, which only the controller changes/])
  t.strictSame(ofSubnet({ ips: ['172.18.40.10'] }, {}, status), [], 'another pool is not asked')
  t.end()
})
