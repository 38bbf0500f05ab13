// lib/netlink/message.ts: datagrams to messages, and acknowledgements. Bytes are of Linux 6.18
// where noted.
import t from 'tap'
import { doneOf, errorOf, framesOf, nlmsghdr, wordOf, type Frame } from '../../../lib/netlink/message.js'
import { WireError } from '../../../lib/bytes.js'
import { hex } from './captures/row.js'

const frameOf = (text: string): Frame => {
  const [frame] = framesOf(hex(text))
  if (frame === undefined) throw new Error('no message')
  return frame
}

t.test('framesOf() splits a datagram at four-byte boundaries', t => {
  const frames = framesOf(
    hex('11000000 10000200 01000000 00000000 aa000000 14000000 03000200 01000000 00000000 00000000'),
  )
  t.strictSame(
    frames.map(({ header, payload }) => ({ ...header, payload })),
    [
      { length: 17, type: 16, flags: 2, seq: 1, pid: 0, payload: hex('aa') },
      { length: 20, type: 3, flags: 2, seq: 1, pid: 0, payload: hex('00000000') },
    ],
  )
  t.strictSame(framesOf(hex('')), [], 'or none')
  t.equal(nlmsghdr.size, 16)
  t.end()
})

const LINKS = { at: 1, from: 0, to: 9 } as const
const kept: readonly (readonly [string, string, readonly number[]])[] = [
  ['wanted, in between, and the last', '05 00', [5]],
  ['the least', '00 00', [0]],
  ['the most', '09 00', [9]],
  ['one more than that', '0a 00', []],
  ['the byte beside it does not count', 'ff 05', []],
]

t.test('framesOf() with a byte filter keeps matching messages and those that end or interrupt a dump', t => {
  const message = (type: string, flags: string, payload: string) =>
    `14000000 ${type} ${flags} 01000000 00000000 ${payload}`
  const other = message('1000', '0200', 'ffff0000')
  for (const [what, bytes, wanted] of kept) {
    const [first = '', second = ''] = bytes.split(' ')
    const one = message('1000', '0200', `${second}${first}0000`)
    const frames = framesOf(hex(`${other} ${one} ${other} ${other}`), LINKS)
    t.strictSame(
      frames.map(({ payload }) => payload[1]),
      wanted,
      what,
    )
  }
  const ends = ['0100', '0200', '0300', '0400'].map(type => message(type, '0200', 'ffff0000'))
  const interrupted = message('1000', '1200', 'ffff0000')
  t.strictSame(
    framesOf(hex([other, ...ends, interrupted, other].join(' ')), LINKS).map(({ header: { type } }) => type),
    [1, 2, 3, 4, 16],
  )
  t.throws(() => framesOf(hex(`${other} ff000000 10000200 01000000 00000000`), LINKS), WireError, 'a damaged one too')
  t.end()
})

t.test('framesOf() with words keeps messages that hold one of them at a multiple of four', t => {
  const message = (payload: string): string => `18000000 14000200 01000000 00000000 ${payload}`
  const words = [wordOf(hex('0a060001'))]
  const keep = { at: 0, from: 2, to: 2, words }
  const [other, one, last] = [message('02000000 0a060002'), message('02000000 0a060001'), message('0200000a 06000100')]
  const six = message('0a000000 0a060001')
  const framesIn = (...messages: readonly string[]): number => framesOf(hex(messages.join(' ')), keep).length
  t.equal(framesIn(other, one, other, one, other), 2)
  t.equal(framesIn(one), 1)
  t.equal(framesIn(other, last, six), 0, 'not across a boundary, not where the byte is another')
  t.equal(framesIn(six, one, six, one), 2, 'what was passed over is not found again')
  const both = { ...keep, words: [...words, wordOf(hex('fd060000 00000000 00000000 00000007'))] }
  const seven = message('02000000 00000007')
  for (const [messages, count] of [
    [[seven, other, one, other, seven], 3],
    [[other, seven], 1],
    [[other, other], 0],
  ] as const)
    t.equal(framesOf(hex(messages.join(' ')), both).length, count, 'of several words any')
  t.strictSame(framesOf(hex(one), { ...keep, words: [] }), [], 'of no words none')
  t.end()
})

t.test('framesOf() copies messages', t => {
  const datagram = hex('14000000 03000200 01000000 00000000 01020304')
  for (const keep of [undefined, LINKS]) {
    const [frame] = framesOf(datagram, keep)
    datagram.fill(0, 16)
    t.strictSame(frame?.payload, hex('01020304'))
    datagram.set(hex('01020304'), 16)
  }
  t.end()
})

