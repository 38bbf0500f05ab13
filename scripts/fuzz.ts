// Damaged captures and random bytes at every decoder: it decodes or throws its own error.
//   npx tsx scripts/fuzz.ts [seconds] [seed]     600 s by default; the printed seed repeats the run
import { FUZZED, type Fuzzed } from './fuzzed.js'

const SECONDS = 600
/** Bytes of a random input. */
const RANDOM_BYTES_MAX = 200
const DAMAGES_MAX = 6
/** Tries between looks at the clock, and with one decoder before the next. */
const ROUND = 500

/** mulberry32: small, and the same on every machine. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

type Random = ReturnType<typeof randomOf>

const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 0x7f, 0x80, 0xfe, 0xff]

/** One way of doing harm. */
const damages: readonly ((bytes: number[], random: Random) => number[])[] = [
  (bytes, random) => bytes.with(random(bytes.length), random(256)),
  (bytes, random) => bytes.with(random(bytes.length), EDGES[random(EDGES.length)] ?? 0),
  (bytes, random) => {
    const at = random(bytes.length)
    return bytes.with(at, (bytes[at] ?? 0) ^ (1 << random(8)))
  },
  (bytes, random) => bytes.slice(0, random(bytes.length + 1)),
  (bytes, random) => bytes.toSpliced(random(bytes.length), 1 + random(8)),
  (bytes, random) =>
    bytes.toSpliced(random(bytes.length), 0, ...Array.from({ length: 1 + random(8) }, () => random(256))),
  (bytes, random) => {
    const from = random(bytes.length)
    return bytes.toSpliced(random(bytes.length), 0, ...bytes.slice(from, from + 1 + random(32)))
  },
]

function damaged(good: Uint8Array, random: Random): Uint8Array {
  let bytes = [...good]
  for (let left = 1 + random(DAMAGES_MAX); left > 0 && bytes.length > 0; left--)
    bytes = damages[random(damages.length)]?.(bytes, random) ?? bytes
  return Uint8Array.from(bytes)
}

/** Nine of ten inputs are damaged good ones: random bytes seldom get past a header. */
function inputOf({ good }: Fuzzed, random: Random): Uint8Array {
  const one = good[random(good.length)]
  if (one !== undefined && random(10) > 0) return damaged(one, random)
  return Uint8Array.from({ length: random(RANDOM_BYTES_MAX) }, () => random(256))
}

/** What went wrong, or undefined. */
function failureOf({ decode, refusals }: Fuzzed, input: Uint8Array): unknown {
  try {
    decode(input)
    return undefined
  } catch (thrown) {
    return refusals.some(refusal => thrown instanceof refusal) ? undefined : thrown
  }
}

function tell(fuzzed: Fuzzed, input: Uint8Array, thrown: unknown): void {
  console.error(`${fuzzed.name}: ${Buffer.from(input).toString('hex')}`)
  console.error(JSON.stringify(new TextDecoder().decode(input)))
  console.error(thrown)
}

const seconds = Number(process.argv[2] ?? SECONDS)
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 32)
if (!(seconds > 0) || !Number.isInteger(seed)) throw new Error('fuzz.ts [seconds] [seed]: two numbers')
console.log(`seed ${seed}, ${seconds} s, ${FUZZED.length} decoders`)

const random = randomOf(seed)
const end = Date.now() + seconds * 1000
let tries = 0
let failed = 0
for (let turn = 0; Date.now() < end && failed === 0; turn++) {
  const fuzzed = FUZZED[turn % FUZZED.length]
  if (fuzzed === undefined) break
  for (let round = 0; round < ROUND && failed === 0; round++, tries++) {
    const input = inputOf(fuzzed, random)
    const thrown = failureOf(fuzzed, input)
    if (thrown === undefined) continue
    failed++
    tell(fuzzed, input, thrown)
  }
}
console.log(
  `${tries} tries, ${failed === 0 ? 'nothing but decoded or refused' : `a failure; again with: fuzz.ts ${seconds} ${seed}`}`,
)
if (failed > 0) process.exitCode = 1
