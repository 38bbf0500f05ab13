// Allocation for several interfaces, all or none, and the error of a full pool.
import t from 'tap'
import type { SpiderIPAddress, SpiderIPPool } from '../../../../lib/crd/types.js'
import type { Family } from '../../../../lib/ip/address.js'
import { quarantine } from '../../../../lib/ipam/allocation/conflict-quarantine.js'
import { allocateAll, whoHasMost, type NicRequest } from '../../../../lib/ipam/pod/allocate-all.js'
import { claimantOf, Memory, outcomeOf, poolObject } from '../../../fixtures/memory.js'

const me = claimantOf('p')
const A = poolObject('a', { ips: ['10.1.0.1'], gateway: '10.1.0.254' })
const B = poolObject('b', { ips: ['10.1.0.9', '10.1.0.255'] })
const V6 = poolObject('v6', { ipVersion: 6, subnet: 'fd00::/64', ips: ['fd00::1'] })
const want = (nic: string, pools: Partial<Record<Family, readonly SpiderIPPool[]>>): NicRequest => ({
  ...{ nic, interface: nic.startsWith('#') ? '' : nic, cleanGateway: false },
  pools: new Map(([4, 6] as const).flatMap(family => (pools[family] ? [[family, pools[family]] as const] : []))),
})
const granting = { claimant: me, reserved: [], others: [] }
const scene = (held: readonly (readonly [string, string])[] = []): Memory => {
  const memory = new Memory([A, B, V6])
  for (const [address, pool] of held) memory.hold(address, { pool, claimant: claimantOf('other') })
  return memory
}

t.test('allocateAll() returns one address of every family for every interface', async t => {
  const memory = scene()
  const { nics } = await allocateAll(
    [want('eth0', { 4: [A], 6: [V6] }), want('#1', { 4: [B] })],
    granting,
    memory.hands(),
  )
  t.strictSame(nics, [
    {
      ...{ interface: 'eth0', ipv4: '10.1.0.1/24', ipv4Pool: 'a', ipv4Gateway: '10.1.0.254' },
      ...{ ipv6: 'fd00::1/64', ipv6Pool: 'v6', vlan: 0, cleanGateway: false },
    },
    { interface: '', ipv4: '10.1.0.9/24', ipv4Pool: 'b', vlan: 0 },
  ])
})

t.test('allocateAll() takes what a killed ADD of this container noted, and releases it where it fails', async t => {
  const wide = poolObject('b', { ips: ['10.1.0.1-10.1.0.200'] })
  const memory = new Memory([wide, V6])
  const deps = memory.hands()
  for (const [address, claimant] of [
    ['10.1.0.177', claimantOf('other')],
    ['10.1.0.178', claimantOf('p', { containerID: 'c-before' })],
    ['10.1.0.179', me],
  ] as const) {
    memory.hold(address, { pool: 'b', claimant })
    deps.journal.note(address)
  }
  const before = memory.holders().slice(0, 2)
  const { nics, undo } = await allocateAll([want('eth0', { 4: [wide] })], granting, deps)
  t.strictSame([nics[0]?.ipv4, memory.holders().length], ['10.1.0.179/24', 3])
  await undo()
  t.strictSame(memory.holders(), before)
})

t.test('allocateAll() releases all where one pool is full, and closes the journal', async t => {
  const memory = scene([['fd00::1', 'v6']])
  const deps = memory.hands()
  const said = await outcomeOf(allocateAll([want('eth0', { 4: [A], 6: [V6] })], granting, deps))
  t.strictSame(
    said,
    'all IP addresses used out in pool v6 (1 in all, 1 taken, 0 reserved; most by Pod default/other, 1)',
  )
  t.strictSame([memory.holders(), deps.journal.read()], [['fd00::1/64 other eth0 c-other'], []])
})

