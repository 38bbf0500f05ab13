// The agent killed before and after each write of a call, then the retry by a restarted agent or by
// an executable: one address an interface, which the record names, and none after the last DEL.
import t from 'tap'
import { gcVerdict, type GcRules } from '../../../../daemons/controller/reconcilers/address-gc/decide.js'
import { Refused } from '../../../../lib/ipam/errors.js'
import { add, type Granted } from '../../../../lib/ipam/pod/add.js'
import { release } from '../../../../lib/ipam/pod/release.js'
import type { Journal, Store } from '../../../../lib/ipam/store/store.js'
import type { Pod } from '../../../../lib/crd/types.js'
import { ip, objectNameOf } from '../../../../lib/ip/address.js'
import { claimantOf, poolObject } from '../../../fixtures/memory.js'
import { Schedule, World, type Process } from '../../../lib/ipam/world.js'
import { Agent } from './agents.js'

const WRITES: readonly (keyof Store)[] = [
  ...(['createAddress', 'updateAddress', 'deleteAddress', 'createEndpoint'] as const),
  ...(['replaceEndpoint', 'deleteEndpoint', 'clearEndpoint', 'writeAllocated'] as const),
]

/** Also kills where no other pod comes between: twice as long. */
const EVERY = process.env['EVERY'] !== undefined

interface Kill {
  /** The n-th write, counted from one. */
  readonly write: number
  /** Before: it never reaches the API server. After: the agent never learns that it has. */
  readonly side: 'before' | 'after'
}

const never = new Promise<never>(() => undefined)

/** A cluster whose armed process dies at a write. */
class KillWorld extends World {
  readonly writes: string[] = []
  #kill: Kill | undefined
  #armed: Process | undefined

  arm(process: Process, kill: Kill | undefined): void {
    this.writes.length = 0
    this.#armed = process
    this.#kill = kill
  }

