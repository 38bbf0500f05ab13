// An election on a Lease: who leads, when none may, and the release. Two replicas on a
// clock that the test moves.
import t from 'tap'
import { Election, mayTake, taken, type Lease } from '../../../lib/kube/lease.js'
import type { Kube } from '../../../lib/kube/client.js'
import { KubeError } from '../../../lib/kube/errors.js'
import { settled, Time } from '../../daemons/controller/time.js'

const TIMING = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 }

/** One Lease, compare-and-swap; it can be cut off for one of the replicas. */
class Server {
  lease: Lease | undefined
  writes: string[] = []
  readonly cutOff = new Set<string>()
  #version = 0

  kubeFor(identity: string): Kube {
    const reach = (): void => {
      if (this.cutOff.has(identity)) throw new KubeError(0, 'Unreachable', 'cut off')
    }
    const store = (lease: Lease): Lease => {
      this.writes.push(identity)
      this.#version += 1
      this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(this.#version) } }
      return this.lease
    }
    const kube = {
      get: async () => {
        reach()
        if (!this.lease) throw new KubeError(404, 'NotFound', 'none')
        return this.lease
      },
      create: async (_: unknown, lease: Lease) => {
        reach()
        if (this.lease) throw new KubeError(409, 'AlreadyExists', 'is there')
        return store(lease)
      },
      replace: async (_: unknown, lease: Lease) => {
        reach()
        if (lease.metadata.resourceVersion !== this.lease?.metadata.resourceVersion)
          throw new KubeError(409, 'Conflict', 'changed')
        return store(lease)
      },
    }
    return kube as unknown as Kube
  }
}

interface Replica {
  readonly election: Election
  readonly heard: boolean[]
  readonly stop: () => void
  readonly ended: Promise<void>
}

function replica(server: Server, time: Time, identity: string): Replica {
  const ends = new AbortController()
  const heard: boolean[] = []
  const election = new Election({
    ...{ identity, timing: TIMING, signal: ends.signal, sleep: time.sleep, now: time.now },
    kube: server.kubeFor(identity),
    namespace: 'ns',
    name: 'lease',
    onChange: leads => heard.push(leads),
    onTrouble: () => undefined,
  })
  return { election, heard, stop: () => ends.abort(), ended: election.run() }
}

t.test('Election: one of two leads and renews; the other waits', async t => {
  const [server, time] = [new Server(), new Time()]
  const a = replica(server, time, 'a')
  await settled()
  const b = replica(server, time, 'b')
  await time.pass(60_000)
  t.ok(a.election.holds())
  t.notOk(b.election.holds())
  t.strictSame([a.heard, b.heard], [[true], []])
  t.equal(b.election.leader, 'a')
  t.ok(server.writes.every(who => who === 'a') && server.writes.length > 20)
  for (const one of [a, b]) one.stop()
  await Promise.all([a.ended, b.ended])
})

t.test(
  'a leader that is cut off leads no more before another can, and the other leads within twenty seconds',
  async t => {
    const [server, time] = [new Server(), new Time()]
    const a = replica(server, time, 'a')
    await settled()
    const b = replica(server, time, 'b')
    await time.pass(20_000)
    server.cutOff.add('a')
    const began = time.now()
    let lostMs = 0
    while (!b.election.holds()) {
      await time.pass(100)
      if (lostMs === 0 && !a.election.holds()) lostMs = time.now() - began
      t.notOk(a.election.holds() && b.election.holds(), 'never both')
    }
    t.ok(lostMs > 0 && lostMs <= TIMING.renewDeadlineMs + 100, `lost after ${lostMs} ms`)
    t.ok(time.now() - began <= 20_000, `taken over after ${time.now() - began} ms`)
    await time.pass(4000)
    t.strictSame(a.heard, [true, false])
    server.cutOff.clear()
    await time.pass(60_000)
    t.ok(b.election.holds() && !a.election.holds(), 'who comes back waits')
    t.equal(server.lease?.spec?.leaseTransitions, 1)
    for (const one of [a, b]) one.stop()
    await Promise.all([a.ended, b.ended])
  },
)

t.test('Election releases the lease at its end, and the other acquires it at its next try', async t => {
  const [server, time] = [new Server(), new Time()]
  const a = replica(server, time, 'a')
  await settled()
  const b = replica(server, time, 'b')
  await time.pass(5000)
  a.stop()
  await a.ended
  t.equal(server.lease?.spec?.holderIdentity, '')
  await time.pass(TIMING.retryMs)
  t.ok(b.election.holds())
  b.stop()
  await b.ended
})

t.test('Election.holds() is false after the renew deadline', async t => {
  const [server, time] = [new Server(), new Time()]
  const a = replica(server, time, 'a')
  await time.pass(1000)
  t.ok(a.election.holds())
  server.cutOff.add('a')
  await time.pass(TIMING.renewDeadlineMs + 1)
  t.notOk(a.election.holds())
  a.stop()
  await a.ended
})

const held: Lease = {
  metadata: { name: 'l', resourceVersion: '7' },
  spec: { holderIdentity: 'b', leaseDurationSeconds: 15 },
}
const TAKING: readonly (readonly [of: string, lease: Lease, sinceMs: number, may: boolean])[] = [
  ['no holder', { metadata: { name: 'l' } }, 0, true],
  ['a released lease', { ...held, spec: { holderIdentity: '' } }, 0, true],
  ['us', { ...held, spec: { holderIdentity: 'a' } }, 0, true],
  ['another, seen 15 s ago', held, 15_000, false],
  ['another, seen 15.001 s ago', held, 15_001, true],
  ['another that promised a minute', { ...held, spec: { ...held.spec, leaseDurationSeconds: 60 } }, 15_001, false],
]
for (const [of, lease, sinceMs, may] of TAKING)
  t.test(`mayTake() is ${may}: ${of}`, async t =>
    t.equal(mayTake(lease, 'a', { resourceVersion: '7', observedMs: 0 }, sinceMs, TIMING), may),
  )

t.test('taken() counts a transition, and a renewal keeps acquireTime', async t => {
  const now = new Date('2026-01-01T00:00:00Z')
  t.match(taken(held, 'a', now, TIMING), {
    spec: {
      holderIdentity: 'a',
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 1,
    },
  })
  const ours = taken(held, 'a', now, TIMING)
  t.match(taken(ours, 'a', new Date('2026-01-01T00:00:02Z'), TIMING), {
    spec: { acquireTime: '2026-01-01T00:00:00.000000Z', renewTime: '2026-01-01T00:00:02.000000Z', leaseTransitions: 1 },
  })
})