t.test('allocateAll() releases all where the API server fails, and keeps the journal', async t => {
  const memory = scene()
  const direct = memory.direct()
  const createAddress: typeof direct.createAddress = object =>
    object.spec.pool === 'v6' ? Promise.reject(new Error('busy')) : direct.createAddress(object)
  const hands = { ...memory.hands(), store: { ...direct, createAddress } }
  t.strictSame(await outcomeOf(allocateAll([want('eth0', { 4: [A], 6: [V6] })], granting, hands)), 'busy')
  t.strictSame(
    [memory.holders(), [...hands.journal.read()].sort()],
    [[], ['10.1.0.1', 'fd00-0000-0000-0000-0000-0000-0000-0001']],
  )
})

t.test('undo() releases what this call created, not what an earlier one took', async t => {
  const memory = scene()
  memory.hold('10.1.0.1', { pool: 'a', claimant: { ...me, containerID: 'earlier' } })
  const { undo } = await allocateAll([want('eth0', { 4: [A] }), want('net1', { 4: [B] })], granting, memory.hands())
  await undo()
  t.strictSame(memory.holders(), ['10.1.0.1/24 p eth0 c-p'])
})

t.test('undo() keeps the journal where an address could not be released', async t => {
  const memory = scene()
  const deps = memory.hands()
  const store = { ...deps.store, deleteAddress: () => Promise.reject(new Error('busy')) }
  const { undo } = await allocateAll([want('eth0', { 4: [A] })], granting, { ...deps, store })
  await undo()
  t.strictSame(deps.journal.read(), ['10.1.0.1'])
})

const FULL_B =
  'all IP addresses used out in pool b (1 in all, 1 taken, 0 reserved, 1 that no pod can use; most by Pod default/other, 1)'
const go = { allocatedIPs: '{"10.1.0.1":{"pod":"default/q","podUid":"q"}}' }
const refusals: readonly (readonly [
  of: string,
  pools: readonly SpiderIPPool[],
  reserved: readonly string[],
  is: string,
])[] = [
  ['a full pool with an address that no pod can use', [B], [], FULL_B],
  [
    'two full pools',
    [A, B],
    ['10.1.0.1'],
    `all IP addresses used out in pool a (1 in all, 0 taken, 1 reserved); ${FULL_B}`,
  ],
  [
    'an empty pool',
    [poolObject('empty')],
    [],
    'all IP addresses used out in pool empty (0 in all, 0 taken, 0 reserved)',
  ],
  [
    "a pool that Go's text fills",
    [poolObject('go', { ips: ['10.1.0.1'] }, { status: go })],
    [],
    'all IP addresses used out in pool go (1 in all, 1 taken, 0 reserved; 1 by Go records in status.allocatedIPs)',
  ],
]
for (const [of, pools, ips, is] of refusals)
  t.test(`allocateAll() refuses ${of}`, async t => {
    const memory = scene([['10.1.0.9', 'b']])
    const reserved = [{ metadata: { name: 'r' }, spec: { ips } }]
    t.strictSame(
      await outcomeOf(allocateAll([want('eth0', { 4: pools })], { ...granting, reserved }, memory.hands())),
      is,
    )
  })

const sample = (): readonly SpiderIPAddress[] => {
  const memory = new Memory([poolObject('a')])
  const web = (at: number) =>
    claimantOf(`web-${at}`, { owner: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } })
  for (const at of [1, 2]) memory.hold(`10.1.0.${at}`, { pool: 'a', claimant: web(at) })
  memory.hold('10.1.0.3', { pool: 'a', claimant: claimantOf('p') })
  return [...memory.addresses.objects.values()]
}
const aside = sample().map(object => quarantine(object, { mac: '02:00:00:00:00:01', now: 0 }))
const most: readonly (readonly [of: string, sample: readonly SpiderIPAddress[], is: string])[] = [
  ['no addresses', [], ''],
  ['a Deployment', sample(), '; most by Deployment default/web, 2'],
  ['hosts outside', [...sample(), ...aside], '; most by hosts outside (IP conflict), 3'],
]
for (const [of, objects, is] of most) t.test(`whoHasMost() of ${of}`, async t => t.strictSame(whoHasMost(objects), is))
