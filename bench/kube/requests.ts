// Requests to the API server of a fresh stateless pod, by the server's own metrics: verb, resource,
// and for lists whether they were consistent or of the watch cache.
import { masterOf } from '../stage.js'
import { samplesOf } from './api.js'
import { measuredBy, type Column, type KubeRow } from './rows.js'
import { ipamOnly, openRuntime, waysOf, type Sandbox, type Way } from './runtime.js'
import type { KubeStage } from './stage.js'

const PODS = 20
const POOL = 'requests'
/** What an agent writes behind its answer is written by then. */
const BEHIND_MS = 1_500

/** By what is counted. */
type Counts = ReadonlyMap<string, number>

function counted(text: string): Counts {
  const counts = new Map<string, number>()
  const add = (key: string, value: number): void => void counts.set(key, (counts.get(key) ?? 0) + value)
  for (const { labels, value } of samplesOf(text, 'apiserver_request_total')) {
    const { verb = '', resource = '', subresource = '' } = labels
    if (resource === '' || verb === 'WATCH') continue
    add(`${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`, value)
  }
  for (const { labels, value } of samplesOf(text, 'apiserver_watch_cache_consistent_read_total'))
    add(`consistent ${labels['resource']}`, value)
  return counts
}

const less = (now: Counts, before: Counts): Counts =>
  new Map([...now].map(([key, count]) => [key, count - (before.get(key) ?? 0)]))

/** A LIST is consistent, or of the watch cache: `LIST pods (cache)`. */
function classed(counts: Counts): Counts {
  const classes = new Map<string, number>()
  const add = (key: string, value: number): void => {
    if (value > 0) classes.set(key, value)
  }
  for (const [key, count] of counts) {
    const [verb = '', resource = ''] = key.split(' ')
    if (verb === 'consistent') continue
    if (verb !== 'LIST') add(key, count)
    else {
      const consistent = counts.get(`consistent ${resource}`) ?? 0
      add(`${key} (consistent)`, consistent)
      add(`${key} (watch cache)`, count - consistent)
    }
  }
  return classes
}

async function requestsOf(stage: KubeStage, way: Way): Promise<Readonly<Record<'ADD' | 'DEL', Counts>>> {
  const runtime = openRuntime(way, ipamOnly(way.conflist))
  const netns = stage.netns(`requests-${way.column}`)
  const pods = await stage.pods(PODS, () => ({ node: way.node, pool: POOL }))
  const sandboxes = pods.map((pod): Sandbox => ({ pod, netns }))
  const during = async (work: (sandbox: Sandbox) => Promise<unknown>): Promise<Counts> => {
    await Bun.sleep(BEHIND_MS)
    const before = counted(await stage.api.text('/metrics'))
    for (const sandbox of sandboxes) await work(sandbox)
    await Bun.sleep(BEHIND_MS)
    return classed(less(counted(await stage.api.text('/metrics')), before))
  }
  const add = await during(sandbox => runtime.add(sandbox))
  for (const { pod } of sandboxes) await stage.endPod(pod)
  return { ADD: add, DEL: await during(sandbox => runtime.del(sandbox)) }
}

/** The controllers are stopped meanwhile, so that what is counted is ours alone. */
export async function requests(stage: KubeStage): Promise<readonly KubeRow[]> {
  await stage.pool(POOL, { subnet: '10.96.0.0/16', ips: ['10.96.1.1-10.96.1.250'] })
  const ways = (await waysOf(stage, masterOf())).filter(({ column }) => column !== 'peer')
  await stage.endController()
  const collector = stage.pidOf('kube-controller-manager')
  process.kill(collector, 'SIGSTOP')
  try {
    const by = new Map<Column, Readonly<Record<'ADD' | 'DEL', Counts>>>()
    for (const way of ways) by.set(way.column, await requestsOf(stage, way))
    return (['ADD', 'DEL'] as const).flatMap(verb => {
      const keys = [...new Set([...by.values()].flatMap(one => [...one[verb].keys()]))].sort()
      const row = (what: string, of: (counts: Counts) => number): KubeRow => ({
        ...{ what, unit: '', measured: measuredBy(by, one => ({ value: of(one[verb]) / PODS })) },
      })
      const sum = (counts: Counts): number => [...counts.values()].reduce((a, b) => a + b, 0)
      return [
        row(`requests per ${verb}`.replace('ADD', 'IPAM ADD').replace('DEL', 'IPAM DEL'), sum),
        ...keys.map(key => row(`of ${verb}: ${key}`, counts => counts.get(key) ?? 0)),
      ]
    })
  } finally {
    process.kill(collector, 'SIGCONT')
  }
}
