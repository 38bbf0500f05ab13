// Bad input: the right code, one sentence with field and value, status 1, nothing left.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { containerId, openCluster, poolAnnotation, type PodRef } from '../fixtures/cluster.js'
import { cniEnv, runExecutable } from '../fixtures/executable.js'
import { startLiar } from '../fixtures/misbehaving-apiserver.js'
import { must, openNetwork } from '../fixtures/netns.js'

const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
const folder = mkdtempSync(`${tmpdir()}/bad-`)
const network = openNetwork()
const podPlace = network.pod()
// The API servers are on this namespace's loopback, so the executables run here, on their own link.
const master = `bi${process.pid % 1_000_000}`
must(`ip link add ${master} type veth peer name ${master}p && ip link set ${master} up && ip link set ${master}p up`)
t.teardown(async () => {
  network.close()
  must(`ip link del ${master}`)
  rmSync(folder, { recursive: true })
  await server.stop()
})

const suffix = String(process.pid)
const POOL = `bad-${suffix}`
const FULL = `bad-full-${suffix}`
const DISABLED = `bad-disabled-${suffix}`
const OTHER_NODE = `bad-node-${suffix}`
const EMPTY = `bad-empty-${suffix}`
const SIX = `bad-six-${suffix}`
await cluster.pool(POOL, { subnet: '10.88.0.0/24', ips: ['10.88.0.10-10.88.0.20'] })
await cluster.pool(FULL, { subnet: '10.89.0.0/24', ips: ['10.89.0.1'], excludeIPs: ['10.89.0.1'] })
await cluster.pool(DISABLED, { subnet: '10.90.0.0/24', ips: ['10.90.0.1'], disable: true })
await cluster.pool(OTHER_NODE, { subnet: '10.91.0.0/24', ips: ['10.91.0.1'], nodeName: ['n9'] })
await cluster.pool(EMPTY, { subnet: '10.92.0.0/24' })
await cluster.pool(SIX, { subnet: 'fd88::/64', ips: ['fd88::10'] })

const file = (name: string, text: string): string => {
  writeFileSync(`${folder}/${name}`, text)
  return `${folder}/${name}`
}

type Env = Record<string, string | undefined>

interface Case {
  readonly name: string
  readonly of: 'spiderpool-ipam' | 'macvlan-wrapper'
  readonly verb?: string
  /** Changes to a good environment; undefined takes a variable away. */
  readonly env?: Env
  /** Changes to a good conf; a string is the whole stdin. */
  readonly conf?: object | string
  readonly ipam?: object
  readonly annotations?: Record<string, string>
  /** An API server that misbehaves. */
  readonly liar?: string
  readonly code: number
  readonly msg: RegExp
}

const ipamName = 'spiderpool-ipam'
const mac = 'macvlan-wrapper'
const ippool = (value: unknown): Record<string, string> => ({
  'ipam.spidernet.io/ippool': typeof value === 'string' ? value : JSON.stringify(value),
})
const kubeconfig = (name: string, value: unknown): object => ({
  kubeconfig: file(name, typeof value === 'string' ? value : JSON.stringify(value)),
})
const user = (users: object, cluster: object = { server: 'https://127.0.0.1:1' }): object => ({
  'current-context': 'c',
  clusters: [{ name: 'c', cluster }],
  users: [{ name: 'u', user: users }],
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
})

const both = ['spiderpool-ipam', 'macvlan-wrapper'] as const
const eachOf = (cases: readonly Omit<Case, 'of'>[]): Case[] => both.flatMap(of => cases.map(one => ({ ...one, of })))

