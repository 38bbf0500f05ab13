// deploy/spiderpool.yaml against the code: webhook configurations, ports, probes, and permissions
// of the reconcilers.
import t from 'tap'
import { parse } from 'yaml'

import { NODE_SYSCTLS } from '../../daemons/agent/node/sysctls.js'
import { sourcesOf } from '../../daemons/agent/store/sources.js'
import { agentConfOf, agentSettingsOf } from '../../daemons/agent/settings.js'
import { CONF_DEFAULT, settingsOf } from '../../daemons/controller/settings.js'
import { reconcilersFor } from '../../daemons/controller/reconcilers/all.js'
import { answerHealth } from '../../daemons/runtime/health.js'
import { webhookConfigurations } from '../../daemons/controller/webhooks/configurations.js'
import { AGENT_SOCKET } from '../../lib/agent/protocol.js'
import { JOURNAL_DIR } from '../../lib/ipam/store/journal.js'
import { AGENT } from '../../lib/crd/names.js'
import { ADMISSIONS } from '../../lib/crd/admission.js'
import { Metrics } from '../../lib/metrics.js'
import { isAllowed, manifestsIn, rightsOf, type Attempt, type Manifest } from '../fixtures/rights.js'

const manifests = manifestsIn('deploy/spiderpool.yaml')
const NAMESPACE = 'kube-system'

interface Port {
  readonly name: string
  readonly port: number
  readonly targetPort: string
}
interface Container {
  readonly args: readonly string[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly [probe: string]: unknown
}

function only<T>(kind: string, name: string): Manifest & T {
  const found = manifests.filter(one => one.kind === kind && one.metadata.name === name)
  if (found.length !== 1 || !found[0]) throw new Error(`${found.length} manifests are ${kind} ${name}`)
  return found[0] as Manifest & T
}

const controllerEnv = only<{
  spec: { template: { spec: { containers: readonly [{ env: readonly { name: string; value?: string }[] }] } } }
}>('Deployment', 'spiderpool-controller').spec.template.spec.containers[0].env
const env = {
  ...Object.fromEntries(controllerEnv.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))),
  SPIDERPOOL_POD_NAMESPACE: NAMESPACE,
}
const settings = settingsOf(env, { namespace: NAMESPACE, podName: 'x' })

const service = only<{ spec: { selector: object; ports: readonly Port[] } }>('Service', settings.deployment)
const deployment = only<{
  spec: { template: { metadata: { labels: object }; spec: { containers: readonly [Container] } } }
}>('Deployment', settings.deployment)
const { template } = deployment.spec
const [container] = template.spec.containers
const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]))

t.test('deploy/spiderpool.yaml has the webhook configurations that the controller prints', async t => {
  const { deployment: name, namespace, webhookPort: port } = settings
  const printed = webhookConfigurations({
    name,
    namespace,
    port,
    without: [],
    pods: undefined,
    hasMatchConditions: false,
  })
  const there = manifests.filter(({ kind }) => kind.endsWith('WebhookConfiguration'))
  const ofChart = ({ name }: { name: string }): object => ({ name, labels: { 'app.kubernetes.io/name': 'spiderpool' } })
  t.strictSame(
    there.map(one => ({ ...one, metadata: ofChart(one.metadata) })),
    printed,
  )
  t.equal(there.length, 2)
})

t.test('deploy/spiderpool.yaml: the Service of the webhooks targets their port', async t => {
  t.equal(service.metadata.namespace, NAMESPACE)
  t.equal('clusterIP' in service.spec, false, 'a cluster IP: API servers that do not route to pods call it')
  t.equal('publishNotReadyAddresses' in service.spec, false, 'who has no certificate yet is not called')
  t.strictSame(service.spec.selector, template.metadata.labels)
  const webhook = service.spec.ports.find(({ name }) => name === 'webhook')
  t.match(webhook, { name: 'webhook', port: settings.webhookPort, targetPort: 'webhook' })
  for (const { targetPort } of service.spec.ports) t.ok(ports[targetPort], targetPort)
})

