// A real API server with our CRDs, a controller, and a network as the controller generates it; the
// nodes are names, their pods network namespaces beside one master.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Conflist } from '../../demo/libcni.js'
import { BIN, masterOf, SPIDER } from '../stage.js'
import { together, until } from '../controller.js'
import { startAgent, type Agent } from './agent.js'
import { apiOf, type KubeApi } from './api.js'

const CRDS = fileURLToPath(new URL('../../schemas/crds', import.meta.url))
/** Ports of the controller are found free; the network's name is that of `make e2e`. */
const NETWORK = { namespace: 'kube-system', name: 'macvlan-conf' }
/** Folders of a node that executables write to: in memory, and only in the cluster's mounts. */
const NODE_FOLDERS = ['/run/spidernet', '/var/log/spidernet']

export interface KubePod {
  readonly name: string
  readonly uid: string
  readonly node: string
}

export interface KubeStage {
  readonly kubeconfig: string
  /** Of the cluster: certificates, the pids of the control plane. */
  readonly folder: string
  readonly api: KubeApi
  readonly conflist: Conflist
  /** Created, and marked by the controller. */
  pool(name: string, spec: object): Promise<void>
  /** Creates pods bound to nodes, many at once. */
  pods(count: number, of: (at: number) => { readonly node: string; readonly pool: string }): Promise<readonly KubePod[]>
  endPod(pod: KubePod): Promise<void>
  netns(name: string): string
  /** The agent of a node, started if it is not running; undefined where none is wanted. */
  agent(node: string): Promise<Agent | undefined>
  /** The pid of a process of the control plane. */
  pidOf(daemon: 'kube-apiserver' | 'etcd' | 'kube-controller-manager'): number
  /** Ends the controller, so that requests are of executables and agents alone. */
  endController(): Promise<void>
  close(): Promise<void>
}

export function sh(command: string): void {
  const ran = Bun.spawnSync(['sh', '-c', command], { stdout: 'ignore', stderr: 'pipe' })
  if (ran.exitCode !== 0) throw new Error(`${command}: ${ran.stderr.toString()}`)
}

async function applyCrds({ ask }: KubeApi): Promise<void> {
  const of = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  for (const file of readdirSync(CRDS).filter(name => name.endsWith('.yaml'))) {
    const crd = Bun.YAML.parse(readFileSync(`${CRDS}/${file}`, 'utf8')) as {
      readonly metadata: { readonly name: string }
      readonly spec: {
        readonly group: string
        readonly names: { readonly plural: string }
        readonly versions: readonly { readonly name: string }[]
      }
    }
    await ask('POST', of, crd)
    const { group, names, versions } = crd.spec
    await until(() =>
      ask('GET', `/apis/${group}/${versions[0]?.name}/${names.plural}`).then(
        () => true,
        () => false,
      ),
    )
  }
}

function startController(kubeconfig: string) {
  return Bun.spawn([`${BIN}/spiderpool-controller`], {
    env: {
      KUBECONFIG: kubeconfig,
      SPIDERPOOL_POD_NAME: 'bench',
      SPIDERPOOL_POD_NAMESPACE: 'kube-system',
      SPIDERPOOL_LOG_LEVEL: 'warn',
      SPIDERPOOL_BIND_ADDRESS: '127.0.0.1',
      SPIDERPOOL_HEALTH_PORT: '0',
      SPIDERPOOL_METRIC_HTTP_PORT: '0',
      SPIDERPOOL_WEBHOOK_PORT: '0',
    },
    stdout: 'ignore',
    stderr: 'inherit',
  })
}

