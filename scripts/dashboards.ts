// Grafana dashboards of the chart, from tables of panels: `npx tsx scripts/dashboards.ts --write`.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Panel {
  readonly title: string
  readonly kind: 'timeseries' | 'bargauge' | 'stat'
  /** Grafana's names: s, short, percentunit, reqps. */
  readonly unit: string
  /** Legend and PromQL. */
  readonly queries: readonly (readonly [legend: string, expr: string])[]
  /** Of 24. */
  readonly width?: number
}

interface Variable {
  readonly name: string
  /** label_values() of this metric. */
  readonly of: string
}

export interface Dashboard {
  readonly name: string
  readonly title: string
  readonly variables: readonly Variable[]
  readonly panels: readonly Panel[]
}

const FREE = 'max by (ippool) (spiderpool_debug_ippool_available_ip_counts)'
const TOTAL = 'max by (ippool) (spiderpool_debug_ippool_total_ip_counts)'
const quantiles = (metric: string, where = '', by = ''): Panel['queries'] =>
  [0.5, 0.99].map(at => [
    `p${at * 100}${by === '' ? '' : ` {{${by}}}`}`,
    `histogram_quantile(${at}, sum by (${by === '' ? '' : `${by}, `}le) (rate(${metric}_bucket${where}[$__rate_interval])))`,
  ])

const OVERVIEW: Dashboard = {
  name: 'overview',
  title: 'Spiderpool / Overview',
  variables: [],
  panels: [
    { title: 'Pools', kind: 'stat', unit: 'short', width: 4, queries: [['', 'max(spiderpool_total_ippool_counts)']] },
    { title: 'Addresses', kind: 'stat', unit: 'short', width: 4, queries: [['', `sum(${TOTAL})`]] },
    { title: 'Free addresses', kind: 'stat', unit: 'short', width: 4, queries: [['', `sum(${FREE})`]] },
    {
      title: 'Quarantined addresses',
      kind: 'stat',
      unit: 'short',
      width: 4,
      queries: [['', 'sum(max by (ippool) (spiderpool_ippool_quarantined_ip_counts))']],
    },
    { title: 'Leaders', kind: 'stat', unit: 'short', width: 4, queries: [['', 'sum(spiderpool_controller_leader)']] },
    {
      title: 'Agents that answer',
      kind: 'stat',
      unit: 'short',
      width: 4,
      queries: [['', 'count(spiderpool_agent_connections)']],
    },
    {
      title: 'Pools, the fullest first',
      kind: 'bargauge',
      unit: 'percentunit',
      width: 24,
      queries: [['{{ippool}}', `topk(20, 1 - ${FREE} / (${TOTAL} > 0))`]],
    },
    {
      title: 'Allocations and releases',
      kind: 'timeseries',
      unit: 'reqps',
      queries: [
        ['allocated', 'sum(rate(spiderpool_ipam_allocation_counts_total[$__rate_interval]))'],
        ['released', 'sum(rate(spiderpool_ipam_release_counts_total[$__rate_interval]))'],
      ],
    },
    {
      title: 'Failed calls by cause',
      kind: 'timeseries',
      unit: 'reqps',
      queries: [
        [
          '{{command}} {{cause}}',
          'sum by (command, cause) (rate(spiderpool_agent_call_failures_total[$__rate_interval]))',
        ],
      ],
    },
    {
      title: 'Time of an allocation',
      kind: 'timeseries',
      unit: 's',
      queries: quantiles('spiderpool_ipam_allocation_duration_seconds'),
    },
    {
      title: 'Reclaimed addresses by reason',
      kind: 'timeseries',
      unit: 'short',
      queries: [['{{reason}}', 'sum by (reason) (increase(spiderpool_controller_reclaimed_total[$__rate_interval]))']],
    },
  ],
}

const ofPool = (name: string): string => `max by (ippool) (${name}{ippool=~"$ippool"})`

