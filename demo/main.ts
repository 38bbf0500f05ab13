// `make demo`: pools, networks, pods on two nodes reached every way. Started by run.sh.
import { messageOf } from '../lib/errors.js'
import { existsSync, readdirSync } from 'node:fs'
import type { Api } from './api.js'
import * as cluster from './cluster.js'
import { del } from './multus.js'
import { MACVLAN, SECOND, SERVICES, TEST_APP, TWO_NICS } from './objects.js'
import { addResident, nicOf, start, type Pod, type Residents } from './pods.js'
import { explains } from './questions.js'
import { say, show, stepsSaid } from './say.js'
import { proxy } from './services.js'
import * as stage from './stage.js'
import { keepsItsAddress } from './stateful.js'
import * as paths from './reachability.js'
import * as world from './external-host.js'

/** Where IPAM notes what it is about to take, until it is recorded. */
const NOTES = '/run/spidernet/spiderpool-ipam'
const STARTED = Date.now()
const SIGNAL_MS_MAX = 200
const [NODE, OTHER_NODE] = stage.NODES
const residents: Residents = new Map()

function introduce({ attachment: { netnsName, pod }, nics, ms }: Pod): void {
  for (const [nic, { address, node }] of nics)
    show(`${netnsName} = ${pod.metadata.name ?? ''} on ${node}: ${nic} ${address[4]} ${address[6]}`)
  show(`${netnsName}: ADD of ${nics.size} ${nics.size === 1 ? 'NIC' : 'NICs'} took ${Math.round(ms)} ms`)
}

async function askAll(all: readonly paths.Path[]): Promise<void> {
  for (const path of all) show(`${path.says}: ${(await paths.ask(residents, path)).join(', ')}`)
}

async function pingAll(pairs: readonly (readonly [from: string, to: string])[]): Promise<void> {
  await Promise.all(pairs.map(([from, to]) => stage.ping(from, to)))
  for (const [from, to] of pairs) show(`${from} pings ${to}: answered`)
}

async function tables(api: Api): Promise<void> {
  show(await api.table(`${cluster.SPIDERPOOL}/spiderippools`, 'sp'))
  show(`\n${await api.table(`${cluster.SPIDERPOOL}/namespaces/default/spiderendpoints`, 'spiderendpoints')}`)
}

const holds = async (api: Api, { pools }: typeof MACVLAN, count: number): Promise<void> => {
  for (const family of stage.FAMILIES) await cluster.poolHolds(api, pools[family], count)
}

async function prepare(): Promise<Api> {
  say(
    'two nodes and a switch, as network namespaces, and a host outside; the nodes’ eth0 and eth1 are ports of the switch',
  )
  await world.ownMounts()
  await stage.build()

  say(`an API server on ${NODE}: spiderpool-apiserver instead of a kube-apiserver`)
  const api = await cluster.startServer()
  show(`custom resources: ${(await cluster.applyCrds(api)).map(name => name.split('.')[0]).join(', ')}`)
  await Promise.all([...stage.NODES, stage.OUTSIDE].map(netnsName => addResident(residents, netnsName)))
  await cluster.tunnelToServer(residents, stage.NODES)

  say('spiderpool-controller; SpiderCoordinator default is NotReady until the ConfigMap kubeadm-config names the CIDRs')
  await cluster.startController()
  const [before, after] = await cluster.makeCoordinator(api)
  show(`before: ${before}`)
  show(`after:  ${after}`)

  say(
    'two SpiderMultusConfigs, macvlan on eth0 and on eth1; the controller generates their NetworkAttachmentDefinitions',
  )
  for (const network of [MACVLAN, SECOND])
    show(`NetworkAttachmentDefinition ${network.name}: ${await cluster.makeNetwork(api, network)}`)

  say('a SpiderIPPool per family for each of them')
  await cluster.makePools(api)
  show(await api.table(`${cluster.SPIDERPOOL}/spiderippools`, 'sp'))
  return api
}

async function application(api: Api): Promise<readonly Pod[]> {
  say(
    'an application: Deployment test-app of two pods; Multus calls macvlan-wrapper, then coordinator, both pods at once',
  )
  const pods = await start(api, { app: TEST_APP, on: { 'pod-1': NODE, 'pod-2': OTHER_NODE }, residents })
  pods.forEach(introduce)
  const [first, second] = pods
  if (first === undefined || second === undefined) throw new Error('there should be two pods')

  say('what the user sees: two addresses of each pool are allocated')
  await holds(api, MACVLAN, 2)
  await tables(api)

  say('the pods reach each other across nodes, and the gateway, over macvlan')
  const { gateway } = stage.NETWORKS[0]
  const families = stage.FAMILIES
  await askAll([...paths.podPaths(nicOf(first), nicOf(second))])
  await pingAll(
    families.flatMap(family => [
      ['pod-2', nicOf(first).address[family]],
      ['pod-1', gateway[family]],
    ]),
  )

  say(
    'the node probes its pod, and the pod reaches its node, over a veth: a macvlan cannot talk to its parent interface',
  )
  await askAll([...paths.nodePaths(nicOf(first)), ...paths.nodePaths(nicOf(second))])
  await pingAll(
    families.flatMap(family => [
      [NODE, nicOf(first).address[family]],
      ['pod-1', stage.addressOf(NODE, family)],
    ]),
  )
  return pods
}

