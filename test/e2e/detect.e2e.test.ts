// Conflict and gateway detection: the executables on a bridge with another host.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { startAgent } from '../fixtures/agent.js'
import { startApiserver } from '../fixtures/apiserver.js'
import { openCluster, type PodRef } from '../fixtures/cluster.js'
import { BIN, cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'
import { nodeEnv } from '../fixtures/node-config.js'
import { GATEWAY, must, openNetwork, type Place } from '../fixtures/netns.js'

const folder = mkdtempSync(`${tmpdir()}/detect-`)
const network = openNetwork()
const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
// The API server is on this namespace's loopback, so the executables run here, on a link into the
// switch.
const master = `dt${process.pid}`
must(`ip link add ${master} type veth peer name up0 netns ${network.wire.name} && ip link set ${master} up`)
network.wire.sh('ip link set up0 master br0 up')
t.teardown(async () => {
  must(`ip link del ${master}`)
  network.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})

/** Another host on the switch, with its own MAC. */
const other = network.pod()
network.wire.sh(`ip link add other type veth peer name eth0 netns ${other.name} && ip link set other master br0 up`)
other.sh('sysctl -qw net.ipv4.conf.all.promote_secondaries=1 && ip link set eth0 up')
const otherMac = other.sh('cat /sys/class/net/eth0/address').trim()
const otherHas = (address: string): void => void other.sh(`ip addr add ${address} dev eth0 nodad`)

let count = 0
interface Case {
  readonly v4?: readonly string[]
  readonly v6?: readonly string[]
  readonly gateway4?: string
  readonly gateway6?: string
}

/** A pool a family and a pod that names them. */
async function podOf({ v4, v6, gateway4, gateway6 }: Case): Promise<PodRef> {
  const name = `detect-${process.pid}-${count++}`
  if (v4) await cluster.pool(`${name}-4`, { subnet: '10.6.0.0/16', ips: v4, ...(gateway4 && { gateway: gateway4 }) })
  if (v6) await cluster.pool(`${name}-6`, { subnet: 'fd06::/64', ips: v6, ...(gateway6 && { gateway: gateway6 }) })
  const wish = { ...(v4 && { ipv4: [`${name}-4`] }), ...(v6 && { ipv6: [`${name}-6`] }) }
  return cluster.pod(name, { 'ipam.spidernet.io/ippool': JSON.stringify(wish) })
}

interface Calling {
  readonly verb?: string
  readonly name?: string
  readonly flags?: object
  readonly id?: string
  /** Of the agent that executes the call. */
  readonly socket?: string
}
const BOTH = { enableIPConflictDetection: true, enableGatewayDetection: true }

function call(
  place: Place,
  pod: PodRef,
  { verb = 'ADD', name = 'macvlan-wrapper', flags = BOTH, id = pod.name, socket }: Calling = {},
): Promise<Reply> {
  return runExecutable({
    name,
    bin: BIN,
    env: {
      ...cniEnv({ verb, containerID: id, netns: place.path, pod }),
      ...(socket !== undefined && { SPIDERPOOL_AGENT_SOCKET: socket }),
    },
    stdin: JSON.stringify({
      cniVersion: '1.0.0',
      name: 'detect',
      type: name,
      master,
      ipam: {
        ...{ type: 'spiderpool', log_file_path: `${folder}/log`, ...flags },
        ...(socket === undefined ? { kubeconfig: server.kubeconfig } : {}),
      },
    }),
  })
}

const GOOD = { gateway4: GATEWAY.v4, gateway6: GATEWAY.v6 }
const ipsOf = ({ json }: Reply): string[] =>
  ((json as { ips?: { address: string }[] }).ips ?? []).map(({ address }) => address)
const conflict = (ip: string): string =>
  `ip conflict: pod's interface eth0 with an conflicting ip ${ip}, ${ip} is located at ${otherMac}`

interface Aside {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly spec: { readonly pod: { readonly uid: string } }
}
const asideOf = async (ip: string): Promise<Aside | undefined> =>
  ((await cluster.addresses()) as unknown as readonly Aside[]).find(({ metadata }) => metadata.name === ip)

t.test('ADD succeeds with free addresses of both families and gateways that answer', async t => {
  const place = network.pod()
  const pod = await podOf({ v4: ['10.6.1.1'], v6: ['fd06::1:1'], ...GOOD })
  const reply = await call(place, pod)
  t.equal(reply.status, 0, reply.stdout)
  t.strictSame(ipsOf(reply), ['10.6.1.1/16', 'fd06::1:1/64'])
})

const agent = await startAgent(server.kubeconfig, { env: nodeEnv() })
t.teardown(() => agent.end('SIGTERM'))

for (const [name, block, by, executedBy] of [
  ['macvlan-wrapper', 5, '', {}],
  ['spiderpool-ipam', 6, '', {}],
  ['spiderpool-ipam', 7, ' by the agent', { socket: agent.socket }],
] as const)
  for (const [family, range, taken, text] of [
    ['v4', `10.6.${block}.1-10.6.${block}.2`, `10.6.${block}.`, '/16'],
    ['v6', `fd06::${block}:1-fd06::${block}:2`, `fd06::${block}:`, '/64'],
  ] as const)
    t.test(
      `${name}${by}, ${family}: ADD quarantines an address of another host, and the retry gets the other one`,
      async t => {
        const place = network.pod()
        if (name === 'spiderpool-ipam') {
          network.wire.sh(`ip link add p${count} type veth peer name eth0 netns ${place.name}`)
          network.wire.sh(`ip link set p${count} master br0 up`)
        }
        const pod = await podOf({ [family]: [range] })
        for (const last of [1, 2]) otherHas(`${taken}${last}${text}`)
        const first = await call(place, pod, { name, ...executedBy })
        t.equal((first.json as { code: number }).code, 108, first.stdout)
        const { msg } = first.json as { msg: string }
        const [ip = ''] = [`${taken}1`, `${taken}2`].filter(one => msg === conflict(one))
        t.not(ip, '', msg)
        const free = ip === `${taken}1` ? `${taken}2` : `${taken}1`
        other.sh(`ip addr del ${free}${text} dev eth0`)
        const names = (await cluster.addresses(`${pod.name}-${family === 'v4' ? 4 : 6}`)).map(
          ({ metadata }) => metadata.name,
        )
        t.equal(names.length, 1, 'one object stays, and holds the name')
        const aside = await asideOf(names[0] ?? '')
        t.equal(aside?.metadata.labels['ipam.spidernet.io/conflict'], otherMac.replaceAll(':', '-'))
        t.equal(aside?.spec.pod.uid, '')
        const events = await cluster.api.items('/api/v1/namespaces/default/events')
        t.ok(
          events.some(
            one => JSON.stringify(one).includes(`located at ${otherMac}`) && JSON.stringify(one).includes(pod.uid),
          ),
          'an Event of the pod says who has it',
        )
        t.equal((await call(place, pod, { verb: 'DEL', name })).status, 0)
        const second = await call(place, pod, { name, id: `${pod.name}-b` })
        t.strictSame(ipsOf(second), [`${free}${text}`], second.stdout)
        other.sh(`ip addr del ${ip}${text} dev eth0`)
      },
    )

for (const [family, wish, gateway] of [
  ['v4', { v4: ['10.6.3.1'], gateway4: '10.6.255.254' }, '10.6.255.254'],
  ['v6', { v6: ['fd06::3:1'], gateway6: 'fd06::ffff' }, 'fd06::ffff'],
] as const)
  t.test(`${family}: ADD fails without an answer of the gateway, and keeps nothing`, async t => {
    const place = network.pod()
    const pod = await podOf(wish)
    const { json } = await call(place, pod)
    t.match(json, { code: 109, msg: `gateway ${gateway} is unreachable` })
    t.strictSame(
      (await cluster.addresses()).filter(({ spec }) => spec.pod.uid === pod.uid),
      [],
    )
    t.strictSame(place.links(), [])
  })

t.test('ADD without the keys sends no probe', async t => {
  const pod = await podOf({ v4: ['10.6.4.1'] })
  otherHas('10.6.4.1/16')
  t.equal((await call(network.pod(), pod, { flags: {} })).status, 0)
})
