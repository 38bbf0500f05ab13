// The controller behind a faulty proxy: API server unreachable for a minute, watches killed,
// delayed and answered 410, the clock set. No restart.
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { eventually, startController, type ControllerFixture } from '../../fixtures/controller.js'
import { isWatch, onEach } from '../../fixtures/faults.js'
import { startFaulty, type Faulty, type Passed } from '../../fixtures/faulty-apiserver.js'
import { openHoldings, PODS, type Holdings } from '../../fixtures/seed-allocations.js'
import { restOf } from '../../fixtures/rest.js'

const AWAY_MS = Number(process.env['AWAY_SECONDS'] ?? 60) * 1000
/** On a machine that is busy with other tests. */
const SOON_MS = 60_000

/** Each test has its own servers and mostly waits. */
t.jobs = 3

interface Bench {
  readonly faulty: Faulty
  readonly controller: ControllerFixture
  readonly holdings: Holdings
  /** A pod that holds an address. */
  hold(at: number): Promise<string>
  gone(at: number): Promise<unknown>
  /** Exactly these are allocated, and the pool's status says so. */
  converged(t: Test, numbers: readonly number[], when: string): Promise<void>
}

type More = Omit<Parameters<typeof startController>[1], 'name'>

async function open(t: Test, more: More = {}): Promise<Bench> {
  const server = await startApiserver({ standalone: true, args: ['--no-embedded-controller', '--watch-history-max=5'] })
  t.teardown(() => server.stop())
  const faulty = await startFaulty(server.kubeconfig)
  t.teardown(() => faulty.stop())
  const rest = restOf(server.kubeconfig)
  t.teardown(() => rest.close())
  const controller = await startController(faulty.kubeconfig, { name: 'a', ...more })
  t.teardown(() => controller.end('SIGKILL'))
  await controller.said('started leading', SOON_MS)
  const holdings = await openHoldings(rest, 'p')
  return {
    ...{ faulty, controller, holdings },
    hold: at => holdings.hold({ name: `pod-${at}`, address: `10.6.0.${at}` }),
    gone: at => holdings.must('DELETE', `${PODS}/pod-${at}?gracePeriodSeconds=0`),
    async converged(t, numbers, when) {
      const wanted = numbers.map(at => `10.6.0.${at}`).sort()
      const look = async (): Promise<unknown> => ({
        held: [...(await holdings.addresses())].sort(),
        count: (await holdings.status()).allocatedIPCount,
      })
      const isSo = async (): Promise<true | undefined> =>
        JSON.stringify(await look()) === JSON.stringify({ held: wanted, count: wanted.length }) ? true : undefined
      await eventually(isSo, SOON_MS)
      t.strictSame(await look(), { held: wanted, count: wanted.length }, when)
      t.equal((await controller.health('liveness')).status, 200, `${when}: a restart would not help`)
    },
  }
}

const errorsOf = ({ log }: ControllerFixture): readonly unknown[] => log.filter(({ level }) => level === 'ERROR')

t.test('the controller catches up after the API server was unreachable for a minute, without a restart', async t => {
  const { faulty, controller, hold, gone, converged } = await open(t)
  for (const at of [1, 2, 3, 4, 5]) await hold(at)
  await converged(t, [1, 2, 3, 4, 5], 'before')
  await faulty.leave()
  const leftMs = Date.now()
  await gone(1)
  await hold(6)
  await controller.said('stopped leading', SOON_MS)
  await gone(2)
  t.equal((await controller.health('liveness')).status, 200)
  await new Promise(resolve => setTimeout(resolve, leftMs + AWAY_MS - Date.now()))
  const before = faulty.passed.length
  await faulty.comeBack()
  await converged(t, [3, 4, 5, 6], 'after it came back')
  await gone(3)
  await converged(t, [4, 5, 6], 'and from then on')
  t.ok(faulty.passed.length - before < 500, `it was not stormed: ${faulty.passed.length - before} requests`)
  t.strictSame(errorsOf(controller), [])
})

