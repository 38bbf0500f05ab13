// Runs docs/ipam.md: applies its objects, adds its pods, compares its results.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../demo/api.js'
import { SPIDER, type PodRef } from '../fixtures/cluster.js'
import { startController } from '../fixtures/controller.js'
import { openIpam, type Answer, type Sandbox } from '../fixtures/ipam.js'
import { must } from '../fixtures/netns.js'
import { blocksOf, linesOf, type Block, type Line } from './page.js'

const page = readFileSync(new URL('../../docs/ipam.md', import.meta.url), 'utf8')
const bench = await openIpam({ standalone: true })
const { cluster } = bench
const controller = await startController(bench.kubeconfig, { name: 'page' })
// On the machine: the pod's eth0, a link to another host, and the master of its net1.
const netns = bench.netns.replace(/.*\//, '')
const other = `${netns}-other`
must(`ip netns add ${other} && ip -n ${netns} link add eth0 type veth peer name eth0 netns ${other}`)
const master = `pg${process.pid}`
must(
  `ip link add ${master} type veth peer name ${master}p && ip link set ${master}p up && ip addr add fd00:25::1/64 dev ${master} nodad && ip link set ${master} up`,
)
must(`ip link add link ${master} name net1 netns ${netns} type macvlan mode bridge`)
for (const place of [netns, other]) must(`ip -n ${place} link set eth0 up`)
t.teardown(async () => {
  await controller.end('SIGTERM')
  must(`ip netns del ${other} && ip link del ${master}`)
  await bench.stop()
})

const PLURALS: Readonly<Record<string, string>> = {
  SpiderIPPool: 'spiderippools',
  SpiderReservedIP: 'spiderreservedips',
  SpiderSubnet: 'spidersubnets',
  Namespace: 'namespaces',
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
}

type Annotations = Readonly<Record<string, string>>
interface Template {
  readonly metadata: { readonly labels?: Annotations; readonly annotations?: Annotations }
}
interface Workload {
  readonly kind: string
  readonly uid: string
  annotations: Annotations
}
interface Living {
  readonly pod: PodRef
  box: Sandbox
  readonly nics: Map<string, string>
}

/** What the blocks before a result say of its pods. */
class Example {
  annotations: Annotations = {}
  labels: Annotations = {}
  namespace = 'default'
  ipam: object = {}
  readonly workloads = new Map<string, Workload>()
  readonly pods = new Map<string, Living>()

  async yaml(text: string): Promise<void> {
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as KubeObject & Annotations
      if (object.kind === undefined) this.annotations = object
      else if (object.kind === 'Pod') Object.assign(this, object.metadata)
      else await this.#apply(object)
    }
  }

  async #apply(object: KubeObject): Promise<void> {
    const name = object.metadata.name ?? ''
    const isWorkload = object.apiVersion === 'apps/v1'
    const placed = isWorkload ? { ...object, metadata: { ...object.metadata, namespace: 'default' } } : object
    const { metadata } = await cluster.api.create(PLURALS[object.kind] ?? object.kind, placed)
    if (object.kind === 'Namespace') this.namespace = name
    if (!isWorkload) return
    const { template } = object['spec'] as { template: Template }
    const annotations = template.metadata.annotations ?? {}
    this.workloads.set(name, { kind: object.kind, uid: metadata.uid ?? '', annotations })
  }

  /** As the controller of its kind would make it, where its name is one of a workload's. */
  async pod(name: string): Promise<Living> {
    const found = this.pods.get(name)
    if (found) return found
    const [set, workload] = [...this.workloads].find(([own]) => name.startsWith(`${own}-`)) ?? []
    const owner = workload && set !== undefined ? await ownerOf(set, workload, name) : undefined
    const { namespace, labels } = this
    const annotations = workload?.annotations ?? this.annotations
    const pod = await cluster.pod(name, annotations, { namespace, labels, ...(owner && { owner }) })
    const living: Living = { pod, box: bench.sandbox(pod), nics: new Map() }
    this.pods.set(name, living)
    return living
  }

  async remove(name: string, first: string): Promise<void> {
    const living = this.pods.get(name)
    if (!living) throw new Error(`${name} does not live`)
    this.pods.delete(name)
    await cluster.removePod(living.pod)
    await living.box.del(first)
  }

  async end(): Promise<void> {
    for (const [name, { kind }] of this.workloads) if (kind === 'StatefulSet') await scale(name, 0, this)
    for (const name of [...this.pods.keys()]) await this.remove(name, 'eth0')
    for (const [name, { kind }] of this.workloads)
      await cluster.api.remove(`/apis/apps/v1/namespaces/default/${PLURALS[kind] ?? ''}/${name}`)
  }
}

