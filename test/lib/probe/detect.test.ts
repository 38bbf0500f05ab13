// Detection as a table: what is sent when, and what each answer changes.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { macFromBytes } from '../../../lib/ip/mac.js'
import { arpAnnouncements, arpProbe, decodeArp, encodeArp } from '../../../lib/probe/arp.js'
import {
  advance,
  begin,
  findingsOf,
  receiveFrame,
  sentenceOf,
  untilMs,
  type ProbeRequest,
} from '../../../lib/probe/detect.js'
import { ALL_NODES, decodeNdp, encodeNdp, ndpAnnouncement, ndpProbe } from '../../../lib/probe/ndp.js'

const OWN = macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, 1))
const OTHER = macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, 2))
const A4 = ip('10.6.0.20')
const A6 = ip('fd06::20')
const G4 = ip('10.6.0.1')
const G6 = ip('fd06::1')

const reply = (sender: typeof A4): Uint8Array =>
  encodeArp({ operation: 2, senderMac: OTHER, senderIp: sender, targetMac: OWN, targetIp: ip('0.0.0.0') })
const bareAdvertisement = (target: typeof A6): Uint8Array =>
  encodeNdp(
    {
      kind: 'advertisement',
      source: target,
      destination: ALL_NODES,
      target,
      router: false,
      solicited: true,
      override: false,
      mac: undefined,
    },
    OTHER,
  )

/** Runs to the end; `frames` are heard at their time. */
function run(asks: readonly ProbeRequest[], frames: readonly (readonly [at: number, frame: Uint8Array])[]) {
  const sent: [number, Uint8Array][] = []
  const left = [...frames]
  let detection = begin({ own: OWN, asks, nowMs: 0 })
  for (let now = 0; now < 5000; now++) {
    while (left[0] && left[0][0] <= now) detection = receiveFrame(detection, left.shift()?.[1] ?? new Uint8Array())
    const next = advance(detection, now)
    detection = next.detection
    for (const frame of next.frames) sent.push([now, frame])
    if (untilMs(detection) === undefined) return { findings: findingsOf(detection), sent, endMs: now }
  }
  throw new Error('never over')
}

const conflict4 = { kind: 'conflict', ip: A4, mac: OTHER } as const
const conflict6 = { kind: 'conflict', ip: A6, mac: OTHER } as const
const v4: ProbeRequest = { ip: A4, conflict: true }
const v6: ProbeRequest = { ip: A6, conflict: true }

const rows: readonly [
  string,
  readonly ProbeRequest[],
  readonly (readonly [number, Uint8Array])[],
  readonly object[],
  number,
][] = [
  ['silence is a free address', [v4], [], [], 180],
  ['a reply is a conflict', [v4], [[3, reply(A4)]], [conflict4], 3],
  ['a late reply is one still', [v4], [[179, reply(A4)]], [conflict4], 179],
  [
    'an announcement by another host is one',
    [v4],
    arpAnnouncements({ from: OTHER, ip: A4 })
      .slice(0, 1)
      .map(f => [9, f] as const),
    [conflict4],
    9,
  ],
  ['a probe of another host is one', [v4], [[9, arpProbe({ from: OTHER, ip: A4 })]], [conflict4], 9],
  ['our own probe, come back, is none', [v4], [[9, arpProbe({ from: OWN, ip: A4 })]], [], 180],
  ['a reply of another address is none', [v4], [[9, reply(G4)]], [], 180],
  ['a reply by another link of the same pod is none', [{ ...v4, ours: [OTHER] }], [[3, reply(A4)]], [], 180],
  ['v6: an advertisement without options is one', [v6], [[9, bareAdvertisement(A6)]], [conflict6], 9],
  ['v6: an advertisement is one', [v6], [[9, ndpAnnouncement({ from: OTHER, ip: A6 })]], [conflict6], 9],
  ['v6: detection by another host is one', [v6], [[9, ndpProbe({ from: OTHER, ip: A6 })]], [conflict6], 9],
  ['v6: our own detection, come back, is none', [v6], [[9, ndpProbe({ from: OWN, ip: A6 })]], [], 180],
  ['both at once take no longer', [v4, v6], [], [], 180],
  ['a gateway that answers ends it', [{ ...v4, gateway: G4 }], [[185, reply(G4)]], [], 185],
  [
    'an answer before the question counts for nothing',
    [{ ...v4, gateway: G4 }],
    [[9, reply(G4)]],
    [{ kind: 'unreachable', ip: A4, gateway: G4 }],
    480,
  ],
  ['v6: a gateway that answers ends it', [{ ...v6, gateway: G6 }], [[185, bareAdvertisement(G6)]], [], 185],
  ['a gateway alone is asked at once', [{ ip: A4, conflict: false, gateway: G4 }], [[2, reply(G4)]], [], 2],
  [
    'without conflict detection a conflicting host is ignored',
    [{ ip: A4, conflict: false, gateway: G4 }],
    [
      [1, reply(A4)],
      [2, reply(G4)],
    ],
    [],
    2,
  ],
  ['a rival while the gateway is asked is a conflict', [{ ...v4, gateway: G4 }], [[190, reply(A4)]], [conflict4], 190],
]
for (const [name, asks, frames, findings, endMs] of rows)
  t.test(name, async t => {
    const got = run(asks, frames)
    t.strictSame(got.findings, findings)
    t.equal(got.endMs, endMs)
  })

t.test('advance() sends three probes of RFC 5227 and RFC 4862, 40 ms apart', async t => {
  const { sent } = run([v4, v6], [])
  t.strictSame(
    sent.map(([at]) => at),
    [0, 0, 40, 40, 80, 80],
  )
  const [[, arp] = [], [, ndp] = []] = sent
  t.match(decodeArp(arp ?? new Uint8Array()), { operation: 1, senderMac: OWN, senderIp: '0.0.0.0', targetIp: A4 })
  t.match(decodeNdp(ndp ?? new Uint8Array()), {
    kind: 'solicitation',
    source: '::',
    destination: 'ff02::1:ff00:20',
    mac: undefined,
  })
})

t.test('advance() asks the gateway after probing', async t => {
  const { sent } = run([{ ...v4, gateway: G4 }], [])
  t.strictSame(
    sent.map(([at]) => at),
    [0, 40, 80, 180, 280, 380],
  )
  t.match(decodeArp(sent[3]?.[1] ?? new Uint8Array()), { senderIp: A4, targetIp: G4 })
})

t.test('receiveFrame() ignores garbage', async t => {
  let seed = 7
  const byte = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 24
  const whole = [reply(A4), bareAdvertisement(A6)]
  const frames = Array.from({ length: 3000 }, (_, at) => {
    const cut = (whole[at % 2] ?? new Uint8Array()).slice(0, at % 60)
    for (let place = 14; place < cut.length; place += 7) cut[place] = byte()
    return [at % 170, at % 3 === 0 ? Uint8Array.from({ length: at % 90 }, byte) : cut] as const
  }).filter(([, frame]) => frame.length < 42)
  t.strictSame(
    run(
      [v4, v6],
      frames.sort(([a], [b]) => a - b),
    ).findings,
    [],
  )
})

t.test('sentenceOf() has the messages that users search for', async t => {
  t.equal(
    sentenceOf(conflict4, 'eth0'),
    `ip conflict: pod's interface eth0 with an conflicting ip 10.6.0.20, 10.6.0.20 is located at ${OTHER}`,
  )
  t.equal(sentenceOf({ kind: 'unreachable', ip: A4, gateway: G4 }, 'eth0'), 'gateway 10.6.0.1 is unreachable')
})
