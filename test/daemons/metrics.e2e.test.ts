// Scrapes of a running agent and a running controller under load: promtool accepts them, they are
// small; with SPIDERPOOL_TEST_DASHBOARDS Prometheus runs every query of the dashboards.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { DASHBOARDS, grafanaJson, pathOf } from '../../scripts/dashboards.js'
import { startAgent } from '../fixtures/agent.js'
import { startApiserver } from '../fixtures/apiserver.js'
import { containerId, openCluster, poolAnnotation, type PodRef } from '../fixtures/cluster.js'
import { eventually, startController } from '../fixtures/controller.js'
import { cniEnv } from '../fixtures/executable.js'
import { nodeEnv } from '../fixtures/node-config.js'
import { restOf } from '../fixtures/rest.js'
import { callWhole } from '../fixtures/via-agent.js'
import { callerOf } from '../fixtures/webhook.js'

const POOLS = 200
const BYTES_MAX = 200_000
const tool = (name: string): string =>
  execFileSync('scripts/prometheus.sh', ['--path', name], { encoding: 'utf8' }).trim()

const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
const rest = restOf(server.kubeconfig, { sockets: 4 })
const SPIDER = '/apis/spiderpool.spidernet.io/v2beta1'
const netns = `metrics${process.pid}`
spawnSync('ip', ['netns', 'add', netns])
const agent = await startAgent(server.kubeconfig, { env: { ...nodeEnv(), SPIDERPOOL_WHOLE_PLUGINS: 'true' } })
const controller = await startController(server.kubeconfig, { name: 'c1' })
t.teardown(async () => {
  await Promise.all([agent.end('SIGTERM'), controller.end('SIGTERM')])
  rest.close()
  spawnSync('ip', ['netns', 'del', netns])
  await server.stop()
})

const stdin = JSON.stringify({
  ...{ cniVersion: '1.0.0', name: 'net', type: 'any' },
  ipam: { type: 'spiderpool', log_file_path: '/dev/null' },
})

async function call(verb: string, pod: PodRef, containerID: string): Promise<number> {
  const env = cniEnv({ verb, containerID, netns: `/run/netns/${netns}`, ifName: 'eth0', pod })
  const { json } = await agent.ask('POST', '/v1/cni/spiderpool-ipam', { env, stdin })
  return (json as { readonly exitCode: number }).exitCode
}

await cluster.pool('used', { subnet: '10.78.0.0/24', ips: ['10.78.0.10-10.78.0.60'] })
await cluster.pool('small', { subnet: '10.79.0.0/24', ips: ['10.79.0.10'] })
const others = Array.from({ length: POOLS - 2 }, (_, at) =>
  rest.ask('POST', `${SPIDER}/spiderippools`, {
    body: {
      ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' },
      metadata: { name: `pool-of-a-team-${at}` },
      spec: { subnet: `10.80.${at}.0/24`, ips: [`10.80.${at}.10-10.80.${at}.200`] },
    },
  }),
)
await Promise.all(others)

let rounds = 0
/** ADDs that are done, one that fails for want of addresses, DELs, a reclaim, admission reviews. */
async function load(): Promise<void> {
  const round = rounds++
  const pod = await cluster.pod(`p${round}`, poolAnnotation('used'))
  const id = containerId()
  const codes = [await call('ADD', pod, id)]
  const lost = await cluster.pod(`lost${round}`, poolAnnotation('used'))
  codes.push(await call('ADD', lost, containerId()))
  const first = await cluster.pod(`s${round}`, poolAnnotation('small'))
  codes.push(await call('ADD', first, containerId()))
  await cluster.removePod(lost)
  await cluster.removePod(pod)
  codes.push(await call('DEL', pod, id))
  if (codes.join() !== (round === 0 ? '0,0,0,0' : '0,0,1,0')) throw new Error(`calls exited with ${codes.join()}`)
  const env = cniEnv({ verb: 'ADD', containerID: id, netns: '/nowhere', ifName: 'eth0', pod })
  await callWhole(agent.socket, { name: 'ifacer', env, stdin: '{"cniVersion":"1.0.0","name":"n","type":"ifacer"}' })
}
await load()
await load()

const metricsOf = { agent: agent.metrics, controller: controller.metrics }
const reclaimed = await eventually(async () =>
  /^spiderpool_ip_gc_counts\{ippool="used"\} [1-9]/m.test(await controller.metrics()) ? true : undefined,
)

t.test('the controller counts what it reclaimed', async t => t.ok(reclaimed, await controller.metrics()))

for (const dashboard of DASHBOARDS)
  t.test(`dashboard ${dashboard.name} of the chart is that of scripts/dashboards.ts`, async t =>
    t.equal(readFileSync(pathOf(dashboard), 'utf8'), grafanaJson(dashboard)),
  )

