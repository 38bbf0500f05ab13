// ifacer on a real kernel that has VLANs and bonds: what it makes, refuses, rolls back, when fifty
// ask at once.
import { spawn } from 'node:child_process'
import t, { type Test } from 'tap'
import type { Reply } from '../../fixtures/executable.js'
import { call, closeLinks, linksOn, names, netns, openNode, openSwitch, shown } from '../../fixtures/links.js'
import { vlanName } from '../../../lib/ifname.js'
import { must } from '../../fixtures/netns.js'

t.teardown(closeLinks)
const wire = openSwitch()
const node = openNode('a', wire)
const ask = (verb: string, conf: object): Promise<Reply> => call(verb, conf, { on: node, pod: wire })
const ALONE = 'eth1,eth2,eth3,lo'
const isUp = (name: string): boolean => shown(name, node)?.flags.includes('UP') ?? false
// what a failed test leaves must not fail the next
t.beforeEach(() => void must(`for bond in bond9 sp_bond0; do ip -n ${node} link del $bond 2>/dev/null; done; true`))

t.test('ADD creates a VLAN and sets both links up; ADD twice creates it once', async t => {
  const conf = { interfaces: ['eth1'], vlanID: 100 }
  const { status, json } = await ask('ADD', conf)
  t.equal(status, 0)
  t.strictSame(json, { cniVersion: '1.0.0' })
  t.match(shown('eth1.100', node), { mtu: 1500, linkinfo: { info_data: { protocol: '802.1Q', id: 100 } } })
  for (const name of ['eth1', 'eth1.100']) t.ok(isUp(name), `${name} is up`)
  const before = shown('eth1.100', node)?.ifindex
  const prevResult = { cniVersion: '1.0.0', ips: [{ address: '10.0.0.1/24' }] }
  t.match(await ask('ADD', { ...conf, prevResult }), { status: 0, json: { ips: [{ address: '10.0.0.1/24' }] } })
  t.equal(shown('eth1.100', node)?.ifindex, before)
  t.equal((await ask('CHECK', { ...conf, prevResult })).status, 0)
  t.equal((await ask('DEL', conf)).status, 0)
  t.equal(shown('eth1.100', node)?.ifindex, before, 'DEL leaves what pods share')
  must(`ip -n ${node} link set eth1.100 down`)
  t.match((await ask('CHECK', { ...conf, prevResult })).json, { msg: /as ADD left them: setUp eth1.100$/ })
  must(`ip -n ${node} link del eth1.100`)
  t.match((await ask('CHECK', { ...conf, prevResult })).json, { msg: 'eth1.100 is not on the node any more' })
})

/** `other` is one option that has another value; `actual` and `wanted` as in the sentence. */
const modes: readonly [mode: number, options: string, want: object, other: string, actual: string, wanted: string][] = [
  [
    0,
    'packets_per_slave=5;miimon=100;updelay=250;downdelay=300',
    { mode: 'balance-rr', packets_per_slave: 5, updelay: 200, downdelay: 300 },
    'packets_per_slave=6;updelay=290',
    'packets_per_slave 5',
    'packets_per_slave 6',
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
    'primary=eth1;miimon=50',
    'miimon 100, primary eth2',
    'miimon 50, primary eth1',
  ],
  [
    1,
    'arp_interval=250;arp_ip_target=10.6.0.1,10.6.0.2;arp_validate=all;arp_all_targets=all',
    { arp_interval: 250, arp_ip_target: ['10.6.0.1', '10.6.0.2'], arp_validate: 'all', arp_all_targets: 'all' },
    'arp_ip_target=10.6.0.3;arp_validate=none',
    'arp_validate all, arp_ip_target 10.6.0.1,10.6.0.2',
    'arp_validate none, arp_ip_target 10.6.0.3',
  ],
  [
    2,
    'miimon=100;xmit_hash_policy=layer3+4',
    { mode: 'balance-xor', xmit_hash_policy: 'layer3+4' },
    'xmit_hash_policy=layer2',
    'xmit_hash_policy layer3+4',
    'xmit_hash_policy layer2',
  ],
  [
    3,
    'miimon=100;all_slaves_active=1',
    { mode: 'broadcast', all_slaves_active: 1 },
    'all_slaves_active=0',
    'all_slaves_active 1',
    'all_slaves_active 0',
  ],
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
    'lacp_rate=slow;ad_actor_system=0a:00:00:00:00:02;ad_user_port_key=8',
    'lacp_rate fast, ad_user_port_key 9, ad_actor_system 0a:00:00:00:00:01',
    'lacp_rate slow, ad_user_port_key 8, ad_actor_system 0a:00:00:00:00:02',
  ],
  [
    5,
    'miimon=100;tlb_dynamic_lb=0;lp_interval=3',
    { mode: 'balance-tlb', tlb_dynamic_lb: 0, lp_interval: 3 },
    'tlb_dynamic_lb=1',
    'tlb_dynamic_lb 0',
    'tlb_dynamic_lb 1',
  ],
  [6, 'miimon=100', { mode: 'balance-alb', miimon: 100 }, 'resend_igmp=5', 'resend_igmp 1', 'resend_igmp 5'],
]
for (const [mode, options, want, other, actual, wanted] of modes)
  t.test(`ADD creates a bond of mode ${mode} with ${options}, its members and a VLAN on it`, async t => {
    const conf = { interfaces: ['eth1', 'eth2'], vlanID: 100, mtu: 1400, bond: { name: 'bond9', mode, options } }
    t.match(await ask('ADD', conf), { status: 0 })
    const links = linksOn(node)
    t.equal(names(node), 'bond9,bond9.100,eth1,eth2,eth3,lo')
    t.match(Object.fromEntries(links.map(link => [link.ifname, link])), {
      bond9: { mtu: 1400, linkinfo: { info_data: want } },
      'bond9.100': { mtu: 1400, linkinfo: { info_data: { id: 100 } } },
    })
    for (const { ifname, flags } of links.filter(link => link.ifname !== 'eth3'))
      t.ok(flags.includes('UP'), `${ifname} is up`)
    t.match(await ask('ADD', conf), { status: 0 }, 'what it made is what it wants')
    const { json } = await ask('ADD', { ...conf, bond: { ...conf.bond, options: other } })
    const msg = `failed to createBondDevice: bond bond9 exists with ${actual}, want ${wanted}`
    t.match(json, { code: 999, msg })
  })