  override port(process: Process): Store {
    const store = super.port(process)
    const deadly = Object.fromEntries(
      WRITES.map(name => [name, (...args: never[]) => this.#write(process, name, () => call(store, name, args))]),
    )
    return { ...store, ...deadly }
  }

  async #write(process: Process, name: string, write: () => Promise<unknown>): Promise<unknown> {
    if (process !== this.#armed) return write()
    if (process.killed) return never
    this.writes.push(name)
    const dies = (side: Kill['side']): boolean => this.#kill?.side === side && this.#kill.write === this.writes.length
    const [before, after] = [dies('before'), dies('after')]
    if (before) return die(process)
    const result = await write()
    return after ? die(process) : result
  }
}

const call = (store: Store, name: keyof Store, args: readonly never[]): Promise<unknown> =>
  (store[name] as (...args: readonly never[]) => Promise<unknown>)(...args)

function die(process: Process): Promise<never> {
  process.killed = true
  process.onKill()
  return never
}

/** Who executes the calls after the kill. */
type By = 'restarted agent' | 'agent that has listed nothing yet' | 'executable'
const BYS: readonly By[] = ['restarted agent', 'agent that has listed nothing yet', 'executable']

interface Kind {
  readonly name: string
  readonly pod: string
  readonly nics: readonly string[]
  readonly families: readonly (4 | 6)[]
  readonly owner?: 'StatefulSet'
  /** status.freeIPs, which a nearly full pool has. */
  readonly freeIPs?: readonly string[]
  /** status.allocatedIPs is written with Go agents. */
  readonly isShared?: true
}

const ONE = { nics: ['eth0'], families: [4] } as const
const KINDS: readonly Kind[] = [
  { name: 'a stateless pod', pod: 'web', ...ONE },
  { name: 'a StatefulSet pod', pod: 'db-0', ...ONE, owner: 'StatefulSet' },
  { name: 'a pod with two interfaces', pod: 'router', nics: ['eth0', 'net1'], families: [4] },
  { name: 'a dual-stack pod', pod: 'dual', nics: ['eth0'], families: [4, 6] },
  { name: 'a pod of a nearly full pool', pod: 'full', ...ONE, freeIPs: ['10.1.0.1-10.1.0.20'] },
  { name: 'a pod of a pool that Go agents use', pod: 'mixed', ...ONE, isShared: true },
]

const OLD_MS = 1_000_000
const GC_RULES: GcRules = {
  ...{ onReadyNodes: true, onNotReadyNodes: true, runningWithoutAddress: true },
  ...{ delayMs: 0, unrecordedMs: 240_000, releaseMs: 0 },
}
const FEATURES = { statefulSet: true, kubevirt: true, subnets: true }
const SET = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid-db' }
const ANY_FREE = '10.1.0.1-10.1.0.20'

/** One pod's life on one node. */
class Life {
  readonly world: KillWorld
  readonly kind: Kind
  readonly broken: string[] = []
  agent: Agent
  by: By | 'first agent' = 'first agent'
  pod: Pod
  /** Of a sandbox, by its ID. */
  readonly #pods = new Map<string, Pod>()
  #isOver = false

  constructor(kind: Kind) {
    this.kind = kind
    const status = {
      ...(kind.freeIPs && { freeIPs: kind.freeIPs }),
      ...(kind.isShared && { allocatedIPs: '{}' }),
    }
    const v4 = poolObject('small', { ips: [ANY_FREE] }, { metadata: { resourceVersion: '1' }, status })
    const v6 = poolObject('six', { ipVersion: 6, subnet: 'fd00::/64', ips: ['fd00::1-fd00::20'] })
    this.world = new KillWorld(new Schedule(1), [v4, v6])
    if (kind.owner) this.world.sets.create({ metadata: { namespace: 'default', ...SET }, spec: { replicas: 1 } })
    this.pod = this.#newPod()
    this.agent = new Agent(this.world, 'n1', 0)
    void this.world.schedule.run(0, () => this.#isOver)
  }

  #newPod(): Pod {
    const { kind, world } = this
    const pod = world.pods.create({
      metadata: {
        ...{ namespace: 'default', name: kind.pod, uid: `uid-${world.id()}` },
        ...(kind.nics.length > 1 && { annotations: { 'k8s.v1.cni.cncf.io/networks': 'second' } }),
        ...(kind.owner && { ownerReferences: [{ ...SET, controller: true }] }),
      },
      spec: { nodeName: 'n1' },
    })
    if (!pod) throw new RangeError('the pod exists')
    return pod
  }

  end(): void {
    this.#isOver = true
  }

  /** The next calls go to this one; a killed agent's memory is lost. */
  next(by: By): void {
    this.by = by
    if (by !== 'executable') this.agent = new Agent(this.world, 'n1', 0, by === 'restarted agent')
  }

  /** Another pod has the address until the returned function is called. */
  occupy(address: string): () => void {
    const object = this.world.hold(address, { pool: 'small', claimant: claimantOf('other', { node: 'n2' }) })
    return () => void this.world.addresses.remove(object, false)
  }

  #podOf(id: string): Pod {
    const pod = this.#pods.get(id) ?? this.pod
    this.#pods.set(id, pod)
    return pod
  }

  async #run<R>(
    { command, id }: { readonly command: 'ADD' | 'DEL'; readonly id: string },
    nic: string,
    work: (deps: { store: Store; journal: Journal }) => Promise<R>,
  ): Promise<R | 'killed'> {
    const own = this.world.journal(`${id}_${nic}`)
    if (this.by === 'executable') {
      const process: Process = { killed: false, onKill: () => undefined }
      return work({ store: this.world.port(process), journal: own })
    }
    const session = this.agent.session(command, this.#podOf(id).metadata.uid ?? '', id)
    const journal = session.journalOf(own)
    const running = work({ store: session.store, journal }).catch((error: unknown) => {
      const second = command === 'ADD' ? session.retryOf(error) : undefined
      if (!second) throw error
      return work({ store: second, journal })
    })
    return this.agent.during<R | 'killed'>(running, 'killed')
  }

  /** ADD of one interface. */
  async add(id: string, nic: string): Promise<Granted | 'killed'> {
    const { namespace = '', name, uid = '' } = this.#podOf(id).metadata
    const granted = await this.#run({ command: 'ADD', id }, nic, ({ store, journal }) =>
      add(
        {
          ...{ pod: { namespace, name }, podUid: uid, nic, containerID: id },
          ...{ conf: { ipv4: ['small'], ipv6: ['six'] }, cleanGateway: false, families: this.kind.families },
          ...{ features: FEATURES, agentNamespace: 'x', clusterNetwork: '' },
        },
        { store, journal, random: this.world.schedule.random },
      ),
    )
    if (granted !== 'killed') this.#compare(granted, { id, nic })
    return granted
  }

