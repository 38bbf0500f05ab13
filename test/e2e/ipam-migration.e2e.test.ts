// Migration from the Go system, back and forward again: no address allocated twice.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { eventually, startController, type ControllerFixture } from '../fixtures/controller.js'
import { openGo } from '../fixtures/go-allocator.js'
import { ADDRESSES, POOLS } from '../fixtures/seed-allocations.js'
import { first, openIpam, type Answer } from '../fixtures/ipam.js'
import { restOf, type Body } from '../fixtures/rest.js'
import type { PodRef } from '../fixtures/cluster.js'

const ipam = await openIpam()
const { cluster, name, sandbox } = ipam
const rest = restOf(ipam.kubeconfig)
const go = openGo(rest, () => Math.random() * 10)
const folder = mkdtempSync(`${tmpdir()}/migration-`)
t.teardown(async () => {
  rest.close()
  rmSync(folder, { recursive: true })
  await ipam.stop()
})

const ippool = (pool: string) => ({ 'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: [pool] }) })
const later = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const bare = (address: string | undefined): string => (address ?? '').replace(/\/.*$/, '')

/** An existing controller: pods without one are garbage collected. */
async function ownerOf(kind: 'StatefulSet' | 'DaemonSet', ownerName: string) {
  const labels = { a: 'b' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const spec = {
    selector: { matchLabels: labels },
    template,
    ...(kind === 'StatefulSet' && { replicas: 1, serviceName: 's' }),
  }
  const path = `/apis/apps/v1/namespaces/default/${kind.toLowerCase()}s`
  const { body } = await rest.ask('POST', path, { body: { metadata: { name: ownerName }, spec } })
  const { uid } = body['metadata'] as unknown as { readonly uid: string }
  return { apiVersion: 'apps/v1', kind, name: ownerName, uid }
}

let nets = 0
async function poolOf(text: string, size: number): Promise<{ readonly pool: string; readonly net: string }> {
  const net = `10.190.${nets++}`
  await cluster.pool(name(text), { subnet: `${net}.0/24`, ips: [`${net}.10-${net}.${9 + size}`] })
  return { pool: name(text), net }
}

/** A pod with an address from a Go agent. */
async function goPod(
  pool: string,
  text: string,
  isRecorded = true,
): Promise<{ readonly pod: PodRef; readonly ip: string; readonly address: string }> {
  const pod = await cluster.pod(name(text), ippool(pool))
  const address = (await go.allocate(pool, pod)) ?? ''
  if (isRecorded) await go.record(pool, pod, address)
  return { pod, ip: bare(address), address }
}

const statusOf = async (pool: string): Promise<Body> =>
  (await rest.ask('GET', `${POOLS}/${pool}`)).body['status'] as Body
/** Retries on conflict with the controller's count of the pool. */
async function setAllocated(pool: string, allocatedIPs: string): Promise<void> {
  const isDone = await eventually(async () => {
    const { body } = await rest.ask('GET', `${POOLS}/${pool}`)
    const { status } = await rest.ask('PUT', `${POOLS}/${pool}/status`, { body: { ...body, status: { allocatedIPs } } })
    return status === 200 ? true : undefined
  })
  if (!isDone) throw new Error(`status of ${pool} could not be written`)
}

const holderOf = async (ip: string): Promise<unknown> =>
  ((await rest.ask('GET', `${ADDRESSES}/${ip}`)).body['spec'] as Body | undefined)?.['pod']?.['name']

t.test('ADD counts an address of status.allocatedIPs as taken before any controller has adopted it', async t => {
  const { pool, net } = await poolOf('tiny', 4)
  const [a, b] = [await goPod(pool, 'tiny-go-a'), await goPod(pool, 'tiny-go-b')]
  t.strictSame([a.ip, b.ip], [`${net}.10`, `${net}.11`])
  const answers: Answer[] = []
  for (const text of ['tiny-1', 'tiny-2', 'tiny-3'])
    answers.push(await sandbox(await cluster.pod(name(text), ippool(pool))).add())
  t.strictSame(
    answers
      .slice(0, 2)
      .map(answer => bare(first(answer)))
      .sort(),
    [`${net}.12`, `${net}.13`],
  )
  t.match(answers[2], {
    code: 11,
    msg: /all IP addresses used out in pool .* \(4 in all, 4 taken, 0 reserved.*; 4 by Go records in status\.allocatedIPs\)/,
  })
  t.strictSame(
    Object.keys(await go.records(pool)),
    [10, 11, 12, 13].map(last => `${net}.${last}`),
    'and Go sees ours',
  )
  t.equal(await go.allocate(pool, { name: 'late', uid: 'late' }), undefined)
})

t.test('ADD of a pod with an address from Go keeps it, fully or partly recorded', async t => {
  const { pool } = await poolOf('own', 6)
  const whole = await goPod(pool, 'own-whole')
  t.equal(first(await sandbox(whole.pod).add()), whole.address)
  t.equal(await holderOf(whole.ip), whole.pod.name)
  const half = await goPod(pool, 'own-half', false)
  t.equal(first(await sandbox(half.pod).add()), half.address, 'a Go ADD that died before its SpiderEndpoint')
  t.not(first(await sandbox(whole.pod).add('net1')), whole.address, 'another interface gets another')
})

t.test('ADD of another interface keeps the address that Go allocated for the first one', async t => {
  const { pool } = await poolOf('nics', 6)
  const { pod, address, ip } = await goPod(pool, 'nics')
  t.not(first(await sandbox(pod).add('net1')), address)
  t.equal(await holderOf(ip), undefined)
  t.equal(first(await sandbox(pod).add('eth0')), address)
})

t.test('ADD of a StatefulSet pod keeps the address of a Go record under an earlier UID', async t => {
  for (const isRecorded of [true, false]) {
    const { pool } = await poolOf(`set-${isRecorded}`, 5)
    const owner = await ownerOf('StatefulSet', name(`set-${isRecorded}`))
    const podName = `${owner.name}-0`
    const made = () => cluster.pod(podName, ippool(pool), { owner })
    const before = await made()
    const address = (await go.allocate(pool, before)) ?? ''
    if (isRecorded) await go.record(pool, { ...before, owner }, address)
    await cluster.removePod(before)
    const after = await made()
    t.equal(first(await sandbox(after).add()), address, isRecorded ? 'recorded' : 'its SpiderEndpoint lost')
    t.equal((await go.records(pool))[bare(address)]?.podUid, after.uid, 'and Go reads the UID of today')
  }
})

t.test('ADDs beside Go agents on one pool allocate no address twice', async t => {
  const { pool } = await poolOf('prepend', 30)
  await goPod(pool, 'beside-first')
  const ours = Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const box = sandbox(await cluster.pod(name(`beside-${at}`), ippool(pool)))
      return bare(first(await box.add()))
    }),
  )
  const theirs = Promise.all(
    Array.from({ length: 12 }, async (_, at) => bare(await go.allocate(pool, { name: `g${at}`, uid: `g${at}` }))),
  )
  const given = [...(await ours), ...(await theirs)].filter(ip => ip !== '')
  t.equal(new Set(given).size, given.length, given.join())
  t.ok(given.length > 12)
  const records = await go.records(pool)
  t.strictSame(
    given.filter(ip => !records[ip]),
    [],
  )
})

