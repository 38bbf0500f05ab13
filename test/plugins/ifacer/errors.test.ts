// What ifacer says where it refuses, byte for byte: the sentences that users of the reference
// plugin know, as the whole reply and from each part.
import t from 'tap'
import { CniError } from '../../../lib/cni/error.js'
import { outcomeOf } from '../../../lib/cni/plugin.js'
import { EMPTY_NETNS, type NetnsState, type ObservedLink } from '../../../lib/plan/state.js'
import type { Step } from '../../../lib/plan/step.js'
import { accepts } from '../../../plugins/ifacer/config.js'
import { plugin } from '../../../plugins/ifacer/main.js'
import { planFor } from '../../../plugins/ifacer/plan.js'
import { refusalOf } from '../../../plugins/ifacer/links.js'

const saidBy = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof CniError) return error.message
    throw error
  }
  return 'nothing'
}

const replies: readonly [conf: string, code: number, msg: string][] = [
  ['{"interfaces":[]}', 7, 'invalid config: interfaces have at least one interface'],
  ['{"vlanID":5}', 7, 'invalid config: interfaces have at least one interface'],
  ['{"interfaces":["a"],"vlanID":4095}', 7, 'invalid vlan tag 4095: vlan tag must be in range [0,4094]'],
  ['{"interfaces":["a"],"vlanID":-1}', 7, 'invalid vlan tag -1: vlan tag must be in range [0,4094]'],
  ['{"interfaces":1}', 6, 'failed to parse config: interfaces is 1; it must be a list of strings'],
  [
    '{"interfaces":["a"],"bond":{"mode":"x"}}',
    6,
    'failed to parse config: bond.mode is "x"; it must be a whole number',
  ],
]
for (const [conf, code, msg] of replies)
  t.test(`the reply to ${conf} is an error object with ${code} and the sentence`, async t => {
    const env = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c', CNI_NETNS: '/n', CNI_IFNAME: 'net1', CNI_PATH: '/' }
    const stdin = JSON.stringify({ cniVersion: '0.3.1', name: 'n', type: 'ifacer', ...(JSON.parse(conf) as object) })
    const { exitCode, stdout } = await outcomeOf(plugin, { env, readStdin: () => stdin, sameNetns: () => false })
    t.equal(exitCode, 1)
    t.equal(stdout, JSON.stringify({ cniVersion: '0.3.1', code, msg }, undefined, 4))
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
const [eth1, eth2] = [link(2, 'eth1'), link(3, 'eth2')]
const node = (...links: readonly ObservedLink[]): NetnsState => ({ ...EMPTY_NETNS, links })
const two = { interfaces: ['eth1', 'eth2'] }
const withOptions = (options: string, mode = 1): object => ({ ...two, bond: { name: 'b', mode, options } })

const plans: readonly [what: string, conf: object, node: NetnsState, msg: string][] = [
  [
    'the parent of the VLAN is not there',
    { interfaces: ['eth9'], vlanID: 5 },
    node(eth1),
    'failed to createVlanDevice: failed to LinkByName eth9: Link not found',
  ],
  [
    'the parent has the VLAN under another name',
    { interfaces: ['eth1'], vlanID: 5 },
    node(eth1, link(9, 'x', { kind: 'vlan', vlan: { id: 5 }, parent: 2 })),
    'cannot have multiple different vlan interfaces with the same vlanId 5 on node at the same time',
  ],
  [
    'a member is not there',
    { ...two, bond: {} },
    node(eth1),
    'failed to createBondDevice: failed to InterfaceByName eth2: route ip+net: no such network interface',
  ],
  [
    'the name of the bond is taken',
    { ...two, bond: {} },
    node(eth1, eth2, link(9, 'sp_bond0', { kind: 'dummy' })),
    'failed to createBondDevice: createBondDevice failure: a non-bond type interface named sp_bond0 already exists on the host',
  ],
  [
    'there is no such mode',
    { ...two, bond: { mode: 7 } },
    node(eth1, eth2),
    'failed to createBondDevice: unknown bond mode: 7, available mode: [0,6]',
  ],
  [
    'there is no such mode either',
    { ...two, bond: { mode: -1 } },
    node(eth1, eth2),
    'failed to createBondDevice: unknown bond mode: -1, available mode: [0,6]',
  ],
  [
    'the active slave is not there',
    withOptions('active_slave=eth9'),
    node(eth1, eth2),
    'failed to createBondDevice: failed to LinkByName bond active_slave eth9: Link not found',
  ],
  [
    'the primary is not there',
    withOptions('primary=eth9'),
    node(eth1, eth2),
    'failed to createBondDevice: failed to LinkByName bond primary eth9: Link not found',
  ],
  ['the MAC is none', withOptions('ad_actor_system=zz', 4), node(eth1, eth2), 'invalid bond ad_actor_system: zz'],
]
for (const [what, conf, place, msg] of plans)
  t.test(`where ${what}: ${msg}`, async t =>
    t.equal(
      saidBy(() => planFor(accepts(conf, 'ADD'), place)),
      msg,
    ),
  )

const pieces: readonly [options: string, what: string][] = [
  ['miimon', '"miimon" is not key=value'],
  ['miimon=', '"miimon=" is not key=value'],
  ['miimon=-1', 'miimon is "-1"; it must be from 0 to 2147483647'],
  [
    'xmit_hash_policy=l2',
    'xmit_hash_policy is "l2"; it must be from 0 to 5 or layer2, layer3+4, layer2+3, encap2+3, encap3+4, vlan+srcmac',
  ],
  ['arp_ip_target=10.6.0.300', 'arp_ip_target is "10.6.0.300"; it must be IPv4 addresses'],
]
for (const [options, what] of pieces)
  t.test(`options ${options}: ${what}`, async t =>
    t.equal(
      saidBy(() => planFor(accepts(withOptions(options), 'ADD'), node(eth1, eth2))),
      `parseString2BondOptions: failed to convert options to BondOptions: ${what}`,
    ),
  )

const vlan: Step = {
  verb: 'addLink',
  where: 'node',
  name: 'up0.100',
  link: { kind: 'vlan', on: 'up0', onWhere: 'node', id: 100 },
}
const steps: readonly [step: Step, reason: string, msg: string][] = [
  [
    { verb: 'setUp', where: 'node', name: 'eth1', was: false },
    'no such device',
    'failed to set eth1 up: no such device',
  ],
  [vlan, 'operation not supported', 'failed to createVlanDevice: failed to create up0.100: operation not supported'],
  [
    { verb: 'addLink', where: 'node', name: 'spb-0', link: { kind: 'bond', options: { mode: 1 } } },
    'invalid argument',
    'failed to createBondDevice: failed to create the bond: invalid argument',
  ],
  [
    { verb: 'setMaster', where: 'node', name: 'eth1', master: 'spb-0', was: undefined },
    'device or resource busy',
    'failed to createBondDevice: failed to make eth1 a member: device or resource busy',
  ],
]
for (const [step, reason, msg] of steps)
  t.test(`refusalOf() of ${step.verb}: ${msg}`, async t => t.equal(refusalOf(step, reason, undefined).message, msg))

t.test('refusalOf() of EBUSY for a member names possible users', async t => {
  const step: Step = { verb: 'setMaster', where: 'node', name: 'eth1', master: 'spb-0', was: undefined }
  t.match(refusalOf(step, 'device or resource busy', 'EBUSY').details, /^a macvlan, an ipvlan or a bridge uses it, /)
})

t.test('refusalOf() suggests modprobe unless the interface does not support VLANs', async t => {
  const detailsOf = (text: string) => refusalOf(vlan, `operation not supported (${text})`, 'EOPNOTSUPP').details
  t.equal(detailsOf('Unknown device type'), 'the kernel has no vlan: modprobe 8021q')
  t.equal(detailsOf('VLANs not supported on device'), 'name an interface that takes VLANs')
})
