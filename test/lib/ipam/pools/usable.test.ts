// Candidate and usable pools: reads, patterns, and the refusals where none is left.
import t from 'tap'
import type { Pod, SpiderIPPool } from '../../../../lib/crd/types.js'
import type { Family } from '../../../../lib/ip/address.js'
import {
  defaultPools,
  namedPools,
  networkRule,
  PoolReader,
  usablePools,
  type SelectionContext,
  type CandidatePools,
} from '../../../../lib/ipam/pools/usable.js'
import type { PoolSource, PoolRequest } from '../../../../lib/ipam/pools/sources.js'
import { Memory, outcomeOf, poolObject } from '../../../fixtures/memory.js'

const v6 = { ipVersion: 6, subnet: 'fd00::/64' } as const
const POOLS = [
  poolObject('b-2', { default: true }),
  poolObject('b-1'),
  poolObject('six', v6),
  poolObject('b-6', { ...v6, default: true }),
  poolObject('zone', { nodeAffinity: { matchLabels: { zone: 'a' } } }),
  poolObject('team', { namespaceAffinity: { matchLabels: { team: 'x' } } }),
  poolObject('off', { disable: true }),
  poolObject('mine', { nodeName: ['n1'] }),
  poolObject('net', { multusName: ['other/net'] }),
]
const requestOf = (names: Partial<Record<Family, readonly string[]>>, index?: number): PoolRequest => ({
  ...{ nic: index === undefined ? 'eth0' : `#${index}`, index, cleanGateway: false },
  names: new Map(([4, 6] as const).flatMap(family => (names[family] ? [[family, names[family]] as const] : []))),
})
const source = (requests: readonly PoolRequest[]): PoolSource => ({
  from: 'HERE',
  says: 'TEXT',
  example: 'EXAMPLE',
  scope: 'call',
  requests,
})
const namesIn = ({ pools }: CandidatePools): object =>
  Object.fromEntries([...pools].map(([family, of]) => [family, of.map(({ metadata }) => metadata.name)]))
const BOTH: readonly Family[] = [4, 6]

const rows: readonly (readonly [
  of: string,
  requests: readonly PoolRequest[],
  families: readonly Family[],
  is: unknown,
])[] = [
  ['names in their order', [requestOf({ 4: ['b-2', 'b-1'], 6: ['six'] })], BOTH, [{ 4: ['b-2', 'b-1'], 6: ['six'] }]],
  ['a family that is off', [requestOf({ 4: ['b-1'], 6: ['six'] })], [4], [{ 4: ['b-1'] }]],
  ['a pattern, in the order of names and of its family', [requestOf({ 4: ['b-*'] })], BOTH, [{ 4: ['b-1', 'b-2'] }]],
  ['a pattern between names', [requestOf({ 4: ['mine', 'b-[2]', 'b-1'] })], BOTH, [{ 4: ['mine', 'b-2', 'b-1'] }]],
  [
    'two interfaces',
    [requestOf({ 4: ['b-1'] }, 0), requestOf({ 4: ['b-1'] }, 1)],
    BOTH,
    [{ 4: ['b-1'] }, { 4: ['b-1'] }],
  ],
  [
    'a pool that does not exist',
    [requestOf({ 4: ['none'] })],
    BOTH,
    'wrong input: HERE names SpiderIPPool "none", which does not exist; create it or name another',
  ],
  [
    'a pool that a pattern names too',
    [requestOf({ 4: ['b-1', 'b-*'] })],
    BOTH,
    'wrong input: HERE names SpiderIPPool "b-1" twice for IPv4; name it once',
  ],
  [
    'a pattern that matches none',
    [requestOf({ 4: ['x*'], 6: ['six'] })],
    BOTH,
    'no IPPool available: HERE: no IPv4 pool matches x*',
  ],
  [
    'a broken pattern',
    [requestOf({ 4: ['b-[]'] })],
    BOTH,
    'wrong input: HERE: pattern "b-[]": a class has "]" without \\; close it or escape it with \\',
  ],
  ['nothing', [requestOf({})], BOTH, 'no IPPool available: HERE names no pool for eth0: it is TEXT; write EXAMPLE'],
  [
    'nothing but a family that is off',
    [requestOf({ 6: ['six'] }, 1)],
    [4],
    'no IPPool available: HERE names no pool for interface 1 of the pod: it is TEXT: it has only IPv6, which is off (enableIPv6 of the CNI conf)',
  ],
]
for (const [of, requests, families, is] of rows)
  t.test(`namedPools() of ${of}`, async t => {
    const reader = new PoolReader(new Memory(POOLS).direct())
    const found = await outcomeOf(namedPools(source(requests), families, reader))
    t.strictSame(Array.isArray(found) ? (found as CandidatePools[]).map(namesIn) : found, is)
  })

