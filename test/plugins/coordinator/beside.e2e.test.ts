// Several routes of one dst, conflicting keys, NICs of different families, container IDs with one
// prefix.
import t, { type Test } from 'tap'
import { CID, nicOf, openCoordination, stateOf, VETH, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, wire, coordinate, attach, detach } = world
const [eth0, net1, net2] = [nicOf('eth0', 6), nicOf('net1', 7), nicOf('net2', 8)] as const

async function done(verb: string, pod: Place, nic: Nic, conf: object = {}): Promise<void> {
  const { status, stdout } = await coordinate(verb, pod, nic, { conf })
  if (status !== 0) throw new Error(`${verb} ${nic.name}: ${stdout}`)
}
const pings = (t: Test, from: Place, ips: readonly string[], who: string): void => {
  from.sh('ip neigh flush all')
  for (const ip of ips) t.match(from.sh(`ping -c1 -W2 ${ip} || true`), '1 received', `${who} reaches ${ip}`)
}
const linesOf = (pod: Place, table: string, network: string): readonly string[] =>
  stateOf(pod).routes.filter(line => line.startsWith(`${table}: ${network} `))

interface Beside {
  readonly name: string
  readonly bend: string
  readonly conf?: object
  readonly network: string
  /** In table 101, and in main, as they are then. */
  readonly routes: readonly string[]
  readonly main?: readonly string[]
}
const BESIDE: readonly Beside[] = [
  {
    name: 'two paths of one IPv4 route, and one of another NIC',
    bend: `ip route del default dev net1; ip route del default dev eth0
      ip route add default nexthop via 10.6.0.1 dev eth0 nexthop via 10.7.0.1 dev net1 nexthop via 10.7.0.2 dev net1`,
    network: 'default',
    routes: ['101: default nexthop via 10.7.0.1 dev net1 nexthop via 10.7.0.2 dev net1'],
    main: ['main: default via 10.6.0.1 dev eth0'],
  },
  {
    name: 'two paths of one IPv4 route that is the NIC’s alone',
    bend: `ip route del default dev net1
      ip route append default nexthop via 10.7.0.1 dev net1 nexthop via 10.7.0.2 dev net1`,
    network: 'default',
    routes: ['101: default nexthop via 10.7.0.1 dev net1 nexthop via 10.7.0.2 dev net1'],
    main: ['main: default via 10.6.0.1 dev eth0'],
  },
  {
    name: 'two IPv4 routes of one metric',
    bend: 'ip route append default via 10.7.0.2 dev net1',
    network: 'default',
    routes: ['101: default via 10.7.0.1 dev net1', '101: default via 10.7.0.2 dev net1'],
    main: ['main: default via 10.6.0.1 dev eth0'],
  },
  {
    name: 'two IPv6 paths of the NIC',
    bend: 'ip -6 route flush default; ip -6 route add default via fd06::1 dev eth0; ip -6 route append default nexthop via fd07::1 dev net1 nexthop via fd07::2 dev net1',
    network: 'default',
    routes: ['101: default metric 1024 nexthop via fd07::1 dev net1 nexthop via fd07::2 dev net1'],
    main: ['main: default via fd06::1 dev eth0 metric 1024'],
  },
  {
    name: 'two routes to a network further away',
    bend: 'ip route add 192.0.2.0/24 via 10.7.0.9 dev net1; ip route append 192.0.2.0/24 via 10.7.0.8 dev net1',
    network: '192.0.2.0/24',
    routes: ['101: 192.0.2.0/24 via 10.7.0.8 dev net1', '101: 192.0.2.0/24 via 10.7.0.9 dev net1'],
  },
  {
    name: 'a policy route to a network that the NIC has a route to: what the conf asks for',
    bend: 'ip route add 192.0.2.0/24 via 10.7.0.9 dev net1',
    conf: { policyRoutes: [{ dst: '192.0.2.0/24', gw: '10.7.0.8' }] },
    network: '192.0.2.0/24',
    routes: ['101: 192.0.2.0/24 via 10.7.0.8 dev net1'],
  },
  {
    name: 'two policy routes to one network: the first',
    bend: 'true',
    conf: { policyRoutes: ['10.7.0.8', '10.7.0.9'].map(gw => ({ dst: '192.0.2.0/24', gw })) },
    network: '192.0.2.0/24',
    routes: ['101: 192.0.2.0/24 via 10.7.0.8 dev net1'],
  },
  {
    name: 'a policy route in place of the default',
    bend: 'true',
    conf: { policyRoutes: [{ dst: '0.0.0.0/0', gw: '10.7.0.8' }] },
    network: 'default',
    routes: ['101: default via 10.7.0.8 dev net1'],
    main: ['main: default via 10.6.0.1 dev eth0'],
  },
  {
    name: 'a policy route to what goes by way of the node: by the node',
    bend: 'true',
    conf: { policyRoutes: [{ dst: '10.96.0.0/12', gw: '10.7.0.8' }] },
    network: '10.96.0.0/12',
    routes: ['101: 10.96.0.0/12 via 10.6.0.10 dev veth0 src 10.6.0.20'],
  },
  {
    name: 'a hijackCIDR that is the NIC’s own network: by the node',
    bend: 'true',
    conf: { hijackCIDR: ['10.7.0.0/16'] },
    network: '10.7.0.0/16',
    routes: ['101: 10.7.0.0/16 via 10.6.0.10 dev veth0 src 10.6.0.20'],
  },
  {
    name: 'a hijackCIDR that is everything',
    bend: 'true',
    conf: { hijackCIDR: ['0.0.0.0/0'] },
    network: 'default',
    routes: ['101: default via 10.6.0.10 dev veth0 src 10.6.0.20'],
    main: ['main: default via 10.6.0.1 dev eth0'],
  },
  {
    name: 'a hijackCIDR that is the node',
    bend: 'true',
    conf: { hijackCIDR: ['10.6.0.10/32'] },
    network: '10.6.0.10',
    routes: ['101: 10.6.0.10 dev veth0 scope link src 10.6.0.20'],
    main: ['main: 10.6.0.10 dev veth0 scope link src 10.6.0.20'],
  },
]

