// A leader that is suspended past its lease or killed at critical moments: the other replica takes
// over, and no late write of the first takes effect.
import t, { type Test } from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { eventually, startController, type ControllerFixture } from '../../fixtures/controller.js'
import type { Asked } from '../../fixtures/faults.js'
import { startFaulty, type Faulty } from '../../fixtures/faulty-apiserver.js'
import { ADDRESSES, openHoldings, PODS, type Holdings } from '../../fixtures/seed-allocations.js'
import { restOf } from '../../fixtures/rest.js'

/** Each test has its own servers and mostly waits. */
t.jobs = 3

const LATE_MS = 60_000
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/spiderpool-controller-leases'
const SHORT = {
  SPIDERPOOL_LEADER_DURATION: '10',
  SPIDERPOOL_LEADER_RENEW_DEADLINE: '7',
  SPIDERPOOL_LEADER_RETRY_PERIOD: '1',
}

const isLiveRead = ({ method, path, isWatch }: Asked): boolean =>
  method === 'GET' && !isWatch && /^\/api\/v1\/(namespaces\/default\/)?pods/.test(path)
const isDelete = ({ method, path }: Asked): boolean => method === 'DELETE' && path.startsWith(ADDRESSES)

const there = <T>(look: () => Promise<T | undefined> | T | undefined): Promise<T | undefined> =>
  eventually(look, LATE_MS)

interface Two {
  readonly a: ControllerFixture
  readonly b: ControllerFixture
  /** Proxy of `a` only: its requests and their outcome. */
  readonly toA: Faulty
  readonly holdings: Holdings
}

async function open(t: Test): Promise<Two> {
  const server = await startApiserver({ standalone: true, args: ['--no-embedded-controller'] })
  t.teardown(() => server.stop())
  const toA = await startFaulty(server.kubeconfig)
  t.teardown(() => toA.stop())
  const rest = restOf(server.kubeconfig)
  t.teardown(() => rest.close())
  const a = await startController(toA.kubeconfig, { name: 'a', env: SHORT })
  t.teardown(() => a.end('SIGKILL'))
  await a.said('started leading', LATE_MS)
  const b = await startController(server.kubeconfig, { name: 'b', env: SHORT })
  t.teardown(() => b.end('SIGKILL'))
  await there(async () => ((await b.health('readiness')).status === 200 ? true : undefined))
  return { a, b, toA, holdings: await openHoldings(rest, 'p') }
}

const isHeld = async ({ addresses }: Holdings, numbers: readonly number[]): Promise<true | undefined> => {
  const wanted = numbers.map(at => `10.6.0.${at}`)
  return JSON.stringify([...(await addresses())].sort()) === JSON.stringify(wanted) ? true : undefined
}

/**
 * Pods 1 to 3 end; `a` is suspended while it is about to release their addresses; `b` releases
 * them, and new pods get the same ones.
 */
async function takeOver(
  t: Test,
  { a, b, toA, holdings }: Two,
  { which, signal }: { readonly which: (asked: Asked) => boolean; readonly signal: 'SIGSTOP' | 'SIGKILL' },
): Promise<void> {
  const { hold, must } = holdings
  for (let at = 1; at <= 5; at++) await hold({ name: `pod-${at}`, address: `10.6.0.${at}` })
  t.ok(await there(async () => ((await holdings.status()).allocatedIPCount === 5 ? true : undefined)))
  let release = (): void => undefined
  const until = new Promise<void>(resolve => (release = resolve))
  let reached = 0
  const before = toA.passed.filter(which).length
  toA.judge = asked => (which(asked) && ++reached > 0 ? { kind: 'held', until } : undefined)
  for (const at of [1, 2, 3]) await must('DELETE', `${PODS}/pod-${at}?gracePeriodSeconds=0`)
  t.ok(await there(() => (reached > 0 ? true : undefined)), 'it is about to')
  a.signal(signal)
  await b.said('started leading', LATE_MS)
  t.ok(await there(() => isHeld(holdings, [4, 5])), 'the other has freed them')
  for (const at of [1, 2, 3]) await hold({ name: `new-${at}`, address: `10.6.0.${at}` })
  toA.judge = () => undefined
  release()
  const arrived = (): true | undefined => (toA.passed.filter(which).length >= before + reached ? true : undefined)
  t.ok(await there(arrived), 'what was under way arrives')
}

interface RecordedEvent {
  readonly reason: string
  readonly message: string
  readonly reportingInstance: string
}

/** Addresses 1 to 3 belong to the new pods, and `b` released each once. */
async function onlyOnce(t: Test, { b, toA, holdings }: Two): Promise<void> {
  await holdings.must('DELETE', `${PODS}/pod-4?gracePeriodSeconds=0`)
  t.ok(await there(() => isHeld(holdings, [1, 2, 3, 5])), 'the other goes on')
  const done = toA.passed.filter(one => isDelete(one) && (one.status ?? 0) < 300)
  t.strictSame(done, [], 'no delete of the first one did anything')
  const isCounted = async (): Promise<true | undefined> =>
    /^spiderpool_ip_gc_counts\{ippool="p"\} 4$/m.test(await b.metrics()) ? true : undefined
  t.ok(await there(isCounted))
  const recorded = async (): Promise<readonly RecordedEvent[] | undefined> => {
    const { items } = (await holdings.must('GET', '/api/v1/namespaces/default/events')) as {
      readonly items: readonly RecordedEvent[]
    }
    const found = items.filter(({ reason }) => reason.startsWith('Reclaimed'))
    return found.some(({ message }) => message.includes('10.6.0.4')) ? found : undefined
  }
  const events = (await there(recorded)) ?? []
  t.ok(
    events.length > 0 && events.every(({ reportingInstance }) => reportingInstance === 'b'),
    'recorded by the other replica',
  )
}

const MOMENTS = [
  ['during its live reads of the pods', isLiveRead],
  ['during its deletes', isDelete],
] as const

for (const [when, which] of MOMENTS)
  t.test(`a leader suspended past its lease ${when} writes nothing after it resumes`, async t => {
    const two = await open(t)
    await takeOver(t, two, { which, signal: 'SIGSTOP' })
    const wokenMs = Date.now()
    two.a.signal('SIGCONT')
    await two.a.said('stopped leading', LATE_MS)
    const since = () => two.toA.passed.filter(({ atMs }) => atMs >= wokenMs)
    const tries = () => since().filter(({ path }) => path === LEASE).length
    await onlyOnce(t, two)
    t.ok(await there(() => (tries() >= 3 ? true : undefined)), 'it asks for the lease again and again')
    const writes = since().filter(({ method }) => method !== 'GET')
    t.strictSame(writes, [])
    t.notMatch(await two.a.metrics(), 'spiderpool_ip_gc_counts{')
    t.ok(await isHeld(two.holdings, [1, 2, 3, 5]))
    t.equal((await two.a.health('readiness')).status, 200, 'and waits for its turn')
  })

t.test('a leader killed during its deletes releases no address that another pod has by then', async t => {
  const two = await open(t)
  await takeOver(t, two, { which: isDelete, signal: 'SIGKILL' })
  await onlyOnce(t, two)
})
