// The second table of docs/requests.md: requests of calls that an agent executes, before the answer
// and behind it.
import { isWrite, type Asked } from '../fixtures/faults.js'
import { startAgent, type AgentFixture } from '../fixtures/agent.js'
import { containerId, openCluster, type Cluster, type PodMore, type PodRef } from '../fixtures/cluster.js'
import { cniEnv } from '../fixtures/executable.js'
import { startApiserver } from '../fixtures/apiserver.js'
import { startFaulty, type Faulty } from '../fixtures/faulty-apiserver.js'
import { nodeEnv } from '../fixtures/node-config.js'

export interface AgentRow {
  readonly pod: string
  readonly call: string
  readonly path: readonly Asked[]
  readonly behind: readonly Asked[]
}

export interface AgentRowsDeps {
  readonly netns: string
  readonly ippool: (value: object) => Record<string, string>
}

/** Longer than the agent waits before it writes a record. */
const BEHIND_MS = 600
/** A tenth of a second apart. */
const READY_TRIES_MAX = 300

class Lane {
  readonly rows: AgentRow[] = []
  readonly #faulty: Faulty
  readonly #agent: AgentFixture
  readonly #netns: string

  constructor(faulty: Faulty, agent: AgentFixture, netns: string) {
    this.#faulty = faulty
    this.#agent = agent
    this.#netns = netns
  }

  async call(verb: string, pod: PodRef, containerID: string, { ipam = {}, ifName = 'eth0' } = {}): Promise<void> {
    const env = cniEnv({ verb, containerID, netns: `/run/netns/${this.#netns}`, ifName, pod })
    const conf = { cniVersion: '1.0.0', name: 'requests', type: 'any' }
    const stdin = JSON.stringify({ ...conf, ipam: { type: 'spiderpool', log_file_path: '/dev/null', ...ipam } })
    const { json } = await this.#agent.ask('POST', '/v1/cni/spiderpool-ipam', { env, stdin })
    const { exitCode, stdout } = json as { readonly exitCode: number; readonly stdout: string }
    if (exitCode !== 0 && !stdout.includes('used out')) throw new Error(`${verb}: ${stdout}`)
  }

  /** The call, and a row of the table. */
  async count(pod: string, call: string, calling: () => Promise<void>): Promise<void> {
    await this.settled()
    const [before] = [this.#asked().length]
    await calling()
    const between = this.#asked().length
    await this.settled()
    const all = this.#asked()
    this.rows.push({ pod, call, path: all.slice(before, between), behind: all.slice(between) })
  }

  /** The caches show what was done before, and nothing is left to write. */
  async settled(): Promise<void> {
    for (let seen = -1; seen !== this.#asked().length;) {
      seen = this.#asked().length
      await new Promise(resolve => setTimeout(resolve, BEHIND_MS))
    }
  }

  #asked(): readonly Asked[] {
    return this.#faulty.passed.filter(({ isWatch }) => !isWatch)
  }
}

