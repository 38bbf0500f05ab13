// Without a controller: `kubectl delete se NAME` completes once nothing needs the SpiderEndpoint.
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { openIpam } from '../../fixtures/ipam.js'
import { restOf, type Answer, type Body } from '../../fixtures/rest.js'
import { leaseLeftMs } from '../../../daemons/apiserver/endpoint-finalizer.js'

const server = await startApiserver({ standalone: true })
const rest = restOf(server.kubeconfig)
t.teardown(async () => {
  rest.close()
  await server.stop()
})

const RECORDS = '/apis/spiderpool.spidernet.io/v2beta1/namespaces/default/spiderendpoints'
const PODS = '/api/v1/namespaces/default/pods'
const SETS = '/apis/apps/v1/namespaces/default/statefulsets'
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
const HELD_MS = 700

async function made(path: string, body: object): Promise<Body> {
  const answer = await rest.ask('POST', path, { body })
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}
const pod = async (name: string): Promise<string> => {
  const body = { metadata: { name }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } }
  return String((await made(PODS, body))['metadata']?.['uid'])
}
const record = (
  name: string,
  uid: string,
  [ownerControllerType, ownerControllerName]: readonly [string, string] = ['None', 'None'],
): Promise<Body> =>
  made(RECORDS, {
    metadata: { name, finalizers: ['spiderpool.spidernet.io'] },
    status: { current: { uid, node: 'n1', ips: [] }, ownerControllerType, ownerControllerName },
  })

async function isGone(name: string): Promise<boolean> {
  const late = Date.now() + 5_000
  while (Date.now() < late) {
    if ((await rest.ask('GET', `${RECORDS}/${name}`)).status === 404) return true
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return false
}
async function isHeld(name: string): Promise<boolean> {
  await new Promise(resolve => setTimeout(resolve, HELD_MS))
  const { status, body }: Answer = await rest.ask('GET', `${RECORDS}/${name}`)
  return status === 200 && String(body['metadata']?.['deletionTimestamp']) !== 'undefined'
}
const deleted = (name: string): Promise<Answer> => rest.ask('DELETE', `${RECORDS}/${name}`)

t.test('EndpointFinalizer removes a deleted record at once if its pod is gone or has another UID', async t => {
  await record('gone', 'u')
  await deleted('gone')
  t.ok(await isGone('gone'))
  await pod('younger')
  await record('younger', 'older')
  await deleted('younger')
  t.ok(await isGone('younger'))
})

t.test('EndpointFinalizer keeps a record that is not deleted', async t => {
  await record('kept', 'u')
  await new Promise(resolve => setTimeout(resolve, HELD_MS))
  t.equal((await rest.ask('GET', `${RECORDS}/kept`)).status, 200)
})

t.test('EndpointFinalizer keeps a deleted record until the last address of its pod is released', async t => {
  const addresses = '/apis/spiderpool.spidernet.io/v2beta1/spideripaddresses'
  for (const [name, uid] of [
    ['10.1.0.1', 'holding'],
    ['10.1.0.2', 'holding'],
    ['10.1.0.3', 'another'],
  ] as const)
    await made(addresses, {
      metadata: { name, labels: { 'ipam.spidernet.io/pod-uid': uid } },
      spec: {
        ...{ address: `${name}/16`, ipVersion: 4, pool: 'p', nic: 'eth0', node: 'n1', containerID: 'c' },
        pod: { namespace: 'default', name: 'holding', uid },
        owner: { apiVersion: 'v1', kind: 'Pod', name: 'holding' },
      },
    })
  await record('holding', 'holding')
  await deleted('holding')
  t.ok(await isHeld('holding'))
  await rest.ask('DELETE', `${addresses}/10.1.0.1`)
  t.ok(await isHeld('holding'))
  await rest.ask('DELETE', `${addresses}/10.1.0.2`)
  t.ok(await isGone('holding'))
})

t.test('DEL after pod and record were deleted finds the address by the record and releases both', async t => {
  const bench = await openIpam({ standalone: true })
  t.teardown(() => bench.stop())
  await bench.cluster.pool('one', { subnet: '10.2.0.0/16', ips: ['10.2.0.9'], default: true })
  const ref = await bench.cluster.pod('p')
  const sandbox = bench.sandbox({ ...ref, uid: '' }) // as a runtime that names no UID
  t.match(await sandbox.add(), { ips: [{ address: '10.2.0.9/16' }] })
  await bench.cluster.removePod(ref) // its record is deleted as its dependent
  await new Promise(resolve => setTimeout(resolve, HELD_MS))
  t.equal((await bench.cluster.endpoints()).length, 1)
  t.equal((await sandbox.del()).status, 0)
  t.strictSame(await bench.cluster.addresses(), [])
  const late = Date.now() + 5_000
  while ((await bench.cluster.endpoints()).length > 0 && Date.now() < late)
    await new Promise(done => setTimeout(done, 20))
  t.strictSame(await bench.cluster.endpoints(), [])
})

t.test('EndpointFinalizer keeps a deleted record until its pod is deleted or finished', async t => {
  for (const [name, end] of [
    ['deleted', () => rest.ask('DELETE', `${PODS}/deleted`)],
    [
      'finished',
      () =>
        rest.ask('PATCH', `${PODS}/finished/status`, {
          headers: { 'content-type': 'application/merge-patch+json' },
          body: { status: { phase: 'Succeeded' } },
        }),
    ],
  ] as const) {
    await record(name, await pod(name))
    await deleted(name)
    t.ok(await isHeld(name), name)
    t.equal((await end()).status, 200)
    t.ok(await isGone(name), name)
  }
})

t.test('EndpointFinalizer keeps a deleted record until its StatefulSet is deleted', async t => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  await made(SETS, {
    metadata: { name: 'db' },
    spec: { serviceName: 'db', selector: { matchLabels: { a: 'b' } }, template },
  })
  await record('db-0', 'u', ['StatefulSet', 'db'])
  await deleted('db-0')
  t.ok(await isHeld('db-0'))
  await rest.ask('DELETE', `${SETS}/db`)
  t.ok(await isGone('db-0'))
})

