// The client with a real agent, API server and network namespace: the results of the full image,
// and the same address by each way.
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { startAgent } from '../fixtures/agent.js'
import { startApiserver } from '../fixtures/apiserver.js'
import { CLIENT_BIN } from '../fixtures/client.js'
import { containerId, openCluster, poolAnnotation, type PodRef } from '../fixtures/cluster.js'
import { BIN, cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'
import { nodeEnv } from '../fixtures/node-config.js'

const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
const agent = await startAgent(server.kubeconfig, { env: nodeEnv() })
const name = `client${process.pid}`
spawnSync('ip', ['netns', 'add', name])
t.teardown(async () => {
  spawnSync('ip', ['netns', 'del', name])
  await agent.end('SIGTERM')
  await server.stop()
})
await cluster.pool(name, { subnet: '10.77.1.0/24', ips: ['10.77.1.10-10.77.1.60'], gateway: '10.77.1.1' })

interface Calling {
  readonly verb: string
  readonly pod?: PodRef
  readonly containerID?: string
  readonly bin?: string
  readonly more?: object
  readonly kubeconfig?: string
}

function call({ verb, pod, containerID = 'c1', bin = CLIENT_BIN, more = {}, kubeconfig }: Calling): Promise<Reply> {
  return runExecutable({
    ...{ name: 'spiderpool-ipam', bin },
    env: {
      ...cniEnv({ verb, containerID, netns: `/run/netns/${name}`, ...(pod && { pod }) }),
      ...{ SPIDERPOOL_AGENT_SOCKET: agent.socket, KUBECONFIG: kubeconfig },
    },
    stdin: JSON.stringify({
      ...{ cniVersion: '1.1.0', name: 'net', type: 'any' },
      ipam: { type: 'spiderpool', log_file_path: '/dev/null' },
      ...more,
    }),
  })
}

const addressIn = ({ json }: Reply): string =>
  (json as { ips?: readonly { address: string }[] } | undefined)?.ips?.[0]?.address ?? JSON.stringify(json)
const held = async (): Promise<number> => (await cluster.addresses(name)).length

t.test('spiderpool-ipam by the client and by the full image: the same bytes for every verb', async t => {
  const pod = await cluster.pod('same', poolAnnotation(name))
  const containerID = containerId()
  const of = { pod, containerID }
  const added = await call({ verb: 'ADD', ...of })
  t.match(added, { status: 0, stderr: '', json: { ips: [{ address: /^10\.77\.1\.\d+\/24$/ }] } })
  const calls: Readonly<Record<string, Calling>> = {
    'ADD again': { verb: 'ADD', ...of },
    CHECK: { verb: 'CHECK', ...of, more: { prevResult: added.json } },
    'CHECK without prevResult': { verb: 'CHECK', ...of },
    STATUS: { verb: 'STATUS' },
    GC: { verb: 'GC', more: { 'cni.dev/valid-attachments': [{ containerID, ifname: 'eth0' }] } },
    'a pod that is not there': { verb: 'ADD', pod: { namespace: 'default', name: 'absent', uid: 'u' } },
    'a version that is not supported': { verb: 'ADD', ...of, more: { cniVersion: '9.9.9' } },
    'a network without a name': { verb: 'ADD', ...of, more: { name: '' } },
    'DEL of a pod that lives': { verb: 'DEL', ...of },
  }
  for (const [title, one] of Object.entries(calls))
    t.strictSame(await call(one), await call({ ...one, bin: BIN }), title)
  t.equal(await held(), 1)
  await cluster.removePod(pod)
  t.match(await call({ verb: 'DEL', ...of }), { status: 0, stdout: '', stderr: '' })
  t.equal(await held(), 0)
})

t.test('an ADD that a stopped agent takes over keeps its address: client, full image, agent again', async t => {
  const pod = await cluster.pod('stopped', poolAnnotation(name))
  const of = { pod, containerID: containerId(), kubeconfig: server.kubeconfig }
  agent.signal('SIGSTOP')
  const direct = await call({ verb: 'ADD', ...of })
  agent.signal('SIGCONT')
  t.match(direct, { status: 0, stderr: /spiderpool-agent has not executed this call: .* sent nothing for 1 s/ })
  t.match(await agent.said('the client is gone'), { level: 'WARN' })
  t.equal(addressIn(await call({ verb: 'ADD', ...of })), addressIn(direct))
  t.equal(await held(), 1)
  await cluster.removePod(pod)
  t.match(await call({ verb: 'DEL', ...of }), { status: 0 })
  t.equal(await held(), 0)
})

t.test('two clients of one container at once allocate once; twenty containers get twenty addresses', async t => {
  const pods = await Promise.all(Array.from({ length: 20 }, (_, at) => cluster.pod(`many-${at}`, poolAnnotation(name))))
  const each = pods.map(pod => ({ pod, containerID: containerId() }))
  const replies = await Promise.all([...each, ...each].map(of => call({ verb: 'ADD', ...of })))
  const addresses = replies.map(addressIn)
  t.strictSame(addresses.slice(20), addresses.slice(0, 20))
  t.equal(new Set(addresses).size, 20)
  t.equal(await held(), 20)
  await Promise.all(pods.map(pod => cluster.removePod(pod)))
  await Promise.all(each.map(of => call({ verb: 'DEL', ...of })))
  t.equal(await held(), 0)
})

t.test('an agent that is killed within ADDs: the full image executes them, and no address is taken twice', async t => {
  const pods = await Promise.all(Array.from({ length: 10 }, (_, at) => cluster.pod(`dead-${at}`, poolAnnotation(name))))
  const each = pods.map(pod => ({ pod, containerID: containerId(), kubeconfig: server.kubeconfig }))
  const adds = each.map(of => call({ verb: 'ADD', ...of }))
  setTimeout(() => agent.signal('SIGKILL'), 15)
  const replies = await Promise.all(adds)
  for (const { status, stdout } of replies) t.equal(status, 0, stdout)
  t.equal(new Set(replies.map(addressIn)).size, 10)
  t.equal(await held(), 10)
  await Promise.all(pods.map(pod => cluster.removePod(pod)))
  await Promise.all(each.map(of => call({ verb: 'DEL', ...of })))
  t.equal(await held(), 0)
})
