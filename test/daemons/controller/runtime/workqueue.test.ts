// WorkQueue: deduplication, one worker for each key, backoff, nothing while closed.
import t from 'tap'
import { WorkQueue, type ReconcileResult } from '../../../../daemons/controller/runtime/workqueue.js'
import { settled, Time } from '../time.js'

interface Stage {
  readonly time: Time
  readonly queue: WorkQueue
  readonly log: string[]
  /** Ends the reconcile of a key. */
  readonly end: (key: string, outcome?: ReconcileResult | Error) => Promise<void>
}

function stage(workers = 10): Stage {
  const time = new Time()
  const log: string[] = []
  const running = new Map<string, Deferred<ReconcileResult>>()
  const queue = new WorkQueue(
    key => {
      log.push(key)
      const { promise, resolve, reject } = withResolvers<ReconcileResult>()
      running.set(key, { promise, resolve, reject })
      return promise
    },
    workers,
    time,
  )
  queue.open()
  return {
    ...{ time, queue, log },
    async end(key, outcome) {
      const one = running.get(key)
      if (outcome instanceof Error) one?.reject(outcome)
      else one?.resolve(outcome)
      await settled()
    },
  }
}

/** Node 20 has no Promise.withResolvers. */
interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

function withResolvers<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => undefined
  let reject: Deferred<T>['reject'] = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

t.test('WorkQueue runs a key once however often it is added, and once more if added while running', async t => {
  const { queue, log, end } = stage()
  for (let i = 0; i < 5; i++) queue.add('a')
  t.strictSame(log, ['a'])
  queue.add('a')
  queue.add('a')
  t.strictSame(log, ['a'], 'never twice at a time')
  await end('a')
  t.strictSame(log, ['a', 'a'])
  await end('a')
  t.strictSame(log, ['a', 'a'])
  t.equal(queue.size, 0)
})

t.test('WorkQueue runs at most maxConcurrent keys', async t => {
  const { queue, log, end } = stage(2)
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
  t.strictSame(log, ['a', 'b'])
  await end('b')
  t.strictSame(log, ['a', 'b', 'c'])
})

t.test('WorkQueue backs off exponentially up to thirty seconds, and success resets it', async t => {
  const { time, queue, log, end } = stage()
  queue.add('a')
  const pauses: number[] = []
  for (let i = 0; i < 14; i++) {
    const began = time.now()
    const before = log.length
    await end('a', new Error('no'))
    while (log.length === before) await time.pass(5)
    pauses.push(time.now() - began)
  }
  t.ok(
    pauses.every((pause, at) => at === 0 || pause >= (pauses[at - 1] ?? 0)),
    String(pauses),
  )
  t.ok((pauses[0] ?? 0) <= 50)
  t.ok((pauses.at(-1) ?? 0) <= 30_000 && (pauses.at(-1) ?? 0) >= 15_000)
  await end('a')
  queue.add('a')
  await end('a', new Error('no'))
  const before = log.length
  await time.pass(50)
  t.equal(log.length, before + 1, 'the first pause again')
})

t.test('WorkQueue requeues after requeueAfterMs, and earlier if the key is added', async t => {
  const { time, queue, log, end } = stage()
  queue.add('a')
  await end('a', { requeueAfterMs: 1000 })
  await time.pass(999)
  t.equal(log.length, 1)
  await time.pass(1)
  t.equal(log.length, 2)
  await end('a', { requeueAfterMs: 1000 })
  queue.add('a')
  t.equal(log.length, 3)
  await end('a')
  await time.pass(5000)
  t.equal(log.length, 3, 'the later time was taken back')
})

t.test('WorkQueue.addAfter() keeps the earlier time', async t => {
  const { time, queue, log } = stage()
  queue.addAfter('a', 500)
  queue.addAfter('a', 100)
  queue.addAfter('a', 900)
  await time.pass(100)
  t.strictSame(log, ['a'])
  t.equal(time.waiting, 0)
})

t.test('WorkQueue.close() drops keys, accepts none, and waits for running ones', async t => {
  const { time, queue, log, end } = stage(1)
  queue.add('a')
  queue.add('b')
  queue.addAfter('c', 10)
  let isClosed = false
  const closing = queue.close().then(() => (isClosed = true))
  queue.add('d')
  await time.pass(100)
  t.equal(isClosed, false)
  await end('a', { requeueAfterMs: 1 })
  await closing
  await time.pass(100)
  t.strictSame(log, ['a'])
  queue.open()
  queue.add('d')
  t.strictSame(log, ['a', 'd'])
})
