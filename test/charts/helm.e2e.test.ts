// The chart with the real Helm on a real API server: what it renders is accepted, a release of
// Spiderpool's own chart is upgraded to it, rolled back, uninstalled and installed again.
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { CHART, HELM, tryRender } from '../fixtures/chart.js'
import { eventually, startController } from '../fixtures/controller.js'
import { BIN } from '../fixtures/executable.js'
import { restOf } from '../fixtures/rest.js'
import { SETS } from './sets.js'

const NAMESPACE = 'chart-ns'
const GO_CHART = 'test/fixtures/go-chart'
const NETWORK = 'macvlan-conf'
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/spideripaddresses.spiderpool.spidernet.io'
const POOL = '/apis/spiderpool.spidernet.io/v2beta1/spiderippools/kept'
/** Kinds of other projects, and those that this API server is built without or that are newer. */
const LACKING = /monitoring\.coreos\.com|cert-manager\.io|policy\/v1$|kind: ValidatingAdmissionPolicy/m
const LATE_MS = 60_000

if ((process.env['SPIDERPOOL_TEST_KUBECONFIG'] ?? '') === '')
  t.test('helm', { skip: 'Helm needs a real API server: SPIDERPOOL_TEST_KUBECONFIG is not set' }, t => t.end())
else await suite()

interface Said {
  readonly status: number | null
  readonly out: string
}

