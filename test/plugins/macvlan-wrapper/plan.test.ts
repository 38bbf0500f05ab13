// macvlan's deciding, as tables: what a conf becomes, what it may not say, and in which words a
// refusal is outcome.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { ip } from '../../../lib/ip/address.js'
import { cidr } from '../../../lib/ip/cidr.js'
import { EMPTY_NETNS, type NetnsState, type ObservedLink } from '../../../lib/plan/state.js'
import type { Step } from '../../../lib/plan/step.js'
import { accepts } from '../../../plugins/macvlan-wrapper/config.js'
import { dadSysctlsOf, settlementOf, settlePauseMs, shortDadPlan } from '../../../plugins/macvlan-wrapper/dad.js'
import * as plan from '../../../plugins/macvlan-wrapper/plan.js'
import { refusalOf } from '../../../plugins/macvlan-wrapper/errors.js'

const master: ObservedLink = {
  index: 3,
  name: 'm0',
  kind: 'veth',
  mtu: 1500,
  mac: undefined,
  flags: 0,
  up: true,
  operState: 6,
  queueLength: 1000,
  parent: undefined,
  parentElsewhere: false,
  master: undefined,
}

const callOf = (
  conf: object,
  { args = {}, cniVersion = '1.1.0' }: { args?: Record<string, string>; cniVersion?: string } = {},
): plan.MacvlanCall => ({
  config: accepts({ master: 'm0', ipam: { type: 'static' }, ...conf }),
  containerID: 'c1',
  ifName: 'eth0',
  netns: '/run/netns/pod',
  args: new Map(Object.entries(args)),
  cniVersion,
})

const linkOf = (conf: object, options?: { args?: Record<string, string> }): Step | undefined =>
  plan.nicPlan(callOf(conf, options), master)[0]

const TEMPORARY = plan.temporaryName({ containerID: 'c1', ifName: 'eth0' })
const macvlan = { kind: 'macvlan', on: 'm0', onWhere: 'node', mode: 'bridge' } as const

t.test('nicPlan() creates the link under a temporary name and renames it', t => {
  t.strictSame(plan.nicPlan(callOf({}), master), [
    { verb: 'addLink', where: 'pod', name: TEMPORARY, link: macvlan },
    { verb: 'rename', where: 'pod', name: TEMPORARY, to: 'eth0', alias: 'container c1' },
  ])
  t.match(TEMPORARY, /^veth[0-9a-f]{8}$/)
  t.not(plan.temporaryName({ containerID: 'c1', ifName: 'net1' }), TEMPORARY, 'each attachment has its own')
  t.end()
})

const links: readonly [name: string, conf: object, args: Record<string, string>, link: object][] = [
  ['mode and MTU', { mode: 'vepa', mtu: 1400 }, {}, { link: { mode: 'vepa' }, mtu: 1400 }],
  ['an empty mode is bridge', { mode: '' }, {}, { link: { mode: 'bridge' } }],
  ['MTU equal to the master’s', { mtu: 1500 }, {}, { mtu: 1500 }],
  ['the broadcast queue', { bcqueuelen: 2000 }, {}, { link: { broadcastQueueLength: 2000 } }],
  ['a master in the container', { linkInContainer: true }, {}, { link: { onWhere: 'pod' } }],
  ['keys in any case', { MTU: 1300 }, {}, { mtu: 1300 }],
  ['null leaves the default', { mtu: null, mode: null }, {}, { link: { mode: 'bridge' } }],
  ['the conf’s MAC', { mac: '0A:00:00:00:00:01' }, {}, { mac: '0a:00:00:00:00:01' }],
  ['CNI_ARGS over the conf', { mac: '0a:00:00:00:00:01' }, { MAC: '0a:00:00:00:00:02' }, { mac: '0a:00:00:00:00:02' }],
  [
    'runtimeConfig over CNI_ARGS',
    { mac: '0a:00:00:00:00:01', runtimeConfig: { mac: '0a:00:00:00:00:03' } },
    { MAC: '0a:00:00:00:00:02' },
    { mac: '0a:00:00:00:00:03' },
  ],
]
for (const [name, conf, args, link] of links)
  t.test(`nicPlan() sets ${name}`, t => {
    t.match(linkOf(conf, { args }), link)
    t.end()
  })