async function services(api: Api, pods: readonly Pod[]): Promise<void> {
  say('Services test-app and test-app-local; nftables rules on both nodes stand in for kube-proxy')
  const endpoints = pods.map(pod => nicOf(pod))
  const made = await Promise.all(SERVICES.map(service => api.create('services', service)))
  await Promise.all(stage.NODES.map(node => proxy(made, { node, endpoints })))
  const [open, local] = SERVICES

  say(
    'a pod and a node reach the ClusterIP, through each endpoint: on this node, on the other, and the client pod itself',
  )
  await askAll([
    ...paths.clusterIpPaths(open, { from: 'pod-1', node: NODE, endpoints }),
    ...paths.clusterIpPaths(open, { from: NODE, node: NODE, endpoints }),
  ])

  say(
    'NodePort from outside; under externalTrafficPolicy Local the pod sees the client address, and replies through its node',
  )
  await askAll([...paths.nodePortPaths(open, NODE, endpoints), ...paths.nodePortPaths(local, NODE, endpoints)])
}

async function twoNics(api: Api): Promise<readonly Pod[]> {
  say('a pod with a default and a secondary interface, eth0 and net1, on two networks')
  const pods = await start(api, { app: TWO_NICS, on: { 'pod-3': NODE }, residents })
  pods.forEach(introduce)
  const [pod] = pods
  if (pod === undefined) throw new Error('there should be a pod')
  await holds(api, SECOND, 1)

  say('it replies on the interface that received the request: the gateway drops a reply on the wrong one')
  await askAll([...paths.outsidePaths(nicOf(pod, 'eth0'), 'eth0'), ...paths.outsidePaths(nicOf(pod, 'net1'), 'net1')])
  await askAll([...paths.nodePaths(nicOf(pod, 'eth0')), ...paths.nodePaths(nicOf(pod, 'net1')).slice(0, 2)])
  return pods
}

/** What a node has of pods: links, rules, routes and neighbours of its veths. */
const onNode = (node: string): Promise<string> =>
  stage.sh(
    node,
    'ip -o link | grep -E "veth|macvlan" | grep -vE " eth[01]@"; ip rule; ip -6 rule; ip neigh show nud permanent; ip route show table 500; ip -6 route show table 500; :',
  )

async function clearAway(api: Api, pods: readonly Pod[], before: readonly string[]): Promise<void> {
  say('the applications are deleted, and Multus calls DEL for each pod: the addresses are released')
  const attachments = pods.map(({ attachment }) => attachment)
  await cluster.remove(api, 'test-app', attachments.slice(0, 2))
  await cluster.remove(api, 'two-nics', attachments.slice(2))
  await Promise.all(attachments.map(one => del(api, one)))
  await holds(api, MACVLAN, 0)
  await holds(api, SECOND, 0)
  await tables(api)

  say(
    'nothing is left: no link in the pods; no link, rule, route or neighbour on the nodes; no journal of an unfinished call',
  )
  for (const { attachment } of pods) {
    await residents.get(attachment.netnsName)?.end()
    const links = await stage.sh(attachment.netnsName, 'ip -o link')
    if (links.trim().split('\n').length !== 1) throw new Error(`links are left in ${attachment.netnsName}:\n${links}`)
  }
  const after = await Promise.all(stage.NODES.map(onNode))
  stage.NODES.forEach((node, at) => {
    if (after[at] !== before[at])
      throw new Error(`${node} is not as it was:\n${after[at] ?? ''}\nbefore:\n${before[at] ?? ''}`)
  })
  const notes = existsSync(NOTES)
    ? readdirSync(NOTES, { recursive: true, withFileTypes: true }).filter(one => one.isFile())
    : []
  if (notes.length > 0)
    throw new Error(`journals of unfinished calls are left in ${NOTES}: ${notes.map(({ name }) => name).join(', ')}`)
}

async function story(): Promise<void> {
  const api = await prepare()
  const before = await Promise.all(stage.NODES.map(onNode))
  const pods = await application(api)
  const [first] = pods
  if (first) await explains(api, { address: nicOf(first).address[4], pool: MACVLAN.pools[4], node: NODE })
  await services(api, pods)
  const all = [...pods, ...(await twoNics(api))]
  await keepsItsAddress(api, stage.NODES, () => holds(api, MACVLAN, all.length))
  await clearAway(api, all, before)
}

/** This process is the first of its PID namespace: namespaces, mounts and daemons end with it. */
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
  console.error(`\ndemo: step ${stepsSaid()} failed: ${messageOf(error)}`)
  process.exit(1)
}
