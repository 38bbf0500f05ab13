// Retention of StatefulSets and virtual machines, and pools created for an application.
import t from 'tap'
import type { PodRef } from '../fixtures/cluster.js'
import { SPIDER } from '../fixtures/cluster.js'
import { first, openIpam } from '../fixtures/ipam.js'

const ipam = await openIpam()
const { cluster, name, sandbox, holders, nicsOf } = ipam
t.teardown(() => ipam.stop())

const KEY = 'ipam.spidernet.io'
let subnets = 0
async function pool(
  text: string,
  size: number,
  spec: object = {},
  labels: object = {},
): Promise<{ readonly name: string; readonly net: string }> {
  const net = `10.220.${subnets++}`
  const full = name(text)
  await cluster.api.create('spiderippools', {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: full, labels },
    spec: { subnet: `${net}.0/24`, ips: [`${net}.10-${net}.${9 + size}`], ...spec },
  })
  return { name: full, net }
}
const ippool = (...ipv4: readonly string[]) => ({ [`${KEY}/ippool`]: JSON.stringify({ ipv4 }) })

interface Set {
  readonly name: string
  pod(ordinal: number, annotations: Readonly<Record<string, string>>): Promise<PodRef>
  scale(replicas: number): Promise<void>
}

async function statefulSet(text: string, replicas: number): Promise<Set> {
  const full = name(text)
  const object = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: full, namespace: 'default' },
    spec: {
      replicas,
      serviceName: full,
      selector: { matchLabels: { app: full } },
      template: { metadata: { labels: { app: full } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  }
  const made = await cluster.api.create('statefulsets', object)
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: full, uid: made.metadata.uid ?? '' }
  return {
    name: full,
    pod: (ordinal, annotations) => cluster.pod(`${full}-${ordinal}`, annotations, { owner }),
    async scale(count) {
      const path = `/apis/apps/v1/namespaces/default/statefulsets/${full}`
      const now = await cluster.api.read(path)
      await cluster.api.replace(path, { ...now, spec: { ...object.spec, replicas: count } })
    },
  }
}

const uids = async (of: string): Promise<readonly string[]> =>
  (await cluster.addresses(of)).map(({ spec }) => spec.pod.uid)

t.test('ADD of a StatefulSet pod keeps its address over deletion until the set is scaled down', async t => {
  const one = await pool('keeps', 5)
  const set = await statefulSet('keeps', 1)
  const before = await set.pod(0, ippool(one.name))
  const box = sandbox(before)
  const address = first(await box.add())
  await cluster.removePod(before)
  await box.del()
  t.equal((await holders(one.name)).length, 1, 'DEL keeps it')
  const after = await set.pod(0, ippool(one.name))
  const next = sandbox(after)
  t.equal(first(await next.add()), address, 'the successor has it')
  t.strictSame(await uids(one.name), [after.uid])
  await box.del()
  t.strictSame(await uids(one.name), [after.uid], 'a late DEL of the first takes nothing')
  await set.scale(0)
  await cluster.removePod(after)
  await next.del()
  t.strictSame(await holders(one.name), [])
  await t.rejects(nicsOf(after), /404/, 'and the record is gone')
})

t.test('ADD does not claim a missing address object again where the address is reserved', async t => {
  const one = await pool('reserved', 3)
  const set = await statefulSet('reserved', 1)
  const next = async (before?: PodRef): Promise<readonly [PodRef, string]> => {
    if (before) await cluster.removePod(before)
    const pod = await set.pod(0, ippool(one.name))
    return [pod, first(await sandbox(pod).add())]
  }
  const [before, address] = await next()
  await cluster.api.create('spiderreservedips', {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderReservedIP',
    metadata: { name: name('reserved') },
    spec: { ips: [address.replace(/\/.*/, '')] },
  })
  const [between, same] = await next(before)
  t.equal(same, address, 'it is held, and was so before')
  const [object] = await cluster.addresses(one.name)
  await cluster.api.remove(`${SPIDER}/spideripaddresses/${object?.metadata.name}`)
  const [after, other] = await next(between)
  t.not(other, address, 'a router has it by now')
  t.strictSame(await uids(one.name), [after.uid])
})

