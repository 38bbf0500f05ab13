// allocate(): requests to the Store, written objects, and the outcome for each kind of holder.
import t from 'tap'
import type { SpiderIPAddress, SpiderIPPool } from '../../../../lib/crd/types.js'
import { ip, objectNameOf } from '../../../../lib/ip/address.js'
import { rangesOf } from '../../../../lib/ip/range.js'
import {
  allocate,
  claimOne,
  takeOver,
  type AllocDeps,
  type AllocationResult,
  type AllocationRequest,
} from '../../../../lib/ipam/allocation/allocate.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import { poolOf } from '../../../../lib/ipam/allocation/pool.js'
import { claimantOf, Memory, outcomeOf, poolObject } from '../../../fixtures/memory.js'

const me = claimantOf('p')
const other = claimantOf('other')
const TWO = { ips: ['10.1.0.1-10.1.0.2'] }

const wantedOf = (pools: readonly SpiderIPPool[], more: Partial<AllocationRequest> = {}): AllocationRequest => ({
  ...{ claimant: me, nic: 'eth0', reserved: [] },
  pools: pools.map(pool => poolOf(pool, 4)),
  ...more,
})

/** `held 10.1.0.1/24 new`, or what each pool refuses by. */
const brief = (taken: AllocationResult): string =>
  taken.kind === 'held'
    ? `${taken.pool.name} ${taken.object.spec.address} ${taken.isNew ? 'new' : 'had'}`
    : taken.refusals
        .map(({ pool, why, reserved, recorded }) => {
          const [word, count] = why.reason === 'exhausted' ? ['of', why.size] : ['tries', why.attempts]
          return `${pool.name} ${why.reason} ${word} ${count}, ${reserved} reserved, ${recorded} recorded`
        })
        .join('; ')

interface Row {
  readonly does: string
  readonly pools: readonly SpiderIPPool[]
  readonly held?: readonly (readonly [address: string, pool: string, claimant: Claimant, nic?: string])[]
  readonly wanted?: Partial<AllocationRequest>
  readonly is: string
  readonly holders: readonly string[]
  readonly journal?: readonly string[]
}
const MINE = 'p eth0 c-p'
const OTHERS = 'other eth0 c-other'
const shared = (records: object, spec: Partial<SpiderIPPool['spec']> = TWO): SpiderIPPool =>
  poolObject('a', spec, {
    status: { allocatedIPs: JSON.stringify(records), allocatedIPCount: Object.keys(records).length },
  })
const goRecord = (pod: string, podUid = `uid-${pod}`) => ({ pod: `default/${pod}`, podUid })

