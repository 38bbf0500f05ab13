// The webhooks as the API server calls them: over TLS, verified by the caBundle only, while
// certificates are replaced under two replicas.
import { execFileSync } from 'node:child_process'
import { connect } from 'node:tls'
import jsonpatch from 'fast-json-patch'
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { eventually, startController, type ControllerFixture } from '../../fixtures/controller.js'
import { BIN } from '../../fixtures/executable.js'
import { restOf, type Body } from '../../fixtures/rest.js'
import { callerOf, type Caller } from '../../fixtures/webhook.js'

const SPIDER = '/apis/spiderpool.spidernet.io/v2beta1'
const REGISTRATION = '/apis/admissionregistration.k8s.io/v1'
const SECRET = '/api/v1/namespaces/kube-system/secrets/spiderpool-controller-server-certs'
const SERVER_NAME = 'spiderpool-controller.kube-system.svc'
const PATH = '-spiderpool-spidernet-io-v2beta1-'

// Without its own admission: objects pass our webhooks only.
const server = await startApiserver({ args: ['--no-admission'] })
const rest = restOf(server.kubeconfig)
const controllers: ControllerFixture[] = []
t.teardown(async () => {
  for (const controller of controllers) await controller.end('SIGTERM')
  rest.close()
  await server.stop()
})

async function must(method: string, path: string, body?: object): Promise<Body> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const answer = await rest.ask(method, path, { ...(body && { body }), headers: { 'content-type': type } })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

const start = async (name: string): Promise<ControllerFixture> => {
  const controller = await startController(server.kubeconfig, { name })
  controllers.push(controller)
  return controller
}
const portOf = async (controller: ControllerFixture): Promise<number> =>
  Number((await controller.said('the webhooks are served'))['port'])

/** The caBundle of every webhook of both configurations; undefined while they differ. */
async function bundle(): Promise<string | undefined> {
  const bundles = new Set<string>()
  for (const plural of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
    const { webhooks } = await must('GET', `${REGISTRATION}/${plural}/spiderpool-controller`)
    for (const { clientConfig } of webhooks as unknown as { readonly clientConfig: { readonly caBundle?: string } }[])
      bundles.add(clientConfig.caBundle ?? '')
  }
  const [one = ''] = bundles
  return bundles.size === 1 && one !== '' ? Buffer.from(one, 'base64').toString() : undefined
}

const printed = execFileSync(`${BIN}/spiderpool-controller`, ['webhooks'], { encoding: 'utf8' })
interface Printed {
  readonly items: readonly { readonly kind: string; readonly webhooks: readonly object[] }[]
}
// A real API server would call them and find no Service: these tests call them instead.
const objectSelector = { matchLabels: { test: 'never' } }
for (const { webhooks, ...object } of (JSON.parse(printed) as Printed).items)
  await must('POST', `${REGISTRATION}/${object.kind.toLowerCase()}s`, {
    ...object,
    webhooks: webhooks.map(one => ({ ...one, objectSelector })),
  })

const first = await start('one')
const second = await start('two')
const ports = { first: await portOf(first), second: await portOf(second) }
const ca = (await eventually(bundle)) ?? ''
const caller = (port: number, sockets = 10): Caller => callerOf({ port, ca, serverName: SERVER_NAME }, { sockets })
const one = caller(ports.first)
const two = caller(ports.second)
t.teardown(() => [one, two].forEach(each => each.close()))

const poolOf = (name: string, spec: object): object => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name },
  spec,
})
const create = (object: object): object => ({ operation: 'CREATE', name: '', namespace: '', object, oldObject: null })
const v4 = { subnet: '172.20.0.0/16', ips: ['172.20.1.9', '172.20.1.1-172.20.1.5', '172.20.1.6'] }

t.test('both replicas serve a certificate that the caBundle verifies, and are ready', async t => {
  for (const caller of [one, two])
    t.match(await caller.call('/webhook-health-check', '', { method: 'GET' }), { status: 200 })
  for (const controller of [first, second])
    t.ok(await eventually(async () => ((await controller.health('readiness')).status === 200 ? true : undefined)))
})

