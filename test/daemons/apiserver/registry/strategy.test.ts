// Create and update strategy: fields that the server sets, keeps and rejects. Tables of metadata.
import t from 'tap'
import type { KindInfo } from '../../../../daemons/apiserver/schema/kinds.js'
import { BUILTIN_KINDS } from '../../../../daemons/apiserver/schema/kinds.js'
import type { Stored } from '../../../../daemons/apiserver/schema/stored-object.js'
import {
  checkIdentity,
  parseObject,
  toCreate,
  toUpdate,
  toUpdateStatus,
  withGeneration,
} from '../../../../daemons/apiserver/registry/strategy.js'

const kindOf = (name: string): KindInfo => {
  const found = BUILTIN_KINDS.find(({ kind }) => kind === name)
  if (!found) throw new Error(name)
  return found
}
const GADGET: KindInfo = {
  ...kindOf('Deployment'),
  group: 'example.com',
  kind: 'Gadget',
  plural: 'gadgets',
  custom: true,
}
const NOW = { ms: Date.UTC(2026, 0, 2, 3, 4, 5, 678), uid: 'uid-1', suffix: 'abcde' }

const stored = (more: object = {}, body: object = {}): Stored => ({
  apiVersion: 'example.com/v1',
  kind: 'Gadget',
  metadata: {
    name: 'g',
    namespace: 'ns',
    uid: 'u',
    resourceVersion: '7',
    creationTimestamp: 't',
    generation: 1,
    ...more,
  },
  spec: { a: 1 },
  status: { ready: true },
  ...body,
})
const gadget = (metadata: object, body: object = {}): ReturnType<typeof parseObject> =>
  parseObject({ metadata, spec: { a: 1 }, ...body }, { ...GADGET, version: 'v1' }, 'ns')

t.test('toCreate() sets the fields of the server', async t => {
  const made = toCreate(
    GADGET,
    gadget(
      { name: 'g', uid: 'theirs', generation: 9, deletionTimestamp: 'x', selfLink: '/' },
      { status: { ready: true } },
    ),
    NOW,
  )
  t.strictSame(made, {
    metadata: {
      name: 'g',
      namespace: 'ns',
      uid: 'uid-1',
      resourceVersion: '',
      creationTimestamp: '2026-01-02T03:04:05Z',
      generation: 1,
    },
    spec: { a: 1 },
    apiVersion: 'example.com/v1',
    kind: 'Gadget',
  })
})

t.test('toCreate() sets the initial phase of pods and namespaces', async t => {
  t.match(toCreate(kindOf('Pod'), parseObject({ metadata: { name: 'p' } }, kindOf('Pod'), 'ns'), NOW), {
    status: { phase: 'Pending' },
  })
  t.match(toCreate(kindOf('Namespace'), parseObject({ metadata: { name: 'n' } }, kindOf('Namespace'), ''), NOW), {
    status: { phase: 'Active' },
    spec: { finalizers: ['kubernetes'] },
    metadata: { labels: { 'kubernetes.io/metadata.name': 'n' } },
  })
})

t.test('toCreate() truncates generateName to 63 characters in total', async t => {
  t.equal(toCreate(GADGET, gadget({ generateName: 'x'.repeat(80) }), NOW).metadata.name, 'x'.repeat(58) + 'abcde')
})

