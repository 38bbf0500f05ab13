// docs/requests.md against requests counted at a proxy, round by round. REWRITE=1 writes the page.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { format, resolveConfig } from 'prettier'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { containerId, openCluster, type PodMore, type PodRef } from '../fixtures/cluster.js'
import { cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'
import { isWrite, type Asked } from '../fixtures/faults.js'
import { startFaulty } from '../fixtures/faulty-apiserver.js'
import { must } from '../fixtures/netns.js'
import { openRounds } from '../fixtures/round-trips.js'
import { agentRows, countsOf, type AgentRow } from './requests-agent.js'

const PAGE = new URL('../../docs/requests.md', import.meta.url)

const server = await startApiserver({ standalone: true, args: ['--no-embedded-controller'] })
const cluster = openCluster(server.kubeconfig)
const folder = mkdtempSync(`${tmpdir()}/requests-`)
const netns = `requests${process.pid}`
must(`ip netns add ${netns}`)
must(`ip -n ${netns} link add eth0 type veth peer name peer0`)
t.teardown(async () => {
  must(`ip netns del ${netns}`)
  rmSync(folder, { recursive: true })
  await server.stop()
})

// So large that no two of these few pods ever want the same address first.
await cluster.pool('four', { subnet: '10.61.0.0/16', ips: ['10.61.0.1-10.61.250.250'] })
await cluster.pool('six', { subnet: 'fd61::/64', ips: ['fd61::1-fd61::ffff'] })
await cluster.pool('last', { subnet: '10.62.0.0/24', ips: ['10.62.0.1'] })
await cluster.pool('anybody', { subnet: '10.63.0.0/16', ips: ['10.63.0.1-10.63.250.250'], default: true })
// As it is before a controller marks it.
await cluster.api.create('spiderippools', {
  ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool', metadata: { name: 'new' } },
  spec: { subnet: '10.64.0.0/16', ips: ['10.64.0.1-10.64.250.250'] },
})
const apps = async (kind: string, name: string, more: object = {}): Promise<string> => {
  const labels = { a: 'b' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const spec = { replicas: 2, serviceName: 's', selector: { matchLabels: labels }, template }
  const metadata = { name, namespace: 'default', ...more }
  const made = await cluster.api.create(`${kind.toLowerCase()}s`, { apiVersion: 'apps/v1', kind, metadata, spec })
  return made.metadata.uid ?? ''
}
const of = (kind: string, name: string, uid: string) => ({ apiVersion: 'apps/v1', kind, name, uid })
const set = of('StatefulSet', 'set', await apps('StatefulSet', 'set'))
const deployment = { ...of('Deployment', 'web', await apps('Deployment', 'web')), controller: true }
const replicaSet = of('ReplicaSet', 'web-1', await apps('ReplicaSet', 'web-1', { ownerReferences: [deployment] }))

interface Row {
  readonly pod: string
  readonly call: string
  readonly rounds: readonly (readonly Asked[])[]
  readonly handshakes: number
}

/** Calls through a proxy of their own: lanes run in parallel and are counted apart. */
interface Lane {
  readonly rows: readonly Row[]
  call(verb: string, pod: PodRef, container: string, more?: More): Promise<Reply>
  /** The call, and a row of the page. */
  count(pod: string, name: string, calling: Promise<unknown>): Promise<void>
}

interface More {
  readonly ipam?: object
  readonly prevResult?: object
  readonly ifName?: string
}

async function openLane(): Promise<Lane> {
  const faulty = await startFaulty(server.kubeconfig)
  t.teardown(() => faulty.stop())
  const rounds = openRounds()
  faulty.judge = rounds.judge
  const rows: Row[] = []
  let before = 0
  return {
    rows,
    async call(verb, pod, containerID, { ipam = {}, prevResult, ifName = 'eth0' } = {}) {
      rounds.taken()
      before = faulty.handshakes
      const reply = await runExecutable({
        name: 'spiderpool-ipam',
        env: cniEnv({ verb, containerID, netns: `/run/netns/${netns}`, ifName, pod }),
        stdin: JSON.stringify({
          ...{ cniVersion: verb === 'STATUS' ? '1.1.0' : '1.0.0', name: 'requests', type: 'any', prevResult },
          ipam: { type: 'spiderpool', kubeconfig: faulty.kubeconfig, log_file_path: `${folder}/log`, ...ipam },
        }),
      })
      const { status, stdout } = reply
      if (status !== 0 && !stdout.includes('used out')) throw new Error(`${verb}: ${stdout}`)
      return reply
    },
    async count(pod, name, calling) {
      await calling
      rows.push({ pod, call: name, rounds: rounds.taken(), handshakes: faulty.handshakes - before })
    },
  }
}

const ippool = (value: object): Record<string, string> => ({ 'ipam.spidernet.io/ippool': JSON.stringify(value) })
const FOUR = ippool({ ipv4: ['four'] })

interface Living {
  readonly name: string
  readonly annotations?: Record<string, string>
  readonly more?: PodMore
  readonly ipam?: object
}

/** A pod from its first ADD to its last DEL. */
const life =
  (title: string, { name, annotations = FOUR, more = {}, ipam = {} }: Living) =>
  async ({ call, count }: Lane): Promise<void> => {
    const pod = await cluster.pod(name, annotations, more)
    const id = containerId()
    await count(title, 'ADD', call('ADD', pod, id, { ipam }))
    await cluster.removePod(pod)
    await count(title, 'DEL, the pod is gone', call('DEL', pod, id, { ipam }))
  }

/** As a kubelet does it: the pod's object is there until its containers are gone. */
async function usual({ call, count }: Lane): Promise<void> {
  const title = 'a pod that terminates'
  for (const [name, annotations, of] of [
    ['usual-x', FOUR, title],
    ['usual-y', DUAL, `${title}, two families`],
  ] as const) {
    const pod = await cluster.pod(name, annotations, { finalizers: ['example.org/kubelet'] })
    const id = containerId()
    const { json } = await call('ADD', pod, id)
    const prevResult = json as { readonly ips: readonly { readonly address: string }[] }
    for (const { address } of prevResult.ips) must(`ip -n ${netns} addr add ${address} dev eth0 nodad`)
    await count(of.replace('terminates', 'runs'), 'CHECK', call('CHECK', pod, id, { prevResult }))
    await cluster.removePod(pod)
    await count(of, 'DEL', call('DEL', pod, id))
    if (annotations === FOUR) await count(of, 'DEL again', call('DEL', pod, id))
  }
  const named = { default_ipv4_ippool: ['four'] }
  await count(
    'none, pools in the conf',
    'STATUS',
    call('STATUS', { namespace: '', name: '', uid: '' }, '', { ipam: named }),
  )
}

async function pair({ call, count }: Lane): Promise<void> {
  const title = 'two NICs (`ippools`)'
  const pod = await cluster.pod('pair-x', {
    'ipam.spidernet.io/ippools': '[{"interface":"eth0","ipv4":["four"]},{"interface":"net1","ipv4":["four"]}]',
  })
  const id = containerId()
  const ifName = 'net1'
  await count(title, 'ADD of the first', call('ADD', pod, id))
  await count(title, 'ADD of the second', call('ADD', pod, id, { ifName }))
  await cluster.removePod(pod)
  await count(title, 'DEL of one, the pod is gone', call('DEL', pod, id, { ifName }))
  await count(title, 'DEL of the other', call('DEL', pod, id))
}

async function again({ call, count }: Lane): Promise<void> {
  const pod = await cluster.pod('again-x', FOUR)
  const id = containerId()
  await call('ADD', pod, id)
  await count('a sandbox that starts again', 'DEL, the pod lives', call('DEL', pod, id))
  await count('a sandbox that starts again', 'ADD', call('ADD', pod, containerId()))
}

async function inSet({ call, count }: Lane): Promise<void> {
  const id = containerId()
  const before = await cluster.pod('set-0', FOUR, { owner: set })
  await count('of a StatefulSet', 'ADD, the first of its name', call('ADD', before, id))
  await cluster.removePod(before)
  await count('of a StatefulSet', 'DEL, another will follow', call('DEL', before, id))
  const after = await cluster.pod('set-0', FOUR, { owner: set })
  await count('of a StatefulSet', 'ADD, the next of its name', call('ADD', after, containerId()))
}

async function full({ call, count }: Lane): Promise<void> {
  const LAST = ippool({ ipv4: ['last'] })
  await call('ADD', await cluster.pod('holder-x', LAST), containerId())
  const late = await cluster.pod('late-x', LAST)
  await count('no address is left', 'ADD, refused', call('ADD', late, containerId()))
}

const DUAL = ippool({ ipv4: ['four'], ipv6: ['six'] })
/** Its last step before it fails: only a consistent list proves that nothing is left. */
const EXHAUSTED = 'ADD, refused'

const LIVES: readonly ((lane: Lane) => Promise<void>)[] = [
  life('its pool in an annotation', { name: 'plain-x' }),
  life('the same, two families', { name: 'dual-x', annotations: DUAL }),
  life('the same, its name ends in a number', { name: 'plain-7' }),
  life('the same, of a Deployment', {
    name: 'web-1-x',
    more: { owner: replicaSet, labels: { 'pod-template-hash': '1' } },
  }),
  life('the same, of a ReplicaSet without a template hash', { name: 'web-1-y', more: { owner: replicaSet } }),
  life('its pool in the conf', { name: 'conf-x', annotations: {}, ipam: { default_ipv4_ippool: ['four'] } }),
  life('a default pool', { name: 'default-x', annotations: {} }),
  life('a pool that is new', { name: 'new-x', annotations: ippool({ ipv4: ['new'] }) }),
  usual,
  pair,
  again,
  inSet,
  full,
]

t.test('docs/requests.md lists the requests of each kind of pod', async t => {
  const lanes = await Promise.all(LIVES.map(() => openLane()))
  const [ofAgent] = await Promise.all([agentRows({ netns, ippool }), ...lanes.map((lane, at) => LIVES[at]?.(lane))])
  const rows = lanes.flatMap(lane => lane.rows)
  for (const { pod, call, rounds, handshakes } of rows) {
    const lists = rounds.flat().filter(asked => kindOf(asked) === 'consistent')
    if (call !== EXHAUSTED) t.strictSame(lists, [], `${call}, ${pod}: no consistent list`)
    t.equal(handshakes, 1, `${call}, ${pod}: one connection`)
  }
  const page = await format(pageOf(rows, ofAgent), { ...(await resolveConfig(PAGE)), parser: 'markdown' })
  if (process.env['REWRITE'] === '1') writeFileSync(PAGE, page)
  t.equal(readFileSync(PAGE, 'utf8'), page, 'REWRITE=1 npx tsx test/e2e/requests.e2e.test.ts writes it')
})

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'replace', PATCH: 'patch', DELETE: 'delete' }

/** How a read is answered; undefined for a write. */
function kindOf(asked: Asked): 'by name' | 'cached' | 'consistent' | undefined {
  if (isWrite(asked)) return undefined
  if (asked.isOfCache === true) return 'cached'
  return isList(asked.path) ? 'consistent' : 'by name'
}

const isList = (path: string): boolean => !/\/(?:v1|v2beta1)\/(?:namespaces\/[^/]+\/)?[^/]+\/[^/]+/.test(path)

/** `/api/v1/namespaces/default/pods/x` → `pod`; a list keeps its plural. */
function nameOf({ method, path, isOfCache = false }: Asked): string {
  const [, plural = '', name] = /\/(?:v1|v2beta1)\/(?:namespaces\/[^/]+\/)?([^/]+)(?:\/([^/]+))?/.exec(path) ?? []
  const verb = VERBS[method]
  const one = plural === 'spideripaddresses' ? 'spideripaddress' : plural.replace(/s$/, '')
  if (verb === undefined) return name === undefined ? `list ${plural}${isOfCache ? ' (cache)' : ''}` : one
  return `${verb} ${one}`
}

/** Each name once, with how often. */
const together = (round: readonly Asked[]): string => {
  const names = round.map(nameOf).sort()
  return [...new Set(names)]
    .map(name => ({ name, times: names.filter(other => other === name).length }))
    .map(({ name, times }) => (times === 1 ? name : `${times} × ${name}`))
    .join(' + ')
}

function pageOf(all: readonly Row[], ofAgent: readonly AgentRow[]): string {
  const lines = all.map(({ pod, call: name, rounds: asked }) => {
    const flat = asked.flat()
    const writes = flat.filter(isWrite).length
    const reads = (['by name', 'cached', 'consistent'] as const).map(kind => ({
      kind,
      times: flat.filter(one => kindOf(one) === kind).length,
    }))
    const how = reads.flatMap(({ kind, times }) => (times === 0 ? [] : [`${times} ${kind}`])).join(', ')
    return `| ${pod} | ${name} | ${flat.length - writes} + ${writes} | ${how} | ${asked.map(together).join('; then ')} |`
  })
  const agentLines = ofAgent.map(({ pod, call: name, path, behind }) => {
    const cells = [pod, name, countsOf(path), together(path) || '-', together(behind) || '-']
    return `| ${cells.join(' | ')} |`
  })
  return `${HEAD}\n${lines.join('\n')}\n${FOOT}\n${AGENT_HEAD}\n${agentLines.join('\n')}\n${AGENT_FOOT}`
}

const HEAD = `<!-- Written by test/e2e/requests.e2e.test.ts; REWRITE=1 rewrites it. -->

# Requests of a call to the API server

Counted at a proxy before the API server by a test that fails if this page differs, if a call opens a second connection, or
if it makes a consistent list, except where it fails for want of an address. \`then\` waits for the answer before it. Reads
are \`by name\` (a GET, always current), \`cached\` (with \`resourceVersion=0\`, from the server's cache, which may be stale)
or \`consistent\` (a list that is current, which waits up to 100 ms since Kubernetes 1.31:
[decisions/0022](../decisions/0022-no-consistent-list.md)). Without an agent, every pool with free addresses, no concurrent call.

| the pod | the call | reads + writes | the reads | which |
| --- | --- | --- | --- | --- |`

const FOOT = `
The pool is read after the pod because the pod names it. The list of reserved addresses is always read, from the server's cache:
[decisions/0022](../decisions/0022-no-consistent-list.md) has what that gives up and how it is seen. Why there are three reads and not two:
[decisions/0015](../decisions/0015-three-reads.md). Why a new pod's SpiderEndpoint is created without a read, and what that costs a sandbox that
is restarted before its pod has an address in its status: [decisions/0012](../decisions/0012-a-fresh-record-is-created.md). DEL reads a pod
that is not found twice; one that is being deleted, or was replaced, once. Why a call has one connection, and DEL no read of the address:
[decisions/0027](../decisions/0027-one-connection.md).

A pool is new until a controller has marked it, which takes up to a second. In such a pool, and in one that Go agents use, an ADD also writes its
record into the pool's status: [decisions/0021](../decisions/0021-a-pool-without-a-mark.md).
`

const AGENT_HEAD = `
## With the agent

The same calls through \`spiderpool-agent\` of the pod's node, whose caches have synced: requests before the answer, and those that follow within a second.

| the pod | the call | reads + writes | before the answer | behind it |
| --- | --- | --- | --- | --- |`

const AGENT_FOOT = `
The same of a whole plugin that the agent runs: its IPAM is this call, and the settings of coordinator come from the cache.

What the agent believes of its caches, and what it looks up: [agent](agent.md#what-is-cached-and-what-is-looked-up). Why the SpiderEndpoint is written
behind the answer: [decisions/0024](../decisions/0024-the-record-behind-the-answer.md).
`
