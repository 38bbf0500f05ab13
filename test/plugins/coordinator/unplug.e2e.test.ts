// DEL of a secondary interface with any plugin for eth0: the routes before its ADD are restored.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { nicOf, openCoordination, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import { BIN, cniEnv } from '../../fixtures/executable.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach, detach, overlay } = world
const [net1, net2] = [nicOf('net1', 7), nicOf('net2', 8)] as const

interface Kind {
  readonly name: string
  /** Makes eth0 of a pod; the number is the pod's. */
  make(pod: Place, at: number): Promise<void> | void
  /** Changes it as other programs do. */
  readonly bend?: string
}

const DEFAULTS = [{ dst: '0.0.0.0/0' }, { dst: '::/0' }] as const
const addresses = (subnet: number, at: number): readonly object[] => [
  { address: `10.244.${subnet}.${at}/24`, gateway: `10.244.${subnet}.1` },
  { address: `fd44:${subnet}::${at}/64`, gateway: `fd44:${subnet}::1` },
]

/** Debian's own plugin makes eth0. */
async function plugin(type: string, pod: Place, conf: object): Promise<void> {
  const { status, stdout } = await world.call({
    ...{ verb: 'ADD', name: type, bin: '/usr/lib/cni', pod, containerID: `o${pod.name}` },
    conf: { cniVersion: '1.0.0', name: 'overlay', type, ...conf },
  })
  if (status !== 0) throw new Error(`${type}: ${stdout}`)
}

const ipamOf = (subnet: number, at: number, routes: readonly object[]): object => ({
  ipam: { type: 'static', addresses: addresses(subnet, at), routes },
})

const BRIDGE = { isGateway: true, ipMasq: false, hairpinMode: true }
const KINDS: readonly Kind[] = [
  {
    name: 'bridge with its gateway on-link',
    make: (pod, at) => plugin('bridge', pod, { ...BRIDGE, bridge: 'cni0', ...ipamOf(1, at, DEFAULTS) }),
  },
  {
    name: 'flannel, with a route to all pods',
    make: (pod, at) =>
      plugin('bridge', pod, {
        ...{ ...BRIDGE, bridge: 'cni1' },
        ...ipamOf(2, at, [...DEFAULTS, { dst: '10.244.0.0/16' }, { dst: 'fd44::/56' }]),
      }),
  },
  { name: 'ptp, with a route to the node', make: (pod, at) => plugin('ptp', pod, ipamOf(3, at, DEFAULTS)) },
  { name: 'Calico', make: (pod, at) => overlay(pod, at) },
  {
    name: 'Cilium, with an MTU at its default',
    make: (pod, at) => overlay(pod, at),
    bend: `ip route replace default via 169.254.1.1 dev eth0 mtu 1450
      ip route add 10.96.0.0/12 via 169.254.1.1 dev eth0`,
  },
]

const CONFS: readonly object[] = [{}, { podDefaultRouteNic: 'net1' }, { tunePodRoutes: false }]

async function done(verb: string, pod: Place, nic: Nic, conf: object): Promise<void> {
  const { status, stdout } = await coordinate(verb, pod, nic, { conf })
  if (status !== 0) throw new Error(`${verb} ${nic.name}: ${stdout}`)
}

const NODE = ['10.6.0.10', 'fd06::10'] as const
const answered = (pod: Place): readonly string[] =>
  NODE.filter(ip => pod.sh(`ping -c1 -W1 ${ip} || ping -c1 -W1 ${ip} || true`).includes('1 received'))

const reaches = (t: Test, pod: Place, when: string): void => void t.strictSame(answered(pod), NODE, `reached ${when}`)

let pods = 10
for (const { name, make, bend = 'true' } of KINDS)
  for (const conf of name.startsWith('bridge') ? CONFS : CONFS.slice(0, 1))
    t.test(`DEL of net1 leaves the routes of an eth0 by ${name}, ${JSON.stringify(conf)}`, async t => {
      const pod = world.pod()
      await make(pod, pods++)
      pod.sh(bend)
      const before = dumpOf(pod)
      const could = answered(pod)
      attach(pod, net1)
      await done('ADD', pod, net1, conf)
      reaches(t, pod, 'with net1')
      await done('ADD', pod, net1, conf)
      await done('CHECK', pod, net1, conf)
      attach(pod, net2)
      await done('ADD', pod, net2, {})
      reaches(t, pod, 'with net2')
      await done('DEL', pod, net2, {})
      detach(pod, net2)
      reaches(t, pod, 'after DEL of net2')
      await done('DEL', pod, net1, conf)
      detach(pod, net1)
      t.equal(dumpOf(pod), before, 'to the byte')
      const can = answered(pod)
      t.strictSame(
        could.filter(ip => !can.includes(ip)),
        [],
        'reached after DEL of net1 as before',
      )
      t.notMatch(node.sh('ip rule; ip -6 rule'), 'lookup 500')
      pod.sh('ip link del eth0')
    })

t.test('ADD with a master that is down adds the host routes, and its log names the master', async t => {
  const pod = world.pod()
  node.sh('ip link set eth0 down')
  const eth0 = { name: 'eth0', v4: '10.6.0.20/16' }
  attach(pod, eth0)
  await done('ADD', pod, eth0, {})
  t.match(readFileSync(world.log, 'utf8'), 'master eth0 of eth0 is down on the node: ip link set eth0 up')
  await done('DEL', pod, eth0, {})
  detach(pod, eth0)
  node.sh('ip link set eth0 up')
})

t.test('--plan rejects an unknown format and changes nothing', async t => {
  const pod = world.pod()
  const { status, stdout } = spawnSync(`${BIN}/coordinator`, ['--plan=xml'], {
    env: cniEnv({ verb: 'ADD', containerID: 'c', netns: pod.path }),
    encoding: 'utf8',
    input: '{}',
  })
  t.equal(status, 1)
  t.match(stdout, 'unknown argument --plan=xml: a plan is shown as text with --plan, as JSON with --plan=json')
})
