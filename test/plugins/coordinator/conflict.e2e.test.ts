// detectIPConflict and detectGateway with real hosts: the code, the message, and nothing left.
import { readFileSync, rmSync } from 'node:fs'
import t from 'tap'
import { nicOf, openCoordination, stateOf, type Nic } from '../../fixtures/coordination.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach, detach } = world
const BOTH = { detectIPConflict: true, detectGateway: true }
const eth0 = nicOf('eth0', 6)
const net1 = nicOf('net1', 7)

const allOf = (pod: Place): object => ({
  states: [stateOf(pod), stateOf(node)],
  links: [pod, node].map(place => place.sh('ip -o link | cut -d\\  -f2-3')),
})
const macOf = (pod: Place, nic: Nic): string => pod.sh(`cat /sys/class/net/${nic.name}/address`).trim()
const conflict = (nic: Nic, ip: string, mac: string): string =>
  `ip conflict: pod's interface ${nic.name} with an conflicting ip ${ip}, ${ip} is located at ${mac}`

t.test(
  'free addresses and gateways that answer are coordinated; looking twice is no conflict with oneself',
  async t => {
    const pod = world.pod()
    attach(pod, eth0)
    for (const time of ['first', 'again']) {
      const { status, stdout } = await coordinate('ADD', pod, eth0, { conf: BOTH })
      t.equal(status, 0, `${time} ${status === 0 ? '' : stdout}`)
    }
    attach(pod, net1)
    t.equal(
      (await coordinate('ADD', pod, net1, { conf: BOTH })).status,
      0,
      'a secondary interface, for which eth0 answers too',
    )
    t.equal(
      (await coordinate('ADD', pod, net1, { conf: BOTH })).status,
      0,
      'whose default route is in its table by now',
    )
    t.equal((await coordinate('DEL', pod, eth0)).status, 0)
    for (const nic of [eth0, net1]) detach(pod, nic)
  },
)

for (const family of ['v4', 'v6'] as const)
  t.test(`detectIPConflict rejects an address with the other host’s MAC: ${family}`, async t => {
    const [other, pod] = [world.pod(), world.pod()]
    const nic = nicOf('eth0', 6, family, 30)
    attach(other, nic)
    attach(pod, nic)
    const before = allOf(pod)
    const { json } = await coordinate('ADD', pod, nic, { conf: BOTH })
    const ip = family === 'v4' ? '10.6.0.30' : 'fd06::30'
    t.match(json, { code: 108, msg: conflict(nic, ip, macOf(other, nic)) })
    t.strictSame(allOf(pod), before, 'nothing left')
    t.equal((await coordinate('ADD', pod, nic, { conf: { detectGateway: true } })).status, 0, 'not asked, not refused')
    t.equal((await coordinate('DEL', pod, nic)).status, 0)
    for (const place of [other, pod]) detach(place, nic)
  })

t.test('detectIPConflict of a secondary interface leaves the default interface unchanged', async t => {
  const [other, pod] = [world.pod(), world.pod()]
  attach(other, net1)
  attach(pod, eth0)
  t.equal((await coordinate('ADD', pod, eth0)).status, 0)
  attach(pod, net1)
  const before = allOf(pod)
  const { json } = await coordinate('ADD', pod, net1, { conf: BOTH })
  const mac = macOf(other, net1)
  t.match(json, { code: 108, msg: conflict(net1, '10.7.0.20', mac), details: conflict(net1, 'fd07::20', mac) })
  t.strictSame(allOf(pod), before)
  t.equal((await coordinate('DEL', pod, eth0)).status, 0)
})

