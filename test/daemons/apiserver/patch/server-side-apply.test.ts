// Server-side apply: merging, ownership, conflicts, removal.
import t from 'tap'
import { conflictError, serverSideApply, trackUpdate } from '../../../../daemons/apiserver/patch/server-side-apply.js'
import type { KindInfo } from '../../../../daemons/apiserver/schema/kinds.js'
import { fieldsOf, type JsonObject } from '../../../../daemons/apiserver/schema/stored-object.js'
import { builtin, POOLS } from '../kinds.js'

const T0 = Date.parse('2026-01-01T00:00:00Z')
const T1 = T0 + 60_000
const META = { name: 'a' }

interface Who {
  readonly manager?: string
  readonly force?: boolean
  readonly kind?: KindInfo
  readonly nowMs?: number
  readonly subresource?: 'status' | ''
}

function applyTo(
  live: JsonObject | undefined,
  applied: JsonObject,
  { manager = 'ann', force = false, kind = POOLS, nowMs = T0, subresource = '' }: Who = {},
): JsonObject {
  const outcome = serverSideApply({ live, applied, manager, force, kind, nowMs, subresource })
  if ('conflicts' in outcome) throw conflictError(outcome.conflicts)
  return outcome.object
}

const spec = (fields: JsonObject): JsonObject => ({
  apiVersion: 'example.com/v1beta1',
  kind: 'Pool',
  metadata: META,
  spec: fields,
})
const ownersOf = (object: JsonObject): unknown => {
  const list = fieldsOf(object['metadata'])['managedFields']
  return Array.isArray(list)
    ? list.map(e => [e.manager, e.operation, e.time, e.fieldsV1, ...(e.subresource ? [e.subresource] : [])])
    : undefined
}

t.test('serverSideApply() creates the object and owns the applied fields', t => {
  const object = applyTo(
    undefined,
    spec({
      subnet: '10.0.0.0/8',
      routes: [{ dst: 'd', gw: 'g' }],
      tags: ['x'],
      ips: ['1', '2'],
      notes: { a: 'b' },
      limits: {},
    }),
  )
  t.strictSame(object['spec'], {
    subnet: '10.0.0.0/8',
    routes: [{ dst: 'd', gw: 'g' }],
    tags: ['x'],
    ips: ['1', '2'],
    notes: { a: 'b' },
    limits: {},
  })
  t.strictSame(fieldsOf(object['metadata'])['managedFields'], [
    {
      manager: 'ann',
      operation: 'Apply',
      apiVersion: 'example.com/v1beta1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:spec': {
          'f:ips': {},
          'f:limits': {},
          'f:notes': { 'f:a': {} },
          'f:routes': { 'k:{"dst":"d"}': { '.': {}, 'f:dst': {}, 'f:gw': {} } },
          'f:subnet': {},
          'f:tags': { 'v:"x"': {} },
        },
      },
    },
  ])
  t.end()
})

// Two appliers in sequence, and the resulting spec.
const pairs: readonly (readonly [name: string, first: JsonObject, second: JsonObject, spec: JsonObject])[] = [
  ['fields of two appliers merge', { subnet: 's' }, { size: 1 }, { subnet: 's', size: 1 }],
  ['sets of two appliers unite', { tags: ['x', 'y'] }, { tags: ['z', 'y'] }, { tags: ['x', 'z', 'y'] }],
  [
    'list members merge by key',
    { routes: [{ dst: 'a', gw: '1' }, { dst: 'b' }] },
    { routes: [{ dst: 'b', metric: 3 }] },
    {
      routes: [
        { dst: 'a', gw: '1' },
        { dst: 'b', metric: 3 },
      ],
    },
  ],
  ['maps merge by key', { notes: { a: '1' } }, { notes: { b: '2' } }, { notes: { a: '1', b: '2' } }],
  [
    'the same value is no conflict',
    { ips: ['1'], subnet: 's' },
    { ips: ['1'], subnet: 's' },
    { ips: ['1'], subnet: 's' },
  ],
]
for (const [name, first, second, after] of pairs)
  t.test(`serverSideApply(): ${name}`, t => {
    t.strictSame(applyTo(applyTo(undefined, spec(first)), spec(second), { manager: 'bob' })['spec'], after)
    t.end()
  })

