// A pool, an application on two nodes, a Service: reachability, then nothing left.
import { AGENTS } from '../agents.js'
import type { Case } from '../case.js'
import { apply, inPod, kubectl, must, onNode, outside, within, type Pod } from '../kubectl.js'
import { holderOf } from '../invariants.js'
import { app, ippool, pool4, pool6, service } from '../objects.js'
import { show, showKubectl } from '../say.js'
import { allocated, gone, ready } from '../wait.js'

const CLUSTER_IP = '10.96.0.10'
const NODE_PORT = 30080

const ping = async (from: readonly string[], address: string): Promise<void> => {
  await within(10, `${address} answers`, () => must([...from, 'ping', '-c', '1', '-W', '1', address]))
}

async function reachEachOther([first, second]: readonly Pod[]): Promise<void> {
  if (first === undefined || second === undefined) throw new Error('there should be two pods')
  for (const [from, to] of [
    [first, second],
    [second, first],
  ] as const) {
    await ping(inPod(from.metadata.name), to.status.podIP ?? '')
    const v6 = await kubectl(`get spiderendpoint ${to.metadata.name} -o jsonpath={.status.current.ips[0].ipv6}`)
    await ping(inPod(from.metadata.name), v6.split('/')[0] ?? '')
    await ping(onNode(from.spec.nodeName ?? ''), from.status.podIP ?? '')
    show(
      `${from.metadata.name} pings ${to.metadata.name} on ${to.spec.nodeName ?? ''}, both families; its node pings it`,
    )
  }
}

/** Each pod's name, asked through a Service until every one has answered. */
async function served(what: string, ask: readonly string[], pods: readonly Pod[]): Promise<void> {
  const names = new Set(pods.map(pod => pod.metadata.name))
  await within(30, `${what} reaches every pod`, async () => {
    const answer = await must(ask)
    names.delete(answer.trim().split('\n').at(-1)?.trim() ?? '')
    if (names.size > 0) throw new Error(`not yet: ${[...names].join(', ')}`)
  })
  show(`${what}: answered by every pod`)
}

const CHAIN = ['macvlan-wrapper', 'spiderpool-ipam', 'coordinator']

interface LogLine {
  readonly msg: string
  readonly plugin?: string
  readonly command?: string
  readonly pod?: string
}

/** The agent of the pod's node has run every plugin of the ADD itself: no executable did. */
async function wholeCalls({ metadata, spec }: Pod): Promise<void> {
  const node = spec.nodeName ?? ''
  const agent = await kubectl(`get ${AGENTS} --field-selector=spec.nodeName=${node} -o name`)
  const lines = (await kubectl(`-n kube-system logs ${agent.trim()} --tail=-1`)).trim().split('\n')
  const done = lines
    .map(line => JSON.parse(line) as LogLine)
    .filter(({ msg, command, pod }) => msg === 'call done' && command === 'ADD' && pod === `default/${metadata.name}`)
  const missing = CHAIN.filter(name => !done.some(({ plugin }) => plugin === name))
  if (missing.length > 0) throw new Error(`the agent of ${node} has no ADD of ${missing.join(', ')} in its log`)
  show(`${metadata.name}: the agent of ${node} has run ${CHAIN.join(', ')}`)
}

async function run(): Promise<void> {
  await apply(
    pool4('ippool-test', '172.18.30.131-172.18.30.140'),
    pool6('ippool-test6', 'fd00:18::30:131-fd00:18::30:140'),
  )
  await showKubectl('get sp')
  const annotations = ippool(['ippool-test'], ['ippool-test6'])
  const test = { name: 'test-app', replicas: 2, annotations, isSpread: true, isProbed: true }
  await apply(app(test), service('test-app', CLUSTER_IP, NODE_PORT))
  const pods = await ready('test-app', 2)
  await showKubectl('get pods -o wide')
  await allocated('ippool-test', 2)
  await showKubectl('get sp')
  await showKubectl('get spiderendpoints')
  for (const { metadata, status } of pods) {
    const holder = await holderOf(status.podIP ?? '')
    if (holder !== `default/${metadata.name}`)
      throw new Error(`spiderpoolctl who ${status.podIP ?? ''} says "${holder}", not default/${metadata.name}`)
  }
  for (const pod of pods) await wholeCalls(pod)
  await reachEachOther(pods)
  for (const { metadata, spec } of pods) {
    // Not wget: a static one dies of asking which port http is.
    const get = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 ${CLUSTER_IP} 80`
    await served(`${metadata.name} to the ClusterIP`, inPod(metadata.name, 'sh', '-c', get), pods)
    const node = spec.nodeName ?? ''
    const curl = ['curl', '-sS', '-m', '3']
    await served(`${node} to the ClusterIP`, onNode(node, ...curl, `http://${CLUSTER_IP}/`), pods)
    const address = await kubectl(`get node ${node} -o jsonpath={.status.addresses[0].address}`)
    const url = `http://${address}:${NODE_PORT}/`
    await served(`a host outside to the NodePort of ${node}`, outside(...curl, url), pods)
  }
  await kubectl('delete deployment/test-app service/test-app')
  await gone('test-app')
  await allocated('ippool-test', 0)
  await kubectl('delete sp ippool-test ippool-test6')
}

export const application: Case = {
  name: 'application',
  says: 'a Deployment on two nodes: ping, ClusterIP and NodePort through kube-proxy, the kubelet’s probes; and nothing left',
  run,
}
