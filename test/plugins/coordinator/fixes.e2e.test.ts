// Bugs of the Go coordinator, each with the right behaviour, on a real kernel.
import t, { type Test } from 'tap'
import { nicOf, openCoordination, stateOf, VETH } from '../../fixtures/coordination.js'
import { must, type Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach } = world
const eth0 = nicOf('eth0', 6)
const net1 = nicOf('net1', 7)

/** A pod with eth0 coordinated, and net1 there; the test's own at its end. */
async function podWith(t: Test, conf: object = {}): Promise<Place> {
  const pod = world.pod()
  attach(pod, eth0)
  const { status, stdout } = await coordinate('ADD', pod, eth0, { conf })
  if (status !== 0) throw new Error(stdout)
  t.teardown(() => coordinate('DEL', pod, eth0))
  attach(pod, net1)
  return pod
}

const link = (place: Place, name: string) =>
  (JSON.parse(place.sh(`ip -j -d link show ${name}`)) as { address: string; txqlen: number; mtu: number }[])[0]

t.test('ADD sets txQueueLen in the pod and leaves the node’s interface of that name', async t => {
  const before = link(node, 'eth0')?.txqlen
  const pod = await podWith(t, { txQueueLen: 77 })
  t.equal(link(pod, 'eth0')?.txqlen, 77)
  t.equal(link(node, 'eth0')?.txqlen, before)
})

t.test('ADD sets the MAC by podMACPrefix and returns it in the result', async t => {
  const pod = await podWith(t)
  const { json } = await coordinate('ADD', pod, net1, { conf: { podMACPrefix: '0a:1b' } })
  t.equal(link(pod, 'net1')?.address, '0a:1b:0a:07:00:14')
  t.match(json, { interfaces: [{ name: 'net1', mac: '0a:1b:0a:07:00:14' }] })
})

t.test('ADD sets rp_filter on all and on each link; a negative podRPFilter leaves it', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  pod.sh('echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter')
  t.teardown(() => coordinate('DEL', pod, eth0))
  t.equal((await coordinate('ADD', pod, eth0, { conf: { podRPFilter: -2 } })).status, 0)
  t.equal(pod.sh('cat /proc/sys/net/ipv4/conf/eth0/rp_filter'), '1\n')
  t.equal((await coordinate('ADD', pod, eth0, { conf: { podRPFilter: 0 } })).status, 0)
  t.equal(pod.sh('cat /proc/sys/net/ipv4/conf/eth0/rp_filter'), '0\n')
})

t.test('ADD keeps metric, MTU and onlink of a moved route; other links do not change its table', async t => {
  const pod = await podWith(t)
  pod.sh('ip link add br7 type bridge && ip link set br7 up')
  pod.sh('ip route add 192.0.2.0/24 via 10.7.0.9 dev net1 metric 77 mtu 1300')
  pod.sh('ip route add 203.0.113.0/24 via 172.31.0.1 dev net1 onlink')
  pod.sh('ip route del default dev net1 && ip route add default via 172.31.0.1 dev net1 onlink metric 5 mtu 1400')
  t.equal((await coordinate('ADD', pod, net1)).status, 0)
  const routes = pod.sh('ip route show table 101')
  t.match(routes, '192.0.2.0/24 via 10.7.0.9 dev net1 metric 77 mtu 1300')
  t.match(routes, '203.0.113.0/24 via 172.31.0.1 dev net1 onlink')
  t.match(routes, /default via 172.31.0.1 dev net1 metric 5 onlink mtu 1400/)
  t.notMatch(pod.sh('ip route'), /default .*net1/)
})

t.test('ADD moves one nexthop of an IPv4 multipath default route and keeps the other', async t => {
  const pod = await podWith(t)
  pod.sh('ip route del default dev net1; ip route del default dev eth0')
  pod.sh('ip route add default nexthop via 10.6.0.1 dev eth0 nexthop via 10.7.0.1 dev net1')
  t.equal((await coordinate('ADD', pod, net1)).status, 0)
  t.match(pod.sh('ip route show table 101'), 'default via 10.7.0.1 dev net1')
  t.match(pod.sh('ip route show default'), /^default via 10.6.0.1 dev eth0 \n$/)
})

t.test('DEL of net1 keeps eth0’s veth and restores the default route that net1 had moved', async t => {
  const pod = await podWith(t)
  pod.sh('ip link del net1')
  const before = { pod: stateOf(pod), node: stateOf(node) }
  attach(pod, net1)
  t.equal((await coordinate('ADD', pod, net1, { conf: { podDefaultRouteNic: 'net1' } })).status, 0)
  t.match(pod.sh('ip route show table 101'), 'default via 10.6.0.1 dev eth0')
  t.equal((await coordinate('DEL', pod, net1, { conf: {}, prevResult: null })).status, 0)
  pod.sh('ip link del net1')
  t.strictSame({ pod: stateOf(pod), node: stateOf(node) }, before)
  t.ok(node.links().includes(VETH))
  t.match(node.sh('ping -c1 -W2 10.6.0.20'), '1 received')
})

t.test('DEL after the namespace is gone cleans the node, without prevResult and without an API server', async t => {
  const pod = await podWith(t)
  const holder = `${pod.name}h`
  must(`touch /run/netns/${holder} && mount --bind ${pod.path} /run/netns/${holder}`) // something keeps it alive
  t.teardown(() => must(`ip netns del ${holder}`))
  const { status, stdout } = await coordinate('DEL', '/run/netns/nowhere', eth0, {
    prevResult: null,
    conf: { mode: '', overlayPodCIDR: [], kubeconfig: '/nowhere' },
  })
  t.strictSame({ status, stdout }, { status: 0, stdout: '' })
  t.strictSame(node.links(), ['eth0'])
  t.strictSame([stateOf(node).rules, stateOf(node).neighs], [[], []])
})

t.test('ADD accepts a default interface with another name than eth0', async t => {
  const pod = world.pod()
  const own0 = { ...eth0, name: 'own0' }
  const conf = { podDefaultCniNic: 'own0' }
  attach(pod, own0)
  t.equal((await coordinate('ADD', pod, own0, { conf })).status, 0)
  t.match(pod.sh('ip route show 10.96.0.0/12'), 'via 10.6.0.10 dev veth0 src 10.6.0.20')
  t.equal((await coordinate('DEL', pod, own0, { conf })).status, 0)
  t.strictSame(node.links(), ['eth0'])
})

t.test('CHECK names what differs', async t => {
  const pod = await podWith(t)
  pod.sh('ip rule del pref 1000; ip route del 10.96.0.0/12; ip neigh del 10.6.0.10 dev veth0')
  node.sh(
    `ip route del 10.6.0.20 table 500; ip neigh replace 10.6.0.20 lladdr 02:00:00:00:00:99 dev ${VETH} nud permanent`,
  )
  const { status, json } = await coordinate('CHECK', pod, eth0)
  t.equal(status, 1)
  const { msg } = json as { msg: string }
  for (const what of [
    'rule IPv4 1000: from all fwmark 0x1 lookup 100 in the container is missing',
    'route 10.96.0.0/12 via 10.6.0.10 dev veth0 src 10.6.0.20 table main in the container is missing',
    `route 10.6.0.20 dev ${VETH} table 500 on the node is missing`,
    'neighbour 10.6.0.20 lladdr 02:00:00:00:00:99',
  ])
    t.ok(msg.includes(what), what)
  t.equal((await coordinate('ADD', pod, eth0)).status, 0, 'ADD again mends it')
  t.equal((await coordinate('CHECK', pod, eth0)).status, 0)
})
