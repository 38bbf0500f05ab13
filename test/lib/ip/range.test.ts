// Ranges against a model: sets of small numbers, thousands of random ones; and tables for text,
// size, prefixes, MACs.
import t from 'tap'
import { cidr, containsIp, broadcastOf, formatPrefix, networkOf, overlaps, parsePrefix } from '../../../lib/ip/cidr.js'
import {
  formatRanges,
  includes,
  intersect,
  isSame,
  normal,
  nth,
  parseRange,
  positionOf,
  rangesOf,
  sizeOf,
  split,
  subtract,
  union,
  type Ranges,
} from '../../../lib/ip/range.js'
import { macBytes, macFromBytes, parseMac } from '../../../lib/ip/mac.js'
import { ip } from '../../../lib/ip/address.js'

const pick = (below: number): number => Math.floor(Math.random() * below)
const some = (): Ranges =>
  normal(
    Array.from({ length: pick(5) }, () => pick(40)).map(first => ({
      first: BigInt(first),
      last: BigInt(first + pick(8)),
    })),
  )
const members = (ranges: Ranges): Set<number> =>
  new Set(
    Array.from({ length: 64 }, (_, at) => at).filter(at =>
      ranges.some(({ first, last }) => first <= BigInt(at) && BigInt(at) <= last),
    ),
  )

t.test('union(), subtract(), intersect() of 5,000 random pairs agree with sets', t => {
  for (let round = 0; round < 5000; round++) {
    const [a, b] = [some(), some()]
    const [inA, inB] = [members(a), members(b)]
    const agree = (result: Ranges, has: (at: number) => boolean): boolean => {
      const own = members(result)
      return (
        Array.from({ length: 64 }, (_, at) => at).every(at => own.has(at) === has(at)) &&
        sizeOf(result) === BigInt(own.size)
      )
    }
    const right =
      agree(union(a, b), at => inA.has(at) || inB.has(at)) &&
      agree(subtract(a, b), at => inA.has(at) && !inB.has(at)) &&
      agree(intersect(a, b), at => inA.has(at) && inB.has(at)) &&
      [...inA]
        .sort((x, y) => x - y)
        .every(
          (at, n) =>
            nth(a, BigInt(n)) === BigInt(at) && positionOf(a, BigInt(at)) === BigInt(n) && includes(a, BigInt(at)),
        )
    if (!right)
      return void t.fail(
        JSON.stringify([a, b], (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
      )
  }
  t.pass('all agree')
  t.end()
})

t.test('split() of 5,000 random ranges is exact', t => {
  for (let round = 0; round < 5000; round++) {
    const whole = some()
    const count = BigInt(pick(50))
    const { lowest, rest } = split(whole, count)
    const size = count < sizeOf(whole) ? count : sizeOf(whole)
    const isInOrder = (lowest.at(-1)?.last ?? -1n) < (rest[0]?.first ?? 1000n)
    if (sizeOf(lowest) === size && isInOrder && isSame(union(lowest, rest), whole)) continue
    t.fail(`${count} of ${formatRanges(whole, 4).join(' ')}`)
    break
  }
  t.pass('all agree')
  t.end()
})

t.test('rangesOf() and formatRanges()', t => {
  t.strictSame(formatRanges(rangesOf(['10.0.0.3', '10.0.0.1-10.0.0.2', '10.0.0.9'], 4), 4), [
    '10.0.0.1-10.0.0.3',
    '10.0.0.9',
  ])
  t.strictSame(sizeOf(rangesOf(['fd00::-fd00:0:0:ffff:ffff:ffff:ffff:ffff'], 6)), 2n ** 80n)
  t.strictSame(nth(rangesOf(['fd00::-fd00:0:0:ffff:ffff:ffff:ffff:ffff'], 6), 2n ** 80n), undefined)
  t.strictSame(nth([], -1n), undefined)
  t.end()
})

const wrong = [
  ['10.0.0.9-10.0.0.1', /"10\.0\.0\.9-10\.0\.0\.1" ends before it begins/],
  ['10.0.0.0/24', /"10\.0\.0\.0\/24" is neither an IP address nor a range/],
  ['10.0.0.1 - 10.0.0.2', /is neither/],
  ['10.0.0.1-10.0.0.2-10.0.0.3', /is neither/],
  ['10.0.0.1-', /is neither/],
  ['fd00::1', /"fd00::1" is not IPv4/],
  ['10.0.0.1-fd00::1', /is not IPv4/],
] as const
for (const [text, message] of wrong)
  t.test(`parseRange() rejects ${text}`, t => {
    t.throws(() => parseRange(text, 4), { name: 'IpError', message })
    t.end()
  })

t.test('parsePrefix(), cidr() and networkOf()', t => {
  const prefix = parsePrefix('10.6.0.20/16')
  if (!prefix) return void t.fail('10.6.0.20/16')
  t.strictSame(formatPrefix(prefix), '10.6.0.20/16')
  t.strictSame(networkOf(prefix) as string, '10.6.0.0/16')
  t.strictSame(broadcastOf(prefix) as string, '10.6.255.255')
  t.strictSame(broadcastOf({ ip: ip('10.0.0.0'), length: 31 }), undefined)
  t.strictSame(cidr('::/0') as string, '::/0')
  t.strictSame(formatPrefix(parsePrefix('::ffff:10.0.0.1/104') ?? prefix), '10.0.0.1/8')
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/+8', 'fd00::/129', '::ffff:10.0.0.0/95', '/8'])
    t.strictSame(parsePrefix(text), undefined, text)
  t.throws(() => cidr('x'), { message: /"x" is not a CIDR/ })
  t.ok(containsIp(cidr('10.6.0.0/16'), ip('10.6.255.255')))
  t.notOk(containsIp(cidr('10.6.0.0/16'), ip('10.7.0.0')))
  t.notOk(containsIp(cidr('::/0'), ip('10.7.0.0')))
  t.ok(overlaps(cidr('10.0.0.0/8'), cidr('10.6.0.0/16')))
  t.notOk(overlaps(cidr('10.0.0.0/16'), cidr('10.1.0.0/16')))
  t.end()
})

t.test('parseMac() and macFromBytes()', t => {
  for (const text of ['0A:1b:2c:00:00:01', '0a-1b-2c-00-00-01', '0a1b.2c00.0001']) {
    const mac = parseMac(text)
    t.strictSame(mac as string, '0a:1b:2c:00:00:01')
    if (mac) t.strictSame(macFromBytes(macBytes(mac)), mac)
  }
  for (const text of [
    '',
    '0a:1b:2c:00:00',
    '0a:1b-2c:00:00:01',
    '0a:1b:2c:00:00:0g',
    '0a1b2c000001',
    '0a:1b:2c:00:00:01:02',
  ])
    t.strictSame(parseMac(text), undefined, text)
  t.throws(() => macFromBytes(new Uint8Array(5)), /5 bytes/)
  t.end()
})
