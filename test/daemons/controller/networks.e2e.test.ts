// The controller as a process: NetworkAttachmentDefinitions and the cluster's CIDRs are created,
// and repaired after edits.
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { eventually, startController } from '../../fixtures/controller.js'
import { runExecutable } from '../../fixtures/executable.js'
import { serviceCidrsOf } from '../../fixtures/external-apiserver.js'
import { restOf } from '../../fixtures/rest.js'

/** kube-controller-manager's garbage collector discovers new kinds every 30 s. */
const COLLECTED_MS_MAX = 45_000
const SPIDER = '/apis/spiderpool.spidernet.io/v2beta1'
const server = await startApiserver()
const rest = restOf(server.kubeconfig)
const controller = await startController(server.kubeconfig, {
  name: 'networks',
  env: { SPIDERPOOL_CNI_CONFIG_DIR: '/nowhere' },
})
t.teardown(async () => {
  await controller.end('SIGTERM')
  rest.close()
  await server.stop()
})

async function must(
  method: string,
  path: string,
  body?: object,
  type = 'application/json',
): Promise<Record<string, never>> {
  const { status, body: answer } = await rest.ask(method, path, {
    ...(body && { body }),
    headers: { 'content-type': type },
  })
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`)
  return answer as unknown as Record<string, never>
}

interface Nad {
  readonly metadata: { readonly uid: string; readonly annotations?: Record<string, string> }
  readonly spec: { readonly config?: string }
}
const NADS = '/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions'
const SMCS = `${SPIDER}/namespaces/kube-system/spidermultusconfigs`
async function nad(name: string): Promise<Nad | undefined> {
  const { status, body } = await rest.ask('GET', `${NADS}/${name}`)
  return status === 200 ? (body as unknown as Nad) : undefined
}
const CONF = /^\{"cniVersion":"0\.3\.1","name":"macvlan-conf","plugins":\[\{"type":"macvlan-wrapper","master":"eth0"/

t.test('a SpiderMultusConfig gets a NetworkAttachmentDefinition, which is repaired after edits', async t => {
  await must('POST', SMCS, {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name: 'macvlan-conf', namespace: 'kube-system' },
    spec: { cniType: 'macvlan', macvlan: { master: ['eth0'] } },
  })
  const made = await eventually(() => nad('macvlan-conf'))
  t.match(made?.spec.config, CONF)

  await must(
    'PATCH',
    `${NADS}/macvlan-conf`,
    { metadata: { annotations: { mine: '1' } }, spec: { config: '{}' } },
    'application/merge-patch+json',
  )
  const mended = await eventually(async () => {
    const now = await nad('macvlan-conf')
    return now?.spec.config === made?.spec.config ? now : undefined
  })
  t.equal(mended?.metadata.annotations?.['mine'], undefined, 'as the SpiderMultusConfig says, and no more')

  await must('DELETE', `${NADS}/macvlan-conf`)
  const again = await eventually(async () => {
    const now = await nad('macvlan-conf')
    return now && now.metadata.uid !== made?.metadata.uid ? now : undefined
  })
  t.match(again?.spec.config, CONF)
})

t.test('a SpiderMultusConfig of CNI 1.1.0 gets a conflist whose executables support it', async t => {
  await must('POST', SMCS, {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderMultusConfig',
    metadata: { name: 'newest', namespace: 'kube-system', annotations: { 'multus.spidernet.io/cni-version': '1.1.0' } },
    spec: { cniType: 'macvlan', macvlan: { master: ['eth0'], vlanID: 100 } },
  })
  const made = await eventually(() => nad('newest'))
  const { cniVersion, plugins } = JSON.parse(made?.spec.config ?? '{}') as {
    readonly cniVersion: string
    readonly plugins: readonly { readonly type: string; readonly ipam?: { readonly type: string } }[]
  }
  t.equal(cniVersion, '1.1.0')
  const names = plugins.flatMap(({ type, ipam }) => [type, ...(ipam ? [ipam.type] : [])])
  t.strictSame(names, ['ifacer', 'macvlan-wrapper', 'spiderpool-ipam', 'coordinator'])
  for (const name of names) {
    const stdin = JSON.stringify({ cniVersion })
    const { status, stdout } = await runExecutable({ name, env: { CNI_COMMAND: 'VERSION' }, stdin })
    t.equal(status, 0)
    t.ok((JSON.parse(stdout) as { supportedVersions: readonly string[] }).supportedVersions.includes('1.1.0'), name)
  }
  await must('DELETE', `${SMCS}/newest`)
})

t.test(
  'a NetworkAttachmentDefinition of another owner is left unchanged, and deleted with that owner only',
  async t => {
    const foreign = {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name: 'foreign', namespace: 'kube-system' },
      spec: { config: '{"x":1}' },
    }
    await must('POST', NADS, foreign)
    await must('DELETE', `${SMCS}/macvlan-conf`)
    t.ok(
      await eventually(async () => ((await nad('macvlan-conf')) === undefined ? true : undefined), COLLECTED_MS_MAX),
      'it is deleted with its owner',
    )
    t.equal((await nad('foreign'))?.spec.config, '{"x":1}')
  },
)

interface Coordinator {
  readonly status?: {
    readonly phase: string
    readonly reason?: string
    readonly overlayPodCIDR: readonly string[]
    readonly serviceCIDR: readonly string[]
  }
}
const COORDINATOR = `${SPIDER}/spidercoordinators/default`
const inPhase = (phase: string) => async (): Promise<Coordinator['status'] | undefined> => {
  const { status } = (await must('GET', COORDINATOR)) as unknown as Coordinator
  return status?.phase === phase ? status : undefined
}

t.test('the SpiderCoordinator is NotReady until the CIDRs are known, and recovers by itself', async t => {
  await must('POST', `${SPIDER}/spidercoordinators`, {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderCoordinator',
    metadata: { name: 'default', finalizers: ['spiderpool.spidernet.io'] },
    spec: { podCIDRType: 'cluster' },
  })
  const before = await eventually(inPhase('NotReady'))
  t.equal(before?.reason, 'No kube-controller-manager pod found, unable to get clusterCIDR')
  await must('POST', '/api/v1/namespaces/kube-system/configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kubeadm-config', namespace: 'kube-system' },
    data: { ClusterConfiguration: 'networking:\n  podSubnet: 10.244.64.0/18\n  serviceSubnet: 10.233.0.0/18\n' },
  })
  const after = await eventually(inPhase('Synced'))
  const ofServer = await serviceCidrsOf(rest)
  const serviceCIDR = ofServer.length > 0 ? ofServer : ['10.233.0.0/18']
  t.match(after, { overlayPodCIDR: ['10.244.64.0/18'], serviceCIDR })
  t.equal(after?.reason, undefined)
  await must('DELETE', COORDINATOR)
  const isGone = async (): Promise<true | undefined> =>
    (await rest.ask('GET', COORDINATOR)).status === 404 ? true : undefined
  t.ok(await eventually(isGone), 'and it can be deleted')
})
