// `make bench`: measures docs/benchmarks.md; prints a table, writes JSON. Runs under Bun.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { addDel } from './add-del.js'
import { agent } from './agent.js'
import { burst } from './burst.js'
import { client } from './client.js'
import { controller } from './controller.js'
import { coordinator } from './coordinator.js'
import { fill } from './fill.js'
import { lastPlaces, recreate } from './full.js'
import { ifacer } from './ifacer.js'
import { machine, save, table, type Row } from './measure.js'
import { openStage } from './stage.js'
import { subnets } from './subnets.js'
import { versions } from './versions.js'
import { traffic } from './traffic.js'

const OUT = fileURLToPath(new URL('../dist/bench', import.meta.url))

const stage = await openStage()
const all: Record<string, readonly Row[]> = {}
try {
  for (const [name, bench] of Object.entries({
    versions,
    client,
    addDel,
    agent,
    coordinator,
    ifacer,
    traffic,
    burst,
    recreate,
    lastPlaces,
    controller,
    subnets,
    fill,
  })) {
    const wanted = process.argv.slice(2)
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const rows = await bench(stage)
    all[name] = rows
    console.log(`\n${name}\n${table(rows)}`)
  }
} finally {
  await stage.close()
}
mkdirSync(OUT, { recursive: true })
save(`${OUT}/bench.json`, { machine: machine(), ...all })
console.log(`\n${machine()}\nwritten to dist/bench/bench.json`)
