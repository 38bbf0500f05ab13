// Codecs of lib/netlink/rtnl/route.ts against captured and damaged messages.
import t from 'tap'
import { anyRoute, routeAdd } from '../../../lib/netlink/rtnl/route.js'
import * as captures from './captures/route.js'
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
  ['eleven bytes of header', '02000000 fe030001 000000', /^rtmsg wants 12 bytes, not 11$/],
  [
    'an attribute longer than the message',
    '02000000 fe030001 00000000 0c000500 0a060001',
    /^attribute 5 claims 12 bytes of 8$/,
  ],
  ['a table of one byte', '02000000 fe030001 00000000 05000f00 fe000000', /^table: u32 wants 4 bytes, not 1$/],
  [
    'metrics that claim too much',
    '02000000 fe030001 00000000 0c000800 0c000200 78050000',
    /^metrics: attribute 2 claims 12 bytes of 8$/,
  ],
  [
    'an MTU of two bytes',
    '02000000 fe030001 00000000 0c000800 06000200 78050000',
    /^metrics: mtu: u32 wants 4 bytes, not 2$/,
  ],
  [
    'a next hop cut off',
    '02000000 fe030001 00000000 08000900 10000000',
    /^multipath: 0: rtnexthop wants 8 bytes, not 4$/,
  ],
  [
    'a next hop longer than its nest',
    '02000000 fe030001 00000000 0c000900 10000000 03000000',
    /^multipath: 0: rtnexthop claims 16 bytes of 8$/,
  ],
  [
    'a next hop of no length',
    '02000000 fe030001 00000000 0c000900 00000000 03000000',
    /^multipath: 0: rtnexthop claims 0 bytes of 8$/,
  ],
  [
    'a second next hop with a damaged gateway',
    '02000000 fe030001 00000000 1c000900 08000000 03000000 10000000 03000000 ff000500 0a060001',
    /^multipath: 1: attribute 5 claims 255 bytes of 8$/,
  ],
  [
    'a gateway of another family without one',
    '02000000 fe030001 00000000 05001200 0a000000',
    /^via: rtvia wants 2 bytes or more, not 1$/,
  ],
  [
    'what a route is kept for cut off',
    '02000000 fe030001 00000000 08000c00 02000000',
    /^cacheinfo: rta_cacheinfo wants 32 bytes, not 4$/,
  ],
]

t.test('decode() rejects damaged messages', t => {
  checkDamage(t, routeAdd.codec, damaged)
  t.end()
})

t.test('encode() rejects values that do not fit', t => {
  checkMisfits(t, routeAdd.codec, [
    ['a table past a byte', { header: { ...anyRoute, table: 500 }, attrs: {} }, /^table: u8 cannot hold 500$/],
    [
      'a metric below zero',
      { header: anyRoute, attrs: { metrics: { mtu: -1 } } },
      /^metrics: mtu: u32 cannot hold -1$/,
    ],
    [
      'a weight past a byte',
      { header: anyRoute, attrs: { multipath: [{ flags: 0, hops: 256, index: 3, attrs: {} }] } },
      /^multipath: 0: hops: u8 cannot hold 256$/,
    ],
  ])
  t.end()
})
