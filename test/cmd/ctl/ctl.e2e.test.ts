// spiderpoolctl as a process, against the standalone server and addresses of the real IPAM.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { poolAnnotation } from '../../fixtures/cluster.js'
import { runExecutable, type Reply } from '../../fixtures/executable.js'
import { openIpam } from '../../fixtures/ipam.js'
import { randomFrom } from '../../lib/ipam/world.js'

const bench = await openIpam({ standalone: true })
const { cluster, kubeconfig } = bench
const folder = mkdtempSync(join(tmpdir(), 'ctl-'))
t.teardown(async () => {
  rmSync(folder, { recursive: true })
  await bench.stop()
})

/** Arguments as a shell splits them; `under` runs `name` as a script would. */
const ctl = (line: string, { name = 'spiderpoolctl', stdin = '', env = {} } = {}): Promise<Reply> =>
  runExecutable({ name, args: line.split(' ').filter(Boolean), stdin, env: { KUBECONFIG: kubeconfig, ...env } })

await cluster.pool('web', {
  subnet: '172.18.0.0/16',
  ips: ['172.18.30.131-172.18.30.136'],
  excludeIPs: ['172.18.30.136'],
  gateway: '172.18.0.1',
})
await cluster.pool('off', { subnet: '172.19.0.0/16', ips: ['172.19.0.10-172.19.0.12'], disable: true })
await cluster.pool('gpu', {
  subnet: '172.20.0.0/16',
  ips: ['172.20.0.10'],
  podAffinity: { matchLabels: { gpu: 'yes' } },
})
const reserved = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderReservedIP',
  metadata: { name: 'routers' },
}
await cluster.api.create('spiderreservedips', { ...reserved, ...{ spec: { ips: ['172.18.30.131'] } } })
const pod = await cluster.pod('web-0', poolAnnotation('web'))
const [address = ''] = ((await bench.sandbox(pod).add()).ips ?? []).map(one => one.address.split('/')[0] ?? '')

t.test('who ADDRESS: the holder in each format, and status 0', async t => {
  const table = await ctl(`who ${address}`)
  t.equal(table.status, 0, table.stderr)
  const [head, row, ...more] = table.stdout.split('\n')
  t.match(head, /^ADDRESS +STATE +POD +NIC +NODE +POOL +SINCE$/)
  t.match(row, new RegExp(`^${address} +held +default/web-0 +eth0 +n1 +web +20`))
  t.strictSame(more, [''])
  const fields = {
    address,
    state: 'held',
    namespace: 'default',
    pod: 'web-0',
    podUid: pod.uid,
    pool: 'web',
    nic: 'eth0',
  }
  t.match((await ctl(`who ${address} -o json`)).json, [fields])
  t.match((await ctl(`-o yaml who pod/default/web-0`)).stdout, new RegExp(`^- address: ${address}\n`))
  t.equal((await ctl(`who web-0 -n default -o name`)).stdout, `spideripaddress/${address}\n`)
  t.notMatch(table.stdout, /\u001b/, 'no colours in a pipe')
})

t.test('who ADDRESS: why there is no holder, and status 1', async t => {
  const free = ['132', '133', '134', '135'].map(end => `172.18.30.${end}`).find(one => one !== address)
  for (const [ip, expected] of Object.entries({
    [free ?? '']: { state: 'free', pool: 'web' },
    '172.18.30.131': { state: 'reserved', pool: 'web', why: 'SpiderReservedIP routers reserves it' },
    '172.18.30.136': { state: 'excluded', why: 'spec.excludeIPs of the pool has it' },
    '172.18.0.1': { state: 'excluded', why: 'it is the gateway of web' },
    '172.19.0.10': { state: 'free', why: /disabled/ },
    '172.18.9.9': { state: 'unknown', why: /it is in no pool; its subnet 172.18.0.0\/16 has web/ },
    '10.9.9.9': { state: 'unknown', why: 'it is in no pool, and in no subnet of a pool' },
  })) {
    const reply = await ctl(`who ${ip} -o json`)
    t.equal(reply.status, 1, ip)
    t.match(reply.json, [{ address: ip, ...expected }], ip)
  }
})

