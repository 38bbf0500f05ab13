// Invalid input: a code, one message, and nothing left in the pod or on the node.
import t from 'tap'
import { nicOf, openCoordination, stateOf, VETH, type Coordinating, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach } = world
const eth0 = nicOf('eth0', 6)
const net1 = nicOf('net1', 7)

interface Case extends Coordinating {
  readonly name: string
  readonly nic?: Nic
  readonly before?: (pod: Place) => void
  readonly code: number
  readonly msg: RegExp
}

const CASES: readonly Case[] = [
  { name: 'no prevResult', prevResult: null, code: 7, msg: /^Required prevResult missing$/ },
  {
    name: 'a mode that is none',
    conf: { mode: 'sideways' },
    code: 7,
    msg: /^unknown tuneMode: sideways$/,
  },
  {
    name: 'no such NIC',
    nic: { ...eth0, name: 'eth9' },
    conf: { podDefaultCniNic: 'eth9' },
    code: 999,
    msg: /^failed to read addresses on "eth9": Link not found$/,
  },
  {
    name: 'no usable address',
    before: pod => void pod.sh('ip addr flush dev eth0 scope global'),
    code: 999,
    msg: /^no usable IP addresses on "eth0"$/,
  },
  {
    name: 'a secondary interface without a first',
    nic: net1,
    conf: { mode: 'underlay' },
    before: pod => attach(pod, net1),
    code: 999,
    msg: /^when creating interface net1 in underlay mode, it detects that the auxiliary interface veth0 was not created/,
  },
  {
    name: 'an overlay’s default interface',
    conf: { mode: 'overlay' },
    code: 999,
    msg: /^when creating interface eth0 in overlay mode, it detects that the current interface is first interface named eth0/,
  },
  {
    name: 'an overlay on a NIC that is no veth',
    nic: net1,
    conf: { mode: 'overlay' },
    before: pod => attach(pod, net1),
    code: 999,
    msg: /^failed to find the node's end of eth0, which is of kind macvlan$/,
  },
  {
    name: 'the veth’s name is taken by another program',
    before: () => void node.sh(`ip link add ${VETH} type bridge`),
    code: 999,
    msg: /^container veth name \("veth0"\) peer provided \("veth6afb61198bf"\) already exists$/,
  },
  {
    name: 'veth0 in the pod is another program’s',
    before: pod => void pod.sh('ip link add veth0 type bridge'),
    code: 999,
    msg: /^container veth name \("veth0"\) peer provided \("veth6afb61198bf"\) already exists$/,
  },
  {
    name: 'an MTU that IPv6 cannot have',
    conf: { vethMTU: 1000 },
    code: 7,
    msg: /^vethMTU is 1000; IPv6, which the pod has, needs 1280 or more$/,
  },
  {
    name: 'an MTU that no veth can have',
    conf: { vethMTU: 100_000 },
    code: 999,
    msg: /^failed to add link veth0 of kind veth, its peer veth6afb61198bf in the container: /,
  },
  {
    name: 'a policy route whose gateway cannot be reached: the last step of all',
    conf: { policyRoutes: [{ dst: '192.0.2.0/24', gw: '172.31.9.9' }] },
    code: 999,
    msg: /^failed to add route 192.0.2.0\/24 via 172.31.9.9 dev eth0 table main in the container: network is unreachable/,
  },
]

for (const { name, nic = eth0, before, code, msg, ...more } of CASES)
  t.test(`ADD rejects ${name}`, async t => {
    const pod = world.pod()
    attach(pod, eth0)
    before?.(pod)
    const was = { pod: stateOf(pod), node: stateOf(node), links: [pod.links(), node.links()] }
    const { status, json } = await coordinate('ADD', pod, nic, more)
    t.equal(status, 1)
    t.match(json, { code, msg })
    t.strictSame({ pod: stateOf(pod), node: stateOf(node), links: [pod.links(), node.links()] }, was, 'nothing left')
    if (node.links().includes(VETH)) {
      t.equal((await coordinate('DEL', pod, nic)).status, 0)
      t.ok(node.links().includes(VETH), 'and DEL leaves links of others')
      node.sh(`ip link del ${VETH}`)
    }
  })