const rows: readonly Row[] = [
  {
    ...{ does: 'takes the only address', pools: [poolObject('a', { ips: ['10.1.0.1'] })] },
    ...{ is: 'a 10.1.0.1/24 new', holders: [`10.1.0.1/24 ${MINE}`], journal: ['10.1.0.1'] },
  },
  {
    ...{ does: 'takes the address that is left', pools: [poolObject('a', TWO)], held: [['10.1.0.1', 'a', other]] },
    ...{ is: 'a 10.1.0.2/24 new', holders: [`10.1.0.1/24 ${OTHERS}`, `10.1.0.2/24 ${MINE}`] },
  },
  {
    does: 'takes of the second pool where the first is full',
    pools: [poolObject('a', { ips: ['10.1.0.1'] }), poolObject('b', { ips: ['10.1.0.9'] })],
    held: [['10.1.0.1', 'a', other]],
    ...{ is: 'b 10.1.0.9/24 new', holders: [`10.1.0.1/24 ${OTHERS}`, `10.1.0.9/24 ${MINE}`] },
  },
  {
    does: 'refuses where every pool is full, and leaves the others alone',
    pools: [poolObject('a', TWO), poolObject('b', { ips: ['10.1.0.9'] })],
    held: [
      ['10.1.0.1', 'a', other],
      ['10.1.0.9', 'b', other],
    ],
    wanted: { reserved: rangesOf(['10.1.0.2', '10.9.9.9'], 4) },
    is: 'a exhausted of 1, 1 reserved, 0 recorded; b exhausted of 1, 0 reserved, 0 recorded',
    holders: [`10.1.0.1/24 ${OTHERS}`, `10.1.0.9/24 ${OTHERS}`],
  },
  {
    ...{ does: 'refuses of a pool without addresses', pools: [poolObject('a')], journal: [] },
    ...{ is: 'a exhausted of 0, 0 reserved, 0 recorded', holders: [] },
  },
  { does: 'refuses where no pool is named', pools: [], is: '', holders: [], journal: [] },
  {
    ...{ does: 'never takes what is reserved', pools: [poolObject('a', TWO)], is: 'a 10.1.0.2/24 new' },
    ...{ wanted: { reserved: rangesOf(['10.1.0.1'], 4) }, holders: [`10.1.0.2/24 ${MINE}`], journal: ['10.1.0.2'] },
  },
  {
    does: 'finds what an earlier try of the pod took',
    pools: [poolObject('a', TWO)],
    held: [['10.1.0.2', 'a', { ...me, containerID: 'earlier' }]],
    ...{ is: 'a 10.1.0.2/24 had', holders: [`10.1.0.2/24 ${MINE}`] },
  },
  {
    does: 'leaves to another interface of the pod what that has',
    pools: [poolObject('a', TWO)],
    held: [['10.1.0.2', 'a', me, 'net1']],
    ...{ is: 'a 10.1.0.1/24 new', holders: [`10.1.0.1/24 ${MINE}`, '10.1.0.2/24 p net1 c-p'] },
  },
  {
    does: 'finds what an earlier try took far along the order, in a full pool',
    pools: [poolObject('a', { ips: ['10.1.0.1-10.1.0.20'] }, { status: { allocatedIPCount: 20 } })],
    held: [
      ...Array.from({ length: 19 }, (_, at) => [`10.1.0.${at + 1}`, 'a', claimantOf(`o${at}`)] as const),
      ['10.1.0.20', 'a', { ...me, containerID: 'earlier' }],
    ],
    is: 'a 10.1.0.20/24 had',
    holders: [
      ...Array.from({ length: 19 }, (_, at) => `10.1.0.${at + 1}/24 o${at} eth0 c-o${at}`),
      `10.1.0.20/24 ${MINE}`,
    ].sort(),
  },
  {
    does: 'leaves what an earlier try took and is reserved by now',
    pools: [poolObject('a', TWO, { status: { allocatedIPCount: 2, freeIPs: [] } })],
    held: [['10.1.0.2', 'a', { ...me, containerID: 'earlier' }]],
    wanted: { reserved: rangesOf(['10.1.0.2'], 4) },
    ...{ is: 'a 10.1.0.1/24 new', holders: [`10.1.0.1/24 ${MINE}`, '10.1.0.2/24 p eth0 earlier'] },
  },
  {
    does: 'takes what the status says is left',
    pools: [
      poolObject('a', { ips: ['10.1.0.1-10.1.0.20'] }, { status: { allocatedIPCount: 19, freeIPs: ['10.1.0.7'] } }),
    ],
    ...{ is: 'a 10.1.0.7/24 new', holders: [`10.1.0.7/24 ${MINE}`], journal: ['10.1.0.7'] },
  },
  {
    does: 'never takes what the status says and the ranges do not',
    pools: [poolObject('a', { ips: ['10.1.0.1'] }, { status: { freeIPs: ['10.1.0.7'] } })],
    ...{ is: 'a 10.1.0.1/24 new', holders: [`10.1.0.1/24 ${MINE}`] },
  },
  {
    ...{ does: "takes none that Go's text gives to a pod", pools: [shared({ '10.1.0.1': goRecord('other') })] },
    ...{ is: 'a 10.1.0.2/24 new', holders: [`10.1.0.2/24 ${MINE}`] },
  },
  {
    does: "refuses where Go's text has all, and says how many",
    pools: [shared({ '10.1.0.1': goRecord('other'), '10.1.0.2': goRecord('third') })],
    ...{ is: 'a exhausted of 0, 0 reserved, 2 recorded', holders: [], journal: [] },
  },
  {
    does: "takes the address that Go's text gives to the pod",
    pools: [shared({ '10.1.0.2': goRecord('p') })],
    ...{ is: 'a 10.1.0.2/24 new', holders: [`10.1.0.2/24 ${MINE}`], journal: ['10.1.0.2'] },
  },
  {
    does: "leaves to another interface what Go's text gives to the pod",
    pools: [shared({ '10.1.0.2': goRecord('p') })],
    wanted: { except: [ip('10.1.0.2')] },
    ...{ is: 'a 10.1.0.1/24 new', holders: [`10.1.0.1/24 ${MINE}`] },
  },
  {
    does: "takes none of the pod's that is reserved by now",
    pools: [shared({ '10.1.0.2': goRecord('p') })],
    wanted: { reserved: rangesOf(['10.1.0.2'], 4) },
    ...{ is: 'a 10.1.0.1/24 new', holders: [`10.1.0.1/24 ${MINE}`] },
  },
]
for (const { does, pools, held = [], wanted, is, holders, journal } of rows)
  t.test(`allocate() ${does}`, async t => {
    const memory = new Memory(pools)
    for (const [address, pool, claimant, nic] of held)
      memory.hold(address, { pool, claimant, ...(nic !== undefined && { nic }) })
    const deps = memory.hands()
    t.strictSame(brief(await allocate(wantedOf(pools, wanted), deps)), is)
    t.strictSame([...memory.holders()].sort(), [...holders].sort())
    for (const { metadata, spec } of memory.addresses.objects.values())
      if (spec.containerID === me.containerID && spec.nic === 'eth0')
        t.ok(deps.journal.read().includes(metadata.name), 'a DEL of this container finds it')
    if (journal) t.strictSame(deps.journal.read(), journal)
  })

