// planSubnet(): the status byte for byte, what pools inherit, Events, termination, and no write
// twice.
import t from 'tap'
import { planSubnet, type SubnetState } from '../../../../../daemons/controller/reconcilers/subnet/decide.js'
import { newAutoPool, type AutoPoolRequest } from '../../../../../daemons/controller/reconcilers/subnet/autopool.js'
import type { SpiderIPPool, SpiderSubnet } from '../../../../../lib/crd/types.js'
import { rangesOf } from '../../../../../lib/ip/range.js'

const OURS = 'spiderpool.spidernet.io'
const subnet: SpiderSubnet = {
  metadata: {
    ...{ name: 'lan', uid: 'subnet-uid', resourceVersion: '1', finalizers: [OURS] },
    labels: { 'ipam.spidernet.io/subnet-cidr': '10-6-0-0-16' },
  },
  spec: { subnet: '10.6.0.0/16', ips: ['10.6.1.1-10.6.1.9'], gateway: '10.6.0.1' },
}
const requestFor = (name: string, size: number, family: 4 | 6 = 4): AutoPoolRequest => ({
  application: {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name, uid: `${name}-12345678` },
    ...{ items: [], size, number: `${size}`, reclaims: true },
  },
  nic: 'eth0',
  family,
})

const state = (more: Partial<SubnetState> = {}): SubnetState => ({
  ...{ subnet, pools: [], requests: [], reserved: [], older: undefined, isThorough: true },
  heldOf: () => [],
  poolNamed: () => undefined,
  requestStateOf: () => 'kept',
  ...more,
})
const manual = (
  ips: readonly string[],
  more: Partial<SpiderIPPool['spec']> = {},
  metadata: object = {},
): SpiderIPPool => ({
  metadata: { name: 'manual', uid: 'm', resourceVersion: '7', finalizers: [OURS], ...metadata },
  spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips, ...more },
})
const auto = (request: AutoPoolRequest, ips: string, metadata: object = {}): SpiderIPPool => {
  const pool = newAutoPool(`auto4-${request.application.name}-eth0-12345`, request, subnet, rangesOf([ips], 4))
  return {
    ...pool,
    metadata: { ...pool.metadata, uid: `${request.application.name}-pool`, resourceVersion: '5', ...metadata },
  }
}

t.test('planSubnet() writes a request into the status before it creates the pool', async t => {
  const plan = planSubnet(state({ requests: [requestFor('app', 3)] }))
  t.strictSame(plan.status, {
    controlledIPPools:
      '{"auto4-app-eth0-12345":{"ips":["10.6.1.1-10.6.1.3"],"application":"apps_v1_Deployment_default_app"}}',
    totalIPCount: 9,
    allocatedIPCount: 3,
  })
  t.match(plan.pools, [{ verb: 'create', pool: { spec: { ips: ['10.6.1.1-10.6.1.3'], gateway: '10.6.0.1' } } }])
  t.strictSame([plan.metadata, plan.notices, plan.ending], [{}, [], undefined])

  const pools = [auto(requestFor('app', 3), '10.6.1.1-10.6.1.3')]
  const again = planSubnet(
    state({ requests: [requestFor('app', 3)], pools, subnet: { ...subnet, status: plan.status } }),
  )
  t.strictSame(again, { ...plan, pools: [] }, 'which is all')
})

t.test('planSubnet() gives out neither gateway nor reserved addresses', async t => {
  const reserved = [
    { metadata: { name: 'r' }, spec: { ips: ['10.6.1.2'] } },
    { metadata: { name: 's' }, spec: { ips: ['fd00::1'] } },
  ]
  const spec = { ...subnet.spec, gateway: '10.6.1.3' }
  const { pools } = planSubnet(state({ subnet: { ...subnet, spec }, requests: [requestFor('app', 2)], reserved }))
  t.match(pools, [{ pool: { spec: { ips: ['10.6.1.1', '10.6.1.4'] } } }])
})

t.test('planSubnet() gives a manual pool an owner, and fields that it does not have', async t => {
  const routes = [{ dst: '10.7.0.0/16', gw: '10.6.0.2' }]
  const withRoutes = { ...subnet, spec: { ...subnet.spec, routes } }
  const plan = planSubnet(state({ subnet: withRoutes, pools: [manual(['10.6.1.8-10.6.1.12'])] }))
  t.match(plan.pools, [
    {
      verb: 'change',
      name: 'manual',
      body: {
        metadata: {
          resourceVersion: '7',
          labels: { 'ipam.spidernet.io/owner-spider-subnet': 'lan' },
          ownerReferences: [{ uid: 'subnet-uid', controller: true }],
        },
        spec: { gateway: '10.6.0.1', routes },
      },
    },
  ])
  t.equal(plan.status.controlledIPPools, '{"manual":{"ips":["10.6.1.8-10.6.1.9"]}}', 'what of it is the subnet’s')
  const own = manual(['10.6.1.8'], { gateway: '10.6.0.9', routes: [] })
  t.notOk('spec' in (planSubnet(state({ subnet: withRoutes, pools: [own] })).pools[0] as { body: object }).body)
  const [ownGateway] = planSubnet(state({ pools: [manual(['10.6.0.1-10.6.0.3'])] })).pools
  t.notMatch(ownGateway, { body: { spec: { gateway: '10.6.0.1' } } }, 'it gives the gateway out itself')
})

