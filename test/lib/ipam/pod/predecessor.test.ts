// What the next pod of a StatefulSet or virtual machine inherits, and what is released.
import t from 'tap'
import type { EndpointNic, SpiderIPPool } from '../../../../lib/crd/types.js'
import type { Family } from '../../../../lib/ip/address.js'
import { newEndpoint } from '../../../../lib/ipam/allocation/endpoint.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import { inherit, releaseStale, outdated, poolsIn, unusable } from '../../../../lib/ipam/pod/predecessor.js'
import type { RequestedPools } from '../../../../lib/ipam/pools/requested.js'
import { claimantOf, Memory, poolObject } from '../../../fixtures/memory.js'

const A = poolObject('a', { ips: ['10.1.0.1-10.1.0.9'] })
const V6 = poolObject('v6', { ipVersion: 6, subnet: 'fd00::/64' })
const nic = (name: string, last: number, more: Partial<EndpointNic> = {}): EndpointNic => ({
  ...{ interface: name, vlan: 0, ipv4: `10.1.0.${last}/24`, ipv4Pool: 'a' },
  ...more,
})
const named = (name: string, pools: readonly SpiderIPPool[], family: Family = 4): RequestedPools['named'][number] => ({
  request: { nic: name, index: undefined, names: new Map(), cleanGateway: false },
  pools: new Map([[family, pools]]),
})
const requested = (of: RequestedPools['named'], scope: RequestedPools['scope'] = 'call'): RequestedPools => ({
  from: 'x',
  scope,
  named: of,
})
const two = [nic('eth0', 1), nic('net1', 2)]
const MOVED = { ...A, spec: { ...A.spec, subnet: '10.2.0.0/24' } }

const old: readonly (readonly [
  of: string,
  recorded: readonly EndpointNic[],
  requested: RequestedPools,
  is: string,
  isOfNetwork?: boolean,
])[] = [
  ['an interface whose pool is named', two, requested([named('eth0', [A])]), ''],
  ['an interface whose pool is one of several', two, requested([named('eth0', [V6, A])]), ''],
  ['an interface whose pool is named no more', two, requested([named('eth0', [poolObject('b')])]), 'eth0'],
  ['an interface that nothing is named for', two, requested([named('net1', [A])], 'all'), 'eth0'],
  ['an interface whose pool has another subnet', two, requested([named('eth0', [MOVED])]), 'eth0'],
  ['an interface of another network', two, requested([named('eth0', [A])]), 'eth0', false],
  ['an interface that the record does not have', [nic('net1', 2)], requested([named('eth0', [A])]), ''],
  ['what is no address', [nic('eth0', 1, { ipv4: 'x' })], requested([named('eth0', [A])]), 'eth0'],
  ['an index list that is current', two, requested([named('#0', [A]), named('#1', [A])], 'byIndex'), ''],
  ['an index list with one other pool', two, requested([named('#0', [A]), named('#1', [V6])], 'byIndex'), 'eth0 net1'],
  ['an index list that is shorter', two, requested([named('#0', [A])], 'byIndex'), 'eth0 net1'],
  ['an index list, on any network', two, requested([named('#0', [A]), named('#1', [A])], 'byIndex'), '', false],
]
for (const [of, recorded, wanted, is, isOfNetwork = true] of old)
  t.test(`outdated() of ${of}`, async t => {
    const found = outdated(recorded, wanted, 'eth0', () => isOfNetwork)
    t.strictSame(found.map(one => one.interface).join(' '), is)
  })

const bad: readonly (readonly [
  of: string,
  recorded: readonly EndpointNic[],
  scope: RequestedPools['scope'],
  is: string,
])[] = [
  ['none', two, 'call', ''],
  ['the network address', [nic('eth0', 0), nic('net1', 2)], 'call', 'eth0'],
  ['the broadcast address, without names', [nic('eth0', 1), nic('net1', 255)], 'byIndex', 'eth0 net1'],
  ['none, without names', two, 'byIndex', ''],
  ['what is no address', [nic('eth0', 1, { ipv4: 'x' })], 'call', ''],
]
for (const [of, recorded, scope, is] of bad)
  t.test(`unusable() of ${of}`, async t => {
    t.strictSame(
      unusable(recorded, requested([], scope))
        .map(one => one.interface)
        .join(' '),
      is,
    )
  })

t.test('poolsIn() has every pool by its name', async t => {
  t.strictSame([...poolsIn(requested([named('eth0', [A]), named('net1', [V6, A], 6)])).keys()], ['a', 'v6'])
})

const before = { ...claimantOf('web-0'), uid: 'uid-before', containerID: 'c-before' }
const me = { ...claimantOf('web-0'), isRetained: true }
const other = claimantOf('other')

const MINE = '10.1.0.1/24 web-0 eth0 c-web-0'

t.test('inherit() returns the interfaces whose addresses the new pod holds', async t => {
  const memory = new Memory([A])
  memory.hold('10.1.0.1', { pool: 'a', claimant: before })
  memory.hold('10.1.0.2', { pool: 'a', claimant: other, nic: 'net1' })
  const endpoint = newEndpoint(before, two, true)
  const found = await inherit(endpoint, two, { claimant: me, reserved: [] }, memory.hands())
  t.strictSame(found, two.slice(0, 1))
  t.strictSame(memory.holders(), [MINE, '10.1.0.2/24 other net1 c-other'])
})

t.test(
  'releaseStale() releases what both pods of the name held, except addresses of a remaining interface',
  async t => {
    const memory = new Memory([A])
    for (const [last, claimant] of [
      [1, me],
      [2, before],
      [3, other],
      [4, me],
    ] as const)
      memory.hold(`10.1.0.${last}`, { pool: 'a', claimant })
    const leaving = [1, 2, 3, 4].map(last => nic('eth0', last))
    await releaseStale(leaving, { uids: [me.uid, before.uid], staying: [nic('net1', 4)] }, memory.hands())
    t.strictSame(memory.holders(), ['10.1.0.3/24 other eth0 c-other', '10.1.0.4/24 web-0 eth0 c-web-0'])
  },
)
