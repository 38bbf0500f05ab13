// The checker on a healthy cluster, on seeded damage, and on states that pass by themselves.
import t from 'tap'
import { differencesOf, isWrong, lasting, sentencesOf } from '../../../lib/check/decide.js'
import { DIFFERENCES, type DifferenceName } from '../../../lib/check/kinds.js'
import type { CheckState } from '../../../lib/check/state.js'
import { ip } from '../../../lib/ip/address.js'
import { healthy, NOW, repairedState, type Mutable } from './world.js'

type World = Mutable<CheckState>

interface Damage {
  readonly name: string
  readonly kind: DifferenceName
  readonly seed: (world: World) => void
  /** Left for a person: `repair` ends with exactly these. */
  readonly left?: readonly DifferenceName[]
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the table names an object that the world does not have')
  return value
}
const address = (world: World, name: string) => must(world.addresses.find(one => one.metadata.name === name))
const record = (world: World, name: string) => must(world.endpoints.find(one => one.metadata.name === name))
const pod = (world: World, name: string) => must(world.pods.find(one => one.metadata.name === name))
const pool = (world: World, name: string) => must(world.pools.find(one => one.metadata.name === name))
const dropPod = (world: World, name: string): void =>
  void (world.pods = world.pods.filter(one => one.metadata.name !== name))
const dropAddress = (world: World, name: string): void =>
  void (world.addresses = world.addresses.filter(one => one.metadata.name !== name))
const dropRecord = (world: World, name: string): void =>
  void (world.endpoints = world.endpoints.filter(one => one.metadata.name !== name))
const nic = (world: World, name: string, at = 0) => must(record(world, name).status.current.ips[at])

/** An address that is not in use, held for a pod. */
function stray(
  world: World,
  name: string,
  holder: Partial<World['addresses'][number]['spec']>,
  created = '2026-12-01T10:00:00Z',
): void {
  const one = structuredClone(address(world, '10.0.0.11'))
  one.metadata.name = name
  one.metadata.uid = `uid-${name}`
  one.metadata.creationTimestamp = created
  one.spec = { ...one.spec, address: `${name}/16`, ...holder }
  one.metadata.labels = { ...one.metadata.labels, 'ipam.spidernet.io/pod-uid': one.spec.pod.uid }
  world.addresses.push(one)
  const status = must(pool(world, 'v4').status)
  status.allocatedIPCount = (status.allocatedIPCount ?? 0) + 1
}

const GONE = { pod: { namespace: 'default', name: 'gone', uid: 'uid-gone' } }
const KERNEL = {
  ...{ node: 'n1', table: 500, rules: [], veths: [], neighs: [] },
  namespaces: {
    'cni-dual': [ip('10.0.0.10'), ip('fd00::10')],
    'cni-two': [ip('10.0.0.11'), ip('10.1.0.11')],
    'cni-db': [ip('10.0.0.12')],
  },
  routes: ['10.0.0.10', 'fd00::10', '10.0.0.11', '10.1.0.11', '10.0.0.12'].map(text => ({
    ...{ ip: ip(text), dev: 'veth00000000001' },
    step: { verb: 'removeLink', where: 'node', name: text } as const,
  })),
}
const withKernel = (world: World, change: (kernel: Mutable<NonNullable<CheckState['kernel']>>) => void): void => {
  const kernel = structuredClone(KERNEL) as unknown as Mutable<NonNullable<CheckState['kernel']>>
  change(kernel)
  world.kernel = kernel
}
const STEP = { verb: 'removeLink', where: 'node', name: 'stale' } as const