const PROTOCOL = eachOf([
  {
    name: 'no container ID',
    env: { CNI_CONTAINERID: undefined },
    code: 4,
    msg: /^required env variables \[CNI_CONTAINERID\] missing$/,
  },
  {
    name: 'nothing but the command',
    env: { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '', CNI_PATH: '' },
    code: 4,
    msg: /\[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH\] missing/,
  },
  {
    name: 'container ID with a slash',
    env: { CNI_CONTAINERID: 'a/b' },
    code: 4,
    msg: /^invalid characters in containerID$/,
  },
  {
    name: 'interface name too long',
    env: { CNI_IFNAME: 'abcdefghijklmnop' },
    code: 4,
    msg: /^interface name is too long$/,
  },
  { name: 'interface name ..', env: { CNI_IFNAME: '..' }, code: 4, msg: /^interface name is \. or \.\.$/ },
  { name: 'interface name with a blank', env: { CNI_IFNAME: 'a b' }, code: 4, msg: /^interface name contains/ },
  { name: 'unknown verb', verb: 'UPDATE', code: 4, msg: /^unknown CNI_COMMAND: UPDATE$/ },
  { name: 'no stdin', conf: '', code: 6, msg: /^error unmarshall network config: / },
  { name: 'half a conf', conf: '{"cniVersion":"1.0.0"', code: 6, msg: /^error unmarshall network config: / },
  {
    name: 'a conf and more',
    conf: '{"cniVersion":"1.0.0","name":"n"} x',
    code: 6,
    msg: /^error unmarshall network config: /,
  },
  { name: 'a list for a conf', conf: '[]', code: 6, msg: /^error unmarshall network config: it is a list/ },
  {
    name: 'a byte-order mark',
    conf: '\ufeff{"cniVersion":"1.0.0","name":"n"}',
    code: 6,
    msg: /^error unmarshall network config: /,
  },
  { name: 'no network name', conf: { name: '' }, code: 7, msg: /^missing network name$/ },
  {
    name: 'network name with a blank',
    conf: { name: 'a b' },
    code: 7,
    msg: /^invalid characters found in network name$/,
  },
  { name: 'name that is a number', conf: { name: 5 }, code: 6, msg: /name.*5/ },
  { name: 'cniVersion of the future', conf: { cniVersion: '9.9.9' }, code: 1, msg: /^incompatible CNI versions$/ },
  { name: 'cniVersion in words', conf: { cniVersion: 'one' }, code: 6, msg: /cniVersion is "one"/ },
  {
    name: 'CHECK of an old version',
    verb: 'CHECK',
    conf: { cniVersion: '0.3.1' },
    code: 1,
    msg: /^config version does not allow CHECK$/,
  },
  { name: 'CHECK without prevResult', verb: 'CHECK', code: 7, msg: /^required prevResult missing$/ },
  {
    name: 'STATUS of an old version',
    verb: 'STATUS',
    conf: { cniVersion: '1.0.0' },
    code: 1,
    msg: /^config version does not allow STATUS$/,
  },
  {
    name: 'prevResult of another family',
    conf: { prevResult: { cniVersion: '0.2.0' } },
    code: 6,
    msg: /^could not parse prevResult: result type supports \[1\.0\.0 1\.1\.0\] but unmarshalled CNIVersion is "0\.2\.0"$/,
  },
  { name: 'CNI_ARGS without =', env: { CNI_ARGS: 'a' }, code: 4, msg: /^ARGS: invalid pair "a"$/ },
  { name: 'unknown CNI_ARGS', env: { CNI_ARGS: 'X=1' }, code: 4, msg: /^ARGS: unknown args \["X=1"\]$/ },
  {
    name: "the node's own namespace",
    env: { CNI_NETNS: `/proc/${process.pid}/ns/net` },
    code: 8,
    msg: /should not be the same/,
  },
])

