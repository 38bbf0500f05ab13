// Random schedules of pods, sandboxes, kills and late DELs on a small pool: no double allocation.
import t from 'tap'
import { add } from '../../../lib/ipam/pod/add.js'
import { Refused } from '../../../lib/ipam/errors.js'
import { release } from '../../../lib/ipam/pod/release.js'
import type { SpiderIPPool } from '../../../lib/crd/types.js'
import { Schedule, World, type Process } from './world.js'

const SCHEDULES = Number(process.env['SCHEDULES'] ?? 1500)

const pool = (ips: string): SpiderIPPool => ({
  metadata: { name: 'small', uid: 'pool-uid' },
  spec: { ipVersion: 4, subnet: '10.1.0.0/24', ips: [ips] },
})

/** Addresses in use by sandbox, from the result of ADD to the start of DEL. */
class Uses {
  readonly #by = new Map<string, string>()
  readonly broken: string[] = []
  start(sandbox: string, addresses: readonly string[]): void {
    for (const address of addresses) {
      const other = this.#by.get(address)
      if (other !== undefined && other !== sandbox) this.broken.push(`${address} is used by ${other} and ${sandbox}`)
      this.#by.set(address, sandbox)
    }
  }
  stop(sandbox: string): void {
    for (const [address, user] of this.#by) if (user === sandbox) this.#by.delete(address)
  }
}

type Ended = 'ok' | 'failed' | 'killed'

/** Runs `work` as a process of its own, which the schedule may kill. */
function processOf(work: (process: Process) => Promise<void>): Promise<Ended> {
  return new Promise(resolve => {
    const process: Process = { killed: false, onKill: () => resolve('killed') }
    work(process).then(
      () => resolve('ok'),
      () => resolve('failed'),
    )
  })
}

class Kubelet {
  readonly world: World
  readonly uses: Uses
  #sandboxes = 0
  /** By pod UID: addresses returned by ADD belong to the pod until it is deleted. */
  readonly #due = new Map<string, string>()
  constructor(world: World, uses: Uses) {
    this.world = world
    this.uses = uses
  }

  addOf(ref: { namespace: string; name: string }, uid: string, sandbox: string, nic = 'eth0'): Promise<Ended> {
    const { world } = this
    return processOf(async process => {
      const store = world.port(process)
      const due = this.#due.get(uid)
      const granted = await add(
        {
          pod: ref,
          podUid: uid,
          nic,
          containerID: sandbox,
          conf: { ipv4: ['small'], ipv6: [] },
          cleanGateway: false,
          families: [4],
          features: { statefulSet: true, kubevirt: true, subnets: true },
          agentNamespace: 'x',
          clusterNetwork: '',
        },
        { store, journal: world.journal(`${sandbox}_${nic}`), random: world.schedule.random },
      ).catch((error: unknown) => {
        if (due !== undefined && error instanceof Refused && error.refusal === 'exhausted')
          this.uses.broken.push(`pod ${uid} had ${due}, and ADD of ${sandbox} failed with a full pool`)
        throw error
      })
      if (process.killed) return
      const { ipv4 = '' } = granted.nic
      this.uses.start(sandbox, [ipv4])
      if (due !== undefined && due !== ipv4) this.uses.broken.push(`pod ${uid} had ${due}, and ${sandbox} got ${ipv4}`)
      this.#due.set(uid, ipv4)
    })
  }

  async delOf(ref: { namespace: string; name: string }, uid: string, sandbox: string): Promise<void> {
    this.uses.stop(sandbox)
    const { world } = this
    for (let ended: Ended = 'killed'; ended !== 'ok';)
      ended = await processOf(async process => {
        await release(
          { pod: ref, podUid: uid, containerID: sandbox, features: { statefulSet: true, kubevirt: true } },
          { store: world.port(process), journal: world.journal(`${sandbox}_eth0`) },
        )
      })
  }

  /** One pod: sandboxes start and stop, some ADDs are killed, DELs are late, then it is deleted. */
  async life(ref: { namespace: string; name: string }): Promise<void> {
    const { world } = this
    const { random } = world.schedule
    const uid = world.id()
    world.pods.create({ metadata: { ...ref, uid }, spec: { nodeName: 'n1' } })
    const dels: Promise<void>[] = []
    const rounds = 1 + Math.floor(random() * 3)
    for (let round = 0; round < rounds; round++) {
      const sandbox = `c${++this.#sandboxes}`
      await this.addOf(ref, uid, sandbox)
      if (round < rounds - 1) {
        const del = this.delOf(ref, uid, sandbox)
        if (random() < 0.5) await del
        else dels.push(del)
      } else await this.end(ref, uid, sandbox, dels)
    }
    await Promise.all(dels)
  }

  async end(
    ref: { namespace: string; name: string },
    uid: string,
    sandbox: string,
    dels: Promise<void>[],
  ): Promise<void> {
    const { world } = this
    const key = `${ref.namespace}/${ref.name}`
    const pod = world.pods.objects.get(key)
    if (pod) world.pods.put(key, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: 'now' } })
    // Late DELs of earlier sandboxes finish before the kubelet removes the pod's object.
    await Promise.all(dels)
    await this.delOf(ref, uid, sandbox)
    world.pods.objects.delete(key)
    world.collectRecords()
    if (world.schedule.random() < 0.5) await this.delOf(ref, uid, sandbox)
  }
}

interface Rates {
  readonly ips: string
  readonly killRate: number
  readonly lossRate: number
}

async function schedule(
  seed: number,
  { ips, killRate, lossRate }: Rates,
): Promise<{ broken: string[]; left: string[] }> {
  const plan = new Schedule(seed)
  const world = new World(plan, [pool(ips)], lossRate)
  const uses = new Uses()
  const kubelet = new Kubelet(world, uses)
  let alive = 0
  const lives = Array.from({ length: 5 }, async (_, at) => {
    alive++
    for (let again = 0; again < 2; again++) await kubelet.life({ namespace: 'default', name: `p${at}` })
    alive--
  })
  await Promise.all([plan.run(killRate, () => alive === 0), ...lives])
  return { broken: uses.broken, left: [...world.addresses.objects.keys(), ...world.endpoints.objects.keys()] }
}

const RATES: readonly Rates[] = [
  { ips: '10.1.0.1-10.1.0.5', killRate: 0.03, lossRate: 0 },
  { ips: '10.1.0.1-10.1.0.8', killRate: 0.1, lossRate: 0 },
  { ips: '10.1.0.1-10.1.0.3', killRate: 0.02, lossRate: 0 },
  { ips: '10.1.0.1-10.1.0.5', killRate: 0.02, lossRate: 0.1 },
  { ips: '10.1.0.1-10.1.0.3', killRate: 0, lossRate: 0.2 },
]

for (const rates of RATES)
  t.test(`${JSON.stringify(rates)} a step: no address allocated twice, none leaked`, async t => {
    for (let seed = 1; seed <= SCHEDULES / RATES.length; seed++) {
      const { broken, left } = await schedule(seed, rates)
      if (broken.length > 0 || left.length > 0) {
        t.strictSame({ broken, left }, { broken: [], left: [] }, `seed ${seed}`)
        return
      }
    }
    t.pass(`${Math.floor(SCHEDULES / RATES.length)} schedules`)
  })
