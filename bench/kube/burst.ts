// 1,000 IPAM ADDs, 50 processes at once, of pods on ten nodes: into a pool with room, and into one
// of exactly as many addresses, which ends full.
import { quantile, measure, type Sample } from '../measure.js'
import { BIN } from '../stage.js'
import { nodeEnv } from '../../test/fixtures/node-config.js'
import { cpuMsOf, samplesOf } from './api.js'
import type { Agent } from './agent.js'
import { GO } from './go.js'
import { measuredBy, type Column, type KubeRow } from './rows.js'
import { direct, ipamOnly, runtimeOf, withAgent, type Way } from './runtime.js'
import type { KubePod, KubeStage } from './stage.js'

const PODS = 1000
const AT_ONCE = 50
const NODES = 10

/** Pools by column and size: the second and third byte of their first and last address. */
const POOLS = { roomy: { direct: [64, 16], agent: [65, 16] }, exact: { direct: [66, 4], agent: [67, 4] } } as const
type Size = keyof typeof POOLS

interface Burst {
  readonly totalS: number
  readonly failed: number
  readonly distinct: number
  readonly walls: readonly number[]
  readonly pluginsS: number
  readonly agentsS: number
  readonly apiserverS: number
  readonly etcdS: number
  readonly requests: number
  readonly conflicts: number
}

const nodeAt = (at: number): string => `n${(at % NODES) + 1}`

function commandOf(way: Way, pod: KubePod, netns: string) {
  const { containerID, ifName, args } = runtimeOf({ pod, netns })
  const { name, cniVersion, plugins } = ipamOnly(way.conflist)
  return {
    file: `${BIN}/spiderpool-ipam`,
    env: {
      ...{ CNI_COMMAND: 'ADD', CNI_CONTAINERID: containerID, CNI_NETNS: netns, CNI_IFNAME: ifName, CNI_PATH: BIN },
      CNI_ARGS: Object.entries(args)
        .map(([key, value]) => `${key}=${value}`)
        .join(';'),
      ...nodeEnv(),
      ...way.env,
    },
    stdin: JSON.stringify({ ...plugins[0], cniVersion, name }),
  }
}

/** Requests so far of everybody, watches apart, and creations of an address that was taken. */
async function counted({ api }: KubeStage): Promise<{ readonly requests: number; readonly conflicts: number }> {
  const samples = samplesOf(await api.text('/metrics'), 'apiserver_request_total').filter(
    ({ labels }) => labels['resource'] !== '' && labels['verb'] !== 'WATCH',
  )
  const sum = (of: typeof samples): number => of.reduce((total, { value }) => total + value, 0)
  const taken = samples.filter(({ labels }) => labels['resource'] === 'spideripaddresses' && labels['code'] === '409')
  return { requests: sum(samples), conflicts: sum(taken) }
}

interface Crowd {
  readonly column: 'direct' | 'agent'
  readonly wayOf: (node: string) => Way
  readonly agents: readonly Agent[]
}

