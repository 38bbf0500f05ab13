// `spiderpoolctl migrate` from objects and files of other IPAMs, against the standalone server.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { poolAnnotation, type PodRef } from '../../fixtures/cluster.js'
import { runExecutable, type Reply } from '../../fixtures/executable.js'
import { openIpam } from '../../fixtures/ipam.js'

const bench = await openIpam({ standalone: true })
const { cluster, kubeconfig } = bench
const { api } = cluster
const folder = mkdtempSync(join(tmpdir(), 'ctl-migrate-'))
t.teardown(async () => {
  rmSync(folder, { recursive: true })
  await bench.stop()
})

const ctl = (line: string): Promise<Reply> =>
  runExecutable({ name: 'spiderpoolctl', args: line.split(' ').filter(Boolean), env: { KUBECONFIG: kubeconfig } })

const WHEREABOUTS = '/apis/whereabouts.cni.cncf.io/v1alpha1'
const SPIDER = '/apis/spiderpool.spidernet.io/v2beta1'

/** The definitions as Whereabouts installs them: names, scope and the fields of spec. */
const definition = (kind: string, properties: object) => {
  const plural = `${kind.toLowerCase()}s`
  const spec = { type: 'object', properties }
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } }
  return api.create('customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.whereabouts.cni.cncf.io` },
    spec: {
      ...{ group: 'whereabouts.cni.cncf.io', scope: 'Namespaced', names: { kind, plural } },
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema }],
    },
  })
}
const text = { type: 'string' }
const allocation = { type: 'object', properties: { id: text, podref: text, ifname: text, ipamclaimref: text } }

const ofWhereabouts = (kind: string, name: string, spec: object) =>
  api.create(`${kind.toLowerCase()}s`, {
    ...{ apiVersion: 'whereabouts.cni.cncf.io/v1alpha1', kind, metadata: { name, namespace: 'kube-system' }, spec },
  })

const network = (name: string, ipam: object) =>
  api.create('network-attachment-definitions', {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'default' },
    spec: { config: JSON.stringify({ cniVersion: '1.0.0', name, plugins: [{ type: 'macvlan', ipam }] }) },
  })

/** The annotation that Multus writes. */
const shows = (ip: string, nic = 'net1') => ({
  'k8s.v1.cni.cncf.io/network-status': JSON.stringify([
    { name: 'default/a', interface: nic, ips: [ip], mac: '0a:00:00:00:00:01' },
  ]),
})

interface Row {
  readonly action: string
  readonly object: string
  readonly pod: string
  readonly why: string
  readonly done: string
}
const rowsOf = ({ json }: Reply): readonly string[] =>
  (json as readonly Row[]).map(({ action, object, pod }) => `${action} ${object} ${pod}`.trim())

const a = await cluster.pod('a', shows('10.7.0.17'))
await cluster.pod('moved', shows('10.7.0.30'))
const b = await cluster.pod('b')

t.test('migrate whereabouts: one sentence where Whereabouts is not installed', async t => {
  const reply = await ctl('migrate whereabouts')
  t.strictSame([reply.status, reply.stdout], [3, ''])
  t.match(reply.stderr, /the cluster has no ippools of whereabouts.cni.cncf.io\/v1alpha1/)
  t.match(await ctl('migrate calico'), { status: 2, stderr: /"calico" cannot be migrated from; write one of/ })
})

const PLAN = [
  'create spiderippool/whereabouts-10.7.0.16-28',
  'create spiderippool/whereabouts-fd07---64',
  'create spideripaddress/10.7.0.17 default/a',
  'skip spideripaddress/10.7.0.18 default/gone',
  'skip spideripaddress/10.7.0.19 default/moved',
  'reserve spiderreservedip/10.7.0.20',
  'create spideripaddress/fd07-0000-0000-0000-0000-0000-0000-0005 default/b',
  'reserve spiderreservedip/10.9.9.9 default/b',
]

