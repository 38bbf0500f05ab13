// One result of ADD changed by hand: CHECK names it, and ADD again repairs it.
import t from 'tap'
import { macsOf, nicOf, openCoordination, VETH, type Nic } from '../../fixtures/coordination.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach } = world
const [eth0, net1] = [nicOf('eth0', 6), nicOf('net1', 7)] as const
const pod = world.pod()

interface Spoilt {
  readonly nic: Nic
  readonly onNode?: true
  readonly by: string
  /** The whole of what CHECK says, with the links' names for their MACs; or only how it begins. */
  readonly says: string | RegExp
}
const SPOILT: readonly Spoilt[] = [
  { nic: eth0, onNode: true, by: `ip link set ${VETH} mtu 1400`, says: `${VETH} on the node: MTU is not 1500` },
  { nic: eth0, onNode: true, by: `ip link set ${VETH} down`, says: new RegExp(`^${VETH} on the node is down; `) },
  {
    nic: eth0,
    onNode: true,
    by: `ip link set ${VETH} address 02:00:00:00:00:77`,
    says: /neighbour 10\.6\.0\.10 lladdr \S+ dev veth0 in the container is still there/,
  },
  {
    nic: eth0,
    by: 'ip neigh del 10.6.0.10 dev veth0',
    says: `neighbour 10.6.0.10 lladdr ${VETH} dev veth0 in the container is missing`,
  },
  {
    nic: eth0,
    onNode: true,
    by: `ip neigh del fd06::20 dev ${VETH}`,
    says: `neighbour fd06::20 lladdr veth0 dev ${VETH} on the node is missing`,
  },
  {
    nic: eth0,
    onNode: true,
    by: 'ip -6 route del fd06::20 table 500',
    says: `route fd06::20 dev ${VETH} table 500 on the node is missing`,
  },
  {
    nic: eth0,
    onNode: true,
    by: 'ip rule del pref 1000',
    says: 'rule IPv4 1000: from all lookup 500 on the node is missing',
  },
  {
    nic: eth0,
    by: 'ip -6 rule del pref 1000',
    says: 'rule IPv6 1000: from all fwmark 0x1 lookup 100 in the container is missing',
  },
  {
    nic: eth0,
    by: 'ip route del default table 100',
    says: 'route default via 10.6.0.10 dev veth0 src 10.6.0.20 table 100 in the container is missing',
  },
  {
    nic: eth0,
    by: 'ip route change 10.96.0.0/12 via 10.6.0.10 dev veth0',
    says: 'route 10.96.0.0/12 via 10.6.0.10 dev veth0 src 10.6.0.20 table main in the container is missing',
  },
  {
    nic: eth0,
    by: 'nft delete table inet spiderpool',
    says: 'nf_tables table inet spiderpool in the container is missing',
  },
  {
    nic: eth0,
    by: 'nft flush chain inet spiderpool output',
    says: 'nf_tables table inet spiderpool in the container is different',
  },
  {
    nic: eth0,
    by: 'echo 1 > /proc/sys/net/ipv4/conf/veth0/rp_filter',
    says: 'sysctl net/ipv4/conf/veth0/rp_filter in the container is 1, not 0',
  },
  {
    nic: eth0,
    onNode: true,
    by: `echo 1 > /proc/sys/net/ipv6/conf/${VETH}/accept_ra`,
    says: `sysctl net/ipv6/conf/${VETH}/accept_ra on the node is 1, not 0`,
  },
  {
    nic: net1,
    by: 'ip rule del from 10.7.0.20',
    says: 'rule IPv4 from 10.7.0.20 lookup 101 in the container is missing',
  },
  {
    nic: net1,
    by: 'ip route append default via 10.7.0.1 dev net1',
    says: 'route default via 10.7.0.1 dev net1 table main in the container is still there',
  },
  {
    nic: net1,
    by: 'ip route del default table 101',
    says: 'route default via 10.7.0.1 dev net1 table 101 in the container is missing',
  },
  {
    nic: net1,
    by: 'ip route del 10.7.0.0/16 table 101',
    says: 'route 10.7.0.0/16 dev net1 src 10.7.0.20 table 101 in the container is missing',
  },
  { nic: eth0, onNode: true, by: `ip link del ${VETH}`, says: /^link veth0 in the container is missing; / },
  // The last one: a link that goes down loses its IPv6 addresses for good.
  { nic: net1, by: 'ip link set net1 down', says: /^net1 in the container is down; / },
]

t.before(async () => {
  for (const nic of [eth0, net1]) {
    attach(pod, nic)
    const { status, stdout } = await coordinate('ADD', pod, nic)
    if (status !== 0) throw new Error(stdout)
  }
})

for (const { nic, onNode, by, says } of SPOILT)
  t.test(`${by}: CHECK of ${nic.name} fails, and ADD repairs it`, async t => {
    const macs = macsOf(pod, node)
    ;(onNode ? node : pod).sh(by)
    const { status, json } = await coordinate('CHECK', pod, nic)
    t.equal(status, 1)
    const { msg } = json as { msg: string }
    const [, differences = ''] = msg.split(`${nic.name} is not as coordinator left it: `)
    t.match(
      differences.replace(/(?<=lladdr )\S+/g, mac => macs[mac] ?? mac),
      says,
    )
    if (typeof says === 'string') t.notOk(differences.includes(';'), 'and nothing else')
    t.equal((await coordinate('ADD', pod, nic)).status, 0)
    for (const each of [eth0, net1]) {
      const { status, stdout } = await coordinate('CHECK', pod, each)
      t.equal(status, 0, `${each.name} ${stdout}`)
    }
  })
