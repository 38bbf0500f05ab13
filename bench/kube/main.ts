// `make bench-kube`: measures against a real kube-apiserver and etcd; prints a table, writes JSON.
// Runs under Bun, in the namespaces of scripts/k8s/cluster.sh. Arguments name parts; none runs all;
// --direct leaves the agents out.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { machine, save } from '../measure.js'
import { burst } from './burst.js'
import { chain, ipam } from './calls.js'
import { node } from './node.js'
import { requests } from './requests.js'
import { resident } from './resident.js'
import { textTable, type KubeRow } from './rows.js'
import { whole } from './whole.js'
import { openKubeStage, type KubeStage } from './stage.js'

const OUT = fileURLToPath(new URL('../../dist/bench', import.meta.url))

/** In this order: `requests` ends the controller, so it is the last. */
const PARTS: Readonly<Record<string, (stage: KubeStage) => Promise<readonly KubeRow[]>>> = {
  ...{ ipam, chain, whole, resident, burst, node, requests },
}

const args = process.argv.slice(2)
const wanted = args.filter(arg => arg !== '--direct')
const unknown = wanted.filter(name => !Object.hasOwn(PARTS, name))
if (unknown.length > 0)
  throw new Error(`no such rows: ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`)
const started = performance.now()
const stage = await openKubeStage({ agents: !args.includes('--direct') })
const all: Record<string, readonly KubeRow[]> = {}
try {
  const { gitVersion } = await stage.api.ask<{ readonly gitVersion: string }>('GET', '/version')
  for (const [name, part] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const from = performance.now()
    all[name] = await part(stage)
    console.log(`\n${name} (${((performance.now() - from) / 1000).toFixed(0)} s)\n${textTable(all[name])}`)
  }
  mkdirSync(OUT, { recursive: true })
  save(`${OUT}/kube.json`, { machine: `${machine()}, kube-apiserver ${gitVersion}, etcd with fsync`, parts: all })
  console.log(`\n${machine()}: ${((performance.now() - started) / 1000).toFixed(0)} s; written to dist/bench/kube.json`)
} finally {
  await stage.close()
}
