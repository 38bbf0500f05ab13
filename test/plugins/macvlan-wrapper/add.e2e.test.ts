// ADD of the real program on a real kernel: every mode and key, what it answers, and that a failed
// ADD leaves nothing.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { GATEWAY, openNetwork, type Place } from '../../fixtures/netns.js'

const folder = mkdtempSync(`${tmpdir()}/macvlan-`)
const network = openNetwork()
t.teardown(() => {
  network.close()
  rmSync(folder, { recursive: true })
})
const { node, wire, call } = network

const fixed = (address = '10.6.0.5/16') => ({
  type: 'static',
  addresses: [{ address, gateway: GATEWAY.v4 }],
  routes: [{ dst: '0.0.0.0/0' }],
})
const conf = (more: object = {}) => ({
  cniVersion: '1.0.0',
  name: 'net',
  type: 'macvlan',
  master: 'eth0',
  ipam: fixed(),
  ...more,
})

interface Shown {
  readonly address: string
  readonly mtu: number
  readonly flags: readonly string[]
  readonly linkinfo: {
    readonly info_kind: string
    readonly info_data: { readonly mode: string; readonly bcqueuelen: number }
  }
}
const shown = (pod: Place, link = 'eth0'): Shown | undefined =>
  (JSON.parse(pod.sh(`ip -d -j link show ${link}`)) as Shown[])[0]

for (const mode of ['private', 'vepa', 'bridge', 'passthru'])
  t.test(`ADD with mode ${mode} creates a macvlan of mode ${mode}, addressed and up`, async t => {
    const pod = network.pod()
    const { status, json } = await call({ verb: 'ADD', conf: conf({ mode }), pod })
    t.equal(status, 0)
    t.match(json, {
      ips: [{ interface: 0, address: '10.6.0.5/16', gateway: GATEWAY.v4 }],
      routes: [{ dst: '0.0.0.0/0' }],
    })
    t.match(shown(pod), { linkinfo: { info_kind: 'macvlan', info_data: { mode } } })
    t.ok(shown(pod)?.flags.includes('UP'))
    t.match(pod.sh('ip route'), `default via ${GATEWAY.v4} dev eth0`)
    t.match(pod.sh('ip addr show eth0'), 'inet 10.6.0.5/16 brd 10.6.255.255 scope global eth0')
    t.equal((await call({ verb: 'DEL', conf: conf({ mode }), pod })).status, 0)
    t.strictSame(pod.links(), [])
  })

t.test('ADD with mode passthru rejects a MAC that the kernel would pass over, and leaves nothing', async t => {
  const pod = network.pod()
  const asked = conf({ mode: 'passthru', mac: '02:00:00:00:00:99' })
  const { status, json } = await call({ verb: 'ADD', conf: asked, pod })
  t.equal(status, 1)
  t.match(json, { code: 7, msg: /^MAC address 02:00:00:00:00:99 cannot be set with mode "passthru": .* master "eth0"/ })
  t.strictSame(pod.links(), [])
  const own = /link\/ether (\S+)/.exec(network.node.sh('ip -o link show eth0'))?.[1] ?? ''
  t.equal((await call({ verb: 'ADD', conf: conf({ mode: 'passthru', mac: own }), pod })).status, 0)
  t.match(pod.sh('ip -o link show eth0'), own)
  t.equal((await call({ verb: 'DEL', conf: asked, pod })).status, 0)
})

t.test('ADD: a pod reaches the network', async t => {
  const pod = network.pod()
  t.equal((await call({ verb: 'ADD', conf: conf({ ipam: fixed('10.6.0.6/16') }), pod })).status, 0)
  t.match(pod.sh(`ping -c1 -W2 ${GATEWAY.v4}`), '1 received')
})

