// spiderpool-ipam against a real API server: which pod gets which address, and keeps it.
import { mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { SPIDER } from '../fixtures/cluster.js'
import { first, openIpam } from '../fixtures/ipam.js'

const ipam = await openIpam()
const { cluster, name, sandbox, holders, nicsOf } = ipam
t.teardown(() => ipam.stop())

const KEY = 'ipam.spidernet.io'
const ippool = (ipv4: readonly string[], ipv6: readonly string[] = []) => ({
  [`${KEY}/ippool`]: JSON.stringify({ ipv4, ipv6 }),
})
const ippools = (items: readonly object[]) => ({ [`${KEY}/ippools`]: JSON.stringify(items) })

let subnets = 0
/** A pool with its own subnet and addresses from .10. */
async function pool(
  text: string,
  size: number,
  spec: object = {},
): Promise<{ readonly name: string; readonly net: string }> {
  const net = `10.${200 + Math.floor(subnets / 250)}.${subnets++ % 250}`
  const full = name(text)
  await cluster.pool(full, {
    subnet: `${net}.0/24`,
    ips: [`${net}.10-${net}.${9 + size}`],
    gateway: `${net}.1`,
    ...spec,
  })
  return { name: full, net }
}

const eventsOf = async (pod: string): Promise<readonly string[]> => {
  const items = await cluster.api.items('/api/v1/namespaces/default/events')
  return (items as unknown as readonly { involvedObject: { name: string }; message: string }[])
    .filter(({ involvedObject }) => involvedObject.name === pod)
    .map(({ message }) => message)
}

t.test('ADD with ippools allocates for every interface, and returns those of its own', async t => {
  const [a, b] = [await pool('named-a', 5), await pool('named-b', 5)]
  const pod = await cluster.pod(
    name('named'),
    ippools([
      { interface: 'eth0', ipv4: [a.name] },
      { interface: 'net1', ipv4: [b.name], cleanGateway: true },
    ]),
  )
  const box = sandbox(pod)
  const eth0 = await box.add('eth0')
  t.match(first(eth0), new RegExp(`^${a.net}\\.`))
  t.strictSame(eth0.routes, [{ dst: '0.0.0.0/0', gw: `${a.net}.1` }])
  t.equal((await holders(b.name)).length, 1, 'net1 has its address already')
  const net1 = await box.add('net1')
  t.match(first(net1), new RegExp(`^${b.net}\\.`))
  t.strictSame(net1.routes ?? [], [], 'cleangateway leaves the default route out')
  t.equal((await holders(b.name)).length, 1, 'and takes no other')
  t.strictSame(
    (await nicsOf(pod)).map(nic => nic.interface),
    ['eth0', 'net1'],
  )
  await cluster.removePod(pod)
  await box.del('net1')
  t.strictSame([await holders(a.name), await holders(b.name)], [[], []], 'the first DEL gives all back')
})

t.test('ADD with ippools without names assigns the items in order, each once', async t => {
  const [a, b] = [await pool('place-a', 5), await pool('place-b', 5)]
  const pod = await cluster.pod(name('place'), ippools([{ ipv4: [a.name] }, { ipv4: [b.name] }]))
  const box = sandbox(pod)
  t.match(first(await box.add('eth0')), new RegExp(`^${a.net}\\.`))
  t.strictSame(
    (await nicsOf(pod)).map(nic => nic.interface),
    ['eth0', ''],
  )
  const second = await box.add('net1')
  t.match(first(second), new RegExp(`^${b.net}\\.`))
  t.equal(first(await box.add('net1')), first(second), 'asked again, the same')
  t.strictSame(
    (await nicsOf(pod)).map(nic => nic.interface),
    ['eth0', 'net1'],
  )
  t.match(await holders(b.name), [/ net1$/])
  const third = await box.add('net2')
  t.match([third.code, third.msg], [105, /no Interface net2 IP allocation found/])
  const again = sandbox(pod)
  t.equal(first(await again.add('net1')), first(second), 'a new sandbox keeps it')
})

t.test('ADDs of two interfaces of one pod on one pool allocate two addresses', async t => {
  const { name: one } = await pool('twice', 5)
  const pod = await cluster.pod(name('twice'), ippool([one]))
  const box = sandbox(pod)
  const [eth0, net1] = [await box.add('eth0'), await box.add('net1')]
  t.not(first(eth0), first(net1))
  t.equal((await holders(one)).length, 2)
  const both = await cluster.pod(
    name('twice-at-once'),
    ippools([
      { interface: 'eth0', ipv4: [one] },
      { interface: 'net1', ipv4: [one] },
    ]),
  )
  await sandbox(both).add('eth0')
  t.equal((await holders(one)).length, 4)
})

t.test('ADD allocates an address of every family of its pools', async t => {
  const v4 = await pool('dual-4', 5)
  const v6 = name('dual-6')
  await cluster.pool(v6, { subnet: 'fd00:77::/64', ips: ['fd00:77::10-fd00:77::20'], gateway: 'fd00:77::1' })
  const dual = await sandbox(await cluster.pod(name('dual'), ippool([v4.name], [v6]))).add()
  t.match(dual.ips, [{ address: new RegExp(`^${v4.net}`) }, { address: /^fd00:77::.*\/64$/, gateway: 'fd00:77::1' }])
  const six = await sandbox(await cluster.pod(name('six'), ippool([], [v6]))).add()
  t.match(six.ips, [{ address: /^fd00:77::/ }])
  t.equal(six.ips?.length, 1)
})

t.test('ADD uses patterns, Namespace, conf and default pools in that order', async t => {
  const [annotated, ofNamespace, ofConf] = [
    await pool('level-a', 5),
    await pool('level-n', 5),
    await pool('level-c', 5),
  ]
  const namespace = name('team')
  await cluster.api.create('namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, annotations: { [`${KEY}/default-ipv4-ippool`]: `["${ofNamespace.name}"]` } },
  })
  const conf = { default_ipv4_ippool: [ofConf.name] }
  const own = await cluster.pod(name('own'), ippool([`${name('level').replace(/-\d+$/, '')}-[a]-*`]), { namespace })
  t.match(first(await sandbox(own).add('eth0', conf)), new RegExp(`^${annotated.net}\\.`))
  const plain = await cluster.pod(name('plain'), {}, { namespace })
  t.match(first(await sandbox(plain).add('eth0', conf)), new RegExp(`^${ofNamespace.net}\\.`))
  const elsewhere = await cluster.pod(name('elsewhere'))
  t.match(first(await sandbox(elsewhere).add('eth0', conf)), new RegExp(`^${ofConf.net}\\.`))
})

