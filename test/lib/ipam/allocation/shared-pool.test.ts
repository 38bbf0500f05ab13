// publish() and unpublish(): status.allocatedIPs as the lock of a shared pool.
import t from 'tap'
import type { SpiderIPPool } from '../../../../lib/crd/types.js'
import { ip } from '../../../../lib/ip/address.js'
import { formatRanges, rangesOf } from '../../../../lib/ip/range.js'
import { sharedOf } from '../../../../lib/ipam/allocation/go-records.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import { deleteAllocation, publish, publishAllocation, unpublish } from '../../../../lib/ipam/allocation/shared-pool.js'
import { poolOf } from '../../../../lib/ipam/allocation/pool.js'
import { claimantOf, Memory, outcomeOf, poolObject } from '../../../fixtures/memory.js'

const go = (pod: string, podUid = `uid-${pod}`) => ({ pod: `default/${pod}`, podUid })
const poolWith = (allocatedIPs: string): SpiderIPPool => poolObject('a', {}, { status: { allocatedIPs } })
const me = claimantOf('p')
const ADDRESS = '10.1.0.5'
const ranges = rangesOf(['10.1.0.1-10.1.0.9'], 4)

async function published(memory: Memory, read: SpiderIPPool, claimant: Claimant = me): Promise<unknown> {
  const shared = sharedOf(read)
  if (!shared) throw new RangeError('the pool is not shared')
  const asking = { claimant, nic: 'eth0' }
  const taken = await outcomeOf(
    publish(shared, { ip: ip(ADDRESS), family: 4, ranges, holder: asking }, memory.direct()),
  )
  return Array.isArray(taken) ? formatRanges(taken, 4) : taken
}

const MINE = JSON.stringify({ [ADDRESS]: go('p') })
const OTHERS = JSON.stringify({ '10.1.0.1': go('q'), [ADDRESS]: go('other') })
const mirror = { ...me, apiUid: 'uid-mirror' }
const rows: readonly (readonly [
  of: string,
  text: string,
  claimant: Claimant,
  is: unknown,
  after: string,
  writes: number,
])[] = [
  ['an empty text', '{}', me, undefined, MINE, 1],
  ["a text that has the pod's record", MINE, me, undefined, MINE, 0],
  ["a text that has another pod's", OTHERS, me, ['10.1.0.1', ADDRESS], OTHERS, 0],
  ['a text that cannot be read', 'x', me, ['10.1.0.1-10.1.0.9'], 'x', 0],
  ['an entry that names no holder', `{"${ADDRESS}":{}}`, me, [ADDRESS], `{"${ADDRESS}":{}}`, 0],
  [
    'an earlier pod of the name, which keeps',
    JSON.stringify({ [ADDRESS]: go('p', 'old') }),
    { ...me, isRetained: true },
    undefined,
    MINE,
    1,
  ],
  [
    'a mirror pod, by the UID of its object',
    '{}',
    mirror,
    undefined,
    JSON.stringify({ [ADDRESS]: go('p', 'uid-mirror') }),
    1,
  ],
]
for (const [of, text, claimant, is, after, writes] of rows)
  t.test(`publish() to ${of}`, async t => {
    const memory = new Memory([poolWith(text)])
    t.strictSame(await published(memory, poolWith(text), claimant), is)
    t.strictSame(memory.pools[0]?.status?.allocatedIPs, after)
    t.strictSame(memory.calls.filter(call => call === 'writeAllocated a').length, writes)
  })

const meanwhile: readonly (readonly [of: string, now: SpiderIPPool | undefined, is: unknown])[] = [
  ['another address', poolWith(JSON.stringify({ '10.1.0.1': go('q') })), undefined],
  ['this one', poolWith(OTHERS), ['10.1.0.1', ADDRESS]],
  ['nothing, and no Go agent is left', poolObject('a'), undefined],
  ['nothing, and the pool is gone', undefined, 'no IPPool available: SpiderIPPool a was deleted meanwhile'],
]
for (const [of, now, is] of meanwhile)
  t.test(`publish() where a Go agent concurrently allocated ${of}`, async t => {
    const memory = new Memory(now ? [{ ...now, metadata: { ...now.metadata, resourceVersion: 'newer' } }] : [])
    t.strictSame(await published(memory, poolWith('{}')), is)
  })

t.test('publish() fails after a hundred conflicts', async t => {
  const memory = new Memory([poolWith('{}')])
  const conflict = Object.assign(memory, { writeAllocated: () => 'conflict' as const })
  t.match(await published(conflict, poolWith('{}')), /^exhaust all retries \(100 times\) in pool a: /)
  t.strictSame(memory.calls.filter(call => call === 'writeAllocated a').length, 100)
})

