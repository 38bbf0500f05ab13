// Keys of the conf and peculiarities of nodes, each by its result; prevResult of every version; GC
// and STATUS.
import t, { type Test } from 'tap'
import { HIJACK, nicOf, openCoordination, resultFor, stateOf, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import { runExecutable } from '../../fixtures/executable.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach, detach, overlay } = world
const [eth0, net1] = [nicOf('eth0', 6), nicOf('net1', 7)] as const

async function done(verb: string, pod: Place, nic: Nic, conf: object = {}): Promise<void> {
  const { status, stdout } = await coordinate(verb, pod, nic, { conf })
  if (status !== 0) throw new Error(stdout)
}
const pings = (t: Test, from: Place, ips: readonly string[]): void => {
  from.sh('ip neigh flush all')
  for (const ip of ips) t.match(from.sh(`ping -c1 -W2 ${ip}`), '1 received', ip)
}

t.test('ADD sets vethLinkAddress and vethMTU on the veth; an IPv6-only pod gets no vethLinkAddress', async t => {
  for (const [families, addresses] of [
    ['both', 1],
    ['v6', 0],
  ] as const) {
    const pod = world.pod()
    const nic = nicOf('eth0', 6, families)
    attach(pod, nic)
    await done('ADD', pod, nic, { vethLinkAddress: '169.254.100.1', vethMTU: 1400 })
    const shown = pod.sh('ip -o -4 addr show veth0').split('\n').filter(Boolean)
    t.equal(shown.length, addresses, families)
    if (addresses === 1) t.match(shown[0], 'inet 169.254.100.1/32')
    for (const [place, link] of [
      [pod, 'veth0'],
      [node, 'veth6afb61198bf'],
    ] as const)
      t.match(place.sh(`ip link show ${link}`), 'mtu 1400')
    await done('DEL', pod, nic)
    detach(pod, nic)
  }
})

t.test(
  'policyRoutes: of the default interface in main, of a secondary one in its table, of a family that the NIC has',
  async t => {
    const pod = world.pod()
    attach(pod, eth0)
    const routes = (gw4: string, gw6: string) => ({
      policyRoutes: [
        { dst: '192.0.2.0/24', gw: gw4 },
        { dst: '203.0.113.7', gw: gw4 },
        { dst: '2001:db8::/32', gw: gw6 },
      ],
    })
    await done('ADD', pod, eth0, routes('10.6.0.9', 'fd06::9'))
    const v4 = nicOf('net1', 7, 'v4')
    attach(pod, v4)
    await done('ADD', pod, v4, routes('10.7.0.9', 'fd07::9'))
    const { routes: all } = stateOf(pod)
    t.strictSame(
      all.filter(line => /192.0.2.0|203.0.113.7|2001:db8/.test(line)),
      [
        '101: 192.0.2.0/24 via 10.7.0.9 dev net1',
        '101: 203.0.113.7 via 10.7.0.9 dev net1',
        'main: 192.0.2.0/24 via 10.6.0.9 dev eth0',
        'main: 2001:db8::/32 via fd06::9 dev eth0 metric 1024',
        'main: 203.0.113.7 via 10.6.0.9 dev eth0',
      ],
    )
    for (const nic of [v4, eth0]) {
      await done('DEL', pod, nic)
      detach(pod, nic)
    }
  },
)

t.test('ADD uses the table hostRuleTable of the node, and DEL finds it without the key', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  node.sh('ip rule add pref 900 to 10.99.0.0/16 lookup 500; ip route add 10.99.0.1 dev eth0 table 500')
  const before = dumpOf(node)
  await done('ADD', pod, eth0, { hostRuleTable: 501 })
  t.match(node.sh('ip rule'), /1000:\s+from all lookup 501/)
  t.match(node.sh('ip route show table 501'), '10.6.0.20 dev veth6afb61198bf')
  pings(t, node, ['10.6.0.20', 'fd06::20'])
  await done('DEL', pod, eth0)
  t.equal(dumpOf(node), before, 'and rules and routes of others stay')
  node.sh('ip rule del pref 900; ip route flush table 500')
})

t.test('CHECK names a changed address of the node, and a repeated ADD replaces its routes', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  await done('ADD', pod, eth0)
  node.sh(
    'ip addr add 10.6.0.11/16 dev eth0; ip addr del 10.6.0.10/16 dev eth0; ip addr add 10.6.0.11/16 dev eth0 2>&1 || true',
  )
  const { json } = await coordinate('CHECK', pod, eth0)
  t.match(json, { msg: /10\.6\.0\.11/ })
  await done('ADD', pod, eth0)
  t.match(pod.sh('ip route show 10.96.0.0/12'), 'via 10.6.0.11 dev veth0')
  await done('CHECK', pod, eth0)
  pings(t, pod, ['10.6.0.11'])
  await done('DEL', pod, eth0)
  detach(pod, eth0)
  node.sh(
    'ip addr add 10.6.0.10/16 dev eth0; ip addr del 10.6.0.11/16 dev eth0; ip addr add 10.6.0.10/16 dev eth0 2>&1 || true; ip route replace default via 10.6.0.1',
  )
})

t.test('ADD ignores addresses of the node that pods cannot use', async t => {
  node.sh(
    'ip link add dummy7 type bridge; ip link set dummy7 up; ip addr add 10.6.0.5/32 dev dummy7; ip addr add 169.254.20.10/32 dev eth0',
  )
  const pod = world.pod()
  attach(pod, eth0)
  await done('ADD', pod, eth0)
  t.match(pod.sh('ip route show 10.96.0.0/12'), 'via 10.6.0.10 dev veth0')
  t.notMatch(pod.sh('ip route'), /10\.6\.0\.5|169\.254\.20\.10/)
  await done('DEL', pod, eth0)
  detach(pod, eth0)
  node.sh('ip link del dummy7; ip addr del 169.254.20.10/32 dev eth0')
})

