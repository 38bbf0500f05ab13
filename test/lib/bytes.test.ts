// lib/bytes.ts: scalars and structs at their bounds.
import os from 'node:os'
import t from 'tap'
import { cstring, empty, fixed, raw, s32, struct, u16, u16be, u32, u8, WireError } from '../../lib/bytes.js'
import { checkDamage, checkMisfits } from './netlink/captures/damage.js'
import { hex } from './netlink/captures/row.js'

const scalars = [
  { name: 'u8', codec: u8, values: { '00': 0, ff: 255 } },
  { name: 'u16', codec: u16, values: { '0000': 0, '0100': 1, ffff: 65_535 } },
  { name: 'u32', codec: u32, values: { '01000000': 1, '00000080': 2 ** 31, ffffffff: 2 ** 32 - 1 } },
  { name: 's32', codec: s32, values: { '01000000': 1, '00000080': -(2 ** 31), ffffffff: -1, ffffff7f: 2 ** 31 - 1 } },
]

t.test('scalars are in host order', { skip: os.endianness() === 'BE' && 'the table is little-endian' }, t => {
  for (const { name, codec, values } of scalars)
    for (const [bytes, value] of Object.entries(values)) {
      t.equal(codec.decode(hex(bytes)), value, `${name} reads ${bytes}`)
      t.strictSame(codec.encode(value), hex(bytes), `${name} writes ${value}`)
    }
  t.end()
})

t.test('be scalars are in network order', t => {
  t.equal(u16be.decode(hex('88a8')), 0x88a8)
  t.strictSame(u16be.encode(0x8100), hex('8100'))
  t.end()
})

t.test('encode() rejects a number that does not fit', t => {
  checkMisfits(t, u8, [
    ['too large', 256, /^u8 cannot hold 256$/],
    ['negative', -1, /^u8 cannot hold -1$/],
    ['a fraction', 1.5, /^u8 cannot hold 1.5$/],
    ['not a number', NaN, /^u8 cannot hold NaN$/],
  ])
  checkMisfits(t, s32, [['too large', 2 ** 31, /^s32 cannot hold 2147483648$/]])
  checkMisfits(t, u16be, [['too large', 65_536, /^u16be cannot hold 65536$/]])
  t.end()
})

t.test('decode() rejects a scalar of another length', t => {
  checkDamage(t, u32, [
    ['short', '000000', /^u32 wants 4 bytes, not 3$/],
    ['long', '0000000000', /^u32 wants 4 bytes, not 5$/],
  ])
  checkDamage(t, empty, [['a flag with a value', '00', /^a flag has no bytes, not 1$/]])
  t.end()
})

const texts = [
  { of: 'ended by NUL', bytes: '766c616e00', value: 'vlan' },
  { of: 'not ended', bytes: '766c616e', value: 'vlan' },
  { of: 'with rubbish after the NUL', bytes: '766c616e00ff41', value: 'vlan' },
  { of: 'empty', bytes: '', value: '' },
  { of: 'beyond ASCII', bytes: 'c3a900', value: 'é' },
  { of: 'not UTF-8', bytes: 'ff6100', value: '\ufffda' },
]

t.test('cstring ends at its first NUL or its end', t => {
  for (const { of, bytes, value } of texts) t.equal(cstring.decode(hex(bytes)), value, of)
  t.strictSame(cstring.encode('vlan'), hex('766c616e00'), 'is written with a NUL')
  t.throws(() => cstring.encode('a\0b'), { constructor: WireError, message: /holds a NUL/ })
  t.end()
})

t.test('raw copies the bytes', t => {
  const buffer = hex('0a060001')
  const value = raw.decode(buffer)
  buffer.fill(0)
  t.strictSame(value, hex('0a060001'))
  t.equal(Object.getPrototypeOf(raw.decode(Buffer.from([1]))), Uint8Array.prototype, 'of a Buffer, too')
  t.end()
})

t.test('struct() encodes, decodes and checks its size', t => {
  const s = struct('s', 8, { a: u8, _pad: u8, b: u16, c: u32 })
  t.strictSame(s.decode(hex('01ff020003000000')), { a: 1, b: 2, c: 3 }, 'does not read its padding')
  t.strictSame(s.encode({ a: 1, b: 2, c: 3 }), hex('0100020003000000'), 'writes its padding as zero')
  t.strictSame(s.decode(hex('0100020003000000ffff')), { a: 1, b: 2, c: 3 }, 'reads a longer one of a newer kernel')
  t.throws(() => s.decode(hex('01000200030000')), { constructor: WireError, message: 's wants 8 bytes, not 7' })
  t.throws(() => s.encode({ a: 1, b: 70_000, c: 3 }), { constructor: WireError, message: 'b: u16 cannot hold 70000' })
  t.throws(() => struct('s', 8, { a: u8, b: u16 }), { message: 'the members of s make 3 bytes, not 8' }, 'must add up')
  t.end()
})

t.test('struct() has members in network order and members with a codec', t => {
  const mac = fixed(6, {
    decode: bytes => Buffer.from(bytes).toString('hex'),
    encode: text => Buffer.from(text, 'hex'),
  })
  const header = struct('header', 10, { type: u16be, mac, _pad: u16 })
  const bytes = Uint8Array.from([8, 6, 2, 0, 0, 0, 0, 1, 0, 0])
  t.strictSame(header.decode(bytes), { type: 0x0806, mac: '020000000001' })
  t.strictSame(header.encode({ type: 0x0806, mac: '020000000001' }), bytes)
  const inside = Uint8Array.from([9, 9, ...bytes]).subarray(2)
  t.strictSame(header.decode(inside), { type: 0x0806, mac: '020000000001' }, 'in the middle of a buffer')
  t.end()
})
