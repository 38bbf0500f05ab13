// docs/controller.md agrees with the code: variables and defaults, keys of conf.yml, ports, metrics
// and reasons.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { countedFetch } from '../../../daemons/controller/request-metrics.js'
import { countVerdicts } from '../../../daemons/controller/webhooks/metrics.js'
import { controllerOf } from '../../../daemons/controller/controller.js'
import { BECAUSE } from '../../../daemons/controller/reconcilers/address-gc/events.js'
import { reconcilersFor } from '../../../daemons/controller/reconcilers/all.js'
import { CONF_DEFAULT, confOf, settingsOf } from '../../../daemons/controller/settings.js'
import { FLEXIBLE_KEYS } from '../../../daemons/controller/reconcilers/subnet/reconcile.js'
import { printedWebhooks } from '../../../daemons/controller/webhooks/start.js'
import { LEVELS, logTo } from '../../../lib/log.js'
import { Metrics } from '../../../lib/metrics.js'
import { world } from '../../lib/kube/world.js'

const sourceOf = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const page = sourceOf('docs/controller.md')

/** Rows of the table under a heading, by the text of its first cell. */
function rowsOf(heading: string): ReadonlyMap<string, readonly string[]> {
  const [, rest = ''] = page.split(`\n## ${heading}\n`)
  const [section = ''] = rest.split('\n## ')
  const rows = section.split('\n').filter(line => line.startsWith('|'))
  const cells = rows.slice(2).map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim().replaceAll('`', '')),
  )
  return new Map(cells.map(([first = '', ...others]) => [first, others]))
}

const OUTSIDE = { namespace: 'kube-system', podName: 'the host’s name' }
const settings = settingsOf({}, OUTSIDE)

type Env = Record<string, string | undefined>
/** The names that are read from an environment; it returns `given`. */
function valuesRead(read: (env: Env) => unknown, given: Env = {}): readonly string[] {
  const names = new Set<string>()
  read(
    new Proxy(given, {
      get(of, name) {
        names.add(String(name))
        return of[String(name)]
      },
    }),
  )
  return [...names]
}

t.test('docs/controller.md lists the variables that are read, with their defaults', async t => {
  const rows = rowsOf('Environment')
  const serving = { use: () => Promise.resolve(), check: () => Promise.resolve(undefined) }
  const making = { settings, conf: CONF_DEFAULT, metrics: new Metrics(), serving }
  const read = [
    ...valuesRead(env => settingsOf(env, OUTSIDE)),
    ...valuesRead(env => reconcilersFor({ ...making, env })),
    ...valuesRead(env => printedWebhooks(settings, CONF_DEFAULT, env)),
  ]
  t.strictSame([...rows.keys()].sort(), [...new Set(read)].sort())
  const given = Object.fromEntries([...rows].map(([name, [value]]) => [name, value ?? '']))
  t.strictSame(
    settingsOf(given, { namespace: 'x', podName: 'x' }),
    settings,
    'set to the page’s defaults, nothing changes',
  )
  t.equal(printedWebhooks(settings, CONF_DEFAULT, given), printedWebhooks(settings, CONF_DEFAULT, {}))
  for (const level of LEVELS) t.match(rows.get('SPIDERPOOL_LOG_LEVEL')?.[1], level)
})

t.test('docs/controller.md lists the keys of conf.yml that are read, and what a missing one means', async t => {
  const rows = rowsOf('conf.yml')
  const files = ['reconcilers/nad/reconcile', 'reconcilers/coordinator/reconcile', 'webhooks/start'].map(name =>
    sourceOf(`daemons/controller/${name}.ts`),
  )
  const raw = files.flatMap(text => [...text.matchAll(/raw\['(\w+)'\]/g)].map(([, key = '']) => key))
  const read = [...valuesRead(env => confOf(env)), ...raw, ...FLEXIBLE_KEYS]
  t.strictSame([...rows.keys()].sort(), [...new Set(read)].sort())
  const missing: Readonly<Record<string, unknown>> = { ...confOf({}) }
  for (const [key, [value]] of rows) if (key in missing) t.equal(String(missing[key]), value, key)
  const { raw: _, ...defaults } = CONF_DEFAULT
  const on = Object.entries(defaults).flatMap(([key, value]) => (value === true ? key : []))
  t.strictSame(on, [...rows.keys()].slice(0, 6), 'the first six are true without a file')
})

t.test('docs/controller.md lists the default ports', async t => {
  const { healthPort, metricsPort, webhookPort } = settings
  t.strictSame([...rowsOf('Ports').keys()], [healthPort, metricsPort, webhookPort].map(String))
})

t.test('docs/controller.md lists the metrics that are served, with their kinds', async t => {
  const w = await world([])
  t.teardown(() => w.close())
  const metrics = new Metrics()
  countedFetch(metrics)
  countVerdicts(metrics)
  controllerOf({
    metrics,
    ...{ kube: w.kube, settings, conf: CONF_DEFAULT, env: {}, signal: AbortSignal.abort() },
    log: logTo(() => undefined, 'error'),
    webhooks: { serving: undefined, authority: undefined, check: () => undefined, expiresAtMs: () => undefined },
    seams: {
      ...{ now: () => 0, clock: () => new Date(0), random: () => 0, suffix: () => 'x' },
      ...{ after: () => () => undefined, sleep: () => Promise.resolve() },
    },
  })
  const served = [...metrics.text().matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => [name, kind])
  const rows = [...rowsOf('Metrics')]
  const written = rows.flatMap(([name, [kind = '', , text = '']]) => [
    [name, kind],
    ...[...text.matchAll(/Also as `?(\w+)/g)].map(([, alias = '']) => [alias, 'untyped']),
  ])
  const sorted = (of: readonly (readonly string[])[]): readonly string[] => of.map(one => one.join(' ')).sort()
  t.strictSame(sorted(served), sorted(written))
})

t.test('docs/controller.md has the reasons of the Events in the same words', async t => {
  const rows = [...rowsOf('When an address is released')].map(([event, [why = '']]) => `${event}: ${why}`)
  const events = Object.entries(BECAUSE).map(([why, sentence]) => `Reclaimed${why}: ${sentence}`)
  t.strictSame([...rows].sort(), events.sort())
})