const refused: readonly [name: string, conf: object, message: string][] = [
  ['an unknown mode', { mode: 'source' }, 'unknown macvlan mode: "source"'],
  ['an MTU above the master’s', { mtu: 1501 }, 'invalid MTU 1501, must be [0, master MTU(1500)]'],
  ['an MTU below 0', { mtu: -1 }, 'invalid MTU -1, must be [0, master MTU(1500)]'],
  ['a MAC that is none', { mac: 'x' }, 'invalid args x for MAC addr: address x: invalid MAC address'],
  [
    'a MAC with mode passthru',
    { mac: '0a:00:00:00:00:01', mode: 'passthru' },
    'MAC address 0a:00:00:00:00:01 cannot be set with mode "passthru": the interface has that of master "m0", none',
  ],
  ['an MTU as text', { mtu: '1500' }, 'failed to load netconf: mtu is "1500"; it must be a whole number'],
  ['a broken MTU', { mtu: 1.5 }, 'failed to load netconf: mtu is 1.5; it must be a whole number'],
  ['a master that is no text', { master: 1 }, 'failed to load netconf: master is 1; it must be a string'],
  ['a queue below 0', { bcqueuelen: -1 }, 'failed to load netconf: bcqueuelen is -1; it must be from 0 to 4294967295'],
  [
    'a flag as text',
    { linkInContainer: 'yes' },
    'failed to load netconf: linkInContainer is "yes"; it must be true or false',
  ],
  ['an ipam that is no object', { ipam: 'static' }, 'failed to load netconf: ipam is "static"; it must be an object'],
  [
    'DNS that is no list',
    { dns: { search: 'a' } },
    'failed to load netconf: dns.search is "a"; it must be a list of strings',
  ],
]
for (const [name, conf, message] of refused)
  t.test(`nicPlan() rejects ${name}`, t => {
    t.throws(() => linkOf(conf), { name: 'CniError', message })
    t.end()
  })

t.test('nicPlan() rejects 0.2.0 without ipam', t => {
  t.throws(() => plan.nicPlan(callOf({ ipam: {} }, { cniVersion: '0.2.0' }), master), {
    message: 'cannot convert: no valid IP addresses',
  })
  t.equal(plan.nicPlan(callOf({ ipam: {} }, { cniVersion: '0.3.0' }), master).length, 2)
  t.end()
})

t.test('masterName() is the conf’s, else the default route’s device', t => {
  const routed: NetnsState = {
    ...EMPTY_NETNS,
    routes: [{ dst: cidr('0.0.0.0/0'), dev: 'm9', table: 254, metric: 0, scope: 0, type: 1 }],
  }
  t.equal(plan.masterName(callOf({}).config, { node: EMPTY_NETNS, pod: EMPTY_NETNS }), 'm0')
  const none = callOf({ master: '' }).config
  t.equal(plan.masterName(none, { node: routed, pod: EMPTY_NETNS }), 'm9')
  t.throws(() => plan.masterName(none, { node: EMPTY_NETNS, pod: routed }), {
    message: 'no default route interface found',
  })
  const inside = callOf({ master: '', linkInContainer: true }).config
  t.equal(plan.masterName(inside, { node: EMPTY_NETNS, pod: routed }), 'm9')
  t.throws(() => plan.masterOf(none, { node: EMPTY_NETNS, pod: EMPTY_NETNS }, 'm9'), {
    message: 'Link not found',
    details: 'master "m9" is no interface of this node',
  })
  t.end()
})

const ipam = {
  ips: [
    { address: '10.6.0.5/16', gateway: '10.6.0.1' },
    { address: 'fd06::5/64', gateway: 'fd06::1' },
  ],
  routes: [
    { dst: '0.0.0.0/0' },
    { dst: '::/0' },
    { dst: '10.9.0.7/24', gw: '10.6.0.2', priority: 5, table: 100, scope: 0, mtu: 1300 },
  ],
}