t.test('PoolReader reads each pool once, all pools once, and no pattern by its name', async t => {
  const memory = new Memory(POOLS)
  const reader = new PoolReader(memory.direct())
  reader.expect(['b-1', 'b-*'])
  await Promise.all([reader.named('b-1'), reader.all(), reader.named('b-1'), reader.all()])
  t.strictSame(memory.calls, ['pool b-1', 'pools'])
})

const pod: Pod = { metadata: { namespace: 'default', name: 'p', labels: { app: 'web' } }, spec: { nodeName: 'n1' } }
const choice = (more: Partial<SelectionContext> = {}): SelectionContext => ({
  ...{ pod, owner: { apiVersion: 'v1', kind: 'Pod', name: 'p' }, agentNamespace: 'kube-system', clusterNetwork: '' },
  ...{ families: BOTH },
  ...more,
})

const NONE =
  'no IPPool available, no pool selection rules of any type are specified: neither pod default/p, its Namespace nor the CNI conf names a pool, and no SpiderIPPool'
const defaults: readonly (readonly [
  of: string,
  pools: readonly SpiderIPPool[],
  families: readonly Family[],
  is: unknown,
])[] = [
  ['both families', POOLS, BOTH, { 4: ['b-2'], 6: ['b-6'] }],
  ['one family', POOLS, [6], { 6: ['b-6'] }],
  ['a family without', POOLS.slice(0, 3), BOTH, { 4: ['b-2'] }],
  [
    'none',
    POOLS.slice(1, 3),
    BOTH,
    `${NONE} has spec.default true; write annotation ipam.spidernet.io/ippool: {"ipv4":["pool"]}`,
  ],
  [
    'none of the one family',
    POOLS.slice(0, 3),
    [6],
    `${NONE} of IPv6 has spec.default true; write annotation ipam.spidernet.io/ippool: {"ipv4":["pool"]}`,
  ],
]
for (const [of, pools, families, is] of defaults)
  t.test(`defaultPools() of ${of}`, async t => {
    const reader = new PoolReader(new Memory(pools).direct())
    const found = await outcomeOf(defaultPools(requestOf({}), choice({ families }), reader))
    t.strictSame(typeof found === 'string' ? found : namesIn(found as CandidatePools), is)
  })

const poolsOf = (names: readonly string[]): CandidatePools => ({
  request: requestOf({}),
  pools: new Map([[4, names.flatMap(name => POOLS.filter(({ metadata }) => metadata.name === name))]]),
})
const usable: readonly (readonly [
  of: string,
  names: readonly string[],
  more: Partial<SelectionContext>,
  is: unknown,
  calls: readonly string[],
])[] = [
  ['pools for everybody', ['b-2', 'b-1'], {}, ['b-2', 'b-1'], []],
  ['one for the node before one for everybody', ['b-1', 'mine'], {}, ['mine', 'b-1'], []],
  ['one for labels of the node', ['zone', 'off'], {}, ['zone'], ['labelsOfNode n1']],
  ['one for labels of the Namespace', ['team'], {}, ['team'], ['namespace default']],
  [
    'none, with why of each',
    ['off', 'six'],
    {},
    'no IPPool available for IPv4 of eth0 from HERE: off is disabled (spec.disable); six is IPv6, not IPv4',
    [],
  ],
  [
    "none of the master's subnet",
    ['b-1'],
    { master: () => Promise.resolve([]) },
    'no IPPool available for IPv4 of eth0 from HERE: b-1 has subnet 10.1.0.0/24, and the master has no address (match_master_subnet)',
    [],
  ],
]
for (const [of, names, more, is, calls] of usable)
  t.test(`usablePools() of ${of}`, async t => {
    const memory = new Memory(POOLS)
    memory.nodes.set('n1', { zone: 'a' })
    memory.namespaces.set('default', { labels: { team: 'x' } })
    const found = await outcomeOf(usablePools(poolsOf(names), 'HERE', choice(more), memory.direct()))
    const left = found instanceof Map ? (found.get(4) as SpiderIPPool[]).map(({ metadata }) => metadata.name) : found
    t.strictSame([left, memory.calls], [is, calls])
  })

t.test('networkRule() drops a pool for another network than the interface is in', async t => {
  const isOfNetwork = await networkRule('eth0', choice({ clusterNetwork: 'kube-system/own' }))
  t.strictSame(
    POOLS.filter(pool => !isOfNetwork(pool)).map(({ metadata }) => metadata.name),
    ['net'],
  )
  const unknown = await networkRule('eth0', choice())
  t.strictSame(POOLS.every(unknown), true)
})
