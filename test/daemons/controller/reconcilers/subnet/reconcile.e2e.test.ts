// SpiderSubnets by the controller as a process: applications get pools, pods get addresses from
// them, and all is released.
import t from 'tap'
import type { SpiderSubnet } from '../../../../../lib/crd/types.js'
import { eventually, startController } from '../../../../fixtures/controller.js'
import { first, openIpam } from '../../../../fixtures/ipam.js'
import { endingOf, openSubnets } from '../../../../fixtures/subnets.js'
import { SPIDER } from '../../../../fixtures/cluster.js'

const ipam = await openIpam()
const { cluster } = ipam
const stage = openSubnets(cluster, ipam.kubeconfig)
const controller = await startController(ipam.kubeconfig, { name: 'subnets' })
t.teardown(async () => {
  await controller.end('SIGTERM')
  stage.close()
  await ipam.stop()
})

const statusWith = (name: string, allocatedIPCount: number): Promise<SpiderSubnet['status'] | undefined> =>
  eventually(async () => {
    const status = (await stage.subnet(name))?.status
    return status?.allocatedIPCount === allocatedIPCount ? status : undefined
  })
const ask = (annotation: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  'ipam.spidernet.io/subnet': annotation,
  ...more,
})

t.test('a Deployment gets a pool of the SpiderSubnet, which is deleted with it', async t => {
  await stage.make('lan', { subnet: '172.22.0.0/16', ips: ['172.22.1.10-172.22.1.20'], gateway: '172.22.0.1' })
  const web = await stage.deploy('web', 2, ask('{"ipv4":["lan"]}', { 'ipam.spidernet.io/ippool-ip-number': '+1' }))
  const [pool] = (await stage.pools('lan', [['172.22.1.10-172.22.1.12']])) ?? []
  const name = `auto4-web-eth0-${endingOf(web.uid)}`
  t.match(pool, {
    metadata: {
      name,
      labels: {
        'ipam.spidernet.io/ippool-cidr': '172-22-0-0-16',
        'ipam.spidernet.io/owner-application-gv': 'apps_v1',
        'ipam.spidernet.io/owner-application-kind': 'Deployment',
        'ipam.spidernet.io/owner-application-namespace': 'default',
        'ipam.spidernet.io/owner-application-name': 'web',
        'ipam.spidernet.io/owner-application-uid': web.uid,
        'ipam.spidernet.io/interface': 'eth0',
        'ipam.spidernet.io/ip-version': 'IPv4',
        'ipam.spidernet.io/ippool-reclaim': 'true',
      },
      annotations: { 'ipam.spidernet.io/ippool-ip-number': '+1' },
      ownerReferences: [{ kind: 'SpiderSubnet', name: 'lan', controller: true, blockOwnerDeletion: true }],
    },
    spec: { subnet: '172.22.0.0/16', gateway: '172.22.0.1' },
  })
  t.match((await stage.subnet('lan'))?.status, {
    controlledIPPools: `{"${name}":{"ips":["172.22.1.10-172.22.1.12"],"application":"apps_v1_Deployment_default_web"}}`,
    totalIPCount: 11,
    allocatedIPCount: 3,
  })
  const sandbox = ipam.sandbox(await web.pod('web-1'))
  const answer = await sandbox.add()
  t.match(first(answer), /^172\.22\.1\.1[0-2]\/16$/, JSON.stringify(answer))
  t.match(await cluster.addresses(name), [{ spec: { pod: { name: 'web-1' } } }])

  await stage.scale('web', 5)
  t.ok(await stage.pools('lan', [['172.22.1.10-172.22.1.15']]), 'it grows')
  await stage.scale('web', 0)
  t.ok(await stage.pools('lan', [[first(answer).replace('/16', '')]]), 'it shrinks, and keeps what a pod holds')
  t.ok(await statusWith('lan', 1))

  await stage.undeploy('web')
  const isEnding = async (): Promise<true | undefined> =>
    (await stage.poolsOf('lan'))[0]?.metadata.deletionTimestamp === undefined ? undefined : true
  t.ok(await eventually(isEnding), 'the pool goes with it, and waits for its last address')
  await sandbox.del() // its pod is deleted with the ReplicaSet
  t.ok(await stage.pools('lan', []))
  t.strictSame(await statusWith('lan', 0), { totalIPCount: 11, allocatedIPCount: 0 })
})

