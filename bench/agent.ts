// ADD and DEL handed over to the node agent beside the direct path: wall, CPU, largest resident
// set.
import { nodeEnv } from '../test/fixtures/node-config.js'
import { measure, median, residentMb, type Row, type Sample } from './measure.js'
import { BIN, callOf, type Stage } from './stage.js'

const ROUNDS = 25
const READY_MS_MAX = 10_000
const PAUSE_MS = 50

const SUBJECTS = ['spiderpool-ipam', 'macvlan-wrapper'] as const
type Way = 'agent' | 'direct'

interface Agent {
  readonly socket: string
  readonly residentMb: () => number
  end(): Promise<void>
}

async function openAgent({ folder, kubeconfig }: Stage): Promise<Agent> {
  const socket = `${folder}/run/spiderpool.sock`
  const child = Bun.spawn([`${BIN}/spiderpool-agent`], {
    env: {
      ...{ PATH: process.env['PATH'] ?? '', KUBECONFIG: kubeconfig, SPIDERPOOL_AGENT_SOCKET: socket },
      ...{ SPIDERPOOL_NODE_NAME: 'n1', SPIDERPOOL_BIND_ADDRESS: '127.0.0.1' },
      ...nodeEnv(),
      ...{ SPIDERPOOL_HEALTH_PORT: '0', SPIDERPOOL_METRIC_HTTP_PORT: '0' },
    },
    stdout: 'ignore',
    stderr: 'inherit',
  })
  const end = performance.now() + READY_MS_MAX
  for (;;) {
    const healthy = await fetch('http://agent/v1/ipam/healthy', { unix: socket }).catch(() => undefined)
    if (healthy?.ok === true) break
    if (performance.now() > end) throw new Error(`the agent at ${socket} is not healthy after ${READY_MS_MAX} ms`)
    await Bun.sleep(PAUSE_MS)
  }
  return {
    socket,
    residentMb: () => residentOf(child.pid),
    async end() {
      child.kill()
      await child.exited
    },
  }
}

function residentOf(pid: number): number {
  const status = Bun.spawnSync(['cat', `/proc/${pid}/status`]).stdout.toString()
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

export async function agent(stage: Stage): Promise<readonly Row[]> {
  await stage.pool('agent', { subnet: '10.97.0.0/24', ips: ['10.97.0.10-10.97.0.250'], gateway: '10.97.0.1' })
  const daemon = await openAgent(stage)
  try {
    const rows: Row[] = []
    for (const type of SUBJECTS) rows.push(...(await rowsOf(stage, daemon, type)))
    return [...rows, { what: 'spiderpool-agent, resident', value: daemon.residentMb(), unit: 'MB' }]
  } finally {
    await daemon.end()
  }
}

async function rowsOf(stage: Stage, { socket }: Agent, type: (typeof SUBJECTS)[number]): Promise<readonly Row[]> {
  const ipam = { type: 'spiderpool', log_level: 'warn', log_file_path: `${stage.folder}/log` }
  const samples = { agent: { add: [], del: [] }, direct: { add: [], del: [] } } as Record<
    Way,
    Record<'add' | 'del', Sample[]>
  >
  const resident: Record<Way, number[]> = { agent: [], direct: [] }
  for (let round = 0; round < ROUNDS; round++)
    for (const way of ['agent', 'direct'] as const) {
      const pod = await stage.pod(`${way}-${type}-${round}`, 'agent')
      const call = (verb: string) => {
        const { env, stdin } = callOf(stage, { verb, pod, type, ipam })
        const own = way === 'agent' ? { SPIDERPOOL_AGENT_SOCKET: socket } : { KUBECONFIG: stage.kubeconfig }
        return { file: `${BIN}/${type}`, env: { ...env, ...own }, stdin }
      }
      samples[way].add.push(await succeeded(call('ADD')))
      if (round % 5 === 0 && type === 'spiderpool-ipam') resident[way].push(residentMb(call('ADD'))) // again: the same address
      await stage.ask('DELETE', `/api/v1/namespaces/default/pods/${pod.name}?gracePeriodSeconds=0`)
      samples[way].del.push(await succeeded(call('DEL')))
    }
  return (['agent', 'direct'] as const).flatMap(way => [
    ...(['add', 'del'] as const).flatMap(verb => [
      {
        what: `${type} ${verb.toUpperCase()}, ${way}, wall`,
        value: median(samples[way][verb].map(one => one.wallMs)),
        unit: 'ms',
      },
      {
        what: `${type} ${verb.toUpperCase()}, ${way}, CPU`,
        value: median(samples[way][verb].map(one => one.cpuMs)),
        unit: 'ms',
      },
    ]),
    ...(resident[way].length > 0
      ? [{ what: `${type} ADD, ${way}, resident`, value: median(resident[way]), unit: 'MB' }]
      : []),
  ])
}

async function succeeded(command: Parameters<typeof measure>[0]): Promise<Sample> {
  const sample = await measure(command)
  if (sample.status !== 0) throw new Error(`${command.file} ${command.env['CNI_COMMAND'] ?? ''}: ${sample.stdout}`)
  return sample
}
