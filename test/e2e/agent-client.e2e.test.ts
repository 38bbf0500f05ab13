// What an executable does with the socket of the node agent: no agent, one that fails, one of a Go
// system, and the real one.
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import t from 'tap'
import { containerId, poolAnnotation, type PodRef } from '../fixtures/cluster.js'
import { startAgent } from '../fixtures/agent.js'
import { cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'
import { openIpam } from '../fixtures/ipam.js'
import { openNetwork } from '../fixtures/netns.js'
import { nodeEnv } from '../fixtures/node-config.js'
import {
  answer,
  answerWith,
  begin,
  chunk,
  startScriptedAgent,
  type AgentRequestSeen,
  type AgentScript,
} from '../fixtures/scripted-agent.js'

const bench = await openIpam()
const pool = bench.name('client')
await bench.cluster.pool(pool, { subnet: '10.78.0.0/24', ips: ['10.78.0.10-10.78.0.60'], gateway: '10.78.0.1' })
const folder = mkdtempSync(`${tmpdir()}/agent-client-`)
const scripted = await startScriptedAgent(() => undefined)
t.teardown(async () => {
  await scripted.stop()
  rmSync(folder, { recursive: true })
  await bench.stop()
})

interface Calling {
  readonly verb?: string
  readonly pod?: PodRef
  readonly containerID?: string
  readonly socket?: string
  readonly kubeconfig?: string
  readonly ipam?: object
  readonly more?: object
  readonly env?: Readonly<Record<string, string | undefined>>
}

const ABSENT: PodRef = { namespace: 'default', name: 'absent', uid: 'u1' }

function call({ verb = 'ADD', pod = ABSENT, containerID = 'c1', socket = scripted.socket, ...of }: Calling) {
  const ipam = { type: 'spiderpool', log_file_path: '/dev/null', ...of.ipam }
  return runExecutable({
    name: 'spiderpool-ipam',
    env: {
      ...cniEnv({ verb, containerID, netns: bench.netns, pod }),
      SPIDERPOOL_AGENT_SOCKET: socket,
      KUBECONFIG: of.kubeconfig,
      ...of.env,
    },
    stdin: JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'any', ipam, ...of.more }),
  })
}

const result = (address: string): string => JSON.stringify({ cniVersion: '1.1.0', ips: [{ address }] })
const executed = (stdout: string, more: object = {}): string =>
  JSON.stringify({ exitCode: 0, stdout, stderr: '', containerID: 'c1', ifName: 'eth0', ...more })
const addressIn = ({ json }: Reply): string =>
  (json as { ips?: readonly { address: string }[] } | undefined)?.ips?.[0]?.address ?? JSON.stringify(json)