t.test('a failed ADD changes nothing', async t => {
  must(`ip -n ${node} link set eth1 up && ip -n ${node} link set eth2 down`)
  const refused = await ask('ADD', { interfaces: ['eth1', 'eth2'], bond: { mode: 4, options: 'primary=eth1' } })
  t.match(refused.json, { msg: /^failed to createBondDevice: failed to create the bond: / })
  must(`ip -n ${node} link add x type bridge && ip -n ${node} link set eth3 master x`)
  const taken = await ask('ADD', { interfaces: ['eth1', 'eth3'], bond: {} })
  t.match(taken.json, { msg: 'failed to createBondDevice: eth3 belongs to x and is not taken from it for sp_bond0' })
  must(`ip -n ${node} link del x`)
  const late = await ask('ADD', { interfaces: ['eth1', 'eth2'], vlanID: 100, mtu: 70000, bond: { mode: 1 } })
  t.match(late.json, { msg: /^failed to set mtu 70000 on the bond: / }, 'no link has such an MTU')
  t.equal(names(node), ALONE)
  t.ok(isUp('eth1'), 'what was up is up again')
  t.notOk(isUp('eth2'), 'what was down is down again')
})

const whole = { interfaces: ['eth1', 'eth2'], vlanID: 200, bond: { name: 'bond9', mode: 1, options: 'miimon=50' } }
const WHOLE = 'bond9,bond9.200,eth1,eth2,eth3,lo'

