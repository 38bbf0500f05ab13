// An agent on a node with 110 pods, in a cluster of 10,000: memory, idle CPU, start.
import { cpuMsOf, residentMbOf } from './api.js'
import type { KubeRow } from './rows.js'
import { ipamOnly, openRuntime, withAgent } from './runtime.js'
import type { KubeStage } from './stage.js'

const PODS = 10_000
const ON_NODE = 110
const PER_NODE = 100
const NODE = 'full'
const POOL = 'cluster'
const SETTLE_MS = 3_000
const IDLE_S = 20

/** None where there is no agent. */
export async function node(stage: KubeStage): Promise<readonly KubeRow[]> {
  await stage.pool(POOL, { subnet: '10.80.0.0/14', ips: ['10.80.1.1-10.83.250.250'] })
  await stage.pods(PODS - ON_NODE, at => ({ node: `other-${Math.floor(at / PER_NODE)}`, pool: POOL }))
  const pods = await stage.pods(ON_NODE, () => ({ node: NODE, pool: POOL }))
  const agent = await stage.agent(NODE)
  if (!agent) return []
  const way = withAgent(stage, agent)
  const runtime = openRuntime(way, ipamOnly(way.conflist))
  const netns = stage.netns('node-full')
  for (const pod of pods) await runtime.add({ pod, netns })
  await Bun.sleep(SETTLE_MS)
  const [cpuMs, started] = [cpuMsOf(agent.pid), performance.now()]
  await Bun.sleep(IDLE_S * 1000)
  const idle = ((cpuMsOf(agent.pid) - cpuMs) / (performance.now() - started)) * 100
  const row = (what: string, unit: string, value: number, target?: number): KubeRow => ({
    ...{ what, unit, measured: { agent: { value } } },
    ...(target !== undefined && { target: { agent: target } }),
  })
  return [
    row(
      `agent, ${ON_NODE} pods on its node, ${PODS} in the cluster: resident`,
      'MB',
      residentMbOf(agent.pid, 'VmRSS'),
      90,
    ),
    row('the same: largest resident set since its start', 'MB', residentMbOf(agent.pid, 'VmHWM')),
    row(`the same: CPU of ${IDLE_S} s without calls`, '% of one core', idle, 0.5),
    row('the same: start until it allocates', 'ms', agent.startMs, 1000),
  ]
}
