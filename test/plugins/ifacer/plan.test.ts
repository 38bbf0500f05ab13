// What ifacer asks of a node, as tables: confs that are refused, options, plans for what is there
// and what is not. Pure.
import t from 'tap'
import { CniError } from '../../../lib/cni/error.js'
import { ip } from '../../../lib/ip/address.js'
import { cidr } from '../../../lib/ip/cidr.js'
import { EMPTY_NETNS, type NetnsState, type ObservedLink } from '../../../lib/plan/state.js'
import { describe } from '../../../lib/plan/step.js'
import { accepts, type IfacerConf } from '../../../plugins/ifacer/config.js'
import { optionsOf } from '../../../plugins/ifacer/bond.js'
import { unfinishedName } from '../../../plugins/ifacer/ownership.js'
import { planFor } from '../../../plugins/ifacer/plan.js'

const conf = (raw: object): IfacerConf => accepts(raw, 'ADD')
const saidBy = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof CniError) return error.message
    throw error
  }
  return 'nothing'
}

const refused: readonly [conf: object, message: string][] = [
  [{}, 'invalid config: interfaces have at least one interface'],
  [{ interfaces: [] }, 'invalid config: interfaces have at least one interface'],
  [{ interfaces: ['a'], vlanID: 4095 }, 'invalid vlan tag 4095: vlan tag must be in range [0,4094]'],
  [{ interfaces: ['a'], vlanID: -1 }, 'invalid vlan tag -1: vlan tag must be in range [0,4094]'],
  [{ interfaces: 'a' }, 'failed to parse config: interfaces is "a"; it must be a list of strings'],
  [{ interfaces: ['a', 'a'], bond: {} }, 'interfaces has "a" twice; name each interface once'],
  [
    { interfaces: ['a', 'b'], bond: { name: 'enp0s31f6np0-bond' } },
    'the interface name "enp0s31f6np0-bond" is longer than the 15 bytes that Linux allows; shorten it',
  ],
  [
    { interfaces: ['x'.repeat(128)], vlanID: 5 },
    `the interface name "${'x'.repeat(128)}" is longer than the 127 bytes that Linux allows; shorten it`,
  ],
]
for (const [raw, message] of refused)
  t.test(`accepts() rejects ${JSON.stringify(raw)}`, t => {
    t.equal(
      saidBy(() => conf(raw)),
      message,
    )
    t.end()
  })

t.test('accepts() of DEL takes any conf', t => {
  t.strictSame(accepts({ interfaces: 5 }, 'DEL').vlan, undefined)
  t.end()
})

const tables: readonly [conf: object, bond: string | undefined, vlan: string | undefined][] = [
  [{ interfaces: ['a'] }, undefined, undefined],
  [{ interfaces: ['a'], bond: {} }, undefined, undefined],
  [{ interfaces: ['a'], vlanID: 5 }, undefined, 'a.5'],
  [{ interfaces: ['a'], vlanID: 5, bond: { name: 'b' } }, undefined, 'a.5'],
  [{ interfaces: ['enp129s0f0np0'], vlanID: 100 }, undefined, 'enp10p68i5p.100'],
  [{ interfaces: ['a', 'c'], vlanID: 5 }, undefined, undefined],
  [{ interfaces: ['a', 'c'], bond: {} }, 'sp_bond0', undefined],
  [{ interfaces: ['a', 'c'], bond: { name: 'b' }, vlanID: 5 }, 'b', 'b.5'],
]
for (const [raw, bond, vlan] of tables)
  t.test(`accepts(${JSON.stringify(raw)}) has bond ${bond} and vlan ${vlan}`, t => {
    const wanted = conf(raw)
    t.strictSame([wanted.bond?.name, wanted.vlan?.name], [bond, vlan])
    t.end()
  })

const options: readonly [text: string, want: object][] = [
  ['', { numbers: {} }],
  [' miimon=100; up_delay = 200;', { numbers: { miimon: 100, updelay: 200 } }],
  ['updelay=0;num_grat_arp=3', { numbers: { updelay: 0, numPeerNotif: 3 } }],
  ['xmit_hash_policy=layer3+4;lacp_rate=fast', { numbers: { xmitHashPolicy: 1, adLacpRate: 1 } }],
  ['arp_ip_target=["10.6.0.1","10.6.0.2"]', { numbers: {}, arpIpTarget: ['10.6.0.1', '10.6.0.2'] }],
  ['arp_ip_target=10.6.0.1,10.6.0.2', { numbers: {}, arpIpTarget: ['10.6.0.1', '10.6.0.2'] }],
  ['primary=eth1;active_slave=eth2', { numbers: {}, primary: 'eth1', activeSlave: 'eth2' }],
]
for (const [text, want] of options)
  t.test(`optionsOf() parses "${text}"`, t => {
    t.strictSame(optionsOf(text), want)
    t.end()
  })

