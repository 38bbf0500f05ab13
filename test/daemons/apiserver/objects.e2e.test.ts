// Objects over HTTPS, on any API server: CRUD, preconditions, finalizers, status, dry run, names.
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { restOf, type Body } from '../../fixtures/rest.js'

const server = await startApiserver()
const api = restOf(server.kubeconfig)
const ns = `objects-${process.pid}`
const MAPS = `/api/v1/namespaces/${ns}/configmaps`
const POOLS = '/apis/spiderpool.spidernet.io/v2beta1/spiderippools'
const ADDRESSES = '/apis/spiderpool.spidernet.io/v2beta1/spideripaddresses'
const MERGE = { 'content-type': 'application/merge-patch+json' }
const JSON_PATCH = { 'content-type': 'application/json-patch+json' }

const made = await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: ns } } })
t.equal(made.status, 201)
t.teardown(async () => {
  await api.ask('DELETE', `/api/v1/namespaces/${ns}`)
  api.close()
  await server.stop()
})

const map = (name: string, more: object = {}, data: object = { a: '1' }): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...more },
  data,
})

const address = (name: string, more: object = {}): object => ({
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPAddress',
  metadata: { name, ...more },
  spec: {
    address: `${name}/24`,
    ipVersion: 4,
    pool: 'none',
    nic: 'eth0',
    node: 'n1',
    containerID: 'c',
    pod: { namespace: 'default', name: 'p', uid: 'u' },
    owner: { apiVersion: 'v1', kind: 'Pod', name: 'p' },
  },
})

t.test('POST, GET, LIST, PUT and DELETE of an object', async t => {
  const created = await api.ask('POST', MAPS, { body: map('one') })
  t.match(created, {
    status: 201,
    body: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'one', namespace: ns }, data: { a: '1' } },
  })
  const { uid, resourceVersion, creationTimestamp } = created.body['metadata'] ?? {}
  t.match(String(uid), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.match(String(creationTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  t.match(await api.ask('GET', `${MAPS}/one`), { status: 200, body: { data: { a: '1' }, metadata: { uid } } })
  const replaced = await api.ask('PUT', `${MAPS}/one`, { body: map('one', { resourceVersion }, { b: '2' }) })
  t.match(replaced, { status: 200, body: { data: { b: '2' }, metadata: { uid } } })
  t.notOk(replaced.body['data']?.['a'], 'what is not in the new object is gone')
  t.ok(Number(replaced.body['metadata']?.['resourceVersion']) > Number(resourceVersion))
  const list = await api.ask('GET', MAPS)
  t.match(list.body, { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: /^\d+$/ } })
  t.ok((list.body['items'] as unknown as Body[]).some(item => String(item['metadata']?.['name']) === 'one'))
  t.match(await api.ask('DELETE', `${MAPS}/one`), {
    status: 200,
    body: { kind: 'Status', status: 'Success', details: { name: 'one', kind: 'configmaps', uid } },
  })
  t.match(await api.ask('GET', `${MAPS}/one`), {
    status: 404,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'NotFound',
      code: 404,
      message: 'configmaps "one" not found',
      details: { name: 'one', kind: 'configmaps' },
    },
  })
})

t.test('POST of an existing name fails with 409', async t => {
  t.equal((await api.ask('POST', MAPS, { body: map('twice') })).status, 201)
  t.match(await api.ask('POST', MAPS, { body: map('twice') }), {
    status: 409,
    body: {
      reason: 'AlreadyExists',
      message: 'configmaps "twice" already exists',
      details: { name: 'twice', kind: 'configmaps' },
    },
  })
})

t.test('PUT of a stale resourceVersion fails with 409 and changes nothing', async t => {
  const { body } = await api.ask('POST', MAPS, { body: map('stale') })
  const { resourceVersion } = body['metadata'] ?? {}
  t.equal((await api.ask('PUT', `${MAPS}/stale`, { body: map('stale', { resourceVersion }, { a: '2' }) })).status, 200)
  t.match(await api.ask('PUT', `${MAPS}/stale`, { body: map('stale', { resourceVersion }, { a: '3' }) }), {
    status: 409,
    body: {
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
    },
  })
  t.match(await api.ask('GET', `${MAPS}/stale`), { body: { data: { a: '2' } } })
  const patched = await api.ask('PATCH', `${MAPS}/stale`, {
    headers: MERGE,
    body: { metadata: { resourceVersion }, data: { a: '4' } },
  })
  t.equal(patched.status, 409, 'a patch that names a resourceVersion too')
})

