// Whole calls of plugins in the agent: what the executable prints, to the byte, with the IPAM of a
// real API server and pods on a real kernel.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import t from 'tap'
import { requestText, startAgent } from '../../fixtures/agent.js'
import { startApiserver } from '../../fixtures/apiserver.js'
import { containerId, openCluster, poolAnnotation, type PodRef } from '../../fixtures/cluster.js'
import { eventually } from '../../fixtures/controller.js'
import { cniEnv, runExecutable } from '../../fixtures/executable.js'
import { must, openNetwork, type Place } from '../../fixtures/netns.js'
import { nodeEnv } from '../../fixtures/node-config.js'
import { callWhole, WHOLE_ENV, type WholeCall, type WholeReply } from '../../fixtures/via-agent.js'

const network = openNetwork()
const folder = mkdtempSync(`${tmpdir()}/whole-`)
const server = await startApiserver({ killed: true })
const cluster = openCluster(server.kubeconfig)
// The API server is on this namespace's loopback: the agent runs here, on a link into the switch.
const master = `wh${process.pid}`
must(`ip link add ${master} type veth peer name up0 netns ${network.wire.name} && ip link set ${master} up`)
network.wire.sh('ip link set up0 master br0 up')
const agent = await startAgent(server.kubeconfig, { env: { ...nodeEnv(), ...WHOLE_ENV } })
t.teardown(async () => {
  must(`ip link del ${master}`)
  await agent.end('SIGTERM')
  await server.stop()
  network.close()
  rmSync(folder, { recursive: true })
})
const pool = `whole-${process.pid}`
await cluster.pool(pool, { subnet: '10.6.0.0/16', ips: ['10.6.7.10-10.6.7.90'], gateway: '10.6.0.1' })

const conf = (more: object = {}): string =>
  JSON.stringify({
    ...{ cniVersion: '1.0.0', name: 'net', type: 'macvlan-wrapper', master },
    ipam: { type: 'spiderpool', log_file_path: '/dev/null' },
    ...more,
  })

interface Attached {
  readonly pod: PodRef
  readonly place: Place
  readonly id: string
}
let pods = 0
async function attached(): Promise<Attached> {
  const pod = await cluster.pod(`whole-${pods++}-x`, poolAnnotation(pool))
  return { pod, place: network.pod(), id: containerId() }
}
const callOf = (verb: string, { pod, place, id }: Attached, stdin = conf()): WholeCall => ({
  name: 'macvlan-wrapper',
  env: cniEnv({ verb, containerID: id, netns: place.path, pod }),
  stdin,
})
const run = (call: WholeCall): Promise<WholeReply> => callWhole(agent.socket, call)
const held = async (): Promise<number> => (await cluster.addresses(pool)).length

t.test('ADD, CHECK and DEL of macvlan-wrapper in the agent make, find and remove NIC and address', async t => {
  const one = await attached()
  const added = await run(callOf('ADD', one))
  t.match(added, { exitCode: 0, stderr: '' })
  const result = JSON.parse(added.stdout) as { ips: readonly { address: string }[] }
  t.match(one.place.sh('ip -4 addr show eth0'), result.ips[0]?.address ?? 'none')
  const prevResult = result
  t.match(await run(callOf('CHECK', one, conf({ prevResult }))), { exitCode: 0, stdout: '' })
  one.place.sh('ip addr flush dev eth0')
  t.match(await run(callOf('CHECK', one, conf({ prevResult }))), { exitCode: 1 })
  await cluster.removePod(one.pod)
  t.match(await run(callOf('DEL', one)), { exitCode: 0, stdout: '' })
  t.strictSame([one.place.links(), await held()], [[], 0])
  t.match(await run(callOf('DEL', one)), { exitCode: 0, stdout: '' }, 'DEL again')
})