const IPAM_CONF = eachOf([
  { name: 'no pod in CNI_ARGS', env: { CNI_ARGS: '' }, code: 4, msg: /^CNI_ARGS has no K8S_POD_NAME/ },
  {
    name: 'a pod that does not exist',
    env: { CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=no-such-pod' },
    code: 100,
    msg: /pod default\/no-such-pod .*does not exist/,
  },
  {
    name: 'log level',
    ipam: { log_level: 'loud' },
    code: 7,
    msg: /^ipam\.log_level is "loud"; it must be one of debug/,
  },
  { name: 'log size', ipam: { log_file_max_size: 1.5 }, code: 7, msg: /^ipam\.log_file_max_size is 1\.5/ },
  {
    name: 'default pools that are no list',
    ipam: { default_ipv4_ippool: 'a' },
    code: 7,
    msg: /^ipam\.default_ipv4_ippool is "a"/,
  },
  { name: 'clean_gateway in words', ipam: { clean_gateway: 'yes' }, code: 7, msg: /^ipam\.clean_gateway is "yes"/ },
  {
    name: 'match_master_subnet in words',
    ipam: { match_master_subnet: 'yes' },
    code: 7,
    msg: /^ipam\.match_master_subnet is "yes"/,
  },
  { name: 'a switch in words', ipam: { EnableIPv6: 'on' }, code: 7, msg: /^ipam\.enableIPv6 is "on"/ },
])

const POOLS: Case[] = [
  {
    name: 'annotation that is no JSON',
    annotations: ippool('a'),
    code: 103,
    msg: /wrong input: annotation ipam\.spidernet\.io\/ippool of pod \S+ is not JSON: a/,
  },
  { name: 'annotation that is a list', annotations: ippool(['a']), code: 103, msg: /wrong input: .*\["a"\]/ },
  { name: 'pools that are a string', annotations: ippool({ ipv4: 'a' }), code: 103, msg: /wrong input: .*ipv4 is "a"/ },
  {
    name: 'a pool that does not exist',
    annotations: ippool({ ipv4: ['nowhere'] }),
    code: 103,
    msg: /SpiderIPPool "nowhere", which does not exist/,
  },
  { name: 'a pool twice', annotations: ippool({ ipv4: [POOL, POOL] }), code: 103, msg: /twice/ },
  { name: 'no pool at all', annotations: ippool({}), code: 104, msg: /no IPPool available/ },
  {
    name: 'a pool without addresses left',
    annotations: ippool({ ipv4: [FULL] }),
    code: 11,
    msg: new RegExp(`all IP addresses used out in pool ${FULL}`),
  },
  {
    name: 'a pool without addresses',
    annotations: ippool({ ipv4: [EMPTY] }),
    code: 11,
    msg: /all IP addresses used out/,
  },
  {
    name: 'a disabled pool',
    annotations: ippool({ ipv4: [DISABLED] }),
    code: 104,
    msg: /no IPPool available .*is disabled/,
  },
  {
    name: "another node's pool",
    annotations: ippool({ ipv4: [OTHER_NODE] }),
    code: 104,
    msg: /is for other nodes \(spec\.nodeName n9\), not \S+$/,
  },
  { name: 'an IPv6 pool as ipv4', annotations: ippool({ ipv4: [SIX] }), code: 104, msg: /is IPv6, not IPv4/ },
  {
    name: 'one family full, the other free',
    annotations: ippool({ ipv4: [FULL], ipv6: [SIX] }),
    code: 11,
    msg: /all IP addresses used out/,
  },
  {
    name: 'a pool of the conf that does not exist',
    annotations: {},
    ipam: { default_ipv4_ippool: ['nowhere'] },
    code: 103,
    msg: /default_ipv4_ippool\/default_ipv6_ippool of CNI conf "\S+" names SpiderIPPool "nowhere"/,
  },
  {
    name: 'no pool named, none default',
    annotations: {},
    code: 104,
    msg: /no IPPool available, no pool selection rules/,
  },
  {
    name: 'ippools without this interface',
    annotations: { 'ipam.spidernet.io/ippools': '[{"interface":"net1","ipv4":["a"]}]' },
    code: 103,
    msg: /ippools of pod \S+ has no item for interface/,
  },
  {
    name: 'a pattern that matches nothing',
    annotations: ippool({ ipv4: ['nowhere-*'] }),
    code: 104,
    msg: /no IPPool available: .*no IPv4 pool matches nowhere-\*/,
  },
  {
    name: 'a pattern that is none',
    annotations: ippool({ ipv4: ['a*[b'] }),
    code: 103,
    msg: /pattern "a\*\[b" ends in the middle/,
  },
  {
    name: 'a pool by name and by pattern',
    annotations: ippool({ ipv4: [POOL, `${POOL}*`] }),
    code: 103,
    msg: /names SpiderIPPool "\S+" twice for IPv4/,
  },
  {
    name: 'a route whose gateway is in no subnet',
    annotations: {
      ...ippool({ ipv4: [POOL] }),
      'ipam.spidernet.io/routes': '[{"dst":"10.9.0.0/16","gw":"192.0.2.1"}]',
    },
    code: 106,
    msg: /routes of pod \S+: gw 192\.0\.2\.1 of route 10\.9\.0\.0\/16 is in the subnet of no interface/,
  },
  {
    name: 'a SpiderSubnet for a pod without a controller',
    annotations: { 'ipam.spidernet.io/subnet': '{"ipv4":["s"]}' },
    code: 103,
    msg: /a pod without a controller gets no pool of its own/,
  },
  {
    name: 'IPv4 is off, and only an IPv4 pool is named',
    annotations: ippool({ ipv4: [POOL] }),
    ipam: { enableIPv4: false },
    code: 104,
    msg: /names no pool for \S+: it is \{.*\}: it has only IPv4, which is off \(enableIPv4 of the CNI conf\)$/,
  },
  {
    name: 'a master outside the subnet of the pool',
    annotations: ippool({ ipv4: [POOL] }),
    ipam: { match_master_subnet: true },
    code: 104,
    msg: /\(match_master_subnet\)/,
  },
].map(one => ({ ...one, of: mac }))

const KUBECONFIGS: Case[] = [
  {
    name: 'a kubeconfig that is not there',
    ipam: { kubeconfig: '/nowhere/kubeconfig' },
    code: 7,
    msg: /\/nowhere\/kubeconfig/,
  },
  { name: 'a kubeconfig that is a folder', ipam: { kubeconfig: folder }, code: 7, msg: new RegExp(folder) },
  { name: 'an empty kubeconfig', ipam: kubeconfig('empty', ''), code: 7, msg: /empty/ },
  { name: 'a kubeconfig of garbage', ipam: kubeconfig('garbage', '{]'), code: 7, msg: /garbage/ },
  {
    name: 'a kubeconfig without a context',
    ipam: kubeconfig('nocontext', { clusters: [] }),
    code: 7,
    msg: /nocontext.*context/,
  },
  {
    name: 'a kubeconfig without a server',
    ipam: kubeconfig('noserver', user({ token: 't' }, {})),
    code: 7,
    msg: /noserver.*server/,
  },
  {
    name: 'a kubeconfig with a CA that is none',
    ipam: kubeconfig(
      'noca',
      user({ token: 't' }, { server: 'https://127.0.0.1:1', 'certificate-authority': '/nowhere/ca' }),
    ),
    code: 7,
    msg: /noca.*\/nowhere\/ca/,
  },
].map(one => ({ ...one, of: ipamName }))

const SERVERS: Case[] = [
  { name: 'an API server that is gone', liar: 'gone', code: 11, msg: /127\.0\.0\.1/ },
  { name: 'one that forbids', liar: 'forbidden', code: 999, msg: /forbidden/i },
  {
    name: 'one that knows no such user',
    liar: 'unauthorized',
    code: 111,
    msg: /does not know the client: Unauthorized; .*unauthorized\.kubeconfig is wrong or has expired/,
  },
  { name: 'one that is busy', liar: 'busy', code: 11, msg: /currently unable/ },
  { name: 'one that throttles', liar: 'throttled', code: 11, msg: /too many requests/ },
  { name: 'one with a broken store', liar: 'broken', code: 11, msg: /etcdserver/ },
  { name: 'a proxy that answers HTML', liar: 'html', code: 11, msg: /<html>|not a JSON/ },
  { name: 'one that answers nothing', liar: 'empty', code: 11, msg: /not a JSON/ },
  { name: 'one that answers a list', liar: 'list', code: 11, msg: /.+/ },
  { name: 'one that answers an empty object', liar: 'nothing', code: 11, msg: /.+/ },
  { name: 'one that answers with another pod', liar: 'another', code: 11, msg: /another-pod/ },
  { name: 'one that stops in the middle', liar: 'cut', code: 11, msg: /cut off/ },
].map(one => ({ ...one, of: mac }))

const MACVLAN: Case[] = [
  { name: 'a master that is not there', conf: { master: 'eth9' }, code: 999, msg: /^Link not found/ },
  {
    name: 'an MTU above the master’s',
    conf: { mtu: 9000 },
    code: 7,
    msg: /^invalid MTU 9000, must be \[0, master MTU\(1500\)\]/,
  },
  { name: 'a negative MTU', conf: { mtu: -1 }, code: 7, msg: /^invalid MTU -1/ },
  { name: 'an MTU in words', conf: { mtu: 'big' }, code: 6, msg: /mtu.*"big"|"big".*mtu/ },
  { name: 'a mode that is none', conf: { mode: 'bride' }, code: 7, msg: /^unknown macvlan mode: "bride"/ },
  { name: 'a MAC that is none', conf: { mac: 'zz' }, code: 7, msg: /^invalid args zz for MAC addr/ },
  {
    name: 'a netns that is not there',
    env: { CNI_NETNS: '/run/netns/nowhere' },
    code: 8,
    msg: /^failed to open netns .*\/run\/netns\/nowhere/,
  },
  {
    name: 'a netns that is none',
    env: { CNI_NETNS: '/etc/passwd' },
    code: 8,
    msg: /unknown FS magic on "\/etc\/passwd"/,
  },
  {
    name: 'an IPAM that is not there',
    conf: { ipam: { type: 'nowhere' } },
    code: 999,
    msg: /^failed to find plugin "nowhere" in path/,
  },
  { name: 'an IPAM with a path', conf: { ipam: { type: '../x' } }, code: 7, msg: /^invalid plugin name: \.\.\/x$/ },
].map(one => ({ ...one, of: mac }))

let pods = 0
const rm = async (pod: PodRef): Promise<void> => cluster.removePod(pod)

for (const { name, of, verb = 'ADD', env, conf, ipam, annotations, liar, code, msg } of [
  ...PROTOCOL,
  ...IPAM_CONF,
  ...POOLS,
  ...KUBECONFIGS,
  ...SERVERS,
  ...MACVLAN,
])
  t.test(`${of} ${verb}: ${name}`, async t => {
    const pod = await cluster.pod(`bad-${suffix}-${pods++}`, annotations ?? poolAnnotation(POOL))
    const before = (await cluster.addresses()).length
    const lying = liar === undefined ? undefined : await startLiar(liar, folder)
    const good = {
      type: 'spiderpool',
      kubeconfig: lying?.kubeconfig ?? server.kubeconfig,
      log_file_path: `${folder}/log`,
    }
    const whole = { cniVersion: '1.0.0', name: 'bad', type: of, master, ipam: { ...good, ...ipam } }
    const reply = await runExecutable({
      name: of,
      env: { ...cniEnv({ verb, containerID: containerId(), netns: podPlace.path, pod }), ...env } as Record<
        string,
        string
      >,
      stdin: typeof conf === 'string' ? conf : JSON.stringify({ ...whole, ...conf }),
    })
    await lying?.close()
    t.match(reply.json, { code, msg }, reply.stdout + reply.stderr)
    t.equal(reply.status, 1)
    t.notOk(String((reply.json as { msg?: string }).msg).includes('\n'), 'one sentence, one line')
    t.strictSame(podPlace.links(), [], 'no link is left')
    t.strictSame((await cluster.addresses()).length, before, 'no address object is left')
    await rm(pod)
  })

t.test('ADD succeeds with its log on a full disk', async t => {
  const full = `${folder}/full`
  const { status } = spawnSync('sh', [
    '-c',
    `mkdir ${full} && mount -t tmpfs -o size=4k tmpfs ${full} && head -c 4096 /dev/zero > ${full}/x`,
  ])
  t.equal(status, 0)
  t.teardown(() => void spawnSync('umount', [full]))
  const pod = await cluster.pod(`bad-${suffix}-full`, poolAnnotation(POOL))
  const ipam = { type: 'spiderpool', kubeconfig: server.kubeconfig, log_file_path: `${full}/log` }
  const call = (verb: string) =>
    runExecutable({
      name: 'spiderpool-ipam',
      env: cniEnv({ verb, containerID: `full${suffix}`, netns: podPlace.path, pod }),
      stdin: JSON.stringify({ cniVersion: '1.0.0', name: 'bad', type: 'spiderpool', ipam }),
    })
  const reply = await call('ADD')
  t.match(reply, { status: 0, json: { ips: [{ address: /^10\.88\.0\./ }] } })
  await rm(pod)
  t.equal((await call('DEL')).status, 0)
})
