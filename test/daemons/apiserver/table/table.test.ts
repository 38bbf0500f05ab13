// tableOf(): what kubectl prints for custom and built-in kinds.
import t from 'tap'
import { ageOf, humanDuration } from '../../../../daemons/apiserver/table/age.js'
import type { KindInfo } from '../../../../daemons/apiserver/schema/kinds.js'
import type { JsonObject, Stored } from '../../../../daemons/apiserver/schema/stored-object.js'
import { tableOf, type TableOptions } from '../../../../daemons/apiserver/table/table.js'
import { builtin, POOLS } from '../kinds.js'

const NOW = Date.parse('2026-01-02T00:00:00Z')
const options: TableOptions = { nowMs: NOW, includeObject: 'None' }

const stored = (fields: JsonObject, metadata: JsonObject = {}): Stored => ({
  apiVersion: 'v1',
  kind: 'X',
  ...fields,
  metadata: { name: 'a', uid: 'u', resourceVersion: '7', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
})
const cells = (kind: KindInfo, object: Stored): unknown => tableOf(kind, [object], options).rows[0]?.cells

const S = 1000
const M = 60 * S
const H = 60 * M
const D = 24 * H
const durations: readonly (readonly [ms: number, text: string])[] = [
  [-3 * S, '<invalid>'],
  [-1 * S, '0s'],
  [0, '0s'],
  [119 * S, '119s'],
  [2 * M, '2m'],
  [2 * M + 5 * S, '2m5s'],
  [10 * M + 5 * S, '10m'],
  [179 * M, '179m'],
  [3 * H + 4 * M, '3h4m'],
  [5 * H, '5h'],
  [8 * H + 4 * M, '8h'],
  [47 * H, '47h'],
  [2 * D, '2d'],
  [2 * D + 4 * H, '2d4h'],
  [8 * D + 4 * H, '8d'],
  [700 * D, '700d'],
  [730 * D, '2y'],
  [760 * D, '2y30d'],
  [9 * 365 * D + D, '9y'],
]
t.test('humanDuration() prints as kubectl does', t => {
  for (const [ms, text] of durations) t.strictSame(humanDuration(ms), text)
  t.strictSame([ageOf(undefined, NOW), ageOf('', NOW), ageOf('soon', NOW)], ['<unknown>', '<unknown>', '<invalid>'])
  t.end()
})

t.test('tableOf() of a custom kind has the columns of its CRD only', t => {
  const { columnDefinitions } = tableOf(POOLS, [], options)
  t.match(columnDefinitions, [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    {
      name: 'Subnet',
      type: 'string',
      description: 'Custom resource definition column (in JSONPath format): .spec.subnet',
    },
    { name: 'Used', type: 'integer' },
    { name: 'Default', type: 'boolean', description: 'given where none is named' },
    { name: 'App', type: 'string', priority: 10 },
    { name: 'Since', type: 'date' },
  ])
  t.match(tableOf({ ...POOLS, columns: [] }, [], options).columnDefinitions, [
    { name: 'Name' },
    { name: 'Age', type: 'date' },
  ])
  t.strictSame(tableOf(POOLS, [], { ...options, noHeaders: true }).columnDefinitions, [])
  t.end()
})

const custom: readonly (readonly [name: string, fields: JsonObject, cells: readonly unknown[]])[] = [
  [
    'all there',
    { spec: { subnet: 's', default: false, affinity: { matchLabels: { 'x.io/app': 'shop' } } }, status: { used: 3 } },
    ['a', 's', 3, false, 'shop', '24h'],
  ],
  ['nothing there: null, which prints as nothing', {}, ['a', null, null, null, null, '24h']],
  ['null', { spec: { subnet: null, default: null } }, ['a', null, null, null, null, '24h']],
  [
    'another type than the column has',
    { spec: { subnet: ['x', 1], default: 'yes' }, status: { used: '3' } },
    ['a', '["x",1]', null, null, null, '24h'],
  ],
  ['a number where text is shown', { spec: { subnet: 4 }, status: { used: 3.7 } }, ['a', '4', 3, null, null, '24h']],
]
for (const [name, fields, expected] of custom)
  t.test(`tableOf() cells of a custom kind: ${name}`, t => {
    t.strictSame(cells(POOLS, stored(fields)), expected)
    t.end()
  })

t.test('tableOf() leaves a column with an invalid JSONPath empty', t => {
  const kind = { ...POOLS, columns: [{ name: 'Bad', type: 'string', jsonPath: '.spec[' }] }
  t.strictSame(cells(kind, stored({})), ['a', null])
  t.end()
})

t.test('tableOf() rows follow includeObject', t => {
  const object = stored({ spec: { subnet: 's' } })
  const shown = (includeObject: TableOptions['includeObject'], version?: 'v1beta1'): unknown =>
    tableOf(POOLS, [object], { ...options, includeObject, ...(version && { version }) }).rows[0]?.object
  t.strictSame(shown('None'), null)
  t.strictSame(shown('Object'), object)
  t.strictSame(shown('Metadata'), {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: object.metadata,
  })
  t.match(shown('Metadata', 'v1beta1'), { apiVersion: 'meta.k8s.io/v1beta1' })
  t.match(tableOf(POOLS, [], { ...options, metadata: { resourceVersion: '9', continue: 'c' } }), {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '9', continue: 'c' },
  })
  t.end()
})

