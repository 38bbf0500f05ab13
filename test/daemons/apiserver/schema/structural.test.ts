// schemaFor(): defaulting, pruning, validation and their messages.
import t from 'tap'
import { BUILTIN_KINDS, type KindInfo, type Schema } from '../../../../daemons/apiserver/schema/kinds.js'
import { isFields, type Stored } from '../../../../daemons/apiserver/schema/stored-object.js'
import { schemaFor } from '../../../../daemons/apiserver/schema/structural.js'

const [base] = BUILTIN_KINDS
const kindWith = (spec: Schema): KindInfo => {
  if (!base) throw new Error('no kinds')
  return { ...base, custom: true, schema: { type: 'object', properties: { spec } } }
}
const object = (spec: unknown): Stored => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name: 'x', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
  spec,
})
const fieldsIn = (properties: Readonly<Record<string, Schema>>): Schema => ({ type: 'object', properties })

const SHAPES: readonly { of: string; schema: Schema; from: unknown; to: unknown; unknown?: readonly string[] }[] = [
  { of: 'a default', schema: fieldsIn({ a: { type: 'integer', default: 5 } }), from: {}, to: { a: 5 } },
  {
    of: 'a value where there is a default',
    schema: fieldsIn({ a: { type: 'integer', default: 5 } }),
    from: { a: 0 },
    to: { a: 0 },
  },
  {
    of: 'null where there is a default',
    schema: fieldsIn({ a: { type: 'integer', default: 5 } }),
    from: { a: null },
    to: { a: 5 },
  },
  {
    of: 'null that is allowed',
    schema: fieldsIn({ a: { type: 'integer', default: 5, nullable: true } }),
    from: { a: null },
    to: { a: null },
  },
  {
    of: 'a default within a default',
    schema: fieldsIn({ a: { type: 'object', default: {}, properties: { b: { type: 'integer', default: 1 } } } }),
    from: {},
    to: { a: { b: 1 } },
  },
  {
    of: 'no default within what is absent',
    schema: fieldsIn({ a: { type: 'object', properties: { b: { type: 'integer', default: 1 } } } }),
    from: {},
    to: {},
  },
  {
    of: 'defaults in a list',
    schema: fieldsIn({ a: { type: 'array', items: fieldsIn({ b: { type: 'integer', default: 1 } }) } }),
    from: { a: [{}, { b: 2 }] },
    to: { a: [{ b: 1 }, { b: 2 }] },
  },
  {
    of: 'unknown fields',
    schema: fieldsIn({ a: { type: 'integer' }, l: { type: 'array', items: fieldsIn({}) } }),
    from: { a: 1, b: 2, l: [{ c: 3 }] },
    to: { a: 1, l: [{}] },
    unknown: ['spec.b', 'spec.l[0].c'],
  },
  {
    of: 'unknown fields that are kept',
    schema: { ...fieldsIn({ a: fieldsIn({}) }), 'x-kubernetes-preserve-unknown-fields': true },
    from: { a: { x: 1 }, b: 2 },
    to: { a: {}, b: 2 },
    unknown: ['spec.a.x'],
  },
  {
    of: 'a map',
    schema: fieldsIn({ m: { type: 'object', additionalProperties: fieldsIn({ a: { type: 'string' } }) } }),
    from: { m: { k: { a: 'x', b: 1 } } },
    to: { m: { k: { a: 'x' } } },
    unknown: ['spec.m.k.b'],
  },
  {
    of: 'an embedded object',
    schema: fieldsIn({ e: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: {} } }),
    from: { e: { kind: 'Pod', apiVersion: 'v1', metadata: {}, spec: {} } },
    to: { e: { kind: 'Pod', apiVersion: 'v1', metadata: {} } },
    unknown: ['spec.e.spec'],
  },
  {
    of: 'a field called as one of Object.prototype',
    schema: fieldsIn({}),
    from: { constructor: 1 },
    to: {},
    unknown: ['spec.constructor'],
  },
]
for (const { of, schema, from, to, unknown = [] } of SHAPES)
  t.test(`shape() defaults and prunes: ${of}`, async t => {
    const before = object(structuredClone(from))
    const shaped = schemaFor(kindWith(schema)).shape(before)
    t.strictSame(shaped.object['spec'], to)
    t.strictSame(shaped.unknown, unknown)
    t.strictSame(before['spec'], from, 'the object given is left as it is')
  })

