// The agent’s metrics as data; make generate makes the table of docs/agent.md from it.
import type { MetricTable } from '../../lib/metrics.js'

export const AGENT_METRICS = {
  spiderpool_agent_call_counts: {
    type: 'counter',
    labels: ['plugin', 'command', 'outcome'],
    help: 'CNI calls by outcome, done or failed',
  },
  spiderpool_agent_call_seconds: {
    type: 'counter',
    labels: ['plugin', 'command'],
    help: 'Time of CNI calls, in seconds',
  },
  spiderpool_agent_calls_running: { type: 'gauge', labels: [], help: 'Containers with a call that runs or waits' },
  spiderpool_agent_connections: { type: 'gauge', labels: [], help: 'Open connections of the socket' },
  spiderpool_agent_claims: { type: 'gauge', labels: [], help: 'ADDs that can still be undone' },
  spiderpool_agent_pending_records: {
    type: 'gauge',
    labels: [],
    help: 'SpiderEndpoints that are written behind their answer',
  },
  spiderpool_agent_untrusted_caches: { type: 'gauge', labels: [], help: 'Kinds that calls read live, 1 each' },
} as const satisfies MetricTable
