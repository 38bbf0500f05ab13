// Installs as an administrator does: the Helm chart, then the default network.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { apply, kubectl, list, must, NODES, onNode, within } from './kubectl.js'
import { kubeadmConfig, network, NETWORK } from './objects.js'
import { say, show, showKubectl } from './say.js'

const ROOT = join(import.meta.dirname, '..')
const [NAMESPACE = '', NAME = ''] = NETWORK.split('/')

export const RELEASE = 'spiderpool'
export const INIT = '-n kube-system job/spiderpool-init'

/** Helm, for the release of the chart. Only values differ from the quick start's command. */
export const helm = (args: string): Promise<string> =>
  must([process.env['HELM'] ?? 'helm', ...args.split(' '), '--namespace', 'kube-system'])

/** No Multus' image exists here: a conflist or a stand-in takes its place. One leads of two. */
export const VALUES = [
  `multus.multusCNI.defaultCniCRName=${NAME}`,
  'multus.multusCNI.install=false',
  'spiderpoolController.replicas=2',
]
  .map(value => `--set ${value}`)
  // Of an ADD that was cut off before its record; four minutes by default.
  .concat(['--set spiderpoolController.extraEnv[0].name=SPIDERPOOL_GC_UNRECORDED_GRACE'])
  .concat(['--set-string spiderpoolController.extraEnv[0].value=30'])
  .join(' ')

export const CHART = join(ROOT, 'charts/spiderpool')

async function phaseIs(phase: string): Promise<void> {
  const found = await kubectl('get spidercoordinator default -o jsonpath={.status.phase}')
  if (found !== phase) throw new Error(`SpiderCoordinator default is ${found || 'without a phase'}`)
}

const API_SERVICE = 'https://10.96.0.1/healthz'

/**
 * The nodes are seconds old: a connection to the API server's Service from before kube-proxy's
 * first rules stays without an answer, and no user's cluster is that young.
 */
async function servicesWork(): Promise<void> {
  for (const node of NODES)
    await within(30, `${node} reaches the API server's Service`, () =>
      must(onNode(node, 'curl', '-sk', '-m', '1', '-o', '/dev/null', API_SERVICE)),
    )
}

/** `helm install` returns once init has completed; then all pods get ready. */
export async function installChart(values = VALUES): Promise<void> {
  show(`$ helm install ${RELEASE} charts/spiderpool ${values} -n kube-system`)
  const before = performance.now()
  const seconds = (): string => `${Math.round((performance.now() - before) / 100) / 10} s`
  await helm(`install ${RELEASE} ${CHART} ${values}`)
  show(`init has completed (${seconds()})`)
  await showKubectl(`get ${INIT}`)
  await showKubectl('-n kube-system rollout status deployment/spiderpool-controller --timeout=120s')
  await showKubectl('-n kube-system rollout status daemonset/spiderpool-agent --timeout=120s')
  show(`everything is ready (${seconds()})`)
  show(await readyTable(Number(seconds().split(' ')[0])))
}

interface PodTimes {
  readonly metadata: { readonly name: string; readonly creationTimestamp: string }
  readonly spec: { readonly nodeName: string }
  readonly status: { readonly conditions: readonly { readonly type: string; readonly lastTransitionTime: string }[] }
}

/** Seconds from the creation of each pod of the release until it was ready, as table and JSON. */
async function readyTable(installS: number): Promise<string> {
  const label = `app.kubernetes.io/instance=${RELEASE}`
  const text = await kubectl(`-n kube-system get pods -l ${label} --field-selector=status.phase=Running -o json`)
  const pods = (JSON.parse(text) as { readonly items: readonly PodTimes[] }).items.map(({ metadata, spec, status }) => {
    const ready = status.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? ''
    const readyS = (Date.parse(ready) - Date.parse(metadata.creationTimestamp)) / 1000
    return { pod: metadata.name, node: spec.nodeName, readyS }
  })
  const rows = pods.map(({ pod, node, readyS }) => `${pod.padEnd(44)} ${node.padEnd(8)} ${readyS} s`)
  return [...rows, JSON.stringify({ nodes: NODES.length, installToReadyS: installS, pods })].join('\n')
}

const PLUGINS = ['spiderpool-ipam', 'spiderpool', 'coordinator', 'macvlan-wrapper', 'ifacer']

/**
 * Sizes of the node's executables.
 * @throws where a plugin's name is not the client, or the full image is not beside it
 */
