// The agent's threads with handles and a clock of the test.
import t, { type Test } from 'tap'
import type { ToWorker, WorkerCall } from '../../../../daemons/agent/workers/messages.js'
import {
  CALL_MS_MAX,
  STUCK_MS,
  WorkerPool,
  type PoolDeps,
  type WorkerEvents,
} from '../../../../daemons/agent/workers/pool.js'
import { Gate, RUNNING_MAX, WAITING_MAX } from '../../../../daemons/agent/calls/whole-plugin.js'

const CALL: WorkerCall = { plugin: 'coordinator', env: {}, stdin: '{}', sysctls: '/proc/sys/' }
const DONE = { exitCode: 0, stdout: 'done', stderr: '' } as const

interface FakeThread {
  readonly events: WorkerEvents
  readonly sent: ToWorker[]
  isEnded: boolean
}

function openPool(t: Test, { workers = 2, ask }: { workers?: number; ask?: PoolDeps['ask'] } = {}) {
  const threads: FakeThread[] = []
  const gaveUp: string[] = []
  let nowMs = 0
  const ticks: (() => void)[] = []
  const pool = new WorkerPool({
    workers,
    ask: ask ?? (() => Promise.resolve({ status: 200, body: '' })),
    giveUp: why => void gaveUp.push(why),
    log: { debug() {}, info() {}, warn() {}, error() {}, fatal() {} } as unknown as PoolDeps['log'],
    now: () => nowMs,
    every: (_ms, tick) => {
      ticks.push(tick)
      return () => void ticks.splice(ticks.indexOf(tick), 1)
    },
    start(events) {
      const thread: FakeThread = { events, sent: [], isEnded: false }
      threads.push(thread)
      return { send: message => void thread.sent.push(message), terminate: () => (thread.isEnded = true) }
    },
  })
  t.teardown(() => pool.close())
  const idOf = (thread: FakeThread | undefined, at = 0): number => {
    const calls = (thread?.sent ?? []).filter(({ kind }) => kind === 'call')
    return (calls[at] as { id: number } | undefined)?.id ?? 0
  }
  return {
    ...{ pool, threads, gaveUp, idOf },
    pass(ms: number) {
      nowMs += ms
      for (const tick of [...ticks]) tick()
    },
    end: (thread: FakeThread | undefined, at = 0) =>
      thread?.events.onMessage({ kind: 'outcome', id: idOf(thread, at), outcome: DONE }),
  }
}

t.test('WorkerPool starts threads as calls need them, and gives a call to the one with the fewest', async t => {
  const { pool, threads, end } = openPool(t)
  const calls = [pool.run(CALL), pool.run(CALL), pool.run(CALL)]
  t.equal(threads.length, 2)
  t.strictSame(
    threads.map(({ sent }) => sent.length),
    [2, 1],
  )
  end(threads[0])
  t.strictSame(await calls[0], DONE)
  end(threads[0], 1)
  const [next, second] = [pool.run(CALL), calls[1]]
  t.equal(threads.length, 2, 'the free one is used')
  await Promise.all([calls[2]])
  t.equal(pool.running, 2)
  pool.close()
  t.match(await next?.catch(String), /the agent ends/)
  t.match(await second?.catch(String), /the agent ends/)
})

t.test('WorkerPool gives a thread up that does not answer, and runs no further call on it', async t => {
  const { pool, threads, pass, end, gaveUp } = openPool(t, { workers: 1 })
  const stuck = pool.run(CALL)
  pass(STUCK_MS - 1)
  t.equal(threads[0]?.isEnded, false)
  pass(2)
  await t.rejects(stuck, /has not come back from the kernel/)
  t.equal(threads[0]?.isEnded, true)
  t.equal(pool.stuck, 1)
  const next = pool.run(CALL)
  t.equal(threads.length, 2)
  end(threads[1])
  t.strictSame(await next, DONE)
  end(threads[0])
  t.strictSame(gaveUp, [], 'one is borne')
})

t.test('WorkerPool keeps a thread that answers pings, until the time of its call is over', async t => {
  const { pool, threads, pass } = openPool(t, { workers: 1 })
  const late = pool.run(CALL)
  for (let ms = 0; ms < CALL_MS_MAX; ms += STUCK_MS / 2) {
    pass(STUCK_MS / 2)
    threads[0]?.events.onMessage({ kind: 'pong' })
  }
  await t.rejects(late, /had not ended after 300 s/)
  t.equal(threads[0]?.isEnded, true)
  t.equal(pool.stuck, 0)
})

t.test('WorkerPool ends a thread with a late call only after its other calls', async t => {
  const { pool, threads, pass, end } = openPool(t, { workers: 1 })
  const late = pool.run(CALL)
  pass(1)
  threads[0]?.events.onMessage({ kind: 'pong' })
  await Promise.resolve()
  const young = pool.run(CALL).catch(String)
  pass(CALL_MS_MAX - 1)
  t.equal(threads[0]?.isEnded, true, 'a thread that was not heard for so long is stuck')
  await t.rejects(late)
  t.match(await young, /kernel/)
  end(threads[0])
})

t.test('WorkerPool gives the process up with the ninth stuck thread', async t => {
  const { pool, pass, gaveUp } = openPool(t, { workers: 1 })
  for (let count = 1; count <= 9; count++) {
    t.strictSame(gaveUp, [], `${count - 1} are borne`)
    const stuck = pool.run(CALL)
    pass(STUCK_MS + 1)
    await t.rejects(stuck)
  }
  t.match(gaveUp, [/9 threads/])
})

t.test('WorkerPool refuses the calls of a thread that has ended by itself', async t => {
  const { pool, threads } = openPool(t, { workers: 1 })
  const call = pool.run(CALL)
  threads[0]?.events.onEnd('a thread of the agent ended')
  await t.rejects(call, /a thread of the agent ended/)
  t.equal(pool.threads, 0)
})

t.test('WorkerPool hands what a plugin asks to the agent, and its response to that thread', async t => {
  const asked: string[] = []
  const ask: PoolDeps['ask'] = ({ path }) => (asked.push(path), Promise.resolve({ status: 404, body: '"none"' }))
  const { pool, threads, end } = openPool(t, { workers: 1, ask })
  const call = pool.run(CALL)
  threads[0]?.events.onMessage({ kind: 'request', id: 7, request: { method: 'GET', path: '/v1/x' } })
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(asked, ['/v1/x'])
  t.strictSame(threads[0]?.sent.at(-1), { kind: 'response', id: 7, response: { status: 404, body: '"none"' } })
  end(threads[0])
  await call
})

t.test('Gate lets so many calls run, so many wait, in order, and refuses the next', async t => {
  const gate = new Gate()
  const begun: number[] = []
  const ends: (() => void)[] = []
  const call = (at: number): Promise<number | undefined> =>
    gate.through(pass =>
      pass(async () => {
        begun.push(at)
        await new Promise<void>(resolve => ends.push(resolve))
        return at
      }),
    )
  const calls = Array.from({ length: RUNNING_MAX + WAITING_MAX }, (_, at) => call(at))
  t.equal(begun.length, RUNNING_MAX)
  t.equal(await call(-1), undefined, 'one more is refused at once')
  for (let at = 0; at < calls.length; at++) {
    ends[at]?.()
    await calls[at]
  }
  t.strictSame(
    begun,
    calls.map((_, at) => at),
  )
  t.equal(gate.size, 0)
  const after = call(0)
  ends.at(-1)?.()
  t.equal(await after, 0, 'it is free again')
})
