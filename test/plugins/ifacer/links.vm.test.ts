// ifacer on a real kernel that has VLANs and bonds: what it makes, refuses, rolls back, when fifty ask at once, when it is killed; traffic.
import { spawn } from 'node:child_process'
import t from 'tap'
import { BIN, cniEnv, runExecutable, type Reply } from '../../fixtures/executable.js'
import { must } from '../../fixtures/netns.js'

const prefix = `i${process.pid}`
const wire = `${prefix}w`
const made: string[] = []
const netns = (name: string): string => {
  must(`ip netns add ${name} && ip -n ${name} link set lo up`)
  made.push(name)
  return name
}
netns(wire)
must(`ip -n ${wire} link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0 && ip -n ${wire} link set br0 up`)
t.teardown(() => made.forEach(name => must(`ip netns del ${name}`)))

/** A node with eth1 to eth3, each plugged into a port of the switch that carries VLANs 100 and 200, tagged, and nothing else. */
function openNode(name: string): string {
  const node = netns(`${prefix}${name}`)
  for (const nic of ['eth1', 'eth2', 'eth3']) {
    const port = `${name}${nic}`
    must(`ip -n ${wire} link add ${port} type veth peer name ${nic} netns ${node}`)
    must(`ip -n ${wire} link set ${port} master br0 up`)
    for (const vid of [100, 200]) must(`ip netns exec ${wire} bridge vlan add dev ${port} vid ${vid}`)
  }
  return node
}
const node = openNode('a')

const base = { cniVersion: '1.0.0', name: 'net', type: 'ifacer' }
interface Calling {
  readonly on?: string
  readonly name?: string
  readonly pod?: string
}
const call = (verb: string, conf: object, { on = node, name = 'ifacer', pod = wire }: Calling = {}): Promise<Reply> =>
  runExecutable({
    name,
    env: cniEnv({ verb, containerID: 'c1', netns: `/run/netns/${pod}`, ifName: 'net1', path: '/usr/lib/cni' }),
    stdin: JSON.stringify({ ...base, ...conf }),
    under: ['ip', 'netns', 'exec', on],
  })

interface Shown {
  readonly ifindex: number
  readonly mtu: number
  readonly flags: readonly string[]
  readonly linkinfo?: { readonly info_data: Readonly<Record<string, unknown>> }
}
const shown = (name: string, on = node): Shown | undefined =>
  (JSON.parse(must(`ip -n ${on} -d -j link show ${name}`)) as Shown[])[0]
const names = (on = node): string =>
  must(`ip -n ${on} -o link`)
    .split('\n')
    .flatMap(line => /^\d+: ([^@:]+)/.exec(line)?.[1] ?? [])
    .sort()
    .join()
const ALONE = 'eth1,eth2,eth3,lo'
// what a failed test leaves must not fail the next
t.beforeEach(() => void must(`for bond in bond9 sp_bond0; do ip -n ${node} link del $bond 2>/dev/null; done; true`))

t.test('a VLAN on a NIC is made, and the NIC and it are up; made again it is the same', async t => {
  const conf = { interfaces: ['eth1'], vlanID: 100 }
  const { status, json } = await call('ADD', conf)
  t.equal(status, 0)
  t.strictSame(json, { cniVersion: '1.0.0' })
  t.match(shown('eth1.100'), { mtu: 1500, linkinfo: { info_data: { protocol: '802.1Q', id: 100 } } })
  for (const name of ['eth1', 'eth1.100']) t.ok(shown(name)?.flags.includes('UP'), `${name} is up`)
  const before = shown('eth1.100')?.ifindex
  t.equal((await call('ADD', conf)).status, 0)
  t.equal(shown('eth1.100')?.ifindex, before)
  const prevResult = { cniVersion: '1.0.0', ips: [{ address: '10.0.0.1/24' }], dns: {} }
  t.match((await call('ADD', { ...conf, prevResult })).json, { ips: [{ address: '10.0.0.1/24' }] })
  t.equal((await call('CHECK', { ...conf, prevResult })).status, 0)
  t.equal((await call('DEL', conf)).status, 0)
  t.equal(shown('eth1.100')?.ifindex, before, 'DEL leaves what pods share')
  must(`ip -n ${node} link set eth1.100 down`)
  t.match((await call('CHECK', { ...conf, prevResult })).json, { msg: /as ADD left them: setUp eth1.100$/ })
  must(`ip -n ${node} link del eth1.100`)
  t.match((await call('CHECK', { ...conf, prevResult })).json, { msg: 'eth1.100 is not on the node any more' })
})

