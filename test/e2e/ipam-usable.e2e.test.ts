// Addresses that no host can have: skipped in stored pools, refused in new ones.
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { openCluster, SPIDER } from '../fixtures/cluster.js'
import { first, openIpam } from '../fixtures/ipam.js'
import { poolOfSeed } from '../fixtures/pools.js'
import { randomFrom } from '../lib/ipam/world.js'

// Without admission, so that pools are stored as an older version did.
const ipam = await openIpam({ args: ['--no-admission'] })
const { cluster, name, sandbox, nicsOf } = ipam
t.teardown(() => ipam.stop())

const KEY = 'ipam.spidernet.io'
const V4 = (pool: string) => ({ [`${KEY}/ippool`]: JSON.stringify({ ipv4: [pool] }) })
const V6 = (pool: string) => ({ [`${KEY}/ippool`]: JSON.stringify({ ipv6: [pool] }) })
const bare = (address: string): string => address.split('/')[0] ?? ''

interface Row {
  readonly of: string
  readonly subnet: string
  readonly ips: readonly string[]
  readonly gateway?: string
  readonly usable: readonly string[]
}
const ROWS: readonly Row[] = [
  {
    ...{ of: 'a /30 of four', subnet: '172.29.0.0/30', ips: ['172.29.0.0-172.29.0.3'] },
    usable: ['172.29.0.1', '172.29.0.2'],
  },
  {
    ...{ of: 'a /31 (RFC 3021)', subnet: '172.29.1.0/31', ips: ['172.29.1.0-172.29.1.1'] },
    usable: ['172.29.1.0', '172.29.1.1'],
  },
  { of: 'a /32', subnet: '172.29.2.255/32', ips: ['172.29.2.255'], usable: ['172.29.2.255'] },
  {
    ...{ of: '.252-.255 of a /16', subnet: '172.28.0.0/16', ips: ['172.28.255.252-172.28.255.255'] },
    usable: ['172.28.255.252', '172.28.255.253', '172.28.255.254'],
  },
  {
    ...{ of: 'a pool with its gateway', subnet: '172.27.0.0/29', ips: ['172.27.0.1-172.27.0.3'] },
    ...{ gateway: '172.27.0.2', usable: ['172.27.0.1', '172.27.0.3'] },
  },
  { of: 'multicast addresses', subnet: '224.0.0.0/24', ips: ['224.0.0.5-224.0.0.6'], usable: [] },
  { of: 'loopback addresses', subnet: '127.0.0.0/24', ips: ['127.0.0.9'], usable: [] },
  { of: 'a /126', subnet: 'fd29::/126', ips: ['fd29::-fd29::3'], usable: ['fd29::1', 'fd29::2', 'fd29::3'] },
  { of: 'a /127 (RFC 6164)', subnet: 'fd29:1::/127', ips: ['fd29:1::-fd29:1::1'], usable: ['fd29:1::', 'fd29:1::1'] },
  { of: 'link-local addresses of IPv6', subnet: 'fe80::/64', ips: ['fe80::5'], usable: [] },
]

for (const [at, { of, subnet, ips, gateway, usable }] of ROWS.entries())
  t.test(`ADDs of a pool of ${of} return ${usable.join(', ') || 'nothing'}, and no more`, async t => {
    const pool = name(`row-${at}`)
    await cluster.pool(pool, { subnet, ips, ...(gateway !== undefined && { gateway }) })
    const annotations = subnet.includes(':') ? V6(pool) : V4(pool)
    const got: string[] = []
    for (let n = 0; n < usable.length; n++) {
      const pod = await cluster.pod(name(`row-${at}-${n}`), annotations)
      got.push(bare(first(await sandbox(pod).add())))
    }
    t.strictSame(got.sort(), usable)
    const full = await sandbox(await cluster.pod(name(`row-${at}-full`), annotations)).add()
    t.equal(full.code, 11)
    const unusable = eachCount(ips) - usable.length
    const words = unusable === 0 ? '' : `, ${unusable} that no pod can use`
    const counts = `(${usable.length} in all, ${usable.length} taken, 0 reserved${words}`
    t.ok(full.msg?.includes(counts), `${full.msg} | ${counts}`)
  })

/** How many addresses, of ranges within one last group. */
function eachCount(ips: readonly string[]): number {
  const last = (text: string): number => Number.parseInt(/[^.:]*$/.exec(text)?.[0] || '0', text.includes(':') ? 16 : 10)
  return ips.reduce((sum, text) => {
    const [from = '', to = from] = text.split('-')
    return sum + last(to) - last(from) + 1
  }, 0)
}

