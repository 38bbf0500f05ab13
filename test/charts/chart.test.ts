// The chart as Helm renders it: objects, effects of values, refusals, invariants.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { CONF_DEFAULT, confOf, settingsOf, unknownIn } from '../../daemons/controller/settings.js'
import { reconcilersFor } from '../../daemons/controller/reconcilers/all.js'
import { webhookConfigurations } from '../../daemons/controller/webhooks/configurations.js'
import { Metrics } from '../../lib/metrics.js'
import { parse } from 'yaml'
import {
  at,
  CHART,
  defaults,
  HELM,
  render,
  renderMany,
  renderWithDashboards,
  tryRender,
  type Values,
} from '../fixtures/chart.js'
import { all, defaultPools, isMap, monitored, provided, SETS } from './sets.js'
import { isAllowed, rightsOf, type Manifest } from '../fixtures/rights.js'

interface Container {
  readonly name: string
  readonly image: string
  readonly resources?: { readonly requests?: object; readonly limits?: object }
  readonly env?: readonly { readonly name: string }[]
  readonly securityContext?: { readonly capabilities?: { readonly drop?: readonly string[] } }
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  readonly args?: readonly string[]
}
interface PodSpec {
  readonly serviceAccountName?: string
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly { readonly name: string }[]
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly securityContext?: { readonly seccompProfile?: { readonly type: string } }
  readonly imagePullSecrets?: readonly { readonly name: string }[]
}
interface Workload extends Manifest {
  readonly spec: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> }
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: PodSpec
    }
  }
}

const podOf = (one: Manifest): PodSpec | undefined =>
  one.kind === 'Pod' ? (one['spec'] as PodSpec) : (one as Partial<Workload>).spec?.template?.spec
const containersOf = (pod: PodSpec): readonly Container[] => [...pod.containers, ...(pod.initContainers ?? [])]
const named = (objects: readonly Manifest[], kind: string, name: string): Manifest | undefined =>
  objects.find(one => one.kind === kind && one.metadata.name === name)

t.test('helm lint --strict accepts the chart', t => {
  t.match(execFileSync(HELM, ['lint', '--strict', CHART], { encoding: 'utf8' }), /0 chart\(s\) failed/)
  t.end()
})

t.test('the chart renders the objects of the quick start', t => {
  const objects = render(at('multus.multusCNI.defaultCniCRName', 'macvlan-conf'))
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  for (const name of [
    'DaemonSet spiderpool-agent',
    'Deployment spiderpool-controller',
    'Job spiderpool-init',
    'Job spiderpool-controller-hook-pre-delete',
    'Service spiderpool-controller',
    'ConfigMap spiderpool-conf',
    'MutatingWebhookConfiguration spiderpool-controller',
    'ValidatingWebhookConfiguration spiderpool-controller',
    'ServiceAccount spiderpool-multus',
    'Pod spiderpool-test',
  ])
    t.ok(names.includes(name), name)
  t.match(named(objects, 'ConfigMap', 'spiderpool-conf'), { data: { clusterNetwork: 'macvlan-conf' } })
  const agent = podOf(named(objects, 'DaemonSet', 'spiderpool-agent') as Manifest)
  t.match(
    agent?.containers[0]?.env?.find(({ name }) => name === 'MULTUS_CLUSTER_NETWORK'),
    {
      value: 'kube-system/macvlan-conf',
    },
  )
  t.end()
})

