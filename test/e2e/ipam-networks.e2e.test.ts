// An interface of a running pod changes its network: hot-unplug, hot-plug, edited NAD, new sandbox.
import t from 'tap'
import { first, openIpam } from '../fixtures/ipam.js'
import { restOf } from '../fixtures/rest.js'
import type { PodRef } from '../fixtures/cluster.js'

const ipam = await openIpam()
const { cluster, name, sandbox, holders, nicsOf } = ipam
t.teardown(() => ipam.stop())

const rest = restOf(ipam.kubeconfig)
t.teardown(() => rest.close())
const headers = { 'content-type': 'application/merge-patch+json' }
async function patch(path: string, body: object): Promise<void> {
  const { status } = await rest.ask('PATCH', path, { body, headers })
  if (status !== 200) throw new Error(`PATCH ${path}: ${status}`)
}

let nets = 0
async function poolOf(text: string, spec: object = {}): Promise<{ readonly pool: string; readonly net: string }> {
  const net = `10.192.${nets++}`
  await cluster.pool(name(text), { subnet: `${net}.0/24`, ips: [`${net}.10-${net}.19`], ...spec })
  return { pool: name(text), net }
}
const on = (net: string): RegExp => new RegExp(`^${net.replaceAll('.', '\\.')}\\.`)
const conf = (...pools: readonly string[]) => ({ default_ipv4_ippool: pools })

async function annotate({ name: pod }: PodRef, annotations: Readonly<Record<string, string | null>>): Promise<void> {
  await patch(`/api/v1/namespaces/default/pods/${pod}`, { metadata: { annotations } })
}

t.test(
  'ADD under a name that had another network gets the new network’s address and gives the old one back',
  async t => {
    const [a, b] = [await poolOf('conf-a'), await poolOf('conf-b')]
    const pod = await cluster.pod(name('conf'))
    const eth0 = first(await sandbox(pod).add('eth0', conf(a.pool)))
    t.match(first(await sandbox(pod).add('net1', conf(a.pool))), on(a.net))
    t.match(first(await sandbox(pod).add('net1', conf(b.pool))), on(b.net))
    t.strictSame([(await holders(a.pool)).length, (await holders(b.pool)).length], [1, 1])
    t.equal(first(await sandbox(pod).add('eth0', conf(a.pool))), eth0, 'the other interface keeps its own')
    t.strictSame(
      (await nicsOf(pod)).map(({ interface: nic }) => nic),
      ['eth0', 'net1'],
    )
  },
)

type Change = (names: {
  readonly a: string
  readonly b: string
  readonly pod: PodRef
  readonly nad: string
}) => Promise<unknown>
const ippool = (pool: string) => ({ 'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: [pool] }) })
const CHANGES: readonly (readonly [of: string, begin: 'annotation' | 'multusName' | 'default', change: Change])[] = [
  ['annotation ippool', 'annotation', ({ b, pod }) => annotate(pod, ippool(b))],
  [
    'the network that multusName asks for',
    'multusName',
    ({ nad, pod }) => annotate(pod, { 'k8s.v1.cni.cncf.io/networks': `default/${nad}-b@net1` }),
  ],
  [
    'the default pool',
    'default',
    async ({ a, b }) => {
      for (const [pool, isDefault] of [
        [a, false],
        [b, true],
      ] as const)
        await patch(`/apis/spiderpool.spidernet.io/v2beta1/spiderippools/${pool}`, { spec: { default: isDefault } })
    },
  ],
]
for (const [of, begin, change] of CHANGES)
  t.test(`ADD after a change of ${of} allocates from the new network`, async t => {
    const nad = name(`nad-${begin.toLowerCase()}`)
    const spec = (which: string): object =>
      begin === 'multusName'
        ? { multusName: [`default/${nad}-${which}`] }
        : { default: begin === 'default' && which === 'a' }
    const [a, b] = [
      await poolOf(`${begin.toLowerCase()}-a`, spec('a')),
      await poolOf(`${begin.toLowerCase()}-b`, spec('b')),
    ]
    const pod = await cluster.pod(name(`change-${begin.toLowerCase()}`), {
      ...(begin === 'annotation' && ippool(a.pool)),
      'k8s.v1.cni.cncf.io/networks': `default/${nad}-a@net1`,
    })
    const own = begin === 'multusName' ? conf(a.pool, b.pool) : {}
    const before = first(await sandbox(pod).add('net1', own))
    t.match(before, on(a.net))
    t.equal(first(await sandbox(pod).add('net1', own)), before, 'nothing changed: it keeps its address')
    await change({ a: a.pool, b: b.pool, pod, nad })
    t.match(first(await sandbox(pod).add('net1', own)), on(b.net))
    t.strictSame(await holders(a.pool), [])
    await annotate(pod, { 'ipam.spidernet.io/ippool': null })
    await patch(`/apis/spiderpool.spidernet.io/v2beta1/spiderippools/${b.pool}`, { spec: { default: false } })
  })

t.test('ADD fails where the new network has no address, and the pod keeps the old one', async t => {
  const [a, b] = [await poolOf('full-a'), await poolOf('full-b', { ips: [] })]
  const pod = await cluster.pod(name('full'))
  const before = first(await sandbox(pod).add('net1', conf(a.pool)))
  t.match(await sandbox(pod).add('net1', conf(b.pool)), { code: 11 })
  t.equal(first(await sandbox(pod).add('net1', conf(a.pool))), before)
})

t.test('ADD keeps the addresses of a running pod where no pool is named any more', async t => {
  const a = await poolOf('none-a')
  const pod = await cluster.pod(name('none'))
  const before = first(await sandbox(pod).add('net1', conf(a.pool)))
  t.equal(first(await sandbox(pod).add('net1')), before)
})

const UNPLUGS: readonly (readonly [of: string, networks: string | null, status: boolean, frees: boolean])[] = [
  ['an annotation that names another', 'default/x@net2', false, true],
  ['no annotation, and Multus’ status', null, true, true],
  ['an annotation that names it', 'default/x@net1', false, false],
  ['an annotation that is no list', '[{', false, false],
  ['nothing of Multus', null, false, false],
]
for (const [of, networks, hasStatus, frees] of UNPLUGS)
  t.test(`DEL of net1 of a running pod with ${of} ${frees ? 'releases its address' : 'keeps it'}`, async t => {
    const { pool } = await poolOf(`unplug-${UNPLUGS.findIndex(([one]) => one === of)}`)
    const pod = await cluster.pod(name(`unplug-${nets}`), { 'k8s.v1.cni.cncf.io/networks': 'default/x@net1' })
    const box = sandbox(pod)
    const eth0 = first(await box.add('eth0', conf(pool)))
    await box.add('net1', conf(pool))
    await annotate(pod, {
      'k8s.v1.cni.cncf.io/networks': networks,
      ...(hasStatus && { 'k8s.v1.cni.cncf.io/network-status': '[]' }),
    })
    t.equal((await box.del('net1')).status, 0)
    t.equal((await holders(pool)).length, frees ? 1 : 2)
    t.strictSame(
      (await nicsOf(pod)).map(({ interface: nic }) => nic),
      frees ? ['eth0'] : ['eth0', 'net1'],
    )
    t.equal(first(await box.add('eth0', conf(pool))), eth0)
    await box.del('eth0')
    t.ok(
      (await holders(pool)).some(holder => holder.includes(' eth0')),
      'eth0 is kept in any case',
    )
  })