t.test('an application with both families and two interfaces gets four pools, also of /64s', async t => {
  await stage.make('a4', { subnet: '172.23.0.0/24', ips: ['172.23.0.10-172.23.0.20'] })
  await stage.make('b4', { subnet: '172.24.0.0/24', ips: ['172.24.0.10-172.24.0.20'] })
  await stage.make('a6', { subnet: 'fd23::/64', ips: ['fd23::-fd23::ffff:ffff:ffff:ffff'] })
  await stage.make('b6', { subnet: 'fd24::/64', ips: ['fd24::10-fd24::ffff'], excludeIPs: ['fd24::11'] })
  const two = await stage.deploy('two', 2, {
    'ipam.spidernet.io/subnets':
      '[{"interface":"eth0","ipv4":["a4"],"ipv6":["a6"]},{"interface":"net1","ipv4":["b4"],"ipv6":["b6"]}]',
  })
  const ending = endingOf(two.uid)
  for (const [subnet, name, ips] of [
    ['a4', 'auto4-two-eth0', ['172.23.0.10-172.23.0.11']],
    ['a6', 'auto6-two-eth0', ['fd23::1-fd23::2']],
    ['b4', 'auto4-two-net1', ['172.24.0.10-172.24.0.11']],
    ['b6', 'auto6-two-net1', ['fd24::10', 'fd24::12']],
  ] as const)
    t.match(await stage.pools(subnet, [ips]), [{ metadata: { name: `${name}-${ending}` } }], subnet)
  const sandbox = ipam.sandbox(await two.pod('two-1'))
  const [eth0, net1] = [await sandbox.add('eth0'), await sandbox.add('net1')]
  t.match(eth0.ips, [{ address: /^172\.23\.0\./ }, { address: /^fd23::/ }], JSON.stringify(eth0))
  t.match(net1.ips, [{ address: /^172\.24\.0\./ }, { address: /^fd24::/ }], JSON.stringify(net1))
  await stage.undeploy('two')
  await sandbox.del()
  await cluster.removePod(sandbox.pod).catch(() => undefined) // as its kubelet would
  for (const subnet of ['a4', 'a6', 'b4', 'b6']) t.ok(await statusWith(subnet, 0), `${subnet} has everything back`)
})

t.test('a retained pool is reused by the next application of that name', async t => {
  await stage.make('stay', { subnet: '172.25.0.0/24', ips: ['172.25.0.10-172.25.0.20'] })
  const annotations = ask('{"ipv4":["stay"]}', { 'ipam.spidernet.io/ippool-reclaim': 'false' })
  await stage.deploy('keeps', 2, annotations)
  const [before] = (await stage.pools('stay', [['172.25.0.10-172.25.0.11']])) ?? []
  await stage.undeploy('keeps')
  await eventually(async () => ((await cluster.api.items('/apis/apps/v1/replicasets')).length === 0 ? true : undefined))
  t.ok(await statusWith('stay', 2), 'and is charged to the subnet')
  const again = await stage.deploy('keeps', 3, annotations)
  const [after] = (await stage.pools('stay', [['172.25.0.10-172.25.0.12']])) ?? []
  t.equal(after?.metadata.uid, before?.metadata.uid)
  t.equal(after?.metadata.labels?.['ipam.spidernet.io/owner-application-uid'], again.uid)
  const sandbox = ipam.sandbox(await again.pod('keeps-1'))
  t.match(first(await sandbox.add()), /^172\.25\.0\.1[0-2]\/24$/)
})

