// JSON patch, JSON merge patch and strategic merge patch.
import t from 'tap'
import { applyJsonPatch, mergePatch, strategicMerge } from '../../../../daemons/apiserver/patch/json-patch.js'
import type { JsonObject } from '../../../../daemons/apiserver/schema/stored-object.js'
import { builtin, POOLS } from '../kinds.js'

const json: readonly (readonly [name: string, before: unknown, ops: readonly unknown[], after: unknown])[] = [
  ['add', { a: 1 }, [{ op: 'add', path: '/b', value: { c: 2 } }], { a: 1, b: { c: 2 } }],
  ['add at the end of a list', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
  ['add into a list', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
  ['remove', { a: 1, b: 2 }, [{ op: 'remove', path: '/a' }], { b: 2 }],
  ['replace a name with a slash', { 'a/b': 1 }, [{ op: 'replace', path: '/a~1b', value: 2 }], { 'a/b': 2 }],
  ['move', { a: { x: 1 } }, [{ op: 'move', from: '/a/x', path: '/y' }], { a: {}, y: 1 }],
  ['copy', { a: { x: 1 } }, [{ op: 'copy', from: '/a', path: '/b' }], { a: { x: 1 }, b: { x: 1 } }],
  ['move in a list', { a: [1, 2, 3] }, [{ op: 'move', from: '/a/0', path: '/a/2' }], { a: [2, 3, 1] }],
  ['move onto itself', { a: 1 }, [{ op: 'move', from: '/a', path: '/a' }], { a: 1 }],
  ['move over a value', { a: 1, b: 2 }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
  ['copy to the end of a list', { a: [1] }, [{ op: 'copy', from: '/a/0', path: '/a/-' }], { a: [1, 1] }],
  ['copy to a name with a tilde', { a: 1 }, [{ op: 'copy', from: '/a', path: '/~0~1' }], { a: 1, '~/': 1 }],
  ['copy of null', { a: null }, [{ op: 'copy', from: '/a', path: '/b' }], { a: null, b: null }],
  ['copy into the root', { a: { x: 1 } }, [{ op: 'copy', from: '/a', path: '' }], { x: 1 }],
  [
    'a copy that changes later',
    { a: { x: 1 } },
    [
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'replace', path: '/b/x', value: 2 },
    ],
    { a: { x: 1 }, b: { x: 2 } },
  ],
  [
    'test and replace',
    { a: 1 },
    [
      { op: 'test', path: '/a', value: 1 },
      { op: 'replace', path: '/a', value: 2 },
    ],
    { a: 2 },
  ],
  ['nothing', { a: 1 }, [], { a: 1 }],
]
for (const [name, before, ops, after] of json)
  t.test(`applyJsonPatch(): ${name}`, t => {
    const kept = structuredClone(before)
    t.strictSame(applyJsonPatch(before, ops), after)
    t.strictSame(before, kept, 'the object itself is not changed')
    t.end()
  })

const badJson: readonly (readonly [name: string, ops: unknown, code: number, message: RegExp])[] = [
  ['not a list', { op: 'add' }, 400, /a JSON patch is a list/],
  ['an unknown operation', [{ op: 'frob', path: '/a' }], 400, /operation 0 is not an operation/],
  ['no value', [{ op: 'add', path: '/b' }], 400, /operation 0/],
  ['a path that is not a JSON pointer', [{ op: 'remove', path: 'a' }], 400, /operation 0/],
  ['remove of an absent path', [{ op: 'remove', path: '/b' }], 422, /doc is missing path: "\/b"/],
  ['replace of an absent path', [{ op: 'replace', path: '/b', value: 1 }], 422, /doc is missing path: "\/b"/],
  ['add below an absent path', [{ op: 'add', path: '/b/c', value: 1 }], 422, /doc is missing path/],
  ['a test that fails', [{ op: 'test', path: '/a', value: 2 }], 422, /testing value \/a failed/],
  ['the prototype', [{ op: 'add', path: '/__proto__/x', value: 1 }], 422, /./],
  ['a copy below the prototype', [{ op: 'copy', from: '/a', path: '/__proto__/x' }], 422, /./],
  ['a copy over the prototype', [{ op: 'copy', from: '/a', path: '/__proto__' }], 422, /./],
  ['a copy of an absent path', [{ op: 'copy', from: '/b', path: '/c' }], 422, /copy operation does not apply/],
  ['a copy below a number', [{ op: 'copy', from: '/a', path: '/a/b' }], 422, /missing path: "\/a\/b"/],
  ['a move of an absent path', [{ op: 'move', from: '/b', path: '/c' }], 422, /move operation does not apply/],
  ['a move into itself', [{ op: 'move', from: '/a', path: '/a/b' }], 422, /move operation does not apply/],
  [
    'a copy behind the end of a list',
    [
      { op: 'add', path: '/l', value: [] },
      { op: 'copy', from: '/a', path: '/l/1' },
    ],
    422,
    /missing path: "\/l\/1"/,
  ],
  ['too many', Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 })), 413, /10000, got 10001/],
]
for (const [name, ops, code, message] of badJson)
  t.test(`applyJsonPatch() rejects ${name}`, t => {
    t.throws(() => applyJsonPatch({ a: 1 }, ops), { code, message })
    t.strictSame(Object.hasOwn(Object.prototype, 'x'), false)
    t.end()
  })

