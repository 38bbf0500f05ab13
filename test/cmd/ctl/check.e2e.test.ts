// `spiderpoolctl check` as a process: a healthy cluster under churn, seeded damage, its repair, and
// Ctrl-C in the middle of it.
import { spawn } from 'node:child_process'
import t from 'tap'
import { poolAnnotation, SPIDER, type PodRef } from '../../fixtures/cluster.js'
import { startController } from '../../fixtures/controller.js'
import { BIN, runExecutable, type Reply } from '../../fixtures/executable.js'
import { first, openIpam } from '../../fixtures/ipam.js'

const bench = await openIpam({ standalone: true })
const { cluster, kubeconfig } = bench
t.teardown(() => bench.stop())

const ctl = (line: string): Promise<Reply> =>
  runExecutable({ name: 'spiderpoolctl', args: line.split(' '), env: { KUBECONFIG: kubeconfig } })
/** Looks further apart than writes of a count; an address may be left over at once. */
const FAST = '--settle 1.5 --unrecorded 0'

interface Difference {
  readonly kind: string
  readonly object: string
  readonly repair: string
}
const kindsOf = ({ json }: Reply): readonly string[] =>
  [...new Set((json as readonly Difference[]).map(one => one.kind))].sort()

await cluster.pool('web', { subnet: '172.18.0.0/16', ips: ['172.18.30.1-172.18.30.200'], gateway: '172.18.0.1' })
await cluster.pool('spare', { subnet: '172.19.0.0/16', ips: ['172.19.30.1-172.19.30.200'] })

