// ARP and NDP frames: captured from a kernel, our own read back, and damaged ones.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { macFromBytes, type Mac } from '../../../lib/ip/mac.js'
import { announcementsOf } from '../../../lib/probe/announce.js'
import { arpProbe, arpRequest, decodeArp, encodeArp, arpConflictOf } from '../../../lib/probe/arp.js'
import { WireError } from '../../../lib/bytes.js'
import { decodeNdp, encodeNdp, ndpProbe, ndpSolicitation, solicitedNodeOf } from '../../../lib/probe/ndp.js'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const mac = (text: string): Mac => macFromBytes(Uint8Array.from(text.split(':'), part => Number.parseInt(part, 16)))
const OWN = mac('0a:1b:2c:00:00:01')
const OTHER = mac('0a:1b:2c:00:00:02')

// Linux 6.18, veth, `ip link set va up` with arp_notify=1 and ndisc_notify=1; read on the other end
// by AF_PACKET.
const ARP_NOTIFY = `ffffffffffff 0a1b2c000001 0806 0001 0800 06 04 0001
  0a1b2c000001 0a060014 000000000000 0a060014`
const DAD = `3333ff000020 0a1b2c000001 86dd 60000000 0020 3a ff 00000000000000000000000000000000
  ff0200000000000000000001ff000020 87 00 45fd 00000000 fd060000000000000000000000000020 0e0165a2c3c4fff3`
const NDISC_NOTIFY = `333300000001 0a1b2c000001 86dd 60000000 0020 3a ff fd060000000000000000000000000020
  ff020000000000000000000000000001 88 00 2636 20000000 fd060000000000000000000000000020 02010a1b2c000001`

t.test('decodeArp() and encodeArp() of the kernel’s gratuitous ARP', t => {
  const value = {
    operation: 1,
    senderMac: OWN,
    senderIp: ip('10.6.0.20'),
    targetMac: mac('00:00:00:00:00:00'),
    targetIp: ip('10.6.0.20'),
  }
  t.strictSame(decodeArp(hex(ARP_NOTIFY)), value)
  t.equal(text(encodeArp(value)), text(hex(ARP_NOTIFY)))
  t.strictSame(decodeArp(Buffer.concat([hex(ARP_NOTIFY), Buffer.alloc(18)])), value, 'with padding to 60 bytes')
  t.end()
})

t.test('decodeNdp() and encodeNdp() of the kernel’s unsolicited NA', t => {
  const value = {
    kind: 'advertisement',
    source: ip('fd06::20'),
    destination: ip('ff02::1'),
    target: ip('fd06::20'),
    router: false,
    solicited: false,
    override: true,
    mac: OWN,
  } as const
  t.strictSame(decodeNdp(hex(NDISC_NOTIFY)), value)
  t.equal(text(encodeNdp(value, OWN)), text(hex(NDISC_NOTIFY)))
  const [announced] = announcementsOf({ from: OWN, ips: [ip('fd06::20')] })
  t.equal(text(announced ?? new Uint8Array()), text(hex(NDISC_NOTIFY)), 'and is what we announce')
  t.end()
})

t.test('decodeNdp() of the kernel’s DAD probe ignores the nonce', t => {
  t.match(decodeNdp(hex(DAD)), {
    kind: 'solicitation',
    source: '::',
    destination: 'ff02::1:ff00:20',
    target: 'fd06::20',
    mac: undefined,
  })
  t.strictSame(decodeNdp(ndpProbe({ from: OWN, ip: ip('fd06::20') })), decodeNdp(hex(DAD)), 'ours says the same')
  t.end()
})

t.test('announcementsOf() has ARP request and reply per IPv4 address, one NA per IPv6 address', t => {
  const frames = announcementsOf({ from: OWN, ips: [ip('10.6.0.20'), ip('fd06::20'), ip('10.7.0.1')] })
  t.equal(frames.length, 5)
  t.strictSame(
    [0, 1, 3, 4].map(at => decodeArp(frames[at] ?? new Uint8Array())).map(a => [a.operation, a.senderIp, a.targetIp]),
    [
      [1, '10.6.0.20', '10.6.0.20'],
      [2, '10.6.0.20', '10.6.0.20'],
      [1, '10.7.0.1', '10.7.0.1'],
      [2, '10.7.0.1', '10.7.0.1'],
    ],
  )
  t.end()
})

