// Addresses: what comes in is what Go's net.ParseIP lets in, what goes out is its canonical text.
// `ip-address` is the second opinion.
import t from 'tap'
import { Address6 } from 'ip-address'
import {
  bytesOf,
  familyOf,
  fromBigint,
  ipFromBytes,
  ipOfObjectName,
  objectNameOf,
  parseIp,
  parseValue,
  toBigint,
} from '../../../lib/ip/address.js'
import { ip } from '../../../lib/ip/address.js'

const good = [
  ['10.6.0.20', '10.6.0.20'],
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['FD00:0172:18::0040', 'fd00:172:18::40'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::ffff:a00:1', '10.0.0.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
] as const
for (const [text, canonical] of good)
  t.test(`ip(${text}) is ${canonical}`, t => {
    const parsed = ip(text)
    t.strictSame(parsed as string, canonical)
    t.strictSame(ip(parsed), parsed, 'canonical text is its own canonical text')
    t.strictSame(fromBigint(toBigint(parsed), familyOf(parsed)), parsed)
    t.strictSame(parseValue(text), { value: toBigint(parsed), family: familyOf(parsed) })
    t.strictSame(ipFromBytes(bytesOf(parsed)), parsed)
    t.strictSame(ipOfObjectName(objectNameOf(parsed)), parsed)
    t.end()
  })

const bad = [
  '',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  '1.2.3.04',
  ' 1.2.3.4',
  '1.2.3.4 ',
  '1.2.3.-4',
  '0x1.2.3.4',
  '1.2.3.4/8',
  ':',
  ':::',
  '1:::2',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '::1:2:3:4:5:6:7:8',
  '12345::',
  'g::',
  'fe80::1%eth0',
  '1:2:3:4:5:6:7:1.2.3.4',
  '::1.2.3',
  '::1.2.3.4:5',
  '::01.2.3.4',
  ':1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7:8:',
  '[::1]',
  '::/0',
]
for (const text of bad)
  t.test(`parseIp() rejects "${text}"`, t => {
    t.strictSame(parseIp(text), undefined)
    t.equal(parseValue(text), undefined)
    t.throws(() => ip(text), { name: 'IpError', message: `"${text}" is not an IP address` })
    t.end()
  })

t.test('ip() of 2,000 random IPv6 addresses agrees with the library', t => {
  for (let round = 0; round < 2000; round++) {
    const groups = Array.from({ length: 8 }, () => (Math.random() < 0.6 ? 0 : Math.floor(Math.random() * 65_536)))
    if (groups.slice(0, 5).every(group => group === 0)) groups[0] = 0x2001 // the library prints mapped addresses in its own way
    const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n)
    const printed = fromBigint(value, 6)
    const theirs = Address6.fromBigInt(value).correctForm()
    if ((printed as string) !== theirs || toBigint(printed) !== value) return void t.equal(printed, theirs)
  }
  t.pass('all agree')
  t.end()
})

t.test('objectNameOf() and ipOfObjectName()', t => {
  t.strictSame(objectNameOf(ip('2001:db8::1')), '2001-0db8-0000-0000-0000-0000-0000-0001')
  t.strictSame(ipOfObjectName('2001-db8--1'), undefined)
  t.strictSame(ipOfObjectName('2001:db8::1'), undefined)
  t.throws(() => fromBigint(1n << 32n, 4), /is not an IPv4 address/)
  t.throws(() => ipFromBytes(new Uint8Array(5)), /5 bytes/)
  t.end()
})