const modes: readonly [mode: number, options: string, want: object][] = [
  [
    0,
    'packets_per_slave=5;miimon=100;updelay=200;downdelay=300',
    { mode: 'balance-rr', packets_per_slave: 5, updelay: 200, downdelay: 300 },
  ],
  [
    1,
    'miimon=100;primary=eth2;active_slave=eth2;primary_reselect=better;fail_over_mac=active;num_grat_arp=3;resend_igmp=2;use_carrier=0',
    {
      mode: 'active-backup',
      primary: 'eth2',
      active_slave: 'eth2',
      primary_reselect: 'better',
      fail_over_mac: 'active',
      num_peer_notif: 3,
      resend_igmp: 2,
      use_carrier: 0,
    },
  ],
  [
    1,
    'arp_interval=250;arp_ip_target=10.6.0.1,10.6.0.2;arp_validate=all;arp_all_targets=all',
    { arp_interval: 250, arp_ip_target: ['10.6.0.1', '10.6.0.2'], arp_validate: 'all', arp_all_targets: 'all' },
  ],
  [2, 'miimon=100;xmit_hash_policy=layer3+4', { mode: 'balance-xor', xmit_hash_policy: 'layer3+4' }],
  [3, 'miimon=100;all_slaves_active=1', { mode: 'broadcast', all_slaves_active: 1 }],
  [
    4,
    'miimon=100;lacp_rate=fast;ad_select=bandwidth;ad_actor_sys_prio=7;ad_user_port_key=9;ad_actor_system=0a:00:00:00:00:01;min_links=1',
    {
      mode: '802.3ad',
      ad_lacp_rate: 'fast',
      ad_select: 'bandwidth',
      ad_actor_sys_prio: 7,
      ad_user_port_key: 9,
      ad_actor_system: '0a:00:00:00:00:01',
      min_links: 1,
    },
  ],
  [5, 'miimon=100;tlb_dynamic_lb=0;lp_interval=3', { mode: 'balance-tlb', tlb_dynamic_lb: 0, lp_interval: 3 }],
  [6, 'miimon=100', { mode: 'balance-alb', miimon: 100 }],
]
for (const [mode, options, want] of modes)
  t.test(`mode ${mode} with ${options} is a bond that has them, of both, with a VLAN on it`, async t => {
    const conf = { interfaces: ['eth1', 'eth2'], vlanID: 100, mtu: 1400, bond: { name: 'bond9', mode, options } }
    t.match(await call('ADD', conf), { status: 0 })
    t.match(shown('bond9'), { mtu: 1400, linkinfo: { info_data: want } })
    t.equal(names(), 'bond9,bond9.100,eth1,eth2,eth3,lo')
    for (const name of ['eth1', 'eth2', 'bond9', 'bond9.100']) t.ok(shown(name)?.flags.includes('UP'), `${name} is up`)
    t.match(shown('bond9.100'), { mtu: 1400, linkinfo: { info_data: { id: 100 } } })
    must(`ip -n ${node} link del bond9`)
  })

t.test('what cannot be made leaves all as it was', async t => {
  must(`ip -n ${node} link set eth1 up && ip -n ${node} link set eth2 down`)
  const refused = await call('ADD', { interfaces: ['eth1', 'eth2'], bond: { mode: 4, options: 'primary=eth1' } })
  t.match(refused.json, { msg: /^failed to createBondDevice: failed to create the bond: / })
  must(`ip -n ${node} link add x type bridge && ip -n ${node} link set eth3 master x`)
  const taken = await call('ADD', { interfaces: ['eth1', 'eth3'], bond: {} })
  t.match(taken.json, { msg: 'failed to createBondDevice: eth3 belongs to x and is not taken from it for sp_bond0' })
  must(`ip -n ${node} link del x`)
  const late = await call('ADD', { interfaces: ['eth1', 'eth2'], vlanID: 100, mtu: 70000, bond: { mode: 1 } })
  t.match(late.json, { msg: /^failed to set mtu 70000 on the bond: / }, 'no link has such an MTU')
  t.equal(names(), ALONE)
  t.ok(shown('eth1')?.flags.includes('UP'), 'what was up is up again')
  t.notOk(shown('eth2')?.flags.includes('UP'), 'what was down is down again')
})

