// Optional kinds that RBAC forbids: the controller is ready, and does not take them for absent.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { eventually, startController } from '../../fixtures/controller.js'
import { openHoldings, PODS } from '../../fixtures/seed-allocations.js'
import { restOf } from '../../fixtures/rest.js'
import { manifestsIn, rightsOf, startGuard, type Rule } from '../../fixtures/rights.js'

const SECRET = 'spiderpool-controller-server-certs-auto'
const LATE_MS = 60_000
const SPIDER = '/apis/spiderpool.spidernet.io/v2beta1'
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const KUBEVIRT = 'kubevirt.io'
const INSTANCES = `/apis/${KUBEVIRT}/v1/namespaces/default/virtualmachineinstances`
const OPTIONAL = [KUBEVIRT, 'crd.projectcalico.org', 'networking.k8s.io']

const manifests = manifestsIn('deploy/spiderpool.yaml')
const all = rightsOf(manifests, 'spiderpool-controller')
const isOptional = ({ apiGroups }: Rule): boolean => OPTIONAL.some(group => apiGroups.includes(group))
const rights = all.filter(rule => !isOptional(rule))

const folder = mkdtempSync(join(tmpdir(), 'forbidden-'))
const server = await startApiserver({ standalone: true, args: ['--no-embedded-controller'] })
const rest = restOf(server.kubeconfig)
const guard = await startGuard(server.kubeconfig, rights, join(folder, 'kubeconfig'))
const { must, hold, addresses } = await openHoldings(rest, 'held')
const serve = (kind: string): Promise<unknown> =>
  must('POST', CRDS, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.toLowerCase()}s.${KUBEVIRT}` },
    spec: {
      ...{ group: KUBEVIRT, scope: 'Namespaced' },
      names: { plural: `${kind.toLowerCase()}s`, singular: kind.toLowerCase(), kind },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  })
for (const kind of ['VirtualMachine', 'VirtualMachineInstance']) await serve(kind)
await must('POST', `${SPIDER}/spidercoordinators`, {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderCoordinator',
  metadata: { name: 'default' },
  spec: { mode: 'auto', podCIDRType: 'calico' },
})
await must('POST', '/api/v1/namespaces/kube-system/configmaps', {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kubeadm-config' },
  data: { ClusterConfiguration: 'podSubnet: 10.244.0.0/16\nserviceSubnet: 10.96.0.0/12\n' },
})
for (const one of manifests.filter(({ kind }) => kind === 'Secret'))
  await must('POST', '/api/v1/namespaces/kube-system/secrets', one)
const controller = await startController(guard.kubeconfig, {
  name: 'guarded',
  env: { SPIDERPOOL_POD_NAMESPACE: 'kube-system', SPIDERPOOL_TLS_SECRET_NAME: SECRET },
})
t.teardown(async () => {
  await controller.end('SIGTERM')
  await guard.close()
  rest.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})

const there = <T>(look: () => Promise<T | undefined>): Promise<T | undefined> => eventually(look, LATE_MS)
const isHeld = async (address: string): Promise<boolean> => (await addresses()).includes(address)
const gone = (pod: string): Promise<unknown> => must('DELETE', `${PODS}/${pod}?gracePeriodSeconds=0`)

t.test('the controller is ready with forbidden kinds, and its log and a gauge name them', async t => {
  t.ok(await there(async () => ((await controller.health('readiness')).status === 200 ? true : undefined)))
  await controller.said('may not list virtualmachines.kubevirt.io (403)', LATE_MS)
  const metrics = await controller.metrics()
  for (const resource of ['virtualmachines.kubevirt.io', 'virtualmachineinstances.kubevirt.io'])
    t.match(metrics, `spiderpool_controller_forbidden_kinds{resource="${resource}"} 1\n`)
  t.notMatch(metrics, 'forbidden_kinds{resource="ciliumpodippools', 'what is only absent is none of them')
})

t.test(
  'address GC releases a pod’s address and keeps a virtual machine’s while VirtualMachines are forbidden',
  async t => {
    const of = { apiVersion: `${KUBEVIRT}/v1`, kind: 'VirtualMachineInstance' }
    const made = await must('POST', INSTANCES, { ...of, metadata: { name: 'vm' } })
    const owner = { ...of, name: 'vm', uid: (made as { readonly metadata: { readonly uid: string } }).metadata.uid }
    await hold({ name: 'virt-launcher-vm-x', address: '10.6.0.7', owner, isRetained: true, record: 'vm' })
    await hold({ name: 'pod', address: '10.6.0.8' })
    await gone('virt-launcher-vm-x')
    await gone('pod')
    t.ok(await there(async () => ((await isHeld('10.6.0.8')) ? undefined : true)))
    t.ok(await isHeld('10.6.0.7'), 'whose pod went before the other')
  },
)

t.test('a SpiderCoordinator that needs a forbidden kind is NotReady and says what to allow', async t => {
  const reason = async (): Promise<string | undefined> => {
    const { status } = (await must('GET', `${SPIDER}/spidercoordinators/default`)) as { status?: { reason?: string } }
    return status?.reason
  }
  t.match(await there(reason), /^ippools\.crd\.projectcalico\.org may not be listed \(403\)/)
})

t.test('the controller catches up without a restart once the kinds are allowed', async t => {
  await must('DELETE', `${INSTANCES}/vm`)
  rights.push(...all.filter(isOptional))
  t.ok(await there(async () => ((await isHeld('10.6.0.7')) ? undefined : true)), 'the machine is gone')
  const isTold = async (): Promise<true | undefined> =>
    (await controller.metrics()).includes('forbidden_kinds{') ? undefined : true
  t.ok(await there(isTold))
})