t.test('PUT without a change keeps the resourceVersion', async t => {
  const { body } = await api.ask('POST', MAPS, { body: map('same') })
  const again = await api.ask('PATCH', `${MAPS}/same`, { headers: MERGE, body: { data: { a: '1' } } })
  t.equal(again.body['metadata']?.['resourceVersion'], body['metadata']?.['resourceVersion'])
})

t.test('PATCH applies JSON, merge and strategic merge patches', async t => {
  await api.ask('POST', MAPS, { body: map('patched') })
  const merged = await api.ask('PATCH', `${MAPS}/patched`, { headers: MERGE, body: { data: { a: null, c: '3' } } })
  t.strictSame([merged.status, merged.body['data']], [200, { c: '3' }])
  const ops = [
    { op: 'test', path: '/data/c', value: '3' },
    { op: 'replace', path: '/data/c', value: '4' },
  ]
  const replaced = await api.ask('PATCH', `${MAPS}/patched`, { headers: JSON_PATCH, body: ops })
  t.strictSame([replaced.status, replaced.body['data']], [200, { c: '4' }])
  const failing = await api.ask('PATCH', `${MAPS}/patched`, { headers: JSON_PATCH, body: ops })
  t.equal(failing.status, 422, 'a test operation that fails')
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
  const added = await api.ask('PATCH', `${MAPS}/patched`, {
    headers: strategic,
    body: { metadata: { labels: { l: '1' } } },
  })
  t.match(added, { status: 200, body: { metadata: { labels: { l: '1' } }, data: { c: '4' } } })
  t.equal(
    (await api.ask('PATCH', `${MAPS}/patched`, { headers: { 'content-type': 'text/plain' }, body: '{}' })).status,
    415,
  )
  t.equal((await api.ask('PATCH', `${MAPS}/absent`, { headers: MERGE, body: {} })).status, 404)
})

t.test('DELETE checks its preconditions', async t => {
  const { body } = await api.ask('POST', ADDRESSES, { body: address('192.0.2.1') })
  const { uid, resourceVersion } = body['metadata'] ?? {}
  const other = '00000000-0000-4000-8000-000000000000'
  t.match(await api.ask('DELETE', `${ADDRESSES}/192.0.2.1`, { body: { preconditions: { uid: other } } }), {
    status: 409,
    body: { reason: 'Conflict', message: /UID in (the )?precondition/ },
  })
  t.equal(
    (await api.ask('DELETE', `${ADDRESSES}/192.0.2.1`, { body: { preconditions: { resourceVersion: '1' } } })).status,
    409,
  )
  t.equal(
    (await api.ask('DELETE', `${ADDRESSES}/192.0.2.1`, { body: { preconditions: { uid, resourceVersion } } })).status,
    200,
  )
  t.equal((await api.ask('DELETE', `${ADDRESSES}/192.0.2.1`, { body: { preconditions: { uid } } })).status, 404)
})

t.test('DELETE waits for the last finalizer', async t => {
  await api.ask('POST', MAPS, { body: map('held', { finalizers: ['example.com/a', 'example.com/b'] }) })
  const deleted = await api.ask('DELETE', `${MAPS}/held`)
  t.match(deleted, {
    status: 200,
    body: { kind: 'ConfigMap', metadata: { deletionTimestamp: /^20/, deletionGracePeriodSeconds: 0 } },
  })
  t.match(await api.ask('DELETE', `${MAPS}/held`), { status: 200 }, 'a second delete is no error')
  const more = { metadata: { finalizers: ['example.com/a', 'example.com/b', 'example.com/c'] } }
  t.match(await api.ask('PATCH', `${MAPS}/held`, { headers: MERGE, body: more }), {
    status: 422,
    body: { message: /no new finalizers can be added if the object is being deleted/ },
  })
  t.match(
    await api.ask('PATCH', `${MAPS}/held`, { headers: MERGE, body: { metadata: { finalizers: ['example.com/b'] } } }),
    {
      status: 200,
      body: { metadata: { deletionTimestamp: /^20/ } },
    },
  )
  t.equal(
    (await api.ask('PATCH', `${MAPS}/held`, { headers: MERGE, body: { metadata: { finalizers: [] } } })).status,
    200,
  )
  t.equal((await api.ask('GET', `${MAPS}/held`)).status, 404)
})