t.test('deploy/spiderpool.yaml has the default ports', async t => {
  t.strictSame(ports, { http: settings.healthPort, webhook: settings.webhookPort })
  t.notOk(settings.metrics)
})

const address = (container['env'] as readonly { name: string; value?: string }[]).find(
  ({ name }) => name === 'SPIDERPOOL_HEALTH_ADDRESS',
)?.value
t.test('deploy/spiderpool.yaml: each probe has a served path at the health port', async t => {
  for (const name of ['startup', 'readiness', 'liveness'] as const) {
    const { httpGet } = container[`${name}Probe`] as { httpGet: { host: string; path: string; port: string } }
    t.equal(httpGet.port, 'http')
    t.equal(httpGet.host, address, 'of a hostNetwork pod the kubelet asks 127.0.0.1 only where host says so')
    const health = { startup: [], readiness: [], liveness: [], [name]: [() => `${name} is asked`] }
    const answer = await answerHealth(new Request(`http://x${httpGet.path}`), health)
    t.strictSame([answer.status, await answer.text()], [500, `${name} is asked\n`])
  }
})

const rights = rightsOf(manifests, 'spiderpool-controller')
const serving = { use: () => Promise.resolve(), check: () => Promise.resolve(undefined) }
const reconcilers = reconcilersFor({ settings, conf: CONF_DEFAULT, env, metrics: new Metrics(), serving })

t.test('deploy/spiderpool.yaml allows list and watch of what reconcilers watch', async t => {
  const sources = reconcilers.flatMap(({ watches }) => watches.map(({ source }) => source))
  t.ok(sources.length > 20)
  for (const { kind, namespace = '', fieldSelector = '' } of sources)
    for (const verb of ['list', 'watch']) {
      const name = fieldSelector.replace('metadata.name=', '')
      const attempt = { verb, group: kind.group, resource: kind.plural, namespace, name }
      t.ok(isAllowed(rights, attempt), JSON.stringify(attempt))
    }
})

const spiderpool = (resource: string): Attempt => ({
  ...{ verb: 'patch', group: 'spiderpool.spidernet.io', resource, namespace: '', name: 'x' },
})
t.test('deploy/spiderpool.yaml allows writes of the kinds of admission, status included', async t => {
  for (const { of } of ADMISSIONS)
    for (const resource of [of.plural, `${of.plural}/status`]) t.ok(isAllowed(rights, spiderpool(resource)), resource)
})

const TOKEN: Attempt = {
  ...{ verb: 'create', group: '', resource: 'serviceaccounts/token', namespace: NAMESPACE, name: AGENT },
}
const secret = { group: '', resource: 'secrets', namespace: NAMESPACE, name: settings.secret }
const configuration = {
  group: 'admissionregistration.k8s.io',
  resource: 'mutatingwebhookconfigurations',
  namespace: '',
}
const lease = {
  group: 'coordination.k8s.io',
  resource: 'leases',
  namespace: NAMESPACE,
  name: 'spiderpool-controller-leases',
}
const FORBIDDEN: readonly (readonly [what: string, attempt: Attempt])[] = [
  ['another Secret of its namespace', { verb: 'get', ...secret, name: 'x' }],
  ['all Secrets of its namespace', { verb: 'list', ...secret, name: '' }],
  ['a Secret of its name elsewhere', { verb: 'get', ...secret, namespace: 'default' }],
  ['a new Secret', { verb: 'create', ...secret, name: '' }],
  ['a new Secret elsewhere', { verb: 'create', ...secret, namespace: 'default', name: '' }],
  ['its Secret gone', { verb: 'delete', ...secret }],
  ['webhooks of another name', { verb: 'update', ...configuration, name: 'x' }],
  ['all webhooks', { verb: 'list', ...configuration, name: '' }],
  ['new webhooks', { verb: 'create', ...configuration, name: '' }],
  ['a Lease elsewhere', { verb: 'update', ...lease, namespace: 'kube-node-lease' }],
  ['a Lease of another name', { verb: 'update', ...lease, name: 'x' }],
  ['a pod', { verb: 'delete', group: '', resource: 'pods', namespace: 'default', name: 'x' }],
  [
    'another ConfigMap of its namespace',
    { verb: 'get', group: '', resource: 'configmaps', namespace: NAMESPACE, name: 'x' },
  ],
  [
    'a ConfigMap elsewhere',
    { verb: 'list', group: '', resource: 'configmaps', namespace: 'default', name: 'kubeadm-config' },
  ],
  ['Endpoints', { verb: 'list', group: '', resource: 'endpoints', namespace: '', name: '' }],
  ['a Lease of another namespace', { verb: 'get', ...lease, namespace: 'default' }],
  ['a ConfigMap', { verb: 'update', group: '', resource: 'configmaps', namespace: NAMESPACE, name: 'x' }],
]
for (const [what, attempt] of FORBIDDEN)
  t.test(`the controller may not ${attempt.verb} ${what}`, async t => t.notOk(isAllowed(rights, attempt)))

