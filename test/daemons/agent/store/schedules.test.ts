// Random schedules of agents that are killed, that lag, and of direct executables beside them: no
// address twice, none left, every living pod recorded.
import t from 'tap'
import { add } from '../../../../lib/ipam/pod/add.js'
import { release } from '../../../../lib/ipam/pod/release.js'
import { Refused } from '../../../../lib/ipam/errors.js'
import type { Pod, SpiderIPPool } from '../../../../lib/crd/types.js'
import type { Journal, Store } from '../../../../lib/ipam/store/store.js'
import { Schedule, World, type Process } from '../../../lib/ipam/world.js'
import { Agent } from './agents.js'

const SCHEDULES = Number(process.env['SCHEDULES'] ?? 100)
const [FIRST, LAST] = (process.env['SEEDS'] ?? `1-${SCHEDULES}`).split('-').map(Number)

const pool = (ips: string): SpiderIPPool => ({
  metadata: { name: 'small', uid: 'pool-uid' },
  spec: { ipVersion: 4, subnet: '10.1.0.0/24', ips: [ips] },
  status: { allocatedIPsProjected: false },
})

const FEATURES = { statefulSet: true, kubevirt: true, subnets: true }

interface Rates {
  readonly ips: string
  readonly killRate: number
  readonly lossRate: number
  readonly lagRate: number
  /** Calls of executables that talk to the API server themselves. */
  readonly directRate: number
  /** A second agent of the node, as during a rolling update. */
  readonly overlapRate: number
}

/** One writer a node: then nothing is left to the controller. */
const isAlone = ({ directRate, overlapRate }: Rates): boolean => directRate + overlapRate === 0

type Ended = 'ok' | 'failed' | 'killed'

class Node {
  readonly name: string
  readonly world: World
  readonly #rates: Rates
  /** Two during a rolling update. */
  #agents: Agent[] = []

  constructor(name: string, world: World, rates: Rates) {
    this.name = name
    this.world = world
    this.#rates = rates
  }

  /** One that runs; a killed one is started again, with empty caches. */
  agent(): Agent {
    const { random } = this.world.schedule
    this.#agents = this.#agents.filter(({ process }) => !process.killed)
    if (this.#agents.length === 0 || (this.#agents.length < 2 && random() < this.#rates.overlapRate))
      this.#agents.push(new Agent(this.world, this.name, this.#rates.lagRate))
    const [first, second = first] = this.#agents
    const chosen = random() < 0.5 ? first : second
    if (!chosen) throw new RangeError('no agent')
    return chosen
  }

  isDirect(): boolean {
    return this.world.schedule.random() < this.#rates.directRate
  }
}

interface Sandbox {
  readonly id: string
  readonly nic: string
}

class Kubelet {
  readonly world: World
  readonly node: Node
  readonly broken: string[] = []
  readonly #users: Map<string, string>

  constructor(node: Node, users: Map<string, string>) {
    this.node = node
    this.world = node.world
    this.#users = users
  }

  /** One call: of an agent, or of an executable of its own. */
  #call(
    command: 'ADD' | 'DEL',
    { uid, id }: { readonly uid: string; readonly id: string },
    own: Journal,
    work: (deps: { store: Store; journal: Journal }, process: Process) => Promise<void>,
  ): Promise<Ended> {
    const ended = (running: Promise<void>): Promise<Ended> =>
      running.then(
        () => 'ok',
        (error: unknown) => {
          if (error instanceof TypeError || error instanceof ReferenceError) this.broken.push(String(error.stack))
          return 'failed'
        },
      )
    if (this.node.isDirect()) {
      this.trace(command, 'direct', uid, id)
      return new Promise(resolve => {
        const process: Process = { killed: false, onKill: () => resolve('killed') }
        void ended(work({ store: this.world.port(process), journal: own }, process)).then(resolve)
      })
    }
    const agent = this.node.agent()
    this.trace(command, 'by agent', agent.id, 'pending', agent.pending, uid, id)
    const session = agent.session(command, uid, id)
    const journal = session.journalOf(own)
    const running = work({ store: session.store, journal }, agent.process).catch((error: unknown) => {
      const second = command === 'ADD' ? session.retryOf(error) : undefined
      if (!second) throw error
      return work({ store: second, journal }, agent.process)
    })
    return agent.during(ended(running), 'killed')
  }

