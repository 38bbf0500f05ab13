// The controller as a process: start-up errors, ports, adoption of Go records, repair of records.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { eventually, startController } from '../../fixtures/controller.js'
import { BIN, runExecutable } from '../../fixtures/executable.js'
import { ADDRESSES, ENDPOINTS, openHoldings, PODS, POOLS } from '../../fixtures/seed-allocations.js'
import { restOf } from '../../fixtures/rest.js'

const folder = mkdtempSync(join(tmpdir(), 'controller-'))
t.teardown(() => rmSync(folder, { recursive: true }))

const server = await startApiserver()
const rest = restOf(server.kubeconfig)
t.teardown(async () => {
  rest.close()
  await server.stop()
})

const REFUSED: readonly (readonly [of: string, env: Readonly<Record<string, string>>, says: RegExp])[] = [
  ['an invalid port', { KUBECONFIG: '/nowhere', SPIDERPOOL_HEALTH_PORT: 'x' }, /SPIDERPOOL_HEALTH_PORT is "x"/],
  ['a missing kubeconfig', { KUBECONFIG: '/nowhere' }, /\/nowhere/],
  ['no cluster and no kubeconfig', {}, /KUBERNETES_SERVICE_HOST/],
]
for (const [of, env, says] of REFUSED)
  t.test(`spiderpool-controller exits 1 with a sentence for ${of}`, async t => {
    const { status, stdout, stderr } = await runExecutable({ name: 'spiderpool-controller', env })
    t.equal(status, 1)
    t.match(stderr, says)
    t.match(stderr, /^spiderpool-controller: .*\n$/)
    t.equal(stdout, '')
  })

/**
 * One sentence on stderr, exit status 1, within a second and some slack for a busy machine; also
 * when SIGTERM arrives meanwhile.
 */
const ENDS_MS_MAX = 5_000
let confs = 0
const conf = (text: string): string => {
  const path = join(folder, `conf-${confs++}.yml`)
  writeFileSync(path, text)
  return path
}

const taken = createServer()
await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
t.teardown(() => taken.close())
const { port: TAKEN } = taken.address() as AddressInfo
const inUse = (variable: string): RegExp => new RegExp(`${variable}: 127\\.0\\.0\\.1:${TAKEN} is already in use`)
const ENDS: readonly (readonly [
  of: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  says: RegExp,
])[] = [
  ['a taken health port', { SPIDERPOOL_HEALTH_PORT: `${TAKEN}` }, [], inUse('SPIDERPOOL_HEALTH_PORT')],
  ['a taken metrics port', { SPIDERPOOL_METRIC_HTTP_PORT: `${TAKEN}` }, [], inUse('SPIDERPOOL_METRIC_HTTP_PORT')],
  ['a taken webhook port', { SPIDERPOOL_WEBHOOK_PORT: `${TAKEN}` }, [], inUse('SPIDERPOOL_WEBHOOK_PORT')],
  [
    'an address of no interface',
    { SPIDERPOOL_BIND_ADDRESS: '203.0.113.9' },
    [],
    /no interface of this machine has 203\.0\.113\.9/,
  ],
  ['a missing conf file', {}, ['--config-path', '/nowhere.yml'], /--config-path \/nowhere\.yml cannot be read/],
  [
    'a conf that is not YAML',
    {},
    ['--config-path', conf('enableIPv4: true\nenableIPv6 true\n')],
    /conf-\d\.yml, line 2: no YAML/,
  ],
  [
    'a switch that is not boolean',
    {},
    ['--config-path', conf('enableIPv4: true\nenableIPv6: "yes"\n')],
    /conf-\d\.yml, line 2: enableIPv6 .* "yes"/,
  ],
  [
    'podResourceInject without a boolean',
    {},
    ['--config-path', conf('podResourceInject: {enabled: "yes"}\n')],
    /conf-\d\.yml, line 1: podResourceInject\.enabled .* "yes"; give true or false/,
  ],
  [
    'a missing certificate',
    {},
    ['--tls-server-cert', '/no.crt', '--tls-server-key', '/no.key'],
    /--tls-server-cert \/no\.crt/,
  ],
  ['an unknown flag', {}, ['--bogus'], /unknown argument "--bogus"/],
]
for (const [of, env, args, says] of ENDS)
  for (const signal of [undefined, 'SIGTERM'] as const)
    t.test(
      `spiderpool-controller ends with 1 and a sentence: ${of}${signal === undefined ? '' : ', and SIGTERM meanwhile'}`,
      async t => {
        const child = spawn(`${BIN}/spiderpool-controller`, args, {
          env: {
            ...{
              KUBECONFIG: server.kubeconfig,
              SPIDERPOOL_BIND_ADDRESS: '127.0.0.1',
              SPIDERPOOL_ENABLED_METRIC: 'true',
            },
            ...{ SPIDERPOOL_HEALTH_PORT: '0', SPIDERPOOL_METRIC_HTTP_PORT: '0', SPIDERPOOL_WEBHOOK_PORT: '0', ...env },
          },
          stdio: ['ignore', 'ignore', 'pipe'],
        })
        let stderr = ''
        child.stderr.on('data', (part: Buffer) => {
          stderr += String(part)
          if (signal !== undefined) child.kill(signal) // it has reported the error and may be closing
        })
        const late = setTimeout(() => child.kill('SIGKILL'), ENDS_MS_MAX)
        const end = await new Promise<number | string>(resolve =>
          child.once('close', (code, by) => resolve(code ?? by ?? '')),
        )
        clearTimeout(late)
        t.ok(end === 1 || (signal !== undefined && end === signal), `${end}`)
        t.match(stderr, says)
        t.match(stderr, /^spiderpool-controller: .*\n$/)
      },
    )

