// `trace pod` and the real ADD in generated situations: the same address of the same pool, or the
// same refusal. TRACES is how many; SEED is the first.
import t from 'tap'
import { SPIDER } from '../../../fixtures/cluster.js'
import { runExecutable } from '../../../fixtures/executable.js'
import { openIpam } from '../../../fixtures/ipam.js'
import { situationOf, type Situation } from './situations.js'

const TRACES = Number(process.env['TRACES'] ?? 15)
const FIRST = Number(process.env['SEED'] ?? 1)
const bench = await openIpam({ standalone: true })
const { cluster, kubeconfig } = bench
t.teardown(() => bench.stop())
const spider = { apiVersion: 'spiderpool.spidernet.io/v2beta1' }

interface Traced {
  readonly interfaces: readonly {
    readonly pools: readonly { readonly pool: string; readonly dropped: string }[]
    readonly verdict: {
      readonly kind: string
      readonly message?: string
      readonly remedy?: { readonly code: number }
      readonly addresses?: readonly { readonly address: string; readonly pool: string }[]
    }
  }[]
}

/** A holder of each of the first addresses of a pool. */
async function take(pool: string, ips: readonly string[], count: number): Promise<void> {
  const { metadata } = await cluster.api.read(`${SPIDER}/spiderippools/${pool}`)
  const [first = ''] = ips[0]?.split('-') ?? []
  for (let at = 0; at < count; at++) {
    const ip = first.includes(':')
      ? `${first.slice(0, -2)}${(16 + at).toString(16)}`
      : `${first.replace(/\d+$/, '')}${10 + at}`
    const groups = ip.split('::')
    const head = (groups[0] ?? '').split(':')
    const full = [...head, ...Array.from({ length: 7 - head.length }, () => '0'), groups[1] ?? '0']
    const name = ip.includes(':') ? full.map(one => one.padStart(4, '0')).join('-') : ip
    const holder = { namespace: 'default', name: 'other', uid: `other-${name}` }
    await cluster.api.create('spideripaddresses', {
      ...{ ...spider, kind: 'SpiderIPAddress' },
      metadata: {
        name,
        labels: { 'ipam.spidernet.io/ippool-uid': metadata.uid, 'ipam.spidernet.io/pod-uid': holder.uid },
      },
      spec: {
        ...{
          address: ip.includes(':') ? `${ip}/64` : `${ip}/24`,
          ipVersion: ip.includes(':') ? 6 : 4,
          pool,
          nic: 'eth0',
          node: 'x',
        },
        ...{ containerID: 'x', pod: holder, owner: { apiVersion: 'v1', kind: 'Pod', name: 'other' } },
      },
    })
  }
}

async function make({ seed, pools, reserved, podLabels, podAnnotations, namespace, node }: Situation) {
  await cluster.api.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: node })
  for (const { name, spec, taken } of pools) {
    await cluster.pool(name, spec)
    await take(name, (spec as { readonly ips: readonly string[] }).ips, taken)
  }
  if (reserved.length > 0)
    for (const [at, ip] of reserved.entries())
      await cluster.api.create('spiderreservedips', {
        ...{ ...spider, kind: 'SpiderReservedIP', metadata: { name: `r${seed}-${at}` } },
        spec: { ips: [ip] },
      })
  return cluster.pod(`pod${seed}`, podAnnotations, { labels: podLabels, namespace: namespace.name, node: node.name })
}

/** The conf of an ADD without a network, or with the pools of one. */
async function network({ seed, ipam, namespace }: Situation): Promise<Readonly<Record<string, string>>> {
  if (Object.keys(ipam).length === 0) return {}
  await cluster.api.create('network-attachment-definitions', {
    ...{ apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition' },
    metadata: { name: `net${seed}`, namespace: namespace.name },
    spec: {
      config: JSON.stringify({
        cniVersion: '1.1.0',
        name: 'net', // as in the conf of the fixture
        plugins: [{ type: 'macvlan', ipam: { type: 'spiderpool', ...ipam } }],
      }),
    },
  })
  return { 'v1.multus-cni.io/default-network': `${namespace.name}/net${seed}` }
}

/** Of every error of the executable. */
const PREFIX = 'spiderpool IP allocation error: '
/** Pools of which the error says why they are dropped. */
const situationPools = <T extends { readonly pool: string }>(pools: readonly T[], msg: string): readonly T[] =>
  pools.filter(({ pool }) => new RegExp(`${pool} (is|does|was|has) `).test(msg))

const tally = { address: 0, refused: 0, dropped: 0 }
for (let seed = FIRST; seed < FIRST + TRACES; seed++)
  t.test(`trace pod agrees with the ADD of situation ${seed}`, async t => {
    const situation = situationOf(seed)
    await cluster.api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: situation.namespace })
    const annotations = await network(situation)
    const pod = await make({ ...situation, podAnnotations: { ...situation.podAnnotations, ...annotations } })
    const args = ['trace', 'pod', `${pod.namespace}/${pod.name}`, '-o', 'json']
    const { json, stderr } = await runExecutable({ name: 'spiderpoolctl', args, env: { KUBECONFIG: kubeconfig } })
    const traced = (json as Traced | undefined)?.interfaces[0]
    if (!traced) throw new Error(stderr)
    const answer = await bench.sandbox(pod).add('eth0', situation.ipam)
    const { verdict, pools } = traced
    if (answer.code === undefined) {
      tally.address++
      const given = (answer.ips ?? []).map(({ address }) => address)
      t.strictSame(
        { kind: verdict.kind, given: verdict.addresses?.map(({ address }) => address) },
        { kind: 'address', given },
        JSON.stringify(situation),
      )
      const dropped = pools.filter(one => one.dropped !== '').map(({ pool }) => pool)
      t.notOk(
        verdict.addresses?.some(({ pool }) => dropped.includes(pool)),
        'of no pool that it shows as dropped',
      )
    } else {
      tally.refused++
      t.strictSame(
        { kind: verdict.kind, code: verdict.remedy?.code, message: verdict.message },
        { kind: 'refused', code: answer.code, message: answer.msg?.replace(PREFIX, '') },
        JSON.stringify(situation),
      )
      const { msg = '', code } = answer
      for (const { pool } of code === 104 ? situationPools(pools, msg) : []) {
        tally.dropped++
        const reasons = pools.filter(one => one.pool === pool).map(({ dropped }) => dropped)
        t.ok(
          reasons.some(reason => reason !== '' && msg.includes(`${pool} ${reason}`)),
          `${pool}: ${reasons.join(' or ')}; the ADD says: ${msg}`,
        )
      }
    }
  })

t.test('the situations have both outcomes', async t => {
  t.comment(JSON.stringify(tally))
  t.ok(tally.address > 0 && tally.refused > 0, JSON.stringify(tally))
})