const agents = `/apis/apps/v1/namespaces/default/daemonsets/spiderpool-agent`
/** A pool without a record, as Go's controller leaves it: counted, and without our mark. */
async function unmarked(text: string, size: number): Promise<string> {
  const { pool } = await poolOf(text, size)
  const isDone = await eventually(async () => {
    const { body } = await rest.ask('GET', `${POOLS}/${pool}`)
    const status = { totalIPCount: size, allocatedIPCount: 0 }
    const answer = await rest.ask('PUT', `${POOLS}/${pool}/status`, { body: { ...body, status } })
    return answer.status === 200 ? true : undefined
  })
  if (!isDone) throw new Error(`status of ${pool} could not be written`)
  return pool
}

t.test(
  'ADDs beside Go agents in a pool without records, while no controller of ours leads: no address twice',
  async t => {
    await ownerOf('DaemonSet', 'spiderpool-agent') // else the standalone server counts the pool as ours
    t.teardown(() => rest.ask('DELETE', agents))
    const oursIn = async (pool: string, text: string): Promise<string> =>
      bare(first(await sandbox(await cluster.pod(name(text), ippool(pool))).add()))
    const theirsIn = async (pool: string, text: string): Promise<string> =>
      bare(await go.allocate(pool, { name: text, uid: text }))
    const one = await unmarked('bare-one', 2)
    const given = [await oursIn(one, 'bare-one'), await theirsIn(one, 'g-one'), await theirsIn(one, 'g-two')]
    t.equal(new Set(given).size, 3, `ours first, then Go takes all that is left: ${given.join()}`)
    t.strictSame(given[2], '', 'and finds it full')

    const pool = await unmarked('bare-many', 24)
    const both = await Promise.all(
      Array.from({ length: 8 }, (_, at) => [oursIn(pool, `bare-${at}`), theirsIn(pool, `g-bare-${at}`)]).flat(),
    )
    const all = both.filter(ip => ip !== '')
    t.equal(new Set(all).size, all.length, all.join())
    t.ok(all.length > 8)
    const records = await go.records(pool)
    t.strictSame(
      all.filter(ip => !records[ip]),
      [],
    )
  },
)