const DAMAGES: readonly Damage[] = [
  {
    name: 'spec.address of another address',
    kind: 'address-name',
    seed: w => void (address(w, '10.0.0.11').spec.address = '10.0.0.30/16'),
  },
  {
    name: 'a name that is no address',
    kind: 'address-name-invalid',
    seed: w => void (address(w, '10.0.0.11').metadata.name = 'ten-zero'),
  },
  {
    name: 'another prefix length',
    kind: 'address-prefix',
    seed: w => void (address(w, '10.0.0.11').spec.address = '10.0.0.11/24'),
  },
  { name: 'another ipVersion', kind: 'address-version', seed: w => void (address(w, '10.0.0.11').spec.ipVersion = 6) },
  { name: 'a pod that does not exist', kind: 'address-pod-gone', seed: w => stray(w, '10.0.0.20', GONE) },
  { name: 'a bare pod deleted without DEL', kind: 'address-pod-gone', seed: w => dropPod(w, 'two') },
  {
    name: 'an older pod of the name',
    kind: 'address-pod-replaced',
    seed: w => stray(w, '10.0.0.20', { pod: { namespace: 'default', name: 'two', uid: 'uid-old' } }),
  },
  {
    name: 'a pod that has ended',
    kind: 'address-pod-ended',
    seed: w => {
      pod(w, 'two').spec = { nodeName: 'n1', restartPolicy: 'Never' }
      pod(w, 'two').status = { phase: 'Failed' }
    },
  },
  {
    name: 'a pod of a set that was scaled down',
    kind: 'address-owner-gone',
    seed: w => {
      dropPod(w, 'db-0')
      w.sets = [{ metadata: { name: 'db', namespace: 'default' }, spec: { replicas: 0 } }]
    },
  },
  {
    name: 'a set that was deleted',
    kind: 'address-owner-gone',
    seed: w => {
      dropPod(w, 'db-0')
      w.sets = []
    },
  },
  { name: 'a second address of a running pod', kind: 'address-not-recorded', seed: w => stray(w, '10.0.0.20', {}) },
  {
    name: 'a retained address that the record does not name',
    kind: 'address-not-recorded',
    seed: w => {
      stray(w, '10.0.0.20', { pod: address(w, '10.0.0.12').spec.pod, owner: address(w, '10.0.0.12').spec.owner })
      dropPod(w, 'db-0')
    },
  },
  {
    name: 'a finalizer of another program',
    kind: 'address-terminating',
    seed: w => {
      stray(w, '10.0.0.20', GONE)
      Object.assign(address(w, '10.0.0.20').metadata, {
        deletionTimestamp: '2026-12-01T11:00:00Z',
        finalizers: ['a/b'],
      })
    },
  },
  {
    name: 'a holder that is gone, of an address that another pod uses',
    kind: 'address-holder',
    seed: w => void (address(w, '10.0.0.11').spec.pod = { namespace: 'default', name: 'gone', uid: 'uid-gone' }),
  },
  {
    name: 'a holder that neither uses nor records it',
    kind: 'address-holder',
    seed: w => void (address(w, '10.0.0.11').spec.pod = { namespace: 'default', name: 'dual', uid: 'uid-dual' }),
  },
  {
    name: 'another pod UID in the label',
    kind: 'address-pod-label',
    seed: w => Object.assign(must(address(w, '10.0.0.11').metadata.labels), { 'ipam.spidernet.io/pod-uid': 'x' }),
  },
  {
    name: 'another pool UID in the label',
    kind: 'address-pool-label',
    seed: w => Object.assign(must(address(w, '10.0.0.11').metadata.labels), { 'ipam.spidernet.io/ippool-uid': 'x' }),
  },
  {
    name: 'no node label',
    kind: 'address-node-label',
    seed: w =>
      void delete (address(w, '10.0.0.11').metadata.labels as Record<string, string>)['ipam.spidernet.io/node'],
  },
  { name: 'another node', kind: 'address-node', seed: w => void (address(w, '10.0.0.11').spec.node = 'n9') },
  { name: 'another interface', kind: 'address-nic', seed: w => void (address(w, '10.0.0.11').spec.nic = 'net7') },
  {
    name: 'an owner that is not the set',
    kind: 'address-owner',
    seed: w => void (address(w, '10.0.0.12').spec.owner = { apiVersion: 'v1', kind: 'Pod', name: 'db-0' }),
  },
  {
    name: 'a pool that does not have the address',
    kind: 'address-pool',
    seed: w => void (address(w, '10.0.0.11').spec.pool = 'b'),
  },
  {
    name: 'a pool that does not exist, and no other has the address',
    kind: 'address-pool-missing',
    seed: w => void (w.pools = w.pools.filter(one => one.metadata.name !== 'b')),
    left: ['address-pool-missing'],
  },
  {
    name: 'a pool that lost the address',
    kind: 'address-outside-pool',
    seed: w => {
      pool(w, 'b').spec.ips = ['10.1.0.12-10.1.0.20']
      must(pool(w, 'b').status).totalIPCount = 9
    },
    left: ['address-outside-pool'],
  },
  {
    name: 'excludeIPs has the address',
    kind: 'address-outside-pool',
    seed: w => {
      pool(w, 'b').spec.excludeIPs = ['10.1.0.11']
      must(pool(w, 'b').status).totalIPCount = 10
    },
    left: ['address-outside-pool'],
  },
  {
    name: 'the address is the gateway',
    kind: 'address-unusable',
    seed: w => {
      pool(w, 'b').spec.gateway = '10.1.0.11'
      must(pool(w, 'b').status).totalIPCount = 10
    },
    left: ['address-unusable'],
  },
  {
    name: 'the address is of a node',
    kind: 'address-of-node',
    seed: w => void (must(must(w.nodes[0]).status).addresses = [{ type: 'InternalIP', address: '10.0.0.11' }]),
    left: ['address-of-node'],
  },
  {
    name: 'a SpiderReservedIP of a held address',
    kind: 'address-reserved',
    seed: w => void w.reserved.push({ metadata: { name: 'r' }, spec: { ips: ['10.0.0.11'] } }),
    left: ['address-reserved'],
  },
  {
    name: 'two pods with one address',
    kind: 'address-used-twice',
    seed: w => void must(pod(w, 'two').status).podIPs?.push({ ip: '10.0.0.10' }),
    left: ['address-used-twice'],
  },
  {
    name: 'a quarantine of an hour',
    kind: 'quarantine-over',
    seed: w => {
      stray(w, '10.0.0.20', { pod: { namespace: '', name: '', uid: '' } })
      Object.assign(must(address(w, '10.0.0.20').metadata.labels), {
        'ipam.spidernet.io/conflict': '0a-00-00-00-00-01',
      })
      address(w, '10.0.0.20').metadata.annotations = { 'ipam.spidernet.io/conflict-since': '2026-12-01T11:00:00Z' }
    },
  },
  {
    name: 'a quarantine without a beginning',
    kind: 'quarantine-since',
    seed: w => {
      stray(w, '10.0.0.20', { pod: { namespace: '', name: '', uid: '' } })
      Object.assign(must(address(w, '10.0.0.20').metadata.labels), {
        'ipam.spidernet.io/conflict': '0a-00-00-00-00-01',
      })
    },
  },
  { name: 'a record without a pod', kind: 'record-pod-gone', seed: w => dropPod(w, 'two') },
  {
    name: 'a record of an older pod',
    kind: 'record-pod',
    seed: w => void (record(w, 'two').status.current.uid = 'uid-old'),
  },
  { name: 'a record that was deleted', kind: 'record-missing', seed: w => dropRecord(w, 'two') },
  {
    name: 'a record without an address in use',
    kind: 'record-incomplete',
    seed: w => void record(w, 'two').status.current.ips.shift(),
  },
  { name: 'a recorded address that no object holds', kind: 'record-unheld', seed: w => dropAddress(w, '10.1.0.11') },
  {
    name: 'a recorded address of another pod',
    kind: 'record-of-other',
    seed: w =>
      void record(w, 'two').status.current.ips.push({
        interface: 'net2',
        ipv4: '10.0.0.12/16',
        ipv4Pool: 'v4',
        vlan: 0,
      }),
  },
  {
    name: 'a recorded address that is none',
    kind: 'record-address',
    seed: w => Object.assign(nic(w, 'two', 1), { ipv4: '10.1.0/16' }),
  },
  {
    name: 'a recorded address of another prefix length',
    kind: 'record-address',
    seed: w => Object.assign(nic(w, 'two'), { ipv4: '10.0.0.11/24' }),
  },
  {
    name: 'another pool in the record',
    kind: 'record-pool',
    seed: w => Object.assign(nic(w, 'two'), { ipv4Pool: 'b' }),
  },
  {
    name: 'another node in the record',
    kind: 'record-node',
    seed: w => void (record(w, 'two').status.current.node = 'n9'),
  },
  {
    name: 'another node in the label of the record',
    kind: 'record-node-label',
    seed: w => void (record(w, 'two').metadata.labels = { 'ipam.spidernet.io/node': 'n9' }),
  },
  {
    name: 'no finalizer of the record',
    kind: 'record-finalizer',
    seed: w => void (record(w, 'two').metadata.finalizers = []),
  },
  {
    name: 'an interface twice in the record',
    kind: 'record-interface-twice',
    seed: w => void record(w, 'two').status.current.ips.push(structuredClone(nic(w, 'two'))),
  },
  {
    name: 'a record that is being deleted',
    kind: 'record-terminating',
    seed: w => void (record(w, 'two').metadata.deletionTimestamp = '2026-12-01T11:00:00Z'),
  },
  {
    name: 'an address in use without object and record',
    kind: 'pod-unheld',
    seed: w => {
      dropAddress(w, '10.0.0.11')
      dropRecord(w, 'two')
      dropAddress(w, '10.1.0.11')
    },
  },
  {
    name: 'a wrong count of allocated addresses',
    kind: 'pool-count',
    seed: w => void (must(pool(w, 'v4').status).allocatedIPCount = 9),
  },
  {
    name: 'a wrong size of the pool',
    kind: 'pool-total',
    seed: w => void (must(pool(w, 'v4').status).totalIPCount = 9),
  },
  {
    name: 'no finalizer of the pool',
    kind: 'pool-finalizer',
    seed: w => void (pool(w, 'v4').metadata.finalizers = []),
  },
  {
    name: 'an empty pool that is being deleted',
    kind: 'pool-terminating',
    seed: w => {
      const one = structuredClone(pool(w, 'b'))
      Object.assign(one.metadata, { name: 'old', uid: 'uid-old-pool', deletionTimestamp: '2026-12-01T11:00:00Z' })
      one.spec.ips = ['10.1.0.30']
      one.status = { allocatedIPCount: 0, totalIPCount: 1, allocatedIPsProjected: false }
      w.pools.push(one)
    },
  },
  {
    name: "a Go agent's entry of a pod that is gone",
    kind: 'pool-text-gone',
    seed: w =>
      void (pool(w, 'v4').status = {
        totalIPCount: 31,
        allocatedIPs: '{"10.0.0.30":{"pod":"default/gone","podUid":"uid-gone"}}',
      }),
  },
  {
    name: "a Go agent's entry of an address of another pod",
    kind: 'pool-text-other',
    seed: w =>
      void (pool(w, 'v4').status = {
        totalIPCount: 31,
        allocatedIPs: '{"10.0.0.11":{"pod":"default/dual","podUid":"uid-dual"}}',
      }),
    left: ['pool-text-other'],
  },
  {
    name: 'no link with the address',
    kind: 'node-missing',
    seed: w => withKernel(w, kernel => void (kernel.namespaces['cni-two'] = [ip('10.0.0.11')])),
    left: ['node-missing'],
  },
  {
    name: 'an address on a link that no object holds',
    kind: 'node-unheld',
    seed: w => withKernel(w, kernel => void (kernel.namespaces['cni-x'] = [ip('10.0.0.33')])),
    left: ['node-unheld'],
  },
  {
    name: 'an address on two links',
    kind: 'node-twice',
    seed: w => withKernel(w, kernel => void (kernel.namespaces['cni-x'] = [ip('10.0.0.10')])),
    left: ['node-twice'],
  },
  {
    name: 'a route of a pod that is gone',
    kind: 'node-route',
    seed: w => withKernel(w, kernel => void kernel.routes.push({ ip: ip('10.0.0.33'), dev: 'veth0', step: STEP })),
  },
  {
    name: 'no route to a pod',
    kind: 'node-route-missing',
    seed: w => withKernel(w, kernel => void kernel.routes.splice(3, 1)),
    left: ['node-route-missing'],
  },
  {
    name: 'a neighbour of a pod that is gone',
    kind: 'node-neigh',
    seed: w => withKernel(w, kernel => void kernel.neighs.push({ ip: ip('10.0.0.33'), dev: 'veth0', step: STEP })),
  },
  {
    name: 'a rule for an empty table',
    kind: 'node-rule',
    seed: w => withKernel(w, kernel => void kernel.rules.push({ text: '1000: from all lookup 500', step: STEP })),
  },
  {
    name: 'a veth without its other end',
    kind: 'node-veth',
    seed: w => withKernel(w, kernel => void kernel.veths.push({ name: 'veth00000000009', step: STEP })),
  },
]

