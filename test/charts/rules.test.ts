// The alert rules of the chart: promtool runs each with series that fire it and series that do not,
// and docs/operations.md says what to do.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { AGENT_METRICS } from '../../daemons/agent/metrics.js'
import { CONTROLLER_METRICS } from '../../daemons/controller/metrics.js'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const FILES = ['agent', 'controller'].map(name => resolve(`charts/spiderpool/files/rules-${name}.yaml`))
const rules = FILES.flatMap(file => {
  const { groups } = parse(readFileSync(file, 'utf8')) as { groups: readonly { rules: readonly Rule[] }[] }
  return groups.flatMap(group => group.rules)
})

interface Case {
  /** Series by name, in promtool's notation, one value a minute. */
  readonly fires: Readonly<Record<string, string>>
  /** Near the limit, on the other side. */
  readonly quiet: Readonly<Record<string, string>>
  /** Labels that the alert has beside severity. */
  readonly labels?: Readonly<Record<string, string>>
  readonly after?: string
}

const pool = (total: number, free: string): Record<string, string> => ({
  'spiderpool_debug_ippool_total_ip_counts{ippool="p"}': `${total}x420`,
  'spiderpool_debug_ippool_available_ip_counts{ippool="p"}': free,
})
const P = { ippool: 'p' }
const N = { instance: 'n' }
const calls = (command: string, outcome: string, values: string): Record<string, string> => ({
  [`spiderpool_agent_calls_total{instance="n",plugin="spiderpool-ipam",command="${command}",outcome="${outcome}"}`]:
    values,
})
const time = (command: string, sum: string): Record<string, string> => ({
  [`spiderpool_agent_call_duration_seconds_sum{instance="n",command="${command}"}`]: sum,
  [`spiderpool_agent_call_duration_seconds_count{instance="n",command="${command}"}`]: '0+10x120',
})
const quantile = (fast: string): Record<string, string> => ({
  'spiderpool_agent_call_duration_seconds_bucket{instance="n",command="ADD",le="1"}': fast,
  'spiderpool_agent_call_duration_seconds_bucket{instance="n",command="ADD",le="3"}': '0+1000x120',
  'spiderpool_agent_call_duration_seconds_bucket{instance="n",command="ADD",le="+Inf"}': '0+1000x120',
})
const one = (series: string, values: string): Record<string, string> => ({ [series]: values })
const DAY = 86_400

const CASES: Readonly<Record<string, Case>> = {
  SpiderpoolAllocationFailing: {
    fires: { ...calls('ADD', 'done', '0+8x120'), ...calls('ADD', 'failed', '0+2x120') },
    quiet: { ...calls('ADD', 'done', '0+95x120'), ...calls('ADD', 'failed', '0+5x120') },
    labels: N,
  },
  SpiderpoolReleaseFailing: {
    fires: { ...calls('DEL', 'done', '0+8x120'), ...calls('DEL', 'failed', '0+2x120') },
    quiet: { ...calls('DEL', 'done', '0+95x120'), ...calls('ADD', 'failed', '0+50x120') },
    labels: N,
  },
  SpiderpoolAllocationSlow: { fires: time('ADD', '0+11x120'), quiet: time('ADD', '0+9x120'), labels: N },
  SpiderpoolReleaseSlow: { fires: time('DEL', '0+11x120'), quiet: time('DEL', '0+9x120'), labels: N },
  SpiderpoolHighAllocationDurations: { fires: quantile('0+980x120'), quiet: quantile('0+995x120'), labels: N },
  SpiderpoolConflictFound: {
    fires: one('spiderpool_agent_call_failures_total{instance="n",cause="ipConflict"}', '0x55 1x65'),
    quiet: one('spiderpool_agent_call_failures_total{instance="n",cause="exhausted"}', '0x55 1x65'),
    labels: N,
  },
  SpiderpoolPoolFilling: { fires: pool(100, '19x120'), quiet: pool(100, '20x120'), labels: P },
  SpiderpoolPoolNearlyFull: { fires: pool(100, '9x120'), quiet: pool(100, '10x120'), labels: P },
  SpiderpoolPoolFull: { fires: pool(100, '0x120'), quiet: pool(100, '1x120'), labels: P },
  // 1 each minute is 1,440 a day.
  SpiderpoolPoolRunsDry: {
    fires: pool(4000, '1800-1x420'),
    quiet: pool(4000, '3000-1x420'),
    labels: P,
    after: '7h',
  },
  SpiderpoolAddressQuarantined: {
    fires: one('spiderpool_ippool_quarantined_ip_counts{ippool="p"}', '1x120'),
    quiet: one('spiderpool_ippool_quarantined_ip_counts{ippool="p"}', '0x120'),
    labels: P,
  },
  SpiderpoolReservedAddressAllocated: {
    fires: one('spiderpool_reserved_allocated_ip_counts{reservedip="r"}', '1x120'),
    quiet: one('spiderpool_reserved_allocated_ip_counts{reservedip="r"}', '0x120'),
    labels: { reservedip: 'r' },
  },
  SpiderpoolReclaimFailing: {
    fires: one('spiderpool_ip_gc_failure_counts_total{ippool="p"}', '0+1x120'),
    quiet: one('spiderpool_ip_gc_failure_counts_total{ippool="p"}', '7x120'),
    labels: P,
  },
  SpiderpoolNoLeader: {
    fires: one('spiderpool_controller_leader{instance="a"}', '0x120'),
    quiet: {
      'spiderpool_controller_leader{instance="a"}': '0x120',
      'spiderpool_controller_leader{instance="b"}': '1x120',
    },
  },
  SpiderpoolCertificateExpires: {
    fires: one('spiderpool_controller_certificate_remaining_seconds', `${13 * DAY}x120`),
    quiet: one('spiderpool_controller_certificate_remaining_seconds', `${15 * DAY}x120`),
    after: '90m',
  },
  SpiderpoolAgentMissing: {
    fires: one('spiderpool_controller_nodes_without_agent{node="n"}', '1x120'),
    quiet: one('spiderpool_controller_nodes_without_agent{node="n"}', '1x50 stale'),
    labels: { node: 'n' },
  },
  SpiderpoolCoordinatorNotReady: {
    fires: one('spiderpool_coordinator_ready{spidercoordinator="default"}', '0x120'),
    quiet: one('spiderpool_coordinator_ready{spidercoordinator="default"}', '1x120'),
    labels: { spidercoordinator: 'default' },
  },
  SpiderpoolKindForbidden: {
    fires: one('spiderpool_controller_forbidden_kinds{resource="cronjobs"}', '1x120'),
    quiet: {},
    labels: { resource: 'cronjobs' },
  },
}

