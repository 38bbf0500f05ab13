// The controller with 10,000 pods: start, memory, idle writes, address GC. On a server of its own.
import { readFileSync } from 'node:fs'
import { newEndpoint } from '../lib/ipam/allocation/endpoint.js'
import { addressObject } from '../lib/ipam/allocation/address-object.js'
import type { Claimant } from '../lib/ipam/allocation/claimant.js'
import { poolOf, type Pool } from '../lib/ipam/allocation/pool.js'
import { fromBigint, toBigint, ip } from '../lib/ip/address.js'
import type { SpiderIPPool } from '../lib/crd/types.js'
import { median, quantile, type Row } from './measure.js'
import { BIN, openServer, podObject, poolObject, SPIDER, type Server } from './stage.js'

const PODS = 10_000
const POOLS = 200
const WRITERS = 64
const SILENCE_MS = 10_000
const ENDS = 21
const STALE = 1_000
const SCRAPES = 21
const WAIT_MS_MAX = 60_000

interface Held {
  readonly pod: string
  readonly address: string
}

interface Controller {
  readonly pid: number
  readonly startedMs: number
  /** The value of a metric, its samples added up. */
  metric(name: string): Promise<number>
  /** The text of /metrics. */
  scrape(): Promise<string>
  stop(): Promise<void>
}

export async function controller(): Promise<readonly Row[]> {
  const server = await openServer('--no-embedded-controller')
  try {
    const held = await fillCluster(server)
    const running = await start(server)
    try {
      return await measureAll(server, running, held)
    } finally {
      await running.stop()
    }
  } finally {
    await server.close()
  }
}

async function measureAll(server: Server, running: Controller, held: readonly Held[]): Promise<readonly Row[]> {
  await until(async () => (await counted(server)) === PODS)
  const convergedMs = performance.now() - running.startedMs
  const convergedMb = peakMb(running.pid)
  const writes = 'spiderpool_controller_write_counts'
  await Bun.sleep(2_000)
  const before = await running.metric(writes)
  await Bun.sleep(SILENCE_MS)
  const silent = (await running.metric(writes)) - before
  const scrapes = await measureScrapes(running)
  const freed: number[] = []
  for (const one of held.slice(0, ENDS)) freed.push(await freeAfterEnd(server, one))
  const stale = await reclaimStale(server, running, held.slice(ENDS, ENDS + STALE))
  return [
    { what: `start to converged, ${PODS} pods, ${POOLS} pools`, value: convergedMs / 1000, unit: 's', bound: '≤ 20 s' },
    { what: `writes in ${SILENCE_MS / 1000} s without changes, except to the Lease`, value: silent, bound: '0' },
    {
      what: 'from the end of a pod to the release of its address, median',
      value: median(freed) / 1000,
      unit: 's',
      bound: '≤ 2 s',
    },
    {
      what: 'from the end of a pod to the release of its address, slowest',
      value: quantile(freed, 1) / 1000,
      unit: 's',
      bound: '≤ 2 s',
    },
    ...scrapes,
    { what: 'largest resident set until then', value: convergedMb, unit: 'MB', bound: '≤ 250 MB' },
    ...stale,
    { what: 'largest resident set', value: peakMb(running.pid), unit: 'MB', bound: '≤ 250 MB' },
  ]
}

/** Wall time and size of /metrics, while nothing else runs. */
async function measureScrapes({ scrape }: Controller): Promise<readonly Row[]> {
  const took: number[] = []
  let bytes = 0
  for (let at = 0; at < SCRAPES; at++) {
    const began = performance.now()
    bytes = Buffer.byteLength(await scrape())
    took.push(performance.now() - began)
  }
  return [
    { what: `a scrape of its metrics, ${POOLS} pools, median`, value: median(took), unit: 'ms', bound: '≤ 5 ms' },
    { what: 'size of the scrape', value: bytes / 1000, unit: 'KB', bound: '≤ 200 KB' },
  ]
}

/** Pods of POOLS pools, each with an address and a record, as ADD writes them. */
async function fillCluster({ ask }: Server): Promise<readonly Held[]> {
  const perPool = PODS / POOLS
  const pools: Pool[] = []
  for (let at = 0; at < POOLS; at++) {
    const spec = { subnet: `10.${at}.0.0/16`, ips: [`10.${at}.0.1-10.${at}.255.250`] }
    const made = await ask<SpiderIPPool>('POST', `${SPIDER}/spiderippools`, poolObject(`pool-${at}`, spec))
    pools.push(poolOf(made, 4))
  }
  return together(PODS, async at => {
    const pool = pools[Math.floor(at / perPool)]
    if (!pool) throw new Error(`no pool for pod ${at}`)
    const name = `pod-${at}`
    const { metadata } = await ask<{ metadata: { uid: string } }>(
      'POST',
      '/api/v1/namespaces/default/pods',
      podObject(name, { ipv4: [pool.name] }),
    )
    const claimant: Claimant = {
      ...{ namespace: 'default', name, uid: metadata.uid, record: name, node: 'n1', containerID: `c-${at}` },
      owner: { apiVersion: 'v1', kind: 'Pod', name },
    }
    const address = fromBigint(toBigint(ip(`10.${Math.floor(at / perPool)}.0.1`)) + BigInt(at % perPool), 4)
    await ask('POST', `${SPIDER}/spideripaddresses`, addressObject({ ip: address, pool, nic: 'eth0', claimant }))
    const nic = { interface: 'eth0', ipv4: `${address}/16`, ipv4Pool: pool.name, vlan: 0 }
    await ask('POST', `${SPIDER}/namespaces/default/spiderendpoints`, newEndpoint(claimant, [nic], false))
    return { pod: name, address }
  })
}

