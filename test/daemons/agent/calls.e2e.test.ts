// Whole CNI calls over the agent's socket, and the Go system's API: recorded requests of its
// executables (spec of 1.2.1), with a real API server and network namespace.
import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import t from 'tap'
import { startAgent, askSocket, exchangeRaw, requestText } from '../../fixtures/agent.js'
import { startApiserver } from '../../fixtures/apiserver.js'
import { eventually } from '../../fixtures/controller.js'
import { containerId, openCluster, poolAnnotation, SPIDER, type PodRef } from '../../fixtures/cluster.js'
import { cniEnv, runExecutable } from '../../fixtures/executable.js'
import { nodeEnv } from '../../fixtures/node-config.js'

const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
const agent = await startAgent(server.kubeconfig, { env: nodeEnv() })
const netns = `agent${process.pid}`
spawnSync('ip', ['netns', 'add', netns])
t.teardown(async () => {
  spawnSync('ip', ['netns', 'del', netns])
  await agent.end('SIGTERM')
  await server.stop()
})
const NETNS = `/run/netns/${netns}`
const pool = `agent-${process.pid}`
await cluster.pool(pool, { subnet: '10.77.0.0/24', ips: ['10.77.0.10-10.77.0.60'], gateway: '10.77.0.1' })

interface CallReply {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly claim?: string
}

const conf = (more: object = {}): string =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'net',
    type: 'any',
    ipam: { type: 'spiderpool', log_file_path: '/dev/null' },
    ...more,
  })

async function call(
  verb: string,
  pod: PodRef,
  containerID: string,
  ifName = 'eth0',
  stdin = conf(),
): Promise<CallReply> {
  const env = { ...cniEnv({ verb, containerID, netns: NETNS, ifName, pod }) }
  const { status, json } = await agent.ask('POST', '/v1/cni/spiderpool-ipam', { env, stdin })
  if (status !== 200) throw new Error(`${verb}: ${status} ${JSON.stringify(json)}`)
  return json as CallReply
}

const held = async (): Promise<number> => (await cluster.addresses(pool)).length
const addressIn = ({ stdout }: CallReply): string =>
  (JSON.parse(stdout) as { ips?: readonly { address: string }[] }).ips?.[0]?.address ?? stdout

t.test('POST /v1/cni/spiderpool-ipam: ADD allocates, CHECK agrees, DEL of a pod that is gone releases', async t => {
  const pod = await cluster.pod('whole', poolAnnotation(pool))
  const id = containerId()
  const added = await call('ADD', pod, id)
  t.match(added, { exitCode: 0, stderr: '' })
  t.match(addressIn(added), /^10\.77\.0\.\d+\/24$/)
  t.equal(addressIn(await call('ADD', pod, id)), addressIn(added), 'ADD again keeps it')
  t.equal(await held(), 1)
  t.match(await call('DEL', pod, id), { exitCode: 0, stdout: '' })
  t.equal(await held(), 1, 'the pod lives')
  await cluster.removePod(pod)
  t.match(await call('DEL', pod, id), { exitCode: 0, stdout: '' })
  t.equal(await held(), 0)
})

t.test('POST /v1/cni/spiderpool-ipam: a blank comes before the reply, which is one JSON document', async t => {
  const text = await exchangeRaw(
    agent.socket,
    requestText('POST', '/v1/cni/spiderpool-ipam', {
      env: { CNI_COMMAND: 'VERSION' },
      stdin: '{"cniVersion":"1.0.0"}',
    }),
  )
  t.match(text, /\r\n\r\n1\r\n \r\n/)
  t.match((await agent.ask('POST', '/v1/cni/spiderpool-ipam', { env: { CNI_COMMAND: 'VERSION' }, stdin: '' })).json, {
    exitCode: 0,
    stdout: /supportedVersions.*1\.1\.0/,
  })
})

t.test('POST /v1/cni/spiderpool-ipam: a refusal is the plugin’s own error, and in the log', async t => {
  const pod = { namespace: 'default', name: 'absent', uid: 'none' }
  const reply = await call('ADD', pod, containerId())
  t.equal(reply.exitCode, 1)
  t.match(JSON.parse(reply.stdout), { code: Number, msg: /^spiderpool IP allocation error: .*absent/ })
  t.match(await agent.said('call failed'), { level: 'ERROR', pod: 'default/absent', command: 'ADD' })
})

t.test('POST /v1/cni/spiderpool-ipam/undo releases what one ADD allocated, once', async t => {
  const pod = await cluster.pod('undone', poolAnnotation(pool))
  const { claim = '' } = await call('ADD', pod, containerId())
  t.equal(await held(), 1)
  const undo = () => agent.ask('POST', '/v1/cni/spiderpool-ipam/undo', { claim })
  t.match(await undo(), { status: 200, json: {} })
  t.equal(await held(), 0)
  t.match(await undo(), { status: 410, json: /was undone, has expired/ })
})