t.test('differencesOf() finds nothing in a healthy cluster, with and without a kernel', async t => {
  t.strictSame(differencesOf(healthy()), [])
  const world = healthy()
  withKernel(world, () => undefined)
  t.strictSame(differencesOf(world), [])
})

for (const { name, kind, seed, left = [] } of DAMAGES)
  t.test(`differencesOf() finds ${kind}: ${name}; its repair ends clean`, async t => {
    const world = healthy()
    seed(world)
    const found = differencesOf(world)
    t.ok(
      found.some(one => one.kind === kind),
      JSON.stringify(found.map(one => [one.kind, one.what])),
    )
    const after = repairedState(world)
    t.strictSame([...new Set(differencesOf(after).map(one => one.kind))], left)
    const uses = (state: CheckState): readonly string[] =>
      state.pods
        .filter(one => one.status?.phase === 'Running')
        .flatMap(one => (one.status?.podIPs ?? []).map(each => each.ip))
        .sort()
    t.strictSame(uses(after), uses(world), 'no pod loses what it uses')
    const held = new Set(after.addresses.map(({ spec }) => spec.address.split('/')[0]))
    t.ok(
      uses(after).every(one => held.has(one)),
      'and each is held',
    )
  })

t.test('every kind has a row of damage', async t => {
  const seeded = new Set(DAMAGES.map(({ kind }) => kind))
  t.strictSame(
    Object.keys(DIFFERENCES).filter(kind => !seeded.has(kind as DifferenceName)),
    [],
  )
  t.ok(seeded.size >= 30)
})

