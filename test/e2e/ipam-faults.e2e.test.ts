// spiderpool-ipam with every failure of every API request: bounded retries, the right code, no
// address allocated twice or leaked.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t, { type Test } from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { containerId, openCluster, poolAnnotation, SPIDER, type PodRef } from '../fixtures/cluster.js'
import { cniEnv, runExecutable } from '../fixtures/executable.js'
import { isWrite, on, type Asked, type Fault } from '../fixtures/faults.js'
import { startFaulty, type Faulty, type Passed } from '../fixtures/faulty-apiserver.js'
import { must } from '../fixtures/netns.js'

const server = await startApiserver({ args: ['--no-embedded-controller'] })
const cluster = openCluster(server.kubeconfig)
const folder = mkdtempSync(`${tmpdir()}/faults-`)
const netns = `faults${process.pid}`
must(`ip netns add ${netns}`)
t.teardown(async () => {
  must(`ip netns del ${netns}`)
  rmSync(folder, { recursive: true })
  await server.stop()
})
const POOL = `faults-${process.pid}`
await cluster.pool(POOL, { subnet: '10.71.0.0/16', ips: ['10.71.1.0-10.71.9.255'] })

/** Concurrency for a machine of two cores with other tests. */
t.jobs = 4

interface Answer {
  readonly code?: number
  readonly msg?: string
  readonly ips?: readonly { readonly address: string }[]
}

interface Call {
  readonly status: number | null
  readonly answer: Answer
  readonly passed: readonly Passed[]
}

interface Bench {
  readonly faulty: Faulty
  readonly pod: PodRef
  call(verb: string): Promise<Call>
  held(): Promise<readonly string[]>
  recorded(): Promise<readonly string[]>
}

let pods = 0

/** `inherits`: the name may be that of a StatefulSet pod; then its record is read first. */
async function open(t: Test, { inherits = false, pool = POOL } = {}): Promise<Bench> {
  const faulty = await startFaulty(server.kubeconfig)
  t.teardown(() => faulty.stop())
  const pod = await cluster.pod(`faults-${process.pid}-${pods++}${inherits ? '' : 'x'}`, poolAnnotation(pool))
  const containerID = containerId()
  const ipam = { type: 'spiderpool', kubeconfig: faulty.kubeconfig, log_file_path: `${folder}/${pod.name}.log` }
  const stdin = JSON.stringify({ cniVersion: '1.0.0', name: 'faults', type: 'any', ipam })
  return {
    ...{ faulty, pod },
    async call(verb) {
      const from = faulty.passed.length
      const env = cniEnv({ verb, containerID, netns: `/run/netns/${netns}`, pod })
      const { status, json } = await runExecutable({ name: 'spiderpool-ipam', env, stdin })
      return { status, answer: (json ?? {}) as Answer, passed: faulty.passed.slice(from) }
    },
    held: async () =>
      (await cluster.addresses(pool)).filter(({ spec }) => spec.pod.uid === pod.uid).map(({ spec }) => spec.address),
    async recorded() {
      const mine = (await cluster.endpoints()).filter(({ metadata: { name } }) => name === pod.name)
      return (mine as unknown as readonly Recorded[]).flatMap(({ status }) =>
        status.current.ips.map(({ ipv4 }) => ipv4),
      )
    },
  }
}

interface Recorded {
  readonly status: { readonly current: { readonly ips: readonly { readonly ipv4: string }[] } }
}

