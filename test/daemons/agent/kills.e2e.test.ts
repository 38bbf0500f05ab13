// spiderpool-agent killed (SIGKILL) at each write of a call as a process, and the runtime's retry:
// one address an interface, and none once the pod is gone. EVERY=1 takes every write and retry.
import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { startAgent, type AgentFixture } from '../../fixtures/agent.js'
import { openAgents } from '../../fixtures/agents.js'
import { startApiserver } from '../../fixtures/apiserver.js'
import { containerId, openCluster, poolAnnotation, SPIDER, type PodRef } from '../../fixtures/cluster.js'
import { eventually } from '../../fixtures/controller.js'
import { cniEnv, runExecutable, type Reply } from '../../fixtures/executable.js'
import { on, type Judge } from '../../fixtures/faults.js'
import { startFaulty } from '../../fixtures/faulty-apiserver.js'
import { nodeEnv } from '../../fixtures/node-config.js'

const EVERY = process.env['EVERY'] !== undefined

const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
const faulty = await startFaulty(server.kubeconfig)
const agents = await openAgents(faulty.kubeconfig)
const netns = `kills${process.pid}`
spawnSync('ip', ['netns', 'add', netns])
t.teardown(async () => {
  spawnSync('ip', ['netns', 'del', netns])
  await agents.stop()
  await faulty.stop()
  await server.stop()
})
const pool = `kills-${process.pid}`
await cluster.pool(pool, { subnet: '10.81.0.0/24', ips: ['10.81.0.10-10.81.0.200'] })

interface Kind {
  readonly name: string
  readonly nics: readonly string[]
  readonly isSet?: true
}

const KINDS: readonly Kind[] = [
  { name: 'a stateless pod', nics: ['eth0'] },
  { name: 'a StatefulSet pod', nics: ['eth0'], isSet: true },
  { name: 'a pod with two interfaces', nics: ['eth0', 'net1'] },
]

interface Kill {
  readonly write: number
  readonly side: 'before' | 'after'
}

const isWriteOfIpam: (asked: Parameters<Judge>[0]) => boolean = ({ method, path }) =>
  method !== 'GET' && /\/spider(ipaddresses|endpoints)/.test(path)

/** The agent dies at this write; `restarted` resolves once another one listens. */
function arm({ write, side }: Kill): { hasDied(): boolean; restarted(): Promise<void> } {
  let left = write
  let restarted: Promise<void> | undefined
  faulty.judge = asked => {
    if (!isWriteOfIpam(asked) || --left !== 0) return undefined
    if (side === 'before') {
      restarted = agents.kill()
      return { kind: 'silent' }
    }
    const from = faulty.passed.length
    const executed = (): boolean => faulty.passed.slice(from).some(one => one.fault === 'silentAfter')
    restarted = eventually(() => executed() || undefined, 5_000).then(() => agents.kill())
    return { kind: 'silentAfter' }
  }
  return { hasDied: () => restarted !== undefined, restarted: () => restarted ?? Promise.resolve() }
}

type Way = 'agent' | 'direct'

function call(verb: string, pod: PodRef, { id, nic, way }: { id: string; nic: string; way: Way }): Promise<Reply> {
  const ipam = {
    ...{ type: 'spiderpool', log_file_path: '/dev/null', ipam_unix_socket_path: agents.socket },
    ...(way === 'direct' && { kubeconfig: server.kubeconfig }),
  }
  const socket = way === 'direct' ? `${agents.socket}.none` : agents.socket
  return runExecutable({
    name: 'spiderpool-ipam',
    env: {
      ...cniEnv({ verb, containerID: id, netns: `/run/netns/${netns}`, ifName: nic, pod }),
      SPIDERPOOL_AGENT_SOCKET: socket,
    },
    stdin: JSON.stringify({
      ...{ cniVersion: '1.1.0', name: 'net', type: 'any' },
      ipam: { ...ipam, ipam_unix_socket_path: socket },
    }),
  })
}

const SETS = '/apis/apps/v1/namespaces/default/statefulsets'
let names = 0

