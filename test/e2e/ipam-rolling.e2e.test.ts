// Go agents come and go beside our executables: a pool marked before, rolling upgrade and rollback.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t, { type Test } from 'tap'
import { NO_CONTROLLER } from '../fixtures/apiserver.js'
import type { PodRef } from '../fixtures/cluster.js'
import { eventually, startController, type ControllerFixture } from '../fixtures/controller.js'
import { openGo } from '../fixtures/go-allocator.js'
import { first, openIpam, type Sandbox } from '../fixtures/ipam.js'
import { restOf } from '../fixtures/rest.js'
import { POOLS } from '../fixtures/seed-allocations.js'

const ipam = await openIpam()
const { cluster, name, sandbox } = ipam
const rest = restOf(ipam.kubeconfig)
const go = openGo(rest, () => Math.random() * 10)
const folder = mkdtempSync(`${tmpdir()}/rolling-`)
t.teardown(async () => {
  rest.close()
  rmSync(folder, { recursive: true })
  await ipam.stop()
})

const SETS = '/apis/apps/v1/namespaces/default/daemonsets'
const OURS = { 'spiderpool.spidernet.io/implementation': 'typescript' }
type System = 'go' | 'ours'

const bare = (address: string | undefined): string => (address ?? '').replace(/\/.*$/, '')
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

let nets = 0
async function poolOf(text: string, size: number): Promise<string> {
  const net = `10.191.${nets++}`
  await cluster.pool(name(text), { subnet: `${net}.0/24`, ips: [`${net}.10-${net}.${9 + size}`] })
  return name(text)
}

const templateOf = (system: System, set: string) => ({
  metadata: { labels: { app: set, ...(system === 'ours' && OURS) } },
  spec: { hostNetwork: true, containers: [{ name: 'spiderpool-agent', image: 'i', args: ['daemon'] }] },
})

/** A DaemonSet of the template of one system. */
async function install(system: System, set: string): Promise<{ readonly uid: string }> {
  const spec = { selector: { matchLabels: { app: set } }, template: templateOf(system, set) }
  const { body, status } = await rest.ask('POST', SETS, { body: { metadata: { name: set }, spec } })
  if (status !== 201) throw new Error(`POST DaemonSet ${set}: ${status} ${JSON.stringify(body)}`)
  return body['metadata'] as unknown as { readonly uid: string }
}

async function setTemplate(system: System, set: string): Promise<void> {
  const body = { spec: { template: templateOf(system, set) } }
  const path = `${SETS}/${set}`
  const { body: before } = await rest.ask('GET', path)
  const { status } = await rest.ask('PUT', path, {
    body: { ...before, spec: { ...(before['spec'] as object), ...body.spec } },
  })
  if (status !== 200) throw new Error(`PUT DaemonSet ${set}: ${status}`)
}

const agentPod = (system: System, { set, uid, text }: { set: string; uid: string; text: string }): Promise<PodRef> =>
  cluster.pod(
    name(text),
    {},
    {
      owner: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: set, uid },
      labels: templateOf(system, set).metadata.labels,
      containers: templateOf(system, set).spec.containers,
    },
  )

/** What is allocated to whom; an address of two holders fails the test. */
class Ledger {
  readonly #test: Test
  readonly #pool: string
  readonly #held = new Map<string, { readonly holder: string; readonly end: () => Promise<unknown> }>()
  readonly #ending = new Set<object>()
  #made = 0

  constructor(test: Test, pool: string) {
    this.#test = test
    this.#pool = pool
  }

  get size(): number {
    return this.#held.size
  }

