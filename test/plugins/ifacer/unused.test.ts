// Which links may go with their last user, as a table; the steps of a link that will. Pure.
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { cidr } from '../../../lib/ip/cidr.js'
import { EMPTY_NETNS, type NetnsState, type ObservedLink } from '../../../lib/plan/state.js'
import { describe } from '../../../lib/plan/step.js'
import { accepts } from '../../../plugins/ifacer/config.js'
import { claimOf, MARK, unfinishedName, unusedFrom } from '../../../plugins/ifacer/ownership.js'
import { leftovers, planFor } from '../../../plugins/ifacer/plan.js'

const link = (index: number, name: string, more: Partial<ObservedLink> = {}): ObservedLink => ({
  index,
  name,
  kind: undefined,
  mtu: 1500,
  mac: undefined,
  flags: 0,
  up: true,
  operState: 6,
  queueLength: 0,
  parent: undefined,
  parentElsewhere: false,
  master: undefined,
  ...more,
})
const eth1 = link(2, 'eth1', { master: 4 })
const bond = link(4, 'b', { kind: 'bond', alias: MARK })
const vlan = link(5, 'b.5', { kind: 'vlan', vlan: { id: 5 }, parent: 4, alias: MARK })
const { alias: _, ...byHand } = vlan
const node = (links: readonly ObservedLink[], more: Partial<NetnsState> = {}): NetnsState => ({
  ...EMPTY_NETNS,
  links,
  ...more,
})
const route = (to: string) => ({ dst: cidr(to), dev: 'b.5', table: 254, metric: 0, type: 1 })
const address = {
  dev: 'b.5',
  address: { ip: ip('10.0.0.9'), length: 24 },
  tentative: false,
  dadFailed: false,
  scope: 0,
}

const table: readonly [what: string, node: NetnsState, held: readonly string[], goes: string][] = [
  ['nothing stands on it', node([eth1, bond, vlan]), [], 'b.5,b'],
  ['the parent has users', node([eth1, bond, vlan]), ['b'], 'b.5'],
  ['what is below was made by hand', node([eth1, link(4, 'b', { kind: 'bond' }), vlan]), [], 'b.5'],
  ['what is below carries another VLAN', node([eth1, bond, vlan, link(6, 'b.6', { parent: 4 })]), [], 'b.5'],
  [
    'another namespace’s link has that index below',
    node([bond, vlan, link(6, 'x', { parent: 5, parentElsewhere: true })]),
    [],
    'b.5,b',
  ],
  ['it is gone', node([eth1, bond]), [], ''],
  ['it was made by hand', node([eth1, bond, byHand]), [], ''],
  ['a macvlan of the node stands on it', node([bond, vlan, link(7, 'm', { parent: 5 })]), [], ''],
  ['a bridge has it', node([bond, link(5, 'b.5', { alias: MARK, master: 9, parent: 4 })]), [], ''],
  ['the node has an address on it', node([bond, vlan], { addresses: [address] }), [], ''],
  ['the node has a route over it', node([bond, vlan], { routes: [route('10.9.0.0/16')] }), [], ''],
  ['only the kernel’s own route is there', node([bond, vlan], { routes: [route('fe80::/64')] }), [], 'b.5,b'],
]
for (const [what, place, held, goes] of table)
  t.test(`unusedFrom() is ${goes || 'empty'}: ${what}`, async t => {
    const may = unusedFrom('b.5', place, name => held.includes(name))
    t.equal(may.map(({ name }) => name).join(), goes)
  })

t.test('claimOf() is a passthru macvlan', async t =>
  t.match(claimOf(vlan), { name: unfinishedName('b.5'), link: { kind: 'macvlan', on: 'b.5', mode: 'passthru' } }),
)

const steps: readonly [conf: object, node: NetnsState, steps: readonly string[]][] = [
  [
    { interfaces: ['eth2'], vlanID: 5, removeUnused: true },
    node([link(3, 'eth2')]),
    ['addLink', 'setAlias', 'rename', 'setUp'],
  ],
  [
    { interfaces: ['eth2', 'eth3'], vlanID: 5, bond: {}, removeUnused: true },
    node([link(3, 'eth2', { up: false }), link(6, 'eth3', { up: false })]),
    [
      'addLink',
      'setMaster',
      'setUp',
      'setMaster',
      'setUp',
      'setAlias',
      'addLink',
      'setAlias',
      'rename',
      'setUp',
      'setUp',
    ],
  ],
]
for (const [raw, place, verbs] of steps)
  t.test(`planFor(${JSON.stringify(raw)}) marks before the rename`, async t =>
    t.strictSame(
      planFor(accepts(raw, 'ADD'), place).map(({ verb }) => verb),
      verbs,
    ),
  )

t.test('leftovers() matches name and kind', async t => {
  const left = ['bond', 'vlan', 'macvlan'].map((kind, at) => link(9 + at, `spb-0000000${at}`, { kind }))
  const others = [link(20, 'spb-1', { kind: 'bond' }), link(21, 'spb-00000009', { kind: 'dummy' }), bond, vlan, eth1]
  t.strictSame(
    leftovers(node([...left, ...others])).map(describe),
    left.map(({ name }) => `removeLink ${name}`),
  )
})
