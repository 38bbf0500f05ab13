// status.allocatedIPs: parse, look up, write.
import t from 'tap'
import { ip } from '../../../../lib/ip/address.js'
import { formatRanges, rangesOf } from '../../../../lib/ip/range.js'
import {
  allocatedText,
  isRecordOf,
  isShared,
  markOfText,
  recordAt,
  recordedIn,
  recordsIn,
  sharedOf,
  WHOLE_TEXT,
  withRecordOf,
  type SharedPool,
} from '../../../../lib/ipam/allocation/go-records.js'
import type { Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import type { SpiderIPPool } from '../../../../lib/crd/types.js'
import { claimantOf, poolObject } from '../../../fixtures/memory.js'

const record = (address: string, pod = 'p', uid = `uid-${pod}`) => ({ ip: ip(address), namespace: 'default', pod, uid })

const texts: readonly (readonly [text: string, addresses: readonly string[], unreadable: readonly string[]])[] = [
  ['{}', [], []],
  ['{"10.1.0.1":{"pod":"default/p","podUid":"u"}}', ['10.1.0.1'], []],
  ['{"fd00:0::1":{"pod":"default/p","podUid":"u","more":1}}', ['fd00::1'], []],
  ['{"10.1.0.1":{"pod":"p","podUid":"u"}}', [], ['10.1.0.1']],
  ['{"10.1.0.1":{"pod":"/p","podUid":"u"}}', [], ['10.1.0.1']],
  ['{"10.1.0.1":{"pod":"default/","podUid":"u"}}', [], ['10.1.0.1']],
  ['{"10.1.0.1":{"pod":"a/b/c","podUid":"u"}}', [], ['10.1.0.1']],
  ['{"10.1.0.1":{"pod":"default/p","podUid":""}}', [], ['10.1.0.1']],
  ['{"10.1.0.1":{"pod":"default/p"}}', [], ['10.1.0.1']],
  ['{"10.1.0.1":{"pod":5,"podUid":"u"}}', [], ['10.1.0.1']],
  ['{"10.1.0.1":null,"10.1.0.2":"p"}', [], ['10.1.0.1', '10.1.0.2']],
  ['{"x":{"pod":"default/p","podUid":"u"}}', [], ['x']],
  ['[]', [], [WHOLE_TEXT]],
  ['null', [], [WHOLE_TEXT]],
  ['5', [], [WHOLE_TEXT]],
  ['', [], [WHOLE_TEXT]],
  ['{"10.1.0.1":', [], [WHOLE_TEXT]],
]
for (const [text, addresses, unreadable] of texts)
  t.test(`recordsIn() ${text}`, async t => {
    const found = recordsIn(text)
    t.strictSame([found.records.map(one => one.ip), found.unreadable], [addresses, unreadable])
  })

t.test('allocatedText() is compact, in byte order, and undefined without entries', async t => {
  const entries = [
    ['10.1.0.9', 5],
    ['fd00::1', { pod: 'a/b', podUid: 'u' }],
    ['10.1.0.10', null],
  ] as const
  t.strictSame(allocatedText(entries), '{"10.1.0.10":null,"10.1.0.9":5,"fd00::1":{"pod":"a/b","podUid":"u"}}')
  t.strictSame(allocatedText([]), undefined)
})

const KEY = 'ipam.spidernet.io/allocated-ips'
const TEXT =
  '{"10.1.0.1":{"pod":"default/p","podUid":"uid-p"},"10.1.0.3":{},"fd00::1":{"pod":"default/p","podUid":"uid-p"},"x":1}'
const poolWith = (status: SpiderIPPool['status'], annotation?: string): SpiderIPPool => {
  const { metadata, spec } = poolObject('a')
  const annotations = annotation === undefined ? {} : { [KEY]: annotation }
  return { metadata: { ...metadata, annotations }, spec, ...(status && { status }) }
}
const sharing: readonly (readonly [of: string, pool: ReturnType<typeof poolObject>, is: boolean])[] = [
  ['a pool without a status', poolWith(undefined), true],
  ['a pool that Go counted', poolWith({ totalIPCount: 9, allocatedIPCount: 0 }), true],
  ['a pool with a text', poolWith({ allocatedIPs: '{}' }), true],
  ['a pool with our text', poolWith({ allocatedIPs: '{}', allocatedIPsProjected: true }), false],
  ['a pool with our mark', poolWith({ allocatedIPsProjected: false }), false],
  ['a pool whose text ADDs wrote', poolWith({ allocatedIPs: '{}', allocatedIPsProjected: false }), true],
  ['a pool with our mark, and a Go agent', poolWith({ allocatedIPsProjected: false }, 'shared'), true],
  ['a pool that the controller annotates', poolWith(undefined, 'shared'), true],
  ['a pool whose text is kept', poolWith({ allocatedIPs: '{}', allocatedIPsProjected: true }, 'kept'), false],
  ['a pool whose text was kept, and Go wrote', poolWith({ allocatedIPs: '{}' }, 'kept'), true],
  ['a pool whose text was kept, and Go emptied', poolWith({ allocatedIPCount: 0 }, 'kept'), true],
]
for (const [of, pool, is] of sharing)
  t.test(`isShared() of ${of} is ${is}`, async t => {
    t.strictSame([isShared(pool), sharedOf(pool) !== undefined], [is, is])
  })

const markings: readonly (readonly [
  before: string,
  status: SpiderIPPool['status'],
  text: string | undefined,
  mark: unknown,
])[] = [
  ['no text', undefined, '{}', false],
  ["ADDs' own text", { allocatedIPs: '{}', allocatedIPsProjected: false }, '{}', false],
  [
    "ADDs' own text, the last record of which goes",
    { allocatedIPs: '{}', allocatedIPsProjected: false },
    undefined,
    undefined,
  ],
  ["Go's text", { allocatedIPs: '{}' }, '{}', undefined],
  ["the controller's text", { allocatedIPs: '{}', allocatedIPsProjected: true }, '{}', undefined],
]
for (const [before, status, text, mark] of markings)
  t.test(`markOfText() after ${before} is ${mark}`, async t => t.equal(markOfText(poolWith(status), text), mark))

t.test(
  "sharedOf() takes no record of ADDs' own text for an address that is taken, and keeps all of them written",
  async t => {
    const shared = sharedOf(poolWith({ allocatedIPs: TEXT, allocatedIPsProjected: false }))
    t.strictSame(shared?.records, [])
    const keys = shared && withRecordOf(shared, record('10.1.0.9', 'q')).map(([key]) => key)
    t.strictSame(keys, ['10.1.0.1', '10.1.0.3', 'fd00::1', 'x', '10.1.0.9'])
  },
)

const sharedWith = (allocatedIPs: string): SharedPool => {
  const shared = sharedOf(poolObject('a', {}, { status: { allocatedIPs } }))
  if (!shared) throw new RangeError('the pool is not shared')
  return shared
}

const inRanges: readonly (readonly [text: string, family: 4 | 6, ranges: readonly string[], is: readonly string[]])[] =
  [
    [TEXT, 4, ['10.1.0.0-10.1.0.9'], ['10.1.0.1', '10.1.0.3']],
    [TEXT, 4, ['10.1.0.2-10.1.0.9'], ['10.1.0.3']],
    [TEXT, 6, ['fd00::-fd00::9'], ['fd00::1']],
    ['{}', 4, ['10.1.0.0-10.1.0.9'], []],
    ['broken', 4, ['10.1.0.0-10.1.0.9'], ['10.1.0.0-10.1.0.9']],
  ]
for (const [text, family, ranges, is] of inRanges)
  t.test(`recordedIn() ${ranges.join()} of ${text}`, async t =>
    t.strictSame(formatRanges(recordedIn(sharedWith(text), rangesOf(ranges, family), family), family), is),
  )

t.test('recordAt() finds the record of an address, and none of an entry that names no holder', async t => {
  const shared = sharedWith(TEXT)
  t.strictSame(recordAt(shared, ip('10.1.0.1')), record('10.1.0.1'))
  t.strictSame([recordAt(shared, ip('10.1.0.3')), recordAt(shared, ip('10.1.0.4'))], [undefined, undefined])
})

t.test('withRecordOf() replaces the entry of the address, and keeps unreadable ones', async t => {
  for (const [address, keys] of [
    ['10.1.0.1', ['10.1.0.3', 'fd00::1', 'x', '10.1.0.1']],
    ['10.1.0.9', ['10.1.0.1', '10.1.0.3', 'fd00::1', 'x', '10.1.0.9']],
  ] as const) {
    const entries = withRecordOf(sharedWith(TEXT), record(address, 'q'))
    t.strictSame(
      entries.map(([key]) => key),
      keys,
    )
    t.strictSame(entries.at(-1), [address, { pod: 'default/q', podUid: 'uid-q' }])
  }
})

const me = claimantOf('p')
const whose: readonly (readonly [of: string, claimant: Claimant, was: { uid?: string } | undefined, is: boolean])[] = [
  ['the pod', me, undefined, true],
  ['another pod of the name', { ...me, uid: 'other' }, undefined, false],
  ['another pod of the name, which keeps', { ...me, uid: 'other', isRetained: true }, undefined, true],
  ['a pod that keeps, of another name', { ...claimantOf('q'), isRetained: true }, undefined, false],
  [
    'a pod that keeps, in another Namespace',
    { ...me, uid: 'other', namespace: 'x', isRetained: true },
    undefined,
    false,
  ],
  ['a mirror pod, by its object', { ...me, uid: 'static', apiUid: 'uid-p' }, undefined, true],
  ['another mirror pod', { ...me, uid: 'static', apiUid: 'x' }, undefined, false],
  ['the pod after it', { ...me, uid: 'other' }, { uid: 'uid-p' }, true],
  ['the pod after another one', { ...me, uid: 'other' }, { uid: 'x' }, false],
  ['a pod after none', { ...me, uid: 'other' }, {}, false],
]
for (const [of, claimant, was, is] of whose)
  t.test(`isRecordOf() ${of} is ${is}`, async t =>
    t.strictSame(isRecordOf(record('10.1.0.1'), { claimant, nic: 'eth0', ...(was && { was }) }), is),
  )