t.test('ADD in a pool that no controller has seen: the record of an earlier pod of ours blocks no address', async t => {
  await ownerOf('DaemonSet', 'spiderpool-agent')
  t.teardown(() => rest.ask('DELETE', agents))
  const pool = await unmarked('bare-again', 1)
  for (const text of ['bare-before', 'bare-after']) {
    const box = sandbox(await cluster.pod(name(text), ippool(pool)))
    const address = first(await box.add())
    t.ok(address, text)
    t.equal((await go.records(pool))[bare(address)]?.pod, `default/${box.pod.name}`)
    await cluster.removePod(box.pod)
    t.equal((await box.del()).status, 0)
    t.strictSame(await go.records(pool), {}, 'its DEL deletes the record, so a Go agent may take the address')
  }
})

t.test('the controller marks a pool that no Go agent uses, and removes the text that ADDs wrote before', async t => {
  await ownerOf('DaemonSet', 'spiderpool-agent')
  const pool = await unmarked('bare-led', 4)
  const ours = bare(first(await sandbox(await cluster.pod(name('bare-led'), ippool(pool))).add()))
  t.match(await statusOf(pool), { allocatedIPs: /bare-led/, allocatedIPsProjected: false })
  await rest.ask('DELETE', agents)
  const controller = await controllerWith('bare', 'projectAllocatedIPs: false\n')
  t.teardown(() => controller.end('SIGTERM'))
  await eventually(async () => ((await statusOf(pool))['allocatedIPs'] === undefined ? true : undefined), 20_000)
  t.match(await statusOf(pool), { allocatedIPs: undefined, allocatedIPsProjected: false, allocatedIPCount: 1 })
  t.equal(await holderOf(ours), name('bare-led'))
  const later = bare(first(await sandbox(await cluster.pod(name('bare-later'), ippool(pool))).add()))
  t.ok(later)
  t.equal((await statusOf(pool))['allocatedIPs'], undefined, 'an ADD of a pool with the mark writes no text')
})

t.test('DEL of a pod of Go removes its record from status.allocatedIPs', async t => {
  const { pool } = await poolOf('del', 1)
  const { pod } = await goPod(pool, 'del-go')
  await cluster.removePod(pod)
  t.equal((await sandbox(pod).del()).status, 0)
  t.strictSame(await go.records(pool), {})
  t.ok(first(await sandbox(await cluster.pod(name('del-next'), ippool(pool))).add()))
})

t.test('ADD allocates nothing from a pool whose status.allocatedIPs is not JSON', async t => {
  const { pool } = await poolOf('broken', 4)
  await setAllocated(pool, '{"10.')
  t.match(await sandbox(await cluster.pod(name('broken'), ippool(pool))).add(), { code: 11 })
})

const CONTROLLER = { SPIDERPOOL_GC_UNRECORDED_GRACE: '1', SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION: '2' }

async function controllerWith(text: string, conf?: string): Promise<ControllerFixture> {
  const file = `${folder}/${text}.yml`
  const common = 'enableIPv4: true\nenableIPv6: true\nenableStatefulSet: true\n'
  writeFileSync(file, `${common}${conf ?? ''}`)
  const controller = await startController(ipam.kubeconfig, {
    name: text,
    env: CONTROLLER,
    args: ['daemon', '--config-path', file],
  })
  await controller.said('started leading', 30_000)
  return controller
}