/** SpiderCoordinator and SpiderMultusConfig of an administrator; the conflist that follows. */
async function network({ ask }: KubeApi): Promise<Conflist> {
  const { namespace, name } = NETWORK
  await ask('POST', '/api/v1/namespaces/kube-system/configmaps', {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kubeadm-config', namespace: 'kube-system' } },
    data: { ClusterConfiguration: 'networking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: 10.96.0.0/16\n' },
  })
  await ask('POST', `${SPIDER}/spidercoordinators`, {
    ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderCoordinator', metadata: { name: 'default' } },
    spec: { mode: 'auto', podCIDRType: 'cluster', tunePodRoutes: true, hijackCIDR: ['169.254.0.0/16'] },
  })
  await ask('POST', `${SPIDER}/namespaces/${namespace}/spidermultusconfigs`, {
    ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderMultusConfig', metadata: { name, namespace } },
    spec: { cniType: 'macvlan', macvlan: { master: [masterOf()] } },
  })
  await until(async () => {
    const of = await ask<{ status?: { phase?: string } }>('GET', `${SPIDER}/spidercoordinators/default`)
    return of.status?.phase === 'Synced'
  })
  const path = `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/network-attachment-definitions/${name}`
  let config = ''
  await until(async () => {
    config = await ask<{ spec: { config: string } }>('GET', path).then(
      ({ spec }) => spec.config,
      () => '',
    )
    return config !== ''
  })
  return JSON.parse(config) as Conflist
}

/** The node's side: a master with an address, and folders that go with the cluster. */
function openNode(): void {
  for (const folder of NODE_FOLDERS) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    sh(`mount -t tmpfs -o mode=0700 bench ${folder}`)
  }
  const master = masterOf()
  sh(`ip link add ${master} type veth peer name ${master}p && ip link set ${master} up && ip link set ${master}p up`)
  sh(`ip addr add 10.99.0.1/16 dev ${master}`)
}

const podObject = (name: string, node: string, pool: string): object => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name, annotations: { 'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: [pool] }) } },
  spec: { nodeName: node, containers: [{ name: 'c', image: 'i' }] },
})

const PODS = '/api/v1/namespaces/default/pods'

/**
 * Puts our processes and the control plane before other work of the machine, where the scheduler
 * shares the cores by session (sched(7), autogroups).
 */
function takePrecedence(folder: string): void {
  const pids = ['kube-apiserver', 'etcd'].map(name => readFileSync(`${folder}/${name}.pid`, 'utf8').trim())
  for (const pid of ['self', ...pids])
    if (existsSync(`/proc/${pid}/autogroup`)) writeFileSync(`/proc/${pid}/autogroup`, '-15')
}

/** @throws outside `scripts/k8s/cluster.sh`, whose namespaces this changes */
export async function openKubeStage({ agents: hasAgents = true } = {}): Promise<KubeStage> {
  const [folder = '', kubeconfig = ''] = [process.env['K8S_FOLDER'], process.env['KUBECONFIG']]
  if (folder === '' || kubeconfig === '') throw new Error('there is no cluster here; run: make bench-kube')
  const api = apiOf(kubeconfig)
  openNode()
  takePrecedence(folder)
  await applyCrds(api)
  const controller = startController(kubeconfig)
  const agents = new Map<string, Agent>()
  let made = 0
  const endController = async (): Promise<void> => {
    controller.kill()
    await controller.exited
  }
  return {
    ...{ kubeconfig, folder, api, endController, conflist: await network(api) },
    async pool(name, spec) {
      const kind = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool' }
      await api.ask('POST', `${SPIDER}/spiderippools`, { ...kind, metadata: { name }, spec })
      await until(async () => {
        const { status } = await api.ask<{ status?: object }>('GET', `${SPIDER}/spiderippools/${name}`)
        return status !== undefined && 'allocatedIPsProjected' in status
      })
    },
    // The name ends as a Deployment's pod does: a number may be a StatefulSet's.
    pods: (count, of) =>
      together(count, async at => {
        const { node, pool } = of(at)
        const name = `pod-${made++}-x`
        const { metadata } = await api.ask<{ metadata: { uid: string } }>('POST', PODS, podObject(name, node, pool))
        return { name, node, uid: metadata.uid }
      }),
    endPod: async ({ name }) => void (await api.ask('DELETE', `${PODS}/${name}?gracePeriodSeconds=0`)),
    netns(name) {
      sh(`ip netns add ${name} && ip -n ${name} link set lo up`)
      return `/run/netns/${name}`
    },
    async agent(node) {
      if (!hasAgents) return undefined
      const agent = agents.get(node) ?? (await startAgent(kubeconfig, node))
      agents.set(node, agent)
      return agent
    },
    pidOf: daemon => Number(readFileSync(`${folder}/${daemon}.pid`, 'utf8')),
    async close() {
      await Promise.all([...agents.values()].map(agent => agent.end()))
      if (controller.exitCode === null) await endController()
    },
  }
}
