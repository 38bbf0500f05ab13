// repairOf() and withAddresses(): records from what their pods hold.
import t from 'tap'
import {
  repairOf,
  withAddresses,
  type EndpointFacts,
} from '../../../../../daemons/controller/reconcilers/endpoint/decide.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../../../../../lib/crd/types.js'
import { poolOf } from '../../../../../lib/ipam/allocation/pool.js'

const address = (ip: string, uid = 'u1', nic = 'eth0'): SpiderIPAddress => ({
  apiVersion: '',
  kind: '',
  metadata: { name: ip },
  spec: {
    address: `${ip}/16`,
    ipVersion: ip.includes(':') ? 6 : 4,
    pool: ip.includes(':') ? 'p6' : 'p',
    nic,
    node: '',
    containerID: '',
    pod: { namespace: 'ns', name: 'a', uid },
    owner: { apiVersion: 'v1', kind: 'Pod', name: 'a' },
  },
})
const endpoint = (uid: string, addresses: readonly string[], metadata: object = {}): SpiderEndpoint => ({
  metadata: { name: 'a', namespace: 'ns', finalizers: ['spiderpool.spidernet.io'], ...metadata },
  status: {
    current: { uid, node: 'n', ips: addresses.map(ip => ({ interface: 'eth0', ipv4: `${ip}/16`, ipv4Pool: 'p' })) },
    ownerControllerType: 'Pod',
    ownerControllerName: 'a',
  },
})
const pod = (status: object = {}, metadata: object = {}): Pod => ({
  metadata: { name: 'a', namespace: 'ns', uid: 'u1', ...metadata },
  status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }], ...status },
})

const one = address('10.0.0.1')
const GOING = { deletionTimestamp: 't' }
const TRUE: EndpointFacts = {
  endpoint: endpoint('u1', ['10.0.0.1']),
  pod: pod(),
  addresses: [one],
  isRetained: false,
  inUse: new Set(),
}

const CASES: readonly (readonly [when: string, recorded: Partial<EndpointFacts>, repair: object])[] = [
  ['the record names what the pod holds', {}, { kind: 'none' }],
  ['the pod is gone and still holds addresses', { pod: undefined }, { kind: 'none' }],
  ['the pod is gone and its addresses are released', { pod: undefined, addresses: [] }, { kind: 'remove' }],
  [
    'only a newer pod’s addresses are left',
    { pod: undefined, addresses: [address('10.0.0.1', 'u2')] },
    { kind: 'remove' },
  ],
  [
    'the pod has finished and its addresses are released',
    { pod: pod({ phase: 'Succeeded' }), addresses: [] },
    { kind: 'remove' },
  ],
  ['the pod terminates and its addresses are released', { pod: pod({}, GOING), addresses: [] }, { kind: 'remove' }],
  [
    'the pod is gone and its successor will use the record',
    { pod: undefined, addresses: [], isRetained: true },
    { kind: 'none' },
  ],
  [
    'the record terminates with our finalizer',
    { pod: undefined, addresses: [], endpoint: endpoint('u1', [], GOING) },
    { kind: 'remove' },
  ],
  [
    'the record terminates with other finalizers',
    { pod: undefined, addresses: [], endpoint: endpoint('u1', [], { ...GOING, finalizers: ['x'] }) },
    { kind: 'none' },
  ],
  ['nothing exists', { pod: undefined, addresses: [], endpoint: undefined }, { kind: 'none' }],
  ['a pod without record and addresses runs', { addresses: [], endpoint: undefined }, { kind: 'none' }],
  ['the record of a running pod is gone', { endpoint: undefined }, { kind: 'record', uid: 'u1', addresses: [one] }],
  ['a pending pod has no record yet', { endpoint: undefined, pod: pod({ phase: 'Pending' }) }, { kind: 'none' }],
  [
    'Multus shows a NIC that the record leaves out',
    { addresses: [one, address('10.0.0.2', 'u1', 'net1')], inUse: new Set(['10.0.0.2']) },
    { kind: 'record', uid: 'u1', addresses: [address('10.0.0.2', 'u1', 'net1')] },
  ],
  [
    'the record leaves out an address that the pod does not use',
    { addresses: [one, address('10.0.0.2', 'u1', 'net1')] },
    { kind: 'none' },
  ],
  ['the record is of an earlier pod: its ADD is running', { endpoint: endpoint('u0', ['10.0.0.1']) }, { kind: 'none' }],
  [
    'the record names an address without a SpiderIPAddress',
    { addresses: [] },
    { kind: 'hold', address: '10.0.0.1/16', pool: 'p' },
  ],
  [
    'the record names an address that another pod holds',
    { addresses: [address('10.0.0.1', 'u9')] },
    { kind: 'hold', address: '10.0.0.1/16', pool: 'p' },
  ],
  [
    'the record of a live pod terminates',
    { endpoint: endpoint('u1', ['10.0.0.1'], GOING), addresses: [] },
    { kind: 'none' },
  ],
]
for (const [when, recorded, repair] of CASES)
  t.test(`repairOf() when ${when}`, async t => {
    const { kind, ...more } = repairOf({ ...TRUE, ...recorded })
    t.match({ kind, ...more }, repair)
    if (kind === 'none' || kind === 'remove') t.strictSame(more, {})
  })

const pools = {
  p: poolOf({ metadata: { name: 'p' }, spec: { subnet: '10.0.0.0/16', gateway: '10.0.0.254' } }, 4),
  p6: poolOf(
    { metadata: { name: 'p6' }, spec: { subnet: 'fd00::/16', routes: [{ dst: 'fd01::/64', gw: 'fd00::fe' }] } },
    6,
  ),
}
const poolNamed = (name: string) => (name === 'p' || name === 'p6' ? pools[name] : undefined)
t.test('withAddresses() adds gateway and routes of the pools', async t => {
  t.strictSame(withAddresses([{ interface: 'net1', vlan: 0 }], [one, address('fd00::1')], poolNamed), [
    { interface: 'net1', vlan: 0 },
    {
      interface: 'eth0',
      ipv4: '10.0.0.1/16',
      ipv4Pool: 'p',
      ipv4Gateway: '10.0.0.254',
      ipv6: 'fd00::1/16',
      ipv6Pool: 'p6',
      vlan: 0,
      cleanGateway: false,
      routes: [{ dst: 'fd01::/64', gw: 'fd00::fe' }],
    },
  ])
})
t.test('withAddresses() adds the other family, and only the address where the pool is gone', async t => {
  const known = [
    { interface: 'eth0', ipv4: '10.0.0.1/16', ipv4Pool: 'p', ipv4Gateway: '10.0.0.254', vlan: 0, cleanGateway: true },
  ]
  t.match(
    withAddresses(known, [address('fd00::1')], () => undefined),
    [{ ipv4: '10.0.0.1/16', ipv4Gateway: '10.0.0.254', ipv6: 'fd00::1/16', ipv6Pool: 'p6' }],
  )
})