  #compare({ nic: { ipv4, ipv6 } }: Granted, { id, nic }: { readonly id: string; readonly nic: string }): void {
    const given = [ipv4, ipv6].filter(text => text !== undefined)
    if (given.length !== this.kind.families.length) this.broken.push(`${nic} got ${given.join(', ')}`)
    for (const text of given) {
      const { spec } = this.world.addresses.objects.get(`/${objectNameOf(ip(text.split('/')[0] ?? ''))}`) ?? {}
      const is = `${spec?.pod.uid} ${spec?.nic} ${spec?.containerID}`
      const expected = `${this.pod.metadata.uid} ${nic} ${id}`
      if (is !== expected) this.broken.push(`${text} was given to ${expected} and is held by ${is}`)
    }
  }

  del(id: string, nic: string): Promise<unknown> {
    const { namespace = '', name, uid = '' } = this.#podOf(id).metadata
    const request = { pod: { namespace, name }, podUid: uid, containerID: id, features: FEATURES, nic }
    return this.#run({ command: 'DEL', id }, nic, deps => release(request, deps))
  }

  /** All interfaces; `killed` where one of them was. */
  async each(act: 'add' | 'del', id: string): Promise<'done' | 'killed'> {
    for (const nic of this.kind.nics) if ((await this[act](id, nic)) === 'killed') return 'killed'
    return (await this.#settled()) ? 'done' : 'killed'
  }

  /** Records are written behind the answer, and watches lag. */
  async #settled(): Promise<boolean> {
    while (this.agent.late + this.agent.pending > 0) {
      if (this.agent.process.killed) return this.by === 'executable'
      await new Promise(resolve => setImmediate(resolve))
    }
    return !this.agent.process.killed || this.by === 'executable'
  }

  /** What the controller releases once the pod runs and an ADD may no longer be under way. */
  collect(): void {
    const endpoint = this.world.endpoints.objects.get(`default/${this.kind.pod}`)
    const named = endpoint?.status.current.ips.flatMap(({ ipv4 }) => ipv4?.split('/')[0] ?? []) ?? []
    const pod = { ...this.pod, status: { phase: 'Running', podIPs: named.map(one => ({ ip: one })) } }
    const retention = this.kind.owner ? 'kept' : 'none'
    const context = { pod, endpoint, node: 'ready', inUse: new Set<string>(), retention, ageMs: OLD_MS } as const
    for (const object of [...this.world.addresses.objects.values()])
      if (gcVerdict(object, { ...context, isOfNode: false }, GC_RULES).kind === 'free')
        this.world.addresses.remove(object, true)
  }

  terminate(): void {
    const key = `default/${this.kind.pod}`
    this.world.sets.put('default/db', { metadata: { namespace: 'default', ...SET }, spec: { replicas: 0 } })
    this.world.pods.put(key, { ...this.pod, metadata: { ...this.pod.metadata, deletionTimestamp: 'now' } })
  }

  replacePod(): void {
    this.world.pods.remove(this.pod, false)
    this.world.collectRecords()
    this.pod = this.#newPod()
  }

  held(): readonly string[] {
    return [...this.world.addresses.objects.values()]
      .filter(({ spec }) => spec.pod.name !== 'other')
      .map(({ spec }) => `${spec.address} ${spec.nic} ${spec.containerID}`)
  }

  /** Each interface has one address of each family, and the record names exactly those. */
  consistent(id: string): void {
    const recorded = this.world.endpoints.objects.get(`default/${this.kind.pod}`)?.status.current
    const named = recorded?.ips.flatMap(({ interface: nic, ipv4, ipv6 }) =>
      [ipv4, ipv6].filter(text => text !== undefined).map(text => `${text} ${nic} ${id}`),
    )
    const held = [...this.held()].sort().join('; ')
    const text = [...(named ?? [])].sort().join('; ')
    const count = this.kind.nics.length * this.kind.families.length
    if (this.held().length !== count) this.broken.push(`${count} interfaces and families hold ${held}`)
    if (held !== text || recorded?.uid !== this.pod.metadata.uid)
      this.broken.push(`the record of ${recorded?.uid} names ${text}, held: ${held}`)
  }
}

/** What is under way when the agent dies, and what has been before. */
interface Scene {
  readonly name: string
  before?(life: Life): Promise<void>
  act(life: Life): Promise<'done' | 'killed'>
  /** The runtime's retry: the sandbox that the pod has at the end. */
  readonly after: Readonly<Record<string, (life: Life) => Promise<string | undefined>>>
}

const started = async (life: Life, id: string): Promise<void> => {
  if ((await life.each('add', id)) !== 'done') throw new RangeError('the agent is not to die yet')
}

