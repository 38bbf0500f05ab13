// The demo's cluster: API server, pools, networks, and the objects of Kubernetes' controllers.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { openApi, type Api, type KubeObject } from './api.js'
import { attachment, type Attachment } from './multus.js'
import * as objects from './objects.js'
import type { Resident } from './residents.js'
import { sandbox } from './stage.js'
import * as world from './external-host.js'

const { HOME, KUBECONFIG } = world
const TUNNEL = `${HOME}/api.sock`
const CRDS = fileURLToPath(new URL('../schemas/crds/', import.meta.url))
export const SPIDERPOOL = '/apis/spiderpool.spidernet.io/v2beta1'

export async function startServer(): Promise<Api> {
  const server = world.daemon('spiderpool-apiserver', ['--data-dir', HOME, '--kubeconfig', KUBECONFIG])
  return world.until('the API server answers', 10, async () => {
    if (server.exitCode !== null)
      throw new Error(`spiderpool-apiserver ended: ${world.wordsOf('spiderpool-apiserver')}`)
    try {
      const api = openApi(KUBECONFIG)
      await api.read('/readyz')
      return api
    } catch (error) {
      if (error instanceof Error && /ENOENT|ECONNREFUSED|503/.test(error.message)) return undefined
      throw error
    }
  })
}

/**
 * The server listens on the first node's loopback; the second node's loopback is forwarded there.
 */
export async function tunnelToServer(
  residents: ReadonlyMap<string, Resident>,
  nodes: readonly [string, string],
): Promise<void> {
  const [, port] = /https:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(KUBECONFIG, 'utf8')) ?? []
  if (port === undefined) throw new Error(`${KUBECONFIG} names no server on the loopback`)
  const address = { host: '127.0.0.1', port: Number(port) }
  const [near, far] = nodes.map(node => residents.get(node))
  await near?.relay({ from: { path: TUNNEL }, to: address })
  await far?.relay({ from: address, to: { path: TUNNEL } })
}

export async function applyCrds(api: Api): Promise<readonly string[]> {
  const documents = readdirSync(CRDS)
    .filter(name => name.endsWith('.yaml'))
    .flatMap(name => parseAllDocuments(readFileSync(CRDS + name, 'utf8')))
  const crds = documents.map(document => document.toJS() as KubeObject).filter(Boolean)
  for (const crd of crds) await api.create('customresourcedefinitions', crd).catch(unless(409)) // the server may bring them
  return crds.map(({ metadata }) => metadata.name ?? '')
}

/** Creates what may be of a kind that is only about to be served. */
const created = (api: Api, plural: string, object: KubeObject): Promise<KubeObject> =>
  world.until(`${object.kind} is served`, 5, async () => {
    return (await api.create(plural, object).catch(unless(404))) ?? undefined
  })

export async function makePools(api: Api): Promise<void> {
  for (const pool of objects.POOLS) await created(api, 'spiderippools', pool)
  for (const node of objects.NODE_OBJECTS) await api.create('nodes', node)
}

/** As a pod of the cluster: here beside the API server. */
export async function startController(): Promise<void> {
  const env = { KUBECONFIG, SPIDERPOOL_POD_NAME: 'spiderpool-controller-0', SPIDERPOOL_BIND_ADDRESS: '127.0.0.1' }
  const controller = world.daemon('spiderpool-controller', [], env)
  await world.until('spiderpool-controller leads', 10, () => {
    if (controller.exitCode !== null)
      throw new Error(`spiderpool-controller ended: ${world.wordsOf('spiderpool-controller')}`)
    return /started leading/.test(world.wordsOf('spiderpool-controller')) || undefined
  })
}

/** What the controller says of SpiderCoordinator default, as soon as it is in that phase. */
const coordinatorIn = (api: Api, phase: string): Promise<string> =>
  world.until(`SpiderCoordinator default is ${phase}`, 10, async () => {
    const { status } = await api.read(`${SPIDERPOOL}/spidercoordinators/default`)
    return (status as { phase?: string } | undefined)?.phase === phase ? JSON.stringify(status) : undefined
  })

/** NotReady until kubeadm's ConfigMap exists. Returns the status before and after. */
export async function makeCoordinator(api: Api): Promise<readonly [before: string, after: string]> {
  await created(api, 'spidercoordinators', objects.COORDINATOR)
  const before = await coordinatorIn(api, 'NotReady')
  await api.create('configmaps', objects.KUBEADM_CONFIG)
  return [before, await coordinatorIn(api, 'Synced')]
}

/** The conf of the NetworkAttachmentDefinition that the controller generates. */
export async function makeNetwork(
  api: Api,
  network: objects.Network,
  annotations: Readonly<Record<string, string>> = {},
): Promise<string> {
  await created(api, 'spidermultusconfigs', objects.multusConfig(network, annotations))
  const path = `/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions/${network.name}`
  return world.until(`the NetworkAttachmentDefinition of ${network.name} is there`, 10, async () => {
    const definition = await api.read(path).catch(unless(404))
    return (definition?.['spec'] as { config?: string } | undefined)?.config
  })
}

/**
 * The Deployment and what Kubernetes' controllers create for it: a ReplicaSet, and a pod per node.
 */
export async function deploy(
  api: Api,
  app: objects.Application,
  nodes: readonly string[],
): Promise<readonly KubeObject[]> {
  const deployment = await api.create('deployments', app.deployment)
  const replicaSet = await api.create('replicasets', app.replicaSet(deployment))
  return Promise.all(nodes.map(node => api.create('pods', app.pod(replicaSet, node))))
}

/** A sandbox for each pod, as a container runtime makes it. */
export const sandboxes = (pods: readonly KubeObject[], netnsNames: readonly string[]): Promise<readonly Attachment[]> =>
  Promise.all(pods.map(async (pod, at) => attachment(pod, netnsNames[at] ?? '', await sandbox(netnsNames[at] ?? ''))))

export async function remove(api: Api, deployment: string, attachments: readonly Attachment[]): Promise<void> {
  await api.remove(`/apis/apps/v1/namespaces/default/deployments/${deployment}`)
  for (const { pod } of attachments) {
    const path = `/api/v1/namespaces/default/pods/${pod.metadata.name ?? ''}`
    await api.remove(path).catch(unless(404)) // the server's garbage collector may have been faster
  }
}

/** How many addresses are allocated, once the pool's status says so too. */
export async function poolHolds(api: Api, pool: string, count: number): Promise<void> {
  const all = await api.items(`${SPIDERPOOL}/spideripaddresses`)
  const held = all.filter(({ spec }) => (spec as { pool: string }).pool === pool)
  if (held.length !== count) throw new Error(`${held.length} addresses of ${pool} are allocated; ${count} should be`)
  await world.until(`the status of ${pool} says ${count}`, 5, async () => {
    const { status } = await api.read(`${SPIDERPOOL}/spiderippools/${pool}`)
    return (status as { allocatedIPCount?: number } | undefined)?.allocatedIPCount === count ? true : undefined
  })
}

/** Lets one status pass. */
const unless =
  (status: number) =>
  (error: unknown): void => {
    if (!(error instanceof Error && error.message.includes(`: ${status} `))) throw error
  }
