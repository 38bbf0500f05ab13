// `make bench-e2e`: our network beside Debian's macvlan with host-local, in one cluster.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { machine, quantile, save, table, type Row } from '../bench/measure.js'
import { conflist, everything, useNetwork } from './install.js'
import { apply, kubectl, must, NODES, onNode, within } from './kubectl.js'
import { app, hostLocal, ippool, pool4 } from './objects.js'
import { say, show } from './say.js'
import { gone, ready } from './wait.js'

type Who = 'ours' | 'theirs'
const PODS = 60
const PAIRS = Number(process.env['PAIRS'] ?? '2')
/** Who goes first changes: the second of a pair finds caches warm. */
const ORDER: readonly Who[] = Array.from({ length: PAIRS }, (_, at): readonly Who[] =>
  at % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours'],
).flat()

/** Since the process that counts began. */
type Counts = ReadonlyMap<string, number>

interface Round {
  readonly who: Who
  /** From the pod's first watch event until Running, in ms, as a watcher sees it. */
  readonly startsMs: readonly number[]
  /** By "verb resource", of all who ask, while the pods start and end. */
  readonly requests: Counts
  /** The runtime's own mean of setting up and tearing down a pod's network, in ms. */
  readonly addMs: number
  readonly delMs: number
}

/** A line of the text format of Prometheus: name{labels} value. */
function* samples(text: string, name: string): Generator<{ readonly labels: string; readonly value: number }> {
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !/^[{ ]/.test(line.slice(name.length))) continue
    const at = line.lastIndexOf(' ')
    yield { labels: line.slice(name.length, at), value: Number(line.slice(at + 1)) }
  }
}

async function requestsSoFar(): Promise<Counts> {
  const counts = new Map<string, number>()
  for (const { labels, value } of samples(await kubectl('get --raw /metrics'), 'apiserver_request_total')) {
    const of = (key: string): string => new RegExp(`[{,]${key}="([^"]*)"`).exec(labels)?.[1] ?? ''
    if (of('resource') === '' || of('verb') === 'WATCH') continue
    const key = `${of('verb')} ${of('resource')}${of('subresource') === '' ? '' : `/${of('subresource')}`}`
    counts.set(key, (counts.get(key) ?? 0) + value)
  }
  return counts
}

/** Seconds and calls of both nodes' runtimes together. */
async function runtimeSoFar(what: 'create' | 'delete'): Promise<{ readonly seconds: number; readonly calls: number }> {
  const texts = await Promise.all(
    NODES.map(node => must(onNode(node, 'curl', '-sS', 'http://127.0.0.1:1338/v1/metrics'))),
  )
  const sum = (end: string): number =>
    texts
      .flatMap(text => [...samples(text, `containerd_cri_sandbox_${what}_network_seconds_${end}`)])
      .reduce((total, { value }) => total + value, 0)
  return { seconds: sum('sum'), calls: sum('count') }
}

const since = (now: Counts, before: Counts): Counts =>
  new Map(
    [...now].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const).filter(([, count]) => count > 0),
  )

