// A cluster of running pods with addresses and records, and how it gets to a server.
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { newEndpoint, nicRecord } from '../../lib/ipam/allocation/endpoint.js'
import { addressObject } from '../../lib/ipam/allocation/address-object.js'
import { poolOf } from '../../lib/ipam/allocation/pool.js'
import type { SpiderIPPool } from '../../lib/crd/types.js'
import { ip } from '../../lib/ip/address.js'
import { openApi, pathOf, type KubeObject } from '../../demo/api.js'
import type { ApiserverFixture } from '../../test/fixtures/apiserver.js'

const PARALLEL = 64
const NODES = 100
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Seeded {
  readonly pod: string
  readonly address: string
  readonly pool: string
}

export interface Size {
  readonly pools: number
  readonly pods: number
}

/** An object, and the resource it is of. */
export interface Seed {
  readonly plural: string
  readonly object: KubeObject
}

const nodeName = (at: number): string => `node-${at % NODES}`

/** Pools of 100 addresses, and nodes. */
export function groundOf({ pools, pods }: Size): readonly Seed[] {
  const nodes = Array.from({ length: NODES }, (_, at): Seed => {
    return { plural: 'nodes', object: { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName(at) } } }
  })
  const made = Array.from({ length: pools }, (_, at): Seed => {
    const spec = { subnet: `10.${at}.0.0/16`, ips: [`10.${at}.0.10-10.${at}.0.109`], gateway: `10.${at}.0.1` }
    const allocatedIPCount = Math.floor((pods - at - 1) / pools) + 1
    const status = { totalIPCount: 100, allocatedIPCount, allocatedIPsProjected: false }
    const metadata = { name: `pool-${at}`, uid: randomUUID() }
    const kind = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' }
    return { plural: 'spiderippools', object: { ...kind, metadata, spec, status } }
  })
  return [...nodes, ...made]
}

const offsetOf = (at: number, { pools }: Size): number => 10 + Math.floor(at / pools)

/** The pod of this number. */
export function podOf(at: number, size: Size): KubeObject {
  const address = `10.${at % size.pools}.0.${offsetOf(at, size)}`
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name: `pod-${at}`, namespace: 'default', uid: randomUUID(), labels: { app: `app-${at % 500}` } },
    spec: {
      nodeName: nodeName(at),
      containers: [{ name: 'c', image: 'registry.example/app:1', env: [{ name: 'A', value: 'x'.repeat(400) }] }],
    },
    status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] },
  }
}

/** SpiderIPAddress and SpiderEndpoint of a pod and a pool that the server has. */
export function allocationOf(at: number, pod: KubeObject, pool: KubeObject, size: Size): readonly Seed[] {
  const name = `pod-${at}`
  const owner = { apiVersion: 'v1', kind: 'Pod', name }
  const { uid = '' } = pod.metadata
  const claimant = { namespace: 'default', name, uid, record: name, node: nodeName(at), containerID: `c${at}`, owner }
  const parsed = poolOf(pool as unknown as SpiderIPPool, 4)
  const address = ip(`10.${at % size.pools}.0.${offsetOf(at, size)}`)
  const object = addressObject({ ip: address, pool: parsed, nic: 'eth0', claimant })
  const record = newEndpoint(claimant, [nicRecord('eth0', [{ pool: parsed, object }], false)], false)
  return [
    { plural: 'spideripaddresses', object: object as unknown as KubeObject },
    { plural: 'spiderendpoints', object: record as unknown as KubeObject },
  ]
}

/** `count` times, some at once. */
async function each(count: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await work(at)
  }
  await Promise.all(Array.from({ length: PARALLEL }, lane))
}

/** Through the API, for a server that is not ours. */
async function seedByApi(kubeconfig: string, size: Size): Promise<void> {
  const api = openApi(kubeconfig)
  const ground = groundOf(size)
  const pools = new Map<string, KubeObject>()
  await each(ground.length, async at => {
    const { plural, object } = ground[at] as Seed
    const made = await api.create(plural, object)
    if (plural === 'spiderippools') pools.set(made.metadata.name ?? '', made)
  })
  await each(size.pods, async at => {
    const wanted = podOf(at, size)
    const pod = await api.create('pods', wanted)
    const path = `${pathOf('pods', wanted)}/${wanted.metadata.name ?? ''}/status`
    await api.replace(path, { ...pod, status: wanted['status'] })
    const pool = pools.get(`pool-${at % size.pools}`)
    if (!pool) throw new Error(`pool-${at % size.pools} was not made`)
    for (const { plural, object } of allocationOf(at, pod, pool, size)) await api.create(plural, object)
  })
}

/** Fills the server, a standalone one through its storage. Names of a pod in the middle. */
export async function seed(server: ApiserverFixture, size: Size): Promise<Seeded> {
  if (server.own) {
    await server.kill9()
    const args = [`${ROOT}bench/ctl/store.ts`, server.dataDir, String(size.pools), String(size.pods)]
    const { status } = spawnSync(`${ROOT}scripts/bun.sh`, args, { stdio: 'inherit' })
    if (status !== 0) throw new Error('the objects could not be written')
    await server.restart()
  } else await seedByApi(server.kubeconfig, size)
  const middle = Math.floor(size.pods / 2)
  const pool = middle % size.pools
  return { pod: `pod-${middle}`, address: `10.${pool}.0.${offsetOf(middle, size)}`, pool: `pool-${pool}` }
}