t.test('ADD tries pools in the order of the list', async t => {
  const [z, a] = [await pool('order-z', 1), await pool('order-a', 1)]
  const annotations = ippool([z.name, a.name])
  t.match(first(await sandbox(await cluster.pod(name('order-1'), annotations)).add()), new RegExp(`^${z.net}\\.`))
  t.match(first(await sandbox(await cluster.pod(name('order-2'), annotations)).add()), new RegExp(`^${a.net}\\.`))
  const third = await cluster.pod(name('order-3'), annotations, {
    owner: { apiVersion: 'example.com/v1', kind: 'Robot', name: 'r', uid: 'u' },
  })
  const full = await sandbox(third).add()
  t.equal(full.code, 11, 'the runtime is asked to come again')
  t.match(
    full.msg,
    new RegExp(
      `all IP addresses used out in pool ${z.name} \\(1 in all, 1 taken, 0 reserved; most by Pod default/${name('order-1')}, 1\\)`,
    ),
  )
  t.match(
    await eventsOf(third.name),
    [/^spiderpool IP allocation error: all IP addresses used out/],
    'and the pod says why',
  )
})

t.test('ADD allocates no reserved address', async t => {
  const { name: one, net } = await pool('reserved', 3)
  await cluster.api.create('spiderreservedips', {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderReservedIP',
    metadata: { name: name('reserved') },
    spec: { ips: [`${net}.10-${net}.11`] },
  })
  t.equal(first(await sandbox(await cluster.pod(name('reserved-1'), ippool([one]))).add()), `${net}.12/24`)
  const full = await sandbox(await cluster.pod(name('reserved-2'), ippool([one]))).add()
  t.match(full.msg, /3 in all, 1 taken, 2 reserved/)
})