/** Records `ip monitor link`; reading the lines ends it. */
async function monitor(on: string): Promise<() => Promise<readonly string[]>> {
  const child = spawn('ip', ['-n', on, '-o', 'monitor', 'link'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const closed = new Promise(resolve => child.on('close', resolve))
  for (let seen = false; !seen; seen = said !== '') {
    must(`ip -n ${on} link set lo mtu 65000 && ip -n ${on} link set lo mtu 65536`) // until it listens
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return async () => {
    await new Promise(resolve => setTimeout(resolve, 200))
    child.kill()
    await closed
    return said.split('\n')
  }
}

t.test('ADD does not enslave a NIC with a pod’s macvlan, and never sets it down', async t => {
  must(`ip -n ${node} link set eth1 up && ip -n ${node} link set eth2 up`)
  must(`ip -n ${node} link add net9 link eth2 netns ${wire} type macvlan mode bridge`)
  const lines = await monitor(node)
  const { json } = await ask('ADD', whole)
  const events = await lines()
  t.match(json, {
    msg: 'failed to createBondDevice: failed to make eth2 a member: device or resource busy (Device is in use and cannot be enslaved)',
    details: /^a macvlan, an ipvlan or a bridge uses it/,
  })
  const down = (nic: string): boolean => events.some(line => new RegExp(`: ${nic}@.* state DOWN`).test(line))
  t.ok(down('eth1'), 'the monitor sees what goes down')
  t.notOk(down('eth2'))
  t.ok(isUp('eth1') && isUp('eth2'))
  t.equal(names(node), ALONE)
  must(`ip -n ${wire} link del net9`)
})

/**
 * Fifty ADDs of it at once must succeed; what was events of links meanwhile, and of how many links
 * of a name.
 */
async function fifty(t: Test, conf: object) {
  const lines = await monitor(node)
  const replies = await Promise.all(Array.from({ length: 50 }, () => ask('ADD', conf)))
  t.strictSame(
    replies.filter(({ status }) => status !== 0).map(({ stdout }) => stdout),
    [],
  )
  const events = await lines()
  const made = (name: string): number =>
    new Set(events.flatMap(line => new RegExp(`^(\\d+): ${name}[@:]`).exec(line)?.[1] ?? [])).size
  return { events, made }
}

t.test('fifty concurrent ADDs create the VLAN once, and all succeed', async t => {
  const { made } = await fifty(t, { interfaces: ['eth3'], vlanID: 200 })
  t.equal(made('eth3.200'), 1, 'one VLAN was made')
  t.equal(names(node), `${ALONE.replace(',lo', '')},eth3.200,lo`)
  t.ok(isUp('eth3.200'))
  must(`ip -n ${node} link del eth3.200`)
})

t.test('fifty concurrent ADDs create the bond and its VLAN once and atomically, and all succeed', async t => {
  const { events, made } = await fifty(t, whole)
  t.equal(names(node), WHOLE)
  t.equal(made('bond9'), 1, 'one bond was made')
  t.equal(made('bond9.200'), 1, 'one VLAN was made')
  const named = events.findIndex(line => /^\d+: bond9:/.test(line))
  for (const member of ['eth1', 'eth2']) {
    const taken = events.findIndex(line => line.includes(`: ${member}@`) && / master spb-/.test(line))
    t.ok(taken >= 0 && taken < named, `${member} is in the bond before that has its name`)
  }
  const vlan = events.findIndex(line => /^\d+: bond9.200@/.test(line))
  t.ok(vlan >= 0 && vlan < named, 'the VLAN is on the bond before that has its name')
})

t.test('random schedules of ADD, DEL and kills on this kernel leave what complete calls leave', async t => {
  const [place, pods] = [netns('s'), netns('sp')]
  for (const nic of ['eth1', 'eth2', 'eth3']) must(`ip -n ${place} link add ${nic} up type dummy`)
  const seed = Number(process.env['SEED'] ?? 0)
  const args = `${pods} /run/ifacer-schedules-${process.pid} ${seed} 40 20`
  const said = must(`ip netns exec ${place} scripts/bun.sh test/plugins/ifacer/real.ts /run/netns/${args}`)
  const came = said
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { name: string; broken?: string; least?: object })
  t.equal(came.length, 40)
  t.comment(`seeds ${seed} to ${seed + 39}`)
  for (const { name, broken, least } of came) if (broken !== undefined) t.fail(`${name}: ${broken}`, { least })
})

t.test('ADD takes an altname, short or long, for a VLAN’s parent and a bond member', async t => {
  for (const [name, vlan] of [
    ['enp129s0f0np0', 'enp10p68i5p.100'],
    ['a-name-of-20-letters', vlanName('a-name-of-20-letters', 100)],
  ] as const) {
    must(`ip -n ${node} link property add dev eth1 altname ${name}`)
    const conf = { interfaces: [name], vlanID: 100, removeUnused: true }
    const added = await ask('ADD', conf)
    t.equal(added.status, 0, added.stdout)
    t.match(shown(vlan, node), { link: 'eth1', linkinfo: { info_data: { id: 100 } } })
    t.equal((await ask('ADD', conf)).status, 0, 'made again it is the same')
    t.equal((await ask('CHECK', { ...conf, prevResult: { cniVersion: '1.0.0' } })).status, 0)
    t.equal((await ask('DEL', conf)).status, 0)
    t.equal(shown(vlan, node), undefined)

    const bonded = { interfaces: [name, 'eth2'], bond: { name: 'bond9', mode: 1, options: `primary=${name}` } }
    const bond = await ask('ADD', bonded)
    t.equal(bond.status, 0, bond.stdout)
    t.match(shown('eth1', node), { master: 'bond9' })
    t.match(shown('bond9', node), { linkinfo: { info_data: { primary: 'eth1' } } })
    t.equal((await ask('ADD', bonded)).status, 0, 'made again it is the same')
    must(`ip -n ${node} link del bond9`)
    must(`ip -n ${node} link property del dev eth1 altname ${name}`)
  }
})
