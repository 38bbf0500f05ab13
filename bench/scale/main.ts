// `make bench-scale`: what grows with the cluster; prints a table, writes JSON. Runs under Bun.
// Arguments are numbers of pods; without any: 10,000 and 100,000.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { machine, save, table, type Row } from '../measure.js'
import { controllerAt } from './controller.js'

const OUT = fileURLToPath(new URL('../../dist/bench', import.meta.url))
const SIZES = [10_000, 100_000]

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : SIZES
if (!sizes.every(size => Number.isInteger(size) && size > 0))
  throw new Error(`${process.argv.slice(2).join(' ')}: arguments are numbers of pods, such as 10000`)
const all: Record<string, readonly Row[]> = {}
for (const size of sizes) {
  const rows = await controllerAt(size)
  all[`controller at ${size}`] = rows
  console.log(`\ncontroller at ${size}\n${table(rows)}`)
}
mkdirSync(OUT, { recursive: true })
save(`${OUT}/scale.json`, { machine: machine(), ...all })
console.log(`\n${machine()}\nwritten to dist/bench/scale.json`)