/** States through which a healthy cluster passes: nothing may be found, or nothing twice. */
const PASSING: readonly { readonly name: string; readonly seed: (world: World) => void }[] = [
  {
    name: 'an ADD that has not written its record',
    seed: w => stray(w, '10.0.0.20', {}, new Date(NOW - 5_000).toISOString()),
  },
  {
    name: 'a pod between creation and ADD',
    seed: w =>
      void w.pods.push({
        metadata: { name: 'new', namespace: 'default', uid: 'uid-new' },
        spec: { nodeName: 'n1' },
        status: { phase: 'Pending' },
      }),
  },
  { name: 'a terminating pod', seed: w => void (pod(w, 'two').metadata.deletionTimestamp = '2026-12-01T11:59:59Z') },
  { name: 'a pod of a StatefulSet between two lives', seed: w => dropPod(w, 'db-0') },
  {
    name: 'the next pod of a StatefulSet before its ADD',
    seed: w => {
      pod(w, 'db-0').metadata.uid = 'uid-next'
      pod(w, 'db-0').status = { phase: 'Pending' }
    },
  },
  { name: 'a sandbox that is being replaced', seed: w => void (address(w, '10.0.0.11').spec.containerID = '') },
  {
    name: 'a container without a pod',
    seed: w => {
      stray(w, '10.0.0.20', {
        pod: { namespace: 'default', name: 'c', uid: 'c' },
        owner: { apiVersion: 'spiderpool.spidernet.io', kind: 'Container', name: 'c' },
      })
    },
  },
  {
    name: 'a quarantine that has begun',
    seed: w => {
      stray(w, '10.0.0.20', { pod: { namespace: '', name: '', uid: '' } })
      Object.assign(must(address(w, '10.0.0.20').metadata.labels), {
        'ipam.spidernet.io/conflict': '0a-00-00-00-00-01',
      })
      address(w, '10.0.0.20').metadata.annotations = { 'ipam.spidernet.io/conflict-since': '2026-12-01T11:59:00Z' }
    },
  },
]
for (const { name, seed } of PASSING)
  t.test(`differencesOf() finds nothing wrong in ${name}`, async t => {
    const world = healthy()
    seed(world)
    t.strictSame(sentencesOf(differencesOf(world)), [])
  })

t.test('lasting() keeps what both looks find on the same versions, once', async t => {
  const world = healthy()
  dropPod(world, 'two')
  const first = differencesOf(world)
  t.ok(first.length > 0)
  t.strictSame(lasting(first, first), first)
  address(world, '10.0.0.11').metadata.resourceVersion = '8'
  const kinds = lasting(first, differencesOf(world)).map(one => one.object)
  t.notOk(kinds.includes('spideripaddress/10.0.0.11'), 'an object that was written in between is not reported')
  t.ok(kinds.includes('spideripaddress/10.1.0.11'))
})

t.test('differencesOf() says nothing about kinds that could not be read', async t => {
  for (const [kind, field] of [
    ['pods', 'pods'],
    ['spiderendpoints', 'endpoints'],
    ['spideripaddresses', 'addresses'],
    ['spiderippools', 'pools'],
    ['statefulsets', 'sets'],
    ['nodes', 'nodes'],
  ] as const) {
    const world = { ...healthy(), [field]: [], unread: new Set([kind]) }
    if (kind === 'statefulsets') world.pods = world.pods.filter(one => one.metadata.name !== 'db-0')
    t.strictSame(differencesOf(world as CheckState).filter(isWrong), [], kind)
  }
})
