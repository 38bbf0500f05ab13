// The default interface of an underlay pod on a real kernel: end state, packets both ways, nothing
// left after DEL.
import t from 'tap'
import { macsOf, nicOf, openCoordination, stateOf, VETH } from '../../fixtures/coordination.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach } = world

const GOLDEN = {
  pod: {
    rules: ['1000: from all fwmark 0x1 lookup 100', '1000: from all fwmark 0x1 lookup 100'],
    routes: [
      '100: default via 10.6.0.10 dev veth0 src 10.6.0.20',
      '100: default via fd06::10 dev veth0 metric 1024',
      '101: 10.6.0.10 dev veth0 scope link src 10.6.0.20',
      '101: fd06::10 dev veth0 metric 1024',
      'main: 10.244.0.0/16 via 10.6.0.10 dev veth0 src 10.6.0.20',
      'main: 10.6.0.0/16 dev eth0 proto kernel scope link src 10.6.0.20',
      'main: 10.6.0.10 dev veth0 scope link src 10.6.0.20',
      'main: 10.96.0.0/12 via 10.6.0.10 dev veth0 src 10.6.0.20',
      'main: 169.254.0.0/16 via 10.6.0.10 dev veth0 src 10.6.0.20',
      'main: default via 10.6.0.1 dev eth0',
      'main: default via fd06::1 dev eth0 metric 1024',
      'main: fd00:10:96::/112 via fd06::10 dev veth0 metric 1024',
      'main: fd06::/64 dev eth0 proto kernel metric 256',
      'main: fd06::10 dev veth0 metric 1024',
      'main: fd44::/56 via fd06::10 dev veth0 metric 1024',
    ],
    neighs: [`10.6.0.10 dev veth0 lladdr ${VETH}`, `fd06::10 dev veth0 lladdr ${VETH}`],
  },
  node: {
    rules: ['1000: from all lookup 500', '1000: from all lookup 500'],
    routes: [`500: 10.6.0.20 dev ${VETH} scope link`, `500: fd06::20 dev ${VETH} metric 1024`],
    neighs: [`10.6.0.20 dev ${VETH} lladdr veth0`, `fd06::20 dev ${VETH} lladdr veth0`],
  },
}

/** As nft prints them. */
const MARKS = [
  'table inet spiderpool {',
  'chain prerouting {',
  'type filter hook prerouting priority mangle; policy accept;',
  'iifname "veth0" ct state new meta mark set 0x00000001',
  'meta mark 0x00000001 ct mark set meta mark',
  '}',
  'chain output {',
  'type route hook output priority mangle; policy accept;',
  'ct mark 0x00000001 meta mark set ct mark',
  '}',
  '}',
]

const isOfNode = (line: string): boolean => line.startsWith('500:')

t.test('ADD of U1: one interface, two families', async t => {
  const pod = world.pod()
  const nic = nicOf('eth0', 6)
  attach(pod, nic)
  const before = { pod: stateOf(pod), node: stateOf(node) }
  const { status, json } = await coordinate('ADD', pod, nic)
  t.equal(status, 0)
  t.match(json, { cniVersion: '1.0.0', interfaces: [{ name: 'eth0', mac: '0a:1b:2c:00:00:01' }] }, 'prevResult goes on')
  const macs = macsOf(pod, node)
  t.strictSame(stateOf(pod, macs), GOLDEN.pod)
  const onNode = stateOf(node, macs)
  t.strictSame({ ...onNode, routes: onNode.routes.filter(isOfNode) }, GOLDEN.node)

  t.equal(pod.sh('cat /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/veth0/rp_filter'), '0\n0\n')
  t.equal(pod.sh('cat /proc/sys/net/ipv6/conf/all/disable_ipv6'), '0\n')
  t.equal(node.sh(`cat /proc/sys/net/ipv6/conf/${VETH}/accept_ra`), '0\n')
  t.strictSame(
    pod
      .sh('nft list ruleset | sed "s/priority -150/priority mangle/"')
      .split('\n')
      .flatMap(line => line.trim() || []),
    MARKS,
  )
  for (const ip of ['10.6.0.20', 'fd06::20']) t.match(node.sh(`ping -c1 -W2 ${ip}`), '1 received', `node to ${ip}`)
  for (const ip of ['10.6.0.10', 'fd06::10']) t.match(pod.sh(`ping -c1 -W2 ${ip}`), '1 received', `pod to ${ip}`)
  t.equal((await coordinate('CHECK', pod, nic)).status, 0)

  const { status: deleted, stdout } = await coordinate('DEL', pod, nic)
  t.strictSame({ deleted, stdout }, { deleted: 0, stdout: '' })
  t.strictSame({ pod: stateOf(pod), node: stateOf(node) }, before, 'as it was')
  t.strictSame([pod.links(), node.links()], [['eth0'], ['eth0']])
  t.equal((await coordinate('DEL', pod, nic)).status, 0, 'and once more')
})
