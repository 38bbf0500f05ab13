// The commands of spiderpoolctl that change a cluster, as processes against the standalone server.
import t from 'tap'
import { poolAnnotation } from '../../fixtures/cluster.js'
import { runExecutable, type Reply } from '../../fixtures/executable.js'
import { openIpam } from '../../fixtures/ipam.js'

const bench = await openIpam({ standalone: true })
const { cluster, kubeconfig } = bench
t.teardown(() => bench.stop())

const ctl = (line: string): Promise<Reply> =>
  runExecutable({ name: 'spiderpoolctl', args: line.split(' ').filter(Boolean), env: { KUBECONFIG: kubeconfig } })

const SPIDER = '/apis/spiderpool.spidernet.io/v2beta1'
await cluster.pool('web', { subnet: '172.18.0.0/16', ips: ['172.18.30.131-172.18.30.136'] })
const pod = await cluster.pod('web-0', poolAnnotation('web'))
const [address = ''] = ((await bench.sandbox(pod).add()).ips ?? []).map(one => one.address.split('/')[0] ?? '')

t.test('reserve: makes a SpiderReservedIP, names the allocated addresses of it, and does nothing twice', async t => {
  const made = await ctl('reserve 172.18.30.128-172.18.30.134 --name routers')
  t.equal(made.status, 0, made.stderr)
  t.match(made.stdout, 'spiderreservedip/routers created: 172.18.30.128-172.18.30.134\n')
  const isCovered = Number(address.split('.')[3]) <= 134
  t.equal(made.stdout.includes('default/web-0'), isCovered)
  t.equal(/1 address of it already allocated/.test(made.stderr), isCovered)
  const again = await ctl('reserve 172.18.30.129 --name routers -o json')
  t.match(again.json, { name: 'routers', change: 'unchanged' })
  t.match((await ctl('reserve 172.18.30.135 --name routers')).stdout, 'extended')
  const { spec } = (await cluster.api.read(`${SPIDER}/spiderreservedips/routers`)) as unknown as {
    readonly spec: object
  }
  t.strictSame(spec, { ipVersion: 4, ips: ['172.18.30.128-172.18.30.135'] })
  t.match((await ctl('who 172.18.30.135 -o json')).json, [address === '172.18.30.135' ? {} : { state: 'reserved' }])
  const elsewhere = await ctl('reserve fd00::/126')
  t.match(elsewhere.stdout, 'spiderreservedip/spiderpoolctl-ipv6 created: fd00::-fd00::3')
  t.match(elsewhere.stderr, 'no pool has any of these addresses')
})

t.test('reserve: bad ranges and names are one sentence and status 2', async t => {
  for (const [line, words] of [
    ['reserve 172.18.30', /"172.18.30" is neither an IP address nor a range/],
    ['reserve 172.18.30.9-172.18.30.2', /ends before it begins; write/],
    ['reserve fd00::1 --name routers', /it is of IPv4 \(spec.ipVersion\); name another one/],
    ['reserve 172.18.30.1 --name Routers_', /--name "Routers_" is not the name of an object/],
  ] as const) {
    const reply = await ctl(line)
    t.strictSame([reply.status, reply.stdout], [2, ''], line)
    t.match(reply.stderr, words)
    t.equal(reply.stderr.trim().split('\n').length, 1)
  }
})

t.test('gc --dry-run: names what the controller would reclaim with its reason, and deletes nothing', async t => {
  t.match(await ctl('gc'), { status: 2, stdout: '', stderr: /gc needs --dry-run/ })
  const healthy = await ctl('gc --dry-run')
  t.equal(healthy.status, 0, healthy.stderr)
  t.match(healthy.stdout, 'nothing to reclaim among 1 address\n')
  await cluster.pool('gone', { subnet: '172.23.0.0/16', ips: ['172.23.0.5'] })
  const dead = await cluster.pod('dead', poolAnnotation('gone'))
  await bench.sandbox(dead).add()
  await cluster.removePod(dead)
  const before = JSON.stringify(await cluster.addresses())
  const { status, json } = await ctl('gc --dry-run -o json')
  t.equal(status, 1)
  t.match(json, [{ address: '172.23.0.5', reason: 'PodGone', graceSeconds: 1, why: 'the pod is gone', pod: 'dead' }])
  t.equal(JSON.stringify(await cluster.addresses()), before)
})

