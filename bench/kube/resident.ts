// The largest resident set of each executable, by GNU time: a process that Bun spawns would count
// our own memory at its start.
import { readFileSync, rmSync } from 'node:fs'
import { masterOf } from '../stage.js'
import { GO } from './go.js'
import { measuredBy, type Column, type KubeRow } from './rows.js'
import { openRuntime, waysOf } from './runtime.js'
import type { KubeStage } from './stage.js'

const ROUNDS = 5
const POOL = 'resident'

export async function resident(stage: KubeStage): Promise<readonly KubeRow[]> {
  await stage.pool(POOL, { subnet: '10.99.0.0/16', ips: ['10.99.200.1-10.99.200.250'], gateway: '10.99.0.1' })
  const largest = new Map<Column, ReadonlyMap<string, number>>()
  const file = `${stage.folder}/resident`
  for (const way of await waysOf(stage, masterOf())) {
    const mb = new Map<string, number>()
    const runtime = openRuntime(way, way.conflist, { under: ['/usr/bin/time', '-a', '-o', file, '-f', '%C %M'] })
    for (let round = 0; round < ROUNDS; round++) {
      const [pod] = await stage.pods(1, () => ({ node: way.node, pool: POOL }))
      if (!pod) throw new Error('no pod was created')
      const sandbox = { pod, netns: stage.netns(pod.name) }
      await runtime.add(sandbox)
      await stage.endPod(pod)
      await runtime.del(sandbox)
    }
    for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
      const [command = '', kb = ''] = line.split(' ')
      const name = command.slice(command.lastIndexOf('/') + 1)
      mb.set(name, Math.max(mb.get(name) ?? 0, Number(kb) / 1024))
    }
    rmSync(file)
    largest.set(way.column, mb)
  }
  const row = (what: string, ...names: readonly string[]): KubeRow => ({
    ...{ what, unit: 'MB', target: { direct: 42, agent: 30 } },
    measured: measuredBy(largest, mb => {
      const found = names.flatMap(name => mb.get(name) ?? [])
      return found.length === 0 ? undefined : { value: Math.max(...found) }
    }),
  })
  return [
    row('macvlan with IPAM: largest resident set', 'macvlan-wrapper', 'macvlan'),
    { ...row('coordinator: largest resident set', 'coordinator'), go: GO.resident },
  ]
}