for (const [title, values] of Object.entries(SETS))
  t.test(`the chart with ${title} keeps its invariants`, t => {
    const objects = render(values, { namespace: 'my-ns' })
    const keys = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`)
    t.strictSame([...new Set(keys)], keys, 'no object twice')
    for (const one of objects) {
      const where = `${one.kind} ${one.metadata.name}`
      const labels = (one.metadata as { readonly labels?: object }).labels
      if (title !== 'further objects') t.hasProps(labels ?? {}, ['app.kubernetes.io/instance', 'helm.sh/chart'], where)
      checkPod(t, one, where, values)
      checkSubjects(t, one, objects)
    }
    t.end()
  })

function checkPod(t: Test, one: Manifest, where: string, values: Values): void {
  const pod = podOf(one)
  if (!pod) return
  const { selector, template } = (one as Workload).spec
  if (selector) t.match(template.metadata.labels, selector.matchLabels, `${where}: its selector`)
  t.equal(pod.securityContext?.seccompProfile?.type, 'RuntimeDefault', where)
  t.equal(pod.nodeSelector?.['kubernetes.io/os'], 'linux', where)
  const secrets =
    (isMap(values['global']) ? (values['global']['imagePullSecrets'] as readonly unknown[]) : undefined) ?? []
  t.equal(pod.imagePullSecrets?.length ?? 0, secrets.length, `${where}: pull secrets`)
  const volumes = (pod.volumes ?? []).map(({ name }) => name)
  t.strictSame([...new Set(volumes)], volumes, `${where}: volumes`)
  for (const container of containersOf(pod)) {
    const name = `${where} ${container.name}`
    t.ok(container.resources?.requests && container.resources.limits, `${name}: resources`)
    t.notMatch(container.image, /:latest$|:$/, name)
    t.match(container.image, /@sha256:|:[^/]+$/, name)
    const mirror = isMap(values['global']) ? values['global']['imageRegistryOverride'] : undefined
    if (typeof mirror === 'string') t.ok(container.image.startsWith(`${mirror}/`), `${name}: ${container.image}`)
    const variables = (container.env ?? []).map(variable => variable.name)
    t.strictSame([...new Set(variables)], variables, `${name}: each variable once`)
    t.strictSame(container.securityContext?.capabilities?.drop, ['ALL'], `${name}: capabilities`)
    for (const mount of container.volumeMounts ?? []) t.ok(volumes.includes(mount.name), `${name}: ${mount.name}`)
  }
}

function checkSubjects(t: Test, one: Manifest, objects: readonly Manifest[]): void {
  for (const { name, namespace } of (one['subjects'] ?? []) as readonly { name: string; namespace: string }[]) {
    t.equal(namespace, 'my-ns', `${one.kind} ${one.metadata.name}`)
    t.ok(named(objects, 'ServiceAccount', name), `ServiceAccount ${name}`)
  }
  const role = one['roleRef'] as { readonly kind: string; readonly name: string } | undefined
  if (role) t.ok(named(objects, role.kind, role.name), `${role.kind} ${role.name}`)
  const account = podOf(one)?.serviceAccountName
  if (account !== undefined) t.ok(named(objects, 'ServiceAccount', account), `ServiceAccount ${account}`)
}

/** Values that Spiderpool's documents name and its chart does not have, and the right ones. */
const NAMES_OF_DOCUMENTS = [
  ['global.tuneSysctlConfig', 'spiderpoolAgent.tuneSysctlConfig'],
  ['feature', 'ipam.enableIPv4'],
  ['ipam.enableSpiderSubnet', 'ipam.spiderSubnet.enable'],
  ['ipam.subnetDefaultFlexibleIPNumber', 'ipam.spiderSubnet.autoPool.defaultRedundantIPNumber'],
  ['multus.uninstall', 'multus.multusCNI.uninstall'],
  ['spiderpoolController.enablePodNetworkResourceInject', 'spiderpoolController.podResourceInject.enabled'],
  ['spiderpoolController.cleanup.enabled', 'spiderpoolController.cleanup.enable'],
  ['spiderpoolAgent.prometheus.grafanaDashboard', 'grafanaDashboard.install'],
] as const

const REFUSED: readonly (readonly [Values, RegExp])[] = [
  [at('ipam.other', true), /at '\/ipam'.*'other' not allowed/],
  [at('other.enableIPv4', true), /'other' not allowed/],
  ...NAMES_OF_DOCUMENTS.map(
    ([path, instead]) => [at(path, false), new RegExp(`${path}: there is no such value; set ${instead}`)] as const,
  ),
  [at('ipam.enableIPv4', 'yes'), /\/ipam\/enableIPv4/],
  [at('spiderpoolAgent.httpPort', 70000), /\/spiderpoolAgent\/httpPort/],
  [at('spiderpoolAgent.image.digest', 'sha256:x'), /\/spiderpoolAgent\/image\/digest/],
  [at('spiderpoolAgent.image.tag', 'latest'), /\/spiderpoolAgent\/image\/tag/],
  [at('coordinator.mode', 'x'), /\/coordinator\/mode/],
  [at('coordinator.name', 'x'), /\/coordinator\/name/],
  [at('spiderpoolController.tls.method', 'x'), /\/spiderpoolController\/tls\/method/],
  [at('clusterDefaultPool.ipv4Subnet', 'x'), /\/clusterDefaultPool\/ipv4Subnet/],
  [at('clusterDefaultPool.ipv4IPRanges', ['x']), /\/clusterDefaultPool\/ipv4IPRanges/],
  [at('rdma.rdmaSharedDevicePlugin.install', true), /rdma\.rdmaSharedDevicePlugin\.install: .*install it from/],
  [at('sriov.install', true), /sriov\.install: .*install it from/],
  [at('iaasNetworkProvider.serverUrl', 'http://x'), /iaasNetworkProvider\.serverUrl: /],
  [at('spiderpoolAgent.networkResourcePlugin.enabled', true), /networkResourcePlugin\.enabled: /],
  [at('spiderpoolAgent.prometheus.enabledRdmaMetric', true), /enabledRdmaMetric: /],
  [all(at('ipam.enableIPv4', false), at('ipam.enableIPv6', false)), /ipam\.enableIPv4 and ipam\.enableIPv6/],
  [at('clusterDefaultPool.installIPv4IPPool', true), /clusterDefaultPool\.ipv4Subnet: it is empty/],
  [all(defaultPools, at('clusterDefaultPool.ipv4IPRanges', [''])), /clusterDefaultPool\.ipv4IPRanges: it is empty/],
  [all(defaultPools, at('ipam.enableIPv6', false)), /installIPv6IPPool: it is true and ipam\.enableIPv6 is false/],
  [
    all(defaultPools, at('clusterDefaultPool.ipv6IPPoolName', 'default-v4-ippool')),
    /ipv6IPPoolName: it is that of IPv4/,
  ],
  [at('plugins.installCNI', true), /plugins\.image\.tag: it is empty/],
  [at('spiderpoolController.tls.method', 'provided'), /tls\.provided\.tlsCert: it is empty/],
  [all(provided, at('spiderpoolController.tls.provided.tlsKey', 'eA==')), /tls\.provided\.tlsKey: it is no PEM/],
  [
    at('spiderpoolAgent.prometheus.serviceMonitor.install', true),
    /spiderpoolAgent\.prometheus\.serviceMonitor\.install: /,
  ],
  [at('spiderpoolController.podDisruptionBudget.enabled', true), /podDisruptionBudget\.enabled: .*2 replicas/],
  [at('spiderpoolController.webhookPort', 5710), /two are equal/],
  [at('global.ipamUNIXSocketHostPath', '/run/x'), /ipamUNIXSocketHostPath: .*\.sock/],
]
for (const [values, sentence] of REFUSED)
  t.test(`the chart refuses ${JSON.stringify(values)}`, t => {
    const { status, stderr } = tryRender(values)
    t.not(status, 0)
    t.match(stderr, sentence)
    t.end()
  })

/** Keys of the Go chart that are accepted and have no effect; values.yaml says so at each. */
const NO_EFFECT: readonly RegExp[] = [
  /^coordinator\.(detectGateway|detectIPConflict)$/, // init's variables; the CRD has no such field
  /\.binName$/,
  /\.debug\.gopsPort$/,
  /\.prometheus\.enabledDebugMetric$/,
  /^spiderpoolController\.tls\.auto\./,
  /^spiderpoolController\.tls\.(certmanager|provided)\./, // of other methods, above
  /^clusterDefaultPool\./, // of installIPv4IPPool, above
  /(serviceMonitor|prometheusRule)\./, // of install, above
  /^grafanaDashboard\./, // tested with a dashboard, below
  /^iaasNetworkProvider\./,
  /^plugins\.image\./,
  /^(rdma|sriov)\./,
  /\.networkResourcePlugin\./,
  /\.podDisruptionBudget\./,
  /\.service\.(annotations|type)$/, // the agent's Service is there with metrics
  /^spiderpoolAgent\.prometheus\.(enabledRdmaMetric)$/,
  /^global\.clusterDnsDomain$/, // a name in cert-manager's certificate
]

function* leaves(values: Values, path: readonly string[] = []): Generator<readonly [string, unknown]> {
  for (const [key, value] of Object.entries(values))
    if (isMap(value) && Object.keys(value).length > 0 && !key.endsWith('nodeSelector'))
      yield* leaves(value, [...path, key])
    else yield [[...path, key].join('.'), value]
}

/** Another value that the schema accepts. */
function changed(path: string, value: unknown): unknown {
  const special: Readonly<Record<string, unknown>> = {
    'ipam.projectAllocatedIPs': true,
    'coordinator.mode': 'underlay',
    'coordinator.name': undefined,
    'coordinator.podCIDRType': 'none',
    'coordinator.policyRoutes': [{ dst: '10.0.0.0/8', gw: '10.0.0.1' }],
    'spiderpoolController.tls.method': 'certmanager',
    'global.ipamUNIXSocketHostPath': '/run/other.sock',
    'global.ciliumConfigMap': 'a/b',
    'global.imagePullSecrets': ['s'],
    'multus.multusCNI.log.logLevel': 'debug',
    extraObjects: [{ kind: 'X', metadata: { name: 'x' } }],
  }
  if (path in special) return special[path]
  if (path.endsWith('.digest')) return `sha256:${'b'.repeat(64)}`
  if (path.endsWith('pullPolicy')) return 'Always'
  if (path.endsWith('logLevel')) return 'debug'
  if (/HostPath$|logFile$/.test(path)) return '/other/path'
  if (path.endsWith('.imagePullSecrets')) return ['s']
  if (/[tT]olerations$/.test(path)) return [{ key: 'k', operator: 'Exists' }]
  if (path.endsWith('extraEnv')) return [{ name: 'X', value: 'y' }]
  if (/extraVolume(s|Mounts)$/.test(path)) return [{ name: 'x', mountPath: '/x' }]
  if (path.endsWith('topologySpreadConstraints')) return [{ maxSkew: 1 }]
  if (/\.(limits|requests)\.memory$/.test(path)) return '99Mi'
  if (/\.(limits|requests)\.cpu$/.test(path)) return '7m'
  if (path.endsWith('annotations') || /Labels$|Annotations$|labels$/.test(path)) return { k: 'v' }
  if (path.endsWith('nodeSelector')) return { 'kubernetes.io/os': 'linux', k: 'v' }
  if (isMap(value)) return { k: { l: 'v' } }
  if (Array.isArray(value)) return ['other']
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + 37
  return 'other'
}

const CONSOLE_PORT = 'spiderpoolController.console.port'

t.test('each value of the chart has an effect, or is listed as without one', t => {
  const tried = [...leaves(defaults)].filter(
    ([path, value]) =>
      !NO_EFFECT.some(one => one.test(path)) &&
      changed(path, value) !== undefined &&
      !path.startsWith('plugins.install') &&
      path !== CONSOLE_PORT,
  )
  const texts = renderMany([{}, ...tried.map(([path, value]) => at(path, changed(path, value)))])
  const [before, ...after] = texts
  tried.forEach(([path], index) => t.not(after[index], before, path))
  t.ok(tried.length > 100, `${tried.length} values`)
  const [one, other] = renderMany(
    [5725, 5726].map(port => ({ spiderpoolController: { console: { enabled: true, port } } })),
  )
  t.not(one, other, `${CONSOLE_PORT}, where the console is on`)
  t.end()
})

t.test('the alert rules of the chart name metrics that docs list', t => {
  const documented = readFileSync('docs/controller.md', 'utf8') + readFileSync('docs/agent.md', 'utf8')
  const rules = render(monitored).filter(({ kind }) => kind === 'PrometheusRule')
  t.equal(rules.length, 2)
  for (const name of new Set(JSON.stringify(rules.map(({ spec }) => spec)).match(/spiderpool_[a-z_]+/g) ?? []))
    t.ok(documented.includes(`\`${name.replace(/_(bucket|sum|count)$/, '')}\``), name)
  t.end()
})

