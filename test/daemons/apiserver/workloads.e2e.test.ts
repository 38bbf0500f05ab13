// `kubectl scale` and `kubectl auth` with every installed kubectl, and the same over HTTP.
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { kubectls, type Said } from '../../fixtures/kubectl.js'
import { restOf } from '../../fixtures/rest.js'

const server = await startApiserver({ standalone: true })
const rest = restOf(server.kubeconfig)
t.teardown(async () => {
  rest.close()
  await server.stop()
})
const all = kubectls(server.kubeconfig)
if (all.length === 0) t.pass('no kubectl', { skip: 'kubectl is not installed' })
const said = ({ status, stdout, stderr }: Said): string => `${status} ${stdout}${stderr}`

for (const { version, run } of all) {
  t.test(`kubectl ${version} auth can-i allows the token everything`, async t => {
    t.equal(said(await run(['auth', 'can-i', 'create', 'spiderendpoints.spiderpool.spidernet.io'])), '0 yes\n')
    t.equal(said(await run(['auth', 'can-i', 'delete', 'pods', '--namespace=kube-system'])), '0 yes\n')
    t.equal(said(await run(['auth', 'can-i', 'get', '/metrics'])), '0 yes\n')
    t.match(await run(['auth', 'can-i', '--list']), { status: 0, stdout: /\*\.\* +\[\] +\[\] +\[\*\]/ })
  })

  const name = `web-${version.replace('.', '-')}`
  for (const kind of ['Deployment', 'StatefulSet', 'ReplicaSet'])
    t.test(`kubectl ${version} scale ${kind} sets replicas, also with --current-replicas`, async t => {
      const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
      const spec = { replicas: 2, selector: { matchLabels: { app: 'a' } }, template }
      const serviceName = kind === 'StatefulSet' ? { serviceName: 's' } : {}
      const object = { apiVersion: 'apps/v1', kind, metadata: { name }, spec: { ...spec, ...serviceName } }
      const stdin = JSON.stringify(object)
      t.match(await run(['create', '-f', '-'], { stdin }), { status: 0 })
      t.match(await run(['scale', kind, name, '--replicas=5']), { status: 0, stdout: / scaled\n$/ })
      t.match(await run(['scale', kind, name, '--current-replicas=5', '--replicas=3']), {
        status: 0,
        stdout: / scaled\n$/,
      })
      t.match(await run(['scale', kind, name, '--current-replicas=9', '--replicas=1']), {
        status: 1,
        stderr: /[Ee]xpected replicas to be 9, was 3/,
      })
      const path = '-o=jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image} {.metadata.generation}'
      t.equal(said(await run(['get', kind, name, path])), '0 3 i 3')
      t.match(await run(['scale', kind, 'none', '--replicas=1']), { status: 1, stderr: /"none" not found/ })
    })
}

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const MERGE = { 'content-type': 'application/merge-patch+json' }

t.test('/scale reads and writes a Scale and rejects other bodies', async t => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const selector = {
    matchLabels: { b: 'c', a: 'b' },
    matchExpressions: [{ key: 'aa', operator: 'In', values: ['y', 'x'] }],
  }
  const made = await rest.ask('POST', DEPLOYMENTS, { body: { metadata: { name: 'd' }, spec: { selector, template } } })
  const { uid, resourceVersion } = made.body['metadata'] as unknown as Readonly<Record<string, string>>
  const at = `${DEPLOYMENTS}/d/scale`
  const scale = await rest.ask('GET', at)
  t.match(scale, {
    status: 200,
    body: {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'd', namespace: 'default', uid, resourceVersion },
      spec: { replicas: 1 },
      status: { replicas: 0, selector: 'a=b,aa in (x,y),b=c' },
    },
  })
  const put = (replicas: unknown, metadata: object = {}): ReturnType<typeof rest.ask> =>
    rest.ask('PUT', at, { body: { ...scale.body, metadata, spec: { replicas } } })
  t.match(await put(4, { resourceVersion }), { status: 200, body: { kind: 'Scale', spec: { replicas: 4 } } })
  t.match(await put(5, { resourceVersion }), { status: 409, body: { reason: 'Conflict' } })
  t.match(await put(5, { name: 'other' }), { status: 400 })
  for (const replicas of [-1, 1.5, 'x', 2 ** 31])
    t.match(await put(replicas), { status: 422, body: { message: /spec\.replicas: Invalid value/ } }, String(replicas))
  const patch = (headers: Readonly<Record<string, string>>, body: unknown): ReturnType<typeof rest.ask> =>
    rest.ask('PATCH', at, { headers, body })
  t.match(await patch(MERGE, { spec: { replicas: 0 } }), { status: 200, body: { spec: { replicas: 0 } } })
  const jsonPatch = [
    { op: 'test', path: '/spec/replicas', value: 0 },
    { op: 'replace', path: '/spec/replicas', value: 6 },
  ]
  t.match(await patch({ 'content-type': 'application/json-patch+json' }, jsonPatch), { status: 200 })
  t.match(await patch({ 'content-type': 'application/apply-patch+yaml' }, {}), { status: 415 })
  t.match(await rest.ask('GET', `${DEPLOYMENTS}/d`), { body: { spec: { replicas: 6, template } } })
  t.match(await rest.ask('DELETE', at), { status: 405 })
  t.match(await rest.ask('GET', '/apis/apps/v1/namespaces/default/daemonsets/d/scale'), { status: 404 })
})

t.test('POST of a review returns its status and stores nothing', async t => {
  const at = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const asked = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }
  t.match(await rest.ask('POST', at, { body: asked }), { status: 201, body: { ...asked, status: { allowed: true } } })
  t.match(await rest.ask('POST', at, { body: { spec: {} } }), {
    status: 422,
    body: { message: /exactly one of nonResourceAttributes or resourceAttributes/ },
  })
  t.match(await rest.ask('POST', at, { body: asked, known: false }), { status: 401 })
  t.match(await rest.ask('GET', at), { status: 405 })
  t.match(await rest.ask('GET', `${at}/a`), { status: 404 })
  t.match(await rest.ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {} }), {
    status: 201,
    body: { status: { userInfo: { username: 'admin' } } },
  })
  t.match(await rest.ask('GET', '/apis/authorization.k8s.io/v1'), {
    body: { resources: [{ name: 'selfsubjectaccessreviews', verbs: ['create'] }, { name: 'selfsubjectrulesreviews' }] },
  })
})
