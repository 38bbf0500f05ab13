// OpenAPI: definitions, paths, and gnostic protobuf for old clients.
import t from 'tap'
import { concat } from '../../../../lib/bytes.js'
import { encodeDocument } from '../../../../daemons/apiserver/openapi/gnostic.js'
import { BUILTIN_KINDS } from '../../../../daemons/apiserver/schema/kinds.js'
import { at, fieldsOf, isFields, parseJson } from '../../../../daemons/apiserver/schema/stored-object.js'
import { openApiResponse, type Kinds } from '../../../../daemons/apiserver/openapi/documents.js'
import { swaggerOf, swaggerSchema } from '../../../../daemons/apiserver/openapi/v2.js'
import { documentsOf } from '../../../../daemons/apiserver/openapi/v3.js'
import {
  bool,
  double,
  field,
  int64,
  mapOf,
  message,
  string,
  text,
  wrapped,
} from '../../../../daemons/apiserver/openapi/protobuf-writer.js'
import { schemaOfKind } from '../../../../daemons/apiserver/schema/builtin-types.js'
import { POOLS } from '../kinds.js'

const KINDS = [...BUILTIN_KINDS, POOLS]
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')

t.test('message() encodes the examples of the protobuf documentation', t => {
  const inner = message(() => ({ a: [1, int64] }))
  t.strictSame(hex(inner.write({ a: 150 })), '089601')
  t.strictSame(hex(message(() => ({ b: [2, string] })).write({ b: 'testing' })), '120774657374696e67')
  t.strictSame(hex(message(() => ({ c: [3, inner] })).write({ c: { a: 150 } })), '1a03089601')
  t.end()
})

t.test('WireKind.write() encodes scalars', t => {
  const m = message(() => ({
    i: [1, int64],
    d: [2, double],
    b: [3, bool],
    s: [4, string],
    l: [16, text],
    m: [5, mapOf(string)],
    w: [6, wrapped(1, bool)],
  }))
  const cases: readonly (readonly [value: object, bytes: string])[] = [
    [{}, ''],
    [{ i: 0, d: 0, b: false, s: '' }, ''],
    [{ i: -1 }, '08ffffffffffffffffff01'],
    [{ i: 2 ** 53 - 1 }, '08ffffffffffffff0f'],
    [{ i: 1.5 }, ''],
    [{ d: 1.5 }, '11000000000000f83f'],
    [{ b: true }, '1801'],
    [{ s: 'é' }, '2202c3a9'],
    [{ l: ['a', '', 'b'] }, '820101618201008201' + '0162'],
    [{ m: { k: 'v' } }, '2a080a060a016b120176'],
    [{ w: true }, '32020801'],
    [{ unknown: 1 }, ''],
  ]
  for (const [value, bytes] of cases) t.strictSame(hex(m.write(value)), bytes, JSON.stringify(value))
  t.strictSame(hex(concat([field(1, 0, Uint8Array.of(1)), field(2, 2, new Uint8Array())])), '08011200')
  t.end()
})

/** Fields of a message by number; nested messages stay bytes. */
function fieldsIn(bytes: Uint8Array): ReadonlyMap<number, readonly Uint8Array[]> {
  const found = new Map<number, Uint8Array[]>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('cut off')
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const start = key % 8 === 2 ? ((length: number) => ((at += length), at - length))(varint()) : at
    if (key % 8 === 0) varint()
    else if (key % 8 === 1) at += 8
    found.set(Math.floor(key / 8), [...(found.get(Math.floor(key / 8)) ?? []), bytes.slice(start, at)])
  }
  return found
}
const utf8 = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()
const walk = (bytes: Uint8Array, ...numbers: readonly number[]): Uint8Array | undefined =>
  numbers.reduce<Uint8Array | undefined>((here, number) => here && fieldsIn(here).get(number)?.[0], bytes)
/** The value of a map entry `{1: name, 2: value}` at `number`. */
const named = (bytes: Uint8Array | undefined, number: number, name: string): Uint8Array | undefined =>
  (bytes &&
    fieldsIn(bytes)
      .get(number)
      ?.find(entry => utf8(walk(entry, 1)) === name)) ??
  undefined

