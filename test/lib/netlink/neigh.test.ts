// Codecs of lib/netlink/rtnl/neigh.ts against captured messages, and damaged ones. Knows no kernel.
import t from 'tap'
import { anyNeigh, neighAdd } from '../../../lib/netlink/rtnl/neigh.js'
import * as captures from './captures/neigh.js'
import { checkDamage, checkMisfits, type Damage } from './captures/damage.js'
import { checkAnswers, checkCaptures } from './captures/row.js'

t.test('requests of other programs are read, and written byte for byte', t => {
  checkCaptures(t, [...captures.golden, ...captures.iproute2])
  t.end()
})

t.test('answers of the kernel are read whole', t => {
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

t.test('what is damaged is refused with a sentence', t => {
  checkDamage(t, neighAdd.codec, damaged)
  t.end()
})

t.test('what does not fit is not sent', t => {
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
