// Kernel routes of annotation ipam.spidernet.io/routes and of link-local gateways, with
// macvlan-wrapper and coordinator.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { openCluster, type PodRef } from '../fixtures/cluster.js'
import { BIN, cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'
import { openNetwork, type Place } from '../fixtures/netns.js'
import { openPassage } from '../fixtures/port-forward.js'

const network = openNetwork()
const { node, wire } = network
const server = await startApiserver()
const port = Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(server.kubeconfig, 'utf8'))?.[1])
const passage = await openPassage({ place: node.name, port })
t.teardown(async () => {
  passage()
  network.close()
  await server.stop()
})
node.sh('ip addr add 10.6.0.10/16 dev eth0; ip route add default via 10.6.0.1')
node.sh('ip addr add fd06::10/64 dev eth0 nodad; ip -6 route add default via fd06::1')
wire.sh('ip addr add 10.7.0.1/16 dev br0; ip addr add fd07::1/64 dev br0 nodad; ip addr add fe80::1/64 dev br0 nodad')
// Beyond the router: an address on no link of the pods.
wire.sh('ip addr add 192.0.2.1/32 dev lo; ip addr add 2001:db8::1/128 dev lo nodad')

const cluster = openCluster(server.kubeconfig)
const KEY = 'ipam.spidernet.io'
const POOLS = {
  a4: { subnet: '10.6.0.0/16', ips: ['10.6.1.1-10.6.1.99'], gateway: '10.6.0.1' },
  a6: { subnet: 'fd06::/64', ips: ['fd06::1:1-fd06::1:99'], gateway: 'fd06::1' },
  b4: { subnet: '10.7.0.0/16', ips: ['10.7.1.1-10.7.1.99'], gateway: '10.7.0.1' },
  b6: { subnet: 'fd07::/64', ips: ['fd07::1:1-fd07::1:99'], gateway: 'fd07::1' },
  routed4: {
    ...{ subnet: '10.6.0.0/16', ips: ['10.6.2.1-10.6.2.99'], gateway: '10.6.0.1' },
    routes: [
      { dst: '10.8.0.0/16', gw: '10.6.0.2' },
      { dst: '10.9.0.0/16', gw: '10.6.0.2' },
    ],
  },
  routed6: {
    ...{ subnet: 'fd06::/64', ips: ['fd06::2:1-fd06::2:99'], gateway: 'fd06::1' },
    routes: [
      { dst: 'fd08::/16', gw: 'fd06::2' },
      { dst: 'fd09::/16', gw: 'fd06::2' },
    ],
  },
  link6: { subnet: 'fd06::/64', ips: ['fd06::3:1-fd06::3:99'], gateway: 'fe80::1' },
} as const
type PoolName = keyof typeof POOLS
const poolName = (name: PoolName): string => `ways-${name}-${process.pid}`
for (const [name, spec] of Object.entries(POOLS)) await cluster.pool(poolName(name as PoolName), spec)

let count = 0
interface Attached {
  readonly pod: PodRef
  readonly place: Place
  readonly id: string
}
async function podWith(
  nics: readonly (readonly [v4: PoolName | undefined, v6: PoolName | undefined])[],
  routes: readonly object[],
): Promise<Attached> {
  const items = nics.map(([v4, v6], at) => ({
    ...{ interface: at === 0 ? 'eth0' : `net${at}`, cleangateway: false },
    ...(v4 && { ipv4: [poolName(v4)] }),
    ...(v6 && { ipv6: [poolName(v6)] }),
  }))
  const pod = await cluster.pod(`ways-${process.pid}-${count++}`, {
    [`${KEY}/ippools`]: JSON.stringify(items),
    ...(routes.length > 0 && { [`${KEY}/routes`]: JSON.stringify(routes) }),
  })
  return { pod, place: network.pod(), id: `${pod.name}-id` }
}

const UNDER = ['ip', 'netns', 'exec', node.name]
function call(verb: string, name: string, { pod, place, id }: Attached, conf: object, ifName = 'eth0'): Promise<Reply> {
  const env = cniEnv({ verb, containerID: id, netns: place.path, ifName, pod })
  return runExecutable({ name, env, bin: BIN, under: UNDER, stdin: JSON.stringify({ name: 'ways', ...conf }) })
}
const macvlan = (ipam: object = {}) => ({
  ...{ cniVersion: '1.0.0', type: 'macvlan-wrapper', master: 'eth0' },
  ipam: { type: 'spiderpool', kubeconfig: server.kubeconfig, log_file_path: '/dev/null', ...ipam },
})
const coordinator = (prevResult: unknown, more: object = {}) => ({
  ...{ cniVersion: '1.0.0', type: 'coordinator', mode: 'underlay', logOptions: { logFile: '/dev/null' } },
  ...{ overlayPodCIDR: ['10.244.0.0/16', 'fd44::/56'], serviceCIDR: ['10.96.0.0/12', 'fd00:10:96::/112'] },
  ...{ prevResult, ...more },
})