const SHOWN = /\{\{ \$labels\.(\w+) \}\}/g
/** With what promtool compares: the labels and the summary with its labels filled in. */
function expected({ labels: own, annotations }: Rule, labels: Readonly<Record<string, string>> = {}): object {
  const texts = Object.entries(annotations).map(([key, text]) => [
    key,
    text.replace(SHOWN, (_, name: string) => labels[name] ?? ''),
  ])
  return { exp_labels: { ...own, ...labels }, exp_annotations: Object.fromEntries(texts) as object }
}

function testOf(rule: Rule, { fires, quiet, labels, after = '60m' }: Case): readonly object[] {
  const series = (of: Readonly<Record<string, string>>): object[] =>
    Object.entries(of).map(([name, values]) => ({ series: name, values }))
  const run = (name: string, of: Readonly<Record<string, string>>, exp: readonly object[]): object => ({
    name: `${rule.alert} ${name}`,
    interval: '1m',
    input_series: series(of),
    alert_rule_test: [{ eval_time: after, alertname: rule.alert, exp_alerts: exp }],
  })
  return [run('fires', fires, [expected(rule, labels)]), run('does not fire', quiet, [])]
}

t.test('promtool test rules: each alert fires, and does not fire on the other side of its limit', async t => {
  t.strictSame(rules.map(({ alert }) => alert).sort(), Object.keys(CASES).sort(), 'each alert has a case')
  const folder = mkdtempSync(join(tmpdir(), 'rules-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const tests = rules.flatMap(rule => testOf(rule, CASES[rule.alert] ?? { fires: {}, quiet: {} }))
  const file = join(folder, 'test.yaml')
  writeFileSync(file, stringify({ rule_files: FILES, evaluation_interval: '1m', tests }))
  const promtool = execFileSync('scripts/prometheus.sh', ['--path', 'promtool'], { encoding: 'utf8' }).trim()
  const { status, stdout, stderr } = spawnSync(promtool, ['test', 'rules', file], { encoding: 'utf8' })
  t.equal(status, 0, `${stdout}${stderr}`)
})

t.test('alert rules name only metrics that the daemons serve, with their labels', async t => {
  const tables = Object.entries({ ...AGENT_METRICS, ...CONTROLLER_METRICS })
  const served = new Map<string, readonly string[]>(
    tables.flatMap(([name, { type, labels }]) =>
      (type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).map(
        end => [`${name}${end}`, [...labels, 'instance', 'le']] as const,
      ),
    ),
  )
  for (const { alert, expr } of rules) {
    const metrics = [...expr.matchAll(/spiderpool_\w+/g)].map(([name]) => name)
    t.ok(metrics.length > 0, alert)
    for (const name of metrics) t.ok(served.has(name), `${alert} names ${name}`)
    for (const [, list = ''] of expr.matchAll(/ by \(([^)]*)\)/g))
      for (const label of list.split(', '))
        t.ok(
          metrics.every(name => served.get(name)?.includes(label)),
          `${alert} groups by ${label}`,
        )
  }
})

t.test('docs/operations.md, section Alerts, has a row for each alert with a command and a remedy', async t => {
  const page = readFileSync('docs/operations.md', 'utf8')
  const section = /\n## Alerts\n([^]*?)\n## /.exec(page)?.[1] ?? ''
  const rows = [...section.matchAll(/^\| `(Spiderpool\w+)` *\|(.*)\|$/gm)].map(
    ([, alert = '', rest = '']) => [alert, rest.split('|').map(cell => cell.trim())] as const,
  )
  t.strictSame(rows.map(([alert]) => alert).sort(), rules.map(({ alert }) => alert).sort())
  for (const [alert, [means = '', command = '', remedy = '']] of rows) {
    t.ok(means !== '' && remedy !== '', alert)
    t.match(command, /^`spiderpoolctl [a-z]/, alert)
  }
})
