// The tables of docs/controller.md and docs/agent.md: environment, conf.yml and metrics.
import { AGENT_METRICS } from '../daemons/agent/metrics.js'
import { AGENT_CONF, AGENT_ENV } from '../daemons/agent/options.js'
import { CONTROLLER_METRICS } from '../daemons/controller/metrics.js'
import { CONTROLLER_CONF, CONTROLLER_ENV } from '../daemons/controller/options.js'
import type { DaemonOption } from '../daemons/runtime/options.js'
import type { MetricSpec, MetricTable } from '../lib/metrics.js'

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')

const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

const optionTable = (head: string, options: Readonly<Record<string, DaemonOption>>): string =>
  tableOf(
    [head, 'default', 'what it does'],
    Object.entries(options).map(([name, { default: value, defaultText = code(String(value)), about }]) => [
      code(name),
      defaultText,
      about,
    ]),
  )

const metricTable = (metrics: MetricTable): string =>
  tableOf(
    ['name', 'type', 'labels', 'meaning'],
    Object.entries<MetricSpec>(metrics).map(([name, { type, labels, help, alias }]) => [
      code(name),
      type,
      labels.map(code).join(', '),
      `${help}.${alias === undefined ? '' : ` Also as ${code(alias)}.`}`,
    ]),
  )

/** By page of docs/, the tables by the name in their marker. */
export const OPTION_TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docs/controller.md': {
    environment: optionTable('variable', CONTROLLER_ENV),
    'conf.yml': optionTable('key', CONTROLLER_CONF),
    metrics: metricTable(CONTROLLER_METRICS),
  },
  'docs/agent.md': {
    environment: optionTable('variable', AGENT_ENV),
    'conf.yml': optionTable('key', AGENT_CONF),
    metrics: metricTable(AGENT_METRICS),
  },
}

/** The page with its tables between `<!-- NAME: make generate -->` and `<!-- end -->`. */
export function withOptionTables(page: string, tables: Readonly<Record<string, string>>): string {
  return Object.entries(tables).reduce((text, [name, table]) => {
    const begin = `<!-- ${name}: make generate -->\n`
    const at = text.indexOf(begin)
    const end = text.indexOf('<!-- end -->', at)
    if (at < 0 || end < 0) throw new Error(`a page has no place for its table of ${name}; write ${begin}<!-- end -->`)
    return `${text.slice(0, at + begin.length)}\n${table}\n\n${text.slice(end)}`
  }, page)
}
