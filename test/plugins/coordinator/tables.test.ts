// The routing table of a NIC and the mark table, found from the observed state.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { cidr } from '../../../lib/ip/cidr.js'
import { EMPTY_NETNS, type NetnsState, type ObservedLink, type ObservedRoute } from '../../../lib/plan/state.js'
import type { Rule } from '../../../lib/plan/step.js'
import {
  hostOf,
  isNicTable,
  markTableFor,
  markTableIn,
  movedDefaults,
  otherDefaultNic,
  othersRulesFrom,
  rulesFrom,
  tableFor,
} from '../../../plugins/coordinator/tables.js'

const IPS = { eth0: '10.6.0.5', net1: '10.7.0.5', veth0: '169.254.1.1' }
type Name = keyof typeof IPS
const link = (name: string, index: number): ObservedLink => ({
  ...{ index, name, kind: undefined, mtu: 1500, mac: undefined, flags: 0, up: true, operState: 6, queueLength: 0 },
  ...{ parent: undefined, parentElsewhere: false, master: undefined },
})
/** `default eth0 101` or `10.8.0.0/16 eth0 254`. */
const route = (text: string): ObservedRoute => {
  const [to = '', name = '', table = ''] = text.split(' ')
  return { dst: cidr(to === 'default' ? '0.0.0.0/0' : to), dev: name, table: Number(table), metric: 0, type: 1 }
}
const from = (name: Name, table: number, more: Partial<Rule> = {}): Rule => ({
  ...{ family: 4, from: hostOf(ip(IPS[name])), table },
  ...more,
})
const marked = (table: number, more: Partial<Rule> = {}): Rule => ({ family: 4, fwmark: 1, table, ...more })
const place = (routes: readonly string[] = [], rules: readonly Rule[] = []): NetnsState => ({
  ...EMPTY_NETNS,
  links: ['lo', 'eth0', 'net1', 'veth0'].map((name, at) => link(name, at + 1)),
  addresses: Object.entries(IPS).map(([name, text]) => {
    const address = { ip: ip(text), length: 24 }
    return { dev: name, address, tentative: false, dadFailed: false, scope: 0 }
  }),
  routes: routes.map(route),
  rules,
})

const nicTables: readonly (readonly [table: number, is: boolean])[] = [
  [100, false],
  [101, true],
  [252, true],
  [253, false],
  [254, false],
  [255, false],
  [256, true],
]
for (const [table, is] of nicTables)
  t.test(`isNicTable() ${table} is ${is}`, async t => t.strictSame(isNicTable(table), is))

t.test('hostOf() is the address alone', async t =>
  t.strictSame([hostOf(ip('10.6.0.5')), hostOf(ip('fd00::5'))], ['10.6.0.5/32', 'fd00::5/128']),
)

const own = [ip(IPS.net1)]
const rules = [from('net1', 101), from('net1', 100), from('net1', 254), from('eth0', 102), marked(101)]
t.test('rulesFrom() has the rules of these addresses to tables of NICs', async t =>
  t.strictSame(rulesFrom(place([], rules), own), [from('net1', 101)]),
)

const others: readonly (readonly [of: string, rule: Rule, is: boolean])[] = [
  ['one to a table below ours', from('net1', 50), true],
  ['one to table 100, of marks', from('net1', 100), false],
  ['one to table 0', from('net1', 0), false],
  ['one to a table of ours', from('net1', 101), false],
  ['one of another address', from('eth0', 50), false],
  ['one for some destinations', from('net1', 50, { to: cidr('10.8.0.0/16') }), false],
  ['one for marks', from('net1', 50, { fwmark: 1 }), false],
  ['one that selects by more', from('net1', 50, { more: true }), false],
  ['one from anywhere', { family: 4, table: 50 }, false],
]
for (const [of, rule, is] of others)
  t.test(`othersRulesFrom() of ${of} is ${is}`, async t =>
    t.strictSame(othersRulesFrom(place([], [rule]), own, 100).length, is ? 1 : 0),
  )