const VIPS = { v4: '10.6.0.77', v6: 'fd06::77' } as const
for (const family of ['v4', 'v6'] as const)
  for (const [link, host] of [
    ['eth0', 10],
    ['lo', 77],
  ] as const)
    for (const conf of [{}, BOTH])
      t.test(`ADD and CHECK of an address of the node: ${family}, ${link}, ${JSON.stringify(conf)}`, async t => {
        const pod = world.pod()
        const nic = nicOf('eth0', 6, family, host)
        const ip = family === 'v4' ? `10.6.0.${host}` : `fd06::${host}`
        const vip = `${VIPS[family]}/${family === 'v4' ? 32 : 128} dev lo`
        const on = (): void => void (link === 'lo' && node.sh(`ip addr add ${vip}`))
        const off = (): void => void (link === 'lo' && node.sh(`ip addr del ${vip}`))
        attach(pod, nic)
        on()
        const before = allOf(pod)
        const { json } = await coordinate('ADD', pod, nic, { conf })
        const mac = macOf(node, { name: 'eth0' })
        const wanted = {
          code: 108,
          msg: conflict(nic, ip, mac),
          details: `${ip} is an address of interface ${link} of this node`,
        }
        t.match(json, wanted)
        t.strictSame(allOf(pod), before, 'nothing left, no route on the node leads to the pod')
        off()
        if (link === 'lo') {
          t.equal((await coordinate('ADD', pod, nic, { conf })).status, 0, 'without the VIP')
          t.equal((await coordinate('CHECK', pod, nic, { conf })).status, 0)
          on()
          t.match((await coordinate('CHECK', pod, nic, { conf })).json, wanted, 'a VIP that comes later')
          off()
          t.equal((await coordinate('DEL', pod, nic)).status, 0)
        }
        detach(pod, nic)
      })

for (const nic of [
  { name: 'eth0', v4: '10.5.0.20/16' },
  { name: 'eth0', v6: 'fd05::20/64' },
])
  t.test(`detectGateway rejects a gateway that does not answer: ${JSON.stringify(nic)}`, async t => {
    const pod = world.pod()
    attach(pod, nic)
    const before = allOf(pod)
    const { json } = await coordinate('ADD', pod, nic, { conf: BOTH })
    t.match(json, { code: 109, msg: `gateway ${nic.v4 ? '10.5.0.1' : 'fd05::1'} is unreachable` })
    t.strictSame(allOf(pod), before, 'nothing left')
    t.equal((await coordinate('ADD', pod, nic, { conf: { detectIPConflict: true } })).status, 0, 'not asked for')
    t.equal((await coordinate('DEL', pod, nic)).status, 0)
  })

t.test('ADD that fails sets an interface down again that was down before', async t => {
  const [other, pod] = [world.pod(), world.pod()]
  const nic = nicOf('eth0', 6, 'v4', 31)
  attach(other, nic)
  attach(pod, nic)
  pod.sh('ip link set eth0 down')
  const before = allOf(pod)
  t.match((await coordinate('ADD', pod, nic, { conf: BOTH })).json, { code: 108 })
  t.strictSame(allOf(pod), before)
})

/** Under strace: the sockets and the waits of the one thread that does it all. */
const traced = (file: string, ...inject: readonly string[]): readonly string[] => [
  ...['strace', '-f', '-qq', '-o', file, '-e', 'trace=socket,poll', ...inject],
]
t.test('detection probes all addresses on one socket, sleeps between probes, and survives signals', async t => {
  const [other, pod] = [world.pod(), world.pod()]
  const nic = nicOf('eth0', 6, 'both', 32)
  attach(pod, nic)
  const file = `${world.log}.calls`
  t.equal((await coordinate('ADD', pod, nic, { conf: BOTH, under: traced(file) })).status, 0)
  const calls = readFileSync(file, 'utf8').split('\n')
  rmSync(file)
  t.equal(calls.filter(line => line.includes('socket(AF_PACKET')).length, 1)
  t.ok(calls.filter(line => line.includes('poll(')).length < 100, 'it waits, and does not ask again and again')
  t.equal((await coordinate('DEL', pod, nic)).status, 0)
  attach(other, nic)
  const signals = traced('/dev/null', '-e', 'inject=poll:error=EINTR:when=1+2')
  const { json } = await coordinate('ADD', pod, nic, { conf: BOTH, under: signals })
  t.match(json, { code: 108, msg: conflict(nic, '10.6.0.32', macOf(other, nic)) }, 'every second wait is interrupted')
  for (const place of [pod, other]) detach(place, nic)
})
