// The whole story in half a minute: a pool, a network, two pods on it that hear each other, and nothing left. Started by run.sh, in namespaces of its own.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { openApi, type Api, type KubeObject } from './api.js'
import { attachment, call, type Attachment } from './multus.js'
import { DEPLOYMENT, GATEWAY, network, NODE, podOf, POOL, replicaSetOf } from './objects.js'
import * as world from './world.js'

const { HOME } = world
const KUBECONFIG = `${HOME}/kubeconfig`
const LOG = `${HOME}/spiderpool.log`
/** Where IPAM notes what it is about to take, until it is recorded. */
const NOTES = '/run/spidernet/spiderpool-ipam'
const CRDS = fileURLToPath(new URL('../schemas/crds/', import.meta.url))
const SPIDERPOOL = '/apis/spiderpool.spidernet.io/v2beta1'
const PLACES = ['pod-1', 'pod-2']
const STARTED = Date.now()
const SIGNAL_MS_MAX = 200

let steps = 0
const say = (text: string): void => console.log(`\n${++steps}. ${text}`)
const show = (text: string): void => console.log(text.replace(/^/gm, '   '))

async function startServer(): Promise<Api> {
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

async function applyCrds(api: Api): Promise<readonly string[]> {
  const documents = readdirSync(CRDS)
    .filter(name => name.endsWith('.yaml'))
    .flatMap(name => parseAllDocuments(readFileSync(CRDS + name, 'utf8')))
  const crds = documents.map(document => document.toJS() as KubeObject).filter(Boolean)
  for (const crd of crds) await api.create('customresourcedefinitions', crd).catch(unless(409)) // the server may bring them
  return crds.map(({ metadata }) => metadata.name ?? '')
}

/** The Deployment and what Kubernetes' controllers make of it: a ReplicaSet and two pods. */
async function deploy(api: Api): Promise<readonly KubeObject[]> {
  const deployment = await api.create('deployments', DEPLOYMENT)
  const replicaSet = await api.create('replicasets', replicaSetOf(deployment))
  return [await api.create('pods', podOf(replicaSet)), await api.create('pods', podOf(replicaSet))]
}

async function addBoth(api: Api, attachments: readonly Attachment[]): Promise<readonly string[]> {
  const added = await Promise.all(attachments.map(one => call('ADD', one, { api })))
  return added.map(({ reply, ms }, at) => {
    const address = reply.ips?.[0]?.address
    if (address === undefined) throw new Error(`ADD gave no address: ${JSON.stringify(reply)}`)
    show(`${attachments[at]?.pod.metadata.name ?? ''} eth0 ${address} (${Math.round(ms)} ms)`)
    return address.replace(/\/.*/, '')
  })
}

async function ping(from: string, to: string): Promise<void> {
  const out = await world.must(`${world.inside(from)} ping -c 2 -i 0.2 -W 2 ${to}`)
  const [summary = out] = /^\d+ packets.*$/m.exec(out) ?? []
  show(`${from} pings ${to}: ${summary}`)
}

async function poolHolds(api: Api, count: number): Promise<void> {
  const held = await api.items(`${SPIDERPOOL}/spideripaddresses`)
  if (held.length !== count) throw new Error(`${held.length} SpiderIPAddress objects are there; ${count} should be`)
  await world.until(`the pool's status says ${count}`, 5, async () => {
    const { allocatedIPCount } = ((await api.read(`${SPIDERPOOL}/spiderippools/ippool-test`))['status'] ??
      {}) as Record<string, unknown>
    return allocatedIPCount === count ? true : undefined
  })
  show(await api.table(`${SPIDERPOOL}/spiderippools`, 'sp'))
  show(`\n${await api.table(`${SPIDERPOOL}/namespaces/default/spiderendpoints`, 'spiderendpoints')}`)
}

async function removeBoth(api: Api, attachments: readonly Attachment[]): Promise<void> {
  await api.remove('/apis/apps/v1/namespaces/default/deployments/test-app')
  for (const { pod } of attachments) {
    const path = `/api/v1/namespaces/default/pods/${pod.metadata.name ?? ''}`
    await api.remove(path).catch(unless(404)) // the server's garbage collector may have been faster
  }
  await Promise.all(attachments.map(one => call('DEL', one, { api })))
}

/** The link is what the pool's users were promised: a macvlan of its own. */
async function isMacvlan(pod: string): Promise<void> {
  const link = await world.must(`${world.inside(pod)} ip -d -o link show eth0`)
  const kind = /macvlan mode \w+/.exec(link)?.[0]
  if (kind === undefined) throw new Error(`eth0 of ${pod} is no macvlan: ${link}`)
  show(`${pod} eth0 is ${kind}`)
}

async function nothingLeft(pods: readonly string[]): Promise<void> {
  for (const pod of pods) {
    const links = await world.must(`${world.inside(pod)} ip -o link`)
    if (links.trim().split('\n').length !== 1) throw new Error(`links are left in ${pod}:\n${links}`)
    await world.must(`ip netns del ${pod}`)
  }
  const onNode = (await world.must('ip -o link')).split('\n').filter(line => /macvlan|veth[0-9a-f]{8}/.test(line))
  if (onNode.length > 0) throw new Error(`links are left on the node:\n${onNode.join('\n')}`)
  const notes = existsSync(NOTES) ? readdirSync(NOTES) : []
  if (notes.length > 0) throw new Error(`notes of unfinished calls are left in ${NOTES}: ${notes.join(', ')}`)
}

async function prepare(): Promise<Api> {
  say('a node worker-1 and a switch, as network namespaces; the node’s eth0 is plugged into the switch')
  await world.ownMounts()
  await world.nodeAndSwitch(GATEWAY)

  say('an API server on the node: spiderpool-apiserver, where a cluster has its kube-apiserver')
  const api = await startServer()
  show(`custom resources: ${(await applyCrds(api)).map(name => name.split('.')[0]).join(', ')}`)

  say('a pool: SpiderIPPool ippool-test, 172.18.30.131 to 140')
  await world.until('SpiderIPPool is served', 5, () => created(api, 'spiderippools', POOL))
  await api.create('nodes', NODE)

  say('a network: NetworkAttachmentDefinition kube-system/macvlan-conf, macvlan on eth0, addresses of the pool')
  const nad = network({ kubeconfig: KUBECONFIG, log: LOG })
  await world.until('the NAD kind is served', 5, () => created(api, 'network-attachment-definitions', nad))
  await poolHolds(api, 0)
  return api
}

async function useIt(api: Api): Promise<readonly Attachment[]> {
  say('an application: Deployment test-app of two pods, annotated with the pool and the network')
  const pods = await deploy(api)
  show(pods.map(({ metadata }) => metadata.name).join('\n'))

  say('each pod gets a sandbox, and Multus calls macvlan-wrapper ADD for it, both at once')
  const sandboxes = await Promise.all(PLACES.map(world.sandbox))
  const attachments = pods.map((pod, at) => attachment(pod, sandboxes[at] ?? ''))
  const [first = '', second = ''] = await addBoth(api, attachments)

  say('what the user sees: two addresses of the pool are allocated')
  await poolHolds(api, 2)

  say('the pods hear each other, and the network’s gateway on the switch, over macvlan')
  for (const place of PLACES) await isMacvlan(place)
  await ping('pod-1', second)
  await ping('pod-2', first)
  await ping('pod-1', GATEWAY.replace(/\/.*/, ''))
  return attachments
}

async function story(): Promise<void> {
  const api = await prepare()
  const attachments = await useIt(api)

  say('the application is deleted, and Multus calls DEL for each pod: the addresses come back')
  await removeBoth(api, attachments)
  await poolHolds(api, 0)

  say('nothing is left: no link in the pods, none on the node, no note of an unfinished call')
  await nothingLeft(PLACES)
}

/** undefined while the server does not serve the kind yet. */
const created = async (api: Api, plural: string, object: KubeObject): Promise<KubeObject | undefined> =>
  (await api.create(plural, object).catch(unless(404))) ?? undefined

/** Lets one status pass. */
const unless =
  (status: number) =>
  (error: unknown): void => {
    if (!(error instanceof Error && error.message.includes(`: ${status} `))) throw error
  }

/** The namespaces, mounts and daemons go when we end: we are the first process of a PID namespace, and nobody else is in the others. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    console.error(`\ndemo: stopped by ${signal}; nothing is left`)
    process.exit(130)
  })

try {
  await story()
  console.log(
    `\nDone in ${((Date.now() - STARTED) / 1000).toFixed(1)} s. Everything ran in namespaces that end with this program.`,
  )
  process.exit(0)
} catch (error) {
  await new Promise(done => setTimeout(done, SIGNAL_MS_MAX)) // Ctrl-C also kills what we wait for: then that is the cause
  console.error(`\ndemo: step ${steps} failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