t.test('allocate() makes one request where the first address is free', async t => {
  const memory = new Memory([poolObject('a', TWO)])
  await allocate(wantedOf(memory.pools), memory.hands())
  t.match(memory.calls.join(), /^claim 10.1.0.[12]$/)
})

t.test('allocate() reads before creating after its first miss, and notes no address of other pods', async t => {
  const three = poolObject('a', { ips: ['10.1.0.1-10.1.0.3'] })
  const memory = new Memory([three])
  for (const at of [1, 2, 3]) memory.hold(`10.1.0.${at}`, { pool: 'a', claimant: claimantOf(`o${at}`) })
  const deps = memory.hands()
  t.strictSame(brief(await allocate(wantedOf([three]), deps)), 'a exhausted of 3, 0 reserved, 0 recorded')
  t.strictSame(
    memory.calls.map(call => call.split(' ')[0]),
    ['claim', 'address', 'address', 'address', 'heldIn'],
  )
  t.strictSame(
    deps.journal.read(),
    memory.calls.slice(0, 1).map(call => call.split(' ')[1]),
  )
})

t.test('allocate() writes the pod into status.allocatedIPs of a shared pool', async t => {
  const memory = new Memory([shared({ '10.1.0.1': goRecord('other') })])
  await allocate(wantedOf(memory.pools), memory.hands())
  t.strictSame(memory.pools[0]?.status, {
    allocatedIPs:
      '{"10.1.0.1":{"pod":"default/other","podUid":"uid-other"},"10.1.0.2":{"pod":"default/p","podUid":"uid-p"}}',
    allocatedIPCount: 2,
  })
})

t.test('allocate() releases an address that a Go agent took concurrently, and takes another', async t => {
  const memory = new Memory([shared({})])
  const read = memory.pools.map(pool => pool)
  const first = new Memory(read)
  await allocate(wantedOf(read), first.hands())
  const [mine = ''] = first.holders().map(line => line.split('/')[0] ?? '')
  const [pool] = memory.pools
  if (pool)
    memory.writeAllocated(pool, { text: JSON.stringify({ [mine]: goRecord('other') }), count: 1, mark: undefined })
  const rest = mine === '10.1.0.1' ? '10.1.0.2' : '10.1.0.1'
  t.strictSame(brief(await allocate(wantedOf(read), memory.hands())), `a ${rest}/24 new`)
  t.strictSame(memory.holders(), [`${rest}/24 ${MINE}`])
})

t.test('allocate() reads a pool again whose hint is used up, and lists it if that is unchanged', async t => {
  const pool = poolObject(
    'a',
    { ips: ['10.1.0.1-10.1.0.20'] },
    { status: { allocatedIPCount: 16, freeIPs: ['10.1.0.1-10.1.0.4'] } },
  )
  const memory = new Memory([pool])
  for (let at = 1; at <= 20; at++)
    if (at !== 13) memory.hold(`10.1.0.${at}`, { pool: 'a', claimant: claimantOf(`o${at}`) })
  t.strictSame(brief(await allocate(wantedOf([pool]), memory.hands())), 'a 10.1.0.13/24 new')
  t.strictSame(memory.calls, [
    ...['claim 10.1.0.1', 'claim 10.1.0.2', 'claim 10.1.0.3', 'pool a'],
    ...['heldIn uid-a', 'claim 10.1.0.13'],
  ])
})

t.test('allocate() refuses as contended where other pods are always first', async t => {
  const pool = poolObject('a', { ips: ['10.1.0.1-10.1.0.250'] })
  const memory = new Memory([pool])
  const store = { ...memory.direct(), createAddress: () => Promise.resolve({ kind: 'taken' as const }) }
  const taken = await allocate(wantedOf([pool]), { ...memory.hands(), store })
  t.strictSame(brief(taken), 'a contended tries 200, 0 reserved, 0 recorded')
})

t.test('allocate() throws the error of the API server, and the journal has the address', async t => {
  const pool = poolObject('a', { ips: ['10.1.0.1'] })
  const memory = new Memory([pool])
  const deps: AllocDeps = {
    ...memory.hands(),
    store: { ...memory.direct(), createAddress: () => Promise.reject(new Error('the server is gone')) },
  }
  t.strictSame(await outcomeOf(allocate(wantedOf([pool]), deps)), 'the server is gone')
  t.strictSame(deps.journal.read(), ['10.1.0.1'])
})

