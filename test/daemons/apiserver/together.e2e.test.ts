// Garbage collection: dependents, namespaces, CRDs and their objects; pools and their addresses.
import t from 'tap'
import { NO_CONTROLLER, startApiserver } from '../../fixtures/apiserver.js'
import { restOf, type Answer, type Body } from '../../fixtures/rest.js'

const server = await startApiserver()
const api = restOf(server.kubeconfig)
const ns = `together-${process.pid}`
const MAPS = `/api/v1/namespaces/${ns}/configmaps`
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const SPIDER = '/apis/spiderpool.spidernet.io/v2beta1'
const MERGE = { 'content-type': 'application/merge-patch+json' }

await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: ns } } })
t.teardown(async () => {
  await api.ask('DELETE', `/api/v1/namespaces/${ns}`)
  api.close()
  await server.stop()
})

/** Polls until the answer is as expected, for at most ten seconds. */
async function until(path: string, wanted: (answer: Answer) => boolean): Promise<Answer> {
  const late = Date.now() + 10_000
  for (;;) {
    const answer = await api.ask('GET', path)
    if (wanted(answer) || Date.now() > late) return answer
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
const gone = ({ status }: Answer): boolean => status === 404

async function map(name: string, owners: readonly Body[] = [], more: object = {}): Promise<Body> {
  const ownerReferences = owners.map(owner => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: owner['metadata']?.['name'],
    uid: owner['metadata']?.['uid'],
    blockOwnerDeletion: true,
  }))
  const { status, body } = await api.ask('POST', MAPS, { body: { metadata: { name, ownerReferences, ...more } } })
  if (status !== 201) throw new Error(`create ${name}: ${JSON.stringify(body)}`)
  return body
}

t.test('dependents are deleted with their last owner', async t => {
  const [a, b] = [await map('owner-a'), await map('owner-b')]
  await map('of-a', [a])
  await map('of-both', [a, b])
  const grand = await map('grand', [(await api.ask('GET', `${MAPS}/of-a`)).body])
  t.ok(grand)
  await api.ask('DELETE', `${MAPS}/owner-a`)
  t.equal((await until(`${MAPS}/of-a`, gone)).status, 404)
  t.equal((await until(`${MAPS}/grand`, gone)).status, 404, 'and theirs')
  const left = await until(
    `${MAPS}/of-both`,
    ({ body }) => Number(body['metadata']?.['ownerReferences']?.['length']) === 1,
  )
  t.match(
    left.body['metadata']?.['ownerReferences'],
    [{ name: 'owner-b' }],
    'one with another owner stays, and forgets the first',
  )
  await api.ask('DELETE', `${MAPS}/owner-b`)
  t.equal((await until(`${MAPS}/of-both`, gone)).status, 404)
})

t.test('an object whose owner is absent or has another UID is deleted', async t => {
  const owner = await map('short-lived')
  await api.ask('DELETE', `${MAPS}/short-lived`)
  await map('late', [owner])
  t.equal((await until(`${MAPS}/late`, gone)).status, 404)
  await map('short-lived')
  await map('later', [owner])
  t.equal((await until(`${MAPS}/later`, gone)).status, 404, 'a new object of the name is not the owner')
})

t.test('DELETE with Orphan keeps dependents without the owner reference', async t => {
  const owner = await map('leaver')
  await map('orphan', [owner])
  await api.ask('DELETE', `${MAPS}/leaver`, { body: { propagationPolicy: 'Orphan' } })
  t.equal((await until(`${MAPS}/leaver`, gone)).status, 404)
  const orphan = await api.ask('GET', `${MAPS}/orphan`)
  t.equal(orphan.status, 200)
  t.notOk(orphan.body['metadata']?.['ownerReferences']?.['length'])
})

t.test('DELETE with Foreground deletes the owner last', async t => {
  const owner = await map('front')
  await map('dependent', [owner], { finalizers: ['example.com/hold'] })
  await api.ask('DELETE', `${MAPS}/front`, { body: { propagationPolicy: 'Foreground' } })
  const ending = await until(`${MAPS}/dependent`, ({ body }) => body['metadata']?.['deletionTimestamp'] !== undefined)
  t.ok(ending.body['metadata']?.['deletionTimestamp'])
  t.match(await api.ask('GET', `${MAPS}/front`), {
    status: 200,
    body: { metadata: { finalizers: ['foregroundDeletion'] } },
  })
  await api.ask('PATCH', `${MAPS}/dependent`, { headers: MERGE, body: { metadata: { finalizers: null } } })
  t.equal((await until(`${MAPS}/front`, gone)).status, 404)
})

