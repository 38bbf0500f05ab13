// Duplicate address detection in ADD, on a switch with other hosts: that it happened, what it
// finds, and that its sysctls are as before.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { GATEWAY, openNetwork, type Place } from '../../fixtures/netns.js'

const folder = mkdtempSync(`${tmpdir()}/dad-`)
const network = openNetwork()
/** A second node, on a switch that is plugged into the first. */
const second = openNetwork()
t.teardown(() => {
  network.close()
  second.close()
  rmSync(folder, { recursive: true })
})
const { wire, call } = network
second.wire.sh('ip addr flush dev br0 && ip link set br0 address 02:00:00:00:06:02')
wire.sh(`ip link add trunk type veth peer name trunk netns ${second.wire.name}`)
for (const { wire } of [network, second]) wire.sh('ip link set trunk master br0 up')

const PROBES = 3
const TAKEN = 'fd06::66'
const sentence = (ip: string): string =>
  `failed to settle addresses for "eth0": link eth0 has address ${ip} in DADFAILED state`

const host = network.pod()
wire.sh(`ip link add host type veth peer name eth0 netns ${host.name} && ip link set host master br0 up`)
host.sh(`ip link set eth0 up && ip addr add ${TAKEN}/64 dev eth0 nodad`)

interface Ipv6 {
  readonly ip: string
  readonly gateway?: string
}
const conf = ({ ip, gateway }: Ipv6, more: object = {}) => ({
  cniVersion: '1.0.0',
  name: 'net',
  type: 'macvlan',
  master: 'eth0',
  ipam: {
    type: 'static',
    addresses: [
      { address: '10.6.0.5/16', gateway: GATEWAY.v4 },
      { address: `${ip}/64`, ...(gateway && { gateway }) },
    ],
    ...(gateway && { routes: [{ dst: '::/0' }] }),
  },
  ...more,
})
let hosts = 0x100
/** An address that no other pod has had. */
const free = (): Ipv6 => ({ ip: `fd06::${(hosts++).toString(16)}`, gateway: GATEWAY.v6 })

/** An IPAM that answers a free address, after a command. */
function ipamNamed(name: string, does: string): { readonly conf: object; readonly path: string } {
  const { ip, gateway } = free()
  const result = { cniVersion: '1.0.0', ips: [{ address: `${ip}/64`, gateway }] }
  const script = `#!/bin/sh\n[ $CNI_COMMAND = ADD ] || exit 0\n${does}\ncat <<'END'\n${JSON.stringify(result)}\nEND\n`
  writeFileSync(`${folder}/${name}`, script)
  chmodSync(`${folder}/${name}`, 0o755)
  return { conf: conf({ ip }, { ipam: { type: name } }), path: folder }
}
const inPod = (command: string): string => `ip netns exec $(basename $CNI_NETNS) sh -c '${command}'`

const SYSCTLS = [
  'conf/eth0/router_solicitation_delay',
  'conf/eth0/dad_transmits',
  'neigh/eth0/retrans_time_ms',
] as const
const dadSysctls = (pod: Place): readonly string[] =>
  pod
    .sh(`cd /proc/sys/net/ipv6 && cat ${SYSCTLS.join(' ')}`)
    .trim()
    .split('\n')
const DEFAULTS = ['1', '1', '1000'] as const
/** Every sysctl of IPv6. */
const allSysctls = (pod: Place): string => pod.sh('cd /proc/sys/net/ipv6 && grep -rs . . | sort')
const solicitations = (pod: Place): number =>
  Number(/Icmp6OutNeighborSolicits\s+(\d+)/.exec(pod.sh('cat /proc/net/snmp6'))?.[1])
const tentative = (pod: Place): string => pod.sh('ip -6 addr show dev eth0 tentative').trim()

t.test('ADD sends three probes per IPv6 address, restores the sysctls, and CHECK passes', async t => {
  const [pod, own] = [network.pod(), free()]
  const added = await call({ verb: 'ADD', conf: conf(own), pod })
  t.equal(added.status, 0, added.stdout)
  t.equal(solicitations(pod), 2 * PROBES, 'of the link-local address too')
  t.equal(tentative(pod), '')
  t.strictSame(dadSysctls(pod), DEFAULTS)
  const check = { verb: 'CHECK', conf: conf(own, { prevResult: added.json }), pod }
  t.match(await call(check), { status: 0, stdout: '' })
  t.equal((await call({ verb: 'DEL', conf: conf(own), pod })).status, 0)
})