const POOL = poolObject('a', TWO)
const asking = { claimant: me, nic: 'eth0' }
const held = (claimant: Claimant, nic = 'eth0'): { memory: Memory; object: SpiderIPAddress } => {
  const memory = new Memory([POOL])
  return { memory, object: memory.hold('10.1.0.1', { pool: 'a', claimant, nic }) }
}

const takenOver: readonly (readonly [of: string, holder: Claimant, nic: string, is: string | undefined])[] = [
  ["of this very call's", me, 'eth0', MINE],
  ['of an earlier container of the pod', { ...me, containerID: 'earlier' }, 'eth0', MINE],
  ['of the pod, for no interface yet', me, '', MINE],
  ['of the pod, for another interface', me, 'net1', undefined],
  ['of another pod', other, 'eth0', undefined],
  ['of an earlier pod of the name', { ...me, uid: 'uid-before' }, 'eth0', undefined],
]
for (const [of, holder, nic, is] of takenOver)
  t.test(`claimOne() ${of} is ${is === undefined ? 'a miss' : 'taken over'}`, async t => {
    const { memory } = held(holder, nic)
    const before = memory.holders()
    const deps = memory.hands()
    const got = await claimOne(ip('10.1.0.1'), poolOf(POOL, 4), asking, deps)
    t.strictSame(got && [got.isNew, memory.holderOf('10.1.0.1')?.spec.containerID], is && [false, 'c-p'])
    t.strictSame(memory.holders(), is === undefined ? before : [`10.1.0.1/24 ${is}`])
    const isWritten = is !== undefined && before[0] !== `10.1.0.1/24 ${is}`
    t.strictSame(memory.calls.includes('adopt 10.1.0.1'), isWritten, 'written where it does not say so yet')
    t.strictSame(deps.journal.read(), [objectNameOf(ip('10.1.0.1'))])
  })

t.test('takeOver() retries eight times where a late DEL writes the address', async t => {
  for (const conflicts of [0, 1, 7, 8]) {
    const { memory, object } = held({ ...me, containerID: 'earlier' })
    let left = conflicts
    const direct = memory.direct()
    const store = {
      ...direct,
      updateAddress: (one: SpiderIPAddress) => (left-- > 0 ? Promise.resolve(undefined) : direct.updateAddress(one)),
    }
    const got = await takeOver(object, asking, store)
    t.strictSame(got?.object.spec.containerID, conflicts < 8 ? 'c-p' : undefined, `${conflicts} conflicts`)
  }
})

t.test('takeOver() fails for an address that another pod holds by now or that is deleted', async t => {
  for (const now of [other, undefined]) {
    const { memory, object } = held({ ...me, containerID: 'earlier' })
    memory.addresses.remove(object, false)
    if (now) memory.hold('10.1.0.1', { pool: 'a', claimant: now })
    const before = memory.holders()
    const direct = memory.direct()
    const store = { ...direct, updateAddress: () => Promise.resolve(undefined) }
    t.strictSame(await takeOver(object, asking, store), undefined)
    t.strictSame(memory.holders(), before)
  }
})

t.test('allocate() takes over the address of this pod that a view shows, without a try', async t => {
  const memory = new Memory([poolObject('a', TWO)])
  const { metadata } = memory.hold('10.1.0.1', { pool: 'a', nic: 'eth0', claimant: me })
  const { store, ...deps } = memory.hands()
  const view = {
    heldIn: () => [{ name: metadata.name, podUid: me.uid }],
    heldBy: () => [],
    endpoint: () => undefined,
  }
  t.strictSame(
    brief(await allocate(wantedOf(memory.pools), { ...deps, store: { ...store, view } })),
    'a 10.1.0.1/24 had',
  )
  t.strictSame(memory.calls, [`address ${metadata.name}`])
})

t.test('allocate() of a record of this pod says that the record stays where the call is undone', async t => {
  const memory = new Memory([shared({ '10.1.0.1': goRecord('p') })])
  const taken = await allocate(wantedOf(memory.pools), memory.hands())
  t.strictSame([brief(taken), taken.kind === 'held' && taken.isOfRecord], ['a 10.1.0.1/24 new', true])
})

t.test('allocate() leaves a record of this pod whose address another pod holds', async t => {
  const memory = new Memory([shared({ '10.1.0.1': goRecord('p') })])
  memory.hold('10.1.0.1', { pool: 'a', claimant: other })
  t.strictSame(brief(await allocate(wantedOf(memory.pools), memory.hands())), 'a 10.1.0.2/24 new')
})
