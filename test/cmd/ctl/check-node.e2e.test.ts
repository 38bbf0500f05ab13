// `spiderpoolctl check --node` on a real kernel: what a pod that is gone has left of links, routes,
// neighbours and rules. The node is a network namespace, with an API server in it.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { BIN, runExecutable, type Reply } from '../../fixtures/executable.js'

const NODE = `cn${process.pid}`
const POD = `cp${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'ctl-node-'))
const kubeconfig = join(folder, 'kubeconfig')
const sh = (command: string): string => execFileSync('sh', ['-c', command], { encoding: 'utf8' })
const inNode = (command: string): string => sh(`ip netns exec ${NODE} ${command}`)
const VETH = 'veth0123456789a'

sh(`ip netns add ${NODE}; ip netns add ${POD}; ip -n ${NODE} link set lo up`)
const server = spawn(
  'ip',
  [
    'netns',
    'exec',
    NODE,
    `${BIN}/spiderpool-apiserver`,
    '--data-dir',
    folder,
    '--kubeconfig',
    kubeconfig,
    '--listen',
    '127.0.0.1:0',
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
await new Promise(ready => server.stdout.once('data', ready))
for (let tries = 0; tries < 100 && !existsSync(kubeconfig); tries++) await sleep(50)
t.teardown(async () => {
  server.kill('SIGTERM')
  await new Promise(ended => server.once('exit', ended))
  sh(`ip netns del ${NODE}; ip netns del ${POD}`)
  rmSync(folder, { recursive: true, force: true })
})

const ctl = (line: string): Promise<Reply> =>
  runExecutable({
    name: 'spiderpoolctl',
    args: line.split(' '),
    under: ['ip', 'netns', 'exec', NODE],
    env: { KUBECONFIG: kubeconfig },
  })
const create = async (object: object, path: string): Promise<void> => {
  const { clusters, users } = (await import('yaml')).parse(sh(`cat ${kubeconfig}`)) as {
    readonly clusters: readonly [{ readonly cluster: { readonly server: string } }]
    readonly users: readonly [{ readonly user: { readonly token: string } }]
  }
  const headers = { authorization: `Bearer ${users[0].user.token}`, 'content-type': 'application/json' }
  const options = JSON.stringify({ method: 'POST', headers, rejectUnauthorized: false })
  const program = `require('https').request('${clusters[0].cluster.server}${path}', ${options}, answer => process.exit(answer.statusCode === 201 ? 0 : 1)).end('${JSON.stringify(object)}')`
  execFileSync('ip', ['netns', 'exec', NODE, process.execPath, '-e', program])
}
const kindsOf = ({ json, stderr }: Reply): readonly string[] => {
  if (!Array.isArray(json)) throw new Error(stderr)
  return (json as readonly { readonly kind: string }[]).map(({ kind }) => kind).sort()
}
const CHECK = `check --node n1 --settle 0.1 -o json`

await create(
  {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: 'p' },
    spec: { subnet: '10.213.77.0/24', ips: ['10.213.77.10-10.213.77.20'] },
  },
  '/apis/spiderpool.spidernet.io/v2beta1/spiderippools',
)
await sleep(1_500) // its counts are written

t.test('check --node finds nothing on a node without pods', async t => {
  t.strictSame(kindsOf(await ctl(CHECK)), [])
})

t.test('check --node finds what is left, and --repair removes it', async t => {
  inNode(`ip link add ${VETH} type veth peer name leftover`)
  inNode(`ip link set ${VETH} up`)
  inNode(`ip route add 10.213.77.15 dev ${VETH} table 500`)
  inNode(`ip neigh add 10.213.77.15 lladdr 0a:00:00:00:00:01 dev ${VETH} nud permanent`)
  inNode('ip -6 rule add table 500 priority 1000')
  t.strictSame(kindsOf(await ctl(CHECK)), ['node-neigh', 'node-route', 'node-rule', 'node-veth'])
  const { json, status, stderr } = await ctl(`${CHECK} --repair --yes`)
  t.strictSame([status, (json as { readonly left: unknown }).left], [0, []], stderr)
  t.notMatch(inNode('ip -o link'), VETH)
  t.equal(inNode('ip -6 rule show table 500 || true').trim(), '')
})

t.test('check --node finds an address in a pod that no object holds', async t => {
  sh(`ip -n ${POD} addr add 10.213.77.16/24 dev lo`)
  t.strictSame(kindsOf(await ctl(CHECK)), ['node-unheld'])
})