const running = { name: 'c', ready: true, restartCount: 0, state: { running: {} } }
const podOf = (status: JsonObject, spec: JsonObject = { containers: [{ name: 'c' }] }): JsonObject => ({ spec, status })
const pods: readonly (readonly [
  name: string,
  pod: JsonObject,
  metadata: JsonObject,
  ready: string,
  status: string,
  restarts: string,
])[] = [
  ['pending', podOf({ phase: 'Pending' }), {}, '0/1', 'Pending', '0'],
  ['running', podOf({ phase: 'Running', containerStatuses: [running] }), {}, '1/1', 'Running', '0'],
  [
    'creating',
    podOf({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] }),
    {},
    '0/1',
    'ContainerCreating',
    '0',
  ],
  [
    'crashing',
    podOf({
      phase: 'Running',
      containerStatuses: [
        {
          restartCount: 4,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { finishedAt: '2026-01-01T23:57:00Z' } },
        },
      ],
    }),
    {},
    '0/1',
    'CrashLoopBackOff',
    '4 (3m ago)',
  ],
  [
    'exited',
    podOf({ phase: 'Running', containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] }),
    {},
    '0/1',
    'ExitCode:3',
    '0',
  ],
  [
    'killed',
    podOf({ phase: 'Running', containerStatuses: [{ state: { terminated: { exitCode: 137, signal: 9 } } }] }),
    {},
    '0/1',
    'Signal:9',
    '0',
  ],
  [
    'one of two done',
    podOf(
      {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False' }],
        containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }, running],
      },
      { containers: [{}, {}] },
    ),
    {},
    '1/2',
    'NotReady',
    '0',
  ],
  [
    'initialising',
    podOf(
      {
        phase: 'Pending',
        initContainerStatuses: [{ state: { terminated: { exitCode: 0 } } }, { state: { running: {} } }],
      },
      { containers: [{}], initContainers: [{}, {}, {}] },
    ),
    {},
    '0/1',
    'Init:1/3',
    '0',
  ],
  [
    'init failed',
    podOf(
      {
        phase: 'Pending',
        initContainerStatuses: [{ restartCount: 2, state: { terminated: { exitCode: 1, reason: 'Error' } } }],
      },
      { containers: [{}], initContainers: [{}] },
    ),
    {},
    '0/1',
    'Init:Error',
    '2',
  ],
  ['evicted', podOf({ phase: 'Failed', reason: 'Evicted' }), {}, '0/1', 'Evicted', '0'],
  [
    'deleted',
    podOf({ phase: 'Running', containerStatuses: [running] }),
    { deletionTimestamp: '2026-01-01T23:59:00Z' },
    '1/1',
    'Terminating',
    '0',
  ],
  [
    'lost',
    podOf({ phase: 'Running', reason: 'NodeLost' }),
    { deletionTimestamp: '2026-01-01T23:59:00Z' },
    '0/1',
    'Unknown',
    '0',
  ],
]
for (const [name, pod, metadata, ready, status, restarts] of pods)
  t.test(`tableOf() of a pod that is ${name}`, t => {
    t.match(cells(builtin('Pod'), stored(pod, metadata)), [
      'a',
      ready,
      status,
      restarts,
      '24h',
      '<none>',
      '<none>',
      '<none>',
      '<none>',
    ])
    t.end()
  })

t.test('tableOf() marks a completed pod and shows its addresses', t => {
  const table = tableOf(
    builtin('Pod'),
    [stored(podOf({ phase: 'Succeeded', podIPs: [{ ip: '10.0.0.9' }] }, { nodeName: 'n1', containers: [] }))],
    options,
  )
  t.match(table.rows[0], {
    cells: ['a', '0/0', 'Succeeded', '0', '24h', '10.0.0.9', 'n1'],
    conditions: [{ type: 'Completed', status: 'True', reason: 'Succeeded' }],
  })
  t.end()
})

