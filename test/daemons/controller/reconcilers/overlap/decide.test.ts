// Which of overlapping pools is disabled, with which reason, and when it is enabled again.
import t from 'tap'
import { disablings } from '../../../../../daemons/controller/reconcilers/overlap/decide.js'
import type { ObjectMeta, SpiderIPPool } from '../../../../../lib/crd/types.js'

type Spec = Partial<SpiderIPPool['spec']>
const BECAUSE = 'ipam.spidernet.io/disabled-because'
const pool = (name: string, spec: Spec = {}, metadata: Partial<ObjectMeta> = {}): SpiderIPPool => ({
  metadata: { name, uid: name, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
  spec: { subnet: '10.6.0.0/16', ips: ['10.6.1.1-10.6.1.9'], ...spec },
})
const summary = (pools: readonly SpiderIPPool[]): readonly string[] =>
  disablings(pools).map(
    ({ pool: { metadata }, spec, annotations }) => `${metadata.name} ${spec.disable} ${annotations[BECAUSE]}`,
  )
const WITH_A = 'spec.ips: 10.6.1.1-10.6.1.9 overlap with SpiderIPPool a'
const old = { creationTimestamp: '2025-01-01T00:00:00Z' }
const six = { subnet: 'fd00::/64', ips: ['fd00::1'] }

const cases: readonly [string, readonly SpiderIPPool[], readonly string[]][] = [
  ['none', [], []],
  ['one alone', [pool('a')], []],
  ['two without a common address', [pool('a'), pool('b', { ips: ['10.6.1.10'] })], []],
  ['two of other subnets', [pool('a'), pool('b', { subnet: '10.7.0.0/16', ips: ['10.7.1.1'] })], []],
  ['two families', [pool('a'), pool('b', six)], []],
  ['two of the same second: the greater UID', [pool('b'), pool('a')], [`b true ${WITH_A}`]],
  [
    'the newer one, whatever its UID',
    [pool('a'), pool('b', {}, old)],
    ['a true spec.ips: 10.6.1.1-10.6.1.9 overlap with SpiderIPPool b'],
  ],
  ['two of IPv6', [pool('a', six), pool('b', six)], ['b true spec.ips: fd00::1 overlap with SpiderIPPool a']],
  [
    'subnets that differ and overlap',
    [pool('a', { subnet: '10.0.0.0/8', ips: [] }), pool('b')],
    [
      'b true spec.subnet: it overlaps with 10.0.0.0/8 of SpiderIPPool a: subnets overlap with one another only where they are equal',
    ],
  ],
  [
    'three: both newer ones, with the oldest as the reason',
    [pool('c'), pool('a'), pool('b')],
    [`c true ${WITH_A}`, `b true ${WITH_A}`],
  ],
  [
    'the reason is the oldest overlapping pool, not the oldest of all',
    [pool('a', { ips: ['10.6.2.1'] }), pool('b'), pool('c')],
    ['c true spec.ips: 10.6.1.1-10.6.1.9 overlap with SpiderIPPool b'],
  ],
  [
    'a later range that overlaps',
    [
      pool('a', { ips: ['10.6.1.1', '10.6.3.1-10.6.3.9'] }),
      pool('z', { ips: ['10.6.2.1'] }),
      pool('b', { ips: ['10.6.3.9'] }),
    ],
    ['b true spec.ips: 10.6.3.9 overlap with SpiderIPPool a'],
  ],
  [
    'a wide range, a narrow one in it, and one that reaches beyond that',
    [pool('a', { ips: ['10.6.1.1-10.6.1.200'] }), pool('b', { ips: ['10.6.1.2'] }), pool('c', { ips: ['10.6.1.150'] })],
    [
      'b true spec.ips: 10.6.1.2 overlap with SpiderIPPool a',
      'c true spec.ips: 10.6.1.150 overlap with SpiderIPPool a',
    ],
  ],
  ['one that a user disabled', [pool('a'), pool('b', { disable: true })], []],
  ['one that is disabled here', [pool('a'), pool('b', { disable: true }, { annotations: { [BECAUSE]: WITH_A } })], []],
  [
    'one disabled here that a user enabled',
    [pool('a'), pool('b', { disable: false }, { annotations: { [BECAUSE]: WITH_A } })],
    [`b true ${WITH_A}`],
  ],
  [
    'one whose reason changed',
    [pool('a'), pool('b', { disable: true }, { annotations: { [BECAUSE]: 'x' } })],
    [`b true ${WITH_A}`],
  ],
  [
    'one whose reason is gone',
    [pool('b', { disable: true }, { annotations: { [BECAUSE]: WITH_A } })],
    ['b false null'],
  ],
  ['a newer one that is being deleted', [pool('a'), pool('b', {}, { deletionTimestamp: 'x' })], []],
  [
    'an older one that is being deleted: its addresses are held',
    [pool('a', {}, { deletionTimestamp: 'x' }), pool('b')],
    [`b true ${WITH_A}`],
  ],
  ['one with an invalid subnet', [pool('a', { subnet: 'x' }), pool('b')], []],
]
for (const [of, pools, says] of cases)
  t.test(
    `disablings() of ${of}: ${says.length === 0 ? 'nothing is done' : says.map(one => one.split(' ')[0]).join(', ')}`,
    t => {
      t.strictSame(summary(pools), says)
      t.strictSame([...summary([...pools].reverse())].sort(), [...says].sort(), 'in whatever order')
      t.end()
    },
  )

t.test('disablings() messages name the pool, the reason and the remedy', t => {
  t.match(disablings([pool('a'), pool('b')]), [
    {
      type: 'Warning',
      reason: 'PoolOverlaps',
      message: `SpiderIPPool b is disabled: ${WITH_A}; change or delete one of the two`,
    },
  ])
  t.match(disablings([pool('b', { disable: true }, { annotations: { [BECAUSE]: WITH_A } })]), [
    {
      type: 'Normal',
      reason: 'PoolOverlapsNoMore',
      message: 'SpiderIPPool b overlaps with no older pool any more and is enabled',
    },
  ])
  t.end()
})

t.test('disablings() of ten thousand pools without overlap is one pass', t => {
  const pools = Array.from({ length: 10_000 }, (_, at) =>
    pool(`p${at}`, { subnet: '10.0.0.0/8', ips: [`10.1.${at >> 8}.${at & 255}`] }),
  )
  const began = performance.now()
  t.strictSame(disablings(pools), [])
  t.ok(performance.now() - began < 5_000)
  t.end()
})