t.test('ADD claims a missing address object again, unless another pod has it', async t => {
  const one = await pool('missing', 3)
  const set = await statefulSet('missing', 2)
  const before = await set.pod(0, ippool(one.name))
  const address = first(await sandbox(before).add())
  const lose = async (): Promise<void> => {
    const [object] = await cluster.addresses(one.name)
    await cluster.api.remove(`${SPIDER}/spideripaddresses/${object?.metadata.name}`)
  }
  await lose() // as a wrong reclaim does: the record still names it
  await cluster.removePod(before)
  const after = await set.pod(0, ippool(one.name))
  t.equal(first(await sandbox(after).add()), address)
  t.strictSame(await uids(one.name), [after.uid], 'it is held again')

  await lose()
  await cluster.removePod(after)
  await cluster.api.create('spideripaddresses', {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPAddress',
    metadata: {
      name: address.replace(/\/.*/, ''),
      labels: { [`${KEY}/ippool-uid`]: 'x', [`${KEY}/pod-uid`]: 'thief' },
    },
    spec: {
      address,
      ipVersion: 4,
      pool: one.name,
      nic: 'eth0',
      node: 'n2',
      containerID: 'c',
      pod: { namespace: 'default', name: 'thief', uid: 'thief' },
      owner: { apiVersion: 'v1', kind: 'Pod', name: 'thief' },
    },
  })
  const third = await set.pod(0, ippool(one.name))
  const other = first(await sandbox(third).add())
  t.match(other, /^10\.220\./)
  t.not(other, address, 'another one is given')
})

t.test('ADD after a change of the pool of one interface allocates a new address only for that interface', async t => {
  const [a, b, c] = [await pool('change-a', 3), await pool('change-b', 3), await pool('change-c', 3)]
  const set = await statefulSet('change', 1)
  const items = (eth0: string, net1: string) => ({
    [`${KEY}/ippools`]: JSON.stringify([
      { interface: 'eth0', ipv4: [eth0] },
      { interface: 'net1', ipv4: [net1] },
    ]),
  })
  const before = await set.pod(0, items(a.name, b.name))
  const box = sandbox(before)
  await box.add('eth0')
  const net1 = first(await box.add('net1'))
  await cluster.removePod(before)
  await box.del('eth0')
  const after = await set.pod(0, items(c.name, b.name)) // only eth0's pool is another one
  const next = sandbox(after)
  t.match(first(await next.add('eth0')), new RegExp(`^${c.net}\\.`))
  t.equal(first(await next.add('net1')), net1)
  t.strictSame(await holders(a.name), [], 'the old one is free')
  t.same(new Set((await nicsOf(after)).map(nic => nic.interface)), new Set(['eth0', 'net1']))
})

t.test('ADD with enableStatefulSet off treats a StatefulSet pod as any pod', async t => {
  const one = await pool('off', 5)
  const set = await statefulSet('off', 1)
  const pod = await set.pod(0, ippool(one.name))
  const box = sandbox(pod)
  await box.add('eth0', { enableStatefulSet: false })
  await cluster.removePod(pod)
  await box.del()
  t.equal((await holders(one.name)).length, 1, 'DEL, which has no such switch in its conf, follows the record')
})

t.test('ADD waits for the pool of its application, and no other application uses it', async t => {
  const set = await statefulSet('auto', 1)
  const pod = await set.pod(0, { [`${KEY}/subnet`]: '{"ipv4":["lan"]}' })
  const [owner] = ((await cluster.api.read(`/api/v1/namespaces/default/pods/${pod.name}`)).metadata[
    'ownerReferences'
  ] ?? []) as { uid: string }[]
  const waiting = sandbox(pod).add()
  await new Promise(resolve => setTimeout(resolve, 700)) // long enough to be waiting; right as well where it is not
  const labels = {
    [`${KEY}/owner-spider-subnet`]: 'lan',
    [`${KEY}/owner-application-gv`]: 'apps_v1',
    [`${KEY}/owner-application-kind`]: 'StatefulSet',
    [`${KEY}/owner-application-namespace`]: 'default',
    [`${KEY}/owner-application-name`]: set.name,
    [`${KEY}/owner-application-uid`]: owner?.uid,
    [`${KEY}/interface`]: 'eth0',
    [`${KEY}/ip-version`]: 'IPv4',
  }
  const app = `${KEY}/app`
  const matchLabels = {
    [`${app}-api-group`]: 'apps',
    [`${app}-api-version`]: 'v1',
    [`${app}-kind`]: 'StatefulSet',
    [`${app}-namespace`]: 'default',
    [`${app}-name`]: set.name,
  }
  const made = await pool('auto', 2, { podAffinity: { matchLabels } }, labels)
  t.match(first(await waiting), new RegExp(`^${made.net}\\.`))
  const stranger = await sandbox(await cluster.pod(name('stranger'), ippool(made.name))).add()
  t.match([stranger.code, stranger.msg], [104, /was made for another application/])
})