t.test('each enableWarning value switches a rule off', t => {
  const rulesIn = (values: Values): number =>
    (JSON.stringify(render(all(monitored, values))).match(/"alert":/g) ?? []).length
  const before = rulesIn({})
  const switches = [...leaves(defaults)].map(([path]) => path).filter(path => path.includes('enableWarning'))
  t.equal(switches.length, 6)
  for (const path of switches) t.equal(rulesIn(at(path, false)), before - 1, path)
  t.end()
})

t.test('grafanaDashboard.install makes a ConfigMap for each dashboard, and grafana-operator’s object on demand', t => {
  const dashboards = { 'pools.json': '{"title":"{{ pools }}"}', 'agent.json': '{"title":"agent"}' }
  const installed = at('grafanaDashboard', { install: true, namespace: 'monitoring', labels: { team: 'a' } })
  const objects = renderWithDashboards(installed, dashboards)
  for (const [file, text] of Object.entries(dashboards)) {
    const map = named(objects, 'ConfigMap', `spiderpool-${file.replace('.json', '')}`)
    t.match(map, { metadata: { namespace: 'monitoring', labels: { grafana_dashboard: '1', team: 'a' } } })
    t.strictSame((map?.['data'] as Record<string, string>)[file]?.trim(), text)
  }
  const kinds = (values: Values): readonly string[] =>
    renderWithDashboards(values, dashboards)
      .map(({ kind }) => kind)
      .filter(kind => kind === 'GrafanaDashboard')
  t.strictSame(kinds(installed), [])
  t.equal(kinds(all(installed, at('grafanaDashboard.instanceSelector.matchLabels', { a: 'b' }))).length, 2)
  t.strictSame(renderWithDashboards({}, dashboards).length, render().length, 'none by default')
  t.end()
})