const NETNS_GONE = '/run/netns/there-is-none'
const same: readonly (readonly [what: string, call: WholeCall])[] = [
  ...['coordinator', 'macvlan-wrapper', 'ifacer'].flatMap((name): (readonly [string, WholeCall])[] => {
    const base = cniEnv({ verb: 'ADD', containerID: 'c1', netns: NETNS_GONE })
    const of = (env: Record<string, string>, stdin: string): WholeCall => ({ name, env: { ...base, ...env }, stdin })
    return [
      [`${name} without CNI_COMMAND`, of({ CNI_COMMAND: '' }, '')],
      [`${name} VERSION`, of({ CNI_COMMAND: 'VERSION' }, '{}')],
      [`${name}, an unknown verb`, of({ CNI_COMMAND: 'NONE' }, '{"cniVersion":"1.0.0","name":"n"}')],
      [`${name} without a container ID`, of({ CNI_CONTAINERID: '' }, '{}')],
      [`${name}, no JSON`, of({}, '{')],
      [`${name}, no name`, of({}, '{"cniVersion":"1.0.0"}')],
      [`${name}, a namespace that is not there`, of({}, conf({ prevResult: { cniVersion: '1.0.0' } }))],
      [`${name}, the node's own namespace`, of({ CNI_NETNS: '/proc/self/ns/net' }, conf())],
      [`${name}, a version that it does not know`, of({}, '{"cniVersion":"9.0.0","name":"n"}')],
      [`${name}, a key of a wrong type`, of({}, conf({ mode: 7, mtu: 'x', vlanID: {}, interfaces: 3 }))],
      [`${name} DEL of what is not there`, of({ CNI_COMMAND: 'DEL' }, conf({ mode: 'underlay', interfaces: ['e'] }))],
      [`${name} GC`, of({ CNI_COMMAND: 'GC' }, conf({ cniVersion: '1.1.0', 'cni.dev/valid-attachments': [{}] }))],
    ]
  }),
]
for (const [what, call] of same)
  t.test(`the agent prints what the executable prints: ${what}`, async t => {
    const env = { ...call.env, SPIDERPOOL_AGENT_SOCKET: agent.socket }
    const { status, stdout, stderr } = await runExecutable({ name: call.name, env, stdin: call.stdin })
    const { exitCode, stdout: ours, stderr: words } = await run(call)
    t.strictSame({ status: exitCode, stdout: ours, stderr: words }, { status, stdout, stderr })
  })

t.test('the agent leaves a call to the executable, having done nothing', async t => {
  const one = await attached()
  const before = must('ip -o link')
  for (const [stdin, why] of [
    [conf({ ipam: { type: 'static', addresses: [{ address: '10.6.0.9/16' }] } }), /IPAM static/],
    [conf({ linkInContainer: true }), /linkInContainer/],
    [conf({ ipam: { type: 'spiderpool', ipam_unix_socket_path: '/run/spidernet/b.sock' } }), /b\.sock/],
  ] as const)
    t.match(await run(callOf('ADD', one, stdin)), { execFullImage: why })
  t.strictSame([one.place.links(), must('ip -o link'), await held()], [[], before, 0])
})

t.test('an agent that sees no namespaces of its node leaves the call to the executable', async t => {
  const blind = await startAgent(server.kubeconfig, {
    env: { ...nodeEnv(), ...WHOLE_ENV, SPIDERPOOL_NODE_FOLDERS: '/var/log/spidernet' },
  })
  const one = await attached()
  t.match(await callWhole(blind.socket, callOf('ADD', one)), { execFullImage: /network namespace/ })
  t.strictSame(one.place.links(), [])
  await blind.end('SIGTERM')
  const off = await startAgent(server.kubeconfig, { env: nodeEnv() })
  t.match(await callWhole(off.socket, callOf('ADD', one)), { execFullImage: /SPIDERPOOL_WHOLE_PLUGINS/ })
  await off.end('SIGTERM')
})

/** An agent as in an unprivileged container; `propagation` as of its mount of /run/netns. */
function contained(propagation: 'slave' | 'private') {
  const mounted = mkdtempSync(`${folder}/sys-`)
  const mounts = [
    `mkdir ${mounted}/net && mount --bind /proc/sys/net ${mounted}/net`,
    'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys',
  ].join(' && ')
  const env = { SPIDERPOOL_SYSCTL_DIR: mounted, SPIDERPOOL_NODE_FOLDERS: '/run/netns,/var/run/netns' }
  return startAgent(server.kubeconfig, {
    under: ['unshare', '-m', '--propagation', propagation, 'sh', '-c', `${mounts} && exec "$@"`, 'sh'],
    env: { ...nodeEnv(), ...WHOLE_ENV, ...env },
  })
}