t.test('spiderpool-controller serves health and metrics and logs as documented', async t => {
  const controller = await startController(server.kubeconfig, { name: 'c1' })
  t.teardown(() => controller.end('SIGTERM'))
  await controller.said('started leading')
  for (const probe of ['startup', 'readiness', 'liveness'])
    t.equal(
      await eventually(async () => ((await controller.health(probe)).status === 200 ? 200 : undefined)),
      200,
      probe,
    )
  t.equal((await controller.health('else')).status, 404)
  const text = await controller.metrics()
  for (const name of ['spiderpool_total_ippool_counts', 'spiderpool_ip_gc_counts', 'spiderpool_ip_gc_failure_counts'])
    t.match(text, new RegExp(`^# TYPE ${name} `, 'm'))
  t.match(text, /^spiderpool_controller_leader 1$/m)
  for (const { level, ts, msg } of controller.log) {
    t.match(level, /^(INFO|WARN)$/)
    t.match(ts, /^\d{4}-\d\d-\d\dT/)
    t.ok(msg.length > 0)
  }
})

t.test('controller and API server do not both write the counts of a pool', async t => {
  const controller = await startController(server.kubeconfig, { name: 'c2' })
  t.teardown(() => controller.end('SIGTERM'))
  const { hold, must } = await openHoldings(rest, 'both', 1)
  await hold({ name: 'both', address: '10.6.1.1' })
  const version = async (): Promise<string> => JSON.stringify(await must('GET', `${POOLS}/both`))
  await new Promise(resolve => setTimeout(resolve, 4_000))
  const before = await version()
  t.match(before, /"allocatedIPCount":1/)
  await new Promise(resolve => setTimeout(resolve, 3_000))
  t.equal(await version(), before)
})

t.test('controller migrates records of the Go format to SpiderIPAddresses, and keeps them on request', async t => {
  const { hold, must, addresses, status } = await openHoldings(rest, 'go', 2)
  const uid = await hold({ name: 'old', address: '10.6.2.30' })
  await must('DELETE', `${ADDRESSES}/10.6.2.30`)
  const record = `{"10.6.2.30":{"pod":"default/old","podUid":"${uid}"}}`
  const pool = (await must('GET', `${POOLS}/go`)) as { readonly status?: object }
  await must('PUT', `${POOLS}/go/status`, { ...pool, status: { ...pool.status, allocatedIPs: record } })
  const none = join(folder, 'none.yml')
  writeFileSync(none, 'enableStatefulSet: true\nprojectAllocatedIPs: false\n')
  const first = await startController(server.kubeconfig, { name: 'c3', args: ['daemon', '--config-path', none] })
  t.ok(await eventually(async () => ((await status()).allocatedIPs === undefined ? true : undefined), 20_000))
  t.strictSame(await addresses(), ['10.6.2.30'])
  t.match(await must('GET', `${ADDRESSES}/10.6.2.30`), { spec: { nic: 'eth0', node: 'n1', pod: { uid } } })
  await first.end('SIGTERM')

  const conf = join(folder, 'conf.yml')
  writeFileSync(conf, 'enableStatefulSet: true\nprojectAllocatedIPs: true\n')
  const second = await startController(server.kubeconfig, { name: 'c4', args: ['daemon', '--config-path', conf] })
  t.teardown(() => second.end('SIGTERM'))
  t.equal(await eventually(async () => (await status()).allocatedIPs, 20_000), record)
  await must('DELETE', `${PODS}/old?gracePeriodSeconds=0`)
  t.ok(await eventually(async () => ((await status()).allocatedIPs === undefined ? true : undefined)))
  t.equal((await status()).allocatedIPCount, 0)
})

t.test('a deleted SpiderEndpoint is written again, and a deleted SpiderIPAddress created again', async t => {
  const controller = await startController(server.kubeconfig, { name: 'c5' })
  t.teardown(() => controller.end('SIGTERM'))
  await controller.said('started leading', 20_000)
  const { hold, must, addresses } = await openHoldings(rest, 'mended', 3)
  const status = { phase: 'Running', podIPs: [{ ip: '10.6.3.40' }] }
  await hold({ name: 'unrecorded', address: '10.6.3.40', status, isRecorded: false })
  await hold({ name: 'unheld', address: '10.6.3.41', status: { phase: 'Running', podIPs: [{ ip: '10.6.3.41' }] } })
  await must('DELETE', `${ADDRESSES}/10.6.3.41`)
  const record = async (): Promise<unknown> => {
    const { status, body } = await rest.ask('GET', `${ENDPOINTS}/unrecorded`)
    return status === 200 ? body : undefined
  }
  t.match(await eventually(record, 20_000), {
    status: { current: { node: 'n1', ips: [{ interface: 'eth0', ipv4: '10.6.3.40/16', ipv4Pool: 'mended' }] } },
  })
  const isHeld = async (): Promise<true | undefined> => ((await addresses()).includes('10.6.3.41') ? true : undefined)
  t.ok(await eventually(isHeld, 20_000))
})