t.test('the default values of Spiderpool’s own chart, passed with -f, render', t => {
  const values = parse(readFileSync('test/charts/go-values.yaml', 'utf8')) as Values
  const { status, stderr } = tryRender(values)
  t.strictSame([status, stderr], [0, ''])
  const ours = new Set([...leaves(defaults)].map(([path]) => path))
  const theirs = [...leaves(values)]
    .map(([path]) => path)
    .filter(path => !/^(rdma|sriov)\.|networkResourcePlugin/.test(path))
  t.strictSame(
    theirs.filter(
      path => !ours.has(path) && ![...ours].some(own => path.startsWith(`${own}.`) || own.startsWith(`${path}.`)),
    ),
    [],
    'each of them is a value of ours',
  )
  t.end()
})

t.test('the PodDisruptionBudget is of a version that Kubernetes has', t => {
  for (const [kubeVersion, apiVersion] of [
    ['1.20.2', 'policy/v1beta1'],
    ['1.21.0', 'policy/v1'],
  ] as const)
    t.match(
      named(render(SETS['two replicas'] ?? {}, { kubeVersion }), 'PodDisruptionBudget', 'spiderpool-controller'),
      {
        apiVersion,
      },
    )
  t.end()
})

t.test('two renders are equal', t => {
  t.equal(tryRender({}).stdout, tryRender({}).stdout)
  t.end()
})

