// What the executable says where it refuses, whole and byte for byte, on a kernel that need have
// neither VLANs nor bonds; and that nothing is changed by it.
import t from 'tap'
import { batch, call, closeLinks, linksOn, netns } from '../../fixtures/links.js'
import { must } from '../../fixtures/netns.js'

t.teardown(closeLinks)
const node = netns('n')
const pod = netns('p')
batch('ip', node, [
  ...['eth0', 'eth1', 'eth2', 'eth3', 'eth4', 'eth5'].map(nic => `link add ${nic} up type veth peer name p-${nic}`),
  'link add sp_bond0 type bridge',
  'link add br7 type bridge',
  'link set eth3 master br7',
  'link add eth1.7 type bridge',
  'link set p-eth0 up',
  'address add 10.6.0.10/24 dev eth0',
  'route add default via 10.6.0.1',
  'address add fd06::10/64 dev eth4 nodad',
  'link add mv5 link eth5 type macvlan mode bridge',
  'address add 10.7.0.10/24 dev mv5',
])

const two = ['eth1', 'eth2']
const bond = (name: string, more: object = {}) => ({ interfaces: two, bond: { name, ...more } })
const inBond = 'failed to createBondDevice: '
const inVlan = 'failed to createVlanDevice: '
const inOptions = 'parseString2BondOptions: failed to convert options to BondOptions: '
const OTHER_OR_CONSENT = 'name other interfaces, or consent with "allowNodeNic": true'

const NO_NAME = "which is no interface's name: it may not be empty, . or .., and has no /, : or blank"