t.test('migrate whereabouts: the plan, which writes nothing', async t => {
  await definition('IPPool', {
    range: text,
    allocations: { type: 'object', additionalProperties: allocation },
  })
  await definition('OverlappingRangeIPReservation', { containerid: text, podref: text, ifname: text })
  await network('a', {
    ...{ type: 'whereabouts', range: '10.7.0.16/28', gateway: '10.7.0.30' },
    ...{ range_start: '10.7.0.17', range_end: '10.7.0.25', exclude: ['10.7.0.24/31'] },
  })
  await ofWhereabouts('IPPool', '10.7.0.16-28', {
    range: '10.7.0.16/28',
    allocations: {
      1: { id: 'c1', podref: 'default/a', ifname: 'net1' },
      2: { id: 'c2', podref: 'default/gone', ifname: 'net1' },
      3: { id: 'c3', podref: 'default/moved', ifname: 'net1' },
      4: { id: 'c4', podref: 'bare-name' },
    },
  })
  await ofWhereabouts('IPPool', 'fd07---64', {
    range: 'fd07::/64',
    allocations: { 5: { id: 'c5', podref: 'default/b', ifname: 'net2' } },
  })
  await ofWhereabouts('OverlappingRangeIPReservation', '10.7.0.17', { containerid: 'c1', podref: 'default/a' })
  await ofWhereabouts('OverlappingRangeIPReservation', 'net-10.9.9.9', { podref: 'default/b' })
  const reply = await ctl('migrate whereabouts -o json')
  t.equal(reply.status, 0, reply.stderr)
  t.strictSame(rowsOf(reply).slice().sort(), PLAN.slice().sort())
  t.match((await ctl('migrate whereabouts')).stdout, '6 objects would be written; --apply writes them\n')
  t.strictSame(await cluster.addresses(), [])
  t.strictSame(await api.items(`${SPIDER}/spiderippools`), [])
})

const source = async (): Promise<string> =>
  JSON.stringify([
    await api.items(`${WHEREABOUTS}/ippools`),
    await api.items(`${WHEREABOUTS}/overlappingrangeipreservations`),
  ])

t.test('migrate whereabouts --apply: writes the plan, leaves the source, and does nothing twice', async t => {
  const before = await source()
  const reply = await ctl('migrate whereabouts --apply')
  t.equal(reply.status, 0, reply.stderr)
  t.match(reply.stdout, '6 objects written\n')
  const pool = (await api.read(`${SPIDER}/spiderippools/whereabouts-10.7.0.16-28`)) as unknown as { spec: object }
  const expected = { subnet: '10.7.0.16/28', ips: ['10.7.0.17-10.7.0.23'], gateway: '10.7.0.30', disable: true }
  t.match(pool.spec, expected)
  t.match(
    (await cluster.addresses()).map(({ metadata, spec }) => [metadata.name, spec.nic, spec.pod.uid]),
    [
      ['10.7.0.17', 'net1', a.uid],
      ['fd07-0000-0000-0000-0000-0000-0000-0005', 'net2', b.uid],
    ],
  )
  const reserved = (await api.items(`${SPIDER}/spiderreservedips`)) as unknown as readonly { spec: { ips: object } }[]
  t.strictSame(
    reserved.map(({ spec }) => spec.ips),
    [['10.7.0.20', '10.9.9.9']],
  )
  t.equal(await source(), before)
  const again = await ctl('migrate whereabouts --apply -o json')
  t.equal(again.status, 0, again.stderr)
  t.strictSame([...new Set((again.json as readonly Row[]).map(({ action }) => action))].sort(), ['skip', 'there'])
})

t.test('an ADD from the migrated pool gives out no address that Whereabouts gave', async t => {
  const path = `${SPIDER}/spiderippools/whereabouts-10.7.0.16-28`
  const pool = await api.read(path)
  const { disable: _, ...spec } = pool['spec'] as { disable: boolean }
  await api.replace(path, { ...pool, spec })
  const given: string[] = []
  for (let n = 0; n < 5; n++) {
    const pod = await cluster.pod(`new-${n}`, poolAnnotation('whereabouts-10.7.0.16-28'))
    given.push(...((await bench.sandbox(pod).add()).ips ?? []).map(({ address }) => address))
  }
  t.strictSame(
    given.sort(),
    ['18', '19', '21', '22', '23'].map(end => `10.7.0.${end}/28`),
  )
  const last = await cluster.pod('last', poolAnnotation('whereabouts-10.7.0.16-28'))
  t.equal((await bench.sandbox(last).add()).code, 11)
})