t.test('pool list: states of the addresses, in the order of names', async t => {
  const { json, status } = await ctl('pool list -o json')
  t.equal(status, 0)
  const none = { reserved: 0, quarantined: 0, recordedByGo: 0 }
  t.match(json, [
    { name: 'gpu', total: 1, used: 0, free: 1, percent: 0, ...none },
    { name: 'off', total: 3, used: 0, free: 3, disabled: true, ...none },
    { name: 'web', total: 5, used: 1, free: 3, percent: 40, ...none, reserved: 1 },
  ])
  t.equal((await ctl('pool list -o name')).stdout, 'spiderippool/gpu\nspiderippool/off\nspiderippool/web\n')
})

t.test('pool show: the map, the holders and the next free addresses', async t => {
  const { stdout, status } = await ctl('pool show web')
  t.equal(status, 0)
  const cells = ['131', '132', '133', '134', '135', '136'].map(end =>
    end === '131' ? 'r' : end === '136' ? 'x' : address.endsWith(`.${end}`) ? '#' : '.',
  )
  t.match(stdout, `172.18.30.131  ${cells.join('')}\n`)
  t.match(stdout, /HOLDER +ADDRESSES\nPod default\/web-0 +1\n$/)
  const first = ['132', '133'].map(end => `172.18.30.${end}`).find(one => one !== address)
  t.match((await ctl('pool show web -o json')).json, { name: 'web', nextFree: { 0: first }, takenLastHour: 1 })
})

t.test('pool overlap: status 0 without one; addresses of nodes and CIDRs of the cluster', async t => {
  t.equal((await ctl('pool overlap')).status, 0)
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }
  const made = await cluster.api.create('nodes', node)
  const addresses = [{ type: 'InternalIP', address: '172.18.30.135' }]
  await cluster.api.replace('/api/v1/nodes/n1/status', { ...made, status: { addresses } })
  const { json, status } = await ctl('pool overlap -o json')
  t.equal(status, 1)
  t.match(json, [{ kind: 'pool-node', pool: 'web', with: 'node n1', addresses: ['172.18.30.135'] }])
})

t.test('trace pod: the address, and the rule that drops each pool', async t => {
  const has = await ctl('trace pod default/web-0')
  t.equal(has.status, 0, has.stderr)
  t.match(has.stdout, new RegExp(`ADD gives ${address}/16 of web\n`))
  const before = JSON.stringify(await cluster.addresses())
  await cluster.pod('stuck', { 'ipam.spidernet.io/ippool': '{"ipv4":["off","gpu"]}', 'ipam.spidernet.io/ipool': 'x' })
  const { json, status } = await ctl('trace pod stuck -o json')
  t.equal(status, 1)
  t.match(json, {
    notes: [/ipam.spidernet.io\/ipool .* did you mean ipam.spidernet.io\/ippool/],
    interfaces: [
      {
        nic: 'eth0',
        pools: [
          { pool: 'off', free: 3, dropped: 'is disabled (spec.disable)', order: 0 },
          { pool: 'gpu', free: 1, dropped: /spec.podAffinity/, order: 0 },
        ],
        verdict: { kind: 'refused', remedy: { name: 'noPool', code: 104 } },
      },
    ],
  })
  t.equal(JSON.stringify(await cluster.addresses()), before, 'nothing is written')
})

