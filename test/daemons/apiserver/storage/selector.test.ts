// Label and field selectors: matching, and the pairs that an index can look up.
import t from 'tap'
import type { Stored } from '../../../../daemons/apiserver/schema/stored-object.js'
import { fieldSelector, labelSelector } from '../../../../daemons/apiserver/storage/selector.js'

const object = (labels: Record<string, string>, more: object = {}): Stored => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u', resourceVersion: '1', creationTimestamp: '', labels },
  ...more,
})

const LABELS: readonly (readonly [text: string, labels: Record<string, string>, chosen: boolean])[] = [
  ['', {}, true],
  ['a=1', { a: '1' }, true],
  ['a=1', { a: '2' }, false],
  ['a=1', {}, false],
  ['a==1', { a: '1' }, true],
  ['a = 1', { a: '1' }, true],
  ['a=', { a: '' }, true],
  ['a=', {}, false],
  ['a!=1', {}, true],
  ['a!=1', { a: '1' }, false],
  ['a in (1,2)', { a: '2' }, true],
  ['a in (1, 2)', { a: '3' }, false],
  ['a in (1)', {}, false],
  ['a notin (1,2)', { a: '3' }, true],
  ['a notin (1,2)', {}, true],
  ['a notin (1,2)', { a: '1' }, false],
  ['a', { a: '' }, true],
  ['a', {}, false],
  ['!a', {}, true],
  ['!a', { a: '' }, false],
  ['a>5', { a: '6' }, true],
  ['a>5', { a: '5' }, false],
  ['a>5', { a: 'x' }, false],
  ['a<5', { a: '-1' }, true],
  ['a<5', {}, false],
  ['a=1,b in (x,y),!c', { a: '1', b: 'y' }, true],
  ['a=1,b in (x,y),!c', { a: '1', b: 'y', c: '' }, false],
  ['example.com/a.b_c-d=1', { 'example.com/a.b_c-d': '1' }, true],
]

t.test('labelSelector() matches labels', async t => {
  for (const [text, labels, chosen] of LABELS)
    t.equal(labelSelector(text).test(object(labels)), chosen, `${JSON.stringify(text)} of ${JSON.stringify(labels)}`)
})

t.test('labelSelector() rejects invalid text', async t => {
  for (const text of ['a b', 'a=b c', '=1', 'a in 1,2', 'a>x', 'a in (1', '!!a', 'a&b'])
    t.throws(() => labelSelector(text), { code: 400, reason: 'BadRequest' }, text)
})

t.test('labelSelector() returns the pairs that every match has', async t => {
  t.strictSame(labelSelector('a=1,b!=2,c in (3),d in (4,5),e').equal, [
    ['a', '1'],
    ['c', '3'],
  ])
})

t.test('fieldSelector() matches the selectable fields of a kind', async t => {
  const pod = { kind: 'Pod', custom: false }
  const running = object({}, { spec: { nodeName: 'n1' }, status: { phase: 'Running' } })
  t.ok(fieldSelector('spec.nodeName=n1,status.phase!=Pending', pod).test(running))
  t.notOk(fieldSelector('spec.nodeName=', pod).test(running))
  t.ok(fieldSelector('spec.nodeName=', pod).test(object({})), 'an absent field is empty')
  t.ok(fieldSelector('metadata.name=p,metadata.namespace=ns', { kind: 'Gadget', custom: true }).test(running))
  t.throws(
    () => fieldSelector('spec.nodeName=n1', { kind: 'Pod', custom: true }),
    { code: 400 },
    'a CRD may call its kind Pod',
  )
  t.throws(() => fieldSelector('status.podIPs=1', pod), { message: 'field label not supported: status.podIPs' })
  t.throws(() => fieldSelector('metadata.name', pod), { code: 400 })
})