const conflicts: readonly (readonly [
  name: string,
  first: JsonObject,
  second: JsonObject,
  fields: readonly string[],
])[] = [
  ['another value', { subnet: 's' }, { subnet: 't' }, ['.spec.subnet']],
  ['an atomic list', { ips: ['1'] }, { ips: ['1', '2'] }, ['.spec.ips']],
  [
    'an atomic map',
    { affinity: { matchLabels: { a: 'b' } } },
    { affinity: { matchLabels: { c: 'd' } } },
    ['.spec.affinity'],
  ],
  [
    'a field of a list member',
    { routes: [{ dst: 'a', gw: '1' }] },
    { routes: [{ dst: 'a', gw: '2' }] },
    ['.spec.routes[dst="a"].gw'],
  ],
  ['two at once', { subnet: 's', size: 1 }, { subnet: 't', size: 2 }, ['.spec.size', '.spec.subnet']],
]
for (const [name, first, second, fields] of conflicts)
  t.test(`serverSideApply() of ${name} conflicts, and succeeds with force`, t => {
    const live = applyTo(undefined, spec(first))
    const outcome = serverSideApply({
      live,
      applied: spec(second),
      manager: 'bob',
      force: false,
      kind: POOLS,
      nowMs: T0,
    })
    if (!('conflicts' in outcome)) throw new Error('no conflict')
    const error = conflictError(outcome.conflicts)
    t.strictSame(error.code, 409)
    t.match(error.details, {
      causes: fields.map(field => ({ field, reason: 'FieldManagerConflict', message: 'conflict with "ann"' })),
    })
    const forced = applyTo(live, spec(second), { manager: 'bob', force: true })
    t.strictSame(forced['spec'], second)
    const again = applyTo(forced, spec(second), { manager: 'bob' })
    t.strictSame(again, forced, 'and then is theirs')
    t.end()
  })

t.test('conflictError() has the messages of kube-apiserver', t => {
  const live = trackUpdate({
    before: undefined,
    after: spec({ subnet: 's', size: 1 }),
    manager: 'kubectl-edit',
    kind: POOLS,
    nowMs: T0,
  })
  t.throws(() => applyTo(live, spec({ subnet: 't' })), {
    message: 'Apply failed with 1 conflict: conflict with "kubectl-edit" using example.com/v1beta1: .spec.subnet',
  })
  t.throws(() => applyTo(live, spec({ subnet: 't', size: 2 })), {
    message:
      'Apply failed with 2 conflicts: conflicts with "kubectl-edit" using example.com/v1beta1:\n- .spec.size\n- .spec.subnet',
  })
  const status = trackUpdate({
    before: live,
    after: { ...live, status: { used: 1 } },
    manager: 'ctl',
    kind: POOLS,
    nowMs: T0,
    subresource: 'status',
  })
  t.throws(() => applyTo(status, { ...spec({}), status: { used: 2 } }, { subresource: 'status' }), {
    message:
      'Apply failed with 1 conflict: conflict with "ctl" with subresource "status" using example.com/v1beta1: .status.used',
  })
  t.end()
})

const gone: readonly (readonly [name: string, first: JsonObject, then: JsonObject, after: JsonObject])[] = [
  ['a field', { subnet: 's', size: 1 }, { subnet: 's' }, { subnet: 's' }],
  ['a member of a set', { tags: ['x', 'y'] }, { tags: ['y'] }, { tags: ['y'] }],
  [
    'a member of a list',
    { routes: [{ dst: 'a' }, { dst: 'b' }] },
    { routes: [{ dst: 'b' }] },
    { routes: [{ dst: 'b' }] },
  ],
  ['a key of a map', { notes: { a: '1', b: '2' } }, { notes: { b: '2' } }, { notes: { b: '2' } }],
  ['a field and its parent', { subnet: 's', limits: { min: 1 } }, { subnet: 's' }, { subnet: 's' }],
]
for (const [name, first, then, after] of gone)
  t.test(`serverSideApply() removes ${name} that is no longer applied`, t => {
    t.strictSame(applyTo(applyTo(undefined, spec(first)), spec(then))['spec'], after)
    t.end()
  })

t.test('serverSideApply() keeps a field that another manager owns too', t => {
  const both = applyTo(applyTo(undefined, spec({ subnet: 's', size: 1 })), spec({ size: 1, routes: [{ dst: 'a' }] }), {
    manager: 'bob',
  })
  const less = applyTo(both, spec({ subnet: 's' }))
  t.strictSame(less['spec'], { subnet: 's', size: 1, routes: [{ dst: 'a' }] })
  t.end()
})

t.test('serverSideApply() keeps fields without an owner', t => {
  const live = applyTo(undefined, spec({ subnet: 's', size: 1 }))
  const defaulted = { ...live, spec: { ...fieldsOf(live['spec']), default: false } }
  t.strictSame(applyTo(defaulted, spec({ subnet: 's' }))['spec'], { subnet: 's', default: false })
  t.end()
})

t.test('serverSideApply() twice changes nothing, not even the time', t => {
  const live = applyTo(undefined, spec({ subnet: 's', routes: [{ dst: 'a' }] }))
  t.strictSame(applyTo(live, spec({ subnet: 's', routes: [{ dst: 'a' }] }), { nowMs: T1 }), live)
  t.end()
})

t.test('serverSideApply() assigns the fields of an untracked object to before-first-apply', t => {
  const object = applyTo(spec({ subnet: 's', size: 1 }), spec({ subnet: 's' }))
  t.strictSame(ownersOf(object), [
    ['ann', 'Apply', '2026-01-01T00:00:00Z', { 'f:spec': { 'f:subnet': {} } }],
    ['before-first-apply', 'Update', '2026-01-01T00:00:00Z', { 'f:spec': { '.': {}, 'f:size': {}, 'f:subnet': {} } }],
  ])
  t.end()
})