const REST = { '10.1.0.1': go('q'), x: 5 }
const removals: readonly (readonly [of: string, records: object, uid: string, after: object])[] = [
  ['the record of the pod', { ...REST, [ADDRESS]: go('p') }, 'uid-p', REST],
  ['nothing of another pod', { ...REST, [ADDRESS]: go('other') }, 'uid-p', { ...REST, [ADDRESS]: go('other') }],
  ['nothing where there is no record', REST, 'uid-p', REST],
]
for (const [of, records, uid, after] of removals)
  t.test(`unpublish() removes ${of}`, async t => {
    const memory = new Memory([poolWith(JSON.stringify(records))])
    await unpublish(ip(ADDRESS), { pool: 'a', uid }, memory.direct())
    t.strictSame(JSON.parse(memory.pools[0]?.status?.allocatedIPs ?? '{}'), after)
  })

t.test('unpublish() ignores an unshared pool, a deleted one, and one in conflict', async t => {
  const projected = poolObject('a', {}, { status: { allocatedIPs: MINE, allocatedIPsProjected: true } })
  for (const [pools, calls] of [
    [[projected], ['pool a']],
    [[], ['pool a']],
  ] as const) {
    const memory = new Memory(pools)
    await unpublish(ip(ADDRESS), { pool: 'a', uid: 'uid-p' }, memory.direct())
    t.strictSame(memory.calls, calls)
  }
  const memory = Object.assign(new Memory([poolWith(MINE)]), { writeAllocated: () => 'conflict' as const })
  await unpublish(ip(ADDRESS), { pool: 'a', uid: 'uid-p' }, memory.direct())
  t.strictSame(memory.calls.filter(call => call === 'writeAllocated a').length, 5)
})

const nic = 'eth0'
const FREE = { ips: ['10.1.0.1-10.1.0.9'] }
const allocations: readonly (readonly [
  of: string,
  pool: SpiderIPPool,
  taken: readonly string[] | undefined,
  holders: readonly string[],
])[] = [
  ['a pool without Go agents', poolObject('a', FREE), undefined, ['10.1.0.5/24 p eth0 c-p']],
  ['a shared pool', poolObject('a', FREE, { status: { allocatedIPs: '{}' } }), undefined, ['10.1.0.5/24 p eth0 c-p']],
  [
    'a shared pool that records it for another pod, and deletes its object',
    poolObject('a', FREE, { status: { allocatedIPs: OTHERS } }),
    ['10.1.0.1', ADDRESS],
    [],
  ],
]
for (const [of, pool, taken, holders] of allocations)
  t.test(`publishAllocation() in ${of}`, async t => {
    const memory = new Memory([pool])
    const object = memory.hold(ADDRESS, { pool: 'a', claimant: me })
    const found = await publishAllocation(
      { object },
      poolOf(pool, 4),
      { claimant: me, nic },
      { store: memory.direct() },
    )
    t.strictSame(found && formatRanges(found, 4), taken)
    t.strictSame(memory.holders(), holders)
    if (taken === undefined) t.strictSame(memory.pools[0]?.status?.allocatedIPs, sharedOf(pool) && MINE)
  })

const ALLOCATED = 'ipam.spidernet.io/allocated-ips'
const deletions: readonly (readonly [
  of: string,
  annotations: Record<string, string>,
  pool: Record<string, string>,
  isChanged: boolean,
  after: string | undefined,
])[] = [
  ['an object of a shared pool', { [ALLOCATED]: 'shared' }, {}, false, undefined],
  ['an object that no text records', {}, {}, false, MINE],
  [
    'an object of a pool whose text the controller writes',
    { [ALLOCATED]: 'shared' },
    { [ALLOCATED]: 'shared' },
    false,
    MINE,
  ],
  ['an object that was updated meanwhile', { [ALLOCATED]: 'shared' }, {}, true, MINE],
]
for (const [of, annotations, poolAnnotations, isChanged, after] of deletions)
  t.test(`deleteAllocation() of ${of}`, async t => {
    const pool = poolWith(MINE)
    const memory = new Memory([{ ...pool, metadata: { ...pool.metadata, annotations: poolAnnotations } }])
    const held = memory.hold(ADDRESS, { pool: 'a', claimant: me })
    const object = {
      ...held,
      metadata: { ...held.metadata, annotations, ...(isChanged && { resourceVersion: 'old' }) },
    }
    t.strictSame(await deleteAllocation(object, memory.direct()), !isChanged)
    t.strictSame(memory.holders().length, isChanged ? 1 : 0)
    t.strictSame(memory.pools[0]?.status?.allocatedIPs, after)
  })

t.test('unpublish() leaves the text of a pool that isLeft names, and of a Go pool that was deleted', async t => {
  const memory = new Memory([poolWith(MINE)])
  await unpublish(ip(ADDRESS), { pool: 'a', uid: 'uid-p', isLeft: () => true }, memory.direct())
  t.strictSame(memory.pools[0]?.status?.allocatedIPs, MINE)
  await unpublish(ip(ADDRESS), { pool: 'b', uid: 'uid-p' }, memory.direct())
  t.strictSame(memory.calls, ['pool a', 'pool b'])
})
