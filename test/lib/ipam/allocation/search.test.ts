// decide(): the next step of the search for every kind of state.
import t from 'tap'
import { candidatesOf } from '../../../../lib/ipam/allocation/candidates.js'
import {
  afterHint,
  afterList,
  afterMiss,
  decide,
  hintOf,
  type SearchState,
  type SearchStep,
} from '../../../../lib/ipam/allocation/search.js'
import { ip, toBigint } from '../../../../lib/ip/address.js'
import { formatRanges, rangesOf, type Ranges } from '../../../../lib/ip/range.js'

const ranges = (...texts: readonly string[]): Ranges => rangesOf(texts, 4)
const at = (text: string): bigint => toBigint(ip(text))
const who = 'default/pod/eth0/pool'
const free = ranges('10.0.0.1-10.0.0.100')
const known = (more: Partial<SearchState> = {}): SearchState => ({
  ...{ free, who, allocatedCount: 0n, known: [], misses: 0, hint: undefined, listed: undefined },
  ...more,
})
const listed = (taken: Ranges, misses = 0, freshness: 'cached' | 'fresh' = 'cached'): Partial<SearchState> => ({
  listed: { taken, freshness, misses },
})
const hinted = (texts: readonly string[], misses = 0): Partial<SearchState> => {
  const read = ranges(...texts)
  return { hint: { read, left: read, misses } }
}
const order = (k: bigint, of = free): bigint => candidatesOf(of, who).at(k)

const LIST_CACHED: SearchStep = { kind: 'list', freshness: 'cached' }
const LIST_FRESH: SearchStep = { kind: 'list', freshness: 'fresh' }
const create = (address: bigint, isListed: boolean): SearchStep => ({ kind: 'create', address, isListed })
const look = (address: bigint): SearchStep => ({ kind: 'look', address })
const exhausted = (size: bigint): SearchStep => ({ kind: 'refuse', why: { reason: 'exhausted', size } })
const contended = (attempts: number): SearchStep => ({ kind: 'refuse', why: { reason: 'contended', attempts } })

const three = ranges('10.0.0.1-10.0.0.3')
const allBut = (freshness: 'cached' | 'fresh'): Partial<SearchState> =>
  listed(ranges('10.0.0.1-10.0.0.6', '10.0.0.8-10.0.0.100'), 0, freshness)
