// `make demo`: pools, networks, pods on two nodes reached every way, clean-up. Started by run.sh in
// its own namespaces.
import { messageOf } from '../lib/errors.js'
import { existsSync, readdirSync } from 'node:fs'
import type { Api } from './api.js'
import * as cluster from './cluster.js'
import { del } from './multus.js'
import { MACVLAN, SECOND, SERVICES, TEST_APP, TWO_NICS } from './objects.js'
import { moveIn, nicOf, start, type Pod, type Residents } from './pods.js'
import { say, show, stepsSaid } from './say.js'
import { proxy } from './services.js'
import * as stage from './stage.js'
import { keepsItsAddress } from './stateful.js'
import * as ways from './reachability.js'
import * as world from './external-host.js'

/** Where IPAM notes what it is about to take, until it is recorded. */
const NOTES = '/run/spidernet/spiderpool-ipam'
const STARTED = Date.now()
const SIGNAL_MS_MAX = 200
const [NODE, OTHER_NODE] = stage.NODES
const residents: Residents = new Map()

function introduce({ attachment: { place, pod }, nics, ms }: Pod): void {
  for (const [nic, { address, node }] of nics)
    show(`${place} = ${pod.metadata.name ?? ''} on ${node}: ${nic} ${address[4]} ${address[6]}`)
  show(`${place}: ADD of ${nics.size} ${nics.size === 1 ? 'NIC' : 'NICs'} took ${Math.round(ms)} ms`)
}

async function askAll(all: readonly ways.Way[]): Promise<void> {
  for (const way of all) show(`${way.says}: ${(await ways.ask(residents, way)).join(', ')}`)
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
    'two nodes and a switch, as network namespaces, and a host outside; the nodes’ eth0 and eth1 are plugged into the switch',
  )
  await world.ownMounts()
  await stage.build()

  say(`an API server on ${NODE}: spiderpool-apiserver, where a cluster has its kube-apiserver`)
  const api = await cluster.startServer()
  show(`custom resources: ${(await cluster.applyCrds(api)).map(name => name.split('.')[0]).join(', ')}`)
  await Promise.all([...stage.NODES, stage.OUTSIDE].map(place => moveIn(residents, place)))
  await cluster.tunnelToServer(residents, stage.NODES)

  say('spiderpool-controller; SpiderCoordinator default is NotReady until the ConfigMap kubeadm-config says the CIDRs')
  await cluster.startController()
  const [before, after] = await cluster.makeCoordinator(api)
  show(`before: ${before}`)
  show(`after:  ${after}`)

  say('two SpiderMultusConfigs, macvlan on eth0 and on eth1; the controller makes what Multus reads of them')
  for (const network of [MACVLAN, SECOND])
    show(`NetworkAttachmentDefinition ${network.name}: ${await cluster.makeNetwork(api, network)}`)

  say('a SpiderIPPool of either family for each of them')
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

  say('the pods hear each other from node to node, and the gateway, over macvlan')
  const { gateway } = stage.NETWORKS[0]
  const families = stage.FAMILIES
  await askAll([...ways.podWays(nicOf(first), nicOf(second))])
  await pingAll(
    families.flatMap(family => [
      ['pod-2', nicOf(first).address[family]],
      ['pod-1', gateway[family]],
    ]),
  )

  say('the node probes its pod, and the pod reaches its node, by a veth: a macvlan alone cannot')
  await askAll([...ways.nodeWays(nicOf(first)), ...ways.nodeWays(nicOf(second))])
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
    'a pod and a node reach the ClusterIP, whichever pod answers: on this node, on the other one, or the asking pod itself',
  )
  await askAll([
    ...ways.clusterIpWays(open, { from: 'pod-1', node: NODE, endpoints }),
    ...ways.clusterIpWays(open, { from: NODE, node: NODE, endpoints }),
  ])

  say(
    'NodePort answers from outside; under externalTrafficPolicy Local the pod sees who asks, and still answers through its node',
  )
  await askAll([...ways.nodePortWays(open, NODE, endpoints), ...ways.nodePortWays(local, NODE, endpoints)])
}

async function twoNics(api: Api): Promise<readonly Pod[]> {
  say('a pod with two NICs, eth0 and net1, on two networks')
  const pods = await start(api, { app: TWO_NICS, on: { 'pod-3': NODE }, residents })
  pods.forEach(introduce)
  const [pod] = pods
  if (pod === undefined) throw new Error('there should be a pod')
  await holds(api, SECOND, 1)

  say('it answers on the NIC that it was asked on: the gateway drops what comes by the wrong one')
  await askAll([...ways.outsideWays(nicOf(pod, 'eth0'), 'eth0'), ...ways.outsideWays(nicOf(pod, 'net1'), 'net1')])
  await askAll([...ways.nodeWays(nicOf(pod, 'eth0')), ...ways.nodeWays(nicOf(pod, 'net1')).slice(0, 2)])
  return pods
}

/** What a node has of pods: links, rules, routes and neighbours of its veths. */
const onNode = (node: string): Promise<string> =>
  stage.sh(
    node,
    'ip -o link | grep -E "veth|macvlan" | grep -vE " eth[01]@"; ip rule; ip -6 rule; ip neigh show nud permanent; ip route show table 500; ip -6 route show table 500; :',
  )

async function clearAway(api: Api, pods: readonly Pod[], before: readonly string[]): Promise<void> {
  say('the applications are deleted, and Multus calls DEL for each pod: the addresses come back')
  const attachments = pods.map(({ attachment }) => attachment)
  await cluster.remove(api, 'test-app', attachments.slice(0, 2))
  await cluster.remove(api, 'two-nics', attachments.slice(2))
  await Promise.all(attachments.map(one => del(api, one)))
  await holds(api, MACVLAN, 0)
  await holds(api, SECOND, 0)
  await tables(api)

  say(
    'nothing is left: no link in the pods; no link, rule, route or neighbour on the nodes; no note of an unfinished call',
  )
  for (const { attachment } of pods) {
    await residents.get(attachment.place)?.end()
    const links = await stage.sh(attachment.place, 'ip -o link')
    if (links.trim().split('\n').length !== 1) throw new Error(`links are left in ${attachment.place}:\n${links}`)
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
    throw new Error(`notes of unfinished calls are left in ${NOTES}: ${notes.map(({ name }) => name).join(', ')}`)
}

async function story(): Promise<void> {
  const api = await prepare()
  const before = await Promise.all(stage.NODES.map(onNode))
  const pods = await application(api)
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
