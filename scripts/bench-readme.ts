// Puts the figures that bench/main.ts left in dist/bench/bench.json between the bench marks of README.md.
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
const README = `${ROOT}README.md`
const FIGURES = `${ROOT}dist/bench/bench.json`

const rounded = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

const line = ({ what, value, unit = '', bound = '' }: Row): string =>
  `| ${what} | ${typeof value === 'number' ? rounded(value) : value} ${unit} | ${bound} |`

function section({ machine, ...parts }: Bench): string {
  const rows = Object.values(parts).flatMap(part => (typeof part === 'string' ? [] : part.map(line)))
  return [
    '',
    `_${machine}._ Medians unless said.`,
    '',
    '| what | measured | wanted |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

const bench = JSON.parse(readFileSync(FIGURES, 'utf8')) as Bench
const readme = readFileSync(README, 'utf8')
if (!MARKS.test(readme)) throw new Error(`${README} has no <!-- bench --> … <!-- /bench -->`)
const filled = readme.replace(MARKS, (_, open: string, close: string) => `${open}\n${section(bench)}\n${close}`)
writeFileSync(README, await format(filled, { ...(await resolveConfig(README)), parser: 'markdown' }))
console.log(`README.md has the figures of ${bench.machine}`)