const steps: readonly (readonly [does: string, known: SearchState, next: SearchStep, random?: number])[] = [
  ['refuses where nothing may be given at all', known({ free: [] }), exhausted(0n)],
  ['refuses as exhausted before it counts misses', known({ free: [], misses: 200 }), exhausted(0n)],
  ['creates the first of its order', known(), create(order(0n), false)],
  ['looks before it creates after the first miss', known({ misses: 1 }), look(order(1n))],
  ['looks at the last probe', known({ misses: 3 }), look(order(3n))],
  ['lists after the probes are used up', known({ misses: 4 }), LIST_CACHED],
  ['looks at the last address of a small pool', known({ free: three, misses: 2 }), look(order(2n, three))],
  ['lists without the cache once a small pool is walked through', known({ free: three, misses: 3 }), LIST_FRESH],
  [
    'lists without the cache once a pool is walked through that the status shows as full',
    known({ free: three, misses: 3, allocatedCount: 3n }),
    LIST_FRESH,
  ],
  ['lists without the cache where every address is known to be held', known({ free: three, known: three }), LIST_FRESH],
  [
    'does not try an address again where another is known to be held',
    known({ free: three, misses: 2, known: [{ first: order(1n, three), last: order(1n, three) }] }),
    LIST_FRESH,
  ],
  ['lists at once where the pool is nearly full', known({ allocatedCount: 88n }), LIST_CACHED],
  ['probes where every eighth address is left', known({ allocatedCount: 87n }), create(order(0n), false)],
  ['creates one where the status says that all is taken', known({ allocatedCount: 100n }), create(order(0n), false)],
  ['lists after one where the status says that all is taken', known({ allocatedCount: 100n, misses: 1 }), LIST_CACHED],
  ['creates what the hint leaves', known(hinted(['10.0.0.7'])), create(at('10.0.0.7'), true)],
  ['creates the last of the hint', known(hinted(['10.0.0.7-10.0.0.9'])), create(at('10.0.0.9'), true), 0.999],
  ['creates of a hint that missed twice', known(hinted(['10.0.0.7'], 2)), create(at('10.0.0.7'), true)],
  ['reads the hint again after three misses', known(hinted(['10.0.0.7'], 3)), { kind: 'hint' }],
  ['lists without the cache where the hint is used up', known(hinted([])), LIST_FRESH],
  [
    'believes a list before a hint',
    known({ ...hinted(['10.0.0.8']), ...allBut('cached') }),
    create(at('10.0.0.7'), true),
  ],
  ['creates the one that a cached list leaves', known(allBut('cached')), create(at('10.0.0.7'), true)],
  ['creates the one that a fresh list leaves', known(allBut('fresh')), create(at('10.0.0.7'), true), 0.999],
  ['creates the first of what a list leaves', known(listed([])), create(at('10.0.0.1'), true), 0],
  ['creates the middle of what a list leaves', known(listed([])), create(at('10.0.0.51'), true), 0.5],
  ['creates the last of what a list leaves', known(listed([])), create(at('10.0.0.100'), true), 0.999],
  ['does not believe a cached list that the pool is full', known(listed(free)), LIST_FRESH],
  ['refuses where a fresh list says that the pool is full', known(listed(free, 0, 'fresh')), exhausted(100n)],
  ['creates after 15 misses of one list', known(listed([], 15)), create(at('10.0.0.1'), true), 0],
  ['lists again after 16 misses of one list', known(listed([], 16)), LIST_FRESH],
  ['lists again after one miss of the last few', known(listed(ranges('10.0.0.1-10.0.0.90'), 1, 'fresh')), LIST_FRESH],
  ['creates after 199 misses', known({ ...listed([]), misses: 199 }), create(at('10.0.0.1'), true), 0],
  ['refuses as contended after 200 misses', known({ ...listed([]), misses: 200 }), contended(200)],
]
for (const [does, is, next, random = 0] of steps)
  t.test(`decide() ${does}`, async t => t.strictSame(decide(is, random), next))

t.test('decide() spreads callers with the same state over different addresses', async t => {
  for (const more of [hinted(['10.0.0.7-10.0.0.16']), listed(ranges('10.0.0.1-10.0.0.6', '10.0.0.17-10.0.0.100'))]) {
    const wanted = new Set<bigint>()
    for (let n = 0; n < 100; n++) {
      const next = decide(known(more), n / 100)
      if (next.kind === 'create') wanted.add(next.address)
    }
    t.equal(wanted.size, 10)
  }
})

t.test('decide() finds the one address that is left, and refuses where none is', async t => {
  for (const left of [undefined, at('10.0.0.42')]) {
    let now = known()
    let end: SearchStep | undefined
    for (let steps = 0; steps < 50 && end === undefined; steps++) {
      const next = decide(now, 0)
      const taken = left === undefined ? free : ranges('10.0.0.1-10.0.0.41', '10.0.0.43-10.0.0.100')
      if (next.kind === 'list') now = afterList(now, taken, next.freshness)
      else if (next.kind === 'refuse' || (next.kind !== 'hint' && next.address === left)) end = next
      else if (next.kind !== 'hint') now = afterMiss(now, next.address)
    }
    t.strictSame(end, left === undefined ? exhausted(100n) : create(left, true))
  }
})

const shown = (of: Ranges | undefined): readonly string[] | undefined => of && formatRanges(of, 4)

const hints: readonly (readonly [of: string, hinted: Ranges | undefined, read: readonly string[] | undefined])[] = [
  ['nothing is no hint', undefined, undefined],
  ['a full pool is an empty hint', [], []],
  ['addresses of the pool is these', ranges('10.0.0.7-10.0.0.9'), ['10.0.0.7-10.0.0.9']],
  ['what may not be given is left out', ranges('10.0.0.99-10.0.0.110', '10.9.9.9'), ['10.0.0.99-10.0.0.100']],
]
for (const [of, text, read] of hints)
  t.test(`hintOf() of ${of}`, async t => {
    const hint = hintOf(free, text)
    t.strictSame(
      [shown(hint?.read), shown(hint?.left), hint?.misses],
      read ? [read, read, 0] : [undefined, undefined, undefined],
    )
  })