t.test('a pool is defaulted by a JSON patch and then valid', async t => {
  const object = poolOf('a', v4)
  const answer = await one.review(`/mutate${PATH}spiderippool`, create(object))
  t.match(answer, { uid: 'u-1', allowed: true, patchType: 'JSONPatch' })
  const patch = JSON.parse(Buffer.from(String(answer['patch']), 'base64').toString()) as jsonpatch.Operation[]
  const made = jsonpatch.applyPatch(structuredClone(object), patch).newDocument
  t.match(made, {
    metadata: { finalizers: ['spiderpool.spidernet.io'], labels: { 'ipam.spidernet.io/ippool-cidr': '172-20-0-0-16' } },
    spec: { ipVersion: 4, ips: ['172.20.1.1-172.20.1.6', '172.20.1.9'] },
  })
  t.strictSame(await two.review(`/mutate${PATH}spiderippool`, create(made)), { uid: 'u-1', allowed: true })
  t.strictSame(await two.review(`/validate${PATH}spiderippool`, create(made)), { uid: 'u-1', allowed: true })
})

t.test('an invalid object is denied with a Status that the API server passes on', async t => {
  const answer = await one.review(
    `/validate${PATH}spiderippool`,
    create(poolOf('a', { ipVersion: 4, subnet: '10.6.0.1/16' })),
  )
  t.match(answer, {
    allowed: false,
    status: {
      code: 422,
      reason: 'Invalid',
      message:
        /^SpiderIPPool\.spiderpool\.spidernet\.io "a" is invalid: spec\.subnet: Invalid value: "10\.6\.0\.1\/16": it has host bits/,
      details: { causes: [{ field: 'spec.subnet' }] },
    },
  })
})

t.test('a SpiderMultusConfig with an unknown key of a conf is allowed with a warning', async t => {
  const object = {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name: 'typo', namespace: 'default' },
    spec: { cniType: 'custom', customCNI: '{"type":"coordinator","hostRuletabel":500}' },
  }
  t.strictSame(await one.review(`/validate${PATH}spidermultusconfig`, create(object)), {
    ...{ uid: 'u-1', allowed: true },
    warnings: [
      'spec.customCNI: hostRuletabel of the CNI conf is unknown and has no effect; did you mean hostRuleTable?',
    ],
  })
})

t.test('every path of the configurations is served', async t => {
  const { items } = JSON.parse(printed) as {
    items: { webhooks: { name: string; clientConfig: { service: { path: string } } }[] }[]
  }
  const paths = items.flatMap(({ webhooks }) => webhooks.map(({ clientConfig }) => clientConfig.service.path))
  t.equal(paths.length, 10)
  for (const path of [...paths, '/mutate--v1-pod']) t.equal((await one.call(path, '{}')).status, 400, path)
})

const wrong: readonly [string, string, string | object, { method?: string; type?: string }, number][] = [
  ['an unknown path', '/mutate', {}, {}, 404],
  ['GET', `/mutate${PATH}spiderippool`, '', { method: 'GET' }, 405],
  ['YAML', `/mutate${PATH}spiderippool`, 'a: b', { type: 'application/yaml' }, 415],
  ['invalid JSON', `/mutate${PATH}spiderippool`, '{', {}, 400],
  [
    'another version',
    `/mutate${PATH}spiderippool`,
    { apiVersion: 'admission.k8s.io/v1beta1', kind: 'AdmissionReview' },
    {},
    400,
  ],
  ['no request', `/mutate${PATH}spiderippool`, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }, {}, 400],
  ['eight megabytes', `/mutate${PATH}spiderippool`, 'x'.repeat(8 << 20), {}, 413],
]
for (const [what, path, body, options, status] of wrong)
  t.test(`${what} is answered ${status}`, async t => {
    const answer = await one.call(path, body, options).catch((error: unknown) => ({ status: String(error) }))
    // A server that answered 413 may close before the body was sent.
    t.ok(
      answer.status === status || (status === 413 && /EPIPE|ECONNRESET/.test(`${answer.status}`)),
      `${answer.status}`,
    )
  })

t.test('a request whose body does not arrive is answered within the time limit', async t => {
  const socket = connect({ host: '127.0.0.1', port: ports.first, ca, servername: SERVER_NAME })
  t.teardown(() => socket.destroy())
  const head = `POST /mutate${PATH}spiderippool HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`
  const got = new Promise<string>(resolve => socket.once('data', (data: Buffer) => resolve(data.toString())))
  socket.write(head)
  t.match(await got, /^HTTP\/1\.1 408 /)
})