t.test('trace pod --as: the pod of a manifest, also of a Deployment, by file and by stdin', async t => {
  const template = {
    metadata: { labels: { gpu: 'yes' }, annotations: poolAnnotation('gpu') },
    spec: { containers: [] },
  }
  const text = JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'train' },
    spec: { template },
  })
  const file = join(folder, 'train.yaml')
  writeFileSync(file, text)
  for (const reply of [await ctl(`trace pod --as ${file}`), await ctl('trace pod --as -', { stdin: text })]) {
    t.equal(reply.status, 0, reply.stderr)
    t.match(reply.stdout, /ADD gives 172.20.0.10\/16 of gpu/)
  }
})

const network = (name: string, ipam: object) =>
  cluster.api.create('network-attachment-definitions', {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'default' },
    spec: { config: JSON.stringify({ cniVersion: '1.0.0', name, plugins: [{ type: 'macvlan', ipam }] }) },
  })

t.test('trace pod: each interface by the conf of its network', async t => {
  await cluster.pool('net-b', { subnet: '172.21.0.0/16', ips: ['172.21.0.10'], multusName: ['default/b'] })
  await network('a', { type: 'spiderpool', default_ipv4_ippool: ['web'] })
  await network('b', { type: 'spiderpool', default_ipv4_ippool: ['net-b'] })
  await network('c', { type: 'host-local' })
  await network('d', { type: 'spiderpool', default_ipv4_ippool: ['net-b'] })
  const default_ = { 'v1.multus-cni.io/default-network': 'default/a' }
  await cluster.pod('many', { ...default_, 'k8s.v1.cni.cncf.io/networks': 'b, c@side, d, e' })
  const { json, status } = await ctl('trace pod many -o json')
  t.equal(status, 1)
  t.match(json, {
    interfaces: [
      { nic: 'eth0', network: 'default/a', verdict: { kind: 'address', addresses: [{ pool: 'web' }] } },
      { nic: 'net1', network: 'default/b', verdict: { addresses: [{ address: '172.21.0.10/16', pool: 'net-b' }] } },
      { nic: 'side', network: 'default/c', verdict: { kind: 'other', message: /it has: host-local/ } },
      {
        nic: 'net3',
        network: 'default/d',
        pools: [{ dropped: /is for network default\/b/ }],
        verdict: { kind: 'refused' },
      },
      { nic: 'net4', network: 'default/e', verdict: { message: /no NetworkAttachmentDefinition default\/e/ } },
    ],
  })
})

t.test('trace pod: the next pod of a StatefulSet keeps the address of the record', async t => {
  const selector = { matchLabels: { app: 'db' } }
  const template = { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const set = await cluster.api.create('statefulsets', {
    ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'default' } },
    spec: { replicas: 1, serviceName: 'db', selector, template },
  })
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: set.metadata.uid ?? '' }
  const before = await cluster.pod('db-0', poolAnnotation('web'), { owner })
  const [its = ''] = ((await bench.sandbox(before).add()).ips ?? []).map(one => one.address)
  await cluster.removePod(before)
  await cluster.pod('db-0', poolAnnotation('web'), { owner })
  t.match((await ctl('trace pod db-0 -o json')).json, { interfaces: [{ verdict: { addresses: [{ address: its }] } }] })
  t.match((await ctl('who pod/default/db-0 -o json')).json, [{ address: its.split('/')[0], podUid: before.uid }])
})

t.test('trace pod: the last error of the Events, with its remedy', async t => {
  const full = await cluster.pod('late', poolAnnotation('off'))
  const { code, msg = '' } = await bench.sandbox(full).add()
  const { json } = await ctl('trace pod late -o json')
  t.match(json, { lastError: { reason: 'FailedIPAllocation', message: msg, remedy: { code } } })
})