export async function together<T>(count: number, work: (at: number) => Promise<T>): Promise<readonly T[]> {
  const made: T[] = new Array<T>(count)
  let next = 0
  const writer = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) made[at] = await work(at)
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  return made
}

export async function start({ kubeconfig }: Server): Promise<Controller> {
  const startedMs = performance.now()
  const child = Bun.spawn([`${BIN}/spiderpool-controller`], {
    env: {
      KUBECONFIG: kubeconfig,
      SPIDERPOOL_POD_NAME: 'bench',
      SPIDERPOOL_LOG_LEVEL: 'info',
      SPIDERPOOL_ENABLED_METRIC: 'true',
      SPIDERPOOL_BIND_ADDRESS: '127.0.0.1',
      SPIDERPOOL_HEALTH_PORT: '0',
      SPIDERPOOL_METRIC_HTTP_PORT: '0',
    },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const port = await metricsPort(child.stdout)
  const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return {
    scrape,
    pid: child.pid,
    startedMs,
    async metric(name) {
      const lines = (await scrape())
        .split('\n')
        .filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
    async stop() {
      child.kill()
      await child.exited
    },
  }
}

/** From the log's first line; the rest is read and dropped, so that the pipe never fills. */
async function metricsPort(stdout: ReadableStream<Uint8Array>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const decoder = new TextDecoder()
  const drain = async (): Promise<void> => {
    for await (const piece of stdout) {
      const [, port] = /"metrics":(\d+)/.exec(decoder.decode(piece)) ?? []
      if (port !== undefined) resolve(Number(port))
    }
  }
  void drain()
  return promise
}

export async function until(holds: () => Promise<boolean>, everyMs = 50): Promise<void> {
  const end = performance.now() + WAIT_MS_MAX
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`condition not met within ${WAIT_MS_MAX} ms: ${holds.toString()}`)
    await Bun.sleep(everyMs)
  }
}

/** Addresses, as the pools' status counts them. */
async function counted({ ask }: Server): Promise<number> {
  const { items } = await ask<{ items: readonly SpiderIPPool[] }>('GET', `${SPIDER}/spiderippools`)
  return items.reduce((sum, { status }) => sum + (status?.allocatedIPCount ?? 0), 0)
}

const endPod = ({ ask }: Server, name: string): Promise<unknown> =>
  ask('DELETE', `/api/v1/namespaces/default/pods/${name}?gracePeriodSeconds=0`)

async function freeAfterEnd(server: Server, { pod, address }: Held): Promise<number> {
  await endPod(server, pod)
  const endedMs = performance.now()
  await until(
    () =>
      server.ask('GET', `${SPIDER}/spideripaddresses/${address}`).then(
        () => false,
        () => true,
      ),
    20,
  )
  return performance.now() - endedMs
}

/** Pods that end all at once, as those of a node do. */
async function reclaimStale(server: Server, running: Controller, stale: readonly Held[]): Promise<readonly Row[]> {
  const before = await running.metric('spiderpool_controller_request_counts')
  const freedBefore = await running.metric('spiderpool_ip_gc_counts')
  await together(stale.length, at => endPod(server, stale[at]?.pod ?? ''))
  const endedMs = performance.now()
  await until(async () => (await running.metric('spiderpool_ip_gc_counts')) - freedBefore >= stale.length)
  const tookMs = performance.now() - endedMs
  await until(async () => {
    const { items } = await server.ask<{ items: readonly unknown[] }>('GET', `${SPIDER}/spiderendpoints`)
    return items.length === PODS - ENDS - STALE
  }, 500)
  await Bun.sleep(2_000)
  const requests = (await running.metric('spiderpool_controller_request_counts')) - before
  const text = await running.metric('spiderpool_controller_write_counts{verb="delete",resource="spideripaddresses"}')
  return [
    { what: `${stale.length} pods that end at once: all addresses released`, value: tookMs / 1000, unit: 's' },
    { what: 'requests for each, with record, Events, live reads and counts', value: requests / stale.length },
    { what: 'deletes for each released address', value: text / (ENDS + STALE), bound: '≤ 1' },
  ]
}

/** The kernel's high-water mark of the whole life of the process (proc(5), VmHWM). */
export const peakMb = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