const REQUESTS: Readonly<Record<string, (asked: Asked) => boolean>> = {
  'the read of the pod': ({ method, path }) => method === 'GET' && /\/pods\/[^/]+$/.test(path),
  'the read of the record': ({ method, path }) => method === 'GET' && /\/spiderendpoints\/[^/]+$/.test(path),
  'the list of reserved addresses': ({ path }) => path.endsWith('/spiderreservedips'),
  'the read of the pool': ({ path }) => /\/spiderippools\/[^/]+$/.test(path),
  'the creation of the address': ({ method, path }) => method === 'POST' && path.endsWith('/spideripaddresses'),
  'the creation of the record': ({ method, path }) => method === 'POST' && path.endsWith('/spiderendpoints'),
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'answered 429': { kind: 'status', status: 429, retryAfterS: 1 },
  'answered 500': { kind: 'status', status: 500 },
  'answered 503': { kind: 'status', status: 503 },
  'carried out and answered 500': { kind: 'statusAfter', status: 500 },
  'carried out and answered 504': { kind: 'statusAfter', status: 504 },
  'never answered': { kind: 'silent' },
  'carried out and never answered': { kind: 'silentAfter' },
  'cut off': { kind: 'cut' },
  'carried out and cut off': { kind: 'cutAfter' },
  'cut off within the answer': { kind: 'half' },
}
/** A concurrent quota update is a conflict; a read never conflicts. */
const OF_WRITES: Readonly<Record<string, Fault>> = { 'answered 409': { kind: 'status', status: 409 } }

/** Requests of an ADD without failures: docs/requests.md. */
const asks = (inherits: boolean): number => Object.keys(REQUESTS).length - (inherits ? 0 : 1)

async function allGoes(t: Test, { pod, call, held, recorded }: Bench): Promise<void> {
  await cluster.removePod(pod)
  t.equal((await call('DEL')).status, 0)
  t.strictSame({ held: await held(), recorded: await recorded() }, { held: [], recorded: [] }, 'nothing is left')
}

/** Ten seconds of silence each. */
const SILENCED = ['the read of the pod', 'the creation of the address', 'the creation of the record']

for (const [request, which] of Object.entries(REQUESTS))
  for (const [suffers, fault] of Object.entries({ ...FAULTS, ...(request.includes('creation') && OF_WRITES) })) {
    if (suffers.includes('never') && !SILENCED.includes(request)) continue
    t.test(`${request} is ${suffers}, once`, async t => {
      const inherits = request === 'the read of the record'
      const bench = await open(t, { inherits })
      bench.faulty.judge = on(which, fault, 1)
      const { status, answer, passed } = await bench.call('ADD')
      t.equal(status, 0, answer.msg ?? 'ADD')
      const addresses = (answer.ips ?? []).map(({ address }) => address)
      t.strictSame(await bench.held(), addresses)
      t.strictSame(await bench.recorded(), addresses)
      // One retry, and after a write a read. A record that is refused once counts as existing.
      const more = request === 'the creation of the record' ? 6 : 2
      t.ok(passed.length <= asks(inherits) + more, `${passed.length} requests`)
      await allGoes(t, bench)
    })
  }

/** Five tries of a request (lib/kube), three of a claim or record, with a read in between. */
const TRIES_MAX = 5
const WRITES_MAX = 3
/** Record in conflict: one create, then eight tries to write it. */
const CONFLICTS_MAX = 9

const ALWAYS = [
  { suffers: 'answered 429', says: /received too many requests/, tries: TRIES_MAX },
  { suffers: 'answered 500', says: /etcdserver: leader changed/, tries: WRITES_MAX },
  { suffers: 'answered 503', says: /currently unable to handle the request/, tries: WRITES_MAX },
  { suffers: 'cut off', says: /the connection was closed before an answer came/, tries: WRITES_MAX },
  { suffers: 'answered 409', says: /has been modified|written by others/, tries: CONFLICTS_MAX },
] as const

for (const request of ['the read of the pod', 'the creation of the address', 'the creation of the record'])
  for (const { suffers, says, tries } of ALWAYS) {
    const which = REQUESTS[request]
    const fault = { ...FAULTS, ...(request.includes('creation') && OF_WRITES) }[suffers]
    if (!which || !fault) continue
    t.test(`${request} is ${suffers}, each time`, async t => {
      const bench = await open(t)
      bench.faulty.judge = on(which, fault)
      const { status, answer, passed } = await bench.call('ADD')
      t.equal(status, 1)
      t.equal(answer.code, 11, 'the runtime is to try again')
      t.match(answer.msg, /^spiderpool IP allocation error: /)
      t.match(answer.msg, says)
      const tried = passed.filter(which)
      // Bun retries a read by itself where a keep-alive connection is closed.
      const max = which({ method: 'GET', path: '/pods/x', isWatch: false }) ? 2 * TRIES_MAX : tries
      t.ok(tried.length >= WRITES_MAX && tried.length <= max, `${tried.length} tries`)
      if (suffers === 'answered 429') {
        const gaps = tried.slice(1).map(({ atMs }, at) => atMs - (tried[at]?.atMs ?? atMs))
        t.ok(Math.min(...gaps) >= 1_000, `waits for Retry-After: ${gaps.join(', ')} ms`)
      }
      bench.faulty.judge = () => undefined
      await allGoes(t, bench)
    })
  }