const readAgain: readonly (readonly [
  does: string,
  before: Partial<SearchState>,
  hinted: Ranges | undefined,
  left: readonly string[],
])[] = [
  ['takes what is news', hinted(['10.0.0.1-10.0.0.9'], 3), ranges('10.0.0.50'), ['10.0.0.50']],
  ['takes a shorter one', hinted(['10.0.0.1-10.0.0.9'], 3), ranges('10.0.0.1-10.0.0.8'), ['10.0.0.1-10.0.0.8']],
  ['takes a first one', {}, ranges('10.0.0.50'), ['10.0.0.50']],
  ['drops one that says what it said', hinted(['10.0.0.1-10.0.0.9'], 3), ranges('10.0.0.1-10.0.0.9'), []],
  ['drops one that differs in foreign addresses alone', hinted(['10.0.0.9'], 3), ranges('10.0.0.9', '10.9.9.9'), []],
  ['drops one where the status says nothing any more', hinted(['10.0.0.9'], 3), undefined, []],
]
for (const [does, before, text, left] of readAgain)
  t.test(`afterHint() ${does}`, async t => {
    const after = afterHint(known({ ...before, misses: 7 }), text)
    t.strictSame([shown(after.hint?.left), after.hint?.misses, after.misses], [left, 0, 7])
    t.strictSame(decide(after, 0).kind, left.length > 0 ? 'create' : 'list')
  })

t.test('afterHint() compares with what was read, not with what was tried since', async t => {
  const before = afterMiss(known(hinted(['10.0.0.1-10.0.0.9'])), at('10.0.0.4'))
  t.strictSame(shown(afterHint(before, ranges('10.0.0.1-10.0.0.9')).hint?.left), [])
})

t.test('afterMiss() only counts while candidates are tried in order', async t => {
  t.strictSame(afterMiss(known({ misses: 2 }), at('10.0.0.4')), known({ misses: 3 }))
})

t.test('afterMiss() removes the address from the hint', async t => {
  const {
    misses,
    hint,
    listed: list,
  } = afterMiss(known({ ...hinted(['10.0.0.3-10.0.0.5'], 1), misses: 1 }), at('10.0.0.4'))
  t.strictSame(
    [misses, hint?.misses, shown(hint?.left), shown(hint?.read), list],
    [2, 2, ['10.0.0.3', '10.0.0.5'], ['10.0.0.3-10.0.0.5'], undefined],
  )
})

const taken = ranges('10.0.0.3', '10.0.0.7')
const missed: readonly (readonly [where: string, address: string, taken: readonly string[]])[] = [
  ['before all others', '10.0.0.1', ['10.0.0.1', '10.0.0.3', '10.0.0.7']],
  ['between two', '10.0.0.5', ['10.0.0.3', '10.0.0.5', '10.0.0.7']],
  ['behind all others', '10.0.0.9', ['10.0.0.3', '10.0.0.7', '10.0.0.9']],
  ['that is taken already', '10.0.0.3', ['10.0.0.3', '10.0.0.7']],
]
for (const [where, address, becomes] of missed)
  t.test(`afterMiss() adds an address ${where} to a list`, async t => {
    const before = known({ ...listed(taken, 4, 'fresh'), ...hinted(['10.0.0.1-10.0.0.9']), misses: 9 })
    const after = afterMiss(before, at(address))
    t.strictSame(
      after.listed?.taken.map(({ first, last }) => [first, last]),
      becomes.map(text => [at(text), at(text)]),
    )
    t.strictSame([after.misses, after.listed?.misses, after.listed?.freshness], [10, 5, 'fresh'])
    t.strictSame(after.hint, before.hint)
  })

t.test('afterList() resets the misses of the list and keeps those of the call', async t => {
  const after = afterList(known({ ...listed(taken, 4), misses: 9 }), three, 'fresh')
  t.strictSame(after, known({ ...listed(three, 0, 'fresh'), misses: 9 }))
})