t.test('migrate whereabouts: a pod of a StatefulSet keeps its address after the migration', async t => {
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' }
  const set = await api.create('statefulsets', {
    ...{ ...owner, metadata: { name: 'db', namespace: 'default' } },
    spec: {
      ...{ replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'db' } } },
      template: {
        metadata: { labels: { app: 'db' } },
        spec: { containers: [{ name: 'c', image: 'registry.example/db:1' }] },
      },
    },
  })
  const metadata = {
    ...{ name: 'db-0', namespace: 'default', annotations: poolAnnotation('whereabouts-10.77.0.0-28') },
    ownerReferences: [{ ...owner, uid: set.metadata.uid ?? '', controller: true }],
  }
  const spec = { nodeName: 'node-1', containers: [{ name: 'c', image: 'registry.example/db:1' }] }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec }
  await api.create('pods', pod)
  const allocations = { 9: { id: 'c9', podref: 'default/db-0', ifname: 'eth0' } }
  await ofWhereabouts('IPPool', '10.77.0.0-28', { range: '10.77.0.0/28', allocations })
  const reply = await ctl('migrate whereabouts --apply')
  t.equal(reply.status, 0, reply.stderr + reply.stdout)
  t.match(await api.read(`${SPIDER}/namespaces/default/spiderendpoints/db-0`), {
    status: {
      ...{ ownerControllerType: 'StatefulSet', ownerControllerName: 'db' },
      current: { ips: [{ interface: 'eth0', ipv4: '10.77.0.9/28', ipv4Pool: 'whereabouts-10.77.0.0-28' }] },
    },
  })
  const path = `${SPIDER}/spiderippools/whereabouts-10.77.0.0-28`
  const pool = await api.read(path)
  const { disable: _, ...open } = pool['spec'] as { disable: boolean }
  await api.replace(path, { ...pool, spec: open })
  await api.remove('/api/v1/namespaces/default/pods/db-0?gracePeriodSeconds=0')
  const { metadata: next } = await api.create('pods', pod)
  const added = await bench.sandbox({ namespace: 'default', name: 'db-0', uid: next.uid ?? '' }).add()
  t.strictSame(
    (added.ips ?? []).map(({ address }) => address),
    ['10.77.0.9/28'],
  )
})

t.test('migrate whereabouts: an address that another pod has is a conflict and status 1', async t => {
  const pool = await api.read(`${WHEREABOUTS}/namespaces/kube-system/ippools/10.7.0.16-28`)
  const other = await cluster.pod('other')
  const { allocations } = pool['spec'] as { allocations: object }
  const more = {
    ...allocations,
    5: { id: 'c6', podref: `default/${other.name}`, ifname: 'net1' },
    x: { id: '', podref: '' },
  }
  await api.replace(`${WHEREABOUTS}/namespaces/kube-system/ippools/10.7.0.16-28`, {
    ...pool,
    spec: { range: '10.7.0.16/28', allocations: more },
  })
  const reply = await ctl('migrate whereabouts --apply')
  t.equal(reply.status, 1)
  t.match(
    reply.stdout,
    /conflict +spideripaddress\/10.7.0.21 +default\/other .*pod default\/new-\d has the SpiderIPAddress/,
  )
  t.match(reply.stderr, 'IPPool kube-system/10.7.0.16-28: spec.allocations has "x", which is no offset in its range')
})