t.test("trace pod: the lines of this node's logs that name the pod", async t => {
  const line = (n: number, name: string): string =>
    JSON.stringify({ ts: `2026-12-01T00:00:0${n}.000Z`, msg: `line ${n}`, pod: `default/${name}` })
  writeFileSync(join(folder, 'coordinator.log'), `${line(3, 'late')}\n`)
  writeFileSync(join(folder, 'spiderpool.log'), [line(1, 'late'), line(2, 'later'), line(4, 'late'), ''].join('\n'))
  const { json, stderr } = await ctl(`trace pod late --log-dir ${folder} -o json`)
  t.match(json, { nodeLog: [/line 1/, /line 3/, /line 4/] }, stderr)
  t.match((await ctl('trace pod late --log-dir /none -o json')).json, { nodeLog: { length: 0 } })
})

t.test('bad input: one sentence on stderr, nothing on stdout', async t => {
  const elsewhere = { env: { KUBECONFIG: join(folder, 'nowhere') } }
  for (const [line, status, words, options = {}] of [
    ['who 172.18.30', 2, /"172.18.30" is neither an IP address nor a MAC address/],
    ['who nope', 2, /there is no pod default\/nope/],
    ['who a/b/c/d', 2, /does not name a pod/],
    ['who', 2, /missing required argument 'what'/],
    ['pool show wbe', 2, /there is no SpiderIPPool "wbe"; did you mean "web"\?/],
    ['pol list', 2, /unknown command 'pol' \(Did you mean pool\?\)/],
    ['pool list --outputt json', 2, /unknown option '--outputt'/],
    ['pool list -o xml', 2, /'xml' is invalid/],
    ['pool list --context nope', 2, /names context "nope"/],
    ['pool list', 2, /nowhere: there is no such file; set --kubeconfig or KUBECONFIG/, elsewhere],
    ['trace pod', 2, /the pod is missing/],
    [`trace pod --as ${folder}/none`, 2, /--as .*none cannot be read/],
    ['trace pod --as -', 2, /--as -: it is a Service/, { stdin: 'kind: Service\nmetadata: {name: a}\n' }],
  ] as const) {
    const reply = await ctl(line, options)
    t.equal(reply.status, status, line)
    t.match(reply.stderr, words, line)
    t.equal(reply.stderr.trim().split('\n').length, 1, reply.stderr)
    t.equal(reply.stdout, '', line)
  }
})

t.test('a server that does not answer is status 3', async t => {
  const file = join(folder, 'closed')
  const server = { clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }] }
  const context = { contexts: [{ name: 'c', context: { cluster: 'c' } }], 'current-context': 'c' }
  writeFileSync(file, JSON.stringify({ ...server, ...context }))
  t.equal((await ctl(`who 10.0.0.1 --kubeconfig ${file}`)).status, 3)
})

t.test('release: never of a pod that lives; of one that is gone, once', async t => {
  const alive = await ctl(`release ${address} --force`)
  t.equal(alive.status, 1)
  t.match(alive.stderr, /is not released: pod default\/web-0 uses it/)
  t.equal((await ctl(`who ${address}`)).status, 0)
  const gone = await cluster.pod('gone', poolAnnotation('web'))
  const [its = ''] = ((await bench.sandbox(gone).add()).ips ?? []).map(one => one.address.split('/')[0] ?? '')
  await cluster.removePod(gone)
  const released = await ctl(`release ${its}`)
  t.strictSame([released.status, released.stderr], [0, ''])
  t.match(released.stdout, `spideripaddress/${its} released: pod default/gone does not exist`)
  t.match(await ctl(`who ${its}`), { status: 1, stderr: /spiderpoolctl released .*pod default\/gone does not exist/ })
  const again = await ctl(`release ${its}`)
  t.strictSame([again.status, again.stdout], [1, ''])
  t.match(again.stderr, /is not allocated/)
  t.match(await ctl('release 1.2.3'), { status: 2, stderr: /"1.2.3" is not an IP address/ })
})

