// SpiderCoordinator and pod annotations, read from a real API server.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { openCluster, SPIDER } from '../../fixtures/cluster.js'
import { nicOf, openCoordination, resultFor, stateOf, type Nic } from '../../fixtures/coordination.js'
import { cniEnv, runExecutable, type Reply } from '../../fixtures/executable.js'
import type { Place } from '../../fixtures/netns.js'
import { openPassage } from '../../fixtures/port-forward.js'

const world = openCoordination()
const server = await startApiserver({ killed: true })
const port = Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(server.kubeconfig, 'utf8'))?.[1])
const closePassage = await openPassage({ place: world.node.name, port })
t.teardown(async () => {
  closePassage()
  world.close()
  await server.stop()
})
const { node, coordinate, attach, detach } = world
const cluster = openCluster(server.kubeconfig)
const { api } = cluster
const [eth0, net1] = [nicOf('eth0', 6), nicOf('net1', 7)] as const
const ANNOTATION = 'ipam.spidernet.io/default-route-nic'

/** Nothing but the way to the API server: all else is the cluster's word. */
const SILENT = { mode: '', overlayPodCIDR: [], serviceCIDR: [], hijackCIDR: [], kubeconfig: server.kubeconfig }
const argsOf = (pod: string) => ({
  CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod};K8S_POD_INFRA_CONTAINER_ID=c`,
})
const call = (verb: string, pod: Place, nic: Nic, { name = '', conf = {} } = {}): Promise<Reply> =>
  coordinate(verb, pod, nic, { conf: { ...SILENT, ...conf }, ...(name !== '' && { env: argsOf(name) }) })

const PATH = `${SPIDER}/spidercoordinators/default`
const word = async (spec: object, status: object, metadata: object = {}): Promise<void> => {
  const known = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderCoordinator' }
  const made = await api.create('spidercoordinators', {
    ...known,
    metadata: { name: 'default', ...metadata },
    spec: { podCIDRType: 'cluster', ...spec },
  })
  await api.replace(`${PATH}/status`, { ...made, status })
}
const SYNCED = { phase: 'Synced', overlayPodCIDR: ['10.244.0.0/16', 'fd44::/56'], serviceCIDR: ['10.96.0.0/12'] }

/** A pod that is tried, and is as it was afterwards. */
async function refused(t: Test, want: object): Promise<void> {
  const pod = world.pod()
  attach(pod, eth0)
  const before = [stateOf(pod), stateOf(node), pod.links(), node.links()]
  t.match((await call('ADD', pod, eth0)).json, want)
  t.strictSame([stateOf(pod), stateOf(node), pod.links(), node.links()], before, 'nothing left')
  t.equal((await call('DEL', pod, eth0)).status, 0, 'and DEL needs no API server')
}

t.test('ADD fails without a SpiderCoordinator', t =>
  refused(t, { code: 7, msg: 'failed to GetCoordinatorConfig: coordinator config not found' }),
)

t.test('ADD and STATUS fail with the reason of a SpiderCoordinator that is not Synced', async t => {
  await word({ mode: 'auto' }, { phase: 'NotReady', reason: 'no ConfigMap kubeadm-config in kube-system' })
  const msg =
    'failed to GetCoordinatorConfig: spidercoordinator: default no ready: no ConfigMap kubeadm-config in kube-system'
  await refused(t, { code: 11, msg })
  const conf = { cniVersion: '1.1.0', name: 'net', type: 'coordinator', kubeconfig: server.kubeconfig }
  const { json } = await runExecutable({
    name: 'coordinator',
    env: cniEnv({ verb: 'STATUS', containerID: '', netns: '' }),
    stdin: JSON.stringify(conf),
  })
  t.match(json, { code: 50, msg })
  await api.remove(PATH)
})

t.test('ADD fails with a SpiderCoordinator that is being deleted', async t => {
  await word({ mode: 'auto' }, SYNCED, { finalizers: ['example.com/hold'] })
  await api.remove(PATH)
  const msg = 'failed to GetCoordinatorConfig: spidercoordinator: default no ready: it is being deleted'
  await refused(t, { code: 11, msg })
  const held = await api.read(PATH)
  await api.replace(PATH, { ...held, metadata: { ...held.metadata, finalizers: [] } })
})

t.test('ADD applies CIDRs and keys of a Synced SpiderCoordinator; keys of the conf override them', async t => {
  await word({ mode: 'auto', hijackCIDR: ['169.254.0.0/16'], hostRuleTable: 502, vethMTU: 1400 }, SYNCED)
  const pod = world.pod()
  attach(pod, eth0)
  const { status, stdout } = await call('ADD', pod, eth0, { conf: { hijackCIDR: ['172.16.0.0/12'] } })
  t.equal(status, 0, status === 0 ? '' : stdout)
  const hijacked = stateOf(pod).routes.filter(line => line.startsWith('main:') && line.includes('via 10.6.0.10'))
  t.strictSame(
    hijacked.map(line => line.split(' ')[1]),
    ['10.244.0.0/16', '10.96.0.0/12', '172.16.0.0/12'],
  )
  t.match(node.sh('ip route show table 502'), '10.6.0.20 dev')
  t.match(pod.sh('ip link show veth0'), 'mtu 1400')
  t.equal((await call('CHECK', pod, eth0, { conf: { hijackCIDR: ['172.16.0.0/12'] } })).status, 0)
  t.equal((await call('DEL', pod, eth0)).status, 0)
  t.notMatch(node.sh('ip rule'), '502', 'DEL finds the table by itself')
})

interface Wish {
  readonly name: string
  readonly annotation?: string
  readonly conf?: object
  /** A pod that the API server does not have. */
  readonly isUnknown?: boolean
  readonly defaultNic: string
}

const RUNTIME = { runtimeConfig: { 'io.kubernetes.cri.pod-annotations': { [ANNOTATION]: 'net1' } } }
const WISHES: readonly Wish[] = [
  { name: 'no annotation: the default route stays', defaultNic: 'eth0' },
  { name: 'the annotation moves it', annotation: 'net1', defaultNic: 'net1' },
  {
    name: 'the conf goes before the annotation',
    annotation: 'net1',
    conf: { podDefaultRouteNic: 'eth0' },
    defaultNic: 'eth0',
  },
  { name: 'annotations that the runtime sends along are enough', conf: RUNTIME, isUnknown: true, defaultNic: 'net1' },
  {
    name: 'so they are where the pod wishes nothing',
    conf: { runtimeConfig: { 'io.kubernetes.cri.pod-annotations': {} } },
    isUnknown: true,
    defaultNic: 'eth0',
  },
]
for (const { name, annotation, conf = {}, isUnknown = false, defaultNic } of WISHES)
  t.test(name, async t => {
    const podName = `p${process.pid}-${WISHES.findIndex(one => one.name === name)}`
    if (!isUnknown) await cluster.pod(podName, annotation === undefined ? {} : { [ANNOTATION]: annotation })
    const pod = world.pod()
    for (const nic of [eth0, net1]) {
      attach(pod, nic)
      const { status, stdout } = await call('ADD', pod, nic, { name: podName, conf })
      t.equal(status, 0, `ADD of ${nic.name} ${status === 0 ? '' : stdout}`)
    }
    for (const family of ['-4', '-6'])
      t.match(pod.sh(`ip ${family} route show default`), new RegExp(`^default via \\S+ dev ${defaultNic} [^\\n]*\\n$`))
    world.wire.sh('ip neigh flush all') // the pod before had these addresses
    for (const ip of ['10.7.0.20', 'fd07::20', '10.6.0.20', 'fd06::20']) {
      t.match(node.sh(`ping -c1 -W2 ${ip}`), '1 received', `node to ${ip}`)
      t.match(world.wire.sh(`ping -c1 -W2 ${ip}`), '1 received', `its gateway to ${ip}`)
    }
    for (const nic of [net1, eth0]) {
      t.equal((await call('DEL', pod, nic, { name: podName, conf })).status, 0)
      detach(pod, nic)
    }
  })

t.test('ADD names a pod that the API server does not have', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  t.equal((await call('ADD', pod, eth0, { name: 'missing' })).status, 0, 'its default interface needs no annotation')
  attach(pod, net1)
  const { json } = await call('ADD', pod, net1, { name: 'missing' })
  t.match(json, { code: 999, msg: /^failed to GetCoordinatorConfig: failed to get pod default\/missing: / })
  t.equal((await call('DEL', pod, eth0, { name: 'missing' })).status, 0)
  await api.remove(PATH)
})

t.test('ADD applies mode disabled of the SpiderCoordinator', async t => {
  await word({ mode: 'disabled' }, SYNCED)
  const pod = world.pod()
  attach(pod, eth0)
  const { status, json } = await call('ADD', pod, eth0)
  t.match({ status, json }, { status: 0, json: resultFor(eth0, pod.path) }, 'prevResult goes on')
  t.strictSame(pod.links(), ['eth0'])
  await api.remove(PATH)
})

t.test('ADD fails with code 11 while the API server is unreachable', async t => {
  await server.kill9()
  await refused(t, { code: 11, msg: /^failed to GetCoordinatorConfig: / })
})
