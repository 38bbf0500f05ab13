// The controller’s metrics as data; make generate makes the table of docs/controller.md from it.
import type { MetricTable } from '../../lib/metrics.js'

/** Few, since each reconciler has them. */
const QUEUE_SECONDS = [0.001, 0.01, 0.1, 1, 10] as const

export const CONTROLLER_METRICS = {
  spiderpool_ip_gc_counts_total: {
    type: 'counter',
    labels: ['ippool'],
    alias: 'spiderpool_ip_gc_counts',
    help: 'Addresses reclaimed',
  },
  spiderpool_ip_gc_failure_counts_total: {
    type: 'counter',
    labels: ['ippool'],
    alias: 'spiderpool_ip_gc_failure_counts',
    help: 'Failed deletes, each attempt',
  },
  spiderpool_controller_reclaimed_total: {
    type: 'counter',
    labels: ['reason'],
    help: 'Addresses reclaimed, by the reason of the Event',
  },
  spiderpool_total_ippool_counts: { type: 'gauge', labels: [], help: 'SpiderIPPools' },
  spiderpool_debug_ippool_total_ip_counts: {
    type: 'gauge',
    labels: ['ippool'],
    help: 'Addresses that a pool can give out',
  },
  spiderpool_debug_ippool_available_ip_counts: {
    type: 'gauge',
    labels: ['ippool'],
    help: 'Those of them that are free',
  },
  spiderpool_ippool_allocated_ip_counts: {
    type: 'gauge',
    labels: ['ippool'],
    help: 'Addresses of a pool that are allocated',
  },
  spiderpool_ippool_quarantined_ip_counts: {
    type: 'gauge',
    labels: ['ippool'],
    help: 'Addresses of a pool that another host answers for',
  },
  spiderpool_reserved_allocated_ip_counts: {
    type: 'gauge',
    labels: ['reservedip'],
    help: 'Addresses of pods that a SpiderReservedIP covers',
  },
  spiderpool_total_subnet_counts: { type: 'gauge', labels: [], help: 'SpiderSubnets' },
  spiderpool_debug_subnet_ippool_counts: { type: 'gauge', labels: ['subnet'], help: 'Pools of a subnet' },
  spiderpool_debug_subnet_total_ip_counts: { type: 'gauge', labels: ['subnet'], help: 'Addresses of a subnet' },
  spiderpool_debug_subnet_available_ip_counts: {
    type: 'gauge',
    labels: ['subnet'],
    help: 'Those of them that no pool has',
  },
  spiderpool_controller_leader: { type: 'gauge', labels: [], help: '1 where this process leads' },
  spiderpool_coordinator_ready: {
    type: 'gauge',
    labels: ['spidercoordinator'],
    help: '1 where the phase of a SpiderCoordinator is Synced, else 0',
  },
  spiderpool_controller_nodes_without_agent: {
    type: 'gauge',
    labels: ['node'],
    help: 'Ready Linux nodes on which no agent runs, 1 each, where a node has one; the first 100',
  },
  spiderpool_controller_queue_keys: { type: 'gauge', labels: ['reconciler'], help: 'Keys ready, running or waiting' },
  spiderpool_controller_queue_depth: { type: 'gauge', labels: ['reconciler'], help: 'Keys ready' },
  spiderpool_controller_queue_duration_seconds: {
    type: 'histogram',
    labels: ['reconciler'],
    buckets: QUEUE_SECONDS,
    help: 'Time that a key waited for a worker',
  },
  spiderpool_controller_work_duration_seconds: {
    type: 'histogram',
    labels: ['reconciler'],
    buckets: QUEUE_SECONDS,
    help: 'Time of a reconcile',
  },
  spiderpool_controller_webhook_verdicts_total: {
    type: 'counter',
    labels: ['webhook', 'operation', 'verdict', 'rule'],
    help: 'Admission reviews: allowed, changed, denied (rule: the field, or the reason) or busy',
  },
  spiderpool_controller_certificate_remaining_seconds: {
    type: 'gauge',
    labels: [],
    help: 'Time until the certificate of the webhooks expires',
  },
  spiderpool_controller_api_requests_total: {
    type: 'counter',
    labels: ['verb', 'resource', 'code'],
    help: 'Requests to the API server, each attempt; code <error> where no answer came',
  },
  spiderpool_controller_request_counts: {
    type: 'gauge',
    labels: [],
    help: 'Requests sent to the API server, each attempt',
  },
  spiderpool_controller_writes_total: {
    type: 'counter',
    labels: ['verb', 'resource'],
    alias: 'spiderpool_controller_write_counts',
    help: 'Writes sent to the API server',
  },
  spiderpool_controller_forbidden_kinds: {
    type: 'gauge',
    labels: ['resource'],
    help: 'Kinds that may not be listed, 1 each',
  },
} as const satisfies MetricTable