t.test('ADDs of random stored pools return every usable address and no other', async t => {
  let pools = 0
  for (let seed = 1; pools < 8; seed++) {
    const { pool, family, usable } = poolOfSeed(randomFrom(seed))
    if (usable.size === 0 || usable.size > 12) continue
    const own = name(`random-${seed}`)
    await cluster.pool(own, pool.spec)
    const annotations = family === 4 ? V4(own) : V6(own)
    const got: string[] = []
    for (let n = 0; n <= usable.size; n++) {
      const pod = await cluster.pod(name(`random-${seed}-${n}`), annotations)
      const answer = await sandbox(pod).add()
      if (answer.code === undefined) got.push(bare(first(answer)))
    }
    t.strictSame(got.sort(), [...usable].sort(), `seed ${seed}: ${JSON.stringify(pool.spec)}`)
    for (const { metadata } of await cluster.addresses(own))
      await cluster.api.remove(`${SPIDER}/spideripaddresses/${metadata.name}`)
    pools++
  }
})

t.test('ADD of a running pod keeps an unusable address; its StatefulSet successor gets another', async t => {
  const pool = name('kept')
  await cluster.pool(pool, { subnet: '172.26.0.0/16', ips: ['172.26.0.7', '172.26.255.255'] })
  const set = name('kept')
  const made = await cluster.api.create('statefulsets', {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: set, namespace: 'default' },
    spec: {
      ...{ replicas: 1, serviceName: set, selector: { matchLabels: { app: set } } },
      template: { metadata: { labels: { app: set } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  })
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: set, uid: made.metadata.uid ?? '' }
  const pod = await cluster.pod(`${set}-0`, V4(pool), { owner })
  t.equal(first(await sandbox(pod).add()), '172.26.0.7/16')
  // As an older version left it: the same pod, with the broadcast address.
  const [held] = await cluster.addresses(pool)
  await cluster.api.remove(`${SPIDER}/spideripaddresses/172.26.0.7`)
  const { metadata: before, ...address } = held as unknown as { metadata: { labels: object } }
  await cluster.api.create('spideripaddresses', {
    ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPAddress' },
    metadata: { name: '172.26.255.255', labels: before.labels },
    spec: { ...(address as { spec: object }).spec, address: '172.26.255.255/16' },
  })
  const path = `${SPIDER}/namespaces/default/spiderendpoints/${pod.name}`
  const record = await cluster.api.read(path)
  const text = JSON.stringify(record).replaceAll('172.26.0.7/16', '172.26.255.255/16')
  await cluster.api.replace(path, JSON.parse(text) as typeof record)
  const box = sandbox(pod)
  t.equal(first(await box.add()), '172.26.255.255/16', 'another sandbox of the same pod has what the pod has')
  await cluster.removePod(pod)
  await box.del()
  const after = await cluster.pod(`${set}-0`, V4(pool), { owner })
  t.equal(first(await sandbox(after).add()), '172.26.0.7/16')
  t.match(await nicsOf(after), [{ ipv4: '172.26.0.7/16' }])
  t.strictSame(
    (await cluster.addresses(pool)).map(({ metadata }) => metadata.name),
    ['172.26.0.7'],
    'what the pod before it had is released',
  )
})

t.test('standalone server counts usable addresses, and refuses a pool without any', async t => {
  const server = await startApiserver({ standalone: true })
  t.teardown(() => server.stop())
  const own = openCluster(server.kubeconfig)
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ subnet: '224.0.0.0/24' }, /spec\.subnet: Invalid value: "224\.0\.0\.0\/24": no pod can use an address of it/],
    [{ subnet: 'fe80::/64' }, /spec\.subnet: Invalid value: "fe80::\/64": no pod can use an address of it/],
    [
      { subnet: '172.29.0.0/30', ips: ['172.29.0.0', '172.29.0.3'] },
      /spec\.ips: Invalid value: .*172\.29\.0\.0 is the network address of 172\.29\.0\.0\/30, 172\.29\.0\.3 is the broadcast/,
    ],
    [
      { subnet: '172.18.0.0/16', gateway: '172.18.255.255' },
      /spec\.gateway: Invalid value: "172\.18\.255\.255": it is the broadcast address of 172\.18\.0\.0\/16; name/,
    ],
    [{ subnet: '172.18.0.0/16', multusName: ['a/b/c'] }, /spec\.multusName\[0\]: Invalid value: "a\/b\/c"/],
    [
      { subnet: '172.18.0.0/16', ips: ['172.18.1.0/24'] },
      /: it is a CIDR; write a range: 172\.18\.1\.1-172\.18\.1\.254/,
    ],
  ]
  for (const [spec, sentence] of refused) await t.rejects(own.pool('wrong', spec), sentence)
  await t.rejects(
    own.api.create('spidersubnets', {
      ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderSubnet', metadata: { name: 'wrong' } },
      spec: { subnet: '127.0.0.0/8' },
    }),
    /spec\.subnet: Invalid value: "127\.0\.0\.0\/8": no pod can use an address of it: .* is a loopback address/,
  )
  await own.pool('whole', { subnet: '172.18.1.0/24', ips: ['172.18.1.0-172.18.1.255'] })
  for (let tries = 0; tries < 50; tries++) {
    const { status } = (await own.api.read(`${SPIDER}/spiderippools/whole`)) as { status?: { totalIPCount?: number } }
    if (status?.totalIPCount !== undefined) {
      t.equal(status.totalIPCount, 254)
      return
    }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  t.fail('the status was not written')
})
