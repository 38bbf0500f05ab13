// The release of the chart: tested, upgraded while pods start, uninstalled and installed again.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.js'
import { rolledOut } from '../agents.js'
import { CHART, conflist, helm, installChart, RELEASE, useNetwork, VALUES } from '../install.js'
import { apply, kubectl, must, NODES, onNode, run, within, type Pod } from '../kubectl.js'
import { app, ippool, pool4 } from '../objects.js'
import { say, show } from '../say.js'
import { addressesOf, allocated, events, launch, ready, remove } from '../wait.js'

const PODS = 60
/** Between two growths of the Deployment: pods start during the whole upgrade. */
const STEP_MS = 500

/** On a pool with multusName: the agent knows the default network by the chart's value. */
const AGAIN = { name: 'again', replicas: NODES.length, isSpread: true, isUnannotated: true }

/** What a release has beside what its uninstallation keeps. */
const OBJECTS = 'deployments,daemonsets,jobs,secrets,leases,serviceaccounts,configmaps'

async function upgrade(): Promise<void> {
  await apply(pool4('charted', `172.18.54.1-172.18.54.${PODS}`))
  const upgrading = helm(`upgrade ${RELEASE} ${CHART} ${VALUES} --set spiderpoolAgent.debug.logLevel=debug`)
  await apply(app({ name: 'charted', annotations: ippool(['charted']), replicas: 4 }))
  for (let replicas = 8; replicas <= PODS; replicas += 4) {
    await kubectl(`scale deployment/charted --replicas=${replicas}`)
    await sleep(STEP_MS)
  }
  await upgrading
  show(await rolledOut())
  const pods = await ready('charted', PODS, 180)
  if (new Set(addressesOf(pods)).size !== PODS) throw new Error('two pods have one address')
  await allocated('charted', PODS, 30) // the pool has no more: none is lost
  const failed = (await events('charted')).filter(one => /sandbox/i.test(one))
  show(JSON.stringify({ podsDuringUpgrade: PODS, failedSandboxes: failed.length }))
  for (const message of failed) show(message)
}

/** Pods run on, with their pools and addresses; what would block a later deletion is gone. */
async function uninstall(pods: readonly Pod[]): Promise<void> {
  show(await helm(`uninstall ${RELEASE} --wait`))
  await within(60, 'no object of the release is left', async () => {
    const left = await kubectl(`-n kube-system get ${OBJECTS} -l app.kubernetes.io/instance=${RELEASE} -o name`)
    const hooks = await kubectl('get mutatingwebhookconfigurations,validatingwebhookconfigurations -o name')
    if (left + hooks !== '') throw new Error((left + hooks).split('\n').join(' '))
  })
  const finalizers = await kubectl('get sp,spiderendpoints -A -o jsonpath={.items[*].metadata.finalizers}')
  if (finalizers.includes('spiderpool')) throw new Error(`finalizers are left: ${finalizers}`)
  const [first, second] = [pods[0], pods.at(-1)]
  const ping = ['kubectl', 'exec', first?.metadata.name ?? '', '--', 'ping', '-c1', '-w5', second?.status.podIP ?? '']
  const { status, stdout, stderr } = await run(ping)
  if (status !== 0) throw new Error(`a pod without Spiderpool does not reach another: ${stdout}${stderr}`)
}

export const chart: Case = {
  name: 'chart',
  says: `helm test; helm upgrade while ${PODS} pods start; helm uninstall, pods run on; helm install finds all again`,
  async run() {
    show((await helm(`test ${RELEASE}`)).split('\n').slice(0, 12).join('\n'))
    await upgrade()
    const pods = await ready('charted', PODS)
    say('helm uninstall: nothing of the release is left, pods keep their network')
    await uninstall(pods)
    say('helm install: pools and addresses are as before, and pods start')
    await installChart()
    await allocated('charted', PODS, 60)
    await apply(pool4('again', `172.18.55.1-172.18.55.${NODES.length}`))
    await launch({ ...AGAIN, annotations: ippool(['again']) })
    await remove('again', 'again')
    await remove('charted', 'charted')
  },
}

const CONF = '/etc/cni/net.d/00-multus.conf'
const KUBECONFIG = '/etc/cni/net.d/multus.d/multus.kubeconfig'
const INSTALLED = [CONF, KUBECONFIG, '/opt/cni/bin/multus']
const RESTORED_S = 15

/** Which of Multus' files a node has. */
const filesOn = async (node: string): Promise<string> =>
  (await must(onNode(node, 'sh', '-c', `ls ${INSTALLED.join(' ')} 2>/dev/null; true`))).trim().split('\n').join(' ')

const haveFiles = (seconds: number, files: string): Promise<void> =>
  within(seconds, `each node has of Multus: ${files || 'nothing'}`, async () => {
    for (const node of NODES) {
      const found = await filesOn(node)
      if (found !== files) throw new Error(`${node} has ${found || 'nothing'}`)
    }
  })

export const multus: Case = {
  name: 'multus',
  says: 'the chart installs Multus: its files are restored, pods start through it, helm uninstall removes them',
  async run() {
    const conf = await conflist()
    await helm(`uninstall ${RELEASE} --wait`)
    for (const node of NODES) await must(onNode(node, 'sh', '-c', 'rm -f /etc/cni/net.d/*.conf*'))
    const network = VALUES.replace('install=false', 'uninstall=true')
    await installChart(network)
    const all = [...INSTALLED].sort().join(' ')
    await haveFiles(RESTORED_S, all)
    for (const node of NODES) await must(onNode(node, 'rm', CONF, KUBECONFIG))
    await haveFiles(RESTORED_S, all)
    show(await must(onNode(NODES[0] ?? '', 'cat', CONF)))
    await apply(pool4('through', `172.18.56.1-172.18.56.${NODES.length}`))
    await launch({ ...AGAIN, name: 'through', annotations: ippool(['through']) })
    await remove('through', 'through')
    await helm(`uninstall ${RELEASE} --wait`)
    await haveFiles(RESTORED_S, '')
    for (const node of NODES) await useNetwork(node, conf)
    await installChart()
  },
}