t.test('addressPlan() adds addresses and sets the link up; routePlan() defaults to the family’s gateway', t => {
  const addressed = plan.addressedBy('eth0', ipam)
  const pod: NetnsState = {
    ...EMPTY_NETNS,
    sysctls: {
      'net/ipv6/conf/lo/disable_ipv6': '0',
      'net/ipv6/conf/eth0/disable_ipv6': '1',
      'net/ipv6/conf/eth0/keep_addr_on_down': '0',
    },
  }
  const steps = plan.addressPlan({ ifName: 'eth0' }, addressed, pod)
  t.strictSame(
    steps.map(step => (step.verb === 'setSysctl' ? `${step.path}=${step.value}` : step.verb)),
    [
      'net/ipv4/conf/eth0/arp_notify=1',
      'net/ipv6/conf/eth0/ndisc_notify=1',
      'net/ipv6/conf/eth0/disable_ipv6=0',
      'net/ipv6/conf/eth0/keep_addr_on_down=1',
      'addAddress',
      'addAddress',
      'setUp',
    ],
  )
  t.match(steps[2], { was: '1' })
  t.strictSame(plan.routePlan(addressed), [
    { verb: 'addRoute', where: 'pod', how: 'prepend', route: { dst: '0.0.0.0/0', dev: 'eth0', via: '10.6.0.1' } },
    { verb: 'addRoute', where: 'pod', how: 'prepend', route: { dst: '::/0', dev: 'eth0', via: 'fd06::1' } },
    {
      verb: 'addRoute',
      where: 'pod',
      how: 'prepend',
      route: { dst: '10.9.0.0/24', dev: 'eth0', via: '10.6.0.2', mtu: 1300, metric: 5, table: 100, scope: 0 },
    },
  ])
  t.equal(plan.needsSettling(addressed), true)
  const noGateway = plan.addressedBy('eth0', { ips: [{ address: 'fd06::5/64' }] })
  t.equal(plan.needsSettling(noGateway), true, 'a duplicate is found also without a gateway')
  t.end()
})

t.test('addressPlan() of an IPv4 pod sets no IPv6 sysctl but ndisc_notify; no DAD', t => {
  const addressed = plan.addressedBy('eth0', { ips: [{ address: '10.6.0.5/16' }] })
  const steps = plan.addressPlan({ ifName: 'eth0' }, addressed, EMPTY_NETNS)
  t.strictSame(
    steps.map(({ verb }) => verb),
    ['setSysctl', 'setSysctl', 'addAddress', 'setUp'],
  )
  t.equal(plan.needsSettling(addressed), false)
  t.end()
})

for (const [name, result, message] of [
  ['no address', {}, 'IPAM plugin returned missing IP config'],
  [
    'an address without length',
    { ips: [{ address: '10.6.0.5' }] },
    'the IPAM\'s result has ips[].address "10.6.0.5", which is not valid',
  ],
  [
    'a gateway that is none',
    { ips: [{ address: '10.6.0.5/16', gateway: 'gw' }] },
    'the IPAM\'s result has ips[].gateway "gw", which is not valid',
  ],
  [
    'a route to nowhere',
    { ips: [{ address: '10.6.0.5/16' }], routes: [{ dst: 'x' }] },
    'the IPAM\'s result has routes[].dst "x", which is not valid',
  ],
] as const)
  t.test(`addressedBy() rejects a result with ${name}`, t => {
    t.throws(() => plan.addressedBy('eth0', result), { message })
    t.end()
  })

t.test('settlementOf() is ready without tentative addresses, and names a duplicate', t => {
  const address = { ip: ip('fd06::5'), length: 64 }
  const at = (flags: { tentative: boolean; dadFailed: boolean }): NetnsState => ({
    ...EMPTY_NETNS,
    addresses: [{ dev: 'eth0', address, scope: 0, ...flags }],
  })
  const addressed = plan.addressedBy('eth0', { ips: [{ address: 'fd06::5/64' }] })
  for (const [flags, settlement, announced] of [
    [{ tentative: true, dadFailed: false }, { kind: 'waiting' }, []],
    [{ tentative: true, dadFailed: true }, { kind: 'failed', ip: 'fd06::5' }, []],
    [{ tentative: false, dadFailed: false }, { kind: 'ready' }, ['fd06::5']],
  ] as const) {
    t.strictSame(settlementOf(at(flags), 'eth0'), settlement)
    t.strictSame(plan.announceable(at(flags), 'eth0', addressed), announced)
  }
  t.strictSame(plan.announceable(EMPTY_NETNS, 'eth0', addressed), [], 'what is not there is not announced')
  t.end()
})