t.test('status is written by /status only and keeps the generation', async t => {
  const name = `status-${process.pid}`
  const ips = ['203.0.113.1']
  const created = await api.ask('POST', POOLS, {
    body: {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderIPPool',
      metadata: { name },
      spec: { subnet: '203.0.113.0/24', ips },
      status: { totalIPCount: 77 },
    },
  })
  t.equal(created.status, 201)
  t.not(created.body['status']?.['totalIPCount'], 77, 'a create writes no status')
  t.equal(created.body['metadata']?.['generation'], 1)
  const through = await api.ask('PATCH', `${POOLS}/${name}`, {
    headers: MERGE,
    body: { status: { allocatedIPs: '{}' }, spec: { disable: true } },
  })
  t.match(through.body, { spec: { disable: true }, metadata: { generation: 2 } })
  t.equal(through.body['status']?.['allocatedIPs'], undefined)
  const status = await api.ask('PATCH', `${POOLS}/${name}/status`, {
    headers: MERGE,
    body: { status: { allocatedIPs: '{}' }, spec: { disable: false } },
  })
  t.match(status.body, { status: { allocatedIPs: '{}' }, spec: { disable: true }, metadata: { generation: 2 } })
  t.match(await api.ask('GET', `${POOLS}/${name}/status`), { status: 200, body: { kind: 'SpiderIPPool' } })
  await api.ask('PATCH', `${POOLS}/${name}/status`, { headers: MERGE, body: { status: { allocatedIPs: null } } })
  await api.ask('DELETE', `${POOLS}/${name}`)
})

t.test('dryRun=All returns the object and stores nothing', async t => {
  t.equal((await api.ask('POST', `${MAPS}?dryRun=All`, { body: map('dry') })).status, 201)
  t.equal((await api.ask('GET', `${MAPS}/dry`)).status, 404)
  await api.ask('POST', MAPS, { body: map('wet') })
  t.match(await api.ask('PATCH', `${MAPS}/wet?dryRun=All`, { headers: MERGE, body: { data: { a: '9' } } }), {
    body: { data: { a: '9' } },
  })
  t.equal((await api.ask('DELETE', `${MAPS}/wet?dryRun=All`)).status, 200)
  t.match(await api.ask('GET', `${MAPS}/wet`), { status: 200, body: { data: { a: '1' } } })
})

t.test('POST with generateName appends a suffix', async t => {
  const made = await Promise.all(
    [1, 2].map(() => api.ask('POST', MAPS, { body: { metadata: { generateName: 'gen-' } } })),
  )
  const names = made.map(({ body }) => String(body['metadata']?.['name']))
  for (const name of names) t.match(name, /^gen-[a-z0-9]{5}$/)
  t.not(names[0], names[1])
})

interface Refused {
  readonly of: string
  readonly path: string
  readonly body: unknown
  readonly status: number
  readonly message: RegExp
  /** Why it is skipped. */
  readonly skip?: string | false
}

