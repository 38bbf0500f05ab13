// Two NICs with default routes of both families: one subnet, one gateway, own metrics; nodes and
// pods of one family.
import t, { type Test } from 'tap'
import { nicOf, openCoordination, stateOf, type Coordination, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const eth0 = nicOf('eth0', 6)

const ips = ({ v4, v6 }: Nic): readonly string[] => [v4, v6].flatMap(address => address?.replace(/\/\d+$/, '') ?? [])

const pings = (t: Test, from: Place, to: readonly string[], who: string): void => {
  from.sh('ip neigh flush all')
  for (const ip of to) t.match(from.sh(`ping -c1 -W2 ${ip}`), '1 received', `${who} reaches ${ip}`)
}

async function succeed(t: Test, { coordinate }: Coordination, verb: string, pod: Place, nic: Nic, conf: object = {}) {
  const { status, stdout } = await coordinate(verb, pod, nic, { conf })
  t.equal(status, 0, `${verb} of ${nic.name} ${status === 0 ? '' : stdout}`)
}

interface Twin {
  readonly name: string
  readonly net1: Nic
  /** Done to the pod after its main plugin, which has its defaults by both NICs. */
  readonly bend?: string
  readonly conf?: object
  readonly routes: RegExp[]
}
const SAME = nicOf('net1', 6, 'both', 21)
const TWINS: readonly Twin[] = [
  {
    name: 'in one subnet, by one gateway',
    net1: SAME,
    routes: [/^101: default via 10\.6\.0\.1 dev net1$/, /^101: default via fd06::1 dev net1 metric 1024$/],
  },
  {
    name: 'in one subnet, by one gateway, and the secondary one takes the default route',
    net1: SAME,
    conf: { podDefaultRouteNic: 'net1' },
    routes: [/^101: default via 10\.6\.0\.1 dev eth0$/, /^101: default via fd06::1 dev eth0 metric 1024$/],
  },
  {
    name: 'with metrics of their own',
    net1: nicOf('net1', 7),
    bend: `ip route del default dev net1; ip route add default via 10.7.0.1 dev net1 metric 50
      ip -6 route del default via fd07::1 dev net1; ip -6 route add default via fd07::1 dev net1 metric 2000`,
    routes: [/^101: default via 10\.7\.0\.1 dev net1 metric 50$/, /^101: default via fd07::1 dev net1 metric 2000$/],
  },
  {
    name: 'and the table has the secondary one’s default routes already',
    net1: nicOf('net1', 7),
    bend: `ip route add default via 10.7.0.1 dev net1 table 101; ip -6 route add default via fd07::1 dev net1 table 101
      ip rule add from 10.7.0.20 lookup 101; ip -6 rule add from fd07::20 lookup 101`,
    routes: [/^101: default via 10\.7\.0\.1 dev net1$/, /^101: default via fd07::1 dev net1 metric 1024$/],
  },
  {
    name: 'and the default of IPv6 is a path of one route, with a weight',
    net1: nicOf('net1', 7),
    bend: `ip -6 route flush default
      ip -6 route add default nexthop via fd06::1 dev eth0 weight 2 nexthop via fd07::1 dev net1 weight 3`,
    routes: [/^101: default via fd07::1 dev net1 metric 1024$/, /^main: default via fd06::1 dev eth0 metric 1024$/],
  },
]

for (const { name, net1, bend = 'true', conf = {}, routes } of TWINS)
  t.test(
    `ADD of two interfaces with default routes ${name}: each replies, nothing is repeated, DEL restores all`,
    async t => {
      const pod = world.pod()
      world.attach(pod, eth0)
      await succeed(t, world, 'ADD', pod, eth0)
      const before = [dumpOf(pod), dumpOf(world.node)]
      world.attach(pod, net1)
      pod.sh(bend)
      await succeed(t, world, 'ADD', pod, net1, conf)
      const seen = stateOf(pod)
      for (const route of routes) t.equal(seen.routes.filter(line => route.test(line)).length, 1, `${route}`)
      const asked = (conf as { podDefaultRouteNic?: string }).podDefaultRouteNic ?? 'eth0'
      t.strictSame(
        seen.routes.filter(line => line.startsWith('main: default')).map(line => / dev (\S+)/.exec(line)?.[1]),
        [asked, asked],
      )
      await succeed(t, world, 'ADD', pod, net1, conf)
      t.strictSame(stateOf(pod), seen, 'ADD again changes nothing')
      await succeed(t, world, 'CHECK', pod, net1, conf)
      for (const from of [world.node, world.wire])
        pings(t, from, [...ips(eth0), ...ips(net1)], from === world.node ? 'the node' : 'the gateway')
      await succeed(t, world, 'DEL', pod, net1)
      world.detach(pod, net1)
      t.strictSame([dumpOf(pod), dumpOf(world.node)], before)
      await succeed(t, world, 'DEL', pod, eth0)
      world.detach(pod, eth0)
    },
  )

t.test(
  'a secondary interface of one family takes that family’s default route, ADD again doubles nothing, and DEL gives it back',
  async t => {
    for (const family of ['v4', 'v6'] as const) {
      const pod = world.pod()
      world.attach(pod, eth0)
      await succeed(t, world, 'ADD', pod, eth0)
      const before = [dumpOf(pod), dumpOf(world.node)]
      const net1 = nicOf('net1', 7, family)
      const conf = { podDefaultRouteNic: 'net1' }
      world.attach(pod, net1)
      await succeed(t, world, 'ADD', pod, net1, conf)
      const seen = stateOf(pod)
      t.strictSame(
        seen.routes.filter(line => line.startsWith('main: default')).map(line => / dev (\S+)/.exec(line)?.[1]),
        family === 'v4' ? ['net1', 'eth0'] : ['eth0', 'net1'],
      )
      await succeed(t, world, 'ADD', pod, net1, conf)
      t.strictSame(stateOf(pod), seen)
      await succeed(t, world, 'CHECK', pod, net1, conf)
      for (const from of [world.node, world.wire])
        pings(t, from, [...ips(eth0), ...ips(net1)], from === world.node ? 'the node' : 'the gateway')
      await succeed(t, world, 'DEL', pod, net1)
      world.detach(pod, net1)
      t.strictSame([dumpOf(pod), dumpOf(world.node)], before)
      await succeed(t, world, 'DEL', pod, eth0)
      world.detach(pod, eth0)
    }
  },
)

t.test('ADD of a dual-stack pod on an IPv6-only node makes it reachable by IPv6, with a warning', async t => {
  const plain = openCoordination({ families: 'v6' })
  t.teardown(plain.close)
  const pod = plain.pod()
  plain.attach(pod, eth0)
  await succeed(t, plain, 'ADD', pod, eth0)
  pings(t, plain.node, ['fd06::20'], 'the node')
  t.strictSame(
    stateOf(pod).routes.filter(line => line.includes('veth0') && !line.includes('fd')),
    [],
    'no IPv4 route by the veth',
  )
  await succeed(t, plain, 'CHECK', pod, eth0)
  await succeed(t, plain, 'DEL', pod, eth0)
})

t.test('ADD enables disabled IPv6 in the pod only if the pod has IPv6 addresses', async t => {
  for (const [families, off] of [
    ['v4', '1'],
    ['both', '0'],
  ] as const) {
    const pod = world.pod()
    const nic = nicOf('eth0', 6, families)
    pod.sh('echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6')
    world.attach(pod, nicOf('eth0', 6, 'v4'))
    if (families === 'both')
      pod.sh('echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip addr add fd06::20/64 dev eth0 nodad')
    await succeed(t, world, 'ADD', pod, nic)
    t.equal(pod.sh('cat /proc/sys/net/ipv6/conf/veth0/disable_ipv6').trim(), off)
    pings(t, world.node, ips(nic), 'the node')
    await succeed(t, world, 'DEL', pod, nic)
    world.detach(pod, nic)
  }
})