t.test('serverSideApply() owns labels and finalizers, but no metadata of the server', t => {
  const metadata = {
    name: 'a',
    uid: 'u',
    resourceVersion: '5',
    creationTimestamp: null,
    generation: 2,
    labels: { l: '1' },
    finalizers: ['f.io/x'],
  }
  const object = applyTo(undefined, { ...spec({}), metadata })
  t.match(ownersOf(object), [
    [
      'ann',
      'Apply',
      '2026-01-01T00:00:00Z',
      { 'f:metadata': { 'f:finalizers': { 'v:"f.io/x"': {} }, 'f:labels': { 'f:l': {} } } },
    ],
  ])
  t.throws(() => applyTo(undefined, { ...spec({}), metadata: { name: 'a', managedFields: [{}] } }), { code: 400 })
  t.end()
})

t.test('serverSideApply() separates the object from its status subresource', t => {
  const live = applyTo(undefined, { ...spec({ subnet: 's' }), status: { used: 9 } })
  t.strictSame(live['status'], undefined)
  const status = applyTo(live, { ...spec({ subnet: 'other' }), status: { used: 1 } }, { subresource: 'status' })
  t.strictSame([fieldsOf(status['spec'])['subnet'], status['status']], ['s', { used: 1 }])
  t.match(ownersOf(status), [
    ['ann', 'Apply', '2026-01-01T00:00:00Z', { 'f:spec': { 'f:subnet': {} } }],
    ['ann', 'Apply', '2026-01-01T00:00:00Z', { 'f:status': { 'f:used': {} } }, 'status'],
  ])
  t.end()
})

t.test('serverSideApply() merges built-in kinds by their list types', t => {
  const service = builtin('Service')
  const of = (ports: readonly object[]): JsonObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: META,
    spec: { ports },
  })
  const live = applyTo(undefined, of([{ port: 80, name: 'web' }]), { kind: service })
  t.match(ownersOf(live), [
    [
      'ann',
      'Apply',
      String,
      { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } } },
    ],
  ])
  const both = applyTo(
    live,
    of([
      { port: 80, protocol: 'UDP' },
      { port: 80, targetPort: 8080 },
    ]),
    { kind: service, manager: 'bob' },
  )
  t.strictSame(both['spec'], {
    ports: [
      { port: 80, protocol: 'UDP' },
      { port: 80, name: 'web', targetPort: 8080 },
    ],
  })
  t.end()
})

t.test('trackUpdate() moves changed fields to the updater', t => {
  const made = trackUpdate({
    before: undefined,
    after: spec({ subnet: 's', tags: ['x'] }),
    manager: 'kubectl-create',
    kind: POOLS,
    nowMs: T0,
  })
  t.strictSame(ownersOf(made), [
    [
      'kubectl-create',
      'Update',
      '2026-01-01T00:00:00Z',
      { 'f:spec': { '.': {}, 'f:subnet': {}, 'f:tags': { '.': {}, 'v:"x"': {} } } },
    ],
  ])
  const after = { ...made, spec: { subnet: 't', tags: ['x'], size: 2 } }
  const edited = trackUpdate({ before: made, after, manager: 'kubectl-edit', kind: POOLS, nowMs: T1 })
  t.strictSame(ownersOf(edited), [
    ['kubectl-create', 'Update', '2026-01-01T00:00:00Z', { 'f:spec': { '.': {}, 'f:tags': { '.': {}, 'v:"x"': {} } } }],
    ['kubectl-edit', 'Update', '2026-01-01T00:01:00Z', { 'f:spec': { 'f:size': {}, 'f:subnet': {} } }],
  ])
  const less = trackUpdate({
    before: edited,
    after: { ...edited, spec: { subnet: 't' } },
    manager: 'kubectl-edit',
    kind: POOLS,
    nowMs: T1,
  })
  t.strictSame(ownersOf(less), [
    ['kubectl-create', 'Update', '2026-01-01T00:00:00Z', { 'f:spec': {} }],
    ['kubectl-edit', 'Update', '2026-01-01T00:01:00Z', { 'f:spec': { 'f:subnet': {} } }],
  ])
  t.strictSame(
    trackUpdate({ before: less, after: less, manager: 'someone', kind: POOLS, nowMs: T1 }),
    less,
    'no change, no owner',
  )
  t.end()
})

t.test('trackUpdate() merges the oldest updaters beyond ten', t => {
  let object = trackUpdate({ before: undefined, after: spec({ notes: {} }), manager: 'm0', kind: POOLS, nowMs: T0 })
  for (let i = 1; i <= 30; i++) {
    const notes = { ...fieldsOf(fieldsOf(object['spec'])['notes']), [`k${i}`]: 'v' }
    object = trackUpdate({
      before: object,
      after: { ...object, spec: { notes } },
      manager: `m${i}`,
      kind: POOLS,
      nowMs: T0 + i * 1000,
    })
  }
  const owners = ownersOf(object)
  if (!Array.isArray(owners)) throw new Error('no managedFields')
  t.strictSame(owners.length, 10)
  t.strictSame(owners[0][0], 'ancient-changes')
  t.strictSame(owners.at(-1)?.[0], 'm30')
  t.end()
})
