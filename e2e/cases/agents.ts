// Node agents: killed and replaced while pods start, no credential on a node, a node without one.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.js'
import { agentPids, AGENTS, credentialsOn, DAEMON_SET, killAgents, KUBECONFIG, noAgents, rolledOut } from '../agents.js'
import { CHART, helm, RELEASE, VALUES } from '../install.js'
import { apply, kubectl, list, must, NODES, onNode, within, type Obj, type Pod } from '../kubectl.js'
import { app, ippool, pool4 } from '../objects.js'
import { show } from '../say.js'
import { addressesOf, allocated, events, launch, ready, remove } from '../wait.js'

const PODS = 20

/** Sandboxes that failed: the kubelet's Events, each message once. */
async function failures(name: string): Promise<readonly string[]> {
  return (await events(name)).filter(message => message.includes('FailedCreatePodSandBox') || /sandbox/i.test(message))
}

export const killed: Case = {
  name: 'agents',
  says: `the agents are killed while ${PODS} pods start, and again while they end`,
  async run() {
    // Twice as many: a pod whose ADD was cut off holds two until the DEL of the first sandbox.
    await apply(pool4('agents', `172.18.50.1-172.18.50.${2 * PODS}`))
    await apply(app({ name: 'steady', replicas: PODS, annotations: ippool(['agents']) }))
    await within(90, 'a pod has an address', async () => {
      if ((await heldIn('agents')) === 0) throw new Error('none has')
    })
    const [held, killedCount] = [await heldIn('agents'), killAgents()]
    show(`${killedCount} agents were killed when ${held} of ${PODS} pods had an address`)
    if (held >= PODS || killedCount === 0) throw new Error('that is not while pods start')
    const pods = await ready('steady', PODS, 200)
    if (new Set(addressesOf(pods)).size !== PODS) throw new Error('two pods have one address')
    const messages = await failures('steady')
    messages.forEach(show)
    if (messages.some(message => message.includes('file exists')))
      throw new Error('an ADD found the interface that a killed agent had made for it')
    await kubectl('scale deployment/steady --replicas=0')
    await within(90, 'half of the addresses are released', async () => {
      const held = await heldIn('agents')
      if (held > PODS / 2) throw new Error(`${held} are held`)
    })
    show(`${killAgents()} agents were killed when ${await heldIn('agents')} pods had an address`)
    await allocated('agents', 0, 120)
    await remove('steady', 'agents')
    await rolledOut()
  },
}

/** Addresses of a pool as objects: the count in its status comes a second later. */
async function heldIn(pool: string): Promise<number> {
  interface Address extends Obj {
    readonly spec: { readonly pool: string }
  }
  return (await list<Address>('spideripaddresses')).filter(({ spec }) => spec.pool === pool).length
}

/** Few: the case `chart` starts many more during an upgrade of the release. */
const ROLLED = 8

export const upgraded: Case = {
  name: 'upgraded',
  says: `a rolling update of the agents' DaemonSet without a change while ${ROLLED} pods start, one after another`,
  async run() {
    await apply(pool4('upgrade', `172.18.51.1-172.18.51.${ROLLED}`))
    const of = { name: 'rolled', annotations: ippool(['upgrade']) }
    await apply(app({ ...of, replicas: 2 }))
    const before = (await list<Pod>(AGENTS)).map(({ metadata }) => metadata.uid)
    await kubectl(`rollout restart ${DAEMON_SET}`)
    for (let replicas = 4; replicas <= ROLLED; replicas += 2) {
      await kubectl(`scale deployment/rolled --replicas=${replicas}`)
      await sleep(500)
    }
    show(await rolledOut())
    const after = (await list<Pod>(AGENTS)).map(({ metadata }) => metadata.uid)
    const stayed = after.filter(uid => before.includes(uid))
    if (stayed.length > 0 || after.length !== NODES.length)
      throw new Error(`${after.length} agents run, ${stayed.length} of them are of before the update`)
    await ready('rolled', ROLLED, 120)
    for (const message of await failures('rolled')) show(message)
    await remove('rolled', 'upgrade')
  },
}

export const credentials: Case = {
  name: 'credentials',
  says: 'no kubeconfig, token or private key is in the CNI folders of a node',
  async run() {
    await apply(pool4('plain', '172.18.52.1-172.18.52.2'))
    await launch({ name: 'plain', replicas: 2, annotations: ippool(['plain']), isSpread: true })
    for (const node of NODES) {
      const found = await credentialsOn(node)
      if (found.length > 0) throw new Error(`${node} has ${found.join(', ')}`)
      // That the search finds one is part of the claim.
      await must(
        onNode(
          node,
          'sh',
          '-c',
          `mkdir -p /etc/cni/net.d/x.d && echo token: eyJhbGciOiJub25lIn0 >/etc/cni/net.d/x.d/c`,
        ),
      )
      const planted = await credentialsOn(node)
      await must(onNode(node, 'rm', '-r', '/etc/cni/net.d/x.d'))
      if (planted.join() !== '/etc/cni/net.d/x.d/c')
        throw new Error(`the search on ${node} found ${planted.join(', ')}`)
    }
    await remove('plain', 'plain')
  },
}

const NOWHERE = '{"spec":{"template":{"spec":{"nodeSelector":{"spiderpool.example/none":"true"}}}}}'
const EVERYWHERE = '{"spec":{"template":{"spec":{"nodeSelector":{"spiderpool.example/none":null}}}}}'

export const direct: Case = {
  name: 'direct',
  says: 'without agents: the executables use a kubeconfig that the administrator has asked for',
  async run() {
    await apply(pool4('direct', '172.18.53.1-172.18.53.8'))
    await helm(`upgrade ${RELEASE} ${CHART} ${VALUES} --set spiderpoolAgent.installKubeconfig=true`)
    await rolledOut()
    await within(30, `each node has ${KUBECONFIG}`, async () => {
      for (const node of NODES) {
        const mode = (await must(onNode(node, 'stat', '-c', '%a %u', KUBECONFIG))).trim()
        if (mode !== '600 0') throw new Error(`on ${node} its mode and owner are ${mode}`)
        const found = await credentialsOn(node)
        if (found.join() !== KUBECONFIG) throw new Error(`${node} has ${found.join(', ')}`)
      }
    })
    await kubectl(`patch ${DAEMON_SET} --type=merge -p ${NOWHERE}`)
    await noAgents()
    await launch({ name: 'alone', replicas: 8, annotations: ippool(['direct']) })
    show(await kubectl('get pods -o wide -l app=alone'))
    await remove('alone')
    await allocated('direct', 0, 60)
    await kubectl('delete sp direct')
    await kubectl(`patch ${DAEMON_SET} --type=merge -p ${EVERYWHERE}`)
    await helm(`upgrade ${RELEASE} ${CHART} ${VALUES}`)
    await rolledOut()
  },
}
