// The order of candidates: every address once, the same for the same asker, spread for different ones.
import t from 'tap'
import { candidatesOf, hash64, probesBeforeList, stepFor } from '../../../lib/ipam/candidates.js'

const range = (first: bigint, last: bigint) => [{ first, last }]

for (const size of [1n, 2n, 3n, 10n, 64n, 97n, 1000n])
  t.test(`${size} addresses: the order meets each once and is the same again`, t => {
    const free = [{ first: 5n, last: 5n }, ...(size > 1n ? [{ first: 100n, last: 98n + size }] : [])]
    const order = candidatesOf(free, 'default/web-0/eth0/p')
    const all = Array.from({ length: Number(size) }, (_, k) => order.at(BigInt(k)))
    t.strictSame(new Set(all).size, Number(size))
    t.strictSame(candidatesOf(free, 'default/web-0/eth0/p').at(0n), all[0])
    t.end()
  })

t.test('a /64 costs what a /28 costs: no list is made', t => {
  const order = candidatesOf(range(0n, 2n ** 64n - 1n), 'a')
  t.ok(order.at(0n) !== order.at(1n))
  t.strictSame(order.size, 2n ** 64n)
  t.end()
})

t.test('a thousand pods begin in a thousand places of a /15, nearly', t => {
  const free = range(0n, 131_069n)
  const firsts = new Set(Array.from({ length: 1000 }, (_, at) => candidatesOf(free, `default/pod-${at}/eth0/p`).at(0n)))
  t.ok(firsts.size > 980, `${firsts.size} of 1000`)
  t.end()
})

const steps = [
  { wanted: 0n, size: 1n, step: 1n },
  { wanted: 7n, size: 2n, step: 1n },
  { wanted: 1n, size: 10n, step: 3n },
  { wanted: 5n, size: 6n, step: 1n },
]
for (const { wanted, size, step } of steps)
  t.test(`step for ${wanted} of ${size} is ${step}`, t => {
    t.strictSame(stepFor(wanted, size), step)
    t.end()
  })

const probes = [
  { size: 10n, taken: 0n, probes: 4 },
  { size: 10n, taken: 10n, probes: 1 },
  { size: 1000n, taken: 0n, probes: 5 },
  { size: 1000n, taken: 990n, probes: 0 },
  { size: 10_000n, taken: 9_800n, probes: 64 },
  { size: 131_070n, taken: 100_000n, probes: 64 },
  { size: 2n ** 64n, taken: 100_000n, probes: 64 },
]
for (const { size, taken, probes: wanted } of probes)
  t.test(`${taken} of ${size} taken: ${wanted} tries before the list`, t => {
    t.strictSame(probesBeforeList(size, taken), wanted)
    t.end()
  })

t.test('names that differ in one character are far apart', t => {
  t.ok(hash64('default/web-0') % 1000n !== hash64('default/web-1') % 1000n)
  t.end()
})