async function suite(): Promise<void> {
  const server = await startApiserver()
  const rest = restOf(server.kubeconfig)
  const env = { ...process.env, KUBECONFIG: server.kubeconfig }
  const run = (file: string, args: readonly string[], more: object = {}): Said => {
    const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env, maxBuffer: 1 << 28, ...more })
    return { status, out: `${stdout}${stderr}` }
  }
  const helm = (...args: readonly string[]): Said => run(HELM, [...args, '--namespace', NAMESPACE])
  const kubectl = (...args: readonly string[]): string => run('kubectl', args).out.trim()
  const released = (chart: string, ...args: readonly string[]): Said =>
    helm('upgrade', '--install', 'spiderpool', chart, '--no-hooks', ...args)
  /** What of the release or of a former one is in the cluster, but the namespace's own objects. */
  const left = (): readonly string[] =>
    [
      kubectl(
        'get',
        'clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations',
        '-o',
        'name',
      ),
      kubectl(
        '-n',
        NAMESPACE,
        'get',
        'deployments,daemonsets,jobs,services,secrets,configmaps,roles,rolebindings,serviceaccounts',
        '-o',
        'name',
      ),
    ]
      .flatMap(text => text.split('\n'))
      .filter(name => name.includes('spiderpool') && !name.includes('helm.release'))

  kubectl('create', 'namespace', NAMESPACE)
  t.teardown(async () => {
    helm('uninstall', 'spiderpool', '--no-hooks')
    kubectl('delete', 'namespace', NAMESPACE, '--wait=false')
    kubectl('delete', 'spiderippool', 'kept', '--wait=false')
    rest.close()
    await server.stop()
  })

  const version = /"serverVersion"[^]*?"gitVersion": "v([^"]+)"/.exec(kubectl('version', '-o', 'json'))?.[1] ?? ''
  // kubectl of 1.20 sends five requests a second: a set takes it twelve seconds.
  const isOld = version.startsWith('1.20')
  const sets = isOld ? ['two replicas'] : Object.keys(SETS)
  for (const title of sets)
    t.test(`the API server accepts each object of the chart with ${title}`, t => {
      const { stdout } = tryRender(SETS[title] ?? {}, { namespace: NAMESPACE, kubeVersion: version })
      const documents = stdout.split(/^---\n/m).filter(text => text.trim() !== '' && !LACKING.test(text))
      const said = run('kubectl', ['create', '--dry-run=server', '--validate=true', '-f', '-'], {
        input: documents.join('---\n'),
      })
      t.equal(said.status, 0, said.out)
      t.end()
    })

  t.test('the chart rejects more replicas than the cluster has nodes', t => {
    run('kubectl', ['create', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }),
    })
    const { status, out } = released(CHART, '--dry-run=server', '--set', 'spiderpoolController.replicas=2')
    t.not(status, 0)
    t.match(out, /spiderpoolController\.replicas: 2 of them need as many nodes, .* has 1; take fewer/)
    kubectl('delete', 'node', 'n1')
    t.end()
  })

  t.test('a release of Spiderpool’s own chart is upgraded', async t => {
    const pool = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool', metadata: { name: 'kept' } }
    run('kubectl', ['create', '-f', '-'], {
      input: JSON.stringify({ ...pool, spec: { subnet: '10.9.0.0/24', ips: ['10.9.0.1'] } }),
    })
    await rest.ask('DELETE', CRD)
    // As Helm 3 does on 1.20, whose server-side apply leaves an empty postStart of a removed hook.
    t.match(released(GO_CHART, '--skip-crds', '--server-side', isOld ? 'false' : 'true'), { status: 0 })
    const uidsOf = (): string =>
      kubectl('-n', NAMESPACE, 'get', 'deployments,daemonsets,services', '-o', 'jsonpath={.items[*].metadata.uid}')
    const before = uidsOf()
    const upgraded = released(CHART)
    t.equal(upgraded.status, 0, upgraded.out)
    t.equal(uidsOf(), before, 'each workload is the same object')
    const network = kubectl(
      '-n',
      NAMESPACE,
      'get',
      'configmap',
      'spiderpool-conf',
      '-o',
      'jsonpath={.data.clusterNetwork}',
    )
    t.equal(network, NETWORK, 'the default network stays without the value')
    for (const gone of [
      'clusterrole.rbac.authorization.k8s.io/spiderpool-admin',
      'configmap/spiderpool-multus-entrypoint',
    ])
      t.notOk(left().includes(gone), gone)
    const hooks = left().filter(name => name.includes('webhookconfiguration'))
    t.equal(hooks.length, 2, hooks.join(' '))
    const controller = await startController(server.kubeconfig, {
      name: 'c0',
      env: {
        SPIDERPOOL_POD_NAMESPACE: NAMESPACE,
        SPIDERPOOL_TLS_SECRET_NAME: 'spiderpool-controller-server-certs-auto',
      },
    })
    const served = await eventually(
      async () => ((await rest.ask('GET', CRD)).status === 200 ? true : undefined),
      LATE_MS,
    )
    t.ok(served, 'the controller adds the CRD that the release lacked')
    await controller.said('ValidatingWebhookConfiguration spiderpool-controller trusts', LATE_MS)
    const bundle = (): string =>
      kubectl(
        'get',
        'validatingwebhookconfiguration',
        'spiderpool-controller',
        '-o',
        'jsonpath={.webhooks[*].clientConfig.caBundle}',
      )
    const own = bundle()
    t.equal(new Set(own.split(' ')).size, 1)
    t.match(released(CHART, '--set', 'spiderpoolAgent.debug.logLevel=debug'), { status: 0 })
    t.equal(bundle(), own, 'an upgrade keeps the caBundle')
    t.match(helm('rollback', 'spiderpool', '2', '--no-hooks'), { status: 0 })
    t.equal(bundle(), own, 'a rollback keeps the caBundle')
    await controller.end('SIGTERM')
    t.end()
  })

  t.test('a release is rolled back to Spiderpool’s own chart, and upgraded again', t => {
    // By server-side apply: its manifest has a caBundle, which our controller owns.
    const back = helm('rollback', 'spiderpool', '1', '--no-hooks', ...(isOld ? [] : ['--force-conflicts']))
    t.equal(back.status, 0, back.out)
    t.ok(left().includes('clusterrole.rbac.authorization.k8s.io/spiderpool-admin'))
    const again = released(CHART)
    t.equal(again.status, 0, again.out)
    t.end()
  })

  t.test('an uninstalled release leaves nothing, and a new one finds its pools', async t => {
    const cleaned = run(
      `${BIN}/spiderpool-controller`,
      ['clean', '--validate', 'spiderpool-controller', '--mutating', 'spiderpool-controller'],
      {
        env: {
          ...env,
          SPIDERPOOL_POD_NAMESPACE: NAMESPACE,
          SPIDERPOOL_TLS_SECRET_NAME: 'spiderpool-controller-server-certs-auto',
        },
      },
    )
    t.equal(cleaned.status, 0, cleaned.out)
    t.match(helm('uninstall', 'spiderpool', '--no-hooks'), { status: 0 })
    t.strictSame(left(), [])
    const pool = await rest.ask('GET', POOL)
    t.equal(pool.status, 200)
    t.strictSame((pool.body['metadata'] as { readonly finalizers?: unknown }).finalizers ?? [], [])
    t.match(released(CHART), { status: 0 })
    t.equal((await rest.ask('GET', POOL)).status, 200)
    t.match(helm('uninstall', 'spiderpool', '--no-hooks'), { status: 0 })
    t.end()
  })
}