t.test('probes have unspecified sources, requests have one', t => {
  t.match(decodeArp(arpProbe({ from: OWN, ip: ip('10.6.0.20') })), {
    operation: 1,
    senderIp: '0.0.0.0',
    targetIp: '10.6.0.20',
  })
  t.match(decodeArp(arpRequest({ from: OWN, source: ip('10.6.0.20'), ip: ip('10.6.0.1') })), {
    senderIp: '10.6.0.20',
    targetIp: '10.6.0.1',
  })
  t.match(decodeNdp(ndpSolicitation({ from: OWN, source: ip('fe80::1'), ip: ip('fd06::1') })), {
    kind: 'solicitation',
    source: 'fe80::1',
    destination: 'ff02::1:ff00:1',
    mac: OWN,
  })
  t.equal(solicitedNodeOf(ip('fd06::12ab:cdef')), 'ff02::1:ffab:cdef')
  t.end()
})

const claim = { operation: 2, senderMac: OTHER, senderIp: ip('10.6.0.20'), targetMac: OWN, targetIp: ip('0.0.0.0') }
for (const [name, arp, rival] of [
  ['a reply from the address', claim, OTHER],
  ['a request from the address', { ...claim, operation: 1, targetIp: ip('10.6.0.20') }, OTHER],
  ['a probe for the address', { ...claim, operation: 1, senderIp: ip('0.0.0.0'), targetIp: ip('10.6.0.20') }, OTHER],
  ['our own frame, come back', { ...claim, senderMac: OWN }, undefined],
  [
    'a question about the address',
    { ...claim, operation: 1, senderIp: ip('10.6.0.9'), targetIp: ip('10.6.0.20') },
    undefined,
  ],
  ['an unrelated host', { ...claim, senderIp: ip('10.6.0.9') }, undefined],
] as const)
  t.test(`${name} is ${rival ? 'a rival' : 'no rival'}`, t => {
    t.equal(arpConflictOf(arp, { own: OWN, ip: ip('10.6.0.20') }), rival)
    t.end()
  })

const damage: readonly [of: string, decode: (bytes: Uint8Array) => unknown, bytes: string, message: RegExp][] = [
  [
    'ARP of 13 bytes',
    decodeArp,
    ARP_NOTIFY.replaceAll(/\s/g, '').slice(0, 26),
    /Ethernet header wants 14 bytes, not 13/,
  ],
  ['ARP cut short', decodeArp, ARP_NOTIFY.replaceAll(/\s/g, '').slice(0, -2), /ARP wants 28 bytes, not 27/],
  ['ARP of another type', decodeArp, ARP_NOTIFY.replace('0806', '0800'), /type 0x800/],
  ['ARP of another medium', decodeArp, ARP_NOTIFY.replace('0806 0001', '0806 0006'), /not of IPv4 over Ethernet/],
  ['NDP of another type', decodeNdp, NDISC_NOTIFY.replace('86dd', '0800'), /type 0x800/],
  ['NDP cut short', decodeNdp, NDISC_NOTIFY.replaceAll(/\s/g, '').slice(0, -2), /cut short/],
  ['NDP of TCP', decodeNdp, NDISC_NOTIFY.replace('0020 3a', '0020 06'), /not ICMPv6/],
  ['NDP through a router', decodeNdp, NDISC_NOTIFY.replace('3a ff', '3a 40'), /hop limit 64/],
  ['NDP with a wrong checksum', decodeNdp, NDISC_NOTIFY.replace('2636', '2637'), /wrong checksum/],
  [
    'NDP with an option of length 0',
    decodeNdp,
    NDISC_NOTIFY.replace('2636', '2637').replace('0201', '0200'),
    /claims 0 bytes of 8/,
  ],
  [
    'NDP with an option too long',
    decodeNdp,
    NDISC_NOTIFY.replace('2636', '2635').replace('0201', '0202'),
    /claims 16 bytes of 8/,
  ],
  ['an echo request', decodeNdp, NDISC_NOTIFY.replace('88 00 2636', '80 00 2e36'), /ICMPv6 type 128/],
]

for (const [of, decode, bytes, message] of damage)
  t.test(`decode rejects ${of}`, t => {
    t.throws(() => decode(hex(bytes)), { name: 'WireError', message })
    t.end()
  })

t.test('decodeArp() and decodeNdp() return or throw WireError for any bytes', t => {
  const originals = [hex(ARP_NOTIFY), hex(DAD), hex(NDISC_NOTIFY)]
  let seed = 1
  const random = (below: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % below
  for (let tries = 0; tries < 20_000; tries++) {
    const bytes = (originals[random(3)] ?? new Uint8Array()).slice(0, random(90))
    for (let flips = random(4); flips > 0 && bytes.length > 0; flips--) bytes[random(bytes.length)] = random(256)
    for (const decode of [decodeArp, decodeNdp])
      try {
        decode(bytes)
      } catch (error) {
        if (!(error instanceof WireError)) t.fail(`${String(error)} of ${text(bytes)}`)
      }
  }
  t.end()
})

t.test('macFromBytes() rejects other than six bytes', t => {
  t.throws(() => macFromBytes(new Uint8Array(5)), RangeError)
  t.end()
})
