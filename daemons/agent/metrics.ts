// The agent’s metrics as data; make generate makes the table of docs/agent.md from it.
import type { MetricSpec, MetricTable } from '../../lib/metrics.js'

/**
 * Upper bounds in seconds: from 0.1 on those that Spiderpool documents, below them those of calls
 * that take milliseconds.
 */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 0.5, 1, 3, 5, 7, 10, 15] as const

type Parts = 'counts' | 'failure_counts' | `err_${'internal' | 'retries_exhausted'}_counts`
type Statistic = 'average' | 'max' | 'min' | 'latest'
type VerbMetrics<V extends string> = Readonly<
  Record<
    | `spiderpool_ipam_${V}_${Parts}_total`
    | `spiderpool_ipam_${V}_${'' | 'limit_'}duration_seconds`
    | `spiderpool_ipam_${V}_${Statistic}_${'' | 'limit_'}duration_seconds`,
    MetricSpec
  >
>

/** A documented counter: the Go exporter appends `_total` to its name, so both names are served. */
const counted = (name: string, help: string): Readonly<Record<string, MetricSpec>> => ({
  [`${name}_total`]: { type: 'counter', labels: [], help, alias: name },
})

const STATISTICS: Readonly<Record<Statistic, string>> = {
  average: 'Average of them since the start',
  max: 'The longest of them since the start',
  min: 'The shortest of them since the start',
  latest: 'The last of them',
}

const durations = (verb: string, limit: string, help: string): Readonly<Record<string, MetricSpec>> => ({
  [`spiderpool_ipam_${verb}_${limit}duration_seconds`]: { type: 'histogram', labels: [], help, buckets: SECONDS },
  ...Object.fromEntries(
    Object.entries(STATISTICS).map(([statistic, of]) => [
      `spiderpool_ipam_${verb}_${statistic}_${limit}duration_seconds`,
      { type: 'gauge' as const, labels: [], help: of },
    ]),
  ),
})

/** The names of spiderpool.io's page of metrics for calls of the IPAM plugin. */
const ofVerb = <V extends string>(verb: V, what: string): VerbMetrics<V> =>
  ({
    ...counted(`spiderpool_ipam_${verb}_counts`, `Calls of the IPAM plugin that ${what}`),
    ...counted(`spiderpool_ipam_${verb}_failure_counts`, 'Those of them that failed'),
    ...counted(`spiderpool_ipam_${verb}_err_internal_counts`, 'Failed for a reason that has no counter of its own'),
    ...counted(`spiderpool_ipam_${verb}_err_retries_exhausted_counts`, 'Failed since too many calls conflicted'),
    ...durations(verb, '', 'Time of such a call'),
    ...durations(verb, 'limit_', 'Time that such a call waited for others'),
  }) as VerbMetrics<V> // each name is composed above as in the type

export const AGENT_METRICS = {
  ...ofVerb('allocation', 'allocate (ADD)'),
  spiderpool_ipam_allocation_update_ippool_conflict_counts_total: {
    type: 'counter',
    labels: [],
    alias: 'spiderpool_ipam_allocation_update_ippool_conflict_counts',
    help: 'Addresses that another node allocated first; the call takes the next one',
  },
  spiderpool_ipam_allocation_err_no_available_pool_counts_total: {
    type: 'counter',
    labels: [],
    alias: 'spiderpool_ipam_allocation_err_no_available_pool_counts',
    help: 'Failed since no pool was left',
  },
  spiderpool_ipam_allocation_err_ip_used_out_counts_total: {
    type: 'counter',
    labels: [],
    alias: 'spiderpool_ipam_allocation_err_ip_used_out_counts',
    help: 'Failed since every address of the pools is taken or reserved',
  },
  ...ofVerb('release', 'release (DEL)'),
  spiderpool_agent_calls_total: {
    type: 'counter',
    labels: ['plugin', 'command', 'outcome'],
    help: 'CNI calls by outcome, done or failed',
  },
  spiderpool_agent_call_failures_total: {
    type: 'counter',
    labels: ['plugin', 'command', 'cause'],
    help: 'Failed CNI calls by cause, a name of docs/errors.md or other',
  },
  spiderpool_agent_call_duration_seconds: {
    type: 'histogram',
    labels: ['plugin', 'command'],
    buckets: SECONDS,
    help: 'Time of CNI calls',
  },
  spiderpool_agent_calls_running: { type: 'gauge', labels: [], help: 'Containers with a call that runs or waits' },
  spiderpool_agent_plugin_calls: { type: 'gauge', labels: [], help: 'Whole calls of plugins that run or wait' },
  spiderpool_agent_plugin_threads: { type: 'gauge', labels: [], help: 'Threads that run whole calls of plugins' },
  spiderpool_agent_stuck_threads: {
    type: 'gauge',
    labels: [],
    help: 'Threads that have not come back from the kernel',
  },
  spiderpool_agent_connections: { type: 'gauge', labels: [], help: 'Open connections of the socket' },
  spiderpool_agent_claims: { type: 'gauge', labels: [], help: 'ADDs that can still be undone' },
  spiderpool_agent_pending_records: {
    type: 'gauge',
    labels: [],
    help: 'SpiderEndpoints that are written behind their answer',
  },
  spiderpool_agent_untrusted_caches: { type: 'gauge', labels: ['kind'], help: 'Kinds that calls read live, 1 each' },
} as const satisfies MetricTable