t.test('the agent counts what was called', async t => {
  const text = await agent.metrics()
  const value = (series: string): number =>
    Number(new RegExp(`^${series.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1])
  t.equal(value('spiderpool_ipam_allocation_counts_total'), 6)
  t.equal(value('spiderpool_ipam_allocation_counts'), 6)
  t.equal(value('spiderpool_ipam_allocation_failure_counts_total'), 1)
  t.equal(value('spiderpool_ipam_allocation_err_ip_used_out_counts_total'), 1)
  t.equal(value('spiderpool_ipam_allocation_err_internal_counts_total'), 0)
  t.equal(value('spiderpool_ipam_allocation_duration_seconds_count'), 6)
  t.equal(value('spiderpool_ipam_release_counts_total'), 2)
  t.equal(
    value('spiderpool_agent_call_failures_total{plugin="spiderpool-ipam",command="ADD",cause="exhausted"}'),
    1,
    text,
  )
})

for (const [name, scrape] of Object.entries(metricsOf))
  t.test(`promtool check metrics accepts a scrape of the ${name}; it is small`, async t => {
    const text = await scrape()
    const { status, stdout, stderr } = spawnSync(tool('promtool'), ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    })
    t.equal(status, 0, `${stdout}${stderr}`)
    t.ok(text.length <= BYTES_MAX, `${text.length} bytes`)
  })

async function freePort(): Promise<number> {
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  await new Promise(resolve => taken.close(resolve))
  return port
}

/** Reviews at a webhook of the controller: a valid pool and an invalid one. */
async function reviewed(): Promise<void> {
  const port = Number((await controller.said('the webhooks are served'))['port'])
  const secrets = '/api/v1/namespaces/kube-system/secrets/spiderpool-controller-server-certs'
  const { body } = await rest.ask('GET', secrets)
  const ca = Buffer.from(String(body['data']?.['ca.crt']), 'base64').toString()
  const caller = callerOf({ port, ca, serverName: 'spiderpool-controller.kube-system.svc' })
  for (const ips of [['10.99.0.1'], ['10.98.0.1']])
    await caller.review('/validate-spiderpool-spidernet-io-v2beta1-spiderippool', {
      ...{ operation: 'CREATE', name: 'x', namespace: '', oldObject: null },
      object: {
        ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool', metadata: { name: 'x' } },
        spec: { subnet: '10.99.0.0/24', ips },
      },
    })
  caller.close()
}

const isOff = process.env['SPIDERPOOL_TEST_DASHBOARDS'] === undefined && 'make test-dashboards runs it'
t.test('every query of the dashboards has data in a Prometheus that scrapes both', { skip: isOff }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'))
  const [port, proxied] = [await freePort(), await freePort()]
  await rest.ask('POST', `${SPIDER}/spidercoordinators`, {
    body: {
      ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderCoordinator' },
      ...{ metadata: { name: 'default' }, spec: { mode: 'auto', podCIDRType: 'none' } },
    },
  })
  const config = {
    global: { scrape_interval: '1s' },
    scrape_configs: Object.keys(metricsOf).map(name => ({
      ...{ job_name: name, metrics_path: `/${name}` },
      static_configs: [{ targets: [`127.0.0.1:${proxied}`] }],
    })),
  }
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const { createServer: httpServer } = await import('node:http')
  const proxy = httpServer((request, response) => {
    const scrape = metricsOf[request.url === '/agent' ? 'agent' : 'controller']
    void scrape().then(text => response.setHeader('content-type', 'text/plain; version=0.0.4').end(text))
  }).listen(proxied, '127.0.0.1')
  const prometheus = spawn(
    tool('prometheus'),
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  t.teardown(async () => {
    const ended = new Promise(resolve => prometheus.once('exit', resolve))
    prometheus.kill('SIGTERM')
    await ended
    proxy.closeAllConnections()
    proxy.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const query = async (expr: string): Promise<readonly object[]> => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`
    const answer = await fetch(url).catch(() => undefined)
    const body = (await answer?.json()) as { data?: { result: readonly object[] }; error?: string } | undefined
    if (body?.error !== undefined) throw new Error(`${expr}: ${body.error}`)
    return body?.data?.result ?? []
  }
  t.ok(await eventually(async () => ((await query('up == 1')).length === 2 ? true : undefined)))
  for (let at = 0; at < 3; at++) {
    await load()
    await reviewed()
    await new Promise(resolve => setTimeout(resolve, 1_000))
  }
  for (const { name, panels } of DASHBOARDS)
    for (const { title, queries } of panels)
      for (const [, written] of queries) {
        const expr = written.replaceAll('$__rate_interval', '1m').replace(/\$(ippool|instance)/g, '.*')
        const isThere = await eventually(async () => {
          const found = (await query(expr)) as readonly { readonly value: readonly [number, string] }[]
          return found.some(({ value }) => value[1] !== 'NaN') ? true : undefined
        }, 5_000)
        t.ok(isThere, `${name}, ${title}: ${expr}`)
      }
})