// Each of them took a clone of the whole document: 450 s for 3,000 moves.
for (const op of ['move', 'copy'] as const)
  t.test(`applyJsonPatch() applies 2,000 operations ${op} to 1 MB within 10 s`, t => {
    const big = Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`k${i}`, 'some value of it']))
    const names = ['/a', '/b']
    const ops = Array.from({ length: 2_000 }, (_, i) =>
      op === 'move' ? { op, from: names[i % 2], path: names[(i + 1) % 2] } : { op, from: '/small', path: `/small${i}` },
    )
    const began = performance.now()
    applyJsonPatch({ a: big, small: 1 }, ops)
    t.ok(performance.now() - began < 10_000, `${performance.now() - began} ms`)
    t.end()
  })

// The examples of RFC 7386, appendix A.
const merge: readonly (readonly [before: unknown, patch: unknown, after: unknown])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]
for (const [before, patch, after] of merge)
  t.test(`mergePatch() of ${JSON.stringify(before)} by ${JSON.stringify(patch)}`, t => {
    t.strictSame(mergePatch(before, patch), after)
    t.end()
  })

t.test('mergePatch() keeps the order of keys', t => {
  t.strictSame(JSON.stringify(mergePatch({ a: 1, b: 2, c: 3 }, { b: 9, d: 4 })), '{"a":1,"b":9,"c":3,"d":4}')
  t.end()
})

