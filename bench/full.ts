// Full pools: all pods replaced at once, and a burst of ADDs for the last free addresses.
import { addressObject } from '../lib/ipam/allocation/address-object.js'
import { poolOf } from '../lib/ipam/allocation/pool.js'
import { fromBigint, ip, toBigint } from '../lib/ip/address.js'
import type { SpiderIPPool } from '../lib/crd/types.js'
import { costs, logOf } from './log.js'
import { measure, quantile, type Row, type Sample } from './measure.js'
import { BIN, callOf, podObject, SPIDER, type Pod, type Stage } from './stage.js'

const AT_ONCE = 50
const POD_PATH = '/api/v1/namespaces/default/pods'

async function together<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

const call = (stage: Stage, verb: string, pod: Pod): Promise<Sample> => {
  const ipam = { type: 'spiderpool', kubeconfig: stage.kubeconfig, log_level: 'info', log_file_path: logOf(stage) }
  return measure({ file: `${BIN}/spiderpool-ipam`, ...callOf(stage, { verb, pod, type: 'spiderpool-ipam', ipam }) })
}

const REPLACED = 1000
/** Retries as a kubelet whose sandbox failed, with exponential backoff. */
const AGAIN_MS = 500
const AGAIN_MS_MAX = 8_000

/**
 * 1,000 pods on a pool of 1,000; each is deleted and replaced while the old ones are terminating.
 */
export async function recreate(stage: Stage): Promise<readonly Row[]> {
  await stage.pool('replaced', { subnet: '10.66.0.0/16', ips: ['10.66.1.1-10.66.4.232'] })
  const old: Pod[] = []
  for (let at = 0; at < REPLACED; at++) old.push(await lingering(stage, `old-${at}`, 'replaced'))
  await together(old, AT_ONCE, async pod => void (await call(stage, 'ADD', pod)))
  const started = performance.now()
  const fresh: Pod[] = []
  for (const { name } of old) {
    await patiently(() => stage.ask('DELETE', `${POD_PATH}/${name}`))
    fresh.push(await stage.pod(name.replace('old', 'new'), 'replaced'))
  }
  let served = 0
  const ends = together(old, AT_ONCE / 2, async pod => {
    await call(stage, 'DEL', pod)
    await letGo(stage, pod.name)
  })
  const starts = together(fresh, AT_ONCE / 2, async pod => {
    for (let pauseMs = AGAIN_MS; ; pauseMs = Math.min(AGAIN_MS_MAX, pauseMs * 2)) {
      if ((await call(stage, 'ADD', pod)).status === 0) return void served++
      await Bun.sleep(pauseMs)
    }
  })
  await Promise.all([ends, starts])
  const totalS = (performance.now() - started) / 1000
  costs(stage) // not of this bench's figures, and not of the next one's
  const holders = await holdersOf(stage, 'replaced')
  const strangers = holders.filter(uid => !fresh.some(pod => pod.uid === uid)).length
  return [
    { what: `${REPLACED} pods replaced on a full pool, total`, value: totalS, unit: 's' },
    { what: 'new pods with an address', value: String(served), bound: String(REPLACED) },
    {
      what: 'addresses allocated, of them to other pods',
      value: `${holders.length}, ${strangers}`,
      bound: `${REPLACED}, 0`,
    },
  ]
}

type PodObject = {
  readonly metadata: { readonly uid: string; readonly name: string } & Readonly<Record<string, unknown>>
}

/** Deletes a pod that stays terminating: a finalizer stands in for the kubelet's grace period. */
async function lingering(stage: Stage, name: string, pool: string): Promise<Pod> {
  const object = podObject(name, { ipv4: [pool] }) as PodObject
  const metadata = { ...object.metadata, finalizers: ['bench/terminating'] }
  const made = await stage.ask<PodObject>('POST', POD_PATH, { ...object, metadata })
  return { name, uid: made.metadata.uid }
}

/** In a burst the server drops connections: reads and idempotent writes are retried. */
async function patiently<T>(ask: () => Promise<T>, tries = 20): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (tries <= 1) throw error
    await Bun.sleep(AGAIN_MS)
    return patiently(ask, tries - 1)
  }
}

const letGo = (stage: Stage, name: string): Promise<void> =>
  patiently(async () => {
    const { items } = await stage.ask<{ items: readonly PodObject[] }>(
      'GET',
      `${POD_PATH}?fieldSelector=metadata.name=${name}`,
    )
    for (const { metadata, ...rest } of items)
      await stage.ask('PUT', `${POD_PATH}/${name}`, { ...rest, metadata: { ...metadata, finalizers: [] } })
  })

async function holdersOf(stage: Stage, pool: string): Promise<readonly string[]> {
  const { items } = await stage.ask<{ items: readonly { spec: { pool: string; pod: { uid: string } } }[] }>(
    'GET',
    `${SPIDER}/spideripaddresses`,
  )
  return items.filter(({ spec }) => spec.pool === pool).map(({ spec }) => spec.pod.uid)
}

const LARGE = 10_000
const LAST = 200
/** What an ADD costs where there is room (bench `traffic`). */
const REQUESTS = 5
const COUNTED_MS = 2_500

/** 200 processes at the same time for the last 200 addresses of a pool of 10,000. */
export async function lastPlaces(stage: Stage): Promise<readonly Row[]> {
  const object = (await stage.pool('large', {
    subnet: '10.68.0.0/16',
    ips: ['10.68.0.1-10.68.39.16'],
  })) as unknown as SpiderIPPool
  const pool = poolOf(object, 4)
  const from = toBigint(ip('10.68.0.1'))
  const numbers = Array.from({ length: LARGE - LAST }, (_, at) => at)
  await together(numbers, AT_ONCE, async at => {
    const name = `filler-${at}`
    const owner = { apiVersion: 'v1', kind: 'Pod', name }
    const claimant = { namespace: 'default', name, uid: name, record: name, node: 'n0', containerID: 'filler', owner }
    const address = addressObject({ ip: fromBigint(from + BigInt(at), 4), pool, nic: 'eth0', claimant })
    await stage.ask('POST', `${SPIDER}/spideripaddresses`, address)
  })
  await Bun.sleep(COUNTED_MS) // until the pool's status says so
  const pods: Pod[] = []
  for (let at = 0; at < LAST; at++) pods.push(await stage.pod(`last-${at}`, 'large'))
  const samples = await Promise.all(pods.map(pod => call(stage, 'ADD', pod)))
  const requests = costs(stage).map(one => one.requests)
  const extra = requests.reduce((sum, count) => sum + count, 0) / requests.length - REQUESTS
  return [
    {
      what: `${LAST} ADDs at once for the last ${LAST} of ${LARGE}, served`,
      value: String(samples.filter(({ status }) => status === 0).length),
      bound: String(LAST),
    },
    { what: 'requests more than on a pool with free addresses, on average', value: extra, bound: '<= 3' },
    {
      what: 'one of these ADDs, p50',
      value: quantile(
        samples.map(({ wallMs }) => wallMs),
        0.5,
      ),
      unit: 'ms',
    },
  ]
}