const tables: readonly (readonly [of: string, place: NetnsState, is: number, takesOver?: boolean])[] = [
  ['nothing', place(), 101],
  ['a rule of its address', place(['default net1 105'], [from('net1', 104)]), 104],
  ['the lowest of two rules', place([], [from('net1', 104), from('net1', 103)]), 103],
  ["another plugin's rule", place([], [from('net1', 50)]), 50],
  ['routes of its own', place(['default net1 106']), 106],
  ['routes of its own in main', place(['10.7.0.0/24 net1 254']), 101],
  ['a rule of another NIC', place([], [from('eth0', 101)]), 102],
  ['routes of another NIC', place(['10.6.0.0/24 eth0 101']), 102],
  ['routes of the veth', place(['10.6.0.0/24 veth0 101']), 101],
  ['what repeats main', place(['10.6.0.0/24 eth0 101', '10.6.0.0/24 eth0 254']), 101],
  [
    'a NIC that takes the default route over, which answers by a table',
    place(['default eth0 254', 'default eth0 107'], [from('eth0', 107)]),
    ...([107, true] as const),
  ],
  [
    'a NIC that leaves the default route where it is',
    place(['default eth0 254', 'default eth0 107'], [from('eth0', 107)]),
    101,
  ],
  ['a NIC that took it over', place(['default net1 254', 'default eth0 107'], [from('eth0', 107)]), 107],
  [
    'all tables below 253 taken',
    place(
      [],
      Array.from({ length: 152 }, (_, at) => from('eth0', 101 + at)),
    ),
    256,
  ],
]
for (const [of, pod, is, takesOver = false] of tables)
  t.test(`tableFor() with ${of} is ${is}`, async t =>
    t.strictSame(tableFor(pod, { ifName: 'net1', own, podVeth: 'veth0', markTable: 100, takesOver }), is),
  )

const marks: readonly (readonly [
  of: string,
  place: NetnsState,
  isOverlay: boolean,
  found: number | undefined,
  used: number,
])[] = [
  ['nothing', place(), false, undefined, 100],
  ['our rule', place(['default veth0 100'], [marked(100)]), false, 100, 100],
  ['our rule to a table below', place(['default veth0 98'], [marked(98)]), false, 98, 98],
  ['a rule of another mark', place([], [marked(100, { fwmark: 2 })]), false, undefined, 99],
  ['a rule for some destinations', place([], [marked(100, { to: cidr('10.8.0.0/16') })]), false, undefined, 99],
  ['a rule that selects by more', place([], [marked(100, { more: true })]), false, undefined, 99],
  ['a table that holds more than the veth', place(['default eth0 100'], [marked(100)]), false, undefined, 99],
  ['a table with foreign routes alone', place(['default eth0 100']), false, undefined, 99],
  ['a rule above 100', place([], [marked(101)]), false, undefined, 100],
  ['no rule of marks in an overlay', place([], [marked(100)]), true, undefined, 99],
  ['our rule in an overlay', place(['default veth0 100', 'default veth0 254'], [from('veth0', 100)]), true, 100, 100],
  ["another plugin's in an overlay", place(['default veth0 100'], [from('veth0', 100)]), true, undefined, 99],
]
for (const [of, pod, isOverlay, found, used] of marks)
  t.test(`markTableIn() and markTableFor() with ${of}`, async t => {
    const marking = { podVeth: 'veth0', isOverlay }
    t.strictSame([markTableIn(pod, marking), markTableFor(pod, marking)], [found, used])
  })

t.test('movedDefaults() are a link’s default routes in tables of its rules', async t => {
  const pod = place(
    ['default eth0 254', 'default eth0 107', 'default eth0 108', 'default net1 107'],
    [from('eth0', 107)],
  )
  t.strictSame(movedDefaults(pod, 'eth0'), [route('default eth0 107')])
})

const defaults: readonly (readonly [of: string, routes: readonly string[], is: string | undefined])[] = [
  ['no NIC', [], undefined],
  ['another NIC', ['default eth0 254'], 'eth0'],
  ['this NIC alone', ['default net1 254'], undefined],
  ['another table', ['default eth0 101'], undefined],
  ['another family', ['::/0 eth0 254'], undefined],
  ['lo', ['default lo 254'], undefined],
]
for (const [of, routes, is] of defaults)
  t.test(`otherDefaultNic() where ${of} has it is ${is}`, async t =>
    t.strictSame(otherDefaultNic(place(routes), 'net1', 4), is),
  )
