// The controller’s metrics as data; make generate makes the table of docs/controller.md from it.
import type { MetricTable } from '../../lib/metrics.js'

export const CONTROLLER_METRICS = {
  spiderpool_ip_gc_counts: {
    type: 'counter',
    labels: ['ippool'],
    alias: 'spiderpool_ip_gc_counts_total',
    help: 'Addresses reclaimed',
  },
  spiderpool_ip_gc_failure_counts: {
    type: 'counter',
    labels: ['ippool'],
    alias: 'spiderpool_ip_gc_failure_counts_total',
    help: 'Failed deletes, each attempt',
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
  spiderpool_controller_queue_keys: { type: 'gauge', labels: ['reconciler'], help: 'Keys ready, running or waiting' },
  spiderpool_controller_request_counts: {
    type: 'gauge',
    labels: [],
    help: 'Requests sent to the API server, each attempt',
  },
  spiderpool_controller_write_counts: {
    type: 'counter',
    labels: ['verb', 'resource'],
    help: 'Writes sent to the API server',
  },
  spiderpool_controller_forbidden_kinds: {
    type: 'gauge',
    labels: ['resource'],
    help: 'Kinds that may not be listed, 1 each',
  },
} as const satisfies MetricTable