  #begin(ip: string, holder: string, end: () => Promise<unknown>): void {
    const other = this.#held.get(ip)
    if (other) this.#test.fail(`${ip} is of ${other.holder} and of ${holder}`)
    this.#held.set(ip, { holder, end })
  }

  async ours(): Promise<void> {
    const pod = await cluster.pod(name(`ours-${nets}-${this.#made++}`), {
      'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: [this.#pool] }),
    })
    const box: Sandbox = sandbox(pod)
    const answer = await box.add()
    if (answer.code !== undefined) return void this.#test.equal(answer.code, 11, String(answer.msg))
    const ip = bare(first(answer))
    this.#begin(ip, pod.name, async () => {
      await cluster.removePod(pod)
      this.#held.delete(ip)
      await box.del()
    })
  }

  async go(): Promise<void> {
    const uid = name(`go-${nets}-${this.#made++}`)
    const pod = await cluster.pod(uid, {})
    const ip = bare(await go.allocate(this.#pool, pod))
    if (ip === '') return void (await cluster.removePod(pod))
    this.#begin(ip, uid, async () => {
      await cluster.removePod(pod)
      this.#held.delete(ip)
      await go.release(this.#pool, ip, pod.uid)
    })
  }

  async end(at: number): Promise<void> {
    const entries = [...this.#held.values()].filter(entry => !this.#ending.has(entry))
    const entry = entries[Math.floor(at * entries.length)]
    if (!entry) return
    this.#ending.add(entry)
    await entry.end()
  }
}

/** mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Some calls at once of those systems that have a running agent. */
async function work(ledger: Ledger, random: () => number, hasGo: boolean): Promise<void> {
  for (let round = 0; round < 3; round++)
    await Promise.all(
      Array.from({ length: 4 }, () => {
        const choice = random()
        if (choice < 0.25) return ledger.end(random())
        return choice < 0.6 && hasGo ? ledger.go() : ledger.ours()
      }),
    )
}

const stateOf = async (pool: string): Promise<unknown> =>
  (await rest.ask('GET', `${POOLS}/${pool}`)).body['metadata']?.['annotations']?.['ipam.spidernet.io/allocated-ips']
async function becomes(t: Test, pool: string, state: string | undefined, when: string): Promise<void> {
  await eventually(async () => ((await stateOf(pool)) === state ? true : undefined), 20_000)
  t.equal(await stateOf(pool), state, when)
}

async function lead(text: string, conf: string): Promise<ControllerFixture> {
  const file = `${folder}/${text}.yml`
  writeFileSync(file, `enableIPv4: true\nenableIPv6: true\nenableStatefulSet: true\n${conf}`)
  const controller = await startController(ipam.kubeconfig, {
    name: name(text),
    env: { SPIDERPOOL_GC_UNRECORDED_GRACE: '1', SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION: '2' },
    args: ['daemon', '--config-path', file],
  })
  await controller.said('started leading', 30_000)
  return controller
}

/** Between its pod and its first allocation a Go agent takes longer; the text is then complete. */
const AGENT_STARTS_MS = 1_500

const CASES: readonly (readonly [set: string, conf: string, without: string | undefined])[] = [
  ['spiderpool-agent', '', 'kept'],
  ['net-agent', 'projectAllocatedIPs: false\n', undefined],
]
const SEEDS = (process.env['SEEDS'] ?? '1').split(',').map(Number)
for (const seed of SEEDS)
  for (const [set, conf, without] of CASES)
    t.test(
      `ADDs while DaemonSet ${set} is installed, upgraded to ours and rolled back: no address twice (seed ${seed})`,
      async t => {
        const random = randomOf(seed)
        const pool = await poolOf(`roll-${set}-${seed}`, 40)
        const controller = await lead(`roll-${set}-${seed}`, conf)
        t.teardown(() => controller.end('SIGTERM'))
        const ledger = new Ledger(t, pool)
        await work(ledger, random, false)
        // `kept` where an earlier case left records of Go in another pool.
        t.ok([undefined, 'kept'].includes((await stateOf(pool)) as string | undefined), 'marked, before Go')

        const { uid } = await install('go', set)
        t.teardown(() => rest.ask('DELETE', `${SETS}/${set}`))
        const pods: PodRef[] = []
        const roll = async (at: number, system: System, text: string): Promise<void> => {
          const before = pods[at]
          if (before) await cluster.removePod(before)
          pods[at] = await agentPod(system, { set, uid, text: `${text}-${set}-${seed}-${at}` })
        }
        for (const at of [0, 1, 2]) await roll(at, 'go', 'first')
        await becomes(t, pool, 'shared', 'with Go agents')
        await sleep(AGENT_STARTS_MS)
        await work(ledger, random, true)

        await setTemplate('ours', set)
        for (const at of [0, 1]) {
          await roll(at, 'ours', 'up')
          await work(ledger, random, true)
          t.equal(await stateOf(pool), 'shared', `with ${2 - at} Go agents`)
        }
        await roll(2, 'ours', 'up')
        await becomes(t, pool, without, 'with our agents alone')
        await work(ledger, random, false)

        await setTemplate('go', set)
        await becomes(t, pool, 'shared', 'by the template, before the first Go agent')
        await sleep(AGENT_STARTS_MS)
        for (const at of [0, 1, 2]) {
          await roll(at, 'go', 'back')
          await work(ledger, random, true)
        }
        t.ok(ledger.size > 0)
        await Promise.all(pods.map(pod => cluster.removePod(pod)))
      },
    )

t.test(
  'the standalone server: Go agents appear beside a pool with the mark',
  { skip: process.env['SPIDERPOOL_TEST_KUBECONFIG'] !== undefined && NO_CONTROLLER },
  async t => {
    for (const by of ['DaemonSet', 'Pod'] as const) {
      const pool = await poolOf(`alone-${by.toLowerCase()}`, 4)
      const ledger = new Ledger(t, pool)
      await ledger.ours()
      await ledger.ours()
      const textOf = async (): Promise<number> => Object.keys(await go.records(pool)).length
      t.equal(await textOf(), 0, 'marked: no text')
      const set = `alone-${by.toLowerCase()}`
      if (by === 'DaemonSet') await install('go', set)
      const { containers } = templateOf('go', set).spec
      const pod = by === 'Pod' ? await cluster.pod(name(set), {}, { containers }) : undefined
      await eventually(async () => ((await textOf()) === 2 ? true : undefined))
      t.equal(await textOf(), 2, `${by}: the text has what is allocated`)
      await ledger.go()
      await ledger.ours()
      t.equal(ledger.size, 4)
      t.equal(await go.allocate(pool, { name: 'late', uid: 'late' }), undefined, 'Go finds it full')
      if (pod) await cluster.removePod(pod)
      else await rest.ask('DELETE', `${SETS}/${set}`)
    }
  },
)
