// A pool's counts, free ranges and finalizers.
import t from 'tap'
import {
  besideGo,
  poolFinalizers,
  poolStatus,
  sizeOfPool,
  withMark,
} from '../../../../../daemons/controller/reconcilers/ippool/decide.js'
import type { SpiderIPPool } from '../../../../../lib/crd/types.js'

const pool = (spec: object, metadata: object = {}, status?: object): SpiderIPPool => ({
  metadata: { name: 'p', ...metadata },
  spec: { subnet: '10.0.0.0/24', ...spec },
  ...(status && { status }),
})

const holdings = (allocated: number, names: readonly string[] = []) => ({ allocated, names: () => names })

const SIZES: readonly (readonly [of: string, spec: object, size: bigint])[] = [
  ['no ips', {}, 0n],
  ['one address', { ips: ['10.0.0.1'] }, 1n],
  ['a range', { ips: ['10.0.0.1-10.0.0.10'] }, 10n],
  ['a range without some', { ips: ['10.0.0.1-10.0.0.10'], excludeIPs: ['10.0.0.3', '10.0.0.5-10.0.0.6'] }, 7n],
  ['exclusions outside', { ips: ['10.0.0.1'], excludeIPs: ['10.0.0.2'] }, 1n],
  ['a /48 of IPv6', { subnet: 'fd00::/48', ips: ['fd00::-fd00:0:0:ffff:ffff:ffff:ffff:ffff'] }, 2n ** 80n - 1n],
  ['a whole /24', { ips: ['10.0.0.0-10.0.0.255'] }, 254n],
  ['a whole /24 with its gateway', { ips: ['10.0.0.0-10.0.0.255'], gateway: '10.0.0.1' }, 253n],
  ['a /31', { subnet: '10.0.0.0/31', ips: ['10.0.0.0-10.0.0.1'] }, 2n],
  ['multicast addresses', { subnet: '224.0.0.0/24', ips: ['224.0.0.5-224.0.0.9'] }, 0n],
  ['no addresses but words', { ips: ['all of them'] }, 0n],
]
for (const [of, spec, size] of SIZES)
  t.test(`sizeOfPool() of ${of} is ${size}`, async t => t.equal(sizeOfPool(pool(spec)), size))

const SHARED = { annotations: { 'ipam.spidernet.io/allocated-ips': 'shared' } }
const MARKED = { allocatedIPsProjected: false }
const MARKS: readonly (readonly [of: string, pool: SpiderIPPool, is: object])[] = [
  ['a new pool', pool({}), MARKED],
  ['a pool that Go emptied', pool({}, {}, { allocatedIPCount: 0 }), { allocatedIPCount: 0, ...MARKED }],
  ['a pool with a text of ADDs', pool({}, {}, { allocatedIPs: '{}', ...MARKED }), MARKED],
  ['a pool with a text of Go', pool({}, {}, { allocatedIPs: '{}' }), { allocatedIPs: '{}' }],
  [
    'a pool with our projection',
    pool({}, {}, { allocatedIPs: '{}', allocatedIPsProjected: true }),
    { allocatedIPs: '{}', allocatedIPsProjected: true },
  ],
  ['a pool that is shared', pool({}, SHARED), {}],
]
for (const [of, before, is] of MARKS)
  t.test(`withMark() of ${of}`, async t => t.strictSame(withMark(before, before.status ?? {}), is))

const HELD_TEXT = '{"10.0.0.5":{"pod":"default/p","podUid":"u"}}'
const HELD = [['10.0.0.5', { pod: 'default/p', podUid: 'u' }]] as const
const BESIDE_GO: readonly (readonly [of: string, status: object | undefined, held: typeof HELD | [], is: object])[] = [
  ['a new pool', undefined, HELD, {}],
  ['a pool with a text of Go', { allocatedIPs: '{}' }, HELD, { allocatedIPs: '{}' }],
  ['a pool with the mark', MARKED, HELD, { allocatedIPs: HELD_TEXT, ...MARKED }],
  ['an empty pool with the mark', MARKED, [], {}],
  [
    'a pool with a text of ADDs',
    { allocatedIPs: '{"10.0.0.9":{}}', ...MARKED },
    HELD,
    { allocatedIPs: HELD_TEXT, ...MARKED },
  ],
  [
    'a pool with our projection',
    { allocatedIPs: '{}', allocatedIPsProjected: true },
    HELD,
    { allocatedIPs: HELD_TEXT, ...MARKED },
  ],
]
for (const [of, status, held, is] of BESIDE_GO)
  t.test(`besideGo() of ${of}`, async t => {
    const before = pool({}, {}, status)
    t.strictSame(
      besideGo(before, before.status ?? {}, () => held),
      is,
    )
  })