t.test('values of a parent release with global keys of its own are accepted', t => {
  t.equal(tryRender(at('global.other', 'x')).status, 0)
  t.end()
})

const env = { SPIDERPOOL_POD_NAMESPACE: 'my-ns' }
const settings = settingsOf(env, { namespace: 'my-ns', podName: 'x' })
const switches: readonly (readonly [string, Values, Partial<Parameters<typeof webhookConfigurations>[0]>, string])[] = [
  ['all kinds', {}, {}, '1.31.0'],
  ['no coordinator', at('coordinator.enabled', false), { without: ['spidercoordinators'] }, '1.31.0'],
  ['no Multus config', at('multus.enableMultusConfig', false), { without: ['spidermultusconfigs'] }, '1.31.0'],
  ...(['1.29.0', '1.31.0'] as const).map(
    version =>
      [
        `pods at ${version}`,
        at('spiderpoolController.podResourceInject', {
          enabled: true,
          namespacesExclude: ['a'],
          namespacesInclude: ['ai', 'monitoring'],
        }),
        { pods: { exclude: ['a'], include: ['ai', 'monitoring'] }, hasMatchConditions: version === '1.31.0' },
        version,
      ] as const,
  ),
]
for (const [title, values, more, kubeVersion] of switches)
  t.test(`the chart has the webhooks that the controller prints: ${title}`, t => {
    const objects = render(values, { namespace: 'my-ns', kubeVersion })
    const installation = { name: 'spiderpool-controller', namespace: 'my-ns', port: settings.webhookPort, without: [] }
    const printed = webhookConfigurations({ ...installation, pods: undefined, hasMatchConditions: true, ...more })
    for (const one of printed as readonly (Manifest & { webhooks: unknown })[])
      t.same(named(objects, one.kind, 'spiderpool-controller')?.['webhooks'], one.webhooks, one.kind)
    t.end()
  })