t.test('EndpointFinalizer releases at start a record that was deleted before', async t => {
  await record('restarted', await pod('restarted'))
  await deleted('restarted')
  await rest.ask('DELETE', `${PODS}/restarted`)
  await server.kill9()
  await server.restart()
  t.ok(await isGone('restarted'))
})

t.test('EndpointFinalizer waits while a controller holds its Lease', async t => {
  const renewTime = new Date(Date.now() - 12_500).toISOString().replace(/Z$/, '000Z')
  const spec = { holderIdentity: 'c', leaseDurationSeconds: 15, renewTime }
  await made(LEASE, { metadata: { name: 'spiderpool-controller-leases' }, spec })
  await record('led', 'u')
  await deleted('led')
  t.ok(await isHeld('led'))
  t.ok(await isGone('led'), 'and the embedded finalizer does once it has expired')
})

const leases: readonly (readonly [name: string, spec: object, leftMs: number])[] = [
  ['is held', { holderIdentity: 'c', leaseDurationSeconds: 15, renewTime: '1970-01-01T00:00:10.000000Z' }, 5_000],
  ['is expired', { holderIdentity: 'c', leaseDurationSeconds: 5, renewTime: '1970-01-01T00:00:10.000000Z' }, -5_000],
  ['was released', { holderIdentity: '', leaseDurationSeconds: 15, renewTime: '1970-01-01T00:00:10.000000Z' }, 0],
  ['was never renewed', { holderIdentity: 'c' }, 0],
  ['has no duration', { holderIdentity: 'c', renewTime: '1970-01-01T00:00:10Z' }, 5_000],
]
for (const [name, spec, leftMs] of leases)
  t.test(`leaseLeftMs() of a Lease that ${name}`, t => {
    const metadata = { name: 'l', uid: '', resourceVersion: '', creationTimestamp: '' }
    t.equal(leaseLeftMs({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }, 20_000), leftMs)
    t.end()
  })