t.test(
  'the newer of two overlapping pools that two replicas admitted concurrently is disabled with the reason',
  async t => {
    const specs = { ipVersion: 4, subnet: '172.30.0.0/16', ips: ['172.30.1.1-172.30.1.9'] }
    const pools = ['race-a', 'race-b'].map(name => poolOf(name, specs))
    const verdicts = await Promise.all(
      pools.map((pool, at) => [one, two][at]?.review(`/validate${PATH}spiderippool`, create(pool))),
    )
    t.match(verdicts, [{ allowed: true }, { allowed: true }], 'neither sees the other')
    const made = await Promise.all(pools.map(pool => must('POST', `${SPIDER}/spiderippools`, pool)))
    const [older, younger] = made
      .map(({ metadata }) => metadata as unknown as { name: string; uid: string; creationTimestamp: string })
      .sort((a, b) => (`${a.creationTimestamp} ${a.uid}` < `${b.creationTimestamp} ${b.uid}` ? -1 : 1))
    const because = (pool: Body): string | undefined => (pool as unknown as Disabled).metadata.annotations?.[BECAUSE]
    const disabled = await eventually(async () => {
      const pool = await must('GET', `${SPIDER}/spiderippools/${younger?.name}`)
      return because(pool) === undefined ? undefined : pool
    })
    t.match(disabled, { spec: { disable: true } })
    t.equal(because(disabled ?? {}), `spec.ips: 172.30.1.1-172.30.1.9 overlap with SpiderIPPool ${older?.name}`)
    t.match(await must('GET', `${SPIDER}/spiderippools/${older?.name}`), { spec: { disable: false } })
    const event = await eventually(async () => {
      const { items } = await must('GET', '/api/v1/namespaces/default/events')
      return (items as unknown as Body[]).find(({ reason }) => String(reason) === 'PoolOverlaps')
    })
    t.match(event, { type: 'Warning', involvedObject: { name: younger?.name } })

    await must('PATCH', `${SPIDER}/spiderippools/${older?.name}`, { spec: { ips: ['172.30.2.1'] } })
    const enabled = await eventually(async () => {
      const pool = await must('GET', `${SPIDER}/spiderippools/${younger?.name}`)
      return because(pool) === undefined ? pool : undefined
    })
    t.match(enabled, { spec: { disable: false } }, 'and enabled again when they agree')
  },
)

t.test('a deleted certificate is created again while calls succeed', async t => {
  const { serial } = await two.call('/webhook-health-check', '', { method: 'GET' })
  const served = (await must('GET', SECRET)) as unknown as { readonly data: Record<string, string> }
  const counts = { allowed: 0, failed: 0 }
  const reserved = create({ metadata: { name: 'r' }, spec: { ipVersion: 4, ips: ['10.0.0.1'] } })
  const under = setInterval(() => {
    const each = caller(ports.second, 1) // its own connection
    each
      .review(`/validate${PATH}spiderreservedip`, reserved)
      .then(({ allowed }) => counts[String(allowed) === 'true' ? 'allowed' : 'failed']++)
      .catch(() => counts.failed++)
      .finally(() => each.close())
  }, 20)
  t.teardown(() => clearInterval(under))
  const half = connect({ host: '127.0.0.1', port: ports.second, ca, servername: SERVER_NAME })
  t.teardown(() => half.destroy())
  const ended = new Promise<string>(resolve => half.once('data', (data: Buffer) => resolve(data.toString())))
  const text = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'half', ...reserved },
  })
  half.write(
    `POST /validate${PATH}spiderreservedip HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text.slice(0, 9)}`,
  )
  await eventually(() => (counts.allowed > 5 ? true : undefined))

  await must('PUT', SECRET, { ...served, data: { ...served.data, 'tls.crt': '', 'tls.key': '' } })
  const renewed = await eventually(async () => {
    const fresh = caller(ports.second)
    const answer = await fresh.call('/webhook-health-check', '', { method: 'GET' })
    fresh.close()
    return answer.serial === serial ? undefined : answer
  })
  t.ok(renewed, 'another certificate, which the same caBundle verifies')
  half.write(text.slice(9))
  t.match(await ended, /^HTTP\/1\.1 200 [^]*"allowed":true/, 'a request that was under way is answered')
  const before = counts.allowed
  await eventually(() => (counts.allowed > before + 5 ? true : undefined))
  t.ok(counts.allowed > before + 5, `${counts.allowed} calls`)
  t.equal(counts.failed, 0)
})

const BECAUSE = 'ipam.spidernet.io/disabled-because'
interface Disabled {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
}
