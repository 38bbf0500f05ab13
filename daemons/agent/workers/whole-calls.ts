// Whole calls of plugins in the agent, assembled: threads, bounds, what they see of the node.
import type { HostRequest, HostResponse } from '../../../lib/cni/host.js'
import type { Log } from '../../../lib/log.js'
import { familyOf, type Metrics } from '../../../lib/metrics.js'
import { AGENT_METRICS } from '../metrics.js'
import type { CallDeps } from '../calls/run.js'
import { Serializer } from '../calls/serialize.js'
import { Gate, type WholeDeps } from '../calls/whole.js'
import type { NodeFiles } from '../node/node-files.js'
import { WorkerPool, type PoolDeps } from './pool.js'

export interface WholeCallsParts {
  /** Why the agent runs no whole plugin, as its predicate; undefined where it does. */
  readonly off: string | undefined
  readonly files: NodeFiles
  readonly sockets: readonly string[]
  readonly sysctls: string
  readonly workers: number
  readonly start: PoolDeps['start']
  readonly giveUp: PoolDeps['giveUp']
}

export interface WholeCalls {
  readonly deps: WholeDeps
  close(): void
}

/** `calls`: those of the IPAM; `ask` answers what a plugin asks the agent. */
export function wholeCalls(
  { off, files, sockets, sysctls, workers, start, giveUp }: WholeCallsParts,
  { calls, ask, log }: { readonly calls: CallDeps; readonly ask: Ask; readonly log: Log },
  metrics: Metrics,
): WholeCalls {
  const { env, now, onCall } = calls
  const pool = new WorkerPool({ start, workers, ask, giveUp, log, now, every })
  const gate = new Gate()
  describe(metrics, pool, gate)
  return {
    close: () => pool.close(),
    deps: {
      ...{ off, env, log, now, gate, sysctls, ...(onCall && { onCall }) },
      run: call => pool.run(call),
      full: { files, sockets },
      serializer: new Serializer(),
    },
  }
}

const every: PoolDeps['every'] = (ms, tick) => {
  const timer = setInterval(tick, ms)
  return () => clearInterval(timer)
}

type Ask = (request: HostRequest) => Promise<HostResponse>

function describe(metrics: Metrics, pool: WorkerPool, gate: Gate): void {
  metrics.gauge(familyOf(AGENT_METRICS, 'spiderpool_agent_plugin_calls'), () => [[gate.size]])
  metrics.gauge(familyOf(AGENT_METRICS, 'spiderpool_agent_plugin_threads'), () => [[pool.threads]])
  metrics.gauge(familyOf(AGENT_METRICS, 'spiderpool_agent_stuck_threads'), () => [[pool.stuck]])
}