t.test('ADD rejects a podDefaultRouteNic that does not exist, and eth0 keeps its default route', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  t.equal((await coordinate('ADD', pod, eth0)).status, 0)
  attach(pod, net1)
  const was = { pod: stateOf(pod), node: stateOf(node) }
  const { json } = await coordinate('ADD', pod, net1, { conf: { podDefaultRouteNic: 'net7' } })
  t.match(json, { code: 999, msg: "failed to tunePodRoutes: podDefaultRouteNIC: net7 don't exist in pod" })
  t.strictSame({ pod: stateOf(pod), node: stateOf(node) }, was)
  t.equal((await coordinate('DEL', pod, eth0)).status, 0)
})

const WRONG: readonly (readonly [conf: object, code: number, msg: string])[] = [
  [
    { podMACPrefix: '0b:1b' },
    7,
    "mac_prefix format should be match regex: [a-fA-F0-9][a-fA-F,0,2-9][:][a-fA-F0-9]{2}, like '0a:1b'",
  ],
  [{ hijackCIDR: ['169.254.0.0'] }, 7, 'invalid CIDR address: 169.254.0.0'],
  [{ serviceCIDR: ['fd00::/129'] }, 7, 'invalid CIDR address: fd00::/129'],
  [{ policyRoutes: [{ dst: '10.0.0.0/8', gw: 'here' }] }, 7, 'invalid route gw "here"'],
  [{ podRPFilter: 3 }, 7, 'invalid rp_filter value 3, available options: [-1,0,1,2]'],
  [{ hostRuleTable: 254 }, 7, 'hostRuleTable is 254; it must be from 1 to 4294967295, and not 253, 254 or 255'],
  [{ vethLinkAddress: 'fd00::1' }, 7, 'vethLinkAddress is "fd00::1"; it must be an IPv4 address such as 169.254.100.1'],
  [{ vethMTU: 0 }, 7, 'vethMTU must be greater than 0'],
  [{ logOptions: { logLevel: 'loud' } }, 7, 'unsupported log level loud'],
  [{ tunePodRoutes: 'yes' }, 6, 'failed to parse config: tunePodRoutes is "yes"; it must be true or false'],
]
t.test('ADD rejects invalid values of the conf and changes nothing', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  const before = [dumpOf(pod), dumpOf(node)]
  for (const [conf, code, msg] of WRONG) {
    const { status, json } = await coordinate('ADD', pod, eth0, { conf })
    const { details: _, ...error } = json as { details?: string }
    t.strictSame({ status, error }, { status: 1, error: { cniVersion: '1.0.0', code, msg } }, JSON.stringify(conf))
  }
  t.strictSame([dumpOf(pod), dumpOf(node)], before)
})

t.test('ADD without a namespace fails', async t => {
  const { json } = await coordinate('ADD', '/run/netns/nowhere', eth0)
  t.match(json, { code: 8, msg: /^failed to GetNS "\/run\/netns\/nowhere": / })
})

t.test('ADD with mode disabled returns prevResult and changes nothing', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  for (const mode of ['disabled', 'disable']) {
    const { status, json } = await coordinate('ADD', pod, eth0, { conf: { mode } })
    t.equal(status, 0)
    t.match(json, { interfaces: [{ name: 'eth0' }] })
  }
  t.strictSame(pod.links(), ['eth0'])
})

t.test('ADD on a node without IPv6: dual stack uses IPv4, IPv6 alone is rejected', async t => {
  const plain = openCoordination({ families: 'v4' })
  t.teardown(plain.close)
  const pod = plain.pod()
  plain.attach(pod, eth0)
  t.equal((await plain.coordinate('ADD', pod, eth0)).status, 0)
  t.match(plain.node.sh('ping -c1 -W2 10.6.0.20'), '1 received')
  t.equal((await plain.coordinate('DEL', pod, eth0)).status, 0)
  const only6 = plain.pod()
  const nic = nicOf('eth0', 6, 'v6')
  plain.attach(only6, nic)
  const { json } = await plain.coordinate('ADD', only6, nic)
  t.match(json, { code: 999, msg: /^failed to get IPAddressOnNode: the node has no IPv6 address that pod ip fd06::20/ })
  t.strictSame([only6.links(), plain.node.links()], [['eth0'], ['eth0']])
})
