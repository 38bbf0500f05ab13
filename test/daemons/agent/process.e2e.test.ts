// spiderpool-agent as a process: start-up errors, its socket's file, bad input, two at once, drain.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { agentEnv, askSocket, exchangeRaw, replyOf, requestText, startAgent } from '../../fixtures/agent.js'
import { startApiserver } from '../../fixtures/apiserver.js'
import { eventually } from '../../fixtures/controller.js'
import { BIN } from '../../fixtures/executable.js'

const folder = mkdtempSync(join(tmpdir(), 'agent-process-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const server = await startApiserver()
t.teardown(() => server.stop())

const taken = createServer()
await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
t.teardown(() => taken.close())
const { port: TAKEN } = taken.address() as AddressInfo

let confs = 0
const conf = (text: string): string => {
  const path = join(folder, `conf-${confs++}.yml`)
  writeFileSync(path, text)
  return path
}
const at = (name: string): string => join(folder, name)
mkdirSync(at('directory'))
writeFileSync(at('file'), 'of an administrator')

const ENDS: readonly (readonly [
  of: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  says: RegExp,
])[] = [
  ['a taken health port', { SPIDERPOOL_HEALTH_PORT: `${TAKEN}` }, [], /SPIDERPOOL_HEALTH_PORT: .* is already in use/],
  ['a taken metrics port', { SPIDERPOOL_METRIC_HTTP_PORT: `${TAKEN}` }, [], /METRIC_HTTP_PORT: .* is already in use/],
  ['an invalid port', { SPIDERPOOL_HEALTH_PORT: 'x' }, [], /SPIDERPOOL_HEALTH_PORT is "x"; give a whole number/],
  ['an invalid log level', { SPIDERPOOL_LOG_LEVEL: 'loud' }, [], /SPIDERPOOL_LOG_LEVEL is "loud"; give one of debug/],
  ['an empty node name', { SPIDERPOOL_NODE_NAME: '' }, [], /SPIDERPOOL_NODE_NAME is set and empty/],
  ['an empty namespace', { SPIDERPOOL_POD_NAMESPACE: '' }, [], /SPIDERPOOL_POD_NAMESPACE is set and empty/],
  ['a missing kubeconfig', { KUBECONFIG: '/nowhere' }, [], /\/nowhere/],
  ['no cluster and no kubeconfig', { KUBECONFIG: '' }, [], /KUBERNETES_SERVICE_HOST/],
  ['a relative socket', { SPIDERPOOL_AGENT_SOCKET: 'x.sock' }, [], /SPIDERPOOL_AGENT_SOCKET is "x.sock"; .* absolute/],
  ['a long socket', { SPIDERPOOL_AGENT_SOCKET: `/${'x'.repeat(99)}` }, [], /which has 100 bytes; .* at most 91/],
  [
    'a directory at the path',
    { SPIDERPOOL_AGENT_SOCKET: at('directory') },
    [],
    /directory is a directory, not a socket/,
  ],
  ['a file at the path', { SPIDERPOOL_AGENT_SOCKET: at('file') }, [], /file is a file, not a socket; take it away/],
  ['a shared folder', { SPIDERPOOL_AGENT_SOCKET: '/tmp/x.sock' }, [], /\/tmp is a folder that all users share/],
  ['a missing conf file', {}, ['--config-path', '/nowhere.yml'], /--config-path \/nowhere\.yml cannot be read/],
  ['a conf that is no YAML', {}, ['--config-path', conf('a: 1\nenableIPv6 true\n')], /conf-\d\.yml, line 2: no YAML/],
  [
    'a switch that is no boolean',
    {},
    ['daemon', '--config-path', conf('enableIPv4: true\ntuneSysctlConfig: "yes"\n')],
    /conf-\d\.yml, line 2: tuneSysctlConfig .* "yes"; give true or false/,
  ],
  ['an unknown flag', {}, ['--bogus'], /unknown argument "--bogus"; see --help/],
]
/** A sentence within a second, and some slack for a busy machine. */
const ENDS_MS_MAX = 5_000

for (const [of, env, args, says] of ENDS)
  t.test(`spiderpool-agent ends with 1 and a sentence: ${of}`, async t => {
    const child = spawn(`${BIN}/spiderpool-agent`, args, {
      env: { ...agentEnv(server.kubeconfig, at(`s${confs}/agent.sock`)), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (part: Buffer) => (stderr += String(part)))
    const late = setTimeout(() => child.kill('SIGKILL'), ENDS_MS_MAX)
    const end = await new Promise(resolve => child.once('close', (code, by) => resolve(code ?? by)))
    clearTimeout(late)
    t.equal(end, 1)
    t.match(stderr, /^spiderpool-agent: [^\n]*\n$/)
    t.match(stderr, says)
  })

t.test('what is at the path and no socket stays as it is', async t => {
  t.equal(readFileSync(at('file'), 'utf8'), 'of an administrator')
  t.ok(statSync(at('directory')).isDirectory())
})

const VERSION = { env: { CNI_COMMAND: 'VERSION' }, stdin: '{"cniVersion":"1.0.0"}' }
const version = requestText('POST', '/v1/cni/spiderpool-ipam', VERSION)

t.test('the socket is root’s alone, its folder too; a stale one is replaced; SIGTERM removes it', async t => {
  const socket = at('stale/spiderpool.sock')
  mkdirSync(at('stale'), { mode: 0o755 })
  const dead = spawn(process.execPath, ['-e', `require('net').createServer().listen('${socket}')`])
  await eventually(() => (existsSync(socket) ? true : undefined))
  dead.kill('SIGKILL')
  await new Promise(resolve => dead.once('exit', resolve))
  const agent = await startAgent(server.kubeconfig, { socket })
  t.equal(statSync(socket).mode & 0o777, 0o600)
  t.equal(statSync(at('stale')).mode & 0o777, 0o700)
  t.same(readdirSync(at('stale')), ['spiderpool.sock'])
  t.equal((await askSocket(socket, version)).status, 200)
  for (const probe of ['startup', 'readiness', 'liveness']) t.match(await agent.health(probe), { status: 200 }, probe)
  t.match(
    await agent.metrics(),
    /spiderpool_agent_calls_total\{plugin="spiderpool-ipam",command="VERSION",outcome="done"\} 1/,
  )
  t.equal(await agent.end('SIGTERM'), 0)
  t.notOk(existsSync(socket))
})

t.test('spiderpool-agent recreates a deleted socket', async t => {
  const agent = await startAgent(server.kubeconfig)
  rmSync(agent.socket)
  t.match(await agent.health('liveness'), { status: 500, text: /does not answer/ })
  t.ok(await eventually(() => (existsSync(agent.socket) ? true : undefined)))
  t.equal((await askSocket(agent.socket, version)).status, 200)
  t.equal(await agent.end('SIGTERM'), 0)
})

t.test('a second agent takes the path over; the first ends its own calls and leaves the path alone', async t => {
  const old = await startAgent(server.kubeconfig, { socket: at('two/spiderpool.sock') })
  const next = await startAgent(server.kubeconfig, { socket: old.socket })
  t.equal((await askSocket(old.socket, version)).status, 200)
  t.match(await old.said('has taken over'), { level: 'WARN' })
  t.equal(await old.end('SIGTERM'), 0)
  t.equal((await askSocket(next.socket, version)).status, 200)
  t.equal(next.log.filter(({ msg }) => msg === 'call done').length, 0, 'VERSION is logged at debug alone')
  t.match(await next.health('liveness'), { status: 200 })
  t.equal(await next.end('SIGTERM'), 0)
})

const agent = await startAgent(server.kubeconfig)
t.teardown(() => agent.end('SIGTERM'))
const { socket } = agent

const BAD: readonly (readonly [of: string, bytes: string, status: number, says: RegExp])[] = [
  [
    'no JSON',
    requestText('POST', '/v1/cni/spiderpool-ipam', '{"env":'),
    400,
    /the body of POST \/v1\/cni.* is no JSON/,
  ],
  ['a JSON list', requestText('POST', '/v1/cni/spiderpool-ipam', '[1]'), 400, /is \[1\]; it must be a JSON object/],
  [
    'env that is a list',
    requestText('POST', '/v1/cni/spiderpool-ipam', { env: [1], stdin: '' }),
    400,
    /env .* of strings/,
  ],
  ['no stdin', requestText('POST', '/v1/cni/spiderpool-ipam', { env: {} }), 400, /stdin of .* must be a string/],
  ['an unknown plugin', requestText('POST', '/v1/cni/bridge', VERSION), 404, /this agent runs no bridge/],
  ['a name of Object.prototype', requestText('POST', '/v1/cni/constructor', VERSION), 404, /runs no constructor/],
  ['an unknown path', requestText('GET', '/v1/nothing'), 404, /path \/v1\/nothing was not found/],
  ['another method', requestText('PUT', '/v1/ipam/ip', {}), 405, /method PUT of \/v1\/ipam\/ip .* POST, DELETE are/],
  ['a claim that is a number', requestText('POST', '/v1/cni/spiderpool-ipam/undo', { claim: 1 }), 400, /claim of/],
  [
    'podName that ends an argument',
    requestText('POST', '/v1/ipam/ip', { podName: 'a;K8S_POD_UID=x' }),
    400,
    /without ; and =/,
  ],
]
for (const [of, bytes, status, says] of BAD)
  t.test(`the socket refuses ${of} with a sentence`, async t => {
    const reply = await askSocket(socket, bytes)
    t.equal(reply.status, status, reply.body)
    if (reply.json !== undefined) t.match(reply.json, says)
  })

t.test('a body of 100 MB is answered with 413, announced or not, and memory stays', async t => {
  const rss = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1]) / 1024
  const before = rss()
  const announced = `POST /v1/cni/spiderpool-ipam HTTP/1.1\r\nHost: \r\nContent-Length: ${100 * 1024 * 1024}\r\n\r\n`
  t.match(replyOf(await exchangeRaw(socket, announced)), { status: 413, json: /more than 1048576 bytes/ })
  t.match(await flood(socket, 100), /^HTTP\/1\.1 413 /)
  t.ok(rss() - before < 60, `${rss() - before} MB more`)
})

/** Sends chunks of a megabyte until the agent closes; returns what came back. */
function flood(path: string, megabytes: number): Promise<string> {
  const chunk = `100000\r\n${'x'.repeat(1024 * 1024)}\r\n`
  return new Promise(resolve => {
    let text = ''
    const connection = connect(path, () => {
      connection.write('POST /v1/cni/spiderpool-ipam HTTP/1.1\r\nHost: \r\nTransfer-Encoding: chunked\r\n\r\n')
      let left = megabytes
      const more = (): void => {
        while (left-- > 0) if (!connection.write(chunk)) return void connection.once('drain', more)
        connection.write('0\r\n\r\n')
      }
      more()
    })
    connection.on('data', part => (text += String(part)))
    connection.on('error', () => undefined)
    connection.once('close', () => resolve(text))
  })
}

const GARBAGE = [
  '\0\x01\x02garbage\r\n\r\n',
  'GET\r\n\r\n',
  'POST / HTTP/9.9\r\n\r\n',
  `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
]
t.test('garbage, half a request and clients that leave do not hurt others', async t => {
  for (const bytes of GARBAGE)
    t.match(await exchangeRaw(socket, bytes).catch(String), /^HTTP\/1\.1 4\d\d|^$|ECONNRESET|EPIPE/)
  const half = connect(socket, () => half.write('POST /v1/ipam/ip HTTP/1.1\r\nHost: \r\nContent-Length: 50\r\n\r\n{'))
  half.on('error', () => undefined)
  for (let count = 0; count < 20; count++) {
    const leaving = connect(socket, () => {
      leaving.write(version)
      leaving.destroy()
    })
    leaving.on('error', () => undefined)
  }
  t.match(await askSocket(socket, version), { status: 200, json: { exitCode: 0 } })
  half.destroy()
  t.match(await agent.health('liveness'), { status: 200 })
})

t.test('a peer that is not root is refused, even where the modes admit it', async t => {
  chmodSync(dirname(socket), 0o755)
  chmodSync(dirname(dirname(socket)), 0o755)
  chmodSync(socket, 0o666)
  const script = `require('net').connect('${socket}', function () { this.write(${JSON.stringify(version)}) }).on('data', d => process.stdout.write(d)).on('error', e => process.stdout.write(e.code))`
  const { status, stdout, stderr } = spawnSync(
    'setpriv',
    ['--reuid=65534', '--clear-groups', process.execPath, '-e', script],
    { encoding: 'utf8' },
  )
  t.equal(status, 0, stderr)
  t.notMatch(stdout, /HTTP/)
  t.match(await agent.said('connection refused'), { msg: /process \d+ runs as user 65534, not as root/ })
})

t.test('half a request is closed after ten seconds', { timeout: 30_000 }, async t => {
  const began = Date.now()
  await exchangeRaw(socket, 'POST /v1/ipam/ip HTTP/1.1\r\nHost: \r\nContent-Length: 50\r\n\r\n{').catch(() => '')
  t.ok(Date.now() - began >= 9_000 && Date.now() - began < 20_000, `${Date.now() - began} ms`)
})

t.test('2,000 connections at once survive: each call among them is answered', { timeout: 60_000 }, async t => {
  const open: Socket[] = []
  await Promise.all(
    Array.from(
      { length: 2_000 },
      () =>
        new Promise<void>(resolve => {
          const one = connect(socket, () => resolve())
          one.on('error', () => resolve())
          open.push(one)
        }),
    ),
  )
  const replies = await Promise.all(Array.from({ length: 200 }, () => askSocket(socket, version)))
  t.equal(replies.filter(({ status }) => status === 200).length, 200)
  for (const one of open) one.destroy()
  t.match(await agent.health('liveness'), { status: 200 })
})

t.test('SIGTERM: a call in flight is answered, later ones find no socket, exit status 0', async t => {
  // An API server that never answers holds the call until its deadline of two seconds.
  const silent = createServer(one => void one.on('error', () => undefined))
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const kubeconfig = at('silent.kubeconfig')
  const cluster = { name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }
  const context = { name: 'c', context: { cluster: 'c', user: '' } }
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      clusters: [cluster],
      contexts: [context],
    }),
  )
  const draining = await startAgent(kubeconfig)
  const ipam = { type: 'spiderpool', log_file_path: '/dev/null', timeouts: { add: 2 } }
  const env = {
    ...{ CNI_COMMAND: 'ADD', CNI_CONTAINERID: createHash('sha1').update('x').digest('hex'), CNI_NETNS: '/nowhere' },
    ...{ CNI_IFNAME: 'eth0', CNI_PATH: '/opt/cni/bin', CNI_ARGS: 'K8S_POD_NAME=p;K8S_POD_NAMESPACE=n;K8S_POD_UID=u' },
  }
  const stdin = JSON.stringify({ cniVersion: '1.0.0', name: 'net', type: 'x', ipam })
  const running = draining.ask('POST', '/v1/cni/spiderpool-ipam', { env, stdin })
  await eventually(async () =>
    (await draining.metrics()).includes('spiderpool_agent_calls_running 1') ? true : undefined,
  )
  const began = Date.now()
  const ended = draining.end('SIGTERM')
  t.ok(await eventually(() => (existsSync(draining.socket) ? undefined : true)))
  t.match(await running, { status: 200, json: { exitCode: 1, stdout: /spiderpool IP allocation error/ } })
  t.equal(await ended, 0)
  t.ok(Date.now() - began < 9_000, `${Date.now() - began} ms`)
  silent.close()
})