t.test('DEL of a running pod keeps its record and addresses for the next sandbox', async t => {
  const { name: one } = await pool('lives', 5)
  const pod = await cluster.pod(name('lives'), ippool([one]))
  const box = sandbox(pod)
  const address = first(await box.add())
  t.equal((await box.del()).status, 0)
  t.match(await nicsOf(pod), [{ interface: 'eth0', ipv4: address }])
  t.equal((await holders(one)).length, 1)
  t.equal(first(await sandbox(pod).add()), address)
})

t.test('ADD of a new pod of the same name releases the addresses of the pod before', async t => {
  const { name: one } = await pool('same', 1)
  const before = await cluster.pod(name('same'), ippool([one]))
  const address = first(await sandbox(before).add())
  await cluster.removePod(before) // its DEL never comes
  const after = await cluster.pod(name('same'), ippool([one]))
  t.equal(first(await sandbox(after).add()), address)
  t.strictSame(
    (await cluster.addresses(one)).map(({ spec }) => spec.pod.uid),
    [after.uid],
  )
})

t.test('STATUS fails where ADD would, CHECK reports what differs', async t => {
  t.strictSame(await ipam.run('STATUS'), {})
  t.match(await ipam.run('STATUS', { default_ipv4_ippool: ['nowhere'] }), {
    code: 50,
    msg: /"nowhere", which does not exist/,
  })
  const { name: one } = await pool('check', 2)
  const pod = await cluster.pod(name('check'), ippool([one]))
  const box = sandbox(pod)
  const { ips } = await box.add()
  const prevResult = { cniVersion: '1.1.0', ips }
  t.match(await box.check('eth0', prevResult), { code: 110, msg: /interface eth0 is not in / })
  ipam.inNetns('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'other')
  t.match(await box.check('eth0', prevResult), {
    code: 110,
    msg: /interface eth0 has not 10\.\S+\/24, which prevResult/,
  })
  ipam.inNetns('ip', 'address', 'add', ips?.[0]?.address ?? '', 'dev', 'eth0')
  t.strictSame(await box.check('eth0', prevResult), {})
  t.match(await box.check('eth0', { ...prevResult, ips: [] }), { code: 110, msg: /is not in prevResult/ })
  const [object] = await cluster.addresses(one)
  await cluster.api.remove(`${SPIDER}/spideripaddresses/${object?.metadata.name}`)
  t.match(await box.check('eth0', prevResult), { code: 110, msg: /is no longer held/ })
})

t.test('GC marks what a killed ADD left, and releases nothing', async t => {
  const { name: one } = await pool('gc', 2)
  const box = sandbox(await cluster.pod(name('gc'), ippool([one])))
  await box.add()
  const [object] = await cluster.addresses(one)
  const address = object?.metadata.name ?? ''
  // As left by a kill between creating the object and writing the record.
  const folder = '/run/spidernet/spiderpool-ipam'
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/net:${box.containerID}:eth0`, `${address}\n`)
  const marked = async (): Promise<unknown> => {
    const { metadata } = await cluster.api.read(`${SPIDER}/spideripaddresses/${address}`)
    return (metadata['annotations'] as Record<string, string> | undefined)?.[`${KEY}/unattached-since`]
  }
  const attached = [{ containerID: box.containerID, ifname: 'eth0' }]
  t.strictSame(await ipam.run('GC', {}, { 'cni.dev/valid-attachments': attached }), {})
  t.equal(await marked(), undefined, 'what is attached is not marked')
  t.strictSame(await ipam.run('GC', {}, { 'cni.dev/valid-attachments': [] }), {})
  t.match(await marked(), /^20\d\d-/)
  t.match(first(await box.add()), new RegExp(`^${address}/`), 'it is used again')
  await box.del()
})
