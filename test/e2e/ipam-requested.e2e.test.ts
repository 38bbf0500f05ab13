// Requested addresses: capability `ips`, args.cni.ips, IP of CNI_ARGS.
import t from 'tap'
import { containerId, type PodRef } from '../fixtures/cluster.js'
import { cniEnv, runExecutable } from '../fixtures/executable.js'
import { first, openIpam, type Answer } from '../fixtures/ipam.js'
import { restOf } from '../fixtures/rest.js'

const ipam = await openIpam()
const { cluster, name, sandbox, holders } = ipam
const rest = restOf(ipam.kubeconfig)
t.teardown(async () => {
  rest.close()
  await ipam.stop()
})

interface Asking {
  readonly more?: object
  readonly args?: string
  readonly nic?: string
  readonly pools?: readonly string[]
  readonly pools6?: readonly string[]
}

async function add(
  pod: PodRef,
  { more = {}, args = '', nic = 'eth0', pools = [], pools6 = [] }: Asking,
): Promise<Answer> {
  const env = cniEnv({ verb: 'ADD', containerID: containerId(), netns: ipam.netns, ifName: nic, pod })
  const of = { type: 'spiderpool', kubeconfig: ipam.kubeconfig, log_file_path: '/dev/null' }
  const conf = { ...of, default_ipv4_ippool: pools, default_ipv6_ippool: pools6 }
  const stdin = JSON.stringify({ cniVersion: '1.0.0', name: 'net', type: 'any', ipam: conf, ...more })
  const { json, status } = await runExecutable({
    name: 'spiderpool-ipam',
    env: { ...env, CNI_ARGS: `${env['CNI_ARGS']}${args}` },
    stdin,
  })
  t.equal(status, (json as Answer).code === undefined ? 0 : 1)
  return json as Answer
}

await cluster.pool(name('req'), {
  subnet: '10.193.0.0/24',
  ips: ['10.193.0.10-10.193.0.19'],
  excludeIPs: ['10.193.0.15'],
})
await cluster.pool(name('req6'), { subnet: 'fd93::/64', ips: ['fd93::10-fd93::19'] })
await cluster.pool(name('else'), { subnet: '10.194.0.0/24', ips: ['10.194.0.10-10.194.0.19'] })
const pools = [name('req')]
const both = { pools, pools6: [name('req6')] }

const FOLLOWED: readonly (readonly [of: string, asking: Asking, ips: readonly string[]])[] = [
  ['the capability ips', { pools, more: { runtimeConfig: { ips: ['10.193.0.11/24'] } } }, ['10.193.0.11/24']],
  ['args.cni.ips', { pools, more: { args: { cni: { ips: ['10.193.0.12'] } } } }, ['10.193.0.12/24']],
  ['IP= of CNI_ARGS', { pools, args: ';IP=10.193.0.13' }, ['10.193.0.13/24']],
  [
    'both families',
    { ...both, more: { runtimeConfig: { ips: ['fd93::15', '10.193.0.14'] } } },
    ['10.193.0.14/24', 'fd93::15/64'],
  ],
]
for (const [of, asking, ips] of FOLLOWED)
  t.test(`ADD allocates ${of}`, async t => {
    const pod = await cluster.pod(name(`follow-${FOLLOWED.findIndex(([one]) => one === of)}`))
    const answer = await add(pod, asking)
    t.strictSame(
      answer.ips?.map(({ address }) => address),
      ips,
    )
    t.strictSame((await add(pod, asking)).ips, answer.ips, 'and again in the next sandbox')
  })

