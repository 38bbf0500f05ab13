// A network that a SpiderMultusConfig makes: what Multus passes of `ips`, `mac` and `cni-args`.
import t from 'tap'
import { nadOf, OURS } from '../../daemons/controller/reconcilers/nad/decide.js'
import { startApiserver } from '../fixtures/apiserver.js'
import { containerId, openCluster } from '../fixtures/cluster.js'
import { openDelegate, type NetworkSelection } from '../fixtures/multus.js'
import { must, openNetwork } from '../fixtures/netns.js'

const network = openNetwork()
const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
const master = `mr${process.pid}`
must(`ip link add ${master} type veth peer name ${master}b && ip link set ${master} up && ip link set ${master}b up`)
t.teardown(async () => {
  must(`ip link del ${master}`)
  network.close()
  await server.stop()
})
const pool = `requests-${process.pid}`
await cluster.pool(pool, { subnet: '10.195.0.0/16', ips: ['10.195.0.10-10.195.255.250'] })

/** The definition of the controller, with this test's API server and no log. */
function configOf(capabilities: string | undefined): string {
  const annotations = {
    'multus.spidernet.io/cni-version': '1.0.0',
    ...(capabilities !== undefined && { 'multus.spidernet.io/capabilities': capabilities }),
  }
  const spec = {
    cniType: 'macvlan',
    macvlan: { master: [master], ippools: { ipv4: [pool] } },
    enableCoordinator: false,
  } as const
  const { config = '' } = nadOf({ metadata: { name: 'net', namespace: 'ns', annotations }, spec }, OURS).spec ?? {}
  const ipam = { kubeconfig: server.kubeconfig, log_file_path: '/dev/null' }
  return config.replace('"ipam":{', `"ipam":{${JSON.stringify(ipam).slice(1, -1)},`)
}

interface Attached {
  readonly ips?: readonly { readonly address: string }[]
  readonly interfaces?: readonly { readonly name: string; readonly mac?: string }[]
}

const MAC = '02:00:00:00:1f:01'
type Row = readonly [of: string, capabilities: string | undefined, asked: object, ip: string | undefined, mac?: string]
const ROWS: readonly Row[] = [
  ['ips, declared', 'ips', { ips: ['10.195.0.90/16'] }, '10.195.0.90/16'],
  ['ips and mac, declared', 'ips,mac', { ips: ['10.195.0.91/16'], mac: MAC }, '10.195.0.91/16', MAC],
  ['cni-args, without a capability', undefined, { 'cni-args': { ips: ['10.195.0.92'] } }, '10.195.0.92/16'],
  ['ips, not declared: Multus drops them', undefined, { ips: ['10.195.0.93/16'] }, undefined],
]
for (const [of, capabilities, asked, ip, mac] of ROWS)
  t.test(`ADD by Multus with ${of}`, async t => {
    const place = network.pod()
    const pod = await cluster.pod(`requests-${process.pid}-${ROWS.findIndex(([one]) => one === of)}`)
    const selection: NetworkSelection = { interface: 'net1', ...asked }
    const sandbox = { pod, containerID: containerId(), netns: place.path }
    const delegate = openDelegate(configOf(capabilities), selection, sandbox)
    const { ips = [], interfaces = [] } = (await delegate.add()) as Attached
    const address = ips[0]?.address ?? ''
    if (ip === undefined) t.not(address, '10.195.0.93/16')
    else t.equal(address, ip)
    if (mac !== undefined) t.equal(interfaces.find(({ name }) => name === 'net1')?.mac, mac)
    t.match(place.sh('ip -o addr show net1'), address)
    await cluster.removePod(pod)
    await delegate.del()
    t.strictSame(
      (await cluster.addresses(pool)).filter(({ spec }) => spec.pod.name === pod.name),
      [],
    )
  })

t.test('ADD by Multus with an address of another pod fails with the reason', async t => {
  const ask = async (text: string): Promise<unknown> => {
    const pod = await cluster.pod(`requests-${process.pid}-${text}`)
    const place = network.pod()
    const selection = { interface: 'net1', ips: ['10.195.0.50/16'] }
    return openDelegate(configOf('ips'), selection, { pod, containerID: containerId(), netns: place.path }).add()
  }
  await ask('first')
  await t.rejects(ask('second'), { message: /10\.195\.0\.50, which is taken by pod default\/requests-\d+-first/ })
})