t.test('conf.yml of the chart has no key that the controller does not know', t => {
  const map = named(render(), 'ConfigMap', 'spiderpool-conf') as Manifest & { data: Record<string, string> }
  const conf = confOf(parse(map.data['conf.yml'] ?? ''))
  t.strictSame(unknownIn(conf), [])
  t.match(conf, { enableIPv4: true, enableSpiderSubnet: true, enableAutoPoolForApplication: true })
  t.end()
})

t.test('the chart allows list and watch of what reconcilers watch', t => {
  const rights = rightsOf(render({}, { namespace: 'my-ns' }), 'spiderpool-controller')
  const own = settingsOf(
    { ...env, SPIDERPOOL_TLS_SECRET_NAME: 'spiderpool-controller-server-certs-auto' },
    { namespace: 'my-ns', podName: 'x' },
  )
  const serving = { use: () => Promise.resolve(), check: () => Promise.resolve(undefined) }
  const deps = { settings: own, conf: CONF_DEFAULT, env, metrics: new Metrics(), serving }
  for (const { watches } of reconcilersFor(deps))
    for (const { source } of watches)
      for (const verb of ['list', 'watch']) {
        const { kind, namespace = '', fieldSelector = '' } = source
        const name = /^metadata\.name=(.*)$/.exec(fieldSelector)?.[1] ?? ''
        const attempt = { verb, group: kind.group, resource: kind.plural, namespace, name }
        t.ok(isAllowed(rights, attempt), `${verb} ${kind.plural}.${kind.group} ${namespace}/${name}`)
      }
  t.end()
})
