// Codecs of lib/netlink/rtnl/neigh.ts against captured and damaged messages.
import t from 'tap'
import { anyNeigh, neighAdd } from '../../../lib/netlink/rtnl/neigh.js'
import * as captures from './captures/neigh.js'
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
  ['the header of another message', '02000000 03000000', /^ndmsg wants 12 bytes, not 8$/],
  [
    'an attribute longer than the message',
    '02000000 03000000 80000000 0a000200 0a000000',
    /^attribute 2 claims 10 bytes of 8$/,
  ],
  ['ages cut off', '02000000 03000000 80000000 08000300 02000000', /^cacheinfo: nda_cacheinfo wants 16 bytes, not 4$/],
  ['a port of four bytes', '02000000 03000000 80000000 08000600 00000000', /^port: u16be wants 2 bytes, not 4$/],
  [
    'one byte after the last attribute',
    '02000000 03000000 80000000 08000100 0a060063 00',
    /^1 bytes after the last attribute$/,
  ],
]

t.test('decode() rejects damaged messages', t => {
  checkDamage(t, neighAdd.codec, damaged)
  t.end()
})

t.test('encode() rejects values that do not fit', t => {
  checkMisfits(t, neighAdd.codec, [
    ['a state past 16 bits', { header: { ...anyNeigh, state: 65_536 }, attrs: {} }, /^state: u16 cannot hold 65536$/],
    [
      'an index past 31 bits',
      { header: { ...anyNeigh, index: 2 ** 31 }, attrs: {} },
      /^index: s32 cannot hold 2147483648$/,
    ],
  ])
  t.end()
})
