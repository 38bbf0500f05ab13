// Codecs of lib/netlink/rtnl/rule.ts against captured and damaged messages.
import t from 'tap'
import { anyRule, ruleAdd } from '../../../lib/netlink/rtnl/rule.js'
import * as captures from './captures/rule.js'
import { checkDamage, checkMisfits, type Damage } from './captures/damage.js'
import { checkAnswers, checkCaptures } from './captures/row.js'

t.test('codecs decode requests of other programs and encode them byte for byte', t => {
  checkCaptures(t, [...captures.golden, ...captures.iproute2])
  t.end()
})

t.test('codecs decode all of the kernel’s answers', t => {
  checkAnswers(t, captures.answers)
  t.end()
})

const damaged: readonly Damage[] = [
  ['the header of another message', '02000000 03000000', /^fib_rule_hdr wants 12 bytes, not 8$/],
  [
    'an attribute longer than the message',
    '02000000 00000001 00000000 10000600 e8030000',
    /^attribute 6 claims 16 bytes of 8$/,
  ],
  ['a priority of two bytes', '02000000 00000001 00000000 06000600 e8030000', /^priority: u32 wants 4 bytes, not 2$/],
  [
    'a range of one port',
    '02000000 00000001 00000000 06001700 0a000000',
    /^sourcePorts: fib_rule_port_range wants 4 bytes, not 2$/,
  ],
  [
    'a range of one user',
    '02000000 00000001 00000000 08001400 0a000000',
    /^uidRange: fib_rule_uid_range wants 8 bytes, not 4$/,
  ],
  [
    'three bytes after the last attribute',
    '02000000 00000001 00000000 08000600 e8030000 000000',
    /^3 bytes after the last attribute$/,
  ],
]

t.test('decode() rejects damaged messages', t => {
  checkDamage(t, ruleAdd.codec, damaged)
  t.end()
})

t.test('encode() rejects values that do not fit', t => {
  checkMisfits(t, ruleAdd.codec, [
    ['a table past a byte', { header: { ...anyRule, table: 500 }, attrs: {} }, /^table: u8 cannot hold 500$/],
    ['a mark past 32 bits', { header: anyRule, attrs: { mark: 2 ** 32 } }, /^mark: u32 cannot hold 4294967296$/],
  ])
  t.end()
})
