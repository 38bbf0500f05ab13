// Failures: kubelet, containerd, a node, the API server, the controller, replaced executables.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.js'
import { apply, kill, kubectl, list, must, NODES, onNode, run, start, within, type Pod } from '../kubectl.js'
import { app, ippool, pool4 } from '../objects.js'
import { show } from '../say.js'
import { allocated, events, gone, launch, ready, remove } from '../wait.js'

const [FIRST = '', SECOND = ''] = NODES
/** E2E_AWAY_S shortens it, in CI for example. */
const AWAY_MS = Number(process.env['E2E_AWAY_S'] ?? 60) * 1000

/** Pods start; a daemon of the first node is killed in their midst and comes back. */
function restarted(daemon: string, third: number): Case['run'] {
  return async () => {
    const name = `under-${daemon}`
    await apply(pool4(name, `172.18.${third}.1-172.18.${third}.10`))
    await apply(app({ name, replicas: 8, annotations: ippool([name]) }))
    await sleep(1500)
    await kill(`${FIRST}/${daemon}`)
    show(`${daemon} of ${FIRST} is killed while pods start`)
    await sleep(3000)
    await start(`${FIRST}/${daemon}`)
    await ready(name, 8, 150)
    await kubectl(`scale deployment/${name} --replicas=0`)
    await sleep(500)
    await kill(`${FIRST}/${daemon}`)
    show(`${daemon} of ${FIRST} is killed while pods end`)
    await start(`${FIRST}/${daemon}`)
    await gone(name, 120)
    await allocated(name, 0, 90)
    await remove(name, name)
  }
}

export const kubelet: Case = {
  name: 'kubelet',
  says: 'kubelet killed and started again',
  run: restarted('kubelet', 40),
}

export const containerd: Case = {
  name: 'containerd',
  says: 'containerd killed and started again',
  run: restarted('containerd', 41),
}

export const apiserver: Case = {
  name: 'apiserver',
  says: `the API server is down for ${AWAY_MS / 1000} s while pods start`,
  async run() {
    await apply(pool4('away', '172.18.42.1-172.18.42.10'))
    await apply(app({ name: 'away', replicas: 10, annotations: ippool(['away']) }))
    await sleep(1500)
    await kill('kube-apiserver')
    await sleep(AWAY_MS)
    await start('kube-apiserver')
    await ready('away', 10, 180)
    await remove('away', 'away')
  },
}

const LEADER = '-n kube-system get lease spiderpool-controller-leases -o jsonpath={.spec.holderIdentity}'

export const controller: Case = {
  name: 'controller',
  says: 'the leading controller is killed; the other one leads and pool counts stay current',
  async run() {
    await apply(pool4('led', '172.18.43.1-172.18.43.10'))
    const leader = await kubectl(LEADER)
    await kubectl(`-n kube-system delete pod ${leader} --force --grace-period=0`)
    await launch({ name: 'led', replicas: 3, annotations: ippool(['led']) })
    await allocated('led', 3, 40)
    const next = await kubectl(LEADER)
    if (next === leader) throw new Error(`${leader} is gone and still named as the leader`)
    show(`${leader} was the leader, ${next} is`)
    await kubectl('-n kube-system rollout status deployment/spiderpool-controller --timeout=120s')
    await remove('led', 'led')
  },
}

const BIN = '/opt/cni/bin'
/** Another version: the same program with one more byte, installed as an installer does. */
const DOWNGRADE = `set -e; cd ${BIN}
cp .spiderpool-plugins .older-image; echo >>.older-image; mv .older-image .spiderpool-plugins
cp coordinator .older; echo >>.older
for name in spiderpool-ipam spiderpool coordinator macvlan-wrapper ifacer; do ln .older .older.$name; mv .older.$name $name; done; rm .older`

/** The files whose sums LOOK is to print, before the only hidden name. */
const BUILT = ['spiderpool-client', 'spiderpool-client', 'image'].map(name =>
  join(import.meta.dirname, '../../dist', name),
)
const sums = async (command: readonly string[]): Promise<string> =>
  (await must(command)).replaceAll(/ .*$/gm, '').trim().replaceAll('\n', ' ')
const LOOK = `cd ${BIN} && sha256sum coordinator ifacer .spiderpool-plugins && ls -d .[!.]*`

