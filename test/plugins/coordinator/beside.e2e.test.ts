// What stands beside what: container IDs that begin alike, a veth too narrow for IPv6, a table that none can be.
import t, { type Test } from 'tap'
import { CID, nicOf, openCoordination, stateOf, VETH, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach, detach } = world
const eth0 = nicOf('eth0', 6)

async function done(verb: string, pod: Place, nic: Nic, conf: object = {}): Promise<void> {
  const { status, stdout } = await coordinate(verb, pod, nic, { conf })
  if (status !== 0) throw new Error(`${verb} ${nic.name}: ${stdout}`)
}
const pings = (t: Test, from: Place, ips: readonly string[], who: string): void => {
  from.sh('ip neigh flush all')
  for (const ip of ips) t.match(from.sh(`ping -c1 -W2 ${ip} || true`), '1 received', `${who} reaches ${ip}`)
}
const ips = ({ v4, v6 }: Nic): readonly string[] => [v4, v6].flatMap(address => address?.replace(/\/\d+$/, '') ?? [])

t.test(
  'a pod whose container ID begins like another’s is refused, and its DEL leaves the other’s veth alone',
  async t => {
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
  },
)

t.test('a veth too narrow for IPv6 does for a pod of IPv4', async t => {
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

t.test('a hostRuleTable that none can be keeps DEL from nothing', async t => {
  for (const hostRuleTable of [-1, 0, 254, 2 ** 40]) {
    const pod = world.pod()
    attach(pod, eth0)
    await done('ADD', pod, eth0)
    await done('DEL', pod, eth0, { hostRuleTable })
    t.strictSame([node.links(), stateOf(node).rules, stateOf(pod).rules], [['eth0'], [], []], `${hostRuleTable}`)
    detach(pod, eth0)
  }
})
