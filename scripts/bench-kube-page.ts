// Writes dist/bench/kube.json, the output of bench/kube/main.ts, into docs/benchmarks.md, between
// its bench-kube marks. Parts that were not measured this time are an error: a table is of one run.
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { GO_SOURCE } from '../bench/kube/go.js'
import { cellsOf, TITLES, type KubeRow } from '../bench/kube/rows.js'
import { ROOT } from './source-tree.js'

const MARKS = /(<!-- bench-kube -->)[^]*(<!-- \/bench-kube -->)/
const PAGE = 'docs/benchmarks.md'

/** The parts of bench/kube/main.ts as sections of the page. */
const SECTIONS: Readonly<Record<string, string>> = {
  ipam: 'IPAM alone, one call at a time',
  chain: 'The whole chain, one call at a time',
  whole: 'The whole chain in the agent, handed over by the client',
  resident: 'Memory of the executables',
  burst: 'A burst of ADDs on ten nodes',
  node: 'The agent of a full node',
  requests: 'Requests of a fresh stateless pod',
}

const TITLE_OF: Readonly<Record<string, string>> = { Go: 'Go [^go]' }

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const tableOf = (rows: readonly KubeRow[]): string =>
  [
    line(TITLES.map(title => TITLE_OF[title] ?? title)),
    line(TITLES.map(() => '---')),
    ...rows.map(row => line(cellsOf(row))),
  ].join('\n')

const { machine, parts } = JSON.parse(readFileSync(`${ROOT}dist/bench/kube.json`, 'utf8')) as {
  readonly machine: string
  readonly parts: Readonly<Record<string, readonly KubeRow[]>>
}
const missing = Object.keys(SECTIONS).filter(name => parts[name] === undefined)
if (missing.length > 0) {
  console.log(`${PAGE} stays as it is: ${missing.join(', ')} not measured`)
} else {
  const before = readFileSync(`${ROOT}${PAGE}`, 'utf8')
  if (!MARKS.test(before)) throw new Error(`${PAGE} has no <!-- bench-kube --> … <!-- /bench-kube -->`)
  const tables = Object.entries(SECTIONS).map(([name, title]) => `### ${title}\n\n${tableOf(parts[name] ?? [])}`)
  const text = `_\`make bench-kube\`, ${machine}._ Medians, 90th percentile in brackets.\n\n${tables.join('\n\n')}\n\n[^go]: ${GO_SOURCE}.`
  const after = before.replace(MARKS, (_, open: string, close: string) => `${open}\n\n${text}\n\n${close}`)
  writeFileSync(`${ROOT}${PAGE}`, await format(after, { ...(await resolveConfig(PAGE)), parser: 'markdown' }))
  console.log(`${PAGE} has the figures of ${machine}`)
}
