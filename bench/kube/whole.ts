// The chain as calls that the agent runs whole: what a client hands over, without the client.
import { fileURLToPath } from 'node:url'
import * as libcni from '../../demo/libcni.js'
import { BIN, DEBIAN } from '../stage.js'
import type { Agent } from './agent.js'
import { cpuMsOf, residentMbOf } from './api.js'
import { spread, type KubeRow } from './rows.js'
import { openRuntime, runtimeOf, withAgent, type Sandbox, type Took } from './runtime.js'
import type { KubeStage } from './stage.js'

const WARM = 60
const ROUNDS = Number(process.env['ROUNDS'] ?? '30')
const AT_ONCE = 50
const POOL = 'whole'
const CLIENT = fileURLToPath(new URL('../../dist/client', import.meta.url))

interface Reply {
  readonly exitCode: number
  readonly stdout: string
  readonly execFullImage?: string
}

/** @throws Error with what the plugin printed, or why the agent does not run it */
function callerOf({ socket }: Agent): libcni.LibcniDeps['call'] {
  return async (type, env, conf) => {
    const answer = await fetch(`http://agent/v1/cni/${type}`, {
      ...{ unix: socket, method: 'POST' },
      body: JSON.stringify({ env: { ...env, CNI_PATH: `${BIN}:${DEBIAN}` }, stdin: JSON.stringify(conf) }),
    })
    const { exitCode, stdout, execFullImage } = (await answer.json()) as Reply
    if (exitCode !== 0) throw new Error(`${type}: ${execFullImage ?? stdout}`)
    return (stdout.trim() === '' ? {} : JSON.parse(stdout)) as libcni.Result
  }
}

const row = (what: string, unit: string, value: KubeRow['measured']['agent'], target?: number): KubeRow => ({
  ...{ what: `whole plugins in the agent, ${what}`, unit, measured: { ...(value && { agent: value }) } },
  ...(target !== undefined && { target: { agent: target } }),
})

/** The same by the native client, as a runtime starts it. */
async function byClient(stage: KubeStage, agent: Agent, all: readonly Sandbox[]): Promise<readonly KubeRow[]> {
  const way = withAgent(stage, agent)
  const runtime = openRuntime(way, way.conflist, { bin: CLIENT })
  const rows: KubeRow[] = []
  for (const [verb, targets] of [
    ['add', [25, 6, 15]],
    ['del', []],
  ] as const) {
    const [began, took] = [cpuMsOf(agent.pid), [] as Took[]]
    for (const sandbox of all) took.push(await runtime[verb](sandbox))
    const title = `by the client, chain ${verb.toUpperCase()}`
    const cpu = { value: (cpuMsOf(agent.pid) - began) / all.length }
    rows.push(
      row(`${title}, wall`, 'ms', spread(took.map(({ wallMs }) => wallMs)), targets[0]),
      row(`${title}, CPU outside the agent`, 'ms', spread(took.map(({ cpuMs }) => cpuMs)), targets[1]),
      row(`${title}, CPU of the agent`, 'ms', cpu, targets[2]),
    )
  }
  return rows
}

/** None where there is no agent. */
export async function whole(stage: KubeStage): Promise<readonly KubeRow[]> {
  const agent = await stage.agent('whole')
  if (!agent) return []
  await stage.pool(POOL, { subnet: '10.99.0.0/16', ips: ['10.99.210.1-10.99.211.250'], gateway: '10.99.0.1' })
  const results = new Map<string, libcni.Result>()
  const deps: libcni.LibcniDeps = {
    call: callerOf(agent),
    cache: {
      read: key => results.get(key),
      write: (key, result) => void results.set(key, result),
      remove: key => void results.delete(key),
    },
  }
  const { conflist } = withAgent(stage, agent)
  const sandboxes = async (count: number): Promise<readonly Sandbox[]> =>
    (await stage.pods(count, () => ({ node: agent.node, pool: POOL }))).map(pod => {
      return { pod, netns: stage.netns(pod.name) }
    })
  const timed = async (verb: 'add' | 'del', sandbox: Sandbox): Promise<number> => {
    const began = performance.now()
    await libcni[verb](conflist, runtimeOf(sandbox), deps)
    return performance.now() - began
  }
  const run = async (verb: 'add' | 'del', all: readonly Sandbox[]) => {
    const [began, walls] = [cpuMsOf(agent.pid), [] as number[]]
    for (const sandbox of all) walls.push(await timed(verb, sandbox))
    return { wall: spread(walls), cpu: { value: (cpuMsOf(agent.pid) - began) / all.length } }
  }
  const warm = await sandboxes(WARM)
  for (const verb of ['add', 'del'] as const) for (const sandbox of warm) await timed(verb, sandbox)
  const measured = await sandboxes(ROUNDS)
  const [add, del] = [await run('add', measured), await run('del', measured)]
  const client = await byClient(stage, agent, await sandboxes(ROUNDS))
  const crowd = await sandboxes(AT_ONCE)
  const began = performance.now()
  await Promise.all(crowd.map(sandbox => timed('add', sandbox)))
  const crowdMs = performance.now() - began
  return [
    row('chain ADD, wall', 'ms', add.wall, 25),
    row('chain ADD, CPU of the agent', 'ms', add.cpu, 15),
    row('chain DEL, wall', 'ms', del.wall),
    row('chain DEL, CPU of the agent', 'ms', del.cpu),
    ...client,
    row(`${AT_ONCE} chain ADDs at once`, 'ms', { value: crowdMs }),
    row('resident behind it', 'MB', { value: residentMbOf(agent.pid, 'VmRSS') }),
  ]
}
