// A cluster of running pods with addresses and records, through the API.
import { newEndpoint, nicRecord } from '../../lib/ipam/allocation/endpoint.js'
import { addressObject } from '../../lib/ipam/allocation/address-object.js'
import { poolOf } from '../../lib/ipam/allocation/pool.js'
import type { SpiderIPPool } from '../../lib/crd/types.js'
import { ip } from '../../lib/ip/address.js'
import { openApi, type Api, type KubeObject } from '../../demo/api.js'

const PARALLEL = 24
const NODES = 100

export interface Seeded {
  readonly pod: string
  readonly address: string
  readonly pool: string
}

/** `count` times, some at once. */
async function each(count: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) await work(at)
  }
  await Promise.all(Array.from({ length: PARALLEL }, lane))
}

/**
 * Pools of 100 addresses each, and pods spread over them. Returns the names of a pod in the middle.
 */
export async function seed(
  kubeconfig: string,
  { pools, pods }: { readonly pools: number; readonly pods: number },
): Promise<Seeded> {
  const api = openApi(kubeconfig)
  const nodes = Array.from({ length: NODES }, (_, at) => `node-${at}`)
  await each(NODES, at => api.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: nodes[at] ?? '' } }))
  const made: SpiderIPPool[] = []
  await each(pools, async at => {
    const subnet = `10.${at}.0.0/16`
    const spec = { subnet, ips: [`10.${at}.0.10-10.${at}.0.109`], gateway: `10.${at}.0.1` }
    made[at] = (await api.create('spiderippools', {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderIPPool',
      metadata: { name: `pool-${at}` },
      spec,
    })) as unknown as SpiderIPPool
  })
  await each(pods, at =>
    onePod(api, { at, pool: made[at % pools], node: nodes[at % NODES] ?? '', offset: Math.floor(at / pools) }),
  )
  const middle = Math.floor(pods / 2)
  return {
    pod: `pod-${middle}`,
    address: `10.${middle % pools}.0.${10 + Math.floor(middle / pools)}`,
    pool: `pool-${middle % pools}`,
  }
}

interface OnePod {
  readonly at: number
  readonly pool: SpiderIPPool | undefined
  readonly node: string
  readonly offset: number
}

async function onePod(api: Api, { at, pool, node, offset }: OnePod): Promise<void> {
  if (!pool) throw new Error('a pool was not made')
  const name = `pod-${at}`
  const address = ip(pool.spec.subnet.replace('.0.0/16', `.0.${10 + offset}`))
  const pod = await api.create('pods', {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name, namespace: 'default', labels: { app: `app-${at % 500}` } },
    spec: {
      nodeName: node,
      containers: [{ name: 'c', image: 'registry.example/app:1', env: [{ name: 'A', value: 'x'.repeat(400) }] }],
    },
  })
  const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }] }
  await api.replace(`/api/v1/namespaces/default/pods/${name}/status`, { ...pod, status })
  const owner = { apiVersion: 'v1', kind: 'Pod', name }
  const claimant = {
    namespace: 'default',
    name,
    uid: pod.metadata.uid ?? '',
    record: name,
    node,
    containerID: `c${at}`,
    owner,
  }
  const parsed = poolOf(pool, 4)
  const object = addressObject({ ip: address, pool: parsed, nic: 'eth0', claimant })
  await api.create('spideripaddresses', object as unknown as KubeObject)
  const record = newEndpoint(claimant, [nicRecord('eth0', [{ pool: parsed, object }], false)], false)
  await api.create('spiderendpoints', record as unknown as KubeObject)
}