  /** TRACE=1 prints the calls of a seed. */
  trace(...words: unknown[]): void {
    if (process.env['TRACE'] !== undefined) console.error(...words)
  }

  add(pod: Pod, { id, nic }: Sandbox): Promise<Ended> {
    const { namespace = '', name, uid = '' } = pod.metadata
    return this.#call('ADD', { uid, id }, this.world.journal(`${id}_${nic}`), async ({ store, journal }, process) => {
      const granted = await add(
        {
          ...{ pod: { namespace, name }, podUid: uid, nic, containerID: id },
          ...{ conf: { ipv4: ['small'], ipv6: [] }, cleanGateway: false, families: [4], features: FEATURES },
          ...{ agentNamespace: 'x', clusterNetwork: '' },
        },
        { store, journal, random: this.world.schedule.random },
      ).catch((error: unknown) => {
        if (error instanceof Refused && error.refusal === 'podReplaced') this.broken.push(`${name}: ${error.message}`)
        throw error
      })
      this.trace('added', name, id, nic, granted.nic.ipv4, process.killed)
      if (!process.killed) this.#use(granted.nic.ipv4 ?? '', `${id}/${nic}`)
    })
  }

  #use(address: string, user: string): void {
    const other = this.#users.get(address)
    if (other !== undefined && other !== user) this.broken.push(`${address} is used by ${other} and ${user}`)
    this.#users.set(address, user)
  }

  async del(pod: Pod, { id, nic }: Sandbox): Promise<void> {
    const { namespace = '', name, uid = '' } = pod.metadata
    // The DEL of one interface releases all of a pod that is being deleted.
    for (const [address, user] of this.#users) if (user.startsWith(`${id}/`)) this.#users.delete(address)
    for (let ended: Ended = 'killed'; ended !== 'ok';)
      ended = await this.#call('DEL', { uid, id }, this.world.journal(`${id}_${nic}`), async deps => {
        const request = { pod: { namespace, name }, podUid: uid, containerID: id, features: FEATURES, nic }
        this.trace('released', name, id, nic, await release(request, deps))
      })
  }
}

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'

class Cluster {
  readonly world: World
  readonly kubelets: readonly Kubelet[]
  readonly #isAlone: boolean
  #sandboxes = 0

  constructor(schedule: Schedule, rates: Rates) {
    this.#isAlone = isAlone(rates)
    this.world = new World(schedule, [pool(rates.ips)], rates.lossRate)
    const users = new Map<string, string>()
    this.kubelets = ['n1', 'n2'].map(name => new Kubelet(new Node(name, this.world, rates), users))
  }

