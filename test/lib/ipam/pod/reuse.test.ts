// Whether the recorded addresses of an interface are still the pod's. On objects in memory.
import t from 'tap'
import type { EndpointNic, SpiderIPPool } from '../../../../lib/crd/types.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import { reuse } from '../../../../lib/ipam/pod/reuse.js'
import { claimantOf, Memory, poolObject } from '../../../fixtures/memory.js'

const A = poolObject('a', { ips: ['10.1.0.1-10.1.0.9'] })
const V6 = poolObject('v6', { ipVersion: 6, subnet: 'fd00::/64' })
const nic = (name: string, last: number, more: Partial<EndpointNic> = {}): EndpointNic => ({
  ...{ interface: name, vlan: 0, ipv4: `10.1.0.${last}/24`, ipv4Pool: 'a' },
  ...more,
})
const before = { ...claimantOf('web-0'), uid: 'uid-before', containerID: 'c-before' }
const me = { ...claimantOf('web-0'), isRetained: true }
const other = claimantOf('other')

interface Keeping {
  readonly of: string
  readonly held?: readonly (readonly [last: number, claimant: Claimant, nic?: string])[]
  readonly pool?: SpiderIPPool
  readonly reserved?: readonly string[]
  readonly entry?: EndpointNic
  readonly was?: string
  readonly is: boolean
  readonly holders: readonly string[]
}
const MINE = '10.1.0.1/24 web-0 eth0 c-web-0'
const WAS = 'uid-before'
const keeping: readonly Keeping[] = [
  { of: 'its own address', held: [[1, me]], is: true, holders: [MINE] },
  { of: 'the address of the pod before', held: [[1, before]], was: WAS, is: true, holders: [MINE] },
  { of: 'an address of its index', held: [[1, me, '#0']], is: true, holders: [MINE] },
  { of: 'an address that went missing', is: true, holders: [MINE] },
  { of: 'an address of another pod', held: [[1, other]], is: false, holders: ['10.1.0.1/24 other eth0 c-other'] },
  {
    ...{ of: 'an address of the pod before, which is not inherited', held: [[1, before]], is: false },
    holders: ['10.1.0.1/24 web-0 eth0 c-before'],
  },
  { of: 'a missing address that is reserved by now', reserved: ['10.1.0.1'], is: false, holders: [] },
  {
    of: 'an address that it holds and is reserved by now',
    held: [[1, me]],
    reserved: ['10.1.0.1'],
    is: true,
    holders: [MINE],
  },
  {
    of: 'a missing address that the pool has no more',
    pool: poolObject('a', { ips: ['10.1.0.9'] }),
    is: false,
    holders: [],
  },
  { of: 'a missing address whose pool is gone', pool: poolObject('b'), is: false, holders: [] },
  { of: 'an interface without addresses', entry: { interface: 'eth0' }, is: false, holders: [] },
  { of: 'what is no address', entry: { interface: 'eth0', ipv4: 'x', ipv4Pool: 'a' }, is: false, holders: [] },
  {
    of: "an address that Go's text gives to another pod",
    pool: poolObject('a', A.spec, { status: { allocatedIPs: '{"10.1.0.1":{"pod":"default/q","podUid":"q"}}' } }),
    ...{ is: false, holders: [] },
  },
  {
    of: 'two addresses of which one is lost: the other goes back',
    entry: nic('eth0', 1, { ipv6: 'fd00::1/64', ipv6Pool: 'v6' }),
    ...{ held: [[1, me]], is: false, holders: [] },
  },
]
for (const { of, held = [], pool = A, reserved = [], entry = nic('eth0', 1), was, is, holders } of keeping)
  t.test(`reuse() of ${of} is ${is}`, async t => {
    const memory = new Memory([A])
    for (const [last, claimant, name = 'eth0'] of held)
      memory.hold(`10.1.0.${last}`, { pool: 'a', claimant, nic: name })
    memory.pools.splice(0, 1, pool, V6)
    const context = { claimant: me, reserved: [{ metadata: { name: 'r' }, spec: { ips: reserved } }] }
    const recorded = { entry, index: 0, ...(was !== undefined && { was }) }
    t.strictSame(await reuse(recorded, context, memory.hands()), is)
    t.strictSame(memory.holders(), holders)
  })