async function podOf({ nics, isSet }: Kind): Promise<PodRef> {
  const annotations = {
    ...poolAnnotation(pool),
    ...(nics.length > 1 && { 'k8s.v1.cni.cncf.io/networks': 'second' }),
  }
  const name = `k${++names}`
  if (!isSet) return cluster.pod(name, annotations)
  const set = await cluster.api.create('statefulsets', {
    ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name, namespace: 'default' } },
    spec: {
      ...{ replicas: 1, serviceName: name, selector: { matchLabels: { a: name } } },
      template: { metadata: { labels: { a: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  })
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid: set.metadata.uid ?? '' }
  return cluster.pod(`${name}-0`, annotations, { owner })
}

/** The pod will not come back. */
async function remove(pod: PodRef, { isSet }: Kind): Promise<void> {
  await cluster.removePod(pod)
  if (isSet) await cluster.api.remove(`${SETS}/${pod.name.replace(/-0$/, '')}`)
}

/** Address, NIC and pod of each address of the pool. */
const held = async (): Promise<readonly string[]> =>
  (await cluster.addresses(pool)).map(({ spec }) => `${spec.pod.name} ${spec.nic} ${spec.address}`).sort()

async function recorded({ namespace, name }: PodRef): Promise<readonly string[]> {
  const path = `${SPIDER}/namespaces/${namespace}/spiderendpoints/${name}`
  const endpoint = (await cluster.api.read(path).catch(() => undefined)) as
    | { readonly status: { readonly current: { readonly ips: readonly { interface: string; ipv4: string }[] } } }
    | undefined
  return (endpoint?.status.current.ips ?? []).map(ip => `${name} ${ip.interface} ${ip.ipv4}`).sort()
}

/** Resolves once the record names what is held. */
const isRecorded = (pod: PodRef): Promise<unknown> =>
  eventually(async () => {
    const [is, named] = [await held(), await recorded(pod)]
    return is.join() === named.join() ? is : undefined
  }, 5_000)

const isPending = (metrics: string): true | undefined =>
  /^spiderpool_agent_pending_records 1$/m.test(metrics) || undefined

interface Trial {
  readonly kind: Kind
  readonly command: 'ADD' | 'DEL'
  readonly kill: Kill
  readonly retry: Way
}

/** All interfaces; false where one of them failed. */
async function each(verb: string, pod: PodRef, kind: Kind, of: { id: string; way: Way }): Promise<boolean> {
  for (const nic of kind.nics) if ((await call(verb, pod, { ...of, nic })).status !== 0) return false
  return true
}

/** False where the call has fewer writes. */
async function trial(t: Test, { kind, command, kill, retry }: Trial): Promise<boolean> {
  const pod = await podOf(kind)
  const id = containerId()
  const of = { id, way: 'agent' } as const
  if (command === 'DEL') {
    t.ok((await each('ADD', pod, kind, of)) && (await isRecorded(pod)), 'ADD before the DEL')
    await remove(pod, kind)
  }
  const agent = arm(kill)
  const isDone = await each(command, pod, kind, of)
  // The record is written behind the answer.
  if (isDone && command === 'ADD')
    await eventually(
      async () => agent.hasDied() || (await recorded(pod)).length === kind.nics.length || undefined,
      5_000,
    )
  const hasDied = agent.hasDied()
  await agent.restarted()
  faulty.judge = () => undefined
  const again = { id: isDone && hasDied && command === 'ADD' ? containerId() : id, way: retry }
  if (command === 'ADD') {
    t.ok(await each('ADD', pod, kind, again), 'the retry of the ADD')
    t.ok(await isRecorded(pod), 'the record names what is held')
    t.equal((await held()).length, kind.nics.length, 'one address an interface')
    if (again.id !== id) t.ok(await each('DEL', pod, kind, of), 'the late DEL')
    t.equal((await held()).length, kind.nics.length, 'the late DEL releases none')
    await remove(pod, kind)
    t.ok(await each('DEL', pod, kind, again), 'the DEL')
  } else {
    // DEL never fails: what it could not release is released by the next DEL or by the controller.
    t.ok(isDone, 'the DEL')
    t.ok(await each('DEL', pod, kind, again), 'the next DEL')
  }
  t.strictSame(await held(), [], 'nothing is left')
  return hasDied
}

for (const kind of KINDS)
  for (const command of ['ADD', 'DEL'] as const)
    t.test(`SIGKILL at each write of the ${command} of ${kind.name}`, { timeout: 300_000 }, async t => {
      let deaths = 0
      for (const side of EVERY ? (['before', 'after'] as const) : (['after'] as const))
        for (const retry of EVERY
          ? (['agent', 'direct'] as const)
          : ([command === 'ADD' ? 'direct' : 'agent'] as const))
          for (let write = 1; ; write++) {
            const kill = { write, side }
            let hasDied = false
            await t.test(`${side} write ${write}, then by ${retry}`, async t => {
              hasDied = await trial(t, { kind, command, kill, retry })
            })
            if (!hasDied) break
            deaths++
          }
      t.ok(deaths > 0, `${deaths} deaths`)
    })

t.test('two agents of a rolling update: the record of the old one comes after the DEL of the new one', async t => {
  const start = (): Promise<AgentFixture> => startAgent(faulty.kubeconfig, { socket: agents.socket, env: nodeEnv() })
  const pod = await podOf({ name: 'rolled', nics: ['eth0'] })
  const [id, late] = [containerId(), containerId()]
  let release: () => void = () => undefined
  const until = new Promise<void>(resolve => (release = resolve))
  const old = await start()
  const isRecord = ({ method, path }: Parameters<Judge>[0]): boolean =>
    method === 'POST' && path.endsWith('/spiderendpoints')
  faulty.judge = on(isRecord, { kind: 'held', until }, 1)
  const of = (one: string) => ({ id: one, nic: 'eth0', way: 'agent' }) as const
  const added = await call('ADD', pod, of(id))
  t.match(added, { status: 0 })
  t.ok(await eventually(async () => isPending(await old.metrics()), 5_000), 'its record is under way')
  const next = await start()
  t.match(await call('ADD', pod, of(late)), { status: 0, json: added.json as object })
  t.equal((await held()).length, 1, 'both agents know the address')
  await cluster.removePod(pod)
  t.match(await call('DEL', pod, of(id)), { status: 0 })
  t.match(await call('DEL', pod, of(late)), { status: 0 })
  t.strictSame(await held(), [])
  release()
  faulty.judge = () => undefined
  t.equal(await old.end('SIGTERM'), 0)
  t.equal(await next.end('SIGTERM'), 0)
  const left = async (): Promise<true | undefined> => ((await recorded(pod)).length === 0 ? true : undefined)
  // Elsewhere the garbage collector and the controller delete it; here the server has both.
  if (server.own) t.ok(await eventually(left, 5_000), 'the late record of a pod that is gone does not stay')
  t.strictSame(await held(), [])
})
