// lib/netlink/attrs.ts: attribute tables, nests and unknown attributes.
import t from 'tap'
import { attrs, body, indexed, NLA_F_NESTED, repeated } from '../../../lib/netlink/attrs.js'
import { cstring, raw, struct, u16, u32 } from '../../../lib/bytes.js'
import { hex } from './captures/row.js'

const table = attrs({
  mtu: [4, u32],
  name: [3, cstring],
  nest: [NLA_F_NESTED | 18, attrs({ id: [1, u16] })],
  list: [52, repeated(53, cstring)],
  targets: [8, indexed(raw)],
})

const bothWays: readonly {
  of: string
  bytes: string
  value: typeof table extends { decode(b: never): infer T } ? T : never
}[] = [
  { of: 'nothing', bytes: '', value: {} },
  { of: 'one', bytes: '08000400 dc050000', value: { mtu: 1500 } },
  { of: 'one that needs padding', bytes: '06000300 76000000', value: { name: 'v' } },
  { of: 'two, in the order they came', bytes: '06000300 76000000 08000400 dc050000', value: { name: 'v', mtu: 1500 } },
  { of: 'a nest with its bit', bytes: '0c001280 06000100 64000000', value: { nest: { id: 100 } } },
  { of: 'an empty nest', bytes: '04001280', value: { nest: {} } },
  { of: 'a list', bytes: '14003400 06003500 61000000 06003500 62000000', value: { list: ['a', 'b'] } },
  {
    of: 'a numbered list',
    bytes: '14000800 08000000 0a060001 08000100 0a060002',
    value: { targets: [hex('0a060001'), hex('0a060002')] },
  },
  {
    of: 'attributes without a name',
    bytes: '05004300 01000000 04004180',
    value: {
      unknown: [
        { type: 67, bytes: hex('01') },
        { type: 0x8041, bytes: hex('') },
      ],
    },
  },
]

for (const { of, bytes, value } of bothWays)
  t.test(`attrs() decodes and encodes ${of}`, t => {
    t.strictSame(table.decode(hex(bytes)), value)
    t.strictSame(table.encode(value), hex(bytes))
    t.end()
  })

const oneWay = [
  { of: 'a nest without its bit', bytes: '0c001200 06000100 64000000', value: { nest: { id: 100 } } },
  { of: 'a scalar in network order, as its bit says', bytes: '08000440 dc050000', value: { mtu: 1500 } },
  { of: 'the last of two alike', bytes: '08000400 dc050000 08000400 78050000', value: { mtu: 1400 } },
  {
    of: 'the last attribute without padding',
    bytes: '08000400 dc050000 06000300 7600',
    value: { mtu: 1500, name: 'v' },
  },
  {
    of: 'a list with something else in it',
    bytes: '14003400 06000900 61000000 06003500 62000000',
    value: { list: ['b'] },
  },
  { of: 'a numbered list with a gap', bytes: '0c000800 08000700 0a060001', value: { targets: [hex('0a060001')] } },
]

for (const { of, bytes, value } of oneWay)
  t.test(`attrs() decodes ${of}`, t => {
    t.strictSame(table.decode(hex(bytes)), value)
    t.end()
  })

t.test('attrs() omits undefined values', t => {
  t.strictSame(table.encode({ mtu: undefined, name: 'v', unknown: undefined }), hex('0600030076000000'))
  t.end()
})

t.test('body() aligns attributes to four bytes', t => {
  const three = body(struct('three', 4, { a: u16, _pad: u16 }), table)
  const bytes = hex('01000000 08000400 dc050000')
  t.strictSame(three.decode(bytes), { header: { a: 1 }, attrs: { mtu: 1500 } })
  t.strictSame(three.encode({ header: { a: 1 }, attrs: { mtu: 1500 } }), bytes)
  t.end()
})