  /** A pod on any node: sandboxes start and stop, then it is deleted. */
  async life(name: string): Promise<void> {
    const { world } = this
    const { random } = world.schedule
    const kubelet = this.kubelets[Math.floor(random() * this.kubelets.length)]
    if (!kubelet) return
    const nics = random() < 0.3 ? ['eth0', 'net1'] : ['eth0']
    const pod = world.pods.create({
      metadata: {
        ...{ namespace: 'default', name, uid: `uid-${world.id()}` },
        ...(nics.length > 1 && { annotations: { [NETWORKS]: 'second' } }),
      },
      spec: { nodeName: kubelet.node.name },
    })
    if (!pod) throw new RangeError('the pod is there')
    const rounds = 1 + Math.floor(random() * 3)
    for (let round = 1; round <= rounds; round++) {
      const id = `c${++this.#sandboxes}`
      const sandboxes = nics.map(nic => ({ id, nic }))
      const agent = kubelet.node.agent()
      const ended: Ended[] = []
      for (const sandbox of sandboxes) ended.push(await kubelet.add(pod, sandbox))
      if (this.#isAlone && ended.every(one => one === 'ok')) await this.#recorded(pod, agent, kubelet)
      if (round === rounds) await this.#terminate(pod)
      for (const sandbox of sandboxes) await kubelet.del(pod, sandbox)
    }
    const last = world.pods.objects.get(`default/${name}`)
    if (last) world.pods.remove(last, false)
  }

  /** What was given out is recorded, unless the agent was killed before. */
  async #recorded({ metadata: { name, uid } }: Pod, agent: Agent, kubelet: Kubelet): Promise<void> {
    const { world } = this
    const bystander: Process = { killed: false, onKill: () => undefined }
    while (agent.pending > 0 && !agent.process.killed) {
      bystander.killed = false
      await Promise.race([world.schedule.turn(bystander), new Promise(resolve => setTimeout(resolve, 5))])
    }
    if (agent.process.killed) return
    const record = world.endpoints.objects.get(`default/${name}`)
    const named = record?.status.current.uid === uid ? record?.status.current.ips.map(({ ipv4 }) => ipv4) : []
    const held = [...world.addresses.objects.values()].filter(({ spec }) => spec.pod.uid === uid)
    const missing = held.filter(({ spec }) => named?.includes(spec.address) !== true)
    if (missing.length > 0) kubelet.broken.push(`the record of ${name} lacks ${missing[0]?.spec.address}`)
  }

  async #terminate({ metadata: { name } }: Pod): Promise<void> {
    const key = `default/${name}`
    const pod = this.world.pods.objects.get(key)
    if (pod) this.world.pods.put(key, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: 'now' } })
  }

  /** Addresses of pods that are gone; with several writers the controller releases some. */
  left(): readonly string[] {
    if (!this.#isAlone) return []
    return [...this.world.addresses.objects.values()].map(({ spec }) => `${spec.address} of ${spec.pod.name}`)
  }
}

async function schedule(seed: number, rates: Rates): Promise<{ broken: readonly string[]; left: readonly string[] }> {
  const plan = new Schedule(seed)
  const cluster = new Cluster(plan, rates)
  let alive = 0
  const lives = Array.from({ length: 4 }, async (_, at) => {
    alive++
    for (let again = 0; again < 2; again++) await cluster.life(`p${at}`)
    alive--
  })
  await Promise.all([plan.run(rates.killRate, () => alive === 0), ...lives])
  return { broken: cluster.kubelets.flatMap(({ broken }) => broken), left: cluster.left() }
}

const RATES: readonly Rates[] = [
  { ips: '10.1.0.1-10.1.0.40', killRate: 0, lossRate: 0, lagRate: 0.1, directRate: 0, overlapRate: 0 },
  { ips: '10.1.0.1-10.1.0.12', killRate: 0.01, lossRate: 0, lagRate: 0.5, directRate: 0, overlapRate: 0 },
  { ips: '10.1.0.1-10.1.0.8', killRate: 0.01, lossRate: 0.05, lagRate: 0.9, directRate: 0.3, overlapRate: 0.05 },
  { ips: '10.1.0.1-10.1.0.4', killRate: 0.005, lossRate: 0, lagRate: 0.8, directRate: 0.1, overlapRate: 0.2 },
]

/** RATE=1 runs the second only. */
const CHOSEN = RATES.filter((_, at) => String(at) === (process.env['RATE'] ?? String(at)))

for (const rates of CHOSEN)
  t.test(`${JSON.stringify(rates)}: no address twice, none left of pods that are gone`, async t => {
    for (let seed = FIRST ?? 1; seed <= (LAST ?? 1); seed++) {
      const { broken, left } = await schedule(seed, rates)
      if (broken.length > 0 || left.length > 0) {
        t.strictSame({ broken, left }, { broken: [], left: [] }, `seed ${seed}`)
        return
      }
    }
    t.pass(`${(LAST ?? 1) - (FIRST ?? 1) + 1} schedules`)
  })
