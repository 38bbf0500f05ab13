// Events of refusals: one for one reason, however many processes fail; failing to write them does
// not change the CNI error.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { poolAnnotation, type PodRef } from '../fixtures/cluster.js'
import { on, type Asked, type Fault } from '../fixtures/faults.js'
import { startFaulty } from '../fixtures/faulty-apiserver.js'
import { openIpam } from '../fixtures/ipam.js'
import { manifestsIn, rightsOf, startGuard } from '../fixtures/rights.js'

const bench = await openIpam({ standalone: true, args: ['--no-embedded-controller'] })
const { cluster } = bench
const folder = mkdtempSync(`${tmpdir()}/ipam-events-`)
const rights = rightsOf(manifestsIn('deploy/spiderpool.yaml'), 'spiderpool-agent')
const node = await startGuard(bench.kubeconfig, rights, `${folder}/node`)
const mute = await startGuard(
  bench.kubeconfig,
  rights.filter(({ resources }) => !resources.includes('events')),
  `${folder}/mute`,
)
const faulty = await startFaulty(bench.kubeconfig)
t.teardown(async () => {
  await Promise.all([node.close(), mute.close(), faulty.stop()])
  rmSync(folder, { recursive: true })
  await bench.stop()
})
await cluster.pool('small', { subnet: '10.81.0.0/24', ips: ['10.81.0.1-10.81.0.2'] })

const EVENTS = '/api/v1/namespaces/default/events'

interface Shown {
  readonly metadata: { readonly name: string; readonly resourceVersion: string }
  readonly involvedObject: { readonly uid: string }
  readonly reason: string
  readonly message: string
  readonly count: number
  readonly lastTimestamp: string
}

const eventsOf = async ({ uid }: PodRef): Promise<readonly Shown[]> =>
  ((await cluster.api.items(EVENTS)) as unknown as readonly Shown[]).filter(
    ({ involvedObject }) => involvedObject.uid === uid,
  )

/** Backdates the event. */
async function aged(event: Shown, ms: number): Promise<void> {
  const lastTimestamp = new Date(Date.now() - ms).toISOString().replace(/\.\d+Z$/, 'Z')
  const old = { apiVersion: 'v1', kind: 'Event', ...event, lastTimestamp }
  await cluster.api.replace(`${EVENTS}/${event.metadata.name}`, old)
}

const isEvent = ({ path }: Asked): boolean => path.includes('/events')
const WRONG = poolAnnotation('nowhere')
const asNode = { kubeconfig: node.kubeconfig }
/** Processes of one pod: some concurrently, then sequentially. */
const [AT_ONCE, AFTERWARDS] = [5, 4]
const TWO_MINUTES_MS = 120_000

t.test('ADD that keeps failing, each time in a new process, writes one Event once a minute', async t => {
  const pod = await cluster.pod('again', WRONG)
  const box = bench.sandbox(pod)
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => box.add('eth0', asNode)))
  const [event, ...more] = await eventsOf(pod)
  t.match(event, { reason: 'FailedIPAllocation', count: 1, message: /^spiderpool IP allocation error: .*"nowhere"/ })
  t.strictSame(more, [])
  t.ok(
    answers.every(({ code, msg }) => code === 103 && msg === event?.message),
    'the CNI error has the same words',
  )
  faulty.judge = () => undefined
  const from = faulty.passed.length
  for (let at = 0; at < AFTERWARDS; at++) await box.add('eth0', { kubeconfig: faulty.kubeconfig })
  const asked = faulty.passed.slice(from).filter(isEvent)
  t.strictSame(new Set(asked.map(({ method }) => method)), new Set(['GET']), 'within the minute nothing is written')
  t.equal(asked.length, AFTERWARDS, 'and a try costs one read')
  t.strictSame(await eventsOf(pod), [event])
  if (event) await aged(event, TWO_MINUTES_MS)
  await Promise.all(Array.from({ length: AT_ONCE }, () => box.add('eth0', asNode)))
  t.match(await eventsOf(pod), [{ count: 2 }], 'a minute later it is counted up, once')
  t.strictSame(node.refused, [], 'the rights of deploy/spiderpool.yaml are enough')
})