t.test('migrate host-local: pods by their addresses, on each node of a cluster', async t => {
  const data = join(folder, 'networks')
  const confs = join(folder, 'net.d')
  mkdirSync(join(data, 'lan'), { recursive: true })
  mkdirSync(join(data, 'cbr0'))
  mkdirSync(confs)
  const ranges = [[{ subnet: '10.8.0.0/24', rangeStart: '10.8.0.10', rangeEnd: '10.8.0.19' }]]
  writeFileSync(
    join(confs, '10-lan.conflist'),
    JSON.stringify({ name: 'lan', plugins: [{ ipam: { type: 'host-local', ranges } }] }),
  )
  const write = (name: string, content: string): void => writeFileSync(join(data, 'lan', name), content)
  write('10.8.0.11', 'container-1\r\nnet1')
  write('10.8.0.12', 'container-2\r\nnet1')
  write('last_reserved_ip.0', '10.8.0.12')
  write('lock', '')
  writeFileSync(join(data, 'cbr0', '10.244.0.5'), 'container-3\r\neth0')
  const pod: PodRef = await cluster.pod('local', shows('10.8.0.11'))
  const options = `--dir ${data} --conf-dir ${confs}`
  const all = await ctl(`migrate host-local ${options}`)
  t.match(all.stderr, /network cbr0: no conf has its name and ipam.type host-local/)
  t.equal(all.status, 1)
  const reply = await ctl(`migrate host-local ${options} --network lan --apply -o json`)
  t.equal(reply.status, 0, reply.stderr)
  t.strictSame(rowsOf(reply), [
    'create spiderippool/host-local-lan-10.8.0.0-24',
    'create spideripaddress/10.8.0.11 default/local',
    'reserve spiderreservedip/10.8.0.12',
  ])
  const pool = (await api.read(`${SPIDER}/spiderippools/host-local-lan-10.8.0.0-24`)) as unknown as { spec: object }
  t.match(pool.spec, { ips: ['10.8.0.10-10.8.0.19'], gateway: '10.8.0.1', disable: true })
  t.match((await ctl('who 10.8.0.11 -o json')).json, [{ pod: 'local', podUid: pod.uid, nic: 'net1' }])
  t.strictSame(readdirSync(join(data, 'lan')).length, 4)
  t.equal(readFileSync(join(data, 'lan', '10.8.0.11'), 'utf8'), 'container-1\r\nnet1')
  const next = [[{ subnet: '10.8.0.0/24', rangeStart: '10.8.0.20', rangeEnd: '10.8.0.29' }]]
  writeFileSync(
    join(confs, '10-lan.conflist'),
    JSON.stringify({ name: 'lan', ipam: { type: 'host-local', ranges: next } }),
  )
  const second = await ctl(`migrate host-local ${options} --network lan --apply`)
  t.match(second.stdout, /extend +spiderippool\/host-local-lan/)
  t.match((await ctl('pool show host-local-lan-10.8.0.0-24 -o json')).json, { total: 20, used: 1, reserved: 1 })
  t.match(await ctl(`migrate host-local --dir ${folder}/none`), {
    status: 2,
    stderr: /--dir .*none: there is no such folder/,
  })
})

t.test('migrate spiderpool-go: address objects for the records of living pods', async t => {
  await cluster.pool('go', { subnet: '10.6.0.0/24', ips: ['10.6.0.5-10.6.0.9'] })
  const pod = await cluster.pod('goer')
  const path = `${SPIDER}/spiderippools/go`
  const record = (name: string, podUid: string) => ({ pod: `default/${name}`, podUid })
  const records = { '10.6.0.5': record('goer', pod.uid), '10.6.0.6': record('gone', 'no-such-uid') }
  const pool = await api.read(path)
  await api.replace(`${path}/status`, { ...pool, status: { allocatedIPs: JSON.stringify(records) } })
  const reply = await ctl('migrate spiderpool-go --apply -o json')
  t.equal(reply.status, 0, reply.stderr)
  t.strictSame(rowsOf(reply), [
    'create spideripaddress/10.6.0.5 default/goer',
    'skip spideripaddress/10.6.0.6 default/gone',
  ])
  t.match(await cluster.addresses('go'), [{ metadata: { name: '10.6.0.5' }, spec: { pod: { uid: pod.uid } } }])
  t.match((await ctl('migrate spiderpool-go -o json')).json, [{ action: 'there' }, { action: 'skip' }])
})
