// Codecs of lib/netlink/nft against captured and damaged messages.
import t from 'tap'
import { NLA_F_NESTED } from '../../../lib/netlink/attrs.js'
import { expression } from '../../../lib/netlink/nft/expression.js'
import { ofInet } from '../../../lib/netlink/nft/message.js'
import { ruleAdd } from '../../../lib/netlink/nft/rule.js'
import { chainAdd, tableAdd } from '../../../lib/netlink/nft/table.js'
import * as captures from './captures/nft.js'
import { checkDamage, checkMisfits, type Damage } from './captures/damage.js'
import { checkAnswers, checkCaptures, hex } from './captures/row.js'

t.test('codecs decode requests of nft and encode them byte for byte', t => {
  checkCaptures(t, [...captures.batch, ...captures.reads])
  t.end()
})

t.test('codecs decode all of the kernel’s answers', t => {
  checkAnswers(t, captures.answers)
  t.end()
})

t.test('expression codec keeps unknown expressions', t => {
  const bytes = hex('0b000100 6c6f6f6b 75700000 0c000280 08000100 73657400')
  const value = expression.decode(bytes)
  t.strictSame(value, { kind: 'other', name: 'lookup', data: hex('08000100 73657400') })
  t.strictSame(expression.encode(value), bytes)
  t.end()
})

t.test('decode() accepts a nest without NLA_F_NESTED', t => {
  const written = ruleAdd.codec.encode({ header: ofInet, attrs: { expressions: [{ kind: 'counter', data: {} }] } })
  const bare = written.map((byte, i) => (byte === NLA_F_NESTED >> 8 && i % 4 === 3 ? 0 : byte))
  t.not(Buffer.compare(bare, written), 0)
  t.strictSame(ruleAdd.codec.decode(bare), ruleAdd.codec.decode(written))
  t.end()
})

const damaged: readonly Damage[] = [
  ['half a header', '0100', /^nfgenmsg wants 4 bytes, not 2$/],
  ['an attribute longer than the message', '01000000 ff000100 61000000', /^attribute 1 claims 255 bytes of 8$/],
  [
    'an expression longer than its list',
    '01000000 0c000480 40000180 00000000',
    /^expressions: attribute 1 claims 64 bytes of 8$/,
  ],
  [
    'a register of two bytes',
    '01000000 20000480 1c000180 09000100 6d657461 00000000 0c000280 06000100 00010000',
    /^expressions: 0: meta: destination: u32be wants 4 bytes, not 2$/,
  ],
  [
    'a direction of four bytes',
    '01000000 1c000480 18000180 07000100 63740000 0c000280 08000300 00000001',
    /^expressions: 0: ct: direction: u8 wants 1 bytes, not 4$/,
  ],
]

t.test('decode() rejects damaged messages', t => {
  checkDamage(t, ruleAdd.codec, damaged)
  checkDamage(t, chainAdd.codec, [
    ['a hook without its number', '01000000 0c000480 08000100 0000', /^attribute 4 claims 12 bytes of 10$/],
    ['a priority of one byte', '01000000 0c000480 05000200 6a000000', /^hook: priority: s32be wants 4 bytes, not 1$/],
  ])
  t.end()
})

t.test('encode() rejects values that do not fit', t => {
  checkMisfits(t, chainAdd.codec, [
    [
      'a priority past 32 bits',
      { header: ofInet, attrs: { hook: { priority: 2 ** 31 } } },
      /^hook: priority: s32be cannot hold 2147483648$/,
    ],
  ])
  checkMisfits(t, tableAdd.codec, [
    ['a name with a NUL', { header: ofInet, attrs: { name: 'a\0b' } }, /^name: text "a\\u0000b" holds a NUL/],
  ])
  t.end()
})
