// Writes dist/bench/bench.json, the output of bench/main.ts, into docs/benchmarks.md, and its
// highlights into README.md, between the bench marks of each.
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { ROOT } from './source-tree.js'

interface Row {
  readonly what: string
  readonly value: number | string
  readonly unit?: string
  readonly bound?: string
}

type Bench = { readonly machine: string } & Readonly<Record<string, readonly Row[] | string>>

const MARKS = /(<!-- bench -->)[^]*(<!-- \/bench -->)/
const FIGURES = `${ROOT}dist/bench/bench.json`

/** The parts of bench/main.ts as sections of docs/benchmarks.md. */
const TITLES: Readonly<Record<string, string>> = {
  versions: 'Start-up: VERSION',
  addDel: 'ADD and DEL with IPAM',
  coordinator: 'coordinator',
  ifacer: 'ifacer',
  traffic: 'Requests to the API server',
  burst: 'A burst of ADDs',
  recreate: 'A full pool: pods replaced',
  lastPlaces: 'A full pool: the last free addresses',
  controller: 'spiderpool-controller: pools and address GC',
  subnets: 'spiderpool-controller: a SpiderSubnet of 300 applications',
  fill: 'ADD in nearly empty and in large pools',
}

/** The rows of README.md, in this order. */
const HIGHLIGHTS: readonly string[] = [
  'VERSION macvlan-wrapper, CPU',
  'VERSION macvlan-wrapper, resident',
  'spiderpool-ipam ADD, wall',
  'macvlan-wrapper with IPAM ADD, wall',
  'macvlan-wrapper + coordinator ADD, wall',
  '1000 ADDs, 50 at a time, total',
  'start to converged, 10000 pods, 200 pools',
  'from the end of a pod to the release of its address, median',
]

const rounded = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

const line = ({ what, value, unit = '', bound = '' }: Row): string =>
  `| ${what} | ${typeof value === 'number' ? rounded(value) : value} ${unit} | ${bound} |`

const tableOf = (rows: readonly Row[]): string =>
  ['| what | measured | target |', '|---|---|---|', ...rows.map(line)].join('\n')

/** @throws when the file has no bench marks. */
async function fill(path: string, machine: string, text: string): Promise<void> {
  const before = readFileSync(`${ROOT}${path}`, 'utf8')
  if (!MARKS.test(before)) throw new Error(`${path} has no <!-- bench --> … <!-- /bench -->`)
  const section = `_${machine}._ Medians unless said.\n\n${text}`
  const after = before.replace(MARKS, (_, open: string, close: string) => `${open}\n\n${section}\n\n${close}`)
  writeFileSync(`${ROOT}${path}`, await format(after, { ...(await resolveConfig(path)), parser: 'markdown' }))
}

const { machine, ...parts } = JSON.parse(readFileSync(FIGURES, 'utf8')) as Bench
const tables = Object.entries(parts).flatMap(([name, rows]) => (typeof rows === 'string' ? [] : [{ name, rows }]))
const all = tables.flatMap(({ rows }) => rows)
const highlights = HIGHLIGHTS.flatMap(what => all.filter(row => row.what === what))
// `make bench` with some parts only has not all rows: the README keeps those of the last whole run.
if (highlights.length === HIGHLIGHTS.length) await fill('README.md', machine, tableOf(highlights))
await fill(
  'docs/benchmarks.md',
  machine,
  tables.map(({ name, rows }) => `## ${TITLES[name] ?? name}\n\n${tableOf(rows)}`).join('\n\n'),
)
console.log(`docs/benchmarks.md has the figures of ${machine}`)