t.test('an agent whose /proc/sys is read-only sets sysctls of the pod through the mount of the node’s', async t => {
  const inside = await contained('slave')
  const one = await attached()
  t.match(await callWhole(inside.socket, callOf('ADD', one)), { exitCode: 0, stderr: '' })
  t.equal(one.place.sh('cat /proc/sys/net/ipv4/conf/eth0/arp_notify').trim(), '1')
  await cluster.removePod(one.pod)
  t.match(await callWhole(inside.socket, callOf('DEL', one)), { exitCode: 0 })
  t.strictSame(one.place.links(), [])
  await inside.end('SIGTERM')
})

t.test('a namespace that is a plain file in the agent’s mounts is left to the executable', async t => {
  const inside = await contained('private')
  const one = await attached()
  for (const verb of ['ADD', 'DEL'])
    t.match(await callWhole(inside.socket, callOf(verb, one)), { execFullImage: /network namespace/ })
  await inside.end('SIGTERM')
})

/** While `work` runs the API server answers nothing. */
async function withoutAnswers<T>(work: () => Promise<T>): Promise<T> {
  process.kill(server.pid(), 'SIGSTOP')
  try {
    return await work()
  } finally {
    process.kill(server.pid(), 'SIGCONT')
  }
}

t.test('calls that hang at the API server hold up no other, and those of one container wait', async t => {
  const hanging = await Promise.all(Array.from({ length: 8 }, attached))
  const free = await attached()
  let ended = 0
  const { calls, del } = await withoutAnswers(async () => {
    const calls = hanging.map(one => run(callOf('ADD', one)).finally(() => ended++))
    const began = performance.now()
    t.match(await run(callOf('ADD', free, conf({ ipam: {} }))), { exitCode: 0 })
    t.match(await run(callOf('DEL', free, conf({ ipam: {} }))), { exitCode: 0 })
    t.ok(performance.now() - began < 5_000, 'an interface without addresses')
    t.equal(ended, 0)
    const [first] = hanging
    return { calls, del: first && run(callOf('DEL', first)) }
  })
  for (const call of calls) t.match(await call, { exitCode: 0 })
  t.match(await del, { exitCode: 0 }, 'DEL ran after its ADD')
  t.strictSame(hanging[0]?.place.links(), [])
  await Promise.all(hanging.map(({ pod }) => cluster.removePod(pod)))
  for (const one of hanging) t.match(await run(callOf('DEL', one)), { exitCode: 0 })
  t.equal(await eventually(async () => ((await held()) === 0 ? 'none' : undefined)), 'none')
})

t.test('an ADD whose client is killed ends, and DEL removes what it made', async t => {
  const one = await attached()
  await withoutAnswers(async () => {
    const { name, env, stdin } = callOf('ADD', one)
    const socket = connect(agent.socket, () => socket.write(requestText('POST', `/v1/cni/${name}`, { env, stdin })))
    await new Promise(resolve => socket.once('data', resolve))
    t.ok(await eventually(() => one.place.links().includes('eth0') || undefined), 'it has begun')
    socket.destroy()
  })
  await cluster.removePod(one.pod)
  t.match(await run(callOf('DEL', one)), { exitCode: 0 }, 'behind the ADD')
  t.strictSame([one.place.links(), await held()], [[], 0])
})

t.test('30 ADDs and DELs at once', async t => {
  const all = await Promise.all(Array.from({ length: 30 }, attached))
  const added = await Promise.all(all.map(one => run(callOf('ADD', one))))
  t.strictSame([...new Set(added.map(({ exitCode }) => exitCode))], [0])
  const addresses = all.map(({ place }) => /inet ([0-9.]+)/.exec(place.sh('ip -4 -o addr show eth0'))?.[1])
  t.equal(new Set(addresses).size, 30)
  await Promise.all(all.map(({ pod }) => cluster.removePod(pod)))
  const deleted = await Promise.all(all.map(one => run(callOf('DEL', one))))
  t.strictSame([...new Set(deleted.map(({ exitCode }) => exitCode))], [0])
  t.equal(await held(), 0)
  t.match(await agent.metrics(), /spiderpool_agent_plugin_threads [12]\n/)
  t.match(await agent.metrics(), /spiderpool_agent_stuck_threads 0\n/)
})
