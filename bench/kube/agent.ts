// spiderpool-agent of a node, as a process on a socket of its own.
import { mkdirSync } from 'node:fs'
import { nodeEnv } from '../../test/fixtures/node-config.js'
import { BIN } from '../stage.js'

const READY_MS_MAX = 20_000

export interface Agent {
  readonly node: string
  readonly socket: string
  readonly pid: number
  /** From the start of the process until it allocates. */
  readonly startMs: number
  end(): Promise<void>
}

/** True once it answers that it allocates. */
const answers = (socket: string): Promise<boolean> =>
  fetch('http://agent/v1/ipam/healthy', { unix: socket }).then(
    ({ ok }) => ok,
    () => false,
  )

export async function startAgent(kubeconfig: string, node: string): Promise<Agent> {
  const socket = `/run/spidernet/${node}/spiderpool.sock`
  mkdirSync(`/run/spidernet/${node}`, { recursive: true, mode: 0o700 })
  const started = performance.now()
  const child = Bun.spawn([`${BIN}/spiderpool-agent`, 'daemon'], {
    env: {
      ...nodeEnv(),
      KUBECONFIG: kubeconfig,
      SPIDERPOOL_NODE_NAME: node,
      SPIDERPOOL_POD_NAME: `spiderpool-agent-${node}`,
      SPIDERPOOL_POD_NAMESPACE: 'kube-system',
      SPIDERPOOL_LOG_LEVEL: 'info',
      SPIDERPOOL_HEALTH_PORT: '0',
      SPIDERPOOL_METRIC_HTTP_PORT: '0',
      SPIDERPOOL_AGENT_SOCKET: socket,
      SPIDERPOOL_WHOLE_PLUGINS: 'true',
    },
    stdout: Bun.file(`/run/spidernet/${node}/agent.log`),
    stderr: 'inherit',
  })
  while (!(await answers(socket))) {
    if (child.exitCode !== null) throw new Error(`the agent of ${node} ended with ${child.exitCode}`)
    if (performance.now() - started > READY_MS_MAX)
      throw new Error(`the agent of ${node} did not serve ${socket} within ${READY_MS_MAX} ms`)
    await Bun.sleep(2)
  }
  const startMs = performance.now() - started
  return {
    ...{ node, socket, startMs, pid: child.pid },
    async end() {
      child.kill()
      await child.exited
    },
  }
}