const whole = { interfaces: ['eth1', 'eth2'], vlanID: 200, bond: { name: 'bond9', mode: 1, options: 'miimon=50' } }
const isWhole = (): boolean =>
  ['eth1', 'eth2'].every(name => /master bond9 /.test(must(`ip -n ${node} -o link show ${name}`)))

t.test('of fifty at once one makes the bond and its VLAN, and all succeed', async t => {
  const replies = await Promise.all(Array.from({ length: 50 }, () => call('ADD', whole)))
  t.strictSame(
    replies.filter(({ status }) => status !== 0).map(({ stdout }) => stdout),
    [],
  )
  t.equal(names(), 'bond9,bond9.200,eth1,eth2,eth3,lo')
  must(`ip -n ${node} link del bond9`)
})

t.test('killed at any moment, a bond is there whole or not at all, and the next ADD makes what lacks', async t => {
  for (let round = 0; round < 8; round++) {
    const child = spawn('ip', ['netns', 'exec', node, `${BIN}/ifacer`], {
      env: { PATH: process.env['PATH'], ...cniEnv({ verb: 'ADD', containerID: 'c', netns: `/run/netns/${wire}` }) },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const ended = new Promise(resolve => child.on('close', resolve))
    child.stdin.on('error', () => undefined)
    child.stdin.end(JSON.stringify({ ...base, ...whole }))
    setTimeout(() => child.kill('SIGKILL'), 300 + round * 90)
    await ended
    if (names().split(',').includes('bond9')) t.ok(isWhole(), `round ${round}: the bond that is there is whole`)
    t.match(await call('ADD', whole), { status: 0 })
    t.equal(names(), 'bond9,bond9.200,eth1,eth2,eth3,lo', `round ${round}: nothing but what was asked for`)
    must(`ip -n ${node} link del bond9`)
  }
})

t.test('pods of two nodes reach each other over VLANs of bonds, which the switch carries tagged only', async t => {
  const bond = { ...whole.bond, options: 'miimon=50;fail_over_mac=active' }
  const ends = [
    { on: node, pod: netns(`${prefix}p1`), address: '10.9.0.1/24' },
    { on: openNode('b'), pod: netns(`${prefix}p2`), address: '10.9.0.2/24' },
  ]
  for (const { on, pod, address } of ends) {
    t.match(await call('ADD', { ...whole, bond }, { on }), { status: 0 })
    const macvlan = { type: 'macvlan', master: 'bond9.200', ipam: { type: 'static', addresses: [{ address }] } }
    t.match(await call('ADD', macvlan, { on, pod, name: 'macvlan-wrapper' }), { status: 0 })
  }
  t.match(must(`ip netns exec ${prefix}p1 ping -c2 -W2 10.9.0.2`), '2 received')

  t.comment('fail-over: the active port goes, and the ping goes on')
  const active = /active_slave (\w+)/.exec(must(`ip -n ${node} -d link show bond9`))?.[1] ?? ''
  const pinging = new Promise<string>(resolve => {
    const child = spawn('ip', ['netns', 'exec', `${prefix}p1`, 'ping', '-i0.2', '-c20', '-W1', '10.9.0.2'])
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.on('close', () => resolve(said))
  })
  setTimeout(() => must(`ip -n ${wire} link set a${active} down`), 1000)
  const received = Number(/(\d+) received/.exec(await pinging)?.[1])
  t.ok(received >= 17, `${received} of 20 came back`)
  const now = /active_slave (\w+)/.exec(must(`ip -n ${node} -d link show bond9`))?.[1]
  t.not(now, active)

  t.comment('a switch without that VLAN carries none of it')
  for (const nic of ['eth1', 'eth2']) must(`ip netns exec ${wire} bridge vlan del dev b${nic} vid 200`)
  t.throws(() => must(`ip netns exec ${prefix}p1 ping -c1 -W1 10.9.0.2`))
})
