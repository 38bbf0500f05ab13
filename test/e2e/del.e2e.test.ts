// DEL of every executable where CNI_NETNS is no namespace, the node's own, or another pod's: it
// ends, releases what is this attachment's, and touches nothing else.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import t from 'tap'
import { BIN, type Reply } from '../fixtures/executable.js'
import { openNetwork, type Place } from '../fixtures/netns.js'

const folder = mkdtempSync(`${tmpdir()}/del-`)
const network = openNetwork()
const { node } = network
node.sh('ip addr add 10.6.0.10/16 dev eth0')

/**
 * On a unix socket, which is reached from every network namespace; its objects are there from the
 * start.
 */
const socket = `${folder}/api.sock`
const kubeconfig = `${folder}/kubeconfig`
const podNamed = (name: string): object => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' } },
  spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
})
const pool = {
  ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool', metadata: { name: 'lan' } },
  spec: { subnet: '10.6.0.0/16', gateway: '10.6.0.1', default: true, ips: ['10.6.30.1-10.6.30.50'] },
}
mkdirSync(`${folder}/objects`)
writeFileSync(
  `${folder}/objects/all.yaml`,
  [pool, podNamed('new')].map(object => JSON.stringify(object)).join('\n---\n'),
)
const server = spawn(
  `${BIN}/spiderpool-apiserver`,
  ['--data-dir', `${folder}/data`, '--unix', socket, '--kubeconfig', kubeconfig, '--crds', `${folder}/objects`],
  { stdio: 'ignore' },
)
for (let tries = 0; tries < 200 && !existsSync(kubeconfig); tries++) await new Promise(done => setTimeout(done, 50))
t.teardown(async () => {
  server.kill('SIGTERM')
  await new Promise(done => server.once('exit', done))
  network.close()
  rmSync(folder, { recursive: true })
})

function read(path: string): Promise<{ readonly items: readonly { readonly metadata: { readonly name: string } }[] }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${readFileSync(`${folder}/data/token`, 'utf8').trim()}` }
    get({ socketPath: socket, path, headers }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => (text += part))
      answer.on('end', () => resolve(JSON.parse(text) as Awaited<ReturnType<typeof read>>))
    }).on('error', reject)
  })
}
const addresses = async (): Promise<readonly string[]> =>
  (await read('/apis/spiderpool.spidernet.io/v2beta1/spideripaddresses')).items.map(({ metadata }) => metadata.name)

const logs = { log_file_path: `${folder}/log` }
const OWN = { type: 'spiderpool', kubeconfig, ...logs }
const STATIC = { type: 'static', addresses: [{ address: '10.6.0.77/16' }] }
const HOST_LOCAL = { type: 'host-local', dataDir: `${folder}/leases`, ranges: [[{ subnet: '10.6.0.0/16' }]] }

interface Calling {
  readonly name: string
  readonly pod: Place | string
  readonly containerID: string
  readonly ipam?: object
  readonly more?: object
}

const call = (verb: string, { name, pod, containerID, ipam = OWN, more = {} }: Calling): Promise<Reply> =>
  network.call({
    ...{ verb, name, pod, containerID },
    path: `${BIN}:/usr/lib/cni`,
    env: { CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${containerID}` },
    conf: {
      ...{ cniVersion: '1.0.0', name: 'lan', type: name, master: 'eth0', interfaces: ['eth0'], ipam },
      ...{ mode: name === 'coordinator' ? 'underlay' : 'bridge', logOptions: { logFile: `${folder}/log` } },
      ...(name === 'coordinator' && { overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/12'] }),
      ...more,
    },
  })

const EXECUTABLES = ['macvlan-wrapper', 'coordinator', 'ifacer', 'spiderpool-ipam', 'spiderpool']
const DELEGATIONS = [OWN, { ...OWN, type: 'spiderpool-ipam' }, STATIC, HOST_LOCAL]
const DONE = { status: 0, stdout: '' }

writeFileSync(`${folder}/plain`, '')
mkdirSync(`${folder}/folder`)
const NO_NAMESPACE: readonly (readonly [what: string, path: string])[] = [
  ['a plain file', `${folder}/plain`],
  ['a folder', `${folder}/folder`],
  ['nothing', `${folder}/none`],
  ['below a plain file', `${folder}/plain/none`],
  ["the node's own namespace", node.path],
]

const stateOf = (place: Place): string =>
  place
    .sh(
      'ip -o link; ip -o addr; ip route show table all; ip -6 route show table all; ip rule; ip neigh show nud permanent',
    )
    .split('\n')
    .filter(line => !/fe80::|ff00::/.test(line)) // the kernel adds these by itself, a second after a link is up
    .join('\n')

