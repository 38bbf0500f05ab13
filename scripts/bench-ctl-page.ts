// Writes dist/bench/ctl.json, the output of bench/ctl/main.ts, into docs/benchmarks.md, between its
// bench-ctl marks.
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { machine } from '../bench/measure.js'
import type { CtlRow } from '../bench/ctl/commands.js'
import { ROOT } from './source-tree.js'

const MARKS = /(<!-- bench-ctl -->)[^]*(<!-- \/bench-ctl -->)/
const PAGE = 'docs/benchmarks.md'

const { pools, pods, where, rows } = JSON.parse(readFileSync(`${ROOT}dist/bench/ctl.json`, 'utf8')) as {
  readonly pools: number
  readonly pods: number
  readonly where: string
  readonly rows: readonly CtlRow[]
}
const listsOf = ({ lists }: CtlRow): string =>
  Object.entries(lists)
    .map(([kind, count]) => `${kind}${count === 1 ? '' : ` ×${count}`}`)
    .join(', ')
const lines = rows.map(
  row =>
    `| \`${row.command}\` | ${row.ms} ms | ${row.msMax} ms | ${row.rssMb} MB | ${row.requests} | ${listsOf(row) || 'none'} |`,
)
const text = `_\`make bench-ctl\`, ${machine()}, ${where}, ${pods} pods in ${pools} pools._ Medians; memory is the highest of the runs, at most 200 MB.

| command | wall | target | resident | requests | LISTs, each paginated |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}`
const before = readFileSync(`${ROOT}${PAGE}`, 'utf8')
if (!MARKS.test(before)) throw new Error(`${PAGE} has no <!-- bench-ctl --> … <!-- /bench-ctl -->`)
const after = before.replace(MARKS, (_, open: string, close: string) => `${open}\n\n${text}\n\n${close}`)
writeFileSync(`${ROOT}${PAGE}`, await format(after, { ...(await resolveConfig(PAGE)), parser: 'markdown' }))
console.log(`${PAGE} has the figures of spiderpoolctl`)