/** Both plugins, as chained; the answer of the first that fails, or of the last. */
async function chained(verb: string, of: Attached, ifName = 'eth0', prevResult?: unknown): Promise<Reply> {
  if (verb === 'ADD') {
    const first = await call(verb, 'macvlan-wrapper', of, macvlan(), ifName)
    return first.status === 0 ? call(verb, 'coordinator', of, coordinator(first.json), ifName) : first
  }
  const last = await call(verb, 'coordinator', of, coordinator(prevResult), ifName)
  if (last.status !== 0) return last
  return call(verb, 'macvlan-wrapper', of, { ...macvlan(), ...(prevResult !== undefined && { prevResult }) }, ifName)
}

interface Hop {
  readonly dst: string
  readonly gateway?: string
  readonly dev?: string
  readonly nexthops?: readonly { readonly gateway?: string }[]
}
/** `dst via gateways` of table main, for gateways on the network. */
function waysOf({ place }: Attached, dev = 'eth0'): readonly string[] {
  const all = ['-4', '-6'].flatMap(
    family => JSON.parse(place.sh(`ip -j ${family} route show table main dev ${dev}`) || '[]') as readonly Hop[],
  )
  const multi = JSON.parse(place.sh('ip -j -6 route show table main') || '[]') as readonly Hop[]
  return [
    ...all.flatMap(({ dst, gateway }) => (gateway === undefined ? [] : `${dst} via ${gateway}`)),
    ...multi.flatMap(({ dst, nexthops }) =>
      nexthops ? `${dst} via ${nexthops.map(({ gateway }) => gateway).join(' and ')}` : [],
    ),
  ].sort()
}

async function ended(of: Attached, ...ifNames: readonly string[]): Promise<void> {
  await cluster.removePod(of.pod)
  for (const ifName of ifNames) {
    const { status, stdout } = await chained('DEL', of, ifName)
    if (status !== 0) throw new Error(`DEL of ${ifName}: ${stdout}`)
  }
}

t.test('ADD of a pod with its own default route: it is the only one in the kernel', async t => {
  wire.sh('ip addr add 10.6.0.254/16 dev br0; ip addr add fd06::254/64 dev br0 nodad')
  const of = await podWith(
    [['a4', 'a6']],
    [
      { dst: '0.0.0.0/0', gw: '10.6.0.254' },
      { dst: '::/0', gw: 'fd06::254' },
    ],
  )
  const added = await chained('ADD', of)
  t.equal(added.status, 0, added.stdout)
  t.strictSame(waysOf(of), ['default via 10.6.0.254', 'default via fd06::254'])
  for (let n = 0; n < 4; n++) {
    t.match(of.place.sh(`ip -6 route get 2001:db8::${n}`), /via fd06::254/, 'no flow goes another way')
    t.match(of.place.sh(`ip route get 192.0.2.${n}`), /via 10\.6\.0\.254/)
  }
  t.match(of.place.sh('ping -c1 -W2 192.0.2.1 && ping -c1 -W2 2001:db8::1'), / 0% packet loss/)
  const checked = await chained('CHECK', of, 'eth0', added.json)
  t.equal(checked.status, 0, checked.stdout)
  await ended(of, 'eth0')
})

t.test('ADD of a pod with the same routes as the pool adds each once', async t => {
  const of = await podWith(
    [['routed4', 'routed6']],
    [
      { dst: '0.0.0.0/0', gw: '10.6.0.1' },
      { dst: '0.0.0.0/0', gw: '10.6.0.1' },
      { dst: '::/0', gw: 'fd06:0::1' },
      { dst: '10.8.0.0/16', gw: '10.6.0.2' },
      { dst: 'fd08::/16', gw: 'fd06::2' },
    ],
  )
  const added = await chained('ADD', of)
  t.equal(added.status, 0, added.stdout)
  t.strictSame(waysOf(of), [
    ...['10.8.0.0/16 via 10.6.0.2', '10.9.0.0/16 via 10.6.0.2', 'default via 10.6.0.1', 'default via fd06::1'],
    ...['fd08::/16 via fd06::2', 'fd09::/16 via fd06::2'],
  ])
  await ended(of, 'eth0')
})