const damaged: readonly (readonly [string, string, RegExp])[] = [
  ['half a header', '14000000 03000200', /^nlmsghdr wants 16 bytes, not 8$/],
  ['a message longer than the datagram', 'ff000000 10000200 01000000 00000000', /^message 16 claims 255 bytes of 16$/],
  ['a message shorter than its header', '0f000000 10000200 01000000 00000000', /^message 16 claims 15 bytes of 16$/],
  ['a message of no length', '00000000 10000200 01000000 00000000', /^message 16 claims 0 bytes of 16$/],
  ['a second one cut', '10000000 01000000 01000000 00000000 14000000 0300', /^nlmsghdr wants 16 bytes, not 6$/],
]

t.test('framesOf() rejects a damaged datagram', t => {
  for (const [what, bytes, message] of damaged)
    t.throws(() => framesOf(hex(bytes)), { constructor: WireError, message }, what)
  t.end()
})

const ASKED = '20000000 10000500 00000000 00000000'

const errors = [
  {
    of: 'yes (Linux 6.18)',
    bytes: `24000000 02000001 01000000 11110000 00000000 ${ASKED}`,
    verdict: { errno: 0, text: '', offset: undefined },
  },
  {
    of: 'no, the whole request repeated (Linux 6.18, without NETLINK_CAP_ACK)',
    bytes: `34000000 02000000 00000000 ca310000 edffffff ${ASKED} 00000000 00000000 00000000 00000000`,
    verdict: { errno: 19, text: '', offset: undefined },
  },
  {
    of: 'no, the request repeated, and words',
    bytes: `40000000 02000002 00000000 ca310000 edffffff ${ASKED} 00000000 00000000 00000000 00000000 0c000100 6e6f2077 61790000`,
    verdict: { errno: 19, text: 'no way', offset: undefined },
  },
  {
    of: 'no, capped, with words and the place',
    bytes: `38000000 02000003 01000000 11110000 eaffffff ${ASKED} 0c000100 6e6f2077 61790000 08000200 14000000`,
    verdict: { errno: 22, text: 'no way', offset: 20 },
  },
]

t.test('errorOf() decodes NLMSG_ERROR', t => {
  for (const { of, bytes, verdict } of errors) t.strictSame(errorOf(frameOf(bytes)), verdict, of)
  t.end()
})

const dones = [
  {
    of: 'the end',
    bytes: '14000000 03000200 01000000 11110000 00000000',
    verdict: { errno: 0, text: '', offset: undefined },
  },
  {
    of: 'the end, of an old kernel',
    bytes: '10000000 03000200 01000000 11110000',
    verdict: { errno: 0, text: '', offset: undefined },
  },
  {
    of: 'no (Linux 6.18, a table that does not exist)',
    bytes: `38000000 03002202 fdee036b 89180000 feffffff
            23000100 69707634 3a204649 42207461 626c6520 646f6573 206e6f74 20657869 73740000`,
    verdict: { errno: 2, text: 'ipv4: FIB table does not exist', offset: undefined },
  },
]

t.test('doneOf() decodes NLMSG_DONE', t => {
  for (const { of, bytes, verdict } of dones) t.strictSame(doneOf(frameOf(bytes)), verdict, of)
  t.end()
})

const damagedVerdicts: readonly (readonly [string, (frame: Frame) => unknown, string, RegExp])[] = [
  ['an error without a number', errorOf, '12000000 02000001 01000000 00000000 eaff', /^s32 wants 4 bytes, not 2$/],
  [
    'an error without the request',
    errorOf,
    '14000000 02000001 01000000 00000000 eaffffff',
    /^nlmsghdr wants 16 bytes, not 0$/,
  ],
  [
    'a positive error',
    errorOf,
    `24000000 02000001 01000000 00000000 16000000 ${ASKED}`,
    /^an errno is zero or negative, not 22$/,
  ],
  [
    'words that claim too much',
    errorOf,
    `2c000000 02000003 01000000 00000000 eaffffff ${ASKED} ff000100 6e6f0000`,
    /^attribute 1 claims 255 bytes of 8$/,
  ],
  ['a positive end', doneOf, '14000000 03000200 01000000 00000000 02000000', /^an errno is zero or negative, not 2$/],
]

t.test('errorOf() and doneOf() reject damaged messages', t => {
  for (const [what, read, bytes, message] of damagedVerdicts)
    t.throws(() => read(frameOf(bytes)), { constructor: WireError, message }, what)
  t.end()
})