for (const [what, path] of NO_NAMESPACE)
  for (const name of EXECUTABLES)
    t.test(`DEL of ${name}, CNI_NETNS is ${what}: success, and the node is as it was`, async t => {
      const before = stateOf(node)
      for (const ipam of name === 'macvlan-wrapper' ? DELEGATIONS : [OWN])
        t.match(await call('DEL', { name, pod: path, containerID: 'gone', ipam }), DONE, JSON.stringify(ipam))
      t.equal(stateOf(node), before)
    })

/** A pod as a runtime has it: macvlan, then coordinator. Returns the final result. */
async function attached(pod: Place, containerID: string, ipam: object = OWN): Promise<object> {
  const made = await call('ADD', { name: 'macvlan-wrapper', pod, containerID, ipam })
  t.equal(made.status, 0, made.stdout)
  const prevResult = made.json as object
  const chained = await call('ADD', { name: 'coordinator', pod, containerID, more: { prevResult } })
  t.equal(chained.status, 0, chained.stdout)
  return chained.json as object
}

for (const [what, path] of NO_NAMESPACE)
  t.test(`DEL of a pod whose CNI_NETNS is ${what} by now: its address is released, its veth is gone`, async t => {
    const pod = network.pod()
    const ipam = { ...HOST_LOCAL, dataDir: `${folder}/leases-${what.replaceAll(/\W/g, '')}` }
    const prevResult = await attached(pod, 'c77', ipam)
    t.ok(node.links().includes('vethc77'))
    pod.sh('ip link del eth0') // its namespace goes with the test
    for (const name of ['coordinator', 'macvlan-wrapper'])
      t.match(await call('DEL', { name, pod: path, containerID: 'c77', ipam, more: { prevResult } }), DONE, name)
    t.notOk(node.links().includes('vethc77'))
    t.strictSame(existsSync(`${ipam.dataDir}/lan/10.6.0.2`), false)
  })

t.test("DEL of an old container whose CNI_NETNS is another pod's: the other pod keeps all that it has", async t => {
  const pod = network.pod()
  const result = await attached(pod, 'new')
  const held = await addresses()
  t.equal(held.length, 1)
  const state = (): string => stateOf(node) + stateOf(pod)
  const before = state()
  /** What the old one had: its own MAC, and the address that the new pod was given after it. */
  const [nic] = (result as { interfaces: readonly object[] }).interfaces
  const old = { ...result, interfaces: [{ ...nic, mac: '0a:00:00:00:00:01' }] }
  for (const prevResult of [undefined, old, result])
    for (const name of EXECUTABLES)
      for (const ipam of name === 'macvlan-wrapper' ? DELEGATIONS : [OWN])
        for (const more of [{}, { removeUnused: true }]) {
          const reply = await call('DEL', { name, pod, containerID: 'old', ipam, more: { ...more, prevResult } })
          t.match(reply, DONE, `${name} ${JSON.stringify({ ipam, prevResult })}`)
        }
  t.equal(state(), before)
  t.strictSame(await addresses(), held)
  t.equal(pod.sh('ping -c1 -W1 10.6.0.10 >/dev/null && echo answered').trim(), 'answered')

  for (const name of ['coordinator', 'macvlan-wrapper'])
    t.match(await call('DEL', { name, pod, containerID: 'new', more: { prevResult: result } }), DONE, name)
  t.strictSame(pod.links(), [], 'its own DEL takes the links away')
})

t.test("DEL of macvlan-wrapper leaves a link that is no macvlan, or is another's by prevResult", async t => {
  const pod = network.pod()
  const del = (prevResult?: object): Promise<Reply> =>
    call('DEL', { name: 'macvlan-wrapper', pod, containerID: 'old', ipam: {}, more: { prevResult } })
  const of = (mac: string, address: string): object => ({
    ...{ cniVersion: '1.0.0', interfaces: [{ name: 'eth0', mac, sandbox: pod.path }] },
    ips: [{ address, interface: 0 }],
  })
  pod.sh('ip link add eth0 type veth peer name p0')
  t.match(await del(), DONE)
  t.ok(pod.links().includes('eth0'))
  pod.sh('ip link del eth0')

  node.sh(`ip link add eth0 link eth0 netns ${pod.name} address 0a:00:00:00:00:02 type macvlan mode bridge`)
  pod.sh('ip addr add 10.6.0.5/16 dev eth0')
  t.match(await del(of('0a:00:00:00:00:01', '10.6.0.4/16')), DONE)
  t.strictSame(pod.links(), ['eth0'])
  t.match(await del(of('0a:00:00:00:00:01', '10.6.0.5/16')), DONE, 'its address: another plugin changed the MAC')
  t.strictSame(pod.links(), [])
})