for (const [name, address] of [
  ['an address of another host', { ip: TAKEN, gateway: GATEWAY.v6 }],
  ['an address of another host, without a gateway', { ip: TAKEN }],
] as const)
  t.test(`ADD with ${name} fails and leaves nothing`, async t => {
    const pod = network.pod()
    const before = allSysctls(pod)
    const { status, json } = await call({ verb: 'ADD', conf: conf(address), pod })
    t.equal(status, 1)
    t.strictSame(json, {
      cniVersion: '1.0.0',
      code: 999,
      msg: sentence(TAKEN),
      details: `another host on the network of "eth0" has ${TAKEN}, or a pod is being given it at the same moment`,
    })
    t.strictSame(pod.links(), [])
    t.equal(allSysctls(pod), before)
  })

for (const [name, other, ip] of [
  ['one node', network, 'fd06::71'],
  ['two nodes', second, 'fd06::72'],
] as const)
  t.test(`ADD of two pods on ${name} with one address at the same moment succeeds for one at most`, async t => {
    const pods = [network.pod(), other.pod()] as const
    const replies = await Promise.all([
      call({ verb: 'ADD', conf: conf({ ip, gateway: GATEWAY.v6 }), pod: pods[0], containerID: 'c1' }),
      other.call({ verb: 'ADD', conf: conf({ ip, gateway: GATEWAY.v6 }), pod: pods[1], containerID: 'c2' }),
    ])
    const failed = replies.filter(({ status }) => status !== 0)
    t.ok(failed.length > 0, 'a duplicate is not given')
    for (const { json } of failed) t.match(json, { code: 999, msg: sentence(ip) })
    for (const [i, { status }] of replies.entries()) if (status !== 0) t.strictSame(pods[i]?.links(), [])
  })

t.test('ADD: traffic passes at once, from the pod and to it, also where the gateway knows another MAC', async t => {
  const own = free()
  for (const mac of ['02:00:00:00:06:a1', '02:00:00:00:06:a2']) {
    const pod = network.pod()
    t.equal((await call({ verb: 'ADD', conf: conf(own, { mac }), pod })).status, 0)
    t.match(wire.sh(`ping -6 -c1 -W1 ${own.ip}`), '1 received', 'the gateway has heard of the new MAC')
    t.match(pod.sh(`ping -6 -c1 -W1 ${GATEWAY.v6}`), '1 received')
    t.match(pod.sh(`ping -6 -c1 -W1 ${TAKEN}`), '1 received', 'and a host that knows neither')
    t.equal((await call({ verb: 'DEL', conf: conf(own, { mac }), pod })).status, 0)
  }
})

t.test('ADD keeps what the pod’s namespace has for DAD', async t => {
  const pod = network.pod()
  pod.sh(
    'cd /proc/sys/net/ipv6 && echo 5 >conf/default/router_solicitation_delay && echo 4 >conf/default/dad_transmits',
  )
  t.equal((await call({ verb: 'ADD', conf: conf(free()), pod })).status, 0)
  t.equal(solicitations(pod), 2 * 4)
  t.strictSame(dadSysctls(pod), ['5', '4', '1000'])
})

t.test('ADD sends no probe where DAD is off', async t => {
  const pod = network.pod()
  pod.sh('echo 0 >/proc/sys/net/ipv6/conf/default/dad_transmits')
  t.equal((await call({ verb: 'ADD', conf: conf(free()), pod })).status, 0)
  t.equal(solicitations(pod), 0)
  t.equal(tentative(pod), '')
  t.strictSame(dadSysctls(pod), ['1', '0', '1000'])
})

t.test(
  'ADD waits for the link-local address if the IPAM has set the link up, and keeps a value of a router',
  async t => {
    const value = '80' // whole jiffies at every HZ
    const early = ipamNamed(
      'early',
      inPod(
        `ip link set $CNI_IFNAME up; sleep 0.3; echo ${value} >/proc/sys/net/ipv6/neigh/$CNI_IFNAME/retrans_time_ms`,
      ),
    )
    const pod = network.pod()
    t.equal((await call({ verb: 'ADD', pod, ...early })).status, 0)
    t.equal(solicitations(pod), 2 * PROBES)
    t.equal(tentative(pod), '')
    t.strictSame(dadSysctls(pod), ['1', '1', value])
  },
)

t.test('DEL after a killed ADD leaves every sysctl as it was', async t => {
  const pod = network.pod()
  const before = allSysctls(pod)
  const deadly = ipamNamed('deadly', 'kill -9 $PPID; exit 1')
  t.not((await call({ verb: 'ADD', pod, ...deadly })).status, 0)
  t.strictSame(dadSysctls(pod), ['0', '3', '60'], 'killed while they were set')
  t.equal((await call({ verb: 'DEL', pod, ...deadly })).status, 0)
  t.strictSame(pod.links(), [])
  t.equal(allSysctls(pod), before)
  t.equal((await call({ verb: 'ADD', conf: conf(free()), pod })).status, 0)
  t.strictSame(dadSysctls(pod), DEFAULTS)
})