/** As the kubelet reports a pod that has started. */
async function started({ namespace, name }: PodRef, ip: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`
  const pod = await cluster.api.read(path)
  await cluster.api.replace(`${path}/status`, { ...pod, status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] } })
}

async function running(
  name: string,
): Promise<{ readonly pod: PodRef; readonly ip: string; readonly del: () => Promise<unknown> }> {
  const pod = await cluster.pod(name, poolAnnotation('web'))
  const sandbox = bench.sandbox(pod)
  const [ip = ''] = first(await sandbox.add()).split('/')
  await started(pod, ip)
  return { pod, ip, del: () => sandbox.del() }
}

const addressPath = (name: string): string => `${SPIDER}/spideripaddresses/${name}`
const recordPath = (name: string): string => `${SPIDER}/namespaces/default/spiderendpoints/${name}`
type Any = Awaited<ReturnType<typeof cluster.api.read>>
async function change(path: string, work: (object: Any) => object): Promise<void> {
  const object = (await cluster.api.read(path)) as Any
  await cluster.api.replace(path, { ...object, ...work(object) } as Any)
}

async function stray(name: string, uid = 'uid-gone'): Promise<void> {
  await cluster.api.create('spideripaddresses', {
    ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPAddress' },
    metadata: {
      name,
      labels: {
        'ipam.spidernet.io/pod-uid': uid,
        'ipam.spidernet.io/ippool-uid': await poolUid(),
        'ipam.spidernet.io/node': 'n1',
      },
    },
    spec: {
      ...{ address: `${name}/16`, ipVersion: 4, pool: 'spare', nic: 'eth0', node: 'n1', containerID: 'c' },
      ...{ pod: { namespace: 'default', name: 'gone', uid }, owner: { apiVersion: 'v1', kind: 'Pod', name: 'gone' } },
    },
  })
}
const poolUid = async (): Promise<string> =>
  (await cluster.api.read(`${SPIDER}/spiderippools/spare`)).metadata.uid ?? ''

t.test('check: status 0 on a healthy cluster', async t => {
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await running(name)
  const reply = await ctl(`check ${FAST}`)
  t.strictSame([reply.status, reply.stdout, reply.stderr], [0, 'nothing differs\n', ''])
})

t.test('check finds nothing under churn, with a controller', async t => {
  const controller = await startController(kubeconfig, { name: 'churn' })
  let isOver = false
  let count = 0
  const churn = async (lane: number): Promise<void> => {
    while (!isOver) {
      const one = await running(`churn-${lane}-${count++}`)
      await cluster.removePod(one.pod)
      await one.del()
    }
  }
  const lanes = [0, 1].map(churn)
  for (let look = 0; look < 4; look++) {
    const reply = await ctl('check --settle 1.5 -o json')
    t.strictSame([reply.status, reply.json], [0, []])
  }
  isOver = true
  await Promise.all(lanes)
  t.ok(count > 8, `${count} pods came and went`)
  await controller.end('SIGTERM')
})

t.test('check prints seeded damage as a plan; --repair ends clean, and writes an Event each', async t => {
  const before = await cluster.addresses()
  const ipOf = async (name: string): Promise<string> =>
    before.find(({ spec }) => spec.pod.name === name)?.metadata.name ?? ''
  await stray('172.19.30.190')
  await change(addressPath(await ipOf('a')), ({ spec }) => ({ spec: { ...(spec as object), node: 'n9' } }))
  await change(addressPath(await ipOf('b')), ({ metadata }) => ({ metadata: { ...metadata, labels: {} } }))
  await cluster.api.remove(addressPath(await ipOf('c')))
  await change(recordPath('d'), ({ status }) => ({
    status: { ...(status as object), current: { uid: 'old', node: 'n1', ips: [] } },
  }))
  await change(recordPath('e'), ({ metadata }) => ({ metadata: { ...metadata, finalizers: [] } }))
  await cluster.removePod({ namespace: 'default', name: 'f', uid: '' })
  await cluster.api.create('spiderreservedips', {
    ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderReservedIP', metadata: { name: 'r' } },
    spec: { ips: [await ipOf('a')] },
  })
  const plan = await ctl(`check ${FAST} -o json`)
  t.equal(plan.status, 1)
  t.strictSame(kindsOf(plan), [
    ...['address-node', 'address-node-label', 'address-pod-gone', 'address-pod-label', 'address-pool-label'],
    ...['address-reserved', 'record-finalizer', 'record-pod', 'record-pod-gone', 'record-unheld'],
  ])
  const text = await ctl(`check ${FAST}`)
  t.match(
    text.stdout,
    /~ spideripaddress\/172\.19\.30\.190: it is held for pod default\/gone .*\n {2}why: .*\n {2}repair: releases/,
  )
  t.match(text.stdout, /differences: \d+ for --repair, 0 for a person, 1 note\n$/)
  t.match(await ctl(`check --repair ${FAST}`), { status: 2, stderr: /no terminal to ask at/ })

  const repaired = await ctl(`check --repair --yes ${FAST} -o json`)
  t.equal(repaired.status, 0, repaired.stderr)
  t.match(repaired.json, { left: [{ kind: 'address-reserved' }] })
  t.notOk(
    (repaired.json as { repairs: readonly { outcome: string }[] }).repairs.some(one => one.outcome === 'failed'),
    repaired.stdout,
  )
  const again = await ctl(`check ${FAST} -o json`)
  t.strictSame([again.status, kindsOf(again)], [0, ['address-reserved']])
  const held = (await cluster.addresses()).map(({ spec }) => `${spec.pod.name} ${spec.address}`).sort()
  const wanted = before
    .filter(({ spec }) => spec.pod.name !== 'f')
    .map(({ spec }) => `${spec.pod.name} ${spec.address}`)
  t.strictSame(held, wanted.sort(), 'running pods keep their addresses, and the others are free')
  const events = (await cluster.api.items('/api/v1/events')).filter(event => event['reason'] === 'CheckRepaired')
  t.ok(events.length >= 9, `${events.length} Events`)
})

t.test('check --repair: Ctrl-C ends it after a write; the next run does the rest', async t => {
  const names = Array.from({ length: 40 }, (_, at) => `172.19.30.${100 + at}`)
  await Promise.all(names.map(name => stray(name)))
  const args = ['check', '--repair', '--yes', ...FAST.split(' ')]
  const child = spawn(`${BIN}/spiderpoolctl`, args, { env: { PATH: process.env['PATH'], KUBECONFIG: kubeconfig } })
  let [stdout, stderr] = ['', '']
  child.stderr.on('data', data => (stderr += String(data)))
  child.stdout.on('data', data => {
    if (!stdout.includes('repaired') && String(data).includes('repaired')) child.kill('SIGINT')
    stdout += String(data)
  })
  const status = await new Promise(done => child.on('close', done))
  t.equal(status, 1, stderr)
  t.match(stderr, /stopped by Ctrl-C after \d+ repairs?; each is complete/)
  const left = (await cluster.addresses()).filter(({ spec }) => spec.pod.name === 'gone')
  t.ok(left.length > 0 && left.length < names.length, `${left.length} are left`)
  t.equal(left.length + (stdout.match(/: repaired\n/g) ?? []).length, names.length, 'each line is a write')
  t.equal((await ctl(`check --repair --yes ${FAST}`)).status, 0)
  t.strictSame(
    (await cluster.addresses()).filter(({ spec }) => spec.pod.name === 'gone'),
    [],
  )
})

t.test('check: bad numbers are status 2 and one sentence', async t => {
  t.match(await ctl('check --settle soon'), { status: 2, stderr: /--settle is "soon"; write a number of seconds/ })
})
