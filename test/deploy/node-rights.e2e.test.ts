// The IPAM with the permissions that the manifest gives a node, and no others.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { containerId, openCluster, type PodRef } from '../fixtures/cluster.js'
import { cniEnv, runExecutable } from '../fixtures/executable.js'
import { must } from '../fixtures/netns.js'
import { restOf } from '../fixtures/rest.js'
import { isAllowed, manifestsIn, rightsOf, startGuard } from '../fixtures/rights.js'

const rights = rightsOf(manifestsIn('deploy/spiderpool.yaml'), 'spiderpool-agent')
const folder = mkdtempSync(join(tmpdir(), 'node-rights-'))
const server = await startApiserver({ standalone: true, args: ['--no-embedded-controller'] })
const rest = restOf(server.kubeconfig)
const guard = await startGuard(server.kubeconfig, rights, join(folder, 'kubeconfig'))
const cluster = openCluster(server.kubeconfig)
const netns = `rights${process.pid}`
must(`ip netns add ${netns}`)
t.teardown(async () => {
  await guard.close()
  rest.close()
  await server.stop()
  must(`ip netns del ${netns}`)
  rmSync(folder, { recursive: true })
})

async function call(verb: string, pod: PodRef, containerID: string, more: object = {}): Promise<string> {
  const { status, stdout } = await runExecutable({
    name: 'spiderpool-ipam',
    env: cniEnv({ verb, containerID, netns: `/run/netns/${netns}`, ifName: 'eth0', pod }),
    stdin: JSON.stringify({
      ...{ cniVersion: '1.1.0', name: 'rights', type: 'any', ...more },
      ipam: { type: 'spiderpool', kubeconfig: guard.kubeconfig, log_file_path: join(folder, 'log') },
    }),
  })
  return status === 0 ? stdout : `failed: ${stdout}`
}

const apps = async (kind: string, name: string, ownerReferences: readonly object[] = []): Promise<object> => {
  const labels = { a: 'b' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const spec = { replicas: 1, serviceName: 's', selector: { matchLabels: labels }, template }
  const metadata = { name, namespace: 'default', ownerReferences }
  const made = await cluster.api.create(`${kind.toLowerCase()}s`, { apiVersion: 'apps/v1', kind, metadata, spec })
  return { apiVersion: 'apps/v1', kind, name, uid: made.metadata.uid ?? '', controller: true }
}
type Owner = NonNullable<NonNullable<Parameters<typeof cluster.pod>[2]>['owner']>

await cluster.pool('node', { subnet: '10.61.0.0/24', ips: ['10.61.0.1-10.61.0.50'], default: true })
await cluster.pool('full', { subnet: '10.62.0.0/24', ips: ['10.62.0.1'] })
const deployment = await apps('Deployment', 'web')
const owners: readonly (readonly [string, Owner | undefined])[] = [
  ['bare', undefined],
  ['web-1-x', (await apps('ReplicaSet', 'web-1', [deployment])) as Owner],
  ['set-0', (await apps('StatefulSet', 'set')) as Owner],
]
for (const [name, owner] of owners)
  t.test(`ADD, CHECK, ADD again and DEL of pod ${name} succeed with a node’s permissions`, async t => {
    const [id, next] = [containerId(), containerId()]
    const pod = await cluster.pod(name, {}, owner ? { owner } : {})
    const added = await call('ADD', pod, id)
    t.match(added, /10\.61\.0\./)
    const checked = await call('CHECK', pod, id, { prevResult: JSON.parse(added) as object })
    t.match(checked, /"code": 110/, 'it has read what it asked for, and misses the interface that no plugin made')
    t.notMatch(await call('DEL', pod, id), /failed/)
    t.match(await call('ADD', pod, next), /10\.61\.0\./)
    await cluster.removePod(pod)
    t.notMatch(await call('DEL', pod, next), /failed/)
  })

t.test('a full pool is reported in an Event, and GC and STATUS succeed with a node’s permissions', async t => {
  const annotations = { 'ipam.spidernet.io/ippool': '{"ipv4":["full"]}' }
  const [first, second] = [await cluster.pod('one', annotations), await cluster.pod('two', annotations)]
  t.match(await call('ADD', first, containerId()), /10\.62\.0\.1/)
  t.match(await call('ADD', second, containerId()), /failed/)
  t.match(await call('ADD', second, containerId()), /failed/)
  t.notMatch(await call('GC', first, containerId(), { 'cni.dev/valid-attachments': [] }), /failed/)
  t.notMatch(await call('STATUS', first, containerId()), /failed/)
})

t.test('node RBAC suffices for every request of the IPAM', async t => {
  t.strictSame(guard.refused, [])
  for (const asked of [
    'create spiderpool.spidernet.io/spideripaddresses',
    'delete spiderpool.spidernet.io/spideripaddresses',
    'create spiderpool.spidernet.io/spiderendpoints',
    'create /events',
    'list spiderpool.spidernet.io/spiderreservedips',
    'get apps/statefulsets',
  ])
    t.ok(guard.asked.has(asked), asked)
})

const FORBIDDEN = [
  ['create', 'spiderpool.spidernet.io', 'spiderippools'],
  ['update', 'spiderpool.spidernet.io', 'spiderippools'],
  ['get', '', 'secrets'],
  ['get', '', 'configmaps'],
  ['patch', '', 'pods'],
  ['update', '', 'nodes'],
  ['list', 'apps', 'deployments'],
  ['create', 'k8s.cni.cncf.io', 'network-attachment-definitions'],
] as const
for (const [verb, group, resource] of FORBIDDEN)
  t.test(`a node may not ${verb} ${resource}`, async t =>
    t.notOk(isAllowed(rights, { verb, group, resource, namespace: 'kube-system', name: 'x' })),
  )