t.test('controller: pools with a Go agent, after it, and after the migration is declared complete', async t => {
  const [{ pool }, empty] = [await poolOf('life', 8), await poolOf('life-empty', 8)]
  const { ip, pod } = await goPod(pool, 'life-go')
  const gone = await goPod(pool, 'life-gone')
  await cluster.removePod(gone.pod)
  const agent = await cluster.pod(
    name('agent'),
    {},
    {
      owner: await ownerOf('DaemonSet', 'spiderpool-agent'),
    },
  )
  const controller = await controllerWith('life')
  let isRunning = true
  t.teardown(() => isRunning && controller.end('SIGTERM'))
  const annotation = async (of: string): Promise<unknown> =>
    (await rest.ask('GET', `${POOLS}/${of}`)).body['metadata']?.['annotations']?.['ipam.spidernet.io/allocated-ips']
  const becomes = async (of: string, state: string | undefined): Promise<void> => {
    await eventually(async () => ((await annotation(of)) === state ? true : undefined), 20_000)
    t.equal(await annotation(of), state, `${of} is ${state}`)
  }
  await becomes(pool, 'shared')
  await becomes(empty.pool, 'shared')
  await eventually(async () => ((await holderOf(ip)) === pod.name ? true : undefined), 20_000)
  t.equal(await holderOf(ip), pod.name, 'the record is adopted')
  t.ok((await go.records(pool))[ip], 'and stays written')
  const ours = bare(first(await sandbox(await cluster.pod(name('life-ours'), ippool(empty.pool))).add()))
  t.ok((await go.records(empty.pool))[ours], 'Go sees ours at once, in a pool that had no record')
  await eventually(async () => ((await go.records(pool))[gone.ip] ? undefined : true), 30_000)
  t.notOk((await go.records(pool))[gone.ip], 'a record whose pod is gone does not block for ever')

  await rest.ask('DELETE', `${agents}?propagationPolicy=Orphan`)
  await later(500)
  t.equal(await annotation(pool), 'shared', 'as long as a pod of the DaemonSet is there')
  await cluster.removePod(agent)
  await becomes(pool, 'kept')
  await becomes(empty.pool, 'kept')
  await eventually(async () => ((await statusOf(pool))['allocatedIPsProjected'] ? true : undefined), 20_000)
  const after = sandbox(await cluster.pod(name('life-later'), ippool(empty.pool)))
  const address = bare(first(await after.add()))
  await eventually(async () => ((await go.records(empty.pool))[address] ? true : undefined), 20_000)
  t.ok((await go.records(empty.pool))[address], 'the text is kept for a return to Go')
  await controller.end('SIGTERM')
  isRunning = false

  // Back to Go: a Go agent reads the pool. Then forward, executables first.
  const back = bare(await go.allocate(empty.pool, { name: name('life-back'), uid: 'back' }))
  t.notOk([ours, address].includes(back), 'Go gives none of ours')
  const forward = await Promise.all(
    [1, 2, 3].map(async at =>
      bare(first(await sandbox(await cluster.pod(name(`life-f${at}`), ippool(empty.pool))).add())),
    ),
  )
  t.notOk(forward.includes(back), 'and ours none that Go gave since')
  const second = await controllerWith('life-2', 'projectAllocatedIPs: false\n')
  t.teardown(() => second.end('SIGTERM'))
  await eventually(async () => ((await statusOf(pool))['allocatedIPs'] === undefined ? true : undefined), 20_000)
  t.equal((await statusOf(pool))['allocatedIPs'], undefined)
  await becomes(pool, undefined)
})

t.test(
  'the controller: a record of an address that a dead pod of ours holds is adopted when that one is reclaimed',
  async t => {
    const { pool } = await poolOf('contested', 3)
    const ours = await cluster.pod(name('contested-ours'), ippool(pool))
    const address = first(await sandbox(ours).add())
    const ip = bare(address)
    // The Go system released the record of our pod and allocated the address to another.
    await cluster.removePod(ours)
    const theirs = await cluster.pod(name('contested-go'), ippool(pool))
    await setAllocated(pool, JSON.stringify({ [ip]: { pod: `default/${theirs.name}`, podUid: theirs.uid } }))
    await go.record(pool, theirs, address)
    const controller = await controllerWith('contested')
    t.teardown(() => controller.end('SIGTERM'))
    await eventually(async () => ((await holderOf(ip)) === theirs.name ? true : undefined), 30_000)
    t.equal(await holderOf(ip), theirs.name)
    t.ok((await go.records(pool))[ip])
  },
)