const CONVERT = 'parseString2BondOptions: failed to convert options to BondOptions: '
const wrongOptions: readonly [text: string, message: string][] = [
  ['miimon', `${CONVERT}"miimon" is not key=value`],
  ['miimon=1=2', `${CONVERT}"miimon=1=2" is not key=value`],
  ['miimon=fast', `${CONVERT}miimon is "fast"; it must be from 0 to 2147483647`],
  ['lacp_rate=2', `${CONVERT}lacp_rate is "2"; it must be from 0 to 1 or slow, fast`],
  ['ad_actor_system=x', 'invalid bond ad_actor_system: x'],
  ['arp_ip_target=fd00::1', `${CONVERT}arp_ip_target is "fd00::1"; it must be IPv4 addresses`],
]
for (const [text, message] of wrongOptions)
  t.test(`optionsOf() rejects "${text}"`, t => {
    t.equal(
      saidBy(() => optionsOf(text)),
      message,
    )
    t.end()
  })

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
const eth1 = link(2, 'eth1')
const eth2 = link(3, 'eth2', { up: false })
const node = (links: readonly ObservedLink[], more: Partial<NetnsState> = {}): NetnsState => ({
  ...EMPTY_NETNS,
  links,
  ...more,
})
const vlan5 = conf({ interfaces: ['eth1'], vlanID: 5 })
const bond = conf({ interfaces: ['eth1', 'eth2'], vlanID: 5, bond: { name: 'b', mode: 1 } })
const b = link(4, 'b', { kind: 'bond', bond: { mode: 1 } })
const members = [link(2, 'eth1', { master: 4 }), link(3, 'eth2', { master: 4 })]

t.test('planFor() renames a bond when it is complete with its VLAN, then sets both up', t => {
  const unfinished = unfinishedName('b')
  t.strictSame(planFor(bond, node([eth1, eth2])).map(describe), [
    `addLink ${unfinished}`,
    'setDown eth1',
    'setMaster eth1',
    'setUp eth1',
    'setMaster eth2',
    'setUp eth2',
    'addLink b.5',
    `rename ${unfinished}`,
    'setUp b',
    'setUp b.5',
  ])
  t.end()
})

const LONG = 'a-name-of-20-letters'

t.test('planFor() takes altnames for members, primary and parent', t => {
  const named = (name: string, more: object = {}): IfacerConf =>
    conf({ interfaces: [name, 'eth2'], bond: { name: 'b', mode: 1, options: `primary=${name}` }, ...more })
  const eth1 = link(2, 'eth1', { altNames: ['enp3s0f0np0', LONG] })
  for (const name of ['enp3s0f0np0', LONG]) {
    const made = planFor(named(name), node([eth1, eth2])).map(describe)
    t.ok(made.includes('setDown eth1') && made.includes('setMaster eth1'), made.join())
    const bonded = link(4, 'b', { kind: 'bond', bond: { mode: 1, primary: 2 } })
    const whole = node([bonded, { ...eth1, master: 4 }, link(3, 'eth2', { master: 4 })])
    t.strictSame(planFor(named(name), whole), [], 'the bond is of those already')
    const { vlan } = conf({ interfaces: [name], vlanID: 100 })
    const on = conf({ interfaces: [name], vlanID: 100 })
    t.strictSame(planFor(on, node([eth1])).map(describe), [`addLink ${vlan?.name}`, `setUp ${vlan?.name}`])
    const made100 = link(9, vlan?.name ?? '', { kind: 'vlan', vlan: { id: 100 }, parent: 2 })
    t.strictSame(planFor(on, node([eth1, made100])), [])
  }
  t.equal(
    saidBy(() => planFor(conf({ interfaces: ['eth1', LONG], bond: { name: 'b' } }), node([eth1]))),
    `failed to createBondDevice: interfaces has eth1 twice, once as ${LONG}; name each interface once`,
  )
  t.end()
})