const table: readonly (readonly [conf: object, msg: string, details?: string])[] = [
  [{ interfaces: [] }, 'invalid config: interfaces have at least one interface'],
  [{}, 'invalid config: interfaces have at least one interface'],
  [{ interfaces: ['eth1'], vlanID: 4095 }, 'invalid vlan tag 4095: vlan tag must be in range [0,4094]'],
  [{ interfaces: ['eth1'], vlanID: -1 }, 'invalid vlan tag -1: vlan tag must be in range [0,4094]'],
  [{ interfaces: ['eth9'], vlanID: 5 }, `${inVlan}failed to LinkByName eth9: Link not found`],
  [{ interfaces: ['eth1'], vlanID: 7 }, `${inVlan}eth1.7 exists with kind bridge, want vlan id 7 on eth1`],
  [
    { interfaces: two, bond: {} },
    `${inBond}createBondDevice failure: a non-bond type interface named sp_bond0 already exists on the host`,
  ],
  [
    { interfaces: ['eth1', 'eth9'], bond: { name: 'b' } },
    `${inBond}failed to InterfaceByName eth9: route ip+net: no such network interface`,
  ],
  [bond('b', { mode: 7 }), `${inBond}unknown bond mode: 7, available mode: [0,6]`],
  [
    bond('b', { mode: 1, options: 'active_slave=eth9' }),
    `${inBond}failed to LinkByName bond active_slave eth9: Link not found`,
  ],
  [bond('b', { mode: 1, options: 'primary=eth9' }), `${inBond}failed to LinkByName bond primary eth9: Link not found`],
  [bond('b', { mode: 4, options: 'ad_actor_system=zz' }), 'invalid bond ad_actor_system: zz'],
  [bond('b', { options: 'miimon' }), `${inOptions}"miimon" is not key=value`],
  [bond('b', { options: ';miimon=x' }), `${inOptions}miimon is "x"; it must be from 0 to 2147483647`],
  [
    { interfaces: ['eth1', 'eth3'], bond: { name: 'b' } },
    `${inBond}eth3 belongs to br7 and is not taken from it for b`,
  ],
  [
    { interfaces: ['eth1', 'eth3'], bond: { name: 'b' }, allowNodeNic: true },
    `${inBond}eth3 belongs to br7 and is not taken from it for b`,
  ],
  [
    { interfaces: ['eth0', 'eth1'], bond: { name: 'b' } },
    `${inBond}eth0 carries the default route of the node, which would stop working in b`,
    OTHER_OR_CONSENT,
  ],
  [
    { interfaces: ['eth1', 'eth4'], bond: { name: 'b' } },
    `${inBond}eth4 carries the address fd06::10 of the node, which would stop working in b`,
    OTHER_OR_CONSENT,
  ],
  [
    { interfaces: ['eth1', 'eth5'], bond: { name: 'b' } },
    `${inBond}mv5 on eth5 carries the address 10.7.0.10 of the node, which would stop working in b`,
    OTHER_OR_CONSENT,
  ],
  [
    { interfaces: ['eth1', 'lo'], bond: { name: 'b' }, allowNodeNic: true },
    `${inBond}lo is the loopback interface and cannot be a member of b`,
  ],
  ...['', '.', '..', 'a/b', 'a:b', 'a b', 'a\u0000b', 'a\n'].map((name): readonly [object, string] => [
    { interfaces: ['eth1', name], bond: { name: 'b' } },
    `interfaces has ${JSON.stringify(name)}, ${NO_NAME}`,
  ]),
  ...['.', '..', '../../tmp/x', 'a b', 'a\u0000'].map((name): readonly [object, string] => [
    { ...bond(name), removeUnused: true },
    `bond.name has ${JSON.stringify(name)}, ${NO_NAME}`,
  ]),
  [
    { interfaces: ['eth1', 'a23456789012345678'], bond: { name: 'b' } },
    `${inBond}failed to InterfaceByName a23456789012345678: route ip+net: no such network interface`,
  ],
  ...[-4, 2 ** 31].map((mtu): readonly [object, string] => [
    { interfaces: ['eth1'], vlanID: 5, mtu },
    `mtu is ${mtu}; it must be from 0, for the kernel's own, to 2147483647; no interface has more`,
  ]),
  [
    { interfaces: ['eth1'], vlanID: 5, mtu: 9000 },
    `${inVlan}eth1.5 cannot have mtu 9000: its parent eth1 has mtu 1500`,
    'raise the MTU of eth1, or lower "mtu"',
  ],
  [{ interfaces: ['eth1'], vlanID: 5, cniVersion: '0.2.0' }, 'cannot convert: no valid IP addresses'],
]
/** What no node could have has code 7; what this node has not, or has otherwise, 999. */
const OF_CONF =
  /^(invalid|mtu is|interfaces has|bond\.name has|parseString2BondOptions)|unknown bond mode|is none of interfaces|cannot have mtu \d+:/

/** What a call may change; what the kernel changes by itself as links settle is none of it. */
const state = (): object => ({
  links: linksOn(node).map(({ ifname, ifindex, mtu, master, flags }) => [
    ifname,
    ifindex,
    mtu,
    master,
    flags.includes('UP'),
  ]),
  others: must(`ip -n ${node} -br address show scope global; ip -n ${node} route`),
})

for (const [conf, msg, details] of table)
  t.test(`${JSON.stringify(conf)}: ${msg}`, async t => {
    const before = state()
    const { status, stdout } = await call('ADD', { cniVersion: '0.3.1', ...conf }, { on: node, pod })
    t.equal(status, 1)
    const cniVersion = 'cniVersion' in conf ? conf.cniVersion : '0.3.1'
    t.equal(
      stdout,
      JSON.stringify(
        { cniVersion, code: OF_CONF.test(msg) ? 7 : 999, msg, ...(details !== undefined && { details }) },
        undefined,
        4,
      ),
    )
    t.strictSame(state(), before, 'nothing is changed')
  })

t.test('ADD rejects a malformed conf with code 6 and the key', async t => {
  const { status, stdout } = await call('ADD', { interfaces: 1 }, { on: node, pod })
  const msg = 'failed to parse config: interfaces is 1; it must be a list of strings'
  t.equal(status, 1)
  t.equal(stdout, JSON.stringify({ cniVersion: '1.0.0', code: 6, msg }, undefined, 4))
})