async function ownerOf(set: string, { kind, uid }: Workload, pod: string) {
  const own = { apiVersion: 'apps/v1', kind, name: set, uid }
  if (kind === 'StatefulSet') return own
  const name = pod.replace(/-[^-]+$/, '')
  const metadata = { name, namespace: 'default', ownerReferences: [{ ...own, controller: true }] }
  const template = { metadata: { labels: { app: set } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const spec = { selector: { matchLabels: { app: set } }, template }
  const made = await cluster.api.create('replicasets', { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec })
  return { apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: made.metadata.uid ?? '' }
}

const DEFAULTS = ['0.0.0.0/0', '::/0']

/** Returns an answer as docs/ipam.md writes it. */
async function describe({ ips, routes = [], code, msg = '' }: Answer): Promise<string> {
  if (code !== undefined) return `code ${code}, ${msg.replace('spiderpool IP allocation error: ', '')}`
  const addresses = (ips ?? []).map(({ address }) => address)
  const objects = await cluster.addresses()
  const pools = addresses.map(text => objects.find(({ spec }) => spec.address === text)?.spec.pool)
  const ways = routes.map(({ dst, gw = '' }) => `${DEFAULTS.includes(dst) ? 'default' : dst} via ${gw}`).join(', ')
  return `${addresses.join(' and ')} from ${pools.join(' and ')}${ways && `; ${ways}`}`
}

async function follow(t: Test, line: Line, example: Example): Promise<void> {
  if (line.kind === 'host') must(`ip -n ${other} addr add ${line.address}/24 dev eth0`)
  if (line.kind === 'used') t.equal((await cluster.addresses(line.pool)).length, line.count, `in use of ${line.pool}`)
  if (line.kind === 'scaled') await scale(line.set, line.replicas, example)
  if (line.kind === 'moved') move(line, example)
  if (line.kind === 'sandbox') {
    const living = await example.pod(line.pod)
    await living.box.del()
    living.box = bench.sandbox(living.pod)
  }
  if (line.kind === 'deleted') {
    const before = (await example.pod(line.pod)).nics
    await example.remove(line.pod, line.nic)
    if (line.comesAgain) for (const one of before) (await example.pod(line.pod)).nics.set(...one)
  }
  if (line.kind !== 'gets' && line.kind !== 'same') return
  const { box, nics } = await example.pod(line.pod)
  const answer = await box.add(line.nic, example.ipam)
  const [address = ''] = (answer.ips ?? []).map(one => one.address)
  if (line.kind === 'same') return void t.equal(address, nics.get(line.nic), `${line.nic} keeps its address`)
  t.match(await describe(answer), line.says)
  const others = [...example.pods.values()].flatMap(one => [...one.nics.values()])
  if (address !== '' && !nics.has(line.nic)) t.notOk(others.includes(address), `${address} is held by no other pod`)
  nics.set(line.nic, address)
}

/** As kubectl scale, and the controller that then deletes the pods above. */
async function scale(set: string, replicas: number, example: Example): Promise<void> {
  const path = `/apis/apps/v1/namespaces/default/statefulsets/${set}`
  const object = await cluster.api.read(path)
  await cluster.api.replace(path, { ...object, spec: { ...(object['spec'] as object), replicas } })
  for (const name of [...example.pods.keys()])
    if (name.startsWith(`${set}-`) && Number(name.slice(set.length + 1)) >= replicas) await example.remove(name, 'eth0')
}

const IPPOOLS = 'ipam.spidernet.io/ippools'

function move({ set, nic, pool }: Extract<Line, { kind: 'moved' }>, { workloads }: Example): void {
  const workload = workloads.get(set)
  if (!workload) throw new Error(`${set} is no workload of this example`)
  const items = JSON.parse(workload.annotations[IPPOOLS] ?? '[]') as readonly { readonly interface: string }[]
  const moved = items.map(item => (item.interface === nic ? { ...item, ipv4: [pool] } : item))
  workload.annotations = { ...workload.annotations, [IPPOOLS]: JSON.stringify(moved) }
}

/** `kubectl get PLURAL -l SELECTOR -o name`, and what it prints. */
async function command(t: Test, text: string): Promise<void> {
  const [, plural = '', selector = ''] = /^\$ kubectl get (\w+) -l (\S+) -o name$/m.exec(text) ?? []
  t.not(plural, '', text)
  const items = await cluster.api.items(`${SPIDER}/${plural}?labelSelector=${encodeURIComponent(selector)}`)
  const names = items.map(
    ({ metadata }) => `${plural.replace(/es$/, '')}.spiderpool.spidernet.io/${metadata.name ?? ''}`,
  )
  t.strictSame(names, text.trim().split('\n').slice(1))
}

/** More examples are on the page; fewer would say that it is no longer read. */
const RESULTS_MIN = 22
const given: Block[] = []
let results = 0
for (const block of blocksOf(page)) {
  if (block.language === 'yaml' || block.language === 'json') given.push(block)
  else check(block, given.splice(0))
}
t.ok(results >= RESULTS_MIN, `${results} results`)

function check({ heading, language, text }: Block, before: readonly Block[]): void {
  results++
  t.test(`${heading}: ${text.split('\n')[0]?.slice(0, 90) ?? ''}`, async t => {
    if (language === 'console') return command(t, text)
    t.equal(language, 'text', 'a block that is known')
    const example = new Example()
    for (const block of before) {
      if (block.language === 'yaml') await example.yaml(block.text)
      else example.ipam = (JSON.parse(block.text) as { ipam: object }).ipam
    }
    for (const line of linesOf(text)) await follow(t, line, example)
    await example.end()
  })
}
