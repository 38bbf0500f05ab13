// The controller with the permissions of the manifest's RBAC, and no others.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { eventually, startController } from '../fixtures/controller.js'
import { openHoldings, PODS, POOLS } from '../fixtures/seed-allocations.js'
import { restOf } from '../fixtures/rest.js'
import { manifestsIn, rightsOf, startGuard } from '../fixtures/rights.js'

const SPIDER = '/apis/spiderpool.spidernet.io/v2beta1'
const SPIDER_API = 'spiderpool.spidernet.io/v2beta1'
const REGISTRATION = '/apis/admissionregistration.k8s.io/v1'
const NADS = '/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions'
const SECRET = 'spiderpool-controller-server-certs-auto'
const LATE_MS = 30_000

const folder = mkdtempSync(join(tmpdir(), 'rights-'))
const server = await startApiserver({ standalone: true, args: ['--no-embedded-controller'] })
const rest = restOf(server.kubeconfig)
const manifests = manifestsIn('deploy/spiderpool.yaml')
const guard = await startGuard(
  server.kubeconfig,
  rightsOf(manifests, 'spiderpool-controller'),
  join(folder, 'kubeconfig'),
)
const { must, hold, addresses, status } = await openHoldings(rest, 'held')
for (const one of manifests.filter(({ kind }) => kind.endsWith('WebhookConfiguration')))
  await must('POST', `${REGISTRATION}/${one.kind.toLowerCase()}s`, one)
for (const one of manifests.filter(({ kind }) => kind === 'Secret'))
  await must('POST', '/api/v1/namespaces/kube-system/secrets', one)
const controller = await startController(guard.kubeconfig, {
  name: 'guarded',
  env: {
    SPIDERPOOL_POD_NAMESPACE: 'kube-system',
    SPIDERPOOL_TLS_SECRET_NAME: SECRET,
    SPIDERPOOL_CNI_CONFIG_DIR: '/nowhere',
  },
})
t.teardown(async () => {
  await controller.end('SIGTERM')
  await guard.close()
  rest.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})
const make = (plural: string, kind: string, metadata: object, spec: object): Promise<unknown> =>
  must('POST', `${SPIDER}/${plural}`, { apiVersion: SPIDER_API, kind, metadata, spec })
const there = <T>(look: () => Promise<T | undefined>): Promise<T | undefined> => eventually(look, LATE_MS)

t.test('the controller leads, is ready, and writes the caBundle', async t => {
  await controller.said('started leading', LATE_MS)
  const isReady = (): Promise<true | undefined> =>
    controller.health('readiness').then(({ status }) => (status === 200 ? true : undefined))
  t.ok(await there(isReady))
  const isTrusted = async (): Promise<true | undefined> => {
    const found = await Promise.all(
      ['mutating', 'validating'].map(phase =>
        must('GET', `${REGISTRATION}/${phase}webhookconfigurations/spiderpool-controller`),
      ),
    )
    return found.every(one => (JSON.stringify(one).match(/"caBundle":"[^"]+"/g) ?? []).length === 5) ? true : undefined
  }
  t.ok(await there(isTrusted))
})

t.test('the controller counts an address, and releases it with an Event when its pod is gone', async t => {
  await hold({ name: 'p', address: '10.6.0.9' })
  t.ok(await there(async () => ((await status()).allocatedIPCount === 1 ? true : undefined)))
  await must('DELETE', `${PODS}/p?gracePeriodSeconds=0`)
  t.ok(await there(async () => ((await addresses()).length === 0 ? true : undefined)))
  const hasEvent = async (): Promise<true | undefined> =>
    JSON.stringify(await must('GET', '/api/v1/namespaces/default/events')).includes('reclaimed ') ? true : undefined
  t.ok(await there(hasEvent))
})

t.test(
  'the controller creates and repairs a NetworkAttachmentDefinition, which is deleted with its SpiderMultusConfig',
  async t => {
    const configs = 'namespaces/kube-system/spidermultusconfigs'
    const metadata = { name: 'lan', namespace: 'kube-system' }
    await make(configs, 'SpiderMultusConfig', metadata, { cniType: 'macvlan', macvlan: { master: ['eth0'] } })
    const conf = async (): Promise<string | undefined> => {
      const { status, body } = await rest.ask('GET', `${NADS}/lan`)
      const text = status === 200 ? String((body as unknown as { spec: { config: string } }).spec.config) : ''
      return text.includes('macvlan-wrapper') ? text : undefined
    }
    t.ok(await there(conf))
    const nad = (await must('GET', `${NADS}/lan`)) as object
    await must('PUT', `${NADS}/lan`, { ...nad, spec: { config: '{}' } })
    t.ok(await there(conf))
    await must('DELETE', `${NADS}/lan`)
    t.ok(await there(conf))
  },
)

t.test('the controller writes the SpiderCoordinator’s status', async t => {
  await make('spidercoordinators', 'SpiderCoordinator', { name: 'default' }, { mode: 'auto', podCIDRType: 'cluster' })
  const phase = async (): Promise<string | undefined> => {
    const { status } = (await must('GET', `${SPIDER}/spidercoordinators/default`)) as { status?: { phase?: string } }
    return status?.phase
  }
  t.equal(await there(phase), 'NotReady')
})

t.test('the controller creates an application’s pool and deletes it with the application', async t => {
  await make(
    'spidersubnets',
    'SpiderSubnet',
    { name: 'net' },
    { subnet: '172.22.0.0/16', ips: ['172.22.1.1-172.22.1.9'] },
  )
  const labels = { app: 'web' }
  const annotations = { 'ipam.spidernet.io/subnet': '{"ipv4":["net"]}' }
  const template = { metadata: { labels, annotations }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const apps = '/apis/apps/v1/namespaces/default/deployments'
  const spec = { replicas: 2, selector: { matchLabels: labels }, template }
  await must('POST', apps, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec })
  const pools = async (): Promise<readonly string[]> => {
    const { items } = (await must('GET', POOLS)) as { items: readonly { metadata: { name: string } }[] }
    return items.map(({ metadata }) => metadata.name).filter(name => name.startsWith('auto4-web'))
  }
  t.ok(await there(async () => ((await pools()).length === 1 ? true : undefined)))
  await must('DELETE', `${apps}/web`)
  t.ok(await there(async () => ((await pools()).length === 0 ? true : undefined)))
})

t.test('the controller creates a deleted certificate again', async t => {
  const path = `/api/v1/namespaces/kube-system/secrets/${SECRET}`
  const secret = (await must('GET', path)) as { readonly data: Readonly<Record<string, string>> }
  await must('PUT', path, { ...secret, data: { ...secret.data, 'tls.crt': '', 'tls.key': '' } })
  const certificate = async (): Promise<string | undefined> =>
    ((await must('GET', path)) as typeof secret).data['tls.crt'] || undefined
  t.ok(await there(certificate))
})

t.test('controller RBAC is sufficient', async t => {
  t.strictSame(guard.refused, [])
  for (const asked of [
    'update /secrets',
    'create /events',
    'update admissionregistration.k8s.io/validatingwebhookconfigurations',
    'update coordination.k8s.io/leases',
    'update k8s.cni.cncf.io/network-attachment-definitions',
    'delete spiderpool.spidernet.io/spideripaddresses',
  ])
    t.ok(guard.asked.has(asked), asked)
})