t.test('encodeDocument() uses the field numbers of gnostic’s OpenAPIv2.proto', t => {
  const bytes = encodeDocument(swaggerOf([POOLS], 'v1.2.3'))
  t.strictSame(utf8(walk(bytes, 1)), '2.0')
  t.strictSame([utf8(walk(bytes, 2, 1)), utf8(walk(bytes, 2, 2))], ['Kubernetes', 'v1.2.3'])
  const pool = walk(named(walk(bytes, 9), 1, 'com.example.v1beta1.Pool') ?? new Uint8Array(), 2)
  if (!pool) throw new Error('no definition')
  t.strictSame(utf8(walk(pool, 4)), 'A pool of addresses.')
  t.strictSame(utf8(walk(pool, 22, 1)), 'object')
  const gvk = named(pool, 31, 'x-kubernetes-group-version-kind') ?? new Uint8Array()
  t.strictSame(parseJson(utf8(walk(gvk, 2, 2))), [{ group: 'example.com', kind: 'Pool', version: 'v1beta1' }])
  const spec = walk(named(walk(pool, 25), 1, 'spec') ?? new Uint8Array(), 2)
  t.strictSame(utf8(spec && walk(spec, 19)), 'subnet', 'required')
  const routes = spec && walk(named(walk(spec, 25), 1, 'routes') ?? new Uint8Array(), 2)
  t.strictSame(utf8(routes && walk(routes, 23, 1, 22, 1)), 'object', 'items')
  const notes = spec && walk(named(walk(spec, 25), 1, 'notes') ?? new Uint8Array(), 2)
  t.strictSame(utf8(notes && walk(notes, 21, 1, 22, 1)), 'string', 'additionalProperties')
  const metadata = walk(named(walk(pool, 25), 1, 'metadata') ?? new Uint8Array(), 2, 1)
  t.strictSame(utf8(metadata), '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')
  const patch = walk(named(walk(bytes, 8), 2, '/apis/example.com/v1beta1/pools/{name}') ?? new Uint8Array(), 2, 8)
  const parameters = (patch && fieldsIn(patch).get(8)) ?? []
  t.ok(parameters.some(each => utf8(walk(each, 1, 2, 3, 4)) === 'dryRun' && utf8(walk(each, 1, 2, 3, 2)) === 'query'))
  t.strictSame(utf8(walk(parameters[0] ?? new Uint8Array(), 1, 1, 2)), 'body')
  t.end()
})

const swagger: readonly (readonly [name: string, schema: object, after: object])[] = [
  [
    'defaults and alternatives go',
    { type: 'string', default: 'x', anyOf: [{ pattern: 'a' }], pattern: 'b' },
    { type: 'string', pattern: 'b' },
  ],
  [
    'a number or a text has no type',
    { type: 'integer', 'x-kubernetes-int-or-string': true },
    { 'x-kubernetes-int-or-string': true },
  ],
  [
    'what keeps unknown fields names none',
    {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { a: { type: 'string' } },
      required: ['a'],
    },
    { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  ],
  ['what may be null has no type', { type: 'object', nullable: true, properties: { a: {} } }, {}],
  [
    'members are written alike',
    { type: 'array', items: { type: 'object', additionalProperties: { type: 'string', default: 'x' } } },
    { type: 'array', items: { type: 'object', additionalProperties: { type: 'string' } } },
  ],
]
for (const [name, schema, after] of swagger)
  t.test(`swaggerSchema(): ${name}`, t => {
    t.strictSame(swaggerSchema(schema), after)
    t.end()
  })

/** Every `$ref` below a value. */
function refsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn)
  if (!isFields(value)) return []
  return Object.entries(value).flatMap(([key, item]) =>
    key === '$ref' && typeof item === 'string' ? [item] : refsIn(item),
  )
}

t.test('every $ref names a definition', t => {
  const document = fieldsOf(swaggerOf(KINDS, 'v'))
  const definitions = fieldsOf(document['definitions'])
  for (const ref of new Set(refsIn(document))) t.ok(definitions[ref.replace('#/definitions/', '')], ref)
  for (const [root, body] of documentsOf(KINDS, 'v')) {
    const schemas = fieldsOf(at(parseJson(body), 'components', 'schemas'))
    const lost = refsIn(parseJson(body)).filter(ref => !schemas[ref.replace('#/components/schemas/', '')])
    t.strictSame(lost, [], root)
  }
  t.end()
})