t.test('a third-party controller gets a pool by its pods’ annotations, which is deleted with it', async t => {
  await stage.make('foreign', { subnet: '172.26.0.0/24', ips: ['172.26.0.10-172.26.0.20'] })
  const names = { plural: 'clonesets', singular: 'cloneset', kind: 'CloneSet' }
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await stage.must('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'clonesets.apps.kruise.io' },
    spec: {
      ...{ group: 'apps.kruise.io', scope: 'Namespaced', names },
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema }],
    },
  })
  const path = '/apis/apps.kruise.io/v1alpha1/namespaces/default/clonesets'
  const clones = await eventually(() =>
    stage
      .must<SpiderSubnet>('POST', path, {
        apiVersion: 'apps.kruise.io/v1alpha1',
        kind: 'CloneSet',
        metadata: { name: 'clones' },
      })
      .catch(() => undefined),
  )
  const uid = clones?.metadata.uid ?? ''
  const owner = { apiVersion: 'apps.kruise.io/v1alpha1', kind: 'CloneSet', name: 'clones', uid }
  const annotations = ask('{"ipv4":["foreign"]}', { 'ipam.spidernet.io/ippool-ip-number': '2' })
  const pod = await cluster.pod('clone-1', annotations, { owner })
  const sandbox = ipam.sandbox(pod)
  const answer = await sandbox.add()
  t.match(first(answer), /^172\.26\.0\.1[01]\/24$/, JSON.stringify(answer))
  const name = `auto4-clones-eth0-${endingOf(uid)}`
  t.match(await stage.pools('foreign', [['172.26.0.10-172.26.0.11']]), [{ metadata: { name } }])
  await stage.must('DELETE', `${path}/clones`)
  await cluster.removePod(pod).catch(() => undefined) // garbage-collected already, or bound to a node whose kubelet would release it
  await sandbox.del()
  t.ok(await stage.pools('foreign', []), 'its pods go with it, and then its pool')
})

t.test('failures are recorded as Events on the application', async t => {
  await stage.make('small', { subnet: '172.27.0.0/24', ips: ['172.27.0.10-172.27.0.11'] })
  await stage.deploy('big', 3, ask('{"ipv4":["small"]}'))
  t.match(await stage.event('SubnetExhausted'), {
    involvedObject: { kind: 'Deployment', name: 'big' },
    message: /^SpiderSubnet small lacks 1 of the 3 addresses/,
  })
  await stage.deploy('nowhere', 1, ask('{"ipv4":["none"]}'))
  t.match(await stage.event('SubnetNotUsable', 'nowhere'), {
    message: 'there is no SpiderSubnet none; create it, or name another one',
  })
  await stage.deploy('wrong', 1, ask('{"ipv4":["small"]}', { 'ipam.spidernet.io/ippool-ip-number': 'two' }))
  t.match(await stage.event('WrongInput'), { involvedObject: { name: 'wrong' }, message: /^wrong input: .* is "two"/ })
  await stage.scale('big', 2)
  t.ok(await stage.pools('small', [['172.27.0.10-172.27.0.11']]), 'and is done as soon as it can be')
})

t.test('manual pools are counted, and a SpiderSubnet is deleted after its last pool', async t => {
  await stage.make('ends', { subnet: '172.28.0.0/24', ips: ['172.28.0.10-172.28.0.30'], gateway: '172.28.0.1' })
  await cluster.pool('by-hand', { subnet: '172.28.0.0/24', ips: ['172.28.0.10-172.28.0.12'] })
  const app = await stage.deploy('ending', 1, ask('{"ipv4":["ends"]}'))
  const found = await stage.pools('ends', [['172.28.0.13'], ['172.28.0.10-172.28.0.12']])
  t.match(found?.[1], { metadata: { name: 'by-hand' }, spec: { gateway: '172.28.0.1' } }, 'it inherits')
  t.match((await statusWith('ends', 4))?.controlledIPPools, /,"by-hand":{"ips":\["172.28.0.10-172.28.0.12"\]}}$/)
  const sandbox = ipam.sandbox(await app.pod('ending-1'))
  t.equal(first(await sandbox.add()), '172.28.0.13/24')
  await stage.must('DELETE', `${SPIDER}/spidersubnets/ends`)
  t.ok(await statusWith('ends', 1), 'what pods hold keeps it')
  await stage.undeploy('ending')
  await sandbox.del()
  const isGone = async (): Promise<true | undefined> => ((await stage.subnet('ends')) ? undefined : true)
  t.ok(await eventually(isGone))
})

t.test('the subnet reconciler writes nothing once the desired state is reached', async t => {
  const writes = async (): Promise<readonly string[]> =>
    (await controller.metrics()).split('\n').filter(line => /^spiderpool_controller_write_counts.*spider/.test(line))
  const settled = await eventually(async () => {
    const before = await writes()
    await new Promise(resolve => setTimeout(resolve, 3_000))
    return JSON.stringify(before) === JSON.stringify(await writes()) ? before : undefined
  }, 30_000)
  t.ok(settled && settled.length > 0, 'for three seconds')
})