const there: readonly [name: string, config: IfacerConf, node: NetnsState, steps: readonly string[]][] = [
  ['all of it', vlan5, node([eth1, link(9, 'eth1.5', { kind: 'vlan', vlan: { id: 5 }, parent: 2 })]), []],
  [
    'a vlan that is down on a parent that is down',
    vlan5,
    node([link(2, 'eth1', { up: false }), link(9, 'eth1.5', { up: false, kind: 'vlan', vlan: { id: 5 }, parent: 2 })]),
    ['setUp eth1', 'setUp eth1.5'],
  ],
  ['the bond', bond, node([b, ...members]), ['addLink b.5', 'setUp b.5']],
  [
    'the same id on another parent',
    vlan5,
    node([eth1, link(9, 'x', { kind: 'vlan', vlan: { id: 5 }, parent: 3 })]),
    ['addLink eth1.5', 'setUp eth1.5'],
  ],
]
for (const [name, config, place, steps] of there)
  t.test(`planFor() with existing ${name} has only missing steps`, t => {
    t.strictSame(planFor(config, place).map(describe), steps)
    t.end()
  })

const BOND = 'failed to createBondDevice: '
const VLAN = 'failed to createVlanDevice: '
const route = { dst: cidr('0.0.0.0/0'), dev: 'eth1', table: 254, metric: 0, type: 1 }
const address = {
  dev: 'eth2',
  address: { ip: ip('10.0.0.9'), length: 24 },
  tentative: false,
  dadFailed: false,
  scope: 0,
}
const withOptions = (options: string): IfacerConf =>
  conf({ interfaces: ['eth1', 'eth2'], bond: { name: 'b', mode: 1, options } })
const bondWith = (more: ObservedLink['bond']): NetnsState =>
  node([link(4, 'b', { kind: 'bond', bond: { mode: 1, ...more } }), ...members])

const same: readonly [options: string, is: ObservedLink['bond']][] = [
  ['miimon=100;updelay=250', { miimon: 100, updelay: 200 }], // whole intervals
  ['active_slave=eth1', { activeSlave: 3 }], // the bond's to change
  ['arp_ip_target=10.0.0.2,10.0.0.1', { arpIpTarget: [ip('10.0.0.1'), ip('10.0.0.2')] }], // in any order
  ['primary=eth2', { primary: 3 }],
  ['lacp_rate=fast', {}], // what the kernel does not tell
  ['', { miimon: 7 }], // what the conf does not name
]
for (const [options, is] of same)
  t.test(`planFor() is satisfied with "${options}" by a bond of ${JSON.stringify(is)}`, t => {
    t.strictSame(planFor(withOptions(options), bondWith(is)), [])
    t.end()
  })