const REFUSED: readonly (readonly [of: string, metadata: object, message: RegExp])[] = [
  ['no name', {}, /metadata\.name: Required value: name or generateName is required/],
  ['an underscore', { name: 'a_b' }, /lowercase RFC 1123 subdomain/],
  ['a dot at the end', { name: 'a.' }, /lowercase RFC 1123 subdomain/],
  ['254 letters', { name: 'a'.repeat(254) }, /must be no more than 253 characters/],
  ['a label key of two slashes', { name: 'a', labels: { 'a/b/c': '' } }, /metadata\.labels: Invalid value: "a\/b\/c"/],
  ['a label value of 64 letters', { name: 'a', labels: { a: 'x'.repeat(64) } }, /must be no more than 63 characters/],
  [
    'an annotation key with a space',
    { name: 'a', annotations: { 'a b': '' } },
    /metadata\.annotations: Invalid value: "a b"/,
  ],
  [
    'annotations of 300 kB',
    { name: 'a', annotations: { a: 'x'.repeat(300_000) } },
    /Too long: may not be more than 262144 bytes/,
  ],
  ['an empty finalizer', { name: 'a', finalizers: [''] }, /metadata\.finalizers/],
  [
    'an owner without name',
    { name: 'a', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', uid: 'u' }] },
    /ownerReferences\[0\]\.name/,
  ],
  [
    'two controllers',
    {
      name: 'a',
      ownerReferences: [1, 2].map(uid => ({
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'p',
        uid: String(uid),
        controller: true,
      })),
    },
    /Only one reference can have Controller set to true/,
  ],
]
for (const [of, metadata, message] of REFUSED)
  t.test(`toCreate() rejects metadata with ${of}`, async t => {
    t.throws(() => toCreate(GADGET, gadget(metadata), NOW), { code: 422, reason: 'Invalid', message })
  })

t.test('parseObject() rejects a malformed body', async t => {
  const deployment = kindOf('Deployment')
  for (const body of [
    null,
    [],
    'x',
    1,
    { kind: 'Pod', apiVersion: 'v1' },
    { metadata: { labels: { a: 1 } } },
    { metadata: { namespace: 'other' } },
    { metadata: { name: 5 } },
  ])
    t.throws(() => parseObject(body, deployment, 'ns'), { code: 400 }, JSON.stringify(body))
  t.throws(() => toCreate(GADGET, gadget({ name: 'a', resourceVersion: '5' }), NOW), {
    code: 500,
    message: /resourceVersion should not be set/,
  })
})

t.test('toUpdate() keeps the fields of the server and the status', async t => {
  const old = stored({ labels: { a: '1' } })
  const made = toUpdate(
    GADGET,
    old,
    gadget({ name: 'g', uid: 'u', creationTimestamp: 'other', generation: 99 }, { status: { ready: false } }),
  )
  t.strictSame(made.metadata, {
    name: 'g',
    namespace: 'ns',
    uid: 'u',
    creationTimestamp: 't',
    resourceVersion: '7',
    generation: 1,
  })
  t.strictSame(made['status'], { ready: true })
  t.equal(withGeneration(GADGET, old, made).metadata.generation, 1, 'labels are no new generation')
  const changed = toUpdate(GADGET, old, gadget({ name: 'g' }, { spec: { a: 2 } }))
  t.equal(withGeneration(GADGET, old, changed).metadata.generation, 2)
})

t.test('toUpdateStatus() changes the status only', async t => {
  const old = stored({ labels: { a: '1' }, finalizers: ['example.com/a'] })
  const made = toUpdateStatus(
    GADGET,
    old,
    gadget({ name: 'g', labels: { b: '2' } }, { spec: { a: 9 }, status: { ready: false } }),
  )
  t.strictSame(made, { ...old, status: { ready: false } })
})

t.test('checkIdentity() rejects another object and another version', async t => {
  const old = stored()
  t.throws(() => checkIdentity(GADGET, old, gadget({ name: 'h' })), { code: 400 })
  t.throws(() => checkIdentity(GADGET, old, gadget({ name: 'g', uid: 'v', resourceVersion: '7' })), {
    code: 409,
    message: /UID in precondition: v, UID in object meta: u/,
  })
  t.throws(() => checkIdentity(GADGET, old, gadget({ name: 'g', resourceVersion: '6' })), {
    code: 409,
    message: /the object has been modified/,
  })
  t.throws(() => checkIdentity(GADGET, old, gadget({ name: 'g' })), {
    code: 422,
    message: /must be specified for an update/,
  })
  t.doesNotThrow(
    () => checkIdentity({ ...GADGET, custom: false }, old, gadget({ name: 'g' })),
    'built-in kinds may be written over',
  )
})

t.test('toUpdate() of a terminating object rejects a new finalizer', async t => {
  const old = stored({ deletionTimestamp: 't', finalizers: ['example.com/a'] })
  t.throws(() => toUpdate(GADGET, old, gadget({ name: 'g', finalizers: ['example.com/a', 'example.com/b'] })), {
    code: 422,
    message: /found new finalizers \[\]string\{"example\.com\/b"\}/,
  })
  t.strictSame(toUpdate(GADGET, old, gadget({ name: 'g', finalizers: [] })).metadata.finalizers, [])
  t.equal(toUpdate(GADGET, old, gadget({ name: 'g', finalizers: [] })).metadata.deletionTimestamp, 't')
})