const pod = (spec: JsonObject): JsonObject => ({ spec })
const strategic: readonly (readonly [name: string, before: JsonObject, patch: JsonObject, after: JsonObject])[] = [
  [
    'containers merge by name',
    pod({ containers: [{ name: 'a', image: '1', tty: true }] }),
    pod({ containers: [{ name: 'a', image: '2' }, { name: 'b' }] }),
    pod({ containers: [{ name: 'a', image: '2', tty: true }, { name: 'b' }] }),
  ],
  [
    'lists inside members merge too',
    pod({ containers: [{ name: 'a', env: [{ name: 'X', value: '1' }] }] }),
    pod({ containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] }),
    pod({
      containers: [
        {
          name: 'a',
          env: [
            { name: 'X', value: '1' },
            { name: 'Y', value: '2' },
          ],
        },
      ],
    }),
  ],
  [
    'ports merge by containerPort',
    pod({ containers: [{ name: 'a', ports: [{ containerPort: 80 }] }] }),
    pod({ containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'web' }] }] }),
    pod({ containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'web' }] }] }),
  ],
  [
    'a member is deleted',
    pod({ containers: [{ name: 'a' }, { name: 'b' }] }),
    pod({ containers: [{ $patch: 'delete', name: 'a' }] }),
    pod({ containers: [{ name: 'b' }] }),
  ],
  [
    'deleting an absent member does nothing',
    pod({ containers: [{ name: 'b' }] }),
    pod({ containers: [{ $patch: 'delete', name: 'a' }] }),
    pod({ containers: [{ name: 'b' }] }),
  ],
  [
    'a list is replaced',
    pod({ containers: [{ name: 'a' }] }),
    pod({ containers: [{ name: 'b' }, { $patch: 'replace' }] }),
    pod({ containers: [{ name: 'b' }] }),
  ],
  [
    'a map is replaced',
    pod({ nodeSelector: { a: '1' } }),
    pod({ nodeSelector: { $patch: 'replace', b: '2' } }),
    pod({ nodeSelector: { b: '2' } }),
  ],
  [
    'a map is deleted',
    pod({ nodeSelector: { a: '1' }, hostname: 'h' }),
    pod({ nodeSelector: { $patch: 'delete' } }),
    pod({ hostname: 'h' }),
  ],
  ['null removes', pod({ hostname: 'h', nodeName: 'n' }), pod({ hostname: null }), pod({ nodeName: 'n' })],
  [
    'tolerations are atomic',
    pod({ tolerations: [{ key: 'a' }] }),
    pod({ tolerations: [{ key: 'b' }] }),
    pod({ tolerations: [{ key: 'b' }] }),
  ],
  [
    'args are atomic',
    pod({ containers: [{ name: 'a', args: ['x'] }] }),
    pod({ containers: [{ name: 'a', args: ['y'] }] }),
    pod({ containers: [{ name: 'a', args: ['y'] }] }),
  ],
  [
    'finalizers are a set',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { finalizers: ['b', 'c'] } },
    { metadata: { finalizers: ['a', 'b', 'c'] } },
  ],
  [
    'members of a set are removed',
    { metadata: { finalizers: ['a', 'b'] } },
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
    { metadata: { finalizers: ['b'] } },
  ],
  [
    'owners merge by uid',
    { metadata: { ownerReferences: [{ uid: '1', name: 'x' }] } },
    { metadata: { ownerReferences: [{ uid: '1', controller: true }, { uid: '2' }] } },
    { metadata: { ownerReferences: [{ uid: '1', name: 'x', controller: true }, { uid: '2' }] } },
  ],
  [
    'conditions merge by type',
    { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
    {
      status: {
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'X', status: 'True' },
        ],
      },
    },
    {
      status: {
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'X', status: 'True' },
        ],
      },
    },
  ],
  [
    'members are in the order of $setElementOrder',
    pod({ containers: [{ name: 'a' }, { name: 'b' }] }),
    pod({ '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }, { name: 'a' }], containers: [{ name: 'c' }] }),
    pod({ containers: [{ name: 'c' }, { name: 'b' }, { name: 'a' }] }),
  ],
  [
    'members outside the order keep their position',
    pod({ volumes: [{ name: 'a' }, { name: 'x' }, { name: 'b' }] }),
    pod({ '$setElementOrder/volumes': [{ name: 'b' }, { name: 'a' }] }),
    pod({ volumes: [{ name: 'x' }, { name: 'b' }, { name: 'a' }] }),
  ],
  [
    'two ports of one number stay two',
    pod({
      containers: [
        {
          name: 'a',
          ports: [
            { containerPort: 53, protocol: 'UDP' },
            { containerPort: 53, protocol: 'TCP' },
          ],
        },
      ],
    }),
    pod({ containers: [{ name: 'a', '$setElementOrder/ports': [{ containerPort: 53 }], image: 'i' }] }),
    pod({
      containers: [
        {
          name: 'a',
          ports: [
            { containerPort: 53, protocol: 'UDP' },
            { containerPort: 53, protocol: 'TCP' },
          ],
          image: 'i',
        },
      ],
    }),
  ],
  [
    'only named keys are retained',
    pod({ volumes: [{ name: 'v', emptyDir: {} }] }),
    pod({ volumes: [{ name: 'v', $retainKeys: ['name', 'configMap'], configMap: { name: 'c' } }] }),
    pod({ volumes: [{ name: 'v', configMap: { name: 'c' } }] }),
  ],
  [
    'directives leave nothing where nothing was',
    pod({}),
    pod({
      nodeSelector: { $patch: 'replace', a: '1' },
      '$setElementOrder/containers': [{ name: 'a' }],
      securityContext: { runAsUser: null },
    }),
    pod({ nodeSelector: { a: '1' }, securityContext: {} }),
  ],
]
for (const [name, before, patch, after] of strategic)
  t.test(`strategicMerge(): ${name}`, t => {
    const kept = structuredClone(before)
    t.strictSame(strategicMerge(before, patch, builtin('Pod')), after)
    t.strictSame(before, kept, 'the object itself is not changed')
    t.end()
  })

t.test('strategicMerge() merges below templates, and ports of services', t => {
  const of = (containers: readonly object[]): JsonObject => ({ spec: { template: { spec: { containers } } } })
  t.strictSame(
    strategicMerge(of([{ name: 'a', image: '1' }]), of([{ name: 'a', tty: true }]), builtin('Deployment')),
    of([{ name: 'a', image: '1', tty: true }]),
  )
  const ports = (list: readonly object[]): JsonObject => ({ spec: { ports: list } })
  t.strictSame(
    strategicMerge(ports([{ port: 80, name: 'x' }]), ports([{ port: 80, targetPort: 1 }]), builtin('Service')),
    ports([{ port: 80, name: 'x', targetPort: 1 }]),
  )
  t.end()
})

const badStrategic: readonly (readonly [name: string, patch: unknown, code: number, message: RegExp])[] = [
  ['not an object', [1], 400, /is a JSON object/],
  ['an unknown directive', pod({ nodeSelector: { $patch: 'frob' } }), 400, /unknown patch type found: frob/],
  ['a member without its key', pod({ containers: [{ image: 'x' }] }), 400, /does not contain declared merge key: name/],
  ['a member that is no object', pod({ containers: ['x'] }), 400, /merged by name is not an object/],
  ['an order that is no list', pod({ '$setElementOrder/containers': 'x' }), 400, /is not a list/],
]
for (const [name, patch, code, message] of badStrategic)
  t.test(`strategicMerge() rejects ${name}`, t => {
    t.throws(() => strategicMerge(pod({ containers: [{ name: 'a' }] }), patch, builtin('Pod')), { code, message })
    t.end()
  })

t.test('strategicMerge() rejects a custom kind', t => {
  t.throws(() => strategicMerge({}, {}, POOLS), {
    code: 415,
    message:
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
  })
  t.end()
})
