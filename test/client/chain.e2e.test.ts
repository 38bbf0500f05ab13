// The chain ifacer, macvlan-wrapper, coordinator by the client and an agent with whole plugins:
// results and end state of the kernel are those of the full image without an agent.
import t from 'tap'
import * as libcni from '../../demo/libcni.js'
import { startAgent } from '../fixtures/agent.js'
import { startApiserver } from '../fixtures/apiserver.js'
import { CLIENT_BIN } from '../fixtures/client.js'
import { openCluster, poolAnnotation } from '../fixtures/cluster.js'
import { HIJACK } from '../fixtures/coordination.js'
import { dumpOf } from '../fixtures/dump.js'
import { BIN, runExecutable } from '../fixtures/executable.js'
import { must, openNetwork, type Place } from '../fixtures/netns.js'
import { nodeEnv } from '../fixtures/node-config.js'
import { WHOLE_ENV } from '../fixtures/via-agent.js'

const network = openNetwork()
const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
// The API server is on this namespace's loopback: the calls are made here.
const master = `ch${process.pid}`
must(`ip link add ${master} type veth peer name up0 netns ${network.wire.name} && ip link set ${master} up`)
must(`ip addr add 10.6.0.2/16 dev ${master}`)
network.wire.sh('ip link set up0 master br0 up')
const agent = await startAgent(server.kubeconfig, { env: { ...nodeEnv(), ...WHOLE_ENV } })
const pool = `chain-${process.pid}`
await cluster.pool(pool, { subnet: '10.6.0.0/16', ips: ['10.6.9.9'], gateway: '10.6.0.1' })
t.teardown(async () => {
  must(`ip link del ${master}`)
  await agent.end('SIGTERM')
  await server.stop()
  network.close()
})

const CONTAINER = 'c0ffee0123456789'
/** One address, and a MAC that follows from it: what two pods have in turn is equal. */
const CONFLIST: libcni.Conflist = {
  ...{ cniVersion: '1.0.0', name: 'chain' },
  plugins: [
    { type: 'ifacer', interfaces: [master] },
    {
      ...{ type: 'macvlan-wrapper', master, mode: 'bridge' },
      ipam: { type: 'spiderpool', log_file_path: '/dev/null' },
    },
    { ...{ type: 'coordinator', mode: 'underlay', podMACPrefix: '0a:1b', logFile: '/dev/null' }, ...HIJACK },
  ] as libcni.Conflist['plugins'],
}

/** `stderr` and the way are in no result. */
interface Call {
  readonly verb: string
  readonly type: string
  readonly status: number | null
  readonly stdout: string
}
interface Way {
  readonly bin: string
  readonly env: Readonly<Record<string, string>>
}

/** What chance gives: interface numbers, the macvlan's first MAC, and the kernel's lifetimes. */
const steady = (text: string, place: Place): string =>
  text
    .replaceAll(place.path, 'NETNS')
    .replaceAll(/"(ifindex|link_index|link_netnsid|valid_life_time|preferred_life_time)": ?\d+/g, '"$1":0')
    .replaceAll(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, mac => (mac.startsWith('0a:1b') ? mac : 'MAC'))
    .replaceAll(/fe80::[0-9a-f:]+/g, 'fe80::')

const sorted = (line: string): string =>
  JSON.stringify((JSON.parse(line) as readonly object[]).map(one => JSON.stringify(one)).sort())

/** The kernel sorts link-local addresses, which follow from a MAC. */
const linesOf = (dump: string, place: Place): readonly string[] =>
  steady(dump, place)
    .split('\n')
    .map(line => (line.startsWith('[') ? sorted(line) : line))

const hostState = (): string => must('ip -j rule; ip -j route show table 500; ip -j neigh show nud permanent')

/** ADD, CHECK, a broken CHECK and DEL of a pod: each reply, and the kernel after each. */
async function attachment(
  way: Way,
  name: string,
): Promise<{ readonly calls: readonly Call[]; readonly states: object }> {
  const place = network.pod()
  const pod = await cluster.pod(name, poolAnnotation(pool))
  const calls: Call[] = []
  const results = new Map<string, libcni.Result>()
  const deps: libcni.LibcniDeps = {
    cache: {
      read: key => results.get(key),
      write: (key, result) => void results.set(key, result),
      remove: key => void results.delete(key),
    },
    async call(type, env, conf) {
      const { status, stdout, stderr, json } = await runExecutable({
        ...{ name: type, bin: way.bin, stdin: JSON.stringify(conf) },
        env: { ...env, CNI_PATH: '/usr/lib/cni', ...way.env },
      })
      t.equal(stderr, '', `${type} ${env['CNI_COMMAND']} on stderr`)
      calls.push({ verb: env['CNI_COMMAND'] ?? '', type, status, stdout: steady(stdout, place) })
      if (status !== 0) throw new Error(stdout)
      return (json ?? {}) as libcni.Result
    },
  }
  const runtime: libcni.Runtime = {
    ...{ containerID: CONTAINER, netns: place.path, ifName: 'eth0', capabilityArgs: {} },
    args: {
      ...{ IgnoreUnknown: '1', K8S_POD_NAMESPACE: pod.namespace, K8S_POD_NAME: pod.name },
      ...{ K8S_POD_INFRA_CONTAINER_ID: CONTAINER, K8S_POD_UID: pod.uid },
    },
  }
  const state = (): object => ({
    pod: linesOf(dumpOf(place), place),
    host: linesOf(hostState(), place),
  })
  await libcni.add(CONFLIST, runtime, deps)
  const added = state()
  await libcni.check(CONFLIST, runtime, deps)
  place.sh('ip route del default')
  await libcni.check(CONFLIST, runtime, deps).then(
    () => t.fail('CHECK of a pod without its default route'),
    () => undefined,
  )
  await cluster.removePod(pod)
  await libcni.del(CONFLIST, runtime, deps)
  await libcni.del(CONFLIST, runtime, deps)
  return { calls, states: { added, removed: state() } }
}

t.test('ADD, CHECK and DEL of a chain: client with agent and full image without one do the same', async t => {
  const full = await attachment(
    { bin: BIN, env: { SPIDERPOOL_AGENT_SOCKET: '/nowhere.sock', KUBECONFIG: server.kubeconfig } },
    'full-x',
  )
  t.strictSame(await cluster.addresses(pool), [])
  // Without a kubeconfig: what does not reach the agent fails.
  const client = await attachment({ bin: CLIENT_BIN, env: { SPIDERPOOL_AGENT_SOCKET: agent.socket } }, 'client-x')
  t.strictSame(client.calls, full.calls)
  t.strictSame(client.states, full.states)
  t.strictSame(await cluster.addresses(pool), [])
  const chain = ['ifacer', 'macvlan-wrapper', 'coordinator']
  const metrics = await agent.metrics()
  for (const type of chain)
    for (const verb of ['ADD', 'CHECK', 'DEL'])
      t.match(metrics, new RegExp(`agent_calls_total\\{plugin="${type}",command="${verb}",outcome="done"\\} [12]\\n`))
})