t.test('DELETE of a collection applies its selector', async t => {
  for (const name of ['c1', 'c2', 'c3']) await map(name, [], { labels: { collect: name === 'c3' ? 'no' : 'yes' } })
  t.equal((await api.ask('DELETE', `${MAPS}?labelSelector=collect%3Dyes`)).status, 200)
  t.equal((await until(`${MAPS}/c1`, gone)).status, 404)
  t.equal((await api.ask('GET', `${MAPS}/c3`)).status, 200)
})

t.test('DELETE of a namespace deletes its objects and rejects new ones', async t => {
  const name = `${ns}-going`
  const path = `/api/v1/namespaces/${name}`
  t.match(await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name } } }), {
    status: 201,
    body: {
      metadata:
        server.lacks('kubernetes.io/metadata.name') === false
          ? { labels: { 'kubernetes.io/metadata.name': name } }
          : {},
    },
  })
  await api.ask('POST', `${path}/configmaps`, {
    body: { metadata: { name: 'held', finalizers: ['example.com/hold'] } },
  })
  await api.ask('POST', `${path}/configmaps`, { body: { metadata: { name: 'free' } } })
  t.match(await api.ask('DELETE', path), { status: 200, body: { metadata: { deletionTimestamp: /^20/ } } })
  t.equal((await until(`${path}/configmaps/free`, gone)).status, 404)
  t.match(await api.ask('POST', `${path}/configmaps`, { body: { metadata: { name: 'more' } } }), {
    status: 403,
    body: { reason: 'Forbidden', message: /because it is being terminated/ },
  })
  await api.ask('PATCH', `${path}/configmaps/held`, { headers: MERGE, body: { metadata: { finalizers: null } } })
  t.equal((await until(path, gone)).status, 404)
  t.equal((await api.ask('DELETE', '/api/v1/namespaces/kube-system')).status, 403, 'what the system needs stays')
})