t.test("ADD of a pod with routes to the pool's destinations: the pod's are used", async t => {
  const of = await podWith(
    [['routed4', 'routed6']],
    [
      { dst: '10.8.0.9/16', gw: '10.6.0.3' },
      { dst: 'fd08::9/16', gw: 'fd06::3' },
    ],
  )
  const added = await chained('ADD', of)
  t.equal(added.status, 0, added.stdout)
  t.strictSame(waysOf(of), [
    ...['10.8.0.0/16 via 10.6.0.3', '10.9.0.0/16 via 10.6.0.2', 'default via 10.6.0.1', 'default via fd06::1'],
    ...['fd08::/16 via fd06::3', 'fd09::/16 via fd06::2'],
  ])
  await ended(of, 'eth0')
})

t.test('ADDs of a pod with several interfaces: each route is only on the interface that has its gateway', async t => {
  const of = await podWith(
    [
      ['routed4', 'routed6'],
      ['b4', 'b6'],
    ],
    [
      { dst: '10.8.0.0/16', gw: '10.7.0.3' },
      { dst: 'fd08::/16', gw: 'fd07::3' },
      { dst: '0.0.0.0/0', gw: '10.6.0.254' },
    ],
  )
  for (const ifName of ['eth0', 'net1']) {
    const added = await chained('ADD', of, ifName)
    t.equal(added.status, 0, added.stdout)
  }
  t.strictSame(waysOf(of), [
    ...['10.9.0.0/16 via 10.6.0.2', 'default via 10.6.0.254', 'default via fd06::1', 'fd09::/16 via fd06::2'],
  ])
  t.strictSame(waysOf(of, 'net1'), ['10.8.0.0/16 via 10.7.0.3', 'fd08::/16 via fd07::3'])
  await ended(of, 'net1', 'eth0')
})

t.test('ADD refuses a pod with two routes to one destination, and leaves nothing', async t => {
  const before = (await cluster.addresses()).length
  for (const [dst, other, one, two] of [
    ['10.8.0.0/16', '10.8.0.1/16', '10.6.0.1', '10.6.0.2'],
    ['::/0', '::/0', 'fd06::1', 'fd06::2'],
  ] as const) {
    const of = await podWith(
      [['a4', 'a6']],
      [
        { dst, gw: one },
        { dst: other, gw: two },
      ],
    )
    const added = await chained('ADD', of)
    t.equal(added.status, 1)
    const { code, msg } = added.json as { code: number; msg: string }
    t.equal(code, 103)
    t.ok(msg.includes(`annotation ${KEY}/routes of pod default/${of.pod.name} has two routes to ${dst}`), msg)
    t.ok(msg.includes(`{"dst":"${dst}","gw":"${one}"} and {"dst":"${other}","gw":"${two}"}`), msg)
    t.strictSame(of.place.links(), [])
    await cluster.removePod(of.pod)
  }
  t.equal((await cluster.addresses()).length, before)
})

t.test('ADD from a pool with a link-local gateway: the default route uses it, and it is probed', async t => {
  const of = await podWith([['a4', 'link6']], [{ dst: 'fd08::/16', gw: 'fe80::1' }])
  const flags = { enableGatewayDetection: true, enableIPConflictDetection: true }
  const first = await call('ADD', 'macvlan-wrapper', of, macvlan(flags))
  t.equal(first.status, 0, first.stdout)
  const added = await call('ADD', 'coordinator', of, coordinator(first.json, { detectGateway: true }))
  t.equal(added.status, 0, added.stdout)
  t.strictSame(waysOf(of), ['default via 10.6.0.1', 'default via fe80::1', 'fd08::/16 via fe80::1'])
  t.match(of.place.sh('ping -c1 -W2 2001:db8::1'), / 0% packet loss/)
  t.equal((await chained('CHECK', of, 'eth0', added.json)).status, 0)
  await ended(of, 'eth0')
})

t.test('ADD from a pool with an unreachable link-local gateway names it', async t => {
  wire.sh('ip addr del fe80::1/64 dev br0')
  const of = await podWith([[undefined, 'link6']], [])
  const added = await call('ADD', 'macvlan-wrapper', of, macvlan({ enableGatewayDetection: true }))
  wire.sh('ip addr add fe80::1/64 dev br0 nodad')
  t.match(added.json, { code: 109, msg: /gateway fe80::1 is unreachable/ })
  await cluster.removePod(of.pod)
})

t.test('ADDs of two interfaces with the same link-local gateway: each replies through its own', async t => {
  const of = await podWith(
    [
      [undefined, 'link6'],
      [undefined, 'link6'],
    ],
    [],
  )
  for (const ifName of ['eth0', 'net1']) {
    const added = await chained('ADD', of, ifName)
    t.equal(added.status, 0, added.stdout)
  }
  t.strictSame(waysOf(of), ['default via fe80::1'])
  t.match(of.place.sh('ip -6 route show table all dev net1'), /default via fe80::1 .*table|default via fe80::1 table/)
  t.match(of.place.sh('ping -c1 -W2 2001:db8::1'), / 0% packet loss/)
  await ended(of, 'net1', 'eth0')
})