const keys: readonly [name: string, conf: object, env: Record<string, string>, want: object][] = [
  ['MTU', { mtu: 1400 }, {}, { mtu: 1400 }],
  ['no MTU takes the master’s', {}, {}, { mtu: 1500 }],
  ['the broadcast queue', { bcqueuelen: 2000 }, {}, { linkinfo: { info_data: { bcqueuelen: 2000 } } }],
  ['the conf’s MAC', { mac: '0a:00:00:00:00:01' }, {}, { address: '0a:00:00:00:00:01' }],
  [
    'the MAC of CNI_ARGS',
    { mac: '0a:00:00:00:00:01' },
    { CNI_ARGS: 'IgnoreUnknown=1;MAC=0a:00:00:00:00:02;K8S_POD_NAME=x' },
    { address: '0a:00:00:00:00:02' },
  ],
  [
    'the MAC of runtimeConfig',
    { mac: '0a:00:00:00:00:01', runtimeConfig: { mac: '0a:00:00:00:00:03' } },
    { CNI_ARGS: 'MAC=0a:00:00:00:00:02' },
    { address: '0a:00:00:00:00:03' },
  ],
]
for (const [name, more, env, want] of keys)
  t.test(`ADD sets ${name}; results of 1.1.0 have the MTU`, async t => {
    const pod = network.pod()
    const { status, json } = await call({
      verb: 'ADD',
      conf: conf({ cniVersion: '1.1.0', ipam: {}, ...more }),
      pod,
      env,
    })
    t.equal(status, 0)
    t.match(shown(pod), want)
    t.strictSame((json as { interfaces: unknown }).interfaces, [
      { name: 'eth0', mac: shown(pod)?.address, mtu: shown(pod)?.mtu, sandbox: pod.path },
    ])
  })

t.test('ADD without ipam creates an interface without addresses, up', async t => {
  const pod = network.pod()
  const { status, json } = await call({ verb: 'ADD', conf: conf({ ipam: {} }), pod })
  t.equal(status, 0)
  t.strictSame(Object.keys(json as object), ['cniVersion', 'interfaces'])
  t.ok(shown(pod)?.flags.includes('UP'))
  t.notMatch(pod.sh('ip addr show eth0'), 'inet ')
})

t.test('ADD of a dual-stack pod waits for DAD', async t => {
  const pod = network.pod()
  const ranges = [
    [{ subnet: '10.6.0.0/16', rangeStart: '10.6.9.9', gateway: GATEWAY.v4 }],
    [{ subnet: 'fd06::/64', gateway: GATEWAY.v6 }],
  ]
  const dual = conf({
    ipam: { type: 'host-local', dataDir: `${folder}/leases`, ranges, routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }] },
  })
  const { status, json } = await call({ verb: 'ADD', conf: dual, pod })
  t.equal(status, 0)
  t.match(json, {
    ips: [
      { address: '10.6.9.9/16', interface: 0 },
      { address: /^fd06::\w+\/64$/, interface: 0 },
    ],
  })
  t.notMatch(pod.sh('ip -6 addr show eth0'), 'tentative')
  t.match(pod.sh('ip -6 route'), `default via ${GATEWAY.v6} dev eth0`)
  t.match(pod.sh(`ping -6 -c1 -W2 ${GATEWAY.v6}`), '1 received')
  t.equal(pod.sh('cat /proc/sys/net/ipv6/conf/eth0/keep_addr_on_down').trim(), '1')
  t.equal((await call({ verb: 'DEL', conf: dual, pod })).status, 0)
  t.equal(
    (await call({ verb: 'ADD', conf: dual, pod })).status,
    0,
    'the addresses were given back and the name is free',
  )
})

t.test('ADD enables IPv6 that the runtime disabled', async t => {
  const pod = network.pod()
  pod.sh('echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6')
  const ipam = { type: 'static', addresses: [{ address: 'fd06::77/64', gateway: GATEWAY.v6 }] }
  t.equal((await call({ verb: 'ADD', conf: conf({ ipam }), pod })).status, 0)
  t.match(pod.sh('ip -6 addr show eth0'), 'fd06::77/64')
})

t.test('ADD with linkInContainer takes a master in the pod', async t => {
  const pod = network.pod()
  pod.sh('ip link add in0 type veth peer name in1 && ip link set in0 up && ip link set in1 up')
  const inside = conf({ master: 'in0', linkInContainer: true, ipam: fixed('10.8.0.5/16') })
  const noRoutes = { ...inside, ipam: { ...inside.ipam, routes: [] } }
  t.equal((await call({ verb: 'ADD', conf: noRoutes, pod, ifName: 'net1' })).status, 0)
  t.match(pod.sh('ip -d link show net1'), /net1@in0.*macvlan mode bridge/s)
  t.match(
    (await call({ verb: 'ADD', conf: conf({ master: 'in0' }), pod })).json,
    { msg: 'Link not found' },
    'and of the node’s without',
  )
  pod.sh('ip addr add 10.9.0.1/16 dev in0 && ip route add default via 10.9.0.2')
  t.equal(
    (await call({ verb: 'ADD', conf: conf({ master: '', linkInContainer: true, ipam: {} }), pod, ifName: 'net2' }))
      .status,
    0,
  )
  t.match(pod.sh('ip link show net2'), 'net2@in0', 'the default route is the pod’s too')
})

