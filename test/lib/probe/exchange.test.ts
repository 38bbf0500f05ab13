// exchange() on an overloaded host: queued frames count, and timeouts count from sending.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { macFromBytes } from '../../../lib/ip/mac.js'
import { encodeArp } from '../../../lib/probe/arp.js'
import { exchange } from '../../../lib/probe/exchange.js'
import { begin, type ProbeRequest } from '../../../lib/probe/detect.js'
import { ALL_NODES, encodeNdp } from '../../../lib/probe/ndp.js'

const OWN = macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, 1))
const OTHER = macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, 2))
const A4 = ip('10.6.0.20')
const A6 = ip('fd06::20')
const G4 = ip('10.6.0.1')

const arpOf = (senderIp: typeof A4): Uint8Array =>
  encodeArp({ operation: 2, senderMac: OTHER, senderIp, targetMac: OWN, targetIp: ip('0.0.0.0') })
const ndpOf = (target: typeof A6): Uint8Array =>
  encodeNdp(
    {
      ...{ kind: 'advertisement', source: target, destination: ALL_NODES, target, mac: undefined },
      ...{ router: false, solicited: false, override: true },
    },
    OTHER,
  )
const NOISE = arpOf(ip('10.6.9.9'))

interface World {
  /** What arrives when. */
  readonly frames?: readonly (readonly [at: number, frame: Uint8Array])[]
  /** The process does not run in these spans: whatever it does in one ends with it. */
  readonly stops?: readonly (readonly [from: number, to: number])[]
  /** Between reading the clock and the frame on the line, each time. */
  readonly sendMs?: number
  /** The reply and its delay; with `nth`, only to that probe. */
  readonly answer?: { readonly afterMs: number; readonly frame: Uint8Array; readonly from?: number }
}

/** A process on a clock of its own. */
function run(ask: ProbeRequest, { frames = [], stops = [], sendMs = 0, answer }: World) {
  let now = 0
  const queue: (readonly [number, Uint8Array])[] = [...frames]
  const sent: number[] = []
  const wake = (): void =>
    void (now = Math.max(now, ...stops.filter(([from, to]) => from <= now && now < to).map(([, to]) => to)))
  const next = (): Uint8Array | undefined => {
    queue.sort(([a], [b]) => a - b)
    const [first] = queue
    return first && first[0] <= now ? queue.shift()?.[1] : undefined
  }
  const findings = exchange(begin({ own: OWN, asks: [ask], nowMs: now }), {
    nowMs: () => (wake(), now),
    send: () => {
      now += sendMs
      wake()
      sent.push(now)
      if (answer && sent.length > (answer.from ?? 0)) queue.push([now + answer.afterMs, answer.frame])
    },
    receive: ms => {
      wake()
      const until = now + Math.max(0, ms)
      const arrives = Math.min(...queue.map(([at]) => at), Infinity)
      now = Math.max(now, Math.min(until, arrives))
      wake()
      return next()
    },
  })
  return { findings, sent, endMs: now }
}

const conflict4 = [{ kind: 'conflict', ip: A4, mac: OTHER }]
const conflict6 = [{ kind: 'conflict', ip: A6, mac: OTHER }]
const v4: ProbeRequest = { ip: A4, conflict: true }
const v6: ProbeRequest = { ip: A6, conflict: true }
const gate: ProbeRequest = { ip: A4, conflict: false, gateway: G4 }
const noise = (count: number, at: number): (readonly [number, Uint8Array])[] =>
  Array.from({ length: count }, () => [at, NOISE] as const)

const rows: readonly [string, ProbeRequest, World, readonly object[]][] = [
  ['an answer that was read late', v4, { stops: [[81, 900]], frames: [[90, arpOf(A4)]] }, conflict4],
  ['v6: likewise', v6, { stops: [[81, 900]], frames: [[90, ndpOf(A6)]] }, conflict6],
  [
    'an answer that was read late, behind all that the link says',
    v6,
    { stops: [[81, 900]], frames: [...noise(200, 85), [90, ndpOf(A6)]] },
    conflict6,
  ],
  [
    'an answer behind more than one of the last moment',
    v4,
    { frames: [...noise(3, 179), [179.5, NOISE], [179.9, arpOf(A4)]], stops: [[179, 181]] },
    conflict4,
  ],
  [
    'a host as starved as we are, found by the question that we owe after oversleeping: it',
    v6,
    { stops: [[1, 600]], answer: { afterMs: 90, frame: ndpOf(A6), from: 3 } },
    conflict6,
  ],
  ['a gateway whose answer was read late', gate, { stops: [[1, 900]], frames: [...noise(9, 2), [20, arpOf(G4)]] }, []],
]
for (const [name, ask, world, findings] of rows)
  t.test(`${name} counts`, async t => t.strictSame(run(ask, world).findings, findings))

t.test('exchange() counts timeouts from sending', async t => {
  const { sent, endMs } = run(v4, { sendMs: 20 })
  const last = sent.at(-1) ?? 0
  t.strictSame({ sent, silence: endMs - last }, { sent: [20, 80, 140], silence: 100 })
})

t.test('exchange() sends three probes, and at most five more after late wake-ups', async t => {
  t.strictSame(run(v4, {}), { findings: [], sent: [0, 40, 80], endMs: 180 })
  const always = Array.from({ length: 200 }, (_, at) => [at * 200 + 1, at * 200 + 200] as const)
  const { findings, sent } = run(v4, { stops: always })
  t.strictSame(findings, [])
  t.equal(sent.length, 8)
})

t.test('exchange() ends on a link with endless traffic', async t => {
  let now = 0
  const talk = { nowMs: () => (now += 0.01), send: () => undefined, receive: () => ((now += 0.01), NOISE) }
  t.strictSame(exchange(begin({ own: OWN, asks: [v4], nowMs: 0 }), talk), [])
  t.ok(now < 400, `${now} ms`)
})
