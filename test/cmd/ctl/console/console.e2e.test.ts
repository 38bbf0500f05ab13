// The console over HTTP: spiderpoolctl console and the controller, with addresses of the real IPAM.
import { request } from 'node:http'
import t from 'tap'
import { eventually, startController } from '../../../fixtures/controller.js'
import { poolAnnotation } from '../../../fixtures/cluster.js'
import { runExecutable } from '../../../fixtures/executable.js'
import { openIpam } from '../../../fixtures/ipam.js'
import { startConsole } from './console.js'
import { openStream } from './stream.js'

const bench = await openIpam({ standalone: true })
const { cluster, kubeconfig } = bench
await cluster.pool('web', {
  ...{ subnet: '172.18.0.0/16', ips: ['172.18.30.131-172.18.30.136'] },
  excludeIPs: ['172.18.30.136'],
})
await cluster.pool('tiny', { subnet: '172.19.0.0/16', ips: ['172.19.0.10'] })
const pod = await cluster.pod('web-0', poolAnnotation('web'))
const [address = ''] = ((await bench.sandbox(pod).add()).ips ?? []).map(one => one.address.split('/')[0] ?? '')
const running = await startConsole(kubeconfig)
t.teardown(async () => {
  await running.stop()
  await bench.stop()
})

/** One request, with any header, as no browser would send it. */
function ask(
  path: string,
  { method = 'GET', headers = {}, port = running.port } = {},
): Promise<{
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, answer => {
      let text = ''
      answer.on('data', (part: Buffer) => (text += part.toString()))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

const json = async (path: string, port = running.port): Promise<unknown> =>
  JSON.parse((await ask(`/api/v1/${path}`, { port })).text)

const cellAt = (map: unknown, ip: string): string | undefined => {
  const { prefix, cells } = map as { readonly prefix: string; readonly cells: string }
  const last = (text: string): number => Number(/\.(\d+)(\/\d+)?$/.exec(text)?.[1])
  return cells[last(ip) - last(prefix)]
}

t.test('console: pools, map, address and trace are those of the cluster', async t => {
  await eventually(async () => ((await json('pools')) as { missing: string[] }).missing.length === 0 || undefined)
  t.match(await json('pools'), {
    pools: [
      { name: 'tiny', total: 1, used: 0, free: 1, percent: 0 },
      { name: 'web', total: 5, used: 1, free: 4, percent: 20, subnet: '172.18.0.0/16' },
    ],
  })
  const map = await json('pools/web/map')
  t.match(map, { pool: 'web', prefix: '172.18.30.128/28', extent: '172.18.30.128/28', cellBits: 0 })
  t.equal(cellAt(map, address), 'h')
  t.equal(cellAt(map, '172.18.30.136'), 'x', 'excludeIPs')
  t.equal(cellAt(map, '172.18.30.130'), '.', 'before the pool')
  const held = { address, state: 'held', namespace: 'default', pod: 'web-0', node: 'n1', nic: 'eth0', pool: 'web' }
  t.match(await json(`addresses/${address}`), { rows: [held], eventsMissing: '' })
  t.match(await json('addresses/172.18.30.136'), { rows: [{ state: 'excluded', why: /excludeIPs/ }] })
  const trace = await json('trace/default/web-0')
  t.match(trace, { pod: 'default/web-0', interfaces: [{ nic: 'eth0', verdict: { kind: 'address' } }] })
  const own = await runExecutable({
    name: 'spiderpoolctl',
    args: ['trace', 'pod', 'default/web-0', '-o', 'json'],
    env: { KUBECONFIG: kubeconfig },
  })
  const { nodeLog: _, ...shared } = own.json as { readonly nodeLog: unknown }
  t.strictSame(trace, shared, 'the same as spiderpoolctl trace')
})

t.test('console: what is asked wrongly gets one sentence', async t => {
  for (const [path, status, sentence] of [
    ['pools/nix/map', 404, 'there is no SpiderIPPool "nix"'],
    ['pools/web/map?prefix=fd00::/120', 400, 'prefix is "fd00::/120"; write an IPv4 prefix as in 172.18.30.0/24'],
    ['pools/web/map?prefix=1', 400, 'prefix is "1"; write an IPv4 prefix as in 172.18.30.0/24'],
    ['addresses/web', 400, '"web" is no IP address; write it as in 172.18.30.5'],
    ['trace/default/nix', 404, 'there is no pod default/nix'],
    ['nix', 404, 'nothing is at /api/v1/nix'],
    ['pools/%', 400, 'the path /api/v1/pools/% is not percent-encoded'],
  ] as const) {
    const { status: found, text } = await ask(`/api/v1/${path}`)
    t.strictSame([found, text], [status, `${sentence}\n`], path)
  }
})

t.test('console: other hosts, other sites and other methods are refused', async t => {
  const { port } = running
  for (const [host, status] of [
    [`127.0.0.1:${port}`, 200],
    [`localhost:${port}`, 200],
    ['[::1]:1', 200],
    ['evil.example', 403],
    [`127.0.0.1.evil.example:${port}`, 403],
    ['10.0.0.1', 403],
  ] as const)
    for (const path of ['/', '/api/v1/pools']) t.equal((await ask(path, { headers: { host } })).status, status, host)
  t.equal((await ask('/api/v1/pools', { headers: { origin: 'https://evil.example' } })).status, 403)
  t.equal((await ask('/api/v1/pools', { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    t.equal((await ask('/api/v1/pools', { method })).status, 405, method)
  const page = await ask('/')
  t.match(page.headers['content-security-policy'], /default-src 'none'; script-src 'self'/)
  t.notMatch(page.text, /<script>|style=|https?:/, 'nothing inline, nothing from elsewhere')
  t.match((await ask('/', { headers: { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' } })).text, /<html lang="zh-CN">/)
  t.match((await ask('/', { headers: { 'accept-language': 'en-GB,zh;q=0.5' } })).text, /<html lang="en">/)
})

t.test('console: a change is an event that names the pool; more than 16 pages are refused', async t => {
  const stream = await openStream(running.port)
  const late = await cluster.pod('tiny-0', poolAnnotation('tiny'))
  await bench.sandbox(late).add()
  t.ok(await eventually(() => stream.events().find(({ pools }) => pools?.includes('tiny'))), 'changed')
  t.match(await json('pools'), { pools: [{ name: 'tiny', used: 1, free: 0, percent: 100 }, {}] })
  const none = await cluster.pod('tiny-1', poolAnnotation('tiny'))
  const message = /all IP addresses used out/
  t.match(await json(`trace/default/${none.name}`), { interfaces: [{ verdict: { kind: 'refused', message } }] })
  const more = await Promise.all(Array.from({ length: 16 }, () => openStream(running.port)))
  t.strictSame(
    more
      .map(({ status }) => status)
      .sort()
      .slice(-2),
    [200, 503],
  )
  for (const one of [...more, stream]) one.close()
  const again = (): Promise<true | undefined> =>
    openStream(running.port).then(({ status, close }) => (close(), status === 200 ? true : undefined))
  t.ok(await eventually(again), 'pages that were closed make room')
})

t.test('console --port: a port that is no port, or is in use', async t => {
  const env = { KUBECONFIG: kubeconfig }
  const bad = await runExecutable({ name: 'spiderpoolctl', args: ['console', '--port', 'x'], env })
  t.strictSame(
    [bad.status, bad.stderr],
    [2, 'spiderpoolctl: --port is "x"; give a number from 1 to 65535, or 0 for a free port\n'],
  )
  const used = await runExecutable({ name: 'spiderpoolctl', args: ['console', '--port', String(running.port)], env })
  t.match(used, { status: 2, stderr: `spiderpoolctl: --port ${running.port} is in use; give another one` })
})

t.test('controller: without SPIDERPOOL_CONSOLE_ENABLED there is no console; with it, of its caches', async t => {
  const off = await startController(kubeconfig, { name: 'off' })
  t.notOk(portsOf(off).console)
  await off.end('SIGTERM')
  const env = { SPIDERPOOL_CONSOLE_ENABLED: 'true', SPIDERPOOL_CONSOLE_PORT: '0' }
  const on = await startController(kubeconfig, { name: 'on', env })
  const { console: port = 0 } = portsOf(on)
  await eventually(async () => ((await json('pools', port)) as { missing: string[] }).missing.length === 0 || undefined)
  t.match(await json('pools', port), {
    pools: [
      { name: 'tiny', used: 1 },
      { name: 'web', used: 1 },
    ],
  })
  t.match(await json(`addresses/${address}`, port), { rows: [{ pod: 'web-0' }], eventsMissing: '' })
  t.match(await json('trace/default/tiny-1', port), { interfaces: [{ verdict: { kind: 'refused' } }] })
  t.match((await ask('/console.js', { port })).text, /EventSource/)
  const stream = await openStream(port)
  t.equal(await on.end('SIGTERM'), 0, 'an open page does not keep it')
  stream.close()
})

const portsOf = (controller: { readonly log: readonly object[] }): { readonly console?: number } =>
  (controller.log.find(line => 'ports' in line) as { readonly ports: { readonly console?: number } }).ports