t.test('ADD without master takes the default route’s device, of either family', async t => {
  t.match((await call({ verb: 'ADD', conf: conf({ master: '' }), pod: network.pod() })).json, {
    code: 999,
    msg: 'no default route interface found',
  })
  for (const [address, route] of [
    ['10.6.0.2/16', `default via ${GATEWAY.v4}`],
    ['fd06::2/64', `-6 default via ${GATEWAY.v6}`],
  ] as const) {
    const family = address.includes(':') ? '-6' : '-4'
    node.sh(
      `ip addr add ${address} dev eth0 ${family === '-6' ? 'nodad' : ''} && ip ${family} route add ${route.replace('-6 ', '')}`,
    )
    const pod = network.pod()
    t.equal((await call({ verb: 'ADD', conf: conf({ master: '' }), pod })).status, 0)
    t.equal(shown(pod)?.linkinfo.info_kind, 'macvlan')
    node.sh(`ip ${family} route del default && ip addr del ${address} dev eth0`)
  }
})

/** An IPAM of the test's own: `does` on ADD, and every verb into a log. */
function ipamNamed(name: string, does: string): { readonly path: string; log(): string } {
  writeFileSync(
    `${folder}/${name}`,
    `#!/bin/sh\necho $CNI_COMMAND >> ${folder}/${name}.log\n[ $CNI_COMMAND = ADD ] || exit 0\n${does}\n`,
  )
  chmodSync(`${folder}/${name}`, 0o755)
  writeFileSync(`${folder}/${name}.log`, '')
  return { path: folder, log: () => readFileSync(`${folder}/${name}.log`, 'utf8').trim().replaceAll('\n', ' ') }
}
const answers = (result: object): string => `cat <<'END'\n${JSON.stringify({ cniVersion: '1.0.0', ...result })}\nEND`

t.test('ADD announces addresses when the link comes up', async t => {
  wire.sh('echo 1 > /proc/sys/net/ipv4/conf/br0/arp_accept')
  const plain = ipamNamed('plain', answers({ ips: [{ address: '10.6.7.8/16' }] }))
  const pod = network.pod()
  t.equal((await call({ verb: 'ADD', conf: conf({ ipam: { type: 'plain' } }), pod, path: plain.path })).status, 0)
  t.match(wire.sh('ip neigh show 10.6.7.8'), shown(pod)?.address ?? 'no address', 'the switch has heard of it')
})

t.test('ADD announces addresses also if the IPAM has set the link up', async t => {
  wire.sh('echo 1 > /proc/sys/net/ipv4/conf/br0/arp_accept')
  const early = ipamNamed(
    'early',
    `ip netns exec $(basename $CNI_NETNS) ip link set $CNI_IFNAME up\n${answers({ ips: [{ address: '10.6.7.7/16' }] })}`,
  )
  const pod = network.pod()
  t.equal((await call({ verb: 'ADD', conf: conf({ ipam: { type: 'early' } }), pod, path: early.path })).status, 0)
  t.match(wire.sh('ip neigh show 10.6.7.7'), shown(pod)?.address ?? 'no address', 'the switch has heard of it')
})

const failing: readonly [name: string, does: string, msg: RegExp, verbs: string][] = [
  ['no address', answers({}), /^IPAM plugin returned missing IP config$/, 'ADD DEL'],
  ['an error', `echo '{"code":11,"msg":"try later"}'; exit 1`, /^try later$/, 'ADD'],
  ['nothing', 'exit 3', /^netplugin failed with no error message: exit status 3$/, 'ADD'],
  [
    'one address twice',
    answers({ ips: [{ address: '10.6.0.8/16' }, { address: '10.6.0.8/16' }] }),
    /^failed to add IP addr 10.6.0.8\/16 to "eth0": file exists/,
    'ADD DEL',
  ],
  [
    'a gateway that is nowhere',
    answers({ ips: [{ address: '10.6.0.8/16' }], routes: [{ dst: '0.0.0.0/0', gw: '192.0.2.1' }] }),
    /^failed to add route '0.0.0.0\/0 via 192.0.2.1 dev eth0 metric 0 \(Scope: universe, Table: 0\)': network is unreachable \(Nexthop has invalid gateway\)$/,
    'ADD DEL',
  ],
  ['a word for an address', answers({ ips: [{ address: 'ten' }] }), /address "ten"/, 'ADD DEL'],
]
for (const [name, does, msg, verbs] of failing)
  t.test(`ADD fails with an IPAM result with ${name}, and leaves nothing`, async t => {
    const ipam = ipamNamed('failing', does)
    const pod = network.pod()
    const { status, json } = await call({
      verb: 'ADD',
      conf: conf({ ipam: { type: 'failing' } }),
      pod,
      path: ipam.path,
    })
    t.equal(status, 1)
    t.match((json as { msg: string }).msg, msg)
    t.strictSame(pod.links(), [])
    t.equal(ipam.log(), verbs, 'what was taken is given back')
  })