const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.test.spiderpool.io' },
  spec: {
    group: 'test.spiderpool.io',
    scope: 'Namespaced',
    names: { plural: 'gadgets', kind: 'Gadget', shortNames: ['gd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1, maximum: 9 },
                  color: { type: 'string', default: 'red', pattern: '^[a-z]+$' },
                  port: { 'x-kubernetes-int-or-string': true },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
                  parts: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: { type: 'string' }, n: { type: 'integer', default: 1 } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
}
const GADGETS = `/apis/test.spiderpool.io/v1/namespaces/${ns}/gadgets`
const gadget = (name: string, spec: object): object => ({
  apiVersion: 'test.spiderpool.io/v1',
  kind: 'Gadget',
  metadata: { name },
  spec,
})

t.test('a CRD is served once created, and its objects are deleted with it', async t => {
  const path = `${CRDS}/${crd.metadata.name}`
  t.equal((await api.ask('GET', GADGETS)).status, 404)
  t.equal((await api.ask('POST', CRDS, { body: crd })).status, 201)
  const conditions = JSON.stringify(
    (await until(path, ({ body }) => /"Established"/.test(JSON.stringify(body['status'] ?? '')))).body['status'],
  )
  t.match(conditions, /"Established"/)
  await until(GADGETS, ({ status }) => status === 200)

  const spec = { size: 3, port: '80%', free: { any: [1] }, unknown: 1, parts: [{ name: 'a' }] }
  const made = await api.ask('POST', GADGETS, { body: gadget('good', spec) })
  t.equal(made.status, 201)
  t.strictSame(made.body['spec'], {
    size: 3,
    port: '80%',
    free: { any: [1] },
    parts: [{ name: 'a', n: 1 }],
    color: 'red',
  })
  const REFUSED: readonly (readonly [spec: object, message: RegExp])[] = [
    [{}, /spec\.size: Required value/],
    [{ size: 0 }, /spec\.size: Invalid value: 0: spec\.size in body should be greater than or equal to 1/],
    [{ size: 10 }, /spec\.size in body should be less than or equal to 9/],
    [{ size: 'x' }, /spec\.size in body must be of type integer: "string"/],
    [{ size: 1, color: 'RED' }, /spec\.color in body should match '\^\[a-z\]\+\$'/],
    [{ size: 1, port: true }, /spec\.port/],
    [{ size: 1, tags: ['a', 'a'] }, /spec\.tags\[1\]: Duplicate value: "a"/],
    [{ size: 1, parts: [{ name: 'a' }, { name: 'a', n: 2 }] }, /spec\.parts\[1\]: Duplicate value: .*"name":"a"/],
  ]
  for (const [wrong, message] of REFUSED)
    t.match(await api.ask('POST', GADGETS, { body: gadget('bad', wrong) }), {
      status: 422,
      body: { reason: 'Invalid', message },
    })
  const noVersion = await api.ask('PUT', `${GADGETS}/good`, { body: gadget('good', { size: 4 }) })
  t.match(noVersion, {
    status: 422,
    body: { message: /metadata\.resourceVersion: Invalid value: .*must be specified for an update/ },
  })
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  t.match((await api.ask('GET', GADGETS, { headers: { accept } })).body, {
    columnDefinitions: [{ name: 'Name' }, { name: 'Size', type: 'integer' }],
    rows: [{ cells: ['good', 3] }],
  })
  t.equal((await api.ask('DELETE', path)).status, 200)
  t.equal((await until(path, gone)).status, 404)
  t.equal((await until(GADGETS, gone)).status, 404, 'the path is not served')
})

t.test(
  'a pool is defaulted, counts its addresses and is deleted when empty',
  { skip: server.own ? false : NO_CONTROLLER },
  async t => {
    const name = `pool-${process.pid}`
    const pool = {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderIPPool',
      metadata: { name },
      spec: { subnet: '192.0.2.0/24', ips: ['192.0.2.10-192.0.2.19'], excludeIPs: ['192.0.2.15'] },
    }
    const made = await api.ask('POST', `${SPIDER}/spiderippools`, { body: pool })
    t.match(made, {
      status: 201,
      body: {
        metadata: {
          finalizers: ['spiderpool.spidernet.io'],
          labels: { 'ipam.spidernet.io/ippool-cidr': '192-0-2-0-24' },
        },
        spec: { ipVersion: 4 },
      },
    })
    const uid = String(made.body['metadata']?.['uid'])
    const address = (ip: string): object => ({
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderIPAddress',
      metadata: { name: ip, labels: { 'ipam.spidernet.io/ippool-uid': uid } },
      spec: {
        address: `${ip}/24`,
        ipVersion: 4,
        pool: name,
        nic: 'eth0',
        node: 'n1',
        containerID: 'c',
        pod: { namespace: 'default', name: 'p', uid: 'u' },
        owner: { apiVersion: 'v1', kind: 'Pod', name: 'p' },
      },
    })
    for (const ip of ['192.0.2.10', '192.0.2.11'])
      t.equal((await api.ask('POST', `${SPIDER}/spideripaddresses`, { body: address(ip) })).status, 201)
    const counted = await until(
      `${SPIDER}/spiderippools/${name}`,
      ({ body }) => Number(body['status']?.['allocatedIPCount']) === 2,
    )
    t.match(counted.body['status'], { allocatedIPCount: 2, totalIPCount: 9, allocatedIPsProjected: false })
    t.match(await api.ask('DELETE', `${SPIDER}/spiderippools/${name}`), {
      status: 200,
      body: { metadata: { deletionTimestamp: /^20/ } },
    })
    await api.ask('DELETE', `${SPIDER}/spideripaddresses/192.0.2.10`)
    await new Promise(resolve => setTimeout(resolve, 1_200))
    t.equal((await api.ask('GET', `${SPIDER}/spiderippools/${name}`)).status, 200, 'one address still holds it')
    await api.ask('DELETE', `${SPIDER}/spideripaddresses/192.0.2.11`)
    t.equal((await until(`${SPIDER}/spiderippools/${name}`, gone)).status, 404)
  },
)