t.test('gc --dry-run: the grace period is that of the Deployment of the controller', async t => {
  const container = { name: 'c', image: 'i', env: [{ name: 'SPIDERPOOL_GC_ADDITIONAL_GRACE_DELAY', value: '7' }] }
  const labels = { 'app.kubernetes.io/component': 'spiderpool-controller' }
  const metadata = { name: 'spiderpool-controller', namespace: 'kube-system', labels }
  const template = { metadata: { labels }, spec: { containers: [container] } }
  const spec = { selector: { matchLabels: labels }, template }
  await cluster.api.create('deployments', { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec })
  const { json, stderr } = await ctl('gc --dry-run -o json')
  t.match(json, [{ reason: 'PodGone', graceSeconds: 7 }])
  t.notMatch(stderr, 'there is no Deployment')
})

t.test('pool drain: disables the pool, shows who is left, and waits for them', async t => {
  const left = await ctl('pool drain web -o json')
  t.equal(left.status, 1, left.stderr)
  t.match(left.json, { pool: 'web', disabled: true, left: [{ address, pod: 'web-0' }] })
  const next = await cluster.pod('web-1', poolAnnotation('web'))
  t.match((await bench.sandbox(next).add()).msg, /disabled/)
  const late = await ctl('pool drain web --wait --timeout 300ms')
  t.equal(late.status, 1)
  t.match(late.stderr, '1 address of pool web left')
  const waiting = ctl('pool drain web --wait --timeout 20s')
  await cluster.removePod(pod)
  t.equal((await ctl(`release ${address}`)).status, 0)
  t.match(await waiting, { status: 0, stdout: /no address of it is left/ })
  t.match(await ctl('pool drain wbe'), { status: 2, stderr: /did you mean "web"/ })
  t.match(await ctl('pool drain web --timeout soon'), { status: 2, stderr: /--timeout "soon" is not a duration/ })
})

t.test('quarantine lift: shows the evidence, keeps an address of a node, writes an Event', async t => {
  const none = { namespace: '', name: '', uid: '' }
  for (const end of [11, 12])
    await cluster.api.create('spideripaddresses', {
      ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPAddress' },
      metadata: {
        name: `172.18.30.${end}`,
        labels: { 'ipam.spidernet.io/pod-uid': '', 'ipam.spidernet.io/conflict': '0a-1b-00-00-00-01' },
        annotations: { 'ipam.spidernet.io/conflict-since': '2026-12-01T00:00:00.000Z' },
      },
      spec: {
        ...{ address: `172.18.30.${end}/16`, ipVersion: 4, pool: 'web', nic: '', node: 'n1', containerID: '' },
        ...{ pod: none, owner: { apiVersion: '', kind: '', name: '' } },
      },
    })
  const made = await cluster.api.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n9' } })
  const addresses = [{ type: 'InternalIP', address: '172.18.30.12' }]
  await cluster.api.replace('/api/v1/nodes/n9/status', { ...made, status: { addresses } })
  const kept = await ctl('quarantine lift 172.18.30.12')
  t.equal(kept.status, 1)
  t.match(kept.stderr, '172.18.30.12 stays in quarantine: node n9 has it')
  const lifted = await ctl('quarantine lift 172.18.30.11')
  t.equal(lifted.status, 0, lifted.stderr)
  t.match(lifted.stdout, /0a:1b:00:00:00:01\nSeen: +by node n1 since 2026-12-01/)
  t.match((await ctl('quarantine list -o json')).json, [{ address: '172.18.30.12' }])
  t.match(await ctl('quarantine lift 172.18.30.11'), { status: 1, stderr: /is not in quarantine/ })
  t.equal((await ctl('quarantine lift 172.18.30.12 --force')).status, 0)
  const events = (await cluster.api.items('/api/v1/namespaces/default/events')) as unknown as readonly object[]
  t.match(
    events.filter(one => (one as { reason: string }).reason === 'QuarantineLifted'),
    { length: 2 },
  )
})