/** Watches until as many have been seen Running. */
async function untilRunning(name: string, count: number, act: () => Promise<unknown>): Promise<readonly number[]> {
  const seen = new Map<string, { at: number; tookMs?: number }>()
  const watch = spawn('kubectl', ['get', 'pods', '-l', `app=${name}`, '--watch', '--no-headers'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const done = new Promise<void>((resolve, reject) => {
    watch.once('error', reject)
    watch.once('exit', () => reject(new Error('kubectl stopped watching')))
    createInterface({ input: watch.stdout }).on('line', line => {
      const [pod = '', , status] = line.split(/\s+/)
      const now = performance.now()
      const entry = seen.get(pod) ?? { at: now }
      seen.set(pod, entry)
      if (status === 'Running') entry.tookMs ??= now - entry.at
      if ([...seen.values()].filter(({ tookMs }) => tookMs !== undefined).length === count) resolve()
    })
  })
  try {
    await act()
    await Promise.race([done, sleep(300_000).then(() => Promise.reject(new Error('not Running within 300 s')))])
  } finally {
    watch.kill()
  }
  return [...seen.values()].flatMap(({ tookMs }) => tookMs ?? [])
}

async function round(who: Who, confs: ReadonlyMap<string, string>): Promise<Round> {
  say(`${PODS} pods at once, ${who === 'ours' ? 'ours' : 'Debian’s macvlan and host-local'}`)
  for (const [node, conf] of confs) await useNetwork(node, conf)
  await sleep(2000)
  const [requests, add, del] = [await requestsSoFar(), await runtimeSoFar('create'), await runtimeSoFar('delete')]
  const name = `bench-${who}`
  const of = app({ name, replicas: PODS, annotations: who === 'ours' ? ippool(['bench']) : {} })
  const startsMs = await untilRunning(name, PODS, () => apply(of))
  await ready(name, PODS)
  const added = await runtimeSoFar('create')
  await kubectl(`delete deployment ${name}`)
  await gone(name, 240)
  // A pod without grace is gone from the API server before its network is.
  const deleted = await within(240, 'every network is torn down', async () => {
    const now = await runtimeSoFar('delete')
    if (now.calls < del.calls + PODS) throw new Error(`${now.calls - del.calls} are`)
    return now
  })
  const mean = (now: typeof add, before: typeof add): number =>
    ((now.seconds - before.seconds) * 1000) / (now.calls - before.calls)
  const result = {
    ...{ who, startsMs, requests: since(await requestsSoFar(), requests) },
    ...{ addMs: mean(added, add), delMs: mean(deleted, del) },
  }
  show(`p50 ${quantile(startsMs, 0.5).toFixed(0)} ms, p99 ${quantile(startsMs, 0.99).toFixed(0)} ms`)
  return result
}

const average = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0) / values.length

function rowsOf(rounds: readonly Round[]): readonly Row[] {
  const by = (who: Who): readonly Round[] => rounds.filter(one => one.who === who)
  const row = (what: string, of: (rounds: readonly Round[]) => number, unit: string): Row => {
    const [ours, theirs] = [of(by('ours')), of(by('theirs'))]
    const shown = (value: number): string => value.toFixed(unit === '' ? 2 : 0)
    return { what, value: shown(ours), unit, bound: `${shown(theirs)} ${unit} (${shown(ours - theirs)} more)` }
  }
  const starts = (q: number) => (of: readonly Round[]) =>
    quantile(
      of.flatMap(({ startsMs }) => startsMs),
      q,
    )
  const keys = [...new Set(rounds.flatMap(({ requests }) => [...requests.keys()]))].sort()
  const perPod = (key: string) => (of: readonly Round[]) =>
    average(of.map(({ requests }) => (requests.get(key) ?? 0) / PODS))
  return [
    row('pod seen → Running, p50', starts(0.5), 'ms'),
    row('pod seen → Running, p99', starts(0.99), 'ms'),
    row('network of a pod set up (runtime), mean', of => average(of.map(({ addMs }) => addMs)), 'ms'),
    row('network of a pod torn down (runtime), mean', of => average(of.map(({ delMs }) => delMs)), 'ms'),
    ...keys
      .map(key => row(`${key}, requests a pod`, perPod(key), ''))
      .filter(({ value, bound = '' }) => value !== bound.split(' ')[0]),
  ]
}

await everything()
await apply(pool4('bench', `172.18.48.1-172.18.48.${PODS}`))
const ours = await conflist()
const rounds: Round[] = []
for (const who of ORDER) {
  const confs = NODES.map(
    (node, at) => [node, who === 'ours' ? ours : JSON.stringify(hostLocal('eth0', 50 + at))] as const,
  )
  rounds.push(await round(who, new Map(confs)))
}
for (const node of NODES) await useNetwork(node, ours)
await kubectl('delete sp bench')
const rows = rowsOf(rounds)
console.log(`\n${machine()}: ${PODS} pods at once on ${NODES.length} nodes, ${PAIRS} rounds each\n`)
console.log(table(rows, ['what', 'ours', 'macvlan + host-local']))
console.log(
  '\nKubernetes 1.20 counts the reading of one custom resource in a namespace, as of a SpiderEndpoint, as LIST.',
)
save('dist/bench-e2e.json', {
  machine: machine(),
  pods: PODS,
  rows,
  rounds: rounds.map(one => ({ ...one, requests: [...one.requests] })),
})
