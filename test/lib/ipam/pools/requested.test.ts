// Sources of pool names in order, and the pool created from a SpiderSubnet. On objects in memory.
import t from 'tap'
import type { Pod } from '../../../../lib/crd/types.js'
import { labelsOfPool } from '../../../../lib/ipam/pools/subnet.js'
import { requestedPools, type RequestedPools, type RequestContext } from '../../../../lib/ipam/pools/requested.js'
import { Memory, outcomeOf, poolObject } from '../../../fixtures/memory.js'

const KEY = 'ipam.spidernet.io'
const SUBNET = { [`${KEY}/subnet`]: '{"ipv4":["s"]}' }
const SUBNETS = { [`${KEY}/subnets`]: '[{"ipv4":["s"]},{"interface":"net1","ipv4":["t"]}]' }
const MANY = { [`${KEY}/ippools`]: '[{"interface":"eth0","ipv4":["many"]}]' }
const ONE = { [`${KEY}/ippool`]: '{"ipv4":["one"]}' }
const OF_NAMESPACE = { [`${KEY}/default-ipv4-ippool`]: '["space"]' }
const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-web' }
const labels = labelsOfPool('s', 'eth0', 4, { namespace: 'default', owner })
const made = (name: string) => poolObject(name, { ips: ['10.1.0.1'] }, { metadata: { labels } })
const POOLS = [
  poolObject('many'),
  poolObject('one'),
  poolObject('space'),
  poolObject('conf'),
  poolObject('cluster', { default: true }),
  made('made'),
]

interface Row {
  readonly of: string
  readonly annotations?: Record<string, string>
  readonly namespace?: Record<string, string>
  readonly more?: Partial<RequestContext>
  readonly pools?: typeof POOLS
  /** `pool scope`, or the sentence. */
  readonly is: string
}
const conf = { ipv4: ['conf'], ipv6: [] }
const rows: readonly Row[] = [
  { of: 'a SpiderSubnet before all', annotations: { ...SUBNET, ...MANY, ...ONE }, is: 'made call' },
  { of: 'SpiderSubnets before one', annotations: { ...SUBNET, ...SUBNETS }, is: 'made call' },
  {
    of: 'pools where subnets are off',
    annotations: { ...SUBNET, ...MANY },
    more: { features: { subnets: false } },
    is: 'many all',
  },
  { of: 'ippools before ippool', annotations: { ...MANY, ...ONE }, namespace: OF_NAMESPACE, is: 'many all' },
  { of: 'ippool before the Namespace', annotations: ONE, namespace: OF_NAMESPACE, is: 'one call' },
  { of: 'the Namespace before the conf', namespace: OF_NAMESPACE, more: { conf }, is: 'space call' },
  { of: 'the conf before the cluster', more: { conf }, is: 'conf call' },
  { of: 'the default pools of the cluster', is: 'cluster call' },
  {
    of: 'a level that exists, whatever comes of it',
    annotations: { [`${KEY}/ippool`]: '{"ipv4":["none"]}' },
    is: `wrong input: annotation ${KEY}/ippool of pod default/p names SpiderIPPool "none", which does not exist; create it or name another`,
  },
  {
    ...{ of: 'a bare pod and a SpiderSubnet', annotations: SUBNET },
    more: { owner: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' } },
    is: `wrong input: annotation ${KEY}/subnet of pod default/p: a pod without a controller gets no pool of its own; name a SpiderIPPool instead`,
  },
  {
    ...{ of: 'a SpiderSubnet whose pool was not made', annotations: SUBNET, pools: [] },
    is: `no IPPool available: annotation ${KEY}/subnet of pod default/p: no pool was made for Deployment default/web, eth0, out of SpiderSubnet s`,
  },
  {
    ...{ of: 'a SpiderSubnet with two pools', annotations: SUBNET, pools: [made('a'), made('b')] },
    is: `no IPPool available: annotation ${KEY}/subnet of pod default/p: several pools are there for Deployment default/web, eth0, out of SpiderSubnet s: a, b; delete all but one`,
  },
]
for (const { of, annotations = {}, namespace = {}, more, pools = POOLS, is } of rows)
  t.test(`requestedPools() ${of}`, async t => {
    const pod: Pod = { metadata: { namespace: 'default', name: 'p', annotations } }
    const memory = new Memory(pools)
    memory.namespaces.set('default', { annotations: namespace })
    const wishing: RequestContext = {
      ...{
        pod,
        nic: 'eth0',
        owner,
        conf: { ipv4: [], ipv6: [] },
        cleanGateway: false,
        families: [4, 6],
        features: { subnets: true },
      },
      ...more,
    }
    const found = await outcomeOf(requestedPools(wishing, memory.direct()))
    if (typeof found === 'string') return void t.strictSame(found, is)
    const { named, scope } = found as RequestedPools
    const names = named.flatMap(one => [...one.pools.values()].flat().map(({ metadata }) => metadata.name))
    t.strictSame([...names, scope].join(' '), is)
  })

t.test('requestedPools() requests no SpiderSubnet of a disabled family', async t => {
  const annotations = { [`${KEY}/subnet`]: '{"ipv4":["s"],"ipv6":["s6"]}' }
  const pod: Pod = { metadata: { namespace: 'default', name: 'p', annotations } }
  const memory = new Memory(POOLS)
  const found = await requestedPools(
    { pod, nic: 'eth0', owner, conf, cleanGateway: true, families: [4], features: { subnets: true } },
    memory.direct(),
  )
  t.strictSame([...(found.named[0]?.pools.keys() ?? [])], [4])
  t.strictSame(found.named[0]?.request.cleanGateway, true)
})
