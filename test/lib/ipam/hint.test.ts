// What a nearly full pool's status says is left: tried first, read again when old, and never believed further than that.
import t from 'tap'
import { ip, toBigint } from '../../../lib/ip/address.js'
import { rangesOf } from '../../../lib/ip/range.js'
import { afterHint, afterMiss, decide, hintOf, type Known } from '../../../lib/ipam/decide.js'

const ranges = (...texts: readonly string[]) => rangesOf(texts, 4)
const free = ranges('10.0.0.1-10.0.0.100')
const known = (hinted: readonly string[] | undefined): Known => ({
  free,
  who: 'default/pod eth0 pool',
  allocatedCount: 95n,
  misses: 0,
  hint: hintOf(free, hinted && ranges(...hinted)),
  listed: undefined,
})
const at = (text: string): bigint => toBigint(ip(text))

t.test('an address that is said to be free is the first to be tried', async t => {
  for (const random of [0, 0.5, 0.999])
    t.strictSame(decide(known(['10.0.0.7']), random), { kind: 'create', address: at('10.0.0.7'), isListed: true })
})

t.test('many callers with one hint do not all want the same address', async t => {
  const wanted = new Set<bigint>()
  for (let n = 0; n < 100; n++) {
    const next = decide(known(['10.0.0.7-10.0.0.16']), n / 100)
    if (next.kind === 'create') wanted.add(next.address)
  }
  t.equal(wanted.size, 10)
})

t.test('what is not of the pool, or reserved, is never tried because a status says it', async t => {
  t.match(decide(known(['10.9.9.9', '10.0.0.9']), 0), { address: at('10.0.0.9') })
  t.match(decide(known(['10.9.9.9']), 0), { kind: 'list', freshness: 'fresh' })
})

t.test('after three misses the pool is read again; what it says then counts', async t => {
  let now = known(['10.0.0.1-10.0.0.9'])
  for (let misses = 0; misses < 3; misses++) {
    const next = decide(now, 0)
    t.match(next, { kind: 'create' })
    if (next.kind === 'create') now = afterMiss(now, next.address)
  }
  t.strictSame(decide(now, 0), { kind: 'hint' })
  t.match(decide(afterHint(now, ranges('10.0.0.50')), 0), { kind: 'create', address: at('10.0.0.50') })
})

t.test('a status that nobody keeps is not asked twice: then comes the list', async t => {
  const before = known(['10.0.0.1-10.0.0.9'])
  for (const again of [ranges('10.0.0.1-10.0.0.9'), undefined])
    t.strictSame(decide(afterHint(before, again), 0), { kind: 'list', freshness: 'fresh' })
})

t.test('a hint that is used up leads to the list, which alone may say that nothing is left', async t => {
  const now = afterMiss(known(['10.0.0.3']), at('10.0.0.3'))
  t.strictSame(decide(now, 0), { kind: 'list', freshness: 'fresh' })
})
