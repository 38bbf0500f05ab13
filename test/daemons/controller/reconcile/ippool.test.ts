// A pool's counts and finalizers, from the pool and the number of its addresses.
import t from 'tap'
import { poolFinalizers, poolStatus, sizeOfPool } from '../../../../daemons/controller/reconcile/ippool.js'
import type { SpiderIPPool } from '../../../../lib/crd/types.js'

const pool = (spec: object, metadata: object = {}, status?: object): SpiderIPPool => ({
  metadata: { name: 'p', ...metadata },
  spec: { subnet: '10.0.0.0/24', ...spec },
  ...(status && { status }),
})

const SIZES: readonly (readonly [of: string, spec: object, size: bigint])[] = [
  ['no ips', {}, 0n],
  ['one address', { ips: ['10.0.0.1'] }, 1n],
  ['a range', { ips: ['10.0.0.1-10.0.0.10'] }, 10n],
  ['a range without some', { ips: ['10.0.0.1-10.0.0.10'], excludeIPs: ['10.0.0.3', '10.0.0.5-10.0.0.6'] }, 7n],
  ['exclusions outside', { ips: ['10.0.0.1'], excludeIPs: ['10.0.0.2'] }, 1n],
  ['a /48 of IPv6', { subnet: 'fd00::/48', ips: ['fd00::-fd00:0:0:ffff:ffff:ffff:ffff:ffff'] }, 2n ** 80n],
  ['no addresses but words', { ips: ['all of them'] }, 0n],
]
for (const [of, spec, size] of SIZES)
  t.test(`a pool of ${of} holds ${size}`, async t => t.equal(sizeOfPool(pool(spec)), size))

t.test('the counts are set beside what else the status holds', async t => {
  t.strictSame(poolStatus(pool({ ips: ['10.0.0.1-10.0.0.4'] }, {}, { allocatedIPs: '{}', allocatedIPCount: 9 }), 2), {
    allocatedIPs: '{}',
    totalIPCount: 4,
    allocatedIPCount: 2,
  })
})

t.test('a count that int64 cannot hold stays below it', async t => {
  const { totalIPCount = 0 } = poolStatus(pool({ subnet: 'fd00::/48', ips: ['fd00::-fd00:0:0:ffff::'] }), 0)
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
  ['ends and is empty', { finalizers: [OURS, 'other'], deletionTimestamp: 't' }, undefined, 0, ['other']],
  ['ends and is not empty', { finalizers: [OURS], deletionTimestamp: 't' }, undefined, 1, [OURS]],
  [
    'ends with records of the old format',
    { finalizers: [OURS], deletionTimestamp: 't' },
    { allocatedIPs: '{"10.0.0.1":{}}' },
    0,
    [OURS],
  ],
  ['lives and has none of ours', { finalizers: ['other'] }, undefined, 0, ['other', OURS]],
]
for (const [of, metadata, status, allocated, left] of FINALIZERS)
  t.test(`a pool that ${of} has the finalizers it shall have`, async t =>
    t.strictSame(poolFinalizers(pool({}, metadata, status), allocated), left),
  )