t.test('planSubnet() leaves a pool of another owner and its addresses unchanged', async t => {
  const ownerReferences = [{ apiVersion: 'x/v1', kind: 'X', name: 'x', uid: 'x', controller: true }]
  const plan = planSubnet(
    state({ pools: [manual(['10.6.1.1-10.6.1.2'], {}, { ownerReferences })], requests: [requestFor('app', 1)] }),
  )
  t.match(plan.pools, [{ verb: 'create', pool: { spec: { ips: ['10.6.1.3'] } } }])
  t.match(plan.status, { allocatedIPCount: 1 })
})

const REPORTED: readonly (readonly [of: string, more: Partial<SubnetState>, reason: string, message: RegExp])[] = [
  [
    'too few addresses',
    { requests: [requestFor('app', 12)] },
    'SubnetExhausted',
    /SpiderSubnet lan lacks 3 of the 12 addresses that eth0 is to have/,
  ],
  [
    'the other family',
    { requests: [requestFor('app', 1, 6)] },
    'WrongInput',
    /^wrong input: SpiderSubnet lan is IPv4, .* under ipv6; move it to ipv4$/,
  ],
  [
    'an older subnet of the same addresses',
    { older: 'first', requests: [requestFor('app', 1)] },
    'SubnetNotUsable',
    /of SpiderSubnet first/,
  ],
  [
    'a terminating subnet',
    {
      subnet: { ...subnet, metadata: { ...subnet.metadata, deletionTimestamp: 'now' } },
      requests: [requestFor('app', 1)],
    },
    'SubnetNotUsable',
    /is being deleted/,
  ],
  [
    'a pool of another subnet',
    {
      poolNamed: () => manual([], {}, { labels: { 'ipam.spidernet.io/owner-spider-subnet': 'old' } }),
      requests: [requestFor('app', 1)],
    },
    'ApplicationSubnetChanged',
    /Deployment default\/app asks for SpiderSubnet lan, and its pool is out of old/,
  ],
]
for (const [of, more, reason, message] of REPORTED)
  t.test(`planSubnet() reports ${of} and creates nothing`, async t => {
    const { notices, pools, status } = planSubnet(state(more))
    t.match(notices, [{ reason, message }])
    t.strictSame([pools, status.allocatedIPCount], [[], 0])
  })

t.test('planSubnet() deletes the pool of a deleted application, unless it is kept', async t => {
  const request = requestFor('app', 1)
  const pools = [auto(request, '10.6.1.1')]
  const requestStateOf = () => 'gone' as const
  const held = () => rangesOf(['10.6.1.1'], 4)
  t.match(planSubnet(state({ pools, requestStateOf, heldOf: held })).pools, [
    { verb: 'delete', uid: 'app-pool', resourceVersion: '5', why: 'gone' },
  ])
  const unrequested = { pools, requestStateOf: () => 'unrequested' as const }
  t.strictSame(planSubnet(state({ ...unrequested, heldOf: held })).pools, [], 'not while a pod of it holds an address')
  t.match(planSubnet(state(unrequested)).pools, [{ verb: 'delete', why: 'unrequested' }])
  const stays = [auto({ ...request, application: { ...request.application, reclaims: false } }, '10.6.1.1')]
  const plan = planSubnet(state({ pools: stays, requestStateOf }))
  t.strictSame([plan.pools, plan.status.allocatedIPCount], [[], 1], 'and it is charged to the subnet')
})

t.test('planSubnet() reuses a pool that stayed for the next application of the name', async t => {
  const stayed = {
    ...requestFor('app', 2),
    application: { ...requestFor('app', 2).application, uid: 'old', reclaims: false },
  }
  const plan = planSubnet(state({ pools: [auto(stayed, '10.6.1.1-10.6.1.2')], requests: [requestFor('app', 3)] }))
  t.match(plan.pools, [
    {
      verb: 'change',
      shrinks: false,
      body: {
        metadata: {
          labels: {
            'ipam.spidernet.io/owner-application-uid': 'app-12345678',
            'ipam.spidernet.io/ippool-reclaim': 'true',
          },
        },
        spec: { ips: ['10.6.1.1-10.6.1.3'] },
      },
    },
  ])
})

t.test('planSubnet() repairs an edited pool of an application', async t => {
  const request = requestFor('app', 2)
  const status = planSubnet(state({ requests: [request] })).status
  const edited = auto(request, '10.6.1.1-10.6.1.2')
  const pool = { ...edited, spec: { ...edited.spec, excludeIPs: ['10.6.1.2'] } }
  t.match(planSubnet(state({ pools: [pool], requests: [request], subnet: { ...subnet, status } })).pools, [
    { verb: 'change', body: { spec: { ips: ['10.6.1.1-10.6.1.2'], excludeIPs: null } } },
  ])
})