t.test('two ADDs of one container at once allocate once; fifty containers get fifty addresses', async t => {
  const one = await cluster.pod('twice', poolAnnotation(pool))
  const id = containerId()
  const twice = await Promise.all([call('ADD', one, id), call('ADD', one, id)])
  t.equal(new Set(twice.map(addressIn)).size, 1)
  const pods = await Promise.all(Array.from({ length: 50 }, (_, at) => cluster.pod(`many-${at}`, poolAnnotation(pool))))
  const each = pods.map(pod => ({ pod, id: containerId() }))
  const replies = await Promise.all(each.map(({ pod, id }) => call('ADD', pod, id)))
  t.equal(new Set(replies.map(addressIn)).size, 50, replies.find(({ exitCode }) => exitCode !== 0)?.stdout ?? '')
  t.match(
    addressIn(await call('ADD', await cluster.pod('too-many', poolAnnotation(pool)), containerId())),
    /all IP addresses used out/,
  )
  t.equal(await held(), 51)
  await Promise.all([one, ...pods].map(pod => cluster.removePod(pod)))
  await Promise.all([{ pod: one, id }, ...each].map(({ pod, id }) => call('DEL', pod, id)))
  t.equal(await held(), 0)
})

t.test('the executable spiderpool-ipam: ADD, STATUS and DEL through the agent, without a kubeconfig', async t => {
  const pod = await cluster.pod('executed', poolAnnotation(pool))
  const containerID = containerId()
  const ipam = { type: 'spiderpool', log_file_path: '/dev/null', ipam_unix_socket_path: agent.socket }
  const run = (verb: string) =>
    runExecutable({
      name: 'spiderpool-ipam',
      env: { ...cniEnv({ verb, containerID, netns: NETNS, pod }), SPIDERPOOL_AGENT_SOCKET: agent.socket },
      stdin: JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'any', ipam }),
    })
  t.match(await run('ADD'), { status: 0, stderr: '', json: { ips: [{ address: /^10\.77\.0\./ }] } })
  t.match(await run('STATUS'), { status: 0 })
  await cluster.removePod(pod)
  t.match(await run('DEL'), { status: 0, stderr: '' })
  t.equal(await held(), 0)
})

t.test('a call whose client left before the first byte is not run: the client has gone another way', async t => {
  const pod = await cluster.pod('left', poolAnnotation(pool))
  const env = cniEnv({ verb: 'ADD', containerID: containerId(), netns: NETNS, pod })
  agent.signal('SIGSTOP')
  const leaving = connect(agent.socket, () => {
    leaving.write(requestText('POST', '/v1/cni/spiderpool-ipam', { env, stdin: conf() }), () => leaving.destroy())
  })
  await new Promise(resolve => leaving.once('close', resolve))
  agent.signal('SIGCONT')
  t.match(await agent.said('the client is gone'), { level: 'WARN' })
  t.equal(await held(), 0)
})

const args = (pod: PodRef, containerID: string): object => ({
  containerID,
  defaultIPv4IPPool: null,
  defaultIPv6IPPool: null,
  ifName: 'eth0',
  netNamespace: NETNS,
  podName: pod.name,
  podNamespace: pod.namespace,
  podUID: pod.uid,
})

t.test('the Go executable spiderpool: healthy, POST /v1/ipam/ip, DELETE /v1/ipam/ip', async t => {
  const pod = await cluster.pod('go-0', poolAnnotation(pool))
  const id = containerId()
  t.match(await agent.ask('GET', '/v1/ipam/healthy'), { status: 200, body: '' })
  const added = await agent.ask('POST', '/v1/ipam/ip', args(pod, id))
  t.match(added, {
    status: 200,
    json: {
      ips: [{ version: 4, address: /^10\.77\.0\.\d+\/24$/, nic: 'eth0', gateway: '10.77.0.1' }],
      routes: [{ ifName: 'eth0', dst: '0.0.0.0/0', gw: '10.77.0.1' }],
    },
  })
  const { podName, podNamespace } = { podName: pod.name, podNamespace: pod.namespace }
  t.match(await agent.ask('GET', `/v1/workloadendpoint?podNamespace=${podNamespace}&podName=${podName}`), {
    status: 200,
    json: { podNamespace, podName, podUID: pod.uid, node: 'n1', interfaces: [{ interface: 'eth0', ipv4Pool: pool }] },
  })
  await cluster.removePod(pod)
  t.match(await agent.ask('DELETE', '/v1/ipam/ip', args(pod, id)), { status: 200, body: '' })
  t.equal(await held(), 0)
})