const template = {
  spec: {
    containers: [
      { name: 'c', image: 'i' },
      { name: 'd', image: 'j' },
    ],
  },
}
const selector = {
  matchLabels: { b: '2', a: '1' },
  matchExpressions: [
    { key: 'k', operator: 'In', values: ['y', 'x'] },
    { key: 'z', operator: 'Exists' },
  ],
}
const rows: readonly (readonly [kind: string, fields: JsonObject, cells: readonly unknown[]])[] = [
  ['Namespace', { status: { phase: 'Active' } }, ['a', 'Active', '24h']],
  [
    'Node',
    {
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        nodeInfo: { kubeletVersion: 'v1' },
        addresses: [{ type: 'InternalIP', address: '1.2.3.4' }],
      },
      spec: { unschedulable: true },
    },
    [
      'a',
      'Ready,SchedulingDisabled',
      '<none>',
      '24h',
      'v1',
      '1.2.3.4',
      '<none>',
      '<unknown>',
      '<unknown>',
      '<unknown>',
    ],
  ],
  [
    'Service',
    {
      spec: {
        clusterIP: '10.0.0.1',
        ports: [{ port: 80 }, { port: 53, nodePort: 30053, protocol: 'UDP' }],
        selector: { b: '2', a: '1' },
      },
    },
    ['a', 'ClusterIP', '10.0.0.1', '<none>', '80/TCP,53:30053/UDP', '24h', 'a=1,b=2'],
  ],
  [
    'Service',
    {
      spec: { type: 'LoadBalancer', externalIPs: ['9.9.9.9'] },
      status: { loadBalancer: { ingress: [{ ip: '8.8.8.8' }] } },
    },
    ['a', 'LoadBalancer', '<none>', '8.8.8.8,9.9.9.9', '<none>', '24h', '<none>'],
  ],
  [
    'Service',
    { spec: { type: 'LoadBalancer' } },
    ['a', 'LoadBalancer', '<none>', '<pending>', '<none>', '24h', '<none>'],
  ],
  [
    'Endpoints',
    {
      subsets: [
        {
          ports: [{ port: 80 }],
          addresses: [{ ip: '1.1.1.1' }, { ip: 'fd00::1' }, { ip: '3.3.3.3' }, { ip: '4.4.4.4' }],
        },
      ],
    },
    ['a', '1.1.1.1:80,[fd00::1]:80,3.3.3.3:80 + 1 more...', '24h'],
  ],
  ['ConfigMap', { data: { a: '1', b: '2' }, binaryData: { c: 'x' } }, ['a', '3', '24h']],
  ['Secret', { data: { a: '1' } }, ['a', 'Opaque', '1', '24h']],
  ['ServiceAccount', {}, ['a', '0', '24h']],
  [
    'Event',
    {
      lastTimestamp: '2026-01-01T23:00:00Z',
      firstTimestamp: '2026-01-01T00:00:00Z',
      type: 'Warning',
      reason: 'R',
      message: ' m\n',
      count: 5,
      involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'f' },
      source: { component: 'k', host: 'h' },
    },
    ['60m', 'Warning', 'R', 'pod/p', 'f', 'k, h', 'm', '24h', 5, 'a'],
  ],
  [
    'Deployment',
    {
      spec: { replicas: 3, template, selector },
      status: { readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 },
    },
    ['a', '2/3', 1, 2, '24h', 'c,d', 'i,j', 'a=1,b=2,k in (x,y),z'],
  ],
  ['ReplicaSet', { spec: { template }, status: { replicas: 1 } }, ['a', 1, 1, 0, '24h', 'c,d', 'i,j', '<none>']],
  ['StatefulSet', { spec: { replicas: 0, template } }, ['a', '0/0', '24h', 'c,d', 'i,j']],
  [
    'DaemonSet',
    { spec: { template: { spec: { nodeSelector: { x: 'y' } } }, selector: {} }, status: { desiredNumberScheduled: 2 } },
    ['a', 2, 0, 0, 0, 0, 'x=y', '24h', '', '', '<none>'],
  ],
  [
    'Job',
    {
      spec: { completions: 2, template },
      status: {
        succeeded: 2,
        startTime: '2026-01-01T00:00:00Z',
        completionTime: '2026-01-01T00:01:00Z',
        conditions: [{ type: 'Complete', status: 'True' }],
      },
    },
    ['a', 'Complete', '2/2', '60s', '24h', 'c,d', 'i,j', '<none>'],
  ],
  [
    'CronJob',
    { spec: { schedule: '@daily', jobTemplate: { spec: { template } } }, status: { active: [{}] } },
    ['a', '@daily', '<none>', 'False', 1, '<none>', '24h', 'c,d', 'i,j'],
  ],
  ['Lease', { spec: { holderIdentity: 'me' } }, ['a', 'me', '24h']],
  [
    'EndpointSlice',
    { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['1.1.1.1'] }] },
    ['a', 'IPv4', '80', '1.1.1.1', '24h'],
  ],
  ['ServiceCIDR', { spec: { cidrs: ['10.0.0.0/8', 'fd00::/64'] } }, ['a', '10.0.0.0/8,fd00::/64', '24h']],
  ['CustomResourceDefinition', {}, ['a', '2026-01-01T00:00:00Z']],
]
for (const [kind, fields, expected] of rows)
  t.test(`tableOf() of ${kind}: ${JSON.stringify(expected)}`, t => {
    t.strictSame(cells(builtin(kind), stored(fields)), expected)
    t.end()
  })

t.test('tableOf() shows the roles of a node by its labels', t => {
  const labels = {
    'node-role.kubernetes.io/worker': '',
    'node-role.kubernetes.io/control-plane': '',
    'kubernetes.io/role': 'worker',
  }
  t.match(cells(builtin('Node'), stored({}, { labels })), ['a', 'Unknown', 'control-plane,worker'])
  t.end()
})