t.test('poolStatus() sets the counts and keeps other fields', async t => {
  t.strictSame(
    poolStatus(pool({ ips: ['10.0.0.1-10.0.0.4'] }, {}, { allocatedIPs: '{}', allocatedIPCount: 9 }), holdings(2)),
    {
      allocatedIPs: '{}',
      totalIPCount: 4,
      allocatedIPCount: 2,
    },
  )
})

t.test('countOf() clamps to int64', async t => {
  const { totalIPCount = 0 } = poolStatus(pool({ subnet: 'fd00::/48', ips: ['fd00::-fd00:0:0:ffff::'] }), holdings(0))
  t.ok(BigInt(totalIPCount) < 2n ** 63n)
  t.ok(totalIPCount > 9e18)
})

const OURS = 'spiderpool.spidernet.io'
const FINALIZERS: readonly (readonly [
  of: string,
  metadata: object,
  status: object | undefined,
  allocated: number,
  left: readonly string[],
])[] = [
  ['lives', { finalizers: [OURS] }, undefined, 0, [OURS]],
  ['terminates and is empty', { finalizers: [OURS, 'other'], deletionTimestamp: 't' }, undefined, 0, ['other']],
  ['terminates and is not empty', { finalizers: [OURS], deletionTimestamp: 't' }, undefined, 1, [OURS]],
  [
    'terminates with records of the Go format',
    { finalizers: [OURS], deletionTimestamp: 't' },
    { allocatedIPs: '{"10.0.0.1":{}}' },
    0,
    [OURS],
  ],
  ['lives without our finalizer', { finalizers: ['other'] }, undefined, 0, ['other', OURS]],
]
for (const [of, metadata, status, allocated, left] of FINALIZERS)
  t.test(`poolFinalizers() of a pool that ${of}`, async t =>
    t.strictSame(poolFinalizers(pool({}, metadata, status), allocated), left),
  )

const TEN = ['10.0.0.1-10.0.0.10']
const numbers = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => `10.0.0.${from + at}`)
const LEFT: readonly (readonly [
  of: string,
  spec: object,
  names: readonly string[],
  free: readonly string[] | undefined,
])[] = [
  ['half of it', { ips: TEN }, numbers(1, 5), undefined],
  ['an eighth', { ips: ['10.0.0.1-10.0.0.8'] }, numbers(1, 7), undefined],
  ['less than an eighth', { ips: TEN }, [...numbers(1, 3), ...numbers(5, 10)], ['10.0.0.4']],
  [
    'two addresses apart',
    { ips: ['10.0.0.1-10.0.0.20'] },
    [...numbers(2, 9), ...numbers(11, 20)],
    ['10.0.0.1', '10.0.0.10'],
  ],
  ['none', { ips: TEN }, numbers(1, 10), undefined],
  [
    'one and what no pod can use is held',
    { ips: ['10.0.0.1-10.0.0.9', '10.0.0.255'] },
    [...numbers(1, 8), '10.0.0.255'],
    ['10.0.0.9'],
  ],
  ['less than an eighth, with what another pool holds', { ips: TEN }, [...numbers(1, 9), '10.9.0.1'], undefined],
]
for (const [of, spec, names, free] of LEFT)
  t.test(`poolStatus() of a pool of which ${of} is free has freeIPs ${free?.join() ?? 'undefined'}`, async t => {
    const before = { freeIPs: ['10.0.0.99'] }
    t.strictSame(poolStatus(pool(spec, {}, before), holdings(names.length, names)).freeIPs, free)
  })

t.test('poolStatus() of a /64 that is nearly free has no freeIPs and reads no names', async t => {
  const names = (): never => t.fail('asked') as never
  const big = pool({ subnet: 'fd00::/64', ips: ['fd00::-fd00::ffff:ffff:ffff:ffff'] })
  t.equal(poolStatus(big, { allocated: 5, names }).freeIPs, undefined)
})