const AFTER_ADD: Scene['after'] = {
  'the same ADD': async life => {
    await life.each('add', 'c2')
    return 'c2'
  },
  'ADD of a new sandbox, late DEL': async life => {
    await life.each('add', 'c3')
    await life.each('del', 'c2')
    await life.each('del', 'c1')
    return 'c3'
  },
  'ADD of a new sandbox, no DEL': async life => {
    await life.each('add', 'c3')
    // Only a list would show an executable what another sandbox of the pod has left.
    if (life.by === 'executable') life.collect()
    return 'c3'
  },
  'DEL, ADD of a new sandbox': async life => {
    await life.each('del', 'c2')
    await life.each('add', 'c3')
    return 'c3'
  },
  'DEL of a pod that goes': async life => {
    life.terminate()
    await life.each('del', 'c2')
    await life.each('del', 'c1')
    return undefined
  },
}

const SCENES: readonly Scene[] = [
  { name: 'ADD', act: life => life.each('add', 'c2'), after: AFTER_ADD },
  {
    name: 'ADD of a second sandbox',
    before: life => started(life, 'c1'),
    act: life => life.each('add', 'c2'),
    after: AFTER_ADD,
  },
  {
    name: 'ADD of the next pod of the name',
    before: async life => {
      await started(life, 'c1')
      life.replacePod()
    },
    act: life => life.each('add', 'c2'),
    after: AFTER_ADD,
  },
  {
    name: 'DEL of a pod that lives',
    before: life => started(life, 'c2'),
    act: life => life.each('del', 'c2'),
    after: AFTER_ADD,
  },
  {
    name: 'DEL of a pod that goes',
    before: async life => {
      await started(life, 'c2')
      life.terminate()
    },
    act: life => life.each('del', 'c2'),
    after: {
      'DEL again': async life => {
        await life.each('del', 'c2')
        return undefined
      },
    },
  },
]

interface Case {
  readonly kind: Kind
  readonly scene: Scene
  readonly by: By
  readonly after: string
  readonly kill: Kill
  /** The address that the pod tries first is another pod's until the agent dies. */
  readonly busy: string | undefined
}

/** The scene up to the end of its call, or the death of the agent. */
async function played({ kind, scene, busy }: Pick<Case, 'kind' | 'scene' | 'busy'>, kill?: Kill): Promise<Life> {
  const life = new Life(kind)
  const free = busy === undefined ? undefined : life.occupy(busy)
  await scene.before?.(life)
  life.world.arm(life.agent.process, kill)
  const end = await scene.act(life)
  if ((end === 'killed') !== (kill !== undefined)) throw new RangeError(`${scene.name}: ${end}`)
  free?.()
  return life
}

/** What is wrong after one case. */
async function faultsOf(one: Case): Promise<readonly string[]> {
  const life = await played(one, one.kill)
  life.next(one.by)
  try {
    const id = await one.scene.after[one.after]?.(life)
    if (id !== undefined) {
      life.consistent(id)
      life.terminate()
      await life.each('del', id)
    }
    if (life.held().length > 0) life.broken.push(`left: ${life.held().join('; ')}`)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    life.broken.push(`refused: ${error.message}`)
  } finally {
    life.end()
  }
  return life.broken
}

/** The address that this pod tries first. */
async function firstOf(kind: Kind): Promise<string> {
  const life = new Life(kind)
  await started(life, 'c1')
  life.end()
  const address = [...life.world.addresses.objects.values()].find(({ spec }) => spec.nic === 'eth0')?.spec.address
  return address?.split('/')[0] ?? ''
}

async function* casesOf(kind: Kind, scene: Scene): AsyncGenerator<Case> {
  const first = await firstOf(kind)
  for (const busy of EVERY ? [undefined, first] : [first]) {
    const whole = await played({ kind, scene, busy })
    const { length } = whole.world.writes
    whole.end()
    for (let write = 1; write <= length; write++)
      for (const side of ['before', 'after'] as const)
        for (const by of BYS)
          for (const after of Object.keys(scene.after)) yield { kind, scene, by, after, kill: { write, side }, busy }
  }
}

for (const kind of KINDS)
  for (const scene of SCENES)
    t.test(`the agent killed at each write of the ${scene.name} of ${kind.name}`, async t => {
      const broken: string[] = []
      let cases = 0
      for await (const one of casesOf(kind, scene)) {
        const { kill, after, by, busy } = one
        const about = `${kill.side} write ${kill.write}; ${after} by ${by}${busy === undefined ? '' : '; another pod has gone'}`
        broken.push(...(await faultsOf(one)).map(fault => `${about}: ${fault}`))
        cases++
      }
      t.ok(cases > 0, `${cases} cases`)
      t.strictSame(broken, [])
    })