t.test('every kind has a definition and operations with its group, version and kind', t => {
  const document = fieldsOf(swaggerOf(KINDS, 'v'))
  const said = JSON.stringify(
    Object.values(fieldsOf(document['definitions'])).map(each => at(each, 'x-kubernetes-group-version-kind')),
  )
  const paths = JSON.stringify(document['paths'])
  for (const { group, version, kind } of KINDS) {
    const gvk = JSON.stringify({ group, kind, version })
    t.ok(said.includes(`[${gvk}]`) && paths.includes(gvk), gvk)
  }
  t.end()
})

t.test('lists of built-in kinds have patch strategy and merge key', t => {
  const container = at(swaggerOf(KINDS, 'v'), 'definitions', 'io.k8s.api.core.v1.PodSpec', 'properties', 'containers')
  t.match(container, {
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
    items: { $ref: '#/definitions/io.k8s.api.core.v1.Container' },
  })
  t.match(at(swaggerOf(KINDS, 'v'), 'definitions', 'io.k8s.api.core.v1.PodSpec', 'required'), ['containers'])
  t.match(schemaOfKind(BUILTIN_KINDS[2] ?? POOLS), {
    properties: { spec: { properties: { containers: { 'x-kubernetes-list-map-keys': ['name'] } } } },
  })
  t.end()
})

t.test('only built-in kinds list the strategic merge patch', t => {
  const body = (root: string, path: string): readonly string[] =>
    Object.keys(
      fieldsOf(
        at(parseJson(documentsOf(KINDS, 'v').get(root) ?? '{}'), 'paths', path, 'patch', 'requestBody', 'content'),
      ),
    )
  t.ok(body('api/v1', '/api/v1/nodes/{name}').includes('application/strategic-merge-patch+json'))
  t.strictSame(body('apis/example.com/v1beta1', '/apis/example.com/v1beta1/pools/{name}'), [
    'application/apply-patch+yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
  ])
  t.end()
})

const kinds: Kinds = { revision: 1, all: () => KINDS }
const ask = (path: string, headers: Record<string, string> = {}, of: Kinds = kinds): Response | undefined =>
  openApiResponse(of, new Request(`https://x${path}`, { headers }), new URL(`https://x${path}`), 'v')

t.test('openApiResponse() negotiates JSON and protobuf', async t => {
  const PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
  t.strictSame(
    ask('/openapi/v2', { accept: PROTOBUF })?.headers.get('content-type'),
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  )
  t.strictSame(
    ask('/openapi/v2', { accept: PROTOBUF.replace('@', '.') })?.headers.get('content-type'),
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  )
  t.match(await ask('/openapi/v2', { accept: 'application/json' })?.json(), { swagger: '2.0' })
  const index: unknown = await ask('/openapi/v3')?.json()
  const url = at(index, 'paths', 'apis/example.com/v1beta1', 'serverRelativeURL')
  t.match(url, /^\/openapi\/v3\/apis\/example\.com\/v1beta1\?hash=[0-9A-F]{64}$/)
  t.match(await ask(String(url))?.json(), {
    openapi: '3.0.0',
    components: { schemas: { 'com.example.v1beta1.Pool': {} } },
  })
  t.strictSame([ask('/openapi/v3/apis/none/v1'), ask('/openapi/v4')], [undefined, undefined])
  t.end()
})

t.test('openApiResponse() answers 304 to a known ETag until the kinds change', async t => {
  const etag = ask('/openapi/v2')?.headers.get('etag') ?? ''
  t.strictSame(ask('/openapi/v2', { 'if-none-match': etag })?.status, 304)
  let revision = 1
  let all = [...KINDS]
  const changing: Kinds = {
    get revision() {
      return revision
    },
    all: () => all,
  }
  const first = ask('/openapi/v2', {}, changing)?.headers.get('etag')
  all = KINDS.filter(kind => kind !== POOLS)
  t.strictSame(ask('/openapi/v2', {}, changing)?.headers.get('etag'), first, 'kept while the revision is the same')
  revision = 2
  t.not(ask('/openapi/v2', {}, changing)?.headers.get('etag'), first)
  t.end()
})