t.test('planSubnet() adds label and finalizer to a subnet without them', async t => {
  const bare = { ...subnet, metadata: { name: 'lan', finalizers: ['mine'] } }
  t.strictSame(planSubnet(state({ subnet: bare })).metadata, {
    labels: { 'ipam.spidernet.io/subnet-cidr': '10-6-0-0-16' },
    finalizers: ['mine', OURS],
  })
})

const ENDINGS: readonly (readonly [
  of: string,
  finalizers: readonly string[],
  hasPool: boolean,
  ending: string | undefined,
])[] = [
  ['with a pool deletes it in the foreground', [OURS], true, 'foreground'],
  ['with a terminating pool waits', [OURS, 'foregroundDeletion'], true, undefined],
  ['whose pools are orphaned waits until they are released', [OURS, 'orphan'], true, undefined],
  ['without a pool is released', [OURS, 'foregroundDeletion'], false, 'release'],
  ['without our finalizer waits for the others', ['mine'], false, undefined],
]
for (const [of, finalizers, hasPool, ending] of ENDINGS)
  t.test(`planSubnet() of a terminating subnet ${of}`, async t => {
    const ending1 = { ...subnet, metadata: { ...subnet.metadata, finalizers, deletionTimestamp: 'now' } }
    const plan = planSubnet(state({ subnet: ending1, pools: hasPool ? [auto(requestFor('app', 1), '10.6.1.1')] : [] }))
    t.strictSame([plan.ending, plan.pools, plan.metadata], [ending, [], {}])
  })

t.test('planSubnet() clamps the count of a /64 to int64', async t => {
  const spec = { subnet: 'fd00::/64', ips: ['fd00::-fd00::ffff:ffff:ffff:ffff'] }
  const plan = planSubnet(state({ subnet: { ...subnet, spec }, requests: [requestFor('app', 2, 6)] }))
  t.ok(BigInt(plan.status.totalIPCount) < 2n ** 63n)
  t.match(plan.pools, [{ pool: { metadata: { name: 'auto6-app-eth0-12345' }, spec: { ips: ['fd00::1-fd00::2'] } } }])
})

const whole: SpiderSubnet = {
  ...subnet,
  spec: { subnet: '10.6.0.0/29', ips: ['10.6.0.0-10.6.0.7'] },
  metadata: { ...subnet.metadata, labels: { 'ipam.spidernet.io/subnet-cidr': '10-6-0-0-29' } },
}
const small = (ips: string, request = requestFor('app', 2)): SpiderIPPool => {
  const pool = auto(request, ips)
  return { ...pool, spec: { ...pool.spec, subnet: '10.6.0.0/29' } }
}

t.test('planSubnet() counts and allots only usable addresses', async t => {
  const plan = planSubnet(state({ subnet: whole, requests: [requestFor('app', 2)] }))
  t.strictSame([plan.status.totalIPCount, plan.status.allocatedIPCount], [6, 2])
  t.match(plan.pools, [{ verb: 'create', pool: { spec: { ips: ['10.6.0.1-10.6.0.2'] } } }])
  const none = planSubnet(state({ subnet: whole, requests: [requestFor('app', 7)] }))
  t.match(none.notices, [{ reason: 'SubnetExhausted', message: /lacks 1 of the 7 addresses/ }])
  const pools = [{ ...manual(['10.6.0.6-10.6.0.7']), spec: { subnet: '10.6.0.0/29', ips: ['10.6.0.6-10.6.0.7'] } }]
  t.equal(planSubnet(state({ subnet: whole, pools })).status.allocatedIPCount, 1)
})

t.test(
  'planSubnet() takes what no pod can use out of a stored pool of an application when no pod holds it',
  async t => {
    const pools = [small('10.6.0.6-10.6.0.7')]
    const requests = [requestFor('app', 2)]
    const free = planSubnet(state({ subnet: whole, pools, requests }))
    t.match(free.pools, [{ verb: 'change', body: { spec: { ips: ['10.6.0.1', '10.6.0.6'] } } }])
    const held = planSubnet(state({ subnet: whole, pools, requests, heldOf: () => rangesOf(['10.6.0.7'], 4) }))
    t.equal(held.status.allocatedIPCount, 1)
    t.notMatch(held.pools, [{ body: { spec: {} } }], 'the pod keeps what it has')
  },
)

t.test('planSubnet() copies no invalid gateway into a pool', async t => {
  const spec = { ...whole.spec, gateway: '10.6.0.7', routes: [{ dst: '10.0.0.0/8', gw: '10.6.0.0' }] }
  const pools = [{ ...manual([]), spec: { subnet: '10.6.0.0/29', ips: ['10.6.0.3'] } }]
  for (const write of planSubnet(state({ subnet: { ...whole, spec }, pools })).pools)
    t.notMatch(write, { body: { spec: {} } })
})
