// Codecs of lib/netlink/rtnl/link.ts against captured and damaged messages.
import t from 'tap'
import { anyLink, linkAdd } from '../../../lib/netlink/rtnl/link.js'
import { answersOfKinds } from './captures/kinds.js'
import * as captures from './captures/link.js'
import { checkDamage, checkMisfits, type Damage } from './captures/damage.js'
import { checkAnswers, checkCaptures } from './captures/row.js'

t.test('codecs decode requests of other programs and encode them byte for byte', t => {
  checkCaptures(t, [...captures.golden, ...captures.iproute2])
  t.end()
})

t.test('codecs decode all of the kernel’s answers', t => {
  checkAnswers(t, [...captures.answers, ...answersOfKinds])
  t.end()
})

const damaged: readonly Damage[] = [
  ['fifteen bytes of header', '00000000 00000000 00000000 000000', /^ifinfomsg wants 16 bytes, not 15$/],
  [
    'an attribute longer than the message',
    '00000000 00000000 00000000 00000000 0c000300 6d300000',
    /^attribute 3 claims 12 bytes of 8$/,
  ],
  ['an MTU of two bytes', '00000000 00000000 00000000 00000000 06000400 dc050000', /^mtu: u32 wants 4 bytes, not 2$/],
  [
    'an operational state of no bytes',
    '00000000 00000000 00000000 00000000 04001000',
    /^operState: u8 wants 1 bytes, not 0$/,
  ],
  [
    'a kind that does not fit its nest',
    '00000000 00000000 00000000 00000000 0c001200 0b000100 6d616376',
    /^info: attribute 1 claims 11 bytes of 8$/,
  ],
  [
    'data that does not fit its nest',
    '00000000 00000000 00000000 00000000 14001200 08000100 76657468 0c000200 08000100',
    /^info: attribute 2 claims 12 bytes of 8$/,
  ],
  [
    'a macvlan mode of one byte',
    '00000000 00000000 00000000 00000000 1c001200 0c000100 6d616376 6c616e00 0c000200 05000100 04000000',
    /^info: macvlan: mode: u32 wants 4 bytes, not 1$/,
  ],
  [
    'a vlan protocol of four bytes',
    '00000000 00000000 00000000 00000000 18001200 08000100 766c616e 0c000200 08000500 81000000',
    /^info: vlan: protocol: u16be wants 2 bytes, not 4$/,
  ],
  [
    'a veth peer without a header',
    '00000000 00000000 00000000 00000000 18001200 08000100 76657468 0c000200 08000100 00000000',
    /^info: veth: peer: ifinfomsg wants 16 bytes, not 4$/,
  ],
  [
    'a bond target that claims too much',
    '00000000 00000000 00000000 00000000 18001200 08000100 626f6e64 0c000200 08000800 ff000000',
    /^info: bond: arpIpTarget: attribute 0 claims 255 bytes of 4$/,
  ],
  [
    'a slave state of two bytes',
    '00000000 00000000 00000000 00000000 18001200 08000400 626f6e64 0c000500 06000100 00000000',
    /^info: bond: state: u8 wants 1 bytes, not 2$/,
  ],
  [
    'half an alternative name',
    '00000000 00000000 00000000 00000000 0c003480 0a003500 61626300',
    /^altNames: attribute 53 claims 10 bytes of 8$/,
  ],
]

t.test('decode() rejects damaged messages', t => {
  checkDamage(t, linkAdd.codec, damaged)
  t.end()
})

t.test('encode() rejects values that do not fit', t => {
  checkMisfits(t, linkAdd.codec, [
    ['an MTU past 32 bits', { header: anyLink, attrs: { mtu: 2 ** 32 } }, /^mtu: u32 cannot hold 4294967296$/],
    ['a name with a NUL', { header: anyLink, attrs: { name: 'v\0' } }, /^name: text "v\\u0000" holds a NUL/],
    [
      'a vlan id past 16 bits',
      { header: anyLink, attrs: { info: { kind: 'vlan', data: { id: 65_536 } } } },
      /^info: vlan: id: u16 cannot hold 65536$/,
    ],
    [
      'a header member that is missing',
      { header: Object.assign({}, anyLink, { index: undefined }), attrs: {} },
      /^index: s32 cannot hold NaN$/,
    ],
    [
      'an attribute that there is not',
      { header: anyLink, attrs: Object.assign({ mtu: 1 }, { mtuu: 1 }) },
      /^no attribute is called mtuu$/,
    ],
    [
      'an attribute that every object has',
      { header: anyLink, attrs: Object.assign({ mtu: 1 }, { valueOf: 1 }) },
      /^no attribute is called valueOf$/,
    ],
  ])
  t.end()
})