const EXISTS = 'failed to createBondDevice: bond b exists with '
const clashes: readonly [config: IfacerConf, node: NetnsState, message: string][] = [
  [vlan5, node([]), `${VLAN}failed to LinkByName eth1: Link not found`],
  [
    vlan5,
    node([eth1, link(9, 'eth1.5', { kind: 'dummy' })]),
    `${VLAN}eth1.5 exists with kind dummy, want vlan id 5 on eth1`,
  ],
  [
    vlan5,
    node([eth1, link(9, 'eth1.5', { kind: 'vlan', vlan: { id: 6 }, parent: 2 })]),
    `${VLAN}eth1.5 exists with vlan id 6, want vlan id 5 on eth1`,
  ],
  [
    vlan5,
    node([eth1, eth2, link(9, 'eth1.5', { kind: 'vlan', vlan: { id: 5 }, parent: 3 })]),
    `${VLAN}eth1.5 exists on eth2, want vlan id 5 on eth1`,
  ],
  [
    vlan5,
    node([eth1, link(9, 'x', { kind: 'vlan', vlan: { id: 5 }, parent: 2 })]),
    'cannot have multiple different vlan interfaces with the same vlanId 5 on node at the same time',
  ],
  [bond, node([eth1]), `${BOND}failed to InterfaceByName eth2: route ip+net: no such network interface`],
  [
    bond,
    node([link(4, 'b', { kind: 'dummy' }), eth1, eth2]),
    `${BOND}createBondDevice failure: a non-bond type interface named b already exists on the host`,
  ],
  [
    conf({ interfaces: ['eth1', 'eth2'], bond: { mode: 7 } }),
    node([eth1, eth2]),
    `${BOND}unknown bond mode: 7, available mode: [0,6]`,
  ],
  [
    conf({ interfaces: ['eth1', 'eth2'], bond: { name: 'b', mode: 4 } }),
    node([b, ...members]),
    `${BOND}bond b exists with mode 1 (active-backup), want mode 4 (802.3ad)`,
  ],
  [
    bond,
    node([b, ...members, link(7, 'eth3', { master: 4 })]),
    `${BOND}bond b exists with members eth1, eth2, eth3, want eth1, eth2`,
  ],
  [
    withOptions('miimon=50;xmit_hash_policy=layer3+4;use_carrier=1'),
    bondWith({ miimon: 100, xmitHashPolicy: 0, useCarrier: 1 }),
    `${EXISTS}miimon 100, xmit_hash_policy layer2, want miimon 50, xmit_hash_policy layer3+4`,
  ],
  [withOptions('updelay=100'), bondWith({ miimon: 100, updelay: 200 }), `${EXISTS}updelay 200, want updelay 100`],
  [withOptions('primary=eth2'), bondWith({}), `${EXISTS}primary none, want primary eth2`],
  [withOptions('primary=eth2'), bondWith({ primary: 2 }), `${EXISTS}primary eth1, want primary eth2`],
  [
    withOptions('arp_ip_target=10.0.0.1'),
    bondWith({ arpIpTarget: [ip('10.0.0.1'), ip('10.0.0.2')] }),
    `${EXISTS}arp_ip_target 10.0.0.1,10.0.0.2, want arp_ip_target 10.0.0.1`,
  ],
  [
    conf({ interfaces: ['eth1', 'eth2'], bond: { options: 'primary=eth3' } }),
    node([eth1, eth2, link(5, 'eth3')]),
    `${BOND}primary is eth3, which is none of interfaces: eth1, eth2`,
  ],
  [
    vlan5,
    node([eth1, link(9, 'eth1.5', { kind: 'vlan', vlan: { id: 5, protocol: 0x88a8 }, parent: 2 })]),
    `${VLAN}eth1.5 exists with protocol 802.1ad, want vlan id 5 on eth1 with protocol 802.1Q`,
  ],
  [
    bond,
    node([eth1, eth2, link(9, 'b.5', { kind: 'vlan', vlan: { id: 5 }, parent: 2 })]),
    `${VLAN}b.5 exists on eth1, want vlan id 5 on b`,
  ],
  [
    bond,
    node([link(8, 'br0', { kind: 'bridge' }), link(2, 'eth1', { master: 8 }), eth2]),
    `${BOND}eth1 belongs to br0 and is not taken from it for b`,
  ],
  [
    bond,
    node([eth1, eth2], { routes: [route] }),
    `${BOND}eth1 carries the default route of the node, which would stop working in b`,
  ],
  [
    bond,
    node([eth1, eth2], { addresses: [address] }),
    `${BOND}eth2 carries the address 10.0.0.9 of the node, which would stop working in b`,
  ],
  [
    bond,
    node([eth1, eth2, link(9, 'v', { kind: 'vlan', parent: 3 }), link(10, 'm', { kind: 'macvlan', parent: 9 })], {
      addresses: [{ ...address, dev: 'm' }],
    }),
    `${BOND}m on v on eth2 carries the address 10.0.0.9 of the node, which would stop working in b`,
  ],
  [
    bond,
    node([eth1, eth2, link(9, 'v', { kind: 'vlan', parent: 2 })], { routes: [{ ...route, dev: 'v' }] }),
    `${BOND}v on eth1 carries the default route of the node, which would stop working in b`,
  ],
]
for (const [config, place, message] of clashes)
  t.test(`planFor() rejects: ${message}`, t => {
    t.equal(
      saidBy(() => planFor(config, place)),
      message,
    )
    t.end()
  })

t.test('planFor() ignores upper devices of a link with the same index in another namespace', t => {
  const stranger = link(9, 'v', { kind: 'vlan', parent: 2, parentElsewhere: true })
  t.ok(planFor(bond, node([eth1, eth2, stranger], { addresses: [{ ...address, dev: 'v' }] })).length > 0)
  t.end()
})

t.test('planFor() does not take a veth peer for an upper device', t => {
  const ends = [link(2, 'eth1', { kind: 'veth', parent: 9 }), link(9, 'p', { kind: 'veth', parent: 2 })]
  t.ok(planFor(bond, node([...ends, eth2], { addresses: [{ ...address, dev: 'p' }] })).length > 0)
  t.end()
})

t.test('planFor() enslaves the node’s NIC with allowNodeNic', t => {
  const consenting = conf({ interfaces: ['eth1', 'eth2'], bond: {}, allowNodeNic: true })
  t.ok(planFor(consenting, node([eth1, eth2], { routes: [route], addresses: [address] })).length > 0)
  t.end()
})
