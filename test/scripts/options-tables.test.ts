// The tables that docs/controller.md and docs/agent.md are made from are what the daemons read and
// serve.
import t from 'tap'
import { AGENT_METRICS } from '../../daemons/agent/metrics.js'
import { AGENT_CONF, AGENT_ENV } from '../../daemons/agent/options.js'
import { AGENT_CONF_DEFAULT, agentConfOf, agentSettingsOf } from '../../daemons/agent/settings.js'
import { CONTROLLER_METRICS } from '../../daemons/controller/metrics.js'
import { withOptionTables } from '../../scripts/options-tables.js'
import type { MetricTable } from '../../lib/metrics.js'
import { sources } from '../../scripts/source-tree.js'

const daemonSources = (daemon: string) => sources().filter(({ path }) => path.startsWith(`daemons/${daemon}/`))

/** Registered by a template of verb and statistic in daemons/agent/call-metrics.ts. */
const COMPOSED = /^spiderpool_ipam_(allocation|release)_/

for (const [daemon, table, metrics] of [
  ['agent', 'AGENT_METRICS', AGENT_METRICS],
  ['controller', 'CONTROLLER_METRICS', CONTROLLER_METRICS],
] as const) {
  const text = daemonSources(daemon)
    .map(one => one.text)
    .join('\n')
  t.test(`${table} has the metrics that the ${daemon} registers, with their types`, async t => {
    const calls = new RegExp(`\\.(counter|gauge|histogram)\\(\\s*(?:familyOf\\(${table}, |of\\()'(\\w+)'`, 'g')
    const registered = new Map([...text.matchAll(calls)].map(([, type, name = '']) => [name, type]))
    for (const [name, type] of registered) t.equal(type, (metrics as MetricTable)[name]?.type, name)
    const others = Object.keys(metrics).filter(name => !registered.has(name) && !COMPOSED.test(name))
    t.strictSame(others, [], 'every row is registered')
    t.notMatch(text, /name: ['"`]spiderpool_/, 'no metric is declared elsewhere')
  })
}

/** The names that are read from an object. */
function namesRead(read: (of: Record<string, string | undefined>) => unknown, given = {}): readonly string[] {
  const names = new Set<string>()
  read(new Proxy(given, { get: (of, name) => (names.add(String(name)), Reflect.get(of, name) as unknown) }))
  return [...names]
}

const HOST = 'the-host'
/** Read by lib/cni, for the logs that confs name. */
const READ_BY_LIB = ['SPIDERPOOL_NODE_CONFIG']

t.test('AGENT_ENV has the variables that the agent reads', async t => {
  const multus = { SPIDERPOOL_MULTUS_INSTALL: 'true', CNI_BIN_DIR: '/host/opt/cni/bin' }
  const all = { ...multus, SPIDERPOOL_INSTALL_KUBECONFIG: 'true' }
  const read = namesRead(env => agentSettingsOf(env, AGENT_CONF_DEFAULT, HOST), all)
  t.strictSame([...read, ...READ_BY_LIB].sort(), Object.keys(AGENT_ENV).sort())
})

t.test('AGENT_ENV has the defaults: set to them, nothing changes', async t => {
  const given = Object.fromEntries(
    Object.entries<{ readonly default: unknown }>(AGENT_ENV).flatMap(([name, { default: value }]) =>
      value === '' ? [] : [[name, String(value)]],
    ),
  )
  for (const more of [{}, { SPIDERPOOL_MULTUS_INSTALL: 'true', CNI_BIN_DIR: '/host/opt/cni/bin' }])
    t.strictSame(
      agentSettingsOf({ ...given, ...more }, AGENT_CONF_DEFAULT, HOST),
      agentSettingsOf(more, AGENT_CONF_DEFAULT, HOST),
    )
})

t.test('AGENT_CONF has the keys of conf.yml that the agent reads, and the value of a missing one', async t => {
  const missing: Readonly<Record<string, unknown>> = { ...agentConfOf({}) }
  t.strictSame(
    missing,
    Object.fromEntries(
      Object.entries<{ readonly default: unknown }>(AGENT_CONF).map(([key, one]) => [key, one.default]),
    ),
  )
})

t.test('withOptionTables() replaces what is between the markers', async t => {
  const page = 'a\n<!-- x: make generate -->\nold\n<!-- end -->\nb\n'
  t.equal(withOptionTables(page, { x: '| t |' }), 'a\n<!-- x: make generate -->\n\n| t |\n\n<!-- end -->\nb\n')
  t.throws(() => withOptionTables('a', { x: '| t |' }), { message: /no place for its table of x/ })
})