const isAddress = ({ path }: Asked): boolean => path.includes('/spideripaddresses')

t.test('DEL releases an address that was created without a response, pod alive or not', async t => {
  for (const lives of [true, false]) {
    const bench = await open(t)
    bench.faulty.judge = asked => (isAddress(asked) ? { kind: isWrite(asked) ? 'cutAfter' : 'cut' } : undefined)
    t.match(await bench.call('ADD'), { status: 1, answer: { code: 11 } })
    t.equal((await bench.held()).length, 1, 'created without a response')
    bench.faulty.judge = () => undefined
    if (!lives) await cluster.removePod(bench.pod)
    t.equal((await bench.call('DEL')).status, 0)
    t.strictSame(await bench.held(), [], `the pod ${lives ? 'lives' : 'is gone'}`)
  }
})

t.test(
  'a creation that is carried out after it was looked for, and tried again, is one address and not two',
  async t => {
    const pool = `late-${process.pid}`
    const ips = ['10.72.0.1-10.72.0.9']
    await cluster.pool(pool, { subnet: '10.72.0.0/16', ips })
    const path = `${SPIDER}/spiderippools/${pool}`
    await cluster.api.replace(`${path}/status`, { ...(await cluster.api.read(path)), status: { freeIPs: ips } })
    const bench = await open(t, { pool })
    let creations = 0
    bench.faulty.judge = ({ method, path }) => {
      if (method !== 'POST' || !path.endsWith('/spideripaddresses')) return undefined
      return creations++ === 0 ? { kind: 'cutThen', ms: 300 } : { kind: 'late', ms: 600 }
    }
    const { status, answer } = await bench.call('ADD')
    t.equal(status, 0, answer.msg ?? 'ADD')
    t.equal(creations, 2)
    t.strictSame(
      await bench.held(),
      (answer.ips ?? []).map(({ address }) => address),
    )
    await allGoes(t, bench)
  },
)

t.test('DEL succeeds within its limit whatever the API server does, and the next one releases', async t => {
  for (const [suffers, fault] of Object.entries({ ...FAULTS, ...OF_WRITES })) {
    if (suffers.includes('never')) continue
    const bench = await open(t)
    t.equal((await bench.call('ADD')).status, 0)
    await cluster.removePod(bench.pod)
    bench.faulty.judge = on(isWrite, fault)
    const { status, passed } = await bench.call('DEL')
    t.equal(status, 0, suffers)
    t.ok(passed.length <= 10 + TRIES_MAX, `${suffers}: ${passed.length} requests`)
    bench.faulty.judge = () => undefined
    t.equal((await bench.call('DEL')).status, 0)
    t.strictSame([...(await bench.held()), ...(await bench.recorded())], [], `${suffers}: nothing is left`)
  }
})

t.test('ADD fails soon for an unreachable API server, and names it', async t => {
  const bench = await open(t)
  await bench.faulty.leave()
  const { status, answer } = await bench.call('ADD')
  t.equal(status, 1)
  t.equal(answer.code, 11)
  t.match(
    answer.msg,
    /^spiderpool IP allocation error: the API server https:.* cannot be reached: nothing listens there/,
  )
  t.equal((await bench.call('DEL')).status, 0)
  await bench.faulty.comeBack()
  t.equal((await bench.call('ADD')).status, 0)
  await allGoes(t, bench)
})