t.test('the Go executable spiderpool: POST /v1/ipam/ip, byte for byte, and the properties of its model', async t => {
  const pod = await cluster.pod('go-web-0')
  const id = containerId()
  // Go's order of keys and its newline; cleanGateway is left out where it is false.
  const body = (more: string): string =>
    `{${more}"containerID":"${id}","defaultIPv4IPPool":["${pool}"],"defaultIPv6IPPool":null,"ifName":"eth0","netNamespace":"${NETNS}","podName":"${pod.name}","podNamespace":"default","podUID":"${pod.uid}"}\n`
  const recorded = (text: string): string =>
    `POST /v1/ipam/ip HTTP/1.1\r\nHost: \r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: ${Buffer.byteLength(text)}\r\nAccept: application/json\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n${text}`
  const { status, json } = await askSocket(agent.socket, recorded(body('"cleanGateway":true,')))
  t.equal(status, 200)
  const { ips, routes = [] } = json as { readonly ips: readonly object[]; readonly routes?: readonly object[] }
  t.match(ips, [{ version: 4, address: /^10\.77\.0\.\d+\/24$/, nic: 'eth0', gateway: '10.77.0.1' }])
  const properties = ['version', 'address', 'nic', 'ipPool', 'gateway', 'vlan', 'mac']
  t.strictSame(
    ips.flatMap(Object.keys).filter(key => !properties.includes(key)),
    [],
  )
  t.strictSame(routes, [], 'cleanGateway: no default route')
  t.strictSame((await askSocket(agent.socket, recorded(body('"cleanGateway":true,')))).json, json, 'again: the same')
  t.match(await agent.ask('POST', '/v1/ipam/ip', { ...args(pod, id), defaultIPv4IPPool: pool }), {
    status: 500,
    json: /default_ipv4_ippool/,
  })
  t.match(await agent.ask('POST', '/v1/ipam/ips'), { status: 200, body: '' }, 'does nothing, as in the Go agent')
  t.match(await agent.ask('GET', '/v1/runtime/startup'), { status: 404 }, 'probes are on the TCP port')
  await cluster.removePod(pod)
  await agent.ask('DELETE', '/v1/ipam/ip', args(pod, id))
  t.equal(await held(), 0)
})

