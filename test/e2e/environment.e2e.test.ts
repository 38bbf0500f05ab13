// The environment of a runtime: TLS verification stays on, and the proxy rules are those of Go.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import t from 'tap'
import { parse } from 'yaml'
import { makeAuthority } from '../../lib/x509.js'
import { startApiserver } from '../fixtures/apiserver.js'
import { openCluster } from '../fixtures/cluster.js'
import { startController } from '../fixtures/controller.js'
import { runExecutable } from '../fixtures/executable.js'

const folder = mkdtempSync(`${tmpdir()}/environment-`)
const server = await startApiserver({ standalone: true })
t.teardown(async () => {
  rmSync(folder, { recursive: true })
  await server.stop()
})
await openCluster(server.kubeconfig).pool('environment', { subnet: '10.73.0.0/16', ips: ['10.73.1.1'], default: true })

interface Kubeconfig {
  readonly clusters: readonly [{ readonly name: string; readonly cluster: Readonly<Record<string, string>> }]
}
const own = parse(readFileSync(server.kubeconfig, 'utf8')) as Kubeconfig
const [{ name: clusterName, cluster }] = own.clusters
const port = new URL(cluster['server'] ?? '').port

/** The server's own kubeconfig with other keys of its cluster. */
const kubeconfigWith = (name: string, keys: Readonly<Record<string, string>>): string => {
  const file = `${folder}/${name}`
  writeFileSync(file, JSON.stringify({ ...own, clusters: [{ name: clusterName, cluster: { ...cluster, ...keys } }] }))
  return file
}

const status = (KUBECONFIG: string, env: Readonly<Record<string, string>> = {}) =>
  runExecutable({
    name: 'spiderpool-ipam',
    env: { CNI_COMMAND: 'STATUS', CNI_PATH: '/nowhere', KUBECONFIG, ...env },
    stdin: JSON.stringify({
      ...{ cniVersion: '1.1.0', name: 'n', type: 'x' },
      ipam: { type: 'spiderpool', log_file_path: `${folder}/log`, timeouts: { status: 20 } },
    }),
  })

const UNTRUSTED = /its certificate is not one that the kubeconfig trusts/
const now = Date.now()
const foreign = await makeAuthority('foreign', { fromMs: now - 86_400_000, toMs: now + 86_400_000 })
const untrusting = kubeconfigWith('foreign', {
  'certificate-authority-data': Buffer.from(foreign.certificate).toString('base64'),
})

t.test('NODE_TLS_REJECT_UNAUTHORIZED changes nothing for executables', async t => {
  for (const NODE_TLS_REJECT_UNAUTHORIZED of ['', '0', '1'])
    t.match(await status(untrusting, { NODE_TLS_REJECT_UNAUTHORIZED }), {
      status: 1,
      json: { code: 50, msg: UNTRUSTED },
    })
  const system = kubeconfigWith('system', { 'certificate-authority-data': '' })
  t.match((await status(system, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).json, { code: 50, msg: UNTRUSTED }, 'no CA')
  t.equal((await status(server.kubeconfig, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).status, 0, 'a CA that vouches')
})

t.test('NODE_TLS_REJECT_UNAUTHORIZED changes nothing for the controller', async t => {
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
  const controller = await startController(untrusting, { name: 'foreign', env })
  t.teardown(() => controller.end('SIGTERM'))
  await controller.said('certificate is not one that the kubeconfig trusts', 20_000)
  t.notOk(controller.log.some(({ msg }) => msg.includes('started leading')))
})

/** A proxy that opens tunnels to the API server, whatever it is asked for, or says 403. */
async function startProxy(opens: boolean): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const proxy = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`)
    response.writeHead(502).end()
  })
  proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(request.url ?? '')
    socket.on('error', () => undefined)
    if (!opens) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const upstream = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
  })
  await new Promise<void>(ready => proxy.listen(0, '127.0.0.1', ready))
  t.teardown(() => (proxy.closeAllConnections(), void proxy.close()))
  return { url: `http://user:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked }
}
const [opening, refusing] = [await startProxy(true), await startProxy(false)]
const NAMED = { server: `https://api.test:${port}`, 'tls-server-name': 'localhost' }
const named = kubeconfigWith('named', NAMED)

t.test('HTTPS_PROXY is used, in either case', async t => {
  for (const variable of ['HTTPS_PROXY', 'https_proxy']) {
    const { json, status: code } = await status(named, { [variable]: opening.url, NO_PROXY: 'other.test,10.0.0.0/8' })
    t.equal(code, 0, JSON.stringify(json))
    t.strictSame([...new Set(opening.asked.splice(0))], [`api.test:${port}`])
  }
})

t.test('loopback is reached without a proxy', async t => {
  for (const variable of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'])
    t.equal((await status(server.kubeconfig, { [variable]: refusing.url })).status, 0, variable)
  const localhost = kubeconfigWith('localhost', { server: `https://localhost:${port}` })
  t.equal((await status(localhost, { HTTPS_PROXY: refusing.url })).status, 0)
  t.strictSame(refusing.asked, [])
})

t.test('an error of a proxy names its variable and hides its password', async t => {
  const proxy = refusing.url.replace('user:secret@', '')
  const { json } = await status(named, { HTTPS_PROXY: refusing.url })
  t.match(json, {
    code: 50,
    msg: `the API server https://api.test:${port} cannot be reached through the proxy ${proxy} of HTTPS_PROXY: the proxy answers for the server`,
  })
  t.match(json, { msg: /403.*; where the server needs no proxy, add it to NO_PROXY in the runtime's environment/ })
  t.notMatch(json, { msg: /secret/ })
  const gone = await status(named, { https_proxy: 'http://127.0.0.1:1' })
  t.match(gone.json, { msg: /through the proxy http:\/\/127\.0\.0\.1:1 of https_proxy: nothing listens there; / })
  const strange = await status(named, { HTTPS_PROXY: 'socks5://u:secret@127.0.0.1:1080' })
  t.match(strange.json, { msg: /the proxy socks5:\/\/127\.0\.0\.1:1080 of HTTPS_PROXY is not supported; write it as/ })
})

t.test('proxy-url of the kubeconfig overrides the environment, NO_PROXY and loopback', async t => {
  const env = { HTTPS_PROXY: refusing.url, NO_PROXY: '*' }
  refusing.asked.length = 0
  for (const [name, keys] of [
    ['url', { ...NAMED, 'proxy-url': opening.url }],
    ['loopback', { 'proxy-url': opening.url }],
  ] as const) {
    const { json, status: code } = await status(kubeconfigWith(name, keys), env)
    t.equal(code, 0, JSON.stringify(json))
    t.ok(opening.asked.splice(0).length > 0)
  }
  t.strictSame(refusing.asked, [])
})