const REFUSED: readonly Refused[] = [
  {
    of: 'a name with capitals',
    path: MAPS,
    body: map('Capital'),
    status: 422,
    message: /metadata\.name: Invalid value: "Capital": a lowercase RFC 1123 subdomain/,
  },
  { of: 'no name', path: MAPS, body: { metadata: {} }, status: 422, message: /name or generateName is required/ },
  {
    of: 'a name of 254 letters',
    path: MAPS,
    body: map('a'.repeat(254)),
    status: 422,
    message: /must be no more than 253/,
  },
  {
    of: 'a label value with a space',
    path: MAPS,
    body: map('l', { labels: { a: 'b c' } }),
    status: 422,
    message: /metadata\.labels: Invalid value: "b c"/,
  },
  {
    of: 'an owner without UID',
    path: MAPS,
    body: map('o', { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p' }] }),
    status: 422,
    message: /metadata\.ownerReferences\S* (Invalid value|Required value)/,
  },
  { of: 'a body that is not JSON', path: MAPS, body: '{"a":', status: 400, message: /./ },
  {
    of: 'another kind',
    path: MAPS,
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } },
    status: 400,
    message: /do not match|cannot be handled/,
  },
  {
    of: 'a missing namespace',
    path: '/api/v1/namespaces/nowhere/configmaps',
    body: map('x'),
    status: 404,
    message: /namespaces "nowhere" not found/,
  },
  {
    of: 'a value outside the enum',
    path: POOLS,
    body: { metadata: { name: 'x' }, spec: { subnet: '10.0.0.0/8', ipVersion: 5 } },
    status: 422,
    message: /spec\.ipVersion: Unsupported value: 5: supported values: "?4"?, "?6"?/,
  },
  {
    of: 'a field of a wrong type',
    path: POOLS,
    body: { metadata: { name: 'x' }, spec: { subnet: '10.0.0.0/8', ips: 'all' } },
    status: 422,
    message: /spec\.ips: Invalid value: "string": spec\.ips in body must be of type array/,
  },
  {
    of: 'a required field that is absent',
    path: POOLS,
    body: { metadata: { name: 'x' }, spec: {} },
    status: 422,
    message: /spec\.subnet: Required value/,
  },
  {
    of: 'an unknown field with fieldValidation=Strict',
    path: `${POOLS}?fieldValidation=Strict`,
    body: { metadata: { name: 'x' }, spec: { subnet: '10.0.0.0/8', vlan: 0 } },
    status: 400,
    message: /strict decoding error: unknown field "spec\.vlan"/,
    skip: server.lacks('fieldValidation'),
  },
]

for (const { of, path, body, status, message, skip = false } of REFUSED)
  t.test(`POST rejects ${of}`, { skip }, async t => {
    const whole =
      typeof body === 'object' && path.startsWith(POOLS)
        ? { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool', ...body }
        : body
    const answer = await api.ask('POST', path, { body: whole })
    t.match(answer, { status, body: { kind: 'Status', status: 'Failure', code: status, message } })
  })

t.test(
  'POST prunes unknown fields with a warning and fills in defaults',
  { skip: server.lacks('fieldValidation') },
  async t => {
    const name = `pruned-${process.pid}`
    const body = {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderIPPool',
      metadata: { name },
      spec: { subnet: '198.51.100.0/24', vlan: 0 },
    }
    const answer = await api.ask('POST', `${POOLS}?fieldValidation=Warn`, { body })
    t.match(answer, {
      status: 201,
      headers: { warning: /299 - "unknown field \\"spec\.vlan\\""/ },
      body: { spec: { default: false, disable: false } },
    })
    t.equal(answer.body['spec']?.['vlan'], undefined)
    await api.ask('DELETE', `${POOLS}/${name}`)
  },
)

t.test('a client without a token may only read health and version', async t => {
  t.equal((await api.ask('GET', '/readyz', { known: false })).status, 200)
  t.match((await api.ask('GET', '/version', { known: false })).status, 200)
  const answer = await api.ask('GET', MAPS, { known: false })
  t.ok(answer.status === 401 || answer.status === 403, String(answer.status))
  const wrong = await api.ask('GET', MAPS, { known: false, headers: { authorization: 'Bearer wrong' } })
  t.match(wrong, { status: 401, body: { reason: 'Unauthorized' } })
})

t.test('unknown path, kind, method and media type fail with 404, 404, 405 and 406', async t => {
  t.equal((await api.ask('GET', '/nowhere')).status, 404)
  t.equal((await api.ask('GET', '/apis/example.com/v1/things')).status, 404)
  t.match(await api.ask('PUT', MAPS, { body: {} }), { status: 405 })
  t.match(await api.ask('GET', MAPS, { headers: { accept: 'text/html' } }), {
    status: 406,
    body: { reason: 'NotAcceptable' },
  })
})