t.test('POST /v1/cni/spiderpool-ipam of an executable of another version: what is unknown is ignored', async t => {
  const pod = await cluster.pod('newer', poolAnnotation(pool))
  const id = containerId()
  const env = cniEnv({ verb: 'ADD', containerID: id, netns: NETNS, pod })
  const text = JSON.stringify({ env, stdin: conf(), future: { a: [1] } })
  const newer = `POST /v1/cni/spiderpool-ipam HTTP/1.1\r\nHost: x\r\nX-Spiderpool-Future: 7\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  t.match(await askSocket(agent.socket, newer), { status: 200, json: { exitCode: 0, stdout: /10\.77\.0\./ } })
  // Of the first release: no header but the length.
  const first = JSON.stringify({ env: { ...env, CNI_COMMAND: 'DEL' }, stdin: conf() })
  await cluster.removePod(pod)
  t.match(
    await askSocket(
      agent.socket,
      `POST /v1/cni/spiderpool-ipam HTTP/1.1\r\nHost: x\r\nContent-Length: ${first.length}\r\n\r\n${first}`,
    ),
    { status: 200, json: { exitCode: 0 } },
  )
  t.equal(await held(), 0)
})

t.test('the Go executable spiderpool: errors are a JSON string, without the prefix that it writes itself', async t => {
  const pod = { namespace: 'default', name: 'nowhere', uid: 'u1' }
  const { status, json } = await agent.ask('POST', '/v1/ipam/ip', args(pod, containerId()))
  t.equal(status, 500)
  t.match(json, /nowhere/)
  t.notMatch(json, /spiderpool IP allocation error/)
})

t.test('a missing required property is answered with 422 as go-openapi does', async t => {
  for (const [method, path] of [
    ['POST', '/v1/ipam/ip'],
    ['DELETE', '/v1/ipam/ip'],
    ['DELETE', '/v1/ipam/ips'],
  ] as const)
    t.match(await agent.ask(method, path, { ifName: 'eth0', podName: 'p' }), {
      status: 422,
      json: { code: 602, message: /containerID in body is required/ },
    })
  t.match(await agent.ask('GET', '/v1/workloadendpoint?podName=p'), { status: 422, json: { code: 602 } })
  t.match(await agent.ask('GET', '/v1/workloadendpoint?podName=p&podNamespace=default'), {
    status: 404,
    json: /default\/p/,
  })
})

t.test('DELETE /v1/ipam/ips releases the pod’s addresses; a conflicting one goes into quarantine', async t => {
  const pod = await cluster.pod('conflict', poolAnnotation(pool))
  const id = containerId()
  const batch = { containerID: id, podNamespace: pod.namespace, podName: pod.name, podUID: pod.uid }
  await agent.ask('POST', '/v1/ipam/ip', args(pod, id))
  t.match(await agent.ask('DELETE', '/v1/ipam/ips', { ...batch, podUID: 'other' }), {
    status: 500,
    json: /is of pod UID/,
  })
  t.match(await agent.ask('DELETE', '/v1/ipam/ips', batch), { status: 200, body: '' })
  t.equal(await held(), 0)
  const { json } = await agent.ask('POST', '/v1/ipam/ip', args(pod, id))
  t.match(await agent.ask('DELETE', '/v1/ipam/ips', { ...batch, isReleaseConflictIPs: true }), { status: 200 })
  const again = await agent.ask('POST', '/v1/ipam/ip', args(pod, id))
  t.notSame(again.json, json, 'the next ADD gets another address')
  t.equal(await held(), 2)
  t.match(await agent.ask('DELETE', '/v1/ipam/ips', batch), { status: 200 })
})

t.test(
  'DELETE /v1/ipam/ips of conflicting addresses: 521 where it is switched off, 522 for a StatefulSet’s pod',
  async t => {
    const off = await startAgent(server.kubeconfig, { env: { SPIDERPOOL_ENABLED_RELEASE_CONFLICT_IPS: 'false' } })
    const set = await cluster.api.create('statefulsets', {
      ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'set', namespace: 'default' } },
      spec: {
        ...{ replicas: 1, serviceName: 'set', selector: { matchLabels: { a: 'b' } } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    })
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'set', uid: set.metadata.uid ?? '' }
    const pod = await cluster.pod('set-0', poolAnnotation(pool), { owner })
    const id = containerId()
    const batch = {
      containerID: id,
      podNamespace: pod.namespace,
      podName: pod.name,
      podUID: pod.uid,
      isReleaseConflictIPs: true,
    }
    t.match(await off.ask('DELETE', '/v1/ipam/ips', batch), {
      status: 521,
      json: /SPIDERPOOL_ENABLED_RELEASE_CONFLICT_IPS/,
    })
    t.equal(await off.end('SIGTERM'), 0)
    t.match(await agent.ask('POST', '/v1/ipam/ip', args(pod, id)), { status: 200 })
    t.match(await agent.ask('DELETE', '/v1/ipam/ips', batch), { status: 522, json: /StatefulSet default\/set/ })
  },
)

t.test('the Go executable coordinator: GET /v1/coordinator/config with a body', async t => {
  const pod = await cluster.pod('web-0', { 'ipam.spidernet.io/default-route-nic': 'net1' })
  // 45 bytes: Go's encoder ends with a newline.
  const recorded =
    'GET /v1/coordinator/config HTTP/1.1\r\nHost: \r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 45\r\nAccept: application/json\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"podName":"web-0","podNamespace":"default"}\n'
  t.match(await askSocket(agent.socket, recorded), { status: 500, json: 'coordinator config not found' })
  await cluster.api.create('spidercoordinators', {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderCoordinator',
    metadata: { name: 'default' },
    spec: { mode: 'underlay', podCIDRType: 'cluster', hijackCIDR: ['169.254.0.0/16'], vethMTU: 1500, podRPFilter: 0 },
  })
  t.match(await askSocket(agent.socket, recorded), { status: 500, json: /^spidercoordinator: default no ready/ })
  const path = `${SPIDER}/spidercoordinators/default`
  const made = await cluster.api.read(path)
  const status = { phase: 'Synced', overlayPodCIDR: ['10.244.0.0/16'] }
  await cluster.api.replace(`${path}/status`, { ...made, status })
  t.match(await askSocket(agent.socket, recorded), {
    status: 200,
    json: {
      ...{ mode: 'underlay', overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: [], tunePodRoutes: true },
      ...{ hijackCIDR: ['169.254.0.0/16'], vethMTU: 1500, podRPFilter: 0, podDefaultRouteNIC: 'net1' },
    },
  })
  await cluster.removePod(pod)
  // The agent has the pod in its cache until the watch delivers the deletion.
  const refused = await eventually(async () => {
    const answer = await askSocket(agent.socket, recorded)
    return answer.status === 200 ? undefined : answer
  })
  t.match(refused, { status: 500, json: 'failed to get pod default/web-0' })
  const del = recorded.replace('Connection: close', 'X-Spiderpool-CNI-Command: DEL\r\nConnection: close')
  t.match(await askSocket(agent.socket, del), { status: 200, json: { mode: 'underlay' } })
})
