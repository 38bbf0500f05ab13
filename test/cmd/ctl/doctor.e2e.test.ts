// `spiderpoolctl doctor` as a process: the standalone server, faults in it, and this node.
import t from 'tap'
import { startController } from '../../fixtures/controller.js'
import { runExecutable, type Reply } from '../../fixtures/executable.js'
import { openIpam } from '../../fixtures/ipam.js'

const bench = await openIpam({ standalone: true })
const { cluster, kubeconfig } = bench
t.teardown(() => bench.stop())
const doctor = (line = ''): Promise<Reply> =>
  runExecutable({
    name: 'spiderpoolctl',
    args: ['doctor', ...line.split(' ').filter(Boolean)],
    env: { KUBECONFIG: kubeconfig },
  })
interface Row {
  readonly check: string
  readonly object: string
  readonly what: string
  readonly mend: string
  readonly isNote: boolean
}
const rowsOf = ({ json }: Reply): readonly Row[] => json as readonly Row[]

t.test('doctor finds no leader and no coordinator, each with what mends it; status 1', async t => {
  const reply = await doctor('-o json')
  t.equal(reply.status, 1, reply.stderr)
  const wrong = rowsOf(reply).filter(one => !one.isNote)
  t.strictSame(
    wrong.map(({ check }) => check),
    ['leader', 'coordinator'],
    reply.stdout,
  )
  t.match(
    (await doctor()).stdout,
    /^! leader: lease\/spiderpool-controller-leases: no controller leads\n {2}why: {2}.*\n {2}mend: kubectl/m,
  )
})

t.test('doctor with a controller: status 0; then a pool for no node and a network with no pool', async t => {
  const controller = await startController(kubeconfig, { name: 'c-0' })
  await cluster.api.create('spidercoordinators', {
    ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderCoordinator', metadata: { name: 'default' } },
    spec: { podCIDRType: 'cluster' },
  })
  await cluster.api.create('configmaps', {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kubeadm-config', namespace: 'kube-system' } },
    data: { ClusterConfiguration: 'networking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: 10.96.0.0/16\n' },
  })
  let last = await doctor('-o json')
  for (let tries = 0; tries < 40 && last.status !== 0; tries++) last = await doctor('-o json')
  t.equal(last.status, 0, last.stdout)
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }
  await cluster.api.create('nodes', node)
  await cluster.pool('far', { subnet: '172.18.0.0/16', ips: ['172.18.30.1'], nodeName: ['n7'] })
  await cluster.api.create('network-attachment-definitions', {
    ...{ apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition' },
    metadata: { name: 'net', namespace: 'default' },
    spec: {
      config: JSON.stringify({
        name: 'net',
        plugins: [{ type: 'macvlan', ipam: { type: 'spiderpool', default_ipv4_ippool: ['gone'] } }],
      }),
    },
  })
  const reply = await doctor('-o json')
  t.equal(reply.status, 1)
  t.strictSame(
    rowsOf(reply)
      .filter(one => !one.isNote)
      .map(({ check, object }) => `${check} ${object}`),
    ['networks network-attachment-definition/default/net', 'pools spiderippool/far'],
  )
  t.strictSame(
    (await cluster.api.items('/apis/spiderpool.spidernet.io/v2beta1/spiderippools')).map(
      ({ metadata }) => metadata.name,
    ),
    ['far'],
    'the dry run is not stored',
  )
  await controller.end('SIGTERM')
})

t.test('doctor --node names what this node lacks', async t => {
  const rows = rowsOf(await doctor('--node -o json'))
  t.ok(
    rows.some(({ what }) => /\/opt\/cni\/bin\/ifacer (does not exist|is )/.test(what)) ||
      rows.every(({ check }) => check !== 'executables'),
  )
  t.ok(
    rows.some(({ object }) => object.startsWith('node/')),
    JSON.stringify(rows),
  )
  t.notOk(
    rows.some(({ check }) => check === 'kernel'),
    'the kernel was read',
  )
})