const POOL: Dashboard = {
  name: 'pool',
  title: 'Spiderpool / Pool',
  variables: [{ name: 'ippool', of: 'spiderpool_debug_ippool_total_ip_counts' }],
  panels: [
    {
      title: 'Addresses',
      kind: 'timeseries',
      unit: 'short',
      width: 24,
      queries: [
        ['{{ippool}} in all', ofPool('spiderpool_debug_ippool_total_ip_counts')],
        ['{{ippool}} allocated', ofPool('spiderpool_ippool_allocated_ip_counts')],
        ['{{ippool}} free', ofPool('spiderpool_debug_ippool_available_ip_counts')],
      ],
    },
    {
      title: 'Free in a day, as pods start now',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        [
          '{{ippool}}',
          'max by (ippool) (predict_linear(spiderpool_debug_ippool_available_ip_counts{ippool=~"$ippool"}[6h], 86400))',
        ],
      ],
    },
    {
      title: 'Quarantined',
      kind: 'timeseries',
      unit: 'short',
      queries: [['{{ippool}}', ofPool('spiderpool_ippool_quarantined_ip_counts')]],
    },
    {
      title: 'Reclaimed',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        [
          '{{ippool}}',
          'sum by (ippool) (increase(spiderpool_ip_gc_counts_total{ippool=~"$ippool"}[$__rate_interval]))',
        ],
      ],
    },
    {
      title: 'Deletes that failed',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        [
          '{{ippool}}',
          'sum by (ippool) (increase(spiderpool_ip_gc_failure_counts_total{ippool=~"$ippool"}[$__rate_interval]))',
        ],
      ],
    },
  ],
}

const AT = '{instance=~"$instance"}'

const NODE: Dashboard = {
  name: 'node',
  title: 'Spiderpool / Node',
  variables: [{ name: 'instance', of: 'spiderpool_agent_connections' }],
  panels: [
    {
      title: 'Calls',
      kind: 'timeseries',
      unit: 'reqps',
      queries: [
        [
          '{{plugin}} {{command}} {{outcome}}',
          `sum by (plugin, command, outcome) (rate(spiderpool_agent_calls_total${AT}[$__rate_interval]))`,
        ],
      ],
    },
    {
      title: 'Time of calls',
      kind: 'timeseries',
      unit: 's',
      queries: quantiles('spiderpool_agent_call_duration_seconds', AT, 'command'),
    },
    {
      title: 'Time behind other calls',
      kind: 'timeseries',
      unit: 's',
      queries: quantiles('spiderpool_ipam_allocation_limit_duration_seconds', AT),
    },
    {
      title: 'Failed calls by cause',
      kind: 'timeseries',
      unit: 'reqps',
      queries: [
        [
          '{{plugin}} {{command}} {{cause}}',
          `sum by (plugin, command, cause) (rate(spiderpool_agent_call_failures_total${AT}[$__rate_interval]))`,
        ],
      ],
    },
    {
      title: 'Calls that run or wait',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        ['IPAM', `sum by (instance) (spiderpool_agent_calls_running${AT})`],
        ['whole plugins', `sum by (instance) (spiderpool_agent_plugin_calls${AT})`],
      ],
    },
    {
      title: 'Threads',
      kind: 'timeseries',
      unit: 'short',
      queries: [
        ['in all', `sum by (instance) (spiderpool_agent_plugin_threads${AT})`],
        ['stuck', `sum by (instance) (spiderpool_agent_stuck_threads${AT})`],
      ],
    },
    {
      title: 'Records behind their answers',
      kind: 'timeseries',
      unit: 'short',
      queries: [['{{instance}}', `sum by (instance) (spiderpool_agent_pending_records${AT})`]],
    },
    {
      title: 'Addresses that another node allocated first',
      kind: 'timeseries',
      unit: 'reqps',
      queries: [
        [
          '{{instance}}',
          `sum by (instance) (rate(spiderpool_ipam_allocation_update_ippool_conflict_counts_total${AT}[$__rate_interval]))`,
        ],
      ],
    },
  ],
}

