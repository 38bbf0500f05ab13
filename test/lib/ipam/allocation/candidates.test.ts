// The candidate order: every address once, stable for one claimant, spread over claimants; and the
// number of probes before a list.
import t from 'tap'
import { hash64 } from '../../../../lib/hash.js'
import { candidatesOf, isNearlyFull, probesBeforeList, stepFor } from '../../../../lib/ipam/allocation/candidates.js'
import type { Ranges } from '../../../../lib/ip/range.js'

const range = (first: bigint, last: bigint): Ranges => [{ first, last }]
const who = 'default/web-0/eth0/p'

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) and MurmurHash3's finalizer, computed by
// another program: the order must not change with an upgrade of the plugin.
const hashes: readonly (readonly [text: string, hash: bigint])[] = [
  ['', 0xecba3df2c3383c52n],
  ['a', 0xed8170de1919a24dn],
  ['default/web-0/eth0/p', 0x68955cd1c14d4f3dn],
]
for (const [text, hash] of hashes)
  t.test(`hash64() of "${text}" never changes`, async t => t.strictSame(hash64(text), hash))

t.test('hash64() puts names that differ in one character far apart', async t =>
  t.ok(hash64('default/web-0') % 1000n !== hash64('default/web-1') % 1000n),
)

const steps: readonly (readonly [wanted: bigint, size: bigint, step: bigint])[] = [
  [0n, 0n, 1n],
  [0n, 1n, 1n],
  [7n, 2n, 1n],
  [1n, 3n, 2n],
  [2n, 3n, 1n],
  [1n, 10n, 3n],
  [8n, 10n, 9n],
  [9n, 10n, 1n],
  [2n, 4n, 3n],
  [5n, 6n, 1n],
  [3n, 6n, 5n],
  [2n ** 64n - 1n, 254n, 237n],
]
for (const [wanted, size, step] of steps)
  t.test(`stepFor() ${wanted} of ${size} is ${step}`, async t => t.strictSame(stepFor(wanted, size), step))

for (const size of [1n, 2n, 3n, 10n, 64n, 97n, 1000n])
  t.test(`candidatesOf() ${size} addresses in two ranges returns each once`, async t => {
    const free = [...range(5n, 5n), ...(size > 1n ? range(100n, 98n + size) : [])]
    const order = candidatesOf(free, who)
    const all = Array.from({ length: Number(size) }, (_, k) => order.at(BigInt(k)))
    t.strictSame(new Set(all).size, Number(size))
    t.ok(all.every(one => one === 5n || (one >= 100n && one <= 98n + size)))
    t.strictSame(order.at(size), all[0], 'and begins again')
    t.strictSame(candidatesOf(free, who).at(0n), all[0], 'and is the same for the same claimant')
  })

t.test('candidatesOf() starts at the hash and advances by the step', async t => {
  const order = candidatesOf(range(100n, 353n), who)
  const [start, step] = [hash64(who) % 254n, stepFor(hash64(`${who}/step`), 254n)]
  t.strictSame([order.size, order.at(0n), order.at(1n)], [254n, 100n + start, 100n + ((start + step) % 254n)])
})

t.test('candidatesOf() a /64 costs no more than a /28', async t => {
  const order = candidatesOf(range(0n, 2n ** 64n - 1n), 'a')
  t.ok(order.at(0n) !== order.at(1n))
  t.strictSame(order.size, 2n ** 64n)
})

t.test('candidatesOf() spreads the starts of a thousand pods over a /15', async t => {
  const free = range(0n, 131_069n)
  const firsts = new Set(Array.from({ length: 1000 }, (_, at) => candidatesOf(free, `default/pod-${at}/eth0/p`).at(0n)))
  t.ok(firsts.size > 980, `${firsts.size} of 1000`)
})

t.test('candidatesOf() nothing has no candidate', async t => {
  const order = candidatesOf([], who)
  t.strictSame(order.size, 0n)
  t.throws(() => order.at(0n), new RangeError('Division by zero'))
})

const probes: readonly (readonly [size: bigint, taken: bigint, probes: number])[] = [
  [10n, 0n, 4],
  [10n, 10n, 1],
  [10n, 11n, 1],
  [8n, 7n, 4],
  [9n, 8n, 0],
  [800n, 0n, 4],
  [802n, 0n, 5],
  [1000n, 601n, 7],
  [1000n, 990n, 0],
  [1200n, 450n, 6],
  [2000n, 1750n, 18],
  [2000n, 1751n, 0],
  [2001n, 2000n, 20],
  [10_000n, 6_300n, 63],
  [10_000n, 9_800n, 64],
  [131_070n, 100_000n, 64],
  [2n ** 64n, 100_000n, 64],
]
for (const [size, taken, wanted] of probes)
  t.test(`probesBeforeList() ${taken} of ${size} taken: ${wanted}`, async t =>
    t.strictSame(probesBeforeList(size, taken), wanted),
  )

const nearly: readonly (readonly [size: bigint, left: bigint, is: boolean])[] = [
  [0n, 0n, false],
  [1n, 0n, true],
  [8n, 1n, false],
  [9n, 1n, true],
  [2000n, 250n, false],
  [2000n, 249n, true],
  [2001n, 1n, false],
]
for (const [size, left, is] of nearly)
  t.test(`isNearlyFull() ${left} of ${size} left is ${is}`, async t => t.strictSame(isNearlyFull(size, left), is))