const ALLOWED: readonly Attempt[] = [
  ...['list', 'watch', 'update'].map(verb => ({ verb, ...secret })),
  ...['list', 'watch', 'update'].map(verb => ({ verb, ...configuration, name: settings.deployment })),
  ...['get', 'update'].map(verb => ({ verb, ...lease })),
  { verb: 'create', ...lease, name: '' },
]
t.test('the controller may write its own Secret, Lease and webhook configurations', async t => {
  for (const attempt of ALLOWED) t.ok(isAllowed(rights, attempt), JSON.stringify(attempt))
})

t.test('the controller may read NODE_LEASES in kube-node-lease only', async t => {
  const heartbeat = { ...lease, namespace: 'kube-node-lease', name: 'n1' }
  for (const verb of ['get', 'list']) t.ok(isAllowed(rights, { ...heartbeat, verb }), verb)
  t.notOk(isAllowed(rights, { ...heartbeat, verb: 'update' }))
})

t.test('deploy/spiderpool.yaml has the controller’s Secret, empty', async t =>
  t.notOk('data' in only('Secret', settings.secret), 'applied again it keeps what the controller wrote'),
)

t.test('deploy/spiderpool.yaml: each pod has resource requests, Linux and the runtime’s seccomp profile', async t => {
  for (const [kind, name] of [
    ['Deployment', 'spiderpool-controller'],
    ['DaemonSet', 'spiderpool-agent'],
  ] as const) {
    const { template } = only<{ spec: { template: { spec: { containers: readonly object[] } } } }>(kind, name).spec
    t.match(template.spec, {
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    })
    for (const one of template.spec.containers)
      t.match(one, { resources: { requests: { cpu: String, memory: String }, limits: { memory: String } } })
  }
  t.match(template, { spec: { securityContext: { runAsNonRoot: true } } })
})

t.test('deploy/spiderpool.yaml: a rollout completes on a cluster of one node', async t => {
  t.match(deployment, { spec: { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } } })
  t.equal('replicas' in deployment.spec, false, 'one replica; what was scaled stays when the file is applied again')
})

t.test('deploy/spiderpool.yaml mounts the parents of directories that a node may replace', async t => {
  for (const kind of ['Deployment', 'DaemonSet']) {
    const name = kind === 'Deployment' ? 'spiderpool-controller' : 'spiderpool-agent'
    const { volumes } = only<{ spec: { template: { spec: { volumes: readonly { hostPath?: { path: string } }[] } } } }>(
      kind,
      name,
    ).spec.template.spec
    const replaced = volumes.flatMap(({ hostPath }) => (hostPath?.path.includes('cni') === true ? [hostPath.path] : []))
    t.ok(replaced.length > 0)
    for (const path of replaced) t.match(path, /^\/(etc|opt)\/cni$/)
  }
})