t.test('ADD uses no VIP of the node as gateway, also if it precedes the node’s own address', async t => {
  node.sh('ip addr add 10.6.0.200/32 dev eth0; ip addr add fd06::200/128 dev eth0 nodad preferred_lft 0')
  const pod = world.pod()
  attach(pod, eth0)
  await done('ADD', pod, eth0)
  t.match(pod.sh('ip route show 10.96.0.0/12'), 'via 10.6.0.10 dev veth0')
  t.match(pod.sh('ip -6 route show fd00:10:96::/112'), 'via fd06::10 dev veth0')
  pings(t, pod, ['10.6.0.200', 'fd06::200'])
  await done('DEL', pod, eth0)
  detach(pod, eth0)
  node.sh('ip addr del 10.6.0.200/32 dev eth0; ip addr del fd06::200/128 dev eth0')
})

t.test('the next ADD has host routes for an IPv6 address that SLAAC assigned late', async t => {
  const pod = world.pod()
  const late = nicOf('eth0', 6, 'v4')
  attach(pod, late)
  await done('ADD', pod, late)
  pod.sh('ip addr add fd06::20/64 dev eth0 nodad')
  t.match((await coordinate('CHECK', pod, eth0)).json, { msg: /fd06::20/ })
  await done('ADD', pod, eth0)
  pings(t, node, ['10.6.0.20', 'fd06::20'])
  await done('DEL', pod, eth0)
  detach(pod, eth0)
})

t.test('ADD in mode overlay: pod and node reach each other, wherever the default route is', async t => {
  for (const podDefaultRouteNic of ['eth0', 'net1']) {
    const pod = world.pod()
    overlay(pod, 5)
    const cali = node.links().find(link => link.startsWith('cali')) ?? ''
    // As calico has it: the node answers for 169.254.1.1 and fe80::ecee:eeff:feee:eeee.
    node.sh(`ip addr add fe80::ecee:eeff:feee:eeee/64 dev ${cali} nodad`)
    node.sh(`for key in proxy_arp forwarding; do echo 1 > /proc/sys/net/ipv4/conf/${cali}/$key; done`)
    node.sh(`echo 0 > /proc/sys/net/ipv4/neigh/${cali}/proxy_delay`)
    attach(pod, net1)
    await done('ADD', pod, net1, { podDefaultRouteNic })
    pings(t, node, ['10.244.1.5', '10.7.0.20', 'fd07::20'])
    pings(t, pod, ['10.6.0.10', 'fd06::10'])
    await done('DEL', pod, net1)
    detach(pod, net1)
    pod.sh('ip link del eth0')
  }
})

t.test('ADD in mode overlay accepts a default interface with another name than eth0', async t => {
  const pod = world.pod()
  overlay(pod, 5, { name: 'own0' })
  attach(pod, net1)
  const conf = { podDefaultCniNic: 'own0' }
  await done('ADD', pod, net1, conf)
  t.match(pod.sh('ip route show 10.96.0.0/12'), 'via 10.6.0.10 dev own0 src 10.244.1.5')
  await done('CHECK', pod, net1, conf)
  pings(t, node, ['10.7.0.20', 'fd07::20'])
  await done('DEL', pod, net1, conf)
  detach(pod, net1)
  pod.sh('ip link del own0')
})

const of = (version: string, pod: Place): object => {
  const { ips, ...rest } = resultFor(eth0, pod.path) as { ips: readonly { address: string; gateway: string }[] }
  const [v4, v6] = ips.map(({ address, gateway }) => ({
    ip: address,
    gateway,
    routes: [{ dst: address.includes(':') ? '::/0' : '0.0.0.0/0' }],
  }))
  if (/^0\.[12]/.test(version)) return { cniVersion: version, ip4: v4, ip6: v6, dns: {} }
  const old = version.startsWith('0.')
  return {
    ...rest,
    cniVersion: version,
    ...(old && { dns: {} }),
    ips: ips.map(ip => ({ ...(old && { version: ip.address.includes(':') ? '6' : '4' }), ...ip })),
  }
}
t.test('ADD returns prevResult unchanged and in its version', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  for (const cniVersion of ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']) {
    const prevResult = of(cniVersion, pod)
    const { status, json } = await coordinate('ADD', pod, eth0, { conf: { cniVersion }, prevResult })
    t.strictSame({ status, json }, { status: 0, json: prevResult }, cniVersion)
  }
  await done('DEL', pod, eth0)
  detach(pod, eth0)
})

t.test(
  'GC and STATUS are answered and change nothing: a list of one network’s attachments says nothing of other networks’ pods',
  async t => {
    const pod = world.pod()
    attach(pod, eth0)
    await done('ADD', pod, eth0)
    const before = [dumpOf(pod), dumpOf(node)]
    for (const verb of ['GC', 'STATUS']) {
      const conf = {
        cniVersion: '1.1.0',
        name: 'other',
        type: 'coordinator',
        mode: 'auto',
        ...HIJACK,
        'cni.dev/valid-attachments': [],
      }
      const { status, stdout } = await runExecutable({
        name: 'coordinator',
        env: { CNI_COMMAND: verb, CNI_PATH: '/usr/lib/cni' },
        stdin: JSON.stringify(conf),
        under: ['ip', 'netns', 'exec', node.name],
      })
      t.strictSame({ verb, status, stdout }, { verb, status: 0, stdout: '' })
    }
    t.strictSame([dumpOf(pod), dumpOf(node)], before)
    await done('DEL', pod, eth0)
    detach(pod, eth0)
  },
)