t.test('the controller misses nothing when watches are killed, delayed or answered 410', async t => {
  const { faulty, controller, hold, gone, converged } = await open(t)
  for (let at = 1; at <= 9; at++) await hold(at)
  await converged(t, [1, 2, 3, 4, 5, 6, 7, 8, 9], 'before')

  t.ok(faulty.killWatches() > 5)
  await gone(1)
  await converged(t, [2, 3, 4, 5, 6, 7, 8, 9], 'every watch is killed')

  const ofPods = (): readonly Passed[] => faulty.passed.filter(({ path }) => path.endsWith('/api/v1/pods'))
  const lists = (): number => ofPods().filter(({ isWatch: watches }) => !watches).length
  const expiries = (): number => ofPods().filter(({ fault }) => fault === 'expired').length
  for (const [at, within] of [
    [2, false],
    [3, true],
  ] as const) {
    const before = { lists: lists(), expiries: expiries() }
    faulty.judge = onEach(isWatch, { kind: 'expired', within }, 2)
    faulty.killWatches()
    await gone(at)
    const left = [4, 5, 6, 7, 8, 9, ...(within ? [] : [3])]
    await converged(t, left, `410 ${within ? 'within the stream' : 'as the answer'}`)
    t.ok(expiries() > before.expiries, 'the watch of pods was among them')
    t.ok(lists() > before.lists, 'and pods were listed again')
  }

  faulty.judge = onEach(isWatch, { kind: 'status', status: 503 }, 2)
  faulty.killWatches()
  await gone(4)
  await converged(t, [5, 6, 7, 8, 9], 'watches are refused for a while')

  faulty.judge = () => undefined
  faulty.delayEvents(3_000)
  await gone(5)
  await hold(10)
  await gone(6)
  await hold(11)
  await converged(t, [7, 8, 9, 10, 11], 'events come three seconds late')

  faulty.delayEvents(0)
  faulty.judge = ({ method }) => (method === 'DELETE' ? { kind: 'cutAfter' } : undefined)
  await gone(7)
  await converged(t, [8, 9, 10, 11], 'the answer to each delete is lost')
  t.notOk(controller.log.some(({ msg }) => msg.includes('stopped leading')))
  t.strictSame(errorsOf(controller), [])
})

t.test(
  'the controller keeps leading and releases only what is due when the clock is set an hour ahead and two back',
  async t => {
    const root = fileURLToPath(new URL('../../..', import.meta.url))
    const { controller, hold, gone, converged } = await open(t, {
      command: [`${root}scripts/bun.sh`, '--preload', `${root}test/fixtures/stepping-clock.ts`, `${root}main.ts`],
      args: ['spiderpool-controller'],
      env: { CLOCK_STEPS_MS: '3600000,-7200000' },
    })
    for (const at of [1, 2, 3, 4]) await hold(at)
    await converged(t, [1, 2, 3, 4], 'before')
    for (const [at, left, when] of [
      [1, [2, 3, 4], 'an hour ahead'],
      [2, [3, 4], 'two hours back'],
    ] as const) {
      const steps = controller.log.filter(({ msg }) => msg.includes('has stepped')).length
      controller.signal('SIGUSR2')
      const stepped = () =>
        controller.log.filter(({ msg }) => msg.includes('has stepped')).length > steps ? true : undefined
      t.ok(await eventually(stepped, SOON_MS), when)
      await gone(at)
      await converged(t, left, when)
    }
    // longer than the lease duration: it is renewed by the monotonic clock
    await new Promise(resolve => setTimeout(resolve, 16_000))
    await gone(3)
    await converged(t, [4], 'a lease later')
    t.notOk(controller.log.some(({ msg }) => msg.includes('stopped leading')))
    t.strictSame(errorsOf(controller), [])
  },
)
