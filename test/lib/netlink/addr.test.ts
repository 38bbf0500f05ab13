// Codecs of lib/netlink/rtnl/addr.ts against captured and damaged messages.
import t from 'tap'
import { addrAdd, anyAddress } from '../../../lib/netlink/rtnl/addr.js'
import * as captures from './captures/addr.js'
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
  ['no bytes at all', '', /^ifaddrmsg wants 8 bytes, not 0$/],
  ['half a header', '02100000 0300', /^ifaddrmsg wants 8 bytes, not 6$/],
  ['two bytes after the header', '02100000 03000000 0800', /^2 bytes after the last attribute$/],
  [
    'an attribute longer than the message',
    '02180000 03000000 ff000200 0a060005',
    /^attribute 2 claims 255 bytes of 8$/,
  ],
  ['an attribute shorter than its header', '02180000 03000000 03000200', /^attribute 2 claims 3 bytes of 4$/],
  ['an attribute of no length', '02180000 03000000 00000200 0a060005', /^attribute 2 claims 0 bytes of 8$/],
  ['flags of two bytes', '02180000 03000000 06000800 02020000', /^flags: u32 wants 4 bytes, not 2$/],
  ['flags of eight bytes', '02180000 03000000 0c000800 02020000 00000000', /^flags: u32 wants 4 bytes, not 8$/],
  [
    'lifetimes cut off',
    '02180000 03000000 0c000600 2c010000 58020000',
    /^cacheinfo: ifa_cacheinfo wants 16 bytes, not 8$/,
  ],
]

t.test('decode() rejects damaged messages', t => {
  checkDamage(t, addrAdd.codec, damaged)
  t.end()
})

t.test('encode() rejects values that do not fit', t => {
  checkMisfits(t, addrAdd.codec, [
    [
      'a prefix length past a byte',
      { header: { ...anyAddress, prefixLength: 256 }, attrs: {} },
      /^prefixLength: u8 cannot hold 256$/,
    ],
    ['an index below zero', { header: { ...anyAddress, index: -1 }, attrs: {} }, /^index: u32 cannot hold -1$/],
    ['flags that are no whole number', { header: anyAddress, attrs: { flags: 0.5 } }, /^flags: u32 cannot hold 0.5$/],
    ['a label with a NUL', { header: anyAddress, attrs: { label: 'v0\0x' } }, /^label: text "v0\\u0000x" holds a NUL/],
    [
      'an attribute too long for its length',
      { header: anyAddress, attrs: { local: new Uint8Array(65_536) } },
      /^local: u16 cannot hold 65540$/,
    ],
  ])
  t.end()
})