/** A case that is about one family says nothing of the other's lines. */
const ofFamily = (lines: readonly string[], like: readonly string[]): readonly string[] =>
  lines.filter(line => line.includes('::') === (like[0] ?? '').includes('::'))

for (const { name, bend, conf = {}, network, routes, main } of BESIDE)
  t.test(`ADD of ${name} is idempotent, CHECK passes, and DEL restores the namespace`, async t => {
    const pod = world.pod()
    attach(pod, eth0)
    await done('ADD', pod, eth0, 'hijackCIDR' in conf ? conf : {})
    attach(pod, net1)
    pod.sh(bend)
    await done('ADD', pod, net1, conf)
    t.strictSame(ofFamily(linesOf(pod, '101', network), routes), routes)
    if (main) t.strictSame(ofFamily(linesOf(pod, 'main', network), main), main)
    const seen = stateOf(pod)
    await done('CHECK', pod, net1, conf)
    await done('ADD', pod, net1, conf)
    t.strictSame(stateOf(pod), seen)
    await done('DEL', pod, net1)
    detach(pod, net1)
    await done('DEL', pod, eth0)
    t.strictSame([stateOf(pod).rules, node.links()], [[], ['eth0']])
    t.strictSame(
      stateOf(pod).routes.filter(line => !line.startsWith('main:')),
      [],
    )
  })

const ips = ({ v4, v6 }: Nic): readonly string[] => [v4, v6].flatMap(address => address?.replace(/\/\d+$/, '') ?? [])

for (const [first, further] of [
  ['v4', 'v6'],
  ['v4', 'both'],
  ['v6', 'v4'],
  ['v6', 'both'],
  ['both', 'v6'],
  ['both', 'v4'],
] as const)
  t.test(
    `ADD of eth0 ${first}, net1 ${further}: each family has a default route, and host routes in both directions`,
    async t => {
      const pod = world.pod()
      const [own0, own1] = [nicOf('eth0', 6, first), nicOf('net1', 7, further)]
      attach(pod, own0)
      await done('ADD', pod, own0)
      const before = [dumpOf(pod), dumpOf(node)]
      attach(pod, own1)
      await done('ADD', pod, own1)
      const has = (family: string): boolean => [first, further].some(one => one === 'both' || one === family)
      const defaults = ['-4', '-6'].map(family => pod.sh(`ip ${family} route show default`).trim() !== '')
      t.strictSame(defaults, [has('v4'), has('v6')], 'no family without a default route')
      for (const nic of [own0, own1]) await done('CHECK', pod, nic)
      const all = [...ips(own0), ...ips(own1)]
      pings(t, node, all, 'the node')
      pings(t, wire, all, 'a neighbour on the wire')
      pings(t, pod, [...(has('v4') ? ['10.6.0.10'] : []), ...(has('v6') ? ['fd06::10'] : [])], 'the pod')
      attach(pod, net2)
      await done('ADD', pod, net2)
      for (const nic of [own0, own1, net2]) await done('CHECK', pod, nic)
      pings(t, node, [...all, ...ips(net2)], 'with one NIC more the node')
      for (const nic of [net2, own1]) {
        await done('DEL', pod, nic)
        detach(pod, nic)
      }
      t.strictSame([dumpOf(pod), dumpOf(node)], before)
      await done('DEL', pod, own0)
      detach(pod, own0)
    },
  )

t.test('ADD rejects a container ID with another’s prefix, and its DEL leaves the other’s veth', async t => {
  const [pod, other] = [world.pod(), world.pod()]
  attach(pod, eth0)
  await done('ADD', pod, eth0)
  const like = nicOf('eth0', 6, 'both', 30)
  attach(other, like)
  const before = [dumpOf(pod), dumpOf(node)]
  const containerID = `${CID.slice(0, 11)}99999`
  const { json } = await coordinate('ADD', other, like, { containerID })
  t.match(json, { code: 999, msg: /already exists$/ })
  for (const from of [other, '']) t.equal((await coordinate('DEL', from, like, { containerID })).status, 0)
  t.strictSame([dumpOf(pod), dumpOf(node)], before)
  pings(t, node, ips(eth0), 'the node')
  await done('DEL', pod, eth0)
  for (const place of [pod, other]) place.sh('ip link del eth0')
  t.strictSame(node.links(), ['eth0'])
})

t.test('ADD of an IPv4 pod accepts a vethMTU below IPv6’s minimum', async t => {
  const pod = world.pod()
  const nic = nicOf('eth0', 6, 'v4')
  attach(pod, nic)
  await done('ADD', pod, nic, { vethMTU: 1000 })
  t.match(node.sh(`ip link show ${VETH}`), 'mtu 1000')
  await done('CHECK', pod, nic, { vethMTU: 1000 })
  pings(t, node, ips(nic), 'the node')
  await done('DEL', pod, nic)
  detach(pod, nic)
})

t.test('DEL succeeds with an invalid hostRuleTable', async t => {
  for (const hostRuleTable of [-1, 0, 254, 2 ** 40]) {
    const pod = world.pod()
    attach(pod, eth0)
    await done('ADD', pod, eth0)
    await done('DEL', pod, eth0, { hostRuleTable })
    t.strictSame([node.links(), stateOf(node).rules, stateOf(pod).rules], [['eth0'], [], []], `${hostRuleTable}`)
    detach(pod, eth0)
  }
})