t.test('spiderpool-ipam relays what the agent answers, and hands over no more than the call', async t => {
  scripted.requests.length = 0
  scripted.script = (_, connection) => answer(connection, executed(result('10.78.0.9/24'), { stderr: 'a note\n' }))
  const env = { KUBECONFIG: '/nowhere', MULTUS_CLUSTER_NETWORK: 'kube-system/one', SECRET: 'x' }
  const added = await call({ env })
  t.match(added, { status: 0, stdout: result('10.78.0.9/24'), stderr: 'a note\n' })
  const [seen] = scripted.requests
  const body = JSON.parse(seen?.body ?? '{}') as { env: Record<string, string>; stdin: string }
  t.match(seen, { method: 'POST', path: '/v1/cni/spiderpool-ipam' })
  t.strictSame(
    Object.keys(body.env).filter(key => !/^(CNI|MULTUS)_/.test(key)),
    [],
  )
  t.match(body.env, { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c1', MULTUS_CLUSTER_NETWORK: 'kube-system/one' })
  t.match(JSON.parse(body.stdin), { name: 'net', ipam: { type: 'spiderpool' } })
  scripted.script = (_, connection) =>
    answer(connection, JSON.stringify({ exitCode: 1, stdout: '{"code":104,"msg":"m"}', stderr: '' }))
  t.match(await call({}), { status: 1, json: { code: 104, msg: 'm' } })
  for (const verb of ['VERSION', 'NONSENSE']) await call({ verb })
  t.equal(scripted.requests.length, 2, 'VERSION and an unknown verb are not handed over')
})

t.test('spiderpool-ipam with an agent of another version: what its answer has besides is ignored', async t => {
  const more = { stderr: 'a note\n', claim: 'c', future: { a: [1] } }
  scripted.script = (_, connection) => answer(connection, executed(result('10.78.0.9/24'), more))
  t.match(await call({}), { status: 0, stdout: result('10.78.0.9/24'), stderr: 'a note\n' })
  // The first agents said neither container nor interface.
  const first = JSON.stringify({ exitCode: 0, stdout: result('10.78.0.9/24'), stderr: '' })
  scripted.script = (_, connection) => answer(connection, first)
  t.match(await call({}), { status: 0, stdout: result('10.78.0.9/24') })
})

t.test('spiderpool-ipam waits as long as the agent sends blanks', async t => {
  scripted.script = (_, connection) => {
    begin(connection)
    const beats = setInterval(() => connection.write(chunk(' ')), 200)
    setTimeout(() => {
      clearInterval(beats)
      connection.end(`${chunk(executed(result('10.78.0.9/24')))}0\r\n\r\n`)
    }, 1500)
  }
  t.equal(addressIn(await call({})), '10.78.0.9/24')
})

/** Paths at which no agent answers. */
function brokenSockets(): Readonly<Record<string, readonly [path: string, says: RegExp]>> {
  const stale = `${folder}/stale.sock`
  const script = `const s=require('net').createServer().listen('${stale}',()=>process.kill(process.pid,'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  mkdirSync(`${folder}/open`)
  chmodSync(`${folder}/open`, 0o777)
  symlinkSync(scripted.socket, `${folder}/open/link.sock`)
  writeFileSync(`${folder}/file`, '')
  return {
    'no file': [`${folder}/none.sock`, /none\.sock is not there/],
    'no folder': [`${folder}/none/none.sock`, /none\.sock is not there/],
    'a folder': [folder, /is a folder, not a socket/],
    'a plain file': [`${folder}/file`, /file is not a socket/],
    'a stale socket': [stale, /stale\.sock cannot be reached \(connection refused\)/],
    'a path that is too long': [`${folder}/${'x'.repeat(120)}`, /is not there/],
  }
}

/** Why the sentence names socket and kubeconfig. */
const NEITHER =
  /^spiderpool IP allocation error: unhealthy spiderpool-agent backend: .*there is no kubeconfig to go without it \(\/etc\/cni\/net\.d\/spiderpool\.d\/spiderpool\.kubeconfig\)/

t.test('ADD without a socket that answers and without a kubeconfig fails with 11 and names both', async t => {
  for (const [title, [socket, says]] of Object.entries(brokenSockets())) {
    const { status, json } = await call({ socket })
    t.equal(status, 1, title)
    t.match(json, { code: 11, msg: NEITHER }, title)
    t.match((json as { msg: string }).msg, says, title)
    t.match(await call({ socket, verb: 'STATUS' }), { status: 1, json: { code: 50, msg: says } }, title)
    t.match(await call({ socket, verb: 'DEL' }), { status: 0, stdout: '' }, title)
  }
})

/** An agent that answers wrongly, and what the sentence says of it. */
const FAULTY: Readonly<Record<string, readonly [AgentScript, RegExp]>> = {
  'closes at once': [(_, one) => void one.destroy(), /closed the connection/],
  'is killed after the first byte': [
    (_, one) => {
      begin(one)
      setTimeout(() => one.destroy(), 50)
    },
    /closed the connection before the end of its answer|closed the connection \(/,
  ],
  'sends half an answer': [
    (_, one) => {
      begin(one)
      one.end(chunk(executed(result('10.78.0.9/24'))).slice(0, 40))
    },
    /closed the connection before the end of its answer/,
  ],
  'sends garbage': [(_, one) => one.end('\x00\x01\xffSSH-2.0\r\n'), /answered what is not HTTP/],
  'sends no JSON': [(_, one) => answer(one, 'oops'), /answered what is no JSON: "oops"/],
  'sends another JSON': [(_, one) => answer(one, '[1]'), /answered what is no reply to a CNI call/],
  'sends no result': [
    (_, one) => answer(one, executed('{"cniVersion":"1.0.0"}')),
    /answered what is no result of CNI ADD/,
  ],
  "answers with another pod's result": [
    (_, one) => answer(one, executed(result('10.78.0.9/24'), { containerID: 'c2' })),
    /answered for container c2, interface eth0, and not for c1, eth0/,
  ],
  "answers with another interface's result": [
    (_, one) => answer(one, executed(result('10.78.0.9/24'), { ifName: 'net1' })),
    /answered for container c1, interface net1, and not for c1, eth0/,
  ],
  drains: [
    (_, one) => answerWith(one, 503, 'the agent is ending'),
    /answered with status 503: "\\"the agent is ending/,
  ],
  'refuses the size': [(_, one) => answerWith(one, 413, 'too large'), /answered with status 413/],
  'sends a chunk without length': [
    (_, one) => {
      begin(one)
      one.end('zz\r\n')
    },
    /answered with a chunk without a length/,
  ],
  'is silent': [() => undefined, /sent nothing for 1 s/],
}

for (const [title, [script, says]] of Object.entries(FAULTY))
  t.test(`an agent that ${title}: ADD fails with 11 without a kubeconfig, and goes direct with one`, async t => {
    scripted.script = script
    const began = performance.now()
    t.match(await call({}), { status: 1, json: { code: 11, msg: says }, stderr: says })
    t.ok(performance.now() - began < 3000)
    const pod = await bench.cluster.pod(`p-${Object.keys(FAULTY).indexOf(title)}`, poolAnnotation(pool))
    const of = { pod, kubeconfig: bench.kubeconfig }
    scripted.script = script
    const added = await call(of)
    t.match(addressIn(added), /^10\.78\.0\.\d+\/24$/)
    t.match(added.stderr, says, 'the journal of the runtime has the reason')
    t.equal((await bench.holders(pool)).length, 1)
    await bench.cluster.removePod(pod)
    scripted.script = (_, one) => void one.destroy()
    t.match(await call({ ...of, verb: 'DEL' }), { status: 0, stdout: '' })
    t.strictSame(await bench.holders(pool), [])
  })

t.test('ADD uses a socket of the conf only in allowed directories and owned by root', async t => {
  scripted.script = (_, connection) => answer(connection, executed(result('10.78.0.9/24')))
  const named = (path: string, more: Calling = {}) =>
    call({ ...more, socket: '', ipam: { ipam_unix_socket_path: path } })
  t.equal(addressIn(await named(scripted.socket)), '10.78.0.9/24')
  const key = 'ipam.ipam_unix_socket_path is'
  t.match(await named('/home/x/agent.sock'), {
    status: 1,
    json: {
      code: 7,
      msg: new RegExp(`${key} "/home/x/agent.sock"; a conf may only name a file under .*socketFolders`),
    },
  })
  t.match(await named('relative.sock'), { status: 1, json: { code: 7, msg: /may only name a file under/ } })
  const attacked = `${folder}/attacked`
  mkdirSync(attacked)
  const attacker = createServer((one: Socket) => one.end(executed(result('6.6.6.6/24'))))
  await new Promise<void>(resolve => attacker.listen(`${attacked}/agent.sock`, resolve))
  t.teardown(() => attacker.close())
  chownSync(`${attacked}/agent.sock`, 65534, 65534)
  t.match(await named(`${attacked}/agent.sock`), { status: 1, json: { code: 7, msg: /is owned by UID 65534/ } })
  t.match(await call({ socket: `${attacked}/agent.sock` }), {
    status: 1,
    json: { code: 11, msg: /is owned by UID 65534/ },
  })
  chownSync(`${attacked}/agent.sock`, 0, 0)
  chmodSync(attacked, 0o777)
  t.match(await named(`${attacked}/agent.sock`), { status: 1, json: { code: 7, msg: /attacked has mode 0777/ } })
  t.match(await call({ socket: `${attacked}/agent.sock` }), {
    status: 1,
    json: { code: 11, msg: /attacked has mode 0777/ },
  })
  t.match(await named('/home/x/agent.sock', { verb: 'STATUS' }), { status: 1, json: { code: 50 } })
  t.match(await named('/home/x/agent.sock', { verb: 'DEL' }), { status: 0 })
  t.match(await call({ socket: `${folder}/none.sock`, ipam: { ipam_unix_socket_path: 5 } }), {
    status: 1,
    json: { code: 7, msg: 'ipam.ipam_unix_socket_path is 5; it must be a string' },
  })
})

/** The Go system's API (1.2.1), with one address for eth0 and one for net1. */
function goAgent(failing: Readonly<Record<string, readonly [number, unknown]>> = {}): AgentScript {
  return ({ method, path }: AgentRequestSeen, connection) => {
    const fails = failing[`${method} ${path.split('?')[0] ?? ''}`]
    if (fails) return void answerWith(connection, ...fails)
    if (path.startsWith('/v1/cni/'))
      return void answerWith(connection, 404, { code: 404, message: `path ${path} was not found` })
    if (method === 'POST' && path === '/v1/ipam/ip')
      return void answerWith(connection, 200, {
        ips: [
          { version: 4, address: '10.78.0.9/24', nic: 'eth0', gateway: '10.78.0.1', ipPool: 'p' },
          { version: 4, address: '10.79.0.9/24', nic: 'net1', ipPool: 'q' },
        ],
        routes: [
          { ifName: 'eth0', dst: '0.0.0.0/0', gw: '10.78.0.1' },
          { ifName: 'net1', dst: '1.0.0.0/8', gw: '10.79.0.1' },
        ],
      })
    if (path.startsWith('/v1/workloadendpoint'))
      return void answerWith(connection, 200, { interfaces: [{ interface: 'eth0', ipv4: '10.78.0.9/24' }] })
    answerWith(connection, 200, undefined)
  }
}

t.test('spiderpool-ipam on a node with a Go agent uses its API', async t => {
  scripted.script = goAgent()
  scripted.requests.length = 0
  const added = await call({ ipam: { default_ipv4_ippool: ['p'] } })
  t.strictSame(added.json, {
    cniVersion: '1.1.0',
    ips: [{ address: '10.78.0.9/24', gateway: '10.78.0.1' }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.78.0.1' }],
  })
  t.strictSame(
    scripted.requests.map(({ method, path }) => `${method} ${path}`),
    ['POST /v1/cni/spiderpool-ipam', 'GET /v1/ipam/healthy', 'POST /v1/ipam/ip'],
  )
  t.strictSame(JSON.parse(scripted.requests.at(-1)?.body ?? ''), {
    ...{ containerID: 'c1', netNamespace: bench.netns, podNamespace: 'default', podName: 'absent', podUID: 'u1' },
    ...{ ifName: 'eth0', defaultIPv4IPPool: ['p'], defaultIPv6IPPool: null },
  })
  t.match(await call({ verb: 'DEL' }), { status: 0, stdout: '' })
  t.match(scripted.requests.at(-1), { method: 'DELETE', path: '/v1/ipam/ip' })
  t.match(await call({ verb: 'STATUS' }), { status: 0 })
  t.match(await call({ verb: 'GC', more: { 'cni.dev/valid-attachments': [] } }), { status: 0 })
})

t.test('spiderpool-ipam with a Go agent: each failure has its code and sentence', async t => {
  const cases: readonly (readonly [Parameters<typeof goAgent>[0], Calling, number, RegExp])[] = [
    [
      { 'GET /v1/ipam/healthy': [500, undefined] },
      {},
      11,
      /unhealthy spiderpool-agent backend: GET \/v1\/ipam\/healthy/,
    ],
    [{ 'POST /v1/ipam/ip': [500, 'all IP addresses used out'] }, {}, 11, /all IP addresses used out/],
    [{ 'POST /v1/ipam/ip': [500, 'no IPPool available'] }, {}, 104, /no IPPool available/],
    [{ 'POST /v1/ipam/ip': [200, { ips: [{ nic: 5 }] }] }, {}, 11, /answered what is no result/],
    [{ 'POST /v1/ipam/ip': [200, { ips: [] }] }, {}, 105, /no Interface eth0 IP allocation found/],
    [
      {},
      { env: { CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=p;IP=10.78.0.8' } },
      103,
      /IP=10\.78\.0\.8 of CNI_ARGS asks for 10\.78\.0\.8, which the spiderpool-agent of a Go system cannot do/,
    ],
    [{}, { more: { runtimeConfig: { ips: ['10.78.0.8/24'] } } }, 103, /runtimeConfig\.ips\[0\] asks for 10\.78\.0\.8/],
    [{}, { ipam: { enableIPv4: false } }, 103, /ipam\.enableIPv4 is false in the conf alone, which/],
    [{}, { ipam: { owner: 'container' } }, 103, /ipam\.owner is "container"/],
  ]
  for (const [failing, of, code, msg] of cases) {
    scripted.script = goAgent(failing)
    t.match(await call(of), { status: 1, json: { code, msg } }, String(msg))
  }
  scripted.script = goAgent({ 'DELETE /v1/ipam/ip': [500, 'no'] })
  t.match(await call({ verb: 'DEL' }), { status: 0, stdout: '' })
  scripted.script = goAgent({ 'GET /v1/ipam/healthy': [500, 'no'] })
  t.match(await call({ verb: 'STATUS' }), { status: 1, json: { code: 50 } })
})

t.test('coordinator has its settings from the agent, and says which file is missing without one', async t => {
  const settings = { mode: 'disabled', overlayPodCIDR: [], serviceCIDR: null, tunePodRoutes: true, vethMTU: 0 }
  const coordinate = (verb: string, socket = scripted.socket) =>
    runExecutable({
      name: 'coordinator',
      env: { ...cniEnv({ verb, containerID: 'c1', netns: bench.netns, pod: ABSENT }), SPIDERPOOL_AGENT_SOCKET: socket },
      stdin: JSON.stringify({
        cniVersion: '1.1.0',
        name: 'net',
        type: 'coordinator',
        logOptions: { logFile: '/dev/null' },
        prevResult: { cniVersion: '1.1.0', ips: [{ address: '10.78.0.9/24' }] },
      }),
    })
  scripted.requests.length = 0
  scripted.script = (_, one) => answerWith(one, 200, settings)
  t.match(await coordinate('ADD'), { status: 0, json: { ips: [{ address: '10.78.0.9/24' }] } })
  t.match(scripted.requests[0], {
    method: 'GET',
    path: '/v1/coordinator/config',
    headers: { 'x-spiderpool-cni-command': 'ADD' },
    body: '{"podName":"absent","podNamespace":"default"}\n',
  })
  const cases: readonly (readonly [AgentScript, number, RegExp])[] = [
    [
      (_, one) => answerWith(one, 500, 'spidercoordinator: default no ready'),
      11,
      /^failed to GetCoordinatorConfig: spidercoordinator: default no ready$/,
    ],
    [
      (_, one) => answerWith(one, 500, 'coordinator config not found'),
      7,
      /^failed to GetCoordinatorConfig: coordinator config not found$/,
    ],
    [(_, one) => answerWith(one, 500, 'failed to get pod default/absent'), 999, /failed to get pod default\/absent/],
    [(_, one) => answerWith(one, 200, { ...settings, mode: 5 }), 11, /answered with no settings/],
    [(_, one) => answerWith(one, 404, 'no'), 11, /answered with status 404/],
    [(_, one) => answer(one, 'oops'), 11, /answered with no settings: "oops"/],
    [(_, one) => void one.destroy(), 11, /closed the connection.*there is no kubeconfig to go without it/],
  ]
  for (const [script, code, msg] of cases) {
    scripted.script = script
    t.match(await coordinate('ADD'), { status: 1, json: { code, msg } }, String(msg))
  }
  t.match(await coordinate('ADD', `${folder}/none.sock`), {
    status: 1,
    json: { code: 11, msg: /none\.sock is not there/ },
  })
  t.match(await coordinate('STATUS', `${folder}/none.sock`), { status: 1, json: { code: 50 } })
  t.match(await coordinate('DEL', `${folder}/none.sock`), { status: 0 })
})

t.test('spiderpool-ipam with spiderpool-agent: every verb, and the agent killed in the middle', async t => {
  const agent = await startAgent(bench.kubeconfig, { env: nodeEnv() })
  const pod = await bench.cluster.pod('real', poolAnnotation(pool))
  const of = { pod, containerID: containerId(), socket: agent.socket }
  const added = await call(of)
  t.match(addressIn(added), /^10\.78\.0\.\d+\/24$/)
  t.match(await call({ ...of, verb: 'STATUS' }), { status: 0 })
  t.match(await call({ ...of, verb: 'GC', more: { 'cni.dev/valid-attachments': [] } }), { status: 0 })
  t.match(await call({ ...of, verb: 'CHECK', more: { prevResult: added.json } }), {
    status: 1,
    json: { code: 110, msg: /interface eth0 is not in/ },
  })
  agent.signal('SIGSTOP')
  const direct = await call({ ...of, kubeconfig: bench.kubeconfig })
  t.equal(addressIn(direct), addressIn(added), 'ADD without the agent keeps the address')
  agent.signal('SIGCONT')
  await bench.cluster.removePod(pod)
  t.match(await call({ ...of, verb: 'DEL' }), { status: 0 })
  t.strictSame(await bench.holders(pool), [])
  await agent.end('SIGKILL')
  t.match(await call(of), {
    status: 1,
    json: { code: 11, msg: /cannot be reached \(connection refused\)|is not there/ },
  })
})

t.test('macvlan-wrapper: its IPAM is the agent’s, and an ADD that fails later is undone by its claim', async t => {
  const network = openNetwork()
  t.teardown(() => network.close())
  const place = network.pod()
  const wrap = (verb: string, socket: string, pod: PodRef, cniVersion = '1.0.0') =>
    runExecutable({
      name: 'macvlan-wrapper',
      env: {
        ...cniEnv({ verb, containerID: 'c1', netns: place.path, ifName: 'eth0', pod }),
        SPIDERPOOL_AGENT_SOCKET: socket,
      },
      under: ['ip', 'netns', 'exec', network.node.name],
      stdin: JSON.stringify({
        ...{ cniVersion, name: 'net', type: 'macvlan-wrapper', master: 'eth0' },
        ipam: { type: 'spiderpool', log_file_path: '/dev/null' },
      }),
    })
  const agent = await startAgent(bench.kubeconfig, { env: nodeEnv() })
  t.teardown(() => agent.end('SIGTERM'))
  const pod = await bench.cluster.pod('wrapped', poolAnnotation(pool))
  const added = await wrap('ADD', agent.socket, pod)
  t.match(addressIn(added), /^10\.78\.0\.\d+\/24$/)
  t.match(place.sh('ip -4 -o addr show dev eth0'), addressIn(added))
  await bench.cluster.removePod(pod)
  t.match(await wrap('DEL', agent.socket, pod), { status: 0 })
  t.strictSame(place.links(), [])
  t.strictSame(await bench.holders(pool), [])

  scripted.requests.length = 0
  const routes = [{ dst: '1.0.0.0/8', gw: '9.9.9.9' }]
  const stdout = JSON.stringify({ cniVersion: '1.0.0', ips: [{ address: '10.78.0.9/24' }], routes })
  scripted.script = ({ path }, one) =>
    path.endsWith('/undo') ? answerWith(one, 200, {}) : answer(one, executed(stdout, { claim: 'the-claim' }))
  t.match(await wrap('ADD', scripted.socket, ABSENT), { status: 1, json: { msg: /9\.9\.9\.9/ } })
  t.match(scripted.requests.at(-1), {
    method: 'POST',
    path: '/v1/cni/spiderpool-ipam/undo',
    body: '{"claim":"the-claim"}\n',
  })
  t.strictSame(place.links(), [])
  scripted.script = ({ path }, one) =>
    path.endsWith('/undo') ? answerWith(one, 410, 'unknown') : answer(one, executed(stdout, { claim: 'the-claim' }))
  t.match(await wrap('ADD', scripted.socket, ABSENT), {
    status: 1,
    json: { msg: /9\.9\.9\.9/, details: /not cleaned up: addresses: spiderpool-agent has been restarted since/ },
  })
  scripted.script = (_, one) =>
    answer(one, JSON.stringify({ exitCode: 1, stdout: '{"code":104,"msg":"m"}', stderr: '' }))
  t.match(await wrap('ADD', scripted.socket, ABSENT), { status: 1, json: { code: 104, msg: 'm' } })

  scripted.script = (_, one) => answer(one, executed(result('10.78.0.9/24')))
  t.match(await wrap('ADD', scripted.socket, ABSENT, '0.2.0'), { status: 0, json: { ip4: { ip: '10.78.0.9/24' } } })
  t.match(JSON.parse((JSON.parse(scripted.requests.at(-1)?.body ?? '') as { stdin: string }).stdin), {
    cniVersion: '1.1.0',
    master: 'eth0',
  })
  scripted.script = (_, one) => void one.destroy()
  t.match(await wrap('DEL', scripted.socket, ABSENT), { status: 0, stderr: /closed the connection/ })
  t.strictSame(place.links(), [])
})