const FAULTS: readonly (readonly [schema: Schema, value: unknown, said: string])[] = [
  [
    { type: 'string' },
    1,
    'FieldValueTypeInvalid spec.a: Invalid value: "integer": spec.a in body must be of type string: "integer"',
  ],
  [
    { type: 'integer' },
    1.5,
    'FieldValueTypeInvalid spec.a: Invalid value: "number": spec.a in body must be of type integer: "number"',
  ],
  [
    { type: 'integer' },
    null,
    'FieldValueTypeInvalid spec.a: Invalid value: "null": spec.a in body must be of type integer: "null"',
  ],
  [
    { type: 'integer', enum: [4, 6] },
    5,
    'FieldValueNotSupported spec.a: Unsupported value: 5: supported values: "4", "6"',
  ],
  [
    { type: 'string', enum: ['x'] },
    'y',
    'FieldValueNotSupported spec.a: Unsupported value: "y": supported values: "x"',
  ],
  [
    { type: 'integer', minimum: 0 },
    -1,
    'FieldValueInvalid spec.a: Invalid value: -1: spec.a in body should be greater than or equal to 0',
  ],
  [
    { type: 'integer', maximum: 5, exclusiveMaximum: true },
    5,
    'FieldValueInvalid spec.a: Invalid value: 5: spec.a in body should be less than 5',
  ],
  [
    { type: 'string', pattern: '^a' },
    'b',
    'FieldValueInvalid spec.a: Invalid value: "b": spec.a in body should match \'^a\'',
  ],
  [
    { type: 'string', minLength: 2 },
    'b',
    'FieldValueInvalid spec.a: Invalid value: "b": spec.a in body should be at least 2 chars long',
  ],
  [
    { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    ['x', 'y', 'x'],
    'FieldValueDuplicate spec.a[2]: Duplicate value: "x"',
  ],
  [
    { type: 'array', items: { type: 'string' } },
    ['x', 1],
    'FieldValueTypeInvalid spec.a[1]: Invalid value: "integer": spec.a[1] in body must be of type string: "integer"',
  ],
  [
    { type: 'string', format: 'date-time' },
    'soon',
    'FieldValueInvalid spec.a: Invalid value: "soon": spec.a in body must be of type date-time: "soon"',
  ],
  [fieldsIn({ b: { type: 'string' } }), {}, ''],
  [{ ...fieldsIn({ b: { type: 'string' } }), required: ['b'] }, {}, 'FieldValueRequired spec.a.b: Required value'],
  [{ 'x-kubernetes-int-or-string': true }, 80, ''],
  [{ 'x-kubernetes-int-or-string': true }, '80%', ''],
  [{ type: 'string', nullable: true }, null, ''],
  [{ type: 'string', format: 'no-such-format' }, 'x', ''],
]
t.test('faults() has the messages of kube-apiserver', async t => {
  for (const [schema, value, said] of FAULTS) {
    const faults = schemaFor(kindWith(fieldsIn({ a: schema }))).faults(object({ a: value }))
    t.equal(
      faults.map(({ reason, field, message }) => `${reason} ${field}: ${message}`).join(),
      said,
      JSON.stringify([schema, value]),
    )
  }
})

t.test('faults() returns every fault of an object', async t => {
  const schema = { ...fieldsIn({ a: { type: 'string' }, b: { type: 'integer' } }), required: ['c'] }
  t.equal(schemaFor(kindWith(schema)).faults(object({ a: 1, b: 'x' })).length, 3)
})

t.test('shape() of a kind without a schema changes nothing', async t => {
  const free = schemaFor(base ?? kindWith({}))
  const anything = object({ any: { thing: [1, null] } })
  t.equal(free.shape(anything).object, anything)
  t.strictSame(free.faults(anything), [])
  t.ok(isFields(anything['spec']))
})