async function installed(node: string): Promise<string> {
  const look = `cd /opt/cni/bin && stat -c '%n %s' .spiderpool-plugins ${PLUGINS.join(' ')}`
  const files = (await must(onNode(node, 'sh', '-c', look))).trim().split('\n')
  const client = String(statSync(join(ROOT, 'dist/spiderpool-client')).size)
  const others = files.slice(1).filter(line => line.split(' ')[1] !== client)
  if (others.length > 0) throw new Error(`${node}: not the client of ${client} bytes: ${others.join(', ')}`)
  return files.join(', ')
}

async function install(): Promise<void> {
  say('Spiderpool is installed by its Helm chart: the controller, the node agent, which installs the executables, init')
  await kubectl('-n kube-system delete configmap kubeadm-config --ignore-not-found')
  await servicesWork()
  await installChart()
  await showKubectl('-n kube-system get pods -o wide')
  for (const node of NODES) show(`${node}: ${await installed(node)}`)
}

async function synced(): Promise<void> {
  say('SpiderCoordinator default: NotReady while no source names the CIDRs, Synced as soon as kubeadm-config exists')
  await within(10, 'SpiderCoordinator default is NotReady', () => phaseIs('NotReady'))
  await showKubectl('get spidercoordinators')
  await apply(kubeadmConfig())
  await within(10, 'SpiderCoordinator default is Synced', () => phaseIs('Synced'))
  show(await kubectl('get spidercoordinator default -o jsonpath={.status}'))
}

const [CONFLIST, MULTUS] = ['/etc/cni/net.d/00-default.conflist', '/etc/cni/net.d/00-multus.conf']

/** The conflist of every pod that starts on the node from now on. */
export const useNetwork = (node: string, conf: string): Promise<string> =>
  must(onNode(node, 'sh', '-c', `cat > ${CONFLIST}.part && mv ${CONFLIST}.part ${CONFLIST} && rm -f ${MULTUS}`), conf)

/** The same with a real Multus: its default network is the one of the conflist above. */
export async function useMultus(node: string, binary: string): Promise<void> {
  const kubeconfig = join(process.env['K8S_FOLDER'] ?? '', 'admin.kubeconfig')
  const name = 'multus-cni-network'
  // Multus takes clusterNetwork as a bare name, which it looks up in multusNamespace.
  const network = { clusterNetwork: NAME, multusNamespace: NAMESPACE }
  const conf = { cniVersion: '0.3.1', name, type: 'multus', kubeconfig, ...network }
  const install = `cp ${binary} /opt/cni/bin/.multus && mv /opt/cni/bin/.multus /opt/cni/bin/multus`
  const write = `cat > ${MULTUS}.part && mv ${MULTUS}.part ${MULTUS} && rm -f ${CONFLIST}`
  await must(onNode(node, 'sh', '-c', `${install} && ${write}`), JSON.stringify(conf))
}

export const conflist = (): Promise<string> =>
  kubectl(`-n ${NAMESPACE} get network-attachment-definitions.k8s.cni.cncf.io ${NAME} -o jsonpath={.spec.config}`)

/**
 * The cluster's default network without Multus: the conflist of the NAD in the runtime's conf
 * folder.
 */
async function defaultNetwork(): Promise<void> {
  say('a SpiderMultusConfig in the place of that of init; the NetworkAttachmentDefinition has its conf, and each node')
  await apply(network(NAME, 'eth0'))
  const conf = await within(10, `NetworkAttachmentDefinition ${NETWORK} has the conf of macvlan`, async () => {
    const found = await conflist()
    if (!found.includes('"macvlan-wrapper"') || !found.includes('"coordinator"'))
      throw new Error(`it is ${found || 'empty'}`)
    return found
  })
  await showKubectl(`-n ${NAMESPACE} get network-attachment-definitions.k8s.cni.cncf.io`)
  show(conf)
  const multus = process.env['MULTUS_BIN'] ?? ''
  for (const node of NODES) await (multus === '' ? useNetwork(node, conf) : useMultus(node, multus))
  await within(60, 'every node is Ready', async () => {
    for (const { metadata, status } of await list('nodes')) {
      const conditions = (status?.['conditions'] ?? []) as readonly { type: string; status: string }[]
      if (!conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'))
        throw new Error(`${metadata.name} is not Ready`)
    }
  })
  await showKubectl('get nodes -o wide')
}

export async function everything(): Promise<void> {
  await install()
  await synced()
  await defaultNetwork()
}