/** Rows of one agent on node n1, in order. */
export async function agentRows(deps: AgentRowsDeps): Promise<readonly AgentRow[]> {
  const server = await startApiserver({ standalone: true, args: ['--no-embedded-controller'] })
  const faulty = await startFaulty(server.kubeconfig)
  const agent = await startAgent(faulty.kubeconfig, { env: nodeEnv() })
  try {
    for (let tries = 0; (await agent.health('readiness')).status !== 200; tries++) {
      if (tries === READY_TRIES_MAX) throw new Error((await agent.health('readiness')).text)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    const lane = new Lane(faulty, agent, deps.netns)
    await lives(lane, openCluster(server.kubeconfig), deps)
    return lane.rows
  } finally {
    await agent.end('SIGTERM')
    await faulty.stop()
    await server.stop()
  }
}

async function ownerOf({ api }: Cluster, kind: string, name: string): Promise<NonNullable<PodMore['owner']>> {
  const labels = { a: 'b' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const spec = { replicas: 2, serviceName: 's', selector: { matchLabels: labels }, template }
  const object = { apiVersion: 'apps/v1', kind, metadata: { name, namespace: 'default' }, spec }
  const made = await api.create(`${kind.toLowerCase()}s`, object)
  return { apiVersion: 'apps/v1', kind, name, uid: made.metadata.uid ?? '' }
}

async function lives(lane: Lane, cluster: Cluster, { ippool }: AgentRowsDeps): Promise<void> {
  await cluster.pool('four', { subnet: '10.61.0.0/16', ips: ['10.61.0.1-10.61.250.250'] })
  await cluster.pool('six', { subnet: 'fd61::/64', ips: ['fd61::1-fd61::ffff'] })
  await cluster.pool('full', { subnet: '10.65.0.0/24', ips: [] })
  await cluster.pool('anybody', { subnet: '10.63.0.0/16', ips: ['10.63.0.1-10.63.250.250'], default: true })
  const set = await ownerOf(cluster, 'StatefulSet', 'set')
  const replicaSet = await ownerOf(cluster, 'ReplicaSet', 'web-1')
  const FOUR = ippool({ ipv4: ['four'] })
  const ofSet = { owner: set }
  /** With its grace period, as kubelets find it. */
  const terminate = ({ namespace, name }: PodRef): Promise<unknown> =>
    cluster.api.remove(`/api/v1/namespaces/${namespace}/pods/${name}`)
  const life = async (
    title: string,
    name: string,
    {
      annotations = FOUR,
      more = {},
      ipam = {},
    }: { annotations?: Record<string, string>; more?: PodMore; ipam?: object },
  ): Promise<void> => {
    const pod = await cluster.pod(name, annotations, { node: 'n1', ...more })
    const id = containerId()
    await lane.count(title, 'ADD', () => lane.call('ADD', pod, id, { ipam }))
    await terminate(pod)
    await lane.count(title, 'DEL, the pod is terminating', () => lane.call('DEL', pod, id, { ipam }))
  }
  await life('its pool in an annotation', 'agent-x', {})
  await life('the same, two families', 'agent-dual-x', { annotations: ippool({ ipv4: ['four'], ipv6: ['six'] }) })
  await life('the same, of a Deployment', 'web-1-z', {
    more: { owner: replicaSet, labels: { 'pod-template-hash': '1' } },
  })
  await life('its pool in the conf', 'agent-conf-x', { annotations: {}, ipam: { default_ipv4_ippool: ['four'] } })
  await life('a default pool', 'agent-default-x', { annotations: {} })
  const gone = await cluster.pod('agent-gone-x', FOUR, { node: 'n1' })
  const id = containerId()
  await lane.call('ADD', gone, id)
  await lane.settled()
  await cluster.removePod(gone)
  await lane.count('its pool in an annotation', 'DEL, the pod is gone', () => lane.call('DEL', gone, id))
  const again = await cluster.pod('agent-again-x', FOUR, { node: 'n1' })
  await lane.call('ADD', again, 'again1')
  await lane.count('a sandbox that starts again', 'DEL, the pod lives', () => lane.call('DEL', again, 'again1'))
  await lane.count('a sandbox that starts again', 'ADD', () => lane.call('ADD', again, 'again2'))
  const kept = await cluster.pod('set-1', FOUR, { node: 'n1', ...ofSet })
  await lane.count('of a StatefulSet', 'ADD, the first of its name', () => lane.call('ADD', kept, 'set1'))
  const late = await cluster.pod('agent-late-x', ippool({ ipv4: ['full'] }), { node: 'n1' })
  await lane.count('no address is left', 'ADD, refused', () => lane.call('ADD', late, containerId()))
}

/** Reads and writes: `0 + 1`. */
export const countsOf = (asked: readonly Asked[]): string => {
  const writes = asked.filter(isWrite).length
  return `${asked.length - writes} + ${writes}`
}