t.test('quarantine list and who MAC: the address and the other host; release --force ends it', async t => {
  t.strictSame([(await ctl('quarantine list')).status, (await ctl('quarantine list -o json')).json], [0, []])
  const none = { namespace: '', name: '', uid: '' }
  await cluster.api.create('spideripaddresses', {
    ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPAddress' },
    metadata: {
      name: '172.19.0.12',
      labels: { 'ipam.spidernet.io/pod-uid': '', 'ipam.spidernet.io/conflict': '0a-1b-00-00-00-01' },
      annotations: { 'ipam.spidernet.io/conflict-since': '2026-12-01T00:00:00.000Z' },
    },
    spec: {
      ...{ address: '172.19.0.12/16', ipVersion: 4, pool: 'off', nic: '', node: 'n1', containerID: '' },
      ...{ pod: none, owner: { apiVersion: '', kind: '', name: '' } },
    },
  })
  const row = {
    address: '172.19.0.12',
    state: 'quarantined',
    mac: '0a:1b:00:00:00:01',
    since: '2026-12-01T00:00:00.000Z',
  }
  for (const line of ['quarantine list -o json', 'who 0A:1B:00:00:00:01 -o json', 'who 172.19.0.12 -o json']) {
    const { json, status } = await ctl(line)
    t.match(json, [row], line)
    t.equal(status, 1, line)
  }
  t.match(await ctl('release 172.19.0.12'), { status: 1, stderr: /quarantined.*; --force releases it/ })
  t.equal((await ctl('release 172.19.0.12 --force')).status, 0)
  t.equal((await ctl('quarantine list')).stdout, 'no address is quarantined\n')
})

interface Traced {
  readonly verdict: object
  readonly pools: readonly { readonly pool: string; readonly dropped: string }[]
}

const SITUATIONS = Number(process.env['SITUATIONS'] ?? 25)

t.test(`trace pod agrees with the ADD in ${SITUATIONS} random situations`, async t => {
  const seed = Number(process.env['SEED'] ?? 1)
  const random = randomFrom(seed)
  const pick = <T>(...all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
  for (let n = 0; n < SITUATIONS; n++) {
    const names = [`s${n}a`, `s${n}b`]
    for (const [at, name] of names.entries()) {
      const spec = {
        subnet: `10.${n}.${at}.0/24`,
        ips: pick([], [`10.${n}.${at}.10-10.${n}.${at}.11`]),
      }
      const rule = pick(
        {},
        {},
        { disable: true },
        { nodeName: ['n2'] },
        { nodeName: ['n1'] },
        { namespaceName: ['other'] },
        { podAffinity: { matchLabels: { app: 'a' } } },
        { multusName: ['default/net'] },
      )
      await cluster.pool(name, { ...spec, ...rule })
    }
    const annotation = pick(
      JSON.stringify({ ipv4: names }),
      JSON.stringify({ ipv4: [names[1], names[0]] }),
      JSON.stringify({ ipv4: [`s${n}*`] }),
      JSON.stringify({ ipv4: ['missing'] }),
      '{}',
      'no JSON',
    )
    const one = await cluster.pod(
      `s${n}`,
      { 'ipam.spidernet.io/ippool': annotation },
      { labels: { app: pick('a', 'b') } },
    )
    const { json } = await ctl(`trace pod s${n} -o json`)
    const [traced] = (json as { interfaces: readonly Traced[] }).interfaces
    const { ips, code, msg } = await bench.sandbox(one).add()
    const expected = ips
      ? {
          kind: 'address',
          addresses: ips.map(ip => ({
            pool: names.find((_, at) => ip.address.startsWith(`10.${n}.${at}.`)),
          })),
        }
      : { kind: 'refused', remedy: { code }, message: (msg ?? '').replace(/^spiderpool IP allocation error: /, '') }
    t.match(traced?.verdict, expected, `seed ${seed}, situation ${n}: ${annotation}`)
    if (code !== 104) continue
    const dropped = (traced?.pools ?? []).map(({ pool, dropped: why }) => `${pool} ${why}`)
    for (const reason of dropped) t.match(msg, reason, `seed ${seed}, situation ${n}`)
  }
})
