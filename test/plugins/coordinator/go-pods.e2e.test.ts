// Pods of the Go coordinator after an upgrade: CHECK accepts its marks and names differences; DEL
// leaves nothing on the node.
import t from 'tap'
import { nicOf, openCoordination, stateOf, VETH, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach, detach, overlay } = world
const [eth0, net1] = [nicOf('eth0', 6), nicOf('net1', 7)] as const

async function done(verb: string, pod: Place, nic: Nic): Promise<void> {
  const { status, stdout } = await coordinate(verb, pod, nic)
  if (status !== 0) throw new Error(`${verb} ${nic.name}: ${stdout}`)
}

/** Its commands, as it gives them. */
const marksBy = (iptables: string): string =>
  [
    'PREROUTING -i veth0 -m conntrack --ctstate NEW -j MARK --set-xmark 0x000001',
    'PREROUTING -m mark --mark 0x000001 -j CONNMARK --save-mark',
    'OUTPUT -j CONNMARK --restore-mark',
  ]
    .map(rule => `${iptables} -w 5 -t mangle -A ${rule}`)
    .join(' && ')

const canRun = (pod: Place, command: string): boolean => {
  try {
    pod.sh(command)
    return true
  } catch {
    return false
  }
}

for (const kind of ['nft', 'legacy'] as const)
  t.test(`CHECK of a pod of the Go coordinator's with the marks of iptables-${kind}`, async t => {
    const pod = world.pod()
    const before = dumpOf(node)
    attach(pod, eth0)
    await done('ADD', pod, eth0)
    attach(pod, net1)
    await done('ADD', pod, net1)
    pod.sh('nft delete table inet spiderpool')
    for (const link of ['default', 'eth0', 'net1', 'veth0'])
      pod.sh(`echo 2 > /proc/sys/net/ipv4/conf/${link}/rp_filter`)
    t.match((await coordinate('CHECK', pod, eth0)).stdout, 'table inet spiderpool in the container is missing')
    if (!canRun(pod, `${marksBy(`iptables-${kind}`)} && ${marksBy(`ip6tables-${kind}`)}`)) {
      await done('DEL', pod, eth0)
      return t.pass(`this kernel has no iptables-${kind}: nothing to be seen`)
    }
    await done('CHECK', pod, eth0)
    await done('CHECK', pod, net1)
    t.match(pod.sh('ping -c1 -W2 10.6.0.10; true'), '1 received')
    t.match(node.sh('ping -c1 -W2 10.6.0.20; true'), '1 received', 'its marks do')
    node.sh('ip route del 10.6.0.20 table 500')
    t.match((await coordinate('CHECK', pod, eth0)).stdout, /route 10\.6\.0\.20 dev .* table 500 on the node is missing/)
    await done('DEL', pod, net1)
    await done('DEL', pod, eth0)
    for (const nic of [net1, eth0]) detach(pod, nic)
    t.equal(dumpOf(node), before)
    t.notOk(node.links().includes(VETH))
    return t.strictSame(stateOf(pod).rules, [])
  })

t.test(
  "CHECK of an overlay pod of the Go coordinator's, whose secondary interface has no ways by the node",
  async t => {
    const pod = world.pod()
    overlay(pod, 7)
    const before = dumpOf(node)
    attach(pod, net1)
    await done('ADD', pod, net1)
    for (const [family, cidrs] of [
      ['-4', ['10.244.0.0/16', '10.96.0.0/12', '169.254.0.0/16']],
      ['-6', ['fd44::/56', 'fd00:10:96::/112']],
    ] as const)
      for (const cidr of cidrs) pod.sh(`ip ${family} route del ${cidr} table 101`)
    await done('CHECK', pod, net1)
    pod.sh('ip route del 10.244.0.0/16')
    t.match(
      (await coordinate('CHECK', pod, net1)).stdout,
      /route 10\.244\.0\.0\/16 via 10\.6\.0\.10 dev eth0 .* is missing/,
    )
    await done('DEL', pod, net1)
    detach(pod, net1)
    t.equal(dumpOf(node), before)
  },
)
