// stateOf() and withHeartbeat(): condition, taint, heartbeat.
import t from 'tap'
import {
  ipsOfNode,
  HEARTBEAT_MS_MAX,
  stateOf,
  withHeartbeat,
  type ClusterNode,
} from '../../../../../daemons/controller/reconcilers/address-gc/node.js'

const node = (status: string | undefined, ...taints: readonly string[]): ClusterNode => ({
  metadata: { name: 'n1' },
  spec: { taints: taints.map(key => ({ key })) },
  ...(status !== undefined && {
    status: {
      conditions: [
        { type: 'DiskPressure', status: 'True' },
        { type: 'Ready', status },
      ],
    },
  }),
})

const STATES: readonly (readonly [of: string, node: ClusterNode | undefined, state: string])[] = [
  ['is ready', node('True'), 'ready'],
  ['has no condition', node(undefined), 'ready'],
  ['is not ready', node('False'), 'notReady'],
  ['is unknown', node('Unknown'), 'notReady'],
  ['does not exist', undefined, 'notReady'],
  ['is out of service', node('Unknown', 'x', 'node.kubernetes.io/out-of-service'), 'outOfService'],
  ['is tainted otherwise', node('True', 'node.kubernetes.io/unreachable'), 'ready'],
]
for (const [of, object, state] of STATES)
  t.test(`stateOf() a node that ${of}: ${state}`, async t => t.equal(stateOf(object), state))

const NOW = Date.parse('2026-01-01T00:01:00Z')
const lease = (ago: number) => ({ metadata: { name: 'n1' }, spec: { renewTime: new Date(NOW - ago).toISOString() } })
t.test('withHeartbeat() makes a ready node notReady when its heartbeat stopped', async t => {
  t.equal(withHeartbeat('ready', lease(HEARTBEAT_MS_MAX), NOW), 'ready')
  t.equal(withHeartbeat('ready', lease(HEARTBEAT_MS_MAX + 1), NOW), 'notReady')
  t.equal(withHeartbeat('ready', undefined, NOW), 'ready')
  t.equal(withHeartbeat('ready', { metadata: { name: 'n1' } }, NOW), 'ready')
  t.equal(withHeartbeat('outOfService', lease(HEARTBEAT_MS_MAX + 1), NOW), 'outOfService')
})

t.test('ipsOfNode() reads addresses of both families, and no host name', async t => {
  const addresses = [
    { type: 'InternalIP', address: '10.6.0.11' },
    { type: 'InternalIP', address: 'fd06:0::11' },
    { type: 'Hostname', address: 'n1' },
  ]
  t.strictSame(ipsOfNode({ metadata: { name: 'n1' }, status: { addresses } }), ['10.6.0.11', 'fd06::11'])
  t.strictSame(ipsOfNode({ metadata: { name: 'n1' } }), [])
})
