// Concurrent writes of a pod's record, and their undo. On objects in memory.
import t from 'tap'
import type { EndpointNic, SpiderEndpoint } from '../../../../lib/crd/types.js'
import { newEndpoint, withNics } from '../../../../lib/ipam/allocation/endpoint.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import type { Store } from '../../../../lib/ipam/store/store.js'
import { writeEndpoint, createFirstEndpoint, removeNics, type EndpointWrite } from '../../../../lib/ipam/pod/record.js'
import { claimantOf, Memory, outcomeOf } from '../../../fixtures/memory.js'

const me = claimantOf('p')
const nic = (name: string, last = 1): EndpointNic => ({ interface: name, ipv4: `10.1.0.${last}/24`, vlan: 0 })
const writing = (more: Partial<EndpointWrite> = {}): EndpointWrite => ({
  ...{ claimant: me, isRetained: false, known: undefined, others: [], nics: [nic('eth0')] },
  ...more,
})
const shown = (endpoint: SpiderEndpoint | undefined): string | undefined =>
  endpoint && [endpoint.status.current.uid, ...endpoint.status.current.ips.map(one => one.interface)].join(' ')

/** The stored record at the time of the write, and the record that was read. */
interface Row {
  readonly does: string
  readonly there?: { readonly claimant: Claimant; readonly nics: readonly EndpointNic[] }
  readonly isRead?: boolean
  readonly more?: Partial<EndpointWrite>
  readonly is: string
}
const rows: readonly Row[] = [
  { does: 'creates the first', is: 'uid-p eth0' },
  { does: 'creates with the other interfaces', more: { others: [nic('net1', 2)] }, is: 'uid-p net1 eth0' },
  {
    ...{ does: 'replaces what was read', there: { claimant: me, nics: [nic('eth0', 9)] }, isRead: true },
    is: 'uid-p eth0',
  },
  {
    does: 'adds to what another interface of the pod wrote meanwhile',
    ...{ there: { claimant: me, nics: [nic('net1', 2)] }, is: 'uid-p net1 eth0' },
  },
  {
    does: 'clears away what an earlier pod of the name left',
    ...{ there: { claimant: { ...me, uid: 'uid-old' }, nics: [nic('net1', 2)] }, is: 'uid-p eth0' },
  },
  {
    does: 'takes over what was read of the pod before',
    there: { claimant: { ...me, uid: 'uid-old' }, nics: [nic('eth0')] },
    ...{ isRead: true, more: { isRetained: true }, is: 'uid-p eth0' },
  },
  {
    does: 'refuses where it was to be inherited and is another by now',
    there: { claimant: { ...me, uid: 'uid-old' }, nics: [nic('eth0')] },
    more: { isRetained: true },
    is: 'SpiderEndpoint default/p was written by others at the same moment; try again',
  },
]
for (const { does, there, isRead = false, more, is } of rows)
  t.test(`writeEndpoint() ${does}`, async t => {
    const memory = new Memory()
    const made = there && memory.endpoints.create(newEndpoint(there.claimant, there.nics, false))
    const call = writing({ ...(isRead && { known: made }), ...more })
    const written = await outcomeOf(writeEndpoint(call, memory.direct()))
    const stored = shown(memory.endpoints.objects.get('default/p'))
    t.strictSame(typeof written === 'string' ? written : stored, is)
  })

t.test('writeEndpoint() fails after eight conflicts', async t => {
  const memory = new Memory()
  let creates = 0
  const store: Store = {
    ...memory.direct(),
    createEndpoint: () => {
      creates++
      return Promise.resolve('conflict' as const)
    },
  }
  t.match(await outcomeOf(writeEndpoint(writing(), store)), /^SpiderEndpoint default\/p was written by others/)
  t.strictSame(creates, 8)
})

const firsts: readonly (readonly [of: string, there: SpiderEndpoint | undefined, is: string])[] = [
  ['nothing', undefined, 'uid-p eth0'],
  ['its own, whose answer was lost', newEndpoint(me, [nic('eth0')], false), 'uid-p eth0'],
  ['its own with another address', newEndpoint(me, [nic('eth0', 9)], false), 'SpiderEndpoint default/p exists'],
  [
    'its own with more interfaces',
    newEndpoint(me, [nic('eth0'), nic('net1', 2)], false),
    'SpiderEndpoint default/p exists',
  ],
  ['its own with none', newEndpoint(me, [], false), 'SpiderEndpoint default/p exists'],
  ["another pod's", newEndpoint({ ...me, uid: 'x' }, [nic('eth0')], false), 'SpiderEndpoint default/p exists'],
]
for (const [of, there, is] of firsts)
  t.test(`createFirstEndpoint() finds ${of}`, async t => {
    const memory = new Memory()
    const made = there && memory.endpoints.create(there)
    const found = await outcomeOf(createFirstEndpoint(writing(), memory.direct()))
    t.strictSame(typeof found === 'string' ? found : shown(found as SpiderEndpoint), is)
    if (made) t.strictSame(memory.endpoints.objects.get('default/p'), made, 'and changes nothing')
  })

const taken: readonly (readonly [of: string, nics: readonly EndpointNic[], left: string | undefined])[] = [
  ['one of two interfaces', [nic('net1', 2)], 'uid-p eth0'],
  ['all', [nic('eth0'), nic('net1', 2)], undefined],
  ['one that has another address by now', [nic('net1', 9)], 'uid-p eth0 net1'],
  ['one of another name', [nic('net9', 2)], 'uid-p eth0 net1'],
]
for (const [of, nics, left] of taken)
  t.test(`removeNics() removes ${of}`, async t => {
    const memory = new Memory()
    const made = memory.endpoints.create(newEndpoint(me, [nic('eth0'), nic('net1', 2)], false))
    if (made) await removeNics(made, nics, memory.direct())
    t.strictSame(shown(memory.endpoints.objects.get('default/p')), left)
  })

t.test('removeNics() keeps a record that was written since', async t => {
  const memory = new Memory()
  const made = memory.endpoints.create(newEndpoint(me, [nic('eth0'), nic('net1', 2)], false))
  if (!made) throw new RangeError('not made')
  memory.endpoints.replace(withNics(made, [nic('eth0'), nic('net1', 2), nic('net2', 3)]))
  await removeNics(made, [nic('net1', 2)], memory.direct())
  t.strictSame(shown(memory.endpoints.objects.get('default/p')), 'uid-p eth0 net1 net2')
})