t.test('ADD that fails restores sysctls', async t => {
  const ipam = ipamNamed(
    'failing',
    answers({ ips: [{ address: 'fd06::8/64' }], routes: [{ dst: 'fd09::/64', gw: 'fd08::1' }] }),
  )
  const pod = network.pod()
  pod.sh('echo 1 > /proc/sys/net/ipv6/conf/lo/disable_ipv6')
  const { json } = await call({ verb: 'ADD', conf: conf({ ipam: { type: 'failing' } }), pod, path: ipam.path })
  t.match(json, { msg: /no route to host$/, details: "gateway fd08::1 is in none of the interface's networks" })
  t.equal(pod.sh('cat /proc/sys/net/ipv6/conf/lo/disable_ipv6').trim(), '1')
})

t.test('ADD relays the error of dhcp without its daemon, and leaves nothing', async t => {
  const pod = network.pod()
  const { status, json } = await call({ verb: 'ADD', conf: conf({ ipam: { type: 'dhcp' } }), pod })
  t.equal(status, 1)
  t.match(json, { msg: /dhcp\.sock/ })
  t.strictSame(pod.links(), [])
})

t.test('ADD, CHECK and DEL take an altname, short or long, as master', async t => {
  const { node } = network
  for (const name of ['enp3s0f0np0', 'a-name-of-20-letters', 'x'.repeat(127)]) {
    node.sh(`ip link property add dev eth0 altname ${name}`)
    const pod = network.pod()
    const ipam = { type: 'static', addresses: [{ address: '10.6.0.5/16' }] }
    const added = await call({ verb: 'ADD', conf: conf({ master: name, ipam }), pod })
    t.equal(added.status, 0, added.stdout)
    t.match(JSON.parse(pod.sh('ip -j -d link show eth0')), [{ link_netnsid: 0, linkinfo: { info_kind: 'macvlan' } }])
    const checked = await call({ verb: 'CHECK', conf: conf({ master: name, ipam, prevResult: added.json }), pod })
    t.match(checked, { status: 0, stdout: '' })
    t.match(await call({ verb: 'DEL', conf: conf({ master: name, ipam }), pod }), { status: 0, stdout: '' })
    t.strictSame(pod.links(), [])
  }
  for (const name of ['a-name-of-no-link-at-all', 'x'.repeat(128)])
    t.match(await call({ verb: 'ADD', conf: conf({ master: name }), pod: network.pod() }), {
      status: 1,
      stderr: '',
      json: { code: 999, msg: 'Link not found', details: `master "${name}" is no interface of this node` },
    })
})

t.test('ADD reports a duplicate MAC, and a master that is down', async t => {
  const { node } = network
  const ipam = { type: 'static', addresses: [{ address: '10.6.0.5/16' }] }
  const sibling = network.pod()
  const mac = '0a:00:00:00:00:77'
  t.equal((await call({ verb: 'ADD', conf: conf({ mac, ipam }), pod: sibling })).status, 0)
  const own = node.sh('cat /sys/class/net/eth0/address').trim()
  for (const taken of [mac, own]) {
    const pod = network.pod()
    t.match(await call({ verb: 'ADD', conf: conf({ mac: taken, ipam }), pod, containerID: 'c2' }), {
      status: 1,
      json: {
        msg: 'failed to set "eth0" UP: address already in use',
        details: `another interface on the master, or the master itself, has the MAC ${taken}: give another "mac", or none`,
      },
    })
    t.strictSame(pod.links(), [])
  }
  const failing = ipamNamed('failing', answers({ ips: [{ address: 'x' }] }))
  node.sh('ip link set eth0 down')
  const down = { verb: 'ADD', pod: network.pod(), conf: conf({ ipam: { type: 'failing' } }), path: failing.path }
  t.match((await call(down)).json, {
    msg: /ips\[\]\.address/,
    details: /master "eth0" is down, and nothing is received on it: ip link set eth0 up$/,
  })
  t.equal((await call({ ...down, conf: conf({ ipam }), path: '/usr/lib/cni' })).status, 0, 'as the reference plugin')
  node.sh('ip link set eth0 up')
})