interface AgentSpec {
  readonly hostNetwork: boolean
  readonly containers: readonly [
    {
      readonly env: readonly { readonly name: string; readonly value?: string }[]
      readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
      readonly [key: string]: unknown
    },
  ]
}
const agentSet = only<{ spec: { template: { metadata: { labels: object }; spec: AgentSpec } } }>(
  'DaemonSet',
  'spiderpool-agent',
).spec.template
const [agent] = agentSet.spec.containers
const agentConf = agentConfOf(
  parse(only<{ data: Record<string, string> }>('ConfigMap', 'spiderpool-conf').data['conf.yml'] ?? ''),
)
const agentEnv = Object.fromEntries(agent.env.map(({ name, value = 'x' }) => [name, value]))
const agentSettings = agentSettingsOf(agentEnv, agentConf, 'host')

t.test('deploy/spiderpool.yaml: the agent’s label, ports and probes', async t => {
  t.match(agentSet.metadata.labels, { 'spiderpool.spidernet.io/implementation': 'typescript' })
  t.ok(agentSet.spec.hostNetwork)
  t.strictSame(Object.fromEntries(agent.ports.map(({ name, containerPort }) => [name, containerPort])), {
    health: agentSettings.healthPort,
  })
  for (const name of ['startup', 'readiness', 'liveness'] as const)
    t.match(agent[`${name}Probe`], {
      httpGet: { host: agentSettings.healthAddress, path: `/v1/runtime/${name}`, port: 'health' },
    })
})

t.test('deploy/spiderpool.yaml mounts what the agent’s settings and the executables name', async t => {
  const mounted = (path: string): boolean =>
    agent.volumeMounts.some(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`))
  const { socket, node } = agentSettings
  t.equal(socket, AGENT_SOCKET)
  t.ok(node.tunesSysctls)
  const paths = [socket, JOURNAL_DIR, node.binFolder, '/run/netns/x', '/var/run/netns/x', '/var/log/spidernet/x']
  for (const path of [...paths, `${node.sysctlFolder}/${NODE_SYSCTLS[0]?.path}`]) t.ok(mounted(path), path)
})

t.test('deploy/spiderpool.yaml puts Multus’ credential on nodes, and the agent’s only on request', async t => {
  t.equal(agentSettings.node.confFolder, '')
  const { account = '' } = agentSettings.node.multus ?? {}
  const agentRights = rightsOf(manifests, AGENT)
  t.notOk(isAllowed(agentRights, TOKEN), 'the agent may not make tokens of its own')
  t.ok(isAllowed(agentRights, { ...TOKEN, name: account }))
  const pod = { group: '', resource: 'pods', namespace: 'default', name: 'x' }
  const multus = rightsOf(manifests, account)
  t.ok(isAllowed(multus, { verb: 'get', ...pod }))
  for (const verb of ['list', 'delete', 'update']) t.notOk(isAllowed(multus, { verb, ...pod }), verb)
  const asked = rightsOf([...manifests, ...manifestsIn('deploy/node-kubeconfig.yaml')], AGENT)
  t.ok(isAllowed(asked, TOKEN))
  t.notOk(isAllowed(asked, { ...TOKEN, name: 'default' }))
  t.equal(
    agentSettingsOf({ ...agentEnv, SPIDERPOOL_INSTALL_KUBECONFIG: 'true' }, agentConf, 'h').node.confFolder,
    '/host/etc/cni/net.d',
  )
})

t.test(
  'deploy/spiderpool.yaml: the agent may watch what it caches, and neither read Secrets nor change pools',
  async t => {
    const agentRights = rightsOf(manifests, AGENT)
    for (const verb of ['get', 'list', 'create'])
      t.notOk(isAllowed(agentRights, { verb, group: '', resource: 'secrets', namespace: NAMESPACE, name: 'x' }), verb)
    for (const verb of ['create', 'update', 'delete'])
      t.notOk(isAllowed(agentRights, { ...spiderpool('spiderippools'), verb }), verb)
    for (const { kind } of Object.values(sourcesOf('n1')))
      for (const verb of ['list', 'watch']) {
        const attempt = { verb, group: kind.group, resource: kind.plural, namespace: '', name: '' }
        t.ok(isAllowed(agentRights, attempt), `${verb} ${kind.plural}`)
      }
  },
)