t.test('ADD whose error has changing numbers updates one Event with the last message', async t => {
  const owner = (name: string) => ({ owner: { apiVersion: 'example.com/v1', kind: 'Robot', name, uid: name } })
  const holding = async (name: string, robot: string) => {
    const box = bench.sandbox(await cluster.pod(name, poolAnnotation('small'), owner(robot)))
    await box.add()
    return box
  }
  const holders = [await holding('ann-ax', 'ann'), await holding('ann-bx', 'ann')]
  const late = await cluster.pod('latex', poolAnnotation('small'))
  const box = bench.sandbox(late)
  t.match(await box.add('eth0', asNode), { code: 11, msg: /most by Robot default\/ann, 2/ })
  for (const holder of holders) {
    await cluster.removePod(holder.pod)
    await holder.del()
  }
  for (const name of ['bob-ax', 'bob-bx']) await holding(name, 'bob')
  t.match(await box.add('eth0', asNode), { code: 11, msg: /most by Robot default\/bob, 2/ })
  const [event, ...more] = await eventsOf(late)
  t.match(event, { count: 1, message: /ann, 2/ })
  t.strictSame(more, [])
  if (event) await aged(event, TWO_MINUTES_MS)
  await box.add('eth0', asNode)
  t.match(await eventsOf(late), [{ count: 2, message: /bob, 2/ }])
})

t.test('ADD that fails for another reason writes another Event at once', async t => {
  const pod = await cluster.pod('corrected', WRONG)
  const box = bench.sandbox(pod)
  await box.add('eth0', asNode)
  const path = `/api/v1/namespaces/default/pods/${pod.name}`
  const { metadata, ...rest } = await cluster.api.read(path)
  await cluster.api.replace(path, { ...rest, metadata: { ...metadata, annotations: poolAnnotation('neither') } })
  await box.add('eth0', asNode)
  const messages = (await eventsOf(pod)).map(({ message }) => message).sort()
  t.match(messages, [/"neither"/, /"nowhere"/])
})

const FAULTS: readonly (readonly [what: string, method: string, fault: Fault])[] = [
  ['503', 'GET', { kind: 'status', status: 503 }],
  ['throttled, for eight seconds', 'POST', { kind: 'status', status: 429, retryAfterS: 8 }],
  ['cut off', 'GET', { kind: 'cut' }],
  ['cut off after it was written', 'POST', { kind: 'cutAfter' }],
  ['silence', 'GET', { kind: 'silent' }],
  ['silence', 'POST', { kind: 'silent' }],
]
/** Without its own limit an Event would take as long as any request: ten seconds and more. */
const WAIT_MS_MAX = 8_000
let pods = 0

t.test('ADD fails with the same error, as fast, where the API server rejects Events', async t => {
  const pod = await cluster.pod('untold', WRONG)
  const box = bench.sandbox(pod)
  const expected = await box.add('eth0', asNode)
  t.match(expected, { code: 103 })
  t.strictSame(await box.add('eth0', { kubeconfig: mute.kubeconfig }), expected, 'forbidden')
  t.ok(mute.refused.length > 0, 'and it was refused')
  for (const [what, method, fault] of FAULTS) {
    const fresh = await cluster.pod(`untold-${pods++}x`, WRONG)
    faulty.judge = on(asked => isEvent(asked) && asked.method === method, fault)
    const from = faulty.passed.length
    const startMs = performance.now()
    const answer = await bench.sandbox(fresh).add('eth0', { kubeconfig: faulty.kubeconfig })
    const tookMs = performance.now() - startMs
    const says = `${method} of the Event: ${what}`
    t.strictSame({ ...answer, msg: answer.msg?.replaceAll(fresh.name, pod.name) }, expected, `${says}: the same answer`)
    t.ok(tookMs < WAIT_MS_MAX, `${says}: ${Math.round(tookMs)} ms`)
    t.ok(
      faulty.passed.slice(from).some(passed => passed.fault === fault.kind),
      `${says}: and it did suffer that`,
    )
  }
})