t.test('ADD refuses a request with the reason, and allocates nothing', async t => {
  const holder = await cluster.pod(name('holder'))
  await add(holder, { pools, args: ';IP=10.193.0.16' })
  const { status } = await rest.ask('POST', '/apis/spiderpool.spidernet.io/v2beta1/spiderreservedips', {
    body: {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderReservedIP',
      metadata: { name: name('printers') },
      spec: { ips: ['10.193.0.17'] },
    },
  })
  t.equal(status, 201)
  const before = await holders(name('req6'))
  const REFUSED: readonly (readonly [ip: string, code: number, says: RegExp])[] = [
    ['10.193.0.16', 11, new RegExp(`is taken by pod default/${holder.name}; ask for another`)],
    ['10.193.0.17', 103, /is reserved by SpiderReservedIP printers/],
    ['10.193.0.15', 103, /is in spec\.excludeIPs of SpiderIPPool req/],
    ['10.194.0.10', 103, /is in no IPv4 pool that the pod may use \(req-\d+\)/],
    ['10.193.0.18/16', 103, /pool req-\d+ has subnet prefix length 24; write 10\.193\.0\.18\/24/],
    ['ten', 103, /IP=ten of CNI_ARGS is "ten"; write an IPv4 or IPv6 address/],
  ]
  for (const [ip, code, says] of REFUSED) {
    const pod = await cluster.pod(name(`refused-${ip.replaceAll(/[./]/g, '-')}`))
    const answer = await add(pod, { ...both, more: { runtimeConfig: { ips: ['fd93::18'] } }, args: `;IP=${ip}` })
    t.match(answer, { code, msg: says })
    t.match(answer.msg, /^spiderpool IP allocation error: /)
    t.strictSame(await holders(name('req6')), before, 'nothing of the other family is taken either')
  }
  const six = await add(await cluster.pod(name('six')), { pools, args: ';IP=fd93::19' })
  t.match(six, { code: 103, msg: /eth0 has pools of IPv4 only/ })
})

t.test(
  'ADD of a StatefulSet pod follows a request before its record, and keeps the record where it cannot',
  async t => {
    const labels = { a: 'b' }
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const spec = { selector: { matchLabels: labels }, template, replicas: 1, serviceName: 's' }
    const { body } = await rest.ask('POST', '/apis/apps/v1/namespaces/default/statefulsets', {
      body: { metadata: { name: name('set') }, spec },
    })
    const { uid } = body['metadata'] as unknown as { uid: string }
    const made = () =>
      cluster.pod(
        `${name('set')}-0`,
        {},
        { owner: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: name('set'), uid } },
      )
    const other = { pools: [name('else')] }
    await add(await cluster.pod(name('set-other')), { ...other, args: ';IP=10.194.0.12' })
    const one = await made()
    const recorded = first(await add(one, { ...other, args: ';IP=10.194.0.10' }))
    t.equal(recorded, '10.194.0.10/24')
    await cluster.removePod(one)
    const two = await made()
    t.match(await add(two, { ...other, args: ';IP=10.194.0.12' }), { code: 11, msg: /taken by pod/ })
    t.equal(first(await add(two, other)), recorded, 'without a request its record counts')
    t.equal(first(await add(two, { ...other, args: ';IP=10.194.0.13' })), '10.194.0.13/24')
    t.strictSame(
      (await holders(name('else'))).map(holder => holder.split(' ')[0]),
      ['10.194.0.12', '10.194.0.13'],
      'what it had went back',
    )
  },
)

t.test(
  'ADD of the second interface of ippools replaces the address of the first ADD with the requested one',
  async t => {
    const items = [
      { interface: 'eth0', ipv4: pools },
      { interface: 'net1', ipv4: [name('else')] },
    ]
    const pod = await cluster.pod(name('two'), { 'ipam.spidernet.io/ippools': JSON.stringify(items) })
    t.ok(first(await sandbox(pod).add()))
    t.equal(first(await add(pod, { nic: 'net1', args: ';IP=10.194.0.19' })), '10.194.0.19/24')
    t.equal((await holders(name('else'))).filter(holder => holder.includes(pod.name)).length, 1)
    t.match(await add(pod, { nic: 'net1', args: `;IP=${first(await sandbox(pod).add()).replace('/24', '')}` }), {
      code: 103,
    })
  },
)