const CONTROLLER: Dashboard = {
  name: 'controller',
  title: 'Spiderpool / Controller',
  variables: [],
  panels: [
    {
      title: 'Leader',
      kind: 'timeseries',
      unit: 'short',
      queries: [['{{instance}}', 'sum by (instance) (spiderpool_controller_leader)']],
    },
    {
      title: 'Requests to the API server',
      kind: 'timeseries',
      unit: 'reqps',
      queries: [
        [
          '{{verb}} {{resource}} {{code}}',
          'sum by (verb, resource, code) (rate(spiderpool_controller_api_requests_total[$__rate_interval]))',
        ],
      ],
    },
    {
      title: 'Queue depth',
      kind: 'timeseries',
      unit: 'short',
      queries: [['{{reconciler}}', 'sum by (reconciler) (spiderpool_controller_queue_depth)']],
    },
    {
      title: 'Time in the queue',
      kind: 'timeseries',
      unit: 's',
      queries: quantiles('spiderpool_controller_queue_duration_seconds', '', 'reconciler'),
    },
    {
      title: 'Time of a reconcile',
      kind: 'timeseries',
      unit: 's',
      queries: quantiles('spiderpool_controller_work_duration_seconds', '', 'reconciler'),
    },
    {
      title: 'Webhook verdicts',
      kind: 'timeseries',
      unit: 'reqps',
      queries: [
        [
          '{{webhook}} {{verdict}} {{rule}}',
          'sum by (webhook, verdict, rule) (rate(spiderpool_controller_webhook_verdicts_total[$__rate_interval]))',
        ],
      ],
    },
    {
      title: 'Certificate of the webhooks',
      kind: 'stat',
      unit: 's',
      queries: [['', 'min(spiderpool_controller_certificate_remaining_seconds)']],
    },
    {
      title: 'SpiderCoordinators that are Synced',
      kind: 'stat',
      unit: 'short',
      queries: [['{{spidercoordinator}}', 'min by (spidercoordinator) (spiderpool_coordinator_ready)']],
    },
  ],
}

export const DASHBOARDS: readonly Dashboard[] = [OVERVIEW, POOL, NODE, CONTROLLER]

const SOURCE = { type: 'prometheus', uid: '${datasource}' }
const COLUMNS = 24
const HEIGHTS: Readonly<Record<Panel['kind'], number>> = { stat: 4, bargauge: 10, timeseries: 8 }

function panelsOf(panels: readonly Panel[]): readonly object[] {
  let [x, y, rowHeight] = [0, 0, 0]
  return panels.map(({ title, kind, unit, queries, width = 12 }, at) => {
    if (x + width > COLUMNS) [x, y, rowHeight] = [0, y + rowHeight, 0]
    const gridPos = { h: HEIGHTS[kind], w: width, x, y }
    x += width
    rowHeight = Math.max(rowHeight, gridPos.h)
    return {
      ...{ id: at + 1, type: kind, title, datasource: SOURCE, gridPos },
      fieldConfig: { defaults: { unit, min: 0, ...(unit === 'percentunit' && { max: 1 }) }, overrides: [] },
      ...(kind === 'bargauge' && { options: { orientation: 'horizontal', displayMode: 'gradient' } }),
      targets: queries.map(([legendFormat, expr], index) => ({
        ...{ refId: String.fromCharCode(65 + index), datasource: SOURCE, expr, legendFormat },
        ...(kind !== 'timeseries' && { instant: true }),
      })),
    }
  })
}

/** The JSON that Grafana imports. */
export function grafanaJson({ name, title, variables, panels }: Dashboard): string {
  const list = [
    { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
    ...variables.map(({ name: variable, of }) => ({
      ...{
        name: variable,
        type: 'query',
        datasource: SOURCE,
        refresh: 2,
        multi: true,
        includeAll: true,
        allValue: '.*',
      },
      ...{ query: `label_values(${of}, ${variable})`, current: { text: 'All', value: '$__all' } },
    })),
  ]
  const board = {
    ...{ uid: `spiderpool-${name}`, title, tags: ['spiderpool'], schemaVersion: 39, version: 1, editable: true },
    ...{ refresh: '30s', time: { from: 'now-6h', to: 'now' }, templating: { list }, panels: panelsOf(panels) },
  }
  return `${JSON.stringify(board, null, 2)}\n`
}

/** Its path in the chart. */
export const pathOf = ({ name }: Dashboard): string => `charts/spiderpool/files/dashboards/${name}.json`

const isRun = process.argv[1] === fileURLToPath(import.meta.url)
if (isRun && process.argv.includes('--write'))
  for (const one of DASHBOARDS) writeFileSync(pathOf(one), grafanaJson(one))
else if (isRun)
  for (const one of DASHBOARDS)
    if (readFileSync(pathOf(one), 'utf8') !== grafanaJson(one)) {
      console.error(`${pathOf(one)} is old; npx tsx scripts/dashboards.ts --write`)
      process.exitCode = 1
    }