const DAD = {
  delay: 'net/ipv6/conf/eth0/router_solicitation_delay',
  probes: 'net/ipv6/conf/eth0/dad_transmits',
  interval: 'net/ipv6/neigh/eth0/retrans_time_ms',
}
for (const [name, values, wanted] of [
  ['the kernel’s defaults', ['1', '1', '1000'], [`${DAD.delay}=0`, `${DAD.probes}=3`, `${DAD.interval}=60`]],
  ['more probes, which are kept', ['1', '5', '1000'], [`${DAD.delay}=0`, `${DAD.interval}=60`]],
  ['what it would set', ['0', '3', '60'], []],
  ['DAD off, which stays off', ['1', '0', '1000'], []],
  ['a NIC without IPv6', [undefined, undefined, undefined], []],
  ['a kernel without the neighbour sysctl', ['1', '1', undefined], [`${DAD.delay}=0`, `${DAD.probes}=3`]],
] as const)
  t.test(`shortDadPlan() of ${name}`, t => {
    const [delay, probes, interval] = values
    const sysctls = { [DAD.delay]: delay, [DAD.probes]: probes, [DAD.interval]: interval }
    const steps = shortDadPlan('eth0', { ...EMPTY_NETNS, sysctls })
    t.strictSame(
      steps.map(step => (step.verb === 'setSysctl' ? `${step.path}=${step.value}` : step.verb)),
      wanted,
    )
    for (const step of steps) t.match(step, { was: step.verb === 'setSysctl' ? sysctls[step.path] : '' })
    t.strictSame(dadSysctlsOf('eth0'), Object.values(DAD), 'what it depends on is observed')
    t.end()
  })

t.test('settlePauseMs() is short at the end of DAD, and a few per cent where it is late', t => {
  for (const [elapsedMs, pauseMs] of [
    [0, 90],
    [90, 45],
    [170, 10],
    [185, 10],
    [1000, 50],
  ] as const)
    t.equal(settlePauseMs(elapsedMs), pauseMs)
  t.end()
})

t.test('planForDel() depends on the attachment only', t => {
  t.strictSame(
    plan.planForDel({ containerID: 'c1', ifName: 'eth0' }).map(step => 'name' in step && step.name),
    [TEMPORARY, 'eth0'],
  )
  t.end()
})

t.test('resultOf() has the observed link, and the conf’s dns over the IPAM’s', t => {
  const nic = { ...master, name: 'eth0', mtu: 1400 }
  const { config } = callOf({ dns: { nameservers: ['10.0.0.1'], domain: 'a' } })
  t.strictSame(plan.resultOf({ ...callOf({}), config }, nic, { ...ipam, dns: { domain: 'b' } }), {
    interfaces: [{ name: 'eth0', mtu: 1400, sandbox: '/run/netns/pod' }],
    ips: ipam.ips.map(one => ({ ...one, interface: 0 })),
    routes: ipam.routes,
    dns: { nameservers: ['10.0.0.1'], domain: 'a' },
  })
  t.end()
})

const at = { where: 'pod', name: TEMPORARY } as const
const words: readonly [step: Step, code: string, reason: string, message: string, details: RegExp][] = [
  [
    { verb: 'addLink', ...at, link: macvlan },
    'EINVAL',
    'invalid argument',
    'failed to create macvlan: invalid argument',
    /mode "bridge" on master "m0"/,
  ],
  [
    { verb: 'addLink', ...at, link: macvlan },
    'EBUSY',
    'busy',
    'failed to create macvlan: busy',
    /master "m0" is in use/,
  ],
  [{ verb: 'addLink', ...at, link: macvlan }, 'EPERM', 'no', 'failed to create macvlan: no', /CAP_NET_ADMIN/],
  [
    { verb: 'rename', ...at, to: 'eth0' },
    'EEXIST',
    'file exists',
    'failed to rename macvlan to "eth0": file exists',
    /left as it is/,
  ],
  [
    { verb: 'setUp', ...at, was: false },
    'ENETDOWN',
    'network is down',
    'failed to set "eth0" UP: network is down',
    /^$/,
  ],
  [
    {
      verb: 'addRoute',
      where: 'pod',
      how: 'prepend',
      route: { dst: cidr('0.0.0.0/0'), via: ip('10.9.0.1'), dev: 'eth0' },
    },
    'ENETUNREACH',
    'network is unreachable',
    "failed to add route '0.0.0.0/0 via 10.9.0.1 dev eth0 metric 0 (Scope: universe, Table: 0)': network is unreachable",
    /gateway 10\.9\.0\.1 is in none/,
  ],
]
for (const [step, code, reason, message, details] of words)
  t.test(`refusalOf() of ${step.verb}: ${message}`, t => {
    t.match(refusalOf({ step, code, reason, ifName: 'eth0' }), { message, details, code: 999 })
    t.end()
  })

t.test('accepts() takes the conf of README.md', t => {
  const readme = readFileSync(new URL('../../../plugins/macvlan-wrapper/README.md', import.meta.url), 'utf8')
  const [, json = ''] = /```json\n([^]*?)```/.exec(readme) ?? []
  t.match(accepts(JSON.parse(json)), { master: 'eth0', mode: 'bridge', ipamType: 'spiderpool', mtu: 0 })
  t.end()
})