/** What a runtime says of an executable that is not whole. */
const HALF_THERE = /text file busy|no such file|permission denied|exec format|failed to find plugin|not found in path/i

export const replaced: Case = {
  name: 'replaced',
  says: 'our executables are replaced, several times, while 20 pods start and end',
  async run() {
    await apply(pool4('swap', '172.18.44.1-172.18.44.20'))
    await apply(app({ name: 'swap', replicas: 20, annotations: ippool(['swap']) }))
    for (let round = 0; round < 3; round++) {
      for (const node of NODES) await must(onNode(node, 'sh', '-c', DOWNGRADE))
      await kubectl(
        '-n kube-system delete pod -l app.kubernetes.io/component=spiderpool-agent --force --grace-period=0',
      )
      await kubectl('-n kube-system rollout status daemonset/spiderpool-agent --timeout=120s')
    }
    await ready('swap', 20, 200)
    const failed = (await events('swap')).filter(message => HALF_THERE.test(message))
    if (failed.length > 0) throw new Error(failed.join('\n'))
    const built = await sums(['sha256sum', ...BUILT])
    await within(20, 'each node has the new version, and nothing beside it', async () => {
      for (const node of NODES) {
        const found = await sums(onNode(node, 'sh', '-c', LOOK))
        if (found !== `${built} .spiderpool-plugins`) throw new Error(`${node} has ${found}, and ${built} is built`)
      }
    })
    await remove('swap', 'swap')
  },
}

export const drained: Case = {
  name: 'drained',
  says: 'kubectl drain: the pods move to the other node',
  async run() {
    await apply(pool4('drain', '172.18.45.1-172.18.45.6'))
    await launch({ name: 'drain', replicas: 6, annotations: ippool(['drain']) })
    await kubectl(`drain ${SECOND} --ignore-daemonsets --force --timeout=120s --pod-selector=app=drain`)
    const pods = await ready('drain', 6, 120)
    const stayed = pods.filter(pod => pod.spec.nodeName === SECOND)
    if (stayed.length > 0) throw new Error(`${stayed.length} pods are on ${SECOND}`)
    await kubectl(`uncordon ${SECOND}`)
    await remove('drain', 'drain')
  },
}

const notReady = async (node: string, is: string): Promise<void> => {
  const status = await kubectl(`get node ${node} -o jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
  if (status !== is) throw new Error(`${node} is Ready: ${status}`)
}

export const dead: Case = {
  name: 'dead',
  says: 'a node crashes: addresses of its stateless pods are reclaimed and reused; its return disturbs no pod',
  async run() {
    await apply(pool4('dead', '172.18.46.1-172.18.46.4'))
    const name = 'mortal'
    const before = await launch({ name, replicas: 4, annotations: ippool(['dead']) })
    const lost = before.filter(pod => pod.spec.nodeName === SECOND)
    for (const daemon of ['kubelet', 'kube-proxy', 'containerd']) await kill(`${SECOND}/${daemon}`)
    await must(['ip', 'link', 'set', `${SECOND}-eth0`, 'down'])
    await within(60, `${SECOND} is not ready`, () => notReady(SECOND, 'Unknown'))
    await kubectl(`taint node ${SECOND} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute --overwrite`)
    for (const pod of lost) await run(['kubectl', 'delete', 'pod', pod.metadata.name, '--wait=false'])
    await within(120, `the pods are ready on ${FIRST}`, async () => {
      const here = (await list<Pod>(`pods -l app=${name}`)).filter(
        pod => pod.spec.nodeName === FIRST && pod.status.podIP !== undefined && pod.status.phase === 'Running',
      )
      if (here.length < 4) throw new Error(`${here.length} are`)
    })
    show(await kubectl('get pods -o wide'))
    await must(['ip', 'link', 'set', `${SECOND}-eth0`, 'up'])
    for (const daemon of ['containerd', 'kubelet', 'kube-proxy']) await start(`${SECOND}/${daemon}`)
    await kubectl(`taint node ${SECOND} node.kubernetes.io/out-of-service-`)
    await within(60, `${SECOND} is ready`, () => notReady(SECOND, 'True'))
    await ready(name, 4, 120)
    await remove(name, 'dead')
  },
}