async function run(stage: KubeStage, { column, wayOf, agents }: Crowd, size: Size): Promise<Burst> {
  const pool = `burst-${column}-${size}`
  const [second, last] = POOLS[size][column]
  await stage.pool(pool, { subnet: `10.${second}.0.0/16`, ips: [`10.${second}.1.1-10.${second}.${last}.232`] })
  const pods = await stage.pods(PODS, at => ({ node: nodeAt(at), pool }))
  const netns = stage.netns(pool)
  const queue = [...pods]
  const samples: Sample[] = []
  const pids = {
    apiserver: [stage.pidOf('kube-apiserver')],
    etcd: [stage.pidOf('etcd')],
    agents: agents.map(({ pid }) => pid),
  }
  const cpuS = (of: keyof typeof pids): number => pids[of].reduce((sum, pid) => sum + cpuMsOf(pid), 0) / 1000
  const before = { apiserver: cpuS('apiserver'), etcd: cpuS('etcd'), agents: cpuS('agents') }
  const asked = await counted(stage)
  const started = performance.now()
  const worker = async (): Promise<void> => {
    for (let pod = queue.shift(); pod; pod = queue.shift())
      samples.push(await measure(commandOf(wayOf(pod.node), pod, netns)))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const totalS = (performance.now() - started) / 1000
  const spent = await counted(stage)
  const failures = samples.filter(({ status }) => status !== 0)
  for (const stdout of new Set(failures.map(({ stdout }) => stdout))) console.error(stdout)
  return {
    totalS,
    failed: failures.length,
    distinct: new Set(samples.flatMap(({ stdout }) => /"address": *"([^"]+)"/.exec(stdout)?.[1] ?? [])).size,
    walls: samples.map(({ wallMs }) => wallMs),
    pluginsS: samples.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / 1000,
    agentsS: cpuS('agents') - before.agents,
    apiserverS: cpuS('apiserver') - before.apiserver,
    etcdS: cpuS('etcd') - before.etcd,
    requests: spent.requests - asked.requests,
    conflicts: spent.conflicts - asked.conflicts,
  }
}

/** Direct, and with an agent on each node where there are agents. */
async function crowds(stage: KubeStage): Promise<readonly Crowd[]> {
  const withoutAgents: Crowd = { column: 'direct', wayOf: node => direct(stage, node), agents: [] }
  const started = await Promise.all(Array.from({ length: NODES }, (_, at) => stage.agent(nodeAt(at))))
  const agents = started.filter(agent => agent !== undefined)
  if (agents.length === 0) return [withoutAgents]
  const ways = new Map(agents.map(agent => [agent.node, withAgent(stage, agent)]))
  const wayOf = (node: string): Way => {
    const way = ways.get(node)
    if (!way) throw new Error(`no agent of ${node}`)
    return way
  }
  return [withoutAgents, { column: 'agent', wayOf, agents }]
}

async function ofSize(stage: KubeStage, size: Size): Promise<ReadonlyMap<Column, Burst>> {
  const measured = new Map<Column, Burst>()
  for (const crowd of await crowds(stage)) measured.set(crowd.column, await run(stage, crowd, size))
  return measured
}

const rowOf =
  (measured: ReadonlyMap<Column, Burst>) =>
  (what: string, unit: string, of: (one: Burst) => number, more: Partial<KubeRow> = {}): KubeRow => ({
    ...{ what, unit, measured: measuredBy(measured, one => ({ value: of(one) })) },
    ...more,
  })

export async function burst(stage: KubeStage): Promise<readonly KubeRow[]> {
  const row = rowOf(await ofSize(stage, 'roomy'))
  const exact = rowOf(await ofSize(stage, 'exact'))
  const title = `${PODS} ADDs, ${AT_ONCE} at once, ${NODES} nodes`
  const full = `the same on a pool of exactly ${PODS}`
  return [
    row(`${title}: total`, 's', ({ totalS }) => totalS, { target: { direct: 32, agent: 12 }, go: GO.burst }),
    row(`${title}: failed`, '', ({ failed }) => failed, { target: { direct: 0, agent: 0 }, go: GO.burstFailed }),
    row(`${title}: distinct addresses`, '', ({ distinct }) => distinct),
    row('one of these ADDs, p50', 'ms', ({ walls }) => quantile(walls, 0.5)),
    row('one of these ADDs, p99', 'ms', ({ walls }) => quantile(walls, 0.99), { target: { agent: 1500 } }),
    row(`CPU of the ${PODS} plugin processes`, 's', ({ pluginsS }) => pluginsS),
    row('CPU of the ten agents meanwhile', 's', ({ agentsS }) => agentsS),
    row('CPU of the API server meanwhile', 's', ({ apiserverS }) => apiserverS),
    row('CPU of etcd meanwhile', 's', ({ etcdS }) => etcdS),
    row('requests meanwhile, of controllers too', '', ({ requests }) => requests),
    row('of these, creations of an address that was taken (409)', '', ({ conflicts }) => conflicts),
    exact(`${full}: total`, 's', ({ totalS }) => totalS),
    exact(`${full}: failed`, '', ({ failed }) => failed, { target: { direct: 0, agent: 0 } }),
    exact(`${full}: distinct addresses`, '', ({ distinct }) => distinct),
    exact(`${full}: p99`, 'ms', ({ walls }) => quantile(walls, 0.99)),
    exact(`${full}: creations of an address that was taken (409)`, '', ({ conflicts }) => conflicts),
  ]
}
